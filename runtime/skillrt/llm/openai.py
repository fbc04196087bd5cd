"""The OpenAI chat completions API, as many servers speak it: requests to bytes, payloads of events to chunks. Pure.

Source: OpenAI API reference, chat completions; gateways deviate as noted.
"""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final

import msgspec

from skillrt.errors import ProviderError
from skillrt.llm.base import Chunk, Message, Request, Usage

PATH: Final = "/chat/completions"
MAX_STOPS: Final = 4
MESSAGE_LIMIT_CHARS: Final = 200
ONE_OF: Final = "Answer with exactly one of these lines, and with nothing else:"
RETRYABLE: Final = frozenset({408, 409, 429})

# What an error inside a stream would have been as a response: types and codes of the API and of gateways.
STATUS_OF: Final[Mapping[str, int]] = {
    "invalid_request_error": 400,
    "context_length_exceeded": 400,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "billing_error": 402,
    "insufficient_quota": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "model_not_found": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "server_error": 500,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
REFUSALS: Final = frozenset({"content_filter", "content_policy_violation"})

UNFIT_IN_NAME: Final = re.compile(r"[\s<|\\/>]+")
MARKUP: Final = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^<>]*>", re.DOTALL | re.IGNORECASE)


class Delta(msgspec.Struct, gc=False):
    """The new part of the reply."""

    content: str | None = None
    refusal: str | None = None


class Choice(msgspec.Struct, gc=False):
    """One alternative; a completion that is not streamed has `message`."""

    delta: Delta | None = None
    message: Delta | None = None
    finish_reason: str | None = None


