"""A reply that breaks off: tried again as long as nobody heard any of it, and never once somebody did."""

from __future__ import annotations

from random import Random
from types import ModuleType
from typing import Any

import pytest

from fuzz import size
from skillrt.testing import Reply
from skillrt.testing.replies import Send

from .asking import asked

pytestmark = pytest.mark.anyio

WHOLE = Reply.stream(["Agent", ": ", "Hel", "lo [[[no", "te]]]there", ", person", ".", " "])
TEXT = "Hello there, person."
BETTER = Reply.stream("Better.")


def places() -> list[int]:
    """Where to cut the bytes of the reply: everywhere, or at some places evenly spread."""
    data = sum(len(step.data) for step in WHOLE.steps if isinstance(step, Send))
    return sorted(Random(25).sample(range(1, data), k=size(13, data - 1)))


def broken(at: int, end: Any) -> Reply:
    """The reply up to its byte `at`."""
    data = b"".join(step.data for step in WHOLE.steps if isinstance(step, Send))
    return Reply.raw(data[:at], end=end)


@pytest.mark.parametrize("end", ["close", "reset"])
async def test_reply_broken_at_any_byte_is_heard_once(library: ModuleType, end: Any) -> None:
    outcomes = set()
    for at in places():
        run, heard = await asked(library, broken(at, end), BETTER)
        (outcome,) = run.outcomes
        outcomes.add(outcome.outcome)
        if outcome.attempts == 2:
            assert (run.result, outcome.outcome, heard) == ("Better.", "completed", ["Better."])
        elif outcome.outcome == "completed":
            assert (run.result, heard) == (TEXT, [TEXT])
        else:
            assert outcome.outcome == "failed(partial)"
            assert heard == [run.result]
            assert run.result
            assert TEXT.startswith(run.result)
    assert outcomes == {"completed", "failed(partial)"}
