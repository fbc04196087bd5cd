"""How deep templates may nest: what CPython's compiler takes, less what the generated code puts around a body."""

from __future__ import annotations

from typing import Final

MAX_BLOCKS: Final = 50
MAX_FRAMES: Final = 15
"""Of the blocks, loops and captures."""

MAX_DEPTH: Final = 100
"""Levels of one expression: parentheses, arguments, links such as `.name`, signs."""
