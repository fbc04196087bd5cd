"""GenStream over real sockets: what is cut is closed at the server, and nothing stays open."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import ModuleType
from typing import Any

import anyio
import anyio.to_thread
import httpx
import httpx2
import pytest

from skillrt import Context, Event, Options, Persona, Runtime
from skillrt.actions.generation import choose, gen, gen_stream
from skillrt.llm.http import HttpProvider
from skillrt.manifest import ABI
from skillrt.testing import ModelServer, Reply
from skillrt.testing.sinks import RecordingSink

pytestmark = pytest.mark.anyio

__abi__ = ABI
__manifest__: dict[str, Any] = {"idn": "over_http", "skills": {}}

ENDLESS = Reply.stream("one two three", end="stall")


async def Talk(ctx: Context, /) -> str:
    with ctx.skill("Talk"):
        return await gen_stream(ctx)


async def Think(ctx: Context, /) -> str:
    with ctx.skill("Think"):
        return await gen(ctx)


async def Pick(ctx: Context, /) -> str:
    with ctx.skill("Pick") as out:
        with out.role("system"):
            out.write("Which size?")
        return await choose(ctx, options=["small", "large"])


@pytest.fixture(params=[httpx, httpx2], ids=["httpx", "httpx2"])
def library(request: pytest.FixtureRequest) -> Any:
    """The HTTP library under the provider."""
    return request.param


@asynccontextmanager
async def serving(
    library: ModuleType, script: Sequence[Reply], options: Options | None = None
) -> AsyncIterator[tuple[Runtime, ModelServer]]:
    """A runtime that talks to a real server; afterwards nothing is open."""
    limits = library.Limits(max_connections=None, max_keepalive_connections=20)
    with ModelServer(script) as server:
        async with library.AsyncClient(limits=limits, verify=False) as client:
            provider = HttpProvider(base_url=server.base_url, model="m", client=client)
            yield Runtime(provider=provider, options=options), server
        await anyio.to_thread.run_sync(server.wait_until, lambda: server.open_connections == 0)
    gc.collect()  # what was left suspended warns now
    await anyio.lowlevel.checkpoint()


def said(persona: Persona) -> Event:
    return Event(
        idn="user_message", persona_id=persona.id, arguments={"text": "wait"}, user_input=True
    )


class Told(RecordingSink):
    """A sink that says when it has heard enough."""

    __slots__ = ("enough", "heard")

    def __init__(self, enough: str) -> None:
        RecordingSink.__init__(self)
        self.enough = enough
        self.heard = anyio.Event()

    async def write(self, text: str) -> None:
        await RecordingSink.write(self, text)
        if self.text == self.enough:
            self.heard.set()


async def test_reply_arrives_and_the_connection_is_used_again(library: ModuleType) -> None:
    async with serving(library, [Reply.stream("Hello there.", usage=(7, 3))] * 3) as (
        runtime,
        server,
    ):
        for _ in range(3):
            sink = RecordingSink()
            run = await runtime.run(Talk, message="hi", sink=sink)
            assert run.result == sink.messages[0].text == "Hello there."
            assert run.outcomes[0].usage.output_tokens == 3
        assert server.accepted == 1


async def test_choices_reach_the_model(library: ModuleType) -> None:
    async with serving(library, [Reply.stream("large")]) as (runtime, server):
        run = await runtime.run(Pick, message="hi")
        assert run.result == "large"
        (message,) = server.requests[0].body["messages"]
    assert message["role"] == "system"
    assert message["content"].startswith("Which size?\n\nAnswer with exactly one of")
    assert message["content"].endswith("\nsmall\nlarge")


@pytest.mark.parametrize("mode", ["queue", "interrupt"])
async def test_interruption_closes_the_request_at_the_server(
    library: ModuleType, mode: str
) -> None:
    async with serving(library, [ENDLESS, Reply.stream("Yes?")]) as (runtime, server):
        persona, sink, runs = Persona(), Told("one two three"), []

        async def host() -> None:
            runs.append(await runtime.run(Talk, message="hi", persona=persona, sink=sink))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(host)
            await sink.heard.wait()
            assert runtime.offer(said(persona), mode).cut
        await anyio.to_thread.run_sync(server.wait_closed)
        assert [message.text for message in sink.messages] == ["one two three", "Yes?"]
        acts = await runtime.store.messages(runtime.agent.id)
        assert [act.text for act in acts] == ["hi", "one two three", "wait", "Yes?"]


@pytest.mark.parametrize("skill", [Talk, Think])
async def test_cancelled_host_closes_the_request_at_the_server(
    library: ModuleType, skill: Any
) -> None:
    async with serving(library, [ENDLESS]) as (runtime, server):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: runtime.run(skill, message="hi", sink=RecordingSink()))
            await anyio.to_thread.run_sync(server.wait_until, lambda: bool(server.requests))
            tasks.cancel_scope.cancel()
        await anyio.to_thread.run_sync(server.wait_closed)


async def test_torn_write_leaves_nothing_open(library: ModuleType) -> None:
    """The cancellation strikes outside of the response's iteration, and still unwinds it."""

    async def stuck(text: str) -> None:
        await anyio.sleep_forever()

    options = Options(send_timeout_s=0.05)
    async with serving(library, [ENDLESS, Reply.stream("Yes?")], options) as (runtime, server):
        run = await runtime.run(Talk, message="hi", sink=RecordingSink(stuck))
        assert (run.result, run.outcomes[0].outcome) == ("", "interrupted")
        await anyio.to_thread.run_sync(server.wait_closed)
        run = await runtime.run(Talk, message="hi", sink=RecordingSink())
        assert run.result == "Yes?"


async def test_churn_of_interrupted_streams_leaks_nothing(library: ModuleType) -> None:
    count = 60
    async with serving(library, [*[ENDLESS] * count, Reply.stream("Yes?")]) as (runtime, server):

        async def interrupted() -> None:
            persona, sink = Persona(), Told("one two three")
            with anyio.CancelScope() as scope:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(
                        lambda: runtime.run(Talk, message="hi", persona=persona, sink=sink)
                    )
                    await sink.heard.wait()
                    scope.cancel()
            assert sink.messages[0].text == "one two three"

        async with anyio.create_task_group() as tasks:
            for _ in range(count):
                tasks.start_soon(interrupted)
        await anyio.to_thread.run_sync(lambda: server.wait_closed(count=count))
        run = await runtime.run(Talk, message="hi", sink=RecordingSink())
        assert run.result == "Yes?"
        acts = await runtime.store.messages(runtime.agent.id)
        assert [act.text for act in acts].count("one two three") == count


async def test_server_that_recovers_is_asked_again(library: ModuleType) -> None:
    failure = Reply.failure(503, headers={"retry-after": "0"})
    async with serving(library, [failure, Reply.stream("Hello.")]) as (runtime, server):
        run = await runtime.run(Talk, message="hi", sink=RecordingSink())
        assert (run.result, run.outcomes[0].attempts) == ("Hello.", 2)
        assert len(server.requests) == 2
