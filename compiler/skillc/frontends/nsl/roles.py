"""Role tags: `{{system}} ... {{end}}` and the like, statements that mostly pair up as blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from skillc.errors import Report
from skillc.ir import (
    Break,
    Capture,
    CloseRole,
    Const,
    Continue,
    Each,
    If,
    OpenRole,
    Role,
    Stmt,
)
from skillc.source import Span

Body: TypeAlias = tuple[Stmt, ...]
Open: TypeAlias = frozenset[OpenRole]

ROLES: Final = frozenset({"system", "user", "assistant"})
END: Final = "end"
ROLE_TAGS: Final = ROLES | {END}


def pair_roles(body: Body, report: Report) -> Body:
    """Make role blocks of the tags that pair up in one body; report those that have no partner.

    What stands behind a tag that opens a role for good, or in a loop with one, stays as it is: a role may be open
    there already, which an opening tag ends and a block does not.

    Before: OpenRole(user), Emit, CloseRole    After: Role(user: Emit)

    Source: language reference, role tags.
    """
    check = _Check(report)
    for left in sorted(check.body(body, frozenset()), key=lambda tag: tag.span):
        check.unbalanced(left.span, left.role, END)
    unpaired = list(_lasting(body, None))
    return _paired(body, min(unpaired, default=len(report.source.text) + 1))


def _paired(body: Body, limit: int) -> Body:
    """A body whose pairs before the offset `limit` are blocks."""
    made: list[Stmt] = []
    index = 0
    while index < len(body):
        stmt = body[index]
        close = _partner(body, index) if isinstance(stmt, OpenRole) else None
        if isinstance(stmt, OpenRole) and close is not None and stmt.span.start < limit:
            inside = _paired(body[index + 1 : close], limit)
            made.append(Role(stmt.span, Const(stmt.span, stmt.role), inside))
            index = close + 1
            continue
        match stmt:
            case If() | Each():
                inner, orelse = _paired(stmt.body, limit), _paired(stmt.orelse, limit)
                made.append(replace(stmt, body=inner, orelse=orelse))
            case _:
                made.append(stmt)
        index += 1
    return tuple(made)


def _partner(body: Body, index: int) -> int | None:
    """The number of the statement that ends the role which the one at `index` opens; None when it is no block."""
    for number in range(index + 1, len(body)):
        stmt = body[number]
        if isinstance(stmt, CloseRole):
            return number
        if _has_tags(stmt) or _leaves(stmt):
            return None
    return None


def _has_tags(stmt: Stmt) -> bool:
    """Whether a role tag stands inside a statement."""
    match stmt:
        case OpenRole() | CloseRole():
            return True
        case If() | Each():
            return any(map(_has_tags, stmt.body + stmt.orelse))
        case _:
            return False


def _leaves(stmt: Stmt) -> bool:
    """Whether a statement holds a `break` or `continue` for a loop around it."""
    match stmt:
        case Break() | Continue():
            return True
        case If():
            return any(map(_leaves, stmt.body + stmt.orelse))
        case Each():
            return any(map(_leaves, stmt.orelse))
        case Capture():
            return any(map(_leaves, stmt.body))
        case _:
            return False


def _lasting(body: Body, loop: Each | None) -> Iterator[int]:
    """Where what has an opening tag without a partner begins: the tag, or the outermost loop around it."""
    for index, stmt in enumerate(body):
        match stmt:
            case OpenRole() if _partner(body, index) is None:
                yield (loop or stmt).span.start
            case If() | Each():
                around = loop or (stmt if isinstance(stmt, Each) else None)
                yield from _lasting(stmt.body, around)
                yield from _lasting(stmt.orelse, loop)
            case _:
                pass


@dataclass(frozen=True, slots=True)
class _Check:
    """Follows the roles that may be open through a body."""

    report: Report

    def unbalanced(self, place: Span, tag: str, other: str) -> None:
        """Say that a role tag has no partner."""
        line = self.report.source.line(place.start)
        named = {"tag": f"{{{{{tag}}}}}", "other": f"{{{{{other}}}}}"}
        self.report("SK404", place, line=line, **named)

    def body(self, body: Body, opened: Open) -> Open:
        """The tags whose role may be open after a body, given those before it."""
        for stmt in body:
            match stmt:
                case OpenRole():
                    for tag in sorted(opened, key=lambda tag: tag.span):
                        self.unbalanced(tag.span, tag.role, END)
                    opened = frozenset({stmt})
                case CloseRole():
                    if not opened:
                        self.unbalanced(stmt.span, END, "system")
                    opened = frozenset()
                case If():
                    opened = self.body(stmt.body, opened) | self.body(stmt.orelse, opened)
                case Each():
                    opened |= self.body(stmt.body, opened) | self.body(stmt.orelse, opened)
                case _:
                    pass
        return opened
