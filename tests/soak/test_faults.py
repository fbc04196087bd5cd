"""What a model's server can do wrong, over real HTTP: outcome, attempts and pauses by the policy, nothing twice."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

import pytest

from skillrt.testing import Reply
from skillrt.testing.replies import End

from .asking import asked

pytestmark = pytest.mark.anyio

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
BETTER = Reply.stream("Better.")
PAUSES_S = 0.5 + 1 + 2 + 4 + 8


def events(*payloads: Any, done: bool = True, end: End = "close") -> Reply:
    """A stream of just these payloads: JSON, or what is no JSON as bytes."""
    data = [p if isinstance(p, bytes) else json.dumps(p).encode() for p in payloads]
    lines = [b"data: " + each + b"\n\n" for each in (*data, *[b"[DONE]"] * done)]
    return Reply.raw(HEAD, *lines, end=end)


def chunk(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def error(**fields: Any) -> dict[str, Any]:
    return {"error": {"message": "scripted", **fields}}


ROLE = chunk(role="assistant", content="")
TRIED_AGAIN: dict[str, tuple[Reply, str]] = {
    **{
        f"status {status}": (Reply.failure(status), "failed(provider)")
        for status in (408, 409, 429, 500, 502, 503, 504, 524, 529)
    },
    "error page": (Reply.whole("<h1>Bad Gateway</h1>", status=502), "failed(provider)"),
    "page with status 200": (Reply.whole("<title>Log in</title>"), "failed(protocol)"),
    "error with status 200": (Reply.whole(error(type="server_error")), "failed(provider)"),
    "error in the stream": (events(error(type="overloaded_error")), "failed(provider)"),
    "error after the role": (events(ROLE, error(code=502)), "failed(provider)"),
    "error nobody knows": (events(ROLE, {"error": "oops"}), "failed(provider)"),
    "finish reason error": (events(ROLE, chunk("error")), "failed(provider)"),
    "no answer": (Reply.raw(), "failed(provider)"),
    "reset before the head": (Reply.raw(end="reset"), "failed(provider)"),
    "no HTTP": (Reply.raw(b"SSH-2.0\r\n\r\n"), "failed(protocol)"),
    "no event": (events(b"oops"), "failed(protocol)"),
    "no chunk": (events({"choices": 1}), "failed(protocol)"),
    "no gzip": (
        Reply.raw(HEAD.replace(b"\r\n\r\n", b"\r\ncontent-encoding: gzip\r\n\r\n"), b"oops"),
        "failed(protocol)",
    ),
    "nothing at all": (events(done=False), "failed(truncated)"),
    "end marker alone": (events(), "failed(truncated)"),
    "no finish reason": (events(ROLE), "failed(truncated)"),
    "closed after the role": (Reply.stream("", end="close"), "failed(truncated)"),
    "closed inside an event": (Reply.raw(HEAD, b'data: {"choices'), "failed(truncated)"),
    "unfinished completion": (Reply.whole({"choices": []}), "failed(truncated)"),
    **{
        f"nothing said, {finish}": (events(ROLE, chunk(finish)), "failed(empty)")
        for finish in ("stop", "length", "tool_calls", "function_call", "whatever")
    },
    "blanks": (events(chunk(content=" \n"), chunk("stop")), "failed(empty)"),
    "a label": (events(chunk(content="Agent: "), chunk("stop")), "failed(empty)"),
    "a note": (events(chunk(content="[[[to"), chunk("stop", content=" self]]]")), "failed(empty)"),
    "nothing said in a completion": (Reply.completion(""), "failed(empty)"),
    "thoughts alone": (
        events(chunk(content=None, reasoning_content="hm"), chunk("stop")),
        "failed(empty)",
    ),
}
FINAL: dict[str, tuple[Reply, str]] = {
    **{
        f"status {status}": (Reply.failure(status), "failed(provider)")
        for status in (400, 401, 402, 403, 404, 405, 413, 422, 307)
    },
    "blocked prompt": (Reply.failure(400, code="content_filter"), "failed(refused)"),
    "blocked reply": (events(ROLE, chunk("content_filter")), "failed(refused)"),
    "refusal": (events(chunk(refusal="I cannot."), chunk("stop")), "failed(refused)"),
    "refusal in the stream": (events(error(code="content_policy_violation")), "failed(refused)"),
    "bad key in the stream": (events(ROLE, error(type="invalid_api_key")), "failed(provider)"),
}
SAID = (ROLE, chunk(content="Hel"), chunk(content="lo [[[no"))
PARTIAL: dict[str, Reply] = {
    "error": events(*SAID, error(type="server_error")),
    "finish reason error": events(*SAID, chunk("error")),
    "no finish reason": events(*SAID),
    "no end": events(*SAID, done=False),
    "closed inside an event": Reply.raw(
        *[s.data for s in events(*SAID, done=False).steps], b"data"
    ),
    "no event": events(*SAID, b"oops"),
    "content filter": events(*SAID, chunk("content_filter")),
    "refusal": events(*SAID, chunk("stop", refusal="I cannot.")),
}


@pytest.mark.parametrize("fault", TRIED_AGAIN)
async def test_fault_is_tried_again_and_heals_without_a_trace(
    library: ModuleType, fault: str
) -> None:
    reply, outcome = TRIED_AGAIN[fault]
    run, heard = await asked(library, reply, max_retries=5)
    ended = run.outcomes[0]
    assert (ended.outcome, ended.attempts, ended.total_s) == (outcome, 6, PAUSES_S)
    assert (run.result, run.result.failed, heard) == ("", True, [])
    run, heard = await asked(library, reply, reply, BETTER)
    ended = run.outcomes[0]
    assert (ended.outcome, ended.attempts, ended.total_s) == ("completed", 3, 1.5)
    assert (run.result, heard) == ("Better.", ["Better."])


@pytest.mark.parametrize("fault", FINAL)
async def test_fault_is_final(library: ModuleType, fault: str) -> None:
    reply, outcome = FINAL[fault]
    run, heard = await asked(library, reply, BETTER)
    ended = run.outcomes[0]
    assert (ended.outcome, ended.attempts, ended.total_s) == (outcome, 1, 0.0)
    assert (run.result, run.result.failed, heard) == ("", True, [])


@pytest.mark.parametrize("fault", PARTIAL)
async def test_fault_after_the_first_words_is_final(library: ModuleType, fault: str) -> None:
    run, heard = await asked(library, PARTIAL[fault], BETTER)
    ended = run.outcomes[0]
    assert (ended.outcome, ended.attempts, ended.total_s) == ("failed(partial)", 1, 0.0)
    assert (run.result, run.result.failed, heard) == ("Hello", True, ["Hello"])


STALLS: dict[str, tuple[Reply, str, str, float]] = {
    "before the head": (Reply.raw(end="stall"), "", "failed(timeout)", 30.5),
    "before the first event": (Reply.raw(HEAD, end="stall"), "", "failed(timeout)", 30.5),
    "after the role": (Reply.stream("", end="stall"), "", "failed(timeout)", 30.5),
    "inside an event": (Reply.raw(HEAD, b'data: {"ch', end="stall"), "", "failed(timeout)", 30.5),
    "after words": (Reply.stream(["Hello"], end="stall"), "Hello", "failed(partial)", 15.0),
    "after the finish reason": (
        events(chunk(content="Hello"), chunk("stop"), done=False, end="stall"),
        "Hello",
        "completed",
        15.0,
    ),
    "inside an error": (
        Reply.raw(b"HTTP/1.1 401 No\r\ncontent-length: 9\r\n\r\n", b"half", end="stall"),
        "",
        "failed(timeout)",
        30.5,
    ),
}


@pytest.mark.parametrize("where", STALLS)
async def test_silence_ends_with_its_deadline(library: ModuleType, where: str) -> None:
    reply, text, outcome, total_s = STALLS[where]
    run, heard = await asked(library, reply, silent_after=text, max_retries=1)
    ended = run.outcomes[0]
    assert (ended.outcome, ended.total_s) == (outcome, total_s)
    assert ended.attempts == (1 if text else 2)
    assert (run.result, heard) == (text, [text] if text else [])


DATE, LATER = "Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:44 GMT"
RETRY_AFTER: dict[str, tuple[dict[str, str], float]] = {
    "seconds": ({"retry-after": "3"}, 3.0),
    "fraction": ({"retry-after": "1.5"}, 1.5),
    "less than the pause": ({"retry-after": "0"}, 0.5),
    "below zero": ({"retry-after": "-3"}, 0.5),
    "no number": ({"retry-after": "soon"}, 0.5),
    "not a number": ({"retry-after": "nan"}, 0.5),
    "for ever": ({"retry-after": "inf"}, 0.5),
    "date": ({"retry-after": LATER, "date": DATE}, 7.0),
    "past date": ({"retry-after": DATE, "date": LATER}, 0.5),
    "date against nothing": ({"retry-after": LATER}, 0.5),
    "milliseconds": ({"retry-after-ms": "2500", "retry-after": "9"}, 2.5),
    "as long as it may be": ({"retry-after": "119"}, 119.0),
}


@pytest.mark.parametrize("form", RETRY_AFTER)
async def test_longer_retry_after_is_waited_for(library: ModuleType, form: str) -> None:
    headers, pause_s = RETRY_AFTER[form]
    for status in (429, 503):
        run, heard = await asked(library, Reply.failure(status, headers=headers), BETTER)
        ended = run.outcomes[0]
        assert (ended.outcome, ended.attempts, ended.total_s) == ("completed", 2, pause_s)
        assert heard == ["Better."]


async def test_retry_after_beyond_the_deadline_is_not_waited_for(library: ModuleType) -> None:
    run, heard = await asked(library, Reply.failure(429, headers={"retry-after": "120"}), BETTER)
    ended = run.outcomes[0]
    assert (ended.outcome, ended.attempts, ended.total_s) == ("failed(provider)", 1, 0.0)
    assert heard == []
