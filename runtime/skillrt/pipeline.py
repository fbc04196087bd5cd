"""The text pipeline of a reply: speaker label, stop sequences, `[[[...]]]` filter, outer blanks. Pure.

1. What `feed` has returned so far is exactly what all continuations have in common, the end being one of them:
   nothing returned is ever taken back, and nothing is held back that no continuation could remove.
2. Text passes the steps in order: `_opening` waits for the label, `_begun` for a stop, `_span` and `_carry` for
   the filter, `_blanks` for the final strip. Each holds only what its own step has not decided.
3. Every character is looked at a bounded number of times; what was returned is never looked at again.
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

SPAN: Final = re.compile(r"\[\[\[.*?\]\]\]", re.DOTALL)
MARKS: Final = ("[[[", "]]]")


def default_stops(agent_name: str, user_name: str) -> tuple[str, ...]:
    """The speaker labels at which a reply ends when a template names no stops; blank names give none.

    Source: actions reference, generation, default stop.
    """
    names = ("Agent", "User", agent_name.strip(), user_name.strip())
    return tuple(dict.fromkeys(f"{name}:" for name in names if name))


def provider_stops(
    stops: Sequence[str], labels: Sequence[str], skip_checks: bool
) -> tuple[str, ...]:
    """The stops that a provider may apply as well without changing the result, in order, each once.

    A provider knows no labels: one that opens the reply would end it at once, where the pipeline drops it.
    """
    guarded = () if skip_checks else _spoken(labels)
    return tuple(
        stop
        for stop in dict.fromkeys(stops)
        if stop and not any(stop in label or label in stop for label in guarded)
    )


class TextPipeline:
    """Turns the chunks of one reply into text that can be delivered as it comes.

    `labels` are the default stops, whatever `stops` are: one of them, opening the reply, is dropped. Empty stops
    and blank labels are ignored. Source: actions reference, generation, text pipeline.
    """

    __slots__ = (
        "_ahead",
        "_begun",
        "_blanks",
        "_carry",
        "_cut",
        "_labels",
        "_opening",
        "_original",
        "_over",
        "_plain",
        "_rules",
        "_span",
        "_special",
        "_started",
    )

    def __init__(
        self,
        stops: Sequence[str],
        labels: Sequence[str],
        *,
        skip_filter: bool = False,
        skip_checks: bool = False,
    ) -> None:
        """Start before the first chunk; without checks neither label nor leading blanks come before the stops."""
        self._rules = _rules(tuple(stops), skip_filter)
        self._special = self._rules.special.search
        self._labels = _spoken(labels)
        self._opening: str | None = None if skip_checks else ""
        self._begun = ""
        self._span: list[str] = []
        self._carry = ""
        self._blanks: list[str] = []
        self._started = False
        self._ahead = ""
        self._plain = False
        self._cut = False
        self._over = False
        self._original: list[str] = []

    @property
    def done(self) -> bool:
        """Whether a stop was hit: everything was returned, and no chunk changes anything any more."""
        return self._cut

    @property
    def original(self) -> str:
        """The text up to now before the filter, stripped: without label, and ending before the stop."""
        if self._opening is not None:
            spoken = self._opening[self._label_length(self._opening) :]
            return self._rules.stop.split(spoken, 1)[0].strip()
        return "".join((*self._original, self._begun)).strip()

    def feed(self, chunk: str) -> str:
        """Take the next chunk; return the text that is certain now, maybe ""."""
        if self._plain and not self._special(chunk) and not chunk[-1:].isspace():
            self._original.append(chunk)
            return chunk
        return "" if self._over else self._advance(chunk, last=False)

    def finish(self) -> str:
        """End the reply; return what was held back and stays, maybe ""."""
        return "" if self._over else self._advance("", last=True)

    def _advance(self, chunk: str, *, last: bool) -> str:
        if self._opening is not None:
            opening = (self._opening + chunk).lstrip()
            if not last and (not opening or self._may_grow(opening)):
                self._opening = opening
                return ""
            chunk = opening[self._label_length(opening) :]
            self._opening = None
        text = self._before_stop(chunk, last)
        self._original.append(text)
        self._over = last or self._cut
        if not self._rules.unfiltered:
            text = self._outside_spans(text)
        if self._over:
            text = "".join((text, *self._span, self._carry))
        ready = self._trimmed(text)
        self._ahead, ready = self._ahead[len(ready) :], ready[len(self._ahead) :]
        if self._over:
            self._plain = False
            return ready
        if self._begun and self._sees_past_a_mark():
            foreseen = self._foreseen()
            ready += foreseen[len(self._ahead) :]
            self._ahead = foreseen
        held = self._begun or self._carry or self._span or self._blanks
        self._plain = self._started and not held
        return ready

    # step 1: the label

    def _label_length(self, opening: str) -> int:
        return max((len(label) for label in self._labels if opening.startswith(label)), default=0)

    def _may_grow(self, opening: str) -> bool:
        """Whether more text could make `opening` a label, or a longer one."""
        return any(
            len(label) > len(opening) and label.startswith(opening) for label in self._labels
        )

    # step 2: the stops

    def _before_stop(self, chunk: str, last: bool) -> str:
        """The text before the stop; without one, the text that no stop can include any more."""
        text = self._begun + chunk
        self._begun = ""
        if stop := self._rules.stop.search(text):
            self._cut = True
            return text[: stop.start()]
        if not last:
            for length in range(min(self._rules.reach, len(text)), 0, -1):
                if text[-length:] in self._rules.beginnings:
                    self._begun = text[-length:]
                    return text[:-length]
        return text

    # step 3: the filter

    def _outside_spans(self, text: str) -> str:
        """The text outside spans; an open span is kept aside, and an end that may belong to a mark."""
        text = self._carry + text
        kept: list[str] = []
        at = 0
        mark = MARKS[bool(self._span)]
        while (found := text.find(mark, at)) >= 0:
            if self._span:
                self._span.clear()
            else:
                kept.append(text[at:found])
                self._span.append(mark)
            at = found + len(mark)
            mark = MARKS[bool(self._span)]
        rest = text[at:]
        body = rest.rstrip(mark[0])
        self._carry = rest[len(body) :]
        (self._span or kept).append(body)
        return "".join(kept)

    # step 4: the blanks

    def _trimmed(self, text: str) -> str:
        """The text up to its last character that is not blank, with the blanks held before it."""
        if not self._started:
            text = text.lstrip()
        body = text.rstrip()
        if not body:
            if text:
                self._blanks.append(text)
            return ""
        self._started = True
        ready = "".join((*self._blanks, body))
        self._blanks = [text[len(body) :]] if len(text) > len(body) else []
        return ready

    # Steps 2 and 3 together: a begun stop that is not completed may show that brackets before it are plain text,
    # or close a span. If it is completed, the text is cut there and both stay. What these ends share is certain.

    def _sees_past_a_mark(self) -> bool:
        if self._span:
            return MARKS[1] in self._carry + self._begun
        return bool(self._carry)

    def _foreseen(self) -> str:
        """What all continuations deliver next, found by trying those that matter.

        Of a span only the beginning counts: what it is compared with is shorter than the longest stop.
        """
        rules = self._rules
        span = "".join(self._span)
        if len(span) > rules.reach + len(MARKS[0]):
            span = span[: rules.reach + len(MARKS[0])] + rules.filler
        before = "".join((*self._blanks, span, self._carry))
        ends: list[str] = []
        for probe in rules.probes:
            after = rules.stop.split(self._begun + probe, 1)[0]
            end = SPAN.sub("", before + after).rstrip()
            ends.append(end if self._started else end.lstrip())
        return os.path.commonprefix(ends)  # noqa: RUF071 - of any texts, character by character


@dataclass(frozen=True, slots=True)
class _Rules:
    """What can be known from the stops alone.

    `stop` matches the stop that ends first, the longest of those; `beginnings` are the proper beginnings of
    stops, up to `reach` characters long. `special` finds a character that the fast path must not pass. `filler`
    is in no stop. `probes` realise between them everything that can follow: the end, either mark, every stop.
    """

    stop: re.Pattern[str]
    beginnings: frozenset[str]
    reach: int
    unfiltered: bool
    special: re.Pattern[str]
    filler: str
    probes: tuple[str, ...]


@lru_cache(maxsize=256)
def _rules(stops: tuple[str, ...], skip_filter: bool) -> _Rules:
    given = tuple(dict.fromkeys(stop for stop in stops if stop))
    # A stop in which another one ends earlier never counts. Of the others, one that starts first also ends first
    # or, ending at the same place, is the longer: the leftmost match is the one.
    kept = [stop for stop in given if not any(other in stop[:-1] for other in given)]
    # With a stop inside a mark no span can open, or none can close.
    unfiltered = skip_filter or any(stop in mark for stop in kept for mark in MARKS)
    first = {stop[0] for stop in kept} | set("" if unfiltered else "[")
    filler = next(char for char in map(chr, range(ord("a"), 0x10000)) if char not in "".join(kept))
    close = filler + MARKS[1]
    rests = (stop[length:] for stop in kept for length in range(1, len(stop)))
    return _Rules(
        stop=_any_of(kept),
        beginnings=frozenset(stop[:length] for stop in kept for length in range(1, len(stop))),
        reach=max(map(len, kept), default=1) - 1,
        unfiltered=unfiltered,
        special=_any_of(sorted(first)),
        filler=filler,
        probes=("", filler, close, "[" + close, "[[" + close, *dict.fromkeys(rests)),
    )


def _any_of(texts: Iterable[str]) -> re.Pattern[str]:
    """A pattern for any of the texts; one that never matches when there are none."""
    return re.compile("|".join(map(re.escape, texts)) or "(?!)")


def _spoken(labels: Sequence[str]) -> tuple[str, ...]:
    return tuple(label for label in labels if label.strip())
