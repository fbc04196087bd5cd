"""One skill without a model: compiled, against the same written by hand, and against Jinja2's async rendering."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import jinja2
import pytest

from skillrt import Context, Runtime, actions
from skillrt.manifest import ABI
from skillrt.testing import ScriptedProvider
from sources import compiled_module

PARTS = ["chain", "cassette", "cable", "brake pads"]
CALLS = 100


async def by_hand(
    ctx: Context,
    /,
    *,
    shop: str = "Spoke & Chain",
    note: str = "",
    parts: str = '["chain", "cassette", "cable", "brake pads"]',
    total: str = "84",
) -> str:
    """What a careful colleague writes for the same template, with the same context, prompt and actions."""
    with ctx.skill("by_hand") as out:
        with out.role("system"):
            out.write(f"You take orders for {shop}, a bicycle workshop.\n")
            out.write(f"Note: {note}" if note.strip() else "There is no note from the customer.")
            out.write("\n")
            for number, part in enumerate(json.loads(parts)):
                out.write(f"- {part}: {'in stock' if number == 0 else 'to be ordered'}\n")
            asked = await actions.get_memory(ctx, count=1, from_person="User")
            out.write(f'The customer wrote: "{asked}"\n')
            out.write(f"Total: {int(total) + 5} euros.")
        greeting = f"Hello from {shop}!"
        await actions.set_state(ctx, name="stage", value="ordering")
        return greeting


async def capture(ctx: Context, /, **_arguments: Any) -> Any:
    """Hand out the context of an execution."""
    return ctx


SKILL_MANIFEST = {"function": "capture", "model": None, "parameters": {}}
__abi__ = ABI
__manifest__ = {"idn": "bench_skill", "skills": {"capture": SKILL_MANIFEST}}

TEMPLATE = """
You take orders for {{shop}}, a bicycle workshop.
{% if not note.strip() %}There is no note from the customer.{% else %}Note: {{note}}{% endif %}
{% for part in parts -%}
- {{part}}: {% if loop.first %}in stock{% else %}to be ordered{% endif %}
{% endfor -%}
The customer wrote: "{{memory()}}"
Total: {{total + 5}} euros.
{%- set greeting = "Hello from " ~ shop ~ "!" %}{{ state() }}{{ greeting }}
"""


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


def measure(
    benchmark: Any, runner: asyncio.Runner, skill: Callable[[Context], Awaitable[str]]
) -> None:
    """Time calls of a skill in the context of one execution; what each must say is checked."""
    runtime = Runtime(provider=ScriptedProvider(["unused"]))
    ctx = runner.run(runtime.run(sys.modules[__name__].capture, message="hello")).result

    async def calls() -> str:
        for _ in range(CALLS):
            result = await skill(ctx)
        return result

    benchmark.extra_info.update(unit="call", count=CALLS)
    result = benchmark(lambda: runner.run(calls()))
    assert result.endswith("Hello from Spoke & Chain!")


@pytest.mark.benchmark(group="skill execution")
def test_written_by_hand(benchmark: Any, runner: asyncio.Runner) -> None:
    benchmark.extra_info["baseline"] = True
    measure(benchmark, runner, by_hand)


@pytest.mark.benchmark(group="skill execution")
def test_compiled(benchmark: Any, runner: asyncio.Runner) -> None:
    measure(benchmark, runner, compiled_module("bench").Order)


@pytest.mark.benchmark(group="skill execution")
def test_jinja2_render_async(benchmark: Any, runner: asyncio.Runner) -> None:
    template = jinja2.Environment(enable_async=True).from_string(TEMPLATE)

    async def skill(ctx: Context) -> str:
        async def memory() -> str:
            return await actions.get_memory(ctx, count=1, from_person="User")

        async def state() -> str:
            return await actions.set_state(ctx, name="stage", value="ordering")

        with ctx.skill("jinja"):
            return await template.render_async(
                shop="Spoke & Chain", note="", parts=PARTS, total=84, memory=memory, state=state
            )

    measure(benchmark, runner, skill)
