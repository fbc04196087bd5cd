"""Event streams as servers and networks really send them, over real HTTP, cut anywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from random import Random
from types import ModuleType

import anyio
import httpx
import httpx_sse
import pytest

from fuzz import size
from skillrt.testing import Reply
from skillrt.testing.sinks import RecordingSink

from .conftest import Talk, serving

pytestmark = pytest.mark.anyio

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
MIB = 1024 * 1024
RAW = {"stop": [], "skip_filter": True, "skip_checks": True, "max_retries": 0}


def chunk(text: str | None, finish: str | None = None, *, indent: int | None = None) -> str:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return json.dumps({"choices": [choice]}, ensure_ascii=False, indent=indent)


ONE, TWO, END = chunk("One "), chunk("søster 👩‍🚀"), chunk(None, "stop")
LINES = f"data: {ONE}\n\ndata: {TWO}\n\ndata: {END}\n\ndata: [DONE]\n\n"
SPREAD = "".join(f"data: {line}\n" for line in chunk("two\nlines", indent=2).splitlines())
STREAMS = {
    "as usual": LINES,
    "crlf": LINES.replace("\n", "\r\n"),
    "cr": LINES.replace("\n", "\r"),
    "ends mixed": f"data: {ONE}\r\n\ndata: {TWO}\n\r\ndata: {END}\r\r\ndata: [DONE]\n\r",
    "no blank after the colon": LINES.replace("data: ", "data:"),
    "comments": ": PROCESSING\n\n:\n" + LINES.replace("data", ": ping\n\n:data: {}\ndata"),
    "other fields": f"event: delta\nid: 7\nretry: 9\nnothing\n{LINES}",
    "other events": f'event: ping\ndata: {{}}\n\nevent: ping\ndata: {{"type": "ping"}}\n\n{LINES}',
    "events without data": f"event: ping\n\ndata:\n\ndata\n\n\n\n{LINES}",
    "payload over several lines": f"{SPREAD}\n{LINES}",
    "byte order mark": f"\ufeff{LINES}",
    "ends of line that are none": LINES.replace("One ", "a\u2028b\u2029c\u0085d\x7fe"),
    "no end marker": LINES.removesuffix("data: [DONE]\n\n"),
    "no end of the last event": LINES.removesuffix("\n\ndata: [DONE]\n\n"),
    "no last blank line": LINES.removesuffix("\n"),
    "two end markers": f"{LINES}data: [DONE]\n\n",
    "more after the end marker": f"{LINES}data: {ONE}\n\ndata: no JSON\n\n",
    "not JSON": f'data: {ONE}\n\ndata: {{"choices": [\n\n{LINES}',
    "not a chunk": f'data: {{"choices": 7}}\n\n{LINES}',
    "nothing": "",
}


def reference(stream: bytes) -> tuple[str, str]:
    """The text and the outcome, by httpx-sse and the standard library."""
    text, finished = "", False
    content = stream.decode("utf-8-sig").encode()
    response = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=content)
    failed = "failed(truncated)"
    for event in httpx_sse.EventSource(response).iter_sse():
        if event.data == "[DONE]":
            break
        try:
            choices = json.loads(event.data or "{}").get("choices", [])
            for choice in choices:
                text += choice["delta"]["content"] or ""
                finished = finished or choice["finish_reason"] is not None
        except (ValueError, TypeError):
            failed, finished = "failed(protocol)", False
            break
    return text.strip(), "completed" if finished else "failed(partial)" if text.strip() else failed


def cuts(stream: bytes, random: Random) -> Iterator[list[int]]:
    """Where to cut: nowhere, everywhere, at some places; at full size once at each place."""
    yield []
    yield list(range(1, len(stream)))
    for _ in range(4):
        yield sorted(
            random.sample(range(len(stream) + 1), k=min(random.randint(1, 9), len(stream)))
        )
    for at in range(1, size(1, len(stream))):
        yield [at]


def reply(stream: bytes, places: list[int]) -> Reply:
    parts = [stream[a:b] for a, b in pairwise([0, *places, len(stream)])]
    framed = [b"%x\r\n%s\r\n" % (len(part), part) for part in parts if part]
    return Reply.raw(HEAD, *framed, b"0\r\n\r\n", end="complete")


@pytest.mark.parametrize("name", STREAMS)
async def test_stream_cut_anywhere_is_read_as_the_reference_reads_it(
    library: ModuleType, name: str
) -> None:
    stream = STREAMS[name].encode()
    text, outcome = reference(stream)
    replies = [reply(stream, places) for places in cuts(stream, Random(23))]
    async with serving(library, replies) as place:
        for _ in replies:
            sink = RecordingSink()
            with anyio.fail_after(10):
                run = await place.runtime.run(Talk, message="hi", sink=sink, arguments=RAW)
            assert (run.outcomes[0].generated, run.outcomes[0].outcome) == (text, outcome)
            assert [message.text for message in sink.messages] == [text]


LONG = {
    "data": ("data: " + "a" * 2 * MIB + "\n\n", "failed(partial)"),
    "comment": (": " + "a" * 2 * MIB + "\n\n", "failed(partial)"),
    "never ends": ("data: " + "a" * 2 * MIB, "failed(partial)"),
    "many lines of one event": ("data: aaaaaaaaa\n" * (MIB // 8), "failed(partial)"),
    "many lines of many events": (": aaaaaaaaaaaaaaaaaaaaaaaaaaa\n\n" * (MIB // 16), "completed"),
    "just short enough": (": " + "a" * (MIB - 2) + "\n\n", "completed"),
}


@pytest.mark.parametrize("name", LONG)
async def test_line_of_any_length_is_read_or_fails(library: ModuleType, name: str) -> None:
    between, outcome = LONG[name]
    stream = f"data: {ONE}\n\n{between}data: {TWO}\n\ndata: {END}\n\n".encode()
    places = list(range(0, len(stream), 50_000))
    async with serving(library, [reply(stream, []), reply(stream, places)]) as place:
        for _ in range(2):
            with anyio.fail_after(10):
                run = await place.runtime.run(
                    Talk, message="hi", sink=RecordingSink(), arguments=RAW
                )
            assert run.outcomes[0].outcome == outcome
            assert run.result == ("One søster 👩‍🚀" if outcome == "completed" else "One")
