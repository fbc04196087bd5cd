"""A store that lives and ends with the process.

Acts stand in sorted indexes, so that reading the messages of one persona looks at nothing else.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from heapq import merge
from itertools import count
from math import inf
from typing import Literal, NamedTuple, TypeAlias

from skillrt.errors import StoreError
from skillrt.model import Act, Actor, Persona, Session, Timer


class Entry(NamedTuple):
    """Where an act stands in an index."""

    datetime: datetime
    sequence: int
    id: str


Key: TypeAlias = tuple[Literal["acts", "all", "persona", "actor"], str | None]
"""An index: the acts of a persona, or the messages of all, of a persona, of an actor."""


class MemoryStore:
    """Keeps everything in dicts; never fails but for a contradiction, never waits."""

    def __init__(self) -> None:
        """Start empty."""
        self._personas: dict[str, Persona] = {}
        self._actors: dict[str, Actor] = {}
        self._addresses: dict[tuple[str, str, str], str] = {}
        self._acts: dict[str, Act] = {}
        self._sequences: dict[str, int] = {}
        self._next_sequence = count()
        self._indexes: defaultdict[Key, list[Entry]] = defaultdict(list)
        self._states: dict[tuple[str, str], str] = {}
        self._attributes: dict[tuple[str, str], str] = {}
        self._timers: dict[tuple[str | None, str], Timer] = {}
        self._sessions: dict[str, Session] = {}
        self._active: dict[str, str] = {}  # the active session of a persona

    async def persona(self, id: str) -> Persona | None:
        """The persona, or None."""
        return self._personas.get(id)

    async def put_persona(self, persona: Persona) -> None:
        """Create or replace it by id."""
        self._personas[persona.id] = persona

    async def actor(self, id: str) -> Actor | None:
        """The actor, or None."""
        return self._actors.get(id)

    async def put_actor(self, actor: Actor) -> None:
        """Create or replace it by id.

        Raises:
            StoreError: another actor has its key.
        """
        if self._addresses.get(_address(actor), actor.id) != actor.id:
            raise StoreError(f"another actor is {' / '.join(_address(actor))}")
        if before := self._actors.get(actor.id):
            del self._addresses[_address(before)]
        self._addresses[_address(actor)] = actor.id
        self._actors[actor.id] = actor

    async def actors(
        self,
        *,
        persona_id: str | None = None,
        external_id: str | None = None,
        integration_idn: str | None = None,
        connector_idn: str | None = None,
        time_zone: str | None = None,
    ) -> Sequence[Actor]:
        """The actors that match all given filters, in order of creation."""
        candidates: Iterable[Actor] = self._actors.values()
        if external_id is not None and integration_idn is not None and connector_idn is not None:
            known = self._addresses.get((integration_idn, connector_idn, external_id))
            candidates = () if known is None else (self._actors[known],)
        return [
            actor
            for actor in candidates
            if persona_id in (None, actor.persona_id)
            and external_id in (None, actor.external_id)
            and integration_idn in (None, actor.integration_idn)
            and connector_idn in (None, actor.connector_idn)
            and time_zone in (None, actor.time_zone)
        ]

    async def put_act(self, act: Act) -> None:
        """Create or replace it by id; its place in the order is that of its first put."""
        sequence = self._sequences.setdefault(act.id, next(self._next_sequence))
        self._unlist(act.id)
        self._acts[act.id] = act
        for key in _keys(act):
            insort(self._indexes[key], Entry(act.datetime, sequence, act.id))

    def _unlist(self, id: str) -> None:
        """Take an act out of the indexes, if there is one."""
        if act := self._acts.get(id):
            old = Entry(act.datetime, self._sequences[id], id)
            for key in _keys(act):
                entries = self._indexes[key]
                del entries[bisect_left(entries, old)]

    async def act(self, id: str) -> Act | None:
        """The act, or None."""
        return self._acts.get(id)

    async def act_before(self, act: Act) -> Act | None:
        """The last act of its persona before it, of any kind, by (datetime, order of putting)."""
        if act.user_persona_id is None:
            return None
        entries = self._indexes.get(("acts", act.user_persona_id), [])
        own = (act.datetime, self._sequences.get(act.id, inf))
        at = bisect_left(entries, own, key=_order)
        return self._acts[entries[at - 1].id] if at else None

    async def delete_act(self, id: str) -> None:
        """Forget it, if there is one."""
        self._unlist(id)
        self._acts.pop(id, None)
        self._sequences.pop(id, None)

    async def messages(
        self,
        agent_id: str,
        *,
        persona_ids: Sequence[str] | None = None,
        actor_ids: Sequence[str] | None = None,
        session_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Sequence[Act]:
        """The acts of kind message in the agent's memory that match, by (datetime, order of putting)."""
        keys = _keys_read(persona_ids, actor_ids)
        parts = [_between(self._indexes.get(key, []), since, until) for key in keys]
        entries = parts[0] if len(parts) == 1 else merge(*parts)
        return [
            act
            for act in map(self._acts.__getitem__, map(_id, entries))
            if (not act.agent_ids or agent_id in act.agent_ids)
            and session_id in (None, act.session_id)
            and (persona_ids is None or act.user_persona_id in persona_ids)
        ]

    async def state(self, owner: str, name: str) -> str | None:
        """The stored value of a state field, or None when it was never set."""
        return self._states.get((owner, name))

    async def put_state(self, owner: str, name: str, value: str) -> None:
        """Set a state field."""
        self._states[owner, name] = value

    async def attribute(self, owner: str, field: str) -> str | None:
        """The stored value of an attribute, or None."""
        return self._attributes.get((owner, field))

    async def put_attribute(self, owner: str, field: str, value: str) -> None:
        """Set an attribute."""
        self._attributes[owner, field] = value

    async def delete_attribute(self, owner: str, field: str) -> None:
        """Forget it, if there is one."""
        self._attributes.pop((owner, field), None)

    async def session(self, id: str) -> Session | None:
        """The session, or None."""
        return self._sessions.get(id)

    async def put_session(self, session: Session) -> None:
        """Create or replace it by id.

        Raises:
            StoreError: it is active, and so is another one of its persona.
        """
        persona_id = session.user_persona_id
        active = self._active.get(persona_id)
        if session.ended_at is None:
            if active not in (None, session.id):
                raise StoreError(f"another session of persona {persona_id} is active")
            self._active[persona_id] = session.id
        elif active == session.id:
            del self._active[persona_id]
        self._sessions[session.id] = session

    async def active_sessions(self, persona_id: str | None = None) -> Sequence[Session]:
        """Those that have not ended, of one persona or of all, in order of creation."""
        if persona_id is None:
            return [self._sessions[id] for id in self._active.values()]
        active = self._active.get(persona_id)
        return [] if active is None else [self._sessions[active]]

    async def merge_personas(self, master_id: str, other_id: str) -> None:
        """Make everything of the other persona the master's."""
        for actor in await self.actors(persona_id=other_id):
            self._actors[actor.id] = replace(actor, persona_id=master_id)
        for act in [act for act in self._acts.values() if act.user_persona_id == other_id]:
            await self.put_act(replace(act, user_persona_id=master_id))
        for (owner, field), value in list(self._attributes.items()):
            if owner == other_id:
                del self._attributes[owner, field]
                self._attributes.setdefault((master_id, field), value)
        for (persona_id, name), timer in list(self._timers.items()):
            if persona_id == other_id:
                del self._timers[persona_id, name]
                self._timers.setdefault((master_id, name), replace(timer, persona_id=master_id))
        if moved := self._active.pop(other_id, None):
            self._active.setdefault(master_id, moved)
        for session in [s for s in self._sessions.values() if s.user_persona_id == other_id]:
            self._sessions[session.id] = replace(session, user_persona_id=master_id)
        self._personas.pop(other_id, None)

    async def timer(self, persona_id: str | None, name: str) -> Timer | None:
        """The timer of that owner and name, or None."""
        return self._timers.get((persona_id, name))

    async def timers(self) -> Sequence[Timer]:
        """All timers, in order of creation."""
        return list(self._timers.values())

    async def put_timer(self, timer: Timer) -> None:
        """Create or replace it by owner and name."""
        self._timers[timer.persona_id, timer.name] = timer

    async def delete_timer(self, persona_id: str | None, name: str) -> None:
        """Forget it, if there is one."""
        self._timers.pop((persona_id, name), None)


