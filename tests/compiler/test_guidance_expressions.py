"""Expressions of the Guidance dialect: trees, precedence, literals, calls, spans."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz import examples
from nsl import guidance, shape
from skillc.ir import (
    Arg,
    Attribute,
    Binary,
    Call,
    Compare,
    Const,
    DictExpr,
    Each,
    Emit,
    Expr,
    Index,
    ListExpr,
    Logic,
    LoopName,
    Name,
    Unary,
)
from skillc.source import Span


def parsed(text: str) -> Expr:
    """The expression of the only tag of `text`."""
    (stmt,) = guidance(text)
    assert isinstance(stmt, Emit)
    assert stmt.span == Span(0, len(text))
    return stmt.value


def parsed_in_loop(text: str) -> Expr:
    """The same of a tag inside a loop, whose names it may read."""
    (loop,) = guidance("{{#each items}}" + text + "{{/each}}")
    assert isinstance(loop, Each)
    (stmt,) = loop.body
    assert isinstance(stmt, Emit)
    return stmt.value


def same(one: str, other: str) -> bool:
    trees = [shape(parsed_in_loop(f"{{{{ {text} }}}}")) for text in (one, other)]
    return bool(trees[0] == trees[1])


# --- precedence ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("a + b * c", "a + (b * c)"),
        ("a - b - c", "(a - b) - c"),
        ("a / b % c", "(a / b) % c"),
        ("-a * b", "(-a) * b"),
        ("a * -b", "a * (-b)"),
        ("- -a", "-(-a)"),
        ("-a.b", "-(a.b)"),
        ("a-1", "a - 1"),
        ("not a == b", "not (a == b)"),
        ("not a and b", "(not a) and b"),
        ("not not a", "not (not a)"),
        ("a or b and c", "a or (b and c)"),
        ("a and b or c and d", "(a and b) or (c and d)"),
        ("a + b < c - d", "(a + b) < (c - d)"),
        ("a not in b", "(a) not in (b)"),
        ("a is not none", "a is not None"),
        ("a\n==\tb", "a == b"),
        ("f (a)", "f(a)"),
        ("f(a, b,)", "f(a, b)"),
        ("[a, b,]", "[a, b]"),
        ("{'a': 1,}", '{"a": 1}'),
        ("true", "True"),
        ("a {{! note }} + {{!-- }} --}} b", "a + b"),
        ('Concat("a", {{!-- one --}} "b" {{! two }}, "c",)', 'Concat("a", "b", "c")'),
    ],
)
def test_short_form_means_the_full_one(short: str, full: str) -> None:
    assert same(short, full)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a - (b - c)", "a - b - c"),
        ("(a < b) < c", "a < b < c"),
        ("a and (b and c)", "a and b and c"),
        ("not (a and b)", "not a and b"),
        ("a is (not b)", "a is not b"),
        ("true", "'true'"),
        ("1", "1.0"),
    ],
)
def test_parentheses_and_kinds_are_kept(one: str, other: str) -> None:
    assert not same(one, other)


def test_chains_are_flat() -> None:
    compare = parsed("{{a < b <= c not in d}}")
    assert isinstance(compare, Compare)
    assert [op for op, _ in compare.rest] == ["<", "<=", "not in"]
    logic = parsed("{{a or b or c}}")
    assert isinstance(logic, Logic)
    assert len(logic.values) == 3


@pytest.mark.parametrize("op", ["+", "<", "and", "*"])
def test_2000_operators(op: str) -> None:
    expr = parsed("{{" + f"a {op} " * 2000 + "a}}")
    assert isinstance(expr, Binary | Compare | Logic)
    assert expr.span == Span(2, 2 + 2000 * len(f"a {op} ") + 1)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 100 + "a" + ")" * 100,
        "[" * 100 + "]" * 100,
        "f(" * 100 + ")" * 100,
        "a[" * 100 + "a" + "]" * 100,
        "not " * 100 + "a",
        "- " * 100 + "a",
        "a" + ".b" * 100,
        "{1: " * 100 + "1" + "}" * 100,
        "(a or a and a == a + a * -" * 49 + "a" + ")" * 49,
    ],
)
def test_deepest_legal_expression(text: str) -> None:
    start, end = parsed(f"{{{{ {text} }}}}").span
    assert 0 < start < end < len(text) + 5


# --- literals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        (r'"a\n\t\r\\\"\'"', "a\n\t\r\\\"'"),
        (r'"\d\x41\u00e9\u12"', r"\dAé\u12"),
        ('"it\'s"', "it's"),
        ("'}} {{ \"'", '}} {{ "'),
        ('"a\nb"', "a\nb"),
        ('""', ""),
        ("0", 0),
        ("007", 7),
        ("12", 12),
        ("1.", 1.0),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("2.5E-1", 0.25),
        ("true", True),
        ("False", False),
        ("null", None),
    ],
)
def test_literal(literal: str, value: object) -> None:
    expr = parsed(f"{{{{{literal}}}}}")
    assert isinstance(expr, Const)
    assert (type(expr.value), expr.value) == (type(value), value)


def test_loop_names() -> None:
    expr = parsed_in_loop("{{[@index, @first, @last, @key]}}")
    assert shape(expr)[1] == tuple(
        ("LoopName", ("str", name)) for name in ("index", "first", "last", "key")
    )


# --- calls ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spaced", "full"),
    [
        ("set 'a' 1", "set('a', 1)"),
        ("set 'n' (add n 1)", "set('n', add(n, 1))"),
        ("gen 'r' temperature=0.5", "gen('r', temperature=0.5)"),
        ("gen temperature = 0.5", "gen(temperature=0.5)"),
        ("add n -1", "add(n, -1)"),
        ("lib.f x", "lib.f(x)"),
        ("f a.b[0](1) [c] {'d': e}", "f(a.b[0](1), [c], {'d': e})"),
        ("f x (y) none", "f(x, (y), none)"),
        ("add @index 1", "add(@index, 1)"),
        ("set 'd' {'k': [1, 'a']}", "set('d', {'k': [1, 'a']})"),
        ("f{{! a blank }}x", "f(x)"),
        ("f\n  x\n  in=1", "f(x, in=1)"),
        ("f [0]", "f([0])"),
    ],
)
def test_spaced_call_is_the_call(spaced: str, full: str) -> None:
    assert same(spaced, full)


@pytest.mark.parametrize("text", ["x - 1", "x -1", "x in y", "x(1)", "x[0]", "x.y"])
def test_what_looks_like_a_spaced_call(text: str) -> None:
    expr = parsed(f"{{{{{text}}}}}")
    assert not (isinstance(expr, Call) and text != "x(1)")


def test_argument_names_may_be_reserved() -> None:
    call = parsed('{{SendSystemEvent(eventIdn="e", global=true, from="a", in=1, or=2)}}')
    assert isinstance(call, Call)
    assert [arg.name for arg in call.args] == ["eventIdn", "global", "from", "in", "or"]


def test_repeated_and_late_positional_arguments_are_kept_for_later_checks() -> None:
    call = parsed("{{f(a=1, 2, a=3)}}")
    assert isinstance(call, Call)
    assert [arg.name for arg in call.args] == ["a", None, "a"]


# --- spans ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("{{~ name ~}}", "name"),
        ("{{ (a.b) }}", "b"),
        ("{{ a . b (1) }}", "a . b (1)"),
        ("{{ a [0] }}", "a [0]"),
        ("{{ (a) + (b) }}", "(a) + (b)"),
        ("{{ (a)(1) }}", "(a)(1)"),
        ("{{ not  (a) }}", "not  (a)"),
        ("{{ a and (b) }}", "a and (b)"),
        ("{{ [1, 2 ] }}", "[1, 2 ]"),
        ("{{ f 'x' (y) }}", "f 'x' (y)"),
        ("{{ 'x' }}", "'x'"),
        ("{{ (f x) }}", "f x"),
    ],
)
def test_span_of_the_whole(text: str, span: str) -> None:
    assert text[slice(*parsed(text).span)] == span


def test_spans_inside_a_call() -> None:
    text = '{{ a.send(x, "t", name=b.c) }}'
    call = parsed(text)
    assert isinstance(call, Call)
    assert isinstance(call.callee, Attribute)
    spans = [call.callee.span, call.callee.value.span, *(arg.span for arg in call.args)]
    assert [text[slice(*span)] for span in spans] == ["send", "a", "x", '"t"', "name"]
    assert text[slice(*call.args[2].value.span)] == "c"


# --- printed and read again ----------------------------------------------------------------------

ANY = Span(0, 0)
NAMES = st.sampled_from(["a", "b", "GetUser", "class", "_x1"])
LEVELS = {"or": 1, "and": 2, "not": 3, "+": 5, "-": 5, "*": 6, "/": 6, "%": 6}
COMPARE_LEVEL, SIGN_LEVEL, VALUE_LEVEL = 4, 7, 8
CompareOps = st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "in", "not in", "is", "is not"])


def nodes(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    some = st.lists(inner, max_size=3).map(tuple)
    argument_names = st.none() | st.sampled_from(["name", "from", "in", "true"])
    args = st.lists(st.builds(Arg, st.just(ANY), argument_names, inner), max_size=3).map(tuple)
    pairs = st.lists(st.tuples(CompareOps, inner), min_size=1, max_size=3).map(tuple)
    operands = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        st.builds(ListExpr, st.just(ANY), some),
        st.builds(DictExpr, st.just(ANY), st.lists(st.tuples(inner, inner), max_size=2).map(tuple)),
        st.builds(Attribute, st.just(ANY), inner, NAMES),
        st.builds(Index, st.just(ANY), inner, inner),
        st.builds(Unary, st.just(ANY), st.sampled_from(["not", "-", "+"]), inner),
        st.builds(Binary, st.just(ANY), st.sampled_from(["+", "-", "*", "/", "%"]), inner, inner),
        st.builds(Compare, st.just(ANY), inner, pairs),
        st.builds(Logic, st.just(ANY), st.sampled_from(["and", "or"]), operands),
        st.builds(Call, st.just(ANY), inner, args),
    )


LEAVES: st.SearchStrategy[Expr] = st.one_of(
    st.builds(
        Const,
        st.just(ANY),
        st.one_of(
            st.none(),
            st.booleans(),
            st.integers(min_value=0),
            st.floats(min_value=0, allow_infinity=False),
            st.text(st.sampled_from("ab\\\"'{}\n~!#n"), max_size=6),
        ),
    ),
    st.builds(Name, st.just(ANY), NAMES),
    st.builds(LoopName, st.just(ANY), st.sampled_from(["index", "first", "last", "key"])),
)
TREES = st.recursive(LEAVES, nodes, max_leaves=12)


def template_text(expr: Expr, least: int = 0) -> str:
    """An expression as a template would say it, in parentheses if it binds looser than `least`."""
    text, level = unenclosed(expr)
    return text if level >= least else f"({text})"


def unenclosed(expr: Expr) -> tuple[str, int]:
    match expr:
        case Const(value=str(value)):
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"', VALUE_LEVEL
        case Const(value=value):
            # The dot of `1.name` would belong to the number.
            return repr(value), VALUE_LEVEL if isinstance(value, bool | None) else SIGN_LEVEL
        case Name(name=name):
            return name, VALUE_LEVEL
        case LoopName(name=name):
            return f"@{name}", VALUE_LEVEL
        case ListExpr(items=items):
            return "[" + ", ".join(map(template_text, items)) + "]", VALUE_LEVEL
        case DictExpr(pairs=pairs):
            shown = (f"{template_text(key)}: {template_text(value)}" for key, value in pairs)
            # The blank: two braces in a row would be a tag inside the tag.
            return "{ " + ", ".join(shown) + "}", VALUE_LEVEL
        case Attribute(value=value, name=name):
            return f"{template_text(value, VALUE_LEVEL)}.{name}", VALUE_LEVEL
        case Index(value=value, index=index):
            return f"{template_text(value, VALUE_LEVEL)}[{template_text(index)}]", VALUE_LEVEL
        case Call(callee=callee, args=args):
            inside = (f"{arg.name}=" * bool(arg.name) + template_text(arg.value) for arg in args)
            return f"{template_text(callee, VALUE_LEVEL)}({', '.join(inside)})", VALUE_LEVEL
        case Unary(op="not", value=value):
            return f"not {template_text(value, LEVELS['not'])}", LEVELS["not"]
        case Unary(op=op, value=value):
            return f"{op} {template_text(value, SIGN_LEVEL)}", SIGN_LEVEL
        case Binary(op=op, left=left, right=right):
            level = LEVELS[op]
            return f"{template_text(left, level)} {op} {template_text(right, level + 1)}", level
        case Compare(first=first, rest=rest):
            least = COMPARE_LEVEL + 1
            others = (f" {op} {template_text(value, least)}" for op, value in rest)
            return template_text(first, least) + "".join(others), COMPARE_LEVEL
        case Logic(op=op, values=values):
            level = LEVELS[op]
            return f" {op} ".join(template_text(value, level + 1) for value in values), level
        case _:
            raise NotImplementedError(expr)


@examples(100, 10_000)
@given(TREES)
def test_printed_expression_reads_as_the_same_tree(tree: Expr) -> None:
    """Any tree, written with as few parentheses as precedence allows, parses to itself."""
    assert shape(parsed_in_loop(f"{{{{ {template_text(tree)} }}}}")) == shape(tree)
