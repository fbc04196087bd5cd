"""Drop the blank text between tags, where nobody can ever see it."""

from __future__ import annotations

from dataclasses import replace

from skillc.analyses.walk import Body, bodies, map_expressions
from skillc.ir import (
    Block,
    Capture,
    CloseRole,
    Const,
    Emit,
    Flow,
    Macro,
    OpenRole,
    Role,
    Select,
    Stmt,
)
from skillc.passes.settings import Unit


def drop_blanks(flow: Flow, _unit: Unit) -> Flow:
    """Drop blank text outside roles from skills that print nothing else there.

    Before: Emit("\\n"), Assign(n, 1), Emit("\\n\\n"), Role(...)    After: Assign(n, 1), Role(...)

    Text outside roles is sent only if nothing else is, and then stripped; so nothing but blanks is nothing. Where
    roles begin and end by tags that do not pair up, nobody knows what is outside.
    Source: language reference, roles and messages.
    """
    return replace(
        flow,
        skills=tuple(
            skill if prints_outside(skill.body) else replace(skill, body=without_blanks(skill.body))
            for skill in flow.skills
        ),
    )


def prints_outside(body: Body) -> bool:
    """Whether anything but blank literals may be printed outside roles, or is captured there."""
    for stmt in body:
        match stmt:
            case Role() | Capture() | Macro():
                continue
            case Emit():
                if not is_blank(stmt):
                    return True
            case Block() | Select() | OpenRole() | CloseRole():
                return True
            case _:
                if any(prints_outside(inner) for inner in bodies(stmt)):
                    return True
    return False


def without_blanks(body: Body) -> Body:
    """The body without the blank text outside its roles."""
    return tuple(
        stmt
        if isinstance(stmt, Role | Capture | Macro)
        else map_expressions(stmt, lambda e: e, without_blanks)
        for stmt in body
        if not is_blank(stmt)
    )


def is_blank(stmt: Stmt) -> bool:
    """Whether a statement surely prints only blanks."""
    match stmt:
        case Emit(value=Const(value=str(text))):
            return not text.strip()
        case _:
            return False
