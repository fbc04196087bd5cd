"""The pure rules of interruption, against a model that says them again in the simplest words."""

from __future__ import annotations

from dataclasses import dataclass, field

import anyio.lowlevel
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz import examples
from skillrt.interrupts import ON_ARRIVAL, Decision, Execution, stream_protects


class Stopped(Exception):
    """Raised by a test's `stop`, to see when it is called."""


def stop() -> None:
    raise Stopped


@pytest.mark.parametrize(
    ("mode", "heard_s", "protects"),
    [
        ("interrupt", None, False),
        ("interrupt", 99.0, False),
        ("none", None, True),
        ("none", 0.0, True),
        ("interruptWindow", None, False),
        ("interruptWindow", 0.0, False),
        ("interruptWindow", 1.999, False),
        ("interruptWindow", 2.0, True),
        ("interruptWindow", 2.001, True),
    ],
)
def test_stream_protects_by_mode_and_age(mode: str, heard_s: float | None, protects: bool) -> None:
    assert stream_protects(mode, 2.0, heard_s) is protects


def test_stream_protects_with_an_empty_window_from_the_first_delivery_on() -> None:
    assert not stream_protects("interruptWindow", 0.0, None)
    assert stream_protects("interruptWindow", 0.0, 0.0)


def test_arrivals_are_decided_for_every_mode_and_kind_of_event() -> None:
    assert set(ON_ARRIVAL) == {
        (mode, said) for mode in ("queue", "interrupt", "cancel") for said in (True, False)
    }
    assert {key for key, arrival in ON_ARRIVAL.items() if arrival.reaches == "stream"} == {
        ("queue", True)
    }
    assert {mode for (mode, _), a in ON_ARRIVAL.items() if a.clears} == {"interrupt"}
    assert {mode for (mode, _), a in ON_ARRIVAL.items() if a.decision is Decision.DROPPED} == {
        "cancel"
    }


@dataclass
class Model:
    """An execution as the rules describe it: facts, and what follows from them."""

    uninterruptible: bool
    blocks: int = 0
    holds: list[bool] = field(default_factory=list)
    waiting: bool = False
    streaming: bool = False
    pending: bool = False

    @property
    def protected(self) -> bool:
        return self.uninterruptible or self.blocks > 0 or True in self.holds


@examples(100, 10_000)
@given(
    uninterruptible=st.booleans(),
    blocks=st.integers(0, 2),
    holds=st.lists(st.booleans(), max_size=3),
    waiting=st.booleans(),
    streaming=st.booleans(),
    request=st.sampled_from(["interrupt", "cut"]),
)
def test_request_is_obeyed_where_the_model_says(
    uninterruptible: bool,
    blocks: int,
    holds: list[bool],
    waiting: bool,
    streaming: bool,
    request: str,
) -> None:
    """A request stops what waits at a point, cuts what streams, and does neither under protection."""
    model = Model(uninterruptible, blocks, holds, waiting, streaming)
    cuts: list[str] = []
    stops: list[str] = []
    execution = Execution(lambda: stops.append("stop"), uninterruptible=uninterruptible)
    execution.blocks = blocks

    def cut() -> bool:
        assert not stops, "a stream is cut before the scope around it, or its write is torn"
        cuts.append("cut")
        return True

    def ask() -> bool:
        return execution.request_interrupt() if request == "interrupt" else execution.cut_stream()

    def under(holds_left: list[bool]) -> bool:
        if holds_left:
            with execution.holding(lambda: holds_left[0]):
                return under(holds_left[1:])
        return ask()

    def wait() -> bool:
        if not waiting:
            return under(holds)
        with execution.waiting():
            return under(holds)

    if streaming:
        with execution.streaming(cut):
            answer = wait()
    else:
        answer = wait()
    free = not model.protected
    assert answer == bool(cuts) == (streaming and free)
    assert bool(stops) == (request == "interrupt" and waiting and free)
    assert execution.pending == (request == "interrupt")


@pytest.mark.anyio
async def test_point_obeys_a_remembered_request_once_nothing_protects() -> None:
    execution = Execution(stop)
    execution.blocks = 1
    execution.request_interrupt()
    await execution.point()
    execution.blocks = 0
    with pytest.raises(Stopped):
        await execution.point()


@pytest.mark.anyio
async def test_point_without_a_request_goes_on() -> None:
    execution = Execution(stop)
    await execution.point()
    assert not execution.pending


def test_request_between_points_waits_for_the_next() -> None:
    execution = Execution(stop)
    assert execution.request_interrupt() is False
    assert execution.pending


@pytest.mark.anyio
async def test_request_that_arrives_at_a_point_is_obeyed_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between a point's look and its end others run, and may interrupt."""
    stops: list[str] = []
    execution = Execution(lambda: stops.append("here"))

    async def others_run() -> None:
        execution.request_interrupt()

    monkeypatch.setattr(anyio.lowlevel, "checkpoint", others_run)
    await execution.point()
    assert stops == ["here"]
