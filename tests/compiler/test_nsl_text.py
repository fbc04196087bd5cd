"""The text of NSL templates: whitespace control, comments, raw blocks, stray braces, all as Jinja has them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment

from fuzz import examples
from nsl import codes, parse, tree
from skillc.ir import Capture, Const, Each, Emit, If, Name, Stmt

JINJA = Environment()


def printed(body: tuple[Stmt, ...]) -> str:
    """What a body prints when every branch is taken once, names as `<name>`."""
    pieces: list[str] = []
    for stmt in body:
        match stmt:
            case Emit(value=Const(value=str(text))):
                pieces.append(text)
            case Emit(value=Name(name=name)):
                pieces.append(f"<{name}>")
            case If() | Each() | Capture():
                pieces.append(printed(stmt.body))
            case _:
                pass
    return "".join(pieces)


def rendered(text: str) -> str:
    """What Jinja prints, where every condition holds."""
    return JINJA.from_string(text).render(n="<n>", c=True, l=[1])


# What the language reference lists, where every condition holds.
@pytest.mark.parametrize(
    "text",
    [
        "p {{ n }} q",
        "p {{- n -}} q",
        "p {{- n }} q",
        "p {{+ n }} q",
        "p {{ n -}}   \n  q",
        "p\n{% if c %}\nY\n{% endif %}\nq",
        "p\n{%- if c %}\nY\n{%- endif %}\nq",
        "p\n{%+ if c +%}\nY\n{% endif %}\nq",
        "p\n{% if c -%}\n  Y\n{% endif -%}\nq",
        "p {%- if c %} Y {%- endif %} q",
        "p\n{% set x = 1 -%}\nq",
        "top\n  {%- for i in l %}\n  - {{ n }}\n  {%- endfor %}\nend",
        "{% set t -%}\n  v\n{%- endset %}",
        "p\n{# note #}\nq",
        "p {#- note -#} q",
        "p {# {{ n }} {% if %} #} q",
        "{% raw %}{{ n }}{% endraw %}",
        "{% raw -%} {{ n }} {%- endraw %}!",
        "a {%- raw %} {% if %} {# {% endraw -%} b",
        "a{% raw %} {% endraw %} {{- n }}",
        "end\n",
        "end\n\n",
        "p\u00a0{{- n }}",
        "p }} q %} r #}",
        "{{ n -}} {# a #} {{- n }}",
        "{% if c %}{%- endif -%}  x",
    ],
)
def test_text_is_that_of_jinja(text: str) -> None:
    made, _ = parse(text)
    wanted = rendered(text) if "{% set t" not in text else "v"
    assert printed(made) == wanted


PIECES = st.sampled_from(
    [
        *("{{ n }}", "{{- n }}", "{{ n -}}", "{{- n -}}", "{{+ n }}"),
        *("{# x #}", "{#- x #}", "{# x -#}", "{#+ x +#}", "{##}"),
        *("{% set x = 1 %}", "{%- set x = 1 -%}", "{%+ set x = 1 +%}"),
        *("{% if c %}a {% endif %}", "{%- if c -%} a {%- endif -%}"),
        *("{% raw %} {{ {% endraw %}", "{%- raw -%} {# {%- endraw -%}", "{% raw %}{% endraw %}"),
        *(" ", "\n", "\t", "a", "}", "}}", "%}", "{", "-", "\u2003", "\x1c"),
    ]
)


@examples(300, 20_000)
@given(st.lists(PIECES, max_size=12).map("".join))
def test_any_text_is_printed_as_jinja_prints_it(text: str) -> None:
    """Where whitespace control, comments and raw blocks meet, what is left of the text is what Jinja leaves."""
    made, report = parse(text)
    if not report.failed:
        assert printed(made) == rendered(text)


# --- comments of the other dialect ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("a{{!-- note --}}b", "ab"),
        ("a{{! {{ n }}b", "ab"),
        ("a{{!-- {{ n }} {# }} --}}b", "ab"),
        ("a {{!-- x --~}} b", "a  b"),
        ("{{ n -}} {{! x }} b", "{{ n -}}  b"),
        ("a {{! x }} {{- n }}", "a  {{- n }}"),
        ("a\n{{!-- x\ny --}}\n{%- if c %}b{% endif %}", "a\n\n{%- if c %}b{% endif %}"),
    ],
)
def test_guidance_comment_leaves_nothing(text: str, same: str) -> None:
    made, report = parse(text)
    assert {finding.code for finding in report.findings.values()} == {"SK117"}
    assert printed(made) == rendered(same)


@pytest.mark.parametrize(
    "text", ["{# {{! a }} #}", "{% raw %}{{! a }}{% endraw %}", "{{ '{{! a }}' }}"]
)
def test_what_looks_like_a_guidance_comment_is_text(text: str) -> None:
    assert codes(text) == []


def test_places_behind_a_comment_are_true() -> None:
    assert codes("{{!-- a\nb --}} {{ f(x y) }}") == ["1:1 SK117", "2:15 SK109"]


# --- braces --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": {"b": {{ n }}}}', []),
        ("{ {{ n }} }", []),
        ("{{ n }}}", ["1:8 SK113"]),
        ("a }} b", ["1:3 SK114"]),
        ("a %} b #}", ["1:3 SK114", "1:8 SK114"]),
        ("${n} costs", ["1:1 SK122"]),
        ("{% raw %}}} %} ${n}{% endraw %}", []),
        ("{# }} ${n} #}", []),
        ("{{ '}}' }}{{ \"%}\" }}", []),
    ],
)
def test_braces_in_text(text: str, expected: list[str]) -> None:
    assert codes(text) == expected


def test_text_has_its_place() -> None:
    text = "a \n{#- x -#}\n b"
    made = tree(text)
    assert [text[slice(*stmt.span)] for stmt in made] == ["a", "b"]
