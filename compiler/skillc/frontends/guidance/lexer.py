"""Cut a Guidance template into text, escaped tags, comments and tags.

1. Linear: positions only grow, but for one second reading of what the search for the end of a broken tag
   went over; and nothing is searched for that is known not to come any more.
2. That second reading keeps a broken tag from swallowing the file. A string may hold anything, so where its
   end is missing, everything up to some later quote looks like one. In what was searched in vain, strings
   therefore hold neither `{{` nor `}}`.
3. Here is decided where a tag ends, not whether it makes sense.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

from skillc.errors import Report
from skillc.frontends.guidance.tokens import (
    BACK_QUOTED,
    FOREIGN_COMMENT,
    STRING,
    Token,
    lex_tokens,
)
from skillc.source import Source, Span


@dataclass(frozen=True, slots=True)
class Text:
    """Text between other items: `run` as written, `span` what whitespace control leaves of it.

    `after_tag` and `before_tag` say whether a tag or comment touches that end of the run.
    """

    run: Span
    span: Span
    after_tag: bool
    before_tag: bool


@dataclass(frozen=True, slots=True)
class Escaped:
    """`\\{{...}}`, printed without its backslash."""

    span: Span


@dataclass(frozen=True, slots=True)
class Comment:
    """A long or short comment; prints nothing."""

    span: Span


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag: its tokens, led by the symbol `#` or `/` if it has one, closed by the end token.

    Of a `broken` tag, which has been reported, only the tokens that say what it is are known.
    """

    span: Span
    tokens: tuple[Token, ...]
    broken: bool = False


Item: TypeAlias = Text | Escaped | Comment | Tag

BLANK: Final = " \t\r\n"
BLANKS: Final = re.compile(r"[ \t\r\n]*+")
MARK: Final = re.compile(r"\\\{\{|\{\{++")
OPEN: Final = re.compile(r"\{\{~?+[ \t\r\n]*+")
COMMENT_OPEN: Final = re.compile(r"\{\{~?+!(?:--)?+")
LONG_COMMENT_OPEN: Final = re.compile(r"\{\{~?+!--")
LONG_COMMENT_CLOSE: Final = re.compile(r"--~?+\}\}")
BLOCK_MARK: Final = re.compile(r"#|/(?!/)")
BROKEN_HEAD: Final = re.compile(r"[ \t\r\n]*+\w*+(?:[ \t\r\n]++if\b)?+")

IN_STRING: Final[Mapping[str, re.Pattern[str]]] = {
    quote: re.compile(rf"(?:[^{quote}\\{{}}]++|\\.|\{{(?!\{{)|\}}(?!\}}))*+", re.DOTALL)
    for quote in "\"'"
}
# What can neither end a tag nor break it.
HARMLESS: Final = re.compile(
    rf"""(?:[^"'`{{}}\#/]++
    | "{IN_STRING['"'].pattern}"
    | '{IN_STRING["'"].pattern}'
    | {FOREIGN_COMMENT} | /
    | {BACK_QUOTED})*+""",
    re.VERBOSE | re.DOTALL,
)
WHOLE_STRING: Final = re.compile(STRING, re.DOTALL)
WORD_OR_QUOTE: Final = re.compile(r"[\w\"']")
# A value must follow these, so a `{{` behind them is a tag inside the tag, elsewhere it is the next tag.
WANTS_VALUE: Final = (
    *("(", "[", ",", "=", ":", "+", "-", "*", "<", ">"),
    *("#if", "#unless", "#each", "else if", "elif", " and", " or", " not", " in"),
)


def lex_template(source: Source, report: Report) -> Iterator[Item]:
    """The items of a template in order; empty text is left out.

    Reports what is never closed, comments that swallow another, and what `lex_tokens` reports.

    Source: language reference, 2.1 and 2.6; observed in guidance 0.0.64.
    """
    return _Lexer(source, report).items()


class _Lost(NamedTuple):
    """The end of a tag was not found: what to report, and how far the search went."""

    code: str
    place: Span
    stop: int


