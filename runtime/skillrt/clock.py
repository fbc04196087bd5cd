"""Time as an argument: everything that waits or asks for the time does it through a `Clock`."""

from __future__ import annotations

import time
from datetime import UTC, datetime, tzinfo
from functools import cache
from typing import TYPE_CHECKING, Protocol

import anyio

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo


class Clock(Protocol):
    """A source of time that tests can replace by a virtual one (`skillrt.testing.VirtualClock`)."""

    def now(self) -> float:
        """Seconds on a monotonic scale of its own."""
        ...

    def time(self) -> datetime:
        """The moment, aware, in UTC."""
        ...

    async def sleep_until(self, deadline: float) -> None:
        """Return once `now()` has reached `deadline`; a past one yields once."""
        ...


class SystemClock:
    """The machine's clocks, under asyncio and trio alike."""

    now = staticmethod(time.monotonic)
    """Python's monotonic clock: an eighth of the price of asking the event loop, and streams ask per token."""

    def time(self) -> datetime:
        """The system's time."""
        return datetime.now(UTC)

    async def sleep_until(self, deadline: float) -> None:
        """Sleep for what is left."""
        await anyio.sleep(max(0.0, deadline - time.monotonic()))


def time_zone(name: str) -> ZoneInfo:
    """The time zone of an IANA name.

    Raises:
        LookupError: nobody knows it.
    """
    from zoneinfo import ZoneInfo

    if name not in _known_zones():
        raise LookupError(f"unknown time zone {name[:64]!r}")
    return ZoneInfo(name)


def first_zone(*names: str | None) -> tzinfo:
    """The first zone that is given and known, else UTC: channels report zones that nobody knows."""
    for name in filter(None, names):
        try:
            return time_zone(name)
        except LookupError:
            continue
    return UTC


@cache
def _known_zones() -> frozenset[str]:
    """All names: Python looks a zone up as a file, and as a package, and names come from templates and channels."""
    from zoneinfo import available_timezones

    return frozenset(available_timezones())
