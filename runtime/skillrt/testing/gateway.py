"""A gateway that remembers what a connector did with it, for tests of connectors without a runtime."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from skillrt.connectors.base import Command, Emitted, Result
from skillrt.model import Actor, Event, Persona, is_user_input, new_id
from skillrt.stores.base import Store
from skillrt.stores.memory import MemoryStore
from skillrt.values import all_stored, stored


@dataclass(slots=True)
class RecordingGateway:
    """Makes actors in its store, and keeps what was emitted, in order."""

    integration_idn: str = "sandbox"
    connector_idn: str = "sandbox"
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    store: Store = field(default_factory=MemoryStore)
    events: list[Event] = field(default_factory=list[Event])
    results: list[tuple[Command, Result]] = field(default_factory=list[tuple[Command, Result]])
    barged_in: list[Actor] = field(default_factory=list[Actor])
    amended: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])

    async def actor(
        self,
        external_id: str,
        *,
        name: str = "",
        time_zone: str = "",
        persona_id: str | None = None,
    ) -> Actor:
        """The actor of that external id, made when it is new."""
        known = await self.store.actors(
            external_id=external_id,
            integration_idn=self.integration_idn,
            connector_idn=self.connector_idn,
        )
        if known:
            return known[0]
        if persona_id is None:
            persona = Persona(name=name or "User")
            await self.store.put_persona(persona)
            persona_id = persona.id
        actor = Actor(
            persona_id=persona_id,
            integration_idn=self.integration_idn,
            connector_idn=self.connector_idn,
            external_id=external_id,
            name=name or external_id,
            time_zone=time_zone,
        )
        await self.store.put_actor(actor)
        return actor

    async def emit(
        self,
        idn: str,
        *,
        actor: Actor | None = None,
        arguments: Mapping[str, object] | None = None,
        external_event_id: str | None = None,
        uninterruptible: bool = False,
        command_act_id: str | None = None,
        user_input: bool | None = None,
        activity: bool = False,
        connector_idn: str | None = None,
        persona_id: str | None = None,
        hops: int = 0,
    ) -> Emitted:
        """Keep the event; nobody subscribes to it."""
        event = Event(
            idn=idn,
            id=new_id(),
            integration_idn=self.integration_idn,
            connector_idn=connector_idn or self.connector_idn,
            arguments=all_stored(arguments),
            actor_id=actor.id if actor else None,
            persona_id=persona_id or (actor.persona_id if actor else None),
            external_event_id=external_event_id,
            command_act_id=command_act_id,
            uninterruptible=uninterruptible,
            user_input=is_user_input(idn, user_input),
            hops=hops,
        )
        self.events.append(event)
        return Emitted(event_id=event.id)

    async def result(self, command: Command, ok: bool, **arguments: object) -> None:
        """Keep it."""
        texts = {name: stored(value) for name, value in arguments.items()}
        self.results.append((command, Result(ok=ok, arguments=texts)))

    def barge_in(self, actor: Actor) -> None:
        """Keep it."""
        self.barged_in.append(actor)

    async def amend_delivery(self, act_id: str, characters: int) -> None:
        """Keep it."""
        self.amended.append((act_id, characters))