@dataclass(slots=True)
class _Lexer:
    """One reading of one template; up to `damaged` strings hold no double braces (rule 2)."""

    source: Source
    report: Report
    damaged: int = 0
    last_close: int = field(init=False)
    last_long_close: int = field(init=False)

    def __post_init__(self) -> None:
        text = self.source.text
        self.last_close = text.rfind("}}")
        self.last_long_close = max(text.rfind("--}}"), text.rfind("--~}}"))

    def items(self) -> Iterator[Item]:
        text = self.source.text
        position = 0
        before: Item | None = None
        while position < len(text):
            mark = MARK.search(text, position)
            after = self.marked(mark) if mark else None
            stop = after.span.start if after else len(text)
            if position < stop:
                yield self.text_between(before, Span(position, stop), after)
            if after is None:
                return
            yield after
            before, position = after, after.span.end

    def marked(self, mark: re.Match[str]) -> Escaped | Comment | Tag:
        if mark.group() == r"\{{":
            return self.escaped(mark.start())
        # Of more than two braces the last two open the item, the others are text.
        start = mark.end() - 2
        if COMMENT_OPEN.match(self.source.text, start):
            return self.comment(start)
        return self.tag(start)

    def text_between(self, before: Item | None, run: Span, after: Item | None) -> Text:
        """A run of text, and what the marks of its neighbours leave of it.

        Source: language reference, 2.6, rules 1 to 3.
        """
        text = self.source.text[run.start : run.end]
        start, end = run
        after_tag, before_tag = isinstance(before, Comment | Tag), isinstance(after, Comment | Tag)
        if after_tag and self.source.text.endswith("~}}", 0, run.start):
            start = end - len(text.lstrip(BLANK))
        if before_tag and self.source.text.startswith("{{~", run.end):
            end = max(start, run.start + len(text.rstrip(BLANK)))
        broken = isinstance(after, Tag) and after.broken
        return Text(run, Span(start, end), after_tag, before_tag and not broken)

    def escaped(self, start: int) -> Escaped:
        """The escaped tag at `start`; with no `}}` in the rest of the file only its braces are escaped."""
        opened = start + len(r"\{{")
        if opened > self.last_close:
            return Escaped(Span(start, opened))
        return Escaped(Span(start, self.source.text.find("}}", opened) + 2))

    # --- comments ----------------------------------------------------------------------------------

    def comment(self, start: int) -> Comment:
        if self.comment_end(start) is None:
            text = self.source.text
            self.report("SK102", Span(start, _end(COMMENT_OPEN, text, start)))
            return Comment(Span(start, len(text)))
        return Comment(Span(start, self.skip_comment(start)))

    def comment_end(self, start: int) -> int | None:
        """Where the comment that opens at `start` ends; None when no `}}` follows.

        Source: language reference, 2.1: a long comment that is never closed is a short one.
        """
        text = self.source.text
        long = LONG_COMMENT_OPEN.match(text, start)
        # `{{!--}}` is empty: the dashes that open it may close it.
        if long and long.end() - 2 <= self.last_long_close:
            close = LONG_COMMENT_CLOSE.search(text, long.end() - 2)
            return close.end() if close else None
        opened = _end(COMMENT_OPEN, text, start)
        return text.find("}}", opened) + 2 if opened <= self.last_close else None

    def skip_comment(self, start: int) -> int:
        """The end of a comment that has one; another comment inside it is reported."""
        text = self.source.text
        end = self.comment_end(start) or len(text)
        long = LONG_COMMENT_OPEN.match(text, start)
        inner = LONG_COMMENT_OPEN.search(text, long.end(), end) if long else None
        if inner and text.endswith(("--}}", "--~}}"), start, end):
            self.report("SK128", Span(*inner.span()), line=self.source.line(start))
        return end

    # --- tags --------------------------------------------------------------------------------------

    def tag(self, start: int) -> Tag:
        text = self.source.text
        end = self.tag_end(start, strict=start < self.damaged)
        if isinstance(end, _Lost) and start >= self.damaged:
            self.damaged = end.stop
            end = self.tag_end(start, strict=True)
        if isinstance(end, _Lost):
            self.report(end.code, end.place)
            body = _end(BLOCK_MARK, text, self.head(start))
            stop = end.stop + 2 if text.startswith("}}", end.stop) else end.stop
            return self.lexed(Span(start, stop), _end(BROKEN_HEAD, text, body), broken=True)
        return self.lexed(Span(start, end), end - (3 if text.endswith("~}}", 0, end) else 2))

    def lexed(self, span: Span, end: int, *, broken: bool = False) -> Tag:
        """The tag at `span`, its tokens up to `end`."""
        text = self.source.text
        head = self.head(span.start)
        body = _end(BLOCK_MARK, text, head)
        mark = Token("symbol", text[head:body], Span(head, body), spaced=False)
        inside = Span(body, max(body, end))
        tokens = tuple(lex_tokens(text, inside, self.skip_comment, self.report))
        # Nothing but `// a note` has been reported as that, and is not an empty tag as well.
        broken = broken or (not tokens and text.startswith("//", body))
        close = Token("end", "}}", Span(max(inside.end, span.end - 2), span.end), spaced=False)
        marked = (mark,) if head < body else ()
        return Tag(span, (*marked, *tokens, close), broken)

    def head(self, start: int) -> int:
        """Where the tag at `start` says what it is: behind braces, blanks and comments."""
        text = self.source.text
        position = _end(OPEN, text, start)
        while COMMENT_OPEN.match(text, position):
            end = self.comment_end(position)
            if end is None:
                break
            position = _end(BLANKS, text, end)
        return position

    def tag_end(self, start: int, *, strict: bool) -> int | _Lost:
        """Where the tag at `start` ends: behind the first `}}` outside strings, comments and dicts.

        When `strict`, a string ends before `{{` and `}}`, and a `{{` that opens no comment is always the
        next tag.

        Source: language reference, 2.1.
        """
        text = self.source.text
        opener = Span(start, start + 2)
        position = _end(BLOCK_MARK, text, self.head(start))
        depth = 0
        while True:
            position = _end(HARMLESS, text, position)
            match text[position : position + 1]:
                case '"' | "'" if strict:
                    return self.lost_string(start, position)
                case '"' | "'":
                    string = WHOLE_STRING.match(text, position)
                    # A string with braces that runs into a word swallowed the quotes of others.
                    if string is None or WORD_OR_QUOTE.match(text, string.end()):
                        return _Lost("SK103", opener, string.end() if string else len(text))
                    position = string.end()
                case "{" if comment := COMMENT_OPEN.match(text, position):
                    end = self.comment_end(position)
                    if end is None:
                        return _Lost("SK102", Span(*comment.span()), len(text))
                    position = end
                case "{" if text.startswith("{{", position):
                    before = text[max(start, position - 12) : position].rstrip(BLANK)
                    if strict or not before.endswith(WANTS_VALUE):
                        return _Lost("SK101", opener, position)
                    depth += 2
                    position += 2
                case "{":
                    depth += 1
                    position += 1
                case "}" if depth:
                    depth -= 1
                    position += 1
                case "}" if text.startswith("}}", position):
                    return position + 2
                case "}":
                    position += 1
                case _:
                    return _Lost("SK101", opener, len(text))

    def lost_string(self, start: int, quote: int) -> _Lost:
        """What is wrong where a string in the tag at `start` runs into double braces or the end.

        An apostrophe that no `}}` follows is prose: it is the tag that was never closed.
        """
        text = self.source.text
        stop = _end(IN_STRING[text[quote]], text, quote + 1)
        if not text.startswith(("{{", "}}"), stop):
            stop = len(text)
        apostrophe = text[quote] == "'" and text[quote - 1].isalnum()
        if apostrophe and not text.startswith("}}", stop):
            return _Lost("SK101", Span(start, start + 2), stop)
        return _Lost("SK103", Span(quote, quote + 1), stop)


def _end(pattern: re.Pattern[str], text: str, start: int) -> int:
    """Where a match of `pattern` at `start` ends; `start` itself when there is none."""
    match = pattern.match(text, start)
    return match.end() if match else start
