"""The connector `system`: a command to it is a system event."""

from __future__ import annotations

import anyio
from anyio.abc import TaskStatus

from skillrt.connectors.base import ANY, Command, Gateway, Result, Service


class SystemConnector(Service):
    """Turns each command into the event of its name, of the sender's persona and actor. It sends no results.

    Source: event model, commands: "any command: the system event" of the given connector.
    """

    integration_idn: str = "system"
    connector_idn: str = ANY

    def __init__(self) -> None:
        """It serves no runtime yet."""
        self._gateway: Gateway | None = None

    async def run(self, gateway: Gateway, *, task_status: TaskStatus[None]) -> None:
        """Serve until cancelled."""
        self._gateway = gateway
        try:
            task_status.started()
            await anyio.sleep_forever()
        finally:
            self._gateway = None

    async def command(self, command: Command) -> Result | None:
        """Offer the event to its subscribers."""
        if self._gateway is None:
            return Result(ok=False, arguments={"message": "not running", "code": "stopped"})
        await self._gateway.emit(
            command.idn,
            actor=command.actor,
            persona_id=command.persona_id,
            arguments=command.arguments,
            connector_idn=command.connector_idn or self.integration_idn,
            hops=command.hops + 1,
        )
        return None
