"""One run reports every error of an NSL file once, whatever the text, in linear time."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Sequence
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment, TemplateSyntaxError

from fuzz import examples
from nsl import codes, parse
from skillc.errors import Report
from skillc.frontends.nsl import parse_nsl
from skillc.ir import Emit, If
from skillc.source import Source

JINJA = Environment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"])

# --- several errors in one file ------------------------------------------------------------------


def test_every_error_of_a_file_is_reported_once() -> None:
    text = """\
{{ Set(name="a", value="1"; x=2) }}
{% if a = 1 %}
  {{ f(a b) }} ${a} {{ a }}}
{% else %}
  {{ SendMessage(message="never closed) }}
{% elif b %}
  {% for v in l %}
    {{ v | uper }} {{ }}
  {% enfor %}
  {% block x %}{% endblock %}
{% endfor %}
{% endif %}
{% endif %}
{{ g(1 }} {% continue %}
{% if b %}
"""
    assert codes(text) == [
        "1:27 SK124",
        "2:9 SK123",
        "3:10 SK109",
        "3:16 SK122",
        "3:28 SK113",
        "5:26 SK103",
        "6:1 SK107",
        "8:12 SK127",
        "8:20 SK108",
        "9:6 SK112",
        "10:6 SK112",
        "13:1 SK106",
        "14:8 SK109",
        "14:14 SK130",
        "14:14 SK131",
        "15:1 SK104",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # The quotes behind an unclosed string are not taken for its end.
        ('{{ f("a) }}\n{{ g("b") }} "c" {{ h(1 }}', ["1:6 SK103", "2:25 SK109"]),
        ("{{ f('a) }} don't {{ h(1 }}", ["1:6 SK103", "1:26 SK109"]),
        ('{{ f("a, {{ g() }} {{ h(1 }}', ["1:6 SK103", "1:27 SK109"]),
        ('{{ f("a) }}{{ g("b) }}{{ h("c) }}', ["1:6 SK103", "1:17 SK103", "1:28 SK103"]),
        ('{{ f("a) }}\nno tag', ["1:6 SK103"]),
        ('{% set x = "a %}{{ g("b") }}{{ h(1 }}', ["1:12 SK103", "1:36 SK109"]),
        # The next tag is not taken for the rest of an unclosed one.
        ("{{ f(a {{ g(1 }} {{ h( }}", ["1:1 SK101", "1:15 SK109", "1:24 SK109"]),
        ("{{ f(a,\n{% if b %}{% endif %}{{ h(1 }}", ["1:1 SK101", "2:29 SK109"]),
        ("{{ a {{ b {{ c", ["1:1 SK101", "1:6 SK101", "1:11 SK101"]),
        ("it's {{ name, don't {{ h(1 }}", ["1:6 SK101", "1:28 SK109"]),
        ("{% if a {{ b }}x{% endif %}{{ h(1 }}", ["1:1 SK101", "1:35 SK109"]),
        # A tag inside a tag is neither.
        ("{{ f(a={{ b }}, c={{ d }}) }} {{ h(1 }}", ["1:8 SK109", "1:38 SK109"]),
        ("{% if {{ a }} %}x{% endif %} {{ h(1 }}", ["1:7 SK109", "1:37 SK109"]),
        # What could not be read is still a block, a branch, a close.
        ('{% if a == "x %}y{% else %}z{% endif %} {{ h(1 }}', ["1:12 SK103", "1:48 SK109"]),
        ('{% if a %}{% elif "x %}y{% else %}z{% endif %}', ["1:19 SK103"]),
        ("{% if a %}{% elif %}y{% else %}z{% endif %}", ["1:19 SK109"]),
        ("{% for a b in l %}{% break %}{% endfor %}", ["1:10 SK109", "1:22 SK131"]),
        ("{% if a %}x{% endif x %}{{ h(1 }}", ["1:21 SK109", "1:32 SK109"]),
        ("{% block a %}{% if b %}{% endif %}{% endblock %}{{ h(1 }}", ["1:4 SK112", "1:56 SK109"]),
        ("{{#if a}}{{else if b}}{{elif c}}{{else}}{{/if}}", ["1:1 SK116", "1:41 SK116"]),
        # A close that an outer block waits for closes up to it; one that none waits for closes nothing.
        ("{% for x in l %}{% if a %}{% endfor %}{{ h(1 }}", ["1:27 SK105", "1:46 SK109"]),
        ("{% if a %}{% endfor %}{% endfor %}x{% endif %}", ["1:11 SK105"]),
        ("{% if a %}{% for x in l %}", ["1:1 SK104", "1:11 SK104"]),
        # One tag can hold several.
        ("{{ f(a && b; c === d) }}", ["1:8 SK121", "1:12 SK124", "1:16 SK121"]),
    ],
)
def test_recovery(text: str, expected: Sequence[str]) -> None:
    assert codes(text) == list(expected)


def test_tree_is_whole_behind_an_error() -> None:
    tree, report = parse('{{ f("a) }}x{% if a %}y{% endif %}{{ z }}')
    assert report.failed
    assert [type(stmt) for stmt in tree] == [Emit, If, Emit]


def test_string_with_braces_is_whole_when_its_tag_is() -> None:
    tree, report = parse('{{ f("}}", "{{", "}} {{x}} \' \\" {% {#") }}{{ g("b") }}')
    assert not report.findings
    assert len(tree) == 2


# --- any text ------------------------------------------------------------------------------------

WORDS = """
{{ }} {{- -}} {% %} {%- -%} {# #} {{!-- --}} {{! {{#if {{/if}} {{~ ~}} {%if {%endif%} {%else%} {%elif
{%for {%endfor%} {%set {%endset%} {%macro {%endmacro%} {%call {%endcall%} {%filter {%endfilter%} {%with
{%endwith%} {%raw%} {%endraw%} {%do {%break%} {%continue%} {%include {%block {%endblock%} {%x {{a}} {{system}}
{{user}} {{end}} {%set=x=1%} { } ( ) [ ] , . : ; = == != < > | ~ + - * / // ** % ! ? && || === ++ -- @ # $ ${x}
a b x loop loop.first caller caller() m() if else in is not and or none true recursive 1 .5 1e999 0x1F 1_0 '
" ` 'a' "b" \\n \\x4 \\ upper default( odd namespace( *a **k k= é “ 𝔘 }}} {{{
"""
TOKENS = st.sampled_from([*WORDS.replace("=x=", " x=").split(), *"   \n\t\r\x00\u00a0\ud800"])
LOOSE = st.lists(TOKENS, max_size=60).map("".join) | st.text(max_size=40)

NAMES = st.sampled_from(["x", "y", "loop", "user", "m", "caller", "x.k", "x[0]", "'t'", "1"])
HEADS = st.sampled_from(
    [
        *(("if {}", "endif"), ("for x in {}", "endfor"), ("for x, y in {} if x", "endfor")),
        *(("set x", "endset"), ("set y | default({})", "endset"), ("with x = {}", "endwith")),
        *(("macro m(x, y={})", "endmacro"), ("filter replace('a', {})", "endfilter")),
        *(("call m({})", "endcall"), ("for m in {} recursive", "endfor")),
    ]
)


def block(head: tuple[str, str], name: str, inner: Sequence[str], orelse: Sequence[str]) -> str:
    """A statement with a body, and an `else` where it may have one."""
    other = "{% else %}" + "".join(orelse) if head[0].startswith(("if", "for")) else ""
    return f"{{% {head[0].format(name)} %}}{''.join(inner)}{other}{{% {head[1]} %}}"


LEAVES = st.one_of(
    st.builds("{{{{ {} }}}}".format, NAMES),
    st.builds("{{% set {} = {} %}}".format, st.sampled_from(["x", "y", "x, y", "x.k"]), NAMES),
    st.sampled_from(["text ", "{{ loop.index }}", "{{ m(1) }}", "{{ caller() }}", "{{ loop(x) }}"]),
)
WHOLE = st.recursive(
    LEAVES,
    lambda inner: st.builds(
        block, HEADS, NAMES, st.lists(inner, max_size=3), st.lists(inner, max_size=2)
    ),
    max_leaves=8,
)
STATEMENTS = st.lists(WHOLE, max_size=4).map("".join)


def spans_lie_inside(text: str, report: Report) -> bool:
    return all(
        0 <= finding.span.start <= finding.span.end <= len(text)
        for finding in report.findings.values()
    )


@examples(200, 20_000)
@given(LOOSE)
def test_any_text_parses_or_is_reported_inside_itself(text: str) -> None:
    """Any text gives a tree, and findings with spans inside it; never an exception."""
    tree, report = parse(text)
    assert isinstance(tree, tuple)
    assert spans_lie_inside(text, report)


@examples(200, 20_000)
@given(STATEMENTS)
def test_any_statements_parse_or_are_reported_inside_themselves(text: str) -> None:
    """Statements however nested give a tree, and findings with spans inside the text; never an exception."""
    tree, report = parse(text, "user")
    assert isinstance(tree, tuple)
    assert spans_lie_inside(text, report)


@examples(200, 20_000)
@given(LOOSE | STATEMENTS)
def test_what_jinja_does_not_read_is_reported(text: str) -> None:
    """A template that Jinja's parser refuses has an error here too, but for comments that only Newo has."""
    try:
        JINJA.parse(text)
    except TemplateSyntaxError:
        _, report = parse(text)
        assert report.failed or "{{!" in text


@examples(200, 20_000)
@given(st.text(st.characters(exclude_characters="{}%#")))
def test_text_without_tags_is_printed_as_it_is(text: str) -> None:
    """Text that holds no tag is one statement that prints it, but for one newline at its end."""
    tree, report = parse(text)
    assert not report.findings
    kept = text.removesuffix("\n")
    assert [text[slice(*stmt.span)] for stmt in tree] == [kept] * bool(kept)


# --- linear time ---------------------------------------------------------------------------------

HOSTILE = [
    *(
        "{{",
        "{%",
        "{#",
        "{{!--",
        "{{!",
        '"',
        '{{"',
        "{{'\"",
        "{{(",
        "{{({",
        '{{"\\"',
        '{{"}}',
        '{{"}}{{',
    ),
    *(
        "{%if a%}",
        "{%endif%}",
        "{%else%}",
        '{%if "',
        "{%raw%}",
        "{%set x%}",
        "{%x%}",
        "${",
        "%}",
        "}}",
    ),
    *(
        "{{a ",
        "{{# ",
        "{{/",
        "{{`",
        "{{~",
        '{{"a"b}}',
        "{{'}}\"a{{",
        "{{not ",
        "{{a.b",
        "{{a|f",
        "{",
    ),
    *(
        "{{f({{",
        "{{x('",
        "--}}{{!--",
        "{{!--}}",
        '{{"x}}y"z {{',
        "{{x}}}",
        "{%for x in l%}",
        "{{{{",
    ),
    *("{{ {# ", "{%macro m()%}", "{%call m()%}", "{{system}}", "{{end}}"),
]
INSIDE = [
    *(("{{f(", '"",', ")}}"), ("{{", "a + ", "a}}"), ("{{", "a and ", "a}}"), ("{{", "(", "")),
    *(("{{", "[", "}}"), ("{{a", ".b", "}}"), ("{{f(", "{}, ", ")}}"), ("{{", '""', "}}")),
    *(('{{"', "}}{{", '"}}'), ("{#", "{#", "#}"), ("{{f(", "\n ", ")}}"), ("{{", "9", "}}")),
    *(("{% if a %}", "{% elif a %}", "{% endif %}"), ("{{", "a ~ ", "a}}"), ("{% set x = ", "1,", "%}")),
]  # fmt: skip


def parse_here(text: str) -> Report:
    """Parse in this thread, where calls can be counted."""
    report = Report(Source("t.jinja", text))
    inspect.unwrap(parse_nsl)(report.source, report)
    return report


def work(text: str) -> int:
    """How many calls, of Python and C functions, parsing takes."""
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    sys.setprofile(count)
    try:
        parse_here(text)
    finally:
        sys.setprofile(None)
        sys.setrecursionlimit(limit)
    return calls


@pytest.mark.parametrize(
    ("head", "unit", "tail"), [*(("", unit, "") for unit in HOSTILE), *INSIDE], ids=repr
)
def test_twice_the_text_takes_twice_the_work(head: str, unit: str, tail: str) -> None:
    size = 1500 // len(unit)
    once, twice = (work(head + unit * count + tail) for count in (size, 2 * size))
    assert twice <= 2.2 * once + 300


@pytest.mark.parametrize("unit", HOSTILE, ids=repr)
def test_long_hostile_text_is_read_to_its_end(unit: str) -> None:
    text = unit * (20_000 // len(unit))
    _, report = parse(text)
    assert spans_lie_inside(text, report)
