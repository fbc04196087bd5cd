"""Names that come from disk: what an idn may be, and how a name is shown whatever it holds."""

from __future__ import annotations

import re
from typing import Final

LENGTH_LIMIT: Final = 200
# control characters, surrogates of undecodable file names, and what changes the direction of a line
UNSHOWN: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")


def visible(text: str, keep: str = "") -> str:
    """`text` on one line and safe to print: what a terminal would obey is written as an escape.

    The characters of `keep` stay.
    """
    return UNSHOWN.sub(lambda match: match[0] if match[0] in keep else escape(match[0]), text)


def escape(char: str) -> str:
    r"""`\n`, `\x1b`, `\u202e`: as Python writes the character in a literal."""
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


def refuse_idn(idn: str) -> str | None:
    """Why `idn` is none, or None when it is one.

    Source: project format, idn: 1-200 characters, no control character, slash or backslash, no `.` or `..`.
    """
    if not idn:
        return "it is empty"
    if len(idn) > LENGTH_LIMIT:
        return f"it is longer than {LENGTH_LIMIT} characters"
    if idn in {".", ".."}:
        return "it names a directory"
    if "/" in idn or "\\" in idn:
        return "it has a slash or backslash"
    if CONTROL.search(idn):
        return "it has a control character"
    if any("\ud800" <= char <= "\udfff" for char in idn):
        return "it is not UTF-8"
    return None
