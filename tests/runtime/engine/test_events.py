"""An event on its way in: whose it is, whether it is new, who is offered it, what is remembered of it."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import anyio
import pytest

from engine_place import Pier, Place, flow, on
from skillrt import Act, Actor, Emitted, Persona, StoreError
from skillrt.model import Event
from skillrt.routing import Seen, addresses

pytestmark = pytest.mark.anyio

NOTE = '{{SetState(name="log", value=Concat(GetState(name="log"), GetTriggeredAct(fields=["text"]), ";"))}}'


def codes(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [code for record in caplog.records if (code := getattr(record, "code", None))]


# matching


@pytest.mark.parametrize(
    ("at", "matching"),
    [
        ("", True),
        ("sandbox/", True),
        ("sandbox/pier", True),
        ("sandbox/desk", False),
        ("phone/pier", False),
        ("/pier", True),
        ("/desk", False),
    ],
)
async def test_a_subscription_names_an_address_or_leaves_it_open(
    place: Place, at: str, matching: bool
) -> None:
    async with place.serving(flow("talk", on("user_message", at=at), Main=NOTE)):
        assert (await place.say("a")).subscribers == matching
    assert await place.state("talk", "log") == ("a;" if matching else None)


@pytest.mark.parametrize("idn", ["conversation_started", "conversation_ended", "call_ended"])
@pytest.mark.parametrize("at", ["sandbox/pier", "sandbox/system", "system/system", "phone/system"])
async def test_lifecycle_events_have_aliases(place: Place, idn: str, at: str) -> None:
    async with place.serving(flow("talk", on(idn, at=at), Main=NOTE)):
        emitted = await place.runtime.emit(idn, actor=place.person())
    aliased = idn.startswith("conversation") and at in ("sandbox/system", "system/system")
    assert emitted.subscribers == (at == "sandbox/pier" or aliased)


async def test_an_alias_fires_no_subscription_twice(place: Place) -> None:
    async with place.serving(flow("talk", on("conversation_started"), Main=NOTE)):
        emitted = await place.runtime.emit("conversation_started", actor=place.person())
    assert emitted.subscribers == 1
    assert addresses(Event(idn="conversation_started")) == (("system", "system"),) * 3


async def test_all_flows_of_all_projects_take_part(place: Place) -> None:
    flows = [flow(idn, on("user_message"), Main=NOTE) for idn in ("talk", "notes", "audit")]
    twice = flow("twice", on("user_message", "A"), on("user_message", "B"), A=NOTE, B=NOTE)
    async with place.serving(*flows, twice):
        assert (await place.say("a")).subscribers == 5
    logs = [await place.state(idn, "log") for idn in ("talk", "notes", "audit", "twice")]
    assert logs == ["a;", "a;", "a;", "a;a;"]


async def test_subscriptions_of_one_event_do_not_disturb_each_other(place: Place) -> None:
    """Interrupting the flow that the same event just started is nobody's intention."""
    pause = '{{Sleep(duration="1")}}' + NOTE
    flows = flow(
        "talk",
        on("user_message", "A", "interrupt"),
        on("user_message", "B", "interrupt"),
        A=pause,
        B=pause,
    )
    async with place.serving(flows):
        await place.say("a")
    assert await place.state("talk", "log") == "a;a;"


async def test_an_unhandled_message_is_remembered_and_logged(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "skillrt"):
        async with place.serving():
            await place.say("anybody?")
            await place.happen("closing_time")
    assert codes(caplog) == ["SK806"]
    assert "sandbox/pier" in caplog.text
    assert "closing_time of system/system is unhandled" in caplog.text
    assert await place.memory() == ["U: anybody?"]


