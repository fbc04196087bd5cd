"""GetMemory, step by step."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz import examples
from skillrt.actions.memory import _fitting, _newest
from skillrt.errors import ActionError, StoreError
from skillrt.model import Act, Persona
from skillrt.values import UNDEFINED, DslList, Record

from .conftest import START, World

pytestmark = pytest.mark.anyio


async def talk(world: World) -> None:
    await world.said("U", "Hi", minutes=0)
    await world.said("A", "Hello!", minutes=1)
    await world.said("U", "A table for two?", minutes=2)
    await world.said("A", "When?", minutes=3)


ALL = "User: Hi\nAgent: Hello!\nUser: A table for two?\nAgent: When?"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, ALL),
        ({"count": "1", "fromPerson": "User"}, "User: A table for two?"),
        ({"offset": "2", "count": 10}, "User: Hi\nAgent: Hello!"),
        ({"offset": 1, "count": 1.0}, "User: A table for two?"),
        ({"maxLen": 40}, "User: A table for two?\nAgent: When?"),
        ({"maxLen": 35}, "User: A table for two?\nAgent: When?"),
        ({"maxLen": 34}, "Agent: When?"),
        ({"maxLen": "5"}, "Agent"),
        ({"maxLen": ""}, ALL),
        ({"fromPerson": " agent "}, "Agent: Hello!\nAgent: When?"),
        ({"fromPerson": "Both", "offset": " ", "count": None}, ALL),
        ({"count": 0}, ""),
        ({"offset": 9}, ""),
        ({"fromDate": "2024-01-19T17:49:00"}, "User: A table for two?\nAgent: When?"),
        ({"fromDate": "2024-01-20"}, ""),
        ({"toDate": "2024-01-19T17:48:00Z"}, "User: Hi"),
        ({"toDate": START.isoformat()}, "User: Hi"),
        ({"toDate": "2024-01-19 09:48:00-08:00, Friday"}, "User: Hi"),
        ({"toDate": "2024-01-19"}, ""),
        ({"filterByActorIds": "a1"}, ALL),
        ({"filterByActorIds": "['a1', 'a2']"}, ALL),
        ({"filterByActorIds": ["a2"]}, ""),
        ({"filterByActorIds": []}, ""),
        ({"filterByActorIds": ""}, ALL),
        ({"filterByActorIds": ["a1"], "filterByUserPersonaIds": ["bob"]}, ALL),
        ({"filterByUserPersonaIds": "sue"}, ALL),
        ({"filterByPersonaIds": "sue"}, ALL),
        ({"filterByPersonasIds": Record("Sue", {"id": "sue"})}, ALL),
        ({"filterByUserPersonaIds": DslList()}, ""),
        ({"sessionId": "s9"}, ""),
        ({"sessionId": UNDEFINED}, ALL),
        ({"asEnglishText": "no", "summarize": "n"}, ALL),
    ],
)
async def test_get_memory(world: World, arguments: dict[str, Any], expected: str) -> None:
    await talk(world)
    assert await world.do("GetMemory", **arguments) == expected


async def test_nothing_was_said(world: World) -> None:
    assert await world.do("GetMemory") == ""
    assert await world.do("GetMemory", summarize=True) == ""


async def test_memory_is_that_of_the_agent_the_user_and_the_session(world: World) -> None:
    await world.said("U", "mine", session_id="s1")
    await world.said("U", "bob's", persona_id="bob", actor_id="b1", minutes=1)
    act = await world.said("U", "another agent's", minutes=2)
    await world.store.put_act(replace(act, agent_ids=("other",)))
    act = await world.said("U", "everybody's", minutes=3)
    await world.store.put_act(replace(act, agent_ids=()))
    assert await world.do("GetMemory") == "User: mine\nUser: everybody's"
    assert await world.do("GetMemory", sessionId="s1") == "User: mine"
    assert await world.do("GetMemory", filterByUserPersonaIds="bob sue", count=2) == (
        "User: bob's\nUser: everybody's"
    )
    assert await world.do("GetMemory", filterByActorIds="b1") == "User: bob's"
    world.make_global()
    assert await world.do("GetMemory") == ""
    assert await world.do("GetMemory", filterByUserPersonaIds="bob") == "User: bob's"


async def test_only_messages_are_remembered(world: World) -> None:
    await talk(world)
    act = await world.said("U", "an event", minutes=9)
    await world.store.put_act(replace(act, reference_idn="call_started"))
    assert await world.do("GetMemory") == ALL


async def test_a_message_to_several_actors_counts_once_with_its_longest_text(
    world: World,
) -> None:
    await world.said("A", "one two", minutes=0, message_id="m1")
    await world.said("U", "stop", minutes=0.5)
    await world.said("A", "one two three", minutes=0.6, message_id="m1", actor_id="a2")
    await world.said("A", "one", minutes=0.7, message_id="m1", actor_id="a3")
    await world.said("A", "four", minutes=1, message_id="m2")
    await world.said("A", "four", minutes=2, message_id="m2", actor_id="a2")
    assert await world.do("GetMemory") == "User: stop\nAgent: one two three\nAgent: four"
    assert await world.do("GetMemory", count=1) == "Agent: four"
    assert await world.do("GetMemory", count=1, offset=1) == "Agent: one two three"


async def test_the_newest_messages_of_many(world: World) -> None:
    for number in range(300):
        await world.said("U", str(number), minutes=number)
    assert await world.do("GetMemory", count=2) == "User: 298\nUser: 299"
    assert await world.do("GetMemory", count=1, offset=299) == "User: 0"


async def test_the_newest_messages_are_read_without_the_oldest(world: World) -> None:
    for number in range(300):
        await world.said("U", str(number), minutes=number)
    await world.said("A", "unreadable", minutes=-1)
    messages = await world.store.messages("agent-mia")
    read: list[str] = []

    class Watched(list[Act]):
        def __reversed__(self) -> Iterator[Act]:
            for act in super().__reversed__():
                read.append(act.text)
                yield act

    assert [act.text for act in _newest(Watched(messages), {"user_message"}, 0, 1)] == ["299"]
    assert len(read) < 100


async def test_the_host_sets_the_default_length_and_the_labels(world: World) -> None:
    await talk(world)
    world.use(memory_max_len=12)
    assert await world.do("GetMemory") == "Agent: When?"
    assert await world.do("GetMemory", maxLen=200) == ALL
    world.use(memory_max_len=200, memory_labels="names")
    assert await world.do("GetMemory", count=2) == "Sue: A table for two?\nMia: When?"
    await world.store.put_persona(Persona(id="sue", name=""))
    assert await world.do("GetMemory", count=2) == "User: A table for two?\nMia: When?"


async def test_long_memory_is_summarised(world: World) -> None:
    await talk(world)
    model = world.answer("Wants a table.")
    assert await world.do("GetMemory", summarize="true", maxLen="30") == "Wants a table."
    (request,) = model.requests
    assert request.messages[-1].content == ALL
    assert await world.do("GetMemory", summarize=True) == ALL
    assert len(model.requests) == 1


async def test_at_most_20000_characters_are_summarised(world: World) -> None:
    for minute in range(3):
        await world.said("U", str(minute) * 9_000, minutes=minute)
    model = world.answer("Digits.")
    assert await world.do("GetMemory", summarize=True) == "Digits."
    assert model.requests[0].messages[-1].content == f"User: {'1' * 9_000}\nUser: {'2' * 9_000}"


async def test_a_failed_summary_gives_the_plain_lines(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await talk(world)
    with caplog.at_level(logging.WARNING, "skillrt"):
        assert await world.do("GetMemory", summarize=True, maxLen=12) == "Agent: When?"
    assert "Summarize: failed(refused): the model is away" in caplog.text


async def test_english_texts_are_made_once(world: World) -> None:
    await world.said("U", "Guten Tag", minutes=0, language_code="de")
    await world.said("A", "Hello", minutes=1, language_code="en-GB")
    await world.said("U", "Danke", minutes=2, english_text="Thanks")
    model = world.answer("Good day")
    expected = "User: Good day\nAgent: Hello\nUser: Thanks"
    for _ in range(2):
        assert await world.do("GetMemory", asEnglishText="yes") == expected
    assert len(model.requests) == 1
    assert await world.do("GetMemory", count=1, offset=2) == "User: Guten Tag"


async def test_a_failed_translation_keeps_the_text(world: World) -> None:
    await world.said("U", "Guten Tag")
    assert await world.do("GetMemory", asEnglishText=True) == "User: Guten Tag"
    assert await world.do("GetMemory", asEnglishText=True) == "User: Guten Tag"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"count": "many"}, "parameter 'count': expected a whole number, 0 or more, got 'many'"),
        ({"offset": -1}, "parameter 'offset': expected a whole number, 0 or more, got -1"),
        ({"maxLen": 0}, "parameter 'maxLen': expected a whole number, 1 or more, got 0"),
        (
            {"fromPerson": "Us"},
            "parameter 'fromPerson': expected one of User, Agent, Both, got 'Us'",
        ),
        ({"fromDate": "today"}, "parameter 'fromDate': expected a date, got 'today'"),
        ({"summarize": "maybe"}, "parameter 'summarize': expected true or false, got 'maybe'"),
        ({"filterByActorIds": 5}, "parameter 'filterByActorIds': expected ids, got 5"),
        ({"lines": 5}, "parameter 'lines': unknown argument"),
    ],
)
async def test_get_memory_refuses(world: World, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ActionError) as caught:
        await world.do("GetMemory", **arguments)
    assert str(caught.value) == f"GetMemory: {message}"


async def test_a_store_that_fails_ends_the_execution(world: World) -> None:
    async def fail(*_: Any, **__: Any) -> Any:
        raise StoreError("the disk is full")

    world.ctx.store = type("Broken", (), {"messages": fail})()
    with pytest.raises(StoreError, match="the disk is full"):
        await world.do("GetMemory")


@examples(100, 1_000)
@given(st.lists(st.text(max_size=10), max_size=8), st.integers(1, 60))
def test_whole_lines_are_kept_from_the_newest_backwards(lines: list[str], limit: int) -> None:
    """What fits is a tail of the lines within the limit, one more line does not fit; or the newest's start."""
    found = _fitting(lines, limit)
    assert len(found) <= limit
    tails = ["\n".join(lines[start:]) for start in range(len(lines) + 1)]
    if found in tails:
        longer = [tail for tail in tails[: tails.index(found)] if len(tail) <= limit]
        assert not longer
    else:
        assert found == lines[-1][:limit]
