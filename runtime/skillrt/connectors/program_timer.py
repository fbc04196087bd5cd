"""The connector `program_timer`: events that come later, once or again and again.

1. What a command makes of a timer is `define`, what a tick leaves of it is `ticked`: both know no clock.
2. Plans are moments of the day, so that they outlive the process; waiting is the runtime's clock's.
3. A tick is offered whole, and only then noted in the store. After a crash in between it comes again with the
   same external id, which is how it is known as a duplicate. One that is not taken, because the runtime is being
   left, is not noted: it comes at the next start.

Source: event model, timers.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple, TypeAlias

import anyio
from anyio.abc import TaskGroup, TaskStatus

from skillrt.clock import Clock, first_zone
from skillrt.commands import COMMANDS, read_arguments
from skillrt.connectors.base import ANY, Command, Gateway, Result, Service
from skillrt.errors import ActionError, StoreError
from skillrt.model import Timer
from skillrt.stores.base import Store

log: Final = logging.getLogger("skillrt")

INTEGRATION: Final = "program_timer"
DEFAULT_EVENT: Final = "timer"
RESOLUTION_S: Final = 1e-6

Key: TypeAlias = tuple[str | None, str]
"""Owner (None is the global one) and name."""


class Running(NamedTuple):
    """What a running connector works with."""

    gateway: Gateway
    tasks: TaskGroup


class Wait:
    """A timer's wait for its ticks; over when another timer, or none, takes its place."""

    def __init__(self) -> None:
        """It goes on."""
        self.over = False
        self._scope = anyio.CancelScope()

    async def sleep_until(self, clock: Clock, deadline: float) -> bool:
        """Whether the deadline came before the end."""
        if not self.over:
            with anyio.CancelScope() as self._scope:
                await clock.sleep_until(deadline)
        return not self.over

    def end(self) -> None:
        """Wake whoever sleeps; a tick that is being offered is not torn."""
        self.over = True
        self._scope.cancel()


class ProgramTimer(Service):
    """Keeps the timers of all personas; they are those of its store, so that they survive a restart."""

    integration_idn: str = INTEGRATION
    connector_idn: str = ANY

    def __init__(self, store: Store, clock: Clock, time_zone: str = "UTC") -> None:
        """`time_zone` is that of dates without offset, where the actor has none."""
        self._store = store
        self._clock = clock
        self._time_zone = time_zone
        self._waits: dict[Key, Wait] = {}
        self._turn = anyio.Lock()
        self._running: Running | None = None

    async def run(self, gateway: Gateway, *, task_status: TaskStatus[None]) -> None:
        """Fire timers until cancelled; those that came due meanwhile fire once, at once."""
        async with anyio.create_task_group() as tasks:
            self._running = Running(gateway, tasks)
            try:
                await self.reload()
                task_status.started()
                await anyio.sleep_forever()
            finally:
                self._running = None
                self._waits.clear()

    async def command(self, command: Command) -> Result | None:
        """Set a timer, or switch it off; only what cannot be done has a result, and leaves the timer as it was.

        Raises:
            StoreError: the store failed; nothing has changed.
        """
        if command.idn not in COMMANDS[INTEGRATION]:
            return refusal({}, f"program_timer has no command '{command.idn}'", "unknown_command")
        others: Mapping[str, str] = command.arguments
        try:
            given, others = read_arguments(INTEGRATION, command.idn, command.arguments)
            wanted = setting(command, given, others, self._time_zone)
            async with self._turn:
                kept = await self._store.timer(*wanted.key)
                timer = define(wanted, kept, self._clock.time())
                await self._store.put_timer(timer)
                self._start(timer)
        except ActionError as error:
            return refusal(others, str(error), "bad_arguments")
        return None

    async def reload(self) -> None:
        """Take the timers as they stand in the store now, such as after personas were merged there.

        Raises:
            StoreError: the store failed; nothing has changed.
        """
        async with self._turn:
            timers = await self._store.timers()
            for wait in self._waits.values():
                wait.end()
            self._waits.clear()
            for timer in timers:
                self._start(timer)

    def _start(self, timer: Timer) -> None:
        """Let it run instead of the one of its key that does."""
        key = (timer.persona_id, timer.name)
        if before := self._waits.pop(key, None):
            before.end()
        if self._running is not None and timer.next_fire_at is not None:
            wait = self._waits[key] = Wait()
            self._running.tasks.start_soon(self._keep, timer, self._running.gateway, wait)

    async def _keep(self, timer: Timer, gateway: Gateway, wait: Wait) -> None:
        """Fire it at its times, until there are no more, the wait is over, or nobody takes its ticks."""
        while timer.next_fire_at is not None:
            left = timer.next_fire_at - self._clock.time()
            deadline = self._clock.now() + left.total_seconds()
            if not await wait.sleep_until(self._clock, deadline):
                return
            after = ticked(timer, self._clock.time())
            if not await self._fire(timer, gateway):
                return
            async with self._turn:
                if wait.over:
                    return
                timer = after
                await self._note(timer)
        self._waits.pop((timer.persona_id, timer.name), None)

    async def _fire(self, timer: Timer, gateway: Gateway) -> bool:
        """Whether this tick is over and done with."""
        planned = timer.next_fire_at
        try:
            actor = await self._store.actor(timer.actor_id) if timer.actor_id else None
            emitted = await gateway.emit(
                timer.event_idn,
                actor=actor,
                persona_id=timer.persona_id,
                arguments={"timerName": timer.name, **timer.arguments},
                external_event_id=f"{timer.id}/{planned.isoformat() if planned else ''}",
                connector_idn=timer.connector_idn,
            )
        except StoreError:
            log.exception("timer %s could not fire", timer.name)
            return True
        return emitted.taken

    async def _note(self, timer: Timer) -> None:
        try:
            await self._store.put_timer(timer)
        except StoreError:
            log.exception("that timer %s fired was not noted", timer.name)


