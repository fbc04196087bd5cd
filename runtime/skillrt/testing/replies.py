"""What the scripted model server answers: the OpenAI API's stream byte by byte, and the ways in which it breaks."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any, Final, Literal, TypeAlias

NO_HEADERS: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True)
class Send:
    """Write `data` to the connection, as one segment where the kernel allows it."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing for `seconds`."""

    seconds: float


Step: TypeAlias = Send | Wait
Split: TypeAlias = Literal["token", "byte", "whole"]
End: TypeAlias = Literal["complete", "stall", "reset", "close"]


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server does for one request: the steps, then the end.

    `complete` keeps the connection for the next request, `stall` goes silent until the peer or the server closes,
    `reset` drops the connection hard, `close` closes it in good order.
    """

    steps: tuple[Step, ...]
    end: End = "complete"

    @classmethod
    def stream(
        cls,
        content: str | Sequence[str],
        *,
        split: Split = "token",
        head_delay_s: float = 0.0,
        first_delay_s: float = 0.0,
        token_delay_s: float = 0.0,
        finish: str | None = "stop",
        usage: tuple[int, int] | None = None,
        error: Mapping[str, Any] | None = None,
        done: bool = True,
        gzip: bool = False,
        headers: Mapping[str, str] = NO_HEADERS,
        end: End = "complete",
    ) -> Reply:
        """An event stream of `content`: its tokens, or a text, which is split before its blanks.

        After the tokens come, as far as they are given, `error` as an event, the finish reason, `usage` (input and
        output tokens) and `[DONE]`. With an `end` other than `complete` none of these are sent, nor the end of the
        response: the tokens are what came before the fault. `split` says how many bytes one HTTP chunk holds;
        `byte` and `whole` apply no `token_delay_s`.
        """
        tokens = re.findall(r"\s*\S+|\s+$", content) if isinstance(content, str) else content
        parts = [_event(_choice({"role": "assistant", "content": ""}))]
        parts += [_event(_choice({"content": token})) for token in tokens]
        pauses = [first_delay_s, *[token_delay_s] * len(tokens)]
        if end == "complete":
            parts += _ending(error, finish, usage, done)
        sent = {"content-type": "text/event-stream", **headers}
        if gzip:
            sent["content-encoding"] = "gzip"
            parts = list(_gzipped(parts))
        steps: list[Step] = [Wait(head_delay_s), Send(_head(200, sent, None))]
        if split != "token":
            body = b"".join(parts)
            size = 1 if split == "byte" else len(body)
            parts = [body[at : at + size] for at in range(0, len(body), size)]
            steps.append(Wait(first_delay_s))
            pauses = []
        for part, pause_s in zip(parts, chain(pauses, repeat(0.0)), strict=False):
            steps += [Send(_http_chunk(part)), Wait(pause_s)]
        if end == "complete":
            steps.append(Send(b"0\r\n\r\n"))
        return cls(tuple(step for step in steps if step != Wait(0.0)), end)

    @classmethod
    def whole(
        cls,
        body: str | bytes | Mapping[str, Any],
        *,
        status: int = 200,
        headers: Mapping[str, str] = NO_HEADERS,
        head_delay_s: float = 0.0,
    ) -> Reply:
        """A response that is no stream: a mapping as JSON, a text as HTML, or bytes of the type `headers` say."""
        match body:
            case bytes():
                data, kind = body, "application/octet-stream"
            case str():
                data, kind = body.encode(), "text/html; charset=utf-8"
            case _:
                data, kind = json.dumps(body).encode(), "application/json"
        head = _head(status, {"content-type": kind, **headers}, len(data))
        return cls((Wait(head_delay_s), Send(head + data)))

    @classmethod
    def completion(cls, text: str, *, finish: str = "stop") -> Reply:
        """A whole completion as one JSON body, as servers send that cannot stream."""
        message = {"role": "assistant", "content": text}
        return cls.whole({"choices": [{"index": 0, "message": message, "finish_reason": finish}]})

    @classmethod
    def failure(
        cls,
        status: int,
        message: str = "scripted failure",
        *,
        type: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> Reply:
        """An HTTP error with the JSON body that the OpenAI API gives it."""
        error = {"message": message, "type": type, "code": code}
        return cls.whole({"error": error}, status=status, headers=headers)

    @classmethod
    def raw(cls, *parts: bytes, end: End = "close") -> Reply:
        """Exactly these bytes, head included; no parts and `stall`: a server that never answers."""
        return cls(tuple(map(Send, parts)), end)


def _head(status: int, headers: Mapping[str, str], length: int | None) -> bytes:
    framing = "transfer-encoding: chunked" if length is None else f"content-length: {length}"
    lines = [f"HTTP/1.1 {status} Scripted", framing]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join((*lines, "", "")).encode("latin-1")


def _http_chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _event(payload: Mapping[str, Any]) -> bytes:
    return b"data: " + json.dumps(payload, ensure_ascii=False).encode() + b"\n\n"


def _chunk(**fields: Any) -> dict[str, Any]:
    return {
        "id": "chatcmpl-scripted",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": "scripted",
        **fields,
    }


def _choice(delta: Mapping[str, Any], finish: str | None = None) -> dict[str, Any]:
    return _chunk(choices=[{"index": 0, "delta": delta, "finish_reason": finish}], usage=None)


def _ending(
    error: Mapping[str, Any] | None, finish: str | None, usage: tuple[int, int] | None, done: bool
) -> Iterator[bytes]:
    if error is not None:
        yield _event({"error": error})
    if finish is not None:
        yield _event(_choice({}, finish))
    if usage is not None:
        taken, made = usage
        total = {"prompt_tokens": taken, "completion_tokens": made, "total_tokens": taken + made}
        yield _event(_chunk(choices=[], usage=total))
    if done:
        yield b"data: [DONE]\n\n"


def _gzipped(parts: Sequence[bytes]) -> Iterator[bytes]:
    """The parts compressed one after the other, so that each can be read at once."""
    compressor = zlib.compressobj(wbits=31)
    for part in parts[:-1]:
        yield compressor.compress(part) + compressor.flush(zlib.Z_SYNC_FLUSH)
    yield compressor.compress(parts[-1]) + compressor.flush(zlib.Z_FINISH)
