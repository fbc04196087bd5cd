"""Find calls of actions whose arguments do not do together what they seem to ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, TypeAlias

from typing_extensions import TypeIs

from skillc.analyses.literals import known, literals
from skillc.analyses.scopes import exposed
from skillc.analyses.walk import (
    children,
    expressions,
    own_expressions,
    statements,
    subexpressions,
)
from skillc.errors import Report, did_you_mean
from skillc.ir import ActionCall, Assign, Const, Emit, Evaluate, Expr, Flow, Name, Skill, Void
from skillc.passes.settings import Settings, Unit
from skillrt.actions import CATALOGUE
from skillrt.actions.identity import PERSONA_FIELDS
from skillrt.catalogue import python_parameter, template_name
from skillrt.commands import PROGRAM_TIMER
from skillrt.errors import ActionError
from skillrt.kinds import convert


def check_calls(flow: Flow, unit: Unit) -> Flow:
    """Report SK214, SK225, SK229, SK231, SK410, SK411, SK413 and SK510; the flow stays as it is."""
    given = exposed(flow)
    for skill in flow.skills:
        report = unit.reports[skill.idn]
        variables = literals(skill, given)
        for expr in expressions(skill.body):
            if isinstance(expr, ActionCall) and expr.action in CHECKS:
                args = tuple((name, known(value, variables)) for name, value in expr.args)
                call = replace(expr, args=args)
                CHECKS[expr.action](call, dict(args), report, unit.settings)
        check_void_results(skill, report)
        check_broadcasts(skill, report)
    return flow


Check: TypeAlias = Callable[[ActionCall, Mapping[str, Expr], Report, Settings], None]

LOOSE_THRESHOLD: Final = 0.5


def check_gen_stream(
    call: ActionCall, args: Mapping[str, Expr], report: Report, _settings: Settings
) -> None:
    """Windows need their mode and modes their window; actors need `sendTo="actors"` and the other way round."""
    mode, target = choice(call, "interruptMode"), choice(call, "sendTo")
    if mode == "interruptWindow" and not is_given(args, "interrupt_window"):
        report("SK410", args["interrupt_mode"].span)
    if mode in {"interrupt", "none"} and is_given(args, "interrupt_window"):
        ignored(report, call, args, "interruptWindow", f"with interruptMode '{mode}'")
    if target == "actors" and not is_given(args, "actor_ids"):
        report("SK411", args["send_to"].span)
    if target in {"currentActor", "latestMessageActor"} and is_given(args, "actor_ids"):
        ignored(report, call, args, "actorIds", f"with sendTo '{target}'")


def check_gen(
    call: ActionCall, args: Mapping[str, Expr], report: Report, _settings: Settings
) -> None:
    """A schema is needed before it can be enforced."""
    if is_given(args, "validate_schema") and not is_given(args, "json_schema"):
        ignored(report, call, args, "validateSchema", "without jsonSchema")


def check_is_similar(
    call: ActionCall, args: Mapping[str, Expr], report: Report, settings: Settings
) -> None:
    """The documented formula calls most texts of similar length similar; once a skill is enough to say so."""
    strategy = choice(call, "strategy")
    threshold = literal(args, "threshold", 0.4)
    if strategy == "symbols" and is_given(args, "threshold"):
        ignored(report, call, args, "threshold", "with strategy 'symbols'")
    said = any(finding.code == "SK510" for finding in report.findings.values())
    if strategy == "hamming" and settings.similarity == "platform" and not said:
        value = number(threshold)
        if value is not None and value <= LOOSE_THRESHOLD:
            report("SK510", report.source.word(call.span.start), threshold=f"{value:g}")


def check_is_global(
    call: ActionCall, args: Mapping[str, Expr], report: Report, _settings: Settings
) -> None:
    """The variable test that some tools describe does not exist."""
    if "name" in args:
        ignored(report, call, args, "name", "since IsGlobal tests no variable")


def check_person(
    call: ActionCall, args: Mapping[str, Expr], report: Report, _settings: Settings
) -> None:
    """What is no field of a persona is read as an attribute."""
    field = literal(args, "field", None)
    if isinstance(field, str) and field and field not in PERSONA_FIELDS:
        near = did_you_mean(field, PERSONA_FIELDS)
        report("SK229", args["field"].span, action=call.action, field=field, hint=near)


def check_send_command(
    call: ActionCall, args: Mapping[str, Expr], report: Report, _settings: Settings
) -> None:
    """Without a connector the integration must have just one; a timer has another name for it."""
    integration = literal(args, "integration_idn", None)
    if not is_given(args, "connector_idn") and integration not in {None, PROGRAM_TIMER}:
        report("SK231", report.source.word(call.span.start))


def check_send_system_event(
    call: ActionCall, args: Mapping[str, Expr], report: Report, _settings: Settings
) -> None:
    """An event that belongs to no user goes to no actor."""
    if choice(call, "global") is True and is_given(args, "actor_ids"):
        ignored(report, call, args, "actorIds", "with global=True")


def check_get_date_time(
    call: ActionCall, args: Mapping[str, Expr], report: Report, _settings: Settings
) -> None:
    """A timestamp is the same everywhere, and is nothing but digits."""
    if choice(call, "format") == "timestamp":
        for parameter in ("timezone", "weekday"):
            if is_given(args, parameter):
                ignored(report, call, args, parameter, "with format 'timestamp'")


def check_void_results(skill: Skill, report: Report) -> None:
    """The value of an action that has none is used."""
    for stmt in statements(skill.body):
        for expr in own_expressions(stmt):
            used = children(expr) if isinstance(stmt, Evaluate | Emit) else (expr,)
            for value in used:
                for inner in subexpressions(value):
                    action = inner.action if isinstance(inner, ActionCall) else "Set"
                    if isinstance(inner, ActionCall | Void) and CATALOGUE[action].void:
                        place = report.source.word(inner.span.start)
                        report("SK214", place, action=action)


NARROWING: Final = frozenset({"persona_id", "external_id", "connector_idn"})
BROADCASTING: Final = frozenset({"SendMessage", "GenStream"})


def check_broadcasts(skill: Skill, report: Report) -> None:
    """Actors found by channel alone, of all users, get a message: directly or through a variable."""
    sources: dict[str, list[ActionCall]] = {}
    for stmt in statements(skill.body):
        if isinstance(stmt, Assign) and is_wide(stmt.value):
            sources.setdefault(stmt.name, []).append(stmt.value)
    for expr in expressions(skill.body):
        if not isinstance(expr, ActionCall) or expr.action not in BROADCASTING:
            continue
        match dict(expr.args).get("actor_ids"):
            case Name(name=name):
                found = sources.get(name, [])
            case value:
                found = [value] if is_wide(value) else []
        for call in found:
            place = report.source.word(call.span.start)
            report("SK413", place, filters=shown_filters(call))


def shown_filters(call: ActionCall) -> str:
    """The filters of a call as its author reads them: `integrationIdn 'vapi'`."""
    shown: list[str] = []
    for name, value in call.args:
        if name != "fields":
            literal = f" '{value.value}'" if isinstance(value, Const) else ""
            shown.append(template_name(name) + literal)
    return ", ".join(shown)


def is_wide(expr: Expr | None) -> TypeIs[ActionCall]:
    """Whether an expression finds the actors of all users: by filters of which none names a person or a line."""
    if not isinstance(expr, ActionCall) or expr.action != "GetActors":
        return False
    filters = {name for name, _ in expr.args if name != "fields"}
    return bool(filters) and not filters & NARROWING


CHECKS: Final[Mapping[str, Check]] = {
    "GetUser": check_person,
    "GetPersona": check_person,
    "GetDateTime": check_get_date_time,
    "SendCommand": check_send_command,
    "SendSystemEvent": check_send_system_event,
    "GenStream": check_gen_stream,
    "Gen": check_gen,
    "IsSimilar": check_is_similar,
    "IsGlobal": check_is_global,
}


def ignored(
    report: Report, call: ActionCall, args: Mapping[str, Expr], parameter: str, reason: str
) -> None:
    """Report an argument that has no effect beside the others."""
    span = args[python_parameter(parameter)].span
    report("SK225", span, action=call.action, parameter=parameter, reason=reason)


def choice(call: ActionCall, parameter: str) -> object:
    """The literal choice of a call, the default when it is not given; None when it is computed, or none of them."""
    entry = next(p for p in CATALOGUE[call.action].parameters if p.name == parameter)
    match dict(call.args).get(entry.python):
        case None:
            return entry.default
        case Const(value=value):
            try:
                return convert(entry, call.action, value)
            except ActionError:
                return None
        case _:
            return None


def is_given(args: Mapping[str, Expr], name: str) -> bool:
    """Whether an optional argument is given: a literal blank says that it is not."""
    match args.get(name):
        case None | Const(value=None):
            return False
        case Const(value=str(text)):
            return bool(text.strip())
        case _:
            return True


def literal(args: Mapping[str, Expr], name: str, default: object) -> object:
    """The literal value of an argument, the default if it is absent, else None."""
    match args.get(name):
        case None:
            return default
        case Const(value=str(text)):
            return text.strip()
        case Const(value=value):
            return value
        case _:
            return None


def number(value: object) -> float | None:
    """The number that a literal means, or None."""
    try:
        return float(str(value))
    except ValueError:
        return None
