"""Cut an NSL template into text, raw text and tags, whitespace control applied.

1. Linear: positions only grow, but for one second reading of what the search for the end of a broken tag went
   over, in which no string holds a delimiter; so a broken tag does not swallow the file.
2. Guidance comments are taken out as if they had never been written: the text around them is one run. A Jinja
   comment ends a run.
3. Here is decided where a tag ends, not whether it makes sense.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeAlias

from skillc.errors import Report
from skillc.frontends.nsl.tokens import Lost, Raw, Token, lex_tokens, scan_tag
from skillc.source import Source, Span


@dataclass(frozen=True, slots=True)
class Text:
    """Text between other items: `run` as written, `span` what whitespace control leaves of it, maybe nothing.

    `after_tag` and `before_tag` say whether a tag or comment touches that end of the run. `raw` text stood in a
    raw block.
    """

    run: Span
    span: Span
    after_tag: bool
    before_tag: bool
    raw: bool = False


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag and its tokens, closed by a token for its end.

    Of a `broken` tag, which has been reported, only the tokens that say what it is are known. One that is `foreign`
    is a Guidance block; it has no tokens.
    """

    span: Span
    opener: Literal["{{", "{%"]
    tokens: tuple[Token, ...]
    broken: bool = False
    foreign: bool = False


Item: TypeAlias = Text | Tag

MARK: Final = re.compile(r"\{[{%#]")
OPEN: Final = re.compile(r"\{[{%][-+]?")
RAW_OPEN: Final = re.compile(r"\{%[-+]?\s*+raw\s*+(?:-%\}|%\})")
RAW_CLOSE: Final = re.compile(r"\{%[-+]?\s*+endraw\s*+[-+]?%\}")
GUIDANCE_COMMENT: Final = re.compile(r"\{\{~?!(?:--)?+")
LONG_CLOSE: Final = re.compile(r"--~?\}\}")
GUIDANCE_BLOCK: Final = re.compile(r"\{\{[-+~]?\s*+(?:#|/(?!/))\s*+\w*+")
NAME: Final = re.compile(r"\s*+(\w++)")
END_TYPE: Final = {"{{": "variable_end", "{%": "block_end"}


def lex_template(source: Source, report: Report) -> Iterator[Item]:
    """The items of a template in order; text of which nothing is left is among them if it had any.

    Reports what is never closed, Guidance comments and blocks, and what `lex_tokens` reports.

    Source: language reference, NSL syntax; observed in Jinja2 3.1.6 with default settings.
    """
    return _Lexer(source, report).items()


