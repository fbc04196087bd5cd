"""Build Jinja's nodes from the items of an NSL template.

1. Open blocks stand on a stack, so nesting costs no Python frames.
2. No error hides the next: a block is open even when its tag could not be read, so that its branches and its
   close still belong to something, and what is reported once excuses what follows from it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from jinja2 import nodes

from skillc.errors import Report, did_you_mean
from skillc.frontends.limits import MAX_BLOCKS, MAX_DEPTH, MAX_FRAMES
from skillc.frontends.nsl.blocks import (
    LOOP_CONTROLS,
    NOT_ON_PLATFORM,
    STATEMENTS,
    TEMPLATE,
    Finish,
    Part,
    StatementRow,
)
from skillc.frontends.nsl.lexer import Tag, Text, lex_template
from skillc.frontends.nsl.reader import Reader, UnreadableTagError
from skillc.frontends.nsl.tokens import KEYWORDS, OPENERS, Token
from skillc.frontends.prose import check_braces, check_dollars
from skillc.source import Source, Span

T = TypeVar("T")

STRAY_CLOSE: Final = re.compile(r"[%#]\}")
BRANCHES: Final = frozenset({"elif", "else"})
GUIDANCE_BRANCHES: Final = frozenset({"else", "elif", "elseif", "or"})
MEANT: Final = {"elseif": "did you mean 'elif'?", "elsif": "did you mean 'elif'?"}
BRACKETS: Final = frozenset({"lparen", "lbracket", "lbrace"})
CALLABLE: Final = frozenset({"name", "rparen", "rbracket", "string"})


def parse_template(source: Source, reader: Reader) -> nodes.Template:
    """The template as Jinja's nodes, whose "lines" are numbers of the reader's tokens.

    Partial when the report holds an error afterwards.

    Source: language reference, NSL syntax.
    """
    parser = _Parser(source, reader)
    for item in lex_template(source, reader.report):
        if isinstance(item, Text):
            parser.text(item)
        elif item.foreign:
            parser.guidance_open = True
        elif item.opener == "{{":
            parser.output(item)
        else:
            parser.statement(item)
    return nodes.Template(parser.end(), lineno=0)


@dataclass(slots=True)
class _Open:
    """A block that is still open, or the template itself.

    Without `finish` it makes no statement. `part` is the number of the tag before the current part, `test` the
    condition there. `excused`: that its close is missing is no finding of its own. `frames` are the loops and
    captures around the body, this one included; `braces` the `{` that the text before the block left open.
    `too_deep` says that it is nested deeper than what can be compiled.
    """

    row: StatementRow
    tag: Span
    name: str = ""
    in_loop: bool = False
    frames: int = 0
    braces: int = 0
    part: int = 0
    test: nodes.Expr | None = None
    body: list[nodes.Node] = field(default_factory=list[nodes.Node])
    parts: list[Part] = field(default_factory=list[Part])
    finish: Finish | None = None
    has_else: bool = False
    excused: bool = False
    too_deep: bool = False

    @property
    def quoted(self) -> dict[str, str]:
        """Its open tag and its close, as messages quote them."""
        return {"open": f"{{% {self.name} %}}", "close": f"{{% end{self.name} %}}"}

    def end_part(self) -> None:
        self.parts.append(Part(self.part, self.test, self.body))
        self.body = []


@dataclass(slots=True)
class _Parser:
    """The open blocks, the template first; how many of them a name may close; the `{` that text left open.

    `unsupported` are tags that were refused: what ends them is no finding of its own. `guidance_open` says that
    Guidance blocks were found, whose branches look like names.
    """

    source: Source
    reader: Reader
    stack: list[_Open] = field(default_factory=lambda: [_Open(TEMPLATE, Span(0, 0))])
    closable: Counter[str] = field(default_factory=Counter[str])
    braces: int = 0
    unsupported: set[str] = field(default_factory=set[str])
    guidance_open: bool = False

    @property
    def report(self) -> Report:
        return self.reader.report

    def add(self, node: nodes.Node) -> None:
        self.stack[-1].body.append(node)

    def end(self) -> list[nodes.Node]:
        """All statements, once the blocks still open are reported and closed."""
        while len(self.stack) > 1:
            self.give_up_innermost()
        return self.stack[0].body

    def text(self, item: Text) -> None:
        if not item.raw:
            self.braces = check_braces(
                item.run,
                self.braces,
                self.report,
                after_tag=item.after_tag,
                before_tag=item.before_tag,
            )
            for stray in STRAY_CLOSE.finditer(self.source.text, *item.run):
                self.report("SK114", Span(*stray.span()), found=stray.group())
            check_dollars(item.run, self.report)
        if item.span.start < item.span.end:
            written = self.source.text[item.span.start : item.span.end]
            number = self.reader.note(Token("data", "", item.span))
            self.add(nodes.Output([nodes.TemplateData(written, lineno=number)], lineno=number))

    # --- tags ----------------------------------------------------------------------------------------

    def read(
        self, tokens: Sequence[Token], read: Callable[[], T], *, colon: bool = False
    ) -> T | None:
        """What `read` makes of the tokens of a tag, all of which it has to use; None when they cannot be read.

        When `colon`, one may stand before the end, as Jinja has it.
        """
        try:
            self.reader.begin(tokens)
            found = read()
            if colon and self.reader.at(":"):
                self.report("SK119", self.reader.token.span)
                self.reader.take()
            self.reader.finish()
        except UnreadableTagError:
            return None
        except RecursionError:
            self.report("SK129", tokens[0].span, limit=MAX_DEPTH)
            return None
        return found

    def output(self, item: Tag) -> None:
        """`{{ e }}`."""
        first = item.tokens[0]
        if item.broken or (self.guidance_open and first.text in GUIDANCE_BRANCHES):
            return
        if len(item.tokens) == 1:
            self.report("SK108", item.span)
            return
        number = self.reader.note(Token("begin", "", item.span))
        value = self.read(item.tokens, self.reader.parse_tuple)
        if value is not None:
            self.add(nodes.Output([value], lineno=number))

    def statement(self, item: Tag) -> None:
        """`{% name ... %}`."""
        name, *rest = item.tokens
        if item.broken and not rest:
            return
        if not rest:
            self.report("SK108", item.span)
        elif name.type != "name":
            self.read(item.tokens, lambda: self.reader.unreadable("the name of a statement"))
        elif name.text in BRANCHES:
            self.branch(item, name.text, rest)
        elif name.text in STATEMENTS:
            self.known(item, name, rest)
        elif name.text.startswith("end"):
            self.close(item, name, rest)
        else:
            hint = MEANT.get(name.text) or did_you_mean(name.text, STATEMENTS)
            self.report("SK112", name.span, hint=hint, name=name.text)
            self.unsupported.add(name.text)

    def known(self, item: Tag, name: Token, rest: Sequence[Token]) -> None:
        """A statement of the language; one with a body is open from here on, also when its tag cannot be read."""
        row = STATEMENTS[name.text]
        if name.text in NOT_ON_PLATFORM:
            self.report("SK131", name.span, word=name.text)
        if name.text in LOOP_CONTROLS and not self.stack[-1].in_loop:
            self.report("SK130", name.span, word=name.text)
        number = self.reader.note(Token("begin", "", item.span))
        made: Finish | nodes.Node | None = None
        if not item.broken:
            tokens = self.with_comparisons(rest) if name.text == "if" else rest
            made = self.read(tokens, lambda: row.read(self.reader, number), colon=row.has_body)
        if isinstance(made, nodes.Node):
            self.add(made)
        elif made is not None or (row.has_body and not _is_assignment(name, item)):
            self.open_block(item.span, name.text, number, made)

    def with_comparisons(self, tokens: Sequence[Token]) -> list[Token]:
        """The tokens of a condition, a single `=` that names no argument reported and read as `==`."""
        found: list[Token] = []
        calls: list[bool] = []
        for token in tokens:
            if token.type in BRACKETS:
                before = found[-1] if found else token
                calls.append(before.type in CALLABLE and before.text not in KEYWORDS)
            elif token.text in OPENERS and calls:
                calls.pop()
            elif token.type == "assign" and not (calls and calls[-1]):
                self.report("SK123", token.span, hint="did you mean '=='?")
                token = Token("eq", "==", token.span)
            found.append(token)
        return found

    # --- blocks --------------------------------------------------------------------------------------

    def open_block(self, tag: Span, name: str, number: int, finish: Finish | None) -> None:
        """Open a statement with a body."""
        outer, row = self.stack[-1], STATEMENTS[name]
        block = _Open(
            row,
            tag,
            name,
            in_loop=row.loops or (outer.in_loop and not row.function),
            frames=outer.frames + row.frames,
            braces=self.braces,
            part=number,
            finish=finish,
            too_deep=outer.too_deep,
        )
        self.stack.append(block)
        self.closable[name] += 1
        too_many_blocks = len(self.stack) - 1 > MAX_BLOCKS
        if too_many_blocks or (row.frames and block.frames > MAX_FRAMES):
            block.finish = None  # nothing that is nested deeper is looked at
            if not outer.too_deep:
                limit = MAX_BLOCKS if too_many_blocks else MAX_FRAMES
                self.report("SK129", tag, limit=limit)
            block.too_deep = True

    def branch(self, item: Tag, word: str, rest: Sequence[Token]) -> None:
        """`{% else %}` and `{% elif e %}`."""
        number = self.reader.note(Token("begin", "", item.span))
        test: nodes.Expr | None = None
        if word == "elif":
            if not item.broken:
                tokens = self.with_comparisons(rest)
                condition = lambda: self.reader.parse_tuple(with_condexpr=False)  # noqa: E731
                test = self.read(tokens, condition, colon=True)
            test = test or nodes.Const("", lineno=number)
        elif rest[0].text == "if":
            self.read(rest, lambda: self.reader.unreadable("'%}'", hint="write '{% elif … %}'"))
        elif not item.broken:
            self.read(rest, lambda: self.must_end(), colon=True)
        block = self.stack[-1]
        if word not in block.row.branches or block.has_else:
            self.report("SK107", item.span, found=f"{{% {word} %}}")
            return
        block.end_part()
        block.part, block.test, block.has_else = number, test, word == "else"
        block.in_loop = self.stack[-2].in_loop
        self.braces = block.braces

    def must_end(self) -> None:
        """Nothing may follow the name of a branch or close but a colon."""
        if not self.reader.at_end and not self.reader.at(":"):
            self.reader.unreadable("'%}'")

    def close(self, item: Tag, name: Token, rest: Sequence[Token]) -> None:
        """`{% endname %}`: closes the innermost block, else what its name suggests.

        Source: language reference, D33: a close of another block is an error.
        """
        closed = name.text.removeprefix("end")
        if closed in self.unsupported:
            return
        if not item.broken:
            self.read(rest, self.must_end)
        innermost = self.stack[-1]
        if closed == innermost.name:
            self.close_innermost()
            return
        found = f"{{% {name.text} %}}"
        if innermost.row is TEMPLATE:
            self.report("SK106", item.span, found=found)
            return
        if not innermost.excused:
            line = self.source.line(innermost.tag.start)
            self.report("SK105", item.span, **innermost.quoted, line=line, found=found)
            innermost.excused = True
        if self.closable[closed] > 0:
            while self.stack[-1].name != closed:
                self.give_up_innermost()
            self.close_innermost()

    def close_innermost(self) -> None:
        """Make the statement of the innermost block."""
        block = self.stack.pop()
        self.closable[block.name] -= 1
        block.end_part()
        if block.finish is not None:
            self.add(block.finish(block.parts))

    def give_up_innermost(self) -> None:
        """Close the innermost block, whose close is missing."""
        block = self.stack[-1]
        if not block.excused:
            self.report("SK104", block.tag, **block.quoted)
        self.close_innermost()


def _is_assignment(name: Token, item: Tag) -> bool:
    """Whether a tag that could not be read is a `set` without a body."""
    assigns = any(token.type == "assign" for token in item.tokens)
    return name.text == "set" and (assigns or item.broken)
