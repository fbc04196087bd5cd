"""What metadata says of a project, its agents and its customer: names, attributes, knowledge. Pure.

Source: project format, fields of projects, agents, attributes and knowledge bases.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from skillc.errors import did_you_mean
from skillc.ir import Flow
from skillc.project.connectors import read_connectors
from skillc.project.directory import Directory, Place, check_idn, stem
from skillc.project.documents import START, Fields, read_entries
from skillc.project.idn import visible
from skillc.project.skills import KEPT
from skillrt.manifest import AgentManifest, ConnectorManifest, ProjectManifest, TopicManifest

PROJECT_KEYS: Final = KEPT | {
    "idn",
    "title",
    "name",
    "description",
    "version",
    "follow_up_event_idns",
    "is_auto_update_enabled",
    "registry",
    "registry_idn",
    "registry_item_idn",
    "registry_item_version",
    "is_synchronized",
    "preferred_update_time",
}
AGENT_KEYS: Final = KEPT | {"idn", "title", "description", "persona", "persona_id"}
PERSONA_KEYS: Final = frozenset({"id", "name", "title", "description"})
ATTRIBUTE_KEYS: Final = KEPT | {
    "idn",
    "value",
    "title",
    "description",
    "group",
    "is_hidden",
    "possible_values",
    "value_type",
}
TOPIC_KEYS: Final = KEPT | {
    "topic_name",
    "topic_summary",
    "topic_facts",
    "confidence",
    "source",
    "labels",
}
VALUE_TYPES: Final[Mapping[str, str]] = {
    name: name for name in ("string", "bool", "number", "enum", "json")
}
FOLLOW_UP: Final = "follow_up_message"
ATTRIBUTES_FILE: Final = "attributes.yaml"
SURE: Final = 100.0


@dataclass(frozen=True, slots=True)
class FoundAgent:
    """An agent whose flows have no modules yet, so that `manifest` names none."""

    idn: str
    place: Place
    manifest: AgentManifest
    flows: tuple[Flow, ...]


@dataclass(frozen=True, slots=True)
class FoundProject:
    """A project whose flows and libraries have no modules yet, so that `manifest` names neither.

    `whole` is its directory, `place` where its idn stands.
    """

    whole: Place
    place: Place
    manifest: ProjectManifest
    agents: tuple[FoundAgent, ...]
    libraries: tuple[Flow, ...]


@dataclass(slots=True)
class Entities:
    """The agents of a project or the flows of an agent as they are found; of two with one idn the first is kept."""

    kind: str
    places: dict[str, Place] = field(default_factory=dict[str, Place])

    def is_new(self, idn: str, place: Place) -> bool:
        """Whether none of that idn was found before; a second one is reported (SK638)."""
        if idn in self.places:
            place.report(
                "SK638", place.span, kind=self.kind, idn=visible(idn), place=self.places[idn]
            )
            return False
        self.places[idn] = place
        return True


def make_project(said: Fields, idn: str, attributes: Mapping[str, str]) -> ProjectManifest:
    """The project that `said` describes, still without agents and libraries."""
    events = said.texts("follow_up_event_idns")
    return {
        "idn": idn,
        "title": said.text("title") or said.text("name") or idn,
        "description": said.text("description") or "",
        "version": said.text("version") or "",
        "follow_up_events": events if said.node("follow_up_event_idns") else [FOLLOW_UP],
        "agents": {},
        "libraries": {},
        "attributes": {"customer": {}, "project": dict(attributes)},
        "connectors": [],
    }


def make_agent(said: Fields, idn: str) -> AgentManifest:
    """The agent that `said` describes, still without flows and topics."""
    persona = said.fields("persona", PERSONA_KEYS)
    title = said.text("title") or idn
    return {
        "title": title,
        "description": said.text("description") or "",
        "persona": {
            "id": persona.text("id") or "",
            "name": persona.text("name") or title,
            "title": persona.text("title") or "",
            "description": persona.text("description") or "",
        },
        "flows": {},
        "topics": [],
    }


def read_attributes(directory: Directory) -> Mapping[str, str]:
    """The values of `attributes.yaml`, by idn; none without the file."""
    said = directory.fields(ATTRIBUTES_FILE, frozenset({"attributes"}))
    found: dict[str, str] = {}
    places: dict[str, Place] = {}
    for entry in said.each("attributes", ATTRIBUTE_KEYS):
        idn = entry.word("idn")
        if not idn:
            entry.report("SK650", entry.place)
            continue
        span = entry.span("idn")
        check_idn(entry.report, span, "attribute", idn)
        if idn in found:
            entry.report("SK651", span, idn=visible(idn), place=places[idn])
            continue
        places[idn] = Place(entry.report, span)
        found[idn] = entry.text("value") or ""
        check_value(entry, idn, found[idn])
    return found


def check_value(entry: Fields, idn: str, value: str) -> None:
    """That the value of an `enum` attribute is one of its possible values (SK721)."""
    possible = entry.texts("possible_values")
    kind = entry.choice("value_type", VALUE_TYPES)
    if kind == "enum" and possible and entry.node("value") and value not in possible:
        hint = did_you_mean(value, possible)
        span = entry.span("value")
        entry.report("SK721", span, hint=hint, idn=visible(idn), value=visible(value))


def read_topics(directory: Directory, file: str) -> list[TopicManifest]:
    """The topics of one knowledge base."""
    source = directory.read(file)
    found: list[TopicManifest] = []
    for entry in read_entries(source, directory.report(source), TOPIC_KEYS):
        name = entry.word("topic_name")
        if not name:
            entry.report("SK652", entry.place)
            continue
        found.append(
            {
                "topic": name,
                "summary": entry.text("topic_summary") or "",
                "facts": entry.texts("topic_facts"),
                "confidence": read_confidence(entry),
                "source": entry.text("source") or "",
                "labels": entry.texts("labels"),
                "created_at": entry.text("created_at") or "",
                "updated_at": entry.text("updated_at") or "",
            }
        )
    return found


def read_confidence(entry: Fields) -> float:
    """The confidence in a topic, 0 to 100."""
    written = entry.word("confidence")
    if written is None:
        return SURE
    try:
        value = float(written)
    except ValueError:
        value = -1.0
    if 0 <= value <= SURE:
        return value
    entry.report(
        "SK611", entry.span("confidence"), key="confidence", shape="a number from 0 to 100"
    )
    return SURE


@dataclass(frozen=True, slots=True)
class Customer:
    """What all projects of one root share: attributes, connectors, and the knowledge of agents by their idns."""

    attributes: Mapping[str, str] = field(default_factory=dict[str, str])
    connectors: tuple[ConnectorManifest, ...] = ()
    topics: Mapping[str, list[TopicManifest]] = field(
        default_factory=dict[str, "list[TopicManifest]"]
    )
    places: Mapping[str, Place] = field(default_factory=dict[str, Place])

    def shared(self, projects: Iterable[FoundProject]) -> tuple[FoundProject, ...]:
        """The projects with all that; knowledge of an agent that none of them has is reported (SK722)."""
        projects = tuple(projects)
        agents = {agent.idn for project in projects for agent in project.agents}
        for idn, place in self.places.items():
            if idn not in agents:
                hint = did_you_mean(idn, agents)
                place.report("SK722", START, hint=hint, agent=visible(idn))
        for project in projects:
            project.manifest["attributes"]["customer"].update(self.attributes)
            project.manifest["connectors"].extend(self.connectors)
            for agent in project.agents:
                agent.manifest["topics"].extend(self.topics.get(agent.idn, ()))
        return projects


def read_customer(root: Directory) -> Customer:
    """What stands beside the projects of a root."""
    akb = root.inside("akb")
    files = [] if akb is None else [name for name in akb.files if name.endswith(".yaml")]
    topics = {} if akb is None else {stem(name): read_topics(akb, name) for name in files}
    places = {} if akb is None else {stem(name): akb.place(name) for name in files}
    return Customer(read_attributes(root), read_connectors(root), topics, places)
