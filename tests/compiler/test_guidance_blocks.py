"""The structure of Guidance blocks: what statements they become, with which spans."""

from __future__ import annotations

import pytest

from skillc.errors import Report
from skillc.frontends.guidance import parse_guidance
from skillc.ir import (
    Block,
    Break,
    Const,
    Continue,
    Each,
    Emit,
    If,
    ListExpr,
    Name,
    Role,
    Select,
    Stmt,
    Unary,
)
from skillc.source import Source, Span


def parsed(text: str) -> tuple[Stmt, ...]:
    source = Source("t.guidance", text)
    report = Report(source)
    tree = parse_guidance(source, report)
    assert not report.findings, report.findings
    return tree


def texts(body: tuple[Stmt, ...]) -> str:
    """The literal text directly in a body."""
    return "".join(
        str(stmt.value.value)
        for stmt in body
        if isinstance(stmt, Emit) and isinstance(stmt.value, Const)
    )


def written(text: str, span: Span) -> str:
    return text[span.start : span.end]


@pytest.mark.parametrize("word", ["else if", "elif", "elseif", "else  if", "else {{! or }} if"])
def test_else_if_nests_in_orelse(word: str) -> None:
    text = f"{{{{#if a}}}}1{{{{{word} b}}}}2{{{{else}}}}3{{{{/if}}}}"
    (first,) = parsed(text)
    assert isinstance(first, If)
    assert (first.test, texts(first.body)) == (Name(Span(6, 7), "a"), "1")
    (second,) = first.orelse
    assert isinstance(second, If)
    assert isinstance(second.test, Name)
    assert second.test.name == "b"
    assert (texts(second.body), texts(second.orelse)) == ("2", "3")
    assert written(text, first.span) == "{{#if a}}"
    assert written(text, second.span) == f"{{{{{word} b}}}}"


def test_if_without_else_has_no_orelse() -> None:
    assert parsed("{{#if a}}{{/if}}") == (If(Span(0, 9), Name(Span(6, 7), "a"), (), ()),)


def test_unless_negates() -> None:
    (stmt,) = parsed("{{#unless a == 1}}x{{else}}y{{/unless}}")
    assert isinstance(stmt, If)
    assert isinstance(stmt.test, Unary)
    assert (stmt.test.op, stmt.test.span) == ("not", Span(10, 16))
    assert (texts(stmt.body), texts(stmt.orelse)) == ("x", "y")


@pytest.mark.parametrize(
    ("head", "item"),
    [
        ("each l", "this"),
        ("each(l)", "this"),
        ("each (l)", "this"),
        ("each l as row", "row"),
        ("each l as |row|", "row"),
        ("each l item_name='row'", "row"),
        ('each(l, item_name="row")', "row"),
        ("each(item_name='row', list=l)", "row"),
        ("each (l) as row", "row"),
    ],
)
def test_each_forms(head: str, item: str) -> None:
    (stmt,) = parsed(f"{{{{#{head}}}}}x{{{{else}}}}none{{{{/each}}}}")
    assert isinstance(stmt, Each)
    assert isinstance(stmt.iterable, Name)
    assert (stmt.iterable.name, stmt.item) == ("l", item)
    assert (texts(stmt.body), texts(stmt.orelse)) == ("x", "none")


@pytest.mark.parametrize(
    "head", ["(a + b)", "(range 1 3 step=2)", "([a, b])", "(f(a, b))", "(a)[0]"]
)
def test_each_parentheses_without_own_comma_are_the_expression(head: str) -> None:
    (stmt,) = parsed(f"{{{{#each{head}}}}}{{{{/each}}}}")
    (same,) = parsed(f"{{{{{head}}}}}")
    assert isinstance(stmt, Each)
    assert isinstance(same, Emit)
    assert type(stmt.iterable) is type(same.value)


@pytest.mark.parametrize("role", ["system", "user", "assistant"])
def test_role_blocks(role: str) -> None:
    (stmt,) = parsed(f"{{{{#{role}~}}}} x {{{{~/{role}}}}}")
    assert isinstance(stmt, Role)
    assert stmt.role == Const(Span(3, 3 + len(role)), role)
    assert (texts(stmt.body), stmt.hidden, stmt.name) == ("x", False, None)


