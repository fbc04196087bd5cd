"""Hand on what exposed variables are assigned later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from skillc.analyses.scopes import assignments, computes_exposed, is_function
from skillc.analyses.walk import Body, bound_names, map_children, map_expressions, statements
from skillc.ir import (
    Assign,
    Bind,
    Const,
    Each,
    Evaluate,
    Expose,
    Expr,
    Flow,
    Macro,
    Name,
    SetComputed,
    Skill,
    Stmt,
)
from skillc.passes.settings import Unit
from skillc.source import Span


def follow_exposed(flow: Flow, _unit: Unit) -> Flow:
    """Expose again, wherever it is assigned, what a skill exposes: its caller gets the last value.

    Before: Assign(x, Expose(x, 1)), Assign(x, 2)    After: Assign(x, Expose(x, 1)), Assign(x, Expose(x, 2, if none))

    Source: language reference, Set, expose, IsGlobal.
    """
    return replace(flow, skills=tuple(map(_followed, flow.skills)))


def _followed(skill: Skill) -> Skill:
    shown = {a.name: a.value.name for a in assignments(skill) if isinstance(a.value, Expose)}
    if computes_exposed(skill):  # it may be any variable of the run
        items = {
            name
            for stmt in statements(skill.body)
            if isinstance(stmt, Each)
            for name in bound_names(stmt)
        }
        shown = {a.name: a.name for a in assignments(skill) if a.name not in items} | shown
    elif not shown:
        return skill
    return replace(skill, body=_Following(shown).body(skill.body))


@dataclass(frozen=True, slots=True)
class _Following:
    """The variables to follow, with the names they are exposed under.

    `inside` a macro or recursive loop, what statements assign are variables of its own.
    """

    shown: Mapping[str, str]
    inside: bool = False

    def body(self, body: Body) -> Body:
        return tuple(made for stmt in body for made in self.stmt(stmt))

    def stmt(self, stmt: Stmt) -> tuple[Stmt, ...]:
        """The statement, and what is to be exposed behind it."""
        following = replace(self, inside=True) if is_function(stmt) else self
        stmt = map_expressions(stmt, self.expr, following.body)
        if self.inside or isinstance(stmt, Each | Macro):
            return (stmt,)
        if isinstance(stmt, Assign):
            return (replace(stmt, value=self.exposed(stmt.span, stmt.name, stmt.value)),)
        names = [name for name in bound_names(stmt) if name in self.shown]
        again = (self.exposed(stmt.span, name, Name(stmt.span, name)) for name in names)
        return (stmt, *(Evaluate(expr.span, expr) for expr in again))

    def expr(self, expr: Expr) -> Expr:
        expr = map_children(expr, self.expr)
        match expr:
            case Bind():
                return replace(expr, value=self.exposed(expr.span, expr.name, expr.value))
            case SetComputed(expose=Const(value=False)):
                return replace(expr, expose=if_exposed(expr.span))
            case _:
                return expr

    def exposed(self, span: Span, name: str, value: Expr) -> Expr:
        """The value of a variable, exposed if the variable is, unless it is already."""
        if name not in self.shown or isinstance(value, Expose):
            return value
        return Expose(span, self.shown[name], value, if_exposed(span))


def if_exposed(span: Span) -> Const:
    """When to expose: if the variable is exposed already."""
    return Const(span, None)
