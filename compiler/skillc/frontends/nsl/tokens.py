"""Cut the inside of one NSL tag into the tokens that Jinja's parser reads, each with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from math import isinf
from typing import Final, NamedTuple, TypeAlias

from jinja2.lexer import float_re, integer_re, operators

from skillc.errors import Report
from skillc.frontends.foreign import FOREIGN, SHOWN, shown
from skillc.source import Span

Value: TypeAlias = str | int | float


class Token(NamedTuple):
    """One token. `type` is Jinja's, or "foreign" for what it has none for; `value` is that of names and literals."""

    type: str
    text: str
    span: Span
    value: Value = ""


class Raw(NamedTuple):
    """A piece of a tag before it is looked at closely."""

    kind: str
    start: int
    end: int


class Lost(NamedTuple):
    """The end of a tag was not found: what to report, and how far the search went."""

    code: str
    place: Span
    stop: int


OPENERS: Final[Mapping[str, str]] = {")": "(", "]": "[", "}": "{"}
KEYWORDS: Final = frozenset({"and", "or", "not", "in", "is", "if", "elif", "else"})

# Repeats are possessive: whatever a tag holds, each of its characters is looked at a fixed number of times.
STRING: Final = r""""[^"\\]*+(?:\\.[^"\\]*+)*+"|'[^'\\]*+(?:\\.[^'\\]*+)*+'"""
BACK_QUOTED: Final = r"`[^`\n{}]*+`?+"
PIECE: Final = re.compile(
    rf"""(?P<blank>\s++)
    | (?P<comment>\{{\#|\{{\{{~?!)
    | (?P<tag>\{{[{{%])
    | (?P<string>{STRING})
    | (?P<quote>["'])
    | (?P<back_quoted>{BACK_QUOTED})
    | (?P<foreign>===|!==|&&|\|\||!(?!=)|\?|(?:\+\+|--)(?=\s*+(?:[-+]?[%}}]\}}|[),\]])))
    | (?P<operator>//|\*\*|[=!<>]=|.)""",
    re.VERBOSE | re.DOTALL,
)
WORD: Final = re.compile(r"\w++")
DIGIT: Final = re.compile(r"[0-9]")
END: Final[Mapping[str, re.Pattern[str]]] = {
    "{{": re.compile(r"-?\}\}"),
    "{%": re.compile(r"[-+]?%\}"),
}
DELIMITER: Final = re.compile(r"\{[{%]|[%}]\}")
IN_STRING: Final[Mapping[str, re.Pattern[str]]] = {
    quote: re.compile(rf"(?:[^{quote}\\{{}}%]++|\\.|\{{(?![{{%])|\}}(?!\}})|%(?!\}}))*+", re.DOTALL)
    for quote in "\"'"
}
WORD_OR_QUOTE: Final = re.compile(r"[\w\"']")
WANTS_VALUE: Final = frozenset({*"([,=:+-*/%~|<>", "==", "!=", "<=", ">=", "**", "//", *KEYWORDS})

ESCAPE: Final = re.compile(r"\\(?:([4-7][0-7]{2})|(.))", re.DOTALL)
ESCAPES: Final = frozenset("\\'\"abfnrtvxuUN01234567\n")


def scan_tag(
    text: str, opener: str, place: Span, start: int, *, strict: bool
) -> tuple[list[Raw], int] | Lost:
    """The pieces of the tag at `place` whose inside begins at `start`, and the offset behind its end.

    It ends at the first closing delimiter outside strings, comments and dicts. When `strict`, no string holds a
    delimiter, and one that opens a tag always opens the next one.

    Source: language reference, what is in; Jinja's lexer for the tokens.
    """
    pieces: list[Raw] = []
    brackets: list[str] = []
    position = start
    while position < len(text):
        innermost = brackets[-1] if brackets else ""
        end = END[opener].match(text, position)
        if innermost == "{{" and text.startswith("}}", position):
            brackets.pop()
            pieces.append(Raw("symbol", position, position + 2))
            position += 2
            continue
        if end and not (opener == "{{" and innermost == "{"):
            return pieces, end.end()
        piece = _piece(text, position)
        written = text[piece.start : piece.end]
        match piece.kind:
            case "blank":
                pass
            case "quote":
                return _lost_string(text, place, position, strict=strict)
            case "string" if _swallows(text, piece, strict=strict):
                if strict:
                    return _lost_string(text, place, position, strict=True)
                return Lost("SK103", Span(position, position + 1), piece.end)
            case "comment":
                close = "#}" if written == "{#" else "}}"
                stop = text.find(close, piece.end)
                if stop < 0:
                    return Lost("SK102", Span(piece.start, piece.end), len(text))
                piece = Raw("comment", piece.start, stop + len(close))
                pieces.append(piece)
            case "tag":
                before = text[pieces[-1].start : pieces[-1].end] if pieces else "("
                if strict or written == "{%" or before not in WANTS_VALUE:
                    return Lost("SK101", place, position)
                brackets.append("{{")
                pieces.append(Raw("symbol", piece.start, piece.end))
            case kind:
                if kind == "operator" and written in {"(", "[", "{"}:
                    brackets.append(written)
                elif kind == "operator" and innermost and OPENERS.get(written) == innermost:
                    brackets.pop()
                pieces.append(piece)
        position = piece.end
    return Lost("SK101", place, len(text))


