"""The projects of this repository, as built and committed, on an engine: what people hear and what is kept."""

from __future__ import annotations

import pytest

from engine_place import Pier, Place
from skillrt.testing.provider import ScriptedProvider

pytestmark = pytest.mark.anyio

GUEST = "stargazing.Host.TalkFlow/persona of Ann"
NOTES = "stargazing.Host.NotesFlow/persona of Ann"


async def test_observatory_keeps_what_was_asked_until_an_answer_got_through() -> None:
    place = Place()
    place.provider = ScriptedProvider(
        ["Saturn", place.at(1.0), " is up."],
        ["Saturn", " and Mars."],
        ["Asked for planets."],
    )
    place.runtime.load("stargazing")
    async with place.runtime:
        await place.say("What is up")
        await place.until(0.5)
        await place.say("and when?")
        await place.until(5.0)
    assert place.pier.heard == [("Ann", "Saturn-"), ("Ann", "Saturn and Mars.")]
    asked = [message.content for message in place.provider.requests[1].messages]
    assert "asks: What is up and when?" in asked[0]
    assert "The dome is closed." in asked[0]
    assert "The visitor, dear visitor, asks" in asked[0]
    assert place.provider.requests[0].model == "gemini25_flash"
    assert await place.store.state(GUEST, "unanswered") == ""


async def test_observatory_hands_the_next_message_to_the_skill_that_state_names() -> None:
    place = Place()
    place.provider = ScriptedProvider(
        ["Which night?"],
        ["note"],
        ["You are booked for Friday."],
        ["note"],
        ["Good night."],
        ["note"],
    )
    place.runtime.load("stargazing")
    async with place.runtime:
        await place.say("I want to book")
        assert await place.store.state(GUEST, "on_message") == "Book"
        await place.say("Friday, two")
        assert await place.store.state(GUEST, "on_message") == "Answer"
        await place.say("Thanks")
    heard = [text for _, text in place.pier.heard]
    assert heard == ["Which night?", "You are booked for Friday.", "Good night."]
    assert place.provider.requests[2].model == "gpt4o"


async def test_observatory_reminds_of_the_telescope_when_a_visitor_falls_silent() -> None:
    place = Place()
    place.provider = ScriptedProvider(["Mars."], ["note"])
    place.runtime.load("stargazing")
    async with place.runtime:
        await place.say("What is up?")
        await place.until(59.0)
        assert [text for _, text in place.pier.heard] == ["Mars."]
        await place.until(61.0)
    assert [text for _, text in place.pier.heard][1:] == [
        "Shall I keep a place at the telescope for you?"
    ]
    assert await place.store.state(NOTES, "reminders") == "1"


async def test_observatory_tells_everybody_where_the_dome_is() -> None:
    place = Place()
    place.provider = ScriptedProvider(["Mars."], ["note"])
    place.runtime.load("stargazing")
    async with place.runtime:
        await place.happen("weather_report", None, arguments={"wind": 10, "rain": "no"})
        await place.say("Is it open?")
    assert "The dome is open." in place.provider.requests[0].messages[0].content
    assert await place.store.state("stargazing.Keeper.DomeFlow", "last_move") == "open"


async def test_bakery_counts_loaves_and_calls_the_library() -> None:
    place = Place()
    place.pier = Pier("counter")
    place.provider = ScriptedProvider(["2"])
    place.runtime.load("orders")
    async with place.runtime:
        await place.say("Two loaves, please")
        await place.happen("order_changed", arguments={"loaves": 1})
        await place.until(1801.0)
    heard = [text for _, text in place.pier.heard]
    assert heard[:2] == [
        "That makes 2 loaves for 8 euros, baked by seven.",
        "Changed to one loaf for 4 euros.",
    ]
    assert heard[2].startswith("Your bread left the oven at ")
