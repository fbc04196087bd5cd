"""Which variables of a skill are known when it is compiled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from skillc.analyses.scopes import Exposed, assignments, received, scopes
from skillc.analyses.walk import expressions
from skillc.ir import Const, Expr, Name, Skill, Unary


def literals(skill: Skill, given: Exposed) -> Mapping[str, Expr]:
    """The variables whose only assignment is a literal, with that literal; `given` is what the flow exposes.

    Lists and dicts are none of them: what holds something can be changed without an assignment.
    """
    facts = scopes(skill, given)
    if facts.computed:
        return {}
    found: dict[str, list[Expr | None]] = {}
    for assignment in assignments(skill):
        found.setdefault(assignment.name, []).append(assignment.value)
    elsewhere = facts.parameters | facts.loop_names
    for expr in expressions(skill.body):
        elsewhere |= received(expr, given)
    return {
        name: value
        for name, (value, *more) in found.items()
        if value is not None and is_literal(value) and not more and name not in elsewhere
    }


def is_literal(value: Expr) -> bool:
    """Whether an expression is text, none, a boolean, or a number with or without a sign."""
    match value:
        case Const() | Unary(op="-", value=Const()):
            return True
        case _:
            return False


def known(value: Expr, literals: Mapping[str, Expr]) -> Expr:
    """The literal that a variable stands for, at the variable's place; another expression is what it is."""
    if isinstance(value, Name) and value.name in literals:
        return replace(literals[value.name], span=value.span)
    return value
