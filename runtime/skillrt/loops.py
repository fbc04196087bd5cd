"""The object that the body of a `for` of the NSL dialect knows as `loop`.

Source: Jinja 3.1, list of control structures: for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from skillrt import guards
from skillrt.errors import SkillError
from skillrt.steps import Steps
from skillrt.values import UNDEFINED


class Loop:
    """What the body of a `for` knows as `loop`, while something iterates over it.

    `index` and `revindex` count from one, `index0` and `revindex0` from zero; `depth` and `depth0` say how deep a
    recursive loop is.
    """

    __slots__ = ("_items", "_seen", "depth0", "index0")

    def __init__(self, items: Steps | Sequence[Any], depth0: int = 0) -> None:
        """Go through `items`."""
        self._items = items
        self._seen: tuple[Any, ...] | None = None
        self.depth0 = depth0
        self.index0 = -1

    def __iter__(self) -> Iterator[Any]:
        """The items; the attributes are those of the latest."""
        for part in self._items:
            self.index0 += 1
            yield part

    def __str__(self) -> str:
        """How it prints."""
        return f"<loop {self.index}/{self.length}>"

    __repr__ = __str__

    def __len__(self) -> int:
        """The number of items."""
        return len(self._items)

    @property
    def length(self) -> int:
        """The number of items."""
        return len(self._items)

    @property
    def index(self) -> int:
        """The number of this pass, from one."""
        return self.index0 + 1

    @property
    def revindex(self) -> int:
        """The number of this pass from the end, down to one."""
        return len(self._items) - self.index0

    @property
    def revindex0(self) -> int:
        """The number of passes that are left."""
        return len(self._items) - self.index

    @property
    def depth(self) -> int:
        """How deep a recursive loop is, from one."""
        return self.depth0 + 1

    @property
    def first(self) -> bool:
        """Whether this is the first pass."""
        return self.index0 == 0

    @property
    def last(self) -> bool:
        """Whether this is the last pass."""
        return self.index >= len(self._items)

    @property
    def previtem(self) -> Any:
        """The item of the pass before; undefined in the first."""
        return self._items[self.index0 - 1] if self.index0 > 0 else UNDEFINED

    @property
    def nextitem(self) -> Any:
        """The item of the next pass; undefined in the last."""
        return UNDEFINED if self.last else self._items[self.index]

    def cycle(self, *choices: Any) -> Any:
        """One of the arguments, the next one in every pass, over and over.

        Raises:
            SkillError: there are none.
        """
        if not choices:
            raise SkillError("loop.cycle expects values to choose from")
        return choices[self.index0 % len(choices)]

    def changed(self, *value: Any) -> bool:
        """Whether the arguments differ from those of the call before; true for the first."""
        if self._seen is not None:
            guards.check_size(self._seen)
        if self._seen == value:
            return False
        self._seen = value
        return True
