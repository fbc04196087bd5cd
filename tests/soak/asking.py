"""One question to a bad server on virtual time.

Time moves where nothing else can happen: in a pause between attempts, and when the server fell silent.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from types import ModuleType
from typing import Any

import anyio

from skillrt import Run
from skillrt.testing import ModelServer, RecordingSink, Reply, VirtualClock
from skillrt.testing.replies import Send
from skillrt.trace import AttemptStarted, Fact, Moment

from .conftest import Talk, serving

DEADLINE_S = 15.0
ALWAYS_ASLEEP = 2
"""The watchdog of the generation, and the time limit of the execution."""
LIMIT_S = 600.0
"""That limit, which no pause or deadline here comes near."""


class Unshortened(Random):
    """Makes pauses exact."""

    def random(self) -> float:
        return 0.0


class Attempts:
    """A trace that counts them."""

    def __init__(self) -> None:
        self.count = 0
        self.began_s = 0.0

    def __call__(self, moment: Moment, fact: Fact) -> None:
        if isinstance(fact, AttemptStarted):
            self.count, self.began_s = fact.attempt, moment.at_s


async def pass_time(clock: VirtualClock, silent: Callable[[], bool]) -> None:
    """Move the clock on; beside those that always sleep, only a pause does."""
    while True:
        await anyio.sleep(0.0005)
        waiting = clock._sleepers and clock._sleepers[0][0] < LIMIT_S
        if waiting and (len(clock._sleepers) > ALWAYS_ASLEEP or silent()):
            clock._wake_next()


def sent_whole(server: ModelServer, replies: list[Reply]) -> bool:
    """Whether the last reply stalls and was sent as far as it goes."""
    at = len(server.exchanges) - 1
    reply = replies[min(at, len(replies) - 1)]
    size_bytes = sum(len(step.data) for step in reply.steps if isinstance(step, Send))
    return reply.end == "stall" and server.exchanges[at].sent_bytes == size_bytes


async def asked(
    library: ModuleType, *replies: Reply, silent_after: str = "", **settings: Any
) -> tuple[Run, list[str]]:
    """One run against the replies, the last one again and again; the messages heard.

    A reply that stalls has said `silent_after` by then.
    """
    clock, attempts, sink, known = VirtualClock(), Attempts(), RecordingSink(), list(replies)
    script = iter(known)

    def silent() -> bool:
        if clock.now() >= attempts.began_s + DEADLINE_S:  # the attempt is being given up
            return False
        arrived = 0 < attempts.count == len(place.server.exchanges)
        return arrived and sink.text == silent_after and sent_whole(place.server, known)

    async with serving(
        library,
        lambda _: next(script, known[-1]),
        clock=clock,
        random=Unshortened(),
        trace=attempts,
    ) as place:
        with anyio.fail_after(30):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(pass_time, clock, silent)
                run = await place.runtime.run(Talk, message="hi", sink=sink, arguments=settings)
                tasks.cancel_scope.cancel()
        assert len(place.server.exchanges) == run.outcomes[0].attempts == attempts.count
    acts = await place.runtime.store.messages(place.runtime.agent.id)
    heard = [message.text for message in sink.messages if message.text]
    assert [act.text for act in acts if act.reference_idn == "agent_message"] == heard
    return run, heard
