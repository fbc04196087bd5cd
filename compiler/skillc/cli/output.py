"""What the commands write: lines, findings, progress. Imports nothing heavy before it is needed."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from skillc.errors import Diagnostic


class Progress:
    """One line on a terminal that says what is being done, gone at the end."""

    def __init__(self, *, shown: bool) -> None:
        """Silent unless `shown` and standard error is a terminal."""
        self.shown = shown and sys.stderr.isatty()

    def __call__(self, doing: str) -> None:
        """Replace the line."""
        if self.shown:
            sys.stderr.write(f"\r\x1b[K{doing}")
            sys.stderr.flush()

    def done(self) -> None:
        """Clear the line."""
        if self.shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def shown_findings(findings: Sequence[Diagnostic], *, infos: bool = False) -> list[Diagnostic]:
    """The findings without the infos, unless those were asked for."""
    return [finding for finding in findings if infos or finding.severity != "info"]


def show_findings(findings: Sequence[Diagnostic], stream: TextIO) -> None:
    """Write findings for people."""
    from skillc.cli.formats import render_human

    for finding in findings:
        write(stream, render_human(finding, colour=wants_colour(stream)))


def wants_colour(stream: TextIO) -> bool:
    """Whether to colour: on a terminal, unless NO_COLOR or FORCE_COLOR say otherwise."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or stream.isatty()


def write(stream: TextIO, line: str) -> None:
    """Write a line."""
    put(stream, line + "\n")


def put(stream: TextIO, text: str) -> None:
    """Write at once; what the stream cannot encode is escaped."""
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()


def seconds(started: float) -> str:
    """How long it took, as `0.41 s`."""
    return f"{time.perf_counter() - started:.2f} s"
