"""The demonstration: compiled skills stream, are interrupted, and fall back, in front of a scripted model."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Final

import anyio

from skillc.cli.modules import import_file, skill_of
from skillc.cli.terminal import Talk, show
from skillc.ir import Flow, Skill
from skillc.passes import Settings
from skillc.project.build import build
from skillc.project.load import Loaded
from skillc.source import Source
from skillrt import Actor, CloseReason, Persona, Run, Runtime
from skillrt.connectors.sandbox import Sandbox, Screen
from skillrt.errors import ChannelClosed
from skillrt.llm.http import HttpProvider, provider_from_env
from skillrt.stores.memory import MemoryStore
from skillrt.testing import ModelServer, Received, RecordingConnector, RecordingSink, Reply

FIRST: Final = "My gears slip, can you help?"
LONG: Final = "What belongs to a full service?"
CUT_IN: Final = "Stop - what does it cost?"
CUT_AFTER_CHARS: Final = 80
RINGS: Final = "When do I see the rings of Saturn?"
CHILDREN: Final = "And may children come along?"
CUT_SOON_CHARS: Final = 40

ANSWERS: Final[Mapping[str, str]] = {
    FIRST: "Slipping gears are mostly a worn chain or a stretched cable, and both are quickly put right. "
    "Shall I book you a slot tomorrow at ten?",
    LONG: "First we clean the whole bike and measure the chain. Then we true both wheels, bleed the brakes, "
    "replace the cables, grease the bearings, align the derailleur, and at the end somebody rides it.",
    CUT_IN: "A full service is 89 euros. Would Thursday suit you?",
    CHILDREN: "Saturn is best in autumn, an hour after sunset, and children are welcome on Saturdays.",
    RINGS: "Saturn stands high in the south in autumn. An hour after sunset the large telescope shows the rings, "
    "and with steady air the gap between them.",
}
"""By question; of those in one prompt the first counts."""
TOKEN_DELAY_S: Final = 0.04
SPOKEN_TOKEN_DELAY_S: Final = 0.12  # so that an answer on the phone outlasts its window
WINDOW_S: Final = 2.5

RECALL: Final = Source("Recall.guidance", '{{GetMemory(count="10", maxLen="4000")}}')


class Stage(Screen):
    """A screen that says who speaks, and shows what the user said when an answer was cut."""

    def __init__(self, cut_in: str = "", after_chars: int = CUT_AFTER_CHARS) -> None:
        """`cut_in` is what the user says into an answer, `heard` is set after so many characters of it."""
        super().__init__(show)
        self.cut_in = cut_in
        self.after_chars = after_chars
        self.heard = anyio.Event()

    async def write(self, text: str) -> None:
        """Show more of the agent's message."""
        if not self.length:
            show("  agent: ")
        await super().write(text)
        if self.length >= self.after_chars:
            self.heard.set()

    async def close(self, reason: CloseReason) -> None:
        """End it."""
        await super().close(reason)
        if reason == "interrupted":
            show(f"  user:  {self.cut_in}\n")


def show_demo(genstream: ModuleType, model: str | None, *, bold: bool) -> None:
    """Show all parts, with the model that the environment names, else with the scripted one.

    Raises:
        ConfigurationError: the environment names a model by half.
    """
    with ExitStack() as stack:
        if os.environ.get("OPENAI_API_KEY") or os.environ.get("OPENAI_BASE_URL"):
            provider = provider_from_env(os.environ, model=model)
            show("The model is the one your environment names.\n")
        else:
            server = stack.enter_context(ModelServer(answer))
            provider = HttpProvider(base_url=server.base_url, model="scripted")
            show("The model is a scripted one on loopback: real HTTP, real event streams.\n")
        recall = compile_recall(Path(stack.enter_context(TemporaryDirectory())))
        anyio.run(show_parts, genstream, recall, provider, bold)


def answer(request: Received) -> Reply:
    """What the scripted model says to the question that the prompt holds."""
    prompt = str(request.body)
    said = next((text for asked, text in ANSWERS.items() if asked in prompt), "Happy to help.")
    spoken = "on the phone" in prompt
    return Reply.stream(said, token_delay_s=SPOKEN_TOKEN_DELAY_S if spoken else TOKEN_DELAY_S)


def compile_recall(folder: Path) -> ModuleType:
    """A module whose one skill prints what is remembered."""
    flow = Flow("recall", "recall", (Skill("Recall", RECALL, "guidance", ()),))
    build(Loaded((flow,), ()), folder, Settings(), lambda doing: None)
    return import_file(folder / "recall.py")


async def show_parts(
    genstream: ModuleType, recall: ModuleType, provider: HttpProvider, bold: bool
) -> None:
    """One part after the other."""

    def heading(title: str, about: str) -> None:
        show_heading(title, bold=bold)
        show(f"   {about}\n\n")

    async with provider:
        heading("1. An answer streams", "Each token reaches the user as the model makes it.")
        await show_answer(genstream, provider)

        heading("2. An answer is interrupted", "The user cuts in: the stream stops at once.")
        talk = await show_interruption(genstream, provider)
        remembered = await talk.runtime.run(
            skill_of(recall, None), persona=talk.persona, actor=talk.actor
        )
        show(
            "   GetMemory, which the next prompt is made of, holds what was delivered and no more:\n"
        )
        show("".join(f"     {line}\n" for line in remembered.out.splitlines()))

        heading(
            "3. A window",
            f"On the phone one may cut in during the first {WINDOW_S:g} seconds; later the answer is spoken to"
            " its end.",
        )
        await show_window(genstream, provider)

        heading(
            "4. A broadcast",
            "Everybody gets the whole text at their own pace; one hangs up in its middle.",
        )
        await show_broadcast(genstream, provider)

        heading(
            "5. A whole project",
            "Events find the flows that subscribe to them; who cuts in early is answered anew, both questions at"
            " once.",
        )
        await show_project(provider)

    heading("6. The model is down", "The skill notices and answers all the same.")
    async with HttpProvider(base_url=unused_address(), model="none") as nobody:
        await show_fallback(genstream, nobody)


