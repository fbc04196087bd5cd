"""Sessions: what begins one, keeps it going and ends it, on a clock that only the test moves."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from engine_place import Place, flow, on
from skillrt import Runtime
from skillrt.model import Event, Session
from skillrt.options import SessionTimeouts
from skillrt.sessions import Effect, effect_of

pytestmark = pytest.mark.anyio

NOTE = '{{SetState(name="log", value=Concat(GetState(name="log"), "%s;"))}}'


async def open_session(place: Place, name: str = "Ann") -> Session | None:
    found = await place.store.active_sessions(f"persona of {name}")
    return found[0] if found else None


def ends(place: Place) -> list[tuple[float, str]]:
    """When sessions ended, and why."""
    zero = place.clock.time() - timedelta(seconds=place.clock.now())
    return [
        ((act.datetime - zero).total_seconds(), act.arguments["reason"])
        for act in place.acts("session_ended")
    ]


@pytest.mark.parametrize(
    ("event", "activity", "effect"),
    [
        (Event(idn="user_message"), False, Effect(begins=True, active=True)),
        (Event(idn="conversation_started"), False, Effect(begins=True)),
        (Event(idn="conversation_ended"), False, Effect(ends="conversation_ended")),
        (Event(idn="speech"), False, Effect()),
        (Event(idn="speech"), True, Effect(active=True)),
        (Event(idn="end_session"), False, Effect(ends="requested")),
        (
            Event(idn="end_session", integration_idn="program_timer"),
            False,
            Effect(ends="requested"),
        ),
        (Event(idn="end_session", integration_idn="sandbox"), False, Effect()),
        (Event(idn="extend_session"), False, Effect(active=True)),
        *[
            (
                Event(idn="extend_session", arguments={"seconds": text}),
                False,
                Effect(active=True, extension_s=seconds),
            )
            for text, seconds in [
                ("60", 60.0),
                ("0.5", 0.5),
                ("", None),
                ("-1", None),
                ("nan", None),
                ("x", None),
                ("inf", None),
            ]
        ],
    ],
)
def test_effects(event: Event, activity: bool, effect: Effect) -> None:
    assert effect_of(event, activity) == effect


@pytest.mark.parametrize("idn", ["user_message", "conversation_started"])
async def test_a_session_begins_before_its_first_event(place: Place, idn: str) -> None:
    talk = flow(
        "talk",
        on(idn, "Said", "interrupt"),
        on("session_started", "Began", at="system/system"),
        Said=NOTE % "said",
        Began='{{Sleep(duration="1")}}' + NOTE % "began",
    )
    async with place.serving(talk):
        await place.runtime.emit(idn, actor=place.person(), arguments={"text": "hi"})
        session = await open_session(place)
    assert await place.state("talk", "log") == "began;said;"  # set-up is not interrupted
    assert session is not None
    (began,), (first,) = place.acts("session_started"), place.acts(idn)
    assert began.arguments == {
        "sessionId": session.id,
        "integrationIdn": "sandbox",
        "connectorIdn": "pier",
    }
    assert began.session_id == first.session_id == session.id
    assert (session.user_persona_id, session.actor_id) == ("persona of Ann", "actor of Ann")


@pytest.mark.parametrize("idn", ["timer", "result_success", "conversation_ended", "extend_session"])
async def test_other_events_begin_none(place: Place, idn: str) -> None:
    async with place.serving():
        await place.happen(idn)
        await place.happen("user_message", None)  # a global event has nobody to have a session
        assert await place.store.active_sessions() == []


async def test_activity_moves_the_end(place: Place) -> None:
    async with place.serving(flow("talk", on("greet"), Main='{{SendMessage(message="Hi")}}')):
        await place.say("a")
        await place.until(200.0)
        await place.say("b")
        await place.until(400.0)
        await place.happen("greet")  # a delivered message of the agent
        await place.until(600.0)
        await place.happen("speech", activity=True)
        await place.until(800.0)
        await place.happen("noise")
        await place.runtime.emit("conversation_started", actor=place.person())
        await place.until(899.0)
        session = await open_session(place)
        assert session is not None
        assert (session.user_messages, session.agent_messages, session.events) == (2, 1, 4)
    assert ends(place) == [(900.0, "timeout")]


async def test_an_extension_counts_from_now(place: Place) -> None:
    async with place.serving():
        await place.say("a")
        await place.until(100.0)
        await place.happen("extend_session")
        await place.until(399.0)
        await place.happen("extend_session", arguments={"seconds": "5"})
        await place.until(403.9)
        assert await open_session(place) is not None
    assert ends(place) == [(404.0, "timeout")]


async def test_a_session_ends_with_its_conversation(place: Place) -> None:
    talk = flow(
        "talk",
        on("conversation_ended"),
        on("session_ended", "End"),
        Main=NOTE % "bye",
        End=NOTE % "end",
    )
    async with place.serving(talk):
        await place.say("a")
        await place.until(10.0)
        await place.runtime.emit("conversation_ended", actor=place.person())
        assert await open_session(place) is None
        await place.say("b")
    assert await place.state("talk", "log") == "bye;end;end;"
    assert ends(place) == [(10.0, "conversation_ended"), (310.0, "timeout")]
    first, second = place.acts("session_started")
    assert first.session_id != second.session_id


async def test_a_finished_conversation_can_go_on(place: Place) -> None:
    place.options = replace(place.options, sessions=SessionTimeouts(idle_s=300.0, finished_s=20.0))
    async with place.serving():
        await place.say("a")
        await place.runtime.emit("conversation_ended", actor=place.person())
        await place.until(19.0)
        await place.say("b")
        await place.runtime.emit("conversation_ended", actor=place.person())
    assert ends(place) == [(39.0, "conversation_ended")]


async def test_a_session_ends_on_request(place: Place) -> None:
    talk = flow("talk", on("end_session"), Main=NOTE % "routed")
    async with place.serving(talk):
        await place.say("a")
        await place.until(5.0)
        await place.happen("end_session")
        await place.happen("end_session")
    assert ends(place) == [(5.0, "requested")]
    assert await place.state("talk", "log") == "routed;routed;"


async def test_each_integration_has_its_timeouts(place: Place) -> None:
    place.options = replace(
        place.options, sessions_by_integration={"sandbox": SessionTimeouts(idle_s=10.0)}
    )
    async with place.serving():
        await place.say("a")
        await place.runtime.emit(
            "user_message", actor=replace(place.person("Bob"), id="b", integration_idn="phone")
        )
    assert ends(place) == [(10.0, "timeout"), (300.0, "timeout")]


async def test_sessions_of_many_end_each_at_its_time(place: Place) -> None:
    async with place.serving():
        for number in range(20):
            await place.say("a", f"P{number}")
            await place.clock.advance(1.0)
        await place.until(100.0)
        await place.say("b", "P3")
        await place.happen("extend_session", "P7", arguments={"seconds": "1"})
    assert ends(place) == [
        (101.0, "timeout"),
        *[(300.0 + number, "timeout") for number in range(20) if number not in (3, 7)],
        (400.0, "timeout"),
    ]


async def test_a_shutdown_ends_no_session(place: Place) -> None:
    place.runtime.load(flow("talk", on("user_message"), Main=NOTE % "a"))
    async with place.runtime:
        await place.say("a")
        await place.until(100.0)
    assert await open_session(place) is not None
    later = Runtime(provider=place.provider, store=place.store, clock=place.clock)
    await place.until(150.0)
    async with later:
        await place.until(299.0)
        assert ends(place) == []
        await place.until(301.0)
    assert ends(place) == [(300.0, "timeout")]


async def test_an_overdue_session_ends_at_the_start(place: Place) -> None:
    async with place.runtime:
        await place.say("a")
    await place.until(1000.0)
    async with Runtime(provider=place.provider, store=place.store, clock=place.clock):
        await place.clock.advance(0.0)
    assert ends(place) == [(1000.0, "timeout")]


async def test_an_event_at_the_limit_begins_another_session(place: Place) -> None:
    async with place.serving():
        await place.say("a")
        await place.until(300.0)
        await place.say("b")
    assert ends(place) == [(300.0, "timeout"), (600.0, "timeout")]
