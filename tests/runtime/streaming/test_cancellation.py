"""Cut or cancelled at every place where others may run: recorded is what was heard, and nothing stays open."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Callable, Generator
from dataclasses import replace
from functools import partial
from typing import Any

import anyio
import pytest
import trio
from anyio.lowlevel import checkpoint

from skillrt import Act, Actor, Context, MemoryStore, Persona, ProviderError, StoreError
from skillrt.actions.generation import gen, gen_stream
from skillrt.actions.interruption import sleep
from skillrt.actions.messaging import send_message
from skillrt.connectors.base import CloseReason
from skillrt.manifest import ABI
from skillrt.testing.clock import VirtualClock
from skillrt.testing.sinks import RecordingConnector, RecordingSink

pytestmark = pytest.mark.anyio

__abi__ = ABI
__manifest__: dict[str, Any] = {"idn": "cancellation", "skills": {}}


class Probe:
    """Counts the places where others may run; at the `at`-th of them something happens."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.count = 0
        self.act: Callable[[], Any] = lambda: None

    async def __call__(self, *_: object) -> None:
        self.count += 1
        if self.count == self.at:
            self.act()
        await checkpoint()


class ProbedSink(RecordingSink):
    """Waits before and after it takes a piece: what it took counts even if it goes on waiting."""

    __slots__ = ("probe",)

    async def write(self, text: str) -> None:
        await self.probe()
        self.pieces.append(text)
        await self.probe()

    async def close(self, reason: CloseReason) -> int | None:
        await self.probe()
        return await RecordingSink.close(self, reason)


class ProbedStore(MemoryStore):
    probe: Probe

    async def put_act(self, act: Act) -> None:
        await self.probe()
        await MemoryStore.put_act(self, act)
        await self.probe()

    async def actor(self, id: str) -> Actor | None:
        await self.probe()
        return await MemoryStore.actor(self, id)


class ProbedClock(VirtualClock):
    probe: Probe

    async def sleep_until(self, deadline: float) -> None:
        await self.probe()
        await VirtualClock.sleep_until(self, deadline)


async def Talk(ctx: Context, /, *, mode: str, actor_ids: list[str] | None = None) -> str:
    with ctx.skill("Talk"):
        send_to = "currentActor" if actor_ids is None else "actors"
        await gen_stream(
            ctx,
            interrupt_mode=mode,
            interrupt_window=0.5,
            send_to=send_to,
            actor_ids=actor_ids,
        )
        assert not ctx.execution.pending or mode != "interrupt", "stopped, it does not go on"
        await gen(ctx)
        return "ended"


WHOLE = {"One two three.", "For the skill.", "Next."}
ACTS = ["interrupt", "queue", "cancelled", "cancelled natively"]


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("progress", [None, len])
@pytest.mark.parametrize("mode", ["interrupt", "interruptWindow", "none"])
@pytest.mark.parametrize("act", ACTS)
async def test_anywhere(
    stages: Any, anyio_backend: str, act: str, mode: str, progress: Any, several: bool
) -> None:
    if act == "cancelled natively" and anyio_backend != "asyncio":
        pytest.skip("asyncio alone cancels tasks")
    at, reached = 0, True
    outcomes = set()
    while reached:
        at += 1
        assert at < 200, "a run ends at last"
        probe = Probe(at)
        outcomes |= await play(stages(), probe, act, mode, progress, several)
        reached = probe.count >= at
    assert at > 20, "there were places enough"
    assert "completed" in outcomes
    assert ("interrupted" in outcomes) == (mode != "none" or act.startswith("cancelled"))


