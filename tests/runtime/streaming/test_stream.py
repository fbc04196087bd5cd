"""GenStream's delivery: what reaches whom, what is remembered, what is returned."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import anyio
import pytest

from skillrt import Actor, ChannelClosed, Chunk, Context, Deadlines, Persona, ProviderError, Usage
from skillrt.actions.generation import gen_stream
from skillrt.manifest import ABI
from skillrt.recipients import Recipient
from skillrt.stream import original_part
from skillrt.targets import Target
from skillrt.testing.clock import START, VirtualClock
from skillrt.testing.sinks import RecordingConnector, RecordingSink

pytestmark = pytest.mark.anyio

__abi__ = ABI
__manifest__: dict[str, Any] = {"idn": "streams", "skills": {}}


async def Say(ctx: Context, /, **settings: Any) -> Any:
    with ctx.skill("Say"):
        return await gen_stream(ctx, **settings)


async def driven(
    stage: Any, *steps: Callable[[], Any] | float, skill: Any = Say, **arguments: Any
) -> Any:
    """Run a skill, advance the clock and do things meanwhile; the finished run."""
    runs = []

    async def host() -> None:
        runs.append(await stage.run(skill, arguments=arguments))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(host)
        for step in steps:
            if callable(step):
                step()
            else:
                await stage.clock.advance(step)
        await stage.clock.advance(1000.0)
    return runs[0]


def hold(clock: Any, seconds: float, on: str = "") -> Callable[[str], Awaitable[None]]:
    """Let a sink take `seconds` for every piece (or those with `on` in them)."""

    async def taking(text: str) -> None:
        if on in text:
            await clock.sleep_until(clock.now() + seconds)

    return taking


# what is said


async def test_text_is_delivered_as_it_comes_and_returned(stage: Any) -> None:
    stage.script([stage.at(1.0), "Hel", stage.at(2.0), "lo", stage.at(3.0), " there."])
    heard = []

    async def taking(text: str) -> None:
        heard.append((stage.clock.now(), text))

    stage.sink.taking = taking
    run = await driven(stage)
    assert heard == [(1.0, "Hel"), (2.0, "lo"), (3.0, " there.")]
    assert run.result == "Hello there."
    assert (run.result.interrupted, run.result.failed) == (False, False)
    assert run.result.outcome == "completed"
    assert stage.sink.messages[0].reason == "complete"


async def test_delivered_is_what_the_pipeline_leaves(stage: Any) -> None:
    stage.script(["Hel", "lo [[[", "note]]] the", "re. User: hi"])
    run = await driven(stage)
    assert run.result == stage.sink.messages[0].text == "Hello  there."
    assert (await stage.acts())[1].original_text == "Hello [[[note]]] there."
    assert await stage.memory() == ["U: hi", "A: Hello  there."]


async def test_stop_sequence_closes_the_response_at_once(stage: Any) -> None:
    stage.script(["One. ", "User:", "never", stage.at(900.0), "read"])
    ended = []

    async def Watched(ctx: Context, /) -> str:
        with ctx.skill("Watched"):
            said = await gen_stream(ctx)
            ended.append((ctx.clock.now(), stage.provider.open))
            return said

    run = await driven(stage, skill=Watched)
    assert run.result == "One."
    assert ended == [(0.0, 0)]
    assert run.outcomes[0].finish == "stop"
    assert run.outcomes[0].finish_raw is None


async def test_settings_reach_the_request(stage: Any) -> None:
    settings = {
        "temperature": 0.25,
        "stop": ["\n"],
        "max_tokens": 50,
        "top_p": 0.5,
        "thinking_budget": 7,
        "model_idn": "fast",
        "provider_idn": "acme",
    }
    run = await driven(stage, **settings)
    request = run.requests[0]
    assert (request.temperature, request.top_p, request.max_tokens) == (0.25, 0.5, 50)
    assert (request.stop, request.thinking_budget) == (("\n",), 7)
    assert (request.provider, request.model) == ("acme", "fast")


async def test_outcome_tells_how_it_went(stage: Any) -> None:
    stage.script(
        [
            stage.at(2.0),
            "Hello.",
            stage.at(5.0),
            Chunk("", "length", Usage(10, 3)),
        ]
    )
    run = await driven(stage)
    outcome = run.outcomes[0]
    assert (outcome.action, outcome.skill, outcome.outcome) == ("GenStream", "Say", "completed")
    assert (outcome.finish, outcome.finish_raw) == ("length", "length")
    assert (outcome.attempts, outcome.usage) == (1, Usage(10, 3))
    assert (outcome.first_chunk_s, outcome.total_s) == (2.0, 5.0)
    assert outcome.generated == "Hello."
    assert list(outcome.delivered.values()) == ["Hello."]


# whom it reaches


async def test_nobody_to_send_to_asks_no_model(
    stage: Any, caplog: pytest.LogCaptureFixture
) -> None:
    stage.sink = None
    with caplog.at_level(logging.WARNING, "skillrt"):
        run = await driven(stage)
    assert (run.result, run.result.outcome) == ("", "failed(no_recipients)")
    assert run.result.failed
    assert stage.provider.requests == []
    assert [record.code for record in caplog.records] == ["SK803", "SK801"]
    assert await stage.memory() == ["U: hi"]


async def test_empty_list_of_actors_is_nobody(stage: Any) -> None:
    run = await driven(stage, send_to="actors", actor_ids=[])
    assert run.result.outcome == "failed(no_recipients)"
    assert stage.provider.requests == []


async def test_nothing_to_ask_asks_no_model(stage: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "skillrt"):
        run = await stage.run(Say, " ")
    assert (run.result, run.result.outcome) == ("", "failed(empty_prompt)")
    assert stage.provider.requests == []
    assert [record.code for record in caplog.records] == ["SK802"]


async def test_missing_window_means_interrupt(stage: Any, caplog: pytest.LogCaptureFixture) -> None:
    stage.script(["One", stage.at(5.0), " two."])
    with caplog.at_level(logging.WARNING, "skillrt"):
        run = await driven(
            stage,
            4.0,
            lambda: stage.runtime.offer(stage.event()),
            interrupt_mode="interruptWindow",
        )
    assert run.result.interrupted
    assert [record.code for record in caplog.records][:1] == ["SK805"]


async def staff(stage: Any, count: int) -> tuple[RecordingConnector, list[str]]:
    """So many more actors, each with a sink of its own."""
    office = RecordingConnector("office", "chat")
    stage.connectors = [office]
    ids = []
    for number in range(count):
        colleague = Persona(name=f"Colleague {number}")
        desk = Actor(
            persona_id=colleague.id,
            integration_idn="office",
            connector_idn="chat",
            external_id=str(number),
        )
        await stage.store.put_persona(colleague)
        await stage.store.put_actor(desk)
        office.sinks[desk.id] = RecordingSink()
        ids.append(desk.id)
    return office, ids


async def test_several_actors_get_the_same_and_each_remembers_it(stage: Any) -> None:
    office, ids = await staff(stage, 3)
    stage.script([stage.at(1.0), "Table", stage.at(2.0), " four."])
    run = await driven(stage, send_to="actors", actor_ids=[*ids, ids[0], "unknown"])
    assert run.result == "Table four."
    assert [office.sinks[id].messages[0].pieces for id in ids] == [("Table", " four.")] * 3
    acts = [act for act in await stage.acts() if act.reference_idn == "agent_message"]
    assert [act.actor_id for act in acts] == ids
    assert len({act.user_persona_id for act in acts}) == 3
    assert len({act.message_id for act in acts}) == 1
    assert {act.datetime for act in acts} == {START + timedelta(seconds=1)}


async def test_latest_message_actor_is_where_the_person_wrote_last(stage: Any) -> None:
    office, _ = await staff(stage, 0)
    phone = Actor(
        persona_id=stage.persona.id, integration_idn="office", connector_idn="chat", external_id="p"
    )
    office.sinks[phone.id] = RecordingSink()
    await stage.run(Say, "from my desk")
    await stage.clock.advance(1.0)
    await stage.runtime.run(Say, message="from my phone", persona=stage.persona, actor=phone)
    desk = await stage.store.actors(integration_idn="sandbox")
    event = stage.event("timer", actor_id=desk[0].id)
    await stage.runtime.run(Say, event=event, sink=stage.sink)
    assert (len(stage.sink.messages), len(office.sinks[phone.id].messages)) == (2, 1)
    latest = {"send_to": "latestMessageActor"}
    await stage.runtime.run(Say, event=event, sink=stage.sink, arguments=latest)
    assert (len(stage.sink.messages), len(office.sinks[phone.id].messages)) == (2, 2)


async def test_channel_that_cannot_stream_gets_everything_at_the_end(stage: Any) -> None:
    office, ids = await staff(stage, 1)
    office.sinks.clear()
    stage.script(["Table", stage.at(4.0), " four."])
    sent_before = []
    run = await driven(
        stage,
        3.0,
        lambda: sent_before.extend(office.sent),
        send_to="actors",
        actor_ids=ids,
    )
    assert sent_before == []
    assert office.sent == [(ids[0], "Table four.")]
    assert list(run.outcomes[0].delivered.values()) == ["Table four."]
    assert (await stage.acts())[1].datetime == START + timedelta(seconds=4)


async def test_channel_that_fails_to_send_delivered_nothing(stage: Any) -> None:
    _, ids = await staff(stage, 1)

    class Broken(RecordingConnector):
        async def send_message(self, actor: Any, text: str, arguments: Any) -> None:
            raise OSError("no route")

    stage.connectors = [Broken("office", "chat")]
    run = await driven(stage, send_to="actors", actor_ids=ids)
    assert (run.result, run.result.outcome) == ("", "interrupted")
    assert await stage.memory() == ["U: hi"]


@pytest.mark.parametrize(
    ("takes_s", "cut", "text", "ends"),
    [
        (0.5, True, "Table four.", 0.5),  # under way at the cut, it has its grace
        (5.0, True, "", 1.25),
        (5.0, False, "Table four.", 5.0),
        (11.0, False, "", 10.0),
    ],
)
async def test_whole_message_is_a_write_with_its_limits(
    stage: Any, takes_s: float, cut: bool, text: str, ends: float
) -> None:
    _, ids = await staff(stage, 1)

    class Slow(RecordingConnector):
        async def send_message(self, actor: Any, text: str, arguments: Any) -> None:
            await stage.clock.sleep_until(stage.clock.now() + takes_s)

    stage.connectors = [Slow("office", "chat")]
    stage.script(["Table four."])
    steps = [0.25, lambda: stage.runtime.offer(stage.event())] if cut else []
    run = await driven(stage, *steps, send_to="actors", actor_ids=ids)
    assert list(run.outcomes[0].delivered.values()) == [text]
    assert run.outcomes[0].total_s == ends


async def test_pieces_that_wait_are_bounded() -> None:
    target = Target(
        Recipient(Actor(persona_id="p"), RecordingConnector()),
        VirtualClock(),
        on_open=lambda: None,
        on_delivery=lambda: None,
        on_loss=lambda: None,
    )
    for piece in "abcdefgh":
        target.feed(piece, 3)
        assert len(target._waiting) <= 3
    assert "".join(target._waiting) == "abcdefgh"


async def test_channel_that_cannot_stream_gets_nothing_when_cut(stage: Any) -> None:
    office, ids = await staff(stage, 1)
    office.sinks.clear()
    stage.script(["Table", stage.at(4.0), " four."])
    run = await driven(
        stage,
        3.0,
        lambda: stage.runtime.offer(stage.event()),
        send_to="actors",
        actor_ids=ids,
        interrupt_mode="interruptWindow",
        interrupt_window=0.0,  # nothing was delivered yet: it is still open
    )
    assert run.result.interrupted
    assert run.result == ""
    assert office.sent == [(ids[0], "Table four.")]  # that is the run of the event that cut in
    assert [act.text for act in await stage.acts()][:2] == ["hi", "wait"]


# slow, failing and closing channels


async def test_seven_fast_actors_wait_for_nothing_beside_a_stalled_one(stage: Any) -> None:
    office, ids = await staff(stage, 8)
    heard: list[tuple[float, str]] = []

    async def taking(text: str) -> None:
        heard.append((stage.clock.now(), text))

    for id in ids[1:]:
        office.sinks[id].taking = taking
    office.sinks[ids[0]].taking = hold(stage.clock, 10_000.0)
    stage.script([stage.at(1.0), "One", stage.at(2.0), " two", stage.at(3.0), " three."])
    run = await driven(stage, send_to="actors", actor_ids=ids)
    assert heard == [(1.0, "One")] * 7 + [(2.0, " two")] * 7 + [(3.0, " three.")] * 7
    assert run.result.outcome == "completed"
    assert run.outcomes[0].delivered[ids[0]] == ""
    assert run.outcomes[0].total_s == 11.0  # the stalled one has the send timeout, no more
    acts = [act for act in await stage.acts() if act.reference_idn == "agent_message"]
    assert [act.actor_id for act in acts] == ids[1:]


async def test_chunks_are_joined_while_a_slow_actor_takes_its_time(stage: Any) -> None:
    office, ids = await staff(stage, 2)
    stage.options = replace(stage.options, target_buffer_chunks=2)
    office.sinks[ids[0]].taking = hold(stage.clock, 5.5)
    script = [step for n in range(8) for step in (stage.at(float(n)), f"{n},")]
    stage.script(script)
    run = await driven(stage, send_to="actors", actor_ids=ids)
    assert office.sinks[ids[0]].messages[0].pieces == ("0,", "1,2,3,4,5,", "6,7,")
    assert len(office.sinks[ids[1]].messages[0].pieces) == 8
    assert set(run.outcomes[0].delivered.values()) == {"0,1,2,3,4,5,6,7,"}


async def test_slow_actor_stops_the_deadlines(stage: Any) -> None:
    """The model takes 4.4 of the 5 seconds it has; the actor's eighteen do not count."""
    stage.options = replace(
        stage.options,
        deadlines=Deadlines(first_content_s=3.0, between_contents_s=3.0, total_s=5.0),
    )

    async def think() -> None:
        await stage.clock.sleep_until(stage.clock.now() + 2.2)

    stage.sink.taking = hold(stage.clock, 9.0)
    stage.script(["One,", think, "two,", think])
    run = await driven(stage, interrupt_mode="none")
    assert (run.result, run.result.outcome) == ("One,two,", "completed")
    assert run.outcomes[0].total_s == pytest.approx(22.4)


