"""What a connector sees of the runtime that it serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from skillrt.connectors.base import Command, Emitted, Result
from skillrt.engine import Engine
from skillrt.model import Actor, Event, Persona, is_user_input, new_id
from skillrt.values import all_stored


@dataclass(frozen=True, slots=True)
class ConnectorGateway:
    """The gateway of the connector at one address."""

    engine: Engine
    integration_idn: str
    connector_idn: str
    settings: Mapping[str, str]

    async def actor(
        self,
        external_id: str,
        *,
        name: str = "",
        time_zone: str = "",
        persona_id: str | None = None,
    ) -> Actor:
        """The actor of this connector with that external id, made with a new user persona if there is none.

        Raises:
            StoreError: the store failed.
        """
        persona = Persona(id=persona_id or new_id(), name=name or "User")
        actor = Actor(
            persona_id=persona.id,
            integration_idn=self.integration_idn,
            connector_idn=self.connector_idn,
            external_id=external_id,
            name=name or external_id,
            time_zone=time_zone,
        )
        return await self.engine.known(actor, persona)

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
        """Tell what happened here; returns once the event was offered to everybody who subscribes to it.

        Raises:
            StoreError: it could not be recorded; nobody was offered it, and it may come again.
        """
        event = Event(
            idn=idn,
            integration_idn=self.integration_idn,
            connector_idn=connector_idn or self.connector_idn,
            arguments=all_stored(arguments),
            persona_id=persona_id,
            external_event_id=external_event_id,
            command_act_id=command_act_id,
            uninterruptible=uninterruptible,
            user_input=is_user_input(idn, user_input),
            hops=hops,
        )
        return await self.engine.receive(event, actor, activity=activity)

    async def result(self, command: Command, ok: bool, **arguments: object) -> None:
        """Say how a command ended, if that was not said before."""
        await self.engine.answer(command, Result(ok=ok, arguments=all_stored(arguments)))

    def barge_in(self, actor: Actor) -> None:
        """The person began to speak: every interruptible stream to that actor is cut."""
        self.engine.executions.barge_in(actor.id)

    async def amend_delivery(self, act_id: str, characters: int) -> None:
        """Only so much of a message that was sent whole has been received: its act is shortened, or forgotten.

        Raises:
            StoreError: the store failed; the act stays as it was.
        """
        await self.engine.amend_delivery(act_id, characters)
