"""Parse NSL templates for tests, and look at what became of them."""

from __future__ import annotations

import dataclasses
from typing import Any

from skillc.errors import Report
from skillc.frontends.guidance import parse_guidance
from skillc.frontends.nsl import parse_nsl
from skillc.ir import Emit, Expr, Stmt
from skillc.source import Source, Span


def parse(text: str, *outside: str) -> tuple[tuple[Stmt, ...], Report]:
    """The statements of a template whose skill has the parameters `outside`, and what was found."""
    source = Source("t.jinja", text)
    report = Report(source)
    return parse_nsl(source, report, outside), report


def tree(text: str, *outside: str) -> tuple[Stmt, ...]:
    """The statements of a template of which nothing is said."""
    made, report = parse(text, *outside)
    assert not report.findings, report.findings
    return made


def parsed(text: str) -> Expr:
    """The expression of the only tag of a template of which nothing is said."""
    (stmt,) = tree(text)
    assert isinstance(stmt, Emit)
    return stmt.value


def guidance(text: str) -> tuple[Stmt, ...]:
    """The statements of a Guidance template of which nothing is said."""
    source = Source("t.guidance", text)
    report = Report(source)
    made = parse_guidance(source, report)
    assert not report.findings, report.findings
    return made


def said(text: str, *outside: str) -> list[str]:
    """Each finding on one line: place, code, what is marked, message, suggestion."""
    lines: list[str] = []
    _, report = parse(text, *outside)
    for finding in sorted(report.findings.values(), key=lambda finding: finding.place):
        _, line, column, code = finding.place
        marked = text[slice(*finding.span)]
        hint = f"; {finding.hint}" if finding.hint else ""
        lines.append(f"{line}:{column} {code} [{marked}] {finding.message}{hint}")
    return lines


def codes(text: str, *outside: str) -> list[str]:
    """Line, column and code of each finding, in order."""
    return [" ".join(line.split()[:2]) for line in said(text, *outside)]


def shape(node: Any) -> Any:
    """A tree without its spans, as tuples that begin with the node's type."""
    if isinstance(node, Span):
        return None
    if isinstance(node, tuple):
        return tuple(map(shape, node))
    if not dataclasses.is_dataclass(node):
        return (type(node).__name__, node)
    fields = (field.name for field in dataclasses.fields(node) if field.name != "span")
    return (type(node).__name__, *(shape(getattr(node, name)) for name in fields))
