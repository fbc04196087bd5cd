"""Many events: one persona's stay one at a time and in order, and many personas do not hinder each other."""

from __future__ import annotations

from collections import Counter
from random import Random

import anyio
import pytest

from engine_place import Place, flow, on
from fuzz import size
from skillrt.trace import Fact, Moment, SkillEnded, SkillStarted

pytestmark = pytest.mark.anyio

NOTE = '{{SetState(name="log", value=Concat(GetState(name="log"), GetTriggeredAct(fields=["text"]), ";"))}}'
SECONDS = size(10, 60)
PERSONAS = size(500, 5_000)


class OneAtATime:
    """A trace that notes how many executions of a persona run at once."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.running: Counter[str] = Counter()
        self.most = 0

    def __call__(self, moment: Moment, fact: Fact) -> None:
        match fact:
            case SkillStarted():
                self.running[moment.flow] += 1
                self.most = max(self.most, self.running[moment.flow])
            case SkillEnded():
                self.running[moment.flow] -= 1
            case _:
                pass


@pytest.mark.parametrize("mode", ["queue", "interrupt"])
async def test_a_hundred_events_a_second_of_one_persona(place: Place, mode: str) -> None:
    """The final state is that of handling the same events one after the other, those that were handled."""
    place.trace = watch = OneAtATime(place)
    template = (
        NOTE
        + '{{Sleep(duration="0.005")}}{{SetState(name="last", value=GetTriggeredAct(fields=["text"]))}}'
    )
    texts = [str(number) for number in range(100 * SECONDS)]
    async with place.serving(flow("talk", on("user_message", "Main", mode), Main=template)):
        for text in texts:
            await place.say(text)
            await place.clock.advance(0.01)
    assert await place.state("talk", "log") == "".join(f"{text};" for text in texts)
    assert await place.state("talk", "last") == texts[-1]
    assert watch.most == 1


async def test_a_storm_is_over_with_its_last_event(place: Place) -> None:
    """Events faster than they are handled: one runs at a time, and of the waiting ones the last."""
    place.trace = watch = OneAtATime(place)
    template = (
        NOTE + '{{Sleep(duration="1")}}' + '{{SetState(name="end", value=GetState(name="log"))}}'
    )
    async with place.serving(flow("talk", on("user_message", "Main", "interrupt"), Main=template)):
        for text in range(1000):
            await place.runtime.emit("user_message", actor=place.person(), arguments={"text": text})
    log = str(await place.state("talk", "log")).split(";")[:-1]
    assert log[-1] == "999"
    assert log == sorted(set(log), key=int)
    assert await place.state("talk", "end") == await place.state("talk", "log")
    assert watch.most == 1


async def test_an_event_that_waits_costs_no_task(place: Place) -> None:
    """Thousands may wait for one that is slow."""
    template = '{{Sleep(duration="1")}}' + NOTE
    async with place.serving(flow("talk", on("user_message"), Main=template)):
        await place.say("0")
        before = len(anyio.get_running_tasks())
        for text in range(1, 100):
            await place.say(str(text))
        assert len(anyio.get_running_tasks()) == before
    assert await place.state("talk", "log") == "".join(f"{text};" for text in range(100))


async def test_many_personas_at_once(place: Place) -> None:
    """Each persona's events are handled in the order they were sent, and everybody's are."""
    texts = ["a", "b", "c", "d"]

    async def talk(name: str) -> None:
        for text in texts:
            await place.runtime.emit(
                "user_message", actor=place.person(name), arguments={"text": text}
            )

    names = [f"P{number}" for number in range(PERSONAS)]
    Random(1).shuffle(names)
    template = NOTE + '{{Sleep(duration="0.5")}}'
    async with place.serving(flow("talk", on("user_message"), Main=template)):
        async with anyio.create_task_group() as tasks:
            for name in names:
                tasks.start_soon(talk, name)
        await place.clock.advance(0.5 * len(texts) * PERSONAS / place.options.executions)
        logs = {await place.state("talk", "log", name) for name in names}
    assert logs == {"a;b;c;d;"}
    assert len(place.acts("session_started")) == PERSONAS