async def test_write_over_the_send_timeout_ends_the_only_target(stage: Any) -> None:
    stage.sink.taking = hold(stage.clock, 10.5, on="two")
    stage.script(["One", " two", " three."])
    run = await driven(stage, interrupt_mode="none")
    assert (run.result, run.result.outcome) == ("One", "interrupted")
    assert run.outcomes[0].total_s == 10.0
    assert stage.sink.messages[0].text == "One"
    assert await stage.memory() == ["U: hi", "A: One-"]
    assert stage.provider.open == 0


async def test_closed_channel_ends_the_stream_and_the_skill_goes_on(stage: Any) -> None:
    async def taking(text: str) -> None:
        if "two" in text:
            raise ChannelClosed(len("One t"))

    stage.sink.taking = taking
    stage.script(["One", " two", stage.at(500.0), " three."])
    run = await driven(stage)
    assert (run.result, run.result.outcome) == ("One t", "interrupted")
    assert run.outcomes[0].total_s == 0.0
    assert await stage.memory() == ["U: hi", "A: One t-"]
    assert stage.provider.open == 0


async def test_one_closed_channel_of_two_ends_alone(stage: Any) -> None:
    office, ids = await staff(stage, 2)

    async def taking(text: str) -> None:
        raise ConnectionResetError("gone")

    office.sinks[ids[0]].taking = taking
    stage.script(["One", stage.at(1.0), " two."])
    run = await driven(stage, send_to="actors", actor_ids=ids)
    assert run.result == "One two."
    assert run.result.outcome == "completed"
    assert run.outcomes[0].delivered == {ids[0]: "", ids[1]: "One two."}
    assert "ConnectionResetError: gone" in run.outcomes[0].cause


