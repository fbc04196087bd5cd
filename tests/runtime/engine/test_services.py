"""Connectors at work: started, commanded, failing; what they tell the engine and what it tells them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import anyio
import pytest
from anyio.abc import TaskStatus

from engine_place import Pier, Place, flow, on
from skillrt.connectors.base import Command, Gateway, Result, Service
from skillrt.projects import Project

pytestmark = pytest.mark.anyio

NOTE = (
    '{{SetState(name="log", value=Concat(GetState(name="log"), GetTriggeredAct(fields=["referenceIdn"]), ":",'
    ' GetTriggeredAct(fields=["code"]), ";"))}}'
)
ORDER = '{{SetState(name="id", value=SendCommand(commandIdn="order", integrationIdn="kitchen", dish="soup"))}}'


class Kitchen(Service):
    """A service whose `cook` answers commands."""

    integration_idn = "kitchen"
    connector_idn = "kitchen"

    def __init__(self, cook: Callable[[Command], Any] = lambda command: None) -> None:
        self.cook = cook
        self.commands: list[Command] = []
        self.gateway: Gateway | None = None
        self.fail: anyio.Event | None = None
        self.error: Exception | None = None

    async def run(self, gateway: Gateway, *, task_status: TaskStatus[None]) -> None:
        self.gateway, self.fail = gateway, anyio.Event()
        if self.error is not None:
            raise self.error
        task_status.started()
        await self.fail.wait()
        raise RuntimeError("the stove exploded")

    async def command(self, command: Command) -> Result | None:
        self.commands.append(command)
        answer = self.cook(command)
        return (await answer) if hasattr(answer, "__await__") else answer


def talk(template: str = ORDER) -> Any:
    return flow(
        "talk",
        on("user_message"),
        on("result_success", "Note", at="kitchen/kitchen"),
        on("result_error", "Note"),
        Main=template,
        Note=NOTE,
    )


def served(place: Place, cook: Callable[[Command], Any] = lambda command: None) -> Kitchen:
    kitchen = Kitchen(cook)
    place.connectors = [kitchen]
    return kitchen


# commands


async def test_a_command_is_carried_out_beside_the_skill(place: Place) -> None:
    async def cook(command: Command) -> Result:
        await place.clock.sleep_until(10.0)
        return Result(ok=True, arguments={"dish": command.arguments["dish"]})

    kitchen = served(place, cook)
    async with place.serving(talk()):
        await place.say("soup, please")
        id = await place.state("talk", "id")
        assert id
        await place.until(9.0)
        assert await place.state("talk", "log") is None
        await place.until(10.0)
    assert await place.state("talk", "log") == "result_success:;"
    (act,) = place.acts("result_success")
    assert (act.command_act_id, act.arguments) == (id, {"dish": "soup"})
    assert (act.integration_idn, act.connector_idn) == ("kitchen", "kitchen")
    assert (act.user_persona_id, act.actor_id) == ("persona of Ann", "actor of Ann")
    (command,) = kitchen.commands
    assert (command.id, command.idn, command.persona_id) == (id, "order", "persona of Ann")
    assert command.actor is not None
    assert command.actor.external_id == "Ann"


async def test_interrupting_the_sender_does_not_cancel_the_command(place: Place) -> None:
    async def cook(command: Command) -> Result:
        await place.clock.sleep_until(10.0)
        return Result(ok=True)

    served(place, cook)
    template = ORDER + '{{Sleep(duration="60")}}'
    async with place.serving(
        flow(
            "talk",
            on("user_message", "Main", "interrupt"),
            on("result_success", "Note"),
            Main=template,
            Note=NOTE,
        )
    ):
        await place.say("soup")
        await place.until(5.0)
        await place.say("never mind")
    assert len(place.acts("result_success")) == 2


def burn(command: Command) -> Result:
    raise ValueError("burnt")


@pytest.mark.parametrize(
    ("cook", "log"),
    [
        (lambda command: None, None),
        (
            lambda command: Result(ok=False, arguments={"code": "sold_out"}),
            "result_error:sold_out;",
        ),
        (burn, "result_error:failed;"),
        (lambda command: anyio.sleep_forever(), "result_error:timeout;"),
    ],
)
async def test_a_result_comes_as_an_event(place: Place, cook: Any, log: str | None) -> None:
    served(place, cook)
    async with place.serving(talk()):
        await place.say("soup")
        await place.until(30.0)
    assert await place.state("talk", "log") == log


async def test_a_command_has_one_result(place: Place) -> None:
    kitchen = served(place)
    async with place.serving(talk()):
        await place.say("soup")
        assert kitchen.gateway is not None
        (command,) = kitchen.commands
        await kitchen.gateway.result(command, ok=True, dish="soup")
        await kitchen.gateway.result(command, ok=False, code="late")
    assert await place.state("talk", "log") == "result_success:;"


async def test_a_channel_takes_no_commands(place: Place) -> None:
    template = '{{SendCommand(commandIdn="order", integrationIdn="sandbox", connectorIdn="pier")}}'
    async with place.serving(talk(template)):
        await place.say("soup")
    assert await place.state("talk", "log") == "result_error:unknown_command;"


async def test_a_command_for_nobody_goes_to_the_outbox(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    async with place.serving(talk()):
        await place.say("soup")
    (command,) = place.runtime.outbox
    assert command.id == await place.state("talk", "id")
    assert command.arguments == {"dish": "soup"}
    assert [getattr(record, "code", "") for record in caplog.records] == ["SK804"]


async def test_a_connector_that_stopped_refuses_commands(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    kitchen = served(place)
    async with place.serving(talk()):
        assert kitchen.fail is not None
        kitchen.fail.set()
        await place.clock.advance(0.0)
        assert "the stove exploded" in caplog.text
        await place.say("soup")
        assert await place.state("talk", "id") == ""
    assert kitchen.commands == []
    assert place.pier.heard == []


async def test_a_connector_that_does_not_start_hinders_nobody(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    kitchen = served(place)
    kitchen.error = OSError("no gas")
    async with place.serving(talk('{{SendMessage(message="Hi")}}')):
        await place.say("a")
    assert place.pier.heard == [("Ann", "Hi")]
    assert "connector kitchen/kitchen failed" in caplog.text


async def test_a_connector_that_is_never_ready_is_not_waited_for(place: Place) -> None:
    class Slow(Kitchen):
        async def run(self, gateway: Gateway, *, task_status: TaskStatus[None]) -> None:
            await anyio.sleep_forever()

    place.options = replace(place.options, send_timeout_s=0.01)
    place.connectors = [Slow()]
    async with place.serving(talk('{{SendMessage(message="Hi")}}')):
        await place.say("a")
    assert place.pier.heard == [("Ann", "Hi")]


# the gateway


async def test_a_gateway_knows_actors_of_its_connector(place: Place) -> None:
    kitchen = served(place)
    async with place.serving():
        assert kitchen.gateway is not None
        door = kitchen.gateway
        first = await door.actor("7", name="Cook", time_zone="Europe/Paris")
        again = await door.actor("7", name="Chef")
        blank = await door.actor("8")
        attached = await door.actor("9", persona_id=first.persona_id)
        personas = [await place.store.persona(a.persona_id) for a in (first, blank)]
    assert first == again
    assert (first.integration_idn, first.connector_idn, first.external_id) == (
        "kitchen",
        "kitchen",
        "7",
    )
    assert (first.name, blank.name) == ("Cook", "8")
    assert [persona.name for persona in personas if persona] == ["Cook", "User"]
    assert attached.persona_id == first.persona_id


async def test_a_gateway_emits_from_its_address(place: Place) -> None:
    kitchen = served(place)
    async with place.serving(
        flow("talk", on("ready", at="kitchen/kitchen"), on("ready", at="kitchen/bar"), Main=NOTE)
    ):
        assert kitchen.gateway is not None
        cook = await kitchen.gateway.actor("7")
        emitted = await kitchen.gateway.emit(
            "ready",
            actor=cook,
            arguments={"n": 2},
            external_event_id="x",
            command_act_id="c",
            user_input=True,
        )
        again = await kitchen.gateway.emit("ready", actor=cook, external_event_id="x")
        at_bar = await kitchen.gateway.emit(
            "ready", connector_idn="bar", persona_id=cook.persona_id
        )
    assert (emitted.subscribers, again.duplicate, at_bar.subscribers) == (1, True, 1)
    act = place.acts("ready")[0]
    assert (act.user_persona_id, act.actor_id) == (cook.persona_id, cook.id)
    assert (act.arguments, act.command_act_id) == ({"n": "2"}, "c")


def test_settings_are_those_of_the_projects(place: Place) -> None:
    settings: Mapping[tuple[str, str], Mapping[str, str]] = {("kitchen", "kitchen"): {"gas": "on"}}
    place.runtime._projects["p"] = Project("p", (), settings)
    assert place.runtime._gateway(("kitchen", "kitchen")).settings == {"gas": "on"}
    assert place.runtime._gateway(("kitchen", "bar")).settings == {}


@pytest.mark.parametrize(("mode", "cut"), [("interrupt", True), ("none", False)])
async def test_barging_in_cuts_every_stream_to_the_actor(
    place: Place, mode: str, cut: bool
) -> None:
    template = (
        f'{{{{#system~}}}}x{{{{~/system}}}}{{{{Set(name="said", value=GenStream(interruptMode="{mode}"))}}}}'
        + ('{{SetState(name="log", value=said.outcome)}}')
    )
    place.provider.__init__(["One", place.at(5.0), " two."])
    kitchen = served(place)
    flows = [flow(idn, on("user_message"), Main=template) for idn in ("talk", "more")]
    async with place.serving(*flows):
        await place.say("hi")
        await place.say("hi", "Bob")
        await place.until(1.0)
        assert kitchen.gateway is not None
        kitchen.gateway.barge_in(place.person())
        await place.until(1.0)
        assert place.pier.heard == ([("Ann", "One-")] * 2 if cut else [])
    outcome = "interrupted" if cut else "completed"
    assert [await place.state(idn, "log") for idn in ("talk", "more")] == [outcome] * 2
    assert await place.state("talk", "log", "Bob") == "completed"


async def test_a_message_that_was_not_received_whole_is_shortened(place: Place) -> None:
    kitchen = served(place)
    async with place.serving(
        flow(
            "talk",
            on("user_message"),
            Main='{{SendMessage(message="one [[[x]]]two", useFilter=True)}}',
        )
    ):
        await place.say("hi")
        assert kitchen.gateway is not None
        (act,) = place.acts("agent_message")
        await kitchen.gateway.amend_delivery(act.id, 100)
        await kitchen.gateway.amend_delivery("unknown", 1)
        assert await place.memory() == ["U: hi", "A: one two"]
        await kitchen.gateway.amend_delivery(act.id, 5)
        assert await place.memory() == ["U: hi", "A: one t-"]
        (act,) = place.acts("agent_message")
        assert act.original_text == "one [[[x]]]t"


@pytest.mark.parametrize("characters", [0, -1])
async def test_a_message_of_which_nothing_was_received_was_none(
    place: Place, characters: int
) -> None:
    kitchen = served(place)
    async with place.serving(
        flow("talk", on("user_message"), Main='{{SendMessage(message="one")}}')
    ):
        await place.say("hi")
        assert kitchen.gateway is not None
        (act,) = place.acts("agent_message")
        await kitchen.gateway.amend_delivery(act.id, characters)
        await kitchen.gateway.amend_delivery(act.id, characters)
        assert await place.memory() == ["U: hi"]
    assert await place.store.act(act.id) is None


# typing


@pytest.mark.parametrize(
    ("template", "shown"),
    [
        ("{{SendTypingStart()}}{{SendTypingStop()}}", ["Ann on", "Ann off"]),
        ("{{SendTypingStart()}}", ["Ann on", "Ann off"]),
        ('{{SendTypingStart(actorIds=["actor of Bob"])}}', ["Bob on", "Bob off"]),
        ("{{SendTypingStart()}}{{Sleep(duration=60)}}{{SendTypingStop()}}", ["Ann on", "Ann off"]),
        ('{{SendTypingStart()}}{{SendTypingStart(actorIds=["nobody"])}}', ["Ann on", "Ann off"]),
        (
            '{{SendTypingStart()}}{{Sleep(duration=GetTriggeredAct(fields=["text"]))}}',
            ["Ann on", "Ann off"],
        ),
        ("{{SendTypingStop()}}", ["Ann off"]),
    ],
)
async def test_typing_ends_with_the_execution(
    place: Place, template: str, shown: list[str]
) -> None:
    async with place.serving(
        flow("talk", on("user_message"), on("stop", "Stop", "interrupt"), Main=template, Stop="")
    ):
        await place.runtime.emit("hello", actor=place.person("Bob"))
        await place.say("hi")
        await place.happen("stop")
        assert place.pier.shown == shown
    assert place.acts("SendTypingStart") == []


async def test_a_channel_that_cannot_show_typing_does_nothing(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Pier):
        async def typing(self, actor: Any, *, on: bool) -> None:
            raise OSError("no light")

    place.pier = Broken()
    template = '{{SendTypingStart()}}{{SendMessage(message="Hi")}}'
    with caplog.at_level(logging.WARNING, "skillrt"):
        async with place.serving(flow("talk", on("user_message"), Main=template)):
            await place.say("hi")
    assert place.pier.heard == [("Ann", "Hi")]
    assert "no light" in caplog.text
