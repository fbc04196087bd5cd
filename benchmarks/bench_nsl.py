"""Templates that both Jinja2 and NSL read: rendered by Jinja2, and compiled."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final

import jinja2
import pytest

from skillrt import Context, Runtime
from skillrt.manifest import ABI
from skillrt.testing import ScriptedProvider
from sources import SKILLS, compiled_module

BRIEF: Final[dict[str, Any]] = {
    "shop": "Spoke & Chain",
    "city": "Berlin",
    "name": "Sue",
    "phone": "555-0123",
    "regular": "t",
    "bike": "touring bike",
    "colour": "green",
    "last_repair": "new brake pads in May",
    "wishes": "a quieter chain",
    "warranty": "yes",
    "warranty_end": "March",
    "memory": "User: My gears slip.\nAgent: Since when?\nUser: Since the rain on Tuesday.",
    "language": "English",
    "tone": "calm",
    "channel": "chat",
    "earliest": "Thursday",
    "stage": "booking",
    "hour": "10:30",
    "price": "89",
    "hours": "9 to 18",
    "mechanic": "Robin",
}
"""Texts for a prompt: what skills are mostly made of."""
ORDER: Final[dict[str, Any]] = {
    "shop": "Spoke & Chain",
    "day": "Monday",
    "note": "",
    "regular": True,
    "name": "Sue",
    "fee": 5,
    "parts": [
        {"name": "chain", "count": 3, "price": 20, "wanted": 1},
        {"name": "cassette", "count": 0, "price": 45, "wanted": 1},
        {"name": "cable", "count": 12, "price": 4, "wanted": 2},
        {"name": "brake pads", "count": 7, "price": 9, "wanted": 4},
    ],
    "answers": {
        "prices": "they include taxes",
        "times": "a week at most",
        "returns": "within a month",
    },
}
"""Data for loops, lookups and filters: what a template is hardest at."""
SKILL_ARGUMENTS: Final = {"Brief": BRIEF, "Order": ORDER}
CALLS = 200


async def capture(ctx: Context, /, **_arguments: Any) -> Any:
    """Hand out the context of an execution."""
    return ctx


SKILL_MANIFEST = {"function": "capture", "model": None, "parameters": {}}
__abi__ = ABI
__manifest__ = {"idn": "bench_nsl", "skills": {"capture": SKILL_MANIFEST}}


def template(name: str) -> str:
    """The text of a skill."""
    return (SKILLS / "nsl" / f"{name}.jinja").read_text("utf-8")


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


def measure(
    benchmark: Any, runner: asyncio.Runner, render: Callable[[], Awaitable[str]], expected: str
) -> None:
    """Time calls that must all give the same text."""

    async def calls() -> str:
        for _ in range(CALLS):
            text = await render()
        return text

    benchmark.extra_info.update(unit="call", count=CALLS)
    assert benchmark(lambda: runner.run(calls())) == expected


def jinja2_render_async(benchmark: Any, runner: asyncio.Runner, name: str) -> None:
    """Render the template of a skill."""
    benchmark.extra_info["baseline"] = True
    source, given = template(name), SKILL_ARGUMENTS[name]
    rendered = jinja2.Environment(enable_async=True).from_string(source)
    expected = jinja2.Environment().from_string(source).render(given)
    measure(benchmark, runner, lambda: rendered.render_async(given), expected)


def compiled(benchmark: Any, runner: asyncio.Runner, name: str) -> None:
    """Into the prompt of an execution, without what starting one costs."""
    skill, given = getattr(compiled_module("nsl"), name), SKILL_ARGUMENTS[name]
    runtime = Runtime(provider=ScriptedProvider(["unused"]))
    expected = runner.run(runtime.run(skill, message="hello", arguments=given)).out
    assert expected == jinja2.Environment().from_string(template(name)).render(given)
    ctx = runner.run(runtime.run(sys.modules[__name__].capture, message="hello")).result

    async def render() -> str:
        ctx.steps = 0
        await skill(ctx, **given)
        return str(ctx.run.out)

    measure(benchmark, runner, render, expected)


@pytest.mark.benchmark(group="NSL prompt")
def test_prompt_by_jinja2(benchmark: Any, runner: asyncio.Runner) -> None:
    jinja2_render_async(benchmark, runner, "Brief")


@pytest.mark.benchmark(group="NSL prompt")
def test_prompt_compiled(benchmark: Any, runner: asyncio.Runner) -> None:
    compiled(benchmark, runner, "Brief")


@pytest.mark.benchmark(group="NSL data")
def test_data_by_jinja2(benchmark: Any, runner: asyncio.Runner) -> None:
    jinja2_render_async(benchmark, runner, "Order")


@pytest.mark.benchmark(group="NSL data")
def test_data_compiled(benchmark: Any, runner: asyncio.Runner) -> None:
    compiled(benchmark, runner, "Order")
