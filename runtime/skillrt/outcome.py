"""How a generation ended: the record that the trace keeps of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from skillrt.llm.base import Usage

COMPLETED: Final = "completed"
INTERRUPTED: Final = "interrupted"
NO_RECIPIENTS: Final = "failed(no_recipients)"
EMPTY_PROMPT: Final = "failed(empty_prompt)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One call of an action that generates.

    `outcome` is `completed`, `interrupted` or `failed(<why>)`, with why one of `no_recipients`, `empty_prompt`,
    `empty`, `refused`, `timeout`, `truncated`, `protocol`, `provider`, `schema`, `partial`; `cause` says more, for
    people. `finish_raw` is the model's own word for its end, `finish` ours (`stop`, `length`, `content_filter`,
    `tool_calls`, `other`); None when it did not say. Times are in seconds from the first request;
    `first_chunk_s` is None when no text came. `generated` is the text after the pipeline, `delivered` what each
    actor got of it, by actor id.
    """

    action: str
    skill: str
    outcome: str
    cause: str = ""
    finish: str | None = None
    finish_raw: str | None = None
    attempts: int = 0
    usage: Usage = field(default_factory=Usage)
    first_chunk_s: float | None = None
    total_s: float = 0.0
    generated: str = ""
    delivered: Mapping[str, str] = field(default_factory=dict[str, str])
