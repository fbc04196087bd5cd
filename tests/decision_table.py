"""What an event does that arrives during a GenStream: a letter for each situation, as in the event model."""

from __future__ import annotations

MODES = ("interrupt", "inside", "outside", "none")

# (arriving, protection) -> a letter for each of MODES; in a block and uninterruptible counts as uninterruptible
TABLE = {
    ("queue, user input", "none"): "GGAA",
    ("queue, user input", "block"): "AAAA",
    ("queue, user input", "uninterruptible"): "AAAA",
    ("queue, user input", "block, uninterruptible"): "AAAA",
    ("queue, other", "none"): "AAAA",
    ("queue, other", "block"): "AAAA",
    ("queue, other", "uninterruptible"): "AAAA",
    ("queue, other", "block, uninterruptible"): "AAAA",
    ("cancel", "none"): "BBBB",
    ("cancel", "block"): "BBBB",
    ("cancel", "uninterruptible"): "BBBB",
    ("cancel", "block, uninterruptible"): "BBBB",
    ("interrupt", "none"): "CCDD",
    ("interrupt", "block"): "EEEE",
    ("interrupt", "uninterruptible"): "FFFF",
    ("interrupt", "block, uninterruptible"): "FFFF",
}
CELLS = [
    (arriving, protection, mode, letter)
    for (arriving, protection), letters in TABLE.items()
    for mode, letter in zip(MODES, letters, strict=True)
]
