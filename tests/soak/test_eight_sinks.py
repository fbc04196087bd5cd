"""Seven good sinks beside a bad one: none of the seven waits for it, and what waits for it is bounded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from fuzz import size
from skillrt import Actor, ChannelClosed, Context, Event, MemoryStore, Options, Persona, Runtime
from skillrt.actions.generation import gen_stream
from skillrt.connectors.base import CloseReason, OutputStream, StreamMeta
from skillrt.manifest import ABI
from skillrt.testing import RecordingConnector, RecordingSink, ScriptedProvider, VirtualClock

pytestmark = pytest.mark.anyio

__abi__ = ABI
__manifest__: dict[str, Any] = {"idn": "sinks", "skills": {}}

LIMIT = 16
TOKENS = [f"{number}," for number in range(size(500, 20_000))]
TEXT = "".join(TOKENS)


class BadSink(RecordingSink):
    """Behaves badly in one place, as `doing` says."""

    __slots__ = ("clock", "doing")

    def __init__(self, doing: str, clock: VirtualClock) -> None:
        RecordingSink.__init__(self)
        self.doing, self.clock = doing, clock

    async def write(self, text: str) -> None:
        match self.doing:
            case "stalls":
                await anyio.sleep_forever()
            case "stalls in the middle" if self.pieces:
                await anyio.sleep_forever()
            case "raises":
                raise ConnectionResetError("gone")
            case "hangs up" if self.pieces:
                raise ChannelClosed(1)
            case "drips":
                await self.clock.sleep_until(self.clock.now() + 0.5)
            case _:
                pass
        await RecordingSink.write(self, text)

    async def close(self, reason: CloseReason) -> int | None:
        if self.doing == "blocks at the end":
            await anyio.sleep_forever()
        return await RecordingSink.close(self, reason)


class GoodSink(RecordingSink):
    """Looks at how much waits for the bad sink each time it takes something."""

    __slots__ = ("look",)

    def __init__(self, look: Callable[[], None]) -> None:
        RecordingSink.__init__(self)
        self.look = look

    async def write(self, text: str) -> None:
        self.look()
        await RecordingSink.write(self, text)


class Office(RecordingConnector):
    """Does not open a channel to the actor it is told not to."""

    __slots__ = ("shut",)

    async def open_stream(self, actor: Actor, meta: StreamMeta) -> OutputStream | None:
        if actor.id == self.shut:
            await anyio.sleep_forever()
        return await RecordingConnector.open_stream(self, actor, meta)


LATE = "the channel did not take the text in time"
# what the bad sink does -> when the stream is over, what went wrong, how much of the text the bad one had
BAD = {
    "stalls": (10.0, LATE, 0),
    "stalls in the middle": (10.0, LATE, 2),
    "never opens": (10.0, LATE, 0),
    "raises": (0.0, "the channel failed: ConnectionResetError: gone", 0),
    "hangs up": (0.0, "the channel closed", 1),
    "drips": (1.0, "", len(TEXT)),
    "blocks at the end": (25.0, "cut by an event", len(TEXT)),  # the channel's own time: no limit
}


async def Announce(ctx: Context, /, *, actor_ids: list[str], contexts: list[Context]) -> Any:
    with ctx.skill("Announce"):
        contexts.append(ctx)
        return await gen_stream(ctx, send_to="actors", actor_ids=actor_ids)


async def Quiet(ctx: Context, /, **arguments: Any) -> None:
    with ctx.skill("Quiet"):
        pass


async def turns() -> None:
    """Let every sink take what it was given."""
    for _ in range(5):
        await anyio.lowlevel.checkpoint()


@pytest.mark.parametrize("doing", BAD)
async def test_seven_good_sinks_do_not_notice_a_bad_one(doing: str) -> None:
    over_at, cause, characters = BAD[doing]
    clock, store, persona = VirtualClock(), MemoryStore(), Persona()
    office, contexts, runs, waiting = Office("office", "chat"), [], [], set()
    office.shut = "actor 0" if doing == "never opens" else ""
    ids = [f"actor {number}" for number in range(8)]

    def look() -> None:
        stream = contexts[0].execution._cut.__self__
        waiting.add(len(stream._targets[0]._waiting))

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
        office.sinks[id] = GoodSink(look)
    office.sinks[ids[0]] = BadSink(doing, clock)
    steps: list[str | Callable[[], Awaitable[None]]] = []
    for token in TOKENS:
        steps += [token, turns]
    runtime = Runtime(
        provider=ScriptedProvider(steps),
        connectors=[office],
        store=store,
        clock=clock,
        options=Options(target_buffer_chunks=LIMIT, finalise_timeout_s=0.01),
    )

    async def host() -> None:
        arguments = {"actor_ids": ids, "contexts": contexts}
        runs.append(await runtime.run(Announce, message="hi", persona=persona, arguments=arguments))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(host)
        while not all(sink.messages for id, sink in office.sinks.items() if id != ids[0]):
            await anyio.lowlevel.checkpoint()
        assert clock.now() == 0.0
        assert not runs or over_at == 0.0
        for id in ids[1:]:
            (message,) = office.sinks[id].messages
            assert (message.text, message.reason) == (TEXT, "complete")
            assert len(message.pieces) == len(TOKENS)
        await clock.advance(25.0)
        if not runs:
            said = Event(idn="user_message", persona_id=persona.id, user_input=True)
            assert runtime.offer(said, skill=Quiet).cut
    (outcome,) = runs[0].outcomes
    assert outcome.total_s == over_at
    assert outcome.outcome == ("interrupted" if doing == "blocks at the end" else "completed")
    assert (outcome.cause or "").removeprefix(f"actor {ids[0]}: ") == cause
    assert outcome.delivered == dict.fromkeys(ids, TEXT) | {ids[0]: TEXT[:characters]}
    slow = doing.startswith("stalls") or doing in ("never opens", "drips")
    assert max(waiting) == LIMIT if slow else max(waiting) <= 1
    acts = await store.messages(runtime.agent.id)
    assert len([act for act in acts if act.text == TEXT]) == 7 + (characters == len(TEXT))
