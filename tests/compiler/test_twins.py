"""Twins: the skills of skills/genstream in both dialects do the same, whatever person, channel and model do."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from types import ModuleType
from typing import Any

import anyio
import pytest
from msgspec import structs

import genstream
import genstream_nsl
from harness import ObservedStore
from skillrt import Act, Actor, Agent, Event, Persona, Run, Runtime
from skillrt.errors import ProviderError
from skillrt.model import new_id
from skillrt.testing.clock import VirtualClock
from skillrt.testing.provider import ScriptedProvider, Step
from skillrt.testing.sinks import RecordingConnector, RecordingSink

pytestmark = pytest.mark.anyio

FLOWS = (genstream, genstream_nsl)
SKILLS = sorted(genstream.__manifest__["skills"])

SUE = Persona(id="sue", name="Sue")
MIA = Agent(id="agent-mia", persona=Persona(id="mia", type="agent", name="Mia"))
SUES = {
    "sandbox": Actor(id="chat", persona_id="sue", external_id="sue"),
    "vapi": Actor(
        id="phone",
        persona_id="sue",
        integration_idn="vapi",
        connector_idn="line",
        external_id="+1",
    ),
    "twilio_messenger": Actor(
        id="texts",
        persona_id="sue",
        integration_idn="twilio_messenger",
        connector_idn="sms",
        external_id="+1",
    ),
}
TEAM = [
    Actor(
        id=name,
        persona_id=name,
        integration_idn="team_chat",
        connector_idn="workshop_floor",
        external_id=name,
    )
    for name in ("ann", "bob")
]
AWAY = ProviderError("refused", "the model is away")


@dataclass(frozen=True)
class Situation:
    """What a skill meets; Sue's message comes by the `channel`, or an event without a person if there is none.

    The model says the parts of `reply`, and waits until the second that a number stands for; it says it again when
    it is asked again. People are known on the channels in `reach`. At second `cut_s` Sue writes once more: an event
    of that `mode`.
    """

    channel: str = "sandbox"
    state: Mapping[str, str] = field(default_factory=dict[str, str])
    attributes: Mapping[str, str] = field(default_factory=dict[str, str])
    talked: Sequence[str] = ()
    reply: Sequence[str | float | ProviderError] = (
        "Bring it in. ",
        "We open at nine.\nAsk for Bob!",
    )
    reach: Sequence[str] = (*SUES, "team_chat")
    cut_s: float | None = None
    mode: Any = "queue"


PLAIN = Situation()
SLOW = replace(PLAIN, reply=("Bring it in. ", 1.0, "We open ", 4.0, "at nine. ", 8.0, "Bye."))
LONG = [
    "I was here in May with the red one, and the gears slip again. " * 14,
    "Which gears?",
    "All.",
]

COMMON = {
    "on the sandbox": PLAIN,
    "on the phone": replace(PLAIN, channel="vapi"),
    "by text message": replace(PLAIN, channel="twilio_messenger"),
    "on a channel nobody thought of": replace(PLAIN, channel="email"),
    "after a long talk": replace(PLAIN, talked=LONG),
    "without a person": replace(PLAIN, channel=""),
    "while the model is away": replace(PLAIN, reply=[AWAY]),
    "while the model breaks off": replace(PLAIN, reply=["Bring ", AWAY]),
    "while the model is silent": replace(PLAIN, reply=[""]),
    "cut at once": replace(SLOW, cut_s=0.5),
    "cut early": replace(SLOW, cut_s=2.0),
    "cut late": replace(SLOW, cut_s=6.0),
    "cut early on the phone": replace(SLOW, channel="vapi", cut_s=2.0),
    "cut late on the phone": replace(SLOW, channel="vapi", cut_s=6.0),
    "cut after all": replace(SLOW, cut_s=9.0),
    "ended early": replace(SLOW, cut_s=2.0, mode="interrupt"),
    "ended late": replace(SLOW, cut_s=6.0, mode="interrupt"),
    "not to be disturbed": replace(SLOW, cut_s=2.0, mode="cancel"),
}
SPECIAL: Mapping[str, Mapping[str, Situation]] = {
    "CustomerHistory": {
        "known": replace(PLAIN, attributes={"visits": "3", "bikes": "a red one, {{a}} {% b %}"}),
    },
    "FrequentInterruptions": {
        **{f"after {n}": replace(PLAIN, state={"cuts": n}) for n in ("", " ", "0", "2", "3", "12")},
        "cut once more": replace(SLOW, state={"cuts": "1"}, cut_s=2.0),
        "cut too often": replace(SLOW, state={"cuts": "2"}, cut_s=2.0),
        "not cut any more": replace(SLOW, state={"cuts": "3"}, cut_s=2.0),
    },
    "PaintIdeas": {
        "round two": replace(PLAIN, state={"paint_rounds": "1"}, talked=LONG),
        "round eleven": replace(PLAIN, state={"paint_rounds": "10"}),
    },
    "ProblemSolving": {
        "easy": replace(
            PLAIN, state={"repair_difficulty": "7"}, attributes={"mechanic_skill": "low"}
        ),
        "hard": replace(PLAIN, state={"repair_difficulty": "7.5"}),
        "very hard": replace(PLAIN, state={"repair_difficulty": "10"}),
        "cut just in time": replace(SLOW, cut_s=4.95),
        "cut too late": replace(SLOW, cut_s=5.05),
    },
    "SlowAnswers": {
        "in five seconds": replace(PLAIN, reply=["Yes.", 5.0]),
        "a moment later": replace(PLAIN, reply=["Yes.", 5.001]),
    },
    "StopManagement": {
        kind: replace(PLAIN, state={"question_type": kind}, reply=["1. Chain. Total", ": 9\n\nBye"])
        for kind in ("yes_no", "yes/no", "price_list", "Price list", "other")
    },
    "TeamBroadcast": {
        "quoted": replace(PLAIN, state={"urgent_problem": '"The lift is stuck"'}),
        "to nobody": replace(PLAIN, state={"urgent_problem": "Fire!"}, reach=["sandbox"]),
        "summed up": replace(PLAIN, talked=["My gears slip. " * 9] * 2),
    },
    "TokenManagement": {
        stage: replace(PLAIN, state={"booking_stage": stage})
        for stage in ("greeting", "Greetings", "collecting_details", "confirming_booking", "paid")
    },
    "VoiceAndText": {
        "by phone": replace(PLAIN, attributes={"contact": "phone"}),
        "by telephone": replace(PLAIN, attributes={"contact": "phones"}),
        "in writing": replace(PLAIN, attributes={"contact": "letter"}),
        "by phone alone": replace(PLAIN, attributes={"contact": "phone"}, reach=["vapi"]),
        "by phone that is not there": replace(
            PLAIN, attributes={"contact": "phone"}, reach=["sandbox"]
        ),
        "cut on the phone": replace(SLOW, attributes={"contact": "phone"}, cut_s=1.95),
        "cut too late on the phone": replace(SLOW, attributes={"contact": "phone"}, cut_s=2.05),
    },
    "VoiceWindow": {
        "cut just in time": replace(SLOW, channel="vapi", cut_s=2.45),
        "cut too late": replace(SLOW, channel="vapi", cut_s=2.55),
    },
}
CASES = [
    pytest.param(skill, situation, id=f"{skill} {name}")
    for skill in SKILLS
    for name, situation in {**COMMON, **SPECIAL.get(skill, {})}.items()
]


async def observed(flow: ModuleType, skill: str, situation: Situation) -> dict[str, Any]:
    """All that could be seen of a skill from outside, in one situation."""
    function = getattr(flow, skill)
    clock, store = VirtualClock(), ObservedStore()
    channels = await furnished(store, flow, situation, clock)
    provider = ScriptedProvider([step(part, clock) for part in situation.reply])
    runtime = Runtime(
        provider=provider,
        connectors=channels,
        store=store,
        clock=clock,
        random=Random(1),
        agent=MIA,
    )
    runs: list[Run] = []

    async def happens(text: str, mode: Any) -> None:
        actor = SUES.get(situation.channel) or Actor(
            id="other",
            persona_id="sue",
            integration_idn=situation.channel,
            connector_idn="x",
            external_id="sue",
        )
        said: dict[str, Any] = {"message": text, "actor": actor}
        what = said if situation.channel else {"event": Event(idn="morning")}
        runs.append(await runtime.run(function, mode=mode, **what))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(clock.run)
        async with anyio.create_task_group() as talking:
            talking.start_soon(happens, "My gears slip.", "queue")
            if situation.cut_s is not None:
                await clock.sleep_until(situation.cut_s)
                await happens("And the brakes.", situation.mode)
        tasks.cancel_scope.cancel()
    return {
        "runs": [dict(seen(run)) for run in runs],
        "asked": [structs.asdict(request) for request in provider.requests],
        "said": {channel.integration_idn: heard(channel) for channel in channels},
        "state": store.fields,
        "memory": [(act.reference_idn, act.text) for act in await store.messages(MIA.id)],
    }


async def furnished(
    store: ObservedStore, flow: ModuleType, situation: Situation, clock: VirtualClock
) -> list[RecordingConnector]:
    """Fill the store with what was before; the channels by which the people in it can be reached."""
    await store.put_persona(SUE)
    for actor in (*SUES.values(), *TEAM):
        if actor.integration_idn in situation.reach:
            await store.put_actor(actor)
    for name, value in situation.state.items():
        await store.put_state(f"{flow.__name__}/sue", name, value)
    store.fields.clear()
    for name, value in situation.attributes.items():
        await store.put_attribute("sue", name, value)
    for number, text in enumerate(situation.talked):
        act = Act(
            id=new_id(),
            reference_idn="agent_message" if number % 2 else "user_message",
            kind="message",
            datetime=clock.time(),
            agent_ids=(MIA.id,),
            user_persona_id="sue",
            actor_id="chat",
            text=text,
        )
        await store.put_act(act)
    return [
        RecordingConnector("sandbox", "sandbox", {"chat": RecordingSink()}),
        RecordingConnector("vapi", "line", {"phone": RecordingSink()}),
        RecordingConnector("twilio_messenger", "sms"),
        RecordingConnector("email", "x", {"other": RecordingSink()}),
        RecordingConnector(
            "team_chat", "workshop_floor", {actor.id: RecordingSink() for actor in TEAM}
        ),
    ]


def step(part: str | float | ProviderError, clock: VirtualClock) -> Step:
    """A part of a reply as the scripted model has it."""
    return (lambda: clock.sleep_until(part)) if isinstance(part, float) else part


def heard(channel: RecordingConnector) -> dict[str, Any]:
    """What came through a channel: whole messages, and what was streamed to each person."""
    streamed = {
        actor: [(message.text, message.reason) for message in sink.messages]
        for actor, sink in channel.sinks.items()
        if isinstance(sink, RecordingSink)
    }
    return {"sent": channel.sent, **streamed}


def seen(run: Run) -> Iterator[tuple[str, Any]]:
    """What a run says of itself; blank text around a reply in a message that nobody sends is the dialect's own."""
    yield "result", run.result
    yield "messages", [(m.role, m.name, m.content.strip()) for m in run.messages]
    yield "requests", [structs.asdict(request) for request in run.requests]
    yield "outcomes", [(o.outcome, o.generated, o.delivered, o.attempts) for o in run.outcomes]
    yield "events", [(e.idn, e.integration_idn, dict(e.arguments)) for e in run.events]
    yield (
        "commands",
        [(c.idn, c.integration_idn, c.connector_idn, dict(c.arguments)) for c in run.commands],
    )
    yield "exposed", run.exposed
    yield "interrupted", run.interrupted
    yield "decision", run.decision
    yield "followed", [dict(seen(other)) for other in run.followed]


