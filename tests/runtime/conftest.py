"""One execution for the tests of actions: user Sue talks to agent Mia on the sandbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Literal

import anyio
import pytest

from skillrt import actions
from skillrt.connectors.base import Command, OutputStream, StreamMeta
from skillrt.context import Context, Run
from skillrt.errors import ProviderError
from skillrt.interrupts import Execution
from skillrt.model import Act, Actor, Agent, Event, Persona
from skillrt.options import Options
from skillrt.stores.memory import MemoryStore
from skillrt.testing.clock import VirtualClock
from skillrt.testing.provider import ScriptedProvider

START = datetime(2024, 1, 19, 17, 47, 19, 479534, UTC)
REFUSAL = ProviderError("refused", "the model is away")


class Channel:
    """Notes what is sent; raises `error`, or waits for `gate` first, if told to."""

    def __init__(self, integration_idn: str, connector_idn: str) -> None:
        self.integration_idn = integration_idn
        self.connector_idn = connector_idn
        self.sent: list[tuple[str, str, dict[str, str]]] = []
        self.error: Exception | None = None
        self.gate: anyio.Event | None = None

    async def send_message(self, actor: Actor, text: str, arguments: Mapping[str, str]) -> None:
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        self.sent.append((actor.id, text, dict(arguments)))

    async def open_stream(self, actor: Actor, meta: StreamMeta) -> OutputStream | None:
        return None


@dataclass
class World:
    """What an execution touches, and how tests reach it."""

    ctx: Context
    store: MemoryStore
    clock: VirtualClock
    sandbox: Channel
    sms: Channel
    emitted: list[Event] = field(default_factory=list[Event])

    async def do(self, called: str, /, **arguments: Any) -> Any:
        """Call an action or skill by its template name, as `Do` does: every argument is converted."""
        return await actions.do(self.ctx, action_name=called, arguments=arguments)

    def answer(self, *replies: str) -> ScriptedProvider:
        """Have the model give these replies in turn; without any it refuses."""
        scripts: list[list[Any]] = [[reply] for reply in replies] or [[REFUSAL]]
        self.ctx.provider = provider = ScriptedProvider(*scripts)
        return provider

    def use(self, **changes: Any) -> None:
        """Change the host's options."""
        self.ctx.options = replace(self.ctx.options, **changes)

    def make_global(self) -> None:
        """Take away user and actor, as in a flow's global instance."""
        self.ctx.persona = self.ctx.actor = None

    async def said(
        self,
        who: Literal["U", "A"],
        text: str,
        *,
        minutes: float = 0,
        actor_id: str = "a1",
        persona_id: str = "sue",
        **more: Any,
    ) -> Act:
        """Put a message into memory, so many minutes after the start."""
        act = Act(
            reference_idn="user_message" if who == "U" else "agent_message",
            kind="message",
            datetime=START + timedelta(minutes=minutes),
            agent_ids=("agent-mia",),
            user_persona_id=persona_id,
            actor_id=actor_id,
            text=text,
            **more,
        )
        await self.store.put_act(act)
        return act


@dataclass
class Alone:
    """The host of an execution without an engine: events are noted, commands are taken."""

    emitted: list[Event]

    async def emit(self, event: Event) -> None:
        self.emitted.append(event)

    def command(self, command: Command) -> bool:
        return True

    async def said(self, acts: Sequence[Act], hops: int) -> None:
        pass


def at_once(step: Any) -> None:
    """Run a coroutine that never waits."""
    with pytest.raises(StopIteration):
        step.send(None)


@pytest.fixture
def world() -> World:
    """Sue's message `A table for two?` has just started the skill Main of flow `Talk`."""
    store, clock = MemoryStore(), VirtualClock(START)
    sandbox, sms = Channel("sandbox", "sandbox"), Channel("twilio_messenger", "sms")
    sue = Persona(id="sue", name="Sue", email="sue@example.org")
    actors = [
        Actor(id="a1", persona_id="sue", external_id="+1", name="Susan's chat"),
        Actor(
            id="a2",
            persona_id="sue",
            integration_idn="twilio_messenger",
            connector_idn="sms",
            external_id="+1",
            name="Susan's phone",
            time_zone="America/Los_Angeles",
        ),
    ]
    at_once(store.put_persona(sue))
    for actor in actors:
        at_once(store.put_actor(actor))
    event = Event(
        idn="user_message",
        integration_idn="sandbox",
        connector_idn="sandbox",
        arguments={"text": "A table for two?", "reason": "busy", "data": '{"n": 1}'},
        actor_id="a1",
        persona_id="sue",
        user_input=True,
        hops=1,
    )
    act = Act(
        id="act-1",
        reference_idn="user_message",
        kind="message",
        datetime=START,
        agent_ids=("agent-mia",),
        user_persona_id="sue",
        actor_id="a1",
        session_id="s1",
        integration_idn="sandbox",
        connector_idn="sandbox",
        text="A table for two?",
    )
    emitted: list[Event] = []
    ctx = Context(
        event=event,
        act=act,
        agent=Agent(
            id="agent-mia",
            idn="Host",
            title="Host of the house",
            persona=Persona(id="mia", type="agent", name="Mia", description="Friendly"),
        ),
        persona=sue,
        actor=actors[0],
        flow="Talk",
        skills={},
        store=store,
        clock=clock,
        random=Random(1),
        provider=ScriptedProvider([REFUSAL]),
        connectors={("sandbox", "sandbox"): sandbox, ("twilio_messenger", "sms"): sms},
        options=Options(),
        execution=Execution(lambda: None),
        run=Run("Main"),
        host=Alone(emitted),
    )
    ctx.frames.append(ctx.skill("Main"))
    return World(ctx, store, clock, sandbox, sms, emitted)
