"""What an event does that arrives during a stream: the decision table, cell by cell."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decision_table import CELLS
from fuzz import examples
from skillrt import ActionError, Context, Decision
from skillrt.actions.control import do
from skillrt.actions.generation import gen_stream
from skillrt.actions.interruption import (
    sleep,
    start_not_interruptible_block,
    stop_not_interruptible_block,
)
from skillrt.manifest import ABI

__abi__ = ABI
__manifest__: dict[str, Any] = {"idn": "decisions", "skills": {}}


async def Reply(
    ctx: Context, /, *, trace: list[str], mode: str, block: bool, window_s: float = 2.0
) -> str:
    with ctx.skill("Reply"):
        if block:
            await start_not_interruptible_block(ctx)
        said = await gen_stream(ctx, interrupt_mode=mode, interrupt_window=window_s)
        trace.append(f"{said.outcome}: {said}")
        if block:
            await stop_not_interruptible_block(ctx)
            trace.append("left the block")
        await sleep(ctx, duration=0)
        trace.append("ended")
        return said


async def Echo(ctx: Context, /, *, mode: str = "interrupt") -> str:
    with ctx.skill("Echo"):
        await gen_stream(ctx, interrupt_mode=mode)
        await sleep(ctx, duration=0)
        return ctx.act.text


async def play(
    stage: Any, arriving: str, protection: str, mode: str, at: float, window_s: float = 2.0
) -> tuple[Any, Any, list[str]]:
    """A stream of 5 s whose first half is heard at 1 s; two events wait when the one in question arrives."""
    stage.script([stage.at(1.0), "One", stage.at(5.0), " two."], ["Next."])
    trace: list[str] = []
    arguments = {
        "trace": trace,
        "mode": "interruptWindow" if mode in ("inside", "outside") else mode,
        "window_s": window_s,
        "block": protection.startswith("block"),
    }
    started = stage.event(text="hi", uninterruptible=protection.endswith("uninterruptible"))
    runs = []

    async def host() -> None:
        runs.append(await stage.run(Reply, None, event=started, arguments=arguments))

    how, _, kind = arriving.partition(", ")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(host)
        await stage.clock.advance(0.5)
        stage.runtime.offer(stage.event("note"), "queue")
        stage.runtime.offer(stage.event("must", uninterruptible=True), "queue")
        await stage.clock.advance(at - 0.5)
        arrived = stage.event("other" if kind == "other" else "user_message")
        offered = stage.runtime.offer(arrived, how)
        await stage.clock.advance(60.0)
    return offered, runs[0], trace


@pytest.mark.parametrize(("arriving", "protection", "mode", "letter"), CELLS)
@pytest.mark.anyio
async def test_decision(stage: Any, arriving: str, protection: str, mode: str, letter: str) -> None:
    offered, run, trace = await play(
        stage, arriving, protection, mode, 3.5 if mode == "outside" else 2.0
    )
    full, cut = "completed: One two.", "interrupted: One"
    next_ones = [
        "completed: Next.",
        *(["left the block"] if protection.startswith("block") else []),
        "ended",
    ]
    own = {
        "A": [full, "left the block", "ended"],
        "B": [full, "left the block", "ended"],
        "C": [],
        "D": [full],
        "E": [full],
        "F": [full, "left the block", "ended"],
        "G": [cut, "ended"],
    }[letter]
    if not protection.startswith("block"):
        own = [line for line in own if line != "left the block"]
    followed = {"A": 3, "B": 2, "G": 3}.get(
        letter, 2
    )  # what clears the queue leaves `must`, and itself
    assert trace == own + next_ones * followed
    assert len(run.followed) == followed
    assert run.interrupted == (letter in "CDE")
    assert offered.decision is (Decision.DROPPED if letter == "B" else Decision.QUEUED)
    assert offered.cut == (letter in "CG")

    heard = stage.sink.messages[0]
    assert (heard.text, heard.reason) == (
        ("One", "interrupted") if letter in "CG" else ("One two.", "complete")
    )
    memory = await stage.memory()
    first = "A: One-" if letter in "CG" else "A: One two."
    assert memory.count(first) == 1
    assert memory[:2] == ["U: hi", first]
    assert ("U: wait" in memory) == (arriving != "queue, other")  # even a dropped one
    assert stage.provider.open == 0


@pytest.mark.parametrize("arriving", ["interrupt", "queue, user input"])
@pytest.mark.parametrize(
    ("window_s", "at", "inside"),
    [
        *[(2.0, at, True) for at in (0.999, 1.0, 1.001, 2.0, 2.999)],
        *[(2.0, at, False) for at in (3.0, 3.001, 4.999)],
        *[(0.0, at, True) for at in (0.5, 0.999)],  # until the first word
        *[(0.0, at, False) for at in (1.0, 1.001)],
        *[(1e-9, at, at == 1.0) for at in (1.0, 1.001)],
        *[(window_s, 4.999, True) for window_s in (4.0, 60.0, 1e308)],  # longer than the generation
    ],
)
@pytest.mark.anyio
async def test_window_counts_from_the_first_delivery(
    stage: Any, arriving: str, window_s: float, at: float, inside: bool
) -> None:
    offered, run, _ = await play(stage, arriving, "none", "inside", at, window_s)
    heard = [] if at < 1.0 else ["One"]
    if inside:
        assert offered.cut
        assert run.outcomes[0].outcome == "interrupted"
        assert [m.text for m in stage.sink.messages][:1] == (heard or [""])
        assert ("A: One-" in await stage.memory()) == bool(heard)
    else:
        assert not offered.cut
        assert run.outcomes[0].outcome == "completed"
        assert stage.sink.messages[0].text == "One two."


@pytest.mark.parametrize("arriving", ["interrupt", "queue, user input"])
@pytest.mark.anyio
async def test_window_longer_than_the_stream_ends_with_it(stage: Any, arriving: str) -> None:
    """After the stream there is nothing to cut, and the skill's next wait is a point like any other."""
    trace: list[str] = []

    async def Linger(ctx: Context, /) -> str:
        with ctx.skill("Linger"):
            said = await gen_stream(ctx, interrupt_mode="interruptWindow", interrupt_window=60.0)
            trace.append(f"{said.outcome}: {said}")
            await sleep(ctx, duration=5)
            trace.append("slept")
            return said

    how, _, _ = arriving.partition(", ")
    offers = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stage.run, Linger)
        await stage.clock.advance(3.0)
        offers.append(stage.runtime.offer(stage.event(), how, skill=Echo))
        await stage.clock.advance(60.0)
    assert offers == [(Decision.QUEUED, False)]
    assert trace == ["completed: Hello.", *(["slept"] if how == "queue" else [])]


