"""Filters that make text of text.

Source: Jinja 3.1, built-in filters, with automatic escaping off.
"""

from __future__ import annotations

import pprint as pretty
import re
import textwrap
from typing import Any, Final

from skillrt import guards
from skillrt.errors import LimitError, SkillError
from skillrt.filters.registry import jinja_filter
from skillrt.values import UNDEFINED, describe, nsl_text

WORD: Final = re.compile(r"\w+")
RUN: Final = re.compile(r"\s+|\S+")
BEFORE_WORD: Final = re.compile(r"([-\s({\[<]+)")
LEEWAY: Final = 5
MAX_PRETTY: Final = 100_000
MAX_COPIED: Final = 512 * 1024 * 1024


@jinja_filter("string")
def string(value: Any, /) -> str:
    """The text form; text of any kind stays what it is."""
    return value if isinstance(value, str) else nsl_text(value)


@jinja_filter("upper")
def upper(value: Any, /) -> str:
    """All letters as capitals."""
    return nsl_text(value).upper()


@jinja_filter("lower")
def lower(value: Any, /) -> str:
    """All letters small."""
    return nsl_text(value).lower()


@jinja_filter("capitalize")
def capitalize(value: Any, /) -> str:
    """The first letter as a capital, all others small."""
    return nsl_text(value).capitalize()


@jinja_filter("title")
def title(value: Any, /) -> str:
    """The first letter of every word as a capital, all others small."""
    parts = BEFORE_WORD.split(guards.searched(nsl_text(value)))
    return "".join(part[:1].upper() + part[1:].lower() for part in parts)


@jinja_filter("trim", "strip")
def trim(value: Any, /, chars: Any = None) -> str:
    """The text without blanks, or without `chars`, at its ends."""
    return nsl_text(value).strip(chars)


@jinja_filter("replace")
def replace(value: Any, /, old: Any, new: Any, count: Any = None) -> str:
    """The text with `new` in place of `old`; `count` limits how often."""
    source, wanted = nsl_text(value), nsl_text(old)
    replaced: str = guards.replace(source, wanted, nsl_text(new), -1 if count is None else count)
    return replaced


@jinja_filter("center")
def center(value: Any, /, width: Any = 80) -> str:
    """The text in the middle of `width` characters."""
    guards.check_chars(width)
    return nsl_text(value).center(width)


@jinja_filter("format")
def format_(value: Any, /, *args: Any, **named: Any) -> str:
    """The text with its `%` placeholders filled, as the `%` operator does."""
    if args and named:
        raise SkillError("filter 'format' takes positional or named arguments, not both")
    return guards.percent(nsl_text(value), named or args)


@jinja_filter("split")
def split(value: Any, /, sep: Any = None, maxsplit: Any = -1) -> list[str]:
    """The parts of a text between the separators; without one, its words."""
    parts: list[str] = guards.GUARDED[str]["split"](nsl_text(value), sep, maxsplit)
    return parts


@jinja_filter("indent")
def indent(value: Any, /, width: Any = 4, first: Any = False, blank: Any = False) -> str:
    """Lines indented by so many spaces, or by a text; the `first` and `blank` ones only when asked for."""
    margin = width if isinstance(width, str) else " " * _checked(width)
    # One more line end makes the last line count, even an empty one.
    lines: list[str] = guards.GUARDED[str]["splitlines"](_only_text(value) + "\n")
    guards.check_chars(len(value) + len(lines) * (len(margin) + 1))
    rest = [margin + line if line or blank else line for line in lines[1:]]
    return "\n".join([margin + lines[0] if first else lines[0], *rest])


@jinja_filter("truncate")
def truncate(
    value: Any, /, length: Any = 255, killwords: Any = False, end: Any = "...", leeway: Any = None
) -> str:
    """At most `length` characters, `end` included, cut between words unless `killwords`.

    A text that is too long by no more than `leeway` characters (5, if not given) stays whole.
    """
    if leeway is None:
        leeway = LEEWAY
    if length < len(end):
        raise SkillError(f"filter 'truncate' expects a length of at least {len(end)}")
    if leeway < 0:
        raise SkillError("filter 'truncate' expects a leeway of at least 0")
    source = "" if value is UNDEFINED else _only_text(value)
    if len(source) <= length + leeway:
        return source
    kept = source[: length - len(end)]
    if not killwords:
        kept = kept.rsplit(" ", 1)[0]
    return kept + _only_text(end)


@jinja_filter("wordwrap")
def wordwrap(
    value: Any,
    /,
    width: Any = 79,
    break_long_words: Any = True,
    wrapstring: Any = None,
    break_on_hyphens: Any = True,
) -> str:
    """Every line wrapped at `width` characters; `wrapstring` stands between the lines in place of line ends."""
    source = guards.searched(_only_text(value))
    copied = _breaking_costs(source) if break_long_words else 0
    if copied > MAX_COPIED and copied > MAX_COPIED * max(width, 1):
        raise LimitError("words or blanks are too long to be broken into lines")
    end = "\n" if wrapstring is None else _only_text(wrapstring)
    wrapper = textwrap.TextWrapper(
        width=width,
        expand_tabs=False,
        replace_whitespace=False,
        break_long_words=break_long_words,
        break_on_hyphens=break_on_hyphens,
    )
    paragraphs: list[str] = []
    size = 0
    for paragraph in source.splitlines():
        lines = wrapper.wrap(paragraph)
        size += len(paragraph) + len(end) * (len(lines) + 1)
        guards.check_chars(size)
        paragraphs.append(end.join(lines))
    return end.join(paragraphs)


@jinja_filter("wordcount")
def wordcount(value: Any, /) -> int:
    """The number of words."""
    return sum(1 for _ in WORD.finditer(guards.searched(nsl_text(value))))


@jinja_filter("pprint")
def pprint(value: Any, /) -> str:
    """The value as Python writes it, large ones on several lines."""
    guards.check_printed([value])
    if len(repr(value)) > MAX_PRETTY:
        raise LimitError("a value is too large to be printed on several lines")
    return pretty.pformat(value)


def _breaking_costs(source: str) -> int:
    """About how many characters `textwrap` copies to break words into lines of one: the rest, for every line.

    Blanks it looks at one by one.
    """
    return sum(
        (run.end() - run.start()) ** 2 * (32 if run[0].isspace() else 1)
        for run in RUN.finditer(source)
    )


def _checked(width: int) -> int:
    guards.check_chars(width)
    return width


def _only_text(value: Any) -> str:
    """The value, which has to be text."""
    if not isinstance(value, str):
        raise SkillError(f"expected text, got {describe(value)}")
    return str(value)
