"""A built project as a package on disk: agents, their memories, libraries, states that flows share."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine_place import Place, emitted, on
from skillrt.manifest import AgentManifest, ProjectManifest

pytestmark = pytest.mark.anyio

GREET = """\
{{SetState(name="visits", value=Add(a=GetState(name="visits"), b="1"))}}
{{SetState(name="memory", value=GetMemory(maxLen=1000))}}
{{SetState(name="me", value=GetAgent(field="name"))}}
{{SendMessage(message=GetAgent(field="title"))}}
"""
ATTRIBUTES = """\
{{SetState(name="house", value=GetCustomerAttribute(field="house"))}}
{{SetState(name="berths", value=GetProjectAttribute(field="berths"))}}
{{SetCustomerAttribute(field="house", value="Quay")}}
{{SetProjectAttribute(field="berths", value="41")}}
"""
NUDGED = '{{SetState(name="log", value="nudged")}}'
VISITS = {"visits": {"default": "0", "scope": "project"}}


def agent(title: str, **flows: str) -> AgentManifest:
    return {
        "title": title,
        "description": "",
        "persona": {"id": "", "name": "", "title": "", "description": ""},
        "flows": flows,
        "topics": [],
    }


@pytest.fixture
def harbour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A project of two agents; only the second has two flows. Its import name."""
    manifest: ProjectManifest = {
        "idn": "harbour",
        "title": "",
        "description": "",
        "version": "",
        "follow_up_events": ["nudge"],
        "agents": {
            "Clerk": agent("The clerk", Desk="harbour.Clerk.Desk"),
            "Pilot": agent("The pilot", Bridge="harbour.Pilot.Bridge", Log="harbour.Pilot.Log"),
        },
        "libraries": {},
        "attributes": {"customer": {"house": "Pier"}, "project": {"berths": "40", "flag": ""}},
        "connectors": [
            {
                "integration": "sandbox",
                "connector": "pier",
                "title": "",
                "settings": {"lamp": "green"},
                "outgoing": [],
                "incoming": [],
            }
        ],
    }
    modules = {
        "__init__": '"""A project."""\n',
        "_manifest": f"MANIFEST = {manifest!r}\n",
        "Clerk/__init__": "",
        "Pilot/__init__": "",
        "Clerk/Desk": emitted(
            "Desk", on("user_message"), module="harbour.Clerk.Desk", state=VISITS, Main=GREET
        ),
        "Pilot/Bridge": emitted(
            "Bridge",
            on("user_message", at="sandbox/pier"),
            on("call"),
            on("look", "Look"),
            module="harbour.Pilot.Bridge",
            state=VISITS,
            Main=GREET,
            Look=ATTRIBUTES,
        ),
        "Pilot/Log": emitted(
            "Log", on("nudge", at="program_timer/t"), module="harbour.Pilot.Log", Main=NUDGED
        ),
    }
    for name, text in modules.items():
        path = tmp_path / "harbour" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield "harbour"
    for name in [name for name in sys.modules if name.partition(".")[0] == "harbour"]:
        del sys.modules[name]


async def test_agents_remember_what_concerned_them(place: Place, harbour: str) -> None:
    project = place.runtime.load(harbour)
    async with place.runtime:
        await place.say("hi")
        await place.runtime.emit("call", actor=place.person())
        await place.clock.advance(0.0)
        assert sorted(place.pier.heard) == [("Ann", "The clerk"), *[("Ann", "The pilot")] * 2]
        clerk, pilot = (flow.agent for flow in project.flows[:2])
        assert clerk.id != pilot.id
        memories = {
            one.idn: [act.text for act in await place.store.messages(one.id)]
            for one in (clerk, pilot)
        }
    assert memories == {"Clerk": ["hi", "The clerk"], "Pilot": ["hi", "The pilot", "The pilot"]}
    assert await place.store.state("harbour/PROJECT", "visits") == "3"
    assert await place.state("harbour.Clerk.Desk", "me") == "The clerk"
    assert await place.state("harbour.Clerk.Desk", "memory") == "User: hi"
    assert set(place.acts("user_message")[0].agent_ids) == {clerk.id, pilot.id}


async def test_a_message_is_remembered_by_the_agents_that_subscribe_to_it(
    place: Place, harbour: str
) -> None:
    clerk, pilot = (flow.agent for flow in place.runtime.load(harbour).flows[:2])
    async with place.runtime:
        await place.runtime.emit("user_message", persona_id="p", arguments={"text": "hi"})
    (act,) = place.acts("user_message")
    assert act.agent_ids == (clerk.id,)  # who listens everywhere
    assert await place.store.messages(pilot.id) == []


async def test_agents_are_the_same_at_every_start(place: Place, harbour: str) -> None:
    first = place.runtime.load(harbour)
    second = Place().runtime.load(sys.modules[harbour])
    assert [flow.agent for flow in first.flows] == [flow.agent for flow in second.flows]
    assert first.flows[0].agent.persona.name == "The clerk"
    assert first.settings == {("sandbox", "pier"): {"lamp": "green"}}


@pytest.mark.parametrize("enabled", [True, False])
async def test_follow_ups_can_be_silenced(place: Place, harbour: str, enabled: bool) -> None:
    place.runtime.load(harbour)
    async with place.runtime:
        await place.say("hi")
        (session,) = await place.store.active_sessions()
        await place.store.put_session(replace(session, follow_up_enabled=enabled))
        emitted = await place.runtime.emit(
            "nudge", persona_id="persona of Ann", integration_idn="program_timer", connector_idn="t"
        )
        await place.clock.advance(0.0)
    assert emitted.subscribers == enabled
    assert await place.state("harbour.Pilot.Log", "log") == ("nudged" if enabled else None)
    assert len(place.acts("nudge")) == 1


async def test_attributes_hold_what_the_project_declares_until_they_are_set(
    place: Place, harbour: str
) -> None:
    place.runtime.load(harbour)
    seen: list[tuple[str | None, str | None]] = []
    for _ in range(2):
        async with place.runtime:
            await place.happen("look")
        flow = "harbour.Pilot.Bridge"
        seen.append((await place.state(flow, "house"), await place.state(flow, "berths")))
    assert seen == [("Pier", "40"), ("Quay", "41")]


async def test_what_is_stored_wins_over_what_is_declared(place: Place, harbour: str) -> None:
    await place.store.put_attribute("/CUSTOMER", "house", "")
    await place.store.put_attribute("other/PROJECT", "berths", "7")
    place.runtime.load(harbour)
    async with place.runtime:
        await place.happen("look")
    assert await place.state("harbour.Pilot.Bridge", "house") == ""
    assert await place.state("harbour.Pilot.Bridge", "berths") == "40"
    assert await place.store.attribute("other/PROJECT", "berths") == "7"
