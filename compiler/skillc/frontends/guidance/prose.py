"""Look through printed text for what was probably meant as code."""

from __future__ import annotations

import re
from typing import Final

from skillc.errors import Report
from skillc.frontends.guidance.lexer import Text
from skillc.source import Span

BRACES: Final = re.compile(r"\{++|\}++")
DOLLAR_NAME: Final = re.compile(r"\$\{([A-Za-z_][\w.]*+)\}")
JINJA: Final = (("{%", "%}"), ("{#", "#}"))


def check_prose(item: Text, open_braces: int, report: Report) -> int:
    """Warn about stray braces, Jinja tags and `${name}`; returns how many `{` are open after the text.

    `open_braces` is that number before it. Braces that match are a JSON sample and stay quiet.

    Source: language reference, 2.1, the remarks on braces.
    """
    text = report.source.text
    start, end = item.run
    for run in BRACES.finditer(text, start, end):
        count = run.end() - run.start()
        if text[run.start()] == "{":
            open_braces += count
            if item.before_tag and run.end() == end:
                report("SK113", Span(end - 1, end), brace="{")
        else:
            if count > open_braces:
                if item.after_tag and run.start() == start:
                    report("SK113", Span(start, start + 1), brace="}")
                elif count > 1:
                    report("SK114", Span(run.start(), run.start() + 2), found="}}")
            open_braces = max(0, open_braces - count)
    for opener, closer in JINJA:
        place = text.find(opener, start, end)
        while place >= 0 and (close := text.find(closer, place + 2, end)) >= 0:
            report("SK115", Span(place, close + 2))
            place = text.find(opener, close + 2, end)
    for dollar in DOLLAR_NAME.finditer(text, start, end):
        report("SK122", Span(*dollar.span()), name=dollar[1])
    return open_braces
