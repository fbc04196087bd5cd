"""Replies that break off anywhere, to channels of every kind: nobody hears two beginnings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anyio
from hypothesis import given
from hypothesis import strategies as st

from fuzz import examples
from skillrt import Actor, Chunk, Context, MemoryStore, ProviderError, Runtime
from skillrt.actions.generation import gen_stream
from skillrt.manifest import ABI
from skillrt.pipeline import TextPipeline, default_stops
from skillrt.testing import RecordingConnector, RecordingSink, ScriptedProvider, VirtualClock

__abi__ = ABI
__manifest__: dict[str, Any] = {"idn": "beginnings", "skills": {}}


async def Announce(ctx: Context, /, *, actor_ids: list[str]) -> Any:
    with ctx.skill("Announce"):
        return await gen_stream(ctx, send_to="actors", actor_ids=actor_ids, max_retries=2)


PIECES = st.lists(
    st.sampled_from(["Hel", "lo", " ", ".", "Agent:", "Us", "er:", "[[[", "]]]", "\n", "x " * 9]),
    max_size=6,
)
GOOD = Chunk("", "stop")
BREAKS = st.sampled_from(
    [
        ProviderError("transport", "reset"),
        ProviderError("truncated", "no finish reason"),
        ProviderError("status", "unavailable", status=503),
        ProviderError("status", "no", status=401),
        Chunk("", "content_filter"),
        GOOD,
    ]
)
ATTEMPTS = st.tuples(
    st.tuples(PIECES, BREAKS), st.tuples(PIECES, BREAKS), st.tuples(PIECES, st.just(GOOD))
)
CHANNELS = st.one_of(
    st.lists(st.sampled_from(["streams", "slow", "whole"]), min_size=1, max_size=3),
    st.lists(st.just("whole"), min_size=1, max_size=2),
)


def said_by(pieces: Sequence[str]) -> str:
    """What a reply of these pieces says if nothing breaks it off."""
    labels = default_stops("Agent", "User")
    pipeline = TextPipeline(labels, labels)
    return "".join([*map(pipeline.feed, pieces), pipeline.finish()])


@examples(150, 3_000)
@given(attempts=ATTEMPTS, channels=CHANNELS, pause=st.booleans())
def test_nobody_hears_two_beginnings(
    attempts: Sequence[tuple[list[str], Any]], channels: list[str], pause: bool
) -> None:
    """Any replies breaking off anywhere, to any channels: each heard a prefix of one and the same attempt."""
    clock, store, office = VirtualClock(), MemoryStore(), RecordingConnector("office", "chat")
    ids = [f"actor {number}" for number in range(len(channels))]
    wait = [lambda: clock.sleep_until(clock.now() + 1.0)] if pause else []

    async def slowly(text: str) -> None:
        await clock.sleep_until(clock.now() + 3.0)

    for id, channel in zip(ids, channels, strict=True):
        if channel != "whole":
            office.sinks[id] = RecordingSink(slowly) if channel == "slow" else RecordingSink()
    provider = ScriptedProvider(*[[*pieces, *wait, end] for pieces, end in attempts])
    runtime = Runtime(provider=provider, connectors=[office], store=store, clock=clock)

    async def main() -> Any:
        for id in ids:
            await store.put_actor(
                Actor(
                    id=id,
                    persona_id=id,
                    integration_idn="office",
                    connector_idn="chat",
                    external_id=id,
                )
            )
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(clock.run)
            run = await runtime.run(Announce, message="hi", arguments={"actor_ids": ids})
            tasks.cancel_scope.cancel()
        return run.outcomes[0]

    outcome = anyio.run(main)
    asked = len(provider.requests)
    last = said_by(attempts[asked - 1][0])
    assert outcome.attempts == asked
    heard = dict(office.sent)
    for id, sink in office.sinks.items():
        heard[id] = "".join(message.text for message in sink.messages)
    assert {id: text for id, text in heard.items() if text} == {
        id: text for id, text in outcome.delivered.items() if text
    }
    for text in heard.values():
        assert last.startswith(text)
    if outcome.outcome == "completed":
        assert set(outcome.delivered.values()) == {last} != {""}
    elif outcome.outcome == "failed(partial)":
        assert max(map(len, heard.values())) <= len(last)
        assert office.sent == []
    else:
        assert not any(heard.values())
    assert provider.open == 0
