"""The store that lives in memory: snapshots, unique addresses, messages in order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz import examples
from skillrt.errors import StoreError
from skillrt.model import Act, Actor, Persona, Session, Timer
from skillrt.stores.base import Store
from skillrt.stores.memory import MemoryStore

pytestmark = pytest.mark.anyio

START = datetime(2024, 1, 1, tzinfo=UTC)


def act(id: str, minutes: float = 0, **fields: Any) -> Act:
    about: dict[str, Any] = {
        "agent_ids": ("A",),
        "user_persona_id": "p",
        "actor_id": "a",
        "text": id,
    }
    return Act(
        id=id,
        reference_idn="user_message",
        kind=fields.pop("kind", "message"),
        datetime=START + timedelta(minutes=minutes),
        **{**about, **fields},
    )


async def ids(store: Store, **filters: Any) -> list[str]:
    return [found.id for found in await store.messages("A", **filters)]


async def test_unknown_ids_give_none() -> None:
    store = MemoryStore()
    assert await store.persona("x") is None
    assert await store.actor("x") is None
    assert await store.act("x") is None
    assert await store.state("o", "x") is None
    assert await store.attribute("o", "x") is None
    assert list(await store.messages("A")) == []


async def test_states_and_attributes_belong_to_their_owner() -> None:
    store = MemoryStore()
    await store.put_state("o", "k", "1")
    await store.put_state("o", "k", "2")
    await store.put_attribute("o", "k", "3")
    assert await store.state("o", "k") == "2"
    assert await store.attribute("o", "k") == "3"
    assert await store.state("other", "k") is None
    await store.delete_attribute("o", "k")
    await store.delete_attribute("o", "k")
    assert await store.attribute("o", "k") is None
    assert await store.state("o", "k") == "2"


async def test_actors_match_all_filters_in_order_of_creation() -> None:
    store = MemoryStore()
    for id, persona, external, integration, zone in (
        ("a", "p", "1", "sandbox", ""),
        ("b", "q", "1", "sms", "UTC"),
        ("c", "p", "2", "sms", "UTC"),
    ):
        await store.put_actor(
            Actor(
                id=id,
                persona_id=persona,
                external_id=external,
                integration_idn=integration,
                connector_idn="c",
                time_zone=zone,
            )
        )

    async def found(**filters: str) -> str:
        return "".join(actor.id for actor in await store.actors(**filters))

    assert await found() == "abc"
    assert await found(persona_id="p") == "ac"
    assert await found(external_id="1") == "ab"
    assert await found(integration_idn="sms", time_zone="UTC") == "bc"
    assert await found(external_id="1", integration_idn="sms", connector_idn="c") == "b"
    assert await found(external_id="9", integration_idn="sms", connector_idn="c") == ""
    address = {"external_id": "1", "integration_idn": "sms", "connector_idn": "c"}
    assert await found(**address, persona_id="p") == ""


async def test_an_address_belongs_to_one_actor() -> None:
    store = MemoryStore()
    await store.put_actor(Actor(id="a", persona_id="p", external_id="1"))
    with pytest.raises(StoreError, match="another actor is sandbox / sandbox / 1"):
        await store.put_actor(Actor(id="b", persona_id="p", external_id="1"))
    assert await store.actor("b") is None
    await store.put_actor(Actor(id="a", persona_id="p", external_id="2"))
    await store.put_actor(Actor(id="b", persona_id="p", external_id="1"))
    assert [actor.id for actor in await store.actors(external_id="1")] == ["b"]


async def test_messages_are_those_of_the_filters() -> None:
    store = MemoryStore()
    for said in (
        act("m1", 1, session_id="s"),
        act("m2", 2, actor_id="b"),
        act("m3", 3, user_persona_id="q", actor_id="c"),
        act("m4", 4, agent_ids=("B",)),
        act("m5", 5, agent_ids=()),
        act("e1", 6, kind="event"),
        act("c1", 7, kind="command"),
    ):
        await store.put_act(said)
    assert await ids(store) == ["m1", "m2", "m3", "m5"]
    assert await ids(store, persona_ids=["p"]) == ["m1", "m2", "m5"]
    assert await ids(store, persona_ids=["q", "p", "q"]) == ["m1", "m2", "m3", "m5"]
    assert await ids(store, persona_ids=[]) == []
    assert await ids(store, actor_ids=["b", "c"]) == ["m2", "m3"]
    assert await ids(store, actor_ids=[]) == []
    assert await ids(store, actor_ids=["b", "c"], persona_ids=["q"]) == ["m3"]
    assert await ids(store, session_id="s") == ["m1"]
    two, three = START + timedelta(minutes=2), START + timedelta(minutes=3)
    assert await ids(store, since=two, until=three) == ["m2", "m3"]
    assert await ids(store, persona_ids=["p"], until=two) == ["m1", "m2"]


async def test_a_replaced_message_keeps_its_place_among_its_equals() -> None:
    store = MemoryStore()
    for id in ("m1", "m2", "m3"):
        await store.put_act(act(id))
    await store.put_act(act("m1", text="again"))
    assert await ids(store) == ["m1", "m2", "m3"]
    assert (await store.messages("A"))[0].text == "again"
    await store.put_act(act("m2", 5))
    assert await ids(store) == ["m1", "m3", "m2"]
    await store.put_act(act("m1", actor_id="other"))
    assert await ids(store, actor_ids=["a"]) == ["m3", "m2"]
    await store.put_act(act("m1", kind="event"))
    assert await ids(store) == ["m3", "m2"]


async def test_parts_of_the_messages_are_messages() -> None:
    store = MemoryStore()
    for number in range(5):
        await store.put_act(act(str(number), number))
    messages = await store.messages("A")
    assert len(messages) == 5
    assert [found.id for found in messages[1:3]] == ["1", "2"]
    assert [found.id for found in reversed(messages)] == ["4", "3", "2", "1", "0"]


async def test_the_act_before_is_the_last_of_any_kind_of_the_persona() -> None:
    store = MemoryStore()
    acts = [
        act("m1", 1),
        act("m2", 3, user_persona_id="q"),
        act("e1", 2, kind="event", agent_ids=("B",)),
        act("c1", 3, kind="command"),
        act("m3", 3),
    ]
    for said in acts:
        await store.put_act(said)

    async def before(one: Act) -> str | None:
        found = await store.act_before(one)
        return found.id if found else None

    assert [await before(one) for one in acts] == [None, None, "m1", "e1", "c1"]
    assert await before(act("new", 3)) == "m3"
    assert await before(act("new", 2.5)) == "e1"
    assert await before(act("new", 9, user_persona_id="r")) is None
    await store.put_act(act("global", 4, user_persona_id=None))
    assert await before(act("new", 9, user_persona_id=None)) is None
    await store.put_act(act("c1", 3, kind="command", user_persona_id="q"))
    assert await before(acts[-1]) == "e1"
    await store.merge_personas("p", "q")
    assert await before(acts[-1]) == "c1"


async def test_a_forgotten_act_is_nowhere() -> None:
    store = MemoryStore()
    for id in ("m1", "m2", "m3"):
        await store.put_act(act(id))
    await store.delete_act("m2")
    await store.delete_act("m2")
    assert await store.act("m2") is None
    assert await ids(store) == await ids(store, persona_ids=["p"]) == ["m1", "m3"]
    last = await store.act("m3")
    assert last is not None
    before = await store.act_before(last)
    assert before is not None
    assert before.id == "m1"
    await store.put_act(act("m4"))
    await store.put_act(act("m2"))
    assert await ids(store) == ["m1", "m3", "m4", "m2"]


def session(id: str, persona_id: str = "p", **fields: Any) -> Session:
    return Session(id=id, user_persona_id=persona_id, created_at=START, expires_at=START, **fields)


async def test_of_a_persona_one_session_is_active() -> None:
    store = MemoryStore()
    await store.put_session(session("s1"))
    await store.put_session(session("s2", "q"))
    with pytest.raises(StoreError, match="another session of persona p is active"):
        await store.put_session(session("s3"))
    await store.put_session(session("s1", user_messages=1))
    assert [one.id for one in await store.active_sessions()] == ["s1", "s2"]
    assert [one.user_messages for one in await store.active_sessions("p")] == [1]
    await store.put_session(session("s1", ended_at=START))
    await store.put_session(session("s3"))
    await store.put_session(
        session("s1", ended_at=START, events=2)
    )  # an ended one may still change
    assert [one.id for one in await store.active_sessions("p")] == ["s3"]
    assert await store.active_sessions("nobody") == []
    ended = await store.session("s1")
    assert ended is not None
    assert ended.events == 2
    assert await store.session("s9") is None


async def test_merging_moves_everything_and_keeps_the_masters() -> None:
    store = MemoryStore()
    for id in ("p", "q"):
        await store.put_persona(Persona(id=id))
        await store.put_actor(Actor(id=f"a{id}", persona_id=id, external_id=id))
        await store.put_attribute(id, "both", id)
        await store.put_attribute(id, f"only {id}", id)
    await store.put_act(act("m1", 1, user_persona_id="q"))
    await store.put_act(act("m2", 2, user_persona_id="p"))
    await store.put_act(act("e1", 3, user_persona_id="q", kind="event"))
    await store.put_session(session("s1", "q", ended_at=START))
    await store.put_session(session("s2", "q"))
    await store.put_timer(Timer(id="t1", persona_id="q", name="both", connector_idn="c"))
    await store.put_timer(Timer(id="t2", persona_id="p", name="both", connector_idn="c"))
    await store.put_timer(Timer(id="t3", persona_id="q", name="mine", connector_idn="c"))
    await store.merge_personas("p", "q")
    assert [found.id for found in await store.actors(persona_id="p")] == ["ap", "aq"]
    assert await ids(store, persona_ids=["p"]) == ["m1", "m2"]
    assert await ids(store, persona_ids=["q"]) == []
    moved = await store.act("e1")
    assert moved is not None
    assert moved.user_persona_id == "p"
    attributes = [await store.attribute("p", name) for name in ("both", "only p", "only q")]
    assert attributes == ["p", "p", "q"]
    assert await store.attribute("q", "both") is None
    assert [one.id for one in await store.active_sessions("p")] == ["s2"]
    assert await store.active_sessions("q") == []
    assert sorted(one.id for one in await store.timers()) == ["t2", "t3"]
    assert {one.persona_id for one in await store.timers()} == {"p"}
    assert await store.persona("q") is None


@examples(100, 1_000)
@given(
    st.lists(
        st.tuples(st.sampled_from("abcdef"), st.integers(0, 3), st.sampled_from(["p", "q"])),
        max_size=30,
    )
)
async def test_messages_come_by_time_then_by_their_first_put(
    puts: list[tuple[str, int, str]],
) -> None:
    """However acts are put and replaced, they are read by (datetime, order of the first put)."""
    store = MemoryStore()
    last: dict[str, tuple[int, str]] = {}
    for id, minutes, persona in puts:
        await store.put_act(act(id, minutes, user_persona_id=persona))
        last[id] = (minutes, persona)
    first = list(last)
    expected = sorted(last, key=lambda id: (last[id][0], first.index(id)))
    assert await ids(store) == expected
    assert await ids(store, persona_ids=["q"]) == [id for id in expected if last[id][1] == "q"]
