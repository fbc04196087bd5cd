"""Executions: every flow instance that is busy, who carries out what waits in it, and with what.

An execution is one event that runs one skill, with all the skills it calls. It has a place among those that may run
at once, and so much time; what ends one ends no other.

Source: event model, flow instances and limits.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import anyio
from anyio.abc import TaskGroup

from skillrt.clock import Clock
from skillrt.context import Context, Host, SkillFunction
from skillrt.errors import LimitError
from skillrt.flows import Entry, FlowInstance, Item
from skillrt.interrupts import Decision, Execution, Mode
from skillrt.llm.base import Provider
from skillrt.model import Actor, Agent, Event, Persona
from skillrt.moderation import Moderate
from skillrt.options import Options
from skillrt.projects import Flow, flow_of
from skillrt.recipients import latest_message_actor
from skillrt.services import Services
from skillrt.states import state_value
from skillrt.stores.base import Store
from skillrt.trace import Trace
from skillrt.values import text

log: Final = logging.getLogger("skillrt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """What a host gave its runtime, for every execution to use; `agent` is who speaks where no project says it."""

    provider: Provider
    services: Services
    store: Store
    options: Options
    clock: Clock
    random: Random
    agent: Agent
    trace: Trace | None = None
    moderate: Moderate | None = None


class Executions:
    """The busy flow instances of a runtime."""

    def __init__(self, equipment: Equipment, host: Host) -> None:
        """Nothing runs. What executions hand over goes to `host`."""
        self.instances: dict[str | None, dict[str, FlowInstance]] = {}  # by persona, by flow
        self.tasks: TaskGroup | None = None
        """Where executions run in the background; None while the runtime is not entered."""
        self._equipment = equipment
        self._host = host
        self._flows: Mapping[str, Flow] = {}  # loaded ones, by module
        self._others: dict[str, Flow] = {}  # of skills that were run without being loaded
        self._slots = anyio.Semaphore(equipment.options.executions, fast_acquire=True)
        self._drained: dict[str | None, anyio.Event] = {}  # awaited until a persona has none
        self._emptied: anyio.Event | None = None  # awaited until there are none

    def load(self, flows: Iterable[Flow]) -> None:
        """Know the agents of these flows' skills."""
        self._flows = {flow.name: flow for flow in flows}

    def offer(self, item: Item, mode: Mode) -> Decision:
        """Offer an event to the flow instance of its persona, and carry it out in the background if it may run."""
        instance = self.instance(item.event.persona_id, item.entry)
        decision = instance.offer(item, mode).decision
        if decision in (Decision.STARTED, Decision.QUEUED):
            self.attend(instance)
        return decision

    def attend(self, instance: FlowInstance) -> None:
        """Have what waits in an instance carried out in the background, unless somebody is at it already."""
        if self.tasks is not None and instance.tasks is None and not instance.expected:
            instance.expected = True
            self.tasks.start_soon(self.drive, instance, None, self.tasks)

    def stop(self) -> None:
        """Carry out nothing in the background any more; what still waits for it is dropped."""
        self.tasks = None
        instances = [one for flows in self.instances.values() for one in flows.values()]
        if dropped := sum(instance.drop_waiting() for instance in instances):
            log.warning("%s events that still waited are dropped", dropped)
        for instance in instances:
            instance.expected = False
            if not instance.busy:
                self._forget(instance)

    def instance(self, persona_id: str | None, entry: Entry) -> FlowInstance:
        """The instance of the entry's flow for a persona, made if there is none."""
        flows = self.instances.setdefault(persona_id, {})
        flow = entry.flow.name
        if flow not in flows:
            length = self._equipment.options.queue_length
            flows[flow] = FlowInstance(flow, persona_id, entry, self._carry_out, length)
        return flows[flow]

    async def drive(self, instance: FlowInstance, own: Item | None, tasks: TaskGroup) -> None:
        """Carry out what waits in an instance, as `FlowInstance.drive`, and forget one that is idle."""
        try:
            await instance.drive(own, tasks)
        finally:
            if not instance.busy:  # an idle one holds nothing that is not made again
                self._forget(instance)
            elif own is not None:
                # A host that gives up leaves behind it what a driver in the background left to that host.
                self.attend(instance)

    def _forget(self, instance: FlowInstance) -> None:
        persona_id = instance.persona_id
        flows = self.instances.get(persona_id, {})
        if flows.get(instance.flow) is instance:
            del flows[instance.flow]
            if not flows:
                del self.instances[persona_id]
                if drained := self._drained.pop(persona_id, None):
                    drained.set()
            if self._emptied is not None and not self.instances:
                self._emptied.set()
                self._emptied = None

    async def drained(self, persona_id: str | None) -> None:
        """Return once nothing of the persona runs or waits, be it for a moment."""
        if persona_id in self.instances:
            await self._drained.setdefault(persona_id, anyio.Event()).wait()

    async def quiet(self) -> None:
        """Return once no event runs or waits; an event that is offered at that very moment may run again."""
        while self.instances:
            if self._emptied is None:
                self._emptied = anyio.Event()
            await self._emptied.wait()

    def barge_in(self, actor_id: str) -> None:
        """The actor began to speak: every interruptible stream to it is cut."""
        for flows in self.instances.values():
            for instance in flows.values():
                instance.barge_in(actor_id)

    async def record(self, item: Item) -> None:
        """Have the event's act in the store; what was said is remembered whatever becomes of the event."""
        if not item.recorded:
            with anyio.CancelScope(shield=True):
                await self._equipment.store.put_act(item.act)
            item.recorded = True

    async def current_actor(self, event: Event, agent: Agent) -> Actor | None:
        """The event's actor, else the one through which its persona was last talked to."""
        if event.actor_id is not None:
            return await self._equipment.store.actor(event.actor_id)
        return await latest_message_actor(self._equipment.store, agent.id, event.persona_id)

    def flow_of(self, skill: SkillFunction) -> Flow:
        """The loaded flow of a skill; of one that is not loaded a flow of the runtime's own agent.

        Raises:
            AbiError: its module was compiled for another runtime, or is none of skillc's.
        """
        name = skill.__globals__["__name__"]
        for known in (self._flows.get(name), self._others.get(name)):
            if known is not None and skill in known.skills.values():
                return known
        self._others[name] = flow_of(skill.__globals__, self._equipment.agent)
        return self._others[name]

    async def _carry_out(self, item: Item, execution: Execution, tasks: TaskGroup) -> None:
        """Run the skill of an item in a context of its own, when there is a place for it and in the time it has."""
        await self.record(item)
        with execution.waiting():
            await self._slots.acquire()
        watch = anyio.CancelScope()
        try:
            with anyio.CancelScope() as in_time:
                tasks.start_soon(self._end_after, in_time, watch)
                await self._execute(item, execution)
            if in_time.cancelled_caught:
                limit_s = self._equipment.options.execution_limit_s
                raise LimitError(f"skill {item.run.skill} ran longer than {limit_s:g} s")
        finally:
            watch.cancel()
            self._slots.release()

    async def _end_after(self, execution: anyio.CancelScope, watch: anyio.CancelScope) -> None:
        """Cancel an execution that takes too long, unless the watch ends before."""
        clock, limit_s = self._equipment.clock, self._equipment.options.execution_limit_s
        with watch:
            await clock.sleep_until(clock.now() + limit_s)
            execution.cancel()

    async def _execute(self, item: Item, execution: Execution) -> None:
        event, run, entry = item.event, item.run, item.entry
        equipment, flow, persona = self._equipment, entry.flow, None
        if event.persona_id is not None:
            found = await equipment.store.persona(event.persona_id)
            persona = found or Persona(id=event.persona_id)
        ctx = Context(
            event=event,
            act=item.act,
            agent=flow.agent,
            persona=persona,
            actor=await self.current_actor(event, flow.agent),
            flow=flow.name,
            skills=flow.skills,
            store=equipment.store,
            clock=equipment.clock,
            random=equipment.random,
            provider=equipment.provider,
            connectors=entry.connectors,
            options=equipment.options,
            execution=execution,
            run=run,
            host=self._host,
            models=flow.models,
            model=flow.model,
            libraries=flow.libraries,
            project=flow.project,
            states=flow.states,
            trace=equipment.trace,
            moderate=equipment.moderate,
        )
        skill = entry.skill or await _selected(ctx, entry.state)
        if skill is None:
            return
        run.skill = flow.idn_of(skill)
        try:
            run.result = await skill(ctx, **entry.arguments)
            if action := flow.result_actions.get(run.skill):
                await _act_on_result(ctx, action, run.skill, run.result)
        finally:
            if ctx.typing:
                await equipment.services.end_typing(ctx.typing.values())


async def _selected(ctx: Context, state: str) -> SkillFunction | None:
    """The skill that a state field names now; None, and nothing is done, when it names none.

    Source: event model, selecting the skill.
    """
    idn = (await state_value(ctx, state)).strip()
    if not idn:
        return None
    if idn not in ctx.skills:
        log.error("state %s of flow %s names no skill: '%s'", state, ctx.flow, idn)
        return None
    skill: Any = ctx.skills[idn]
    found: SkillFunction = skill
    return found


async def _act_on_result(ctx: Context, action: str, idn: str, result: Any) -> None:
    """Send the result, or keep it in a state field; "" is no result.

    Source: event model, result variable and action.
    """
    from skillrt.actions.messaging import send_message
    from skillrt.actions.variables import set_state

    if result == "":
        return
    ctx.frames.append(ctx.skill(idn))
    try:
        if action == "send":
            await send_message(ctx, message=text(result))
        else:
            await set_state(ctx, name=action.removeprefix("state:"), value=result)
    finally:
        ctx.frames.pop()
