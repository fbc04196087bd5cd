"""Parse the expressions and calls of one tag.

1. Operators are folded from a stack, so that a level of parentheses costs a few Python frames and a chain of
   operators none. What nests deeper than Python compiles is refused before it is read.
2. The first error abandons its tag: it is reported, then `UnreadableTagError` leaves the tag to its reader.
   What has one obvious meaning (`=` in a condition, `;` between arguments) is reported and read as that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, NoReturn, TypeAlias, TypeVar, get_args

from skillc.errors import Report, did_you_mean
from skillc.frontends.foreign import shown
from skillc.frontends.guidance.tokens import CONSTANTS, Token
from skillc.frontends.limits import MAX_DEPTH
from skillc.ir import (
    Arg,
    Attribute,
    Binary,
    Call,
    Compare,
    CompareOp,
    Const,
    DictExpr,
    Expr,
    Index,
    ListExpr,
    Logic,
    LoopName,
    Name,
    Unary,
    Undefined,
)
from skillc.source import Span

T = TypeVar("T")
LogicOp: TypeAlias = Literal["and", "or"]
ArithmeticOp: TypeAlias = Literal["+", "-", "*", "/", "%"]
PrefixOp: TypeAlias = Literal["not", "-", "+"]
LoopVariable: TypeAlias = Literal["index", "first", "last", "key"]

LOGIC: Final[Mapping[str, LogicOp]] = {op: op for op in get_args(LogicOp)}
COMPARE: Final[Mapping[str, CompareOp]] = {op: op for op in get_args(CompareOp)}
ARITHMETIC: Final[Mapping[str, ArithmeticOp]] = {op: op for op in get_args(ArithmeticOp)}
PREFIX: Final[Mapping[str, PrefixOp]] = {op: op for op in get_args(PrefixOp)}
LOOP_NAMES: Final[Mapping[str, LoopVariable]] = {
    f"@{name}": name for name in get_args(LoopVariable)
}

# How tightly operators bind; language reference, 2.2: precedence is Python's.
NOT_LEVEL: Final = 3
INFIX_LEVELS: Final[Mapping[str, int]] = {
    "or": 1,
    "and": 2,
    **dict.fromkeys(COMPARE, 4),
    **dict.fromkeys("+-", 5),
    **dict.fromkeys("*/%", 6),
}
PREFIX_LEVELS: Final[Mapping[str, int]] = {"not": NOT_LEVEL, "-": 7, "+": 7}

HINTS: Final[Mapping[str, str]] = {
    "{{": "a tag cannot stand inside a tag",
    "if": "to choose between values, use an if block",
    **dict.fromkeys("“”„‘’‚«»", "use straight quotes"),
}
WHOLE_HINTS: Final[Mapping[str, str]] = {
    "=": 'to assign, write Set(name="…", value=…)',
    ":": "to print double braces, write \\{{",
}
SPACED_HINTS: Final[Mapping[str, str]] = {
    ",": "arguments without parentheses are separated by blanks",
    **dict.fromkeys((*INFIX_LEVELS, *PREFIX_LEVELS), "put the whole expression in parentheses"),
}


class UnreadableTagError(Exception):
    """The rest of a tag cannot be read; why has been reported."""


class Operand(NamedTuple):
    """An expression and the extent it is written in, parentheses included."""

    expr: Expr
    start: int
    end: int


class Operator(NamedTuple):
    """An operator that waits for its right operand."""

    op: str
    level: int
    start: int


@dataclass(slots=True)
class ExprParser:
    """Reads the tokens of one tag from `index` on; `in_loop` tells whether a loop's names mean anything there."""

    tokens: Sequence[Token]
    report: Report
    in_loop: bool
    index: int = 0
    depth: int = 0
    in_condition: bool = False

    @property
    def token(self) -> Token:
        """The token that is read next; at last the end token, which is never taken."""
        return self.tokens[self.index]

    def at(self, *texts: str) -> bool:
        """Whether the next token is one of these symbols or words."""
        return self.token.text in texts

    def take(self) -> Token:
        """The next token, which is thereby read."""
        token = self.token
        if token.kind != "end":
            self.index += 1
        return token

    def fail(self, expected: str, hint: str | None = None) -> NoReturn:
        """Report the next token, unless that was done when it was lexed, and abandon the tag."""
        token = self.token
        if token.text == "|":
            self.report("SK126", token.span)
        elif token.kind != "foreign":
            hint = hint or HINTS.get(token.text) or _character_hint(token)
            self.report("SK109", token.span, hint=hint, found=shown(token.text), expected=expected)
        raise UnreadableTagError

    def expect(self, text: str, expected: str, hint: str | None = None) -> Token:
        """Take the symbol `text`."""
        if not self.at(text):
            self.fail(expected, hint)
        return self.take()

    def name(self, expected: str, hint: str | None = None) -> Token:
        """Take a name that is no reserved word."""
        if self.token.kind != "name":
            self.fail(expected, hint)
        return self.take()

    def finish(self, expected: str = "an operator or '}}'", hint: str | None = None) -> None:
        """Make sure that the tag ends here."""
        if self.token.kind != "end":
            self.fail(expected, hint)

    # --- whole tags ----------------------------------------------------------------------------------

    def whole(self) -> Expr:
        """A call without parentheses or an expression, up to the end of the tag."""
        value = self.body("}}").expr
        self.finish(hint=WHOLE_HINTS.get(self.token.text))
        return value

    def condition(self) -> Operand:
        """The expression of an `if` or its kin, up to the end of the tag."""
        self.in_condition = True
        value = self.expression()
        self.finish()
        return value

    def body(self, close: str) -> Operand:
        """A call without parentheses or an expression, up to `close`, which is not taken."""
        return self.spaced_call(close) if self.starts_spaced_call() else self.expression()

    def tag_arguments(self) -> tuple[Arg, ...]:
        """The arguments of a block, in parentheses or without, up to the end of the tag."""
        if not self.at("("):
            return self.spaced_arguments("}}")[0]
        args, _ = self.arguments()
        self.finish("'}}'")
        return args

    # --- calls without parentheses -------------------------------------------------------------------

    def starts_spaced_call(self) -> bool:
        """Whether a path, blanks and the start of an argument come next.

        Source: language reference, 2.4, whitespace call.
        """
        index = self.index
        if self.tokens[index].kind != "name":
            return False
        while self.tokens[index + 1].text == "." and self.tokens[index + 2].kind == "name":
            index += 2
        token = self.tokens[index + 1]
        return token.spaced and token.text not in {"(", "-"} and _starts_value(token)

    def spaced_call(self, close: str) -> Operand:
        """`path arg arg name=arg`, up to `close`, which is not taken."""
        callee = self.name("a name")
        start = callee.span.start
        path: Expr = Name(callee.span, callee.text)
        while self.at("."):
            self.take()
            part = self.name("a name")
            path = Attribute(part.span, path, part.text)
        args, end = self.spaced_arguments(close)
        return Operand(Call(Span(start, end), path, args), start, end)

    def spaced_arguments(self, close: str) -> tuple[tuple[Arg, ...], int]:
        """Arguments with blanks before them, up to `close`, and the offset behind the last one."""
        args: list[Arg] = []
        end = self.token.span.start
        while not self.at(close):
            spaced = self.token.spaced
            name = self.argument_name()
            if not spaced or not (name or _starts_value(self.token)):
                self.fail(f"an argument or '{close}'", SPACED_HINTS.get(self.token.text))
            value = self.spaced_value()
            args.append(_arg(name, value))
            end = value.end
        return tuple(args), end

    def spaced_value(self) -> Operand:
        """A number with its sign, or a value and what touches it: no operators.

        Source: language reference, 2.2, ws-value.
        """
        if self.at("-"):
            sign = self.take()
            if self.token.kind != "number" or self.token.spaced:
                self.fail("a number right behind the '-'", SPACED_HINTS["-"])
            number = self.take()
            span = Span(sign.span.start, number.span.end)
            return Operand(Unary(span, "-", Const(number.span, number.value)), *span)
        return self.postfix(touching=True)

    def starts_arguments(self) -> bool:
        """Whether what is next in parentheses are arguments: it has a name or a comma of its own.

        Source: language reference, 2.2, notes on tokens, `#each(`.
        """
        if not self.at("("):
            return False
        inside = self.tokens[self.index + 1 :]
        if inside[0].kind in {"name", "word"} and inside[1].text == "=":
            return True
        depth = 0
        for token in inside:
            if depth == 0 and token.text in {",", ")"}:
                return token.text == ","
            depth += (token.text in {"(", "[", "{"}) - (token.text in {")", "]", "}"})
        return False

    # --- operators -----------------------------------------------------------------------------------

    def expression(self) -> Operand:
        """An expression; what cannot belong to it is left for the caller.

        Source: language reference, 2.2, expr to unary.
        """
        operands: list[Operand] = []
        operators: list[Operator] = []
        while True:
            while self.at(*PREFIX):
                operators.append(self.prefix(operators))
            operands.append(self.postfix())
            operator = self.infix()
            if operator is None:
                break
            while operators and operators[-1].level > operator.level:
                self.fold(operands, operators)
            operators.append(operator)
        while operators:
            self.fold(operands, operators)
        return operands[0]

    def prefix(self, operators: Sequence[Operator]) -> Operator:
        """Take a sign or `not`; `not` cannot stand behind an operator that binds tighter."""
        token = self.token
        level = PREFIX_LEVELS[token.text]
        if level == NOT_LEVEL and operators and operators[-1].level > level:
            self.fail("a value", "put the part with 'not' in parentheses")
        self.deepen(self.take())
        return Operator(token.text, level, token.span.start)

    def infix(self) -> Operator | None:
        """Take an operator between operands, which may be two words; None when there is none."""
        token = self.token
        op, width = token.text, 1
        if op in {"not", "is"}:
            pair = f"{op} {self.tokens[self.index + 1].text}"
            op, width = (pair, 2) if pair in COMPARE else (op, 1)
        elif op == "=" and self.in_condition:
            self.report("SK123", token.span, hint="did you mean '=='?")
            op = "=="
        level = INFIX_LEVELS.get(op)
        if level is None:
            return None
        self.index += width
        return Operator(op, level, token.span.start)

    def fold(self, operands: list[Operand], operators: list[Operator]) -> None:
        """Build what the last operators, all of one level, make of the last operands."""
        level = operators[-1].level
        first = len(operators)
        while first and operators[first - 1].level == level:
            first -= 1
        ops = [operator.op for operator in operators[first:]]
        if level in PREFIX_LEVELS.values():
            value = operands.pop()
            for operator in reversed(operators[first:]):
                span = Span(operator.start, value.end)
                value = Operand(Unary(span, PREFIX[operator.op], value.expr), *span)
            self.depth -= len(ops)
        else:
            value = _folded(operands[-len(ops) - 1 :], ops)
            del operands[-len(ops) - 1 :]
        del operators[first:]
        operands.append(value)

    def deepen(self, token: Token) -> None:
        """Enter one more level of nesting, which `token` opens."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.report("SK129", token.span, limit=MAX_DEPTH)
            raise UnreadableTagError

    # --- values --------------------------------------------------------------------------------------

    def postfix(self, *, touching: bool = False) -> Operand:
        """A value with its attributes, indexes and calls; when `touching`, only those no blank precedes."""
        expr, start, end = self.atom()
        links = 0
        while self.at(".", "[", "(") and not (touching and self.token.spaced):
            opener = self.token
            if opener.text == "(":
                args, end = self.arguments()
                expr = Call(Span(start, end), expr, args)
            elif opener.text == "[":
                self.deepen(self.take())
                index = self.expression().expr
                hint = "slices exist only in NSL" if self.at(":") else None
                end = self.expect("]", "an operator or ']'", hint).span.end
                self.depth -= 1
                expr = Index(Span(start, end), expr, index)
            else:
                self.take()
                hint = f'write ["{self.token.text}"]' if self.token.kind == "word" else None
                name = self.name("a name", hint)
                end = name.span.end
                expr = Attribute(name.span, expr, name.text)
            # Each link is a level of the tree, although what it opened is closed again.
            links += 1
            self.deepen(opener)
        self.depth -= links
        return Operand(expr, start, end)

    def atom(self) -> Operand:
        """A literal, a name, a list, a dict, or something in parentheses."""
        token = self.token
        start, end = token.span
        expr: Expr
        match token.kind, token.text:
            case (("text" | "number"), _):
                self.take()
                expr = Const(token.span, token.value)
            case "word", text if text in CONSTANTS:
                self.take()
                expr = Const(token.span, token.value)
            case "name", text:
                self.take()
                expr = Name(token.span, text)
            case "at", text if text in LOOP_NAMES:
                self.take()
                expr = self.loop_name(token)
            case "at", text:
                hint = did_you_mean(text, LOOP_NAMES)
                self.fail("'@index', '@first', '@last' or '@key'", hint)
            case _, "[":
                items, end = self.listed("]", lambda: self.expression().expr)
                expr = ListExpr(Span(start, end), items)
            case _, "{":
                pairs, end = self.listed("}", self.pair)
                expr = DictExpr(Span(start, end), pairs)
            case _, "(":
                self.deepen(self.take())
                expr = self.body(")").expr
                end = self.expect(")", "an operator or ')'").span.end
                self.depth -= 1
            case _:
                self.fail("a value")
        return Operand(expr, start, end)

    def loop_name(self, token: Token) -> Expr:
        """What the innermost loop knows; outside of loops it is a name that is never set."""
        if self.in_loop:
            return LoopName(token.span, LOOP_NAMES[token.text])
        self.report("SK301", token.span, name=token.text)
        return Undefined(token.span)

    def pair(self) -> tuple[Expr, Expr]:
        """A key and a value of a dict."""
        key = self.expression().expr
        self.expect(":", "an operator or ':'")
        return key, self.expression().expr

    def arguments(self) -> tuple[tuple[Arg, ...], int]:
        """The arguments between parentheses, and the offset behind the closing one."""
        return self.listed(")", lambda: _arg(self.argument_name(), self.expression()))

    def argument_name(self) -> Token | None:
        """Take `name=`, where reserved words are names too; None when there is none.

        Source: language reference, 2.2, ANYNAME.
        """
        if self.token.kind not in {"name", "word"} or self.tokens[self.index + 1].text != "=":
            return None
        name = self.take()
        self.take()
        return name

    def listed(self, close: str, item: Callable[[], T]) -> tuple[tuple[T, ...], int]:
        """Items between brackets, the last comma optional, and the offset behind `close`."""
        self.deepen(self.take())
        items: list[T] = []
        while not self.at(close):
            items.append(item())
            if self.at(";"):
                self.report("SK124", self.take().span)
            elif self.at(","):
                self.take()
            elif not self.at(close):
                self.fail(f"',' or '{close}'")
        self.depth -= 1
        return tuple(items), self.take().span.end


def _character_hint(token: Token) -> str | None:
    """What is odd about a single character or word that is no token of the language."""
    if token.kind != "symbol" or token.text.isascii():
        return None
    if token.text.isspace():
        return "use an ordinary blank"
    return "names are made of the letters a to z, digits and '_'" if token.text.isalnum() else None


def _starts_value(token: Token) -> bool:
    match token.kind:
        case "text" | "number" | "at" | "name":
            return True
        case "word":
            return token.text in CONSTANTS
        case _:
            return token.text in {"[", "{", "(", "-"}


def _arg(name: Token | None, value: Operand) -> Arg:
    span = value.expr.span if name is None else name.span
    return Arg(span, name.text if name else None, value.expr)


def _folded(values: Sequence[Operand], ops: Sequence[str]) -> Operand:
    """Operands with operators of one level between them, left-associative."""
    first, rest = values[0], values[1:]
    span = Span(first.start, values[-1].end)
    if ops[0] in LOGIC:
        logic = Logic(span, LOGIC[ops[0]], tuple(value.expr for value in values))
        return Operand(logic, *span)
    if ops[0] in COMPARE:
        pairs = tuple((COMPARE[op], value.expr) for op, value in zip(ops, rest, strict=True))
        return Operand(Compare(span, first.expr, pairs), *span)
    expr = first.expr
    for op, value in zip(ops, rest, strict=True):
        expr = Binary(Span(first.start, value.end), ARITHMETIC[op], expr, value.expr)
    return Operand(expr, *span)
