"""SendMessage, SendCommand, SendSystemEvent."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

import anyio
import pytest

from skillrt.actions.messaging import without_spans
from skillrt.errors import ActionError, ChannelClosed
from skillrt.interrupts import Execution
from skillrt.kinds import as_ids
from skillrt.model import Actor, Persona
from skillrt.values import DslList, Record

from .conftest import START, World

pytestmark = pytest.mark.anyio


def codes(caplog: pytest.LogCaptureFixture) -> list[str | None]:
    return [getattr(record, "code", None) for record in caplog.records]


async def test_a_message_reaches_the_current_actor_and_is_remembered(world: World) -> None:
    message_id = await world.do("SendMessage", message="Hi")
    assert world.sandbox.sent == [("a1", "Hi", {})]
    assert world.sms.sent == []
    (act,) = await world.store.messages("agent-mia", persona_ids=["sue"])
    assert (act.reference_idn, act.kind, act.text, act.original_text) == (
        *("agent_message", "message", "Hi", "Hi"),
    )
    assert (act.message_id, act.datetime, act.session_id) == (message_id, START, "s1")
    assert (act.user_persona_id, act.actor_id) == ("sue", "a1")
    assert (act.integration_idn, act.connector_idn) == ("sandbox", "sandbox")
    assert await world.do("GetMemory") == "Agent: Hi"


async def test_a_message_to_several_actors_has_one_id(world: World) -> None:
    await world.store.put_persona(Persona(id="bob"))
    await world.store.put_actor(Actor(id="b1", persona_id="bob", external_id="+2"))
    actors = await world.do("GetActors", externalId="+1")
    message_id = await world.do("SendMessage", text="Hi", actorIds=[*actors, "b1"], tag={"a": 1})
    tag = {"tag": '{"a":1}'}
    assert sorted(world.sandbox.sent) == [("a1", "Hi", tag), ("b1", "Hi", tag)]
    assert world.sms.sent == [("a2", "Hi", tag)]
    acts = await world.store.messages("agent-mia")
    assert {act.message_id for act in acts} == {message_id}
    assert [act.actor_id for act in acts] == ["a1", "a2", "b1"]
    assert [act.user_persona_id for act in acts] == ["sue", "sue", "bob"]
    assert acts[0].arguments == {"tag": '{"a":1}'}
    assert await world.do("GetMemory") == "Agent: Hi"


@pytest.mark.parametrize(
    "actors", ["a2", ["a2"], '["a2"]', "['a2', 'a2']", Record("x", {"id": "a2"})]
)
async def test_ids_are_given_in_any_form(world: World, actors: Any) -> None:
    assert await world.do("SendMessage", message="Hi", actorIds=actors)
    assert world.sms.sent == [("a2", "Hi", {})]


async def test_text_is_made_of_any_value(world: World) -> None:
    await world.do("SendMessage", message=DslList(["1", 2]))
    await world.do("SendMessage", message={"a": 1}, actorIds="")
    assert [text for _, text, _ in world.sandbox.sent] == ["1 2", '{"a":1}']


@pytest.mark.parametrize("nobody", [[], "[]", DslList(), ["", " "]])
async def test_nobody_is_nobody(
    world: World, nobody: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert await world.do("SendMessage", message="Hi", actorIds=nobody) == ""
    assert world.sandbox.sent == []
    assert codes(caplog) == ["SK801"]
    assert caplog.records[0].levelno == logging.WARNING
    assert caplog.records[0].getMessage() == "SendMessage: nobody to send to"


async def test_without_a_current_actor_there_is_nobody(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.make_global()
    assert await world.do("SendMessage", message="Hi") == ""
    assert codes(caplog) == ["SK801"]


async def test_unknown_actors_are_skipped(world: World, caplog: pytest.LogCaptureFixture) -> None:
    await world.store.put_actor(Actor(id="f1", persona_id="sue", integration_idn="fax"))
    assert await world.do("SendMessage", message="Hi", actorIds=["nobody", "f1", "a1"])
    assert world.sandbox.sent == [("a1", "Hi", {})]
    assert codes(caplog) == ["SK803", "SK803"]


@pytest.mark.parametrize("error", [ValueError("line is busy"), ChannelClosed()])
async def test_a_channel_that_fails_is_skipped(
    world: World, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    world.sandbox.error = error
    assert await world.do("SendMessage", message="Hi", actorIds="a1 a2")
    assert [act.actor_id for act in await world.store.messages("agent-mia")] == ["a2"]
    (record,) = caplog.records
    assert record.getMessage().startswith("SendMessage: channel sandbox/sandbox failed: ")
    world.sms.error = error
    assert await world.do("SendMessage", message="Hi", actorIds="a1 a2") == ""
    assert len(await world.store.messages("agent-mia")) == 1


async def test_a_channel_that_never_answers_is_given_up(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.use(send_timeout_s=0.05)
    world.sandbox.gate = anyio.Event()
    assert await world.do("SendMessage", message="Hi", actorIds="a1 a2")
    assert [act.actor_id for act in await world.store.messages("agent-mia")] == ["a2"]
    assert "channel sandbox/sandbox failed: no answer within 0.05 s" in caplog.text


async def test_a_message_under_way_is_completed_and_remembered(world: World) -> None:
    world.sandbox.gate = anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(partial(world.do, "SendMessage", message="Hi"))
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
        world.sandbox.gate.set()
    assert world.sandbox.sent == [("a1", "Hi", {})]
    assert await world.do("GetMemory") == "Agent: Hi"


@pytest.mark.parametrize("use", ["true", True, 1, "Y"])
async def test_the_filter_takes_spans_out(world: World, use: Any) -> None:
    await world.do("SendMessage", message="Code: [[[beef]]]!", useFilter=use)
    assert world.sandbox.sent == [("a1", "Code: !", {})]
    (act,) = await world.store.messages("agent-mia")
    assert (act.text, act.original_text) == ("Code: !", "Code: [[[beef]]]!")


async def test_spans_stay_unless_the_filter_is_used(world: World) -> None:
    await world.do("SendMessage", message="[[[x]]]", useFilter="")
    assert world.sandbox.sent == [("a1", "[[[x]]]", {})]


@pytest.mark.parametrize("message", ["", " \n", "[[[x]]] "])
async def test_a_blank_message_is_not_sent(world: World, message: str) -> None:
    assert await world.do("SendMessage", message=message, useFilter=True) == ""
    assert world.sandbox.sent == []
    assert list(await world.store.messages("agent-mia")) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a[[[b]]]c[[[d]]]e", "ace"),
        ("[[[[x]]]]", "]"),
        ("[[[a\nb]]]", ""),
        ("a]]]b", "a]]]b"),
        ("a[[[b", "a[[[b"),
        ("[[[a]]][[[b", "[[[b"),
        ("", ""),
        ("]]", "]]"),
        ("[[[" * 300_000, "[[[" * 300_000),
    ],
)
def test_spans(text: str, expected: str) -> None:
    assert without_spans(text) == expected


async def test_a_message_begins_with_a_point(world: World) -> None:
    stopped: list[str] = []
    execution = Execution(lambda: stopped.append("here"))
    execution.request_interrupt()
    world.ctx.execution = execution
    await world.do("SendMessage", message="Hi")
    assert stopped == ["here"]


async def test_send_message_refuses(world: World) -> None:
    with pytest.raises(ActionError, match=r"^SendMessage: parameter 'message': missing argument$"):
        await world.do("SendMessage")
    with pytest.raises(
        ActionError,
        match=r"^SendMessage: parameter 'useFilter': expected true or false, got 'perhaps'$",
    ):
        await world.do("SendMessage", message="m", useFilter="perhaps")


async def test_a_command_is_recorded(world: World) -> None:
    id = await world.do(
        "SendCommand",
        commandIdn="set_timer",
        integrationIdn="sandbox",
        connectorIdn="sandbox",
        interval=300,
        timerName="check",
        body={"a": 1},
    )
    arguments = {"interval": "300", "timerName": "check", "body": '{"a":1}'}
    (command,) = world.ctx.run.commands
    assert (command.id, command.idn, command.arguments) == (id, "set_timer", arguments)
    assert (command.integration_idn, command.connector_idn) == ("sandbox", "sandbox")
    assert (command.persona_id, command.actor, command.hops) == ("sue", world.ctx.actor, 1)
    act = await world.store.act(id)
    assert act is not None
    assert (act.kind, act.reference_idn, act.arguments) == ("command", "set_timer", arguments)
    assert (act.user_persona_id, act.actor_id, act.session_id) == ("sue", "a1", "s1")
    assert list(await world.store.messages("agent-mia")) == []


@pytest.mark.parametrize(
    ("integration", "connector", "found"),
    [
        ("twilio_messenger", "", "sms"),
        ("twilio_messenger", "other", "other"),
        ("program_timer", " ", "program_timer"),
    ],
)
async def test_a_command_finds_its_connector(
    world: World, integration: str, connector: str, found: str, caplog: pytest.LogCaptureFixture
) -> None:
    await world.do(
        "SendCommand", commandIdn="c", integrationIdn=integration, connectorIdn=connector
    )
    assert world.ctx.run.commands[0].connector_idn == found
    loaded = (integration, found) in world.ctx.connectors
    assert codes(caplog) == ([] if loaded else ["SK804"])


async def test_a_command_of_a_global_execution_belongs_to_nobody(world: World) -> None:
    world.make_global()
    id = await world.do("SendCommand", commandIdn="c", integrationIdn="sandbox")
    act = await world.store.act(id)
    assert act is not None
    assert (act.user_persona_id, act.actor_id) == (None, None)


async def test_send_command_refuses(world: World) -> None:
    with pytest.raises(
        ActionError, match=r"^SendCommand: parameter 'commandIdn': expected a name, got nothing$"
    ):
        await world.do("SendCommand", commandIdn="", integrationIdn="http")


async def test_an_event_is_one_of_the_current_actor(world: World) -> None:
    id = await world.do("SendSystemEvent", eventIdn="slow", response_time_ms=5250, text="t")
    (event,) = world.emitted
    assert (event.id, event.idn) == (id, "slow")
    assert (event.integration_idn, event.connector_idn) == ("system", "system")
    assert event.arguments == {"response_time_ms": "5250", "text": "t"}
    assert (event.actor_id, event.persona_id, event.hops) == ("a1", "sue", 2)
    assert not event.uninterruptible
    assert not event.user_input


async def test_events_without_an_actor(world: World) -> None:
    world.ctx.actor = None
    await world.do("SendSystemEvent", eventIdn="e", connectorIdn="project")
    world.make_global()
    await world.do("SendSystemEvent", eventIdn="e")
    assert [(e.actor_id, e.persona_id, e.connector_idn) for e in world.emitted] == [
        (None, "sue", "project"),
        (None, None, "system"),
    ]


async def test_one_event_per_actor(world: World, caplog: pytest.LogCaptureFixture) -> None:
    id = await world.do("SendSystemEvent", eventIdn="e", actorIds=["a2", "nobody", "a1"])
    assert [event.actor_id for event in world.emitted] == ["a2", "a1"]
    assert world.emitted[0].id == id
    assert codes(caplog) == ["SK803"]
    assert await world.do("SendSystemEvent", eventIdn="e", actorIds=[]) == ""
    assert len(world.emitted) == 2


async def test_a_global_event_has_no_user(world: World) -> None:
    await world.do("SendSystemEvent", eventIdn="e", actorIds="a1 a2", **{"global": "True"})
    (event,) = world.emitted
    assert (event.actor_id, event.persona_id) == (None, None)


async def test_an_uninterruptible_event_says_so_to_its_handler(world: World) -> None:
    await world.do("SendSystemEvent", eventIdn="e", uninterruptible="yes", **{"from": "agent"})
    (event,) = world.emitted
    assert event.uninterruptible
    assert event.arguments == {"from": "agent", "uninterruptible": "True"}


async def test_argument_names_stay_as_they_are(world: World) -> None:
    await world.do("SendSystemEvent", eventIdn="e", customer_id="c", customerId="d")
    assert world.emitted[0].arguments == {"customer_id": "c", "customerId": "d"}


async def test_send_system_event_refuses(world: World) -> None:
    with pytest.raises(
        ActionError,
        match=r"^SendSystemEvent: parameter 'global': expected true or false, got 'all'$",
    ):
        await world.do("SendSystemEvent", eventIdn="e", **{"global": "all"})


def test_ids_of_generated_code() -> None:
    assert as_ids("", "SendMessage.actorIds", None) is None
    assert as_ids([], "SendMessage.actorIds", None) == []