async def test_progress_reports_say_what_was_received(stage: Any) -> None:
    stage.sink.progress = lambda text: len(text) - 4
    stage.script(["One", " two", stage.at(9.0), " three."])
    run = await driven(stage, 1.0, lambda: stage.runtime.offer(stage.event()))
    assert run.result == "One"
    assert (await stage.memory())[1] == "A: One-"


async def test_playback_can_be_cut_after_the_last_chunk(stage: Any) -> None:
    """A voice channel answers `complete` once everything was heard; until then it is the stream."""
    closings = []

    class Voice(RecordingSink):
        async def close(self, reason: str) -> int | None:
            closings.append((reason, stage.clock.now()))
            if reason == "complete":
                await stage.clock.sleep_until(30.0)
            await RecordingSink.close(self, reason)
            return 6

    stage.sink = Voice()
    stage.script(["One two three."])
    run = await driven(stage, 5.0, lambda: stage.runtime.offer(stage.event()))
    assert closings[:2] == [("complete", 0.0), ("interrupted", 5.0)]
    assert (run.result, run.result.outcome) == ("One tw", "interrupted")


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize(
    ("takes_s", "counts"), [(0.5, True), (0.999, True), (1.5, False), (9.0, False)]
)
async def test_write_under_way_at_the_cut_has_its_grace(
    stage: Any, takes_s: float, counts: bool, several: bool
) -> None:
    stage.sink.taking = hold(stage.clock, takes_s, on="two")
    arguments: dict[str, Any] = {}
    if several:
        office, ids = await staff(stage, 2)
        for id in ids:
            office.sinks[id].taking = stage.sink.taking
        arguments = {"send_to": "actors", "actor_ids": ids}
    ended = []

    async def Cut(ctx: Context, /, **settings: Any) -> str:
        with ctx.skill("Cut"):
            said = await gen_stream(ctx, **settings)
            ended.append(ctx.clock.now())
            return said

    stage.script(["One", stage.at(1.0), " two", stage.at(1.1), " three"], ["Next."])
    run = await driven(
        stage, 1.0, lambda: stage.runtime.offer(stage.event()), skill=Cut, **arguments
    )
    assert run.result == ("One two" if counts else "One")
    assert run.result.interrupted
    assert ended[0] == 1.0 + min(takes_s, 1.0)
    acts = [act for act in await stage.acts() if act.reference_idn == "agent_message"]
    assert {act.text for act in acts} == {run.result, "Next."}
    assert stage.provider.open == 0


