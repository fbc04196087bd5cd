"""Compiled skills do what the interpreter does, whatever people write; what cannot be compiled is reported."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import anyio
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from casefile import read_cases
from fuzz import examples
from generated import Skills, skills
from generated_nsl import nsl_skills
from harness import Compiled, Script, compiled, observe
from skillc.compile import parse
from skillc.emit.names import IMPORTS, LOCALS
from skillc.errors import Diagnostic, Report, TemplateError, render_diagnostic
from skillc.frontends.guidance.tokens import RESERVED
from skillc.ir import Flow
from skillc.passes import PASSES, Settings, Unit
from skillc.verify import verify
from skillrt.actions import CATALOGUE
from skillrt.names import KEYWORDS, NAMES

ROOT = Path(__file__).parents[2]
CHANCE = re.compile(r"0x[0-9a-f]+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""What differs from run to run: addresses of functions, ids of acts."""


async def observed(functions: dict[str, Any], runs: Sequence[dict[str, Any]]) -> list[str]:
    return [CHANCE.sub("?", await observe(functions["Main"], given)) for given in runs]


def differences(done: Compiled, runs: Sequence[dict[str, Any]]) -> list[list[str]]:
    """For each run that differs, what was seen compiled on asyncio, compiled on trio, and interpreted."""
    seen = (
        anyio.run(observed, done.functions(), runs, backend="asyncio"),
        anyio.run(observed, done.functions(), runs, backend="trio"),
        anyio.run(observed, done.interpreted(), runs, backend="asyncio"),
    )
    return [list(each) for each in zip(*seen, strict=True) if len(set(each)) > 1]


REFUSED = {"SK212", "SK213"}
"""An argument happens to be a literal that its action does not take, or a variable that is one."""
OUT_OF_SCOPE = {"SK201", "SK313"}
"""A macro, or a variable named as a module, happens to be used outside the loop that sets it."""


def buildable(flow: Skills, allowed: set[str] = REFUSED) -> Compiled:
    """The compiled skills; a flow that was refused for a good reason is no example."""
    done = compiled(*flow.scripts)
    errors = [finding for finding in done.findings if finding.severity == "error"]
    assert {finding.code for finding in errors} <= allowed, list(map(render_diagnostic, errors))
    assume(not errors)
    return done


# --- skills that people could write --------------------------------------------------------------


@examples(250, 10_000)
@given(skills())
def test_compiled_and_interpreted_are_the_same(flow: Skills) -> None:
    """Compiled on asyncio, compiled on trio, interpreted: the same can be observed, errors and their places too."""
    assert not differences(buildable(flow), flow.runs)


@examples(150, 10_000)
@given(nsl_skills())
def test_nsl_compiled_and_interpreted_are_the_same(flow: Skills) -> None:
    """NSL skills compiled on asyncio, compiled on trio, interpreted: the same can be observed, errors too."""
    assert not differences(buildable(flow, REFUSED | OUT_OF_SCOPE), flow.runs)


@examples(100, 2_000)
@given(skills() | nsl_skills())
def test_every_pass_leaves_what_the_next_one_expects(flow: Skills) -> None:
    """The invariants of the IR hold after the front end and after each pass."""
    done = [script.skill() for script in flow.scripts]
    reports = {skill.idn: Report(skill.source) for skill in done}
    parsed = [replace(skill, body=parse(skill, reports[skill.idn])) for skill in done]
    tree = Flow("flow", "flow", tuple(sorted(parsed, key=lambda skill: skill.idn)))
    verify(tree, resolved=False)
    for step in PASSES:
        tree = step(tree, Unit(Settings(), reports))
        verify(tree)


@examples(50, 2_000)
@given(skills(), st.integers())
def test_compiled_twice_is_the_same(flow: Skills, seed: int) -> None:
    """The same skills make the same module and the same findings, in whatever order they were given."""
    shuffled = list(flow.scripts)
    Random(seed).shuffle(shuffled)
    one, other = compiled(*flow.scripts), compiled(*shuffled)
    assert one.emitted == other.emitted
    assert one.findings == other.findings


