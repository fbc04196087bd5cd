"""The way of an event: taken in, remembered, and offered to the flows that subscribe to it.

1. The events of one persona are taken in one after the other (`Lanes`), so every flow is offered them in one order.
   Nothing that is done in that turn waits for skills, models or services: only for the store.
2. What an offered event does to a flow instance is decided by `FlowInstance` and `interrupts`, nowhere else; what is
   carried out, and how, is the matter of `Executions`.
3. Whose event it is, which session it belongs to and who subscribes are decided by what is imported here; this
   file is the order of the steps.

Source: event model, processing one event.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

import anyio
from anyio.abc import TaskGroup

from skillrt.clock import Clock
from skillrt.connectors.base import Command, Emitted, Result
from skillrt.context import Run
from skillrt.errors import StoreError
from skillrt.executions import Equipment, Executions
from skillrt.flows import Entry, Item
from skillrt.interrupts import Decision
from skillrt.lanes import Lanes
from skillrt.model import Act, Actor, Event, Persona, Session
from skillrt.projects import Project
from skillrt.routing import Address, Route, Routes, Seen
from skillrt.sessions import Sessions
from skillrt.stream import original_part
from skillrt.values import all_stored

log: Final = logging.getLogger("skillrt")


class Engine:
    """The events of a runtime, on their way to its executions."""

    def __init__(self, equipment: Equipment) -> None:
        """No project is loaded, nothing runs."""
        self.executions = Executions(equipment, self)
        self.closing = False
        """Whether the runtime is being left: nothing comes in any more, what runs may end."""
        self.routes = Routes()
        self.sessions = Sessions(equipment.store, equipment.clock, equipment.options)
        options = equipment.options
        self._services = equipment.services
        self._store = equipment.store
        self._clock = equipment.clock
        self._most_hops = options.hops
        self._lanes = Lanes()
        self._seen = Seen(options.duplicates_known_s, options.duplicates_known)
        self._merged: dict[str, str] = {}  # personas that are now another one

    def serve(self, projects: Iterable[Project], tasks: TaskGroup) -> None:
        """Have the flows of these projects subscribe, and carry out in the background what they are offered."""
        projects = tuple(projects)
        self.routes = Routes(projects)
        self.executions.load(flow for project in projects for flow in project.flows)
        self.executions.tasks = tasks

    def stop(self) -> None:
        """Take nothing in, carry out nothing."""
        self.executions.stop()
        self.closing = False

    async def receive(
        self, event: Event, sender: Actor | None = None, *, activity: bool = False
    ) -> Emitted:
        """Take in an event from outside, of the actor that has `sender`'s address if one is given.

        An actor nobody knows is made, with its persona.

        Raises:
            StoreError: it could not be recorded; nobody was offered it, and it may come again.
        """
        if self.executions.tasks is None or self.closing:
            log.warning("event %s refused: the runtime is not running", event.idn)
            return Emitted(event_id=event.id, refused=1)
        address, external_id = _address(event), event.external_event_id
        if external_id is not None and not self._seen.note(address, external_id, self._clock.now()):
            log.info("event %s is a duplicate of one with the id %s", event.idn, external_id)
            return Emitted(event_id=event.id, duplicate=True)
        emitted = Emitted(event_id=event.id)
        try:
            with anyio.CancelScope(shield=True):  # what was begun is remembered and offered
                emitted = await self._receive(event, sender, activity)
        except BaseException:
            if external_id is not None:
                self._seen.forget(address, external_id)
            raise
        return emitted

    async def _receive(self, event: Event, sender: Actor | None, activity: bool) -> Emitted:
        if sender is None:
            return await self._take(await self.owned(event), activity=activity)
        async with self._lanes.turn(_lane(sender)):
            name = sender.name or "User"
            actor = await self._known(sender, Persona(id=sender.persona_id, name=name))
            owner = event.persona_id or actor.persona_id
            event = replace(event, actor_id=actor.id, persona_id=owner)
            return await self._take(event, activity=activity)

    async def emit(self, event: Event) -> None:
        """Take in an event that a skill sent; while the runtime is not entered, nobody subscribes.

        Raises:
            StoreError: it could not be recorded.
        """
        if self.executions.tasks is not None:
            with anyio.CancelScope(shield=True):
                await self._take(event)

    async def said(self, acts: Sequence[Act], hops: int) -> None:
        """Note that messages were delivered, for their sessions and for those who subscribe to them."""
        if self.executions.tasks is None:
            return
        for act in acts:
            if act.user_persona_id is None:
                continue
            async with self._lanes.turn(act.user_persona_id):
                await self.sessions.said(act.user_persona_id)
                event = Event(
                    idn="agent_message",
                    integration_idn=act.integration_idn,
                    connector_idn=act.connector_idn,
                    arguments={
                        "text": act.text,
                        "actorId": act.actor_id or "",
                        "interrupted": act.arguments.get("interrupted", ""),
                    },
                    actor_id=act.actor_id,
                    persona_id=act.user_persona_id,
                    hops=hops,
                )
                if not self._circles(event):
                    self._offer(event, act, self.routes.matching(event))

    def command(self, command: Command) -> bool:
        """Have a command carried out in the background; False when its connector is stopped."""
        return self._services.take(command, self.answer)

    async def answer(self, command: Command, result: Result) -> None:
        """Tell how a command ended, if that was not told before."""
        event = Event(
            idn="result_success" if result.ok else "result_error",
            integration_idn=command.integration_idn,
            connector_idn=command.connector_idn or command.integration_idn,
            arguments=all_stored(result.arguments),
            actor_id=command.actor.id if command.actor else None,
            persona_id=command.persona_id,
            external_event_id=f"result of {command.id}",
            command_act_id=command.id,
        )
        try:
            await self.receive(event)
        except StoreError:
            log.exception("the result of command %s was lost", command.idn)

    async def known(self, actor: Actor, persona: Persona) -> Actor:
        """The actor with this address, made with that persona if there is none; its blank name and zone are filled.

        Raises:
            StoreError: the store failed.
        """
        async with self._lanes.turn(_lane(actor)):
            return await self._known(actor, persona)

    async def _known(self, actor: Actor, persona: Persona) -> Actor:
        found = await self._store.actors(
            external_id=actor.external_id,
            integration_idn=actor.integration_idn,
            connector_idn=actor.connector_idn,
        )
        if found:
            before = found[0]
            named = replace(
                before,
                name=before.name or actor.name,
                time_zone=before.time_zone or actor.time_zone,
            )
            if named != before:
                await self._store.put_actor(named)
            actor = named
        else:
            await self._store.put_actor(actor)
        if await self._store.persona(actor.persona_id) is None:
            mine = persona.id == actor.persona_id
            await self._store.put_persona(persona if mine else Persona(id=actor.persona_id))
        return actor

    async def owned(self, event: Event) -> Event:
        """The event with the persona of its actor, if it names none."""
        if event.persona_id is None and event.actor_id is not None:
            owner = await self._store.actor(event.actor_id)
            return replace(event, persona_id=owner.persona_id if owner else None)
        return event

    async def _take(self, event: Event, *, activity: bool = False) -> Emitted:
        """Do what is done with an event in its persona's turn."""
        if self._circles(event):
            return Emitted(event_id=event.id)
        while True:
            persona_id = event.persona_id
            async with self._lanes.turn(persona_id):
                if persona_id not in self._merged:
                    return await self._process(event, activity)
                event = replace(event, persona_id=self._merged[persona_id])

    def _circles(self, event: Event) -> bool:
        """Whether an event comes of too many others, one from the other, to go on."""
        if event.hops <= self._most_hops:
            return False
        log.error(
            "event %s dropped: %s events led to it, one from the other", event.idn, event.hops
        )
        return True

    async def _process(self, event: Event, activity: bool) -> Emitted:
        """Session, act, offers: in this order, and all of it in the persona's turn."""
        await self._end_if_overdue(event.persona_id)
        session, begun = await self.sessions.note(event, activity=activity)
        if begun and session is not None:
            await self._record_and_offer(_of_session("session_started", session), session)
        emitted = await self._record_and_offer(event, session)
        await self._end_if_overdue(event.persona_id)
        return emitted

    async def end_session(self, persona_id: str) -> None:
        """End the persona's session if it is due."""
        with anyio.CancelScope(shield=True):
            async with self._lanes.turn(persona_id):
                await self._end_if_overdue(persona_id)

    async def _end_if_overdue(self, persona_id: str | None) -> None:
        reason = None if persona_id is None else self.sessions.overdue(persona_id)
        if persona_id is None or reason is None:
            return
        if session := await self.sessions.active(persona_id):
            session = await self.sessions.end(session)
            event = _of_session("session_ended", session, reason=reason)
            await self._record_and_offer(event, session)

    async def _record_and_offer(self, event: Event, session: Session | None) -> Emitted:
        routes = self.routes.matching(event)
        agents = tuple(dict.fromkeys(route.flow.agent.id for route in routes))
        act = replace(
            act_of(event, self._clock, agents), session_id=session.id if session else None
        )
        await self._store.put_act(act)
        if event.integration_idn == "program_timer" and session and not session.follow_up_enabled:
            routes = [r for r in routes if event.idn not in r.flow.follow_up_events]
        if not routes:
            _log_unhandled(event)
        return self._offer(event, act, routes)

    def _offer(self, event: Event, act: Act, routes: Iterable[Route]) -> Emitted:
        """Offer the event to each route's flow instance and see that it is carried out."""
        offers: list[Decision] = []
        for flow, subscription in routes:
            named = subscription["skill"]
            skill = None if named is None else flow.skills[named]
            state = subscription["state"] or ""
            entry = Entry(flow, skill, self._services.connectors, state=state)
            item = Item(event, act, entry, Run(skill=named or ""), recorded=True)
            offers.append(self.executions.offer(item, subscription["mode"]))
        refused = offers.count(Decision.REFUSED)
        return Emitted(event_id=event.id, subscribers=len(offers), refused=refused)

    async def amend_delivery(self, act_id: str, characters: int) -> None:
        """Shorten the act of a message to what was received of it, or forget it: of nothing there is no act.

        An unknown act is nobody's.

        Raises:
            StoreError: the store failed; the act stays as it was.

        Source: event model, memory: "Nothing delivered: no act".
        """
        act = await self._store.act(act_id)
        if act is None or act.kind != "message" or characters >= len(act.text):
            return
        if characters <= 0:
            await self._store.delete_act(act_id)
            return
        received = act.text[:characters]
        amended = replace(
            act,
            text=received,
            original_text=original_part(act.original_text, received),
            arguments={**act.arguments, "interrupted": "true"},
        )
        await self._store.put_act(amended)

    async def merge_personas(self, master_id: str, other_id: str) -> None:
        """Make all that is the other persona's the master's, once its flows have done what waits for them."""
        first, second = sorted((master_id, other_id))
        while True:
            async with self._lanes.turn(first), self._lanes.turn(second):
                if other_id not in self.executions.instances:
                    if session := await self.sessions.active(other_id):
                        session = await self.sessions.end(session)
                        event = _of_session("session_ended", session, reason="requested")
                        await self._record_and_offer(event, session)
                        continue
                    await self._store.merge_personas(master_id, other_id)
                    self._merged[other_id] = master_id
                    return
            await self.executions.drained(other_id)


