"""What authors carry over from other languages, and how messages quote what they wrote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

FOREIGN: Final[Mapping[str, str]] = {
    "&&": "and",
    "||": "or",
    "!": "not",
    "===": "==",
    "!==": "!=",
    "++": "x + 1",
    "--": "x - 1",
    "?": "an if block",
}
"""Operators of other languages, and what to write instead."""

SHOWN: Final[Mapping[str, str]] = {"?": "?:"}


def shown(written: str) -> str:
    """Template text as a message quotes it: one line, at most 24 characters, nothing invisible."""
    line = written.split("\n", 1)[0]
    if len(line) > 24 or line != written:
        line = f"{line[:23]}…"
    return "".join(char if char.isprintable() else f"U+{ord(char):04X}" for char in line)
