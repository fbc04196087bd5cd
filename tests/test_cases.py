"""The case files in tests/cases: every template compiles to what they say, and runs as they say.

Each run is made three times: compiled on asyncio, compiled on trio, and interpreted. What a case says in both
dialects has to mean and do the same.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from pathlib import Path

import anyio
import pytest

from casefile import Case, Fence, accept, read_cases
from harness import Compiled, Script, compiled, given_values, observe
from skillc.dump import dump_body
from skillc.errors import render_diagnostic
from skillc.ir import Runner
from skillc.passes import Settings
from skillrt.manifest import StateFieldManifest

RUNNERS: Mapping[str, Runner] = {"guidance": "guidance", "jinja": "nsl"}
CASES = [
    case
    for path in sorted((Path(__file__).parent / "cases").glob("*.md"))
    for case in read_cases(path)
]


def dialects(case: Case) -> list[str]:
    """The dialects in which a case says what Main does."""
    return [fence.kind for fence in case.fences if fence.kind in RUNNERS and is_main(fence)]


def is_main(fence: Fence) -> bool:
    """Whether a template is that of the skill under test."""
    return fence.words.partition(" ")[0] in {"", "Main"}


def scripts(case: Case, dialect: str) -> list[Script]:
    """The skills of a case, Main in one dialect; parameters are added to it that its runs give it."""
    made: list[Script] = []
    for fence in case.fences:
        if fence.kind not in RUNNERS or (is_main(fence) and fence.kind != dialect):
            continue
        idn, _, words = fence.words.partition(" ")
        parameters = given_values(words)
        if is_main(fence):
            given = {name for values, _ in runs(case) for name in given_values(values)}
            parameters |= dict.fromkeys(sorted(filter(str.islower, given)), "")
        text = fence.body.removesuffix("\n")
        library, _, idn = (idn or "Main").rpartition(".")
        made.append(Script(idn, text, parameters, RUNNERS[fence.kind], library))
    return made


def runs(case: Case) -> list[tuple[str, str]]:
    """The runs of a case: what is given, and what is expected."""
    fence = case.one("run")
    if fence is None:
        return []
    found = re.findall(r"^(\S.*?) ->(?: (.*(?:\n +.*)*))?$", fence.body, re.MULTILINE)
    return [(given, expected) for given, expected in found]


def settings(case: Case) -> Settings:
    """The options of the project that a case is compiled with."""
    fence = case.one("settings")
    return Settings(**given_values(fence.body)) if fence else Settings()


def state(case: Case) -> Mapping[str, StateFieldManifest] | None:
    """The state fields that a case's flow declares, None without any."""
    fence = case.one("state")
    if fence is None:
        return None
    return {n: {"default": d, "scope": "user"} for n, d in given_values(fence.body).items()}


def connectors(case: Case) -> tuple[tuple[str, str], ...]:
    """The connectors that the case's project declares."""
    fence = case.one("connectors")
    words = (fence.body if fence else "").split()
    return tuple((integration, idn) for integration, _, idn in (w.partition("/") for w in words))


def python_of(done: Compiled) -> str:
    """What stands in Main's `with`, without the `return ""` that ends it."""
    assert done.emitted is not None
    _, _, rest = done.emitted.text.partition("\nasync def Main(")
    _, _, body = rest.partition("\n    with ctx.skill(")
    body = body.partition(":\n")[2].partition("\n\n\n")[0] + "\n"
    return textwrap.dedent(body).removesuffix('return ""\n') or "pass\n"


def trees(done: Compiled) -> str:
    """What Main means, before anything is optimised."""
    return "".join(dump_body(skill.body) for skill in done.unoptimised.skills)


def observed(done: Compiled, case: Case) -> str:
    """What the runs of a case do, a line each."""
    if done.emitted is None:
        return ""
    lines = ""
    for given, _ in runs(case):
        made = (
            (done.functions(), "asyncio"),
            (done.functions(), "trio"),
            (done.interpreted(), "asyncio"),
        )
        results = [
            anyio.run(observe, functions["Main"], given_values(given), backend=backend)
            for functions, backend in made
        ]
        assert results == [results[0]] * 3, "compiled and interpreted differ"
        lines += f"{given} -> {results[0]}\n"
    return lines


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case: Case, request: pytest.FixtureRequest) -> None:
    accepting = request.config.getoption("--accept")
    first, *others = dialects(case)
    around = {"settings": settings(case), "state": state(case), "connectors": connectors(case)}
    done = compiled(*scripts(case, first), **around)
    for dialect in others:
        same = compiled(*scripts(case, dialect), **around)
        assert trees(same) == trees(done), "the dialects mean different things"
        assert observed(same, case) == observed(done, case), "the dialects do different things"
    found = sorted(done.findings, key=lambda finding: finding.place)
    outputs = {
        "diagnostics": "".join(f"{render_diagnostic(finding)}\n" for finding in found),
        "python": python_of(done) if done.emitted else "",
        "run": observed(done, case),
    }
    for kind, output in outputs.items():
        fence = case.one(kind)
        if fence is None:
            if kind == "diagnostics":
                assert not output
            continue
        if accepting and fence.body != output:
            accept(case, kind, output)
        else:
            assert fence.body == output
