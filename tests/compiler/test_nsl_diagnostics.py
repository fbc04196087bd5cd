"""What the NSL front end reports: place, message and suggestion, with a good example beside each bad one."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from nsl import said
from skillc.errors import REGISTRY

COMMENT = "comments stand before or behind a tag"
GUIDANCE = "Guidance block in an NSL skill; use '{% if %}' or 'runner_type: guidance'"
PLATFORM = "is not available on the platform's Jinja"

# Template, what is said of it, and a template that says the same thing properly.
CASES: Sequence[tuple[str, Sequence[str], str]] = (
    ("a {{ b", ["1:3 SK101 [{{] tag opened here is never closed"], "a {{ b }}"),
    ("{% set a = 1 }}", ["1:1 SK101 [{%] tag opened here is never closed"], "{% set a = 1 %}"),
    (
        "{{ name, I don't know {{ x }}",
        ["1:1 SK101 [{{] tag opened here is never closed"],
        "{{ name }}, I don't know {{ x }}",
    ),
    ("{# a", ["1:1 SK102 [{#] comment opened here is never closed"], "{# a #}"),
    ("{{!-- a", ["1:1 SK102 [{{!--] comment opened here is never closed"], "{#- a #}"),
    (
        '{{ Concat("a, b) }}',
        ['1:11 SK103 ["] string opened here is never closed'],
        '{{ Concat("a", b) }}',
    ),
    (
        "{% if a %}x",
        ["1:1 SK104 [{% if a %}] '{% if %}' opened here has no '{% endif %}'"],
        "{% if a %}x{% endif %}",
    ),
    (
        "{% raw %}x",
        ["1:1 SK104 [{% raw %}] '{% raw %}' opened here has no '{% endraw %}'"],
        "{% raw %}x{% endraw %}",
    ),
    (
        "{% set x %}a",
        ["1:1 SK104 [{% set x %}] '{% set %}' opened here has no '{% endset %}'"],
        "{% set x %}a{% endset %}",
    ),
    (
        "\n{% if a %}x{% endfor %}",
        [
            "2:12 SK105 [{% endfor %}] expected '{% endif %}' for the '{% if %}' on line 2,"
            " found '{% endfor %}'"
        ],
        "{% if a %}x{% endif %}",
    ),
    ("{% endif %}", ["1:1 SK106 [{% endif %}] '{% endif %}' closes nothing"], ""),
    ("{% endraw %}", ["1:1 SK106 [{% endraw %}] '{% endraw %}' closes nothing"], ""),
    ("{% else %}", ["1:1 SK107 [{% else %}] '{% else %}' does not belong here"], "else"),
    (
        "{% for x in l %}{% elif x %}{% endfor %}",
        ["1:17 SK107 [{% elif x %}] '{% elif %}' does not belong here"],
        "{% for x in l %}{% else %}{% endfor %}",
    ),
    ("{{ }}{% %}", ["1:1 SK108 [{{ }}] empty tag", "1:6 SK108 [{% %}] empty tag"], "{{ a }}"),
    ("{{ f(a b) }}", ["1:8 SK109 [b] unexpected 'b', expected ',' or ')'"], "{{ f(a, b) }}"),
    ("{{ [a b] }}", ["1:7 SK109 [b] unexpected 'b', expected ',' or ']'"], "{{ [a, b] }}"),
    ("{{ a b }}", ["1:6 SK109 [b] unexpected 'b', expected an operator or '}}'"], "{{ a + b }}"),
    ("{{{x}}}", ["1:5 SK109 [}] unexpected '}', expected ':'"], "{ {{ x }} }"),
    ("{{ h(1 }}", ["1:8 SK109 [}}] unexpected '}}', expected ',' or ')'"], "{{ h(1) }}"),
    ("{% if %}{% endif %}", ["1:7 SK109 [%}] unexpected '%}', expected a value"], "{{ a }}"),
    (
        "{{ f(a {# x #}, b) }}",
        [f"1:8 SK109 [{{#] unexpected '{{#', expected the rest of the tag; {COMMENT}"],
        "{# x #}{{ f(a, b) }}",
    ),
    (
        "{{~ x }}",
        ["1:3 SK109 [~] unexpected '~', expected a value; '-' removes blanks: '{{-' and '-}}'"],
        "{{- x }}",
    ),
    (
        "{{ f(x={{ y }}) }}",
        ["1:8 SK109 [{{] unexpected '{{', expected a value; a tag cannot stand inside a tag"],
        "{{ f(x=y) }}",
    ),
    ("{% for x of l %}{% endfor %}", ["1:10 SK109 [of] unexpected 'of', expected 'in'"], ""),
    (
        "{% for loop in l %}{% endfor %}",
        ["1:8 SK109 [loop] unexpected 'loop', expected another name, as 'loop' is the loop itself"],
        "{% for x in l %}{% endfor %}",
    ),
    (
        "{% if a %}{% else if b %}{% endif %}",
        ["1:19 SK109 [if] unexpected 'if', expected '%}'; write '{% elif … %}'"],
        "{% if a %}{% elif b %}{% endif %}",
    ),
    (
        "{% call f %}{% endcall %}",
        ["1:9 SK109 [f] unexpected 'f', expected a call of a macro"],
        "{% macro f() %}{% endmacro %}{% call f() %}{% endcall %}",
    ),
    (
        "{% call f(1) %}{% endcall %}",
        ["1:9 SK109 [f(1)] unexpected 'f(1)', expected a call of a macro"],
        "{{ f(1) }}",
    ),
    (
        "{{ f(*a, *b) }}",
        ["1:10 SK109 [*] unexpected '*', expected a named argument"],
        "{{ f(*a, b=1, **c) }}",
    ),
    ("{{ 1e999 }}", ["1:4 SK109 [1e999] unexpected '1e999', expected a number below 1.8e308"], ""),
    (
        r"{{ 'a\x4' }}",
        [r"1:4 SK109 ['a\x4'] unexpected ''a\x4'', expected complete escapes such as '\x41'"],
        r"{{ 'a\x41' }}",
    ),
    ('{% include "x" %}', ["1:4 SK112 [include] tag 'include' is not supported"], ""),
    ("{% block x %}a{% endblock %}", ["1:4 SK112 [block] tag 'block' is not supported"], "a"),
    (
        "{% if a %}{% elseif b %}{% endif %}",
        ["1:14 SK112 [elseif] tag 'elseif' is not supported; did you mean 'elif'?"],
        "{% if a %}{% elif b %}{% endif %}",
    ),
    ("{{#if a}}x{{else}}y{{/if}}", [f"1:1 SK116 [{{{{#if] {GUIDANCE}", f"1:20 SK116 [{{{{/if] {GUIDANCE}"], ""),
    ("a{{! b }}", ["1:2 SK117 [{{!] Guidance comment; use '{# #}'"], "a{# b #}"),
    ("{% if c: %}{% endif %}", ["1:8 SK119 [:] drop the trailing ':'"], "{% if c %}{% endif %}"),
    ("{{ a && b }}", ["1:6 SK121 [&&] '&&' is not an operator; use and"], "{{ a and b }}"),
    ("{{ a ? b : c }}", ["1:6 SK121 [?] '?:' is not an operator; use an if block"], "{{ b if a }}"),
    ("{{ i++ }}", ["1:5 SK121 [++] '++' is not an operator; use x + 1"], "{{ i + 1 }}"),
    ("{{ i--}}", ["1:5 SK121 [--] '--' is not an operator; use x - 1"], "{{ 5--3 }}"),
    ("{{ `a` }}", ["1:4 SK121 [`a`] '`' is not an operator; use quotes"], "{{ 'a' }}"),
    ("${x}", ["1:1 SK122 [${x}] '${x}' is not expanded; write '{{x}}'"], "$ {x}"),
    (
        "{% if f(k=1) = 2 %}{% endif %}",
        ["1:14 SK123 [=] '=' in a condition; did you mean '=='?"],
        "{% if f(k=1) == 2 %}{% endif %}",
    ),
    ("{{ f(a; b) }}", ["1:7 SK124 [;] arguments are separated by commas"], "{{ f(a, b) }}"),
    ("{{ x | }}", ["1:8 SK127 [}}] unknown filter '}}'"], "{{ x }}"),
    ("{{ x|uper }}", ["1:6 SK127 [uper] unknown filter 'uper'; did you mean 'upper'?"], "{{ x|upper }}"),
    (
        "{{ x | SendMessage }}",
        ["1:8 SK127 [SendMessage] unknown filter 'SendMessage'; call it as SendMessage(...)"],
        "{{ SendMessage(message=x) }}",
    ),
    ("{{ x is Odd }}", ["1:9 SK127 [Odd] unknown test 'Odd'; did you mean 'odd'?"], "{{ x is odd }}"),
    (
        "{% break %}",
        ["1:4 SK130 [break] 'break' outside a loop", f"1:4 SK131 [break] 'break' {PLATFORM}"],
        "",
    ),
    ("{% do f() %}", [f"1:4 SK131 [do] 'do' {PLATFORM}"], "{% set _ = f() %}"),
)  # fmt: skip


@pytest.mark.parametrize(("bad", "expected", "good"), CASES, ids=[bad for bad, _, _ in CASES])
def test_bad_is_reported_and_good_is_not(bad: str, expected: Sequence[str], good: str) -> None:
    assert said(bad) == list(expected)
    assert said(good) == []


def test_codes_are_registered() -> None:
    codes = {line.split()[1] for _, lines, _ in CASES for line in lines}
    assert codes <= REGISTRY.keys()


@pytest.mark.parametrize(
    ("word", "tail"), [("for x in l", "endfor"), ("set x", "endset"), ("filter upper", "endfilter")]
)
def test_too_many_loops_and_captures(word: str, tail: str) -> None:
    def nested(depth: int) -> str:
        return f"{{% {word} %}}" * depth + f"{{% {tail} %}}" * depth

    assert said(nested(15)) == []
    assert [line.split()[1] for line in said(nested(16))] == ["SK129"]


def test_too_many_blocks() -> None:
    assert said("{% if a %}" * 50 + "{% endif %}" * 50) == []
    (line,) = said("{% if a %}" * 51 + "{% endif %}" * 51)
    assert line.endswith("SK129 [{% if a %}] nested deeper than 50 levels")


def test_else_chain_may_be_long() -> None:
    assert said("{% if a %}" + "{% elif b %}" * 500 + "{% endif %}") == []


@pytest.mark.parametrize(
    "text",
    [
        "{% for x in l %}{% macro m() %}{% break %}{% endmacro %}{% endfor %}",
        "{% for x in l %}x{% else %}{% break %}{% endfor %}",
    ],
)
def test_no_loop_to_leave(text: str) -> None:
    assert [line.split()[1] for line in said(text)] == ["SK130", "SK131"]
