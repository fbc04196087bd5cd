"""How much tests try: little and always the same in a normal run, much and anew when asked to.

`FUZZ=1` is for property tests, `SOAK=1` for stress tests.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

FUZZ = bool(os.environ.get("FUZZ"))
SOAK = bool(os.environ.get("SOAK"))


def examples(normal: int, full: int) -> settings:
    """A decorator that sets the number of examples of a property test, without a deadline for one of them."""
    return settings(
        max_examples=full if FUZZ else normal,
        deadline=None,
        derandomize=not FUZZ,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def size(normal: int, full: int) -> int:
    """How many of something a stress test takes."""
    return full if SOAK else normal
