"""The provider port: what is asked of a model and what comes back, whoever serves it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import msgspec


class Message(msgspec.Struct, frozen=True):
    """One message of a prompt; `name` travels with it when the template gave one."""

    role: str
    content: str
    name: str | None = None


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One generation: the messages at that moment and the evaluated settings.

    `stop` are the sequences worth sending to the provider; the runtime enforces all of them itself. Of `choices`,
    if there are any, the reply should be one; it may come with other words around it.
    `model` and `provider` are None when the provider's own are meant.
    """

    messages: tuple[Message, ...]
    model: str | None = None
    provider: str | None = None
    temperature: float = 0.75
    top_p: float = 1.0
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    json_schema: dict[str, Any] | None = None
    choices: tuple[str, ...] = ()
    thinking_budget: int | None = None


class Usage(msgspec.Struct, frozen=True):
    """Tokens of one generation; `estimated` when the stream ended before the model told."""

    input_tokens: int = 0
    output_tokens: int = 0
    estimated: bool = False


class Chunk(msgspec.Struct, frozen=True, gc=False):
    """One step of a stream: text (maybe ""), the raw finish reason once known, usage once known.

    `refused` is set when the provider says that the model refused or a filter blocked the reply.
    """

    text: str = ""
    finish: str | None = None
    usage: Usage | None = None
    refused: bool = False


class Provider(Protocol):
    """Serves requests as streams of chunks."""

    def stream(self, request: Request) -> AbstractAsyncContextManager[AsyncIterator[Chunk]]:
        """Open the stream of one request.

        Entering sends the request and waits for the response to begin. The iterator ends after the model's own
        end marker. Leave it at its end, or by cancelling the scope around it: nothing stays open then.

        Raises:
            ProviderError: while entering or iterating; iteration that ends without a finish reason raises
                reason `truncated`.
        """
        ...
