"""The sandbox: a channel to one person in front of a screen, as terminals and demonstrations have it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

import anyio
from anyio.abc import TaskStatus

from skillrt.connectors.base import CloseReason, Emitted, Gateway, OutputStream, StreamMeta
from skillrt.model import Actor

INTEGRATION: Final = "sandbox"

MARKS: Final[Mapping[CloseReason, str]] = {
    "complete": "",
    "interrupted": " [cut]",
    "error": " [broken off]",
}
"""How the end of a message is shown."""

TYPING: Final = "[typing]\n"


class Screen:
    """Shows messages as they are delivered: as a sink one after another, as `message()` those that overlap too."""

    def __init__(self, show: Callable[[str], None]) -> None:
        """`show` puts text where the person reads it; nothing is shown yet."""
        self.show = show
        self.length = 0
        """Characters of the message that has not ended."""
        self.turns: deque[Message] = deque()
        """The messages that have begun, the one on the screen first."""

    async def write(self, text: str) -> None:
        """Show more of the message."""
        self.show(text)
        self.length += len(text)

    async def close(self, reason: CloseReason) -> None:
        """End the line, and say so when the message did not end by itself."""
        if self.length:
            self.show(f"{MARKS[reason]}\n")
        self.length = 0

    def message(self, heading: str = "") -> Message:
        """One more message; while another is on the screen it waits for its end. `heading` stands before it."""
        return Message(self, heading)

    def typing(self) -> None:
        """Show that somebody is typing, unless a message shows it already."""
        if not self.length:
            self.show(TYPING)


class Message:
    """One message on its way to a screen that others may use; its turn begins with its first text."""

    def __init__(self, screen: Screen, heading: str) -> None:
        """Nothing is written yet."""
        self._screen = screen
        self._heading = heading
        self._waiting: list[str] = []
        self._shown = 0
        self._first = anyio.Event()

    async def write(self, text: str) -> None:
        """Show it, or keep it until it is this message's turn."""
        turns = self._screen.turns
        self._waiting.append(text)
        if self not in turns:
            turns.append(self)
        if turns[0] is self:
            await self._show_waiting()

    async def close(self, reason: CloseReason) -> int | None:
        """End the message; with `complete`, once all of it was shown.

        Returns:
            How many characters were shown.
        """
        turns = self._screen.turns
        if self not in turns:
            return None
        if reason == "complete" and turns[0] is not self:
            await self._first.wait()
        if turns[0] is self:
            await self._screen.close(reason)
            turns.popleft()
            if turns:
                await turns[0]._show_waiting()  # noqa: SLF001 - of its own kind
        else:
            turns.remove(self)
        return self._shown

    async def _show_waiting(self) -> None:
        if not self._first.is_set():
            self._first.set()
            if self._heading:
                await self._screen.write(self._heading)
        for text in self._waiting:
            await self._screen.write(text)
            self._shown += len(text)
        self._waiting.clear()


class Sandbox:
    """A channel whose actors are all reached on one screen; what is for somebody else there says for whom."""

    def __init__(
        self, screen: Screen, connector_idn: str = "sandbox", *, integration_idn: str = INTEGRATION
    ) -> None:
        """Several sandboxes may share a screen."""
        self.integration_idn = integration_idn
        self.connector_idn = connector_idn
        self._screen = screen
        self._gateway: Gateway | None = None
        self._person: Actor | None = None

    async def run(self, gateway: Gateway, *, task_status: TaskStatus[None]) -> None:
        """Take events until cancelled."""
        self._gateway = gateway
        try:
            task_status.started()
            await anyio.sleep_forever()
        finally:
            self._gateway = self._person = None

    async def arrive(self, external_id: str = "terminal", name: str = "") -> Actor:
        """Have a person in front of the screen: a conversation begins.

        Raises:
            RuntimeError: no runtime serves the sandbox.
        """
        gateway = self._served()
        self._person = await gateway.actor(external_id, name=name)
        await self.emit("conversation_started")
        return self._person

    async def say(self, text: str) -> Emitted:
        """What the person types.

        Raises:
            RuntimeError: no runtime serves the sandbox.
        """
        return await self.emit("user_message", {"text": text})

    async def emit(self, idn: str, arguments: Mapping[str, str] | None = None) -> Emitted:
        """An event of this channel, about the person if one is there.

        Raises:
            RuntimeError: no runtime serves the sandbox.
        """
        return await self._served().emit(idn, actor=self._person, arguments=arguments)

    async def send_message(self, actor: Actor, text: str, arguments: Mapping[str, str]) -> None:
        """Show it; returns when it is on the screen."""
        message = self._message(actor)
        await message.write(text)
        await message.close("complete")

    async def open_stream(self, actor: Actor, meta: StreamMeta) -> OutputStream | None:
        """Show it piece by piece."""
        return self._message(actor)

    async def typing(self, actor: Actor, *, on: bool) -> None:
        """Show that it begins; that it ends needs no saying."""
        if on:
            self._screen.typing()

    def _message(self, actor: Actor) -> Message:
        mine = self._person is None or actor.id == self._person.id
        return self._screen.message("" if mine else f"[to {actor.name or actor.external_id}] ")

    def _served(self) -> Gateway:
        if self._gateway is None:
            address = f"{self.integration_idn}/{self.connector_idn}"
            raise RuntimeError(f"no runtime serves {address}")
        return self._gateway
