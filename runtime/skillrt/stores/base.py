"""The store port: get, put and query on the keys of the data model; one call is atomic."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from skillrt.model import Act, Actor, Persona, Session, Timer


class Store(Protocol):
    """Where what must outlive an execution is kept.

    Every method raises StoreError when the store fails; then nothing of that call is written.
    """

    async def persona(self, id: str) -> Persona | None:
        """The persona, or None."""
        ...

    async def put_persona(self, persona: Persona) -> None:
        """Create or replace it by id."""
        ...

    async def actor(self, id: str) -> Actor | None:
        """The actor, or None."""
        ...

    async def put_actor(self, actor: Actor) -> None:
        """Create or replace it by id; the key (integration, connector, external id) stays unique."""
        ...

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
        ...

    async def put_act(self, act: Act) -> None:
        """Create or replace it by id; its place in the order is that of its first put."""
        ...

    async def act(self, id: str) -> Act | None:
        """The act, or None."""
        ...

    async def act_before(self, act: Act) -> Act | None:
        """The last act of its persona before it, of any kind, by (datetime, order of putting); None if there is none.

        An act that is not in the store is taken to be the last of its moment; of a global act nothing is known.
        """
        ...

    async def delete_act(self, id: str) -> None:
        """Forget it, if there is one."""
        ...

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
        """The acts of kind message in the agent's memory that match, by (datetime, order of putting).

        An empty sequence of ids matches nothing, None everything. `since` and `until` are included.
        """
        ...

    async def state(self, owner: str, name: str) -> str | None:
        """The stored value of a state field, or None when it was never set."""
        ...

    async def put_state(self, owner: str, name: str, value: str) -> None:
        """Set a state field."""
        ...

    async def attribute(self, owner: str, field: str) -> str | None:
        """The stored value of an attribute of a persona, project or customer, or None."""
        ...

    async def put_attribute(self, owner: str, field: str, value: str) -> None:
        """Set an attribute."""
        ...

    async def delete_attribute(self, owner: str, field: str) -> None:
        """Forget it, if there is one."""
        ...

    async def session(self, id: str) -> Session | None:
        """The session, or None."""
        ...

    async def put_session(self, session: Session) -> None:
        """Create or replace it by id; of one persona at most one is active."""
        ...

    async def active_sessions(self, persona_id: str | None = None) -> Sequence[Session]:
        """Those that have not ended, of one persona or of all, in order of creation."""
        ...

    async def merge_personas(self, master_id: str, other_id: str) -> None:
        """Make everything of the other persona the master's: actors, acts, attributes, sessions and timers.

        Where both have one, the master's attribute, active session or timer stays. The other persona is forgotten.
        """
        ...

    async def timer(self, persona_id: str | None, name: str) -> Timer | None:
        """The timer of that owner (None is the global one) and name, or None."""
        ...

    async def timers(self) -> Sequence[Timer]:
        """All timers, in order of creation."""
        ...

    async def put_timer(self, timer: Timer) -> None:
        """Create or replace it by owner and name."""
        ...

    async def delete_timer(self, persona_id: str | None, name: str) -> None:
        """Forget it, if there is one."""
        ...
