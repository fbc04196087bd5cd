"""A scripted model server on loopback: real HTTP/1.1 over plain sockets, for any event loop or none.

1. A reply is nothing but bytes, waits and an end; what they mean is decided where it is made.
2. One thread serves all connections from one selector and never blocks on any of them.
3. What the server learns, it writes into an `Exchange`; whoever waits for that is woken.
"""

from __future__ import annotations

import heapq
import json
import selectors
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from types import TracebackType
from typing import Any, Final, Literal, Self, TypeAlias, assert_never

from skillrt.testing.replies import End, Reply, Send, Step, Wait

STEPS_PER_TURN: Final = 256
SECRET_HEADERS: Final = frozenset({"authorization", "api-key", "x-api-key"})


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came; header names in lower case, secrets masked; `body` None when it is no JSON."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


Script: TypeAlias = Sequence[Reply] | Callable[[Received], Reply]


@dataclass(slots=True)
class Exchange:
    """One request and how far its reply got; times are of `time.monotonic`.

    `ended` is `complete`, `peer` when the peer closed before the end, `server` when the server did, "" until then.
    """

    request: Received
    started_at: float
    sent_bytes: int = 0
    ended: Literal["", "complete", "peer", "server"] = ""
    ended_at: float = 0.0


class ModelServer:
    """Serves replies in the order of the script, or as the script, called with the request, decides.

    A request beyond the script gets status 400. An exception of the script is raised when the server is left.

        with ModelServer([Reply.stream("Hello there.")]) as server:
            ...  # server.base_url
    """

    def __init__(self, script: Script) -> None:
        """Nothing listens before the server is entered, which is possible once."""
        self._loop = _Loop(script)

    @property
    def base_url(self) -> str:
        """The address to give to a provider: scheme, host, port and `/v1`."""
        return f"http://127.0.0.1:{self._loop.port}/v1"

    @property
    def requests(self) -> list[Received]:
        """All requests so far, oldest first."""
        return [exchange.request for exchange in self._loop.exchanges]

    @property
    def exchanges(self) -> list[Exchange]:
        """All exchanges so far, oldest first."""
        return list(self._loop.exchanges)

    @property
    def closed(self) -> list[Exchange]:
        """The exchanges that the peer closed before the end of the reply, oldest first."""
        return [exchange for exchange in self._loop.exchanges if exchange.ended == "peer"]

    @property
    def accepted(self) -> int:
        """How many connections were made so far."""
        return self._loop.accepted

    @property
    def open_connections(self) -> int:
        """How many connections there are now, idle ones included."""
        return len(self._loop.connections)

    def wait_closed(self, timeout_s: float = 5.0, *, count: int = 1) -> list[Exchange]:
        """Block until the peer closed `count` exchanges before their end; return those it closed.

        Raises:
            TimeoutError: that did not happen within `timeout_s`.
        """
        self.wait_until(lambda: len(self.closed) >= count, timeout_s)
        return self.closed

    def wait_until(self, condition: Callable[[], bool], timeout_s: float = 5.0) -> None:
        """Block until something the server saw makes `condition` true.

        Raises:
            TimeoutError: that did not happen within `timeout_s`.
        """
        with self._loop.changed:
            if not self._loop.changed.wait_for(condition, timeout_s):
                ends = [exchange.ended or "open" for exchange in self._loop.exchanges]
                raise TimeoutError(f"{self.open_connections} connections, exchanges: {ends}")

    def __enter__(self) -> Self:
        """Listen on a free port of the loopback address."""
        self._loop.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close everything; the thread has ended when this returns."""
        self._loop.stop()
        if self._loop.error and error is None:
            raise self._loop.error


class _Loop(threading.Thread):
    """The server's thread: one selector, a heap of timers, and the record of what happened."""

    selector: selectors.BaseSelector
    listener: socket.socket
    waker: socket.socket
    wakee: socket.socket

    def __init__(self, script: Script) -> None:
        super().__init__(name="model-server", daemon=True)
        self.script = script
        self.port = 0
        self.exchanges: list[Exchange] = []
        self.accepted = 0
        self.connections: set[_Connection] = set()
        self.changed = threading.Condition()
        self.error: Exception | None = None
        self.timers: list[tuple[float, int, _Connection, Exchange]] = []
        self.serial = count()

    def start(self) -> None:
        self.waker, self.wakee = socket.socketpair()
        self.selector = selectors.DefaultSelector()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.listener.setblocking(False)
        self.port = self.listener.getsockname()[1]
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.selector.register(self.wakee, selectors.EVENT_READ)
        super().start()

    def stop(self) -> None:
        self.waker.close()
        self.join()

    # everything below runs in the thread itself

    def run(self) -> None:
        with self.selector, self.listener, self.wakee:
            while True:
                for key, events in self.selector.select(self.timeout_s()):
                    if key.fileobj is self.listener:
                        self.accept()
                    elif key.fileobj is self.wakee:
                        for connection in tuple(self.connections):
                            connection.close("server")
                        return
                    else:
                        key.data.handle(events)
                while self.timers and self.timers[0][0] <= time.monotonic():
                    _, _, connection, exchange = heapq.heappop(self.timers)
                    if connection.exchange is exchange:
                        connection.advance()

    def timeout_s(self) -> float | None:
        return max(0.0, self.timers[0][0] - time.monotonic()) if self.timers else None

    def accept(self) -> None:
        try:
            peer, _ = self.listener.accept()
        except OSError:  # gone again before it was served
            return
        peer.setblocking(False)
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = _Connection(self, peer)
        self.selector.register(peer, selectors.EVENT_READ, connection)
        with self.changed:
            self.accepted += 1
            self.connections.add(connection)
            self.changed.notify_all()

    def begin(self, request: Received) -> tuple[Exchange, Reply]:
        """Record a request and ask the script."""
        exchange = Exchange(request, time.monotonic())
        number = len(self.exchanges)
        with self.changed:
            self.exchanges.append(exchange)
            self.changed.notify_all()
        if callable(self.script):
            try:
                return exchange, self.script(request)
            except Exception as error:  # raised again where the server is left
                self.error = error
                return exchange, Reply.failure(400, f"the script raised {error!r}")
        if number < len(self.script):
            return exchange, self.script[number]
        known = len(self.script)
        return exchange, Reply.failure(400, f"request {number + 1} of a script of {known} replies")

    def wake_later(self, connection: _Connection, exchange: Exchange, delay_s: float) -> None:
        """Go on with the exchange after `delay_s`."""
        due = time.monotonic() + delay_s
        heapq.heappush(self.timers, (due, next(self.serial), connection, exchange))

    def watch(self, connection: _Connection, *, writable: bool) -> None:
        """Choose whether the connection is told when it can write."""
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if writable else 0)
        self.selector.modify(connection.socket, events, connection)

    def end(self, exchange: Exchange, how: Literal["complete", "peer", "server"]) -> None:
        """Record the end of a reply."""
        with self.changed:
            exchange.ended = how
            exchange.ended_at = time.monotonic()
            self.changed.notify_all()

    def forget(self, connection: _Connection) -> None:
        """Drop a connection that is about to be closed."""
        self.selector.unregister(connection.socket)
        with self.changed:
            self.connections.discard(connection)
            self.changed.notify_all()


