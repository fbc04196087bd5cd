"""What a host can set: limits, deadlines and the few choices the platform leaves open. Times in seconds."""

from __future__ import annotations

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
class Options:
    """Settings of a `Runtime`; the defaults are the documented ones."""

    deadlines: Deadlines = field(default_factory=Deadlines)
    write_grace_s: float = 1.0
    send_timeout_s: float = 10.0
    finalise_timeout_s: float = 5.0
    queue_length: int = 1000
    call_depth: int = 64
    value_limit_chars: int = 8 * 1024 * 1024
    prompt_limit_chars: int = 1024 * 1024
    target_buffer_chunks: int = 256
    time_zone: str = "UTC"
    memory_max_len: int = 200
    memory_labels: Literal["roles", "names"] = "roles"
