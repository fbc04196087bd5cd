"""Build the statements of a Guidance template from its items.

1. Open blocks stand on a stack, so nesting costs no Python frames.
2. No error hides the next: a block is open even when its tag could not be read, so that its branches and its
   close still belong to something, and what is reported once excuses what follows from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar, assert_never

from skillc.errors import Report, did_you_mean
from skillc.frontends.foreign import shown
from skillc.frontends.guidance.blocks import (
    BLOCKS,
    REFUSED,
    TEMPLATE,
    UNKNOWN,
    BlockRow,
    Finish,
    Head,
    Part,
    select_tag,
)
from skillc.frontends.guidance.exprs import ExprParser, UnreadableTagError
from skillc.frontends.guidance.lexer import Comment, Escaped, Tag, Text, lex_template
from skillc.frontends.guidance.prose import check_prose
from skillc.frontends.guidance.tokens import Token
from skillc.frontends.limits import MAX_BLOCKS, MAX_FRAMES
from skillc.ir import Break, Call, Const, Continue, Emit, Expr, Name, Stmt
from skillc.source import Source, Span

T = TypeVar("T")

START: Final = Span(0, 0)
HASHED_BRANCHES: Final = frozenset({"else", "elif", "elseif"})
BRANCHES: Final = HASHED_BRANCHES | {"or"}


def parse_guidance(source: Source, report: Report) -> tuple[Stmt, ...]:
    """The statements of a Guidance template; partial when the report holds an error afterwards.

    Calls on bare names stay calls, also those of `Set`, `Return` and `Gen`, and also as a whole tag.

    Source: language reference, section 2.
    """
    parser = _Parser(source, report)
    for item in lex_template(source, report):
        match item:
            case Text():
                parser.text(item)
            case Escaped():
                written = source.text[item.span.start + 1 : item.span.end]
                parser.add(Emit(item.span, Const(item.span, written)))
            case Comment():
                pass
            case Tag():
                parser.tag(item)
            case _:
                assert_never(item)
    return parser.end()


@dataclass(slots=True)
class _Open:
    """A block that is still open, or the template itself.

    `names` are those its close may have: its own and, if there is no such block, what may have been meant.
    Without `finish` it makes no statement. `part` is the tag before the current part, `test` the condition
    there. `excused`: that its close is missing is no finding of its own. `frames` are the loops and
    captures around the body, this one included; `braces` the `{` that the text before the block left open.
    """

    row: BlockRow
    tag: Span = START
    name: str = ""
    names: frozenset[str] = frozenset()
    in_loop: bool = False
    frames: int = 0
    braces: int = 0
    part: Span = START
    test: Expr | None = None
    body: list[Stmt] = field(default_factory=list[Stmt])
    parts: list[Part] = field(default_factory=list[Part])
    finish: Finish | None = None
    has_else: bool = False
    excused: bool = False

    @property
    def quoted(self) -> dict[str, str]:
        """Its open tag and its close, as messages quote them."""
        return {"open": f"{{{{#{self.name}}}}}", "close": f"{{{{/{self.name}}}}}"}

    def end_part(self) -> None:
        self.parts.append(Part(self.part, self.test, tuple(self.body)))
        self.body.clear()


@dataclass(slots=True)
class _Parser:
    """The open blocks, the template first; how many of them a name may close; the `{` that text left open."""

    source: Source
    report: Report
    stack: list[_Open] = field(default_factory=lambda: [_Open(TEMPLATE)])
    closable: Counter[str] = field(default_factory=Counter[str])
    braces: int = 0

    def add(self, stmt: Stmt) -> None:
        self.stack[-1].body.append(stmt)

    def end(self) -> tuple[Stmt, ...]:
        """All statements, once the blocks still open are reported and closed."""
        while len(self.stack) > 1:
            self.give_up_innermost()
        return tuple(self.stack[0].body)

    def text(self, item: Text) -> None:
        self.braces = check_prose(item, self.braces, self.report)
        if item.span.start < item.span.end:
            written = self.source.text[item.span.start : item.span.end]
            self.add(Emit(item.span, Const(item.span, written)))

    def tag(self, item: Tag) -> None:
        first, second, *_ = *item.tokens, item.tokens[-1]
        hashed = first.text == "#" and second.text in HASHED_BRANCHES
        if hashed or first.text in BRANCHES:
            self.branch_of_block(item)
        elif first.text == "#":
            self.open_block(item)
        elif first.text == "/":
            self.close_block(item)
        elif item.broken:
            pass
        elif first.kind == "end":
            self.report("SK108", item.span)
        elif first.text in {"break", "continue"} and second.kind == "end":
            self.loop_control(item.span, first)
        elif first.text == ">":
            partial = Span(first.span.start, second.span.end)
            self.report("SK111", partial, name=shown(f"> {second.text}"))
        else:
            self.plain(item)

    # --- tags that are no block ----------------------------------------------------------------------

    def loop_control(self, span: Span, word: Token) -> None:
        if not self.stack[-1].in_loop:
            self.report("SK130", word.span, word=word.text)
        self.add(Break(span) if word.text == "break" else Continue(span))

    def plain(self, item: Tag) -> None:
        """A tag that prints a value."""
        exprs = ExprParser(item.tokens, self.report, self.stack[-1].in_loop)
        first = exprs.token
        if first.text in REFUSED and exprs.starts_spaced_call():
            self.report("SK111", first.span, name=first.text)
            return

        def printed() -> Stmt:
            value = exprs.whole()
            match value:
                case Call(callee=Name(name="select")):
                    return select_tag(item.span, value, self.report)
                case _:
                    return Emit(item.span, value)

        stmt = _unless_unreadable(printed)
        if stmt is not None:
            self.add(stmt)

    # --- blocks --------------------------------------------------------------------------------------

    def open_block(self, item: Tag) -> None:
        """`{{#name ...}}`: open from here on, also when the tag cannot be read."""
        mark, name, *_ = item.tokens
        outer = self.stack[-1]
        row = BLOCKS.get(name.text, UNKNOWN)
        block = _Open(
            row,
            item.span,
            name.text,
            names=frozenset({name.text}),
            in_loop=outer.in_loop or row.loops,
            frames=outer.frames + row.frames,
            braces=self.braces,
            part=item.span,
        )
        read = row.read
        if read is None:
            block.excused = True
            block.names |= self.report_unknown(Span(mark.span.start, name.span.end), name)
        elif not item.broken:
            exprs = ExprParser(item.tokens, self.report, outer.in_loop, index=2)
            head = Head(item.span, name, exprs)
            block.finish = _unless_unreadable(lambda: read(head))
        self.stack.append(block)
        self.closable.update(block.names)
        if len(self.stack) - 1 == MAX_BLOCKS + 1:
            self.report("SK129", item.span, limit=MAX_BLOCKS)
        elif row.frames and block.frames == MAX_FRAMES + 1:
            self.report("SK129", item.span, limit=MAX_FRAMES)

    def report_unknown(self, place: Span, name: Token) -> frozenset[str]:
        """Report a block that does not exist; returns the blocks it may have been meant to be."""
        if name.kind not in {"name", "word"}:
            found = shown(name.text)
            self.report("SK109", name.span, found=found, expected="the name of a block")
        elif name.text in REFUSED:
            self.report("SK111", place, name=f"#{name.text}")
        else:
            self.report("SK110", place, hint=did_you_mean(name.text, BLOCKS), name=name.text)
        return frozenset(known for known in BLOCKS if did_you_mean(name.text, (known,)))

    def branch_of_block(self, item: Tag) -> None:
        """`{{else}}`, `{{else if e}}`, `{{elif e}}`, `{{or}}`, and all but the last with `#`."""
        exprs = ExprParser(item.tokens, self.report, self.stack[-1].in_loop)
        hashed = exprs.take() if exprs.at("#") else None
        words = [exprs.take()]
        if words[0].text == "else" and exprs.at("if"):
            words.append(exprs.take())
        if hashed:
            place = Span(hashed.span.start, words[-1].span.end)
            self.report("SK118", place, hint="drop the '#'")
        written = " ".join(word.text for word in words)
        kind = written if written in {"else", "or"} else "else if"
        test: Expr | None = None
        if kind == "else if":
            condition = None if item.broken else _unless_unreadable(exprs.condition)
            test = condition.expr if condition else Const(item.span, "")
        elif not item.broken:
            expected = "'if' or '}}'" if kind == "else" else "'}}'"
            _unless_unreadable(lambda: exprs.finish(expected))

        block = self.stack[-1]
        if kind not in block.row.branches or block.has_else:
            self.report("SK107", item.span, found=f"{{{{{written}}}}}")
            return
        block.end_part()
        block.part, block.test, block.has_else = item.span, test, kind == "else"
        block.in_loop = self.stack[-2].in_loop or block.row is UNKNOWN
        self.braces = block.braces

    def close_block(self, item: Tag) -> None:
        """`{{/name}}`: closes the innermost block, else what its name suggests.

        Source: language reference, D33: a close of another block is an error.
        """
        exprs = ExprParser(item.tokens, self.report, self.stack[-1].in_loop, index=1)
        name = exprs.take()
        innermost = self.stack[-1]
        if name.kind not in {"name", "word"}:
            found = shown(name.text)
            self.report("SK109", name.span, found=found, expected="the name of a block")
            innermost.excused = True
            return
        if not item.broken:
            _unless_unreadable(lambda: exprs.finish("'}}'"))
        if name.text in innermost.names:
            self.close_innermost()
            return
        found = f"{{{{/{name.text}}}}}"
        if innermost.row is TEMPLATE:
            self.report("SK106", item.span, found=found)
            return
        if not innermost.excused:
            line = self.source.line(innermost.tag.start)
            self.report("SK105", item.span, **innermost.quoted, line=line, found=found)
            innermost.excused = True
        if self.closable[name.text]:
            while name.text not in self.stack[-1].names:
                self.give_up_innermost()
            self.close_innermost()
        elif innermost.row is UNKNOWN:
            self.close_innermost()

    def close_innermost(self) -> None:
        """Make the statement of the innermost block."""
        block = self.stack.pop()
        self.closable.subtract(block.names)
        block.end_part()
        if block.finish is not None:
            self.add(block.finish(block.parts))

    def give_up_innermost(self) -> None:
        """Close the innermost block, whose close is missing."""
        block = self.stack[-1]
        if not block.excused:
            self.report("SK104", block.tag, **block.quoted)
        self.close_innermost()


def _unless_unreadable(read: Callable[[], T]) -> T | None:
    """What `read` returns, or None when its tag cannot be read."""
    try:
        return read()
    except UnreadableTagError:
        return None
