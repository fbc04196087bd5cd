"""Compile a few skills from texts, run them with a scripted model, and write down what could be observed."""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from types import ModuleType
from typing import Any

import anyio
from msgspec import structs

from reference import Interpreted, interpreted
from skillc.compile import calling, check_flow, check_libraries
from skillc.deep import with_deep_stack
from skillc.emit import Emitted, emit_flow
from skillc.errors import Diagnostic, Report
from skillc.ir import Flow, Parameter, Runner, Skill
from skillc.passes import Settings, Unit
from skillc.passes.resolve import resolve_calls
from skillc.source import Source
from skillrt import Runtime
from skillrt.llm.base import Request
from skillrt.manifest import StateFieldManifest
from skillrt.model import Agent, Persona
from skillrt.stores.memory import MemoryStore
from skillrt.testing.clock import VirtualClock
from skillrt.testing.provider import ScriptedProvider
from skillrt.testing.sinks import RecordingSink

RESERVED = ("MESSAGE", "REPLIES", "STATE")


@dataclass(frozen=True)
class Script:
    """One skill as a test writes it down, of a flow or a library; a parameter without stated default has None."""

    idn: str
    text: str
    parameters: Mapping[str, str | None] = field(default_factory=dict)
    runner: Runner = "guidance"
    library: str = ""

    def skill(self) -> Skill:
        name = f"{self.idn}.{self.runner}"
        parameters = tuple(Parameter(n, default) for n, default in self.parameters.items())
        return Skill(self.idn, Source(name, self.text), self.runner, (), parameters)


@dataclass(frozen=True)
class Compiled:
    """What became of a flow of scripts."""

    flow: Flow
    findings: tuple[Diagnostic, ...]
    emitted: Emitted | None
    unoptimised: Flow
    libraries: tuple[Compiled, ...] = ()

    def functions(self) -> dict[str, Any]:
        """The compiled skills by idn, from a module executed afresh."""
        assert self.emitted is not None
        if self.libraries:
            install(self.libraries)
        namespace: dict[str, Any] = {"__name__": self.flow.module}
        exec(compile(self.emitted.text, self.emitted.path, "exec"), namespace)
        manifest = namespace["__manifest__"]["skills"]
        return {idn: namespace[about["function"]] for idn, about in manifest.items()}

    def interpreted(self) -> dict[str, Any]:
        """The same skills, interpreted as they were before any optimising pass."""
        shared: dict[str, Interpreted] = {}
        for library in (each.unoptimised for each in self.libraries):
            own = interpreted(library, shared)
            shared |= {f"{library.idn}.{idn}": function for idn, function in own.items()}
        return dict(interpreted(self.unoptimised, shared))


PACKAGE = "cases"
"""The package of the libraries of scripts."""


def install(libraries: Iterable[Compiled]) -> None:
    """Have the modules of libraries where compiled skills import them from, executed afresh."""
    package, inside = ModuleType(PACKAGE), ModuleType(f"{PACKAGE}.libraries")
    vars(package)["libraries"] = inside
    sys.modules |= {module.__name__: module for module in (package, inside)}
    for library in libraries:
        assert library.emitted is not None
        module = ModuleType(library.flow.module)
        exec(compile(library.emitted.text, library.emitted.path, "exec"), vars(module))
        vars(inside)[library.flow.idn] = module


def compiled(
    *scripts: Script,
    settings: Settings | None = None,
    state: Mapping[str, StateFieldManifest] | None = None,
    connectors: tuple[tuple[str, str], ...] = (),
) -> Compiled:
    """Compile scripts as one flow named `flow`, and the libraries that some of them are of."""
    settings = settings or Settings()
    flow = Flow("flow", "flow", project=PACKAGE, state=state, connectors=connectors)
    flow = with_skills(flow, (script for script in scripts if not script.library))
    idns = sorted({script.library for script in scripts if script.library})
    libraries = [library_from(scripts, idn) for idn in idns]
    found, signatures = check_libraries(libraries, settings)
    checks = [*found, check_flow(calling(flow, signatures), settings)]
    made: list[Compiled] = []
    for checked, bare in zip(checks, [*libraries, flow], strict=True):
        emitted = None if checked.failed else emit_flow(checked.flow)
        libraries_of = calling(bare, signatures).libraries
        tree = _resolved(replace(checked.parsed, libraries=libraries_of), settings)
        made.append(Compiled(checked.flow, checked.findings, emitted, tree, tuple(made)))
    return made[-1]


