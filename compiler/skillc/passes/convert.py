"""Make the arguments of actions clean: literals now, everything else at run time where it may be needed."""

from __future__ import annotations

import json
import math
import zoneinfo
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from skillc.analyses.literals import known, literals
from skillc.analyses.scopes import exposed
from skillc.analyses.types import KIND_RESULTS, NEVER, Type, Types, is_text, types
from skillc.analyses.walk import rewrite
from skillc.errors import Report, did_you_mean
from skillc.ir import (
    ActionCall,
    Const,
    Convert,
    DictExpr,
    Expr,
    Flow,
    ListExpr,
    Name,
    Skill,
    Unary,
)
from skillc.passes.settings import Settings, Unit
from skillc.source import Span
from skillrt.actions import CATALOGUE
from skillrt.catalogue import Action, ActionParameter
from skillrt.errors import ActionError
from skillrt.guards import is_dict, is_list
from skillrt.kinds import Kind, convert, shown
from skillrt.values import load_json

JSON_KINDS: Final = frozenset({Kind.JSON, Kind.JSON_ARRAY, Kind.JSON_OBJECT})
LITERAL_RESULTS: Final = (str, int, float, bool)
NESTED_LEVELS: Final = 10
TRIMMED: Final = frozenset({Kind.NAME, Kind.ID, Kind.DATE, Kind.TZ})


def convert_arguments(flow: Flow, unit: Unit) -> Flow:
    """Convert literal arguments by the kind of their parameter, and mark what must be converted at run time.

    Before: GenStream(max_tokens="150", temperature=t)
    After: GenStream(max_tokens=150, temperature=Convert(GenStream.temperature, t))

    A variable whose only assignment is a literal is checked like the literal, and stays a variable.

    Source: action catalogue, parameter kinds and accepted lenient forms; compile-time errors.
    """
    facts, given = types(flow), exposed(flow)
    return replace(
        flow,
        skills=tuple(
            _converted(
                skill,
                facts[skill.idn],
                literals(skill, given),
                unit.settings,
                unit.reports[skill.idn],
            )
            for skill in flow.skills
        ),
    )


def _converted(
    skill: Skill,
    facts: Types,
    variables: Mapping[str, Expr],
    settings: Settings,
    report: Report,
) -> Skill:
    def change(expr: Expr) -> Expr:
        if not isinstance(expr, ActionCall):
            return expr
        entry = CATALOGUE[expr.action]
        parameters = {parameter.python: parameter for parameter in entry.parameters}
        args: list[tuple[str, Expr]] = []
        for name, value in expr.args:
            if name not in parameters:  # no template can write it: a pass before made it
                args.append((name, value))
                continue
            if isinstance(value, Name):
                check_argument(entry, parameters[name], known(value, variables), report)
            clean = clean_argument(entry, parameters[name], value, facts, report)
            if clean is not None:
                args.append((name, clean))
        if expr.action == "IsSimilar" and settings.similarity == "normalized":
            args = normalized_similarity(expr, args)
        return replace(expr, args=tuple(args))

    return replace(skill, body=rewrite(skill.body, change))


def normalized_similarity(call: ActionCall, args: list[tuple[str, Expr]]) -> list[tuple[str, Expr]]:
    """The arguments of IsSimilar when the project chose the formula that divides by the longer text."""
    if "threshold" not in dict(args):
        args = [*args, ("threshold", Const(call.span, 0.8))]
    return [*args, ("normalized", Const(call.span, value=True))]


def clean_argument(
    entry: Action, parameter: ActionParameter, value: Expr, facts: Types, report: Report
) -> Expr | None:
    """The value as the function takes it; None when a literal means "not given"."""
    literal = literal_value(value)
    if literal is not NO_LITERAL:
        return _clean_literal(entry, parameter, value, literal, report)
    if is_clean(parameter, facts.of(value)):
        return value
    return Convert(value.span, f"{entry.name}.{parameter.name}", value)


def check_argument(entry: Action, parameter: ActionParameter, value: Expr, report: Report) -> None:
    """Report a literal that the parameter cannot take."""
    literal = literal_value(value)
    if literal is not NO_LITERAL:
        _clean_literal(entry, parameter, value, literal, report)


NO_LITERAL: Final = object()


