"""Generated code is code: mypy, pyright and ruff have nothing to say about a flow with every construct."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from emit_flows import HERE, const, flow_from, name, printing, script
from random_flows import random_flow
from skillc.emit import emit_flow
from skillc.ir import Assign, Binary, Bind, Compare, Expr, Flow, If, Logic, Return, Skill, Void
from skillc.verify import verify

ROOT = Path(__file__).parents[2]

MAIN = r"""
{{#system~}}
Hi {{name}}, "{{boat}}" costs {{price}} {{user.name}} {{rows[0].x}} {{limit}}
{{~/system}}
{{Set(name="n", value=1)}}{{Set(name="n", value=n + 1)}}{{n * 2}}{{n / 2}}{{n - 1.5}}{{-n}}{{+boat}}
{{Set(name="flag", value=n > 2)}}{{flag}}{{Set(name="none", value=None)}}{{none}}
{{#if boat == "single" and n == 3}}A{{else if boat == "x" or name}}B{{elif not boat}}C{{else}}D{{/if}}
{{#if mode == "a"}}{{#if mode == "b"}}never{{/if}}{{/if}}{{Set(name="mode", value="x")}}
{{#if mode == "y"}}{{mode or "z"}}{{else}}{{#if mode}}{{mode or "z"}}{{/if}}{{/if}}
{{#each rows as row}}{{@index}}:{{row.name}}{{#if not @last}}, {{/if}}{{else}}none{{/each}}
{{#each d}}{{@key}}={{this}}{{#if @first}}!{{/if}}{{#each this}}{{this}}{{/each}}{{/each}}
{{#each rows}}x{{/each}}{{#each rows}}{{@index}}{{/each}}{{#each rows}}{{@key}}{{/each}}
{{#each rows}}{{#if this == "b"}}{{break}}{{/if}}{{#if this}}{{continue}}{{/if}}{{/each}}
{{Reply(boat=boat, age=3)}}/{{Reply(boat=n)}}/{{Reply(boat=maybe)}}{{Recursive(depth=n)}}
{{Put()}}{{shared}} {{Concat(Put(), shared)}}{{Set(name="x", value=Put())}}{{x}}
{{#block 'k'~}} v {{~/block}}[{{k}}]{{#block 'unread'}}u{{/block}}{{#block}}w{{/block}}
{{#block hidden=True}}secret{{Set(name="g", value=Gen())}}{{/block}}{{g}}
{{#assistant hidden=True}}{{gen 'reply' temperature=0.5}}{{reply}}{{/assistant}}
{{#user name="Sue"}}hello{{/user}}{{#role boat}}x{{/role}}
{{json.loads("[1]")[0]}}{{len("abc")}}{{len(rows)}}{{len(rows, 1)}}{{add(1, 2, n)}}{{str(n)}}{{int("3")}}
{{sorted(rows, reverse=True)}}{{sorted(rows, reverse="yes")}}{{round(2.5, 1)}}{{round("a", "b")}}{{max(1, n)}}
{{boat.strip().upper()}}{{x.k}}{{x["k"]}}{{row.f(1, from=2)}}{{json}}{{len}}{{zoneinfo.ZoneInfo("UTC")}}
{{[1, [], {}, {"a": n}]}}{{Set(name="items", value=[])}}{{items}}{{Set(name="pairs", value={})}}{{pairs}}
{{n < 3 < n}}{{1 < x < 3 <= n}}{{x in rows}}{{"a" in boat}}{{x not in rows}}{{x is None}}{{x is not 3}}
{{x == None}}{{boat != "a"}}{{not x in rows}}{{not (x is None)}}{{boat == n}}{{boat < "b"}}{{boat is true}}
{{x + 1}}{{boat + "a"}}{{n % 2}}{{"a" or boat}}{{n and 0}}
{{Do(actionName=boat, message="Hi", from="x")}}{{Do("Reply", boat="b")}}
{{GenStream(interruptMode=boat, temperature=x, maxTokens=n, stop=rows, sendTo="actors", actorIds=x)}}
{{select 'pick' options=rows}}{{pick}}{{select options=["a", n]}}{{#select 'word'}}a{{n}}{{or}}b{{/select}}{{word}}
{{Set(name="j", value=Gen(jsonSchema='{"a": [1, null]}', validateSchema=True, stop=[]))}}{{j.a}}
{{#if x}}{{else}}no{{/if}}
{{Set(name="r", value=GenStream())}}{{#if r.interrupted}}{{r.outcome}}{{r.k}}{{/if}}{{r}}
{{Set(name="mixed", value=GenStream())}}{{Set(name="mixed", value=GetUser())}}{{Set(name="mixed", value=1)}}{{mixed}}
{{SendMessage(message=Concat("a", Set(name="q", value="1"), q))}}
{{Set(name="LIMIT", value="a")}}{{Set(name="LIMIT", value="b")}}{{LIMIT}}
{{#each rows as ITEM}}{{ITEM}}{{/each}}{{#each rows as ITEM}}{{ITEM}}{{/each}}
{{Set(name="unused", value=n + 1)}}{{Set(name="unused2", value=GetState(name="k"))}}{{Set(name="u3", value=not x)}}
{{#if n}}{{Set(name="maybe", value=n)}}{{/if}}{{maybe}}{{Set(name="boat", value=n)}}{{boat}}
{{Set(name="both", value=1)}}{{Set(name="both", value="a")}}{{both}}
{{Set(name="num", value=1)}}{{Set(name="num", value=2.5)}}{{num}}
{{#if maybe}}{{Return(val=maybe)}}{{else if x}}{{Return(val=boat + "a")}}{{else if n}}{{Return(val=x.k)}}{{/if}}
{{Set(name="shared2", value="S", expose=True)}}{{_}}{{Set(name="_", value=1)}}{{_}}
{{#if false}}dead {{zzz}}{{/if}}{{#if n and false}}{{dead2}}{{/if}}
{{Set(name="j", value=Gen(jsonSchema={"type": "object"}))}}{{j.k}}{{Set(name="actors", value=GetActors())}}{{actors}}
{{Set(name="RESULT", value=n)}}
"""

FLOW = (
    script("Main", MAIN, "boat", "price"),
    script(
        "Reply", '{{Set(name="boat", value=boat)}}{{Return(val=Concat("hi ", boat))}}dead', "boat"
    ),
    script("Put", '{{Set(name="shared", value="S", expose=True)}}'),
    script(
        "Recursive", "{{#if depth}}{{Return(val=Recursive(depth=depth))}}{{/if}}", "depth", "from"
    ),
    script("Stream", '{{Set(name="r", value=GenStream())}}{{Return(val=r)}}'),
    script(
        "Streamed",
        '{{Set(name="s", value=Stream())}}{{#if s.failed}}{{s.outcome}}{{/if}}{{Return(val=s)}}',
    ),
    script("Maybe", '{{#if x}}{{Set(name="RESULT", value=1)}}{{/if}}'),
    script("Typed", '{{Set(name="s", value="a" + x)}}{{Return(val="a" + "b" * 2)}}'),
    script(
        "Computed",
        '{{Set(name=a, value=b)}}{{a}}{{json}}{{Set(name="c", value=1)}}{{c}}{{Set(name=c, value=2, expose=a)}}'
        "{{Put()}}{{shared}}{{#each a}}{{this}}{{/each}}{{Gen(name='zz')}}{{Concat(Put(), gen(name='uu'))}}"
        "{{#block 'k'}}x{{/block}}{{k}}{{names}}",
        "p",
        "from",
    ),
    script("Quiet", "{{Set(name=a, value=1)}}", "a"),
    script("_helper", "x"),
    script(
        "Greet-User",
        "{{Do('Main', boat=1)}}{{Reply(boat='x')}}{{Set(name='Reply', value='1')}}{{Reply}}",
    ),
    script("Record", "{{Set(name='u', value=GetUser())}}{{u.name}}{{Return(val=u)}}"),
    script("Nothing", ""),
)


def corpus() -> Flow:
    """The flow of the templates, and a skill with what only bare IR can say."""
    flow = flow_from(*FLOW)
    x, n = name("x"), name("n")
    total: Expr = n
    for number in range(60):
        total = Binary(HERE, "+", total, const(number))
    branches: tuple[If, ...] = ()
    for number in range(70):
        test = Compare(HERE, n, (("==", const(number)),))
        branches = (If(HERE, test, (printing(const(str(number))),), branches),)
    bare = Skill(
        "Bare",
        replace(flow.skills[0].source, path="Bare.guidance", name="Bare.guidance"),
        "guidance",
        (
            Assign(HERE, "n", const(1)),
            printing(total),
            printing(Logic(HERE, "or", tuple(name(f"x{number}") for number in range(60)))),
            *branches,
            printing(Logic(HERE, "and", (x, Bind(HERE, "late", Binary(HERE, "*", n, n))))),
            printing(Void(HERE, Bind(HERE, "v", x))),
            printing(name("v")),
            printing(name("late")),
            printing(const(float("inf"))),
            Return(HERE, Bind(HERE, "last", total)),
        ),
    )
    return replace(flow, skills=tuple(sorted((*flow.skills, bare), key=lambda skill: skill.idn)))


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The corpus, and flows that nobody would write."""
    folder = tmp_path_factory.mktemp("build")
    flows = {"corpus": corpus(), **{f"random{seed}": random_flow(seed, 25) for seed in range(4)}}
    for stem, flow in flows.items():
        verify(flow)
        (folder / f"{stem}.py").write_text(emit_flow(flow).text, "utf-8")
    return [folder / f"{stem}.py" for stem in flows]


def outcome(*command: str | Path, given: str | None = None) -> tuple[int, str]:
    """Exit code and output of a tool, run with the project's settings."""
    tool = [sys.executable, "-m", *map(str, command)]
    done = subprocess.run(tool, cwd=ROOT, capture_output=True, text=True, input=given, check=False)
    return done.returncode, done.stdout + done.stderr


def test_mypy_strict_passes(modules: list[Path]) -> None:
    code, output = outcome("mypy", "--cache-dir", modules[0].parent / "cache", *modules)
    assert code == 0, output


def test_pyright_strict_passes(modules: list[Path]) -> None:
    code, output = outcome("pyright", *modules)
    assert code == 0, output


def test_ruff_passes(modules: list[Path]) -> None:
    for module in modules:
        text = module.read_text("utf-8")
        place = f"build/{module.name}"
        code, output = outcome(
            "ruff", "check", "--no-cache", "--stdin-filename", place, "-", given=text
        )
        assert code == 0, output


def test_generated_modules_import_the_runtime_alone(modules: list[Path]) -> None:
    program = (
        "import sys, runpy; [runpy.run_path(path) for path in sys.argv[1:]]; "
        "print([m for m in ('skillc', 'libcst', 'jinja2', 'yaml', 'click', 'httpx') if m in sys.modules])"
    )
    tool = [sys.executable, "-c", program, *map(str, modules)]
    assert subprocess.run(tool, capture_output=True, text=True, check=True).stdout == "[]\n"
