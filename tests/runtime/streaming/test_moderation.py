"""The host's say in what a model says: whole sentences, each delivered once it is approved."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz import examples
from skillrt import Actor, Context, ProviderError, Runtime
from skillrt.actions.generation import gen, gen_stream
from skillrt.manifest import ABI
from skillrt.moderation import Moderation
from skillrt.testing.sinks import RecordingConnector

__abi__ = ABI
__manifest__: dict[str, Any] = {"idn": "moderated", "skills": {}}


async def Say(ctx: Context, /, **settings: Any) -> Any:
    with ctx.skill("Say"):
        return await gen_stream(ctx, **settings)


async def Think(ctx: Context, /) -> Any:
    with ctx.skill("Think"):
        return await gen(ctx)


class Judge:
    """Refuses what holds a bad word; notes what it was asked, and awaits `think` before it answers."""

    def __init__(
        self, bad: str = "nonsense", think: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self.bad = bad
        self.think = think
        self.asked: list[str] = []

    async def __call__(self, text: str) -> bool:
        self.asked.append(text)
        if self.think is not None:
            await self.think()
        return self.bad not in text


def moderated(stage: Any, judge: Judge) -> Any:
    """The stage with a runtime that asks the judge."""
    stage.runtime = Runtime(
        provider=stage.provider,
        connectors=stage.connectors,
        store=stage.store,
        clock=stage.clock,
        moderate=judge,
    )
    return stage


async def judged(stage: Any, judge: Judge, skill: Any = Say, **arguments: Any) -> Any:
    """A run with moderation, the clock jumping wherever everything waits."""
    moderated(stage, judge)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stage.clock.run)
        run = await stage.run(skill, arguments=arguments)
        tasks.cancel_scope.cancel()
    assert stage.provider.open == 0
    return run


@pytest.mark.anyio
async def test_sentences_are_delivered_once_approved(stage: Any) -> None:
    stage.script(["It ", "is", " five", ". The", " sho", "p close", "s!", " At", " six"])
    judge = Judge()
    run = await judged(stage, judge)
    assert judge.asked == ["It is five.", " The shop closes!", " At six"]
    assert stage.sink.messages[0].pieces == tuple(judge.asked)
    assert (run.result, run.result.outcome) == ("It is five. The shop closes! At six", "completed")
    assert await stage.memory() == ["U: hi", f"A: {run.result}"]


@pytest.mark.anyio
async def test_refusal_ends_the_stream_and_what_was_delivered_stays(stage: Any) -> None:
    stage.script(["Good. ", "Some nonsense", ". ", "More", stage.at(500.0)], ["Never."])
    run = await judged(stage, Judge())
    assert (run.result, run.result.outcome) == ("Good.", "failed(partial)")
    assert run.outcomes[0].cause == "the host did not approve what the model said"
    assert run.outcomes[0].total_s == 0.0
    assert len(stage.provider.requests) == 1
    assert stage.sink.messages[0].reason == "error"
    assert await stage.memory() == ["U: hi", "A: Good.-"]


@pytest.mark.parametrize("said", [["Some nonsense. And more."], ["Some", " nonsense"]])
@pytest.mark.anyio
async def test_refusal_of_all_is_a_refusal(stage: Any, said: list[str]) -> None:
    stage.script(said, ["Never."])
    run = await judged(stage, Judge())
    assert (run.result, run.result.outcome) == ("", "failed(refused)")
    assert len(stage.provider.requests) == 1
    assert await stage.memory() == ["U: hi"]


@pytest.mark.anyio
async def test_generation_for_the_skill_is_moderated_too(stage: Any) -> None:
    stage.script(["Fine.", " Rather", " good."], ["Fine. Some nonsense. Fine."])
    judge = Judge()
    assert (await judged(stage, judge, Think)).result == "Fine. Rather good."
    run = await judged(stage, judge, Think)
    assert (run.result, run.outcomes[0].outcome) == ("", "failed(refused)")
    assert judge.asked == ["Fine.", " Rather good.", "Fine. Some nonsense."]


@pytest.mark.anyio
async def test_sentence_begun_by_a_failed_attempt_is_forgotten(stage: Any) -> None:
    stage.script(["It is", ProviderError("transport", "reset")], ["Five", "."])
    judge = Judge()
    run = await judged(stage, judge)
    assert (run.result, run.outcomes[0].attempts) == ("Five.", 2)
    assert judge.asked == ["Five."]


@pytest.mark.anyio
async def test_cut_while_the_host_thinks_delivers_nothing_more(stage: Any) -> None:
    async def think() -> None:
        await stage.clock.sleep_until(stage.clock.now() + 4.0)

    stage.script(["One.", " Two.", " Three."], ["Next."])
    judge, runs = Judge(think=think), []
    moderated(stage, judge)

    async def host() -> None:
        runs.append(await stage.run(Say))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(host)
        await stage.clock.advance(6.0)
        assert stage.runtime.offer(stage.event(), "interrupt").cut
        await stage.clock.advance(0.0)
        assert stage.sink.messages[0].text == "One."
        await stage.clock.advance(60.0)
    assert runs[0].interrupted
    assert judge.asked == ["One.", " Two.", "Next."]
    assert await stage.memory() == ["U: hi", "A: One.-", "U: wait", "A: Next."]
    assert stage.provider.open == 0


@pytest.mark.anyio
async def test_error_of_the_host_delivers_nothing(stage: Any) -> None:
    async def think() -> None:
        raise KeyError("the host's own")

    stage.script(["One. ", "Two."])
    with pytest.raises(KeyError, match="the host's own"):
        await moderated(stage, Judge(think=think)).run(Say)
    assert await stage.memory() == ["U: hi"]


@pytest.mark.anyio
async def test_whole_message_is_sent_only_if_all_of_it_is_approved(stage: Any) -> None:
    office = RecordingConnector("office", "chat")
    stage.connectors = [office]
    desk = Actor(id="desk", persona_id="p", integration_idn="office", connector_idn="chat")
    await stage.store.put_actor(desk)
    stage.script(["Good. Some nonsense."], ["Good. Fine."])
    for outcome, sent in (("failed(refused)", []), ("completed", [("desk", "Good. Fine.")])):
        run = await judged(stage, Judge(), send_to="actors", actor_ids=["desk"])
        assert (run.outcomes[0].outcome, office.sent) == (outcome, sent)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("One. Two", ["One.", " Two"]),
        ('"One!" she said', ['"One!"', " she said"]),
        ("(One?) Two", ["(One?)", " Two"]),
        ("One...\nTwo", ["One...\n", "Two"]),
        ("3.14 and e.g.x", ["3.14 and e.g.x"]),
        ("你好。再见", ["你好。", "再见"]),
        ("A!!!!!!!!!!!! B", ["A!!!!!!!!!!!!", " B"]),
    ],
)
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.anyio
async def test_sentences_end_where_people_end_them(
    text: str, asked: list[str], whole: bool
) -> None:
    judge, heard = Judge(), []

    async def deliver(piece: str) -> None:
        heard.append(piece)

    moderation = Moderation(judge, deliver, lambda: heard.append("refused"))
    for piece in [text] if whole else text:
        await moderation.deliver(piece)
    assert await moderation.finish("")
    assert judge.asked == heard == asked


@examples(200, 2_000)
@given(pieces=st.lists(st.text('ab.!?" \n。」', min_size=1, max_size=8), max_size=12))
def test_approved_is_delivered_whole_and_in_order(pieces: list[str]) -> None:
    """However a reply is cut into pieces: what was asked is what was delivered, and together it is the reply."""
    judge, heard = Judge(), []

    async def deliver(piece: str) -> None:
        heard.append(piece)

    async def main() -> None:
        moderation = Moderation(judge, deliver, lambda: heard.append("refused"))
        for piece in pieces:
            await moderation.deliver(piece)
        assert await moderation.finish("end")

    anyio.run(main)
    assert judge.asked == heard
    assert "".join(heard) == "".join(pieces) + "end"
    assert all(asked[-1] in '.!?"\n。」' for asked in judge.asked[:-1])
