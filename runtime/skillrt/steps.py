"""What loops go through, their steps counted: how many an execution may make, and where it can be interrupted.

Steps are counted ahead in batches, since a step of a loop must cost next to nothing. A batch ends before each step
whose number is a multiple of `POINT_EVERY`; the next one makes a point due, which the body of the loop passes.

Source: event model, interruption points and constants.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from operator import length_hint
from typing import Any, Final

from skillrt import guards, values
from skillrt.context import Context
from skillrt.errors import LimitError

POINT_EVERY: Final = 1000


class Steps:
    """The items of one loop; walking them counts. What is added to them meanwhile is walked too."""

    __slots__ = ("_context", "_items")

    def __init__(self, context: Context, items: Sequence[Any]) -> None:
        """Count for `context`."""
        self._context = context
        self._items = items

    def __len__(self) -> int:
        """How many there are."""
        return len(self._items)

    def __getitem__(self, index: int) -> Any:
        """One of them."""
        return self._items[index]

    def __iter__(self) -> Iterator[Any]:
        """The items.

        Raises:
            LimitError: the execution has made all the steps it may.
        """
        return chain.from_iterable(self._batches())

    def _batches(self) -> Iterator[Iterator[Any]]:
        context, items = self._context, self._items
        limit = context.options.loop_steps
        source = iter(items)
        at = 0
        while left := length_hint(source):
            made = context.steps
            if made >= limit:
                raise LimitError(f"the loops of the execution made more than {limit} steps")
            before_point = POINT_EVERY - (made + 1) % POINT_EVERY
            if before_point == POINT_EVERY:
                context.due = True
            size = min(left, before_point, limit - made)
            context.steps = made + size
            try:
                yield islice(source, size)
            finally:  # a loop that is left early has not made all of them
                reached = len(items) - length_hint(source)
                context.steps -= size - (reached - at)
                at = reached


def each(ctx: Context, value: Any) -> Steps:
    """What a loop of the Guidance dialect walks: items, values of a dict.

    Raises:
        SkillError: as `values.each`.
    """
    if guards.is_list(value):  # nearly always
        return Steps(ctx, guards.bounded(value))
    return Steps(ctx, [item for _, item in values.each(value)])


def keyed(ctx: Context, value: Any) -> Steps:
    """The same as pairs (key, item); only dicts have keys, else it is None."""
    return Steps(ctx, values.each(value))


def walk(ctx: Context, value: Any) -> Steps:
    """What a loop of the NSL dialect walks: items, keys of a dict.

    Raises:
        SkillError: as `values.nsl_items`.
    """
    items = values.nsl_items(value)
    return Steps(ctx, items if guards.is_list(items) else guards.bounded(items))
