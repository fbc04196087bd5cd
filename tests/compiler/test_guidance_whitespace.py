"""Whitespace control, escapes and comments of Guidance: the rows observed in guidance 0.0.64."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from skillc.errors import Report
from skillc.frontends.guidance import parse_guidance
from skillc.ir import (
    Arg,
    Block,
    Call,
    Const,
    Each,
    Emit,
    Expr,
    If,
    LoopName,
    Name,
    Role,
    Stmt,
    Unary,
)
from skillc.source import Source

YES: dict[str, object] = {"c": True}
NO: dict[str, object] = {"c": False}
ONE: dict[str, object] = {"n": "1"}
ANN = {"n": "Ann"}
AB = {"l": ["a", "b"]}

# Cells are JSON string bodies with plain double quotes, as in the language reference.
ROWS: Sequence[tuple[str, str, Mapping[str, object], str]] = (
    ("G1", r"Hi {{n}}!", ANN, r"Hi Ann!"),
    ("G2", r"Hi {{~n}}!", ANN, r"HiAnn!"),
    ("G3", r"Hi {{n~}} !", ANN, r"Hi Ann!"),
    ("G4", r"Hi {{~ n ~}} !", ANN, r"HiAnn!"),
    ("G5", r"Hi\n\n\t {{~n~}} \n\n!", ANN, r"HiAnn!"),
    ("G6", r"a\u00a0{{~n}}", ONE, r"a\u00a01"),
    ("G7", r"p\n{{#if c}}\nY\n{{/if}}\nq", YES, r"p\n\nY\n\nq"),
    ("G8", r"p\n{{#if c}}\nY\n{{/if}}\nq", NO, r"p\n\nq"),
    ("G9", r"p\n{{#if c~}}\nY\n{{~/if}}\nq", YES, r"p\nY\nq"),
    ("G10", r"p\n{{~#if c}}\nY\n{{/if~}}\nq", YES, r"p\nY\nq"),
    ("G11", r"p\n{{~#if c}}\nY\n{{/if~}}\nq", NO, r"pq"),
    ("G12", r"p {{#if c~}} Y {{~else~}} N {{~/if}} q", YES, r"p Y q"),
    ("G13", r"p {{#if c~}} Y {{~else~}} N {{~/if}} q", NO, r"p N q"),
    ("G14", r"p\n{{#if c}}\n  Y\n{{~else}}\n  N\n{{~/if}}\nq", NO, r"p\n\n  N\nq"),
    ("G15", r"{{#if c}}Y{{else~}} N {{/if}}!", NO, r"N !"),
    ("G16", r"{{#if c~}}\n  Y\n{{/if~}}\n  q", YES, r"Y\nq"),
    ("G17", r"{{#if c}}\n\n{{~/if}}!", YES, r"!"),
    ("G18", r"{{#if c}} \n {{~n}}{{/if}}", YES | ONE, r"1"),
    ("G19", r"{{#if c~}} {{n}} {{/if}} !", YES | ONE, r"1  !"),
    ("G20", r"{{#unless c~}} N {{~/unless}}", {"c": ""}, r"N"),
    ("G21", r"{{#each l}}\n{{this}}\n{{/each}}", AB, r"\na\n\nb\n"),
    ("G22", r"{{#each l~}}\n{{this}}\n{{/each}}", AB, r"a\nb\n"),
    ("G23", r"{{#each l~}}\n{{this}}\n{{~/each}}!", AB, r"ab!"),
    ("G24", r"{{#each l}}\n- {{this}}{{/each}}\nend", AB, r"\n- a\n- b\nend"),
    ("G25", r"{{~#each l}}\n- {{this}}\n{{~/each}}", AB, r"\n- a\n- b"),
    ("G26", r"{{#each l}}{{this}}{{#if not @last}}, {{/if}}{{/each}}", AB, r"a, b"),
    ("G27", r"p {{! note }} q", {}, r"p  q"),
    ("G28", r"p {{~! note }} q", {}, r"p q"),
    ("G29", r"p {{! note ~}} q", {}, r"p q"),
    ("G30", r"p {{~! note ~}} q", {}, r"pq"),
    ("G31", r"p\n{{!-- note --}}\nq", {}, r"p\n\nq"),
    ("G32", r"p\n{{!-- note --~}}\n\n  q", {}, r"p\nq"),
    ("G33", r"p {{~!-- note --~}} q", {}, r"pq"),
    ("G34", r"p {{!-- note --}}\n {{~n}}", ONE, r"p 1"),
    ("G35", r"{{n~}} {{! note }} q", ONE, r"1 q"),
    ("G36", r"{{n~}} {{~! note ~}} {{m}}", ONE | {"m": "2"}, r"12"),
    ("G37", r"{{set 'a' 1}}\n{{set 'b' 2}}\nX", {}, r"\n\nX"),
    ("G38", r"L1\n{{set 'a' 1~}}\nL2", {}, r"L1\nL2"),
    ("G39", r"L1\n{{~set 'a' 1}}\nL2", {}, r"L1\nL2"),
    ("G40", r"{{#block 'k'}} v {{/block}}[{{k}}]", {}, r" v [ v ]"),
    ("G41", r"{{#block 'k'~}} v {{~/block}}[{{k}}]", {}, r"v[v]"),
    ("G42", r"p {{#block(hidden=True)}} v {{/block}} q", {}, r"p  q"),
    ("G43", r"{{#if c}}Y{{/if }}!", YES, r"Y!"),
    ("G44", r"\\{{n}} and {{n}}", ONE, r"{{n}} and 1"),
    ("G45", r"\\{{~n}} q", ONE, r"{{~n}} q"),
    ("G46", r"\\{{#if c}}Y\\{{/if}}", YES, r"{{#if c}}Y{{/if}}"),
    ("G47", r"d\\\\{{n}} {{n}}", ONE, r"d\\{{n}} 1"),
    ("G48", r"a \\ b \\n c", {}, r"a \\ b \\n c"),
    ("G49", r'{"k": {{n}}}', ONE, r'{"k": 1}'),
    ("G50", r"{{{n}}}", ONE, r"{1}"),
    ("G51", r"a } b }} c { d", {}, r"a } b }} c { d"),
    ("G52", r"{% if %} {# c #} {{n}}", ONE, r"{% if %} {# c #} 1"),
    ("G53", r"<b>{{n}}</b>", {"n": "<&>"}, r"<b><&></b>"),
    ("G54", r"[{{n}}]", {"n": "{{m}}", "m": "2"}, r"[{{m}}]"),
    ("G55", r"{{!-- a }} b --}}c", {}, r"c"),
    ("G56", r"{{! a {{n}} b }}c", ONE, r" b }}c"),
    ("G57", r"{{!-- a {{n}} b --}}c", ONE, r"c"),
)


def parsed(text: str) -> tuple[Stmt, ...]:
    source = Source("t.guidance", text)
    report = Report(source)
    tree = parse_guidance(source, report)
    assert not report.failed, report.findings
    return tree


def cell(body: str) -> str:
    return str(json.loads('"' + body.replace('"', '\\"') + '"'))


def printed(body: Sequence[Stmt], names: dict[str, Any]) -> str:
    return "".join(text for stmt in body for text in pieces(stmt, names))


def pieces(stmt: Stmt, names: dict[str, Any]) -> Iterator[str]:
    """What one statement prints; enough of the language for the rows here."""
    match stmt:
        case Emit(value=Call(callee=Name(name="set"), args=(Arg(value=name), Arg(value=value)))):
            names[value_of(name, names)] = value_of(value, names)
        case Emit(value=value):
            yield str(value_of(value, names))
        case If(test=test, body=body, orelse=orelse):
            yield printed(body if value_of(test, names) else orelse, names)
        case Each(iterable=iterable, item=item, body=body):
            items = value_of(iterable, names)
            for index, value in enumerate(items):
                names |= {item: value, "@last": index == len(items) - 1}
                yield printed(body, names)
        case Block(name=name, hidden=hidden, body=body):
            text = printed(body, names)
            names |= {name: text} if name else {}
            yield "" if hidden else text
        case _:
            raise NotImplementedError(stmt)


def value_of(expr: Expr, names: Mapping[str, Any]) -> Any:
    match expr:
        case Const(value=value):
            return value
        case Name(name=name):
            return names.get(name, "")
        case LoopName(name=name):
            return names[f"@{name}"]
        case Unary(op="not", value=value):
            return not value_of(value, names)
        case _:
            raise NotImplementedError(expr)


@pytest.mark.parametrize(
    ("template", "given", "output"),
    [pytest.param(*row[1:], id=row[0]) for row in ROWS],
)
def test_whitespace_row(template: str, given: Mapping[str, object], output: str) -> None:
    assert printed(parsed(cell(template)), dict(given)) == cell(output)


@pytest.mark.parametrize(
    ("template", "content"),
    [
        ("{{#system~}}\n rules \n{{~/system}}", "rules"),
        ("{{#system}}\n rules \n{{/system}}", "\n rules \n"),
        (
            "{{#system~}}\n{{set 'm' 1}}  {{! note }}\n\nBody {{m}}\n{{~/system}}",
            "  \n\nBody 1",
        ),
    ],
)
def test_role_content_is_cut_like_any_block(template: str, content: str) -> None:
    (role,) = parsed(template)
    assert isinstance(role, Role)
    assert printed(role.body, {}) == content


@pytest.mark.parametrize(
    ("template", "pieces_"),
    [
        ("{{n~}} {{~m}}", []),
        ("{{n~}}  ", []),
        ("  {{~n}}", []),
        ("{{!-- a --}}", []),
        ("{{!--}}b", ["b"]),
        ("{{! a --}}b", ["b"]),
        ("{{!-- a }}b", ["b"]),
        ("{{!-- a -- }}b", ["b"]),
        ("{{n~}}\r\n\t x", ["x"]),
        ("a {{~", ["a"]),
        (r"x \{{ y", ["x ", "{{", " y"]),
        (r"\{{{n}}}", ["{{{n}}", "}"]),
        (r"{{n~}} \{{x}} {{~n}}", ["{{x}}"]),
        ("{{{{n}}}}", ["{{", "}}"]),
    ],
)
def test_text_pieces(template: str, pieces_: list[str]) -> None:
    source = Source("t.guidance", template)
    tree = parse_guidance(source, Report(source))
    assert [
        stmt.value.value
        for stmt in tree
        if isinstance(stmt, Emit) and isinstance(stmt.value, Const)
    ] == pieces_


def test_text_span_is_what_is_printed() -> None:
    text = "Hi  {{~n~}}  you\n"
    first, _, last = parsed(text)
    assert [text[slice(*stmt.span)] for stmt in (first, last)] == ["Hi", "you\n"]
