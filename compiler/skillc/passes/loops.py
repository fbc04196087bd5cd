"""Give every loop variable a name of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from skillc.analyses.scopes import Exposed, exposed, received
from skillc.analyses.walk import (
    Body,
    bodies,
    bound_names,
    map_children,
    map_expressions,
    own_expressions,
    subexpressions,
)
from skillc.ir import (
    Assign,
    Bind,
    Block,
    Capture,
    Each,
    Expr,
    Flow,
    Name,
    Select,
    Skill,
    Stmt,
    Target,
    Unpack,
    target_names,
)
from skillc.passes.settings import Unit


def rename_loops(flow: Flow, _unit: Unit) -> Flow:
    """Rename loop variables that hide something, so that afterwards one name means one variable.

    Before: Each(this: Each(this: Emit(this)))    After: Each(this: Each(this_2: Emit(this_2)))

    Source: language reference, variables and scope: a loop's names live in a frame that hides outer ones, and
    an assignment to a name bound in a live frame changes the frame only. What a called skill exposes is assigned
    in the run's scope.
    """
    given = exposed(flow)
    return replace(flow, skills=tuple(_renamed(skill, given) for skill in flow.skills))


def _renamed(skill: Skill, given: Exposed) -> Skill:
    taken = {skill.result_variable, *(parameter.name for parameter in skill.parameters)}
    taken.update(_outside(skill.body, frozenset(), given))
    return replace(skill, body=_body(skill.body, {}, frozenset(taken)))


def _body(body: Body, frames: Mapping[str, str], taken: frozenset[str]) -> Body:
    """A body inside loops that bind the keys of `frames`, under their new names."""
    return tuple(_stmt(stmt, frames, taken) for stmt in body)


def _stmt(stmt: Stmt, frames: Mapping[str, str], taken: frozenset[str]) -> Stmt:
    match stmt:
        case Each():
            inside = dict(frames)
            for name in target_names(stmt.item):
                inside[name] = _fresh(name, taken | set(inside.values()))
            return replace(
                stmt,
                iterable=_expr(stmt.iterable, frames),
                item=_target(stmt.item, inside),
                test=None if stmt.test is None else _expr(stmt.test, inside),
                body=_body(stmt.body, inside, taken),
                orelse=_body(stmt.orelse, frames, taken),
            )
        case Unpack():
            targets = tuple(_target(target, frames) for target in stmt.targets)
            stmt = replace(stmt, targets=targets)
        case (
            Assign(name=str(name))
            | Capture(name=str(name))
            | Block(name=str(name))
            | Select(name=str(name))
        ):
            stmt = replace(stmt, name=frames.get(name, name))
        case _:
            pass
    return map_expressions(
        stmt, lambda expr: _expr(expr, frames), lambda inner: _body(inner, frames, taken)
    )


def _expr(expr: Expr, frames: Mapping[str, str]) -> Expr:
    expr = map_children(expr, lambda part: _expr(part, frames))
    if isinstance(expr, Name | Bind):
        return replace(expr, name=frames.get(expr.name, expr.name))
    return expr


def _target(target: Target, frames: Mapping[str, str]) -> Target:
    if isinstance(target, str):
        return frames.get(target, target)
    return tuple(_target(part, frames) for part in target)


def _fresh(name: str, taken: frozenset[str]) -> str:
    """The loop's name, numbered if a variable or a loop around it has it."""
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        candidate = f"{name}_{number}"
    return candidate


def _outside(body: Body, bound: frozenset[str], given: Exposed) -> Iterator[str]:
    """The names that mean a variable somewhere outside the loops that bind them."""
    for stmt in body:
        inside = bound.union(bound_names(stmt)) if isinstance(stmt, Each) else bound
        for expr in own_expressions(stmt):
            known = inside if isinstance(stmt, Each) and expr is stmt.test else bound
            for inner in subexpressions(expr):
                if isinstance(inner, Name | Bind) and inner.name not in known:
                    yield inner.name
                yield from received(inner, given)
        if isinstance(stmt, Each):
            yield from _outside(stmt.body, inside, given)
            yield from _outside(stmt.orelse, bound, given)
        else:
            yield from (name for name in bound_names(stmt) if name not in bound)
            for inner_body in bodies(stmt):
                yield from _outside(inner_body, bound, given)
