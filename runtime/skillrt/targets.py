"""One actor's part of a stream: its channel, what was handed to it and what it acknowledged.

1. Delivered is what the channel acknowledged, as it tells it: by returning from `write`, or by a number.
2. Whatever a channel raises loses this actor and disturbs no other.
3. Nobody waits here for longer than a stream allows: `since` tells it when a wait began, `tear` ends it.

Source: event model, connector interface and delivered text.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

import anyio

from skillrt.clock import Clock
from skillrt.connectors.base import CloseReason, OutputStream, StreamMeta
from skillrt.errors import ChannelClosed
from skillrt.recipients import Recipient

Taken = TypeVar("Taken")


@dataclass(slots=True)
class WholeMessage:
    """A channel that cannot stream, as one that does: everything is sent when it is complete, or nothing."""

    recipient: Recipient
    pieces: list[str] = field(default_factory=list[str])

    async def write(self, text: str) -> None:
        """Keep it."""
        self.pieces.append(text)

    async def close(self, reason: CloseReason) -> int:
        """Send what was kept if it is complete; how much of it was sent."""
        text = "".join(self.pieces)
        if reason != "complete" or not text:
            return 0
        await self.recipient.connector.send_message(self.recipient.actor, text, {})
        return len(text)


class Target:
    """One actor's part of a stream: its channel, and what the channel acknowledged."""

    def __init__(
        self,
        recipient: Recipient,
        clock: Clock,
        *,
        on_open: Callable[[], None],
        on_delivery: Callable[[], None],
        on_loss: Callable[[], None],
    ) -> None:
        """Tell the stream when the channel is open, when it first takes text, and when it is lost."""
        self.actor, self._connector = recipient
        self._clock = clock
        self._now = clock.now
        self._on_open, self._on_delivery, self._on_loss = on_open, on_delivery, on_loss
        self._channel: OutputStream = WholeMessage(recipient)
        self._streams = False  # as long as nothing better is open
        self._open = False
        self._handed: list[str] = []  # every piece given to `write`
        self._taken = 0  # characters of those whose write returned
        self._received: int | None = 0  # characters that the channel stated; None: it says nothing
        self._halted = False
        self._waiting: list[str] = []
        self._more = anyio.Event()
        self._ending: CloseReason | None = None
        self.scope = anyio.CancelScope()
        """Around all waiting for the channel, until the stream is finalised."""
        self.since: float | None = None
        """When the write (or opening) under way began."""
        self.first_time: datetime | None = None
        """When the first text was accepted."""
        self.lost = ""
        """Why nothing reaches this actor any more; "" while something may."""

    @property
    def delivered(self) -> str:
        """What the actor got."""
        return "".join(self._handed)[: self._taken if self._received is None else self._received]

    @property
    def showed(self) -> bool:
        """Whether the actor may have seen some text already."""
        return self._streams and bool(self._handed)

    def forget(self) -> None:
        """Drop what was fed or written so far, of which nothing was shown."""
        self._waiting.clear()
        self._handed.clear()
        self._taken = 0
        if isinstance(self._channel, WholeMessage):
            self._channel.pieces.clear()

    async def open(self, meta: StreamMeta) -> None:
        """Open the channel, or lose the target."""
        self.since = self._now()
        channel = await self._ask(self._connector.open_stream(self.actor, meta))
        if self.lost:
            return
        if channel is not None:
            self._channel, self._streams, self._received = channel, True, None
        self._open = True
        self._on_open()

    async def write(self, text: str) -> None:
        """Deliver one piece; it counts once the channel took it."""
        self._handed.append(text)
        self.since = self._now()
        try:
            await self._channel.write(text)
        except Exception as error:
            self._note_failure(error)
        finally:
            self.since = None
        if not self.lost:
            self._taken += len(text)
            if self.first_time is None and self._streams:
                self._note_first()

    async def close(self, reason: CloseReason) -> None:
        """Tell the channel that the message ends, unless it is not open (any more)."""
        if not self._open:
            return
        if not self._streams:
            self.since = self._now()  # a message is sent: that is a write, with the limits of one
        received = await self._ask(self._channel.close(reason))
        self._open = False
        if received is not None:
            self._received = max(received, 0)
        if received and not self._streams:
            self._note_first()

    async def serve(self, meta: StreamMeta) -> None:
        """Do all of it as a task: open, write what is fed, close as `finish` says."""
        with self.scope:
            await self.open(meta)
            while text := await self._fed():
                await self.write(text)
            if self._ending and not self.lost and not self._halted:
                await self.close(self._ending)

    def feed(self, text: str, limit: int) -> None:
        """Have `text` written by `serve`; at most `limit` pieces wait, then they are joined."""
        if self.lost:
            return
        if not self._waiting:
            self._more.set()
        self._waiting.append(text)
        if len(self._waiting) > limit:
            self._waiting = ["".join(self._waiting)]

    def finish(self, reason: CloseReason) -> None:
        """Have `serve` close the channel once everything fed was written."""
        self._ending = reason
        self._more.set()

    def halt(self) -> None:
        """Begin no further write; one under way goes on."""
        self._halted = True
        if self.since is None or not self._open:
            self.scope.cancel()

    def tear(self) -> None:
        """End even the write under way; it does not count."""
        if self.since is not None:
            self.since = None
            self.scope.cancel()

    def expire(self) -> None:
        """The channel took too long over one write: it counts as closed."""
        self._lose("the channel did not take the text in time")
        self.tear()

    async def _fed(self) -> str:
        """What was fed meanwhile, joined; "" once nothing more is to be written."""
        while not (self._waiting or self._ending or self._halted or self.lost):
            self._more = type(self._more)()  # to ask anyio for one costs more than all else here
            await self._more.wait()
        text = "".join(self._waiting)
        self._waiting.clear()
        return "" if self._halted or self.lost else text

    async def _ask(self, answer: Awaitable[Taken]) -> Taken | None:
        """Await the channel. Whatever it raises loses this target and no other."""
        try:
            return await answer
        except Exception as error:
            self._note_failure(error)
        finally:
            self.since = None
        return None

    def _note_failure(self, error: Exception) -> None:
        if isinstance(error, ChannelClosed):
            self._open = False
            if error.delivered is not None:
                self._received = max(error.delivered, 0)
            self._lose("the channel closed")
        else:
            self._lose(f"the channel failed: {type(error).__name__}: {error}")

    def _note_first(self) -> None:
        self.first_time = self._clock.time()
        self._on_delivery()

    def _lose(self, cause: str) -> None:
        if not self.lost:
            self.lost = cause
            self._on_loss()