@pytest.mark.parametrize("window", ["nan", float("nan"), "-1", -0.001, "inf", "soon"])
@pytest.mark.anyio
async def test_window_that_is_none_is_refused_before_anything_is_asked(
    stage: Any, window: Any
) -> None:
    async def Computed(ctx: Context, /) -> str:
        with ctx.skill("Computed"):
            arguments = {"interruptMode": "interruptWindow", "interruptWindow": window}
            return str(await do(ctx, action_name="GenStream", arguments=arguments))

    with pytest.raises(ActionError, match="interruptWindow"):
        await stage.run(Computed)
    assert stage.provider.requests == []
    assert stage.sink.messages == []


@pytest.mark.anyio
async def test_interruption_before_the_first_word_leaves_no_act(stage: Any) -> None:
    _, run, trace = await play(stage, "interrupt", "none", "interrupt", 0.75)
    assert run.interrupted
    assert list(run.outcomes[0].delivered.values()) == [""]
    assert [line for line in await stage.memory() if line.startswith("A: One")] == []
    assert trace[0] == "completed: Next."


@pytest.mark.anyio
async def test_two_requests_are_one_and_the_latest_event_stays(stage: Any) -> None:
    stage.script([stage.at(1.0), "One", stage.at(5.0), " two."], ["Next."])
    trace: list[str] = []
    arguments = {"trace": trace, "mode": "none", "block": False}
    runs = []

    async def host() -> None:
        runs.append(await stage.run(Reply, arguments=arguments))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(host)
        await stage.clock.advance(2.0)
        stage.runtime.offer(stage.event(text="first"), "interrupt")
        stage.runtime.offer(stage.event(text="second"), "interrupt")
        await stage.clock.advance(60.0)
    assert len(runs[0].followed) == 1
    assert await stage.memory() == ["U: hi", "A: One two.", "U: first", "U: second", "A: Next."]


