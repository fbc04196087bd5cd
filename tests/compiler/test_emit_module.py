"""Whole modules: their shape, what they say of themselves, and that the same input gives the same bytes."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emit_flows import (
    HERE,
    const,
    emitted,
    flow_from,
    flow_of,
    loaded,
    name,
    printed,
    printing,
    run,
    script,
    skill_of,
)
from fuzz import examples
from random_flows import random_flow
from skillc.emit import HEADER, emit_flow
from skillc.errors import TemplateError
from skillc.ir import ActionCall, Binary, Each, Expr, If, Parameter, Stmt
from skillrt.errors import SkillError
from skillrt.manifest import ABI, StateFieldManifest, SubscriptionManifest, check_abi

ROOT = Path(__file__).parents[2]

SIMPLE = """{{#system~}}
You are a helper.
Asked: {{GetMemory(count=1)}}
{{~/system}}
{{#if IsEmpty(text=boat)}}none{{/if}}"""


MANIFEST = (
    '{"function": "Simple", "source": "Simple.guidance", "runner": "guidance", "title": "", '
    '"model": None, "parameters": {"boat": "boat"}, "result_action": "none"}'
)
EVENT = (
    '{"idn": "user_message", "skill": "Simple", "state": None, "integration": None, '
    '"connector": None, "mode": "interrupt"}'
)
EVENTS: tuple[SubscriptionManifest, ...] = (
    {
        "idn": "user_message",
        "skill": "Simple",
        "state": None,
        "integration": None,
        "connector": None,
        "mode": "interrupt",
    },
)
STATE: dict[str, StateFieldManifest] = {"count": {"default": "0", "scope": "user"}}


EXPECTED = f'''\
{HEADER}
"""Compiled skills."""

from __future__ import annotations

from typing import Any, Final

from skillrt import Context, actions
from skillrt.manifest import FlowManifest

__abi__: Final = {ABI}


async def Simple(ctx: Context, /, *, boat: str = "", **extra: Any) -> str:
    with ctx.skill("Simple") as out:
        with out.role("system"):
            out.write(
                "You are a helper.\\n"
                "Asked: "
            )
            out.write(await actions.get_memory(ctx, count=1))
        out.write("\\n")
        if actions.is_empty(text=boat):
            out.write("none")
        return ""


__line_map__: Final[dict[str, tuple[tuple[int, int], ...]]] = {{
    "Simple": ((1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (7, 3), (8, 4), (9, 5), (10, 5), (11, 5)),
}}
__source__: Final[dict[str, dict[int, str]]] = {{
    "Simple": {{3: "Asked: {{{{GetMemory(count=1)}}}}", 5: "{{{{#if IsEmpty(text=boat)}}}}none{{{{/if}}}}"}},
}}
__manifest__: Final[FlowManifest] = {{
    "idn": "demo",
    "title": "Demo",
    "model": None,
    "skills": {{
        "Simple": {MANIFEST},
    }},
    "events": [
        {EVENT},
    ],
    "state": {{
        "count": {{"default": "0", "scope": "user"}},
    }},
}}
'''


def test_module_reads_as_written_by_hand() -> None:
    flow = replace(
        flow_from(script("Simple", SIMPLE, "boat")),
        idn="demo",
        module="kiosk.demo",
        title="Demo",
        events=EVENTS,
        state=STATE,
    )
    done = emit_flow(flow)
    assert done.path == "kiosk/demo.py"
    assert done.text == EXPECTED


def test_manifest_keeps_what_the_code_does_not() -> None:
    skill = replace(
        skill_of(idn="Greet-User", parameters=("from", "boat")),
        parameters=(Parameter("from", "x"), Parameter("boat")),
        title='A "title"\n',
        model=("google", "gemini"),
        runner="nsl",
    )
    namespace = loaded(emit_flow(flow_of(skill, skill_of(idn="_private"))).text)
    check_abi(namespace)
    manifest = namespace["__manifest__"]
    assert manifest["idn"] == "demo"
    assert manifest["skills"]["Greet-User"] == {
        "function": "Greet_u002d_User",
        "source": "Main.guidance",
        "runner": "nsl",
        "title": 'A "title"\n',
        "model": ("google", "gemini"),
        "parameters": {"from": "from_", "boat": "boat"},
        "result_action": "none",
    }
    assert namespace["__all__"] == ("Greet_u002d_User", "_private")
    defaults = namespace["Greet_u002d_User"].__kwdefaults__
    assert defaults == {"from_": "x", "boat": ""}


def test_an_empty_flow_is_a_module() -> None:
    namespace = loaded(emit_flow(flow_of()).text)
    assert namespace["__line_map__"] == {}
    assert namespace["__manifest__"] == {
        "idn": "demo",
        "title": "",
        "model": None,
        "skills": {},
        "events": [],
        "state": {},
    }


def test_checks_are_switched_off_only_where_templates_need_it() -> None:
    assert emitted(script("Main", "{{Set(name='LIMIT', value='a')}}{{LIMIT}}")).count("\n#") == 0
    repeats = emitted(script("Main", "{{#if p and q}}{{/if}}", "p"))
    assert repeats.count("\n#") == 3
    assert "reportUnnecessaryComparison" in repeats
    twice = emitted(
        script("Main", "{{#each p as LIMIT}}{{Set(name='LIMIT', value=1)}}{{LIMIT}}{{/each}}")
    )
    assert twice.count("\n#") == 2
    assert "reportConstantRedefinition" in twice


# --- line map ------------------------------------------------------------------------------------

# Every name and word ends in the number of the line on which its tag starts.
LONG = """\
word1 {{a1}}{{!-- note
over lines --}} word2 of text
{{~#if b3}}
word4 {{c4}}
{{else if
  d5}}
word7 {{#if not e7}}x{{/if}}
{{else}}
{{Set(name="f9",
      value=GetState(name="g9"))}}
{{#each h11 as i11}}
word12 {{len("word12")}} {{@index}}
{{~/each}}
{{~/if}}
{{#user hidden=True}}{{#block 'j15'}}word15{{/block}}
{{SendMessage(message="word16")}}
{{~/user}}{{Return(val="word17")}}
"""


def test_line_map_leads_from_code_to_the_template_line() -> None:
    text = emitted(script("Main", LONG))
    (function,) = (node for node in ast.parse(text).body if isinstance(node, ast.AsyncFunctionDef))
    lines = text.split("\n")[function.lineno - 1 :]
    mapped = [(line, lines[below].strip()) for below, line in loaded(text)["__line_map__"]["Main"]]
    body = [(line, code) for line, code in mapped if "extra.get(" not in code]
    for line, code in body:
        assert set(re.findall(r"[a-z](\d+)", code)) <= {str(line)}, code
    assert {1, 2, 3, 4, 5, 7, 9, 11, 12, 15, 16, 17} <= {line for line, _ in body}
    assert (5, "elif d5:") in mapped
    assert (9, 'await actions.get_state(ctx, name="g9")') in mapped


def test_line_map_has_each_line_of_a_text_in_several() -> None:
    text = emitted(
        script("Main", "one1\ntwo2 {{boat}}\n{{#if boat}}\nfour4\n\nsix6{{/if}}\nseven7", "boat")
    )
    lines = text.split("\n")
    below = next(number for number, line in enumerate(lines) if line.startswith("async def"))
    mapped = [
        (line, lines[below + at].strip()) for at, line in loaded(text)["__line_map__"]["Main"]
    ]
    assert mapped[1:] == [
        (1, "out.write("),
        (1, '"one1\\n"'),
        (2, 'f"two2 {boat}\\n"'),
        (3, "if boat:"),
        (4, "out.write("),
        (4, '"\\nfour4\\n\\n"'),
        (6, '"six6"'),
        (7, 'out.write("\\nseven7")'),
        (7, 'return ""'),
    ]


def test_sources_hold_the_lines_whose_code_can_fail() -> None:
    sources = loaded(emitted(script("Main", LONG)))["__source__"]["Main"]
    assert sources[9] == '{{Set(name="f9",'
    assert sources[12] == 'word12 {{len("word12")}} {{@index}}'
    assert not {2, 6, 8, 10, 13, 14, 17} & sources.keys()
    long = "{{GetState(name='" + "x" * 500 + "')}}"
    assert len(loaded(emitted(script("Main", long)))["__source__"]["Main"][1]) == 200


pytestmark = pytest.mark.anyio


async def test_errors_name_the_template_line() -> None:
    text = emitted(script("Main", "a\n\n{{x.k.j}}\n"))
    with pytest.raises(SkillError, match="cannot read 'k'") as caught:
        await run(text)
    assert caught.value.__notes__ == [
        "in template Main.guidance, line 3, skill Main\n    {{x.k.j}}"
    ]


# --- the same bytes ------------------------------------------------------------------------------

EMIT = """
import sys
from emit_flows import emitted, script
sys.stdout.buffer.write(emitted(script("Main", open(sys.argv[1], encoding="utf-8").read())).encode())
"""


def test_the_same_input_gives_the_same_bytes_in_any_process(tmp_path: Path) -> None:
    template = tmp_path / "template"
    names = " ".join(
        f"{{{{name{number}}}}}{{{{Put{number}(value=len(a))}}}}" for number in range(30)
    )
    template.write_text(LONG + names.replace("Put", "Len"), encoding="utf-8")
    template.write_text(
        LONG + " ".join(f"{{{{n{n}}}}}{{{{len(a{n}) < b}}}}" for n in range(30)), "utf-8"
    )
    outputs = set()
    for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo")):
        environment = {
            **os.environ,
            "PYTHONHASHSEED": seed,
            "TZ": zone,
            "LC_ALL": "C",
            "PYTHONPATH": os.pathsep.join(
                str(ROOT / part) for part in ("tests", "compiler", "runtime")
            ),
        }
        done = subprocess.run(
            [sys.executable, "-c", EMIT, str(template)],
            env=environment,
            check=True,
            capture_output=True,
        )
        outputs.add(done.stdout)
    assert len(outputs) == 1


# --- any text, any name --------------------------------------------------------------------------

TEXTS = st.text(st.characters() | st.sampled_from("{}\"'\\\n\r#\u2028\ud800"), max_size=40)


@examples(60, 2_000)
@given(TEXTS)
async def test_any_printed_text_is_printed(text: str) -> None:
    """Text of any characters compiles, and prints itself, alone and around a name."""
    skill = skill_of(
        printing(const(text)), printing(name("p")), printing(const(text)), parameters=("p",)
    )
    module = emit_flow(flow_of(skill)).text
    assert await printed(module, p="<>") == f"{text}<>{text}"


@pytest.mark.parametrize("seed", range(100, 110))
def test_any_resolved_flow_becomes_a_module(seed: int) -> None:
    """Every construct beside every other compiles, and reading it back finds nothing to object to."""
    namespace = loaded(emit_flow(random_flow(seed, 10)).text)
    assert len(namespace["__manifest__"]["skills"]) == 10


IDNS = st.text(st.characters() | st.sampled_from("_-. aA1\"'\n"), min_size=1, max_size=12)


@examples(60, 2_000)
@given(st.sets(IDNS, min_size=1, max_size=6))
def test_any_skill_names_compile_side_by_side(idns: set[str]) -> None:
    """Skills of any names become different functions, which the manifest tells from each other."""
    namespace = loaded(emit_flow(flow_of(*(skill_of(idn=idn) for idn in idns))).text)
    skills = namespace["__manifest__"]["skills"]
    assert skills.keys() == idns
    functions = [entry["function"] for entry in skills.values()]
    assert len(set(functions)) == len(idns)
    assert all(callable(namespace[function]) for function in functions)


# --- limits --------------------------------------------------------------------------------------


def nested_blocks(depth: int) -> Stmt:
    inner: Stmt = printing(const("x"))
    for number in range(depth):
        inner = Each(HERE, name("rows"), f"row{number}", (inner,), ())
    return inner


def nested_calls(depth: int) -> Expr:
    inner: Expr = name("x")
    for _ in range(depth):
        inner = ActionCall(HERE, "Concat", rest=(inner,))
    return inner


def test_what_python_can_nest_compiles() -> None:
    assert loaded(emit_flow(flow_of(skill_of(nested_blocks(15)))).text)
    assert loaded(emit_flow(flow_of(skill_of(printing(nested_calls(100))))).text)


@pytest.mark.parametrize(
    "deep",
    [nested_blocks(25), printing(nested_calls(199)), printing(nested_calls(3000))],
    ids=["loops", "calls", "many calls"],
)
def test_what_python_cannot_nest_is_an_error_of_the_template(deep: Stmt) -> None:
    with pytest.raises(
        TemplateError, match=r"Main\.guidance:1:1: error\[SK129\]: nested deeper than"
    ):
        emit_flow(flow_of(skill_of(deep)))


def long_chain(length: int) -> Stmt:
    total: Expr = name("x")
    for number in range(length):
        total = Binary(HERE, "+", total, const(number))
    return printing(total)


def long_branches(length: int) -> Stmt:
    orelse: tuple[If, ...] = ()
    for number in reversed(range(length)):
        body = (printing(const(f"<{number}>")),)
        orelse = (If(HERE, Binary(HERE, "-", name("x"), const(number)), body, orelse),)
    return orelse[0]


async def test_chains_of_two_thousand_compile_and_run() -> None:
    chain = emit_flow(flow_of(skill_of(long_chain(2000), parameters=("x",)))).text
    assert await printed(chain, x=0) == str(sum(range(2000)))
    branches = emit_flow(flow_of(skill_of(long_branches(2000), parameters=("x",)))).text
    assert await printed(branches, x=1999) == "<0>"
    assert await printed(branches, x=0) == "<1>"
