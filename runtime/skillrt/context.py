"""One execution as its skills and actions see it: who, where, when, and the prompt of the running skill."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from skillrt.clock import Clock
from skillrt.connectors.base import Command, Connector
from skillrt.debug import annotate
from skillrt.errors import LimitError
from skillrt.interrupts import Decision, Execution
from skillrt.llm.base import Message, Provider, Request
from skillrt.manifest import StateFieldManifest
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


class Host(Protocol):
    """What an execution hands over to the runtime around it; nothing of it waits for skills or services."""

    async def emit(self, event: Event) -> None:
        """Offer an event to everybody who subscribes to it.

        Raises:
            StoreError: its act could not be recorded; nobody was offered it.
        """
        ...

    def command(self, command: Command) -> bool:
        """Have a command carried out in the background; False when its connector is stopped."""
        ...

    async def said(self, acts: Sequence[Act], hops: int) -> None:
        """Messages were delivered and are remembered; `hops` are those of an event that they lead to."""
        ...


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

    __slots__ = ("blocks", "context", "exposed", "library", "received", "skill")

    def __init__(self, context: Context, skill: str, library: str = "") -> None:
        """Belongs to `context`; `skill` is the idn, behind that of its `library` if it is one's (`shared.tidy`)."""
        super().__init__(context.options.prompt_limit_chars)
        self.context = context
        self.library = library
        self.skill = f"{library}.{skill}" if library else skill
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
        self.close_role()
        frames = self.context.frames
        if self.context.trace is not None:
            self.context.tell(ended_by(error))
        frames.pop()
        self.context.execution.blocks -= self.blocks
        if error is None and self.exposed:
            self._hand_over(frames[-1] if frames else None)
        if not frames:
            printed = self.outside
            self.context.run.out = printed if printed.strip() else ""
            self.context.run.messages = self.messages
        if isinstance(error, Exception):
            annotate(error, traceback, [*(frame.skill for frame in frames), self.skill])

    def _hand_over(self, caller: Frame | None) -> None:
        """Give what was exposed to the host, or to the caller, whose own exposures follow."""
        if caller is None:
            self.context.run.exposed.update(self.exposed)
            return
        caller.received.update(self.exposed)
        for name in caller.exposed.keys() & self.exposed.keys():
            caller.exposed[name] = self.exposed[name]

    def expose(self, name: str, value: Value, when: bool | None = True) -> Value:
        """Hand a variable to the caller (or the host), once this run has ended normally; returns its value.

        Unless `when`, only if it is exposed already: its last value counts.
        """
        if when or name in self.exposed:
            self.exposed[name] = defined(value)
        return value

    def take(self, name: str, value: Any) -> Any:
        """What a called skill exposed under `name`, else the present `value`."""
        return self.received.pop(name, value)


@dataclass(slots=True, kw_only=True)
class Context:
    """One execution: an event running one skill, with all the skills it calls.

    `act` is the act of the event. `persona` and `actor` are None in a global execution. `models` are the
    (provider, model) that skills name for their generations, by skill; `model` is the flow's, for those that name
    none. `libraries` are the skills of each library of the project; in `models` they stand as `shared.tidy`.
    `states` are the declared state fields of the flow, `typing` the actors who are shown that the agent types.
    `steps` counts those of all its loops, and `due` says that the next one is to be a point.
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
    host: Host
    models: Mapping[str, tuple[str, str] | None] = field(
        default_factory=dict[str, "tuple[str, str] | None"]
    )
    model: tuple[str, str] | None = None
    libraries: Mapping[str, Mapping[str, Callable[..., Awaitable[Any]]]] = field(
        default_factory=dict[str, "Mapping[str, Callable[..., Awaitable[Any]]]"]
    )
    project: str = ""
    states: Mapping[str, StateFieldManifest] = field(default_factory=dict[str, StateFieldManifest])
    typing: dict[str, Actor] = field(default_factory=dict[str, Actor])
    frames: list[Frame] = field(default_factory=list[Frame])
    trace: Trace | None = None
    moderate: Moderate | None = None
    steps: int = 0
    due: bool = False

    def skill(self, idn: str, library: str = "") -> Frame:
        """The frame of a skill about to run: `with ctx.skill("Reply") as out:`; one of a library names that too."""
        return Frame(self, idn, library)

    @property
    def frame(self) -> Frame:
        """The frame of the running skill."""
        return self.frames[-1]

    async def point(self) -> None:
        """Let an event interrupt the execution here, between two steps of a long loop, and others run."""
        self.due = False
        await self.execution.point()

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
