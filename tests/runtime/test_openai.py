"""The OpenAI codec: requests to bytes, payloads to chunks, responses to errors."""

from __future__ import annotations

import json
from typing import Any

import pytest

from skillrt.errors import ProviderError
from skillrt.llm.base import Chunk, Message, Request, Usage
from skillrt.llm.openai import decode_event, encode_request, response_error


def encoded(**settings: Any) -> dict[str, Any]:
    request = Request(messages=(Message("user", "hi"),), **settings)
    body: dict[str, Any] = json.loads(encode_request(request, model="m"))
    return body


def test_request_holds_what_is_given() -> None:
    assert encoded() == {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.75,
        "top_p": 1.0,
    }
    full = encoded(
        model="other",
        temperature=0.0,
        top_p=0.5,
        max_tokens=9,
        stop=tuple("abcdef"),
        json_schema={},
    )
    assert full["model"] == "other"
    assert (full["temperature"], full["top_p"], full["max_tokens"]) == (0.0, 0.5, 9)
    assert full["stop"] == ["a", "b", "c", "d"]
    assert full["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "reply", "schema": {}},
    }


def test_name_travels_in_a_form_that_the_api_takes() -> None:
    named = (Message("system", "s"), Message("user", "u", name="Ann <Lee>"))
    body = json.loads(encode_request(Request(messages=named), model="m"))
    assert body["messages"] == [
        {"role": "system", "content": "s"},
        {"role": "user", "content": "u", "name": "Ann_Lee_"},
    ]


ORDER = "Answer with exactly one of these lines, and with nothing else:\nyes\nno, thanks"


@pytest.mark.parametrize(
    ("roles", "sent"),
    [
        (["user"], [("system", ORDER), ("user", "u0")]),
        (["system", "user"], [("system", f"s0\n\n{ORDER}"), ("user", "u1")]),
        (
            ["system", "user", "system", "assistant"],
            [("system", "s0"), ("user", "u1"), ("system", f"s2\n\n{ORDER}"), ("assistant", "a3")],
        ),
    ],
)
def test_choices_are_asked_for_in_a_system_message(
    roles: list[str], sent: list[tuple[str, str]]
) -> None:
    messages = tuple(Message(role, f"{role[0]}{number}") for number, role in enumerate(roles))
    request = Request(messages=messages, choices=("yes", "no, thanks"))
    body = json.loads(encode_request(request, model="m"))
    assert [(message["role"], message["content"]) for message in body["messages"]] == sent
    assert "response_format" not in body
    assert request.messages == messages


def test_half_a_surrogate_pair_becomes_a_question_mark() -> None:
    request = Request(messages=(Message("user", 'a\ud800"é'),))
    body = json.loads(encode_request(request, model="m"))
    assert body["messages"][0]["content"] == 'a?"é'


@pytest.mark.parametrize(
    ("payload", "chunk"),
    [
        ('{"choices":[{"delta":{"role":"assistant","content":""}}]}', Chunk()),
        ('{"choices":[{"delta":{"content":"Hé\\n"},"finish_reason":null}]}', Chunk("Hé\n")),
        ('{"choices":[{"delta":{"content":null}}],"usage":null}', Chunk()),
        ('{"choices":[{"delta":{},"finish_reason":"stop"}]}', Chunk("", "stop")),
        ('{"choices":[{"finish_reason":"length"}]}', Chunk("", "length")),
        ('{"choices":[{"delta":{"content":"a"},"finish_reason":""}]}', Chunk("a")),
        ('{"choices":[{"delta":{"content":"a"}},{"delta":{"content":"b"}}]}', Chunk("a")),
        (
            '{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}',
            Chunk(usage=Usage(3, 4)),
        ),
        ('{"choices":null}', Chunk()),
        ('{"choices":[{"delta":{"refusal":"No."}}]}', Chunk(refused=True)),
        (
            '{"choices":[{"delta":{},"finish_reason":"content_filter"}]}',
            Chunk("", "content_filter", refused=True),
        ),
        ('{"choices":[{"delta":{"reasoning_content":"hm","tool_calls":[]}}],"x":1}', Chunk()),
        (
            '{"choices":[{"message":{"content":"all"},"finish_reason":"stop"}]}',
            Chunk("all", "stop"),
        ),
        ('{"error":null,"choices":[]}', Chunk()),
        ("", Chunk()),
        (" ", Chunk()),
        ("[DONE]", None),
        (" [DONE] ", None),
    ],
)
def test_event(payload: str, chunk: Chunk | None) -> None:
    assert decode_event(payload.encode()) == chunk


