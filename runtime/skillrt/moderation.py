"""The host's say in what a model says: sentences are delivered once they are complete and approved."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

Deliver: TypeAlias = Callable[[str], Awaitable[None]]
Moderate: TypeAlias = Callable[[str], Awaitable[bool]]
"""Whether a text, of one or more complete sentences (or the rest of a reply), may be delivered."""

# A mark with the quotes and brackets that it closes, once a blank follows; or a line.
SENTENCE_END: Final = re.compile(r"""[.!?…]+["'”’»)\]]*(?=\s)|[。！？]+[」』”’）]*|\n""")
LONGEST_END: Final = 8


class Moderation:
    """Stands before the delivery of one attempt. Without a hook there is none, and it costs nothing."""

    def __init__(
        self, approves: Moderate, deliver: Deliver, on_refusal: Callable[[], None]
    ) -> None:
        """After `on_refusal` nothing more may come."""
        self._approves = approves
        self._deliver = deliver
        self._on_refusal = on_refusal
        self._begun = ""

    async def deliver(self, text: str) -> None:
        """Take more of the reply; deliver the sentences that it completes, if they are approved."""
        searched = max(0, len(self._begun) - LONGEST_END)
        self._begun += text
        ends = [found.end() for found in SENTENCE_END.finditer(self._begun, searched)]
        if ends and not await self._pass_on(ends[-1]):
            self._on_refusal()

    async def finish(self, tail: str) -> bool:
        """Deliver the rest of the reply, the last of which is `tail`, if it is approved; whether it was."""
        self._begun += tail
        return await self._pass_on(len(self._begun))

    async def _pass_on(self, end: int) -> bool:
        ready, self._begun = self._begun[:end], self._begun[end:]
        if ready and not await self._approves(ready):
            return False
        if ready:
            await self._deliver(ready)
        return True