class Steps(Probe):
    """Counts how often any task gives way, and on trio how often one goes on; acts at the `at`-th time."""

    async def __call__(self, *_: object) -> None:
        await checkpoint()

    def step(self) -> None:
        self.count += 1
        if self.count == self.at:
            self.act()

    def backend_options(self, backend: str) -> dict[str, Any]:
        if backend == "trio":
            return {"instruments": [TrioSteps(self)]}
        return {"loop_factory": self.stepping_loop}

    def stepping_loop(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()

        async def stepped(coro: Any) -> Any:
            return await giving_way(coro, self.step)

        loop.set_task_factory(
            lambda loop, coro, **named: asyncio.Task(stepped(coro), loop=loop, **named)
        )
        return loop


class TrioSteps(trio.abc.Instrument):
    def __init__(self, steps: Steps) -> None:
        self.steps = steps

    def before_task_step(self, task: object) -> None:
        self.steps.step()

    def after_task_step(self, task: object) -> None:
        self.steps.step()


@types.coroutine
def giving_way(coro: Any, step: Callable[[], None]) -> Generator[Any, Any, Any]:
    """Await a coroutine, and tell each time it is about to wait."""
    resume = partial(coro.send, None)
    while True:
        try:
            awaited = resume()
        except StopIteration as end:
            return end.value
        step()
        try:
            resume = partial(coro.send, (yield awaited))
        except BaseException as error:
            resume = partial(coro.throw, error)


@pytest.mark.parametrize(
    ("mode", "several"), [("interrupt", False), ("interrupt", True), ("none", False)]
)
@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_at_any_step(stages: Any, backend: str, act: str, mode: str, several: bool) -> None:
    """Not only where a sink, a store or a model waits: between any two steps of any tasks of the run."""
    if act == "cancelled natively" and backend != "asyncio":
        pytest.skip("asyncio alone cancels tasks")
    outcomes: set[str] = set()

    async def main() -> None:
        nonlocal outcomes
        steps.count, before = 0, anyio.get_running_tasks()
        outcomes |= await play(stages(), steps, act, mode, None, several)
        assert anyio.get_running_tasks() == before, "nothing goes on"

    at, reached = 0, True
    while reached:
        at += 1
        assert at < 1000, "a run ends at last"
        steps = Steps(at)
        options = steps.backend_options(backend)
        anyio.run(main, backend=backend, backend_options=options)
        reached = steps.count >= at
    assert at > 100, "there were steps enough"
    assert "completed" in outcomes
    assert ("interrupted" in outcomes) == (mode != "none" or act.startswith("cancelled"))


async def play(
    stage: Any, probe: Probe, act: str, mode: str, progress: Any, several: bool
) -> set[str]:
    """One run with one act at one place; what must hold afterwards, and the outcomes seen."""
    stage.clock, stage.store, stage.sink = ProbedClock(), ProbedStore(), ProbedSink()
    stage.clock.probe = stage.store.probe = stage.sink.probe = probe
    stage.script(
        [probe, ProviderError("transport", "reset")],
        [probe, "One", probe, " two", stage.at(2.0), probe, " three.", probe],
        [probe, "For the skill.", probe],
        ["Next."],
    )
    sinks, arguments = await recipients(stage, probe, several)
    for sink in sinks.values():
        sink.progress = progress
    runs: list[Any] = []
    host_scope, hosts = anyio.CancelScope(), []

    async def host() -> None:
        hosts.append(asyncio.current_task() if act == "cancelled natively" else None)
        with host_scope:
            runs.append(await stage.run(Talk, arguments={"mode": mode, **arguments}))

    def strike() -> None:
        match act:
            case "cancelled":
                host_scope.cancel()
            case "cancelled natively":
                for task in hosts:  # none before it has begun
                    task.cancel()
            case _:
                if stage.runtime._instances:  # before, there is nothing to interrupt yet
                    stage.runtime.offer(stage.event(), act)

    probe.act = strike
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stage.clock.run)
        if act == "cancelled natively":
            await asyncio.wait([asyncio.ensure_future(host())])
        else:
            await host()
        tasks.cancel_scope.cancel()

    for actor_id, sink in sinks.items():
        assert sink.pieces == [], "every message was ended"
        records = [
            record
            for record in await stage.acts()
            if record.reference_idn == "agent_message" and actor_id in (None, record.actor_id)
        ]
        heard = [message.text for message in sink.messages if message.text]
        assert [record.text for record in records] == heard
        for record in records:
            assert record.text in WHOLE or record.arguments == {"interrupted": "true"}
    assert stage.provider.open == 0
    assert stage.clock._sleepers == []
    assert stage.runtime._instances == {}
    return {o.outcome for run in runs for r in (run, *run.followed) for o in r.outcomes} | {
        "interrupted" for sink in sinks.values() for m in sink.messages if m.reason == "interrupted"
    }


async def recipients(
    stage: Any, probe: Probe, several: bool
) -> tuple[dict[str | None, RecordingSink], dict[str, Any]]:
    if not several:
        return {None: stage.sink}, {}
    office = RecordingConnector("office", "chat")
    stage.connectors = [office]
    for number in range(3):
        desk = Actor(
            persona_id=Persona().id,
            integration_idn="office",
            connector_idn="chat",
            external_id=str(number),
        )
        await stage.store.put_actor(desk)
        sink = ProbedSink()
        sink.probe = probe
        office.sinks[desk.id] = sink
    return dict(office.sinks), {"actor_ids": list(office.sinks)}


class ProbedConnector(RecordingConnector):
    """Waits before and after it sends: what it sent counts even if it goes on waiting."""

    __slots__ = ("probe",)

    async def send_message(self, actor: Actor, text: str, arguments: Any) -> None:
        await self.probe()
        await RecordingConnector.send_message(self, actor, text, arguments)
        await self.probe()


