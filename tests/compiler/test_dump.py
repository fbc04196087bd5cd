"""The text form of the IR: readable, stable, unambiguous, without recursion."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from emit_flows import HERE, const, flow_from, flow_of, name, printing, script, skill_of
from fuzz import examples
from skillc import ir
from skillc.dump import dump_body, dump_expr, dump_flow, dump_skill
from skillc.ir import (
    ActionCall,
    Arg,
    Attribute,
    Binary,
    Bind,
    Block,
    Call,
    Capture,
    CloseRole,
    Compare,
    Concat,
    Conditional,
    Convert,
    DictExpr,
    Each,
    Expose,
    Expr,
    Filter,
    FunctionCall,
    If,
    Index,
    Invoke,
    Leave,
    ListExpr,
    Logic,
    LoopName,
    Macro,
    MacroCall,
    MacroParameter,
    OpenRole,
    Recur,
    Select,
    SetComputed,
    SetField,
    SkillCall,
    Slice,
    TupleExpr,
    Unary,
    Undefined,
    Unpack,
    Void,
)
from skillc.source import Span

TEMPLATE = """Hi {{name}}
{{#if a}}A{{else if b}}B{{else}}C{{/if}}
{{#each rows as row}}{{@index}}{{break}}{{else}}none{{/each}}
{{#system hidden=True}}S{{/system}}{{#user name="Sue"}}{{#block 'k'}}U{{/block}}{{/user}}
{{Set(name="n", value=GetState(name="k"), expose=True)}}{{SendMessage(message=n)}}{{Return(val=n)}}
"""


def test_dump_skill_has_a_line_for_each_statement() -> None:
    skill = flow_from(script("Main", TEMPLATE, "name")).skills[0]
    assert (
        dump_skill(skill)
        == """\
skill Main(name='') guidance -> RESULT
  emit 'Hi '
  emit name
  emit '\\n'
  if a
    emit 'A'
  else if b
    emit 'B'
  else
    emit 'C'
  emit '\\n'
  each row in rows
    emit @index
    break
  else
    emit 'none'
  emit '\\n'
  role 'system' hidden
    emit 'S'
  role 'user' name 'Sue'
    block k
      emit 'U'
  emit '\\n'
  assign n = expose(n = !GetState(name='k') if True)
  evaluate !SendMessage(message=n)
  return n
  emit '\\n'
"""
    )


def test_dump_flow_with_spans_says_where_statements_start() -> None:
    text = dump_flow(flow_from(script("Main", "a\n{{#if b}}\n c{{/if}}")), spans=True)
    assert text == (
        "flow flow as flow\n"
        "skill Main() guidance -> RESULT\n"
        "  1:1 emit 'a\\n'\n"
        "  2:1 if b\n"
        "    2:10 emit '\\n c'\n"
    )


def test_dump_body_of_rare_statements() -> None:
    body = (
        Select(HERE, "c", name("rows")),
        Select(HERE, None, ((printing(const("A")),), ())),
        Block(HERE, None, hidden=True, body=()),
    )
    assert dump_body(body) == (
        "select c of rows\nselect -\n  option\n    emit 'A'\n  option\nblock - hidden\n"
    )
    assert dump_body(()) == ""


def test_dump_expr_of_every_kind() -> None:
    parts: dict[str, Expr] = {
        "[1, 'a']": ListExpr(HERE, (const(1), const("a"))),
        "{'k': x}": DictExpr(HERE, ((const("k"), name("x")),)),
        "x.k[0]": Index(HERE, Attribute(HERE, name("x"), "k"), const(0)),
        "(not (- x))": Unary(HERE, "not", Unary(HERE, "-", name("x"))),
        "((a + b) * None)": Binary(HERE, "*", Binary(HERE, "+", name("a"), name("b")), const(None)),
        "(a < b not in c)": Compare(HERE, name("a"), (("<", name("b")), ("not in", name("c")))),
        "(a or b or True)": Logic(HERE, "or", (name("a"), name("b"), const(value=True))),
        "(x.f)(1, key=y)": Call(
            HERE,
            Attribute(HERE, name("x"), "f"),
            (Arg(HERE, None, const(1)), Arg(HERE, "key", name("y"))),
        ),
        "!Do(action_name='x' | from=1)": ActionCall(
            HERE, "Do", (("action_name", const("x")),), extra=(("from", const(1)),)
        ),
        "!Concat('a', b)": ActionCall(HERE, "Concat", rest=(const("a"), name("b"))),
        "@Greet(who=x)": SkillCall(HERE, "Greet", (("who", name("x")),)),
        "([n] := 1 exposed False)": SetComputed(HERE, name("n"), const(1), const(value=False)),
        "expose(n = 1 if x)": Expose(HERE, "n", const(1), name("x")),
        "leave(x)": Leave(HERE, name("x")),
        "sorted(x, reverse=True)": FunctionCall(
            HERE, "sorted", (name("x"),), (("reverse", const(value=True)),)
        ),
        "len(x, *y)": FunctionCall(
            HERE, "len", (name("x"),), unpacked=(Arg(HERE, None, name("y"), "*"),)
        ),
        "(a, b,)": TupleExpr(HERE, (name("a"), name("b"))),
        "x[1::]": Index(HERE, name("x"), Slice(HERE, const(1), None, None)),
        "(a ~ 1)": Concat(HERE, (name("a"), const(1))),
        "(a if c else undefined)": Conditional(HERE, name("c"), name("a"), Undefined(HERE)),
        "(x | join(', '))": Filter(HERE, "join", name("x"), (Arg(HERE, None, const(", ")),)),
        "(x is odd())": ir.Test(HERE, "odd", name("x")),
        "macro tag(1, &box)": MacroCall(HERE, "tag", (Arg(HERE, None, const(1)),), "box"),
        "recur(x)": Recur(HERE, name("x")),
        "invoke['Greet'](**d)": Invoke(HERE, const("Greet"), (Arg(HERE, None, name("d"), "**"),)),
        "<Gen.topP>(x)": Convert(HERE, "Gen.topP", name("x")),
        "void((n := @last))": Void(HERE, Bind(HERE, "n", LoopName(HERE, "last"))),
    }
    assert {text: dump_expr(expr) for text, expr in parts.items()} == {text: text for text in parts}


def test_dump_of_what_only_nsl_has() -> None:
    macro = Macro(
        HERE,
        "m",
        (MacroParameter(HERE, "a"), MacroParameter(HERE, "b", const(1))),
        (printing(name("a")),),
        varargs="v",
        kwargs="k",
        caller="c",
    )
    each = Each(HERE, name("l"), ("k", ("v", "w")), (), (), test=name("k"), recursive=True)
    unpack = Unpack(HERE, ("a", "b"), name("x"))
    field = SetField(HERE, name("ns"), "n", const(1))
    capture = Capture(HERE, "t", (OpenRole(HERE, "user"), CloseRole(HERE)))
    assert (
        dump_body((macro, each, unpack, field, capture))
        == """\
macro m(a, b=1, *v, **k, &c)
  emit a
each k, (v, w) in l if k recursive
assign a, b = x
assign field n of ns = 1
capture t
  open role user
  close role
"""
    )


LEAVES = st.sampled_from("abc").map(name) | st.sampled_from([1, 1.0, True, "1", "a", None]).map(
    const
)
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda a, b: Binary(HERE, "-", a, b), inner, inner),
        st.builds(lambda a, b: Logic(HERE, "and", (a, b)), inner, inner),
        st.builds(lambda a: Unary(HERE, "not", a), inner),
        st.builds(lambda a: Attribute(HERE, a, "k"), inner),
        st.builds(lambda a, b: ListExpr(HERE, (a, b)), inner, inner),
        st.builds(lambda a: Void(HERE, a), inner),
    ),
    max_leaves=6,
)


@examples(100, 10_000)
@given(EXPRESSIONS, EXPRESSIONS)
def test_dump_expr_is_equal_only_for_equal_expressions(one: Expr, other: Expr) -> None:
    """Two expressions of equal spans are dumped alike exactly if they are equal, types of literals included."""
    assert (dump_expr(one) == dump_expr(other)) == (repr(one) == repr(other))


def test_dump_expr_ignores_spans() -> None:
    assert dump_expr(name("x")) == dump_expr(type(name("x"))(Span(7, 8), "x"))


def test_dump_walks_long_chains_without_recursion() -> None:
    total: Expr = name("x")
    branches: tuple[If, ...] = ()
    for _ in range(5000):
        total = Binary(HERE, "+", total, name("x"))
        branches = (If(HERE, name("x"), (), branches),)
    assert dump_expr(total).count(" + ") == 5000
    assert dump_flow(flow_of(skill_of(*branches))).count("else if x") == 4999
