"""Look through the printed text of a Guidance template for what was probably meant as code."""

from __future__ import annotations

from typing import Final

from skillc.errors import Report
from skillc.frontends.guidance.lexer import Text
from skillc.frontends.prose import check_braces, check_dollars
from skillc.source import Span

JINJA: Final = (("{%", "%}"), ("{#", "#}"))


def check_prose(item: Text, open_braces: int, report: Report) -> int:
    """Warn about stray braces, Jinja tags and `${name}`; returns how many `{` are open after the text.

    `open_braces` is that number before it.

    Source: language reference, 2.1, the remarks on braces.
    """
    text = report.source.text
    start, end = item.run
    left_open = check_braces(
        item.run, open_braces, report, after_tag=item.after_tag, before_tag=item.before_tag
    )
    for opener, closer in JINJA:
        place = text.find(opener, start, end)
        while place >= 0 and (close := text.find(closer, place + 2, end)) >= 0:
            report("SK115", Span(place, close + 2))
            place = text.find(opener, close + 2, end)
    check_dollars(item.run, report)
    return left_open
