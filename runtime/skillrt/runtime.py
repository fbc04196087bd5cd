"""The runtime as a host sees it: run a compiled skill, offer it events while it runs, read what it did."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from random import Random
from types import TracebackType
from typing import Any, Final, Self

import anyio
from anyio.abc import TaskGroup

from skillrt.clock import Clock, SystemClock
from skillrt.connectors.base import Connector, OutputStream
from skillrt.connectors.sink import SinkConnector
from skillrt.context import Context, Run, SkillFunction
from skillrt.errors import StoreError
from skillrt.flows import Entry, FlowInstance, Item
from skillrt.interrupts import Decision, Execution, Mode, Offered
from skillrt.llm.base import Provider
from skillrt.manifest import FlowManifest, check_abi
from skillrt.model import Act, Actor, Agent, Event, Persona, new_id
from skillrt.moderation import Moderate
from skillrt.options import Options
from skillrt.recipients import latest_message_actor
from skillrt.stores.base import Store
from skillrt.stores.memory import MemoryStore
from skillrt.trace import Trace, harmless
from skillrt.watchdog import sole

log: Final = logging.getLogger("skillrt")

DEFAULT_USER: Final = "user"


class Runtime:
    """Runs compiled skills for one agent.

    Events of one flow and one persona are handled one at a time and in order; different ones run concurrently.
    Entered as `async with runtime:` it also carries out events that were offered while nothing ran. Leaving it
    waits for them; leaving it by an error or a cancellation stops them.
    """

    def __init__(
        self,
        *,
        provider: Provider,
        connectors: Iterable[Connector] = (),
        store: Store | None = None,
        options: Options | None = None,
        clock: Clock | None = None,
        random: Random | None = None,
        agent: Agent | None = None,
        trace: Trace | None = None,
        moderate: Moderate | None = None,
    ) -> None:
        """Nothing is opened or started.

        `trace` is told what happens; what it raises is logged. `moderate` is asked before anything that a model said
        is delivered or given to a skill, a few sentences at a time; what it refuses ends the generation.

        Raises:
            ValueError: two connectors have one (integration, connector) pair.
        """
        self.provider = provider
        self.connectors: dict[tuple[str, str], Connector] = {}
        for connector in connectors:
            address = (connector.integration_idn, connector.connector_idn)
            if address in self.connectors:
                raise ValueError(f"two connectors are called {'/'.join(address)}")
            self.connectors[address] = connector
        self.store: Store = store or MemoryStore()
        self.options = options or Options()
        self.clock: Clock = clock or SystemClock()
        self.random = random or Random()  # noqa: S311 - for pauses and templates, not for secrets
        self.agent = agent or Agent()
        self._trace = None if trace is None else harmless(trace)
        self._moderate = moderate
        self._instances: dict[str | None, dict[str, FlowInstance]] = {}  # by persona, by flow
        self._unrecorded: list[Item] = []
        self._tasks: TaskGroup | None = None

    async def run(
        self,
        skill: SkillFunction,
        *,
        message: str | None = None,
        event: Event | None = None,
        persona: Persona | None = None,
        actor: Actor | None = None,
        arguments: Mapping[str, Any] | None = None,
        sink: OutputStream | None = None,
        mode: Mode = "queue",
    ) -> Run:
        """Run a compiled skill for one event, and then what was offered to its flow instance meanwhile.

        Args:
            skill: a coroutine function of a compiled module.
            message: what the user says: the event is a `user_message` with this text.
            event: another event instead; one that names neither persona nor actor is global.
            persona: who the user is; by default the actor's, else the one default user.
            actor: where the user is, known by integration, connector and external id; by default an actor of the
                persona on `sandbox/sandbox`.
            arguments: the skill's parameters by their Python names.
            sink: takes what is said to the actor, one message after another; else its connector does.
            mode: what the event does if the flow instance is busy.

        Returns:
            What the skill did; `.interrupted` when an event stopped it, `.decision` when it never ran. Cancelling
            the caller stops the skill too; what was delivered until then is recorded first.

        Raises:
            AbiError: the skill's module was compiled for another runtime.
            SkillError: an argument, a limit or an access ended the skill; with the template's place as a note, as
                every error that leaves a skill.
            StoreError: the store failed.
        """
        check_abi(skill.__globals__)
        event = await self._incoming(message, event, persona, actor)
        connectors: dict[tuple[str, str], Connector] = dict(self.connectors)
        if sink is not None:
            home = await self._current_actor(event)
            address = (home.integration_idn, home.connector_idn) if home else ("sandbox", "sandbox")
            connectors[address] = SinkConnector(*address, sink)
        entry = Entry(skill, arguments or {}, connectors)
        item = self._item(event, entry)
        item.awaited = True
        await self._record_offered()
        await self._record(item)
        instance = self._instance(event.persona_id, entry)
        instance.entry = entry
        if instance.offer(item, mode).decision in (Decision.STARTED, Decision.QUEUED):
            async with anyio.create_task_group() as tasks:
                # In a task of ours: a native cancellation of the caller's would pierce the shields that keep
                # what was delivered and what is recorded the same.
                tasks.start_soon(self._drive, instance, item, tasks)
        if item.error is not None:
            raise item.error
        return item.run

    def offer(
        self, event: Event, mode: Mode = "queue", *, skill: SkillFunction | None = None
    ) -> Offered:
        """Offer an event to a flow instance of its persona; what becomes of it is decided at once.

        It runs the skill that the instance was last run with, or `skill`. If the instance is idle it waits for the
        next `run`, unless the runtime is entered: then it starts.

        Raises:
            LookupError: without `skill`, the persona has no busy flow instance, or several.
        """
        if skill is not None:
            check_abi(skill.__globals__)
            instance = self._instance(event.persona_id, Entry(skill, {}, self.connectors))
            entry = replace(instance.entry, skill=skill, arguments={})
        else:
            instance = self._busy_instance(event.persona_id)
            entry = instance.entry
        item = self._item(event, entry)
        self._unrecorded.append(item)
        offered = instance.offer(item, mode)
        if tasks := instance.tasks or self._tasks:
            tasks.start_soon(self._record_offered)
        if self._tasks is not None:
            self._tasks.start_soon(self._drive, instance, None, self._tasks)
        return offered

    async def __aenter__(self) -> Self:
        """Carry out offered events in the background from now on."""
        tasks = anyio.create_task_group()
        await tasks.__aenter__()
        self._tasks = tasks
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        """Wait for them; an error of the host leaves as it was raised."""
        if self._tasks is None:
            return None
        try:
            return await self._tasks.__aexit__(kind, error, traceback)
        except BaseExceptionGroup as group:
            raise sole(group) from None
        finally:
            self._tasks = None

    async def _incoming(
        self,
        message: str | None,
        event: Event | None,
        persona: Persona | None,
        actor: Actor | None,
    ) -> Event:
        """The event to run, its actor and persona known to the store."""
        if event is None:
            found = await self._identify(persona, actor)
            return Event(
                idn="run_requested" if message is None else "user_message",
                integration_idn=found.integration_idn,
                connector_idn=found.connector_idn,
                arguments={} if message is None else {"text": message},
                actor_id=found.id,
                persona_id=found.persona_id,
                user_input=message is not None,
            )
        if message is not None:
            raise ValueError("a run has a message or an event, not both")
        if persona is not None or actor is not None:
            found = await self._identify(persona, actor)
            return replace(event, actor_id=found.id, persona_id=found.persona_id)
        if event.persona_id is None and event.actor_id is not None:
            owner = await self.store.actor(event.actor_id)
            return replace(event, persona_id=owner.persona_id if owner else None)
        return event

    async def _identify(self, persona: Persona | None, actor: Actor | None) -> Actor:
        """The actor meant, found by its address or made, with its persona."""
        if actor is None:
            owner = persona.id if persona else new_id()
            actor = Actor(persona_id=owner, external_id=persona.id if persona else DEFAULT_USER)
        known = await self.store.actors(
            external_id=actor.external_id,
            integration_idn=actor.integration_idn,
            connector_idn=actor.connector_idn,
        )
        if known:
            actor = known[0]
        else:
            await self.store.put_actor(actor)
        if await self.store.persona(actor.persona_id) is None:
            mine = persona is not None and persona.id == actor.persona_id
            await self.store.put_persona(
                persona if persona and mine else Persona(id=actor.persona_id)
            )
        return actor

    async def _current_actor(self, event: Event) -> Actor | None:
        if event.actor_id is not None:
            return await self.store.actor(event.actor_id)
        return await latest_message_actor(self.store, self.agent.id, event.persona_id)

    def _instance(self, persona_id: str | None, entry: Entry) -> FlowInstance:
        flows = self._instances.setdefault(persona_id, {})
        flow = entry.skill.__globals__["__name__"]
        if flow not in flows:
            length = self.options.queue_length
            flows[flow] = FlowInstance(flow, persona_id, entry, self._carry_out, length)
        return flows[flow]

    def _busy_instance(self, persona_id: str | None) -> FlowInstance:
        flows = self._instances.get(persona_id, {})
        if len(flows) != 1:
            raise LookupError(f"{len(flows)} flows are busy for persona {persona_id}, not one")
        return next(iter(flows.values()))

    def _item(self, event: Event, entry: Entry) -> Item:
        text = event.arguments.get("text", "")
        act = Act(
            reference_idn=event.idn,
            kind="message" if event.idn == "user_message" else "event",
            datetime=self.clock.time(),
            agent_id=self.agent.id,
            user_persona_id=event.persona_id,
            actor_id=event.actor_id,
            integration_idn=event.integration_idn,
            connector_idn=event.connector_idn,
            text=text,
            original_text=text,
            arguments=dict(event.arguments),
            external_event_id=event.external_event_id,
            command_act_id=event.command_act_id,
        )
        return Item(event, act, entry, Run(skill=idn_of(entry.skill)))

    async def _record(self, item: Item) -> None:
        """Have the event's act in the store; what was said is remembered whatever becomes of the event."""
        if not item.recorded:
            with anyio.CancelScope(shield=True):
                await self.store.put_act(item.act)
            item.recorded = True

    async def _record_offered(self) -> None:
        while self._unrecorded:
            item = self._unrecorded.pop(0)
            try:
                await self._record(item)
            except StoreError:
                log.exception("the act of event %s was not recorded", item.event.idn)

    async def _drive(self, instance: FlowInstance, own: Item | None, tasks: TaskGroup) -> None:
        try:
            await instance.drive(own, tasks)
        finally:
            if not instance.busy:  # an idle one holds nothing that is not made again
                flows = self._instances.get(instance.persona_id, {})
                if flows.get(instance.flow) is instance:
                    del flows[instance.flow]
                    if not flows:
                        del self._instances[instance.persona_id]
            elif own is not None and self._tasks is not None:
                # A host that gives up leaves behind it what a driver in the background left to that host.
                self._tasks.start_soon(self._drive, instance, None, self._tasks)

    async def _carry_out(self, item: Item, execution: Execution) -> None:
        """Run the skill of an item in a context of its own."""
        await self._record(item)
        event, run, skill = item.event, item.run, item.entry.skill
        persona_id = event.persona_id
        manifest: FlowManifest = skill.__globals__["__manifest__"]
        ctx = Context(
            event=event,
            act=item.act,
            agent=self.agent,
            persona=None if persona_id is None else await self.store.persona(persona_id),
            actor=await self._current_actor(event),
            flow=skill.__globals__["__name__"],
            skills={
                idn: skill.__globals__[about["function"]]
                for idn, about in manifest["skills"].items()
            },
            store=self.store,
            clock=self.clock,
            random=self.random,
            provider=self.provider,
            connectors=item.entry.connectors,
            options=self.options,
            execution=execution,
            run=run,
            emit=run.events.append,
            models={idn: about["model"] for idn, about in manifest["skills"].items()},
            trace=self._trace,
            moderate=self._moderate,
        )
        run.result = await skill(ctx, **item.entry.arguments)


def idn_of(skill: SkillFunction) -> str:
    """The idn of a compiled skill: its function's name unless that had to be changed."""
    manifest: FlowManifest = skill.__globals__["__manifest__"]
    for idn, about in manifest["skills"].items():
        if about["function"] == skill.__name__:
            return idn
    return skill.__name__
