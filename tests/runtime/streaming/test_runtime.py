"""The runtime as a host uses it: whom a run is for, what is offered meanwhile, how errors leave."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from skillrt import (
    AbiError,
    ActionError,
    Actor,
    Context,
    Decision,
    Event,
    LimitError,
    Persona,
    Runtime,
    SkillError,
    StoreError,
)
from skillrt.actions.generation import gen_stream
from skillrt.actions.interruption import (
    sleep,
    start_not_interruptible_block,
    stop_not_interruptible_block,
)
from skillrt.manifest import ABI
from skillrt.testing.clock import settle
from skillrt.testing.provider import ScriptedProvider
from skillrt.testing.sinks import RecordingConnector, RecordingSink

pytestmark = pytest.mark.anyio

__abi__ = ABI
__manifest__: dict[str, Any] = {
    "idn": "runtime",
    "skills": {
        "Reply to all": {"function": "Reply", "source": "a/Reply.jinja", "model": ("acme", "fast")},
        "Shelve": {"function": "Shelve", "source": "a/Shelve.jinja", "model": None},
        "Say": {"function": "Say", "source": "a/Say.jinja", "model": None},
        "Outer": {"function": "Outer", "source": "a/Outer.jinja", "model": None},
    },
}


async def Reply(ctx: Context, /, *, mood: str = "calm", **extra: Any) -> str:
    with ctx.skill("Reply to all") as out:
        with out.role("system"):
            out.write(f"Be {mood}.")
        with out.role("assistant"):
            out.write(await gen_stream(ctx))
        out.write("outside")
        out.expose("mood", mood)
        return f"{ctx.act.text}, {ctx.persona.name if ctx.persona else 'nobody'}"


async def Shelve(ctx: Context, /) -> str:
    with ctx.skill("Shelve"):
        await sleep(ctx, duration=1)
        raise ActionError("Shelve", "height", "expected a number")


async def Say(ctx: Context, /, *, mood: str = "calm", **extra: Any) -> str:
    with ctx.skill("Say") as out:
        out.write(mood.upper())
        if extra:
            raise TypeError("no parameter")
        return ""


async def Outer(ctx: Context, /) -> str:
    with ctx.skill("Outer"):
        return await Shelve(ctx)


# the line maps a compiler would have written
__line_map__ = {"Say": ((1, 1),), "Shelve": ((1, 1), (2, 4), (3, 7)), "Outer": ((1, 1), (2, 2))}
__source__ = {"Shelve": {7: '{{Shelve(height="tall")}}'}}


async def test_run_tells_what_the_skill_did(stage: Any) -> None:
    run = await stage.run(Reply, arguments={"mood": "brisk", "unknown": 1})
    assert (run.skill, run.result, run.out) == ("Reply to all", "hi, Sue", "outside")
    assert [(m.role, m.content) for m in run.messages] == [
        ("system", "Be brisk."),
        ("assistant", "Hello."),
    ]
    assert run.exposed == {"mood": "brisk"}
    assert run.decision is Decision.STARTED
    assert not run.interrupted
    assert [(r.provider, r.model) for r in run.requests] == [("acme", "fast")]
    assert [m.content for m in run.requests[0].messages] == ["Be brisk."]


@pytest.mark.parametrize("wrong", [3, None, {"a": 1}])
async def test_what_fails_for_want_of_text_says_so(stage: Any, wrong: Any) -> None:
    with pytest.raises(SkillError) as caught:
        await stage.run(Say, arguments={"mood": wrong})
    kind = type(wrong).__name__
    cause = f"'{kind}' object has no attribute 'upper'"
    assert str(caught.value) == f"skill Say: parameter 'mood': expected text, got {kind} ({cause})"
    assert caught.value.__notes__ == ["in template a/Say.jinja, line 1, skill Say"]
    with pytest.raises(TypeError, match="no parameter"):
        await stage.run(Say, arguments={"mood": "calm", "wrong": wrong})


async def test_what_needs_no_text_takes_any_argument(stage: Any) -> None:
    run = await stage.run(Reply, arguments={"mood": 3})
    assert run.messages[0].content == "Be 3."


async def test_default_user_is_the_same_every_time() -> None:
    runtime = Runtime(provider=ScriptedProvider(["Hello."]))
    for message in ("one", "two"):
        run = await runtime.run(Reply, message=message, sink=RecordingSink())
        assert run.result == f"{message}, User"
    acts = await runtime.store.messages(runtime.agent.id)
    assert [act.text for act in acts] == ["one", "Hello.", "two", "Hello."]
    assert len({act.user_persona_id for act in acts}) == 1


async def test_actor_is_known_by_its_address(stage: Any) -> None:
    chat = RecordingConnector("web", "chat")
    stage.connectors = [chat]
    for _ in range(2):
        visitor = Actor(
            persona_id=Persona().id, integration_idn="web", connector_idn="chat", external_id="42"
        )
        chat.sinks[visitor.id] = RecordingSink()
        await stage.runtime.run(Reply, message="hi", actor=visitor)
    acts = await stage.acts()
    assert len({(act.user_persona_id, act.actor_id) for act in acts}) == 1
    assert {(act.integration_idn, act.connector_idn) for act in acts} == {("web", "chat")}


async def test_event_without_persona_is_global(stage: Any) -> None:
    run = await stage.runtime.run(Reply, event=Event(idn="nightly"))
    assert run.result == ", nobody"
    assert run.outcomes[0].outcome == "failed(no_recipients)"


async def test_event_of_an_actor_is_for_its_persona(stage: Any) -> None:
    await stage.run(Reply)
    (desk,) = await stage.store.actors()
    event = Event(idn="timer", actor_id=desk.id, arguments={"text": "tick"})
    run = await stage.runtime.run(Reply, event=event, sink=stage.sink)
    assert run.result == "tick, Sue"
    assert len(stage.sink.messages) == 2


async def test_message_and_event_together_are_refused(stage: Any) -> None:
    with pytest.raises(ValueError, match="not both"):
        await stage.run(Reply, event=Event(idn="nightly"))


async def test_two_connectors_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two connectors are called sandbox/sandbox"):
        Runtime(
            provider=ScriptedProvider([]),
            connectors=[RecordingConnector(), RecordingConnector()],
        )


async def test_module_that_was_not_compiled_is_refused(stage: Any) -> None:
    with pytest.raises(AbiError, match="no module compiled by skillc"):
        await stage.run(staged)


def staged() -> None:
    """A function of a module that says nothing of itself, once moved there."""


staged = type(staged)(staged.__code__, {"__name__": "elsewhere"})


# errors


async def test_error_carries_the_place_in_the_template(stage: Any) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stage.clock.run)
        with pytest.raises(ActionError) as raised:
            await stage.run(Outer)
        tasks.cancel_scope.cancel()
    error = raised.value
    assert error.__notes__ == [
        'in template a/Shelve.jinja, line 7, skill Outer > Shelve\n    {{Shelve(height="tall")}}'
    ]
    assert (error.skill, error.file, error.line) == ("Shelve", "a/Shelve.jinja", 7)
    assert str(error).endswith("(skill Shelve, line 7)")


async def test_error_ends_its_execution_and_the_queue_goes_on(
    stage: Any, caplog: pytest.LogCaptureFixture
) -> None:
    errors = []

    async def host() -> None:
        try:
            await stage.run(Shelve)
        except ActionError as error:
            errors.append(error)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(host)
        await stage.clock.advance(0.5)
        stage.runtime.offer(stage.event("note"))
        stage.runtime.offer(stage.event("note"), skill=Reply)
        with caplog.at_level(logging.ERROR, "skillrt"):
            await stage.clock.advance(10.0)
    assert len(errors) == 1
    (record,) = caplog.records
    assert record.getMessage() == "skill Shelve failed"
    assert stage.sink.messages[0].text == "Hello."


async def test_recursion_has_a_limit(stage: Any) -> None:
    async def Deep(ctx: Context, /) -> str:
        with ctx.skill("Deep"):
            return await Deep(ctx)

    with pytest.raises(LimitError, match="more than 64 levels"):
        await stage.run(Deep)


async def test_store_that_fails_ends_the_execution(stage: Any) -> None:
    put_act = stage.store.put_act

    async def failing(act: Any) -> None:
        if act.reference_idn == "agent_message":
            raise StoreError("disk full")
        await put_act(act)

    stage.store.put_act = failing
    with pytest.raises(StoreError, match="disk full"):
        await stage.run(Reply)
    assert stage.sink.messages[0].text == "Hello."


async def test_store_that_hangs_ends_the_execution(stage: Any) -> None:
    stage.options = replace(stage.options, finalise_timeout_s=0.01)
    put_act = stage.store.put_act

    async def hanging(act: Any) -> None:
        if act.reference_idn == "agent_message":
            await anyio.sleep_forever()
        await put_act(act)

    stage.store.put_act = hanging
    with pytest.raises(StoreError, match=r"did not take a reply within 0\.01 s"):
        await stage.run(Reply)


# offering


async def test_runs_of_offered_events_follow_in_order(stage: Any) -> None:
    stage.script([stage.at(1.0), "One."], ["Two."], ["Three."])
    runs = []

    async def host() -> None:
        runs.append(await stage.run(Reply))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(host)
        await stage.clock.advance(0.5)
        for text in ("second", "third"):
            offered = stage.runtime.offer(stage.event("note", text))
            assert offered == (Decision.QUEUED, False)
        await stage.clock.advance(10.0)
    assert [run.result for run in (runs[0], *runs[0].followed)] == [
        "hi, Sue",
        "second, Sue",
        "third, Sue",
    ]


async def test_runs_of_several_hosts_take_turns(stage: Any) -> None:
    """Each host carries out its own event, in the order of arrival, and none is lost with another's."""
    stage.script([stage.at(1.0), "One."], [stage.at(2.0), "Two."], [stage.at(3.0), "Three."])
    results: list[str] = []
    scopes = {name: anyio.CancelScope() for name in ("first", "second", "third")}

    async def host(name: str) -> None:
        with scopes[name]:
            results.append((await stage.run(Reply, None, event=stage.event("note", name))).result)

    async with anyio.create_task_group() as tasks:
        for name in scopes:
            tasks.start_soon(host, name)
            await stage.clock.advance(0.0)
        scopes["first"].cancel()
        await stage.clock.advance(10.0)
    assert results == ["second, Sue", "third, Sue"]
    assert [message.text for message in stage.sink.messages] == ["", "Two.", "Three."]
    assert stage.runtime._instances == {}


