"""The commands of the shipped connectors and what arguments they take: one table, for them and for the compiler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from skillrt.catalogue import ActionParameter, fold, python_parameter
from skillrt.kinds import Kind, convert


def _parameters(**kinds: Kind) -> tuple[ActionParameter, ...]:
    return tuple(
        ActionParameter(name=name, python=python_parameter(name), kind=kind, required=False)
        for name, kind in kinds.items()
    )


PROGRAM_TIMER: Final = "program_timer"
TIMER: Final = _parameters(
    personaId=Kind.ID,
    timerName=Kind.NAME,
    interval=Kind.NUM,
    fireAt=Kind.DATE,
    repeatable=Kind.FLAG,
    enabled=Kind.FLAG,
    eventIdn=Kind.NAME,
)

COMMANDS: Final[Mapping[str, Mapping[str, tuple[ActionParameter, ...]]]] = {
    PROGRAM_TIMER: {
        "set_timer": TIMER,
        "set_repeatable_timer": TIMER,
        "set_repeatable_time": TIMER,  # a misprint that many projects hold
    },
}
"""By integration and command; an integration that is not here takes any."""


ANY_CONNECTOR: Final = frozenset({"api", "http", PROGRAM_TIMER, "system"})
"""The integrations of the runtime that have whatever connector a command names."""


def parameter_of(parameters: tuple[ActionParameter, ...], name: str) -> ActionParameter | None:
    """The parameter that a command's argument means: its case and underscores do not count.

    Source: action catalogue, SendCommand: argument names of built-in commands.
    """
    return next((one for one in parameters if fold(one.name) == fold(name)), None)


def read_arguments(
    integration_idn: str, idn: str, arguments: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The arguments that the command knows, clean, by their names, and the others as they are.

    A blank one is left out; of two spellings of one name the first counts.

    Raises:
        LookupError: the integration has no such command.
        ActionError: a value is not of its kind.
    """
    parameters = COMMANDS[integration_idn][idn]
    known: dict[str, Any] = {}
    others: dict[str, str] = {}
    for name, value in arguments.items():
        parameter = parameter_of(parameters, name)
        if parameter is None:
            others[name] = value
        elif parameter.name not in known:
            clean = convert(parameter, idn, value)
            if clean is not None:
                known[parameter.name] = clean
    return known, others
