"""Findings as people and machines read them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from skillc.errors import REGISTRY, Diagnostic, Severity, render_diagnostic
from skillc.project.idn import visible

SCHEMA_VERSION: Final = 1
COLOURS: Final[Mapping[Severity, str]] = {"error": "31", "warning": "33", "info": "36"}
GITHUB_COMMANDS: Final[Mapping[Severity, str]] = {
    "error": "error",
    "warning": "warning",
    "info": "notice",
}

Format: TypeAlias = Callable[[Sequence[Diagnostic]], str]


def render_human(finding: Diagnostic, *, colour: bool) -> str:
    """The finding with its source line and carets; what a terminal would obey in it is escaped."""
    text = visible(render_diagnostic(finding), keep="\t\n")
    mark = f"{finding.severity}[{finding.code}]"
    painted = f"\x1b[1;{COLOURS[finding.severity]}m{mark}\x1b[0m"
    return text.replace(mark, painted, 1) if colour else text


def to_object(finding: Diagnostic) -> dict[str, Any]:
    """The finding as a JSON object; lines and columns are 1-based, the end is exclusive."""
    source, span = finding.source, finding.span
    line, column = source.line_column(span.start)
    end_line, end_column = source.line_column(min(span.end, len(source.text)))
    return {
        "path": source.path,
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
        "severity": finding.severity,
        "code": finding.code,
        "name": REGISTRY[finding.code].name,
        "message": finding.message,
        "hint": finding.hint,
        "fix": None,
    }


def render_json(findings: Sequence[Diagnostic]) -> str:
    """One document."""
    document = {"schema_version": SCHEMA_VERSION, "findings": [*map(to_object, findings)]}
    return json.dumps(document, indent=2, ensure_ascii=False)


def render_jsonl(findings: Sequence[Diagnostic]) -> str:
    """One object a line."""
    return "\n".join(json.dumps(to_object(finding), ensure_ascii=False) for finding in findings)


def render_github(findings: Sequence[Diagnostic]) -> str:
    """One workflow command a line, which GitHub shows beside the changed lines."""
    return "\n".join(map(github_command, findings))


def github_command(finding: Diagnostic) -> str:
    """`::error file=...,line=...,col=...,endLine=...,title=CODE::message`."""
    place = to_object(finding)
    command = GITHUB_COMMANDS[finding.severity]
    file = github_escape(place["path"]).replace(":", "%3A").replace(",", "%2C")
    hint = f"; {finding.hint}" if finding.hint else ""
    message = github_escape(finding.message + hint)
    lines = f"line={place['line']},col={place['column']},endLine={place['end_line']}"
    return f"::{command} file={file},{lines},title={finding.code}::{message}"


def github_escape(text: str) -> str:
    """The text with what would end a workflow command replaced."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


FORMATS: Final[Mapping[str, Format]] = {
    "json": render_json,
    "jsonl": render_jsonl,
    "github": render_github,
}


def count_findings(findings: Sequence[Diagnostic]) -> str:
    """`2 errors, 1 warning`; `no findings` when there are none."""
    counts = Counter(finding.severity for finding in findings)
    severities: tuple[Severity, ...] = ("error", "warning", "info")
    parts = [count(counts[severity], severity) for severity in severities if counts[severity]]
    return ", ".join(parts) or "no findings"


def count(number: int, noun: str) -> str:
    """`1 module`, `2 modules`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
