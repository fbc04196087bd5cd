"""Timers and system commands as skills use them: through the engine."""

from __future__ import annotations

import anyio
import pytest

from engine_place import Place, flow, on
from skillrt.model import Persona

pytestmark = pytest.mark.anyio

SET = "SendCommand(commandIdn='set_timer', integrationIdn='program_timer', "
TELL = "{{SendMessage(message=GetTriggeredAct(fields=['timerName', 'note']))}}"


async def test_timer_without_a_connector_comes_from_the_one_of_its_name(place: Place) -> None:
    timed = flow(
        "Timed",
        on("user_message", "Start"),
        on("timer", "Tell", at="program_timer/hush"),
        Start=f"{{{{{SET} timerName='hush', interval=30, note='tea')}}}}",
        Tell=TELL,
    )
    async with place.serving(timed):
        await place.say("Hi")
        await place.until(29.9)
        assert place.pier.heard == []
        await place.until(30)
    assert place.pier.heard == [("Ann", "hush\ntea")]


async def test_commands_of_one_skill_are_carried_out_in_order(place: Place) -> None:
    commands = [f"{{{{{SET} connectorIdn='a', interval={n}, note='{n}')}}}}" for n in range(1, 20)]
    timed = flow(
        "Timed",
        on("user_message", "Start"),
        on("timer", "Tell"),
        Start="".join(commands) + f"{{{{{SET} connectorIdn='b', interval=5)}}}}"
        f"{{{{{SET} connectorIdn='b', enabled=False)}}}}",
        Tell=TELL,
    )
    async with place.serving(timed):
        await place.say("Hi")
    assert place.pier.heard == [("Ann", "a\n19")]


async def test_bad_times_come_back_as_an_event_of_the_command(place: Place) -> None:
    timed = flow(
        "Timed",
        on("user_message", "Start"),
        on("result_error", "Wrong", at="program_timer/quiet"),
        Start="{{Set('when', GetTriggeredAct(fields=['text']))}}"
        f"{{{{{SET} connectorIdn='quiet', fireAt=when, targetAction='wake')}}}}",
        Wrong="{{Set('command', GetTriggeredAct(fields=['commandActId']))}}{{SendMessage(message=Concat("
        "GetAct(id=command, fields=['targetAction']), ': ', GetTriggeredAct(fields=['code', 'message'])))}}",
    )
    async with place.serving(timed):
        await place.say("tomorrow")
    assert place.pier.heard == [
        (
            "Ann",
            "wake: bad_arguments\nset_timer: parameter 'fireAt': expected a date, got 'tomorrow'",
        )
    ]


async def test_follow_ups_are_held_back_while_the_session_says_so(place: Place) -> None:
    timed = flow(
        "Timed",
        on("user_message", "Off"),
        on("resume", "On"),
        on("follow_up_message", "Tell"),
        on("other", "Tell"),
        Off="{{DisableFollowUp()}}"
        + "".join(
            f"{{{{{SET} connectorIdn='{name}', interval={after}, eventIdn='{idn}')}}}}"
            for name, after, idn in (
                ("early", 10, "follow_up_message"),
                ("beside", 11, "other"),
                ("late", 30, "follow_up_message"),
            )
        ),
        On="{{EnableFollowUp()}}",
        Tell=TELL,
    )
    async with place.serving(timed):
        await place.say("Hi")
        await place.until(20)
        await place.happen("resume")
    assert [text.strip() for _, text in place.pier.heard] == ["beside", "late"]


async def test_follow_up_without_a_session_or_a_persona_changes_nothing(place: Place) -> None:
    timed = flow(
        "Timed", on("wake", "Off"), Off="{{DisableFollowUp()}}{{SetState(name='done', value='1')}}"
    )
    await place.store.put_persona(Persona(id="persona of Ann"))
    async with place.serving(timed):
        await place.happen("wake")
        await place.happen("wake", None)
        assert await place.store.active_sessions() == []
        assert await place.state("Timed", "done") == "1"
        assert await place.store.state("Timed/GLOBAL", "done") == "1"


async def test_timer_of_a_global_execution_is_global(place: Place) -> None:
    timed = flow(
        "Timed",
        on("wake", "Start"),
        on("timer", "Note"),
        Start=f"{{{{{SET} connectorIdn='quiet', interval=5)}}}}",
        Note="{{SetState(name='global', value=IsGlobal())}}",
    )
    async with place.serving(timed):
        await place.happen("wake", None)
        await place.until(5)
        assert await place.store.state("Timed/GLOBAL", "global") == "t"


async def test_timer_that_comes_due_while_leaving_fires_at_the_next_start(place: Place) -> None:
    timed = flow(
        "Timed",
        on("user_message", "Start"),
        on("timer", "Note"),
        Start=f"{{{{{SET} connectorIdn='quiet', interval=2)}}}}{{{{Sleep(duration=4)}}}}",
        Note=TELL,
    )
    place.runtime.load(timed)
    async with anyio.create_task_group() as tasks:
        async with place.runtime:
            await place.say("Hi")
            tasks.start_soon(place.clock.run)
        tasks.cancel_scope.cancel()
    assert place.clock.now() == 4.0
    assert place.pier.heard == []
    for _ in range(2):
        async with place.runtime:
            await place.clock.advance(10)
    assert [text.strip() for _, text in place.pier.heard] == ["quiet"]


async def test_merged_personas_share_their_timers(place: Place) -> None:
    timed = flow(
        "Timed",
        on("user_message", "Start"),
        on("timer", "Note"),
        Start="{{Set('who', GetTriggeredAct(fields=['text']))}}"
        f"{{{{{SET} timerName=who, connectorIdn='quiet', interval=10)}}}}",
        Note="{{SetState(name='heard', value=Concat(GetState(name='heard'),"
        " GetTriggeredAct(fields=['timerName'])))}}",
    )
    async with place.serving(timed) as runtime:
        await place.say("Ann's", "Ann")
        await place.say("Bo's", "Bo")
        await runtime.merge_personas("persona of Ann", "persona of Bo")
        await place.until(10)
        assert await place.state("Timed", "heard") in {"Ann'sBo's", "Bo'sAnn's"}
        assert await place.state("Timed", "heard", "Bo") is None
        assert {timer.persona_id for timer in await place.store.timers()} == {"persona of Ann"}


async def test_command_to_system_is_an_event_of_its_sender(place: Place) -> None:
    relayed = flow(
        "Relayed",
        on("user_message", "Start"),
        on("refresh", "Note", at="system/customer"),
        Start="{{SendCommand(commandIdn='refresh', integrationIdn='system', connectorIdn='customer', what='all')}}",
        Note="{{SendMessage(message=GetTriggeredAct(fields=['what']))}}",
    )
    async with place.serving(relayed):
        await place.say("Hi")
    assert place.pier.heard == [("Ann", "all")]


async def test_commands_to_system_that_go_in_circles_end(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    circle = flow(
        "Circle",
        on("user_message", "Again"),
        on("again", "Again"),
        Again="{{SetState(name='n', value=Concat(GetState(name='n'), 'I'))}}"
        "{{SendCommand(commandIdn='again', integrationIdn='system', connectorIdn='system')}}",
    )
    async with place.serving(circle):
        await place.say("Hi")
        await place.until(10)
        turns = await place.state("Circle", "n")
    assert turns is not None
    assert len(turns) == 1 + place.options.hops
    assert "event again dropped" in caplog.text
