"""A clock that stands still until a test moves it."""

from __future__ import annotations

import heapq
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final

import anyio
import anyio.lowlevel

START: Final = datetime(2026, 1, 1, tzinfo=UTC)
TURNS: Final = 50
QUIET_TURNS: Final = 4
AT_ONCE_S: Final = 0.05


class VirtualClock:
    """Virtual seconds from 0; whoever sleeps wakes when `advance` (or `run`) gets there, in order.

    Between two moments everything that can run does, so that a test sees each moment by itself.
    """

    def __init__(self, start: datetime = START) -> None:
        """`start` is what `time()` says at 0."""
        self._now = 0.0
        self._start = start
        self._sleepers: list[tuple[float, int, anyio.Event]] = []
        self._numbers = count()
        self._slept = anyio.Event()

    def now(self) -> float:
        """Virtual seconds since the start."""
        return self._now

    def time(self) -> datetime:
        """The virtual moment."""
        return self._start + timedelta(seconds=self._now)

    async def sleep_until(self, deadline: float) -> None:
        """Wait until the clock is moved to `deadline`; a past one yields once."""
        if deadline <= self._now:
            await anyio.lowlevel.checkpoint()
            return
        sleeper = (deadline, next(self._numbers), anyio.Event())
        heapq.heappush(self._sleepers, sleeper)
        self._slept.set()
        try:
            await sleeper[2].wait()
        finally:
            if sleeper in self._sleepers:
                self._sleepers.remove(sleeper)
                heapq.heapify(self._sleepers)

    async def advance(self, seconds: float) -> None:
        """Move on by `seconds`, waking sleepers at their moments; return when all that follows has happened."""
        until = self._now + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= until:
            self._wake_next()
            await settle()
        self._now = until

    async def run(self) -> None:
        """Jump to the next sleeper whenever nothing else can happen, until cancelled.

        Only where everything waits for this clock or for each other: a wait for a real socket looks like nothing.
        """
        while True:
            await settle()
            if self._sleepers:
                self._wake_next()
            else:
                self._slept = anyio.Event()
                await self._slept.wait()

    def _wake_next(self) -> None:
        deadline, _, event = heapq.heappop(self._sleepers)
        self._now = max(self._now, deadline)
        event.set()


async def settle() -> None:
    """Return when every other task waits for something outside.

    A few turns first: anyio's own answer costs a tenth of a second on asyncio when it has to ask twice. There it
    does not know of a task that is done and whose end nobody was told yet: so it has to hold for some turns on end.
    """
    for _ in range(TURNS):
        await anyio.lowlevel.checkpoint()
    quiet_turns = 0
    while quiet_turns < QUIET_TURNS:
        with anyio.move_on_after(AT_ONCE_S if quiet_turns else None) as at_once:
            await anyio.wait_all_tasks_blocked()
        quiet_turns = 0 if at_once.cancelled_caught else quiet_turns + 1
