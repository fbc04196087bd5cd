"""The connector port: how text reaches an actor, at once or as it comes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from skillrt.model import Actor

CloseReason: TypeAlias = Literal["complete", "interrupted", "error"]


class OutputStream(Protocol):
    """One message on its way to one actor.

    A sink that serves one message after another is told by `close` where each ends.
    """

    async def write(self, text: str) -> None:
        """Deliver more text; returns when the channel took it.

        Raises:
            ChannelClosed: the person is gone; what follows is not delivered.
        """
        ...

    async def close(self, reason: CloseReason) -> int | None:
        """End the message; with `complete`, return once everything was received.

        That wait may be cancelled; then `interrupted` follows.

        Returns:
            How many characters the person received; None means all that was written.

        Raises:
            ChannelClosed: the person is gone.
        """
        ...


@dataclass(frozen=True, slots=True)
class StreamMeta:
    """What a channel may want to know about a message before its first text."""

    message_id: str
    skill: str
    arguments: Mapping[str, str] = field(default_factory=dict[str, str])


class Connector(Protocol):
    """A channel of one integration. Two with one (integration, connector) pair are an error."""

    @property
    def integration_idn(self) -> str:
        """Such as `sandbox`."""
        ...

    @property
    def connector_idn(self) -> str:
        """Which of the integration's connectors this is."""
        ...

    async def send_message(self, actor: Actor, text: str, arguments: Mapping[str, str]) -> None:
        """Deliver a whole message.

        Raises:
            ChannelClosed: the person is gone.
        """
        ...

    async def open_stream(self, actor: Actor, meta: StreamMeta) -> OutputStream | None:
        """Begin a message that comes in pieces; None when the channel cannot stream (SMS, e-mail)."""
        ...