async def test_stuck_close_delays_only_so_long(stage: Any) -> None:
    # What is stuck is given up by the loop's clock, while the virtual one runs away.
    stage.options = replace(stage.options, finalise_timeout_s=0.01, execution_limit_s=10_000.0)

    class Stuck(RecordingSink):
        async def close(self, reason: str) -> int | None:
            if reason == "interrupted":
                await anyio.sleep_forever()
            return await RecordingSink.close(self, reason)

    stage.sink = Stuck()
    stage.script(["One", stage.at(9.0), " two."], ["Next."])
    run = await driven(stage, 1.0, lambda: stage.runtime.offer(stage.event()))
    assert run.result == "One"
    assert (await stage.memory())[1] == "A: One-"


# failures and the fallback


async def test_fallback_pattern_sees_an_empty_failed_reply(stage: Any) -> None:
    stage.script([ProviderError("status", "unavailable", status=503)])
    run = await driven(stage, max_retries=3)
    assert (run.result, run.result.failed) == ("", True)
    assert run.result.outcome == "failed(provider)"
    assert run.outcomes[0].attempts == 4
    assert len(stage.provider.requests) == 4
    assert len(run.requests) == 1
    assert await stage.memory() == ["U: hi"]


async def test_failure_after_the_first_delivery_is_partial_and_never_retried(stage: Any) -> None:
    stage.script(["One", ProviderError("transport", "reset", retryable=True)], ["Never."])
    run = await driven(stage)
    assert (run.result, run.result.outcome) == ("One", "failed(partial)")
    assert run.result.failed
    assert len(stage.provider.requests) == 1
    assert stage.sink.messages[0].reason == "error"
    assert await stage.memory() == ["U: hi", "A: One-"]


