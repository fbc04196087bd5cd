"""The virtual clock: time moves only by hand, and everything happens at its moment."""

from __future__ import annotations

import time
from datetime import timedelta

import anyio
import anyio.lowlevel
import pytest

from skillrt import SystemClock
from skillrt.testing.clock import START, TURNS, VirtualClock

pytestmark = pytest.mark.anyio


async def test_sleepers_wake_in_order_and_at_their_moment() -> None:
    clock = VirtualClock()
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, moment: float) -> None:
        await clock.sleep_until(moment)
        woken.append((name, clock.now()))

    async with anyio.create_task_group() as tasks:
        for name, moment in (("c", 3.0), ("a", 1.0), ("b", 2.0), ("late", 9.0)):
            tasks.start_soon(sleeper, name, moment)
        await clock.advance(5.0)
        assert woken == [("a", 1.0), ("b", 2.0), ("c", 3.0)]
        assert (clock.now(), clock.time()) == (5.0, START + timedelta(seconds=5))
        await clock.advance(4.0)
    assert woken[-1] == ("late", 9.0)


async def test_what_a_sleeper_starts_happens_before_the_next_moment() -> None:
    clock = VirtualClock()
    woken = []

    async def twice() -> None:
        await clock.sleep_until(1.0)
        await clock.sleep_until(1.5)
        woken.append(clock.now())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(twice)
        await clock.advance(2.0)
    assert woken == [1.5]


@pytest.mark.parametrize("turns", range(TURNS - 4, TURNS + 4))
async def test_the_next_moment_waits_for_a_task_that_just_ended(turns: int) -> None:
    """Whoever waits for the task learns of its end a turn later, and may have more to do at this moment."""
    clock = VirtualClock()
    woken = []

    async def work() -> None:
        for _ in range(turns):
            await anyio.lowlevel.checkpoint()

    async def boss() -> None:
        async with anyio.create_task_group() as workers:
            workers.start_soon(work)
        await clock.sleep_until(1.0)
        woken.append(clock.now())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(boss)
        tasks.start_soon(clock.sleep_until, 600.0)
        await clock.advance(600.0)
    assert woken == [1.0]


async def test_cancelled_sleeper_is_forgotten() -> None:
    clock = VirtualClock()
    with anyio.CancelScope() as scope:
        scope.cancel()
        await clock.sleep_until(1.0)
    assert clock._sleepers == []


async def test_running_clock_jumps_whenever_everything_waits() -> None:
    clock = VirtualClock()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(clock.run)
        await clock.sleep_until(3600.0)
        await clock.sleep_until(7200.0)
        assert clock.now() == 7200.0
        tasks.cancel_scope.cancel()


async def test_past_moment_yields_once() -> None:
    for clock in (VirtualClock(), SystemClock()):
        before = clock.now()
        await clock.sleep_until(before - 1.0)
        assert clock.now() >= before


async def test_work_of_many_short_tasks_is_no_rest() -> None:
    """Whoever waits for a task that has just ended seems to wait for something outside."""
    clock = VirtualClock()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(clock.run)
        tasks.start_soon(clock.sleep_until, 600.0)
        until = time.monotonic() + 1.5
        while time.monotonic() < until:
            async with anyio.create_task_group() as inner:
                inner.start_soon(anyio.lowlevel.checkpoint)
        assert clock.now() == 0.0
        tasks.cancel_scope.cancel()
