"""How an expression ends the skill it stands in: compiled code raises, and catches at the skill's edge."""

from __future__ import annotations

from typing import Any


class Leave(Exception):  # noqa: N818 - no error: a return from inside an expression
    """The skill ends with `value`."""

    def __init__(self, value: Any) -> None:
        """Keep the value."""
        super().__init__()
        self.value = value


def leave(value: Any) -> Any:
    """End the running skill with `value`; never returns.

    Raises:
        Leave: always.
    """
    raise Leave(value)