def _piece(text: str, position: int) -> Raw:
    """What stands at `position`, as Jinja's lexer would cut it."""
    if DIGIT.match(text, position):
        number = float_re.match(text, position)
        if number:
            return Raw("float", *number.span())
        number = integer_re.match(text, position)
        if number:
            return Raw("integer", *number.span())
    if text[position] == "_" or text[position].isidentifier():
        return Raw("name", position, _name_end(text, position))
    found = PIECE.match(text, position)
    if found is None or found.lastgroup is None:
        return Raw("symbol", position, position + 1)
    return Raw(found.lastgroup, *found.span())


def _name_end(text: str, start: int) -> int:
    """Where the identifier at `start` ends; combining marks belong to it, although they are no word characters."""
    end = start
    while end < len(text):
        word = WORD.match(text, end)
        if word:
            end = word.end()
        elif f"_{text[end]}".isidentifier():
            end += 1
        else:
            break
    return end


def _swallows(text: str, piece: Raw, *, strict: bool) -> bool:
    """Whether a string probably holds the quotes of others: it has a delimiter in it and runs into a word."""
    if not DELIMITER.search(text, piece.start, piece.end):
        return False
    return strict or WORD_OR_QUOTE.match(text, piece.end) is not None


def _lost_string(text: str, place: Span, quote: int, *, strict: bool) -> Lost:
    """What is wrong where a string runs into a delimiter or the end.

    An apostrophe that no closing delimiter follows is prose: it is the tag that was never closed.
    """
    if not strict:
        return Lost("SK103", Span(quote, quote + 1), len(text))
    found = IN_STRING[text[quote]].match(text, quote + 1)
    stop = found.end() if found else quote + 1
    closed = text.startswith(("}}", "%}"), stop)
    if text[quote] == "'" and text[quote - 1].isalnum() and not closed:
        return Lost("SK101", place, stop)
    return Lost("SK103", Span(quote, quote + 1), stop)


def lex_tokens(text: str, pieces: list[Raw], report: Report) -> Iterator[Token]:
    """The tokens of a tag, in order.

    Comments, and what other languages write as operators and quotes, are reported; comments, and operators that
    have an equivalent, do not stop the parser.

    Source: language reference, what is in: comments are not allowed inside NSL expressions.
    """
    for kind, start, end in pieces:
        span, written = Span(start, end), text[start:end]
        match kind:
            case "comment":
                opener = written[:2] if written.startswith("{#") else "{{!"
                place = Span(start, start + len(opener))
                hint = "comments stand before or behind a tag"
                report("SK109", place, hint=hint, found=opener, expected="the rest of the tag")
            case "string":
                yield _string(written, span, report)
            case "integer" | "float":
                yield _number(kind, written, span, report)
            case "name":
                yield Token("name", written, span, written)
            case "back_quoted":
                report("SK121", span, found="`", instead="quotes")
                yield Token("string", written, span, written.strip("`"))
            case "foreign":
                instead = FOREIGN[written]
                report("SK121", span, found=SHOWN.get(written, written), instead=instead)
                yield _foreign(instead, span)
            case "operator" if written in operators:
                yield Token(operators[written], written, span)
            case _:
                yield Token("symbol", written, span)


def _foreign(instead: str, span: Span) -> Token:
    """A foreign operator as the one that means the same, if there is one."""
    if instead in KEYWORDS:
        return Token("name", instead, span, instead)
    return Token(operators.get(instead, "foreign"), instead, span)


def _number(kind: str, written: str, span: Span, report: Report) -> Token:
    """A number; one that no float holds has no literal in the generated code either."""
    digits = written.replace("_", "")
    try:
        value = float(digits) if kind == "float" else int(digits, 0)
        fits = not isinf(float(value))
    except (OverflowError, ValueError):  # more digits than a float, or than Python reads
        value, fits = 0, False
    if not fits:
        report("SK109", span, found=shown(written), expected="a number below 1.8e308")
    return Token(kind, written, span, value)


def _string(written: str, span: Span, report: Report) -> Token:
    try:
        return Token("string", written, span, unescape(written[1:-1]))
    except UnicodeDecodeError:
        report("SK109", span, found=shown(written), expected="complete escapes such as '\\x41'")
        return Token("string", written, span, written)


def unescape(text: str) -> str:
    """The text that a literal's inside stands for; an unknown `\\c` keeps both characters.

    Raises:
        UnicodeDecodeError: an escape such as `\\x4` is not complete.

    Source: Jinja's lexer, which reads strings by Python's "unicode-escape".
    """
    if "\\" not in text:
        return text
    known = ESCAPE.sub(_known, text)
    return known.encode("ascii", "backslashreplace").decode("unicode-escape")


def _known(escape: re.Match[str]) -> str:
    """An escape as one that Python reads without a warning."""
    octal, char = escape.groups()
    if octal is not None:
        return f"\\u{int(octal, 8):04x}"
    return escape.group() if char in ESCAPES else f"\\{escape.group()}"
