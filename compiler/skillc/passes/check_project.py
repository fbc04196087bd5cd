"""Compare the skills of a flow with what its project declares: names of skills, state fields, connectors."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from skillc.analyses.literals import known, literals
from skillc.analyses.scopes import exposed
from skillc.analyses.walk import expressions
from skillc.errors import Report, did_you_mean
from skillc.ir import ActionCall, Const, Expr, Flow, Skill
from skillc.passes.settings import Unit
from skillc.source import Span
from skillrt.actions import CATALOGUE
from skillrt.commands import ANY_CONNECTOR

SEND: Final = "SendCommand"
STATE_ACTIONS: Final = frozenset({"GetState", "SetState"})


def check_project(flow: Flow, unit: Unit) -> Flow:
    """Report SK222, SK223, SK230 and SK320; the flow stays as it is."""
    for skill in flow.skills:
        report = unit.reports[skill.idn]
        check_name(skill, report)
        if flow.state is not None:
            check_state(skill, flow.idn, flow.state.keys(), report)
        if flow.connectors:
            check_addresses(skill, literals(skill, exposed(flow)), flow.connectors, report)
    return flow


def check_name(skill: Skill, report: Report) -> None:
    """A skill named like an action: which of them calls mean.

    Source: project format, what a call resolves to.
    """
    entry = CATALOGUE.find(skill.idn)
    if entry is not None:
        code = "SK223" if entry.priority == "B" else "SK222"
        report(code, Span(0, 0), name=skill.idn)


def check_state(skill: Skill, flow: str, declared: Collection[str], report: Report) -> None:
    """State fields that the flow does not declare."""
    for expr in expressions(skill.body):
        if isinstance(expr, ActionCall) and expr.action in STATE_ACTIONS:
            match dict(expr.args).get("name"):
                case Const(span, str(written)) if (name := written.strip()) not in declared:
                    hint = did_you_mean(name, declared)
                    report("SK320", span, hint=hint, name=name, flow=flow)
                case _:
                    pass


def check_addresses(
    skill: Skill,
    variables: Mapping[str, Expr],
    declared: Collection[tuple[str, str]],
    report: Report,
) -> None:
    """Commands to connectors that the project does not declare; some integrations need none declared.

    Source: action catalogue, SendCommand.
    """
    for expr in expressions(skill.body):
        if not (isinstance(expr, ActionCall) and expr.action == SEND):
            continue
        args = {name: known(value, variables) for name, value in expr.args}
        match args.get("integration_idn"), args.get("connector_idn"):
            case Const(value=str(integration)), Const(span, str(connector)):
                integration, connector = integration.strip(), connector.strip()
                address = f"{integration}/{connector}"
                if (
                    not connector
                    or integration in ANY_CONNECTOR
                    or (integration, connector) in declared
                ):
                    continue
                near = did_you_mean(address, ("/".join(pair) for pair in declared))
                about = {"integration": integration, "connector": connector}
                report("SK230", span, hint=near, action=SEND, **about)
            case _:
                pass
