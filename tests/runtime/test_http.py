"""Streams over real sockets: what arrives, what every fault becomes, and that nothing stays open."""

from __future__ import annotations

import asyncio
import gc
import gzip
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from types import ModuleType
from typing import Any

import anyio
import anyio.abc
import anyio.lowlevel
import anyio.to_thread
import httpx
import httpx2
import pytest

from skillrt.errors import ConfigurationError, ProviderError
from skillrt.llm.base import Chunk, Message, Request, Usage
from skillrt.llm.http import HttpProvider, provider_from_env
from skillrt.testing import ModelServer, Reply
from skillrt.testing.replies import Send

pytestmark = pytest.mark.anyio

REQUEST = Request(messages=(Message("user", "hi"),))
KEY = "sk-canary-0123456789"
Script = Sequence[Reply] | Callable[[Any], Reply]


@pytest.fixture(params=[httpx, httpx2], ids=["httpx", "httpx2"])
def library(request: pytest.FixtureRequest) -> ModuleType:
    """The HTTP library whose client serves the test."""
    found: ModuleType = request.param
    return found


@asynccontextmanager
async def serving(
    library: ModuleType, script: Script, **settings: Any
) -> AsyncIterator[tuple[HttpProvider, ModelServer]]:
    """A provider of the library and a server; leaving them checks that nothing stayed open."""
    limits = library.Limits(max_connections=None, max_keepalive_connections=20)
    with ModelServer(script) as server:
        async with library.AsyncClient(limits=limits, verify=False) as client:
            yield (
                HttpProvider(
                    base_url=server.base_url, model="m", api_key=KEY, client=client, **settings
                ),
                server,
            )
            assert not busy(client)
        await eventually(server, lambda: server.open_connections == 0)
        gc.collect()  # a generator left suspended warns now
        await anyio.lowlevel.checkpoint()


def busy(client: httpx.AsyncClient) -> list[str]:
    """The connections of the pool that are not idle, and the requests it still knows."""
    transport: Any = client._transport
    pool = transport._pool
    connections = [c.info() for c in pool.connections if not c.is_idle()]
    return [*connections, *map(repr, pool._requests)]


async def read(provider: HttpProvider, request: Request = REQUEST) -> list[Chunk]:
    async with provider.stream(request) as chunks:
        return [chunk async for chunk in chunks]


async def eventually(server: ModelServer, condition: Callable[[], bool]) -> None:
    await anyio.to_thread.run_sync(server.wait_until, condition)


