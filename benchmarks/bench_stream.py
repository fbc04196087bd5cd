"""Token to actor: GenStream of a compiled skill against a bare httpx loop that does the least one can.

And how long it takes until an interruption is obeyed while many streams run.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from types import ModuleType
from typing import Any

import httpx
import msgspec
import pytest

import genstream
from model import model
from skillrt import Actor, Event, MemoryStore, Options, Persona, Runtime
from skillrt.llm.http import HttpProvider
from skillrt.llm.openai import ChatChunk
from skillrt.manifest import FlowManifest, SubscriptionManifest
from skillrt.testing import RecordingConnector

TOKENS = 2000
ACTORS = 8
STREAMS = 100
INTERRUPTIONS = 300
PAUSE_S = 0.05  # between the tokens of each; with less, a hundred httpx streams fill one core
BODY = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "hello"}]}


class Sink:
    """Counts what reaches the actor."""

    def __init__(self) -> None:
        self.characters = 0

    async def write(self, text: str) -> None:
        self.characters += len(text)

    async def close(self, reason: str) -> int | None:
        return None


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with model(TOKENS) as base_url:
        yield base_url


@pytest.fixture(scope="module")
def url_of_tokens() -> Iterator[str]:
    """The model sends token by token, as fast as it can."""
    with model(TOKENS, "token") as base_url:
        yield base_url


@pytest.fixture(scope="module")
def url_of_talkers() -> Iterator[str]:
    """The model talks faster than anybody reads and does not come to an end."""
    with model(10_000, "token", PAUSE_S) as base_url:
        yield base_url


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


def measure(benchmark: Any, runner: asyncio.Runner, once: Callable[[], Awaitable[int]]) -> None:
    """Time one answer after another on one event loop and one kept-alive connection."""

    async def answer() -> int:
        return await once()

    benchmark.extra_info.update(unit="token", count=TOKENS)
    characters = benchmark(lambda: runner.run(answer()))
    assert characters >= TOKENS * len(" word") - 1


DECODE = msgspec.json.Decoder(ChatChunk).decode


async def bare_loop(client: httpx.AsyncClient, url: str, sinks: list[Sink]) -> int:
    """The least one can do: no retries, no pipeline, no memory, no interruption, one sink after the other."""
    rest = b""
    async with client.stream("POST", f"{url}/chat/completions", json=BODY) as response:
        async for data in response.aiter_bytes():
            *events, rest = (rest + data).split(b"\n\n")
            for event in events:
                payload = event[6:]
                if payload != b"[DONE]":
                    for choice in DECODE(payload).choices:
                        if choice.delta.content:
                            for sink in sinks:
                                await sink.write(choice.delta.content)
    return min(sink.characters for sink in sinks)


@pytest.mark.benchmark(group="token to actor")
def test_bare_httpx_loop(benchmark: Any, url: str, runner: asyncio.Runner) -> None:
    benchmark.extra_info["baseline"] = True
    client = httpx.AsyncClient(timeout=30)
    measure(benchmark, runner, lambda: bare_loop(client, url, [Sink()]))
    runner.run(client.aclose())


@pytest.mark.benchmark(group="token to actor")
def test_httpx_loop_as_usually_written(benchmark: Any, url: str, runner: asyncio.Runner) -> None:
    client = httpx.AsyncClient(timeout=30)

    async def once() -> int:
        sink = Sink()
        async with client.stream("POST", f"{url}/chat/completions", json=BODY) as response:
            async for line in response.aiter_lines():
                if line.startswith("data: ") and line != "data: [DONE]":
                    for choice in json.loads(line[6:])["choices"]:
                        if content := choice["delta"].get("content"):
                            await sink.write(content)
        return sink.characters

    measure(benchmark, runner, once)
    runner.run(client.aclose())


@pytest.mark.benchmark(group="token to actor")
def test_gen_stream_to_one_actor(benchmark: Any, url: str, runner: asyncio.Runner) -> None:
    provider = HttpProvider(base_url=url, model="m")

    async def once() -> int:
        sink = Sink()
        runtime = Runtime(provider=provider)
        run = await runtime.run(genstream.Simple, message="hello", sink=sink)
        assert run.outcomes[0].outcome == "completed"
        return sink.characters

    measure(benchmark, runner, once)
    runner.run(provider.aclose())


@pytest.mark.benchmark(group="token to eight actors")
def test_bare_httpx_loop_to_eight(
    benchmark: Any, url_of_tokens: str, runner: asyncio.Runner
) -> None:
    benchmark.extra_info["baseline"] = True
    client = httpx.AsyncClient(timeout=30)
    sinks = [Sink() for _ in range(ACTORS)]
    measure(benchmark, runner, lambda: bare_loop(client, url_of_tokens, sinks))
    runner.run(client.aclose())


@pytest.mark.benchmark(group="token to eight actors")
def test_gen_stream_to_eight_actors(
    benchmark: Any, url_of_tokens: str, runner: asyncio.Runner
) -> None:
    provider = HttpProvider(base_url=url_of_tokens, model="m")
    floor = RecordingConnector("team_chat", "workshop_floor")
    store = MemoryStore()

    async def hire() -> None:
        for number in range(ACTORS):
            mechanic = Actor(
                persona_id=f"{number}",
                integration_idn=floor.integration_idn,
                connector_idn=floor.connector_idn,
                external_id=f"{number}",
            )
            await store.put_actor(mechanic)
            floor.sinks[mechanic.id] = Sink()

    async def once() -> int:
        runtime = Runtime(provider=provider, connectors=[floor], store=store)
        run = await runtime.run(genstream.TeamBroadcast, message="hello")
        (outcome,) = run.outcomes
        assert (outcome.outcome, len(outcome.delivered)) == ("completed", ACTORS)
        return min(map(len, outcome.delivered.values()))

    runner.run(hire())
    measure(benchmark, runner, once)
    runner.run(provider.aclose())


class Listener(Sink):
    """Notes when its message ended, and what was written after that."""

    def __init__(self) -> None:
        super().__init__()
        self.offered_at = 0.0
        self.waited_s: list[float] = []
        self.begun = asyncio.Event()
        self.ended = asyncio.Event()

    async def write(self, text: str) -> None:
        await super().write(text)
        self.begun.set()
        assert not self.offered_at, "a token was written after the interruption was offered"

    async def close(self, reason: str) -> int | None:
        if self.offered_at:
            self.waited_s.append(time.perf_counter() - self.offered_at)
            self.offered_at = 0.0
            self.begun.clear()
            self.ended.set()
        return None


async def interrupt_all(
    listeners: list[Listener], interrupt: Callable[[int], Awaitable[None]]
) -> list[float]:
    """Interrupt one after the other of many streams, each of which begins anew; how long each took to end."""
    for number in range(INTERRUPTIONS):
        listener = listeners[number % STREAMS]
        await listener.begun.wait()
        await asyncio.sleep(0.002)
        listener.ended.clear()
        listener.offered_at = time.perf_counter()
        await interrupt(number % STREAMS)
        await listener.ended.wait()
    return [waited_s for listener in listeners for waited_s in listener.waited_s]


async def interrupt_by_offers(provider: HttpProvider) -> list[float]:
    """The streams are runs of hosts, who offer the events themselves."""
    runtime = Runtime(provider=provider)
    listeners = [Listener() for _ in range(STREAMS)]
    people = [Persona() for _ in listeners]

    async def interrupt(number: int) -> None:
        event = Event(idn="user_message", persona_id=people[number].id, user_input=True)
        assert runtime.offer(event, "interrupt").cut

    async with asyncio.TaskGroup() as tasks:
        hosts = [
            tasks.create_task(
                runtime.run(genstream.Simple, message="hello", persona=persona, sink=listener)
            )
            for persona, listener in zip(people, listeners, strict=True)
        ]
        waited_s = await interrupt_all(listeners, interrupt)
        for host in hosts:
            host.cancel()
    return waited_s


async def interrupt_by_messages(provider: HttpProvider) -> list[float]:
    """The streams are a served flow's; each message is recorded, belongs to a session, and finds its subscriber."""
    chat = RecordingConnector("sandbox", "sandbox")
    runtime = Runtime(provider=provider, connectors=[chat], options=Options(shutdown_grace_s=0.0))
    runtime.load(subscribed())
    actors = [Actor(persona_id=f"p{n}", external_id=f"{n}") for n in range(STREAMS)]
    listeners = [Listener() for _ in actors]
    chat.sinks.update((a.id, listener) for a, listener in zip(actors, listeners, strict=True))

    async def say(number: int) -> None:
        emitted = await runtime.emit(
            "user_message", actor=actors[number], arguments={"text": "hello"}
        )
        assert emitted.subscribers == 1

    async with runtime:
        for number in range(STREAMS):
            await say(number)
        return await interrupt_all(listeners, say)


