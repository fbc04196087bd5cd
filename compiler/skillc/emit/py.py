"""Small constructors of Python code: fresh libcst nodes, literals that mean exactly their value, parentheses.

1. Every node is made here from parts; text of a template only ever enters through `string` and `fstring`.
2. No node is used twice.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, TypeAlias, cast

import libcst as cst

from skillc.errors import CompilerBug
from skillc.ir import Value
from skillrt.names import KEYWORDS

# --- literals ------------------------------------------------------------------------------------

UNSAFE: Final = re.compile(r'[\x00-\x1f"\\\x7f]|[^\x00-\x7f]')
HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})
SOFT_HYPHEN: Final = "\u00ad"  # shown in that old Unicode
NEWER_SIGNS: Final = (range(0x20A0, 0x20D0), range(0x1F300, 0x1FB00))  # currencies, emoji
HEX_FROM_BITS: Final = 14_000  # Python refuses decimal literals of more than 4300 digits


Quote: TypeAlias = Literal['"', "'"]
Text: TypeAlias = cst.SimpleString | cst.FormattedString


def string(text: str) -> cst.SimpleString:
    """The literal of a text, on one line."""
    quote = _quote(text)
    return cst.SimpleString(f"{quote}{_escaped(text, quote)}{quote}")


def _quote(text: str) -> Quote:
    """Double quotes, unless only single ones spare the text its backslashes."""
    return "'" if '"' in text and "'" not in text else '"'


def _escaped(text: str, quote: str) -> str:
    return UNSAFE.sub(lambda found: _escape(found[0], quote), text)


def _escape(char: str, quote: str) -> str:
    """What stands for a character between such quotes.

    What `repr` escapes depends on the Unicode of this Python; the same template must give the same bytes
    everywhere, so a frozen old Unicode decides.
    """
    if char in {'"', "'"}:
        return f"\\{char}" if char == quote else char
    if char > "\x7f":
        shown = unicodedata.ucd_3_2_0.category(char) not in HIDDEN and char != SOFT_HYPHEN
        if shown or any(ord(char) in signs for signs in NEWER_SIGNS):
            return char
    return ascii(char)[1:-1]


def constant(value: Value) -> cst.BaseExpression:
    """The literal of a value."""
    match value:
        case None:
            return cst.Name("None")
        case bool():
            return cst.Name(str(value))
        case str():
            return string(value)
        case int() if value < 0:
            return cst.UnaryOperation(cst.Minus(), constant(-value))
        case int():
            return cst.Integer(repr(value) if value.bit_length() < HEX_FROM_BITS else hex(value))
        case float() if not math.isfinite(value):
            return call(cst.Name("float"), string(repr(value)))
        case float() if math.copysign(1.0, value) < 0:
            return cst.UnaryOperation(cst.Minus(), constant(-value))
        case float():
            return cst.Float(repr(value))


def fstring(parts: Sequence[str | cst.BaseExpression]) -> Text:
    """The literal of texts and printed expressions; a plain one when there is no expression.

    The expressions are names and calls of names: nothing that needs a quote or a backslash.
    """
    if all(isinstance(part, str) for part in parts):
        return string("".join(part for part in parts if isinstance(part, str)))
    quote = _quote("".join(part for part in parts if isinstance(part, str)))
    content: list[cst.BaseFormattedStringContent] = []
    pending = ""
    for part in parts:
        if isinstance(part, str):
            pending += part
            continue
        if pending:
            content.append(_fstring_text(pending, quote))
            pending = ""
        content.append(cst.FormattedStringExpression(part))
    if pending:
        content.append(_fstring_text(pending, quote))
    return cst.FormattedString(content, start=f"f{quote}", end=quote)


def _fstring_text(text: str, quote: str) -> cst.FormattedStringText:
    return cst.FormattedStringText(_escaped(text, quote).replace("{", "{{").replace("}", "}}"))


# --- names and calls -----------------------------------------------------------------------------


def name(identifier: str) -> cst.Name:
    """A name; it is checked, whoever made it."""
    if not (identifier.isascii() and identifier.isidentifier()) or identifier in KEYWORDS:
        raise CompilerBug(f"no identifier: {identifier!r}")
    return cst.Name(identifier)


def attribute(value: cst.BaseExpression, identifier: str) -> cst.Attribute:
    """`<value>.<identifier>`"""
    return cst.Attribute(operand(value, ATOM), name(identifier))


def argument(value: cst.BaseExpression, keyword: str | None = None) -> cst.Arg:
    """`<value>` or `<keyword>=<value>` in a call."""
    if keyword is None:
        return cst.Arg(bare(value))
    return cst.Arg(
        value,
        keyword=name(keyword),
        equal=cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace("")),
    )


def call(
    function: cst.BaseExpression, *arguments: cst.BaseExpression, **named: cst.BaseExpression
) -> cst.Call:
    """`<function>(<arguments>, <named>)`"""
    keywords = (argument(value, keyword) for keyword, value in named.items())
    return cst.Call(operand(function, ATOM), [*map(argument, arguments), *keywords])


def call_with_lines(function: cst.BaseExpression, texts: Sequence[Text]) -> cst.Call:
    """`<function>(<text> <text>)`: one literal; if it has several parts, they have a line each."""
    *others, last = texts
    if not others:
        return call(function, last)
    joined: Text | cst.ConcatenatedString = last
    for text in reversed(others):
        joined = cst.ConcatenatedString(text, joined, whitespace_between=line_inside(deeper=True))
    argument = cst.Arg(joined, whitespace_after_arg=line_inside())
    return cst.Call(function, [argument], whitespace_before_args=line_inside(deeper=True))


def awaited(value: cst.BaseExpression) -> cst.Await:
    """`await <value>`"""
    return cst.Await(operand(value, ATOM))


def bare(value: cst.BaseExpression) -> cst.BaseExpression:
    """The expression without parentheses that brackets around it make superfluous."""
    return value.with_changes(lpar=[], rpar=[]) if isinstance(value, cst.NamedExpr) else value


def subscript(value: cst.BaseExpression, *indexes: cst.BaseExpression) -> cst.Subscript:
    """`<value>[<indexes>]`"""
    elements = [cst.SubscriptElement(cst.Index(index)) for index in indexes]
    return cst.Subscript(operand(value, ATOM), elements)


def list_of(items: Iterable[cst.BaseExpression]) -> cst.List:
    """`[<items>]`"""
    return cst.List([cst.Element(item) for item in items])


def tuple_of(items: Iterable[cst.BaseExpression]) -> cst.Tuple:
    """`(<items>)`"""
    return cst.Tuple([cst.Element(bare(item)) for item in items])


def dict_of(pairs: Iterable[tuple[cst.BaseExpression, cst.BaseExpression]]) -> cst.Dict:
    """`{<key>: <value>}`"""
    return cst.Dict([cst.DictElement(key, value) for key, value in pairs])


def dict_in_lines(
    pairs: Iterable[tuple[cst.BaseExpression, cst.BaseExpression]], depth: int = 0
) -> cst.Dict:
    """A dict with a line for each pair, its own lines indented by `depth` levels."""
    pairs = list(pairs)
    if not pairs:
        return cst.Dict([])
    levels = [*(depth + 1 for _ in pairs[1:]), depth]
    elements = [
        cst.DictElement(key, value, comma=cst.Comma(whitespace_after=new_line(level)))
        for (key, value), level in zip(pairs, levels, strict=True)
    ]
    return cst.Dict(elements, lbrace=cst.LeftCurlyBrace(new_line(depth + 1)))


def literal(value: object, lines: int = 0, depth: int = 0) -> cst.BaseExpression:
    """Plain data as Python writes it; the outer `lines` levels have a line for each entry, indented by `depth`.

    Raises:
        CompilerBug: it holds something that is no text, number, boolean, none, list, tuple or dict.
    """
    match value:
        case str() | int() | float() | None:
            return constant(value)
        case tuple():
            return tuple_of(map(literal, cast("tuple[object, ...]", value)))
        case list():
            items = [literal(item, lines - 1, depth + 1) for item in cast("list[object]", value)]
            return list_in_lines(items, depth) if lines > 0 else list_of(items)
        case dict():
            pairs = [
                (literal(key), literal(inner, lines - 1, depth + 1))
                for key, inner in cast("dict[object, object]", value).items()
            ]
            return dict_in_lines(pairs, depth) if lines > 0 else dict_of(pairs)
        case _:
            raise CompilerBug(f"{type(value).__name__} is no plain data")


def list_in_lines(items: Sequence[cst.BaseExpression], depth: int = 0) -> cst.List:
    """A list with a line for each item, its own lines indented by `depth` levels."""
    if not items:
        return cst.List([])
    levels = [*(depth + 1 for _ in items[1:]), depth]
    elements = [
        cst.Element(item, comma=cst.Comma(whitespace_after=new_line(level)))
        for item, level in zip(items, levels, strict=True)
    ]
    return cst.List(elements, lbracket=cst.LeftSquareBracket(new_line(depth + 1)))


def new_line(depth: int) -> cst.ParenthesizedWhitespace:
    """A line break inside brackets, the next line indented by `depth` levels."""
    return cst.ParenthesizedWhitespace(
        cst.TrailingWhitespace(), indent=False, last_line=cst.SimpleWhitespace("    " * depth)
    )


def line_inside(*, deeper: bool = False) -> cst.ParenthesizedWhitespace:
    """A line break inside the brackets of a statement, the next line as deep as the statement, or deeper."""
    return cst.ParenthesizedWhitespace(
        cst.TrailingWhitespace(), indent=True, last_line=cst.SimpleWhitespace("    " * deeper)
    )


# --- operators -----------------------------------------------------------------------------------

WALRUS, CONDITIONAL, OR, AND, NOT, COMPARISON, SUM, PRODUCT, SIGN, AWAIT, ATOM = range(11)

ARITHMETIC: Final[dict[str, tuple[type[cst.BaseBinaryOp], int]]] = {
    "+": (cst.Add, SUM),
    "-": (cst.Subtract, SUM),
    "*": (cst.Multiply, PRODUCT),
    "/": (cst.Divide, PRODUCT),
    "%": (cst.Modulo, PRODUCT),
}
COMPARISONS: Final[dict[str, type[cst.BaseCompOp]]] = {
    "==": cst.Equal,
    "!=": cst.NotEqual,
    "<": cst.LessThan,
    "<=": cst.LessThanEqual,
    ">": cst.GreaterThan,
    ">=": cst.GreaterThanEqual,
    "in": cst.In,
    "not in": cst.NotIn,
    "is": cst.Is,
    "is not": cst.IsNot,
}
LOGIC: Final[dict[str, tuple[type[cst.BaseBooleanOp], int]]] = {
    "and": (cst.And, AND),
    "or": (cst.Or, OR),
}
SIGNS: Final[dict[str, type[cst.BaseUnaryOp]]] = {"-": cst.Minus, "+": cst.Plus}


def precedence(node: cst.BaseExpression) -> int:
    """How tightly an expression holds together."""
    if node.lpar:
        return ATOM
    match node:
        case cst.NamedExpr():
            return WALRUS
        case cst.IfExp():
            return CONDITIONAL
        case cst.BooleanOperation(operator=cst.Or()):
            return OR
        case cst.BooleanOperation():
            return AND
        case cst.UnaryOperation(operator=cst.Not()):
            return NOT
        case cst.UnaryOperation():
            return SIGN
        case cst.Comparison():
            return COMPARISON
        case cst.BinaryOperation(operator=cst.Add() | cst.Subtract()):
            return SUM
        case cst.BinaryOperation():
            return PRODUCT
        case cst.Await():
            return AWAIT
        case _:
            return ATOM


def operand(node: cst.BaseExpression, at_least: int) -> cst.BaseExpression:
    """The expression, in parentheses if it holds together less than asked."""
    if precedence(node) >= at_least and not (at_least == ATOM and isinstance(node, NUMBERS)):
        return node
    return node.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])


NUMBERS: Final = (cst.Integer, cst.Float)


def arithmetic(left: cst.BaseExpression, op: str, right: cst.BaseExpression) -> cst.BinaryOperation:
    """`<left> <op> <right>`"""
    operator, level = ARITHMETIC[op]
    return cst.BinaryOperation(operand(left, level), operator(), operand(right, level + 1))


def comparison(first: cst.BaseExpression, *rest: tuple[str, cst.BaseExpression]) -> cst.Comparison:
    """`<first> <op> <next> ...`"""
    targets = [cst.ComparisonTarget(COMPARISONS[op](), operand(node, SUM)) for op, node in rest]
    return cst.Comparison(operand(first, SUM), targets)


def logic(op: str, left: cst.BaseExpression, right: cst.BaseExpression) -> cst.BooleanOperation:
    """`<left> and <right>`, `<left> or <right>`"""
    operator, level = LOGIC[op]
    return cst.BooleanOperation(operand(left, level), operator(), operand(right, level + 1))


NEGATED: Final[Mapping[type[cst.BaseCompOp], type[cst.BaseCompOp]]] = {
    cst.Equal: cst.NotEqual,
    cst.NotEqual: cst.Equal,
    cst.In: cst.NotIn,
    cst.NotIn: cst.In,
    cst.Is: cst.IsNot,
    cst.IsNot: cst.Is,
}


def negation(value: cst.BaseExpression) -> cst.BaseExpression:
    """`not <value>`, but `a != b`, `a not in b` and `a is not b` for a single comparison."""
    if isinstance(value, cst.Comparison) and len(value.comparisons) == 1:
        target = value.comparisons[0]
        negated = NEGATED.get(type(target.operator))
        if negated is not None:
            return cst.Comparison(value.left, [cst.ComparisonTarget(negated(), target.comparator)])
    return cst.UnaryOperation(cst.Not(), operand(value, NOT))


def conditional(
    test: cst.BaseExpression, body: cst.BaseExpression, orelse: cst.BaseExpression
) -> cst.IfExp:
    """`<body> if <test> else <orelse>`"""
    return cst.IfExp(operand(test, OR), operand(body, OR), operand(orelse, CONDITIONAL))


def signed(op: str, value: cst.BaseExpression) -> cst.UnaryOperation:
    """`-<value>`, `+<value>`, but `-(-<value>)`"""
    return cst.UnaryOperation(SIGNS[op](), operand(value, AWAIT))


def bound(identifier: str, value: cst.BaseExpression) -> cst.NamedExpr:
    """`(<identifier> := <value>)`"""
    return cst.NamedExpr(
        name(identifier), operand(value, OR), lpar=[cst.LeftParen()], rpar=[cst.RightParen()]
    )


def binds(node: cst.CSTNode) -> bool:
    """Whether an assignment is inside an expression."""
    return isinstance(node, cst.NamedExpr) or any(map(binds, node.children))


def chosen(
    item: cst.BaseExpression,
    target: cst.BaseAssignTargetExpression,
    items: cst.BaseExpression,
    test: cst.BaseExpression,
) -> cst.ListComp:
    """`[<item> for <target> in <items> if <test>]`"""
    condition = cst.CompIf(operand(test, OR))
    return cst.ListComp(item, cst.CompFor(target, operand(items, OR), [condition]))


def sequence(values: Sequence[cst.BaseExpression], index: int) -> cst.BaseExpression:
    """`(<values>)[<index>]`: all are evaluated in order, one is the value."""
    return subscript(tuple_of(values), constant(index))


# --- statements ----------------------------------------------------------------------------------


def line(statement: cst.BaseSmallStatement) -> cst.SimpleStatementLine:
    """A statement on a line of its own."""
    return cst.SimpleStatementLine([statement])


def evaluate(value: cst.BaseExpression) -> cst.SimpleStatementLine:
    """`<value>`"""
    return line(cst.Expr(value))


def assign(
    targets: Sequence[cst.BaseAssignTargetExpression], value: cst.BaseExpression
) -> cst.SimpleStatementLine:
    """`<target> = ... = <value>`"""
    return line(cst.Assign([cst.AssignTarget(target) for target in targets], value))


def declare(
    identifier: str, annotation: cst.BaseExpression, value: cst.BaseExpression | None = None
) -> cst.SimpleStatementLine:
    """`<identifier>: <annotation> = <value>`"""
    return line(cst.AnnAssign(name(identifier), cst.Annotation(annotation), value))


def returns(value: cst.BaseExpression) -> cst.SimpleStatementLine:
    """`return <value>`"""
    return line(cst.Return(value))


def block(statements: Sequence[cst.BaseStatement]) -> cst.IndentedBlock:
    """An indented body; `pass` when there is nothing in it."""
    return cst.IndentedBlock(list(statements) or [line(cst.Pass())])


def branch(
    test: cst.BaseExpression,
    body: Sequence[cst.BaseStatement],
    orelse: cst.If | cst.Else | None = None,
) -> cst.If:
    """`if <test>: <body>`, or `elif` where it stands in an `orelse`."""
    return cst.If(test, block(body), orelse)


def otherwise(body: Sequence[cst.BaseStatement]) -> cst.Else:
    """`else: <body>`"""
    return cst.Else(block(body))


def loop(
    target: cst.BaseAssignTargetExpression,
    items: cst.BaseExpression,
    body: Sequence[cst.BaseStatement],
) -> cst.For:
    """`for <target> in <items>: <body>`"""
    return cst.For(target, items, block(body))


def targets(*identifiers: cst.BaseExpression) -> cst.Tuple:
    """`<a>, <b>`, as loops bind it."""
    return cst.Tuple([cst.Element(item) for item in identifiers], lpar=[], rpar=[])


def function(
    identifier: str,
    parameters: cst.Parameters,
    body: Sequence[cst.BaseStatement],
    returns: cst.BaseExpression,
    *,
    waits: bool,
) -> cst.FunctionDef:
    """`def <name>(<parameters>) -> <returns>: <body>`, with `async` if it `waits`."""
    return cst.FunctionDef(
        name(identifier),
        parameters,
        block(body),
        returns=cst.Annotation(returns),
        asynchronous=cst.Asynchronous() if waits else None,
    )


def outer(identifiers: Sequence[str]) -> cst.SimpleStatementLine:
    """`nonlocal <names>`"""
    return line(cst.Nonlocal([cst.NameItem(name(identifier)) for identifier in identifiers]))


def grouped(items: cst.Tuple) -> cst.Tuple:
    """`(<a>, <b>)`, inside other targets."""
    return items.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])


def attempt(
    body: Sequence[cst.BaseStatement],
    error: cst.BaseExpression,
    bound_to: str,
    handler: Sequence[cst.BaseStatement],
) -> cst.Try:
    """`try: <body> except <error> as <name>: <handler>`"""
    return cst.Try(
        block(body), [cst.ExceptHandler(block(handler), error, cst.AsName(name(bound_to)))]
    )


def within(
    items: Sequence[tuple[cst.BaseExpression, str | None]], body: Sequence[cst.BaseStatement]
) -> cst.With:
    """`with <item> as <name>, ...: <body>`"""
    return cst.With(
        [
            cst.WithItem(item, None if bound_to is None else cst.AsName(name(bound_to)))
            for item, bound_to in items
        ],
        block(body),
    )
