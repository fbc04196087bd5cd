"""Sinks and connectors that remember what reached them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from skillrt.connectors.base import CloseReason, OutputStream, StreamMeta
from skillrt.model import Actor


async def at_once(text: str) -> None:
    """Take a piece without delay."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One message as it was received: its pieces, and how it ended."""

    pieces: tuple[str, ...]
    reason: CloseReason

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self.pieces)


@dataclass(slots=True)
class RecordingSink:
    """An OutputStream for one message after another.

    `taking` is awaited before a piece counts: it may wait, or raise as a channel does. `progress` is what `close`
    answers: how many characters of the text written were received; without it the channel reports no progress.
    """

    taking: Callable[[str], Awaitable[None]] = at_once
    progress: Callable[[str], int] | None = None
    messages: list[Heard] = field(default_factory=list[Heard])
    pieces: list[str] = field(default_factory=list[str])

    @property
    def text(self) -> str:
        """What was received of the message that has not ended."""
        return "".join(self.pieces)

    async def write(self, text: str) -> None:
        """Take a piece."""
        await self.taking(text)
        self.pieces.append(text)

    async def close(self, reason: CloseReason) -> int | None:
        """End the message."""
        heard = Heard(tuple(self.pieces), reason)
        self.pieces.clear()
        self.messages.append(heard)
        return None if self.progress is None else self.progress(heard.text)


@dataclass(slots=True)
class RecordingConnector:
    """A channel with a sink per actor; without one it cannot stream.

    `sinks` are by actor id; `sent` are the whole messages, as (actor id, text).
    """

    integration_idn: str = "sandbox"
    connector_idn: str = "sandbox"
    sinks: dict[str, OutputStream] = field(default_factory=dict[str, OutputStream])
    sent: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    async def send_message(self, actor: Actor, text: str, arguments: Mapping[str, str]) -> None:
        """Remember it."""
        self.sent.append((actor.id, text))

    async def open_stream(self, actor: Actor, meta: StreamMeta) -> OutputStream | None:
        """The actor's sink, if it has one."""
        return self.sinks.get(actor.id)
