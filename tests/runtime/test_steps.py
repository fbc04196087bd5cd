"""Counting the steps of loops: exact whatever the loop does, and a point due at every thousandth."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz import examples
from skillrt.errors import LimitError, SkillError
from skillrt.steps import POINT_EVERY, Steps, each, keyed, walk
from skillrt.values import UNDEFINED, JsonText


def context(limit: int = 10**9) -> Any:
    """What the steps need of a context."""
    return SimpleNamespace(options=SimpleNamespace(loop_steps=limit), steps=0, due=False)


@examples(200, 5_000)
@given(st.lists(st.tuples(st.integers(0, 2500), st.integers(0, 2500)), max_size=8))
def test_every_step_is_counted_once(loops: list[tuple[int, int]]) -> None:
    """After loops of any length, left anywhere, exactly their passes are counted; points come every 1000 passes."""
    ctx = context()
    made = 0
    due: list[int] = []
    for length, left_after in loops:
        for number, item in enumerate(Steps(ctx, range(length)), 1):
            made += 1
            if ctx.due:
                ctx.due = False
                due.append(made)
            assert item == number - 1
            if number == left_after:
                break
        assert ctx.steps == made
    assert due == [number for number in range(1, made + 1) if number % POINT_EVERY == 0]


@examples(100, 2_000)
@given(st.integers(0, 3000), st.integers(0, 3000))
def test_a_loop_inside_another_counts_too(outer: int, limit: int) -> None:
    """Nested loops stop at the first step over the limit, wherever that falls."""
    ctx = context(limit)
    made = 0
    try:
        for _ in Steps(ctx, range(outer)):
            made += 1
            for _ in Steps(ctx, range(2)):
                made += 1
    except LimitError:
        assert made == ctx.steps <= limit < outer * 3
    else:
        assert made == outer * 3 <= limit


def test_what_is_added_meanwhile_is_walked_too() -> None:
    items = [1]
    seen: list[int] = []
    for item in walk(context(), items):
        seen.append(item)
        if item < 5:
            items.append(item + 1)
    assert seen == [1, 2, 3, 4, 5]


def test_a_list_that_grows_for_ever_is_stopped() -> None:
    items = [1]
    steps = walk(context(5000), items)
    with pytest.raises(LimitError, match="more than 5000 steps"):
        list(map(items.append, steps))


def test_guidance_walks_values_and_collects_them_first() -> None:
    items = [1]
    assert len(list(map(items.append, each(context(), items)))) == 1
    assert list(each(context(), {"k": 1})) == [1]
    assert list(keyed(context(), {"k": 1})) == [("k", 1)]
    assert list(keyed(context(), ["a"])) == [(None, "a")]
    assert list(each(context(), '["p"]')) == ["p"]


def test_nsl_walks_keys_and_characters() -> None:
    assert list(walk(context(), {"k": 1})) == ["k"]
    assert list(walk(context(), JsonText('["p"]'))) == ["p"]
    assert list(walk(context(), '["p"]')) == ["[", '"', "p", '"', "]"]
    assert list(walk(context(), UNDEFINED)) == []
    with pytest.raises(SkillError, match="cannot loop over none"):
        walk(context(), None)


def test_steps_have_a_length_and_an_order() -> None:
    steps = Steps(context(), ["a", "b"])
    assert (len(steps), steps[1], bool(Steps(context(), []))) == (2, "b", False)