class Tokens(msgspec.Struct, gc=False):
    """What the request cost."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


class Fault(msgspec.Struct, gc=False):
    """What went wrong; `detail` is the word of some servers for the message."""

    message: str | None = None
    detail: str | None = None
    type: str | None = None
    code: str | int | None = None


class ChatChunk(msgspec.Struct, gc=False):
    """One event; `choices` is empty in the one that holds the usage. Unknown fields are skipped."""

    choices: tuple[Choice, ...] | None = None
    usage: Tokens | None = None
    error: Fault | str | None = None


class ErrorBody(Fault, gc=False):
    """The body of a response without success; some servers leave out the level of `error`."""

    error: Fault | str | None = None


CHUNK: Final = msgspec.json.Decoder(ChatChunk)
ERROR_BODY: Final[msgspec.json.Decoder[ErrorBody | tuple[ErrorBody, ...]]] = msgspec.json.Decoder(
    ErrorBody | tuple[ErrorBody, ...]  # Google sends a list
)
NOTHING: Final = Delta()


def encode_request(request: Request, *, model: str) -> bytes:
    """The body of a streaming request, with those settings that are given; `model` unless the request names one.

    The API takes four stop sequences: the first four. It has no field for a budget of thinking, and for choices only
    JSON that lists them, which many servers do not know: they are asked for in words.
    """
    schema = request.json_schema
    settings = {
        "temperature": request.temperature,
        "top_p": request.top_p,
        "max_tokens": request.max_tokens,
        "stop": request.stop[:MAX_STOPS] or None,
        "response_format": None if schema is None else _response_format(schema),
    }
    body = {
        "model": request.model or model,
        "messages": _encode_messages(request),
        "stream": True,
        "stream_options": {"include_usage": True},
        **{name: value for name, value in settings.items() if value is not None},
    }
    try:
        return msgspec.json.encode(body)
    except (
        UnicodeEncodeError
    ):  # half of a surrogate pair, which is no text: a question mark instead
        return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")


def decode_event(data: bytes) -> Chunk | None:
    """Turn one payload of the stream, or the body of a whole completion, into a chunk; None for the end marker.

    Raises:
        ProviderError: the payload is an error (reason `status` or `refused`) or not what the API sends
            (`protocol`).
    """
    if data[:1] != b"{":
        bare = data.strip()
        if bare == b"[DONE]":
            return None
        if not bare:  # sent by some gateways to keep the connection open
            return Chunk()
    try:
        event = CHUNK.decode(data)
    except (ValueError, RecursionError) as error:
        text = f"the model's stream is not what the API sends: {error}"
        raise ProviderError("protocol", text, retryable=True) from error
    if event.error:
        raise _payload_error(event.error)
    usage = event.usage
    used = Usage(usage.prompt_tokens, usage.completion_tokens) if usage else None
    for choice in event.choices or ():
        delta = choice.delta or choice.message or NOTHING
        finish = choice.finish_reason or None
        if finish == "error":  # gateways; those that say why do it in `error`
            raise ProviderError("status", "the stream ended with an error", retryable=True)
        refused = finish in REFUSALS or bool(delta.refusal)
        return Chunk(delta.content or "", finish, used, refused)
    return Chunk("", None, used)


def response_error(status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    """The error that a response without success stands for; `headers` are looked up in lower case.

    The message holds what the body says, at most 200 characters and no word of ASCII in part. A date in
    `Retry-After` is read against the response's own `Date`.
    """
    said, names = _read_body(body)
    return ProviderError(
        "refused" if names & REFUSALS else "status",
        _clipped(f"HTTP {status}: {said or _phrase(status)}"),
        status=status,
        retryable=_is_retryable(status),
        retry_after_s=_retry_after_s(headers),
    )


def clipped_text(body: bytes) -> str:
    """The first words of a text or page, at most 200 characters."""
    text = body[:4096].decode("utf-8", "replace")
    return _clipped(html.unescape(MARKUP.sub(" ", text)))


def _response_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema}}


def _encode_messages(request: Request) -> list[dict[str, str]]:
    """The messages; what the reply may be stands at the end of the last system message, in one of its own if none."""
    encoded = [_encode_message(message) for message in request.messages]
    if request.choices:
        order = "\n".join((ONE_OF, *request.choices))
        systems = [message for message in encoded if message["role"] == "system"]
        if systems:
            systems[-1]["content"] += f"\n\n{order}"
        else:
            encoded.insert(0, {"role": "system", "content": order})
    return encoded


def _encode_message(message: Message) -> dict[str, str]:
    encoded = {"role": message.role, "content": message.content}
    if message.name is not None:
        encoded["name"] = UNFIT_IN_NAME.sub("_", message.name)[:64]
    return encoded


def _payload_error(error: Fault | str) -> ProviderError:
    """An error inside a stream. One that nothing is known about happened while the server worked: worth a retry."""
    said, names = _read_fault(error)
    if names & REFUSALS:
        return ProviderError("refused", _clipped(said))
    numbers = [int(name) for name in names if len(name) == 3 and name.isdecimal()]
    status = numbers[0] if numbers else None
    known = status or next((STATUS_OF[name] for name in sorted(names) if name in STATUS_OF), 500)
    return ProviderError(
        "status",
        _clipped(f"error in the stream: {said or 'not described'}"),
        status=status,
        retryable=_is_retryable(known),
    )


def _read_body(body: bytes) -> tuple[str, frozenset[str]]:
    """What a body says, and the type and code of its error."""
    try:
        payload = ERROR_BODY.decode(body)
    except (ValueError, RecursionError):
        return clipped_text(body), frozenset()
    first = (payload[0] if payload else ErrorBody()) if isinstance(payload, tuple) else payload
    said, names = _read_fault(first.error or first)
    return said or clipped_text(body), names


def _read_fault(error: Fault | str) -> tuple[str, frozenset[str]]:
    """The message of an error, and its type and code."""
    if isinstance(error, str):
        return error, frozenset()
    names = (error.type, error.code)
    return error.message or error.detail or "", frozenset(str(name) for name in names if name)


def _is_retryable(status: int) -> bool:
    return status in RETRYABLE or status >= 500


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, or None when the response does not say so in a form that can be read."""
    for name, per_second in (("retry-after-ms", 1000), ("retry-after", 1)):
        try:
            seconds = float(headers.get(name, "")) / per_second
        except ValueError:
            continue
        return seconds if math.isfinite(seconds) and seconds >= 0 else None
    try:
        then = parsedate_to_datetime(headers.get("retry-after", ""))
        now = parsedate_to_datetime(headers.get("date", ""))
        return max(0.0, (then - now).total_seconds())
    except (TypeError, ValueError):  # absent, unreadable, or one of them without a zone
        return None


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "no reason given"


def _clipped(text: str) -> str:
    """One line of at most 200 characters.

    A word of ASCII is there whole or not at all, so that a secret in it can still be found and masked.
    """
    text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    if len(text) <= MESSAGE_LIMIT_CHARS:
        return text
    return re.sub(r"[!-~]+\Z", "", text[: MESSAGE_LIMIT_CHARS - 1]).rstrip() + "…"
