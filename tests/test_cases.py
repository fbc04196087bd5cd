"""The case files in tests/cases: every template compiles to what they say, and runs as they say.

Each run is made three times: compiled on asyncio, compiled on trio, and interpreted.
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import anyio
import pytest

from casefile import Case, accept, read_cases
from harness import Compiled, Script, compiled, given_values, observe
from skillc.errors import render_diagnostic
from skillc.passes import Settings

CASES = [
    case
    for path in sorted((Path(__file__).parent / "cases").glob("*.md"))
    for case in read_cases(path)
]


def scripts(case: Case) -> list[Script]:
    """The skills of a case; the one under test is Main, to whose parameters those are added that its runs give it."""
    made: list[Script] = []
    for fence in case.fences:
        if fence.kind == "guidance":
            idn, _, words = fence.words.partition(" ")
            parameters = given_values(words)
            if idn in {"", "Main"}:
                given = {name for values, _ in runs(case) for name in given_values(values)}
                parameters |= dict.fromkeys(sorted(filter(str.islower, given)), "")
            made.append(Script(idn or "Main", fence.body.removesuffix("\n"), parameters))
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


def python_of(done: Compiled) -> str:
    """What stands in Main's `with`, without the `return ""` that ends it."""
    assert done.emitted is not None
    _, _, rest = done.emitted.text.partition("\nasync def Main(")
    _, _, body = rest.partition("\n    with ctx.skill(")
    body = body.partition(":\n")[2].partition("\n\n\n")[0] + "\n"
    return textwrap.dedent(body).removesuffix('return ""\n') or "pass\n"


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case: Case, request: pytest.FixtureRequest) -> None:
    accepting = request.config.getoption("--accept")
    done = compiled(*scripts(case), settings=settings(case))
    found = sorted(done.findings, key=lambda finding: finding.place)
    outputs = {
        "diagnostics": "".join(f"{render_diagnostic(finding)}\n" for finding in found),
        "python": python_of(done) if done.emitted else "",
        "run": "",
    }
    if done.emitted is not None:
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
            outputs["run"] += f"{given} -> {results[0]}\n"
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