def literal_value(value: Expr) -> object:
    """The value of a literal, or of a list or dict made of them; else NO_LITERAL."""
    match value:
        case Const():
            return value.value
        case Unary(op="-", value=Const(value=int() | float() as number)):
            return NO_LITERAL if isinstance(number, bool) else -number
        case ListExpr():
            items = [literal_value(item) for item in value.items]
            return NO_LITERAL if NO_LITERAL in items else items
        case DictExpr() if all(isinstance(key, Const) for key, _ in value.pairs):
            data = {literal_value(key): literal_value(part) for key, part in value.pairs}
            return NO_LITERAL if NO_LITERAL in data.values() else data
        case _:
            return NO_LITERAL


def _clean_literal(
    entry: Action, parameter: ActionParameter, value: Expr, literal: object, report: Report
) -> Expr | None:
    try:
        clean = convert(parameter, entry.name, literal)
    except ActionError:
        report_bad_literal(entry, parameter, value, literal, report)
        return value
    return clean_literal_expr(entry.name, parameter, value, clean)


def clean_literal_expr(
    action: str, parameter: ActionParameter, value: Expr, clean: object
) -> Expr | None:
    """The expression of a converted literal; None when it says nothing that the default does not."""
    if clean is None and not parameter.required and parameter.kind is not Kind.ANY:
        return None
    if parameter.kind is Kind.ANY:
        return value
    written = literal_expr(value.span, clean)
    return Convert(value.span, f"{action}.{parameter.name}", value) if written is None else written


def literal_expr(span: Span, value: object, levels: int = NESTED_LEVELS) -> Expr | None:
    """The expression that makes a value; None for one without a literal, or when it nests deeper than `levels`."""
    if value is None or isinstance(value, LITERAL_RESULTS):
        finite = not isinstance(value, float) or math.isfinite(value)
        return Const(span, value) if finite else None
    if levels and is_list(value):
        items = literal_exprs(span, value, levels - 1)
        return None if items is None else ListExpr(span, items)
    if levels and is_dict(value):
        keys, parts = (literal_exprs(span, half, levels - 1) for half in (value, value.values()))
        whole = None if keys is None or parts is None else tuple(zip(keys, parts, strict=True))
        return None if whole is None else DictExpr(span, whole)
    return None


def literal_exprs(span: Span, values: Iterable[object], levels: int) -> tuple[Expr, ...] | None:
    """The expressions that make all of the values; None when one has none."""
    written = [literal_expr(span, value, levels) for value in values]
    found = tuple(expr for expr in written if expr is not None)
    return found if len(found) == len(written) else None


def report_bad_literal(
    entry: Action, parameter: ActionParameter, value: Expr, literal: object, report: Report
) -> None:
    """Say what is wrong with a literal: its choice, its range, its time zone, its JSON, or its kind."""
    about = {"action": entry.name, "parameter": parameter.name}
    if parameter.choices:
        choices = ", ".join(f"'{choice}'" for choice in parameter.choices)
        near = did_you_mean(str(literal).strip(), parameter.choices)
        report("SK210", value.span, hint=near, choices=choices, **about)
    elif parameter.range is not None and _in_kind(parameter, entry.name, literal):
        report("SK212", value.span, value=shown(literal), range=str(parameter.range), **about)
    elif parameter.kind is Kind.TZ:
        near = did_you_mean(str(literal).strip(), zoneinfo.available_timezones())
        report("SK228", value.span, hint=near, action=entry.name, value=literal)
    elif parameter.kind in JSON_KINDS:
        report("SK226", value.span, reason=json_fault(literal, parameter.kind), **about)
    else:
        report("SK213", value.span, kind=parameter.kind.value, value=shown(literal), **about)


def json_fault(literal: object, kind: Kind) -> str:
    """What keeps a literal from being JSON of a kind."""
    if isinstance(literal, str):
        try:
            load_json(literal)
        except json.JSONDecodeError as error:
            return f"{error.msg[0].lower()}{error.msg[1:]} at character {error.pos + 1}"
        except ValueError as error:
            return str(error)
    return f"expected {kind.value}"


def _in_kind(parameter: ActionParameter, action: str, literal: object) -> bool:
    try:
        convert(replace(parameter, range=None), action, literal)
    except ActionError:
        return False
    return True


def is_clean(parameter: ActionParameter, type_: Type) -> bool:
    """Whether values of a static type need no conversion: no trimming, no lenient form, no limit to check."""
    if parameter.kind is Kind.ANY:
        return "Undefined" not in type_
    if type_ == NEVER or parameter.range is not None or parameter.choices:
        return False
    if parameter.kind is Kind.TEXT:
        return is_text(type_)
    if parameter.kind in TRIMMED:
        return False
    return parameter.required and type_ <= KIND_RESULTS.get(parameter.kind, NEVER)
