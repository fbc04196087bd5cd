"""What Python's audit events tell of a skill that runs: no file, socket, process, import or new code is ever its."""

from __future__ import annotations

import importlib
import sys
import zoneinfo
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from skillrt.actions import CATALOGUE
from skillrt.clock import time_zone

FORBIDDEN = (
    *(
        "open",
        "import",
        "exec",
        "compile",
        "os.",
        "shutil.",
        "pathlib.",
        "tempfile.",
        "glob.",
        "mmap.",
    ),
    *(
        "socket.",
        "subprocess.",
        "pty.",
        "ctypes.",
        "urllib.",
        "http.",
        "ftplib.",
        "smtplib.",
        "ssl.",
    ),
    *(
        "pickle.",
        "marshal.",
        "code.",
        "function.",
        "builtins.input",
        "cpython.",
        "gc.",
        "sqlite3.",
        "syslog.",
    ),
    *(
        "sys.setprofile",
        "sys.settrace",
        "sys.addaudithook",
        "sys._current_frames",
        "resource.",
        "signal.",
        "winreg.",
    ),
)
LITERAL = "<unknown>"  # what `ast.literal_eval` calls the text it reads, which it never runs


class Watch:
    """The one audit hook of the tests: hooks cannot be taken away again, so it is told when to listen."""

    def __init__(self) -> None:
        self.listening = False
        self.heard: list[str] = []
        sys.addaudithook(self)

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.listening or not event.startswith(FORBIDDEN):
            return
        if event == "compile" and arguments[1] == LITERAL:
            return
        if event == "open" and str(arguments[0]).startswith(ZONES):
            return
        self.heard.append(f"{event} {arguments!r}"[:200])

    @contextmanager
    def over(self) -> Iterator[list[str]]:
        """Listen; what was heard is in the list afterwards."""
        self.heard = []
        self.listening = True
        try:
            yield self.heard
        finally:
            self.listening = False


def warm_up() -> None:
    """Load and cache what is loaded once, when it is first asked for."""
    for module in ("_strptime", "decimal", "fractions", "rapidfuzz.distance"):
        importlib.import_module(module)
    for entry in CATALOGUE.values():
        assert isinstance(entry.parameters, tuple)
    time_zone("Europe/Berlin")


ZONES = tuple({*zoneinfo.TZPATH, *zoneinfo.__path__, "/usr/share/zoneinfo"})
"""Where Python reads the time zones that skills name; only names of zones that exist get there."""

warm_up()
WATCH = Watch()
