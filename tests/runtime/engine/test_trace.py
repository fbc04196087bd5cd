"""A whole conversation moment by moment: two flows, an interrupted answer, a timer, the end of a session."""

from __future__ import annotations

from types import ModuleType

import pytest

from engine_place import Place, flow, on
from skillrt.testing.provider import ScriptedProvider

pytestmark = pytest.mark.anyio

REPLY = """\
{{StartNotInterruptibleBlock()}}
{{Set(name="new", value=GetTriggeredAct(fields=["text"]))}}
{{SetState(name="open_question", value=Concat(GetState(name="open_question"), " ", new))}}
{{StopNotInterruptibleBlock()}}
{{#system~}}You rent kayaks. Not answered yet: {{GetState(name="open_question")}}{{~/system}}
{{#assistant~}}
{{Set(name="said", value=GenStream(interruptMode="interruptWindow", interruptWindow=1.0))}}
{{~/assistant}}
{{SetState(name="open_question", value="")}}
{{SendSystemEvent(eventIdn="turn_done", said=said)}}
"""
JOT = """\
{{SendCommand(commandIdn="set_timer", integrationIdn="program_timer", connectorIdn="quiet",
  timerName="quiet_user", interval="30", eventIdn="nudge_due")}}
{{#system~}}One line on what was agreed: {{GetTriggeredAct(fields=["said"])}}{{~/system}}
{{SetPersonaAttribute(id=GetUser(field="id"), field="note", value=Gen(maxTokens=40))}}
"""
NUDGE = """{{SendMessage(message="Shall I hold a boat for you?")}}"""


def talk(template: str = REPLY, mode: str = "interrupt") -> ModuleType:
    return flow(
        "TalkFlow",
        on("user_message", "Reply", mode, at="sandbox/pier"),
        state={"open_question": {"default": "", "scope": "user"}},
        model=("google", "talk"),
        Reply=template,
    )


def notes() -> ModuleType:
    return flow(
        "NotesFlow",
        on("turn_done", "Jot", "cancel", at="system/system"),
        on("nudge_due", "Nudge", at="program_timer/quiet"),
        model=("google", "notes"),
        Jot=JOT,
        Nudge=NUDGE,
    )


def script(place: Place) -> tuple[ScriptedProvider, ScriptedProvider]:
    talker = ScriptedProvider(
        [place.at(0.6), "Yes, ", place.at(0.9), "we have ", place.at(1.1), "singles", " and more."],
        [place.at(1.7), "We have ", place.at(4.2), "doubles."],
        [place.at(5.0), "See ", place.at(5.3), "you."],
    )
    noter = ScriptedProvider([place.at(5.9), "A double."])
    place.provider = {"google/talk": talker, "google/*": noter}

    async def slow(text: str) -> None:
        if text.strip() == "singles":
            await place.clock.sleep_until(1.103)

    place.pier.taking = slow
    return talker, noter


async def converse(place: Place) -> None:
    await place.say("Got kayaks")
    await place.until(1.1)
    await place.say("for two people?")
    await place.until(3.4)
    await place.say("great")


async def test_conversation(place: Place) -> None:
    talker, noter = script(place)
    async with place.serving(talk(), notes()):
        await place.say("Got kayaks")
        assert await place.state("TalkFlow", "open_question") == " Got kayaks"
        await place.until(1.1)
        await place.say("for two people?")
        assert place.pier.heard == []  # the write under way may end
        await place.until(1.103)
        assert place.pier.heard == [("Ann", "Yes, we have singles-")]
        assert await place.state("TalkFlow", "open_question") == " Got kayaks for two people?"
        assert await place.memory() == [
            "U: Got kayaks",
            "A: Yes, we have singles-",
            "U: for two people?",
        ]
        await place.until(3.4)
        await place.say("great")
        assert len(place.pier.heard) == 1  # the window is closed
        await place.until(4.2)
        assert place.pier.heard[1:] == [("Ann", "We have doubles.")]
        assert await place.state("TalkFlow", "open_question") == " great"
        await place.until(5.3)
        assert place.pier.heard[2:] == [("Ann", "See you.")]
        await place.until(5.9)
        assert await place.store.attribute("persona of Ann", "note") == "A double."
        await place.until(34.1)
        assert len(place.pier.heard) == 3
        await place.until(34.2)
        assert place.pier.heard[3:] == [("Ann", "Shall I hold a boat for you?")]
        await place.until(334.1)
        assert place.acts("session_ended") == []
        await place.until(334.2)
    (ended,) = place.acts("session_ended")
    (started,) = place.acts("session_started")
    assert ended.arguments["reason"] == "timeout"
    assert started.session_id == ended.session_id == ended.arguments["sessionId"]
    session = await place.store.session(ended.session_id)
    assert (session.user_messages, session.agent_messages) == (3, 4)
    assert await place.memory() == [
        "U: Got kayaks",
        "A: Yes, we have singles-",
        "U: for two people?",
        "A: We have doubles.",
        "U: great",
        "A: See you.",
        "A: Shall I hold a boat for you?",
    ]
    assert len(place.acts("turn_done")) == 2  # the second was dropped while the first was noted
    assert (len(talker.requests), len(noter.requests)) == (3, 1)
    assert (talker.open, noter.open) == (0, 0)


async def test_conversation_without_a_window_is_cut_again(place: Place) -> None:
    script(place)
    template = REPLY.replace(
        'interruptMode="interruptWindow", interruptWindow=1.0', 'interruptMode="interrupt"'
    )
    async with place.serving(talk(template), notes()):
        await converse(place)
        await place.until(3.5)
        assert place.pier.heard == [("Ann", "Yes, we have singles-"), ("Ann", "We have-")]
        assert place.acts("turn_done") == []


async def test_conversation_inside_a_block_answers_first(place: Place) -> None:
    script(place)
    stop = "{{StopNotInterruptibleBlock()}}\n"
    template = REPLY.replace(stop, "") + stop + '{{SendMessage(message="never")}}'
    async with place.serving(talk(template), notes()):
        await place.say("Got kayaks")
        await place.until(1.1)
        await place.say("for two people?")
        await place.until(1.2)
        assert place.pier.heard == [("Ann", "Yes, we have singles and more.")]
        assert await place.state("TalkFlow", "open_question") == " for two people?"
        await place.until(3.4)
        await place.say("great")
        await place.until(4.2)
        assert place.pier.heard[1:] == [("Ann", "We have doubles.")]


async def test_conversation_in_a_queue_is_cut_and_goes_on(place: Place) -> None:
    script(place)
    async with place.serving(talk(mode="queue"), notes()):
        await converse(place)
        assert place.pier.heard == [("Ann", "Yes, we have singles-")]
        (done,) = place.acts("turn_done")
        assert done.arguments["said"] == "Yes, we have singles"
        assert await place.state("TalkFlow", "open_question") == " for two people?"
        await place.until(4.2)
        assert place.pier.heard[1:] == [("Ann", "We have doubles.")]
