"""Look through printed text for what was probably meant as code, whatever the dialect."""

from __future__ import annotations

import re
from typing import Final

from skillc.errors import Report
from skillc.source import Span

BRACES: Final = re.compile(r"\{++|\}++")
DOLLAR_NAME: Final = re.compile(r"\$\{([A-Za-z_][\w.]*+)\}")


def check_braces(
    run: Span, open_braces: int, report: Report, *, after_tag: bool, before_tag: bool
) -> int:
    """Warn about braces that match nothing; returns how many `{` are open after the text.

    `open_braces` is that number before it; the flags say whether a tag touches that end of the text. Braces that
    match are a JSON sample and stay quiet.

    Source: language reference, splitting the template, the remarks on braces.
    """
    text = report.source.text
    start, end = run
    for braces in BRACES.finditer(text, start, end):
        count = braces.end() - braces.start()
        if text[braces.start()] == "{":
            open_braces += count
            if before_tag and braces.end() == end:
                report("SK113", Span(end - 1, end), brace="{")
        else:
            if count > open_braces:
                if after_tag and braces.start() == start:
                    report("SK113", Span(start, start + 1), brace="}")
                elif count > 1:
                    report("SK114", Span(braces.start(), braces.start() + 2), found="}}")
            open_braces = max(0, open_braces - count)
    return open_braces


def check_dollars(run: Span, report: Report) -> None:
    """Warn about `${name}`, which prints as it is."""
    for dollar in DOLLAR_NAME.finditer(report.source.text, *run):
        report("SK122", Span(*dollar.span()), name=dollar[1])
