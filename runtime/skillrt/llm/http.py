"""The seam to HTTP: streams of a model through any client with httpx's API. No other file knows an HTTP library.

1. Every response is closed in `_leave`, whatever happened; what of the client was suspended is unwound there.
2. What the client raises becomes a ProviderError in `_guarded`, and nowhere else; there secrets are masked, too.
3. No generator yields out of a cancel scope.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias, cast
from urllib.parse import urlsplit

import anyio
import httpx

from skillrt.errors import ConfigurationError, ProviderError
from skillrt.llm.base import Chunk, Request
from skillrt.llm.openai import PATH, clipped_text, decode_event, encode_request, response_error
from skillrt.llm.sse import LIMIT_BYTES, SseDecoder
from skillrt.options import Deadlines

if TYPE_CHECKING:
    import httpx2

    AsyncClient: TypeAlias = httpx.AsyncClient | httpx2.AsyncClient

OPENAI_URL: Final = "https://api.openai.com/v1"
DEFAULT_DEADLINES: Final = Deadlines()
NO_HEADERS: Final[Mapping[str, str]] = {}
ERROR_LIMIT_BYTES: Final = 64 * 1024
UNPACKED_LIMIT_BYTES: Final = 16 * 1024 * 1024
READ_ON_S: Final = 0.5
LEAVE_S: Final = 1.0
CONNECTED: Final = ("connect_tcp.complete", "connect_unix_socket.complete")
OPENED: Final = (*CONNECTED, "start_tls.complete")
SECRET_CHARS: Final = 8  # a shorter key is a placeholder; masking it would garble the text


class HttpProvider:
    """A model behind an endpoint that speaks the OpenAI chat completions API.

    One object serves any number of streams at once, on one event loop. `max_streams` is how many may be open; further
    ones wait. A `client` of your own (httpx, httpx2) stays yours to close; it must not limit its connections,
    because a request cancelled while it waits in the client's queue can keep its place there for good. Of the
    deadlines only `connect_s` is kept here; the others belong to whoever reads the stream.
    """

    def __init__(
        self,
        *,
        base_url: str,
        model: str,
        api_key: str | None = None,
        client: AsyncClient | None = None,
        deadlines: Deadlines = DEFAULT_DEADLINES,
        headers: Mapping[str, str] = NO_HEADERS,
        max_streams: int = 256,
    ) -> None:
        """Connect to nothing yet.

        Raises:
            ConfigurationError: `base_url` is no HTTP address, or no header can carry `api_key`.
        """
        api_key = api_key.strip() if api_key else None
        address = urlsplit(base_url)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise ConfigurationError("the base URL of a model is an http:// or https:// address")
        if api_key and not (api_key.isascii() and api_key.isprintable()):
            raise ConfigurationError("the API key of a model holds characters that no key has")
        self._own = client is None
        # The API is one, the types are two: below, every client counts as one of httpx.
        self._client = cast("httpx.AsyncClient | None", client) or httpx.AsyncClient(
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
            timeout=httpx.Timeout(None, connect=deadlines.connect_s),
        )
        self._library = _library(self._client)
        self._body_type = type("RequestBody", (_Once, self._library.AsyncByteStream), {})
        self._url = base_url.rstrip("/") + PATH
        self._shown_url = address._replace(
            netloc=address.netloc.rpartition("@")[2], query=""
        ).geturl()
        self._model = model
        self._keyed = api_key is not None
        self._headers = {
            "content-type": "application/json",
            "accept": "text/event-stream",
            "accept-encoding": "gzip",
            **({"authorization": f"Bearer {api_key}"} if api_key else {}),
            **{name.lower(): value for name, value in headers.items()},
        }
        secrets = (api_key, address.password, *headers.values())
        self._secrets = [text for text in secrets if text and len(text) >= SECRET_CHARS]
        self._timeout = (deadlines.connect_s, None, None, None)
        self._limiter = anyio.Semaphore(max_streams)

    def __repr__(self) -> str:
        """Names the endpoint; the key is masked."""
        key = "'***'" if self._keyed else None
        return f"HttpProvider(base_url={self._shown_url!r}, model={self._model!r}, api_key={key})"

    async def __aenter__(self) -> Self:
        """Nothing is opened before the first stream."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close."""
        await self.aclose()

    async def aclose(self) -> None:
        """Close idle connections and the client, unless it was given. No stream may be open."""
        if self._own:
            await self._client.aclose()

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncGenerator[AsyncIterator[Chunk], None]:
        """Open the stream of one request (see `Provider.stream`).

        Cancelled at any moment, or left early, it leaves no connection but idle ones, and no place taken.
        """
        async with self._limiter:
            response = await self._send(request)
            body = _Body(response)
            kind = response.headers.get("content-type", "")
            chunks = self._completion(body) if "json" in kind else self._events(body)
            try:
                with self._guarded():
                    if not response.is_success:
                        said = await self._said(body)
                        raise response_error(response.status_code, response.headers, said)
                    if "html" in kind:
                        page = clipped_text(await self._said(body))
                        raise ProviderError("protocol", f"a web page: {page}", retryable=True)
                yield chunks
            finally:
                await chunks.aclose()
                await self._leave(response, body)

    async def _send(self, request: Request) -> httpx.Response:
        content = encode_request(request, model=self._model)
        with self._guarded():
            sending = self._client.build_request(
                "POST", self._url, content=content, headers=self._headers, timeout=self._timeout
            )
            sending.stream = self._body_type(content)
            with _Opening() as opening:
                sending.extensions["trace"] = opening
                return await self._client.send(sending, stream=True)

    async def _events(self, body: _Body) -> AsyncGenerator[Chunk, None]:
        decoder = SseDecoder()
        finished = False
        try:
            with self._guarded():
                async for part in body.raw:
                    for data in decoder.feed(body.unpack(part)):
                        chunk = decode_event(data)
                        if chunk is None:
                            with anyio.move_on_after(READ_ON_S):
                                await body.read_on()
                            if not finished:
                                raise _truncated("without a finish reason")
                            return
                        finished = finished or chunk.finish is not None
                        yield chunk
                if not finished:
                    between = decoder.finish()
                    raise _truncated("without a finish reason" if between else "inside an event")
        except ProviderError as error:
            # The reply is complete; what is lost with the connection is the usage.
            if not (finished and error.reason in ("transport", "truncated")):
                raise

    async def _completion(self, body: _Body) -> AsyncGenerator[Chunk, None]:
        """A server that does not stream: an error, or the reply as one chunk."""
        with self._guarded():
            chunk = decode_event(await body.read(LIMIT_BYTES)) or Chunk()
            if chunk.finish is None:
                raise _truncated("without a finish reason")
            yield chunk

    async def _said(self, body: _Body) -> bytes:
        """The body of an error; none when it cannot be read to its end or the limit."""
        with suppress(ProviderError), self._guarded():
            return await body.read(ERROR_LIMIT_BYTES)
        return b""

    async def _leave(self, response: httpx.Response, body: _Body) -> None:
        """Close the response: read to its end, it gives the connection back, else it closes it.

        This has a task of its own because a host's `task.cancel()` pierces a shield, and a close cut short keeps its
        place in the pool for good.
        """

        async def close() -> None:
            with (
                anyio.move_on_after(LEAVE_S, shield=True),
                suppress(self._library.HTTPError, OSError),
            ):
                await response.aclose()
                # What was received already, then an error: it unwinds the client's suspended generators.
                async for _ in body.raw:
                    pass

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(close)

    @contextmanager
    def _guarded(self) -> Generator[None, None, None]:
        try:
            yield
        except (self._library.HTTPError, OSError) as error:  # some errors of TLS pass the client
            failure = self._failure(error)
        except zlib.error as error:
            failure = ProviderError("protocol", f"the response is no gzip: {error}", retryable=True)
        except ProviderError as error:
            failure = error
        else:
            return
        text = str(failure)
        for secret in self._secrets:
            text = text.replace(secret, "***")
        failure.args = (text,)
        raise failure from None  # what the client raised may quote a header

    def _failure(self, error: Exception) -> ProviderError:
        library = self._library
        name, said = type(error).__name__, str(error)
        match error:
            case library.LocalProtocolError() | library.UnsupportedProtocol():
                return ProviderError("protocol", f"the request cannot be sent: {name}")
            case library.TimeoutException():
                reason = "timeout"
            case library.RemoteProtocolError() if "without sending complete" in said:
                reason = "truncated"
            case library.RemoteProtocolError() if "without sending" not in said:
                reason = "protocol"
            case _:
                reason = "transport"
        return ProviderError(reason, f"{name}: {said}" if said else name, retryable=True)


