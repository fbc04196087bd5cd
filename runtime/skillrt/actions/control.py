"""The course of a skill: its end, calls by a computed name, notes in the trace."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from skillrt.catalogue import CATALOGUE, Action, Effect, action
from skillrt.context import Context
from skillrt.errors import ActionError
from skillrt.kinds import AnyValue, Name, Text, convert
from skillrt.names import python_name
from skillrt.values import defined

__all__ = ("do", "dummy", "return_")

log: Final = logging.getLogger("skillrt")


@action(
    "Return",
    effects=Effect.CONTROL,
    priority="A",
    parameter_aliases={"value": "val", "result": "val"},
)
async def return_(ctx: Context, *, val: AnyValue = "") -> str:
    """End the skill; compiled code does it by `return`, never by a call.

    Args:
        ctx: the execution.
        val: the skill's result, of any kind.

    Raises:
        ActionError: always: a function cannot end its caller.
    """
    raise ActionError("Return", None, "ends the skill it stands in; a computed call cannot")


@action(
    "Do",
    effects=~Effect.PURE,
    point="target",
    priority="A",
    parameter_aliases={"action": "actionName"},
    prints=True,
)
async def do(ctx: Context, *, action_name: Name, arguments: Mapping[str, Any] | None = None) -> Any:
    """Call the action or skill of a computed name, as a direct call of that name would.

    Args:
        ctx: the execution.
        action_name: an action, else a skill of this flow; an action known from the community alone comes after the
            skills.
        arguments: those of the called one, under the names that templates use.

    Returns:
        What it returns.

    Raises:
        ActionError: nothing has the name, or it does not take the arguments.

    Source: project format, what a call resolves to.
    """
    given = arguments or {}
    entry = CATALOGUE.find(action_name)
    if entry is None or entry.priority == "B":
        if action_name in ctx.skills:
            return await _run_skill(ctx, action_name, given)
        entry = entry or CATALOGUE.find_loosely(action_name)
    if entry is None:
        raise ActionError("Do", "actionName", f"no action or skill is called '{action_name}'")
    named = _bound(entry, given)
    if entry.awaited:
        return await entry.function(ctx, **named)
    return entry.function(**named)


def _bound(entry: Action, given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as the action's function takes them, clean; of repeated ones the first."""
    named: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for name, value in given.items():
        parameter = entry.parameter(name)
        if parameter is not None:
            named.setdefault(parameter.python, convert(parameter, entry.name, value))
        elif entry.open:
            others[name] = value
        else:
            raise ActionError(entry.name, name, "unknown argument")
    for parameter in entry.parameters:
        if parameter.required and parameter.python not in named:
            raise ActionError(entry.name, parameter.name, "missing argument")
    return named | {"arguments": others} if entry.open else named


async def _run_skill(ctx: Context, idn: str, given: Mapping[str, Any]) -> Any:
    """Call a skill; its module's manifest knows the Python names of what it declares."""
    skill = ctx.skills[idn]
    manifest: Mapping[str, Any] = getattr(skill, "__globals__", {}).get("__manifest__", {})
    names: Mapping[str, str] = manifest.get("skills", {}).get(idn, {}).get("parameters", {})
    named = {names.get(name) or python_name(name): defined(value) for name, value in given.items()}
    return await skill(ctx, **named)


@action("DUMMY", priority="A", aliases=("Dummy",), void=True)
def dummy(message: Text = "") -> str:
    """Write a note to the log, at level DEBUG.

    Args:
        message: the note.

    Returns:
        "".
    """
    log.debug("DUMMY: %s", message)
    return ""