async def test_failure_before_anything_visible_is_retried(stage: Any) -> None:
    """Blanks, a begun label and an open bracket are nothing anybody heard."""
    held_back = ["  ", "Agent", ":", " [[[note"]
    stage.script([*held_back, ProviderError("truncated", "cut off")], ["Hello."])
    run = await driven(stage)
    assert run.result == "Hello."
    assert run.outcomes[0].attempts == 2
    assert stage.sink.messages[0].text == "Hello."


@pytest.mark.parametrize("chats", [0, 1])
async def test_failure_is_retried_while_only_whole_messages_wait(stage: Any, chats: int) -> None:
    """What is kept until the end was shown to nobody; of the failed attempt nothing is sent."""
    office, ids = await staff(stage, 2 + chats)
    for id in ids[chats:]:
        del office.sinks[id]
    reset = ProviderError("transport", "reset")
    stage.script(["Table", " two", stage.at(1.0), reset], ["Table four."])
    run = await driven(stage, send_to="actors", actor_ids=ids)
    if chats:
        assert (run.result, run.result.outcome) == ("Table two", "failed(partial)")
        assert office.sent == []
    else:
        assert (run.result, run.outcomes[0].attempts) == ("Table four.", 2)
        assert sorted(office.sent) == sorted((id, "Table four.") for id in ids)


