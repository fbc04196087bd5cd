"""Find commands to the shipped connectors that cannot be carried out as they are written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from skillc.analyses.literals import known, literals
from skillc.analyses.scopes import exposed
from skillc.analyses.walk import expressions
from skillc.errors import Report
from skillc.ir import ActionCall, Const, Expr, Flow
from skillc.passes.check_calls import is_given
from skillc.passes.convert import NO_LITERAL, literal_value, report_bad_literal
from skillc.passes.settings import Unit
from skillrt.actions import CATALOGUE
from skillrt.commands import COMMANDS, TIMER, parameter_of
from skillrt.errors import ActionError
from skillrt.kinds import convert
from skillrt.values import stored

SEND: Final = "SendCommand"
COMPUTED: Final = object()
"""What is known only when the skill runs."""


def check_commands(flow: Flow, unit: Unit) -> Flow:
    """Report SK202 and SK213 for literal arguments of literal commands; the flow stays as it is.

    Source: event model, timers: bad or missing times are "a compile error when literal".
    """
    given = exposed(flow)
    for skill in flow.skills:
        variables = literals(skill, given)
        for expr in expressions(skill.body):
            if isinstance(expr, ActionCall) and expr.action == SEND:
                check_command(expr, variables, unit.reports[skill.idn])
    return flow


def check_command(call: ActionCall, variables: Mapping[str, Expr], report: Report) -> None:
    """Check what is literal of one command, if it is one of ours."""
    named = {name: known(value, variables) for name, value in call.args}
    integration, idn = (_text(named.get(name)) for name in ("integration_idn", "command_idn"))
    parameters = COMMANDS.get(integration, {}).get(idn)
    if parameters is None:
        return
    values: dict[str, Any] = {}
    places: dict[str, Expr] = {}
    for name, written in call.extra:
        parameter = parameter_of(parameters, name)
        if parameter is None or parameter.name in places:
            continue
        places[parameter.name] = value = known(written, variables)
        literal = literal_value(value)
        try:
            clean = COMPUTED if literal is NO_LITERAL else convert(parameter, idn, stored(literal))
        except ActionError:
            report_bad_literal(CATALOGUE[SEND], parameter, value, literal, report)
            clean = COMPUTED
        if clean is not None:
            values[parameter.name] = clean
    if parameters is TIMER:
        connected = is_given(named, "connector_idn")
        check_timer(call, idn, values, places, report, connected=connected)


def check_timer(
    call: ActionCall,
    idn: str,
    values: Mapping[str, Any],
    places: Mapping[str, Expr],
    report: Report,
    *,
    connected: bool,
) -> None:
    """A timer has a name, and a time unless it may be one that was set before."""
    place = report.source.word(call.span.start)
    if not connected and "timerName" not in values:
        report("SK202", place, action=SEND, parameter="timerName")
    enabled, interval, dated = values.get("enabled"), values.get("interval"), "fireAt" in values
    if enabled not in {None, True}:
        return  # switched off, or nobody knows yet
    repeatable = True if idn != "set_timer" else values.get("repeatable", False)
    if interval is None and (repeatable is True if dated else enabled is None):
        report("SK202", place, action=SEND, parameter="interval")
    counts = not dated or repeatable is True
    if enabled and counts and isinstance(interval, int | float) and interval <= 0:
        about = {"parameter": "interval", "kind": "seconds, more than 0", "value": f"{interval:g}"}
        report("SK213", places["interval"].span, action=SEND, **about)


def _text(value: Expr | None) -> str:
    """The text that a literal is, without blanks around it; "" for anything else."""
    return value.value.strip() if isinstance(value, Const) and isinstance(value.value, str) else ""
