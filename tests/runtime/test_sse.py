"""The event decoder against httpx-sse, cut anywhere."""

from __future__ import annotations

import itertools

import httpx
import httpx_sse
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz import examples
from skillrt.errors import ProviderError
from skillrt.llm.sse import LIMIT_BYTES, SseDecoder


def oracle(stream: bytes) -> list[bytes]:
    """Payloads by httpx-sse, which also reports events without data: those are left out."""
    text = stream.decode("utf-8-sig").encode()
    response = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=text)
    events = httpx_sse.EventSource(response).iter_sse()
    return [event.data.encode() for event in events if event.data]


def decode(chunks: list[bytes]) -> list[bytes]:
    decoder = SseDecoder()
    return [event for chunk in chunks for event in decoder.feed(chunk)]


STREAMS = {
    "plain": b'data: {"a":1}\n\ndata: {"b":2}\n\ndata: [DONE]\n\n',
    "crlf": b"data: a\r\n\r\ndata: b\r\n\r\n",
    "cr": b"data: a\r\rdata: b\r\r",
    "mixed ends": b"data: a\r\n\ndata: b\n\r\ndata: c\r\r\ndata: d\n\n",
    "no space": b"data:a\n\ndata:  b\n\ndata: c \n\n",
    "several lines": b"data: a\ndata: b\ndata\ndata:\ndata: c\n\n",
    "other fields": b"event: x\nid: 7\nretry: 10\ndata: a\nfoo: b\nnothing\n\n",
    "comments": b": OPENROUTER PROCESSING\n\n: ping\ndata: a\n:\n\n:data: b\n\n",
    "byte order mark": b"\xef\xbb\xbfdata: a\n\ndata: b\n\n",
    "mark later": b"data: a\n\n\xef\xbb\xbfdata: b\n\n",
    "blank lines": b"\n\n\r\n\r\rdata: a\n\n\n\n",
    "unicode line ends": "data: a\u2028b\u2029c\u0085d\x0be\x0cf\x1cg\x1dh\x1ei\n\n".encode(),
    "multi-byte": "data: søster 👩‍🚀\n\n".encode(),
    "no final blank line": b"data: a\n\ndata: b\n",
    "no final line end": b"data: a\n\ndata: b",
    "name only like data": b"database: a\ndata : b\n data: c\nDATA: d\ndata: e\n\n",
    "colons": b"data: a: b\ndata::\n\n",
    "nothing": b"",
}


@pytest.mark.parametrize("name", STREAMS)
def test_stream_cut_at_every_byte_gives_what_httpx_sse_gives(name: str) -> None:
    stream = STREAMS[name]
    expected = oracle(stream)
    assert decode([stream]) == expected
    assert decode([stream[at : at + 1] for at in range(len(stream))]) == expected
    for at in range(len(stream) + 1):
        assert decode([stream[:at], stream[at:]]) == expected


LINES = st.sampled_from(
    [
        "data: a",
        "data:b",
        "data:",
        "data",
        "data: \u2028",
        "event: e",
        "id: 1",
        "retry: 5",
        ": c",
        "x",
    ]
) | st.text("da:t \u0085é", max_size=6)
ENDS = st.sampled_from(["\n", "\r", "\r\n"])


@st.composite
def cut_streams(draw: st.DrawFn) -> list[bytes]:
    lines = draw(st.lists(st.tuples(LINES | st.just(""), ENDS), max_size=20))
    stream = "".join(itertools.chain.from_iterable(lines)).encode()
    if draw(st.booleans()):
        stream = b'data: {"fast": 1}\n\n' + stream
    places = sorted(draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    return [stream[a:b] for a, b in itertools.pairwise([0, *places, len(stream)])]


@examples(1_000, 10_000)
@given(cut_streams())
def test_any_cut_gives_what_httpx_sse_gives(chunks: list[bytes]) -> None:
    """Any mix of line ends, fields and cuts gives the payloads that httpx-sse gives for the whole."""
    assert [event for event in decode(chunks) if event] == oracle(b"".join(chunks))


def test_event_is_given_as_soon_as_its_last_line_ends() -> None:
    decoder = SseDecoder()
    assert decoder.feed(b"data: a\r\r") == [b"a"]
    assert decoder.feed(b"\ndata: b\n\n") == [b"b"]
    assert decoder.feed(b"data: c\n") == []
    assert not decoder.finish()
    assert decoder.feed(b"\ndata: d\n\n") == [b"c", b"d"]
    assert decoder.finish()


def test_empty_payload_is_an_event() -> None:
    assert decode([b"data\n\ndata:\n\ndata: \n\n"]) == [b"", b"", b""]


@pytest.mark.parametrize("chunk_bytes", [1 << 12, 1 << 24])
@pytest.mark.parametrize(
    "stream",
    [
        b"data: " + b"a" * LIMIT_BYTES,
        b"data: " + b"a" * LIMIT_BYTES + b"\n\n",
        b"data: x\n\ndata: " + b"a" * LIMIT_BYTES + b"\n\n",
        b": " + b"a" * LIMIT_BYTES + b"\n",
        b"data: a\n" * (LIMIT_BYTES // 2 + 1),
        b"data\n" * (LIMIT_BYTES + 1),
    ],
)
def test_more_than_one_mebibyte_breaks_the_protocol(stream: bytes, chunk_bytes: int) -> None:
    chunks = [stream[at : at + chunk_bytes] for at in range(0, len(stream), chunk_bytes)]
    with pytest.raises(ProviderError) as caught:
        decode(chunks)
    assert caught.value.reason == "protocol"
    assert caught.value.retryable


def test_a_chunk_may_be_larger_than_a_line_may_be() -> None:
    event = b"data: " + b"a" * 1000 + b"\n\n"
    assert len(decode([event * 2000])) == 2000
    assert decode([b"data: " + b"a" * (LIMIT_BYTES - 6) + b"\n\n"]) == [b"a" * (LIMIT_BYTES - 6)]
