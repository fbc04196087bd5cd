"""Cut the inside of one closed tag into tokens."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from math import isinf
from typing import Final, Literal, NamedTuple, TypeAlias

from skillc.errors import Report
from skillc.frontends.foreign import FOREIGN, SHOWN, shown
from skillc.ir import Value
from skillc.source import Span

Kind: TypeAlias = Literal["name", "word", "at", "text", "number", "symbol", "foreign", "end"]


class Token(NamedTuple):
    """One token: a name, a reserved word, `@name`, a literal, a symbol, or the tag's `}}`.

    `text` is as written, except that a foreign operator with an equivalent holds that one; without an
    equivalent the kind is "foreign". `spaced` says whether a blank or comment stands before it. `value`
    is that of a literal.
    """

    kind: Kind
    text: str
    span: Span
    spaced: bool
    value: Value = None


CONSTANTS: Final[Mapping[str, Value]] = {
    **dict.fromkeys(("true", "True"), True),
    **dict.fromkeys(("false", "False"), False),
    **dict.fromkeys(("None", "none", "null"), None),
}
OPERATOR_WORDS: Final = frozenset({"and", "or", "not", "in", "is", "as", "if", "else"})
RESERVED: Final = OPERATOR_WORDS | {"elif", "elseif"} | set(CONSTANTS)

# Repeats are possessive: whatever a tag holds, each of its characters is looked at a fixed number of times.
TO_LINE_OR_TAG_END: Final = r"(?:[^\n{}]|\{(?!\{)|\}(?!\}))*+"
FOREIGN_COMMENT: Final = rf"(?:\#|//){TO_LINE_OR_TAG_END}"
BACK_QUOTED: Final = r"`(?:[^`\n{}]|\{(?!\{)|\}(?!\}))*+`?+"
STRING: Final = r""""[^"\\]*+(?:\\.[^"\\]*+)*+"|'[^'\\]*+(?:\\.[^'\\]*+)*+'"""

TOKEN: Final = re.compile(
    rf"""(?P<blank>[ \t\r\n]++)
    | (?P<comment>\{{\{{~?!)
    | (?P<foreign_comment>{FOREIGN_COMMENT})
    | (?P<back_quoted>{BACK_QUOTED})
    | (?P<text>{STRING})
    | (?P<number>(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)(?:[eE][+-]?+[0-9]++)?+)
    | (?P<name>[^\W\d]\w*+)
    | (?P<at>@\w*+)
    | (?P<symbol>===?+|!==?+|[<>]=|&&|\|\||\+\+|--|\{{\{{|.)""",
    re.VERBOSE | re.DOTALL,
)

ESCAPE: Final = re.compile(r"""\\(?:([ntr\\"'])|x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4}))""")
ESCAPED: Final[Mapping[str, str]] = {"n": "\n", "t": "\t", "r": "\r"}


def lex_tokens(
    text: str, inside: Span, skip_comment: Callable[[int], int], report: Report
) -> Iterator[Token]:
    """The tokens of a tag whose body is `inside`, without the end token.

    What other languages write as comments, operators and quotes is reported; comments, and operators that
    have an equivalent, do not stop the parser. `skip_comment` is given the offset of an inner comment and
    returns that of its end.

    Source: language reference, 2.2, notes on tokens.
    """
    position, spaced = inside.start, False
    while position < inside.end and (match := TOKEN.match(text, position, inside.end)):
        span, written = Span(position, match.end()), match.group()
        position = span.end
        match match.lastgroup:
            case "blank":
                spaced = True
                continue
            case "comment":
                position = skip_comment(span.start)
                spaced = True
                continue
            case "foreign_comment":
                report("SK120", Span(span.start, span.start + len(written.rstrip())))
                spaced = True
                continue
            case "back_quoted":
                report("SK121", span, found="`", instead="quotes")
                yield Token("text", written, span, spaced, written.strip("`"))
            case "text":
                yield Token("text", written, span, spaced, unescape(written[1:-1]))
            case "number":
                yield _number(written, span, spaced, report)
            case "name" if written.isascii():
                kind: Kind = "word" if written in RESERVED else "name"
                yield Token(kind, written, span, spaced, CONSTANTS.get(written))
            case "at":
                yield Token("at", written, span, spaced)
            case _ if written in FOREIGN:
                instead = FOREIGN[written]
                report("SK121", span, found=SHOWN.get(written, written), instead=instead)
                yield _foreign(instead, span, spaced)
            case _:
                yield Token("symbol", written, span, spaced)
        spaced = False


def unescape(text: str) -> str:
    """The text that a literal's inside stands for; an unknown `\\c` keeps both characters.

    Source: language reference, 2.2, strings.
    """
    if "\\" not in text:
        return text
    return ESCAPE.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    plain, *codes = match.groups()
    if plain is not None:
        return ESCAPED.get(plain, plain)
    return chr(int(codes[0] or codes[1], 16))


def _number(written: str, span: Span, spaced: bool, report: Report) -> Token:
    """A number; one that no float holds has no literal in the generated code either."""
    value = float(written)
    if isinf(value):
        report("SK109", span, found=shown(written), expected="a number below 1.8e308")
        return Token("foreign", written, span, spaced)
    if written.isdigit():
        return Token("number", written, span, spaced, int(written.lstrip("0") or "0"))
    return Token("number", written, span, spaced, value)


def _foreign(instead: str, span: Span, spaced: bool) -> Token:
    if instead in RESERVED:
        return Token("word", instead, span, spaced)
    return Token("symbol" if instead in {"==", "!="} else "foreign", instead, span, spaced)