@pytest.mark.parametrize(
    "payload",
    [
        b"{",
        b"nonsense",
        b'{"choices":{}}',
        b'{"choices":[{"delta":{"content":1}}]}',
        b'{"choices":[{"delta":{"content":"\xff"}}]}',
        b'{"x":' + b"[" * 200_000,
        b"[]",
    ],
)
def test_payload_that_is_no_chunk_breaks_the_protocol(payload: bytes) -> None:
    with pytest.raises(ProviderError) as caught:
        decode_event(payload)
    assert (caught.value.reason, caught.value.retryable) == ("protocol", True)


@pytest.mark.parametrize(
    ("error", "reason", "status", "retryable"),
    [
        ({"message": "m", "type": "server_error", "code": None}, "status", None, True),
        ({"message": "m", "type": "invalid_request_error"}, "status", None, False),
        ({"message": "m", "type": "requests", "code": "rate_limit_exceeded"}, "status", None, True),
        ({"message": "m", "code": 502}, "status", 502, True),
        ({"message": "m", "code": "401", "type": "server_error"}, "status", 401, False),
        ({"message": "m", "type": "something new"}, "status", None, True),
        ({"message": "m", "code": "content_filter"}, "refused", None, False),
        ("m", "status", None, True),
    ],
)
def test_error_inside_the_stream(
    error: Any, reason: str, status: int | None, retryable: bool
) -> None:
    with pytest.raises(ProviderError, match="m") as caught:
        decode_event(json.dumps({"error": error}).encode())
    failure = caught.value
    assert (failure.reason, failure.status, failure.retryable) == (reason, status, retryable)


def test_error_told_by_the_finish_reason_alone() -> None:
    with pytest.raises(ProviderError) as caught:
        decode_event(b'{"choices":[{"delta":{"content":""},"finish_reason":"error"}]}')
    assert (caught.value.reason, caught.value.retryable) == ("status", True)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error":{"message":"No such model.","code":"model_not_found"}}', "No such model."),
        (b'{"error":"plain"}', "plain"),
        (b'[{"error":{"message":"listed"}}]', "listed"),
        (b'{"message":"flat"}', "flat"),
        (b'{"detail":"flat"}', "flat"),
        (b'{"detail":[{"loc":"x"}]}', '{"detail":[{"loc":"x"}]}'),
        (b"upstream\n\x1b[31m timed   out", "upstream [31m timed out"),
        (
            b"<html><head><style>b{c:d}</style><title>502 Bad Gateway</title></head>"
            b"<body><h1>Bad &amp; sad</h1><script>x()</script></body></html>",
            "502 Bad Gateway Bad & sad",
        ),
        (b"", "Bad Gateway"),
        (b"[]", "[]"),
        (b"\xff\xfe", "��"),
    ],
)
def test_response_error_says_what_the_body_says(body: bytes, message: str) -> None:
    assert str(response_error(502, {}, body)) == f"HTTP 502: {message}"


def test_response_error_knows_refusals() -> None:
    refusal = response_error(400, {}, b'{"error":{"message":"no","code":"content_filter"}}')
    assert (refusal.reason, refusal.status, refusal.retryable) == ("refused", 400, False)
    assert str(response_error(529, {}, b"")) == "HTTP 529: no reason given"


def test_long_message_ends_between_words() -> None:
    long = str(response_error(400, {}, b"word " * 100))
    assert len(long) <= 200
    assert long.endswith("word…")
    secret = str(response_error(400, {}, b"key " + b"s" * 500))
    assert secret == "HTTP 400: key…"
    assert len(str(response_error(400, {}, ("é" * 500).encode()))) == 200
    assert len(str(response_error(400, {}, b"<" * 60_000))) <= 200


@pytest.mark.parametrize(
    ("status", "retryable"),
    [
        *((status, False) for status in (302, 400, 401, 403, 404, 413, 422)),
        *((status, True) for status in (408, 409, 429, 500, 502, 503, 504, 529)),
    ],
)
def test_response_error_is_retryable_by_status(status: int, retryable: bool) -> None:
    error = response_error(status, {}, b"")
    assert (error.reason, error.status, error.retryable) == ("status", status, retryable)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "7"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "7"}, 7.0),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        (
            {
                "retry-after": "Fri, 31 Dec 2027 23:59:59 GMT",
                "date": "Fri, 31 Dec 2027 23:59:29 GMT",
            },
            30.0,
        ),
        (
            {
                "retry-after": "Fri, 31 Dec 2027 23:59:59 GMT",
                "date": "Sat, 01 Jan 2028 00:00:00 GMT",
            },
            0.0,
        ),
        ({"retry-after": "Fri, 31 Dec 2027 23:59:59 GMT"}, None),
        (
            {
                "retry-after": "Fri, 31 Dec 2027 23:59:59 -0000",
                "date": "Fri, 31 Dec 2027 23:59:29 GMT",
            },
            None,
        ),
    ],
)
def test_response_error_knows_when_to_come_back(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert response_error(429, headers, b"").retry_after_s == seconds
