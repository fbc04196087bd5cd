"""Invariants of the IR: what each stage may leave behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from emit_flows import HERE, const, flow_from, flow_of, name, printing, script, skill_of
from skillc import ir
from skillc.compile import parse
from skillc.errors import CompilerBug, Report
from skillc.ir import (
    ActionCall,
    Arg,
    Assign,
    Attribute,
    Bind,
    Block,
    Break,
    Call,
    Compare,
    Concat,
    Const,
    Convert,
    Each,
    Emit,
    Expose,
    Expr,
    Filter,
    FunctionCall,
    If,
    Invoke,
    ListExpr,
    Logic,
    LoopName,
    Macro,
    MacroCall,
    MacroParameter,
    Name,
    Parameter,
    Recur,
    Return,
    SkillCall,
    Slice,
    Stmt,
    Unpack,
)
from skillc.source import Span
from skillc.verify import verify

GOOD = """{{Set(name="f", value=json.loads)}}{{f("[1]")}}{{#each rows}}{{@key}}{{#if this}}{{break}}{{/if}}{{/each}}
{{IsSimilar(text1=a, text2="b", threshold=t)}}{{Concat("a", GetUser(field="name"))}}{{len(rows)}}{{Main()}}
{{Do(actionName=n, key=1)}}{{#system}}{{Gen(name="r", maxTokens=m)}}{{/system}}"""


def test_verify_accepts_what_the_passes_make() -> None:
    flow = flow_from(script("Main", GOOD, "n"))
    verify(flow)
    with pytest.raises(CompilerBug, match="before resolution"):
        verify(flow, resolved=False)


def test_verify_accepts_what_a_front_end_makes_only_before_resolution() -> None:
    skill = script("Main", GOOD).skill()
    flow = flow_of(replace(skill, body=parse(skill, Report(skill.source))))
    verify(flow, resolved=False)
    with pytest.raises(CompilerBug, match="call of 'Set' is not resolved"):
        verify(flow)


BAD: dict[str, Stmt | Expr] = {
    "call of 'nope' is not resolved": Call(HERE, name("nope"), ()),
    "Break outside a loop": Break(HERE),
    "LoopName outside a loop": LoopName(HERE, "index"),
    r"Name outside the source: Span\(start=0, end=999\)": Name(Span(0, 999), "x"),
    r"Const outside the source: Span\(start=3, end=2\)": Const(Span(3, 2), "x"),
    "Name 'a b'": name("a b"),
    "Attribute 'x;'": Attribute(HERE, name("x"), "x;"),
    "Assign binds '1x'": Assign(HERE, "1x", const(1)),
    "Bind binds ''": Bind(HERE, "", const(1)),
    "Block binds 'a-b'": Block(HERE, "a-b", hidden=False, body=()),
    "Each binds 'a.b'": Each(HERE, name("x"), "a.b", (), ()),
    "or of 1 operands": Logic(HERE, "or", (name("x"),)),
    "concatenation of 1 operands": Concat(HERE, (name("x"),)),
    "recursion outside a recursive loop": Recur(HERE, name("x")),
    "slice outside an index": ListExpr(HERE, (Slice(HERE, None, None, None),)),
    "filter 'nope'": Filter(HERE, "nope", name("x")),
    "test 'nope'": ir.Test(HERE, "nope", name("x")),
    "call of macro 'nope'": MacroCall(HERE, "nope"),
    "invocation by known arguments": Invoke(HERE, const("Greet"), ()),
    "a name for several arguments": FunctionCall(
        HERE, "len", unpacked=(Arg(HERE, "k", name("x"), "*"),)
    ),
    "return inside a macro": Macro(HERE, "m", (), (Return(HERE, const(1)),)),
    "Unpack binds '1'": Unpack(HERE, ("a", ("1",)), name("x")),
    "Macro binds 'a b'": Macro(HERE, "m", (MacroParameter(HERE, "a b"),), ()),
    "comparison of one operand": Compare(HERE, name("x"), ()),
    "literal of type": Const(HERE, b"x"),  # type: ignore[arg-type]  # that is the point
    "call of skill 'Nope'": SkillCall(HERE, "Nope"),
    "call of function 'eval'": FunctionCall(HERE, "eval"),
    "call of action 'Nope'": ActionCall(HERE, "Nope"),
    "GetUser has no argument 'nope'": ActionCall(HERE, "GetUser", (("nope", const(1)),)),
    "GetUser is not variadic": ActionCall(HERE, "GetUser", rest=(const(1),)),
    "Stringify takes no other arguments": ActionCall(
        HERE, "Stringify", (("value", const(1)),), extra=(("x", const(1)),)
    ),
    "argument given twice": ActionCall(
        HERE, "GetUser", (("field", const("a")), ("field", const("b")))
    ),
    "Set has nodes of its own": ActionCall(HERE, "Set", (("value", const(1)),)),
    "Return has nodes of its own": ActionCall(HERE, "Return"),
    "Expose 'a b'": Expose(HERE, "a b", const(1), const(value=True)),
    "conversion for 'GenStream.nope'": Convert(HERE, "GenStream.nope", name("x")),
    "conversion for 'nope'": Convert(HERE, "nope", name("x")),
}


@pytest.mark.parametrize(("message", "node"), BAD.items())
def test_verify_refuses(message: str, node: Stmt | Expr) -> None:
    stmt = node if isinstance(node, Stmt) else printing(node)
    nested = If(HERE, name("x"), (), (Each(HERE, name("x"), "i", (), (stmt,)),))
    with pytest.raises(CompilerBug, match=message):
        verify(flow_of(skill_of(nested)))


def test_verify_wants_skills_in_order_and_parameters_that_are_names() -> None:
    one, other = skill_of(idn="A"), skill_of(idn="B")
    with pytest.raises(CompilerBug, match="not sorted"):
        verify(replace(flow_of(one), skills=(other, one)))
    with pytest.raises(CompilerBug, match="not unique"):
        verify(replace(flow_of(one), skills=(one, one)))
    with pytest.raises(CompilerBug, match="parameter 'a b'"):
        verify(flow_of(replace(one, parameters=(Parameter("a b"),))))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda inner: Each(HERE, name("x"), "i", (inner,), ()),
        lambda inner: Each(
            HERE, name("x"), "i", (Block(HERE, "b", hidden=True, body=(inner,)),), ()
        ),
    ],
)
def test_verify_accepts_loop_control_in_loops(wrap: Callable[[Stmt], Stmt]) -> None:
    verify(flow_of(skill_of(wrap(Break(HERE)), wrap(Emit(HERE, LoopName(HERE, "last"))))))


def test_verify_walks_long_chains_without_recursion() -> None:
    branches: tuple[If, ...] = (If(HERE, name("x"), (Break(HERE),), ()),)
    for _ in range(5000):
        branches = (If(HERE, name("x"), (), branches),)
    with pytest.raises(CompilerBug, match="Break outside a loop"):
        verify(flow_of(skill_of(*branches)))