def test_every_skill_has_a_twin() -> None:
    for flow, runner in zip(FLOWS, ("guidance", "nsl"), strict=True):
        skills = flow.__manifest__["skills"]
        assert {idn: about["runner"] for idn, about in skills.items()} == dict.fromkeys(
            SKILLS, runner
        )
    assert SPECIAL.keys() <= set(SKILLS)


@pytest.mark.parametrize(("skill", "situation"), CASES)
async def test_twins_do_the_same(skill: str, situation: Situation) -> None:
    one, other = [await observed(flow, skill, situation) for flow in FLOWS]
    assert one == other


# --- whether the situations are enough -----------------------------------------------------------

STEPS = "ctx.due"
"""What is so only every many steps of a loop."""


class Watched(ast.NodeTransformer):
    """Has every choice of a module tell how it went."""

    def _choice(self, node: Any) -> Any:
        self.generic_visit(node)
        if ast.unparse(node.test) != STEPS:
            told = [ast.Constant(node.lineno), ast.Constant(ast.unparse(node.test)), node.test]
            node.test = ast.Call(ast.Name("chosen", ast.Load()), told, [])
        return node

    visit_If = visit_IfExp = _choice


@pytest.mark.parametrize("flow", FLOWS)
def test_the_situations_take_both_ways_of_every_choice(flow: Any) -> None:
    tree = Watched().visit(ast.parse(inspect.getsource(flow)))
    ways: dict[tuple[int, str], set[bool]] = {
        (call.args[0].value, call.args[1].value): set()
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "chosen"
    }

    def chosen(line: int, test: str, value: object) -> object:
        ways[line, test].add(bool(value))
        return value

    module = ModuleType(flow.__name__)
    vars(module)["chosen"] = chosen
    exec(compile(ast.fix_missing_locations(tree), flow.__file__, "exec"), vars(module))
    for case in CASES:
        anyio.run(observed, module, *case.values)
    assert ways
    assert {choice: found for choice, found in ways.items() if found != {True, False}} == {}
