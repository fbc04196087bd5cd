"""NSL templates without actions print what Jinja2 prints."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any
from warnings import catch_warnings, simplefilter

import anyio
import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz import examples
from harness import Script, compiled
from jinja_templates import GIVEN, templates
from skillc.errors import CompilerBug
from skillrt import Runtime
from skillrt.model import Persona
from skillrt.testing.clock import VirtualClock
from skillrt.testing.provider import ScriptedProvider

JINJA = jinja2.Environment(extensions=["jinja2.ext.loopcontrols", "jinja2.ext.do"])
PARAMETERS = dict.fromkeys(GIVEN)
CALL = ", ".join(f"{name}={name}" for name in GIVEN)
BATCH = 20
"""Templates that make one flow: compiling one alone takes longer than running it."""
REFUSED = "(refused)"


def theirs(template: str) -> str:
    """What Jinja2 prints; blanks alone count as nothing, as in a run of ours."""
    try:
        with catch_warnings():
            simplefilter("ignore", DeprecationWarning)  # Python's, about texts like "\d"
            printed = JINJA.from_string(template).render(deepcopy(dict(GIVEN)))
    except Exception:
        return REFUSED
    return printed if printed.strip() else ""


async def ours(sources: Sequence[str]) -> list[str]:
    """What compiled skills print."""
    calls = "".join(f"{{{{ P{n}({CALL}) }}}}" for n in range(len(sources)))
    done = compiled(
        Script("All", calls, runner="nsl"),  # says that parameters may hold anything
        *(Script(f"P{n}", t, PARAMETERS, "nsl") for n, t in enumerate(sources)),
    )
    faulty = {f.source.name.partition(".")[0] for f in done.findings if f.severity == "error"}
    if faulty:
        sound = [t for n, t in enumerate(sources) if f"P{n}" not in faulty]
        printed = iter(await ours(sound))
        return [REFUSED if f"P{n}" in faulty else next(printed) for n in range(len(sources))]
    functions = done.functions() if sources else {}
    runtime = Runtime(provider=ScriptedProvider(), clock=VirtualClock())
    return [await printed_by(runtime, functions[f"P{n}"]) for n in range(len(sources))]


async def printed_by(runtime: Runtime, function: Any) -> str:
    arguments = deepcopy(dict(GIVEN))
    try:
        run = await runtime.run(function, persona=Persona(id="user-1"), arguments=arguments)
    except (CompilerBug, NameError):  # ours
        raise
    except Exception:
        return REFUSED
    return run.out


def assert_same(*sources: str) -> None:
    expected = dict(zip(sources, map(theirs, sources), strict=True))
    printed = anyio.run(ours, list(expected))
    assert dict(zip(expected, printed, strict=True)) == expected


@given(st.lists(templates(), min_size=BATCH, max_size=BATCH))
@examples(50, 1000)
def test_prints_what_jinja_prints(sources: list[str]) -> None:
    """Any template of the common subset: the same text byte for byte, or both refuse it."""
    assert_same(*sources)


def test_backslashes_that_begin_no_escape_stay() -> None:
    assert_same(r"{{ '\d' }}", r"{{ '\d' ~ '\\d\x41\n' }}|{{ '\q\'' | length }}")


# --- what chance finds rarely ----------------------------------------------------------------------

SCOPES = (
    "{% set n = 0 %}{% for i in [1, 2] %}{% set n = n + i %}{{ n }}{% endfor %}{{ n }}",
    "{% for i in l %}{{ x }}{% set x = i %}{% endfor %}{{ x }}",
    "{% for i in l %}{{ n }}{% if i == 1 %}{% set n = i %}{% endif %}{{ n }}{% endfor %}{{ n }}",
    "{% for i in l %}{{ d }}{% endfor %}{% set d = 1 %}{{ d }}",
    "{% if n %}{% set x = 1 %}{% endif %}{{ x }}",
    "{% with x = 1 %}{% endwith %}{% for i in l if x %}{{ i }}{% else %}none{% endfor %}",
    "{% with a = 1, b = a %}{{ b }}{% set a = 2 %}{% endwith %}{{ a }}",
    "{% set q %}{% set n = -n ** 2 %}{{ n }}{% endset %}{{ n }}{{ q }}",
    "{% filter upper %}{{ a }}{% set a = 'z' %}{{ a }}{% endfilter %}{{ a }}",
    "{% for i in l %}{% for i in 'ab' %}{{ i }}{{ loop.index }}{% endfor %}{{ i }}{% endfor %}{{ i }}",
    "{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}{{ a }}{{ b }}{{ c }}",
    "{% for x in l if loop is undefined %}{{ loop.length }}{% endfor %}",
    "{% for x in l %}{% set o = loop %}{% for y in 'ab' %}{{ o.index }}{{ loop.index }}{% endfor %}{% endfor %}",
    "{% set ns = namespace(n=0, a='b') %}{% for i in l %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}{{ ns.a }}",
    "{% set a, b = b, a %}{{ a }}{{ b }}",
    "{% for i in l %}{{ loop.depth is none }}{{ loop.depth0 is defined }}{{ loop.depth is not none }}{% endfor %}",
)
MACROS = (
    "{% macro m(a, b=n) %}{{ a }}{{ b }}{% endmacro %}{{ m(a=1, b=2) }}{{ m(b=3) }}{{ m(4, b=5) }}{{ a }}",
    "{% macro m(a, b=a) %}{{ b }}{% endmacro %}{{ m(1) }}{{ m(1, 2) }}{{ m() }}",
    "{% macro m(a=b, b=n) %}{{ a }}|{{ b }}{% endmacro %}{{ m() }};{{ m(b=3) }};{{ m(1, b=3) }}",
    "{% macro m(b=a, a=8) %}{{ a }}|{{ b }}{% endmacro %}{{ m() }};{{ m(b=3) }};{{ m(a=3) }}",
    "{% macro m(b=[a, n is defined, a ~ n], a=b, n=n) %}{{ a }}|{{ b }}|{{ n }}{% endmacro %}{{ m() }};{{ m(n=3) }}",
    "{% macro m() %}{{ n }}{% set n = 2 %}{{ n }}{% endmacro %}{{ m() }}{{ n }}{% set n = 9 %}{{ m() }}",
    "{% macro m(p=n) %}{{ p }}{{ n }}{% set n = 2 %}{{ n }}{% endmacro %}{{ m() }}{{ n }}{% set n = 9 %}{{ m() }}",
    "{% macro m(p=d) %}{{ p }}{% set d = 5 %}{{ d }}{% endmacro %}{{ m() }}{{ m(1) }}",
    "{% macro m(p=n, n=4, q=n) %}{{ p }}{{ n }}{{ q }}{% set n = 5 %}{{ n }}{% endmacro %}{{ m() }}{{ n }}",
    "{% macro m() %}{% macro k(q=n) %}{{ q }}{% set n=9%}{% endmacro %}{% set n=6%}{{ k() }}{% endmacro %}{{ m() }}",
    "{% for i in 'ab' %}{% set e = i %}{% macro m(p=e) %}{{ p }}{% set e = 5 %}{% endmacro %}{{ m() }}{% endfor %}",
    "{% macro m() %}{{ caller() }}{% endmacro %}{% call(p=n) m() %}{{ p }}{% set n = 7 %}{{ n }}{% endcall %}",
    "{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, *[2, 3], k=4, **{'q': 5}) }}",
    "{% macro m(x) %}{% if x %}{{ x }}{{ m(x - 1) }}{% endif %}{% endmacro %}{{ m(3) }}",
    "{% macro m() %}[{{ caller(1, b=2) }}]{% endmacro %}{% call(a, b, c=n) m() %}{{ a }}{{ b }}{{ c }}{% endcall %}",
    "{% macro m() %}1{% endmacro %}{% macro m() %}2{{ p }}{% endmacro %}{{ m() }}",
    "{% for i in l %}{% macro m() %}{{ i }}{% endmacro %}{{ m() }}{% endfor %}",
    "{% macro m() %}{% for i in l %}{{ loop.index }}{% endfor %}{% endmacro %}{{ m() | upper ~ m() }}",
    "{% if n %}{% macro m() %}a{% endmacro %}{% else %}{% macro m() %}b{% endmacro %}{% endif %}{{ m() }}",
    "{% macro m(class, text=1) %}{{ class }}{{ text }}{{ kwargs }}{% endmacro %}{{ m(class=2, text=3, item=4) }}",
    "{% macro m() %}{{ caller(text=1, from=2) }}{% endmacro %}{% call(from, text) m() %}{{ from }}{% endcall %}",
    "{% macro m(text, a) %}{% endmacro %}{% macro m(text, b) %}{{ text }}{{ b }}{% endmacro %}{{ m(text=1, b=2) }}",
)
LOOPS = (
    "{% for x in tree recursive %}{{ x.k }}{{ loop.depth }}[{{ loop(x.in) }}]{% endfor %}",
    "{% for x in tree recursive %}{{ loop.index }}{% set y = x.k %}{{ loop(x.in) | upper }}{{ y }}{% endfor %}",
    "{% for i in l %}{{ loop.previtem }}<{{ i }}>{{ loop.nextitem }}{{ loop.cycle('a', 'b') }}{% endfor %}",
    "{% for i in [1, 1, 2] %}{{ loop.changed(i) }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.last }}{% endfor %}",
    "{% for i in l if (1 < (x | default(2)) < 3) %}{{ i }}{{ loop.index }}{% else %}none{% endfor %}",
    "{% for i in (l if (1 < (x | default(2)) < 3) else d) if i %}{{ i }}{{ loop.index }}{% else %}none{% endfor %}",
    "{% for i in l %}{% if loop.first %}{% set _ = l.append(9) %}{% endif %}{{ i }}{% endfor %}",
    "{% for k in d %}{{ k }}{% endfor %}{% for c in s %}{{ c }}.{% endfor %}{% for x in u %}{% else %}0{% endfor %}",
    "{% for i in l %}{% if i < 2 %}{% continue %}{% endif %}{{ i }}{% if i < 3 %}{% break %}{% endif %}{% endfor %}",
    "{% for g in rows | groupby('k') %}{{ g.grouper }}{{ g.list | length }}{{ g[0] }}{% endfor %}",
    "{% for k, v in d | dictsort %}{{ k }}{{ v }}{% endfor %}{% for k, v in d.items() %}{{ k }}{{ v }}{% endfor %}",
    "{% for i in none %}{% endfor %}",
    "{% for i, j in [1] %}{% endfor %}",
)
VALUES = (
    "{{ none }}/{{ missing }}/{{ 'v' if false }}/{{ [none] }}/{{ none ~ u ~ 1 }}",
    "{{ n[1:] }}",
    "{{ s[1:] }}{{ l[::-1] }}{{ b[:1] }}{{ s[-1] }}{{ l[9] }}{{ d['q'] }}{{ d.q }}",
    "{{ u.q }}",
    "{{ u + 1 }}",
    "{{ n() }}",
    "{{ 1 / 0 }}",
    "{{ '<' | e }}{{ '<' | e | e }}{{ '<' | safe | e }}{{ {'a': '<'} | tojson }}{{ {'a': '<'} | tojson | e }}",
    "{{ 1 < n < 4 }}{{ 1 < n > 4 }}{{ n in l == true }}{{ not n in l }}{{ -n ** 2 }}{{ 2 ** 3 ** 2 }}",
    "{{ 'a' 'b' ~ 1 + 2 ~ 'c' }}{{ 7 // 2 }}{{ 7 / 2 }}{{ 7 % 4 }}{{ -7 // 2 }}",
    "{{ (1,) }}{{ () }}{{ {'a': (1, 2)} }}{{ [[], {}] }}{{ 1_000 }}{{ 0x1F }}{{ 1.50 }}{{ 1e3 }}",
    "{{ 'x=%s' % n }}{{ '%s-%s' % (n, s) }}{{ '%(a)s' | format(a=n) }}",
    "{{ s.upper() }}{{ s.split() }}{{ d.items() | list }}{{ l.count(1) }}{{ d.get('q', 7) }}",
    "{{ cycler('a', 'b').next() }}{% set c = cycler(1, 2) %}{{ c.next() }}{{ c.next() }}{{ c.current }}",
    "{% set j = joiner() %}{% for i in l %}{{ j() }}{{ i }}{% endfor %}{{ dict(a=1) }}{{ range(3) | list }}",
    "{{ x is defined }}{{ n is odd }}{{ s is string }}{{ l is sequence }}{{ n is divisibleby 3 }}{{ n is not in l }}",
    "{% raw %}{{ n }}{% endraw %}{# {{ #}{{ '}}' }}{{ \"{{\" }}",
    "p\nq {{ n }}\n",
    "a\n  {%- if n %} b {%- endif -%}\n c {{- n -}} \n d\n\n",
)


@pytest.mark.parametrize(
    "group", [SCOPES, MACROS, LOOPS, VALUES], ids=["scopes", "macros", "loops", "values"]
)
def test_what_chance_finds_rarely(group: Sequence[str]) -> None:
    assert_same(*group)
