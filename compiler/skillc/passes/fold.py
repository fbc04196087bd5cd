"""Compute at compile time what depends on literals alone."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

from skillc.analyses.walk import rewrite
from skillc.ir import ActionCall, Binary, Conditional, Const, DictExpr, Expr, Flow, ListExpr, Unary
from skillc.passes.convert import LITERAL_RESULTS, NO_LITERAL, literal_value
from skillc.passes.settings import Unit
from skillrt import values
from skillrt.actions import CATALOGUE
from skillrt.catalogue import Effect
from skillrt.errors import SkillError

OPERATIONS: Final = {
    "+": values.add,
    "-": values.subtract,
    "*": values.multiply,
    "/": values.divide,
    "%": values.modulo,
    "//": values.floor_divide,
    "**": values.power,
}
FOLDED_TEXT_LIMIT: Final = 1000


def fold_constants(flow: Flow, _unit: Unit) -> Flow:
    """Replace pure calls and arithmetic on literals by their value, and choices by what they choose.

    Before: Concat("a", Add(1, 2))    After: "a3"

    What raises is left as it is, so that the error comes when and where the template would raise it.
    """
    return replace(
        flow, skills=tuple(replace(s, body=rewrite(s.body, folded)) for s in flow.skills)
    )


def folded(expr: Expr) -> Expr:
    """The value of an expression whose parts are folded already, if it is known."""
    try:
        match expr:
            case Unary(span, "-", Const(value=int() | float() as number)) if not isinstance(
                number, bool
            ):
                return Const(span, -number)
            case Binary(span, op, Const(value=left), Const(value=right)):
                return constant(expr, OPERATIONS[op](left, right))
            case Conditional(test=Const(value=test)):
                return expr.body if test else expr.orelse
            case ActionCall() if foldable(expr):
                entry = CATALOGUE[expr.action]
                rest = [literal_value(value) for value in expr.rest]
                named = {name: literal_value(value) for name, value in expr.args}
                return constant(expr, entry.function(*rest, **named))
            case _:
                return expr
    except SkillError:
        return expr


def foldable(call: ActionCall) -> bool:
    """Whether a call has no effect, needs no context, and all its arguments are literals."""
    entry = CATALOGUE[call.action]
    if entry.effects != Effect.PURE or entry.awaited or call.extra:
        return False
    arguments = [*call.rest, *(value for _, value in call.args)]
    return not any(
        literal_value(value) is NO_LITERAL or isinstance(value, ListExpr | DictExpr)
        for value in arguments
    )


def constant(expr: Expr, value: object) -> Expr:
    """The literal, if the value can be written as one; its exact type counts, and huge ones stay computed."""
    if type(value) not in LITERAL_RESULTS:
        return expr
    if isinstance(value, float) and not math.isfinite(value):
        return expr
    if isinstance(value, str) and len(value) > FOLDED_TEXT_LIMIT:
        return expr
    return Const(expr.span, value)  # type: ignore[arg-type]  # one of LITERAL_RESULTS, just tested
