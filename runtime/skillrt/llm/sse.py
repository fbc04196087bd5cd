"""Server-sent events from bytes: chunks of a response in, payloads of events out. Pure."""

from __future__ import annotations

from typing import Final

from skillrt.errors import ProviderError

LIMIT_BYTES: Final = 1024 * 1024
BOM: Final = b"\xef\xbb\xbf"


class SseDecoder:
    """Finds the events in a stream of bytes, wherever the network cut it.

    Lines end with LF, CR or CRLF and nothing else: U+2028, U+2029 and U+0085 stay in their payload. Only `data`
    counts; other fields and comments are skipped. Source: WHATWG HTML, server-sent events, interpreting an
    event stream.
    """

    __slots__ = (
        "_after_cr",
        "_begun",
        "_begun_bytes",
        "_between",
        "_data",
        "_data_bytes",
        "_first",
    )

    def __init__(self) -> None:
        """Start before the first byte."""
        self._first = True
        self._between = False  # not before the first line was searched for a byte order mark
        self._after_cr = False
        self._begun: list[bytes] = []
        self._begun_bytes = 0
        self._data: list[bytes] = []
        self._data_bytes = 0

    def feed(self, data: bytes) -> list[bytes]:
        r"""The payloads of the events that `data` completes; several `data` lines are joined by \n.

        Raises:
            ProviderError: reason `protocol`; a line, or the payload of an event, is over 1 MiB.
        """
        # As models send it: whole events of one data line each.
        if self._between and data[:6] == b"data: " and data[-2:] == b"\n\n" and b"\r" not in data:
            events = data[6:-2].split(b"\n\ndata: ")
            if data.count(b"\n") == 2 * len(events) and len(data) <= LIMIT_BYTES:
                return events
        return self._events(self._lines(data))

    def finish(self) -> bool:
        """Whether the stream ended between two events; one that was not finished is dropped."""
        return not (self._data or self._begun)

    def _lines(self, data: bytes) -> list[bytes]:
        """The lines that `data` completes, without their ends; the rest is kept."""
        if self._after_cr and data:
            self._after_cr = False
            data = data.removeprefix(b"\n")
        if not data:
            return []
        lines = data.splitlines()
        if data.endswith((b"\n", b"\r")):
            self._after_cr = data.endswith(b"\r")
            rest = b""
        else:
            rest = lines.pop()
        if lines and self._begun:
            lines[0] = b"".join((*self._begun, lines[0]))
            self._begun.clear()
            self._begun_bytes = 0
        if rest:
            self._begun.append(rest)
            self._begun_bytes += len(rest)
            _check_size(self._begun_bytes)
        if lines and self._first:
            self._first = False
            lines[0] = lines[0].removeprefix(BOM)
        return lines

    def _events(self, lines: list[bytes]) -> list[bytes]:
        events: list[bytes] = []
        for line in lines:
            if not line:
                if self._data:
                    events.append(b"\n".join(self._data))
                    self._data.clear()
                    self._data_bytes = 0
                continue
            _check_size(len(line))
            if line.startswith(b"data: "):
                self._take(line[6:])
            elif line.startswith(b"data:"):
                self._take(line[5:])
            elif line == b"data":
                self._take(b"")
        self._between = not (self._data or self._begun or self._after_cr or self._first)
        return events

    def _take(self, value: bytes) -> None:
        self._data.append(value)
        self._data_bytes += len(value) + 1
        _check_size(self._data_bytes)


def _check_size(size_bytes: int) -> None:
    if size_bytes > LIMIT_BYTES:
        raise ProviderError("protocol", "an event of the stream is over 1 MiB", retryable=True)