@pytest.mark.parametrize(
    "template",
    [
        "{% for i in [1] %}{{ Return(loop.previtem) }}{% endfor %}",
        "{% for i in [1] %}{% set x = loop.nextitem %}{{ Return(x) }}{% endfor %}",
        "{% for i in [1] %}{{ Return(loop.cycle(nope)) }}{% endfor %}",
        "{% for a, b in [(nope, 2)] %}{{ Return(a) }}{% endfor %}",
        "{% set l = [nope] %}{% for i in l %}{% set x = i %}{{ Return(x) }}{% endfor %}",
        "{% set x = [nope].pop() %}{{ Return(x) }}",
        "{{ Return({'a': nope}.get('a')) }}",
        "{{ Return(max([nope])) }}",
        "{{ Return(cycler(nope).next()) }}",
    ],
)
def test_what_leaves_a_skill_is_never_undefined(template: str) -> None:
    assert not differences(compiled(Script("Main", template, runner="nsl")), [{}])


@pytest.mark.parametrize(
    "template",
    [
        "{{Set(name='x', value=1, expose=True)}}{{Set(name='x', value=2, expose=y)}}",
        "{{Set(name='x', value=1, expose=True)}}{{Set(name='x', value=2, expose=False)}}",
        "{{Set(name='x', value=1, expose=True)}}{{Set(name='x', value=2)}}",
        "{{Set(name='x', value=1, expose=True)}}{{Set(name=Concat('x'), value=2, expose=y)}}",
        "{{Set(name=Concat('x'), value=1, expose=True)}}{{Set(name='x', value=2, expose=y)}}",
        "{{Set(name=Concat('x'), value=1, expose=True)}}{{Set(name=Concat('x'), value=2)}}",
    ],
)
def test_the_last_value_of_an_exposed_variable_counts(template: str) -> None:
    done = compiled(Script("Main", template))
    assert "exposed x: 2" in anyio.run(observed, done.functions(), [{}])[0]
    assert not differences(done, [{}])


@pytest.mark.parametrize(
    ("default", "x"), [("x", 7), ("[7][x]", 0), ("x if x is defined else 8", 7)]
)
def test_a_default_sees_an_undeclared_argument(default: str, x: int) -> None:
    macro = f"{{% macro m(p={default}) %}}[{{{{ p }}}}]{{% set x = 5 %}}{{% endmacro %}}"
    done = compiled(Script("Main", macro + "{{ m() }}", runner="nsl"))
    assert "[7]" in anyio.run(observed, done.functions(), [{"x": x}])[0]
    assert not differences(done, [{}, {"x": 0}, {"x": "a"}])


# --- any text ------------------------------------------------------------------------------------


def templates() -> Iterator[str]:
    """All templates of this repository."""
    for path in sorted((ROOT / "skills").rglob("*.guidance")):
        yield path.read_text("utf-8")
    for path in sorted((ROOT / "tests" / "cases").glob("*.md")):
        for case in read_cases(path):
            yield from (fence.body for fence in case.fences if fence.kind == "guidance")


TEMPLATES = sorted(templates())
TOKEN = re.compile(r"\{\{[~#/]?|~?\}\}|\w+|\"[^\"]*\"|\s+|.", re.DOTALL)
TOKENS = sorted({token for text in TEMPLATES for token in TOKEN.findall(text) if len(token) < 30})
ODD = [*"{}~#/\"'\\()[]=,.|@!-:;\n\t\0", "\u2028", "\ud800", "é", "{{!--", "--}}", "{{~", "~}}"]


@st.composite
def soups(draw: st.DrawFn) -> str:
    """Tokens of the language in no order."""
    return "".join(draw(st.lists(st.sampled_from(TOKENS) | st.sampled_from(ODD), max_size=40)))


