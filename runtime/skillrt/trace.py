"""What happens in a runtime, as it happens, for whoever wants to know: one callback, and never a call per token.

Without a callback nothing here is called or made. What a generation cost and took stands in its `Outcome`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeAlias

from skillrt.llm.base import Request
from skillrt.outcome import Outcome

log: Final = logging.getLogger("skillrt")


class Moment(NamedTuple):
    """When and where: the runtime's clock in seconds, the event that is carried out, and the skill that runs."""

    at_s: float
    event_id: str
    flow: str
    skill: str


@dataclass(frozen=True, slots=True)
class SkillStarted:
    """A skill begins; `depth` is 0 for that of the event, 1 for those it calls."""

    depth: int


@dataclass(frozen=True, slots=True)
class SkillEnded:
    """A skill is left: it `completed`, it `failed` by `error`, or an event or the host `stopped` it."""

    how: Literal["completed", "failed", "stopped"]
    error: BaseException | None = None


@dataclass(frozen=True, slots=True)
class AttemptStarted:
    """The model is asked, for the `attempt`th time (from 1) in this generation."""

    attempt: int
    request: Request


@dataclass(frozen=True, slots=True)
class FirstText:
    """The model's first text of this generation came."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A stream is told to stop; its deliveries and its generation end next."""

    cause: str


@dataclass(frozen=True, slots=True)
class DeliveryEnded:
    """One actor's part of a stream is over; `lost` says why it ended before the stream did, "" if it did not."""

    message_id: str
    actor_id: str
    characters: int
    lost: str


@dataclass(frozen=True, slots=True)
class GenerationEnded:
    """A generation is over, or was none: nobody to send to, nothing to ask."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class MessageSent:
    """A whole message was sent; `actor_ids` are those that got it, maybe none."""

    message_id: str
    actor_ids: tuple[str, ...]
    characters: int


Fact: TypeAlias = (
    SkillStarted
    | SkillEnded
    | AttemptStarted
    | FirstText
    | Interrupted
    | DeliveryEnded
    | GenerationEnded
    | MessageSent
)
Trace: TypeAlias = Callable[[Moment, Fact], None]


def harmless(trace: Trace) -> Trace:
    """The same, but what it raises is logged and ends nothing."""

    def told(moment: Moment, fact: Fact) -> None:
        try:
            trace(moment, fact)
        except Exception:
            log.exception("the trace failed at %s", type(fact).__name__)

    return told