def subscribed() -> ModuleType:
    """The compiled flow, with a subscription to messages."""
    module = ModuleType(genstream.__name__)
    module.__dict__.update(genstream.__dict__)
    subscription: SubscriptionManifest = {
        "idn": "user_message",
        "skill": "Simple",
        "state": None,
        "integration": None,
        "connector": None,
        "mode": "interrupt",
    }
    manifest: FlowManifest = {**genstream.__manifest__, "events": [subscription]}
    module.__dict__["__manifest__"] = manifest
    return module


@pytest.mark.benchmark(group="interruption")
@pytest.mark.parametrize("interrupt", [interrupt_by_offers, interrupt_by_messages])
def test_interruption_while_a_hundred_streams_run(
    benchmark: Any,
    url_of_talkers: str,
    runner: asyncio.Runner,
    interrupt: Callable[[HttpProvider], Coroutine[Any, Any, list[float]]],
) -> None:
    """From the event to the end of the message at the sink, on one event loop that is busy with all of them."""
    provider = HttpProvider(base_url=url_of_talkers, model="m")
    waited_s: list[float] = []
    benchmark.extra_info.update(unit="interruption", count=INTERRUPTIONS)
    benchmark.pedantic(lambda: waited_s.extend(runner.run(interrupt(provider))), rounds=1)
    assert len(waited_s) == INTERRUPTIONS
    percentiles = statistics.quantiles(waited_s, n=100)
    benchmark.extra_info.update(p50_ms=percentiles[49] * 1e3, p99_ms=percentiles[98] * 1e3)
    runner.run(provider.aclose())