def with_skills(flow: Flow, scripts: Iterable[Script]) -> Flow:
    """The flow with these skills, in order."""
    skills = sorted((script.skill() for script in scripts), key=lambda skill: skill.idn)
    return replace(flow, skills=tuple(skills))


def library_from(scripts: Iterable[Script], idn: str) -> Flow:
    """One library of some scripts."""
    own = (script for script in scripts if script.library == idn)
    module = f"{PACKAGE}.libraries.{idn}"
    return with_skills(Flow(idn, module, project=PACKAGE, is_library=True), own)


@with_deep_stack
def _resolved(flow: Flow, settings: Settings) -> Flow:
    reports = {skill.idn: Report(skill.source) for skill in flow.skills}
    return resolve_calls(flow, Unit(settings, reports))


def given_values(text: str) -> dict[str, Any]:
    """`a=1, b="x"` as a mapping; "-" and "" are nothing."""
    if text.strip() in {"", "-"}:
        return {}
    call = ast.parse(f"f({text})", mode="eval").body
    assert isinstance(call, ast.Call)
    assert all(keyword.arg for keyword in call.keywords)
    return {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}


def shown(value: object) -> str:
    """A text on one line, quotes as they are; anything else as Python writes it."""
    if isinstance(value, str):
        return (
            json.dumps(value, ensure_ascii=False)[1:-1]
            .replace('\\"', '"')
            .replace("\u00a0", "\\u00a0")
        )
    return repr(value)


class ObservedStore(MemoryStore):
    """A store that remembers which state fields were set last."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}

    async def put_state(self, owner: str, name: str, value: str) -> None:
        self.fields[name] = value
        await super().put_state(owner, name, value)


async def observe(function: Any, given: Mapping[str, Any]) -> str:
    """Run a skill with the given arguments; what it printed, and each other observation on a line of its own."""
    given = dict(given)
    replies = given.pop("REPLIES", [f"G{number}" for number in range(1, 40)])
    message = given.pop("MESSAGE", "hello")
    state: Mapping[str, str] = given.pop("STATE", {})
    provider = ScriptedProvider(*([reply] for reply in replies))
    store = ObservedStore()
    user = Persona(id="user-1", name="Sue")
    for name, value in state.items():
        await store.put_state("flow/user-1", name, value)
    store.fields.clear()
    sink, clock = RecordingSink(), VirtualClock()
    runtime = Runtime(
        provider=provider,
        store=store,
        clock=clock,
        random=Random(1),
        agent=Agent(id="agent-1", persona=Persona(id="mia-1", type="agent", name="Mia")),
    )
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(clock.run)
        try:
            run = await runtime.run(
                function, message=message, persona=user, arguments=given, sink=sink
            )
        except Exception as error:
            return "\n  ".join([*_error(error), *_heard(sink), *_kept(store)])
        finally:
            tasks.cancel_scope.cancel()
    return "\n  ".join([shown(run.out), *_observations(run, store, sink)])


def _observations(run: Any, store: ObservedStore, sink: RecordingSink) -> Iterator[str]:
    for message in run.messages:
        name = f" {message.name}" if message.name else ""
        yield f"message {message.role}{name}: {shown(message.content)}"
    for number, request in enumerate(run.requests, 1):
        sent = " | ".join(f"{m.role}: {shown(m.content)}" for m in request.messages)
        yield f"request {number}: {sent}"
        settings = structs.asdict(structs.replace(request, messages=()))
        usual = structs.asdict(Request(messages=()))
        for name, value in settings.items():
            if value != usual[name]:
                yield f"  {name}: {value}"
    if run.result != "":
        yield f"result: {shown(run.result)}"
    yield from _heard(sink)
    for event in run.events:
        yield f"event {event.idn}: {dict(event.arguments)}"
    for command in run.commands:
        yield f"command {command.idn}: {command.arguments}"
    yield from _kept(store)
    for name, value in run.exposed.items():
        yield f"exposed {name}: {shown(value)}"


def _error(error: Exception) -> Iterator[str]:
    """What ended the run, and the place that the note on it names, without the line's text."""
    yield f"{type(error).__name__}: {str(error).partition(' (skill')[0]}"
    for note in getattr(error, "__notes__", ()):
        yield note.partition("\n")[0]


def _heard(sink: RecordingSink) -> Iterator[str]:
    for heard in sink.messages:
        yield f"heard: {shown(heard.text)}"


def _kept(store: ObservedStore) -> Iterator[str]:
    for name, value in store.fields.items():
        yield f"state {name}: {shown(value)}"