def act_of(event: Event, clock: Clock, agent_ids: tuple[str, ...]) -> Act:
    """The act of an event that comes now."""
    said = event.arguments.get("text", "")
    return Act(
        reference_idn=event.idn,
        kind="message" if event.idn == "user_message" else "event",
        datetime=clock.time(),
        agent_ids=agent_ids,
        user_persona_id=event.persona_id,
        actor_id=event.actor_id,
        integration_idn=event.integration_idn,
        connector_idn=event.connector_idn,
        text=said,
        original_text=said,
        arguments=dict(event.arguments),
        external_event_id=event.external_event_id,
        command_act_id=event.command_act_id,
    )


def _of_session(idn: str, session: Session, **more: str) -> Event:
    """An event about a session; it must be handled whatever interrupts."""
    return Event(
        idn=idn,
        arguments={
            "sessionId": session.id,
            "integrationIdn": session.integration_idn,
            "connectorIdn": session.connector_idn,
            **more,
        },
        actor_id=session.actor_id,
        persona_id=session.user_persona_id,
        uninterruptible=True,
    )


def _address(event: Event) -> Address:
    return event.integration_idn, event.connector_idn


def _lane(actor: Actor) -> tuple[str, str, str]:
    """Who looks an address up, or makes its actor, has its turn."""
    return actor.integration_idn, actor.connector_idn, actor.external_id


def _log_unhandled(event: Event) -> None:
    address = "/".join(_address(event))
    if event.idn == "user_message":
        extra = {"code": "SK806"}
        log.warning("nobody subscribes to user_message of %s", address, extra=extra)
    else:
        log.debug("event %s of %s is unhandled", event.idn, address)
