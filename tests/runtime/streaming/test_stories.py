"""Whole stories of a flow instance: what its execution does and what arrives, against a reference in plain words."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any, Literal, TypeAlias

import anyio
from anyio.abc import TaskGroup
from hypothesis import given
from hypothesis import strategies as st

from fuzz import examples
from skillrt import (
    Act,
    Agent,
    Context,
    Decision,
    Event,
    MemoryStore,
    Offered,
    Options,
    Run,
    Runtime,
    SystemClock,
)
from skillrt.actions.interruption import start_not_interruptible_block, stop_not_interruptible_block
from skillrt.flows import Entry, FlowInstance, Item
from skillrt.interrupts import Execution, InterruptMode, Mode, stream_protects
from skillrt.manifest import ABI
from skillrt.projects import flow_of
from skillrt.testing.provider import ScriptedProvider

__abi__ = ABI
__manifest__: dict[str, Any] = {"idn": "stories", "skills": {}}

State: TypeAlias = tuple[bool, bool, int, list[str]]  # protected, stopped, cuts, queue
Step: TypeAlias = tuple[Any, ...]

STEPS = st.one_of(
    st.sampled_from(["start_block", "stop_block", "call", "leave", "end", "hear"]).map(
        lambda s: (s,)
    ),
    st.tuples(st.just("wait"), st.sampled_from([1.0, 2.0])),
    st.tuples(
        st.just("stream"),
        st.sampled_from(["interrupt", "none", "interruptWindow"]),
        st.sampled_from([0.0, 1.0, 3.0]),
    ),
    st.tuples(st.just("sleep"), st.booleans()),
    st.tuples(
        st.just("arrive"),
        st.sampled_from(["queue", "interrupt", "cancel"]),
        st.booleans(),
        st.booleans(),
    ),
)


@dataclass
class Reference:
    """The rules, as a person follows them with pencil and paper."""

    must: bool
    now: float = 0.0
    blocks: list[int] = field(default_factory=lambda: [0])
    doing: Literal["", "stream", "sleep"] = ""
    mode: InterruptMode = "interrupt"
    window: float = 0.0
    heard_at: float | None = None
    interruptible: bool = True
    requested: bool = False
    stopped: bool = False
    cuts: int = 0
    queue: list[tuple[str, bool]] = field(default_factory=list)
    arrivals: int = 0

    @property
    def protected(self) -> bool:
        if self.must or any(self.blocks):
            return True
        if self.doing == "sleep":
            return not self.interruptible
        if self.doing == "stream" and self.mode == "interruptWindow":
            return self.heard_at is not None and self.now >= self.heard_at + self.window
        return self.doing == "stream" and self.mode == "none"

    @property
    def state(self) -> State:
        return self.protected, self.stopped, self.cuts, [name for name, _ in self.queue]

    def allows(self, step: Step) -> bool:
        """Whether it can happen now."""
        match step[0]:
            case "hear":
                return self.doing == "stream" and self.heard_at is None
            case "end":
                return self.doing != ""
            case "wait" | "arrive":
                return True
            case "leave":
                return self.doing == "" and len(self.blocks) > 1
            case _:
                return self.doing == ""

    def point(self) -> None:
        if self.requested and not self.protected:
            self.stopped = True

    def start_block(self) -> None:
        self.blocks[-1] += 1

    def stop_block(self) -> None:
        if self.blocks[-1]:
            self.blocks[-1] -= 1
            if not any(self.blocks):
                self.point()

    def call(self) -> None:
        self.blocks.append(0)

    def leave(self) -> None:
        self.blocks.pop()

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def stream(self, mode: InterruptMode, window: float) -> None:
        self.point()
        self.doing, self.mode, self.window, self.heard_at = "stream", mode, window, None

    def hear(self) -> None:
        self.heard_at = self.now

    def sleep(self, interruptible: bool) -> None:
        if interruptible:
            self.point()
        self.doing, self.interruptible = "sleep", interruptible

    def end(self) -> None:
        self.doing = ""

    def arrive(self, how: Mode, said: bool, must: bool) -> Offered:
        self.arrivals += 1
        if how == "cancel":
            return Offered(Decision.DROPPED)
        cuts = self.doing == "stream" and not self.protected and (how == "interrupt" or said)
        if how == "interrupt":
            self.queue = [(name, kept) for name, kept in self.queue if kept]
            self.requested = True
            if self.doing:
                self.point()
        self.queue.append((f"{self.arrivals}", must))
        if cuts:
            self.cuts += 1
            self.doing = ""
        return Offered(Decision.QUEUED, cuts)


class Real:
    """The same told to the runtime's own parts, with the time in a variable."""

    def __init__(self, must: bool) -> None:
        self.now = 0.0
        self.heard_at: float | None = None
        self.stopped = False
        self.cuts = 0
        self.doing = ExitStack()
        self.execution = Execution(self.stop, uninterruptible=must)
        self.ctx = Context(
            event=Event(idn="0"),
            act=Act(reference_idn="0", kind="event", datetime=datetime.now(UTC)),
            agent=Agent(),
            persona=None,
            actor=None,
            flow="story",
            skills={},
            store=MemoryStore(),
            clock=SystemClock(),
            random=Random(0),
            provider=ScriptedProvider([]),
            connectors={},
            options=Options(),
            execution=self.execution,
            run=Run("story"),
            host=Runtime(provider=ScriptedProvider([]))._engine,
        )
        self.instance = FlowInstance("story", None, ENTRY, self.never, 1000)
        self.instance._execution = self.execution
        self.instance._current = item("0")
        self.arrivals = 0
        self.ctx.skill("story").__enter__()

    async def never(self, item: Item, execution: Execution, tasks: TaskGroup) -> None:
        raise AssertionError("nothing is carried out here")

    @property
    def state(self) -> State:
        queue = [item.event.idn for item in self.instance._queue]
        return self.execution.protected, self.stopped, self.cuts, queue

    def stop(self) -> None:
        self.stopped = True

    def cut(self) -> bool:
        assert not self.stopped, "a stream is cut before the scope around it, or its write is torn"
        self.cuts += 1
        return True

    async def start_block(self) -> None:
        await start_not_interruptible_block(self.ctx)

    async def stop_block(self) -> None:
        await stop_not_interruptible_block(self.ctx)

    async def call(self) -> None:
        self.ctx.skill("called").__enter__()

    async def leave(self) -> None:
        self.ctx.frame.__exit__(None, None, None)

    async def wait(self, seconds: float) -> None:
        self.now += seconds

    async def stream(self, mode: InterruptMode, window: float) -> None:
        def protects() -> bool:
            age = None if self.heard_at is None else self.now - self.heard_at
            return stream_protects(mode, window, age)

        await self.execution.point()
        self.heard_at = None
        self.doing.enter_context(self.execution.waiting())
        self.doing.enter_context(self.execution.streaming(self.cut))
        self.doing.enter_context(self.execution.holding(protects))

    async def hear(self) -> None:
        self.heard_at = self.now

    async def sleep(self, interruptible: bool) -> None:
        if interruptible:
            await self.execution.point()
            self.doing.enter_context(self.execution.waiting())
        else:
            self.doing.enter_context(self.execution.holding(lambda: True))

    async def end(self) -> None:
        self.doing.close()

    async def arrive(self, how: Mode, said: bool, must: bool) -> Offered:
        self.arrivals += 1
        offered = self.instance.offer(item(f"{self.arrivals}", said=said, must=must), how)
        if offered.cut:
            self.doing.close()
        return offered


async def Told(ctx: Context, /) -> None:
    """The skill of a story, which never runs."""


ENTRY = Entry(flow_of(globals(), Agent()), Told, {})


def item(idn: str, *, said: bool = False, must: bool = False) -> Item:
    event = Event(idn=idn, user_input=said, uninterruptible=must)
    act = Act(reference_idn=idn, kind="event", datetime=datetime.now(UTC))
    return Item(event, act, ENTRY, Run("story"))


@examples(500, 5_000)
@given(must=st.booleans(), steps=st.lists(STEPS, max_size=30))
def test_any_story_goes_as_the_reference_says(must: bool, steps: list[Step]) -> None:
    """Whatever is done and whatever arrives: protected, cut, stopped and queued as the rules in words say."""

    async def follow() -> None:
        reference, real = Reference(must), Real(must)
        for step in steps:
            if reference.stopped:
                break
            if reference.allows(step):
                name, *arguments = step
                expected = getattr(reference, name)(*arguments)
                assert await getattr(real, name)(*arguments) == expected
                assert real.state == reference.state

    anyio.run(follow)
