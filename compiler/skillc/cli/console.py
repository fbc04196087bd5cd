"""What a conversation shows: the agent's messages beside a prompt, and what the project did."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import anyio

from skillc.cli.terminal import PROMPT, show
from skillrt.connectors.base import CloseReason
from skillrt.connectors.sandbox import Screen
from skillrt.outcome import Outcome
from skillrt.trace import Fact, GenerationEnded, Moment, SkillEnded, SkillStarted

KEPT_EXECUTIONS: Final = 200


class Console(Screen):
    """A screen with a prompt: what the agent says begins on a line of its own."""

    def __init__(self, *, at_terminal: bool) -> None:
        """Without a terminal there is no prompt."""
        super().__init__(show)
        self.at_terminal = at_terminal
        self.stirred = anyio.Event()
        """Set when a prompt may be wanted again."""
        self._prompted = False

    async def write(self, text: str) -> None:
        """Show more of the agent's message."""
        self._leave_prompt()
        await super().write(text)

    async def close(self, reason: CloseReason) -> None:
        """End the message."""
        await super().close(reason)
        self.stirred.set()

    def typing(self) -> None:
        """Show that the agent is typing."""
        self._leave_prompt()
        super().typing()

    def line(self, text: str) -> None:
        """Show a line that is not the agent's."""
        if self.length:
            self.show("\n")
        self._leave_prompt()
        self.show(f"{text}\n")

    def prompt(self) -> None:
        """Show that the user may say something, unless that is to be seen already."""
        if self.at_terminal and not self._prompted and not self.length:
            self.show(PROMPT)
            self._prompted = True

    def entered(self) -> None:
        """The user pressed return, which left the prompt."""
        self._prompted = False

    def _leave_prompt(self) -> None:
        if self._prompted:
            self.show("\n")
            self._prompted = False


@dataclass(slots=True)
class Execution:
    """One event's run of a skill, as the trace told it."""

    event_id: str
    flow: str
    skill: str
    depth: int = 0
    how: str = "running"
    outcomes: list[Outcome] = field(default_factory=list[Outcome])


class Executions:
    """The last executions, in order of their beginning; the runtime's trace."""

    def __init__(self) -> None:
        """There was none."""
        self.kept: deque[Execution] = deque(maxlen=KEPT_EXECUTIONS)

    def __call__(self, moment: Moment, fact: Fact) -> None:
        """Take note of a fact."""
        if isinstance(fact, SkillStarted) and fact.depth == 0:
            self.kept.append(Execution(moment.event_id, moment.flow, moment.skill))
        about = (moment.event_id, moment.flow)
        execution = next((e for e in reversed(self.kept) if (e.event_id, e.flow) == about), None)
        if execution is None:
            return
        match fact:
            case SkillStarted():
                execution.depth += 1
            case SkillEnded():
                execution.depth -= 1
                if execution.depth == 0:
                    execution.how = fact.how
            case GenerationEnded():
                execution.outcomes.append(fact.outcome)
            case _:
                pass

    def lines(self, most: int) -> Iterator[str]:
        """The last of them, each with its generations below it."""
        for execution in list(self.kept)[-most:]:
            yield f"{execution.flow}.{execution.skill}: {execution.how}"
            yield from (f"  {_shown(outcome)}" for outcome in execution.outcomes)


def _shown(outcome: Outcome) -> str:
    """How a generation ended, and what it cost; estimated tokens have a `~`."""
    delivered = max(map(len, outcome.delivered.values()), default=0)
    about = "~" if outcome.usage.estimated else ""
    parts = [
        outcome.outcome,
        f"{len(outcome.generated)} characters",
        *([f"{delivered} delivered"] if outcome.delivered else []),
        f"{about}{outcome.usage.input_tokens} + {about}{outcome.usage.output_tokens} tokens",
        f"{outcome.total_s:.1f} s",
        *([outcome.cause] if outcome.cause else []),
    ]
    return f"{outcome.action}: {', '.join(parts)}"