@dataclass(slots=True)
class _Lexer:
    """One reading of one template; up to `damaged` no string holds a delimiter (rule 1).

    `pending` are the pieces of the run of text that is being read; `stripping` says that blanks at the start of
    the next piece go, since nothing but blanks came after a `-`; `after_tag` whether the next piece follows a tag.
    """

    source: Source
    report: Report
    text: str = field(init=False)
    last_long_close: int = field(init=False)
    damaged: int = 0
    pending: list[Text] = field(default_factory=list[Text])
    stripping: bool = False
    after_tag: bool = False

    def __post_init__(self) -> None:
        # Jinja, keep_trailing_newline: one newline at the end of a template is not part of it.
        self.text = self.source.text.removesuffix("\n")
        self.last_long_close = max(self.text.rfind("--}}"), self.text.rfind("--~}}"))

    def items(self) -> Iterator[Item]:
        text, position = self.text, 0
        while position < len(text):
            mark = MARK.search(text, position)
            start = mark.start() if mark else len(text)
            if start > position:
                self.add_text(Span(position, start), before_tag=mark is not None)
            if mark is None:
                break
            if GUIDANCE_COMMENT.match(text, start):
                position = self.guidance_comment(start)
                continue
            yield from self.run_before(start)
            raw = RAW_OPEN.match(text, start)
            if raw:
                block, position = self.raw(raw)
                yield block
            elif text[start + 1] == "#":
                position = self.comment(start)
            else:
                tag = self.tag(start)
                yield tag
                position = self.end_item(tag.span.end)
        yield from self.pending

    def end_item(self, end: int) -> int:
        """Note what the item before `end` means for the text behind it; returns `end`."""
        self.stripping = self.text.endswith(("-}}", "-%}", "-#}"), 0, end)
        self.after_tag = True
        return end

    # --- text --------------------------------------------------------------------------------------

    def add_text(self, run: Span, *, before_tag: bool) -> None:
        """Note a piece of the run of text; blanks behind a tag with `-` go."""
        start = run.start
        if self.stripping:
            written = self.text[run.start : run.end]
            start = run.end - len(written.lstrip())
            self.stripping = start == run.end
        self.pending.append(Text(run, Span(start, run.end), self.after_tag, before_tag))
        self.after_tag = False

    def run_before(self, item: int) -> Iterator[Text]:
        """The run of text that ends at `item`; blanks before its `-` go."""
        pieces, self.pending = self.pending, []
        if self.text[item + 2 : item + 3] == "-":
            for index in reversed(range(len(pieces))):
                piece = pieces[index]
                start, end = piece.span
                end = start + len(self.text[start:end].rstrip())
                pieces[index] = replace(piece, span=Span(start, end))
                if end > start:
                    break
        yield from pieces

    def raw(self, opened: re.Match[str]) -> tuple[Text, int]:
        """The text of a raw block, and where the block ends."""
        start, text = opened.end(), self.text
        close = RAW_CLOSE.search(text, start)
        end = close.start() if close else len(text)
        if close is None:
            place = Span(*opened.span())
            self.report("SK104", place, open="{% raw %}", close="{% endraw %}")
        left, right = start, end
        if opened.group().endswith("-%}"):
            left = end - len(text[start:end].lstrip())
        if close and close.group().startswith("{%-"):
            right = left + len(text[left:end].rstrip())
        raw = Text(Span(start, end), Span(left, right), after_tag=False, before_tag=False, raw=True)
        return raw, self.end_item(close.end() if close else end)

    # --- comments ----------------------------------------------------------------------------------

    def comment(self, start: int) -> int:
        """Skip `{# ... #}`; returns where it ends."""
        close = self.text.find("#}", start + 2)
        if close < 0:
            self.report("SK102", Span(start, start + 2))
            return len(self.text)
        return self.end_item(close + 2)

    def guidance_comment(self, start: int) -> int:
        """Skip `{{! ... }}` or `{{!-- ... --}}`; returns where it ends.

        Source: language reference, Newo additions: removed as comments before parsing.
        """
        opened = GUIDANCE_COMMENT.match(self.text, start)
        begin = opened.end() if opened else start
        close = self.text.find("}}", begin) + 2
        if self.text.endswith("--", 0, begin) and begin - 2 <= self.last_long_close:
            long = LONG_CLOSE.search(self.text, begin - 2)
            close = long.end() if long else close
        if close < begin:
            self.report("SK102", Span(start, begin))
            return len(self.text)
        self.report("SK117", Span(start, begin))
        return close

    # --- tags --------------------------------------------------------------------------------------

    def tag(self, start: int) -> Tag:
        opener: Literal["{{", "{%"] = "{{" if self.text[start + 1] == "{" else "{%"
        block = GUIDANCE_BLOCK.match(self.text, start)
        if block:
            return self.guidance_block(Span(*block.span()))
        opened = OPEN.match(self.text, start)
        inside = opened.end() if opened else start + 2
        place = Span(start, start + 2)
        scanned = scan_tag(self.text, opener, place, inside, strict=start < self.damaged)
        if isinstance(scanned, Lost) and start >= self.damaged:
            self.damaged = scanned.stop
            scanned = scan_tag(self.text, opener, place, inside, strict=True)
        if isinstance(scanned, Lost):
            return self.broken(scanned, opener, start, inside)
        pieces, end = scanned
        return Tag(Span(start, end), opener, self.tokens(opener, pieces, end))

    def tokens(self, opener: str, pieces: list[Raw], end: int) -> tuple[Token, ...]:
        """The tokens of a tag that ends at `end`, and the one for that end."""
        close = self.text[end - 2 : end]
        last = Token(END_TYPE[opener], close, Span(end - 2, end))
        return (*lex_tokens(self.text, pieces, self.report), last)

    def broken(self, lost: Lost, opener: Literal["{{", "{%"], start: int, inside: int) -> Tag:
        """A tag whose end was not found: reported, and known by its first name."""
        self.report(lost.code, lost.place)
        closed = self.text.startswith(("}}", "%}"), lost.stop)
        end = max(inside, lost.stop + 2 if closed else lost.stop)
        name = NAME.match(self.text, inside, end)
        pieces = [Raw("name", *name.span(1))] if name else []
        tokens = tuple(lex_tokens(self.text, pieces, self.report))
        last = Token(END_TYPE[opener], "", Span(end, end))
        return Tag(Span(start, end), opener, (*tokens, last), broken=True)

    def guidance_block(self, head: Span) -> Tag:
        """`{{#x ...}}` or `{{/x}}`.

        Source: language reference, Newo additions: wrong dialect.
        """
        scanned = scan_tag(self.text, "{{", head, head.end, strict=True)
        end = scanned.stop if isinstance(scanned, Lost) else scanned[1]
        self.report("SK116", head)
        return Tag(Span(head.start, max(head.end, end)), "{{", (), foreign=True)
