"""GetTriggeredAct, GetLatestMessageActor, GetCurrentPrompt, IsGlobal; states, Do and its kin; the time."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from skillrt import actions, values
from skillrt.catalogue import CATALOGUE
from skillrt.context import Context
from skillrt.errors import ActionError
from skillrt.kinds import as_id, as_json
from skillrt.model import Act, Session
from skillrt.testing.clock import VirtualClock
from skillrt.values import UNDEFINED, DslList, JsonText, Record

from .conftest import START, World

pytestmark = pytest.mark.anyio


async def test_the_triggered_act_prints_its_text(world: World) -> None:
    act = await world.do("GetTriggeredAct")
    assert act == "A table for two?"
    assert values.get(values.get(act, "arguments"), "reason") == "busy"
    assert values.get(act, "reason") == "busy"
    assert values.get(act, "person") == values.get(act, "personaName") == "Sue"
    assert values.get(act, "name") == "user_message"
    assert as_json(act, "GetState.name")["text"] == "A table for two?"
    world.ctx.act = replace(world.ctx.act, command_act_id="cmd")
    assert as_id(await world.do("GetTriggeredAct"), "GetUser.personaId", None) == "cmd"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("text", "A table for two?"),
        (["text", "person"], "A table for two?\nSue"),
        ('["text","person"]', "A table for two?\nSue"),
        ("person, reason", "Sue\nbusy"),
        ("reason", "busy"),
        (["name"], "user_message"),
        ("referenceIdn", "user_message"),
        ("id", ""),
        ("commandActId", ""),
        ("integrationIdn, connectorIdn", "sandbox\nsandbox"),
        ("personaId, actorId", "sue\na1"),
        ("datetime", "2024-01-19 17:47:19.479534"),
        ("timeInterval", "0"),
        ("englishText", "A table for two?"),
        ("languageCode", ""),
        ("nope", ""),
        ("data", '{"n": 1}'),
        ("arguments", '{"text":"A table for two?","reason":"busy","data":{"n": 1}}'),
        ("", "A table for two?"),
        ([], "A table for two?"),
    ],
)
async def test_fields_of_the_triggered_act(world: World, fields: Any, expected: str) -> None:
    found = await world.do("GetTriggeredAct", fields=fields)
    if fields == "arguments":
        assert values.load_json(found) == values.load_json(expected)
    else:
        assert found == expected


async def test_several_fields_make_a_record_of_just_these(world: World) -> None:
    found = await world.do("GetTriggeredAct", fields="text,data")
    assert as_json(found, "GetState.name") == {"text": "A table for two?", "data": {"n": 1}}
    assert isinstance(await world.do("GetTriggeredAct", fields="data"), JsonText)


async def test_the_interval_is_that_to_the_act_before(world: World) -> None:
    assert await world.do("GetTriggeredAct", fields="timeInterval") == "0"
    await world.said("A", "Hello", minutes=-2)
    await world.said("A", "Later", minutes=5)
    await world.store.put_act(world.ctx.act)
    assert await world.do("GetTriggeredAct", fields="timeInterval") == "120"
    tick = Act(
        reference_idn="tick",
        kind="event",
        datetime=START - timedelta(seconds=90, milliseconds=900),
        agent_ids=("another agent",),
        user_persona_id="sue",
    )
    await world.store.put_act(tick)
    await world.store.put_act(replace(tick, id="Bob's", datetime=START, user_persona_id="bob"))
    assert await world.do("GetTriggeredAct", fields="timeInterval") == "90"
    assert values.get(await world.do("GetTriggeredAct"), "timeInterval") == 90
    assert await world.do("GetAct", id=tick.id, fields="timeInterval") == "29"
    world.ctx.act = replace(world.ctx.act, user_persona_id=None)
    assert await world.do("GetTriggeredAct", fields="timeInterval") == "0"


async def test_the_english_text_is_made_when_it_is_asked_for(world: World) -> None:
    world.ctx.act = replace(world.ctx.act, text="Guten Tag", language_code="de")
    model = world.answer("Good day")
    assert values.get(await world.do("GetTriggeredAct"), "englishText") == "Guten Tag"
    assert model.requests == []
    assert await world.do("GetTriggeredAct", fields="englishText") == "Good day"
    assert values.get(await world.do("GetTriggeredAct"), "englishText") == "Good day"
    assert len(model.requests) == 1


async def test_get_triggered_act_refuses(world: World) -> None:
    with pytest.raises(
        ActionError, match=r"^GetTriggeredAct: parameter 'fields': expected names, got a dict$"
    ):
        await world.do("GetTriggeredAct", fields={"a": 1})


async def test_any_act_can_be_read(world: World) -> None:
    asked = datetime(2024, 1, 19, 17, 40, tzinfo=UTC)
    command = Act(
        id="c1",
        reference_idn="send_request",
        kind="command",
        datetime=asked,
        user_persona_id="sue",
        integration_idn="http",
        connector_idn="http_connector",
        arguments={"targetAction": "book_slot", "body": '{"n": 1}'},
    )
    await world.store.put_act(command)
    world.ctx.act = replace(world.ctx.act, command_act_id="c1")
    triggered = await world.do("GetTriggeredAct")
    assert await world.do("GetAct", id=triggered, fields=["targetAction"]) == "book_slot"
    assert await world.do("GetAct", actId="c1", field="datetime") == "2024-01-19 17:40:00.000000"
    assert await world.do("GetAct", idn=" c1 ", fields="name, person") == "send_request\nSue"
    body = await world.do("GetAct", id="c1", fields="body")
    assert isinstance(body, JsonText)
    whole = await world.do("GetAct", id="c1")
    assert values.get(whole, "connectorIdn") == "http_connector"
    assert values.get(values.get(whole, "arguments"), "targetAction") == "book_slot"


@pytest.mark.parametrize("id", ["", " ", None, "nobody's"])
async def test_an_act_that_is_not_there(world: World, id: Any) -> None:
    assert await world.do("GetAct", id=id) == ""
    assert await world.do("GetAct", id=id, fields="text") == ""


async def test_get_act_refuses(world: World) -> None:
    with pytest.raises(ActionError, match=r"^GetAct: parameter 'id': expected an id, got 5$"):
        await world.do("GetAct", id=5)


async def test_the_session_and_its_fields(world: World) -> None:
    assert await world.do("GetSessionInfo") == ""
    assert await world.do("GetSessionInfo", field="id") == ""
    begun = datetime(2024, 1, 19, 17, 40, tzinfo=UTC)
    session = Session(
        id="s1",
        user_persona_id="sue",
        actor_id="a1",
        integration_idn="sandbox",
        connector_idn="pier",
        created_at=begun,
        expires_at=begun + timedelta(minutes=5),
        arguments={"text": "Hi", "data": '{"n": 1}'},
    )
    await world.store.put_session(session)
    whole = await world.do("GetSessionInfo")
    assert whole == values.get(whole, "id") == "s1"
    assert as_json(whole, "GetState.name")["createdAt"] == "2024-01-19 17:40:00.000000"
    wanted = ("personaId", "actorId", "connectorIdn", "endedAt", "nope")
    found = [await world.do("GetSessionInfo", field=field) for field in wanted]
    assert found == ["sue", "a1", "pier", "", ""]
    arguments = await world.do("GetSessionInfo", field="arguments")
    assert values.load_json(arguments) == {"text": "Hi", "data": {"n": 1}}
    await world.store.put_session(replace(session, ended_at=begun))
    assert await world.do("GetSessionInfo") == ""


async def test_follow_ups_are_a_matter_of_the_session(world: World) -> None:
    assert await world.do("DisableFollowUp") == ""
    begun = datetime(2024, 1, 19, 17, 40, tzinfo=UTC)
    await world.store.put_session(
        Session(id="s1", user_persona_id="sue", created_at=begun, expires_at=begun)
    )
    for action, enabled in (("DisableFollowUp", False), ("EnableFollowUp", True)):
        assert await world.do(action) == ""
        session = await world.store.session("s1")
        assert session is not None
        assert session.follow_up_enabled is enabled
    world.make_global()
    assert await world.do("DisableFollowUp") == await world.do("GetSessionInfo") == ""


async def test_the_latest_message_actor(world: World) -> None:
    assert await world.do("GetLatestMessageActor") == "Susan's chat"
    await world.said("A", "Hello", actor_id="a2")
    assert await world.do("GetLatestMessageActor", field="integrationIdn") == "twilio_messenger"
    await world.said("U", "Hi", minutes=-1)
    assert await world.do("GetLatestMessageActor", field="integrationIdn") == "sandbox"
    assert await world.do("GetLatestMessageActor", field="nope") == ""
    world.make_global()
    assert await world.do("GetLatestMessageActor") == ""
    with pytest.raises(
        ActionError, match=r"^GetLatestMessageActor: parameter 'field': expected a name, got 5$"
    ):
        await world.do("GetLatestMessageActor", field=5)


async def test_the_current_prompt(world: World) -> None:
    assert await world.do("GetCurrentPrompt") == ""
    with world.ctx.skill("Other") as out:
        out.write("outside")
        assert await world.do("GetCurrentPrompt") == "outside"
        with out.role("system"):
            out.write("Be brief.")
        with out.role("user"):
            out.write("Hi")
            assert await world.do("GetCurrentPrompt") == "Be brief.\nHi"
    assert await world.do("GetCurrentPrompt") == ""


async def test_is_global(world: World) -> None:
    assert await world.do("IsGlobal") == ""
    world.make_global()
    assert await world.do("IsGlobal", name="ignored") == "t"


# --- states ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("x", "x"),
        (7, "7"),
        (None, ""),
        (UNDEFINED, ""),
        ({"a": 1}, '{"a":1}'),
        (["a"], '["a"]'),
        (Record("Sue", {"id": "sue"}), "Sue"),
        (DslList([Record("a1", {})]), "a1"),
    ],
)
async def test_states(world: World, value: Any, kept: str) -> None:
    assert await world.do("GetState", name="k") == ""
    assert await world.do("SetState", name=" k ", value=value) == ""
    assert await world.do("GetState", name="k") == kept


async def test_a_counter_may_begin_unset(world: World) -> None:
    for expected in ("1", "2"):
        count = await world.do("Add", a=await world.do("GetState", name="n"), b="1")
        await world.do("SetState", name="n", value=count)
        assert await world.do("GetState", name="n") == expected


async def test_states_belong_to_flow_and_user(world: World) -> None:
    await world.do("SetState", name="k", value="mine")
    world.ctx.flow = "Notes"
    assert await world.do("GetState", name="k") == ""
    world.ctx.flow = "Talk"
    world.make_global()
    assert await world.do("GetState", name="k") == ""
    await world.do("SetState", name="k", value="everyone's")
    assert await world.do("GetState", name="k") == "everyone's"


async def test_states_refuse(world: World) -> None:
    with pytest.raises(ActionError, match=r"^GetState: parameter 'name': expected a name, got 5$"):
        await world.do("GetState", name=5)
    with pytest.raises(ActionError, match=r"^SetState: parameter 'value': missing argument$"):
        await world.do("SetState", name="k")


# --- Do, Return, Set, DUMMY ------------------------------------------------------------------------


async def skill(ctx: Context, /, **arguments: Any) -> Any:
    return arguments


async def test_do_finds_actions_and_skills(world: World) -> None:
    world.ctx.skills = {"greet_user": skill, "SendMessage": skill, "Len": skill}
    assert await world.do("GetUser", field="name") == "Sue"
    assert await world.do("greet_user", message="Hi") == {"message": "Hi"}
    assert await world.do("SendMessage", message="Hi") != {"message": "Hi"}
    assert await world.do("Len", words="abc") == {"words": "abc"}
    assert await world.do("Contains", text="abc", search="a") == "t"
    assert await world.do("getuser") == "Sue"
    assert await world.do("GetDatetime", format="timestamp") == "1705686439479"
    assert await world.do("Do", actionName="GetUser", field="id") == "sue"
    assert await world.do("Do", action="greet_user", message="Hi") == {"message": "Hi"}


async def test_do_matches_parameters_as_a_direct_call_does(world: World) -> None:
    assert await world.do("GetUser", persona_id="sue") == "Sue"
    assert await world.do("IsSimilar", text1="a", val2="a") == "t"
    assert await world.do("IsSimilar", val1="a", val2="a", text1="zzz") == "t"
    assert await world.do("Add", a="1", b=2) == 3


async def test_do_calls_skills_by_their_python_names(world: World) -> None:
    namespace: dict[str, Any] = {
        "__manifest__": {"skills": {"Quote": {"parameters": {"boat": "boat", "from": "from_"}}}}
    }
    exec("async def Quote(ctx, /, **arguments): return arguments", namespace)
    world.ctx.skills = {"Quote": namespace["Quote"]}
    given = {"boat": [1], "from": UNDEFINED, "class": "x", "two words": None}
    assert await world.do("Quote", **given) == {
        "boat": [1],
        "from_": "",
        "class_": "x",
        "two_u0020_words": None,
    }


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("Nope", {}, "Do: parameter 'actionName': no action or skill is called 'Nope'"),
        ("GetUser", {"colour": 1}, "GetUser: parameter 'colour': unknown argument"),
        ("GetState", {}, "GetState: parameter 'name': missing argument"),
        ("Do", {"actionName": ""}, "Do: parameter 'actionName': expected a name, got nothing"),
        (
            "Set",
            {"name": "x", "value": 1},
            "Set: is an assignment; a computed call cannot make one",
        ),
        ("Return", {"value": 1}, "Return: ends the skill it stands in; a computed call cannot"),
    ],
)
async def test_do_refuses(world: World, name: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ActionError) as caught:
        await world.do(name, **arguments)
    assert str(caught.value) == message


async def test_do_reaches_no_python(world: World) -> None:
    for name in ("__import__", "eval", "get_user", "send_message.__globals__", "json.loads"):
        with pytest.raises(ActionError, match="no action or skill is called"):
            await world.do(name)


async def test_dummy_notes_at_debug_level(world: World, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "skillrt"):
        assert await world.do("DUMMY", message=["branch", "B"]) == ""
    assert caplog.messages == ["DUMMY: branch B"]
    assert await world.do("Dummy") == ""


# --- the time --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, "2024-01-19T17:47:19.479534+00:00"),
        ({"timezone": "America/Los_Angeles"}, "2024-01-19T09:47:19.479534-08:00"),
        ({"format": "date", "weekday": "true"}, "2024-01-19, Friday"),
        ({"format": "time"}, "17:47:19.479534"),
        ({"format": "Time ", "weekday": 1}, "17:47:19.479534, Friday"),
        ({"format": "timestamp"}, "1705686439479"),
        ({"format": "timestamp", "weekday": True, "timezone": "Asia/Tokyo"}, "1705686439479"),
        ({"weekday": True}, "2024-01-19T17:47:19.479534+00:00, Friday"),
        ({"format": "date", "timezone": "Asia/Tokyo", "weekday": "y"}, "2024-01-20, Saturday"),
        ({"format": "", "timezone": " ", "weekday": ""}, "2024-01-19T17:47:19.479534+00:00"),
    ],
)
async def test_the_time(world: World, arguments: dict[str, Any], expected: str) -> None:
    assert await world.do("GetDateTime", **arguments) == expected


async def test_whole_seconds_have_six_digits_too(world: World) -> None:
    world.ctx.clock = VirtualClock(datetime(2024, 2, 29, tzinfo=UTC))
    assert await world.do("GetDateTime") == "2024-02-29T00:00:00.000000+00:00"
    assert await world.do("GetDateTime", format="time") == "00:00:00.000000"


async def test_the_zone_is_the_actors_else_the_hosts(world: World) -> None:
    world.use(time_zone="Europe/Berlin")
    assert await world.do("GetDateTime") == "2024-01-19T18:47:19.479534+01:00"
    world.ctx.actor = await world.store.actor("a2")
    assert await world.do("GetDateTime") == "2024-01-19T09:47:19.479534-08:00"
    assert world.ctx.actor is not None
    world.ctx.actor = replace(world.ctx.actor, time_zone="Mars/Base")
    assert await world.do("GetDateTime") == "2024-01-19T18:47:19.479534+01:00"
    world.use(time_zone="")
    assert await world.do("GetDateTime") == "2024-01-19T17:47:19.479534+00:00"


async def test_two_timestamps_differ_in_milliseconds(world: World) -> None:
    before = await world.do("GetDateTime", format="timestamp")
    world.ctx.clock = VirtualClock(world.clock.time() + timedelta(seconds=5.25))
    after = await world.do("GetDateTime", format="timestamp")
    assert await world.do("Subtract", a=after, b=before) == 5250


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"format": "hour"},
            "'format': expected one of datetime, date, time, timestamp, got 'hour'",
        ),
        ({"timezone": "PST8"}, "'timezone': expected a time zone, got 'PST8'"),
        ({"weekday": "Friday"}, "'weekday': expected true or false, got 'Friday'"),
    ],
)
async def test_the_time_refuses(world: World, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ActionError) as caught:
        await world.do("GetDateTime", **arguments)
    assert str(caught.value) == f"GetDateTime: parameter {message}"


# --- the catalogue ---------------------------------------------------------------------------------


def test_every_entry_reads_its_signature_and_says_what_it_does() -> None:
    for entry in CATALOGUE.values():
        assert entry.summary.endswith("."), entry.name
        assert getattr(actions, entry.python) is entry.function
        assert entry.awaited == (entry.effects.value != 0), entry.name
        for parameter in entry.parameters:
            assert entry.parameter(parameter.name) is parameter
            assert all(entry.parameter(alias) is parameter for alias in parameter.aliases)
        targets = {parameter.name for parameter in entry.parameters}
        assert set(entry.parameter_aliases.values()) <= targets, entry.name
