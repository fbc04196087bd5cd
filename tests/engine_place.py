"""A place where engines are tried: compiled flows, a pier where people talk, a model that says what is written."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from random import Random
from types import ModuleType
from typing import Any

from harness import Script
from skillc.compile import check_flow
from skillc.emit import emit_flow
from skillc.ir import Flow
from skillc.passes import Settings
from skillrt import Act, Actor, Emitted, MemoryStore, Options, Runtime
from skillrt.connectors.base import CloseReason, OutputStream, StreamMeta
from skillrt.manifest import SubscriptionManifest
from skillrt.testing.clock import VirtualClock
from skillrt.testing.provider import ScriptedProvider, Step
from skillrt.testing.sinks import RecordingSink
from skillrt.trace import Trace


def on(
    idn: str,
    skill: str | None = "Main",
    mode: Any = "queue",
    state: str | None = None,
    at: str = "",
) -> SubscriptionManifest:
    """A subscription; `at` is `integration/connector`, each of them any if it is blank."""
    integration, _, connector = at.partition("/")
    return {
        "idn": idn,
        "skill": skill,
        "state": state,
        "integration": integration or None,
        "connector": connector or None,
        "mode": mode,
    }


def emitted(
    idn: str,
    *subscriptions: SubscriptionManifest,
    module: str = "",
    state: Mapping[str, Any] | None = None,
    model: tuple[str, str] | None = None,
    **skills: str,
) -> str:
    """The Python text of a flow; `skills` are Guidance templates."""
    scripts = [Script(name, skills[name]).skill() for name in sorted(skills)]
    source = Flow(
        idn, module or idn, tuple(scripts), model=model, events=subscriptions, state=state or {}
    )
    checked = check_flow(source, Settings())
    assert not checked.failed, checked.findings
    return emit_flow(checked.flow).text


def flow(
    idn: str, *subscriptions: SubscriptionManifest, result_action: str = "none", **more: Any
) -> ModuleType:
    """A compiled flow, as a module of its idn; further arguments are those of `emitted`."""
    module = ModuleType(idn)
    text = emitted(idn, *subscriptions, **more)
    exec(compile(text, f"{idn}.py", "exec"), module.__dict__)
    for about in module.__manifest__["skills"].values():
        about["result_action"] = result_action
    return module


class Pier:
    """A channel that streams; `heard` is what each person got, ended by a dash when it was cut."""

    def __init__(self, connector_idn: str = "pier") -> None:
        self.integration_idn = "sandbox"
        self.connector_idn = connector_idn
        self.heard: list[tuple[str, str]] = []
        self.shown: list[str] = []
        self.taking: Any = None

    async def send_message(self, actor: Actor, text: str, arguments: Mapping[str, str]) -> None:
        self.heard.append((actor.external_id, text))

    async def open_stream(self, actor: Actor, meta: StreamMeta) -> OutputStream | None:
        return Berth(self, actor.external_id)

    async def typing(self, actor: Actor, *, on: bool) -> None:
        self.shown.append(f"{actor.external_id} {'on' if on else 'off'}")


@dataclass
class Berth:
    """One message on its way over the pier."""

    pier: Pier
    who: str
    sink: RecordingSink = field(default_factory=RecordingSink)

    async def write(self, text: str) -> None:
        if self.pier.taking is not None:
            await self.pier.taking(text)
        await self.sink.write(text)

    async def close(self, reason: CloseReason) -> int | None:
        text = self.sink.text + ("" if reason == "complete" else "-")
        self.pier.heard.append((self.who, text))
        return await self.sink.close(reason)


class Unshortened(Random):
    """Makes pauses exact."""

    def random(self) -> float:
        return 0.0


class Place:
    """Set what differs before the first use of `runtime`."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.store = MemoryStore()
        self.options = Options()
        self.pier = Pier()
        self.connectors: list[Any] = []
        self.provider: Any = ScriptedProvider(["Hello."])
        self.trace: Trace | None = None

    @cached_property
    def runtime(self) -> Runtime:
        return Runtime(
            provider=self.provider,
            connectors=[self.pier, *self.connectors],
            store=self.store,
            options=self.options,
            clock=self.clock,
            random=Unshortened(),
            trace=self.trace,
        )

    def at(self, moment: float) -> Step:
        """A step of a script: wait until then."""
        return lambda: self.clock.sleep_until(moment)

    @asynccontextmanager
    async def serving(self, *flows: ModuleType) -> AsyncGenerator[Runtime, None]:
        """The runtime with these flows, entered; at the end everybody is given a day."""
        for module in flows:
            self.runtime.load(module)
        async with self.runtime:
            yield self.runtime
            await self.clock.advance(86_400.0)

    async def until(self, moment: float) -> None:
        """Move the clock to a moment."""
        await self.clock.advance(moment - self.clock.now())

    def person(self, name: str = "Ann") -> Actor:
        """Where a person stands on the pier."""
        return Actor(
            id=f"actor of {name}",
            persona_id=f"persona of {name}",
            integration_idn="sandbox",
            connector_idn=self.pier.connector_idn,
            external_id=name,
        )

    async def say(self, text: str, name: str = "Ann", **more: Any) -> Emitted:
        """A message of a person, and all that happens at this moment."""
        emitted = await self.runtime.emit(
            "user_message", actor=self.person(name), arguments={"text": text}, **more
        )
        await self.clock.advance(0.0)
        return emitted

    async def happen(self, idn: str, name: str | None = "Ann", **more: Any) -> Emitted:
        """A system event of a person's persona, without a name a global one, and all that happens at this moment."""
        persona_id = f"persona of {name}" if name else None
        emitted = await self.runtime.emit(idn, persona_id=persona_id, **more)
        await self.clock.advance(0.0)
        return emitted

    async def memory(self, name: str = "Ann") -> list[str]:
        """The conversation with a person; a message that was cut ends with a dash."""
        labels = {"user_message": "U", "agent_message": "A"}
        acts = await self.store.messages(self.runtime.agent.id, persona_ids=[f"persona of {name}"])
        return [
            f"{labels[act.reference_idn]}: {act.text}"
            + ("-" if act.arguments.get("interrupted") else "")
            for act in acts
        ]

    def acts(self, idn: str) -> list[Act]:
        """The acts of this name, in order."""
        return [act for act in self.store._acts.values() if act.reference_idn == idn]

    async def state(self, flow: str, name: str, person: str = "Ann") -> str | None:
        """A state field of scope `user`."""
        return await self.store.state(f"{flow}/persona of {person}", name)