def text_of(chunks: list[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks)


@pytest.mark.parametrize(
    "reply",
    [
        Reply.stream("Hello there, søster 👩‍🚀.", usage=(5, 7)),
        Reply.stream(["Hello ", "there, søster 👩‍🚀."], split="byte", usage=(5, 7)),
        Reply.stream("Hello there, søster 👩‍🚀.", split="whole", usage=(5, 7)),
        Reply.stream("Hello there, søster 👩‍🚀.", gzip=True, usage=(5, 7)),
        Reply.stream("Hello there, søster 👩‍🚀.", gzip=True, split="byte", usage=(5, 7)),
        Reply.stream("Hello there, søster 👩‍🚀.", token_delay_s=0.001, usage=(5, 7)),
        Reply.stream("Hello there, søster 👩‍🚀.", usage=(5, 7), done=False),
    ],
    ids=["tokens", "bytes", "whole", "gzip", "gzip bytes", "slow", "no end marker"],
)
async def test_stream_arrives(library: ModuleType, reply: Reply) -> None:
    async with serving(library, [reply, reply]) as (provider, server):
        for _ in range(2):
            chunks = await read(provider)
            assert text_of(chunks) == "Hello there, søster 👩‍🚀."
            assert [chunk.finish for chunk in chunks if chunk.finish] == ["stop"]
            assert [chunk.usage for chunk in chunks if chunk.usage] == [Usage(5, 7)]
        assert server.accepted == 1
        await eventually(server, lambda: all(e.ended == "complete" for e in server.exchanges))


async def test_request_reaches_the_server(library: ModuleType) -> None:
    settings = {"headers": {"X-Title": "test", "Accept": "text/*"}}
    async with serving(library, [Reply.stream("a")], **settings) as (provider, server):
        await read(provider)
        (request,) = server.requests
        assert (request.method, request.path) == ("POST", "/v1/chat/completions")
        assert request.body["messages"] == [{"role": "user", "content": "hi"}]
        assert request.body["model"] == "m"
        assert request.headers["authorization"] == "Bearer ***"
        assert request.headers["content-type"] == "application/json"
        assert request.headers["x-title"] == "test"
        assert request.headers["accept"] == "text/*"


async def test_key_is_sent(library: ModuleType) -> None:
    seen: list[str] = []

    def answer(request: Any) -> Any:
        seen.append(request.headers["authorization"])
        return library.Response(200, json={"choices": [{"message": {}, "finish_reason": "stop"}]})

    async with library.AsyncClient(verify=False, transport=library.MockTransport(answer)) as client:
        provider = HttpProvider(
            base_url="http://a/v1/", model="m", api_key=KEY + "\n", client=client
        )
        await read(provider)
    assert seen == [f"Bearer {KEY}"]


async def test_completion_that_is_not_streamed_is_one_chunk(library: ModuleType) -> None:
    replies = [Reply.completion("All of it."), Reply.completion("Half", finish="length")]
    async with serving(library, replies) as (provider, _):
        assert await read(provider) == [Chunk("All of it.", "stop")]
        assert await read(provider) == [Chunk("Half", "length")]


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"
FAULTS: dict[str, tuple[Reply, str, bool, str]] = {
    "bad request": (Reply.failure(400, "Bad stop."), "status", False, "HTTP 400: Bad stop."),
    "authentication": (Reply.failure(401, "Bad key."), "status", False, "HTTP 401: Bad key."),
    "timeout status": (Reply.failure(408), "status", True, "HTTP 408"),
    "conflict": (Reply.failure(409), "status", True, "HTTP 409"),
    "rate limit": (Reply.failure(429, "Slow down."), "status", True, "HTTP 429: Slow down."),
    "server error": (Reply.failure(500), "status", True, "HTTP 500"),
    "overloaded": (Reply.failure(529), "status", True, "HTTP 529"),
    "error page": (
        Reply.whole("<html><h1>502 Bad Gateway</h1></html>", status=502),
        "status",
        True,
        "HTTP 502: 502 Bad Gateway",
    ),
    "redirect": (
        Reply.whole(b"", status=307, headers={"location": "/v2"}),
        "status",
        False,
        "HTTP 307: Temporary Redirect",
    ),
    "blocked prompt": (
        Reply.failure(400, "Filtered.", code="content_filter"),
        "refused",
        False,
        "HTTP 400: Filtered.",
    ),
    "page instead of a stream": (
        Reply.whole("<html><title>Log in</title></html>"),
        "protocol",
        True,
        "a web page: Log in",
    ),
    "error with status 200": (
        Reply.whole({"error": {"message": "Overloaded.", "type": "server_error"}}),
        "status",
        True,
        "error in the stream: Overloaded.",
    ),
    "wrong JSON with status 200": (Reply.whole({"choices": 1}), "protocol", True, "not what"),
    "unfinished completion": (Reply.whole({"choices": []}), "truncated", True, "finish reason"),
    "error inside the stream": (
        Reply.stream("Hello", finish=None, error={"message": "Lost.", "code": 502}),
        "status",
        True,
        "error in the stream: Lost.",
    ),
    "hard error inside the stream": (
        Reply.stream("Hello", finish=None, error={"message": "No.", "type": "invalid_api_key"}),
        "status",
        False,
        "No.",
    ),
    "no finish reason": (Reply.stream("Hello", finish=None), "truncated", True, "finish reason"),
    "no end at all": (
        Reply.stream("Hello", finish=None, done=False),
        "truncated",
        True,
        "finish reason",
    ),
    "closed inside the stream": (Reply.stream("Hello", end="close"), "truncated", True, "peer"),
    "closed at the end, without length": (
        Reply.raw(HEAD + b"\r\n", b"data: {}\n\n"),
        "truncated",
        True,
        "finish reason",
    ),
    "closed inside an event": (
        Reply.raw(HEAD + b"\r\n", b"data: {}\n"),
        "truncated",
        True,
        "inside an event",
    ),
    "reset inside the stream": (
        Reply.stream(["Hello"] * 3, end="reset", token_delay_s=0.01),
        "transport",
        True,
        "ReadError",
    ),
    "reset before the head": (Reply.raw(end="reset"), "transport", True, "ReadError"),
    "closed before the head": (Reply.raw(), "transport", True, "disconnected"),
    "no HTTP": (Reply.raw(b"SSH-2.0-OpenSSH\r\n\r\n"), "protocol", True, "RemoteProtocolError"),
    "no chunk": (Reply.raw(CHUNKED, b"zz\r\n"), "protocol", True, "RemoteProtocolError"),
    "no event": (Reply.raw(HEAD + b"\r\n", b"data: oops\n\n"), "protocol", True, "not what"),
    "endless line": (
        Reply.raw(HEAD + b"\r\n", b"data: " + b"a" * 2_000_000),
        "protocol",
        True,
        "1 MiB",
    ),
    "no gzip": (
        Reply.raw(HEAD + b"content-encoding: gzip\r\n\r\n", b"data: {}\n\n"),
        "protocol",
        True,
        "no gzip",
    ),
    "gzip bomb": (
        Reply.raw(HEAD + b"content-encoding: gzip\r\n\r\n", gzip.compress(bytes(1 << 25))),
        "protocol",
        True,
        "far larger",
    ),
    "encoding nobody asked for": (
        Reply.stream("Hello", headers={"content-encoding": "br"}),
        "protocol",
        True,
        "encoded as 'br'",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_fault_becomes_a_provider_error(library: ModuleType, fault: str) -> None:
    reply, reason, retryable, said = FAULTS[fault]
    async with serving(library, [reply, Reply.stream("Better.")]) as (provider, _):
        with pytest.raises(ProviderError, match=said) as caught:
            await read(provider)
        assert (caught.value.reason, caught.value.retryable) == (reason, retryable)
        assert text_of(await read(provider)) == "Better."


async def test_retry_after_is_kept(library: ModuleType) -> None:
    reply = Reply.failure(429, headers={"retry-after": "3"})
    async with serving(library, [reply]) as (provider, _):
        with pytest.raises(ProviderError) as caught:
            await read(provider)
        assert (caught.value.status, caught.value.retry_after_s) == (429, 3.0)


async def test_error_body_is_read_up_to_a_limit(library: ModuleType) -> None:
    endless = Reply.raw(
        b"HTTP/1.1 500 No\r\ncontent-length: 100000000\r\n\r\n",
        *[b"long " * 10_000] * 40,
        end="stall",
    )
    async with serving(library, [endless]) as (provider, server):
        with anyio.fail_after(5), pytest.raises(ProviderError, match="HTTP 500: long long"):
            await read(provider)
        await anyio.to_thread.run_sync(server.wait_closed)


async def test_error_whose_body_breaks_off_is_still_that_error(library: ModuleType) -> None:
    broken = Reply.raw(b"HTTP/1.1 503 No\r\ncontent-length: 100\r\n\r\n", b"half")
    async with serving(library, [broken]) as (provider, _):
        with pytest.raises(ProviderError, match="HTTP 503: Service Unavailable") as caught:
            await read(provider)
        assert caught.value.retryable


@pytest.mark.parametrize("end", ["reset", "close"])
async def test_connection_lost_after_the_finish_reason_costs_only_the_usage(
    library: ModuleType, end: Any
) -> None:
    whole = Reply.stream("Hello there.", token_delay_s=0.01)
    *steps, _, _ = whole.steps  # neither the end marker nor the end of the response
    async with serving(library, [Reply((*steps,), end)]) as (provider, _):
        chunks = await read(provider)
        assert text_of(chunks) == "Hello there."


async def test_silence_after_the_end_marker_ends_the_stream(library: ModuleType) -> None:
    whole = Reply.stream("Hello there.")
    async with serving(library, [Reply(whole.steps[:-1], "stall")]) as (provider, server):
        with anyio.fail_after(5):
            assert text_of(await read(provider)) == "Hello there."
        await anyio.to_thread.run_sync(server.wait_closed)


async def test_nothing_counts_after_the_end_marker(library: ModuleType) -> None:
    more = b"data: [DONE]\n\ndata: oops\n\n" * 2
    finish = b'data: {"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}\n\n'
    replies = [
        Reply.raw(HEAD + b"\r\n", finish + more),
        Reply.raw(HEAD + b"\r\n", finish + b"data: [DONE]\n\n", more, end="stall"),
    ]
    async with serving(library, replies) as (provider, _):
        assert await read(provider) == [Chunk("a", "stop")]
        assert await read(provider) == [Chunk("a", "stop")]


async def test_client_errors_are_told_apart(library: ModuleType) -> None:
    expected = {
        "ConnectError": ("transport", True),
        "ReadError": ("transport", True),
        "WriteError": ("transport", True),
        "CloseError": ("transport", True),
        "ProxyError": ("transport", True),
        "ConnectTimeout": ("timeout", True),
        "ReadTimeout": ("timeout", True),
        "PoolTimeout": ("timeout", True),
        "RemoteProtocolError": ("protocol", True),
        "LocalProtocolError": ("protocol", False),
        "UnsupportedProtocol": ("protocol", False),
    }
    for name, (reason, retryable) in expected.items():

        def fail(request: Any, name: str = name) -> Any:
            raise getattr(library, name)(f"it says {KEY}", request=request)

        async with library.AsyncClient(
            verify=False, transport=library.MockTransport(fail)
        ) as client:
            provider = HttpProvider(base_url="http://a/v1", model="m", api_key=KEY, client=client)
            with pytest.raises(ProviderError, match=name) as caught:
                await read(provider)
        assert (caught.value.reason, caught.value.retryable) == (reason, retryable)
        assert KEY not in str(caught.value)


async def test_refused_connection(library: ModuleType) -> None:
    with ModelServer([]) as server:
        pass
    async with library.AsyncClient(verify=False) as client:
        provider = HttpProvider(base_url=server.base_url, model="m", client=client)
        with pytest.raises(ProviderError, match="ConnectError") as caught:
            await read(provider)
        assert (caught.value.reason, caught.value.retryable) == ("transport", True)


async def test_foreign_errors_of_the_reader_stay_what_they_are(library: ModuleType) -> None:
    async def deliver(error: Exception) -> None:
        async with provider.stream(REQUEST) as chunks:
            async for chunk in chunks:
                if chunk.text:
                    raise error

    async with serving(library, [Reply.stream("a b c d", token_delay_s=0.01)]) as (
        provider,
        server,
    ):
        with pytest.raises(library.ReadError, match="a connector's own"):
            await deliver(library.ReadError("a connector's own"))
        await anyio.to_thread.run_sync(server.wait_closed)


async def test_stream_left_early_is_closed(library: ModuleType) -> None:
    replies = [Reply.stream("a b", end="stall")] * 2
    async with serving(library, replies) as (provider, server):
        async with provider.stream(REQUEST) as chunks:
            async for chunk in chunks:
                if chunk.text:
                    break
        async with provider.stream(REQUEST):
            pass
        await anyio.to_thread.run_sync(lambda: server.wait_closed(count=2))


STALLS = {
    "before the head": Reply.raw(end="stall"),
    "before the first event": Reply.raw(CHUNKED, end="stall"),
    "inside an event": Reply.raw(HEAD + b"\r\n", b'data: {"cho', end="stall"),
    "between tokens": Reply.stream("a b c", end="stall"),
    "inside an error": Reply.raw(b"HTTP/1.1 500 No\r\ncontent-length: 9\r\n\r\n", end="stall"),
}


@pytest.mark.parametrize("where", STALLS)
async def test_cancelling_a_stalled_stream_closes_it(library: ModuleType, where: str) -> None:
    async with serving(library, [STALLS[where]]) as (provider, server):
        with anyio.move_on_after(0.05) as scope:
            await read(provider)
        assert scope.cancelled_caught
        (exchange,) = await anyio.to_thread.run_sync(server.wait_closed)
        assert exchange.sent_bytes == sum(
            len(step.data) for step in STALLS[where].steps if isinstance(step, Send)
        )


async def test_cancelled_at_any_moment_nothing_stays_open(library: ModuleType) -> None:
    """Cancelled after any number of turns of the event loop, no connection stays busy and no place taken."""

    async def cancelled(provider: HttpProvider, turns: int) -> None:
        async with anyio.create_task_group() as tasks:

            async def cancel() -> None:
                for _ in range(turns):
                    await anyio.lowlevel.checkpoint()
                tasks.cancel_scope.cancel()

            tasks.start_soon(cancel)
            await read(provider)
            tasks.cancel_scope.cancel()

    reply = Reply.stream("a b c d", token_delay_s=0.0005, gzip=True)
    async with serving(library, lambda _: reply, max_streams=1) as (provider, _):
        for turns in range(150):
            await cancelled(provider, turns)
            assert not busy(provider._client)
        assert text_of(await read(provider)) == "a b c d"


class Network:
    """The network of a client; does something at the end of every connection, before anybody else may run.

    What it says is a TLS handshake sends nothing.
    """

    def __init__(self, client: Any, moment: str, act: Callable[[], None]) -> None:
        pool = client._transport._pool
        self.real, pool._network_backend = pool._network_backend, self
        self.moment, self.act = moment, act

    async def connect_tcp(self, *args: Any, **named: Any) -> Any:
        stream = await self.real.connect_tcp(*args, **named)

        async def start_tls(**_: Any) -> Any:
            if self.moment == "start_tls":
                self.act()
            return stream

        stream.start_tls = start_tls
        if self.moment == "connect_tcp":
            self.act()
        return stream


@pytest.mark.parametrize(
    ("scheme", "moment"),
    [("http", "connect_tcp"), ("https", "connect_tcp"), ("https", "start_tls")],
)
async def test_cancelled_once_connected_nothing_stays_open(
    library: ModuleType, scheme: str, moment: str
) -> None:
    """The pools of the clients forget a connection that is open and was never used."""
    async with serving(library, lambda _: Reply.stream("Hello.")) as (provider, server):
        provider._url = provider._url.replace("http:", f"{scheme}:")
        with anyio.CancelScope() as scope:
            Network(provider._client, moment, scope.cancel)
            await read(provider)
        assert scope.cancelled_caught
        assert not busy(provider._client)
        await eventually(server, lambda: server.open_connections == 0)
        assert text_of(await read(provider)) == "Hello."


async def test_cancelled_handshake_closes_its_socket(library: ModuleType) -> None:
    said, gone = anyio.Event(), anyio.Event()

    async def listen(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            with suppress(anyio.EndOfStream):
                while await stream.receive():
                    said.set()
        gone.set()

    gc.disable()  # it would close the socket too, some day
    try:
        async with (
            await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
            library.AsyncClient(verify=False) as client,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(listener.serve, listen)
            port = listener.extra(anyio.abc.SocketAttribute.local_port)
            address = f"https://127.0.0.1:{port}/v1"
            provider = HttpProvider(base_url=address, model="m", client=client)
            async with anyio.create_task_group() as readers:
                readers.start_soon(read, provider)
                await said.wait()
                readers.cancel_scope.cancel()
            with anyio.fail_after(10):
                await gone.wait()
            assert not busy(client)
            tasks.cancel_scope.cancel()
    finally:
        gc.enable()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_cancelled_by_its_host_no_request_keeps_its_place(library: ModuleType) -> None:
    """asyncio's own `Task.cancel` passes through shields; still every response is closed."""
    reply = Reply.stream("a b c d", token_delay_s=0.0005)
    with ModelServer(lambda _: reply) as server:
        async with library.AsyncClient(verify=False) as client:
            provider = HttpProvider(base_url=server.base_url, model="m", client=client)
            for turns in range(150):
                task = asyncio.create_task(read(provider))
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
                assert not client._transport._pool._requests


async def test_200_cancelled_streams_leave_nothing_open(library: ModuleType) -> None:
    async def reader(provider: HttpProvider) -> None:
        async with provider.stream(REQUEST) as chunks:
            async for chunk in chunks:
                if chunk.text:
                    reading.release()

    reading = anyio.Semaphore(0)
    reply = Reply.stream("Hello", end="stall")  # one token: each reader reports once
    async with serving(library, lambda _: reply) as (provider, server):
        async with anyio.create_task_group() as tasks:
            for _ in range(200):
                tasks.start_soon(reader, provider)
            with anyio.fail_after(30):
                for _ in range(200):
                    await reading.acquire()
            assert server.open_connections == 200
            tasks.cancel_scope.cancel()
        assert not busy(provider._client)
        await anyio.to_thread.run_sync(lambda: server.wait_closed(count=200))
        assert server.open_connections == 0
    assert not [thread for thread in threading.enumerate() if thread.name == "model-server"]


async def test_streams_beyond_the_limit_wait(library: ModuleType) -> None:
    replies = [Reply.stream("a", end="stall"), Reply.stream("b"), Reply.stream("c")]
    async with serving(library, replies, max_streams=1) as (provider, server):
        async with provider.stream(REQUEST):
            with anyio.move_on_after(0.05) as waiting:
                await read(provider)
            assert waiting.cancelled_caught
            assert len(server.requests) == 1
        assert text_of(await read(provider)) == "b"
        assert text_of(await read(provider)) == "c"


async def test_own_client_is_closed_with_the_provider() -> None:
    with ModelServer([Reply.stream("a")]) as server:
        async with HttpProvider(base_url=server.base_url, model="m") as provider:
            assert text_of(await read(provider)) == "a"
            assert server.open_connections == 1
            assert "authorization" not in server.requests[0].headers
        await eventually(server, lambda: server.open_connections == 0)


async def test_given_client_stays_open(library: ModuleType) -> None:
    async with serving(library, [Reply.stream("a"), Reply.stream("b")]) as (provider, _):
        async with provider:
            await read(provider)
        assert text_of(await read(provider)) == "b"


async def test_key_appears_nowhere(library: ModuleType) -> None:
    replies = [
        Reply.failure(401, f"Incorrect API key {KEY}."),
        Reply.whole(f"<p>{KEY}</p>" + "x " * 90 + KEY, status=500),
        Reply.stream("a", finish=None, error={"message": f"key {KEY} expired"}),
        Reply.whole({"error": f"key {KEY} expired"}),
    ]
    async with serving(library, replies) as (provider, server):
        for _ in replies:
            with pytest.raises(ProviderError) as caught:
                await read(provider)
            assert "***" in str(caught.value)
            assert "canary" not in str(caught.value)
        assert "canary" not in repr(provider) + repr(server.requests)


@pytest.mark.parametrize(
    "settings",
    [
        {"base_url": "localhost:8080/v1"},
        {"base_url": "ftp://host/v1"},
        {"base_url": "http:///v1"},
        {"base_url": "http://a/v1", "api_key": "sk-a\nb"},
        {"base_url": "http://a/v1", "api_key": "sk-é"},
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        HttpProvider(model="m", **settings)
    assert "\n" not in str(caught.value)
    assert "sk-" not in str(caught.value)


def test_repr_masks_the_key_and_what_the_address_hides() -> None:
    url = "https://user:hunter22@host:8443/v1?key=secret"
    assert repr(HttpProvider(base_url=url, model="m", api_key=KEY)) == (
        "HttpProvider(base_url='https://host:8443/v1', model='m', api_key='***')"
    )
    assert repr(HttpProvider(base_url="http://a", model="m")).endswith("api_key=None)")


async def test_provider_from_env() -> None:
    with ModelServer([Reply.stream("a")]) as server:
        environ = {
            "OPENAI_API_KEY": f" {KEY}\n",
            "OPENAI_BASE_URL": server.base_url,
            "OPENAI_ORG_ID": "org-1",
            "OPENAI_PROJECT_ID": "proj-1",
            "OPENAI_MODEL": "ignored",
        }
        async with provider_from_env(environ, model="m") as provider:
            await read(provider)
        (request,) = server.requests
        assert request.body["model"] == "m"
        assert request.headers["openai-organization"] == "org-1"
        assert request.headers["openai-project"] == "proj-1"
        assert request.headers["authorization"] == "Bearer ***"


def test_provider_from_env_fills_in_the_rest() -> None:
    assert repr(provider_from_env({"OPENAI_API_KEY": "k", "OPENAI_MODEL": "m"}, model=None)) == (
        "HttpProvider(base_url='https://api.openai.com/v1', model='m', api_key='***')"
    )
    own = provider_from_env({"OPENAI_BASE_URL": "http://a/v1", "OPENAI_API_KEY": " "}, model="m")
    assert repr(own) == "HttpProvider(base_url='http://a/v1', model='m', api_key=None)"


@pytest.mark.parametrize(
    ("environ", "model", "names"),
    [
        ({}, "m", ["OPENAI_API_KEY", "OPENAI_BASE_URL"]),
        ({"OPENAI_API_KEY": " "}, "m", ["OPENAI_API_KEY", "OPENAI_BASE_URL"]),
        ({"OPENAI_API_KEY": KEY}, None, ["--model", "OPENAI_MODEL"]),
        ({"OPENAI_API_KEY": KEY, "OPENAI_MODEL": ""}, "", ["--model", "OPENAI_MODEL"]),
    ],
)
def test_provider_from_env_says_what_to_set(
    environ: dict[str, str], model: str | None, names: list[str]
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        provider_from_env(environ, model=model)
    assert all(name in str(caught.value) for name in names)
    assert "\n" not in str(caught.value)
