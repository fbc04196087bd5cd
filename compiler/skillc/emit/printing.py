"""What a skill prints: text and names of one template line become one line of code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import libcst as cst

from skillc.emit import py
from skillc.emit.scope import Scope
from skillc.ir import Emit
from skillc.source import Source

Code: TypeAlias = list[cst.BaseStatement]

MOST_LINES: Final = 40
"""Lines that one statement prints: libcst nests each in the one before."""


@dataclass(slots=True)
class Line:
    """What is printed for one line of the template."""

    number: int
    parts: list[str | cst.BaseExpression] = field(default_factory=list["str | cst.BaseExpression"])
    has_numbers: bool = False

    def is_blank(self) -> bool:
        """Whether there is nothing to see in it so far."""
        return all(isinstance(part, str) and not part.strip() for part in self.parts)

    def is_constant(self) -> bool:
        """Whether it prints nothing but literal text."""
        return all(isinstance(part, str) for part in self.parts)

    def is_plain(self) -> bool:
        """Whether it prints nothing but text and names, so that it cannot fail."""
        return all(isinstance(part, str | cst.Name) for part in self.parts)


@dataclass(slots=True)
class Printing:
    """What is printed so far, to become code: plain lines together, each other one by itself."""

    lines: list[Line] = field(default_factory=list[Line])

    def add(
        self,
        scope: Scope,
        number: int,
        part: str | cst.BaseExpression,
        *,
        is_number: bool = False,
    ) -> Code:
        """Print `part` too, of the template line `number`: a text, or a whole number.

        Returns the code of the lines before, if they have ended. Empty lines go with the one behind.
        """
        ended: Code = []
        if not self.lines:
            self.lines.append(Line(number))
        elif number != self.lines[-1].number and not self.lines[-1].is_blank():
            if len(self.lines) == MOST_LINES or not self.lines[-1].is_plain():
                ended = self.end(scope)
            self.lines.append(Line(number))
        line = self.lines[-1]
        line.number = number
        line.has_numbers |= is_number
        line.parts.append(part)
        if len(self.lines) > 1 and not isinstance(part, str | cst.Name):
            self.lines.pop()
            ended = self.end(scope)
            self.lines.append(line)
        return ended

    def end(self, scope: Scope) -> Code:
        """The code of the lines; none are left."""
        lines, self.lines = self.lines, []
        match lines:
            case []:
                return []
            case [Line(parts=[cst.BaseExpression() as only], has_numbers=False)]:
                stmt = write(scope, only)
            case _:
                stmt = write_lines(scope, [py.fstring(line.parts) for line in lines])
        fails = not all(line.is_constant() for line in lines)
        return [scope.mark(stmt, *(line.number for line in lines), fails=fails)]


def write(scope: Scope, value: cst.BaseExpression) -> cst.SimpleStatementLine:
    """`out.write(<value>)`"""
    scope.prints = True
    return py.evaluate(py.call(py.attribute(py.name("out"), "write"), value))


def write_lines(scope: Scope, texts: Sequence[py.Text]) -> cst.SimpleStatementLine:
    """`out.write(<text> <text>)`"""
    scope.prints = True
    return py.evaluate(py.call_with_lines(py.attribute(py.name("out"), "write"), texts))


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
