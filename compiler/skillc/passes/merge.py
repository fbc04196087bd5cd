"""Join neighbouring literal text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from skillc.analyses.walk import Body, map_expressions
from skillc.ir import (
    Concat,
    Conditional,
    Const,
    Emit,
    Flow,
    If,
    Name,
    Runner,
    Stmt,
    Undefined,
)
from skillc.passes.settings import Unit


def merge_text(flow: Flow, _unit: Unit) -> Flow:
    """Join neighbouring literal text, and drop what prints nothing.

    Before: Emit("Hi "), Emit(3), Emit(""), Emit("!")    After: Emit("Hi 3!")

    Before: Emit(Concat("Hi ", name))    After: Emit("Hi "), Emit(name)

    Before: Emit(Conditional(late, " Hurry!", Undefined))    After: If(late, Emit(" Hurry!"))

    The joined text keeps the span of its first piece: text that a tag contributed starts no line of its own.
    """
    return replace(
        flow, skills=tuple(replace(s, body=merge_body(s.body, s.runner)) for s in flow.skills)
    )


def merge_body(body: Body, runner: Runner) -> Body:
    """The same body, its inner bodies included."""
    merged: list[Stmt] = []
    for stmt in (part for whole in body for part in printed_apart(whole)):
        literal = literal_text(stmt, runner)
        if literal is None:
            inside = partial(merge_body, runner=runner)
            merged.append(map_expressions(stmt, lambda expr: expr, inside))
        elif literal:
            before = literal_text(merged[-1], runner) if merged else None
            if before is None:
                merged.append(Emit(stmt.span, Const(stmt.span, literal)))
            else:
                span = merged[-1].span._replace(end=stmt.span.end)
                merged[-1] = Emit(span, Const(span, before + literal))
    return tuple(merged)


def printed_apart(stmt: Stmt) -> Iterator[Stmt]:
    """A statement, or what does the same: prints the parts of what cannot fail, or chooses, then prints."""
    match stmt:
        case Emit(value=Concat(values=values)) if all(isinstance(v, Const | Name) for v in values):
            for value in values:
                yield Emit(stmt.span, value)
        case Emit(span, Conditional() as choice) if is_open(choice):
            yield If(span, choice.test, (Emit(span, choice.body),), (Emit(span, choice.orelse),))
        case _:
            yield stmt


def is_open(choice: Conditional) -> bool:
    """Whether a choice, or the last of those that follow each other, has no `else`."""
    while isinstance(choice.orelse, Conditional):
        choice = choice.orelse
    return isinstance(choice.orelse, Undefined)


def literal_text(stmt: Stmt, runner: Runner) -> str | None:
    """What a statement surely prints, when it prints a literal. Source: language reference, text form."""
    match stmt:
        case Emit(value=Const(value=None)) if runner == "guidance":
            return ""
        case Emit(value=Undefined()):
            return ""
        case Emit(value=Const(value=value)):
            return str(value)
        case _:
            return None
