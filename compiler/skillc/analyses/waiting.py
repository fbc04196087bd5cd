"""Where a skill waits: which of its macros are coroutines, which loops pass an interruption point by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from skillc.analyses.walk import Body, bodies, own_expressions, statements, subexpressions
from skillc.ir import (
    ActionCall,
    Assign,
    Bind,
    Block,
    Capture,
    Each,
    Emit,
    Evaluate,
    Expose,
    Expr,
    Invoke,
    Macro,
    MacroCall,
    Recur,
    Role,
    Select,
    Skill,
    SkillCall,
    Stmt,
    Void,
)
from skillrt.actions import CATALOGUE

SURE_POINTS: Final = frozenset({"all", "start"})


def waiting_macros(skill: Skill, loose: frozenset[str]) -> frozenset[str]:
    """The macros whose code waits for something, themselves or in what they call.

    All wait that others get as callers, and the `loose` ones, of which only the run knows what their names mean. A
    loop waits, since every so many steps it lets others run.
    """
    macros = [stmt for stmt in statements(skill.body) if isinstance(stmt, Macro)]
    callers = {macro.called_back for macro in macros if macro.called_back is not None}
    every = (expr for stmt in statements(skill.body) for expr in _expressions_of(stmt))
    waiting = {expr.caller for expr in every if isinstance(expr, MacroCall) and expr.caller}
    waiting |= loose
    while True:
        known = callers | waiting
        more = {macro.name for macro in macros if _waits(macro, known)} - waiting
        if not more:
            return frozenset(waiting)
        waiting |= more


def _waits(macro: Macro, known: set[str]) -> bool:
    """Whether the code of a macro waits, when the `known` ones do."""
    own = (expr for part in own_expressions(macro) for expr in subexpressions(part))
    inside = list(_statements_of(macro.body))
    if any(isinstance(stmt, Each | Select) for stmt in inside):
        return True
    expressions = (expr for stmt in inside for expr in _expressions_of(stmt))
    return any(_is_awaited(expr, known) for expr in (*own, *expressions))


def _is_awaited(expr: Expr, known: set[str]) -> bool:
    match expr:
        case ActionCall():
            return CATALOGUE[expr.action].awaited
        case SkillCall() | Invoke() | Recur():
            return True
        case MacroCall():
            return expr.macro in known
        case _:
            return False


def _statements_of(body: Body) -> Iterator[Stmt]:
    """The statements of a body, without those of the macros defined in it."""
    for stmt in body:
        yield stmt
        if not isinstance(stmt, Macro):
            for inner in bodies(stmt):
                yield from _statements_of(inner)


def _expressions_of(stmt: Stmt) -> Iterator[Expr]:
    """What a statement evaluates when it runs; a macro only defines something."""
    if not isinstance(stmt, Macro):
        for expr in own_expressions(stmt):
            yield from subexpressions(expr)


def passes_point(body: Body) -> bool:
    """Whether every pass through a body reaches an interruption point, whatever the variables hold."""
    return any(map(_passes_point, body))


def _passes_point(stmt: Stmt) -> bool:
    match stmt:
        case Emit() | Evaluate() | Assign():
            expr = stmt.value
            while isinstance(expr, Bind | Expose | Void):
                expr = expr.value
            return isinstance(expr, ActionCall) and CATALOGUE[expr.action].point in SURE_POINTS
        case Role() | Block() | Capture():
            return passes_point(stmt.body)
        case _:
            return False
