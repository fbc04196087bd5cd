"""Join neighbouring literal text."""

from __future__ import annotations

from dataclasses import replace

from skillc.analyses.walk import Body, map_expressions
from skillc.ir import Const, Emit, Flow, Stmt
from skillc.passes.settings import Unit


def merge_text(flow: Flow, _unit: Unit) -> Flow:
    """Join neighbouring literal text, and drop what prints nothing.

    Before: Emit("Hi "), Emit(3), Emit(""), Emit("!")    After: Emit("Hi 3!")

    The joined text keeps the span of its first piece: text that a tag contributed starts no line of its own.
    """
    return replace(flow, skills=tuple(replace(s, body=merge_body(s.body)) for s in flow.skills))


def merge_body(body: Body) -> Body:
    """The same body, its inner bodies included."""
    merged: list[Stmt] = []
    for stmt in body:
        literal = literal_text(stmt)
        if literal is None:
            merged.append(map_expressions(stmt, lambda expr: expr, merge_body))
        elif literal:
            before = literal_text(merged[-1]) if merged else None
            if before is None:
                merged.append(Emit(stmt.span, Const(stmt.span, literal)))
            else:
                span = merged[-1].span._replace(end=stmt.span.end)
                merged[-1] = Emit(span, Const(span, before + literal))
    return tuple(merged)


def literal_text(stmt: Stmt) -> str | None:
    """What a statement surely prints, when it prints a literal; none prints nothing in either case folded here."""
    match stmt:
        case Emit(value=Const(value=None)):
            return ""
        case Emit(value=Const(value=value)):
            return str(value)
        case _:
            return None
