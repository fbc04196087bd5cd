"""What a trace is told: the facts of an execution in their order, and nothing per token."""

from __future__ import annotations

import logging
from typing import Any

import anyio
import pytest

from skillrt import Actor, Context, ProviderError, Runtime
from skillrt.actions.generation import gen, gen_stream
from skillrt.actions.interruption import sleep
from skillrt.actions.messaging import send_message
from skillrt.manifest import ABI
from skillrt.testing.sinks import RecordingSink
from skillrt.trace import (
    AttemptStarted,
    DeliveryEnded,
    Fact,
    FirstText,
    GenerationEnded,
    Interrupted,
    MessageSent,
    Moment,
    SkillEnded,
    SkillStarted,
)

pytestmark = pytest.mark.anyio

__abi__ = ABI
__manifest__: dict[str, Any] = {"idn": "traced", "skills": {}}


async def Inner(ctx: Context, /) -> Any:
    with ctx.skill("Inner"):
        return await gen_stream(ctx)


async def Outer(ctx: Context, /) -> Any:
    with ctx.skill("Outer"):
        said = await Inner(ctx)
        await sleep(ctx, duration=0)
        return said


async def Notify(ctx: Context, /, *, message: str, actor_ids: list[str] | None = None) -> Any:
    with ctx.skill("Notify"):
        return await send_message(ctx, message=message, actor_ids=actor_ids)


async def Ask(ctx: Context, /) -> Any:
    with ctx.skill("Ask"):
        return await gen(ctx)


async def Fail(ctx: Context, /) -> Any:
    with ctx.skill("Fail"):
        raise KeyError("a bug")


class Notes:
    """A trace that keeps what it was told."""

    def __init__(self) -> None:
        self.moments: list[Moment] = []
        self.facts: list[Fact] = []

    def __call__(self, moment: Moment, fact: Fact) -> None:
        self.moments.append(moment)
        self.facts.append(fact)

    @property
    def lines(self) -> list[str]:
        """Each fact in a line: when, where, what."""
        return [
            f"{moment.at_s:g} {moment.skill}: {said(fact)}"
            for moment, fact in zip(self.moments, self.facts, strict=True)
        ]


def said(fact: Fact) -> str:
    match fact:
        case SkillStarted(depth):
            return f"started at depth {depth}"
        case SkillEnded(how, error):
            return f"{how}{f' by {error!r}' if isinstance(error, Exception) else ''}"
        case AttemptStarted(attempt, request):
            return f"attempt {attempt}, {len(request.messages)} message"
        case FirstText(attempt):
            return f"first text in attempt {attempt}"
        case Interrupted(cause):
            return cause
        case DeliveryEnded(_, _, characters, lost):
            return f"delivered {characters} characters{lost and f', {lost}'}"
        case GenerationEnded(outcome):
            return f"{outcome.action} {outcome.outcome}"
        case MessageSent(_, actor_ids, characters):
            return f"sent {characters} characters to {len(actor_ids)}"


@pytest.fixture
def notes() -> Notes:
    return Notes()


def traced(stage: Any, trace: Any) -> Any:
    """Put a runtime with a trace on the stage."""
    stage.runtime = Runtime(
        provider=stage.provider,
        connectors=stage.connectors,
        store=stage.store,
        options=stage.options,
        clock=stage.clock,
        trace=trace,
    )
    return stage


