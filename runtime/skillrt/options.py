"""What a host can set: limits, deadlines and the few choices the platform leaves open. Times in seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """How long the parts of one generation may take; waiting for a slow target does not count."""

    connect_s: float = 5.0
    first_content_s: float = 15.0
    between_contents_s: float = 15.0
    total_s: float = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTimeouts:
    """When a session ends: so long after the last activity, and so long after the conversation's end."""

    idle_s: float = 300.0
    finished_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Settings of a `Runtime`; the defaults are the documented ones.

    `sessions_by_integration` are for sessions that begin on a channel of that integration, else `sessions` counts.
    """

    deadlines: Deadlines = field(default_factory=Deadlines)
    sessions: SessionTimeouts = field(default_factory=SessionTimeouts)
    sessions_by_integration: Mapping[str, SessionTimeouts] = field(
        default_factory=dict[str, SessionTimeouts]
    )
    write_grace_s: float = 1.0
    send_timeout_s: float = 10.0
    finalise_timeout_s: float = 5.0
    queue_length: int = 1000
    executions: int = 100
    execution_limit_s: float = 600.0
    command_timeout_s: float = 30.0
    shutdown_grace_s: float = 5.0
    hops: int = 64
    duplicates_known_s: float = 86_400.0
    duplicates_known: int = 10_000
    call_depth: int = 64
    loop_steps: int = 1_000_000
    value_limit_chars: int = 8 * 1024 * 1024
    prompt_limit_chars: int = 1024 * 1024
    target_buffer_chunks: int = 256
    time_zone: str = "UTC"
    memory_max_len: int = 200
    memory_labels: Literal["roles", "names"] = "roles"
