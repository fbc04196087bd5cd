"""What a skill prints: text and names of one template line become one line of code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import libcst as cst

from skillc.emit import py
from skillc.emit.scope import Scope
from skillc.ir import Emit
from skillc.source import Source

Code: TypeAlias = list[cst.BaseStatement]


@dataclass(slots=True)
class Line:
    """What is printed so far for one line of the template, to become one line of code."""

    number: int = 0
    parts: list[str | cst.BaseExpression] = field(default_factory=list["str | cst.BaseExpression"])
    has_numbers: bool = False

    def add(
        self,
        scope: Scope,
        number: int,
        part: str | cst.BaseExpression,
        *,
        is_number: bool = False,
    ) -> Code:
        """Print `part` too: a text, or a whole number.

        Returns the code of the line before, if it has ended. Empty lines go with the one behind.
        """
        ended = self.end(scope) if number != self.number and not self.is_blank() else []
        self.number = number
        self.has_numbers |= is_number
        self.parts.append(part)
        return ended

    def is_blank(self) -> bool:
        """Whether there is nothing to see in it so far."""
        return all(isinstance(part, str) and not part.strip() for part in self.parts)

    def end(self, scope: Scope) -> Code:
        """The code of the line; nothing is left."""
        parts, self.parts = self.parts, []
        texts, self.has_numbers = not self.has_numbers, False
        if not parts:
            return []
        match parts:
            case [cst.BaseExpression() as only] if texts:
                value: cst.BaseExpression = only
            case _:
                value = py.fstring(parts)
        constant = all(isinstance(part, str) for part in parts)
        return [scope.mark(write(scope, value), self.number, fails=not constant)]


def write(scope: Scope, value: cst.BaseExpression) -> cst.SimpleStatementLine:
    """`out.write(<value>)`"""
    scope.prints = True
    return py.evaluate(py.call(py.attribute(py.name("out"), "write"), value))


def set_apart(scope: Scope, code: Code) -> Code:
    """The statements of a body, with an empty line around each function in it."""
    done: Code = []
    for stmt in code:
        if done and cst.FunctionDef in {type(stmt), type(done[-1])}:
            apart = stmt.with_changes(leading_lines=[cst.EmptyLine(indent=False)])
            if stmt in scope.origins:
                scope.origins[apart] = scope.origins.pop(stmt)
            done.append(apart)
        else:
            done.append(stmt)
    return done


LINES: Final = re.compile(r"[^\n]*\n|[^\n]+")
SEARCHED: Final = 2000


def template_lines(source: Source, stmt: Emit, text: str) -> Iterator[tuple[int, str]]:
    """The lines of a printed text, each with the template line it stands on; blank ones go with the one before.

    Whitespace control, comments and literals in tags may have taken something away or brought some along: so
    words are looked up behind the line before, and what is not found belongs to where that ended.
    """
    kept: tuple[int, str] | None = None
    for line, piece in _placed_lines(source, stmt, text):
        if kept is not None and not piece.strip():
            kept = kept[0], kept[1] + piece
            continue
        if kept is not None:
            yield kept
        kept = line, piece
    if kept is not None:
        yield kept


def _placed_lines(source: Source, stmt: Emit, text: str) -> Iterator[tuple[int, str]]:
    at, end = stmt.span
    for piece in LINES.findall(text):
        near = min(end, at + len(piece) + SEARCHED)
        found = source.text.find(piece, at, near if piece.strip() else at + len(piece))
        yield source.line(max(found, at)), piece
        if found >= 0:
            at = found + len(piece)
        elif piece.endswith("\n"):
            at = source.text.find("\n", at, near) + 1 or at
