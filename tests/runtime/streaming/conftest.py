"""A stage for skills: one person, one sink, a scripted model and a clock that only the test moves."""

from __future__ import annotations

from functools import cached_property
from random import Random
from typing import Any

import pytest

from skillrt import Act, Agent, Event, MemoryStore, Options, Persona, Run, Runtime
from skillrt.testing.clock import VirtualClock
from skillrt.testing.provider import ScriptedProvider, Step
from skillrt.testing.sinks import RecordingSink


class Unshortened(Random):
    """Makes pauses exact."""

    def random(self) -> float:
        return 0.0


class Stage:
    """What a test of streaming needs; set what differs before the first use of `runtime`."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.sink = RecordingSink()
        self.store = MemoryStore()
        self.persona = Persona(name="Sue")
        self.options = Options()
        self.agent = Agent()
        self.provider = ScriptedProvider(["Hello."])
        self.connectors: list[Any] = []

    @cached_property
    def runtime(self) -> Runtime:
        return Runtime(
            provider=self.provider,
            connectors=self.connectors,
            store=self.store,
            options=self.options,
            clock=self.clock,
            random=Unshortened(),
            agent=self.agent,
        )

    def script(self, *scripts: list[Step]) -> None:
        """What the model says, request by request."""
        self.provider = ScriptedProvider(*scripts)

    def at(self, moment: float) -> Step:
        """A step of a script: wait until then."""
        return lambda: self.clock.sleep_until(moment)

    def event(self, idn: str = "user_message", text: str = "wait", **more: Any) -> Event:
        """An event of the person; a message of hers is user input."""
        return Event(
            idn=idn,
            persona_id=self.persona.id,
            arguments={"text": text},
            user_input=idn == "user_message",
            **more,
        )

    async def run(self, skill: Any, message: str | None = "hi", **more: Any) -> Run:
        return await self.runtime.run(
            skill, message=message, persona=self.persona, sink=self.sink, **more
        )

    async def acts(self) -> list[Act]:
        return list(await self.store.messages(self.runtime.agent.id))

    async def memory(self) -> list[str]:
        """The conversation; a message that was cut ends with a dash."""
        labels = {"user_message": "U", "agent_message": "A"}
        return [
            f"{labels[act.reference_idn]}: {act.text}"
            + ("-" if act.arguments.get("interrupted") else "")
            for act in await self.acts()
        ]


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture(scope="session")
def stages() -> type[Stage]:
    """To make several in one test."""
    return Stage
