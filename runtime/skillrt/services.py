"""The connectors of a runtime at work: started and watched, given commands, told who types.

Whatever a connector raises, or never does, ends what it does itself and nothing else.

Source: event model, connectors and commands.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final, TypeAlias

import anyio
from anyio.abc import TaskGroup

from skillrt.clock import Clock
from skillrt.connectors.base import (
    Command,
    Commanded,
    Connector,
    Gateway,
    Result,
    Serving,
    Typing,
    find_connector,
)
from skillrt.model import Actor
from skillrt.options import Options
from skillrt.watchdog import sole

log: Final = logging.getLogger("skillrt")

Address: TypeAlias = tuple[str, str]
Answer: TypeAlias = Callable[[Command, Result], Awaitable[None]]


class Services:
    """The connectors by address, and those whose service has failed."""

    def __init__(self, connectors: Iterable[Connector], clock: Clock, options: Options) -> None:
        """Nothing runs yet.

        Raises:
            ValueError: two connectors have one (integration, connector) pair.
        """
        self.connectors: dict[Address, Connector] = {}
        for connector in connectors:
            address = (connector.integration_idn, connector.connector_idn)
            if address in self.connectors:
                raise ValueError(f"two connectors are called {'/'.join(address)}")
            self.connectors[address] = connector
        self.outbox: list[Command] = []
        """Commands that nobody took, in order."""
        self._clock = clock
        self._options = options
        self._stopped: set[Address] = set()
        self._tasks: TaskGroup | None = None
        self._waiting: deque[tuple[Connector, Command, Answer]] = deque()

    def add_missing(self, *connectors: Connector) -> None:
        """Add connectors whose addresses nobody has."""
        for connector in connectors:
            address = (connector.integration_idn, connector.connector_idn)
            self.connectors.setdefault(address, connector)

    def find(self, integration_idn: str, connector_idn: str) -> Connector | None:
        """Who serves an address."""
        return find_connector(self.connectors, integration_idn, connector_idn)

    async def start(
        self, services: TaskGroup, work: TaskGroup, gateway: Callable[[Address], Gateway]
    ) -> None:
        """Start those that have to run as tasks of `services`; commands will be tasks of `work`.

        Returns once each is ready or has failed; one that is neither in the send timeout is not waited for.
        """
        self._tasks = work
        starting: list[anyio.Event] = []
        for address, connector in self.connectors.items():
            if isinstance(connector, Serving):
                starting.append(ready := anyio.Event())
                services.start_soon(self._serve, address, connector, gateway(address), ready)
        with anyio.move_on_after(self._options.send_timeout_s):
            for ready in starting:
                await ready.wait()

    async def _serve(
        self, address: Address, connector: Serving, gateway: Gateway, ready: anyio.Event
    ) -> None:
        try:
            async with anyio.create_task_group() as tasks:
                await tasks.start(connector.run, gateway)
                ready.set()
        except Exception as error:
            self._stopped.add(address)
            log.exception("connector %s failed", "/".join(address), exc_info=sole(error))
        finally:
            ready.set()

    def take(self, command: Command, answer: Answer) -> bool:
        """Have a command carried out; False when its connector is stopped.

        Without a connector for it, or while nothing runs, it goes to the outbox.
        """
        connector = self.find(command.integration_idn, command.connector_idn)
        if connector is None or self._tasks is None:
            self.outbox.append(command)
            return True
        if (connector.integration_idn, connector.connector_idn) in self._stopped:
            return False
        self._waiting.append((connector, command, answer))
        self._tasks.start_soon(self._carry_out_next)
        return True

    async def _carry_out_next(self) -> None:
        """Carry out the command that waits longest; so they begin in order, whichever task comes first."""
        connector, command, answer = self._waiting.popleft()
        result: Result | None = None
        with anyio.CancelScope() as in_time:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._end_after, in_time)
                result = await _asked(connector, command)
                tasks.cancel_scope.cancel()
        if in_time.cancelled_caught:
            result = _error("the connector did not answer in time", "timeout")
        if result is not None:
            await answer(command, result)

    async def _end_after(self, handling: anyio.CancelScope) -> None:
        await self._clock.sleep_until(self._clock.now() + self._options.command_timeout_s)
        handling.cancel()

    async def end_typing(self, actors: Iterable[Actor]) -> None:
        """Show these actors no longer that the agent types."""
        with anyio.move_on_after(self._options.send_timeout_s, shield=True):
            for actor in actors:
                await show_typing(self.connectors, actor, on=False)

    def stop(self) -> None:
        """Nothing runs any more."""
        self._tasks = None
        self._stopped.clear()
        self._waiting.clear()


async def _asked(connector: Connector, command: Command) -> Result | None:
    """What a connector answers to a command; what it raises is a result, too."""
    if not isinstance(connector, Commanded):
        return _error(f"{command.integration_idn} takes no commands", "unknown_command")
    try:
        return await connector.command(command)
    except Exception as error:
        log.exception("command %s of %s failed", command.idn, command.integration_idn)
        return _error(f"{type(error).__name__}: {error}", "failed")


def _error(message: str, code: str) -> Result:
    return Result(ok=False, arguments={"message": message, "code": code})


async def show_typing(connectors: Mapping[Address, Connector], actor: Actor, *, on: bool) -> None:
    """Show an actor that the agent types, or no longer; a channel that cannot, or fails, does nothing."""
    connector = find_connector(connectors, actor.integration_idn, actor.connector_idn)
    if isinstance(connector, Typing):
        try:
            await connector.typing(actor, on=on)
        except Exception as error:
            address = f"{actor.integration_idn}/{actor.connector_idn}"
            log.warning("channel %s cannot show typing: %s", address, error)