@dataclass(slots=True, eq=False)
class _Connection:
    """One connection: requests come in one after the other, each is answered before the next is read."""

    loop: _Loop
    socket: socket.socket
    exchange: Exchange | None = None
    inbox: bytes = b""
    outbox: bytes = b""
    steps: Iterator[Step] = field(default_factory=lambda: iter(()))
    last: End = "complete"

    def handle(self, events: int) -> None:
        if events & selectors.EVENT_READ:
            try:
                data = self.socket.recv(65536)
            except OSError:  # the peer reset the connection
                data = b""
            if not data:
                self.close("peer")
                return
            self.inbox += data
            if self.exchange is None:
                self.read_request()
        if events & selectors.EVENT_WRITE and self.outbox:
            self.loop.watch(self, writable=False)
            self.advance()

    def read_request(self) -> None:
        head, blank, rest = self.inbox.partition(b"\r\n\r\n")
        if not blank:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        length = int(headers.get("content-length", "0"))
        if len(rest) < length:
            return
        self.inbox = rest[length:]
        try:
            body = json.loads(rest[:length])
        except ValueError:
            body = None
        method, _, target = first.partition(" ")
        path = target.partition(" ")[0]
        masked = {name: _masked(name, value) for name, value in headers.items()}
        self.exchange, reply = self.loop.begin(Received(method, path, masked, body))
        self.steps = iter(reply.steps)
        self.last = reply.end
        self.advance()

    def advance(self) -> None:
        """Go on with the reply until it has to wait: for time, for the peer, or for its turn."""
        exchange = self.exchange
        for _ in range(STEPS_PER_TURN):
            if exchange is None or not self.flush(exchange):
                return
            step = next(self.steps, None)
            match step:
                case Send(data):
                    self.outbox = data
                case Wait(seconds):
                    self.loop.wake_later(self, exchange, seconds)
                    return
                case None:
                    self.finish(exchange)
                    return
                case _:
                    assert_never(step)
        if exchange:
            self.loop.wake_later(self, exchange, 0.0)

    def flush(self, exchange: Exchange) -> bool:
        """Write what is left; False when the peer does not take it now, or is gone."""
        while self.outbox:
            try:
                sent = self.socket.send(self.outbox)
            except BlockingIOError:
                self.loop.watch(self, writable=True)
                return False
            except OSError:
                self.close("peer")
                return False
            exchange.sent_bytes += sent
            self.outbox = self.outbox[sent:]
        return True

    def finish(self, exchange: Exchange) -> None:
        match self.last:
            case "complete":
                self.exchange = None
                self.loop.end(exchange, "complete")
                self.read_request()
            case "stall":
                pass
            case "reset":
                linger = struct.pack("ii", 1, 0)
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.close("server")
            case "close":
                self.close("server")
            case _:
                assert_never(self.last)

    def close(self, by: Literal["peer", "server"]) -> None:
        exchange, self.exchange = self.exchange, None
        self.outbox = b""
        self.loop.forget(self)
        self.socket.close()
        if exchange:
            self.loop.end(exchange, by)


def _masked(name: str, value: str) -> str:
    if name not in SECRET_HEADERS:
        return value
    scheme, blank, _ = value.partition(" ")
    return f"{scheme} ***" if blank else "***"
