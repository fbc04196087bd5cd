"""Sessions: when a period of activity of a persona begins, how long it lasts, and what ends it.

1. What an event means to a session is `effect_of`, a function that knows no time and no store.
2. A session's end is kept in the store as a moment of the day, so that it outlives the process; waiting for it is the
   runtime's clock's.
3. Whoever changes the session of a persona has that persona's turn (`Lanes`).

Source: event model, sessions.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from heapq import heappop, heappush
from typing import Final, Literal, NamedTuple, TypeAlias

import anyio

from skillrt.clock import Clock
from skillrt.model import Event, Session
from skillrt.options import Options, SessionTimeouts
from skillrt.stores.base import Store

Reason: TypeAlias = Literal["timeout", "conversation_ended", "requested"]

BEGINNINGS: Final = frozenset({"user_message", "conversation_started"})
INTERNAL: Final = frozenset({"system", "program_timer"})


class Effect(NamedTuple):
    """What an event does to the session of its persona: begin one, be activity in it, end it for a reason.

    `extension_s` replaces the idle timeout this time; None does not.
    """

    begins: bool = False
    active: bool = False
    extension_s: float | None = None
    ends: Reason | None = None


def effect_of(event: Event, activity: bool) -> Effect:
    """What an event means to a session; `activity` is what its connector says of it."""
    internal = event.integration_idn in INTERNAL
    match event.idn:
        case "user_message":
            return Effect(begins=True, active=True)
        case "conversation_started":
            return Effect(begins=True, active=activity)
        case "conversation_ended":
            return Effect(active=activity, ends="conversation_ended")
        case "extend_session" if internal:
            return Effect(active=True, extension_s=_seconds(event.arguments.get("seconds", "")))
        case "end_session" if internal:
            return Effect(ends="requested")
        case _:
            return Effect(active=activity)


def _seconds(text: str) -> float | None:
    """A positive number of seconds; None for anything else."""
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if 0 < seconds < float("inf") else None


class Due(NamedTuple):
    """When a session is to end, on the clock, and why."""

    at: float
    reason: Reason


class Sessions:
    """The active sessions of one runtime and their ends."""

    def __init__(self, store: Store, clock: Clock, options: Options) -> None:
        """None is waited for yet."""
        self._store = store
        self._clock = clock
        self._options = options
        self._due: dict[str, Due] = {}  # by persona
        self._queue: list[tuple[float, str]] = []  # of moments and personas, some of them overtaken
        self._nap: anyio.CancelScope | None = None

    async def note(self, event: Event, *, activity: bool) -> tuple[Session | None, bool]:
        """The session an event belongs to, moved as it says, and whether it began with it."""
        if event.persona_id is None:
            return None, False
        effect = effect_of(event, activity)
        session = await self.active(event.persona_id)
        begins = session is None and effect.begins
        if begins:
            now = self._clock.time()
            session = Session(
                user_persona_id=event.persona_id,
                actor_id=event.actor_id,
                integration_idn=event.integration_idn,
                connector_idn=event.connector_idn,
                created_at=now,
                expires_at=now,
                arguments=event.arguments,
            )
        if session is None:
            return None, False
        message = event.idn == "user_message"
        session = replace(
            session,
            user_messages=session.user_messages + message,
            events=session.events + (not message),
        )
        if begins or effect.active:
            idle_s = effect.extension_s or self._timeouts(session).idle_s
            session = self._until(session, idle_s, "timeout")
        if effect.ends is not None:
            finished = effect.ends == "conversation_ended"
            after_s = self._timeouts(session).finished_s if finished else 0.0
            session = self._until(session, after_s, effect.ends)
        await self._store.put_session(session)
        return session, begins

    async def said(self, persona_id: str) -> None:
        """The agent's message was delivered to the persona."""
        if session := await self.active(persona_id):
            session = replace(session, agent_messages=session.agent_messages + 1)
            session = self._until(session, self._timeouts(session).idle_s, "timeout")
            await self._store.put_session(session)

    async def active(self, persona_id: str) -> Session | None:
        """The persona's session that has not ended."""
        return next(iter(await self._store.active_sessions(persona_id)), None)

    def overdue(self, persona_id: str) -> Reason | None:
        """Why the persona's session is to end now; None while it is not."""
        due = self._due.get(persona_id)
        return due.reason if due is not None and due.at <= self._clock.now() else None

    async def end(self, session: Session) -> Session:
        """The session, ended now."""
        self._due.pop(session.user_persona_id, None)
        session = replace(session, ended_at=self._clock.time())
        await self._store.put_session(session)
        return session

    async def run(self, end: Callable[[str], Awaitable[None]]) -> None:
        """Call `end` for each persona whose session is due, when it is; those of an earlier process too."""
        now = self._clock.time()
        for session in await self._store.active_sessions():
            left_s = (session.expires_at - now).total_seconds()
            self._wait(session.user_persona_id, left_s, "timeout")
        while True:
            at, persona_id = self._queue[0] if self._queue else (math.inf, "")
            if at > self._clock.now():
                with anyio.CancelScope() as self._nap:
                    await (self._clock.sleep_until(at) if self._queue else anyio.sleep_forever())
                continue
            heappop(self._queue)
            due = self._due.get(persona_id)
            if due is not None and due.at > at:
                heappush(self._queue, (due.at, persona_id))
            elif due is not None:
                await end(persona_id)

    def _until(self, session: Session, after_s: float, reason: Reason) -> Session:
        """The session with its end so many seconds from now."""
        self._wait(session.user_persona_id, after_s, reason)
        return replace(session, expires_at=self._clock.time() + timedelta(seconds=after_s))

    def _wait(self, persona_id: str, after_s: float, reason: Reason) -> None:
        due = Due(self._clock.now() + after_s, reason)
        before = self._due.get(persona_id)
        self._due[persona_id] = due
        if (
            before is None or due.at < before.at
        ):  # later ones are found when the earlier moment comes
            heappush(self._queue, (due.at, persona_id))
            if self._nap is not None and self._queue[0] == (due.at, persona_id):
                self._nap.cancel()

    def _timeouts(self, session: Session) -> SessionTimeouts:
        options = self._options
        return options.sessions_by_integration.get(session.integration_idn, options.sessions)