def _address(actor: Actor) -> tuple[str, str, str]:
    return actor.integration_idn, actor.connector_idn, actor.external_id


def _keys(act: Act) -> tuple[Key, ...]:
    """The indexes that an act stands in."""
    acts: Key = ("acts", act.user_persona_id)
    if act.kind != "message":
        return (acts,)
    return acts, ("all", None), ("persona", act.user_persona_id), ("actor", act.actor_id)


def _keys_read(persona_ids: Sequence[str] | None, actor_ids: Sequence[str] | None) -> list[Key]:
    """The indexes that together hold what the filters ask for."""
    if actor_ids is not None:
        return [("actor", id) for id in dict.fromkeys(actor_ids)]
    if persona_ids is not None:
        return [("persona", id) for id in dict.fromkeys(persona_ids)]
    return [("all", None)]


def _between(entries: list[Entry], since: datetime | None, until: datetime | None) -> list[Entry]:
    """The entries from `since` to `until`, both included."""
    low = 0 if since is None else bisect_left(entries, since, key=_datetime)
    high = len(entries) if until is None else bisect_right(entries, until, key=_datetime)
    return entries[low:high]


def _order(entry: Entry) -> tuple[datetime, float]:
    return entry.datetime, entry.sequence


def _datetime(entry: Entry) -> datetime:
    return entry.datetime


def _id(entry: Entry) -> str:
    return entry.id