class _Opening:
    """Follows how a connection is opened, and makes up for what the clients leak when that is cancelled.

    Cancelled between the end of the opening and the first byte that is sent, their pools would keep it and never use
    it: cancellations wait as long. And a cancelled handshake leaves its socket open: it is closed here.
    """

    def __init__(self) -> None:
        self._scope = anyio.CancelScope()
        self._socket: Any = None

    def __enter__(self) -> Self:
        self._scope.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._scope.__exit__(kind, error, traceback)

    async def __call__(self, name: str, info: Mapping[str, Any]) -> None:
        """Take note of a step of the client: `connection.connect_tcp.complete` and the like."""
        step = name.partition(".")[2]
        self._scope.shield = step in OPENED
        if step in CONNECTED:
            self._socket = info["return_value"]
        elif step == "start_tls.failed" and self._socket is not None:
            with anyio.move_on_after(LEAVE_S, shield=True), suppress(OSError):
                await self._socket.aclose()


class _Body:
    """The body of a response, unpacked here: an error inside the client's own unpacking would leave it suspended."""

    def __init__(self, response: httpx.Response) -> None:
        # Not `aiter_raw`, which closes the response at the end of the body, where no shield is around it.
        self.raw = aiter(cast("httpx.AsyncByteStream", response.stream))
        self._encoding = response.headers.get("content-encoding", "").strip().lower()
        self._inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)

    def unpack(self, part: bytes) -> bytes:
        """The next part as the server meant it.

        Raises:
            ProviderError: reason `protocol`; an encoding that was not asked for, or a bomb.
            zlib.error: it is no gzip.
        """
        if self._encoding in ("", "identity"):
            return part
        if self._encoding != "gzip":
            text = f"the response is encoded as {self._encoding!r}"
            raise ProviderError("protocol", text, retryable=True)
        data = self._inflater.decompress(part, UNPACKED_LIMIT_BYTES)
        if self._inflater.unconsumed_tail:
            text = "the response is far larger than what was sent"
            raise ProviderError("protocol", text, retryable=True)
        return data

    async def read_on(self) -> None:
        """Read past the end marker: the end of the response follows, and then the connection can be used again."""
        async for part in self.raw:
            if self.unpack(part):  # anything but the rest of a gzip: not this server
                return

    async def read(self, limit_bytes: int) -> bytes:
        """The body up to its end or the limit."""
        taken = bytearray()
        async for part in self.raw:
            taken += self.unpack(part)
            if len(taken) >= limit_bytes:
                break
        return bytes(taken[:limit_bytes])


