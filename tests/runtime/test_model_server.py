"""The scripted model server itself, asked over a plain socket."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from skillrt.testing import ModelServer, Received, Reply
from skillrt.testing.replies import Send, Wait

BODY = b'{"n": 1}'
REQUEST = b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer sk-1\r\n" + (
    b"Content-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
)


@contextmanager
def connection(server: ModelServer) -> Iterator[socket.socket]:
    host, _, port = server.base_url.removeprefix("http://").removesuffix("/v1").partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as peer:
        yield peer


def read_until(peer: socket.socket, end: bytes) -> bytes:
    taken = b""
    while not taken.endswith(end):
        part = peer.recv(65536)
        assert part, taken
        taken += part
    return taken


def unchunked(response: bytes) -> bytes:
    _, _, rest = response.partition(b"\r\n\r\n")
    body = b""
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        body += rest[: int(size, 16)]
        rest = rest[int(size, 16) + 2 :]
    return body


def payloads(body: bytes) -> list[object]:
    events = body.decode().removesuffix("\n\n").split("\n\n")
    texts = [event.removeprefix("data: ") for event in events]
    return [text if text == "[DONE]" else json.loads(text) for text in texts]


@pytest.mark.parametrize("split", ["token", "byte", "whole"])
def test_stream_is_that_of_the_api(split: str) -> None:
    reply = Reply.stream("Hi, you.", split=split, usage=(2, 3))  # type: ignore[arg-type]  # all three
    with ModelServer([reply]) as server, connection(server) as peer:
        peer.sendall(REQUEST)
        response = read_until(peer, b"\r\n0\r\n\r\n")
    head = response.partition(b"\r\n\r\n")[0]
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"content-type: text/event-stream" in head
    *chunks, done = payloads(unchunked(response))
    assert done == "[DONE]"
    frame = {
        "id": "chatcmpl-scripted",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": "scripted",
    }
    deltas: list[dict[str, str]] = [
        {"role": "assistant", "content": ""},
        {"content": "Hi,"},
        {"content": " you."},
    ]
    choices: list[dict[str, object]] = [
        {"index": 0, "delta": delta, "finish_reason": None} for delta in deltas
    ]
    choices.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    usage = {"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 5}
    assert chunks == [
        *({**frame, "choices": [choice], "usage": None} for choice in choices),
        {**frame, "choices": [], "usage": usage},
    ]


def test_split_is_into_http_chunks() -> None:
    def sent(reply: Reply) -> int:
        return sum(isinstance(step, Send) for step in reply.steps)

    assert sent(Reply.stream("a b", split="whole")) == 3  # head, body, end
    assert (
        sent(Reply.stream("a b", split="token")) == 7
    )  # with role, two tokens, finish, end marker
    assert sent(Reply.stream("a b", split="byte")) > 500


def test_delays_are_waits_between_what_is_sent() -> None:
    reply = Reply.stream(["a", "b"], head_delay_s=1, first_delay_s=2, token_delay_s=3)
    kinds = [step.seconds if isinstance(step, Wait) else "" for step in reply.steps]
    assert kinds == [1, "", "", 2, "", 3, "", 3, "", "", ""]


def test_requests_come_one_after_the_other_on_one_connection() -> None:
    script = [Reply.stream("a"), Reply.completion("b"), Reply.failure(503)]
    with ModelServer(script) as server, connection(server) as peer:
        peer.sendall(REQUEST[:20])
        peer.sendall(REQUEST[20:] + REQUEST)
        assert b"\r\n0\r\n\r\n" in read_until(peer, b'"finish_reason": "stop"}]}')
        peer.sendall(REQUEST)
        assert b"HTTP/1.1 503 " in read_until(peer, b"}}")
        server.wait_until(lambda: all(e.ended == "complete" for e in server.exchanges))
        assert server.accepted == server.open_connections == 1
        assert [request.body for request in server.requests] == [{"n": 1}] * 3
        assert server.requests[0].headers["authorization"] == "Bearer ***"
        assert server.exchanges[1].sent_bytes == sum(
            len(step.data) for step in script[1].steps if isinstance(step, Send)
        )


def test_script_can_be_a_function_of_the_request() -> None:
    def script(request: Received) -> Reply:
        return Reply.completion(f"{request.method} {request.path} {request.body['n']}")

    with ModelServer(script) as server, connection(server) as peer:
        peer.sendall(REQUEST)
        assert b"POST /v1/chat/completions 1" in read_until(peer, b"]}")


def test_request_beyond_the_script_is_told() -> None:
    with ModelServer([]) as server, connection(server) as peer:
        peer.sendall(REQUEST)
        assert b"request 1 of a script of 0 replies" in read_until(peer, b"}}")


def test_error_of_the_script_is_raised_where_the_server_is_left() -> None:
    def script(_: Received) -> Reply:
        raise KeyError("mine")

    server = ModelServer(script)
    server.__enter__()
    with connection(server) as peer:
        peer.sendall(REQUEST)
        assert b"HTTP/1.1 400 " in read_until(peer, b"}}")
    with pytest.raises(KeyError, match="mine"):
        server.__exit__(None, None, None)


def test_peer_that_closes_is_noticed_wherever_the_reply_is() -> None:
    script = [
        Reply.raw(end="stall"),
        Reply.stream("a", end="stall"),
        Reply.stream("a", head_delay_s=3600),
        Reply.stream("a", token_delay_s=3600),
        Reply.raw(b"x" * 50_000_000),
    ]
    with ModelServer(script) as server:
        for number in range(1, len(script) + 1):
            with connection(server) as peer:
                peer.sendall(REQUEST)
                server.wait_until(lambda number=number: len(server.requests) == number)  # type: ignore[misc]
            assert len(server.wait_closed(count=number)) == number
        assert server.open_connections == 0
        assert server.exchanges[-1].sent_bytes < 50_000_000
        assert all(exchange.ended_at >= exchange.started_at for exchange in server.closed)


def test_waiting_in_vain_says_what_there_is() -> None:
    with ModelServer([Reply.raw(end="stall")]) as server, connection(server) as peer:
        peer.sendall(REQUEST)
        server.wait_until(lambda: bool(server.requests))
        with pytest.raises(TimeoutError, match="1 connections, exchanges: \\['open'\\]"):
            server.wait_closed(0.01)


def test_reset_and_close_differ() -> None:
    script = [Reply.raw(end="reset"), Reply.raw(b"bye", end="close")]
    with ModelServer(script) as server:
        with connection(server) as peer:
            peer.sendall(REQUEST)
            with pytest.raises(ConnectionResetError):
                peer.recv(1)
        with connection(server) as peer:
            peer.sendall(REQUEST)
            assert read_until(peer, b"bye") == b"bye"
            assert peer.recv(1) == b""
        server.wait_until(lambda: [e.ended for e in server.exchanges] == ["server", "server"])


def test_leaving_ends_the_thread_whatever_is_open() -> None:
    script = [Reply.stream("a", end="stall"), Reply.stream("a", head_delay_s=3600)]
    server = ModelServer(script)
    server.__enter__()
    with connection(server) as first, connection(server) as second, connection(server):
        first.sendall(REQUEST)
        second.sendall(REQUEST)
        server.wait_until(lambda: len(server.requests) == 2 and server.open_connections == 3)
        server.__exit__(None, None, None)
    assert [exchange.ended for exchange in server.exchanges] == ["server", "server"]
    assert not [thread for thread in threading.enumerate() if thread.name == "model-server"]


def test_neither_test_tools_nor_http_libraries_are_needed() -> None:
    code = "import sys, skillrt.testing; print(*sorted(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"pytest", "hypothesis", "httpx", "httpx2"} & set(found.stdout.split())
