"""Template texts and places in them: offsets inside, lines and columns only in output."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Final, NamedTuple

WORD: Final = re.compile(r"\w*")


class Span(NamedTuple):
    """A half-open range of 0-based character offsets in one source."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Source:
    """One template (or metadata) text, as read: BOM dropped, line ends already `\\n`.

    `path` is what messages show; it is relative to where the command ran. `name` is the path inside the
    input, with `/`: the one that generated modules and notes hold.
    """

    path: str
    text: str
    name: str = ""
    _starts: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the lines once."""
        starts = [0]
        position = self.text.find("\n")
        while position >= 0:
            starts.append(position + 1)
            position = self.text.find("\n", position + 1)
        object.__setattr__(self, "_starts", tuple(starts))
        if not self.name:
            object.__setattr__(self, "name", self.path)

    def line(self, offset: int) -> int:
        """The 1-based line that holds `offset`; the end of the text belongs to its last line."""
        return bisect_right(self._starts, offset)

    def line_column(self, offset: int) -> tuple[int, int]:
        """The 1-based line and column of `offset`; a tab is one column."""
        line = self.line(offset)
        return line, offset - self._starts[line - 1] + 1

    def word(self, offset: int) -> Span:
        """The name that starts at `offset`; empty when none does."""
        found = WORD.match(self.text, offset)
        return Span(*found.span()) if found else Span(offset, offset)

    def line_text(self, line: int) -> str:
        """The text of a 1-based line, without its end; "" when there is no such line."""
        if not 1 <= line <= len(self._starts):
            return ""
        start = self._starts[line - 1]
        end = self.text.find("\n", start)
        return self.text[start:] if end < 0 else self.text[start:end]
