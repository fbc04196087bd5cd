"""The connector port: how text reaches an actor, how events arrive, who carries out commands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol, TypeAlias, runtime_checkable

from anyio.abc import TaskStatus

from skillrt.errors import ChannelClosed
from skillrt.model import Actor

CloseReason: TypeAlias = Literal["complete", "interrupted", "error"]

ANY: Final = "*"
"""The connector idn of a connector that serves every address of its integration that no other one has."""


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


class Service:
    """What a connector is built on that reaches no person: nothing sent to an actor of it is delivered."""

    async def send_message(self, actor: Actor, text: str, arguments: Mapping[str, str]) -> None:
        """Say that nobody is there.

        Raises:
            ChannelClosed: always.
        """
        raise ChannelClosed(0)

    async def open_stream(self, actor: Actor, meta: StreamMeta) -> OutputStream | None:
        """Nobody is there to stream to."""
        return None


def find_connector(
    connectors: Mapping[tuple[str, str], Connector], integration_idn: str, connector_idn: str
) -> Connector | None:
    """Who serves an address: the connector of that name, else the integration's one for `ANY`, else None."""
    named = connectors.get((integration_idn, connector_idn))
    return named or connectors.get((integration_idn, ANY))


# --- what a connector may offer beside ------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What a skill asks of a service; `id` is that of its act, the persona and actor are the sender's.

    `connector_idn` is "" when the sender named none and a connector of `ANY` address is to choose. `hops` are those
    of the event that the sender runs for.
    """

    id: str
    idn: str
    integration_idn: str
    connector_idn: str
    arguments: Mapping[str, str]
    persona_id: str | None = None
    actor: Actor | None = None
    hops: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a command ended: becomes the event `result_success` or `result_error` with these arguments."""

    ok: bool
    arguments: Mapping[str, str] = field(default_factory=dict[str, str])


class Gateway(Protocol):
    """What a connector may do with the runtime that it serves."""

    @property
    def settings(self) -> Mapping[str, str]:
        """The connector's settings, from the project's files or the host; empty without any."""
        ...

    async def actor(
        self,
        external_id: str,
        *,
        name: str = "",
        time_zone: str = "",
        persona_id: str | None = None,
    ) -> Actor:
        """The actor of this connector with that external id, made with a new user persona if there is none.

        A given `persona_id` attaches a new actor to that persona; `name` and `time_zone` fill blank fields only.
        """
        ...

    async def emit(
        self,
        idn: str,
        *,
        actor: Actor | None = None,
        arguments: Mapping[str, object] | None = None,
        external_event_id: str | None = None,
        uninterruptible: bool = False,
        command_act_id: str | None = None,
        user_input: bool | None = None,
        activity: bool = False,
        connector_idn: str | None = None,
        persona_id: str | None = None,
        hops: int = 0,
    ) -> Emitted:
        """Tell what happened here; returns once the event was offered to everybody who subscribes to it.

        By default it comes from this connector's own address and belongs to the actor's persona; without an actor
        and a persona it is global. `hops` is 0 unless the event follows at once from one that a skill handled.
        """
        ...

    async def result(self, command: Command, ok: bool, **arguments: object) -> None:
        """Say later how a command ended, for a `command` that returned None; at most once for each."""
        ...

    def barge_in(self, actor: Actor) -> None:
        """The person began to speak: every interruptible stream to that actor is cut."""
        ...

    async def amend_delivery(self, act_id: str, characters: int) -> None:
        """Only so much of a message that was sent whole has been received: its act is shortened, or forgotten."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Emitted:
    """What became of an event: who was offered it, whether it had been seen before or a queue refused it."""

    event_id: str
    subscribers: int = 0
    duplicate: bool = False
    refused: int = 0

    @property
    def taken(self) -> bool:
        """Whether the runtime took the event in; it takes none while it is not entered, or being left."""
        return self.subscribers > 0 or not self.refused


@runtime_checkable
class Serving(Protocol):
    """A connector that has to run: to listen, or to keep time."""

    async def run(self, gateway: Gateway, *, task_status: TaskStatus[None]) -> None:
        """Serve until cancelled; `task_status.started()` says that commands and events may come."""
        ...


@runtime_checkable
class Commanded(Protocol):
    """A connector that carries out commands of skills."""

    async def command(self, command: Command) -> Result | None:
        """Carry one out; None says that the result comes later through the gateway, or never."""
        ...


@runtime_checkable
class Typing(Protocol):
    """A connector that can show that the agent is typing.

    The next text that it delivers to the actor ends that without a call, the end of the execution by one.
    """

    async def typing(self, actor: Actor, *, on: bool) -> None:
        """Show it, or no longer."""
        ...
