"""Whole stories of events and time, against a model that a person could follow with pencil and paper."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import TypeAlias

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine_place import Place, flow, on
from fuzz import examples, size
from skillrt.testing.provider import ScriptedProvider

LASTS_S = 2.0
LOG = '{{SetState(name="log", value=Concat(GetState(name="log"), GetTriggeredAct(fields=["text"]), "%s"))}}'
SKILLS = {
    "pause": '{{Sleep(duration="2")}}' + LOG % "!",
    "block": "{{StartNotInterruptibleBlock()}}"
    '{{Sleep(duration="2")}}{{StopNotInterruptibleBlock()}}' + LOG % "!",
    "stream": '{{#system~}}Be brief.{{~/system}}{{Set(name="said", value=GenStream(interruptMode="interrupt"))}}'
    + LOG % "!",
    "instant": LOG % "!",
}
MODES = ("queue", "interrupt", "cancel")


@dataclass(frozen=True)
class Emit:
    """An event; `again` sends it twice under one external id."""

    name: str
    skill: str
    mode: str
    must: bool
    said: bool
    again: bool


Step: TypeAlias = Emit | float

STEPS = st.one_of(
    st.builds(
        Emit,
        st.sampled_from(["Ann", "Bob"]),
        st.sampled_from(sorted(SKILLS)),
        st.sampled_from(MODES),
        st.booleans(),
        st.booleans(),
        st.booleans(),
    ),
    st.sampled_from([0.5, 1.0, 2.0, 3.0]),
)


@dataclass
class Waiting:
    """An event that runs or waits to."""

    text: str
    skill: str
    must: bool
    ends: float = 0.0
    pending: bool = False

    @property
    def can_be_cut(self) -> bool:
        """Whether it is a stream that what the person says ends."""
        return self.skill == "stream" and not self.must


@dataclass
class Person:
    """The one flow instance of one persona."""

    log: str = ""
    queue: list[Waiting] = field(default_factory=list)
    current: Waiting | None = None

    def arrive(self, arriving: Waiting, mode: str, said: bool, now: float) -> None:
        """Queue, drop or interrupt as the mode says."""
        busy = self.current is not None
        if mode == "cancel" and busy:
            return
        if mode == "interrupt" and busy:
            self.queue = [waiting for waiting in self.queue if waiting.must]
            self.interrupt()
        self.queue.append(arriving)
        if mode == "queue" and said and self.current is not None and self.current.can_be_cut:
            self.current.ends = now
        self.go_on(now)

    def interrupt(self) -> None:
        """Stop what may be stopped, or have it stopped at its next point."""
        assert self.current is not None
        if self.current.must:
            return
        if self.current.skill == "block":
            self.current.pending = True
        else:
            self.current = None

    def go_on(self, now: float) -> None:
        """All that happens until `now`."""
        moment = now
        while True:
            if self.current is not None:
                if self.current.ends > now:
                    return
                moment = self.current.ends
                if not self.current.pending:
                    self.log += self.current.text + "!"
                self.current = None
            elif self.queue:
                self.current = self.queue.pop(0)
                self.log += self.current.text
                lasts_s = 0.0 if self.current.skill == "instant" else LASTS_S
                self.current.ends = moment + lasts_s
            else:
                return


@cache
def talk() -> ModuleType:
    subscriptions = [on(f"{skill}_{mode}", skill, mode) for skill in SKILLS for mode in MODES]
    skills = {idn: LOG % "" + template for idn, template in SKILLS.items()}
    return flow("talk", *subscriptions, **skills)


async def follow(steps: list[Step]) -> None:
    place = Place()
    place.provider = ScriptedProvider(
        [lambda: place.clock.sleep_until(place.clock.now() + LASTS_S), "Yes."]
    )
    people: defaultdict[str, Person] = defaultdict(Person)
    async with place.serving(talk()):
        for name in ("Ann", "Bob"):
            await place.runtime.emit("hello", actor=place.person(name))
        for number, step in enumerate(steps):
            if isinstance(step, float):
                await place.clock.advance(step)
            else:
                text = f"{number}."
                for _ in range(1 + step.again):
                    emitted = await place.runtime.emit(
                        f"{step.skill}_{step.mode}",
                        actor=place.person(step.name),
                        arguments={"text": text},
                        uninterruptible=step.must,
                        user_input=step.said,
                        external_event_id=text if step.again else None,
                    )
                await place.clock.advance(0.0)
                assert emitted.duplicate == step.again
                waiting = Waiting(text, step.skill, step.must)
                people[step.name].arrive(waiting, step.mode, step.said, place.clock.now())
            await compare(place, people)
        await place.clock.advance(LASTS_S * len(steps) + LASTS_S)
        await compare(place, people)
    assert place.provider.open == 0
    assert place.runtime._instances == {}


async def compare(place: Place, people: defaultdict[str, Person]) -> None:
    for name, person in people.items():
        person.go_on(place.clock.now())
        assert await place.state("talk", "log", name) == (person.log or None)


@examples(size(200, 5_000), 5_000)
@given(steps=st.lists(STEPS, max_size=25))
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_any_story_goes_as_the_model_says(backend: str, steps: list[Step]) -> None:
    """Whatever comes whenever: each persona's flow starts, ends, drops and stops as the model says, at every step."""
    anyio.run(follow, steps, backend=backend)