async def test_failure_is_final_for_whole_messages_as_for_any(stage: Any) -> None:
    office, ids = await staff(stage, 1)
    office.sinks.clear()
    stage.script(["Table", ProviderError("transport", "reset")])
    run = await driven(stage, send_to="actors", actor_ids=ids, max_retries=2)
    assert (run.result, run.result.outcome) == ("", "failed(provider)")
    assert (run.outcomes[0].attempts, office.sent) == (3, [])
    assert await stage.memory() == ["U: hi"]


async def test_failure_is_retried_while_no_channel_is_open(stage: Any) -> None:
    """What waits for a channel that still opens was shown to nobody either."""
    office, ids = await staff(stage, 2)
    whole, late = ids
    sink = office.sinks.pop(late)

    class Slow(RecordingConnector):
        async def open_stream(self, actor: Any, meta: Any) -> Any:
            if actor.id == whole:
                return None
            await stage.clock.sleep_until(3.0)
            return sink

    slow = Slow("office", "chat")
    stage.connectors = [slow]
    stage.script(["Table", ProviderError("transport", "reset")], [stage.at(2.0), "Table four."])
    run = await driven(stage, send_to="actors", actor_ids=ids)
    assert (run.result, run.outcomes[0].attempts) == ("Table four.", 2)
    assert slow.sent == [(whole, "Table four.")]
    assert sink.messages[0].pieces == ("Table four.",)


