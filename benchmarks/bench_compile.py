"""Compiling and importing: against Python's own compiler, and against a template of half the size."""

from __future__ import annotations

import marshal
from dataclasses import replace
from types import CodeType
from typing import Any

import pytest

from skillc.compile import compile_flow
from skillc.ir import Flow
from skillc.passes import Settings
from skillc.project.load import load
from skillc.source import Source
from sources import SKILLS, compiled_text

SETTINGS = Settings(similarity="normalized")


def flow_of_size(times: int) -> Flow:
    """One skill whose text is that of the sample so many times over."""
    (flow,) = load(SKILLS / "bench").flows
    (skill,) = flow.skills
    body = skill.source.text.partition("{{Return")[0]
    source = Source(skill.source.path, body * times, skill.source.name)
    return replace(flow, skills=(replace(skill, source=source),))


@pytest.mark.benchmark(group="compile, text doubled")
@pytest.mark.parametrize("times", [20, 40])
def test_compile(benchmark: Any, times: int) -> None:
    flow = flow_of_size(times)
    benchmark.extra_info.update(baseline=times == 20, unit="skill")
    emitted = benchmark.pedantic(lambda: compile_flow(flow, SETTINGS), rounds=7, warmup_rounds=1)
    assert emitted.text.count("get_memory") == times


@pytest.mark.benchmark(group="compile one flow")
def test_python_compiles_the_result(benchmark: Any) -> None:
    text = compiled_text("bench")
    benchmark.extra_info.update(baseline=True, unit="flow")
    assert isinstance(benchmark(lambda: compile(text, "bench.py", "exec")), CodeType)


@pytest.mark.benchmark(group="compile one flow")
def test_skillc_compiles_the_template(benchmark: Any) -> None:
    (flow,) = load(SKILLS / "bench").flows
    benchmark.extra_info.update(unit="flow")
    assert "Order" in benchmark(lambda: compile_flow(flow, SETTINGS)).text


HAND_WRITTEN = """
from __future__ import annotations

from typing import Any

from skillrt import Context, actions


async def Order(ctx: Context, /, *, shop: str = "Spoke & Chain", **extra: Any) -> str:
    with ctx.skill("Order") as out:
        with out.role("system"):
            out.write(f"You take orders for {shop}, a bicycle workshop.")
            out.write(await actions.get_memory(ctx, count=1, from_person="User"))
        return f"Hello from {shop}!"
"""


def imported(cached: bytes) -> dict[str, Any]:
    """What importing a module does once its bytecode was read: unmarshal and execute."""
    namespace: dict[str, Any] = {"__name__": "bench"}
    exec(marshal.loads(cached), namespace)
    return namespace


@pytest.mark.benchmark(group="import from bytecode")
def test_import_of_a_hand_written_module(benchmark: Any) -> None:
    cached = marshal.dumps(compile(HAND_WRITTEN, "bench.py", "exec"))
    benchmark.extra_info.update(baseline=True, unit="import")
    assert "Order" in benchmark(lambda: imported(cached))


@pytest.mark.benchmark(group="import from bytecode")
def test_import_of_a_compiled_module(benchmark: Any) -> None:
    cached = marshal.dumps(compile(compiled_text("bench"), "bench.py", "exec"))
    benchmark.extra_info.update(unit="import")
    assert "Order" in benchmark(lambda: imported(cached))
