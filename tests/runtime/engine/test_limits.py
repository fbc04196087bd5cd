"""What executions are allowed, how a runtime is left, and what a host learns when it cannot start."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import Any

import anyio
import pytest

from engine_place import Place, flow, on
from skillrt import AbiError, Decision, Event
from skillrt.errors import ConfigurationError, ProviderError
from skillrt.llm.base import Request
from skillrt.llm.labels import LabelledProviders
from skillrt.testing.provider import ScriptedProvider

pytestmark = pytest.mark.anyio

NOTE = '{{SetState(name="log", value=Concat(GetState(name="log"), "%s;"))}}'
PAUSE = '{{Sleep(duration="%s")}}'
STREAM = '{{#system~}}Be brief.{{~/system}}{{Set(name="said", value=GenStream(interruptMode="interrupt"))}}'


# executions


async def test_so_many_run_at_once_and_nobody_starves(place: Place) -> None:
    place.options = replace(place.options, executions=3)
    running: list[float] = []
    names = [f"P{number}" for number in range(10)]
    async with place.serving(flow("talk", on("user_message"), Main=PAUSE % 1 + NOTE % "done")):
        for name in names:
            await place.say("a", name)
        for _ in range(4):
            await place.clock.advance(1.0)
            states = [await place.state("talk", "log", name) for name in names]
            running.append(sum(state is not None for state in states))
    assert running == [3, 6, 9, 10]


async def test_waiting_for_a_place_an_event_can_be_interrupted(place: Place) -> None:
    place.options = replace(place.options, executions=1)
    talk = flow(
        "talk",
        on("user_message", "Main", "interrupt"),
        Main='{{SetState(name="log", value=GetTriggeredAct(fields=["text"]))}}' + PAUSE % 5,
    )
    async with place.serving(talk):
        await place.say("a", "Bob")
        await place.say("b", "Ann")
        await place.say("c", "Ann")
        await place.until(6.0)
        assert await place.state("talk", "log") == "c"


@pytest.mark.parametrize("protect", ["", "{{StartNotInterruptibleBlock()}}"])
async def test_an_execution_that_takes_too_long_is_ended(
    place: Place, protect: str, caplog: pytest.LogCaptureFixture
) -> None:
    place.options = replace(place.options, execution_limit_s=10.0)
    place.provider = ScriptedProvider(["One", place.at(60.0), " two."])
    template = protect + STREAM + NOTE % "never"
    async with place.serving(
        flow("talk", on("user_message"), on("next", "Next"), Main=template, Next=NOTE % "next")
    ):
        await place.say("hi")
        await place.happen("next")
        await place.until(9.9)
        assert place.pier.heard == []
        await place.until(10.0)
        assert place.pier.heard == [("Ann", "One-")]
    assert await place.state("talk", "log") == "next;"
    assert await place.memory() == ["U: hi", "A: One-"]
    assert "skill Main ran longer than 10 s" in caplog.text


async def test_an_error_ends_its_execution_only(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    template = '\n{{Sleep(duration=GetTriggeredAct(fields=["text"]))}}' + NOTE % "done"
    async with place.serving(flow("talk", on("user_message"), Main=template)):
        for text in ("0", "-1", "0"):
            await place.say(text)
    assert await place.state("talk", "log") == "done;done;"
    (record,) = caplog.records
    assert record.exc_info is not None
    notes = getattr(record.exc_info[1], "__notes__", ())
    assert [note.partition("\n")[0] for note in notes] == [
        "in template Main.guidance, line 2, skill Main"
    ]


# leaving


async def test_leaving_waits_for_what_runs_and_what_waits(place: Place) -> None:
    place.runtime.load(flow("talk", on("user_message"), Main=PAUSE % 2 + NOTE % "done"))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(place.clock.run)
        async with place.runtime:
            await place.runtime.emit("user_message", actor=place.person())
            await place.runtime.emit("user_message", actor=place.person())
        assert place.clock.now() == 4.0
        tasks.cancel_scope.cancel()
    assert await place.state("talk", "log") == "done;done;"


@pytest.mark.parametrize("opening", ["", "{{StartNotInterruptibleBlock()}}"])
async def test_within_the_grace_everything_ends_by_itself(place: Place, opening: str) -> None:
    place.provider = ScriptedProvider(["One", place.at(4.0), " two."])
    place.runtime.load(flow("talk", on("user_message"), Main=opening + STREAM + NOTE % "said"))
    async with anyio.create_task_group() as tasks:
        async with place.runtime:
            await place.say("hi")
            tasks.start_soon(place.clock.run)
        tasks.cancel_scope.cancel()
    assert await place.state("talk", "log") == "said;"
    assert place.pier.heard == [("Ann", "One two.")]


@pytest.mark.parametrize("opening", ["", "{{StartNotInterruptibleBlock()}}"])
async def test_after_the_grace_everything_is_cut_and_recorded(
    place: Place, opening: str, caplog: pytest.LogCaptureFixture
) -> None:
    place.provider = ScriptedProvider(["One", place.at(60.0), " two."])
    template = opening + STREAM + NOTE % "said"
    place.runtime.load(flow("talk", on("user_message"), on("e"), Main=template))
    async with anyio.create_task_group() as tasks:
        async with place.runtime:
            await place.say("hi")
            await place.happen("e", uninterruptible=True)
            tasks.start_soon(place.clock.run)
        assert place.clock.now() == 5.0
        tasks.cancel_scope.cancel()
    assert await place.state("talk", "log") is None
    assert await place.memory() == ["U: hi", "A: One-"]
    assert "1 events that still waited are dropped" in caplog.text
    assert place.provider.open == 0
    assert place.runtime._instances == {}


async def test_nothing_new_is_taken_while_leaving(place: Place) -> None:
    main = PAUSE % 2 + '{{SendSystemEvent(eventIdn="e")}}'
    next_one = NOTE % "next"
    place.runtime.load(flow("talk", on("user_message"), on("e", "Next"), Main=main, Next=next_one))
    refused: list[int] = []

    async def late() -> None:
        await place.clock.sleep_until(1.0)
        refused.append((await place.runtime.emit("user_message", actor=place.person())).refused)

    async with anyio.create_task_group() as tasks:
        async with place.runtime:
            await place.say("hi")
            tasks.start_soon(late)
            tasks.start_soon(place.clock.run)
        tasks.cancel_scope.cancel()
    assert refused == [1]
    assert await place.state("talk", "log") == "next;"  # what runs may still send events


async def test_an_error_of_the_host_stops_everything_at_once(place: Place) -> None:
    place.provider = ScriptedProvider(["One", place.at(60.0), " two."])
    place.runtime.load(flow("talk", on("user_message"), Main=STREAM + NOTE % "said"))

    async def host() -> None:
        async with place.runtime:
            await place.say("hi")
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await host()
    assert place.clock.now() == 0.0
    assert place.pier.heard == [("Ann", "One-")]
    assert await place.memory() == ["U: hi", "A: One-"]


async def test_a_runtime_can_be_entered_again(place: Place) -> None:
    place.runtime.load(flow("talk", on("user_message"), Main=NOTE % "done"))
    for _ in range(2):
        async with place.runtime:
            await place.say("hi")
    assert await place.state("talk", "log") == "done;done;"


# beside a served project


async def test_a_run_shares_the_queue_of_its_flow(place: Place) -> None:
    talk = flow("talk", on("user_message"), Main=PAUSE % 1 + NOTE % "done")
    async with place.serving(talk):
        await place.say("a")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(
                lambda: place.runtime.run(talk.Main, message="b", actor=place.person())
            )
            await place.until(1.5)
            assert await place.state("talk", "log") == "done;"
            await place.until(2.0)
        assert await place.state("talk", "log") == "done;done;"
        event = Event(idn="note", persona_id="persona of Ann")
        assert place.runtime.offer(event, skill=talk.Main).decision is Decision.STARTED


# starting


async def test_missing_models_stop_the_start(place: Place) -> None:
    place.provider = {"google/fast": ScriptedProvider(["Hi."]), "acme/*": ScriptedProvider(["Hi."])}
    place.runtime.load(flow("one", model=("google", "slow"), B="", A=""))
    place.runtime.load(flow("two", model=("acme", "any"), C=""))
    place.runtime.load(flow("three", D=""))
    place.runtime.load(flow("four", model=("openai", "big"), E=""))
    with pytest.raises(ConfigurationError) as caught:
        async with place.runtime:
            pass
    assert str(caught.value) == (
        "no provider is given for the models google/slow (skill one.A), openai/big (skill four.E)"
    )


@pytest.mark.parametrize(
    ("provider", "model", "asked"),
    [("a", "x", "a/x"), ("a", "y", "a/*"), ("b", "x", "*"), (None, None, "*")],
)
async def test_the_label_that_fits_best_is_asked(
    provider: str | None, model: str | None, asked: str
) -> None:
    served = {label: ScriptedProvider([label]) for label in ("a/x", "a/*", "*")}
    request = Request(messages=(), provider=provider, model=model)
    async with LabelledProviders(served).stream(request) as chunks:
        assert (await anext(chunks)).text == asked
    (own,) = served[asked].requests
    assert (own.provider, own.model) == (None, None)


def test_a_label_that_nobody_serves_is_a_providers_error() -> None:
    with pytest.raises(ProviderError, match="no provider is given for the model of a/x"):
        LabelledProviders({"b/*": ScriptedProvider([])}).stream(
            Request(messages=(), provider="a", model="x")
        )


def test_what_is_loaded_was_compiled_and_has_a_name_of_its_own(place: Place) -> None:
    place.runtime.load(flow("talk", Main=""))
    with pytest.raises(ConfigurationError, match="two projects are called talk"):
        place.runtime.load(flow("talk", Main=""))
    with pytest.raises(AbiError):
        place.runtime.load(ModuleType("strange"))
    with pytest.raises(ImportError):
        place.runtime.load("no_such_build")


def test_a_build_is_loaded_by_its_import_name(place: Place) -> None:
    project = place.runtime.load("genstream")
    assert project.idn == "genstream"
    assert [flow.idn for flow in project.flows] == ["genstream"]
    assert place.runtime.agent is project.flows[0].agent


async def test_a_flow_without_events_is_loaded_and_idle(place: Place) -> None:
    loaded: Any = flow("talk", Main="")
    async with place.serving(loaded):
        assert (await place.say("a")).subscribers == 0
