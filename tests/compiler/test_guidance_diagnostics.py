"""What the Guidance front end reports: place, message and suggestion, with a good example beside each bad one."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from skillc.errors import REGISTRY, Diagnostic, Report, render_diagnostic
from skillc.frontends.guidance import parse_guidance
from skillc.source import Source


def findings(text: str) -> list[Diagnostic]:
    source = Source("t.guidance", text)
    report = Report(source)
    parse_guidance(source, report)
    return sorted(report.findings.values(), key=lambda finding: finding.place)


def said(text: str) -> list[str]:
    """Each finding on one line: place, code, what is marked, message, suggestion."""
    lines: list[str] = []
    for finding in findings(text):
        _, line, column, code = finding.place
        marked = text[slice(*finding.span)]
        hint = f"; {finding.hint}" if finding.hint else ""
        lines.append(f"{line}:{column} {code} [{marked}] {finding.message}{hint}")
    return lines


# Template, what is said of it, and a template that says the same thing properly.
CASES: Sequence[tuple[str, Sequence[str], str]] = (
    ("a {{b", ["1:3 SK101 [{{] tag opened here is never closed"], "a {{b}}"),
    (
        "{{f(a\n{{b}}",
        ["1:1 SK101 [{{] tag opened here is never closed"],
        "{{f(a)}}\n{{b}}",
    ),
    (
        "{{name, I don't know {{x}}",
        ["1:1 SK101 [{{] tag opened here is never closed"],
        "{{name}}, I don't know {{x}}",
    ),
    (
        "a }}x{{",
        [
            "1:3 SK114 [}}] '}}' without an opening tag",
            "1:6 SK101 [{{] tag opened here is never closed",
        ],
        "a {{x}}",
    ),
    ("{{!-- a", ["1:1 SK102 [{{!--] comment opened here is never closed"], "{{!-- a }}"),
    ("{{~! a", ["1:1 SK102 [{{~!] comment opened here is never closed"], "{{~! a }}"),
    ("{{f(a {{! b", ["1:7 SK102 [{{!] comment opened here is never closed"], "{{f(a {{! b }})}}"),
    (
        '{{Concat("a, b)}}',
        ['1:10 SK103 ["] string opened here is never closed'],
        '{{Concat("a", b)}}',
    ),
    (
        "{{Concat('a, b",
        ["1:10 SK103 ['] string opened here is never closed"],
        "{{Concat('a', b)}}",
    ),
    (
        "\n{{#if a}}x",
        ["2:1 SK104 [{{#if a}}] '{{#if}}' opened here has no '{{/if}}'"],
        "\n{{#if a}}x{{/if}}",
    ),
    (
        "\n{{#if a}}x{{/each}}",
        [
            "2:11 SK105 [{{/each}}]"
            " expected '{{/if}}' for the '{{#if}}' on line 2, found '{{/each}}'"
        ],
        "\n{{#if a}}x{{/if}}",
    ),
    ("x{{/if}}", ["1:2 SK106 [{{/if}}] '{{/if}}' closes nothing"], "{{#if a}}x{{/if}}"),
    (
        "{{else}}",
        ["1:1 SK107 [{{else}}] '{{else}}' does not belong here"],
        "{{#if a}}{{else}}{{/if}}",
    ),
    (
        "{{#if a}}{{else}}{{elif b}}{{/if}}",
        ["1:18 SK107 [{{elif b}}] '{{elif}}' does not belong here"],
        "{{#if a}}{{elif b}}{{else}}{{/if}}",
    ),
    (
        "{{#if a}}{{else}}{{else}}{{/if}}",
        ["1:18 SK107 [{{else}}] '{{else}}' does not belong here"],
        "{{#each a}}{{else}}{{/each}}",
    ),
    (
        "{{#unless a}}{{else if b}}{{/unless}}",
        ["1:14 SK107 [{{else if b}}] '{{else if}}' does not belong here"],
        "{{#unless a}}{{else}}{{/unless}}",
    ),
    (
        "{{#if a}}{{or}}{{/if}}",
        ["1:10 SK107 [{{or}}] '{{or}}' does not belong here"],
        "{{#select}}a{{or}}b{{/select}}",
    ),
    (
        "{{#if a}}{{#system}}{{else}}{{/system}}{{/if}}",
        ["1:21 SK107 [{{else}}] '{{else}}' does not belong here"],
        "{{#if a}}{{#system}}{{/system}}{{else}}{{/if}}",
    ),
    ("a{{}}", ["1:2 SK108 [{{}}] empty tag"], "a{{b}}"),
    ("{{~ ~}}", ["1:1 SK108 [{{~ ~}}] empty tag"], '{{~ "" ~}}'),
    ("{{ {{! a }} }}", ["1:1 SK108 [{{ {{! a }} }}] empty tag"], "{{! a }}"),
    ("{{f(a b)}}", ["1:7 SK109 [b] unexpected 'b', expected ',' or ')'"], "{{f(a, b)}}"),
    ("{{f(a}}", ["1:6 SK109 [}}] unexpected '}}', expected ',' or ')'"], "{{f(a)}}"),
    ("{{(a}}", ["1:5 SK109 [}}] unexpected '}}', expected an operator or ')'"], "{{(a)}}"),
    ("{{a +}}", ["1:6 SK109 [}}] unexpected '}}', expected a value"], "{{a + b}}"),
    (
        "{{a == b c}}",
        ["1:10 SK109 [c] unexpected 'c', expected an operator or '}}'"],
        "{{a == b}}",
    ),
    (
        '{{"a" "b"}}',
        ["1:7 SK109 [\"b\"] unexpected '\"b\"', expected an operator or '}}'"],
        '{{"a" + "b"}}',
    ),
    (
        "{{Set(name='x', value={{y}})}}",
        ["1:23 SK109 [{{] unexpected '{{', expected a value; a tag cannot stand inside a tag"],
        "{{Set(name='x', value=y)}}",
    ),
    (
        "{{a == not b}}",
        [
            "1:8 SK109 [not] unexpected 'not', expected a value;"
            " put the part with 'not' in parentheses"
        ],
        "{{a == (not b)}}",
    ),
    (
        "{{x = 1}}",
        [
            "1:5 SK109 [=] unexpected '=', expected an operator or '}}';"
            ' to assign, write Set(name="…", value=…)'
        ],
        "{{Set(name='x', value=1)}}",
    ),
    (
        "{{a if b else c}}",
        [
            "1:5 SK109 [if] unexpected 'if', expected an operator or '}}';"
            " to choose between values, use an if block"
        ],
        "{{#if b}}{{a}}{{else}}{{c}}{{/if}}",
    ),
    (
        "{{set 'n' n + 1}}",
        [
            "1:13 SK109 [+] unexpected '+', expected an argument or '}}';"
            " put the whole expression in parentheses"
        ],
        "{{set 'n' (n + 1)}}",
    ),
    (
        "{{set 'n', 1}}",
        [
            "1:10 SK109 [,] unexpected ',', expected an argument or '}}';"
            " arguments without parentheses are separated by blanks"
        ],
        "{{set 'n' 1}}",
    ),
    (
        "{{set 'n' n - 1}}",
        [
            "1:15 SK109 [1] unexpected '1', expected a number right behind the '-';"
            " put the whole expression in parentheses"
        ],
        "{{set 'n' -1}}",
    ),
    (
        "{{a[1:2]}}",
        ["1:6 SK109 [:] unexpected ':', expected an operator or ']'; slices exist only in NSL"],
        "{{a[1]}}",
    ),
    (
        "{{a.in}}",
        ["1:5 SK109 [in] unexpected 'in', expected a name; write [\"in\"]"],
        '{{a["in"]}}',
    ),
    (
        "{{#each a}}{{@indx}}{{/each}}",
        [
            "1:14 SK109 [@indx] unexpected '@indx', expected '@index', '@first', '@last' or '@key';"
            " did you mean '@index'?"
        ],
        "{{#each a}}{{@index}}{{/each}}",
    ),
    (
        "{{“a”}}",
        ["1:3 SK109 [“] unexpected '“', expected a value; use straight quotes"],
        '{{"a“”"}}',
    ),
    (
        "{{имя}}",
        [
            "1:3 SK109 [имя] unexpected 'имя', expected a value;"
            " names are made of the letters a to z, digits and '_'"
        ],
        '{{row["имя"]}}',
    ),
    (
        "{{a\u00a0+ b}}",
        [
            "1:4 SK109 [\u00a0] unexpected 'U+00A0', expected an operator or '}}';"
            " use an ordinary blank"
        ],
        "\u00a0{{a + b}}",
    ),
    (
        "{{1e999}}",
        ["1:3 SK109 [1e999] unexpected '1e999', expected a number below 1.8e308"],
        "{{1e99}}",
    ),
    (
        "{{#each l as |v i|}}{{/each}}",
        [
            "1:17 SK109 [i] unexpected 'i', expected '|'; the position of an item is @index",
        ],
        "{{#each l as |v|}}{{/each}}",
    ),
    ("{{#if}}{{/if}}", ["1:6 SK109 [}}] unexpected '}}', expected a value"], "{{#if a}}{{/if}}"),
    (
        "{{#if a}}{{/if b}}",
        ["1:16 SK109 [b] unexpected 'b', expected '}}'"],
        "{{#if a}}{{/if }}",
    ),
    (
        "{{#if a}}{{/}}",
        ["1:13 SK109 [}}] unexpected '}}', expected the name of a block"],
        "{{#if a}}{{/if}}",
    ),
    (
        "{{#if a}}{{else b}}{{/if}}",
        ["1:17 SK109 [b] unexpected 'b', expected 'if' or '}}'"],
        "{{#if a}}{{else if b}}{{/if}}",
    ),
    (
        "{{#If a}}x{{else}}y{{/If}}",
        ["1:3 SK110 [#If] unknown block '#If'; did you mean 'if'?"],
        "{{#if a}}x{{else}}y{{/if}}",
    ),
    ("{{#note}}", ["1:3 SK110 [#note] unknown block '#note'"], "{{! note }}"),
    (
        "{{#with a}}{{b}}{{/with}}",
        ["1:3 SK111 [#with] '#with' is not supported; use a loop or call a skill"],
        "{{a.b}}",
    ),
    (
        "{{await 'a'}}",
        ["1:3 SK111 [await] 'await' is not supported; use a loop or call a skill"],
        "{{Await('a')}}",
    ),
    (
        "{{> part}}",
        ["1:3 SK111 [> part] '> part' is not supported; use a loop or call a skill"],
        "{{part()}}",
    ),
    (
        '{{Set(name="x", value="1")}}}',
        ["1:29 SK113 [}] stray '}' next to a tag will be printed"],
        '{"x": {{x}}}',
    ),
    ("{{{x}}}", ["1:1 SK113 [{] stray '{' next to a tag will be printed"], "{ {{x}} }"),
    (
        "{{#if a}}{{{b}} {{else}}{ {{c}}}{{/if}}}",
        [
            "1:10 SK113 [{] stray '{' next to a tag will be printed",
            "1:40 SK113 [}] stray '}' next to a tag will be printed",
        ],
        '{ {{#if a}}"b": {{b}}}{{else}}"c": {{c}}}{{/if}}',
    ),
    ("a } b }} c", ["1:7 SK114 [}}] '}}' without an opening tag"], '{"a": {"b": 1}}'),
    ("{name}}", ["1:6 SK114 [}}] '}}' without an opening tag"], "{{name}}"),
    (
        "{% if a %} {# c #} 100 %}",
        [
            "1:1 SK115 [{% if a %}] Jinja syntax in a Guidance skill is plain text",
            "1:12 SK115 [{# c #}] Jinja syntax in a Guidance skill is plain text",
        ],
        r"{{#if a}}{{! c }}{{/if}} \{{{% b %}}}",
    ),
    (
        "{{#if a}}x{{#else}}y{{/if}}",
        ["1:13 SK118 [#else] write '{{else}}'; drop the '#'"],
        "{{#if a}}x{{else}}y{{/if}}",
    ),
    (
        "{{#if a}}x{{#elif b}}y{{# else if c}}z{{/if}}",
        [
            "1:13 SK118 [#elif] write '{{else}}'; drop the '#'",
            "1:25 SK118 [# else if] write '{{else}}'; drop the '#'",
        ],
        "{{#if a}}x{{elif b}}y{{else if c}}z{{/if}}",
    ),
    (
        '{{SendMessage(message="x", # it\'s a note\n)}}',
        ["1:28 SK120 [# it's a note] comments inside a tag are written '{{!-- --}}'"],
        '{{SendMessage(message="x", {{!-- it\'s a note --}}\n)}}',
    ),
    (
        '{{f("http://x")  // a note }}',
        ["1:18 SK120 [// a note] comments inside a tag are written '{{!-- --}}'"],
        '{{f("http://x")}}',
    ),
    ("{{// a}}", ["1:3 SK120 [// a] comments inside a tag are written '{{!-- --}}'"], "{{! a}}"),
    (
        "{{#if a && !b || c === d}}x{{/if}}",
        [
            "1:9 SK121 [&&] '&&' is not an operator; use and",
            "1:12 SK121 [!] '!' is not an operator; use not",
            "1:15 SK121 [||] '||' is not an operator; use or",
            "1:20 SK121 [===] '===' is not an operator; use ==",
        ],
        "{{#if a and not b or c == d}}x{{/if}}",
    ),
    (
        '{{Set(name="v", value=a ? b : c)}}',
        ["1:25 SK121 [?] '?:' is not an operator; use an if block"],
        '{{Set(name="v", value="a ? b : c")}}',
    ),
    (
        "{{n++}}{{--n}}",
        [
            "1:4 SK121 [++] '++' is not an operator; use x + 1",
            "1:10 SK121 [--] '--' is not an operator; use x - 1",
        ],
        "{{n + 1}}{{- -n}}",
    ),
    ("{{f(`it's`)}}", ["1:5 SK121 [`it's`] '`' is not an operator; use quotes"], '{{f("it\'s")}}'),
    (
        "Cost ${price} or ${user.name}",
        [
            "1:6 SK122 [${price}] '${price}' is not expanded; write '{{price}}'",
            "1:18 SK122 [${user.name}] '${user.name}' is not expanded; write '{{user.name}}'",
        ],
        r"Cost ${{price}} $5 \{{${price}}}",
    ),
    (
        "{{#if a = 1}}x{{else if (b = 2)}}y{{/if}}",
        [
            "1:9 SK123 [=] '=' in a condition; did you mean '=='?",
            "1:28 SK123 [=] '=' in a condition; did you mean '=='?",
        ],
        "{{#if f(a=1)}}x{{else if (f b=2)}}y{{/if}}",
    ),
    (
        '{{Set(name="x"; value=[1; 2])}}',
        [
            "1:15 SK124 [;] arguments are separated by commas",
            "1:25 SK124 [;] arguments are separated by commas",
        ],
        '{{Set(name="x;", value=[1, 2])}}',
    ),
    (
        "{{a | upper}}",
        ["1:5 SK126 [|] filters exist only in NSL; call an action or method"],
        "{{a.upper()}}",
    ),
    (
        "{{! x }}\n{{!-- a\n{{!-- b --}}",
        ["3:1 SK128 [{{!--] comment opened on line 2 swallows another comment; missing '--}}'?"],
        "{{!-- a --}}\n{{!-- b --}}{{! {{!-- c --}}",
    ),
    (
        "{{break}}{{#each l}}{{else}}{{continue}}{{/each}}",
        [
            "1:3 SK130 [break] 'break' outside a loop",
            "1:31 SK130 [continue] 'continue' outside a loop",
        ],
        "{{#each l}}{{break}}{{continue}}{{/each}}",
    ),
    # Options of blocks, which no later stage sees any more.
    ("{{#role}}{{/role}}", ["1:4 SK202 [role] #role: missing argument 'role_name'"], ""),
    (
        "{{select 'a'}}",
        ["1:3 SK202 [select] select: missing argument 'options'"],
        "{{select 'a' options=b}}",
    ),
    (
        "{{#block hiden=True}}{{/block}}",
        ["1:10 SK205 [hiden] #block: unknown argument 'hiden'; did you mean 'hidden'?"],
        "{{#block hidden=True}}{{/block}}",
    ),
    (
        "{{#block name='a' hidden=True hidden=True name='b'}}{{/block}}",
        [
            "1:31 SK207 [hidden] #block: argument 'hidden' given twice",
            "1:43 SK218 [name] #block: argument 'name' given twice with different values",
        ],
        "{{#block name='a' hidden=True}}{{/block}}",
    ),
    (
        "{{#system('a')}}{{/system}}",
        ["1:11 SK209 ['a'] #system takes at most 0 positional arguments, 1 given"],
        "{{#system(name='a')}}{{/system}}",
    ),
    (
        "{{#role hidden=True 'user'}}{{/role}}",
        ["1:21 SK208 ['user'] positional argument after a named one"],
        "{{#role 'user' hidden=True}}{{/role}}",
    ),
    (
        "{{#block name=n hidden=h}}{{/block}}",
        [
            "1:15 SK213 [n] #block: 'name' needs a name in quotes, not n",
            "1:24 SK213 [h] #block: 'hidden' needs true or false, not h",
        ],
        "{{#block name='n' hidden=false}}{{/block}}",
    ),
    (
        "{{#each l item_name='a b'}}{{/each}}",
        ["1:21 SK311 ['a b'] 'a b' is not a variable name"],
        "{{#each l item_name='a_b'}}{{/each}}",
    ),
)


@pytest.mark.parametrize(
    ("bad", "expected", "good"),
    [pytest.param(*case, id=f"{case[1][0].split()[1]} {case[0][:30]}") for case in CASES],
)
def test_reported(bad: str, expected: Sequence[str], good: str) -> None:
    assert said(bad) == list(expected)
    assert said(good) == []


def test_every_code_of_the_dialect_has_a_case() -> None:
    lexing = {code for code in REGISTRY if code < "SK132"} - NSL_ONLY
    shown = {line.split()[1] for _, lines, _ in CASES for line in lines}
    assert lexing - shown == {"SK129"}


NSL_ONLY = {"SK112", "SK116", "SK117", "SK119", "SK127", "SK131"}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("{{" + "(" * 10_000, []),
        ("{{" + "(" * 10_000 + "}}", [103]),
        ("{{" + "(" * 101 + "a" + ")" * 101 + "}}", [103]),
        ("{{" + "[" * 101 + "]" * 101 + "}}", [103]),
        ("{{" + "f(" * 101 + ")" * 101 + "}}", [204]),
        ("{{" + "not " * 10_000 + "a}}", [403]),
        ("{{" + "- " * 101 + "a}}", [203]),
        ("{{a" + ".b" * 10_000 + "}}", [204]),
        ("{{#if a}}" * 52 + "{{/if}}" * 52, [451]),
        ("{{#each a}}" * 17 + "{{/each}}" * 17, [166]),
        ("{{#if a}}{{#block}}" * 15 + "{{#select}}{{/select}}" + "{{/block}}{{/if}}" * 15, [286]),
    ],
)
def test_nesting_limit_is_reported_once_at_the_first_level_too_many(
    text: str, place: list[int]
) -> None:
    deep = [finding for finding in findings(text) if finding.code == "SK129"]
    assert [finding.place[2] for finding in deep] == place


def test_nesting_limits_name_the_limit() -> None:
    (blocks,) = findings("{{#if a}}" * 51 + "{{/if}}" * 51)
    (loops,) = findings("{{#each a}}" * 16 + "{{/each}}" * 16)
    (signs,) = findings("{{" + "- " * 101 + "a}}")
    assert [finding.message for finding in (blocks, loops, signs)] == [
        "nested deeper than 50 levels",
        "nested deeper than 15 levels",
        "nested deeper than 100 levels",
    ]


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        (
            "Hi\n\t{{Concat('a', \"b)}}",
            "t.guidance:2:16: error[SK103]: string opened here is never closed\n"
            "    2 | \t{{Concat('a', \"b)}}\n"
            "      | \t              ^",
        ),
        (
            "{{#If a}}x{{/If}}",
            "t.guidance:1:3: error[SK110]: unknown block '#If'\n"
            "    1 | {{#If a}}x{{/If}}\n"
            "      |   ^^^ did you mean 'if'?",
        ),
        (
            "{{#if a = 1}}{{/if}}",
            "t.guidance:1:9: error[SK123]: '=' in a condition\n"
            "    1 | {{#if a = 1}}{{/if}}\n"
            "      |         ^ did you mean '=='?",
        ),
    ],
)
def test_rendered(text: str, rendered: str) -> None:
    (finding,) = findings(text)
    assert render_diagnostic(finding) == rendered


@pytest.mark.parametrize(
    "text",
    [
        '{"a": {"b": 1}}',
        '{"a": {"b": {{x}}}}',
        '{"a": [{{#each l}}{"b": {{this}}}{{/each}}]}',
        "{{!-- {{#if a}} {{ ${x} --}}",
        "{{! # // ; && }}",
        '{{f("# // ; && || ! ` {{#if a}} {{!-- ${x} | = ?")}}',
        r"\{{#if a = 1 | b}}",
        '{{Concat("}}", \'{{\', "it\'s")}}',
        "{{f(\n\ta = 1 ,\n\tb\n)}}",
        "",
        "}",
        'a\\b {{"\\\\"}}{{x}}',
    ],
)
def test_quiet(text: str) -> None:
    assert said(text) == []