async def test_usage_is_estimated_when_cut(stage: Any) -> None:
    stage.script(["One two three four", stage.at(9.0), "."], ["Next."])
    run = await driven(stage, 1.0, lambda: stage.runtime.offer(stage.event()))
    assert run.outcomes[0].usage == Usage(0, 4, estimated=True)


async def test_error_in_the_provider_leaves_as_it_was_raised(stage: Any) -> None:
    async def broken() -> None:
        raise ZeroDivisionError("a bug")

    stage.script(["One", broken])
    with pytest.raises(ZeroDivisionError, match="a bug"):
        await stage.run(Say)
    assert await stage.memory() == ["U: hi", "A: One-"]
    assert stage.sink.messages[0].reason == "interrupted"


@pytest.mark.parametrize(
    ("original", "delivered", "part"),
    [
        ("Hello there", "Hello", "Hello"),
        ("Hello [[[note]]] there.", "Hello  th", "Hello [[[note]]] th"),
        ("[[[a]]] Hi [[[b]]][[[c]]]you", "Hi y", "[[[a]]] Hi [[[b]]][[[c]]]y"),
        ("[[[a]]]Hi [[[open", "Hi [[[op", "[[[a]]]Hi [[[op"),
        ("", "", ""),
    ],
)
def test_original_part_covers_what_was_delivered(original: str, delivered: str, part: str) -> None:
    assert original_part(original, delivered) == part


async def test_text_already_read_is_not_delivered_after_a_cut(stage: Any) -> None:
    """A burst of chunks passes without a single suspension; the cut is seen before every write."""

    async def taking(text: str) -> None:
        if text == "3,":
            stage.runtime.offer(stage.event())

    stage.sink.taking = taking
    stage.script([f"{n}," for n in range(200)], ["Next."])
    run = await driven(stage)
    assert run.result == "0,1,2,3,"
    assert stage.sink.messages[0].pieces == ("0,", "1,", "2,", "3,")


@pytest.mark.parametrize("count", [1, 3])
async def test_channels_that_do_not_open_are_nobody(
    stage: Any, count: int, caplog: pytest.LogCaptureFixture
) -> None:
    _, ids = await staff(stage, count)

    class Closed(RecordingConnector):
        async def open_stream(self, actor: Any, meta: Any) -> Any:
            raise ChannelClosed

    stage.connectors = [Closed("office", "chat")]
    with caplog.at_level(logging.WARNING, "skillrt"):
        run = await driven(stage, send_to="actors", actor_ids=ids)
    assert (run.result, run.result.outcome) == ("", "failed(no_recipients)")
    assert stage.provider.requests == []
    assert [record.code for record in caplog.records] == ["SK801"]


async def test_channel_that_never_opens_delays_nobody(stage: Any) -> None:
    office, ids = await staff(stage, 2)

    class Stalled(RecordingConnector):
        async def open_stream(self, actor: Any, meta: Any) -> Any:
            if actor.id == ids[0]:
                await anyio.sleep_forever()
            return office.sinks[actor.id]

    stage.connectors = [Stalled("office", "chat")]
    stage.script(["One", stage.at(1.0), " two."])
    run = await driven(stage, send_to="actors", actor_ids=ids)
    assert run.result.outcome == "completed"
    assert office.sinks[ids[1]].messages[0].pieces == ("One", " two.")
    assert run.outcomes[0].total_s == 10.0


async def test_channel_that_closes_at_the_end_counts_by_what_it_received(stage: Any) -> None:
    class Dropped(RecordingSink):
        async def close(self, reason: str) -> int | None:
            await RecordingSink.close(self, reason)
            raise ChannelClosed(3)

    stage.sink = Dropped()
    run = await driven(stage)
    assert (run.result, run.result.outcome) == ("Hel", "interrupted")
    assert await stage.memory() == ["U: hi", "A: Hel-"]