async def test_addresses_without_a_connector_are_noted_at_the_start(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    served = [on("e", at="sandbox/pier"), on("e", at="system/x"), on("e", at="program_timer/t")]
    with caplog.at_level(logging.INFO, "skillrt"):
        async with place.serving(
            flow("talk", *served, on("e", at="phone/line"), on("e", at="phone/"), Main=NOTE)
        ):
            pass
    assert codes(caplog) == ["SK807"]
    assert "phone/line" in caplog.text


# whose


async def test_an_unknown_actor_is_made_with_a_persona(place: Place) -> None:
    async with place.serving(flow("talk", on("user_message"), Main=NOTE)):
        await place.say("a")
        await place.say("b")
        bob = replace(place.person("Bob"), name="Robert")
        await place.runtime.emit("user_message", actor=bob, arguments={"text": "c"})
    ann, robert = await place.store.actors(integration_idn="sandbox")
    assert (ann.external_id, robert.external_id) == ("Ann", "Bob")
    persona = await place.store.persona(robert.persona_id)
    assert persona is not None
    assert (persona.type, persona.name) == ("user", "Robert")
    assert await place.state("talk", "log") == "a;b;"


async def test_an_actor_is_known_by_its_address(place: Place) -> None:
    other = Actor(
        persona_id="someone", integration_idn="sandbox", connector_idn="pier", external_id="Ann"
    )
    async with place.serving(flow("talk", on("user_message"), Main=NOTE)):
        await place.say("a")
        await place.runtime.emit(
            "user_message",
            actor=replace(other, name="Anna", time_zone="Europe/Berlin"),
            arguments={"text": "b"},
        )
        await place.runtime.emit(
            "user_message", actor=replace(other, name="X"), arguments={"text": "c"}
        )
    (known,) = await place.store.actors(integration_idn="sandbox")
    assert (known.id, known.persona_id) == ("actor of Ann", "persona of Ann")
    assert (known.name, known.time_zone) == ("Anna", "Europe/Berlin")  # only blanks are filled
    assert await place.state("talk", "log") == "a;b;c;"


async def test_an_actor_is_made_once_whoever_comes_first(place: Place) -> None:
    async with (
        place.serving(flow("talk", on("user_message"), Main=NOTE)),
        anyio.create_task_group() as tasks,
    ):
        for text in "abcdef":
            tasks.start_soon(place.say, text)
    assert len(await place.store.actors(integration_idn="sandbox")) == 1
    assert sorted(str(await place.state("talk", "log"))) == sorted("a;b;c;d;e;f;")


async def test_an_event_without_anybody_is_global(place: Place) -> None:
    template = '{{#if IsGlobal()}}{{SetState(name="log", value="global")}}{{/if}}'
    async with place.serving(flow("talk", on("tick"), Main=template)):
        await place.happen("tick", None)
    assert await place.store.state("talk/GLOBAL", "log") == "global"


async def test_a_persona_without_an_actor_is_spoken_to_where_it_spoke_last(place: Place) -> None:
    template = '{{SendMessage(message="there?")}}'
    async with place.serving(flow("talk", on("tick"), Main=template)):
        await place.say("a")
        await place.happen("tick")
    assert place.pier.heard == [("Ann", "there?")]


async def test_arguments_are_kept_as_text(place: Place) -> None:
    async with place.serving():
        await place.happen("e", arguments={"n": 1, "b": True, "o": {"a": [1, None]}, "t": " x "})
    (act,) = place.acts("e")
    assert act.arguments == {"n": "1", "b": "True", "o": '{"a":[1,null]}', "t": " x "}


# duplicates


async def test_a_duplicate_is_dropped(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    async with place.serving(flow("talk", on("user_message"), Main=NOTE)):
        first = await place.say("a", external_event_id="1")
        with caplog.at_level(logging.INFO, "skillrt"):
            again = await place.say("a", external_event_id="1")
        await place.say("b", external_event_id="2")
        await place.say("c")
        await place.say("c")
        elsewhere = await place.say("d", external_event_id="1", connector_idn="desk")
    assert (first.duplicate, again.duplicate, elsewhere.duplicate) == (False, True, False)
    assert (first.subscribers, again.subscribers) == (1, 0)
    assert "duplicate" in caplog.text
    assert await place.state("talk", "log") == "a;b;c;c;d;"
    assert len(place.acts("user_message")) == 5


async def test_of_duplicates_at_once_one_is_taken(place: Place) -> None:
    emitted: list[Emitted] = []

    async def say() -> None:
        emitted.append(await place.say("a", external_event_id="1"))

    async with (
        place.serving(flow("talk", on("user_message"), Main=NOTE)),
        anyio.create_task_group() as tasks,
    ):
        for _ in range(10):
            tasks.start_soon(say)
    assert [one.duplicate for one in emitted].count(False) == 1
    assert await place.state("talk", "log") == "a;"


async def test_a_duplicate_makes_no_actor(place: Place) -> None:
    async with place.serving():
        await place.say("a", external_event_id="1")
        await place.say("b", "Bob", external_event_id="1")
    assert len(await place.store.actors(integration_idn="sandbox")) == 1


async def test_what_the_store_refused_may_come_again(place: Place) -> None:
    put_act = place.store.put_act

    async def broken(act: Act) -> None:
        raise StoreError("full")

    async with place.serving(flow("talk", on("user_message"), Main=NOTE)):
        place.store.put_act = broken  # type: ignore[method-assign]
        with pytest.raises(StoreError, match="full"):
            await place.say("a", external_event_id="1")
        place.store.put_act = put_act  # type: ignore[method-assign]
        assert not (await place.say("a", external_event_id="1")).duplicate
    assert await place.state("talk", "log") == "a;"


def test_ids_are_known_for_so_long_and_so_many() -> None:
    seen = Seen(retention_s=10.0, most=2)
    here, there = ("sandbox", "pier"), ("sandbox", "desk")
    assert [seen.note(here, id, 0.0) for id in ("1", "1", "2")] == [True, False, True]
    assert seen.note(there, "1", 0.0)
    assert [seen.note(here, id, 9.9) for id in ("2", "3", "1")] == [False, True, True]
    assert [seen.note(here, id, 20.0) for id in ("3", "1")] == [True, True]
    seen.forget(here, "3")
    assert seen.note(here, "3", 20.0)


# order, and where it ends


async def test_events_of_a_skill_are_offered_in_order(place: Place) -> None:
    send = "".join(f'{{{{SendSystemEvent(eventIdn="e", text="{n}")}}}}' for n in range(20))
    async with place.serving(
        flow("talk", on("user_message"), Main=send), flow("notes", on("e"), Main=NOTE)
    ):
        await place.say("go")
    assert await place.state("notes", "log") == "".join(f"{n};" for n in range(20))


async def test_events_one_from_the_other_come_to_an_end(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    """A flow that starts itself again and again is stopped by the number of hops, and logged once."""
    again = NOTE + '{{SendSystemEvent(eventIdn="e", text="x")}}'
    async with place.serving(flow("talk", on("e"), Main=again)):
        await place.happen("e", arguments={"text": "x"})
    assert await place.state("talk", "log") == "x;" * 65
    assert [r.message for r in caplog.records if r.levelname == "ERROR"] == [
        "event e dropped: 65 events led to it, one from the other"
    ]


async def test_commands_to_system_do_not_go_round_for_ever(place: Place) -> None:
    again = NOTE + '{{SendCommand(commandIdn="e", integrationIdn="system", connectorIdn="system")}}'
    async with place.serving(flow("talk", on("e"), Main=again)):
        await place.happen("e")
    assert str(await place.state("talk", "log")).count(";") == 65


async def test_an_event_can_interrupt_the_skill_that_sent_it(place: Place) -> None:
    template = NOTE + '{{SendSystemEvent(eventIdn="e", text="b")}}{{Sleep(duration="1")}}' + NOTE
    async with place.serving(
        flow("talk", on("user_message"), on("e", "Next", "interrupt"), Main=template, Next=NOTE)
    ):
        await place.say("a")
    assert await place.state("talk", "log") == "a;b;"


async def test_an_event_for_several_actors_and_for_all(place: Place) -> None:
    template = (
        '{{SendSystemEvent(eventIdn="e", actorIds=["actor of Ann", "actor of Bob"], text="one")}}'
        '{{SendSystemEvent(eventIdn="e", global=True, text="all")}}'
    )
    async with place.serving(
        flow("talk", on("user_message"), Main=template), flow("notes", on("e"), Main=NOTE)
    ):
        await place.runtime.emit("hello", actor=place.person("Bob"))
        await place.say("go")
    assert await place.state("notes", "log") == "one;"
    assert await place.state("notes", "log", "Bob") == "one;"
    assert await place.store.state("notes/GLOBAL", "log") == "all;"


# what is refused


async def test_nothing_is_taken_while_the_runtime_is_not_entered(place: Place) -> None:
    place.runtime.load(flow("talk", on("user_message"), Main=NOTE))
    assert (await place.say("early")).refused == 1
    async with place.runtime:
        await place.say("a")
    assert (await place.say("late")).refused == 1
    assert await place.memory() == ["U: a"]


async def test_a_full_queue_refuses(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    place.options = replace(place.options, queue_length=2)
    async with place.serving(
        flow("talk", on("user_message"), Main='{{Sleep(duration="1")}}' + NOTE)
    ):
        emitted = [await place.say(text) for text in "abcd"]
    assert [one.refused for one in emitted] == [0, 0, 0, 1]
    assert [one.subscribers for one in emitted] == [1, 1, 1, 1]
    assert await place.state("talk", "log") == "a;b;c;"
    assert await place.memory() == ["U: a", "U: b", "U: c", "U: d"]
    assert "refused" in caplog.text


# messages of the agent


async def test_delivered_messages_are_events_for_who_subscribes(place: Place) -> None:
    note = (
        '{{SetState(name="log", value=Concat(GetState(name="log"), GetTriggeredAct(fields=["text"]), "/",'
        ' GetTriggeredAct(fields=["actorId"]), "/", GetTriggeredAct(fields=["interrupted"]), ";"))}}'
    )
    template = '{{SendMessage(message="Welcome")}}{{GenStream(interruptMode="interrupt")}}'
    place.provider.__init__(["One", place.at(5.0), " two."])
    async with place.serving(
        flow("talk", on("user_message", mode="interrupt"), Main=template),
        flow("notes", on("agent_message", at="sandbox/pier"), Main=note),
    ):
        await place.say("hi")
        await place.until(1.0)
        await place.say("stop")
        await place.until(1.0)
    assert await place.state("notes", "log") == (
        "Welcome/actor of Ann/;One/actor of Ann/true;Welcome/actor of Ann/;One two./actor of Ann/;"
    )
    assert len(place.acts("agent_message")) == 4  # the act of the message is that of the event


async def test_a_message_about_a_message_comes_to_an_end(place: Place) -> None:
    echo = '{{SendMessage(message=GetTriggeredAct(fields=["text"]))}}'
    async with place.serving(flow("talk", on("user_message"), on("agent_message"), Main=echo)):
        await place.say("hi")
    assert len(place.pier.heard) == 65


# personas become one


async def test_merged_personas_are_one(place: Place) -> None:
    slow = '{{Sleep(duration="5")}}' + NOTE
    store = place.store
    async with place.serving(flow("talk", on("user_message"), Main=slow)):
        await place.say("a", "Ann")
        await place.say("b", "Bob")
        await store.put_attribute("persona of Ann", "boat", "red")
        await store.put_attribute("persona of Bob", "boat", "blue")
        await store.put_attribute("persona of Bob", "dog", "Rex")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(place.runtime.merge_personas, "persona of Ann", "persona of Bob")
            await place.until(1.0)
            await place.say("c", "Bob")  # Bob's queue is drained first
            await place.until(11.0)
        await place.say("d", "Bob")
        await place.happen("e", "Bob")
    assert await place.state("talk", "log", "Bob") == "b;c;"
    assert await place.state("talk", "log", "Ann") == "a;d;"
    assert await place.memory("Ann") == ["U: a", "U: b", "U: c", "U: d"]
    assert [await store.attribute("persona of Ann", name) for name in ("boat", "dog")] == [
        "red",
        "Rex",
    ]
    assert await store.persona("persona of Bob") is None
    assert place.acts("e")[0].user_persona_id == "persona of Ann"
    assert len(place.acts("session_ended")) == 2


async def test_a_persona_is_not_merged_with_itself(place: Place) -> None:
    with pytest.raises(ValueError, match="itself"):
        await place.runtime.merge_personas("a", "a")


# states, selection, results


async def test_states_belong_to_their_scope(place: Place) -> None:
    count = "".join(
        f'{{{{SetState(name="{scope}", value=Add(a=GetState(name="{scope}"), b="1"))}}}}'
        for scope in ("user", "agent", "flow", "project", "global")
    )
    state: Any = {
        scope: {"default": "10", "scope": scope}
        for scope in ("user", "agent", "flow", "project", "global")
    }
    async with place.serving(flow("talk", on("user_message"), state=state, Main=count)):
        for name in ("Ann", "Bob", "Ann"):
            await place.say("+", name)
    store = place.store
    assert await store.state("talk/persona of Ann", "user") == "12"
    assert await store.state("talk/persona of Bob", "user") == "11"
    assert [await store.state("talk", name) for name in ("agent", "flow")] == ["13", "13"]
    shared = [await store.state("talk/PROJECT", name) for name in ("project", "global")]
    assert shared == ["13", "13"]


async def test_a_state_selects_the_skill_when_its_turn_comes(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    switch = '{{SetState(name="handler", value=GetTriggeredAct(fields=["text"]))}}'
    place_flow = flow(
        "talk",
        on("switch", "Switch"),
        on("user_message", None, state="handler"),
        state={"handler": {"default": "First", "scope": "user"}},
        Switch='{{Sleep(duration="1")}}' + switch,
        First=NOTE,
        Second=NOTE + NOTE,
    )
    async with place.serving(place_flow):
        await place.say("a")
        for handler in (" Second ", " ", "Nowhere"):
            await place.happen("switch", arguments={"text": handler})
            await place.say("b")
            await place.clock.advance(2.0)
    assert await place.state("talk", "log") == "a;b;b;"
    assert [r.levelname for r in caplog.records] == ["ERROR"]
    assert "'Nowhere'" in caplog.text


@pytest.mark.parametrize(
    "template", ['{{Return("Done.")}}', '{{Set(name="RESULT", value="Done.")}}']
)
async def test_a_result_is_sent(place: Place, template: str) -> None:
    async with place.serving(flow("talk", on("user_message"), result_action="send", Main=template)):
        await place.say("a")
    assert place.pier.heard == [("Ann", "Done.")]
    assert await place.memory() == ["U: a", "A: Done."]


async def test_a_result_is_kept_in_a_state(place: Place) -> None:
    template = '{{Return(CreateArray("a", "b"))}}'
    async with place.serving(
        flow("talk", on("user_message"), result_action="state:last", Main=template)
    ):
        await place.say("a")
    assert await place.state("talk", "last") == '["a","b"]'


@pytest.mark.parametrize("template", ["text only", '{{Return(" ")}}', '{{Return("x" + 1)}}'])
async def test_without_a_result_nothing_is_sent(place: Place, template: str) -> None:
    async with place.serving(flow("talk", on("user_message"), result_action="send", Main=template)):
        await place.say("a")
    assert place.pier.heard == []


async def test_a_connector_pair_is_unique(place: Place) -> None:
    place.connectors = [Pier()]
    with pytest.raises(ValueError, match="sandbox/pier"):
        _ = place.runtime


async def test_a_given_persona_is_the_events(place: Place) -> None:
    """An event about somebody else than the actor it came from belongs to the one it is about."""
    await place.store.put_persona(Persona(id="persona of Bob", name="Bob"))
    async with place.serving(flow("talk", on("e"), Main=NOTE)):
        await place.runtime.emit(
            "e", actor=place.person("Ann"), persona_id="persona of Bob", arguments={"text": "x"}
        )
    assert await place.state("talk", "log", "Bob") == "x;"
