"""Read expressions with Jinja's own parser, which gets the tokens of one tag at a time.

1. Jinja's parser knows lines only. Here a token's "line" is its number in `tokens`, so every node says where it
   stands; `skillc.frontends.nsl.exprs` finds from there where it begins and ends.
2. What Jinja says of an error is never shown: the place is that of the token it stopped at, the words are ours.
3. Arguments of a call are all `Keyword` nodes in the template's order, since a call of an action has rules of its
   own: the key is "" for a positional one, `*` or `**` where several are handed on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NoReturn

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.lexer import Token as JinjaToken
from jinja2.lexer import TokenStream
from jinja2.parser import Parser

from skillc.errors import Report
from skillc.frontends.foreign import shown
from skillc.frontends.limits import MAX_DEPTH
from skillc.frontends.nsl.tokens import OPENERS, Token

ENVIRONMENT: Final = Environment(autoescape=False)  # noqa: S701 - it only parses, and prompts are no HTML
CLOSERS: Final[Mapping[str, str]] = {opener: closer for closer, opener in OPENERS.items()}

# What Jinja's parser can want where a token does not fit, by the start of what it says.
EXPECTED: Final[Mapping[str, str]] = {
    "can't assign": "a variable name",
    "non-default argument": "a default, as the argument before it has one",
    "expected name or number": "a name",
    "expected call": "a call of a macro",
    "You cannot chain": "'and', as in 'x is a and x is b'",
}
NAMES: Final[Mapping[str, str]] = {
    "name": "a name",
    "name:in": "'in'",
    "assign": "'='",
    "colon": "':'",
    "lparen": "'('",
}
HINTS: Final[Mapping[str, str]] = {
    "{{": "a tag cannot stand inside a tag",
    "~": "'-' removes blanks: '{{-' and '-}}'",
    "@": "the number of a pass is loop.index0, its first and last are loop.first and loop.last",
    **dict.fromkeys("“”„‘’‚«»", "use straight quotes"),
}


class UnreadableTagError(Exception):
    """The rest of a tag cannot be read; why has been reported."""


class Reader(Parser):
    """Jinja's parser over the tokens of one tag after the other.

    `tokens` are those of all tags so far, `depths` how many brackets are open around each.
    """

    def __init__(self, report: Report) -> None:
        """A reader without a tag."""
        super().__init__(ENVIRONMENT, "")
        self.report = report
        self.tokens: list[Token] = []
        self.depths: list[int] = []

    def note(self, token: Token, depth: int = 0) -> int:
        """The number of a token that is added to those known."""
        self.tokens.append(token)
        self.depths.append(depth)
        return len(self.tokens) - 1

    def begin(self, tokens: Sequence[Token]) -> None:
        """Go on with the tokens of a tag, of which the last is its end.

        Raises:
            UnreadableTagError: brackets are nested deeper than whoever reads or compiles them can follow.
        """
        first, depth = len(self.tokens), 0
        for token in tokens:
            depth += (token.text in CLOSERS) - (token.text in OPENERS)
            self.note(token, depth)
            if depth > MAX_DEPTH:
                self.report("SK129", token.span, limit=MAX_DEPTH)
                raise UnreadableTagError
        numbered = (
            JinjaToken(first + number, token.type, token.value)  # type: ignore[arg-type]  # numbers are values too
            for number, token in enumerate(tokens)
        )
        self.stream = Stream(numbered, self)

    @property
    def token(self) -> Token:
        """The token that is read next; the end of the tag when all are read."""
        return self.tokens[self.stream.current.lineno]

    @property
    def at_end(self) -> bool:
        """Whether all of the tag is read."""
        return self.stream.current.type in {"variable_end", "block_end", "eof"}

    def at(self, *texts: str) -> bool:
        """Whether the next token is one of these symbols or words."""
        return self.token.text in texts and not self.at_end

    def take(self) -> int:
        """Read the next token; returns its number."""
        return next(self.stream).lineno

    def finish(self) -> None:
        """Make sure that the tag ends here."""
        if not self.at_end:
            self.unreadable(f"an operator or '{self.tokens[-1].text}'")

    # --- errors --------------------------------------------------------------------------------------

    def unreadable(
        self, expected: str, number: int | None = None, hint: str | None = None
    ) -> NoReturn:
        """Report a token, the next one by default, unless that was done before, and abandon the tag."""
        token = self.token if number is None else self.tokens[number]
        if token.type != "foreign":
            found = shown(token.text or self.report.source.text[slice(*token.span)])
            hint = hint or HINTS.get(token.text) or _character_hint(token)
            self.report("SK109", token.span, hint=hint, found=found, expected=expected)
        raise UnreadableTagError

    def fail(
        self,
        msg: str,
        lineno: int | None = None,
        exc: type[TemplateSyntaxError] = TemplateSyntaxError,
    ) -> NoReturn:
        """What Jinja's parser calls when it can go no further."""
        expected = next(
            (text for said, text in EXPECTED.items() if msg.startswith(said)), "a value"
        )
        self.unreadable(expected, lineno)

    def wanted(self, expr: str) -> NoReturn:
        """Another token than `expr` is next."""
        closer = self.innermost_closer()
        others = f"',' or '{closer}'" if expr == "comma" else f"an operator or '{closer}'"
        self.unreadable(NAMES.get(expr, others))

    def innermost_closer(self) -> str:
        """What closes the innermost bracket that is open before the next token; else what ends the tag."""
        depth = 0
        for number in range(self.stream.current.lineno - 1, -1, -1):
            token = self.tokens[number]
            if token.type in {"begin", "data"}:
                break
            if token.type == "string":
                continue
            depth += (token.text in OPENERS) - (token.text in CLOSERS)
            if depth < 0:
                return CLOSERS[token.text]
        return self.tokens[-1].text

    # --- what differs from Jinja ---------------------------------------------------------------------

    def parse_call_args(
        self,
    ) -> tuple[list[nodes.Expr], list[nodes.Keyword], nodes.Expr | None, nodes.Expr | None]:
        """The arguments between parentheses, all as keywords (rule 3)."""
        self.stream.expect("lparen")
        found: list[nodes.Keyword] = []
        while not self.at(")"):
            found.append(self.argument(found[-1].key if found else ""))
            if self.at(";"):
                self.report("SK124", self.token.span)
                self.take()
            elif not self.at(")"):
                self.stream.expect("comma")
        self.take()
        return [], found, None, None

    def argument(self, before: str) -> nodes.Keyword:
        """One argument of a call, behind another one with the key `before`."""
        number, key = self.stream.current.lineno, ""
        if self.at("*", "**"):
            key = self.token.text
            self.take()
        elif self.stream.current.type == "name" and self.stream.look().type == "assign":
            key = self.token.text
            self.stream.skip(2)
        if before == "**":
            self.unreadable("')' behind what '**' hands on", number)
        if before == "*" and key in {"", "*"}:
            self.unreadable("a named argument", number)
        return nodes.Keyword(key, self.parse_expression(), lineno=number)

    def parse_filter(
        self, node: nodes.Expr | None, start_inline: bool = False
    ) -> nodes.Expr | None:
        """Filters behind a value; a bar without one is a filter that is not known."""
        if self.at("|") and self.stream.look().type != "name":
            self.take()
            self.report("SK127", self.token.span, kind="filter", name=shown(self.token.text))
            raise UnreadableTagError
        return super().parse_filter(node, start_inline)


class Stream(TokenStream):
    """The tokens of one tag, which report to their reader what does not fit."""

    def __init__(self, tokens: object, reader: Reader) -> None:
        """The tokens, in order."""
        self.reader = reader
        super().__init__(tokens, None, None)  # type: ignore[arg-type]

    def expect(self, expr: str) -> JinjaToken:
        """Take the token `expr`, in Jinja's notation."""
        if not self.current.test(expr):
            self.reader.wanted(expr)
        return next(self)


def _character_hint(token: Token) -> str | None:
    """What is odd about a single character that is no token of the language."""
    if token.type != "symbol" or token.text.isascii():
        return None
    return "use an ordinary blank" if token.text.isspace() else None
