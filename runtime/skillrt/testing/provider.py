"""A model that says what the test wrote down, without any network."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias

from skillrt.errors import ProviderError
from skillrt.llm.base import Chunk, Request

# A text is a chunk of text, an exception is raised, a function is awaited (to sleep, to wait, to do something).
Step: TypeAlias = str | Chunk | ProviderError | Callable[[], Awaitable[None]]


class ScriptedProvider:
    """Answers each request by the next script; the last one again and again.

    A script that ends without a finish reason or an error is given the finish reason `stop`.
    """

    def __init__(self, *scripts: list[Step]) -> None:
        """`scripts` are the replies, in order."""
        self._scripts = deque(scripts)
        self._streams: list[AsyncIterator[Chunk]] = []  # kept, so that nothing closes them unseen
        self.requests: list[Request] = []
        self.open = 0
        """Streams that are not closed, and iterations of them that were left in their middle."""

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncGenerator[AsyncIterator[Chunk], None]:
        """Open the stream of the next script."""
        self.requests.append(request)
        script = self._scripts[0] if len(self._scripts) == 1 else self._scripts.popleft()
        self._streams.append(self._chunks(script))
        self.open += 1
        try:
            yield self._streams[-1]
        finally:
            self.open -= 1

    async def _chunks(self, script: list[Step]) -> AsyncGenerator[Chunk, None]:
        self.open += 1
        finished = False
        try:
            for step in script:
                match step:
                    case str():
                        yield Chunk(step)
                    case Chunk():
                        finished = finished or step.finish is not None
                        yield step
                    case ProviderError():
                        raise step
                    case _:
                        await step()
            if not finished:
                yield Chunk("", "stop")
        finally:
            self.open -= 1
