"""The NSL dialect opens no other way: filters, tests, macros, loops and namespaces refuse what names refuse.

The routes are those of Jinja2's own sandbox escapes: CVE-2016-10745, CVE-2019-10906, CVE-2024-56326, CVE-2025-27516.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from harness import Script, compiled
from safety.test_payloads import (
    BASES,
    ECHO,
    INSIDES,
    PARAMETERS,
    TREASURES,
    UNKNOWN,
    assert_limited,
    outcomes,
)
from safety.test_payloads import Payload as AnyPayload
from skillrt.filters import FILTERS

Payload = partial(AnyPayload, runner="nsl")

# --- names that lead inside ----------------------------------------------------------------------

PLACES = (
    "{{ x.__class__ }}",
    "{% set y = x.__class__ %}",
    "{% set y, z = x.__class__, 1 %}",
    "{% set y %}{{ x.__class__ }}{% endset %}",
    "{% if x.__class__ %}{% endif %}",
    "{% if 1 %}{% elif x.__class__ %}{% endif %}",
    "{% for y in x.__class__ %}{% endfor %}",
    "{% for y in x if y.__class__ %}{% endfor %}",
    "{% for y in x recursive %}{{ loop(y.__class__) }}{% endfor %}",
    "{% for y in x %}{{ loop.__class__ }}{% endfor %}",
    "{% for y in x %}{{ loop.cycle.__func__ }}{% endfor %}",
    "{% macro m(a=x.__class__) %}{% endmacro %}",
    "{% macro m() %}{{ x.__class__ }}{% endmacro %}",
    "{% macro m() %}{{ varargs.__class__ }}{% endmacro %}",
    "{% macro m() %}{{ kwargs.__class__ }}{% endmacro %}",
    "{% macro m() %}{{ caller.__globals__ }}{% endmacro %}",
    "{% macro m(a) %}{% endmacro %}{{ m(x.__class__) }}",
    "{% macro m() %}{% endmacro %}{{ m(*x.__class__) }}",
    "{% macro m() %}{% endmacro %}{{ m(**x.__class__) }}",
    "{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}{{ x.__class__ }}{% endcall %}",
    "{% filter replace(x.__class__, 'a') %}{% endfilter %}",
    "{% filter upper %}{{ x.__class__ }}{% endfilter %}",
    "{% with y = x.__class__ %}{% endwith %}",
    "{% do x.__class__ %}",
    "{{ x.__class__ | upper }}",
    "{{ x | default(x.__class__) }}",
    "{{ x | replace('a', new=x.__class__) }}",
    "{{ x is sameas x.__class__ }}",
    "{{ x.__class__ is defined }}",
    "{{ 1 if x.__class__ else 2 }}",
    "{{ x.__class__ ~ x }}",
    "{{ x ** x.__class__ }}",
    "{{ (x, x.__class__) }}",
    "{{ x[x.__class__:] }}",
    "{{ x[:].__class__ }}",
    "{{ (x | first).__class__ }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ namespace().__init__.__globals__ }}",
    "{% set ns = namespace() %}{% set ns.__class__ = 1 %}",
    "{% set ns = namespace() %}{% set ns._x = 1 %}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ joiner.__init__.__globals__ }}",
    "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "{{ range.__self__ }}",
    "{{ dict.__base__ }}",
    "{{ cycler(1).__class__ }}",
    "{{ cycler(1)._choices }}",
    "{{ joiner()._separator }}",
    "{{ '{0.__class__}'.format(x) }}",
    "{{ '{x}'.format_map(x) }}",
    "{{ (x | string).format(1) }}",
    "{{ json.codecs.builtins.open('/etc/passwd').read() }}",
    "{{ re.sre_parse }}",
)


@pytest.mark.parametrize("template", PLACES)
def test_they_are_compile_errors_wherever_they_stand(template: str) -> None:
    done = compiled(Script("Main", template, PARAMETERS, "nsl"))
    assert done.emitted is None
    assert "SK313" in {finding.code for finding in done.findings}


def test_names_that_lead_inside_are_compile_errors() -> None:
    names = [*INSIDES, "_x", "format", "format_map"]
    bases = (*BASES, "namespace()", "x[0]")
    templates = [f"{{{{ ({base}).{name} }}}}" for base in bases for name in names]
    scripts = [Script(f"P{n}", t, PARAMETERS, "nsl") for n, t in enumerate(templates)]
    done = compiled(ECHO, *scripts)
    refused = {f.source.text for f in done.findings if f.code == "SK313"}
    assert [template for template in templates if template not in refused] == []
    assert len(templates) > 1_000


def arrivals(base: str, name: str) -> Iterator[AnyPayload]:
    """The ways in which the name of an attribute can arrive at run time."""
    half = len(name) // 2
    one, other = name[:half], name[half:]
    given = {"k": name}
    yield Payload(f"{{{{ ({base})['{name}'] }}}}")
    yield Payload(f"{{{{ ({base})['{one}' ~ '{other}'] }}}}")
    yield Payload(f"{{{{ ({base})['{one}' '{other}'] }}}}")
    yield Payload(f"{{{{ ({base})[k] }}}}", given)
    yield Payload(f"{{{{ ({base})[k | trim | lower] }}}}", {"k": f" {name.upper()} "})
    yield Payload(f"{{{{ ({base})[['{one}', '{other}'] | join] }}}}")
    yield Payload(f"{{{{ ({base})['%s%s' | format(k, j)] }}}}", {"k": one, "j": other})
    yield Payload(f"{{{{ ({base})[k | replace('-', '_')] }}}}", {"k": name.replace("_", "-")})
    yield Payload(f"{{{{ ({base})[k | reverse] }}}}", {"k": name[::-1]})
    yield Payload(f"{{{{ ({base})[(j | loads)[0]] }}}}", {"j": json.dumps([name])})
    yield Payload(f"{{{{ ({base}) | attr('{name}') }}}}")
    yield Payload(f"{{{{ ({base}) | attr(k) }}}}", given)
    yield Payload(f"{{{{ [{base}] | map('attr', k) | list }}}}", given)
    yield Payload(f"{{{{ [{base}] | map(attribute=k) | list }}}}", given)
    yield Payload(f"{{{{ [[{base}]] | map(attribute='0.' ~ k) | list }}}}", given)
    yield Payload(f"{{{{ [{base}] | selectattr(k) | list }}}}", given)
    yield Payload(f"{{{{ [{base}] | rejectattr(k, 'none') | list }}}}", given)
    yield Payload(f"{{{{ [{base}] | groupby(k) }}}}", given)
    yield Payload(f"{{{{ [{base}] | sort(attribute='0,' ~ k) }}}}", given)
    yield Payload(f"{{{{ [{base}] | unique(attribute=k) | list }}}}", given)
    yield Payload(f"{{{{ [{base}] | sum(attribute=k) }}}}", given)
    yield Payload(f"{{{{ [{base}] | join('', attribute=k) }}}}", given)
    yield Payload(f"{{{{ [{base}] | min(attribute=k) }}}}", given)
    yield Payload(f"{{{{ [{base}] | max(attribute=k) }}}}", given)
    yield Payload(f"{{% for n in names %}}{{{{ ({base})[n] }}}}{{% endfor %}}", {"names": [name]})
    yield Payload(
        f"{{% for n in names %}}{{{{ ({base})[n] }}}}{{% endfor %}}", {"names": {name: 1}}
    )
    yield Payload(f"{{% for n in names if ({base})[n] %}}{{% endfor %}}", {"names": [name]})
    yield Payload(f"{{% for n in [k, k] %}}{{{{ ({base})[loop.nextitem] }}}}{{% endfor %}}", given)
    yield Payload(f"{{% for n in [1] %}}{{{{ ({base})[loop.cycle(k)] }}}}{{% endfor %}}", given)
    yield Payload(
        f"{{% macro m(a, b) %}}{{{{ a[b] }}}}{{% endmacro %}}{{{{ m({base}, k) }}}}", given
    )
    yield Payload(
        f"{{% macro m() %}}{{{{ ({base})[varargs[0]] }}}}{{% endmacro %}}{{{{ m(k) }}}}", given
    )
    yield Payload(f"{{% macro m() %}}{{{{ k }}}}{{% endmacro %}}{{{{ ({base})[m()] }}}}", given)
    yield Payload(
        f"{{% macro m() %}}{{{{ ({base})[caller()] }}}}{{% endmacro %}}{{% call m() %}}{{{{ k }}}}{{% endcall %}}",
        given,
    )
    yield Payload(f"{{% set y %}}{{{{ k }}}}{{% endset %}}{{{{ ({base})[y] }}}}", given)
    yield Payload(f"{{% set y, z = {base}, k %}}{{{{ y[z] }}}}", given)
    yield Payload(f"{{% with y = k %}}{{{{ ({base})[y] }}}}{{% endwith %}}", given)
    yield Payload(f"{{% set ns = namespace(a=k) %}}{{{{ ({base})[ns.a] }}}}", given)
    yield Payload(f"{{% set ns = namespace(o={base}) %}}{{{{ ns.o[k] }}}}", given)
    yield Payload(f"{{{{ ({base})[cycler(k).next()] }}}}", given)
    yield Payload(f"{{{{ (u | default({base}))[k] }}}}", given)
    yield Payload(f"{{{{ (({base}) if 1 else 2)[k] }}}}", given)
    yield Payload(f"{{{{ ({base})[GetState(name='k')] }}}}", data=name)
    yield Payload(f"{{{{ ({base})[GetUser().name] }}}}", data=name)
    yield Payload(f"{{% set y = Gen() %}}{{{{ ({base})[y] }}}}", data=name)


OBJECTS = (
    "namespace()",
    "cycler(1)",
    "joiner()",
    "cycler",
    "namespace",
    "lipsum",
    "x | first",
    "[1] | groupby(0)",
)
PAIRS = [('"a"', name) for name in INSIDES if hasattr("a", name)] + [
    (b, "__class__") for b in (*BASES, *OBJECTS)
]
ROUTES = len(list(arrivals("x", "y")))


@pytest.mark.parametrize("route", range(ROUTES))
def test_names_that_arrive_at_run_time_are_refused(route: int) -> None:
    """By every way, of every value: what a text names is never looked up inside Python."""
    payloads = [list(arrivals(base, name))[route] for base, name in PAIRS[route % 7 :: 7]]
    found = outcomes(payloads)
    for payload, outcome in zip(payloads, found, strict=True):
        assert outcome in {"SecurityError", "SkillError"}, payload
    assert "SecurityError" in found
    assert len(PAIRS) * ROUTES > 7 * 250


def test_holes_in_texts_are_never_filled() -> None:
    holes = ("{0.__class__.__init__.__globals__}", "{}", "{x}", "{0[__class__]}", "{:>1000000000}")
    templates = (
        "{{ (x | attr(k))(names) }}",
        "{{ x[k](names) }}",
        "{{ [x] | map('attr', k) | list }}",
        "{{ [x] | map(attribute=k) | list }}",
        "{% set f = x | attr(k) %}{{ f(names) }}",
        "{% for f in [x] | map(attribute=k) %}{{ f(1) }}{% endfor %}",
        "{{ (x ~ '') | attr(k) }}",
        "{% set y %}{{ x }}{% endset %}{{ y[k](1) }}",
        "{{ (x | safe) | attr(k) }}",
        "{{ (x | e)[k](1) }}",
        "{{ [x] | groupby(k) }}",
        "{{ namespace(f=x[k]).f(1) }}",
    )
    payloads = [
        Payload(template, {"x": hole, "k": name, "names": ["a"]})
        for template in templates
        for hole in holes
        for name in ("format", "format_map")
    ]
    assert outcomes(payloads) == ["SecurityError"] * len(payloads)


@pytest.mark.parametrize("what", TREASURES)
def test_values_of_hosts_show_nothing_of_python(what: str) -> None:
    make, names = TREASURES[what]
    templates = (
        "{{ x | attr(k) }}",
        "{{ [x] | map(attribute=k) | list }}",
        "{{ namespace(o=x).o[k] }}",
        "{% for y in [x] %}{{ y[k] }}{% endfor %}",
        "{% macro m(a) %}{{ a[k] }}{% endmacro %}{{ m(x) }}",
    )
    payloads = [
        Payload(t, {"x": make, "k": name}) for t in templates for name in (*names, *INSIDES[:8])
    ]
    for payload, outcome in zip(payloads, outcomes(payloads), strict=True):
        ours = str(payload.given.get("k", "")).startswith("__")
        assert outcome == "SecurityError" or (ours and outcome in {"", "[Undefined]"}), payload


# --- what is not there ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["include", "import", "from", "extends", "block", "autoescape", "trans", "exec"]
)
def test_other_templates_are_out_of_reach(name: str) -> None:
    done = compiled(Script("Main", f"{{% {name} '/etc/passwd' %}}", runner="nsl"))
    assert done.emitted is None
    assert "SK112" in {finding.code for finding in done.findings}


@pytest.mark.parametrize("name", [*UNKNOWN, "eval('1')"])
def test_what_is_not_listed_is_no_filter(name: str) -> None:
    bare = name.partition("(")[0]
    if bare not in {*FILTERS, "d", "e"}:
        done = compiled(Script("Main", f"{{{{ x | {name} }}}}{{{{ x is {bare} }}}}", runner="nsl"))
        assert done.emitted is None or bare == "callable"
        payloads = [Payload("{{ [1] | map(k) | list }}", {"k": bare})]
        payloads += [Payload("{{ [1] | select(k) | list }}", {"k": bare})]
        assert outcomes(payloads)[0] == "SkillError"
        assert outcomes(payloads)[1] in {"SkillError", "[]"}


def test_data_stays_data() -> None:
    harmless: tuple[tuple[str, dict[str, Any], str], ...] = (
        (
            "{{ x }}",
            {"x": "{{ 7 * 7 }}{% set a = 1 %}{# c #}"},
            "{{ 7 * 7 }}{% set a = 1 %}{# c #}",
        ),
        ("{% set y %}{{ x }}{% endset %}{{ y }}", {"x": "{{ 7 * 7 }}"}, "{{ 7 * 7 }}"),
        ("{{ x | attr('__class__') }}", {"x": {"__class__": 1}}, "SecurityError"),
        ("{{ [x] | map(attribute='__class__') | list }}", {"x": {"__class__": 1}}, "[1]"),
        ("{{ x | map('upper') | join }}", {"x": ["{0}"]}, "{0}"),
        ("{{ namespace(x) }}", {"x": {"a": "b"}}, "<namespace>"),
        ("{{ '%s' | format(x) }}", {"x": "%s{0.__class__}"}, "%s{0.__class__}"),
    )
    payloads = [Payload(template, given) for template, given, _ in harmless]
    assert outcomes(payloads) == [expected for _, _, expected in harmless]


# --- what could explode --------------------------------------------------------------------------


def doubling(start: str, step: str, end: str = "") -> str:
    """A template that doubles a value as often as there are digits in 2 ** 70."""
    loop = f"{{% for i in range(70) %}}{{% set ns.t = {step} %}}{{% endfor %}}"
    return f"{{% set ns = namespace(t={start}) %}}{loop}{end}"


EXPLOSIONS = (
    "{{ x | center(1000000000) }}",
    "{{ x | indent(1000000000) }}",
    "{{ '%1000000000d' | format(1) }}",
    "{{ ('a' * 100000) | replace('', 'b' * 1000) }}",
    "{{ ['a'] | batch(1000000000, 'x') | list }}",
    "{{ ['a'] | slice(1000000000) | list }}",
    "{{ 1.5 | round(1000000000, 'ceil') }}",
    "{{ range(100000) | map('center', 1000) | list }}",
    "{{ range(1000000000000) | list }}",
    "{{ (('a' * 1000000) ~ ('a' * 1000000)) | wordwrap(1) }}",
    "{{ (' ' * 1000000) | wordwrap(5) }}",
    "{{ [1] | tojson(1000000000) }}",
    "{{ ('<' * 4000000) | e }}",
    "{{ ('[' * 1000000) | loads }}",
    "{{ lipsum(1000000000) }}",
    "{{ 9 ** 99999 }}",
    "{{ 10 ** 100000 }}",
    "{{ 'a' * 10 ** 10 }}",
    "{{ ('a' * 8000000) | list }}",
    "{% macro m(a) %}{{ m(a) }}{% endmacro %}{{ m(1) }}",
    "{% macro m() %}{{ caller() }}{% endmacro %}{% macro n() %}{% call m() %}{{ n() }}{% endcall %}{% endmacro %}"
    "{{ n() }}",
    "{% set l = [1] %}{% for i in l recursive %}{{ loop(l) }}{% endfor %}",
    "{% set l = [1] %}{% for i in l %}{% set _ = l.append(1) %}{% endfor %}",
    "{% for i in range(1000000) %}{% for j in range(1000000) %}{% endfor %}{% endfor %}",
    "{% for i in range(1000000) %}0123456789{% endfor %}",
    "{% macro m() %}{% for i in range(1000000) %}0123456789{% endfor %}{% endmacro %}{{ m() }}",
    "{% set y %}{% for i in range(1000000) %}0123456789{% endfor %}{% endset %}",
    doubling("'ab'", "ns.t ~ ns.t"),
    doubling("'ab'", "ns.t + ns.t"),
    doubling("'ab'", "[ns.t, ns.t] | join"),
    doubling("'ab'", "'%s%s' | format(ns.t, ns.t)"),
    doubling("'ab'", "ns.t | replace('b', 'ab' ~ ns.t)"),
    doubling("'<'", "(ns.t ~ ns.t) | forceescape"),
    doubling("'\"'", "ns.t | dumps"),
    doubling("[1]", "ns.t + ns.t"),
    doubling("[[1]]", "[ns.t, ns.t] | sum(start=[])"),
    doubling("[1]", "[ns.t, ns.t]", "{{ ns.t }}"),
    doubling("[1]", "[ns.t, ns.t]", "{{ ns.t | tojson }}"),
    doubling("[1]", "[ns.t, ns.t]", "{{ ns.t | pprint }}"),
    doubling("[1]", "[ns.t, ns.t]", "{{ ns.t ~ '' }}"),
    doubling("[1]", "[ns.t, ns.t]", "{{ [ns.t, [ns.t]] | sort }}"),
    doubling("[1]", "[ns.t, ns.t]", "{{ [ns.t, [ns.t]] | unique | list }}"),
    doubling("[1]", "[ns.t, ns.t]", "{{ [ns.t, [ns.t]] | max }}"),
    doubling("[1]", "[ns.t, ns.t]", "{{ ns.t is eq [ns.t] }}"),
    doubling("{}", "{'a': ns.t, 'b': ns.t}", "{{ ns.t | string }}"),
    doubling("2", "ns.t * ns.t"),
    doubling("2", "ns.t ** 2"),
)


def test_what_could_explode_is_refused() -> None:
    scripts = (Script(f"P{n}", t, {"x": "a"}, "nsl") for n, t in enumerate(EXPLOSIONS))
    assert_limited([Payload(template) for template in EXPLOSIONS], *scripts)
