"""Silence of a model that goes on sending: comments keep no stream alive, and a slow listener starves none."""

from __future__ import annotations

from types import ModuleType

import anyio
import anyio.to_thread
import pytest

from skillrt import Options
from skillrt.options import Deadlines
from skillrt.testing import RecordingSink, Reply, VirtualClock
from skillrt.testing.replies import Send, Step, Wait

from .conftest import Place, Talk, serving

pytestmark = pytest.mark.anyio

HEARTBEAT: tuple[Step, ...] = (Wait(0.002), Send(b"e\r\n: PROCESSING\n\n\r\n"))
BEATS = 5_000


def beating(*tokens: str) -> Reply:
    """A stream of the tokens that goes on with heartbeats and no content."""
    steps = Reply.stream(list(tokens), end="stall").steps
    return Reply((*steps, *HEARTBEAT * BEATS), "stall")


async def beats(place: Place, count: int) -> None:
    """Return when so many more heartbeats were sent."""
    exchange = place.server.exchanges[-1]
    enough = exchange.sent_bytes + count * 19
    while exchange.sent_bytes < enough:
        await anyio.sleep(0.002)


@pytest.mark.parametrize("tokens", [(), ("Hello",)])
async def test_heartbeats_are_no_content(library: ModuleType, tokens: tuple[str, ...]) -> None:
    """The deadline runs through a hundred heartbeats, and ends the stream not a moment early."""
    clock, sink, outcomes = VirtualClock(), RecordingSink(), []
    said = "".join(tokens)
    async with serving(library, [beating(*tokens)], clock=clock) as place:

        async def host() -> None:
            arguments = {"max_retries": 0}
            run = await place.runtime.run(Talk, message="hi", sink=sink, arguments=arguments)
            outcomes.extend(run.outcomes)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(host)
            await place.until(lambda: bool(place.server.exchanges))
            while sink.text != said:
                await anyio.sleep(0.001)
            for _ in range(3):
                await beats(place, 30)
                await clock.advance(4.9)
                assert not outcomes
            await beats(place, 30)
            await clock.advance(0.3)
        await place.until(lambda: bool(place.server.closed))
    (outcome,) = outcomes
    assert outcome.outcome == ("failed(partial)" if tokens else "failed(timeout)")
    assert outcome.cause == "no content from the model for 15 s"
    assert outcome.total_s == 15.0
    assert sink.messages[0].text == said


async def test_time_of_a_slow_listener_is_not_the_model_s(library: ModuleType) -> None:
    """Nine virtual seconds a piece, against deadlines of three: the model said all in time."""
    clock, outcomes = VirtualClock(), []

    async def slowly(text: str) -> None:
        await clock.sleep_until(clock.now() + 9.0)

    sink = RecordingSink(slowly)
    limits = Deadlines(first_content_s=3.0, between_contents_s=3.0, total_s=3.0)
    reply = Reply.stream([f"{number}," for number in range(5)], token_delay_s=0.005)
    async with serving(library, [reply], clock=clock, options=Options(deadlines=limits)) as place:

        async def host() -> None:
            run = await place.runtime.run(Talk, message="hi", sink=sink)
            outcomes.extend(run.outcomes)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(host)
            while not outcomes:
                await anyio.sleep(0.001)
                if (
                    len(clock._sleepers) > 1
                ):  # the watchdog always sleeps; beside it the listener does
                    await clock.advance(0.5)
    (outcome,) = outcomes
    assert (outcome.outcome, outcome.attempts) == ("completed", 1)
    assert outcome.total_s >= 9.0
    assert sink.messages[0].text == "0,1,2,3,4,"