# --- what a command means ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A timer command, read: None is what was not given."""

    id: str
    idn: str
    key: Key
    connector_idn: str
    event_idn: str | None
    fire_at: datetime | None
    interval_s: float | None
    repeatable: bool | None
    enabled: bool | None
    actor_id: str | None
    arguments: Mapping[str, str]

    @property
    def counts(self) -> bool:
        """Whether its interval means something: beside a date, once is once."""
        return self.interval_s is not None and (self.fire_at is None or bool(self.repeatable))

    @property
    def cancels(self) -> bool:
        """Whether the timer is switched off: by name, or by an interval that none can have."""
        if self.enabled is not None:
            return not self.enabled
        return self.counts and self.interval_s is not None and self.interval_s <= 0


def setting(
    command: Command, given: Mapping[str, Any], others: Mapping[str, str], time_zone: str
) -> Setting:
    """What a command says; the timer's name and its connector stand for each other.

    Raises:
        ActionError: it has neither, or a date that no clock reaches.
    """
    name = given.get("timerName") or command.connector_idn
    if not name:
        raise ActionError(command.idn, "timerName", "missing: a timer has a name or a connector")
    date = given.get("fireAt")
    zone = command.actor.time_zone if command.actor else ""
    return Setting(
        id=command.id,
        idn=command.idn,
        key=(given.get("personaId") or command.persona_id, name),
        connector_idn=command.connector_idn or name,
        event_idn=given.get("eventIdn"),
        fire_at=None if date is None else moment_in(command.idn, date, zone, time_zone),
        interval_s=given.get("interval"),
        repeatable=True if command.idn != "set_timer" else given.get("repeatable"),
        enabled=given.get("enabled"),
        actor_id=command.actor.id if command.actor else None,
        arguments=others,
    )


def moment_in(idn: str, date: str, *zones: str) -> datetime:
    """The moment of a clean date; one without offset is meant in the first zone that is known."""
    parsed = datetime.fromisoformat(date)
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=first_zone(*zones))
    try:
        return parsed.astimezone(UTC)
    except OverflowError:
        raise ActionError(idn, "fireAt", "is too far away") from None


def define(wanted: Setting, kept: Timer | None, now: datetime) -> Timer:
    """The timer as a command leaves it, when `kept` was there before.

    With a time it is a new one; without, the kept definition is switched on or off.

    Raises:
        ActionError: it has no time, or one that cannot be.
    """
    given_s = wanted.interval_s if wanted.counts else None
    if not wanted.cancels and given_s is not None and given_s < RESOLUTION_S:
        reason = f"expected seconds, more than 0, got {given_s:g}"
        raise ActionError(wanted.idn, "interval", reason)
    timed = wanted.fire_at is not None or (given_s is not None and given_s >= RESOLUTION_S)
    if timed or kept is None:
        timer = Timer(
            id=wanted.id,
            persona_id=wanted.key[0],
            name=wanted.key[1],
            connector_idn=wanted.connector_idn,
            event_idn=wanted.event_idn or DEFAULT_EVENT,
            fire_at=wanted.fire_at,
            interval_s=given_s if timed else None,
            repeatable=bool(wanted.repeatable),
            actor_id=wanted.actor_id,
            arguments=wanted.arguments,
        )
    else:
        timer = replace(
            kept,
            id=wanted.id,
            event_idn=wanted.event_idn or kept.event_idn,
            repeatable=kept.repeatable if wanted.repeatable is None else wanted.repeatable,
            actor_id=wanted.actor_id or kept.actor_id,
            arguments=wanted.arguments or kept.arguments,
        )
    if wanted.cancels:
        return replace(timer, enabled=False, next_fire_at=None)
    if not timed and not wanted.enabled:
        raise ActionError(wanted.idn, "interval", "missing: a timer needs an interval or fireAt")
    return replace(timer, enabled=True, next_fire_at=first_tick(wanted.idn, timer, now))


def first_tick(idn: str, timer: Timer, now: datetime) -> datetime:
    """When a timer that starts now fires first.

    Raises:
        ActionError: it has no time, or no interval and repeats, or there is no such date.
    """
    if timer.fire_at is not None and (timer.interval_s is not None or not timer.repeatable):
        return timer.fire_at
    if timer.interval_s is None:
        raise ActionError(idn, "interval", "missing: nothing says when the timer fires")
    try:
        return now + timedelta(seconds=timer.interval_s)
    except OverflowError:
        raise ActionError(idn, "interval", "is too long") from None


def ticked(timer: Timer, now: datetime) -> Timer:
    """The timer after it fired: its next tick is the first planned one to come, however many were missed.

    Source: event model, timers: "counted from the planned time; missed ticks collapse into one".
    """
    planned, interval_s = timer.next_fire_at, timer.interval_s
    if planned is None or interval_s is None or not timer.repeatable:
        return replace(timer, next_fire_at=None)
    # The clock that wakes and the one that tells the time may differ by a moment: never the same tick again.
    missed = max((now - planned) // timedelta(seconds=interval_s), 0)
    try:
        return replace(timer, next_fire_at=planned + (missed + 1) * timedelta(seconds=interval_s))
    except OverflowError:
        return replace(timer, next_fire_at=None)


def refusal(others: Mapping[str, str], message: str, code: str) -> Result:
    """A result that says what is wrong, with what the command carried for its handler."""
    return Result(ok=False, arguments={**others, "message": message, "code": code})
