"""What an arriving event does to an execution: every rule of interruption, and nothing that knows the time.

1. Each rule stands here once; queues, streams and actions ask.
2. Protection is computed when somebody asks: from the event, the open blocks and the holds. A hold is a predicate,
   so that no timer has to close a window.
3. A request takes effect where the execution waits at a point, else at its next point. What is no point is never
   torn, whatever it waits for.

Source: event model, offering an event, what the running skill experiences, decision table.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import contextmanager
from enum import Enum
from typing import Final, Literal, NamedTuple, TypeAlias, assert_never

import anyio.lowlevel

Mode: TypeAlias = Literal["queue", "interrupt", "cancel"]
InterruptMode: TypeAlias = Literal["interruptWindow", "interrupt", "none"]


class Decision(Enum):
    """What becomes of an offered event."""

    STARTED = "started"
    QUEUED = "queued"
    DROPPED = "dropped"
    REFUSED = "refused"


class Offered(NamedTuple):
    """The answer to an offer: what became of the event, and whether it cut a stream in progress."""

    decision: Decision
    cut: bool = False


class Arrival(NamedTuple):
    """What an event does to a busy flow instance: to itself, to the events before it, to the execution."""

    decision: Decision
    clears: bool
    reaches: Literal["nothing", "stream", "execution"]


# (mode of the subscription, is it user input) -> what happens when the instance is busy. An idle one starts.
ON_ARRIVAL: Final[Mapping[tuple[Mode, bool], Arrival]] = {
    ("queue", True): Arrival(Decision.QUEUED, clears=False, reaches="stream"),
    ("queue", False): Arrival(Decision.QUEUED, clears=False, reaches="nothing"),
    ("interrupt", True): Arrival(Decision.QUEUED, clears=True, reaches="execution"),
    ("interrupt", False): Arrival(Decision.QUEUED, clears=True, reaches="execution"),
    ("cancel", True): Arrival(Decision.DROPPED, clears=False, reaches="nothing"),
    ("cancel", False): Arrival(Decision.DROPPED, clears=False, reaches="nothing"),
}


def stream_protects(mode: InterruptMode, window_s: float, heard_s: float | None) -> bool:
    """Whether a stream postpones interruptions now, `heard_s` seconds after its first delivery (None: before it).

    Before the first delivery a window is open, since the person heard nothing yet. At its limit it is closed.
    """
    match mode:
        case "interrupt":
            return False
        case "none":
            return True
        case "interruptWindow":
            return heard_s is not None and heard_s >= window_s
        case _:
            assert_never(mode)


class Execution:
    """How far one execution can be interrupted right now."""

    __slots__ = ("_cut", "_holds", "_stop", "_to", "_waits", "blocks", "pending", "uninterruptible")

    def __init__(self, stop: Callable[[], None], *, uninterruptible: bool = False) -> None:
        """`stop` ends the execution at the point where it waits, such as the `cancel` of its scope."""
        self._stop = stop
        self._cut: Callable[[], bool] | None = None
        self._to: Collection[str] = ()
        self._holds: list[Callable[[], bool]] = []
        self._waits = 0
        self.uninterruptible = uninterruptible
        self.blocks = 0
        """Not-interruptible blocks that its skills have open."""
        self.pending = False
        """Whether an interruption was requested."""

    @property
    def protected(self) -> bool:
        """Whether a request must be remembered instead of obeyed."""
        return self.uninterruptible or self.blocks > 0 or any(hold() for hold in self._holds)

    def cut_stream(self) -> bool:
        """End the stream in progress, if it may be; whether one was ended. The skill goes on."""
        return self._cut is not None and not self.protected and self._cut()

    def request_interrupt(self) -> bool:
        """Stop the execution here or at its next unprotected point; whether a stream was ended by it."""
        self.pending = True
        cut = self.cut_stream()  # before the scope around it, so that a write under way is not torn
        if self._waits and not self.protected:
            self._stop()
        return cut

    async def point(self) -> None:
        """Stop here if an interruption is pending and nothing protects; else let others run."""
        if self.pending and not self.protected:
            self._stop()
        with self.waiting():
            await anyio.lowlevel.checkpoint()

    @contextmanager
    def waiting(self) -> Generator[None]:
        """Make a wait part of a point: a request that arrives inside is obeyed at once."""
        self._waits += 1
        try:
            yield
        finally:
            self._waits -= 1

    @contextmanager
    def holding(self, hold: Callable[[], bool]) -> Generator[None]:
        """Protect while `hold()` is true."""
        self._holds.append(hold)
        try:
            yield
        finally:
            self._holds.remove(hold)

    @contextmanager
    def streaming(
        self, cut: Callable[[], bool], actor_ids: Collection[str] = ()
    ) -> Generator[None]:
        """Have a stream to these actors in progress; `cut` ends it and says whether it was still going on."""
        self._cut, self._to = cut, actor_ids
        try:
            yield
        finally:
            self._cut, self._to = None, ()

    def barge_in(self, actor_id: str) -> bool:
        """This actor began to speak: end the stream in progress if it is to that one and may be."""
        return actor_id in self._to and self.cut_stream()
