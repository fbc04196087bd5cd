"""What a failed attempt means: whether another may help, how long to wait for it, the outcome if there is none. Pure.

Source: action catalogue, provider contract, retries.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Final, NamedTuple


class Failure(NamedTuple):
    """Why an attempt gave no reply; `reason` is that of a ProviderError, or `empty` or `schema`."""

    reason: str
    cause: str
    status: int | None = None
    retryable: bool = False
    retry_after_s: float | None = None


class Rule(NamedTuple):
    """What a failure means: whether another attempt may help, and the outcome if there is none."""

    retry: bool
    outcome: str


# Reason of a failure, or for reason `status` the HTTP status, then its hundred.
POLICY: Final[Mapping[str | int, Rule]] = {
    "transport": Rule(retry=True, outcome="failed(provider)"),
    "timeout": Rule(retry=True, outcome="failed(timeout)"),
    "truncated": Rule(retry=True, outcome="failed(truncated)"),
    "protocol": Rule(retry=True, outcome="failed(protocol)"),
    "empty": Rule(retry=True, outcome="failed(empty)"),
    "schema": Rule(retry=True, outcome="failed(schema)"),
    "refused": Rule(retry=False, outcome="failed(refused)"),
    408: Rule(retry=True, outcome="failed(provider)"),
    409: Rule(retry=True, outcome="failed(provider)"),
    429: Rule(retry=True, outcome="failed(provider)"),
    400: Rule(retry=False, outcome="failed(provider)"),
    500: Rule(retry=True, outcome="failed(provider)"),
}


def rule_for(failure: Failure) -> Rule:
    """The policy for a failure; what the table does not know is the provider's own judgement."""
    if failure.reason != "status":
        known = POLICY.get(failure.reason)
    else:
        status = failure.status or 0
        known = POLICY.get(status) or POLICY.get(status - status % 100)
    return known or Rule(failure.retryable, "failed(provider)")


def pause_s(attempt: int, retry_after_s: float | None, random: Random) -> float:
    """How long to wait after the failed attempt number `attempt` (from 1); a longer Retry-After wins."""
    pause = min(8.0, 0.5 * 2.0 ** (attempt - 1)) * (1 - random.random() / 4)
    return max(pause, retry_after_s or 0.0)