async def Notify(ctx: Context, /, *, actor_ids: list[str], probe: Probe) -> str:
    with ctx.skill("Notify"):
        for text in ("First.", "Second."):
            await send_message(ctx, message=text, actor_ids=actor_ids)
            await probe()
        await sleep(ctx, duration=0)
        return "ended"


async def Nothing(ctx: Context, /, **arguments: Any) -> str:
    with ctx.skill("Nothing"):
        return ""


@pytest.mark.parametrize("strikes", [1, 3])
@pytest.mark.parametrize("act", ACTS)
async def test_messages_sent_are_messages_recorded_wherever_it_strikes(
    stages: Any, anyio_backend: str, act: str, strikes: int
) -> None:
    """Once begun a message completes: for everybody or, struck before that, for nobody."""
    if act == "cancelled natively" and anyio_backend != "asyncio":
        pytest.skip("asyncio alone cancels tasks")
    at, reached, counts = 0, True, set()
    while reached:
        at += 1
        assert at < 200, "a run ends at last"
        probe = Probe(at)
        counts.add(await notify(stages(), probe, act, strikes))
        reached = probe.count >= at
    assert at > 20, "there were places enough"
    assert counts == ({2} if act == "queue" else {0, 1, 2}), "before, between and after"


async def notify(stage: Any, probe: Probe, act: str, strikes: int) -> int:
    """One run with an act at one place and those that follow it; how many messages were sent."""
    stage.store, office = ProbedStore(), ProbedConnector("office", "chat")
    stage.connectors = [office]
    stage.store.probe = office.probe = probe
    ids = [f"desk {number}" for number in range(3)]
    for id in ids:
        await stage.store.put_actor(
            Actor(
                id=id,
                persona_id=id,
                integration_idn="office",
                connector_idn="chat",
                external_id=id,
            )
        )
    host_scope, hosts = anyio.CancelScope(), []

    async def host() -> None:
        hosts.append(asyncio.current_task() if act == "cancelled natively" else None)
        with host_scope:
            await stage.run(Notify, arguments={"actor_ids": ids, "probe": probe})

    def strike() -> None:
        probe.at = min(probe.at + 1, first + strikes - 1)
        match act:
            case "cancelled":
                host_scope.cancel()
            case "cancelled natively":
                hosts[0].cancel()
            case _:
                if stage.runtime._instances:
                    stage.runtime.offer(stage.event(), act, skill=Nothing)

    first, probe.act = probe.at, strike
    if act == "cancelled natively":
        await asyncio.wait([asyncio.ensure_future(host())])
    else:
        await host()
    recorded = [
        (record.actor_id, record.text)
        for record in await stage.acts()
        if record.reference_idn == "agent_message"
    ]
    assert sorted(recorded) == sorted(office.sent)
    assert stage.runtime._instances == {}
    texts = {text for _, text in office.sent}
    assert sorted(office.sent) == [(id, text) for id in ids for text in sorted(texts)]
    return len(texts)


async def test_store_that_hangs_ends_a_message_too(stage: Any) -> None:
    stage.options = replace(stage.options, finalise_timeout_s=0.01)
    stage.connectors = [office := RecordingConnector("office", "chat")]
    put_act = stage.store.put_act

    async def hanging(act: Act) -> None:
        if act.reference_idn == "agent_message":
            await anyio.sleep_forever()
        await put_act(act)

    stage.store.put_act = hanging
    await stage.store.put_actor(
        Actor(id="desk", persona_id="p", integration_idn="office", connector_idn="chat")
    )
    arguments = {"actor_ids": ["desk"], "probe": Probe(0)}
    with pytest.raises(StoreError, match=r"did not take a reply within 0\.01 s"):
        await stage.run(Notify, arguments=arguments)
    assert office.sent == [("desk", "First.")]


async def test_native_cancellation_again_and_again_loses_nothing(
    stage: Any, anyio_backend: str
) -> None:
    """A host that loses patience with its task does not tear the record apart."""
    if anyio_backend != "asyncio":
        pytest.skip("asyncio alone cancels tasks")

    class SlowStore(MemoryStore):
        async def put_act(self, act: Act) -> None:
            await asyncio.sleep(0.02)
            await MemoryStore.put_act(self, act)

    stage.store = SlowStore()
    stage.script(["One", stage.at(9.0), " two."])
    task = asyncio.ensure_future(stage.run(Talk, arguments={"mode": "none"}))
    await asyncio.sleep(0.05)
    await stage.clock.advance(1.0)
    for _ in range(5):
        task.cancel()
        await asyncio.sleep(0.002)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await stage.memory() == ["U: hi", "A: One-"]
    assert stage.sink.messages[0].text == "One"
