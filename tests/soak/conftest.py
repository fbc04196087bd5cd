"""What the stress tests share: a skill, a real server with a runtime before it, and a look at what stayed open."""

from __future__ import annotations

import gc
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import anyio
import anyio.to_thread
import httpx
import httpx2
import pytest

from skillrt import Context, Event, Persona, Runtime
from skillrt.actions.generation import gen_stream
from skillrt.llm.http import HttpProvider
from skillrt.manifest import ABI
from skillrt.testing import ModelServer, Reply
from skillrt.testing.server import Received

__abi__ = ABI
__manifest__: dict[str, Any] = {"idn": "soak", "skills": {}}

OWN = ("Stream", "Generation", "Target", "Watchdog", "CancelScope", "TaskGroup", "Task")


async def Talk(ctx: Context, /, **settings: Any) -> Any:
    with ctx.skill("Talk"):
        return await gen_stream(ctx, **settings)


async def Quiet(ctx: Context, /, **settings: Any) -> None:
    with ctx.skill("Quiet"):
        pass


@pytest.fixture(params=[httpx, httpx2], ids=["httpx", "httpx2"])
def library(request: pytest.FixtureRequest) -> ModuleType:
    """The HTTP library under the provider."""
    found: ModuleType = request.param
    return found


@dataclass(frozen=True)
class Place:
    """A runtime, the server that its model lives on, and the client between them."""

    runtime: Runtime
    server: ModelServer
    client: httpx.AsyncClient

    @property
    def busy(self) -> list[str]:
        """What the client's pool holds that is not an idle connection."""
        transport: Any = self.client._transport
        pool = transport._pool
        connections = [c.info() for c in pool.connections if not c.is_idle()]
        return [*connections, *map(repr, pool._requests)]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something that the server sees."""
        await anyio.to_thread.run_sync(self.server.wait_until, condition, 60.0)


@asynccontextmanager
async def serving(
    library: ModuleType, script: Sequence[Reply] | Callable[[Received], Reply], **settings: Any
) -> AsyncIterator[Place]:
    """A place for `script`; `settings` are the runtime's. When it is left, nothing is open."""
    limits = library.Limits(max_connections=None, max_keepalive_connections=20)
    with ModelServer(script) as server:
        async with library.AsyncClient(limits=limits, verify=False) as client:
            provider = HttpProvider(base_url=server.base_url, model="m", client=client)
            place = Place(Runtime(provider=provider, **settings), server, client)
            yield place
            assert place.busy == []
        await place.until(lambda: server.open_connections == 0)


def said(persona: Persona, text: str = "wait") -> Event:
    """The person speaks up."""
    arguments = {"text": text}
    return Event(idn="user_message", persona_id=persona.id, arguments=arguments, user_input=True)


async def alive() -> Counter[str]:
    """What is alive of streams, scopes and tasks, and how many files are open."""
    await anyio.wait_all_tasks_blocked()
    gc.collect()
    kinds = Counter(kind for thing in gc.get_objects() if (kind := type(thing).__name__) in OWN)
    kinds["file"] = len(os.listdir("/proc/self/fd"))
    return kinds