async def test_host_that_leaves_withdraws_its_event(stage: Any) -> None:
    stage.script([stage.at(5.0), "One."])
    scope = anyio.CancelScope()
    runs = []

    async def host() -> None:
        runs.append(await stage.run(Reply))

    async def impatient() -> None:
        with scope:
            await stage.run(Reply, None, event=stage.event("note", "never mind"))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(host)
        await stage.clock.advance(1.0)
        tasks.start_soon(impatient)
        await stage.clock.advance(1.0)
        scope.cancel()
        await stage.clock.advance(10.0)
    assert runs[0].followed == []
    assert len(stage.provider.requests) == 1


async def test_event_dropped_at_once_returns_at_once(stage: Any) -> None:
    stage.script([stage.at(5.0), "One."])
    runs = []

    async def host() -> None:
        runs.append(await stage.run(Reply))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(host)
        await stage.clock.advance(1.0)
        run = await stage.run(Reply, "me too", mode="cancel")
        assert stage.clock.now() == 1.0
        await stage.clock.advance(10.0)
    assert (run.decision, run.result, run.outcomes) == (Decision.DROPPED, "", [])
    assert await stage.memory() == ["U: hi", "U: me too", "A: One."]


async def test_awaited_event_can_be_dropped_by_a_later_one(stage: Any) -> None:
    stage.script([stage.at(5.0), "One."])
    runs = {}

    async def host(text: str) -> None:
        runs[text] = await stage.run(Reply, None, event=stage.event("note", text))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(host, "first")
        await stage.clock.advance(1.0)
        tasks.start_soon(host, "second")
        await stage.clock.advance(1.0)
        stage.runtime.offer(stage.event("note", "third"), "interrupt")
        await stage.clock.advance(10.0)
    assert runs["first"].decision is Decision.STARTED
    assert runs["second"].decision is Decision.DROPPED
    assert runs["first"].interrupted
    assert [run.result for run in runs["first"].followed] == ["third, Sue"]


