"""Turn Jinja's expressions into those of the IR, with exact places.

1. A node's "line" is the number of a token that belongs to it, which one depends on the type of the node; from there
   its extent is found in the tokens. Brackets that only group are no nodes; `operand` sees them.
2. What Guidance can say too becomes the same IR: `x is none` is a comparison, `loop.index0` is `@index`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from jinja2 import nodes

from skillc.errors import CompilerBug, did_you_mean
from skillc.frontends.limits import MAX_DEPTH
from skillc.frontends.nsl.reader import Reader, UnreadableTagError
from skillc.frontends.nsl.scopes import Scope, Scopes
from skillc.frontends.nsl.tokens import OPENERS
from skillc.ir import (
    CALLER,
    Arg,
    Attribute,
    Binary,
    Call,
    Compare,
    CompareOp,
    Concat,
    Conditional,
    Const,
    DictExpr,
    Expr,
    Filter,
    Index,
    ListExpr,
    Logic,
    LoopFact,
    LoopName,
    MacroCall,
    Name,
    Recur,
    Slice,
    Test,
    TupleExpr,
    Unary,
    Undefined,
)
from skillc.source import Span
from skillrt.actions import CATALOGUE
from skillrt.filters import FILTER_ALIASES, FILTERS, TEST_ALIASES, TESTS
from skillrt.functions import FUNCTIONS
from skillrt.modules import MODULES

Arithmetic: TypeAlias = Literal["+", "-", "*", "/", "%", "//", "**"]

ARITHMETIC: Final[Mapping[type[nodes.BinExpr], Arithmetic]] = {
    nodes.Add: "+",
    nodes.Sub: "-",
    nodes.Mul: "*",
    nodes.Div: "/",
    nodes.FloorDiv: "//",
    nodes.Mod: "%",
    nodes.Pow: "**",
}
COMPARE: Final[Mapping[str, CompareOp]] = {
    "eq": "==",
    "ne": "!=",
    "lt": "<",
    "lteq": "<=",
    "gt": ">",
    "gteq": ">=",
    "in": "in",
    "notin": "not in",
}
IDENTITY: Final[Mapping[str, bool | None]] = {"none": None, "true": True, "false": False}
LOOP_FACTS: Final[Mapping[str, LoopFact]] = {
    "index": "index1",
    "index0": "index",
    "revindex": "revindex",
    "revindex0": "revindex0",
    "first": "first",
    "last": "last",
    "length": "length",
    "depth": "depth",
    "depth0": "depth0",
    "previtem": "previtem",
    "nextitem": "nextitem",
}


class Operand(NamedTuple):
    """An expression, and the numbers of its first and last token."""

    expr: Expr
    first: int
    last: int


@dataclass(slots=True)
class Lowering:
    """What turning the nodes of one template into IR needs to know.

    `scope` is that of the place being read. `piped` is what a filter without a value of its own applies to. `links`
    counts the levels around an expression that no brackets show: attributes, calls, filters, signs.
    """

    reader: Reader
    scopes: Scopes
    scope: Scope
    piped: Expr | None = None
    links: int = 0

    def span(self, first: int, last: int) -> Span:
        """Where the tokens from `first` to `last` stand."""
        tokens = self.reader.tokens
        return Span(tokens[first].span.start, tokens[last].span.end)

    def expr(self, node: nodes.Node) -> Expr:
        """The IR of an expression."""
        return self.lower(node).expr

    def lower(self, node: nodes.Node) -> Operand:
        """The IR of an expression, and its extent without brackets around it."""
        lower = EXPRESSIONS.get(type(node))
        if lower is None:
            raise CompilerBug(f"no meaning for Jinja's {type(node).__name__}")
        return lower(self, node)

    def operand(self, node: nodes.Expr) -> Operand:
        """An expression next to an operator, and its extent with the brackets that group it."""
        return self.grouped(self.lower(node))

    def grouped(self, operand: Operand) -> Operand:
        """An operand with the brackets that group it."""
        expr, first, last = operand
        tokens = self.reader.tokens
        while tokens[first - 1].type == "lparen" and tokens[last + 1].type == "rparen":
            first, last = first - 1, last + 1
        return Operand(expr, first, last)

    def link(self, node: nodes.Expr, number: int) -> Operand:
        """What an attribute, a call, a filter or a sign at a token applies to: one level deeper.

        Raises:
            UnreadableTagError: that is too deep, which has been reported.
        """
        self.links += 1
        if self.reader.depths[number] + self.links > MAX_DEPTH:
            self.links = 0
            self.reader.report("SK129", self.reader.tokens[number].span, limit=MAX_DEPTH)
            raise UnreadableTagError
        found = self.operand(node)
        self.links -= 1
        return found

    def closing(self, number: int) -> int:
        """The bracket that closes the one at `number`."""
        depth = 0
        while True:
            text = self.reader.tokens[number].text
            depth += (text in OPENERS.values()) - (text in OPENERS)
            if depth == 0:
                return number
            number += 1

    # --- names -------------------------------------------------------------------------------------

    def read(self, name: str, span: Span) -> Expr:
        """The value of a name; of one that only a loop before has set, nothing.

        Source: language reference, variables and scope: what a pass sets is gone at its end.
        """
        scopes = self.scopes
        known = name in scopes.assigned or name in FUNCTIONS or name in MODULES
        if self.scope.owner(name).parent is None and not known and not scopes.computed:
            for loop in scopes.loops.get(name, ()):
                place = self.reader.tokens[loop.lineno].span
                if place.start < span.start:
                    line = self.reader.report.source.line(place.start)
                    self.reader.report("SK303", span, name=name, line=line)
                    return Undefined(span)
        return Name(span, self.scope.read(name, span))

    def callee(self, node: nodes.Name) -> Name:
        """What a call names; an action or function is never hidden.

        Source: project format, what a call resolves to.
        """
        span = self.reader.tokens[node.lineno].span
        if CATALOGUE.find(node.name) is not None or node.name in FUNCTIONS:
            return Name(span, node.name)
        return Name(span, self.scope.read(node.name, span))

    def macro(self, name: str) -> str | None:
        """The macro that a call of `name` means here; `caller` is the one that a `call` block hands over."""
        owner = self.scope.owner(name)
        if owner.defines_macro(name) or (name == CALLER and owner.calls_back):
            return owner.own.get(name, name)
        return None

    # --- arguments ---------------------------------------------------------------------------------

    def arguments(self, args: Iterable[nodes.Node]) -> tuple[Arg, ...]:
        """The arguments of a call, which the reader makes keywords."""
        return tuple(self.argument(arg) for arg in args if isinstance(arg, nodes.Keyword))

    def argument(self, node: nodes.Keyword) -> Arg:
        """One argument."""
        value = self.expr(node.value)
        match node.key:
            case "":
                return Arg(value.span, None, value)
            case "*":
                return Arg(value.span, None, value, "*")
            case "**":
                return Arg(value.span, None, value, "**")
            case name:
                return Arg(self.reader.tokens[node.lineno].span, name, value)

    def applied(self, node: nodes.Filter | nodes.Test) -> tuple[tuple[Arg, ...], int, int]:
        """The arguments of a filter or test, and its name's first and the whole's last token."""
        tokens = self.reader.tokens
        name = node.lineno
        if isinstance(node, nodes.Test):  # its token is the `is`
            name += 2 if tokens[name + 1].text == "not" else 1
        last = name + 2 * node.name.count(".")
        if node.args:
            value, _, last = self.operand(node.args[0])
            return (Arg(value.span, None, value),), name, last
        if tokens[last + 1].type == "lparen":
            last = self.closing(last + 1)
        return self.arguments(node.kwargs), name, last


# --- one function a node ---------------------------------------------------------------------------


def lower_const(lowering: Lowering, node: nodes.Const) -> Operand:
    """A literal; texts side by side are one."""
    tokens, last = lowering.reader.tokens, node.lineno
    while tokens[last].type == "string" and tokens[last + 1].type == "string":
        last += 1
    span = lowering.span(node.lineno, last)
    return Operand(Const(span, node.value), node.lineno, last)


def lower_name(lowering: Lowering, node: nodes.Name) -> Operand:
    """A variable, or the loop."""
    span = lowering.reader.tokens[node.lineno].span
    if node.name == "loop" and lowering.scope.innermost_loop() is not None:
        return Operand(LoopName(span, "loop"), node.lineno, node.lineno)
    return Operand(lowering.read(node.name, span), node.lineno, node.lineno)


def lower_attribute(lowering: Lowering, node: nodes.Getattr) -> Operand:
    """`value.name`; the token is the dot."""
    value = lowering.link(node.node, node.lineno)
    number = node.lineno + 1
    span = lowering.reader.tokens[number].span
    if isinstance(value.expr, LoopName) and value.expr.name == "loop" and node.attr in LOOP_FACTS:
        fact = LoopName(lowering.span(value.first, number), LOOP_FACTS[node.attr])
        return Operand(fact, value.first, number)
    return Operand(Attribute(span, value.expr, node.attr), value.first, number)


def lower_item(lowering: Lowering, node: nodes.Getitem) -> Operand:
    """`value[index]`, or `value.0`; the token is the bracket or the dot."""
    value = lowering.link(node.node, node.lineno)
    dotted = lowering.reader.tokens[node.lineno].type == "dot"
    last = node.lineno + 1 if dotted else lowering.closing(node.lineno)
    span = lowering.span(value.first, last)
    if isinstance(node.arg, nodes.Slice):
        index: Expr = _slice(lowering, node.arg, lowering.span(node.lineno + 1, last - 1))
    else:
        index = lowering.expr(node.arg)
    return Operand(Index(span, value.expr, index), value.first, last)


def _slice(lowering: Lowering, node: nodes.Slice, span: Span) -> Slice:
    parts = (node.start, node.stop, node.step)
    start, stop, step = (None if part is None else lowering.expr(part) for part in parts)
    return Slice(span, start, stop, step)


def lower_stray_slice(lowering: Lowering, node: nodes.Slice) -> Operand:
    """A slice beside another index, which Jinja reads and cannot compile."""
    token = lowering.reader.tokens[node.lineno]
    lowering.reader.report("SK109", token.span, found=":", expected="a slice that stands alone")
    raise UnreadableTagError


def lower_call(lowering: Lowering, node: nodes.Call) -> Operand:
    """A call; the token is its opening parenthesis."""
    last = lowering.closing(node.lineno)
    callee = node.node
    if isinstance(callee, nodes.Name):
        place = lowering.reader.tokens[callee.lineno].span
        name = lowering.grouped(Operand(Name(place, callee.name), callee.lineno, callee.lineno))
        span = lowering.span(name.first, last)
        call = named_call(lowering, callee, lowering.arguments(node.kwargs), span)
        return Operand(call, name.first, last)
    value = lowering.link(callee, node.lineno)
    span = lowering.span(value.first, last)
    args = lowering.arguments(node.kwargs)
    return Operand(Call(span, value.expr, args), value.first, last)


def named_call(lowering: Lowering, callee: nodes.Name, args: tuple[Arg, ...], span: Span) -> Expr:
    """What a call on a bare name means: the loop once more, a macro, or what the passes say."""
    place = lowering.reader.tokens[callee.lineno].span
    loop = lowering.scope.innermost_loop() if callee.name == "loop" else None
    if loop is not None:
        if loop.recursive and len(args) == 1 and args[0].name is None and not args[0].unpack:
            return Recur(span, args[0].value)
        return Call(span, LoopName(place, "loop"), args)
    macro = lowering.macro(callee.name)
    if macro is not None:
        return MacroCall(span, macro, args)
    return Call(span, lowering.callee(callee), args)


def lower_filter(lowering: Lowering, node: nodes.Filter) -> Operand:
    """`value | name(args)`; the token is the name. Without a value it applies to what the tag captured."""
    if node.node is not None:
        value = lowering.link(node.node, node.lineno)
    elif lowering.piped is not None:
        value = Operand(lowering.piped, node.lineno, node.lineno)
    else:
        raise CompilerBug("a filter that applies to nothing")
    args, name, last = lowering.applied(node)
    span = lowering.span(name, name + 2 * node.name.count("."))
    known = FILTER_ALIASES.get(node.name, node.name)
    if known not in FILTERS:
        action = CATALOGUE.find(node.name)
        near = did_you_mean(node.name, (*FILTERS, *FILTER_ALIASES))
        hint = f"call it as {action.name}(...)" if action else near
        lowering.reader.report("SK127", span, hint=hint, kind="filter", name=node.name)
    return Operand(Filter(span, known, value.expr, args), value.first, last)


def lower_test(lowering: Lowering, node: nodes.Test) -> Operand:
    """`value is name(args)`; the token is the `is`."""
    return _tested(lowering, node, negated=False)


def _tested(lowering: Lowering, node: nodes.Test, *, negated: bool) -> Operand:
    value = lowering.link(node.node, node.lineno)
    args, name, last = lowering.applied(node)
    span = lowering.span(name, name + 2 * node.name.count("."))
    whole = lowering.span(value.first, last)
    if node.name in IDENTITY and not args:
        op: CompareOp = "is not" if negated else "is"
        same = Compare(whole, value.expr, ((op, Const(span, IDENTITY[node.name])),))
        return Operand(same, value.first, last)
    known = TEST_ALIASES.get(node.name, node.name)
    if known not in TESTS:
        hint = did_you_mean(node.name, (*TESTS, *TEST_ALIASES))
        lowering.reader.report("SK127", span, hint=hint, kind="test", name=node.name)
    test: Expr = Test(span, known, value.expr, args)
    return Operand(Unary(whole, "not", test) if negated else test, value.first, last)


def lower_not(lowering: Lowering, node: nodes.Not) -> Operand:
    """`not value`, or the `not` of a test; the token is the `not` or the `is`."""
    if lowering.reader.tokens[node.lineno].text == "is" and isinstance(node.node, nodes.Test):
        return _tested(lowering, node.node, negated=True)
    return _prefixed(lowering, node, "not")


def lower_negative(lowering: Lowering, node: nodes.Neg) -> Operand:
    """`-value`."""
    return _prefixed(lowering, node, "-")


def lower_positive(lowering: Lowering, node: nodes.Pos) -> Operand:
    """`+value`."""
    return _prefixed(lowering, node, "+")


def _prefixed(lowering: Lowering, node: nodes.UnaryExpr, op: Literal["not", "-", "+"]) -> Operand:
    value = lowering.link(node.node, node.lineno)
    span = lowering.span(node.lineno, value.last)
    return Operand(Unary(span, op, value.expr), node.lineno, value.last)


def lower_binary(lowering: Lowering, node: nodes.BinExpr) -> Operand:
    """Arithmetic."""
    left, right = lowering.operand(node.left), lowering.operand(node.right)
    span = lowering.span(left.first, right.last)
    value = Binary(span, ARITHMETIC[type(node)], left.expr, right.expr)
    return Operand(value, left.first, right.last)


def lower_and(lowering: Lowering, node: nodes.And) -> Operand:
    """`a and b and c`."""
    return _logic(lowering, node, "and")


def lower_or(lowering: Lowering, node: nodes.Or) -> Operand:
    """`a or b or c`."""
    return _logic(lowering, node, "or")


def _logic(lowering: Lowering, node: nodes.And | nodes.Or, op: Literal["and", "or"]) -> Operand:
    """Operands of one operator; those in brackets stay an expression of their own."""
    written = lowering.lower(node.left)
    left, right = lowering.grouped(written), lowering.operand(node.right)
    values: tuple[Expr, ...] = (left.expr, right.expr)
    if left == written and isinstance(left.expr, Logic) and left.expr.op == op:
        values = (*left.expr.values, right.expr)
    span = lowering.span(left.first, right.last)
    return Operand(Logic(span, op, values), left.first, right.last)


def lower_compare(lowering: Lowering, node: nodes.Compare) -> Operand:
    """A chain of comparisons."""
    first = lowering.operand(node.expr)
    rest = [lowering.operand(part.expr) for part in node.ops]
    last = rest[-1].last
    pairs: tuple[tuple[CompareOp, Expr], ...] = tuple(
        (COMPARE[part.op], value.expr) for part, value in zip(node.ops, rest, strict=True)
    )
    return Operand(Compare(lowering.span(first.first, last), first.expr, pairs), first.first, last)


def lower_concat(lowering: Lowering, node: nodes.Concat) -> Operand:
    """`a ~ b`."""
    parts = [lowering.operand(part) for part in node.nodes]
    first, last = parts[0].first, parts[-1].last
    values = tuple(part.expr for part in parts)
    return Operand(Concat(lowering.span(first, last), values), first, last)


def lower_conditional(lowering: Lowering, node: nodes.CondExpr) -> Operand:
    """`a if test else b`; without `else` it may be undefined."""
    body, test = lowering.operand(node.expr1), lowering.operand(node.test)
    if node.expr2 is None:
        span = lowering.span(body.first, test.last)
        return Operand(
            Conditional(span, test.expr, body.expr, Undefined(span)), body.first, test.last
        )
    orelse = lowering.link(node.expr2, test.last)
    span = lowering.span(body.first, orelse.last)
    return Operand(Conditional(span, test.expr, body.expr, orelse.expr), body.first, orelse.last)


def lower_list(lowering: Lowering, node: nodes.List) -> Operand:
    """`[a, b]`; the token is the bracket."""
    last = lowering.closing(node.lineno)
    items = tuple(map(lowering.expr, node.items))
    return Operand(ListExpr(lowering.span(node.lineno, last), items), node.lineno, last)


def lower_tuple(lowering: Lowering, node: nodes.Tuple) -> Operand:
    """`a, b`, or `()`, whose token is the closing bracket."""
    items = [lowering.operand(item) for item in node.items]
    if not items:
        span = lowering.span(node.lineno - 1, node.lineno)
        return Operand(TupleExpr(span, ()), node.lineno - 1, node.lineno)
    first, last = items[0].first, items[-1].last
    last += lowering.reader.tokens[last + 1].type == "comma"
    values = tuple(item.expr for item in items)
    return Operand(TupleExpr(lowering.span(first, last), values), first, last)


def lower_dict(lowering: Lowering, node: nodes.Dict) -> Operand:
    """`{a: b}`; the token is the bracket."""
    last = lowering.closing(node.lineno)
    pairs = tuple((lowering.expr(pair.key), lowering.expr(pair.value)) for pair in node.items)
    return Operand(DictExpr(lowering.span(node.lineno, last), pairs), node.lineno, last)


EXPRESSIONS: Final[Mapping[type[nodes.Node], Callable[[Lowering, Any], Operand]]] = {
    nodes.Const: lower_const,
    nodes.Name: lower_name,
    nodes.Getattr: lower_attribute,
    nodes.Getitem: lower_item,
    nodes.Slice: lower_stray_slice,
    nodes.Call: lower_call,
    nodes.Filter: lower_filter,
    nodes.Test: lower_test,
    nodes.Not: lower_not,
    nodes.Neg: lower_negative,
    nodes.Pos: lower_positive,
    **dict.fromkeys(ARITHMETIC, lower_binary),
    nodes.And: lower_and,
    nodes.Or: lower_or,
    nodes.Compare: lower_compare,
    nodes.Concat: lower_concat,
    nodes.CondExpr: lower_conditional,
    nodes.List: lower_list,
    nodes.Tuple: lower_tuple,
    nodes.Dict: lower_dict,
}
