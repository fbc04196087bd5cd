"""A store that lives and ends with the process.

Messages stand in sorted indexes, so that reading those of one persona looks at nothing else.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from heapq import merge
from typing import Literal, NamedTuple, TypeAlias

from skillrt.errors import StoreError
from skillrt.model import Act, Actor, Persona


class Entry(NamedTuple):
    """Where a message stands in an index."""

    datetime: datetime
    sequence: int
    id: str


Key: TypeAlias = tuple[Literal["all", "persona", "actor"], str | None]


class MemoryStore:
    """Keeps everything in dicts; never fails but for a contradiction, never waits."""

    def __init__(self) -> None:
        """Start empty."""
        self._personas: dict[str, Persona] = {}
        self._actors: dict[str, Actor] = {}
        self._addresses: dict[tuple[str, str, str], str] = {}
        self._acts: dict[str, Act] = {}
        self._sequences: dict[str, int] = {}
        self._messages: defaultdict[Key, list[Entry]] = defaultdict(list)
        self._states: dict[tuple[str, str], str] = {}
        self._attributes: dict[tuple[str, str], str] = {}

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
        sequence = self._sequences.setdefault(act.id, len(self._sequences))
        before = self._acts.get(act.id)
        if before is not None and before.kind == "message":
            old = Entry(before.datetime, sequence, act.id)
            for key in _keys(before):
                entries = self._messages[key]
                del entries[bisect_left(entries, old)]
        self._acts[act.id] = act
        if act.kind == "message":
            for key in _keys(act):
                insort(self._messages[key], Entry(act.datetime, sequence, act.id))

    async def act(self, id: str) -> Act | None:
        """The act, or None."""
        return self._acts.get(id)

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
        """The agent's acts of kind message that match, by (datetime, order of putting).

        An act without an agent is one of every agent's.
        """
        keys = _keys_read(persona_ids, actor_ids)
        parts = [_between(self._messages.get(key, []), since, until) for key in keys]
        entries = parts[0] if len(parts) == 1 else merge(*parts)
        return [
            act
            for act in map(self._acts.__getitem__, map(_id, entries))
            if act.agent_id in (agent_id, None)
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


def _address(actor: Actor) -> tuple[str, str, str]:
    return actor.integration_idn, actor.connector_idn, actor.external_id


def _keys(act: Act) -> tuple[Key, Key, Key]:
    """The indexes that a message stands in."""
    return ("all", None), ("persona", act.user_persona_id), ("actor", act.actor_id)


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


def _datetime(entry: Entry) -> datetime:
    return entry.datetime


def _id(entry: Entry) -> str:
    return entry.id
