"""Several providers as one: the label of a skill's model says which of them is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Final

import msgspec

from skillrt.errors import ProviderError
from skillrt.llm.base import Chunk, Provider, Request

EVERY: Final = "*"


def find_label(
    served: Mapping[str, Provider], provider: str | None, model: str | None
) -> str | None:
    """Which served label answers for a model: the exact one, else `provider/*`, else `*`, else None.

    Source: event model, model settings.
    """
    for label in (f"{provider}/{model}", f"{provider}/{EVERY}", EVERY):
        if label in served:
            return label
    return None


class LabelledProviders:
    """Asks the provider whose label fits; that one uses its own model, since a label is no vendor's name."""

    def __init__(self, served: Mapping[str, Provider]) -> None:
        """`served` are providers by label: `google/gemini25_flash`, `google/*` or `*`."""
        self.served = dict(served)

    def stream(self, request: Request) -> AbstractAsyncContextManager[AsyncIterator[Chunk]]:
        """Open the stream of one request.

        Raises:
            ProviderError: no label fits.
        """
        label = find_label(self.served, request.provider, request.model)
        if label is None:
            named = (
                f"{request.provider}/{request.model}" if request.model else "skills that name none"
            )
            raise ProviderError("status", f"no provider is given for the model of {named}")
        own = msgspec.structs.replace(request, provider=None, model=None)
        return self.served[label].stream(own)