async def test_full_queue_refuses(stage: Any, caplog: pytest.LogCaptureFixture) -> None:
    stage.options = replace(stage.options, queue_length=2)
    stage.script([stage.at(5.0), "One."])

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stage.run, Reply)
        await stage.clock.advance(1.0)
        offers = [stage.runtime.offer(stage.event("note")).decision for _ in range(3)]
        assert offers == [Decision.QUEUED, Decision.QUEUED, Decision.REFUSED]
        assert [record.levelname for record in caplog.records] == ["ERROR"]
        await stage.clock.advance(10.0)


async def test_event_does_not_disturb_what_the_same_event_started(stage: Any) -> None:
    """Another subscription of the event that runs interrupts nothing and clears nothing of its own."""
    stage.script([stage.at(5.0), "One."])
    event = stage.event()
    runs = []

    async def host() -> None:
        runs.append(await stage.run(Reply, None, event=event))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(host)
        await stage.clock.advance(1.0)
        stage.runtime.offer(event, "interrupt")
        assert stage.runtime.offer(event, "interrupt") == (Decision.QUEUED, False)
        await stage.clock.advance(10.0)
    assert not runs[0].interrupted
    assert len(runs[0].followed) == 2


async def test_other_personas_are_not_disturbed(stage: Any) -> None:
    stage.script([stage.at(5.0), "One."])
    ann, bob = Persona(name="Ann"), Persona(name="Bob")
    runs = {}

    async def host(persona: Persona) -> None:
        runs[persona.name] = await stage.runtime.run(
            Reply, message="hi", persona=persona, sink=RecordingSink()
        )

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(host, ann)
        tasks.start_soon(host, bob)
        await stage.clock.advance(1.0)
        stage.runtime.offer(
            Event(idn="user_message", persona_id=ann.id, user_input=True), "interrupt"
        )
        await stage.clock.advance(10.0)
    assert runs["Ann"].interrupted
    assert not runs["Bob"].interrupted
    assert runs["Bob"].followed == []


