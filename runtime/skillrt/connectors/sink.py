"""The ad-hoc connector around a sink: what a host passes to `Runtime.run` to hear what is said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from skillrt.connectors.base import OutputStream, StreamMeta
from skillrt.model import Actor


@dataclass(frozen=True, slots=True)
class SinkConnector:
    """Sends every message of one run, streamed or whole, to one sink, one after another."""

    integration_idn: str
    connector_idn: str
    sink: OutputStream

    async def send_message(self, actor: Actor, text: str, arguments: Mapping[str, str]) -> None:
        """Write the message and close it."""
        await self.sink.write(text)
        await self.sink.close("complete")

    async def open_stream(self, actor: Actor, meta: StreamMeta) -> OutputStream:
        """The sink itself: the next message begins with its next text."""
        return self.sink
