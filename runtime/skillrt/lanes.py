"""Turns: one at a time for each key, in order of arrival, and any number of keys side by side."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio


@dataclass(slots=True)
class Lane:
    """A lock, and how many have or want it."""

    lock: anyio.Lock = field(default_factory=lambda: anyio.Lock(fast_acquire=True))
    users: int = 0


class Lanes:
    """Locks by key; one that nobody wants is forgotten."""

    def __init__(self) -> None:
        """Nobody waits."""
        self._lanes: dict[Hashable, Lane] = {}

    @asynccontextmanager
    async def turn(self, key: Hashable) -> AsyncGenerator[None, None]:
        """Wait for one's turn, and have it."""
        lane = self._lanes.setdefault(key, Lane())
        lane.users += 1
        try:
            async with lane.lock:
                yield
        finally:
            lane.users -= 1
            if not lane.users:
                del self._lanes[key]
