"""The runtime as a host sees it: load what was compiled, serve it, or run one skill and read what it did."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from random import Random
from types import ModuleType, TracebackType
from typing import Any, Final, Self

import anyio

from skillrt.attributes import seed
from skillrt.clock import Clock, SystemClock
from skillrt.connectors.base import Command, Connector, Emitted, OutputStream
from skillrt.connectors.program_timer import ProgramTimer
from skillrt.connectors.sink import SinkConnector
from skillrt.connectors.system import SystemConnector
from skillrt.context import Run, SkillFunction
from skillrt.engine import Engine, act_of
from skillrt.errors import ConfigurationError, SkillError, StoreError
from skillrt.executions import Equipment
from skillrt.flows import Entry, FlowInstance, Item
from skillrt.gateway import ConnectorGateway
from skillrt.interrupts import Decision, Mode, Offered
from skillrt.llm.base import Provider
from skillrt.llm.labels import LabelledProviders
from skillrt.model import Actor, Agent, Event, Persona, is_user_input, new_id
from skillrt.moderation import Moderate
from skillrt.options import Options
from skillrt.projects import Project, check_models, load_project
from skillrt.services import Services
from skillrt.stores.base import Store
from skillrt.stores.memory import MemoryStore
from skillrt.trace import Trace, harmless
from skillrt.values import all_stored
from skillrt.watchdog import sole

log: Final = logging.getLogger("skillrt")

DEFAULT_USER: Final = "user"


class Runtime:
    """Serves compiled projects, and runs compiled skills.

    Events of one flow and one persona are handled one at a time and in order; different ones run concurrently.
    Entered as `async with runtime:` it starts its connectors, offers events to the flows that `load` loaded, and
    carries out in the background what is offered. Leaving it takes no more events and gives executions their grace;
    leaving it by an error or a cancellation stops them at once. It can be entered again.
    """

    def __init__(
        self,
        *,
        provider: Provider | Mapping[str, Provider],
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

        Timers and system events have connectors of their own, unless others are given for `program_timer` and
        `system`. Several providers are given by the labels of models: `google/gemini25_flash`, `google/*`, `*`; the
        one that fits best is asked, for its own model. `trace` is told what happens; what it raises is logged.
        `moderate` is asked before anything that a model said is delivered or given to a skill, a few sentences at a
        time; what it refuses ends the generation.

        Raises:
            ValueError: two connectors have one (integration, connector) pair.
        """
        self.store: Store = store or MemoryStore()
        self.options = options or Options()
        self.clock: Clock = clock or SystemClock()
        self.agent = agent or Agent()
        self._providers = {"*": provider} if not isinstance(provider, Mapping) else dict(provider)
        self._services = Services(connectors, self.clock, self.options)
        self._services.add_missing(
            SystemConnector(), ProgramTimer(self.store, self.clock, self.options.time_zone)
        )
        self._projects: dict[str, Project] = {}
        self._engine = Engine(
            Equipment(
                provider=LabelledProviders(provider) if isinstance(provider, Mapping) else provider,
                services=self._services,
                store=self.store,
                options=self.options,
                clock=self.clock,
                random=random or Random(),  # noqa: S311 - for pauses and templates, not for secrets
                agent=self.agent,
                trace=None if trace is None else harmless(trace),
                moderate=moderate,
            )
        )
        self._executions = self._engine.executions
        self._instances = self._executions.instances
        self._unrecorded: list[Item] = []
        self._running: AbstractAsyncContextManager[None] | None = None

    @property
    def connectors(self) -> Mapping[tuple[str, str], Connector]:
        """Who serves which address."""
        return self._services.connectors

    @property
    def outbox(self) -> Sequence[Command]:
        """The commands for which nobody was there, in order."""
        return self._services.outbox

    def load(self, build: str | ModuleType) -> Project:
        """Load what was compiled: a project's package or the module of one flow, itself or by its import name.

        Its subscriptions count from when the runtime is entered next. A flow alone speaks for the runtime's agent.

        Raises:
            AbiError: it was compiled for another runtime, or not by skillc.
            ImportError: nothing has that name.
            ConfigurationError: another project of this idn is loaded.
        """
        project = load_project(build, self.agent)
        if project.idn in self._projects:
            raise ConfigurationError(f"two projects are called {project.idn}")
        self._projects[project.idn] = project
        return project

    async def emit(
        self,
        idn: str,
        *,
        actor: Actor | None = None,
        persona_id: str | None = None,
        integration_idn: str | None = None,
        connector_idn: str | None = None,
        arguments: Mapping[str, object] | None = None,
        external_event_id: str | None = None,
        uninterruptible: bool = False,
        command_act_id: str | None = None,
        user_input: bool | None = None,
        activity: bool = False,
    ) -> Emitted:
        """Offer an event to all flows that subscribe to it, and go on while they handle it.

        Args:
            idn: what it is called; `user_message` is a message of the actor, with argument `text`.
            actor: whose it is, known by integration, connector and external id; made if new. Its persona is the
                event's, unless `persona_id` is given. With neither the event is global.
            persona_id: whose it is.
            integration_idn: where it comes from; by default where the actor is, else `system`.
            connector_idn: likewise.
            arguments: kept as text, in stored form.
            external_event_id: the caller's id: a second event with it, from the same address, is a duplicate.
            uninterruptible: what it starts runs to its end.
            command_act_id: the command that it answers.
            user_input: whether the user spoke up; by default a `user_message` says so.
            activity: whether it keeps the user's session alive, as a message does.

        Returns:
            Who was offered it. Refused is what a full queue did not take; and every event while the runtime is not
            entered, or being left.

        Raises:
            StoreError: it could not be recorded; nobody was offered it.
        """
        event = Event(
            idn=idn,
            integration_idn=integration_idn or (actor.integration_idn if actor else "system"),
            connector_idn=connector_idn or (actor.connector_idn if actor else "system"),
            arguments=all_stored(arguments),
            persona_id=persona_id,
            external_event_id=external_event_id,
            command_act_id=command_act_id,
            uninterruptible=uninterruptible,
            user_input=is_user_input(idn, user_input),
        )
        return await self._engine.receive(event, actor, activity=activity)

    async def quiet(self) -> None:
        """Return once no event runs or waits; commands and timers under way do not count."""
        await self._executions.quiet()

    async def merge_personas(self, master_id: str, other_id: str) -> None:
        """Make actors, memory, attributes and timers of the other persona the master's, whose own values win.

        Waits until the other's flows have done what they have begun.

        Raises:
            ValueError: they are one.
            StoreError: the store failed; nothing has changed.
        """
        if master_id == other_id:
            raise ValueError("a persona cannot be merged with itself")
        await self._engine.merge_personas(master_id, other_id)
        for connector in self.connectors.values():
            if isinstance(connector, ProgramTimer):
                await connector.reload()

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
        flow = self._executions.flow_of(skill)
        event = await self._incoming(message, event, persona, actor)
        connectors = self._services.connectors
        if sink is not None:
            home = await self._executions.current_actor(event, flow.agent)
            address = (home.integration_idn, home.connector_idn) if home else ("sandbox", "sandbox")
            connectors = {**connectors, address: SinkConnector(*address, sink)}
        entry = Entry(flow, skill, connectors, arguments or {})
        item = self._item(event, entry)
        item.awaited = True
        await self._record_offered()
        await self._executions.record(item)
        instance = self._executions.instance(event.persona_id, entry)
        instance.entry = entry
        if instance.offer(item, mode).decision in (Decision.STARTED, Decision.QUEUED):
            async with anyio.create_task_group() as tasks:
                # In a task of ours: a native cancellation of the caller's would pierce the shields that keep
                # what was delivered and what is recorded the same.
                tasks.start_soon(self._executions.drive, instance, item, tasks)
        if item.error is not None:
            raise _explained(item.error, skill, entry.arguments)
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
            own = Entry(self._executions.flow_of(skill), skill, self._services.connectors)
            instance = self._executions.instance(event.persona_id, own)
            entry = replace(instance.entry, flow=own.flow, skill=skill, arguments={})
        else:
            instance = self._busy_instance(event.persona_id)
            entry = instance.entry
        item = self._item(event, entry)
        self._unrecorded.append(item)
        offered = instance.offer(item, mode)
        if tasks := instance.tasks or self._executions.tasks:
            tasks.start_soon(self._record_offered)
        self._executions.attend(instance)
        return offered

    async def __aenter__(self) -> Self:
        """Start connectors and serve: events are carried out in the background from now on.

        Attributes that loaded projects declare, and that the store has no value of, get their declared one first.

        Raises:
            ConfigurationError: a loaded skill names a model that no provider is given for.
            StoreError: the store failed.
        """
        check_models(self._projects.values(), self._providers)
        for project in self._projects.values():
            await seed(self.store, project.attributes)
        self._running = self._serving()
        await self._running.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        """Take no more events and let executions end, as long as the grace lasts; then they are stopped.

        An error of the host leaves as it was raised, and stops them at once.
        """
        if self._running is None:
            return None
        running, self._running = self._running, None
        try:
            return await running.__aexit__(kind, error, traceback)
        except BaseExceptionGroup as group:
            raise sole(group) from None

    @asynccontextmanager
    async def _serving(self) -> AsyncGenerator[None, None]:
        """Connectors and sessions around executions, so that what still ends can be heard."""
        engine, services = self._engine, self._services
        async with anyio.create_task_group() as servants:
            try:
                async with anyio.create_task_group() as work:
                    engine.serve(self._projects.values(), work)
                    await services.start(servants, work, self._gateway)
                    self._log_unserved()
                    servants.start_soon(engine.sessions.run, engine.end_session)
                    yield
                    engine.closing = True
                    servants.start_soon(self._end_grace, work.cancel_scope)
            finally:
                engine.stop()
                services.stop()
                servants.cancel_scope.cancel()

    async def _end_grace(self, work: anyio.CancelScope) -> None:
        grace_s = self.options.shutdown_grace_s
        await self.clock.sleep_until(self.clock.now() + grace_s)
        log.warning("executions that did not end within %g s are stopped", grace_s)
        work.cancel()

    def _gateway(self, address: tuple[str, str]) -> ConnectorGateway:
        settings: dict[str, str] = {}
        for project in self._projects.values():
            settings.update(project.settings.get(address, {}))
        return ConnectorGateway(self._engine, *address, settings)

    def _log_unserved(self) -> None:
        for integration_idn, connector_idn in self._engine.routes.addresses():
            if self._services.find(integration_idn, connector_idn) is None:
                address = f"{integration_idn}/{connector_idn}"
                log.info("no connector is loaded for %s", address, extra={"code": "SK807"})

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
        return await self._engine.owned(event)

    async def _identify(self, persona: Persona | None, actor: Actor | None) -> Actor:
        """The actor meant, found by its address or made, with its persona."""
        if actor is None:
            owner = persona.id if persona else new_id()
            actor = Actor(persona_id=owner, external_id=persona.id if persona else DEFAULT_USER)
        mine = persona is not None and persona.id == actor.persona_id
        return await self._engine.known(
            actor, persona if persona and mine else Persona(id=actor.persona_id)
        )

    def _busy_instance(self, persona_id: str | None) -> FlowInstance:
        flows = self._instances.get(persona_id, {})
        if len(flows) != 1:
            raise LookupError(f"{len(flows)} flows are busy for persona {persona_id}, not one")
        return next(iter(flows.values()))

    def _item(self, event: Event, entry: Entry) -> Item:
        act = act_of(event, self.clock, (entry.flow.agent.id,))
        named = "" if entry.skill is None else entry.flow.idn_of(entry.skill)
        return Item(event, act, entry, Run(skill=named))

    async def _record_offered(self) -> None:
        while self._unrecorded:
            item = self._unrecorded.pop(0)
            try:
                await self._executions.record(item)
            except StoreError:
                log.exception("the act of event %s was not recorded", item.event.idn)


def _explained(error: Exception, skill: SkillFunction, arguments: Mapping[str, Any]) -> Exception:
    """An error of Python's types as that of an argument that is no text, where the skill was compiled for text.

    What is done with such an argument may as well be right, so that it is refused only then, and what went wrong is
    told too: it may have had another cause.
    """
    types: Mapping[str, Any] = getattr(skill, "__annotations__", {})
    wrong = [n for n, v in arguments.items() if types.get(n) == "str" and not isinstance(v, str)]
    if not wrong or not isinstance(error, AttributeError | TypeError):
        return error
    place = f"skill {skill.__name__}: parameter '{wrong[0]}'"
    found = type(arguments[wrong[0]]).__name__
    explained = SkillError(f"{place}: expected text, got {found} ({error})")
    explained.__cause__ = error
    for note in getattr(error, "__notes__", ()):
        explained.add_note(note)
    return explained