async def test_offer_to_nobody_needs_a_skill(stage: Any) -> None:
    with pytest.raises(LookupError, match="0 flows are busy"):
        stage.runtime.offer(stage.event())


async def test_offer_to_an_idle_instance_waits_for_the_next_run(stage: Any) -> None:
    await stage.store.put_persona(stage.persona)
    offered = stage.runtime.offer(stage.event("note", "early"), skill=Reply)
    assert offered == (Decision.STARTED, False)
    run = await stage.run(Reply)
    assert run.result == "hi, Sue"
    assert [before.result for before in run.followed] == ["early, Sue"]


async def test_entered_runtime_carries_out_what_is_offered(stage: Any) -> None:
    await stage.store.put_persona(stage.persona)
    stage.connectors = [chat := RecordingConnector()]
    desk = Actor(persona_id=stage.persona.id)
    await stage.store.put_actor(desk)
    chat.sinks[desk.id] = RecordingSink()
    async with stage.runtime as runtime:
        offered = runtime.offer(stage.event(actor_id=desk.id), skill=Reply)
        assert offered == (Decision.STARTED, False)
        assert runtime.offer(stage.event(actor_id=desk.id), skill=Reply)[0] is Decision.QUEUED
    assert [message.text for message in chat.sinks[desk.id].messages] == ["Hello.", "Hello."]
    assert sorted(await stage.memory()) == ["A: Hello.", "A: Hello.", "U: wait", "U: wait"]
    assert stage.runtime._instances == {}


async def test_event_behind_one_that_its_host_gives_up_is_carried_out(stage: Any) -> None:
    """Whoever begins first: the host that is about to give up, or the runtime in the background."""
    await stage.store.put_persona(stage.persona)
    stage.script([anyio.sleep_forever])
    carried_out = []

    async def Note(ctx: Context, /) -> None:
        carried_out.append(ctx.act.text)

    async with stage.runtime as runtime:
        for text in map(str, range(20)):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(stage.run, Reply)
                while not runtime._instances:
                    await anyio.lowlevel.checkpoint()
                runtime.offer(stage.event("note", text), skill=Note)
                await settle()
                tasks.cancel_scope.cancel()
            await settle()
            assert carried_out.pop() == text
            assert runtime._instances == {}


async def test_error_of_the_host_leaves_an_entered_runtime_as_it_was(stage: Any) -> None:
    async def host() -> None:
        async with stage.runtime as runtime:
            runtime.offer(stage.event("note"), skill=Shelve)
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await host()


# blocks


async def test_block_ends_with_its_skill(stage: Any) -> None:
    """Leaving a skill closes what it opened, and is itself no point."""
    trace = []

    async def Careless(ctx: Context, /) -> str:
        with ctx.skill("Careless"):
            await start_not_interruptible_block(ctx)
            await start_not_interruptible_block(ctx)
            await sleep(ctx, duration=5)
            return "closed"

    async def Caller(ctx: Context, /) -> str:
        with ctx.skill("Caller"):
            trace.append(await Careless(ctx))
            assert not ctx.execution.protected
            await sleep(ctx, duration=5)
            trace.append("never")
            return ""

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stage.run, Caller)
        await stage.clock.advance(1.0)
        stage.runtime.offer(stage.event("note"), "interrupt", skill=Reply)
        await stage.clock.advance(20.0)
    assert trace == ["closed"]


async def test_nested_blocks_need_as_many_stops(stage: Any) -> None:
    trace = []

    async def Nested(ctx: Context, /) -> str:
        with ctx.skill("Nested"):
            await start_not_interruptible_block(ctx)
            await start_not_interruptible_block(ctx)
            await sleep(ctx, duration=5)
            await stop_not_interruptible_block(ctx)
            trace.append("inner left")
            await stop_not_interruptible_block(ctx)
            trace.append("outer left")
            return ""

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stage.run, Nested)
        await stage.clock.advance(1.0)
        stage.runtime.offer(stage.event("note"), "interrupt", skill=Reply)
        await stage.clock.advance(20.0)
    assert trace == ["inner left"]


async def test_stop_without_an_own_start_does_nothing(
    stage: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def Helper(ctx: Context, /) -> str:
        with ctx.skill("Helper"):
            return await stop_not_interruptible_block(ctx)

    async def Owner(ctx: Context, /) -> bool:
        with ctx.skill("Owner"):
            await start_not_interruptible_block(ctx)
            await Helper(ctx)
            return ctx.execution.protected

    with caplog.at_level(logging.INFO, "skillrt"):
        run = await stage.run(Owner)
    assert run.result is True
    assert [record.code for record in caplog.records] == ["SK808"]
