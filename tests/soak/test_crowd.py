"""Many streams at once, each from a model of its own: every sink has the bytes that its model sent."""

from __future__ import annotations

from random import Random
from types import ModuleType

import anyio
import pytest

from fuzz import size
from skillrt import Persona
from skillrt.testing import Reply
from skillrt.testing.server import Received
from skillrt.testing.sinks import RecordingSink

from .conftest import Talk, serving

pytestmark = pytest.mark.anyio

PAUSE_S = 0.02  # fifty tokens a second
PIECES = (
    "a",
    "b ",
    " c",
    "ü",
    "好",
    "👩‍🚀",
    "\n",
    "\u2028",
    " [[",
    "]] ",
    "Use",
    "r ",
    "é",
    '"',
    "\\n",
    "\r",
)


def tokens(number: int) -> list[str]:
    """What model `number` says: a second of it, or ten."""
    random = Random(number)
    count = int(size(1, 10) / PAUSE_S)
    return [f"<{number}>", *random.choices(PIECES, k=count), "</>"]


def answer(request: Received) -> Reply:
    number = int(request.body["messages"][-1]["content"])
    return Reply.stream(tokens(number), token_delay_s=PAUSE_S)


async def test_crowd_hears_what_its_models_say(library: ModuleType) -> None:
    count = size(20, 200)
    heard: dict[int, RecordingSink] = {}
    async with serving(library, answer) as place:

        async def listen(number: int) -> None:
            sink = heard[number] = RecordingSink()
            await place.runtime.run(Talk, message=f"{number}", persona=Persona(), sink=sink)

        async with anyio.create_task_group() as tasks:
            for number in range(count):
                tasks.start_soon(listen, number)
        acts = await place.runtime.store.messages(place.runtime.agent.id)
    assert len(heard) == count
    for number, sink in heard.items():
        (message,) = sink.messages
        assert message.text.encode() == "".join(tokens(number)).encode()
        assert len(message.pieces) > 10, "it came as it was said"
        assert message.reason == "complete"
    said = {act.text for act in acts if act.reference_idn == "agent_message"}
    assert said == {"".join(tokens(number)) for number in range(count)}
