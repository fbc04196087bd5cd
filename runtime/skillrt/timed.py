"""How long a regular expression of a template may search: ten characters can keep Python busy for years.

1. Nothing but a signal ends a search that runs, and only the main thread of a process sees signals. There a timer
   of processor time does; in other threads, on systems without such timers, and where the host uses this one
   itself, the size of the text is the only limit (`guards.py`).
2. The handler stays once it is installed, and does nothing while no search is armed: a signal on its way when a
   handler is taken back ends the process.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar

from skillrt.errors import LimitError

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

SEARCH_S: Final = 0.5
HAS_TIMER: Final = hasattr(signal, "setitimer")


class _Alarm:
    """The handler of the timer; `armed` while a search runs that it may end."""

    __slots__ = ("armed",)

    def __init__(self) -> None:
        self.armed = False

    def __call__(self, _signum: int, _frame: Any) -> None:
        if self.armed:
            self.armed = False
            raise LimitError(f"a regular expression took more than {SEARCH_S:g} s")


_ALARM: Final = _Alarm()


def timed(search: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """The function, ended by a LimitError when it takes more than half a second of the processor.

    A search inside a search shares the outer one's time.
    """

    @wraps(search)
    def limited(*args: Parameters.args, **named: Parameters.kwargs) -> Result:
        if _ALARM.armed or not _installed():
            return search(*args, **named)
        try:
            _ALARM.armed = True
            signal.setitimer(signal.ITIMER_VIRTUAL, SEARCH_S)
            return search(*args, **named)
        finally:
            _ALARM.armed = False
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)

    return limited


def _installed() -> bool:
    """Whether the timer is ours to use, here and now."""
    if not HAS_TIMER or threading.current_thread() is not threading.main_thread():
        return False
    handler = signal.getsignal(signal.SIGVTALRM)
    if handler is signal.SIG_DFL:
        signal.signal(signal.SIGVTALRM, _ALARM)
        return True
    return handler is _ALARM