async def finished(stage: Any, *arguments: Any, **more: Any) -> Any:
    """A run, the clock jumping wherever everything waits."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stage.clock.run)
        run = await stage.run(*arguments, **more)
        tasks.cancel_scope.cancel()
    return run


async def test_stream_is_told_from_its_skill_to_its_acts(stage: Any, notes: Notes) -> None:
    tokens = [f"{n}," for n in range(100)]
    stage.script([stage.at(2.0), *tokens, stage.at(5.0)])
    run = await finished(traced(stage, notes), Outer)
    assert notes.lines == [
        "0 Outer: started at depth 0",
        "0 Inner: started at depth 1",
        "0 Inner: attempt 1, 1 message",
        "2 Inner: first text in attempt 1",
        "5 Inner: delivered 290 characters",
        "5 Inner: GenStream completed",
        "5 Inner: completed",
        "5 Outer: completed",
    ]
    (outcome,) = run.outcomes
    assert notes.facts[5] == GenerationEnded(outcome)
    assert (outcome.first_chunk_s, outcome.total_s, outcome.attempts) == (2.0, 5.0, 1)
    (actor_id,) = outcome.delivered
    acts = await stage.acts()
    assert notes.facts[4] == DeliveryEnded(acts[1].message_id, actor_id, 290, "")
    assert {(moment.event_id, moment.flow) for moment in notes.moments} == {
        (notes.moments[0].event_id, __name__)
    }


async def test_attempts_are_told_one_by_one(stage: Any, notes: Notes) -> None:
    stage.script([ProviderError("transport", "reset")], [" ", "Hello."])
    await finished(traced(stage, notes), Ask)
    told = [line.partition(" ")[2] for line in notes.lines]
    assert told == [
        "Ask: started at depth 0",
        "Ask: attempt 1, 1 message",
        "Ask: attempt 2, 1 message",
        "Ask: first text in attempt 2",
        "Ask: Gen completed",
        "Ask: completed",
    ]


async def test_interruption_is_told_when_it_happens(stage: Any, notes: Notes) -> None:
    stage.script([stage.at(1.0), "One", stage.at(9.0), " two."], ["Next."])
    traced(stage, notes)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stage.run, Outer)
        await stage.clock.advance(3.0)
        stage.runtime.offer(stage.event(), "interrupt")
        await stage.clock.advance(10.0)
    assert notes.lines[3:9] == [
        "1 Inner: first text in attempt 1",
        "3 Inner: cut by an event",
        "3 Inner: delivered 3 characters",
        "3 Inner: GenStream interrupted",
        "3 Inner: stopped",
        "3 Outer: stopped",
    ]
    assert notes.lines[9] == "3 Outer: started at depth 0"
    assert notes.moments[9].event_id != notes.moments[8].event_id


async def test_lost_channel_is_told(stage: Any, notes: Notes) -> None:
    async def taking(text: str) -> None:
        raise ConnectionResetError("gone")

    stage.sink = RecordingSink(taking)
    await finished(traced(stage, notes), Inner)
    lost = "the channel failed: ConnectionResetError: gone"
    assert f"0 Inner: delivered 0 characters, {lost}" in notes.lines
    assert "0 Inner: GenStream interrupted" in notes.lines


async def test_generation_that_never_was_is_told(stage: Any, notes: Notes) -> None:
    await traced(stage, notes).run(Inner, " ")
    assert notes.lines[1] == "0 Inner: GenStream failed(empty_prompt)"


async def test_message_is_told_with_those_who_got_it(stage: Any, notes: Notes) -> None:
    await stage.store.put_actor(Actor(id="far", persona_id="p", integration_idn="sandbox"))
    traced(stage, notes)
    run = await stage.run(Notify, arguments={"message": "Hello.", "actor_ids": ["far", "nobody"]})
    assert notes.facts[1] == MessageSent(run.result, ("far",), 6)
    assert notes.lines[1] == "0 Notify: sent 6 characters to 1"


async def test_error_of_a_skill_is_told(stage: Any, notes: Notes) -> None:
    with pytest.raises(KeyError):
        await traced(stage, notes).run(Fail)
    assert notes.lines == ["0 Fail: started at depth 0", "0 Fail: failed by KeyError('a bug')"]


async def test_trace_that_raises_ends_nothing(stage: Any, caplog: pytest.LogCaptureFixture) -> None:
    def broken(moment: Moment, fact: Fact) -> None:
        raise ZeroDivisionError("a bug of the host")

    stage.script(["Hello."])
    with caplog.at_level(logging.ERROR, "skillrt"):
        run = await traced(stage, broken).run(Inner)
    assert (run.result, await stage.memory()) == ("Hello.", ["U: hi", "A: Hello."])
    assert caplog.messages == [
        f"the trace failed at {kind}"
        for kind in (
            *("SkillStarted", "AttemptStarted", "FirstText", "DeliveryEnded"),
            *("GenerationEnded", "SkillEnded"),
        )
    ]


async def test_without_a_trace_nothing_is_made_for_it(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any) -> None:
        raise AssertionError("a fact without anybody to tell")

    for kind in (SkillStarted, SkillEnded, AttemptStarted, FirstText, Interrupted, DeliveryEnded):
        monkeypatch.setattr(kind, "__init__", never)
    for kind in (GenerationEnded, MessageSent):
        monkeypatch.setattr(kind, "__init__", never)
    monkeypatch.setattr(Moment, "__new__", never)
    assert (await stage.run(Outer)).result == "Hello."
    assert (await stage.run(Ask)).result == "Hello."
    assert (await stage.run(Notify, arguments={"message": "Hi."})).result
    assert [act.text for act in await stage.acts()] == ["hi", "Hello.", "hi", "hi", "Hi."]
