"""One execution as its skills and actions see it: who, where, when, and the prompt of the running skill."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from skillrt.clock import Clock
from skillrt.connectors.base import Connector
from skillrt.debug import annotate
from skillrt.errors import LimitError
from skillrt.interrupts import Decision, Execution
from skillrt.llm.base import Message, Provider, Request
from skillrt.model import Act, Actor, Agent, Event, Persona
from skillrt.moderation import Moderate
from skillrt.options import Options
from skillrt.outcome import Outcome
from skillrt.prompt import Prompt
from skillrt.stores.base import Store
from skillrt.trace import Fact, GenerationEnded, Moment, SkillEnded, SkillStarted, Trace
from skillrt.values import defined

Value = TypeVar("Value")


class SkillFunction(Protocol):
    """A compiled skill."""

    __name__: str
    __globals__: dict[str, Any]

    def __call__(self, ctx: Context, /, **arguments: Any) -> Awaitable[Any]:
        """Run it; the result is the skill's."""
        ...


@dataclass(slots=True)
class Command:
    """A command a skill sent; `id` is that of its act."""

    id: str
    idn: str
    integration_idn: str
    connector_idn: str
    arguments: dict[str, str]


@dataclass(slots=True)
class Run:
    """What one execution did, filled while it runs.

    `out` is the text its entry skill printed outside roles (blanks alone count as none), `messages` its closed
    messages, `exposed` the variables it exposed to the host. `outcomes` are those of its generations. `interrupted`
    says that an event ended it early, `decision` whether it ran at all: a dropped or refused one is empty.
    `followed` are the runs of other events that were carried out by the same call, in order.
    """

    skill: str
    result: Any = ""
    out: str = ""
    messages: list[Message] = field(default_factory=list[Message])
    requests: list[Request] = field(default_factory=list[Request])
    exposed: dict[str, Any] = field(default_factory=dict[str, Any])
    outcomes: list[Outcome] = field(default_factory=list[Outcome])
    events: list[Event] = field(default_factory=list[Event])
    commands: list[Command] = field(default_factory=list[Command])
    interrupted: bool = False
    decision: Decision = Decision.STARTED
    followed: list[Run] = field(default_factory=list["Run"])


class Frame(Prompt):
    """One running skill: its prompt, its open not-interruptible blocks, its place in the chain of calls."""

    __slots__ = ("blocks", "context", "exposed", "received", "skill")

    def __init__(self, context: Context, skill: str) -> None:
        """Belongs to `context`; `skill` is the idn."""
        super().__init__(context.options.prompt_limit_chars)
        self.context = context
        self.skill = skill
        self.blocks = 0
        self.exposed: dict[str, Any] = {}
        self.received: dict[str, Any] = {}

    def __enter__(self) -> Self:
        """Become the innermost frame."""
        frames = self.context.frames
        limit = self.context.options.call_depth
        if len(frames) >= limit:
            raise LimitError(f"skills call each other more than {limit} levels deep")
        frames.append(self)
        if self.context.trace is not None:
            self.context.tell(SkillStarted(len(frames) - 1))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the chain: close own blocks, hand over what was exposed, say where an error came from."""
        frames = self.context.frames
        if self.context.trace is not None:
            self.context.tell(ended_by(error))
        frames.pop()
        self.context.execution.blocks -= self.blocks
        if error is None and self.exposed:
            (frames[-1].received if frames else self.context.run.exposed).update(self.exposed)
        if not frames:
            self.context.run.out = self.outside if self.outside.strip() else ""
            self.context.run.messages = self.messages
        if isinstance(error, Exception):
            annotate(error, traceback, [*(frame.skill for frame in frames), self.skill])

    def expose(self, name: str, value: Value, when: bool = True) -> Value:
        """Hand a variable to the caller (or the host), once this run has ended normally; returns its value."""
        if when:
            self.exposed[name] = defined(value)
        return value

    def take(self, name: str, value: Any) -> Any:
        """What a called skill exposed under `name`, else the present `value`."""
        return self.received.pop(name, value)


@dataclass(slots=True, kw_only=True)
class Context:
    """One execution: an event running one skill, with all the skills it calls.

    `act` is the act of the event. `persona` and `actor` are None in a global execution. `models` are the
    (provider, model) that skills name for their generations, by skill.
    """

    event: Event
    act: Act
    agent: Agent
    persona: Persona | None
    actor: Actor | None
    flow: str
    skills: Mapping[str, Callable[..., Awaitable[Any]]]
    store: Store
    clock: Clock
    random: Random
    provider: Provider
    connectors: Mapping[tuple[str, str], Connector]
    options: Options
    execution: Execution
    run: Run
    emit: Callable[[Event], None]
    models: Mapping[str, tuple[str, str] | None] = field(
        default_factory=dict[str, "tuple[str, str] | None"]
    )
    frames: list[Frame] = field(default_factory=list[Frame])
    trace: Trace | None = None
    moderate: Moderate | None = None

    def skill(self, idn: str) -> Frame:
        """The frame of a skill about to run: `with ctx.skill("Reply") as out:`."""
        return Frame(self, idn)

    @property
    def frame(self) -> Frame:
        """The frame of the running skill."""
        return self.frames[-1]

    def note(self, outcome: Outcome) -> None:
        """Keep how a generation ended."""
        self.run.outcomes.append(outcome)
        if self.trace is not None:
            self.tell(GenerationEnded(outcome))

    def tell(self, fact: Fact) -> None:
        """Tell the trace. Ask whether there is one first: without it, nothing is to be made for it."""
        if self.trace is not None:
            self.trace(Moment(self.clock.now(), self.event.id, self.flow, self.frame.skill), fact)


def ended_by(error: BaseException | None) -> SkillEnded:
    """How a skill ended that `error` leaves."""
    if error is None:
        return SkillEnded("completed")
    return SkillEnded("failed" if isinstance(error, Exception) else "stopped", error)
