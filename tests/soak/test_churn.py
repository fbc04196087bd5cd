"""Streams cut and cancelled at random moments, one after the other and many at once: nothing of them stays."""

from __future__ import annotations

import math
from random import Random
from types import ModuleType

import anyio
import anyio.lowlevel
import pytest

from fuzz import size
from skillrt import Persona
from skillrt.testing import Reply
from skillrt.testing.sinks import RecordingSink

from .conftest import Place, Quiet, Talk, alive, said, serving

pytestmark = pytest.mark.anyio

AT_ONCE = 20
WORDS = " one two three four five six seven eight"
REPLIES = (
    Reply.stream(WORDS, token_delay_s=0.002),
    Reply.stream(WORDS, token_delay_s=0.0005, gzip=True),
    Reply.stream(WORDS, head_delay_s=0.005, first_delay_s=0.005),
    Reply.stream(WORDS, split="byte"),
    Reply.stream(WORDS * 500),
    Reply.stream(WORDS, end="stall"),
    Reply.stream("", end="stall"),
    Reply.raw(end="stall"),
)


class CountingSink(RecordingSink):
    """Says when it has taken so many pieces."""

    __slots__ = ("enough", "left")

    def __init__(self, count: float) -> None:
        RecordingSink.__init__(self)
        self.left = count
        self.enough = anyio.Event()

    async def write(self, text: str) -> None:
        await RecordingSink.write(self, text)
        self.left -= 1
        if self.left <= 0:
            self.enough.set()


async def cut_somewhere(place: Place, random: Random) -> None:
    """One stream and its end: by an event or by its host, after some words, some turns or some time."""
    persona, runs, ended = Persona(), [], anyio.Event()
    sink = CountingSink(random.choice((1, 2, 5, math.inf)))
    moment = random.choice(("words", "words", "turns", "time"))
    how = random.choice(("queue", "interrupt", "cancelled"))
    scope = anyio.CancelScope()

    async def host() -> None:
        with scope:
            runs.append(await place.runtime.run(Talk, message="hi", persona=persona, sink=sink))
        ended.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(host)
        match moment:
            case "words":
                with anyio.move_on_after(0.2):  # some replies never have so many
                    await sink.enough.wait()
            case "turns":
                for _ in range(random.randrange(200)):
                    await anyio.lowlevel.checkpoint()
            case _:
                await anyio.sleep(random.uniform(0.0, 0.1))
        if how != "cancelled" and place.runtime._instances.get(persona.id):
            place.runtime.offer(said(persona), how, skill=Quiet)
            with anyio.move_on_after(0.1):  # the reply may have begun after the event
                await ended.wait()
        scope.cancel()
    heard = [message.text for message in sink.messages if message.text]
    acts = await place.runtime.store.messages(place.runtime.agent.id, persona_ids=[persona.id])
    assert [act.text for act in acts if act.reference_idn == "agent_message"] == heard
    assert sink.pieces == []


async def churn(library: ModuleType) -> None:
    count, random, chance = size(200, 3_000), Random(18), Random(81)
    replies = list(REPLIES)
    async with serving(library, lambda _: chance.choice(replies)) as place:
        at_once = anyio.Semaphore(AT_ONCE)

        async def one() -> None:
            async with at_once:
                await cut_somewhere(place, random)

        async with place.runtime, anyio.create_task_group() as tasks:
            for _ in range(count):
                tasks.start_soon(one)
        assert place.busy == []
        assert place.runtime._instances == {}
        await place.until(
            lambda: all(e.ended in ("peer", "complete") for e in place.server.exchanges)
        )
        assert len(place.server.closed) > count / 4, "many were cut in their middle"
        replies[:] = [Reply.stream("Hello there.")]
        for _ in range(20):
            run = await place.runtime.run(Talk, message="hi", sink=RecordingSink())
            assert run.result == "Hello there."


async def test_churn_leaves_nothing(library: ModuleType) -> None:
    """No place in the pool, no socket, no task, no scope; and the server sees each peer go."""
    before = await alive()
    await churn(library)
    assert await alive() - before == {}
