"""The one task beside a generation that looks at the clock, so that the hot path never has to.

Whoever waits only notes when the wait began; the watchdog asks for the limits in force, sleeps until the next, and
lets it expire.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, NamedTuple

import anyio

from skillrt.clock import Clock


class Limit(NamedTuple):
    """At the moment `due` call `expire`, which also has to lift the limit."""

    due: float
    expire: Callable[[], None]


class Watchdog:
    """Lets limits expire in time, as long as it runs."""

    def __init__(
        self, clock: Clock, limits: Callable[[], Iterable[Limit]], shortest_s: float
    ) -> None:
        """`limits` tells those in force; one that begins unannounced lasts at least `shortest_s`."""
        self._clock = clock
        self._limits = limits
        self._shortest_s = shortest_s
        self._over = False
        self._nap = anyio.CancelScope()

    async def run(self) -> None:
        """Watch until `stop`."""
        while not self._over:
            now = self._clock.now()
            nearest = min(self._limits(), key=lambda limit: limit.due, default=None)
            if nearest is not None and nearest.due <= now:
                nearest.expire()
                continue
            due = math.inf if nearest is None else nearest.due
            with anyio.CancelScope() as self._nap:
                await self._clock.sleep_until(min(due, now + self._shortest_s))

    def wake(self) -> None:
        """Look again now: a limit began that may be shorter than the shortest."""
        self._nap.cancel()

    def stop(self) -> None:
        """End `run`."""
        self._over = True
        self._nap.cancel()


async def beside(
    watch: Callable[[], Coroutine[Any, Any, None]], work: Callable[[], Awaitable[None]]
) -> None:
    """Do `work` with `watch` as a second task, which must end by itself once the work is done.

    An error of either leaves as it was raised, not wrapped in a group.
    """
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch)
            await work()
    except BaseExceptionGroup as group:
        raise sole(group) from None


def sole(error: BaseException) -> BaseException:
    """The error itself; of a group, however deep, the first that is no cancellation."""
    parts: tuple[BaseException, ...] = getattr(error, "exceptions", ())
    errors = (part for part in parts if not isinstance(part, anyio.get_cancelled_exc_class()))
    return sole(next(errors, parts[0])) if parts else error