def test_role_options() -> None:
    one, two, three = parsed(
        "{{#role 'user' hidden=True}}{{/role}}{{#role(r, name=n)}}{{/role}}"
        "{{#system(hidden=false, name='a')}}{{/system}}"
    )
    assert isinstance(one, Role)
    assert isinstance(two, Role)
    assert isinstance(three, Role)
    assert (one.role, one.hidden) == (Const(Span(8, 14), "user"), True)
    assert isinstance(two.role, Name)
    assert isinstance(two.name, Name)
    assert (two.role.name, two.name.name) == ("r", "n")
    assert isinstance(three.name, Const)
    assert (three.hidden, three.name.value) == (False, "a")


@pytest.mark.parametrize(
    ("head", "name", "hidden"),
    [
        ("block 'n'", "n", False),
        ("block name='n'", "n", False),
        ("block hidden=True", None, True),
        ("block(hidden=True)", None, True),
        ("block 'n' hidden=True", "n", True),
        ("block('n', hidden=true)", "n", True),
        ("block", None, False),
    ],
)
def test_block_forms(head: str, name: str | None, *, hidden: bool) -> None:
    (stmt,) = parsed(f"{{{{#{head}}}}}x{{{{/block}}}}")
    assert isinstance(stmt, Block)
    assert (stmt.name, stmt.hidden, texts(stmt.body)) == (name, hidden, "x")


def test_select_block_has_a_body_per_option() -> None:
    (stmt,) = parsed("{{#select 'n'}}A{{or}}B{{or}}C{{/select}}")
    assert isinstance(stmt, Select)
    assert isinstance(stmt.options, tuple)
    assert (stmt.name, [texts(body) for body in stmt.options]) == ("n", ["A", "B", "C"])


@pytest.mark.parametrize(
    "tag",
    ["{{select 'n' options=[1]}}", "{{select('n', [1])}}", "{{select(name='n', options=[1])}}"],
)
def test_select_tag(tag: str) -> None:
    (stmt,) = parsed(tag)
    assert isinstance(stmt, Select)
    assert (stmt.name, stmt.span) == ("n", Span(0, len(tag)))
    assert isinstance(stmt.options, ListExpr)


def test_break_and_continue_reach_through_other_blocks() -> None:
    (loop,) = parsed(
        "{{#each l}}{{#if a}}{{break}}{{/if}}{{#block}}{{continue}}{{/block}}{{/each}}"
    )
    assert isinstance(loop, Each)
    branch, block = loop.body
    assert isinstance(branch, If)
    assert isinstance(block, Block)
    assert isinstance(branch.body[0], Break)
    assert isinstance(block.body[0], Continue)


def test_break_in_else_of_inner_each_leaves_the_outer() -> None:
    (outer,) = parsed("{{#each o}}{{#each i}}{{else}}{{break}}{{/each}}{{/each}}")
    assert isinstance(outer, Each)
    (inner,) = outer.body
    assert isinstance(inner, Each)
    assert isinstance(inner.orelse[0], Break)


def test_blanks_and_comments_around_the_mark() -> None:
    (stmt,) = parsed("{{ {{! a }} # {{!-- b --}} if {{! c }} a }}x{{ / if }}")
    assert isinstance(stmt, If)
    assert texts(stmt.body) == "x"


def test_set_return_and_gen_stay_calls() -> None:
    assert all(
        isinstance(stmt, Emit)
        for stmt in parsed("{{Set(name='a', value=1)}}{{set 'a' 1}}{{Return()}}{{gen 'r'}}")
    )


def test_2000_else_ifs_are_one_chain() -> None:
    chain = "".join(f"{{{{else if a == {n}}}}}{n}" for n in range(2000))
    (stmt,) = parsed(f"{{{{#if a}}}}x{chain}{{{{/if}}}}")
    seen = 0
    while isinstance(stmt, If) and stmt.orelse:
        (stmt,) = stmt.orelse
        seen += 1
    assert seen == 2000


@pytest.mark.parametrize(
    ("opener", "close", "most"),
    [
        ("{{#if a}}", "{{/if}}", 50),
        ("{{#each a}}", "{{/each}}", 15),
        ("{{#block}}", "{{/block}}", 15),
    ],
)
def test_deepest_legal_nesting(opener: str, close: str, most: int) -> None:
    depth, body = 0, parsed(opener * most + close * most)
    while body:
        (stmt,) = body
        assert isinstance(stmt, If | Each | Block)
        depth, body = depth + 1, stmt.body
    assert depth == most
