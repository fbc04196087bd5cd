"""The course of a skill: its end, calls by a computed name, notes in the trace."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias

from skillrt.catalogue import CATALOGUE, Action, Effect, action
from skillrt.context import Context
from skillrt.errors import ActionError
from skillrt.kinds import AnyValue, Name, Text, as_name, convert
from skillrt.names import python_name
from skillrt.values import defined

__all__ = ("do", "dummy", "invoke", "return_")

log: Final = logging.getLogger("skillrt")

Found: TypeAlias = tuple[str, Callable[..., Awaitable[Any]]]
"""A skill's idn and its coroutine."""


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
async def do(
    ctx: Context,
    *,
    action_name: Name,
    arguments: Mapping[str, Any] | None = None,
    printed: bool = False,
) -> Any:
    """Call the action or skill of a computed name, as a direct call of that name would.

    Args:
        ctx: the execution.
        action_name: an action, else a skill of this flow, else one of a library, which may be named in front of it
            (`shared.tidy`); an action known from the community alone comes after the skills.
        arguments: those of the called one, under the names that templates use.
        printed: the call is a whole tag, which prints what it returns.

    Returns:
        What it returns; "" instead where a tag that called it directly would print nothing.

    Raises:
        ActionError: nothing has the name, or it does not take the arguments.

    Source: project format, what a call resolves to.
    """
    given = arguments or {}
    entry = CATALOGUE.find(action_name)
    if entry is None or entry.priority == "B":
        if (skill := _find_skill(ctx, action_name)) is not None:
            return await _run_skill(ctx, skill, given)
        entry = entry or CATALOGUE.find_loosely(action_name)
    if entry is None:
        raise ActionError("Do", "actionName", f"no action or skill is called '{action_name}'")
    named = _bound(entry, given)
    result = entry.function(ctx, **named) if entry.awaited else entry.function(**named)
    if entry.awaited:
        result = await result
    return "" if printed and (not entry.prints or named.get("hidden")) else result


async def invoke(ctx: Context, name: Any, /, *args: Any, **named: Any) -> Any:
    """Call the action or skill of a name by arguments that are known at run time alone, as a direct call would.

    Raises:
        ActionError: nothing has the name, or it does not take the arguments.

    Source: language reference, calling actions and skills, arguments with `*` and `**`.
    """
    target = as_name(name, "Do.actionName")
    entry = CATALOGUE.find(target)
    if args:
        if (entry is None or entry.priority == "B") and _find_skill(ctx, target) is not None:
            raise ActionError(target, None, "arguments of skills are named")
        entry = entry or CATALOGUE.find_loosely(target)
        if entry is not None and entry.variadic:
            values = map(defined, args)
            return entry.function(*values, **_bound(entry, named))
        if entry is not None:
            named = _in_order(entry, args) | named
    given = {argument: defined(value) for argument, value in named.items()}
    return await do(ctx, action_name=target, arguments=given)


def _in_order(entry: Action, args: tuple[Any, ...]) -> dict[str, Any]:
    """Positional arguments under the names of the parameters, in order of declaration."""
    names = [parameter.name for parameter in entry.parameters]
    if len(args) > len(names):
        reason = f"takes at most {len(names)} positional arguments, {len(args)} given"
        raise ActionError(entry.name, None, reason)
    return dict(zip(names, args, strict=False))


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


def _find_skill(ctx: Context, name: str) -> Found | None:
    """The skill that the running one can call by that name: of its own flow or library, else of another library.

    Raises:
        ActionError: several libraries have it, or it is private to one.

    Source: project format, what a call resolves to, private skills.
    """
    own = ctx.libraries[ctx.frame.library] if ctx.frame.library else ctx.skills
    if name in own:
        return name, own[name]
    for library, skills in ctx.libraries.items():
        idn = name.removeprefix(f"{library}.")
        if idn != name and idn in skills:
            if idn.startswith("_") and library != ctx.frame.library:
                raise ActionError("Do", "actionName", f"'{idn}' is private to library '{library}'")
            return idn, skills[idn]
    having = [library for library, skills in ctx.libraries.items() if name in skills]
    if not having or name.startswith("_"):
        return None
    if len(having) > 1:
        reason = f"skill '{name}' is in several libraries: {', '.join(having)}"
        raise ActionError("Do", "actionName", reason)
    return name, ctx.libraries[having[0]][name]


async def _run_skill(ctx: Context, found: Found, given: Mapping[str, Any]) -> Any:
    """Call a skill; its module's manifest knows the Python names of what it declares."""
    idn, skill = found
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
