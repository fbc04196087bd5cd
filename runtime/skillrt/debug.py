"""Where in a template something happened: line maps, notes on exceptions, the place of a log record.

A compiled module maps lines below each coroutine's `async def` to template lines. Nothing is passed per call: the
place is read from the frames when somebody needs it.
"""

from __future__ import annotations

import inspect
import logging
from bisect import bisect_right
from types import FrameType, TracebackType
from typing import Any, Final, NamedTuple

from skillrt.errors import ActionError

log: Final = logging.getLogger("skillrt")

NOTE: Final = "in template "


class Place(NamedTuple):
    """A line of a template; `source` is its text, "" when the compiler did not keep it."""

    skill: str
    file: str
    line: int
    source: str = ""


def where() -> Place | None:
    """The template line that runs now, in the innermost skill; None outside of skills."""
    frame: FrameType | None = inspect.currentframe()
    while frame is not None:
        if place := _place(frame, frame.f_lineno):
            return place
        frame = frame.f_back
    return None


def log_at_place(level: int, action: str, cause: str, *, code: str | None = None) -> None:
    """Log what an action met, with the place that runs now and no stack trace."""
    place = where()
    at = f" (skill {place.skill}, line {place.line})" if place else ""
    extra: dict[str, object] = {"code": code, "action": action, "cause": cause}
    if place:
        extra |= {"skill": place.skill, "file": place.file, "line": place.line}
    log.log(level, "%s: %s%s", action, cause, at, extra=extra)


def annotate(error: BaseException, traceback: TracebackType | None, chain: list[str]) -> None:
    """Add the template's place and the chain of skills to an error that leaves a skill, once.

    `chain` are the idns of the running skills, outermost first. An ActionError gets its place too.
    """
    if any(note.startswith(NOTE) for note in getattr(error, "__notes__", ())):
        return
    place: Place | None = None
    while traceback is not None:
        place = _place(traceback.tb_frame, traceback.tb_lineno) or place
        traceback = traceback.tb_next
    if place is None:
        return
    if isinstance(error, ActionError):
        error.skill, error.file, error.line = place.skill, place.file, place.line
    note = f"{NOTE}{place.file}, line {place.line}, skill {' > '.join(chain)}"
    error.add_note(f"{note}\n    {place.source}" if place.source else note)


def _place(frame: FrameType, line: int) -> Place | None:
    """The place of a line that runs in a compiled skill, or in a function inside one."""
    module = frame.f_globals
    function = frame.f_code.co_qualname.partition(".")[0]
    lines: tuple[tuple[int, int], ...] | None = module.get("__line_map__", {}).get(function)
    if lines is None:
        return None
    below = line - module[function].__code__.co_firstlineno
    at = max(bisect_right(lines, below, key=_first) - 1, 0)
    template_line = lines[at][1]
    source = module.get("__source__", {}).get(function, {}).get(template_line, "")
    skills: dict[str, dict[str, Any]] = module.get("__manifest__", {}).get("skills", {})
    for idn, skill in skills.items():
        if skill["function"] == function:
            return Place(idn, skill["source"], template_line, source)
    return Place(function, module.get("__name__", "?"), template_line, source)


def _first(pair: tuple[int, int]) -> int:
    return pair[0]