# (arriving, what protects the sleep) -> what happens: the decisions where there is no stream
SLEEPS = {
    ("queue", ""): "A",
    ("queue", "block"): "A",
    ("cancel", ""): "B",
    ("cancel", "uninterruptible"): "B",
    ("interrupt", ""): "C",
    ("interrupt", "not interruptible"): "D",
    ("interrupt", "block"): "E",
    ("interrupt", "block, not interruptible"): "E",
    ("interrupt", "uninterruptible"): "F",
    ("interrupt", "block, uninterruptible"): "F",
}


@pytest.mark.parametrize(("arriving", "protection"), SLEEPS)
@pytest.mark.anyio
async def test_decision_without_a_stream(stage: Any, arriving: str, protection: str) -> None:
    trace: list[str] = []

    async def Wait(ctx: Context, /) -> str:
        with ctx.skill("Wait"):
            if "block" in protection:
                await start_not_interruptible_block(ctx)
            await sleep(ctx, duration=10, interruptible="not interruptible" not in protection)
            trace.append("slept")
            if "block" in protection:
                await stop_not_interruptible_block(ctx)
                trace.append("left the block")
            await sleep(ctx, duration=0)
            trace.append("ended")
            return ""

    runs = []
    started = stage.event(text="hi", uninterruptible="uninterruptible" in protection)
    next_at: list[float] = []

    async def Next(ctx: Context, /) -> None:
        next_at.append(ctx.clock.now())

    async def host() -> None:
        runs.append(await stage.run(Wait, None, event=started))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(host)
        await stage.clock.advance(4.0)
        offered = stage.runtime.offer(stage.event(), arriving, skill=Next)
        await stage.clock.advance(60.0)
    letter = SLEEPS[arriving, protection]
    whole = ["slept", "left the block", "ended"] if "block" in protection else ["slept", "ended"]
    assert trace == {"C": [], "D": ["slept"], "E": ["slept"]}.get(letter, whole)
    assert runs[0].interrupted == (letter in "CDE")
    assert not offered.cut
    assert offered.decision is (Decision.DROPPED if letter == "B" else Decision.QUEUED)
    assert next_at == {"B": [], "C": [4.0]}.get(letter, [10.0])


ARRIVAL = st.tuples(st.sampled_from(["queue", "interrupt", "cancel"]), st.booleans(), st.booleans())


@examples(100, 1_000)
@given(
    mode=st.sampled_from(["interrupt", "none"]),
    uninterruptible=st.booleans(),
    arrivals=st.lists(ARRIVAL, max_size=8),
)
def test_events_of_one_moment(
    stages: Any, mode: str, uninterruptible: bool, arrivals: list[tuple[str, bool, bool]]
) -> None:
    """Any events arriving at once leave the stream, the skill and the queue as an obvious model says."""
    protected = uninterruptible or mode == "none"
    cut = stopped = False
    queue: list[tuple[str, bool]] = []
    decisions = []
    for number, (how, said, must) in enumerate(arrivals):
        decisions.append(Decision.DROPPED if how == "cancel" else Decision.QUEUED)
        if how == "cancel":
            continue
        if how == "interrupt":
            queue = [waiting for waiting in queue if waiting[1]]
            stopped = not uninterruptible
        if (how == "interrupt" or said) and not protected:
            cut = True
        queue.append((f"{number}", must))
    runs: list[Any] = []
    decided = []

    async def main() -> None:
        stage = stages()
        stage.script([stage.at(1.0), "One", stage.at(5.0), " two."], ["Next."])
        first = stage.event(text="hi", uninterruptible=uninterruptible)

        async def host() -> None:
            runs.append(await stage.run(Echo, None, event=first, arguments={"mode": mode}))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(host)
            await stage.clock.advance(2.0)
            for number, (how, said, must) in enumerate(arrivals):
                idn = "user_message" if said else "note"
                event = stage.event(idn, f"{number}", uninterruptible=must)
                decided.append(stage.runtime.offer(event, how).decision)
            await stage.clock.advance(60.0)
        assert stage.provider.open == 0

    anyio.run(main)
    (run,) = runs
    assert decided == decisions
    assert run.outcomes[0].outcome == ("interrupted" if cut else "completed")
    assert run.interrupted == stopped
    assert [followed.result for followed in run.followed] == [text for text, _ in queue]