def show_heading(title: str, *, bold: bool) -> None:
    """A line that stands out."""
    mark, end = ("\x1b[1m", "\x1b[0m") if bold else ("", "")
    sys.stdout.write(f"\n{mark}{title}{end}\n")


async def show_answer(genstream: ModuleType, provider: HttpProvider) -> None:
    """A question and its answer."""
    talk = Talk(Runtime(provider=provider), skill_of(genstream, "Simple"), screen=Stage())
    show(f"  user:  {FIRST}\n")
    show_outcomes(await talk.say(FIRST))


async def show_interruption(genstream: ModuleType, provider: HttpProvider) -> Talk:
    """A question whose answer is cut by the next one."""
    stage = Stage(CUT_IN)
    talk = Talk(Runtime(provider=provider), skill_of(genstream, "Simple"), screen=stage)

    async def cut_in() -> None:
        await stage.heard.wait()
        talk.interrupt(CUT_IN)

    show(f"  user:  {LONG}\n")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(cut_in)
        show_outcomes(await talk.say(LONG))
        tasks.cancel_scope.cancel()
    return talk


async def show_window(genstream: ModuleType, provider: HttpProvider) -> None:
    """A caller who cuts in too late: the answer is finished, and theirs comes next."""
    stage = Stage(after_chars=1)
    talk = Talk(
        Runtime(provider=provider), skill_of(genstream, "VoiceWindow"), screen=stage, channel="vapi"
    )

    async def cut_in_late() -> None:
        await stage.heard.wait()
        await anyio.sleep(WINDOW_S + 0.3)
        show(f" <user: {CUT_IN}>")
        talk.interrupt(CUT_IN)

    show(f"  user:  {LONG}\n")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(cut_in_late)
        show_outcomes(await talk.say(LONG))
        tasks.cancel_scope.cancel()


async def show_broadcast(genstream: ModuleType, provider: HttpProvider) -> None:
    """A briefing for three: one reads along, one is slow, one hangs up."""

    async def slowly(text: str) -> None:
        await anyio.sleep(6 * TOKEN_DELAY_S)

    async def hang_up(text: str) -> None:
        if len(team["the phone"].text) > CUT_AFTER_CHARS:
            raise ChannelClosed

    team = {
        "the bench": RecordingSink(),
        "the slow screen": RecordingSink(taking=slowly),
        "the phone": RecordingSink(taking=hang_up),
    }
    crew = Persona(name="Crew")
    store = MemoryStore()
    await store.put_persona(crew)
    for name in team:
        place = Actor(
            id=name,
            persona_id=crew.id,
            integration_idn="team_chat",
            connector_idn="workshop_floor",
            external_id=name,
        )
        await store.put_actor(place)
    floor = RecordingConnector("team_chat", "workshop_floor", sinks={**team})
    runtime = Runtime(provider=provider, connectors=[floor], store=store)
    run = await runtime.run(skill_of(genstream, "TeamBroadcast"), message=LONG)
    (outcome,) = run.outcomes
    for name, sink in team.items():
        pieces = sum(len(heard.pieces) for heard in sink.messages) or len(sink.pieces)
        got = len(outcome.delivered[name])
        show(f"  {name:16} {got:3} of {len(outcome.generated)} characters in {pieces} pieces\n")


async def show_project(provider: HttpProvider) -> None:
    """A visitor of an observatory who cuts in; one flow answers, another one keeps a guest book."""
    stage = Stage(CHILDREN, CUT_SOON_CHARS)
    sandbox = Sandbox(stage)
    runtime = Runtime(provider=provider, connectors=[sandbox])
    runtime.load("stargazing")
    async with runtime:
        visitor = await sandbox.arrive("visitor", "Sue")
        await runtime.quiet()  # after the welcome
        stage.heard = anyio.Event()
        show(f"  user:  {RINGS}\n")
        await sandbox.say(RINGS)
        await stage.heard.wait()
        await sandbox.say(CHILDREN)
        await runtime.quiet()
        note = await runtime.store.attribute(visitor.persona_id, "note")
    show(f"\n   Meanwhile another flow wrote into the guest book: {note}\n")


async def show_fallback(genstream: ModuleType, provider: HttpProvider) -> None:
    """A question that nobody answers."""
    skill = skill_of(genstream, "FailureFallback")
    talk = Talk(Runtime(provider=provider), skill, screen=Stage())
    show(f"  user:  {FIRST}\n")
    run = await talk.say(FIRST)
    show_outcomes(run)
    for event in run.events:
        arguments = ", ".join(f"{name}={value}" for name, value in event.arguments.items())
        show(f"   The skill sent the event {event.idn}: {arguments}\n")


def show_outcomes(run: Run) -> None:
    """How each generation of a run, and of those that followed, ended."""
    for one in (run, *run.followed):
        for outcome in one.outcomes:
            delivered = max(map(len, outcome.delivered.values()), default=0)
            show(
                f"\n   {one.skill}: {outcome.outcome}, {delivered} characters delivered,"
                f" {len(outcome.generated)} generated"
            )
    show("\n")


def unused_address() -> str:
    """A base URL where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return f"http://127.0.0.1:{port}/v1"
