"""A flow instance: what one flow owes to one persona, an event at a time and in order."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import anyio
from anyio.abc import TaskGroup

from skillrt.connectors.base import Connector
from skillrt.context import Run, SkillFunction
from skillrt.interrupts import ON_ARRIVAL, Decision, Execution, Mode, Offered
from skillrt.model import Act, Event
from skillrt.projects import Flow

log: Final = logging.getLogger("skillrt")


@dataclass(frozen=True, slots=True)
class Entry:
    """Which skill of a flow events run, with what arguments, and which connectors it reaches.

    Without a skill it is the one that state field `state` names when the event's turn comes.
    """

    flow: Flow
    skill: SkillFunction | None
    connectors: Mapping[tuple[str, str], Connector]
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    state: str = ""


@dataclass(slots=True, eq=False)
class Item:
    """An event on its way through a flow instance.

    `awaited` says that somebody waits for its run and drives the instance himself when it is its turn. `error` is
    what ended the run, if it was not its end.
    """

    event: Event
    act: Act
    entry: Entry
    run: Run
    awaited: bool = False
    recorded: bool = False
    error: Exception | None = None


class FlowInstance:
    """One queue and at most one execution. Source: event model, flow instances and offering an event."""

    def __init__(
        self,
        flow: str,
        persona_id: str | None,
        entry: Entry,
        carry_out: Callable[[Item, Execution, TaskGroup], Awaitable[None]],
        queue_length: int,
    ) -> None:
        """`entry` is for events that bring none of their own; `carry_out` runs one item, with tasks beside it."""
        self.flow = flow
        self.persona_id = persona_id
        self.entry = entry
        self.tasks: TaskGroup | None = None
        """Of whoever drives the instance at the moment; None while nobody does."""
        self.expected = False
        """Whether a driver in the background is on its way."""
        self._carry_out = carry_out
        self._queue: deque[Item] = deque()
        self._queue_length = queue_length
        self._current: Item | None = None
        self._execution: Execution | None = None
        self._turn = anyio.Lock()

    @property
    def busy(self) -> bool:
        """Whether an event runs or waits."""
        return self._current is not None or bool(self._queue)

    def offer(self, item: Item, mode: Mode) -> Offered:
        """Queue or drop an event, and interrupt what it may."""
        event = item.event
        offered = Offered(Decision.STARTED)
        if self.busy:
            arrival = ON_ARRIVAL[mode, event.user_input]
            if arrival.clears:
                self._clear(event)
            offered = Offered(arrival.decision)
            if arrival.decision is Decision.QUEUED and len(self._queue) >= self._queue_length:
                log.error("event %s refused: the queue of its flow is full", event.idn)
                offered = Offered(Decision.REFUSED)
            elif self._execution is not None and self._current is not None:
                if arrival.reaches == "stream":
                    offered = Offered(arrival.decision, self._execution.cut_stream())
                elif arrival.reaches == "execution" and self._current.event.id != event.id:
                    offered = Offered(arrival.decision, self._execution.request_interrupt())
        item.run.decision = offered.decision
        if offered.decision in (Decision.STARTED, Decision.QUEUED):
            self._queue.append(item)
        return offered

    async def drive(self, own: Item | None, tasks: TaskGroup) -> None:
        """Carry out what waits, in order, until nothing does or an event is next that somebody else awaits.

        Cancelled, it stops the execution under way and withdraws `own` if that has not begun.
        """
        try:
            async with self._turn:
                if own is None:
                    self.expected = False
                self.tasks = tasks
                try:
                    while self._queue and (self._queue[0] is own or not self._queue[0].awaited):
                        item = self._queue.popleft()
                        if own is not None and item is not own:
                            own.run.followed.append(item.run)
                        await self._execute(item, tasks)
                finally:
                    self.tasks = None
        finally:
            if own is not None and own in self._queue:
                self._queue.remove(own)

    def drop_waiting(self) -> int:
        """Drop what waits and is not awaited by a host; how many events that were."""
        kept = deque(item for item in self._queue if item.awaited)
        dropped = len(self._queue) - len(kept)
        self._queue = kept
        return dropped

    def barge_in(self, actor_id: str) -> None:
        """The actor began to speak: a stream to it is cut, if it may be."""
        if self._execution is not None:
            self._execution.barge_in(actor_id)

    async def _execute(self, item: Item, tasks: TaskGroup) -> None:
        item.run.decision = Decision.STARTED
        self._current = item
        try:
            with anyio.CancelScope() as scope:
                self._execution = Execution(
                    scope.cancel, uninterruptible=item.event.uninterruptible
                )
                await self._carry_out(item, self._execution, tasks)
            item.run.interrupted = scope.cancelled_caught
            if item.run.interrupted:
                log.info("skill %s was interrupted", item.run.skill)
        except Exception as error:
            item.error = error
            if not item.awaited:
                log.exception("skill %s failed", item.run.skill)
        finally:
            self._current = self._execution = None

    def _clear(self, arriving: Event) -> None:
        """Drop what waits, but for what must run to its end and what the same event brought."""
        kept: deque[Item] = deque()
        for item in self._queue:
            if item.event.uninterruptible or item.event.id == arriving.id:
                kept.append(item)
            else:
                item.run.decision = Decision.DROPPED
        self._queue = kept