class _Once:
    """A request body in one piece. The clients' own is a generator, which a cancelled write leaves suspended."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._given = False

    def __aiter__(self) -> Self:
        self._given = False
        return self

    async def __anext__(self) -> bytes:
        if self._given:
            raise StopAsyncIteration
        self._given = True
        return self._data


def provider_from_env(environ: Mapping[str, str], *, model: str | None) -> HttpProvider:
    """The provider that the variables of the OpenAI SDKs describe; a blank one counts as not set.

    A base URL alone is enough, for servers that take no key. `model` wins over OPENAI_MODEL.

    Raises:
        ConfigurationError: neither OPENAI_API_KEY nor OPENAI_BASE_URL is set, or no model is named.
    """
    values = {name: value.strip() for name, value in environ.items() if value.strip()}
    if "OPENAI_API_KEY" not in values and "OPENAI_BASE_URL" not in values:
        raise ConfigurationError(
            "no model to talk to: set OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own"
        )
    model = model or values.get("OPENAI_MODEL")
    if not model:
        raise ConfigurationError("no model named: pass --model or set OPENAI_MODEL")
    named = {"openai-organization": "OPENAI_ORG_ID", "openai-project": "OPENAI_PROJECT_ID"}
    return HttpProvider(
        base_url=values.get("OPENAI_BASE_URL", OPENAI_URL),
        api_key=values.get("OPENAI_API_KEY"),
        model=model,
        headers={header: values[name] for header, name in named.items() if name in values},
    )


def _library(client: AsyncClient) -> ModuleType:
    """The library a client is of: httpx and httpx2 have the same errors, but no common bases of them."""
    kinds = (kind for kind in type(client).__mro__ if kind.__name__ == "AsyncClient")
    return sys.modules[next(kinds, httpx.AsyncClient).__module__.partition(".")[0]]


def _truncated(how: str) -> ProviderError:
    return ProviderError("truncated", f"the stream ended {how}", retryable=True)
