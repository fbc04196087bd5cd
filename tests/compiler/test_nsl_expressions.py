"""Expressions of the NSL dialect: what Guidance can say too, what only Jinja can, literals, spans, depth."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz import examples
from nsl import codes, guidance, parsed, shape, tree
from skillc import ir
from skillc.analyses.walk import expressions
from skillc.ir import (
    Arg,
    Attribute,
    Binary,
    Call,
    Compare,
    Concat,
    Conditional,
    Const,
    Each,
    Emit,
    Filter,
    Index,
    Logic,
    LoopName,
    Name,
    Slice,
    TupleExpr,
    Unary,
    Undefined,
)
from skillc.source import Source, Span

ANY = Span(0, 0)


def same(one: str, other: str) -> bool:
    return bool(shape(parsed(f"{{{{ {one} }}}}")) == shape(parsed(f"{{{{ {other} }}}}")))


# --- both dialects -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("nsl", "other"),
    [
        ("a + b * c - d", ""),
        ("a < b <= c not in d", ""),
        ("a and b and c", ""),
        ("(a and b) and c", ""),
        ("a and (b and c)", ""),
        ("a or not b == c", ""),
        ("not (a or b)", ""),
        ("-a.b * -2", ""),
        ("x is none", "x is None"),
        ("x is not none", "x is not None"),
        ("not x is none", ""),
        ("x is true or y is not false", "x is True or y is not False"),
        ("[a, {'k': [1, 'a']}, none, true, False]", ""),
        ("f(a, k=b, from='c', in=1,)", ""),
        ("s.strip().upper()", ""),
        ("x.k[0]['y'](1)", ""),
        ("GetUser(field='id').x", ""),
        ("\"it's\" + '\"'", ""),
        ("'}}' + '{{' + '%}'", ""),
        (r"'\n\t\\\d\x41\u00e9'", ""),
        ("1.5e3 + 0.25", ""),
        ("Set(name='x', value=Gen(maxTokens=5))", ""),
        ("f(a=1, a=2)", ""),
        ("f(a=1, 2)", ""),
    ],
)
def test_both_dialects_say_the_same(nsl: str, other: str) -> None:
    assert shape(tree(f"{{{{ {nsl} }}}}")) == shape(guidance(f"{{{{{other or nsl}}}}}"))


ATOMS = st.sampled_from(["a", "b.c", "x[0]", "'t'", "1", "2.5", "true", "none", "f(a)", "g(k=b)"])


def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    ops = ("+", "-", "*", "/", "%", "==", "<", "in", "not in", "and", "or")
    return st.one_of(
        st.builds("{} {} {}".format, inner, st.sampled_from(ops), inner),
        st.builds("({})".format, inner),
        st.builds("(not {})".format, inner),
        st.builds("(-{})".format, inner),
        st.builds("({}).k".format, inner),
        st.builds("[{}, {}]".format, inner, inner),
        st.builds("f({}, k={})".format, inner, inner),
        st.builds("({})[{}]".format, inner, inner),
    )


@examples(200, 10_000)
@given(st.recursive(ATOMS, larger, max_leaves=8))
def test_any_common_expression_means_the_same_in_both_dialects(text: str) -> None:
    """An expression that both dialects can write gives one IR."""
    assert shape(tree(f"{{{{ {text} }}}}")) == shape(guidance(f"{{{{ {text} }}}}"))


def test_loop_facts() -> None:
    (each,) = tree("{% for x in xs %}{{ loop.index0 }}{{ loop.first }}{{ loop.last }}{% endfor %}")
    (other,) = guidance("{{#each xs as x}}{{@index}}{{@first}}{{@last}}{{/each}}")
    assert shape(each) == shape(other)


# --- only in Jinja -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a ~ b ~ 1", Concat(ANY, (Name(ANY, "a"), Name(ANY, "b"), Const(ANY, 1)))),
        ("a // 2", Binary(ANY, "//", Name(ANY, "a"), Const(ANY, 2))),
        ("a if b else c", Conditional(ANY, Name(ANY, "b"), Name(ANY, "a"), Name(ANY, "c"))),
        ("a if b", Conditional(ANY, Name(ANY, "b"), Name(ANY, "a"), Undefined(ANY))),
        ("a, 1", TupleExpr(ANY, (Name(ANY, "a"), Const(ANY, 1)))),
        ("(a,)", TupleExpr(ANY, (Name(ANY, "a"),))),
        ("()", TupleExpr(ANY, ())),
        ("a.0", Index(ANY, Name(ANY, "a"), Const(ANY, 0))),
        ("a[1:]", Index(ANY, Name(ANY, "a"), Slice(ANY, Const(ANY, 1), None, None))),
        ("a[::2]", Index(ANY, Name(ANY, "a"), Slice(ANY, None, None, Const(ANY, 2)))),
        ("a|upper", Filter(ANY, "upper", Name(ANY, "a"))),
        ("a|d('x', true)", Filter(ANY, "default", Name(ANY, "a"), (
            Arg(ANY, None, Const(ANY, "x")),
            Arg(ANY, None, Const(ANY, value=True)),
        ))),
        ("-a|abs", Filter(ANY, "abs", Unary(ANY, "-", Name(ANY, "a")))),
        ("a is odd", ir.Test(ANY, "odd", Name(ANY, "a"))),
        ("a is not odd", Unary(ANY, "not", ir.Test(ANY, "odd", Name(ANY, "a")))),
        ("a is divisibleby 3", ir.Test(ANY, "divisibleby", Name(ANY, "a"), (Arg(ANY, None, Const(ANY, 3)),))),
        ("a is divisibleby(3)", ir.Test(ANY, "divisibleby", Name(ANY, "a"), (Arg(ANY, None, Const(ANY, 3)),))),
        ("f(*a, k=1, **b)", Call(ANY, Name(ANY, "f"), (
            Arg(ANY, None, Name(ANY, "a"), "*"),
            Arg(ANY, "k", Const(ANY, 1)),
            Arg(ANY, None, Name(ANY, "b"), "**"),
        ))),
        ("'a' 'b'", Const(ANY, "ab")),
    ],
)  # fmt: skip
def test_what_only_jinja_says(text: str, value: object) -> None:
    assert shape(parsed(f"{{{{ {text} }}}}")) == shape(value)


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("2 ** 3 ** 2", "(2 ** 3) ** 2"),
        ("-2 ** 2", "(-2) ** 2"),
        ("a ~ b + c", "(a ~ b) + c"),
        ("a ~ b * c", "a ~ (b * c)"),
        ("a + b|upper", "a + (b|upper)"),
        ("a == b|upper", "a == (b|upper)"),
        ("not a is odd", "not (a is odd)"),
        ("a is odd and b", "(a is odd) and b"),
        ("a if b else c if d else e", "a if b else (c if d else e)"),
        ("a|e", "a|escape"),
        ("a|count", "a|length"),
        ("1_000 + 0x1F", "1000 + 31"),
        ("{'a': {'b': 1}}", "{'a': {'b': 1},}"),
    ],
)
def test_short_form_means_the_full_one(short: str, full: str) -> None:
    assert same(short, full)


def test_dict_may_close_against_the_tag() -> None:
    assert shape(parsed("{{ {'a': {'b': 1}}}}")) == shape(parsed("{{ {'a': {'b': 1}} }}"))


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        (r'"\x41\u00e9\101\777"', "Aé\x41\u01ff"),
        (r"'\d\é'", r"\d\é"),
        ("'a\\\nb'", "ab"),
        ("''", ""),
        ("0b101", 5),
        ("1e3", 1000.0),
        ("None", None),
        ("True", True),
    ],
)
def test_literal(literal: str, value: object) -> None:
    expr = parsed(f"{{{{ {literal} }}}}")
    assert isinstance(expr, Const)
    assert (type(expr.value), expr.value) == (type(value), value)


def test_chains_are_flat() -> None:
    logic = parsed("{{ a or b or c }}")
    assert isinstance(logic, Logic)
    assert len(logic.values) == 3


def test_loop_object_and_its_facts() -> None:
    facts = "index index0 revindex revindex0 first last length depth depth0 previtem nextitem"
    tags = "".join(f"{{{{ loop.{fact} }}}}" for fact in facts.split())
    (each,) = tree(
        f"{{% for x in xs %}}{tags}{{{{ loop.cycle(x) }}}}{{{{ f(loop) }}}}{{% endfor %}}"
    )
    assert isinstance(each, Each)
    *plain, cycle, passed = [stmt.value for stmt in each.body if isinstance(stmt, Emit)]
    named = [fact.name for fact in plain if isinstance(fact, LoopName)]
    wanted = ("index1", "index", *facts.split()[2:])
    assert named == list(wanted)
    whole = LoopName(ANY, "loop")
    args = (Arg(ANY, None, Name(ANY, "x")),)
    assert shape(cycle) == shape(Call(ANY, Attribute(ANY, whole, "cycle"), args))
    assert shape(passed) == shape(Call(ANY, Name(ANY, "f"), (Arg(ANY, None, whole),)))


# --- spans ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("{{- name -}}", "name"),
        ("{{ (a.b) }}", "b"),
        ("{{ a . b (1) }}", "a . b (1)"),
        ("{{ a [0] }}", "a [0]"),
        ("{{ a.0 }}", "a.0"),
        ("{{ (a) + (b) }}", "(a) + (b)"),
        ("{{ f((a), b) + ((c)) }}", "f((a), b) + ((c))"),
        ("{{ (a)(1) }}", "(a)(1)"),
        ("{{ (a.b)(1) }}", "(a.b)(1)"),
        ("{{ not  (a) }}", "not  (a)"),
        ("{{ a and (b) }}", "a and (b)"),
        ("{{ (a) < b in c }}", "(a) < b in c"),
        ("{{ [1, 2 ] }}", "[1, 2 ]"),
        ("{{ {1: 2 } }}", "{1: 2 }"),
        ("{{ (a, b) }}", "a, b"),
        ("{{ a, }}", "a,"),
        ("{{ ( ) }}", "( )"),
        ("{{ 'x'  'y' }}", "'x'  'y'"),
        ("{{ a ~ (b) }}", "a ~ (b)"),
        ("{{ (a) if b else (c) }}", "(a) if b else (c)"),
        ("{{ a if b }}", "a if b"),
        ("{{ a | join(',') }}", "join"),
        ("{{ a is divisibleby 3 }}", "divisibleby"),
        ("{{ (a) is not none }}", "(a) is not none"),
        ("{{ a is not odd }}", "a is not odd"),
    ],
)
def test_span_of_the_whole(text: str, span: str) -> None:
    assert text[slice(*parsed(text).span)] == span


def test_spans_inside_a_call() -> None:
    text = "{{ a.send(x, 't', *l, name = b.c, **m) }}"
    call = parsed(text)
    assert isinstance(call, Call)
    assert isinstance(call.callee, Attribute)
    spans = [call.callee.span, call.callee.value.span, *(arg.span for arg in call.args)]
    shown = [text[slice(*span)] for span in spans]
    assert shown == ["send", "a", "x", "'t'", "l", "name", "m"]
    assert text[slice(*call.args[3].value.span)] == "c"


def test_spans_behind_tabs_lines_and_comments() -> None:
    text = "{# a\n #}\tb\né\n{% if x %}\n\t{{ f(k=name) }}{% endif %}"
    made = tree(text)
    (call,) = [expr for expr in expressions(made) if isinstance(expr, Call)]
    (arg,) = call.args
    assert [text[slice(*span)] for span in (arg.span, arg.value.span)] == ["k", "name"]
    assert Source("t", text).line_column(call.span.start) == (5, 5)


# --- depth ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("op", ["+", "<", "and", "*", "~"])
def test_2000_operators(op: str) -> None:
    if sys.version_info[:2] == (3, 12) and op in {"+", "and", "*"}:
        # Jinja nests these in each other and walks them through C, which this Python lets nobody do so deep.
        assert codes("{{" + f"a {op} " * 2000 + "a}}") in ([], ["1:1 SK129"])
        return
    expr = parsed("{{" + f"a {op} " * 2000 + "a}}")
    assert isinstance(expr, Binary | Compare | Logic | Concat)
    assert expr.span == Span(2, 2 + 2000 * len(f"a {op} ") + 1)


DEEP = [
    ("(", "a", ")"),
    ("[", "a", "]"),
    ("f(", "a", ")"),
    ("a[", "a", "]"),
    ("not ", "a", ""),
    ("-", "a", ""),
    ("", "a", ".b"),
    ("", "a", "|upper"),
    ("", "a", "(1)"),
    ("{1: ", "1", "}"),
    ("b if c else ", "a", ""),
]


@pytest.mark.parametrize(("head", "inner", "tail"), DEEP)
def test_deepest_legal_expression(head: str, inner: str, tail: str) -> None:
    assert codes(f"{{{{ {head * 99}{inner}{tail * 99} }}}}") == []


@pytest.mark.parametrize(("head", "inner", "tail"), DEEP)
@pytest.mark.parametrize("depth", [102, 10_000])
def test_too_deep_expression_is_reported(head: str, inner: str, tail: str, depth: int) -> None:
    found = codes(f"{{{{ {head * depth}{inner}{tail * depth} }}}}")
    assert [line.split()[1] for line in found] == ["SK129"]
