"""One run reports every error of a file once, whatever the text, in linear time."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz import examples
from skillc.errors import Report
from skillc.frontends.guidance import parse_guidance
from skillc.ir import Emit, If, Stmt
from skillc.source import Source


def parse(text: str) -> tuple[tuple[Stmt, ...], Report]:
    source = Source("t.guidance", text)
    report = Report(source)
    return parse_guidance(source, report), report


def said(text: str) -> list[str]:
    """Line, column and code of each finding, in order."""
    findings = sorted(parse(text)[1].findings.values(), key=lambda finding: finding.place)
    return ["{1}:{2} {3}".format(*finding.place) for finding in findings]


# --- several errors in one file ------------------------------------------------------------------


def test_every_error_of_a_file_is_reported_once() -> None:
    text = """\
{{Set(name="a", value="1"; x=2)}}
{{#if a = 1}}
  {{f(a b)}} ${a} {{{a}}
{{else}}
  {{SendMessage(message="never closed)}}
{{#else}}
  {{#each l as v}}
    {{v | upper}} {{}}
  {{/eech}}
  {{#Block 'x'}}{{/Block}}
{{/each}}
{{/if}}
{{/if}}
{{g(1}} {{continue}}
{{#unless b}}
"""
    assert said(text) == [
        "1:26 SK124",
        "2:9 SK123",
        "3:9 SK109",
        "3:14 SK122",
        "3:19 SK113",
        "5:25 SK103",
        "6:1 SK107",
        "6:3 SK118",
        "8:9 SK126",
        "8:19 SK108",
        "9:3 SK105",
        "10:5 SK110",
        "13:1 SK106",
        "14:6 SK109",
        "14:11 SK130",
        "15:1 SK104",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # The quotes behind an unclosed string are not taken for its end.
        ('{{f("a)}}\n{{g("b")}} "c" {{h(1}}', ["1:5 SK103", "2:21 SK109"]),
        ('{{f("a)}} said "b" {{h(1}}', ["1:5 SK103", "1:25 SK109"]),
        ("{{f('a)}} don't {{h(1}}", ["1:5 SK103", "1:22 SK109"]),
        ('{{f("a, {{g()}} {{h(1}}', ["1:5 SK103", "1:22 SK109"]),
        ('{{f("a)}}{{g("b)}}{{h("c)}}', ["1:5 SK103", "1:14 SK103", "1:23 SK103"]),
        ('{{f("a)}}\nno tag', ["1:5 SK103"]),
        # The next tag is not taken for the rest of an unclosed one.
        ("{{f(a {{g(1}} {{h(}}", ["1:1 SK101", "1:12 SK109", "1:19 SK109"]),
        ("{{f(a,\n{{g()}} {{h(1}}", ["1:1 SK101", "2:14 SK109"]),
        ("{{f({'a': 1)}} {{h(1}}", ["1:1 SK101", "1:21 SK109"]),
        ("{{a {{b {{c", ["1:1 SK101", "1:5 SK101", "1:9 SK101"]),
        ("it's {{name, don't {{h(1}}", ["1:6 SK101", "1:25 SK109"]),
        # A tag inside a tag is neither.
        ("{{f(a={{b}}, c={{d}})}} {{h(1}}", ["1:7 SK109", "1:30 SK109"]),
        ("{{#if {{a}}}}x{{/if}} {{h(1}}", ["1:7 SK109", "1:28 SK109"]),
        # What could not be read is still a block, a branch, a close.
        ('{{#if a == "x}}y{{else}}z{{/if}} {{h(1}}', ["1:12 SK103", "1:39 SK109"]),
        ('{{#if a}}{{else if "x}}y{{else}}z{{/if}}', ["1:20 SK103"]),
        ("{{#if a}}{{else if}}y{{else}}z{{/if}}", ["1:19 SK109"]),
        ("{{#each a b}}{{break}}{{/each}}", ["1:11 SK109"]),
        ("{{#if a}}x{{/if }{{h(1}}", ["1:11 SK101", "1:23 SK109"]),
        ("{{#Each a}}{{break}}{{else}}{{continue}}{{/Each}}", ["1:3 SK110"]),
        ("{{#if a}}{{#iff b}}{{/if}}{{/if}}", ["1:12 SK110"]),
        ("{{#iff a}}{{/wrong}}{{/if}}", ["1:3 SK110", "1:21 SK106"]),
        ("{{#}}a{{/if}}", ["1:4 SK109"]),
        # A close that an outer block waits for closes up to it; one that none waits for closes nothing.
        ("{{#each l}}{{#if a}}{{/each}}{{h(1}}", ["1:21 SK105", "1:35 SK109"]),
        (
            "{{#each l}}{{#if a}}{{#unless b}}{{/each}}{{break}}",
            ["1:12 SK104", "1:34 SK105", "1:45 SK130"],
        ),
        ("{{#if a}}{{/each}}{{/each}}x{{/if}}", ["1:10 SK105"]),
        ("{{#if a}}{{/each}}", ["1:10 SK105"]),
        ("{{#if a}}{{#each b}}", ["1:1 SK104", "1:10 SK104"]),
        ("{{#if a}}{{/If}}x", ["1:10 SK105"]),
        ("{{!-- a {{b(}} {{/if}}", ["1:16 SK106"]),
        # One tag can hold several.
        (
            "{{f(a && b; c === d, # e\n f++)}}",
            ["1:7 SK121", "1:11 SK124", "1:15 SK121", "1:22 SK120", "2:3 SK121"],
        ),
    ],
)
def test_recovery(text: str, expected: Sequence[str]) -> None:
    assert said(text) == list(expected)


def test_tree_is_whole_behind_an_error() -> None:
    tree, report = parse('{{f("a)}}x{{#if a}}y{{/if}}{{z}}')
    assert report.failed
    assert [type(stmt) for stmt in tree] == [Emit, If, Emit]


def test_string_with_braces_is_whole_when_its_tag_is() -> None:
    tree, report = parse('{{f("}}", "{{", "}} {{x}} \' \\" {{!-- ")}}{{g("b")}}')
    assert not report.findings
    assert len(tree) == 2


def test_real_skills_are_quiet() -> None:
    paths = sorted((Path(__file__).parents[2] / "skills").rglob("*.guidance"))
    assert paths
    for path in paths:
        tree, report = parse(path.read_text("utf-8"))
        assert tree
        assert not report.findings, path


# --- any text ------------------------------------------------------------------------------------

WORDS = """
{{ }} {{~ ~}} {{# {{/ {{! {{!-- --}} --~}} \\{{ \\ { } {% %} ${ ~ # // / | || && ! = == === ; ? ++ -- - + * ( )
[ ] , . : @ @index @x ' " ` if /if #if else elif elseif or and not in is as unless each system role block
select break continue true null hidden= item_name= name= a b f( 1 .5 1e999 \\n \\" é “ {{#if {{/if}} {{else}}
{{#each {{/each}} {{a}} }}} {{{
"""
TOKENS = st.sampled_from([*WORDS.split(), *" \n\t\r\x00\u00a0\ud800𝔘"])
TEXTS = st.lists(TOKENS, max_size=60).map("".join) | st.text(max_size=40)


def spans_lie_inside(text: str, report: Report) -> bool:
    return all(
        0 <= finding.span.start <= finding.span.end <= len(text)
        for finding in report.findings.values()
    )


@examples(100, 10_000)
@given(TEXTS)
def test_any_text_parses_or_is_reported_inside_itself(text: str) -> None:
    """Any text gives a tree, and findings with spans inside it; never an exception."""
    tree, report = parse(text)
    assert isinstance(tree, tuple)
    assert spans_lie_inside(text, report)


@examples(100, 10_000)
@given(st.text(st.characters(exclude_characters="{}\\")))
def test_text_without_braces_is_printed_as_it_is(text: str) -> None:
    """Text that holds no tag is one statement that prints it, and nothing is said of it."""
    tree, report = parse(text)
    assert not report.findings
    assert [text[slice(*stmt.span)] for stmt in tree] == [text] * bool(text)


@examples(100, 10_000)
@given(TEXTS)
def test_an_error_behind_any_text_is_reported(text: str) -> None:
    """An empty tag at the end is reported, or what swallows it is, unless that is a comment or an escape."""
    _, report = parse(text + "\n{{}}")
    codes = {finding.code for finding in report.findings.values()}
    swallowed = "{{!" in text or "{{~!" in text or r"\{{" in text
    assert swallowed or codes & {"SK101", "SK102", "SK103", "SK108"}


# --- linear time ---------------------------------------------------------------------------------

HOSTILE = [
    *(
        "{{",
        "{{!--",
        '"',
        "\\{{",
        '{{"',
        "{{'\"",
        "{{(",
        "{{({",
        '{{"\\"',
        '{{\\"',
        '{{"}}',
        '{{"}}{{',
    ),
    *(
        "{{#if a}}",
        "{{/x}}",
        "{{else}}",
        '{{#if "',
        "{{!--{{! }}",
        "${",
        "{%",
        "{#",
        "}}",
        "{",
        "}",
    ),
    *(
        "{{a ",
        "{{# ",
        "{{`",
        "{{//",
        "~}}",
        "{{~",
        '{{"a"b}}',
        "{{'}}\"a{{",
        "{{a b\"'}}c'",
        "{{not ",
    ),
    *("{{f({{", "{{x('", "{{' {{ \" }} ", "--}}{{!--", "{{!--}} --~}}", '{{"x}}y"z {{', "{{x}}}"),
]
INSIDE = [
    *(("{{f(", '"",', ")}}"), ("{{", "a + ", "a}}"), ("{{", "a and ", "a}}"), ("{{", "(", "")),
    *(("{{", "[", "}}"), ("{{a", ".b", "}}"), ("{{f(", "{{! }} ", ")}}"), ("{{f(", "{}, ", ")}}")),
    *(
        ("{{", '""', "}}"),
        ('{{"', "}}{{", '"}}'),
        ("{{!--", "{{!--", "--}}"),
        ("{{f(", "\n ", ")}}"),
    ),
    *(("{{#if a}}", "{{else if a}}", "{{/if}}"), ("{{", "9", "}}"), ("{{#each (", "(", "")),
]


def work(text: str) -> int:
    """How many calls, of Python and C functions, parsing takes."""
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        parse(text)
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize(
    ("head", "unit", "tail"), [*(("", unit, "") for unit in HOSTILE), *INSIDE], ids=repr
)
def test_twice_the_text_takes_twice_the_work(head: str, unit: str, tail: str) -> None:
    size = 2000 // len(unit)
    once, twice = (work(head + unit * count + tail) for count in (size, 2 * size))
    assert twice <= 2.2 * once + 100


@pytest.mark.parametrize("unit", HOSTILE, ids=repr)
def test_long_hostile_text_is_read_to_its_end(unit: str) -> None:
    text = unit * (30_000 // len(unit))
    _, report = parse(text)
    assert spans_lie_inside(text, report)