@st.composite
def mutants(draw: st.DrawFn) -> str:
    """A template in which characters or tokens were left out, doubled, swapped or put in."""
    text = draw(st.sampled_from(TEMPLATES))
    parts: list[str] = TOKEN.findall(text) if draw(st.booleans()) else list(text)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(parts) - 1, 0)))
        end = at + draw(st.integers(1, 4))
        match draw(st.sampled_from(["delete", "double", "swap", "insert"])):
            case "delete":
                del parts[at:end]
            case "double":
                parts[at:at] = parts[at:end]
            case "swap":
                parts[at:end] = parts[at:end][::-1]
            case _:
                parts.insert(at, draw(st.sampled_from(TOKENS) | st.sampled_from(ODD)))
    return "".join(parts)


GREET = Script("Greet", '{{Return(val=Concat("hi ", name))}}', {"name": "you"})


@examples(1_000, 20_000)
@given(soups() | mutants())
def test_any_text_compiles_or_is_reported(text: str) -> None:
    """Any text: a module that compiles, or an error; findings lie inside the text; never anything else."""
    findings: tuple[Diagnostic, ...]
    try:
        done = compiled(Script("Main", text), GREET)
        findings, functions = done.findings, done.emitted and done.functions().keys()
    except TemplateError as error:  # nested deeper than Python compiles
        findings, functions = error.diagnostics, None
    failed = any(finding.severity == "error" for finding in findings)
    assert functions == (None if failed else {"Greet", "Main"})
    for finding in findings:
        start, end = finding.span
        assert 0 <= start <= end <= len(finding.source.text)
        assert render_diagnostic(finding)


# --- any name ------------------------------------------------------------------------------------

EVERYTHING = """{{Set(name=n, value=1, expose=n)}}{{gen 'r'}}{{#each l}}{{@index}}{{@last}}{{@key}}{{else}}{{/each}}
{{1 < n + x < 3}}{{#block 'b'}}{{/block}}{{Return(val=Concat(Return(1)))}}{{select 'o' options=l}}
{{ {n: x} }}{{Main()}}"""


def module_names() -> set[str]:
    """Every name in a module that uses a bit of everything."""
    done = compiled(Script("Main", EVERYTHING))
    assert done.emitted
    return set(re.findall(r"\b[A-Za-z_]\w*", done.emitted.text))


CHOSEN = sorted(
    {
        *(KEYWORDS | NAMES | LOCALS | IMPORTS.keys() | module_names() | set(dir(builtins))),
        *("_", "__", "___", "_2", "a_", "__a__", "_u002d_", "part2", "option2", "left2", "matched"),
        *("self", "cls", "this", "item", "Ask", "Main_", "x" * 300),
    }
    - RESERVED
    - {"Main"}
)
CHUNK = 40


@pytest.mark.parametrize("start", range(0, len(CHOSEN), CHUNK))
def test_every_name_can_be_chosen(start: int) -> None:
    """Skills, parameters, variables, loop names, blocks, replies and arguments may have any name."""
    names = CHOSEN[start : start + CHUNK]
    callees = [name for name in names if CATALOGUE.find(name) is None]
    passed = [name for name in names if CATALOGUE["SendSystemEvent"].parameter(name) is None]
    tags = [
        *(USES.replace("NAME", name) for name in names),
        *(f"{{{{Do('{name}', {name}='x', odd=1)}}}}" for name in callees),
        *(f"{{{{SendSystemEvent(eventIdn='e', {name}='x')}}}}" for name in passed),
        *(f"{{{{dict(a=1, {name}=2)}}}}" for name in names),
    ]
    called = [Script(n, CALLED.replace("NAME", n), {n: ""}) for n in callees]
    done = compiled(*called, Script("Main", "\n".join(tags)))
    assert done.emitted, [render_diagnostic(finding) for finding in done.findings]
    assert not differences(done, [{}])


USES = """{{(NAME)}}{{Set(name='NAME', value='v')}}{{(NAME)}}{{#each ['i'] as NAME}}{{(NAME)}}{{/each}}
{{#block 'NAME'}}b{{/block}}{{(NAME)}}{{gen 'NAME'}}{{(NAME)}}{{Concat(Set('NAME', 1), NAME)}}"""
CALLED = "{{(NAME)}}{{Return(val=NAME)}}"
