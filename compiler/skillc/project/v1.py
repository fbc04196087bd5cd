"""The v1 layout: the tree of the community's command line, and the flat variant of it. Pure.

Depth decides the kind: project, agent, flow, skill. The summary `flows.yaml` is made from the other files, so it only
says what a missing one would have said.

Source: project format, v1 layout.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from skillc.ir import Flow
from skillc.project.directory import Directory, Place, idn_of, stem
from skillc.project.documents import Fields, no_fields
from skillc.project.flows import (
    EVENT_KEYS,
    FLOW_KEYS,
    LIBRARY_KEYS,
    STATE_KEYS,
    make_flow,
    make_library,
)
from skillc.project.folder import script_of, scripts_in
from skillc.project.idn import visible
from skillc.project.projects import (
    AGENT_KEYS,
    PROJECT_KEYS,
    Entities,
    FoundAgent,
    FoundProject,
    make_agent,
    make_project,
    read_attributes,
    read_customer,
)
from skillc.project.skills import SIDECAR_END, SKILL_KEYS, Skills

METADATA: Final = "metadata.yaml"
PROJECT_FILES: Final = (METADATA, "metadata.json", "project.json")
SUMMARY: Final = "flows.yaml"
PROJECTS: Final = "projects"
LIBRARIES: Final = "libraries"
FLOWS: Final = "flows"
IGNORED: Final = frozenset({"conversations"})
SUMMARY_KEYS: Final = frozenset({"flows"})
AGENT_ENTRY_KEYS: Final = frozenset({"agent_idn", "agent_description", "agent_flows"})
FLOW_WORDS: Final = ("title", "description", "default_runner_type")
FLOW_LISTS: Final[Mapping[str, frozenset[str]]] = {
    "events": EVENT_KEYS - {"id", "title", "description", "created_at", "updated_at"},
    "state_fields": STATE_KEYS - {"id", "title", "created_at", "updated_at"},
}
SKILL_WORDS: Final = ("title", "runner_type", "result_variable", "result_action")


@dataclass(frozen=True, slots=True)
class Summary:
    """What `flows.yaml` says of each agent: the entry, and the entries of its flows by idn."""

    agents: Mapping[str, Fields] = field(default_factory=dict[str, Fields])
    flows: Mapping[str, Mapping[str, Fields]] = field(
        default_factory=dict[str, "Mapping[str, Fields]"]
    )

    def only_for(self, owners: Mapping[str, Sequence[str]]) -> Summary:
        """Without the agents that several projects have, which are reported (SK705)."""
        for idn, entry in self.agents.items():
            if len(owners.get(idn, ())) > 1:
                shown = ", ".join(map(visible, owners[idn]))
                entry.report("SK705", entry.span("agent_idn"), agent=visible(idn), projects=shown)
        kept = {idn: entry for idn, entry in self.agents.items() if len(owners.get(idn, ())) < 2}
        return Summary(kept, self.flows)


def read_summary(directory: Directory) -> Summary:
    """The summary in a directory; an empty one without it."""
    said = directory.fields(SUMMARY, SUMMARY_KEYS)
    agents = by_idn(said.each("flows", AGENT_ENTRY_KEYS), "agent_idn")
    flows = {
        idn: by_idn(entry.each("agent_flows", FLOW_KEYS), "idn") for idn, entry in agents.items()
    }
    return Summary(agents, flows)


def by_idn(entries: Iterable[Fields], key: str) -> Mapping[str, Fields]:
    """The entries that have an idn, by it."""
    return {idn: entry for entry in entries if (idn := entry.word(key))}


# --- the tree --------------------------------------------------------------------------------------------


def load_root(root: Directory) -> tuple[FoundProject, ...]:
    """The projects of a customer's directory."""
    directories = list(visited(root.inside(PROJECTS)))
    summary = Summary() if not directories else read_summary(root.enter(PROJECTS))
    if summary.agents:
        owners: dict[str, list[str]] = {}
        for directory in directories:
            for idn in agent_idns(directory):
                owners.setdefault(idn, []).append(directory.name)
        summary = summary.only_for(owners)
    return read_customer(root).shared(load_project(inner, summary) for inner in directories)


def visited(directory: Directory | None, *without: str) -> Iterator[Directory]:
    """The directories inside that can hold something."""
    if directory is not None:
        yield from directory.children(without={*IGNORED, *without})


def agent_idns(project: Directory) -> Iterator[str]:
    """The idns of a project's agents."""
    for directory in visited(project, LIBRARIES, FLOWS):
        said = directory.fields(METADATA, AGENT_KEYS)
        yield said.word("idn") or directory.name


def load_project(directory: Directory, summary: Summary | None = None) -> FoundProject:
    """One project; a flat one has a summary of its own."""
    file = next((name for name in PROJECT_FILES if name in directory.files), METADATA)
    said = directory.fields(file, PROJECT_KEYS)
    idn, place = idn_of(said, "project", directory.name, directory.place())
    if summary is None or SUMMARY in directory.files:
        summary = read_summary(directory)
    agents: list[FoundAgent] = []
    if FLOWS in directory.directories:
        agents.append(load_unnamed_agent(directory, summary, idn))
    agents += (load_agent(inner, summary) for inner in visited(directory, LIBRARIES, FLOWS))
    seen = Entities("agent")
    libraries = [load_library(inner) for inner in visited(directory.inside(LIBRARIES))]
    seen_libraries = Entities("library")
    return FoundProject(
        directory.place(),
        place,
        make_project(said, idn, read_attributes(directory)),
        tuple(agent for agent in agents if seen.is_new(agent.idn, agent.place)),
        tuple(flow for flow, at in libraries if seen_libraries.is_new(flow.idn, at)),
    )


def load_unnamed_agent(project: Directory, summary: Summary, project_idn: str) -> FoundAgent:
    """The agent of a project without directories of agents: the summary's only one, else named like the project."""
    idn = next(iter(summary.agents)) if len(summary.agents) == 1 else project_idn
    said = no_fields(project.place().report)
    flows = load_flows(visited(project.inside(FLOWS)), summary, idn)
    return FoundAgent(idn, project.place(), make_agent(said, idn), flows)


def load_agent(directory: Directory, summary: Summary | None = None) -> FoundAgent:
    """One agent."""
    summary = summary or Summary()
    said = directory.fields(METADATA, AGENT_KEYS)
    idn, place = idn_of(said, "agent", directory.name, directory.place())
    manifest = make_agent(said, idn)
    if (entry := summary.agents.get(idn)) is not None:
        if METADATA in directory.files:
            differs(entry, said, {"agent_description": "description"})
        else:
            manifest["description"] = entry.text("agent_description") or ""
    inner = directory.inside(FLOWS) or directory
    return FoundAgent(idn, place, manifest, load_flows(visited(inner), summary, idn))


def load_flows(directories: Iterable[Directory], summary: Summary, agent: str) -> tuple[Flow, ...]:
    """The flows of an agent."""
    entries = summary.flows.get(agent) if agent in summary.agents else None
    seen = Entities("flow")
    found = (load_flow(directory, entries) for directory in directories)
    return tuple(flow for flow, place in found if seen.is_new(flow.idn, place))


def load_flow(
    directory: Directory, entries: Mapping[str, Fields] | None = None
) -> tuple[Flow, Place]:
    """One flow, and where its idn stands; `entries` are the summary's, by idn."""
    said = directory.fields(METADATA, FLOW_KEYS)
    idn, place = idn_of(said, "flow", directory.name, directory.place())
    entry = (entries or {}).get(idn)
    listed: Mapping[str, Fields] = {}
    if entry is not None:
        listed = by_idn(entry.each("skills", SKILL_KEYS), "idn")
        if METADATA in directory.files:
            differs(entry, said, {key: key for key in FLOW_WORDS}, FLOW_LISTS)
        else:
            said = entry
    return make_flow(said, idn, load_skills(directory, said, listed, "SK630")), place


def load_library(directory: Directory) -> tuple[Flow, Place]:
    """One library, and where its idn stands."""
    said = directory.fields(METADATA, LIBRARY_KEYS)
    idn, place = idn_of(said, "library", directory.name, directory.place())
    return make_library(said, idn, load_skills(directory, said, {}, "SK637")), place


# --- skills ----------------------------------------------------------------------------------------------


def load_skills(
    directory: Directory, flow: Fields, listed: Mapping[str, Fields], repeated: str
) -> Skills:
    """The skills of a flow or library: a directory each, or a script with a sidecar; `listed` are the summary's."""
    skills = Skills(repeated)
    for script in scripts_in(directory):
        name = stem(script)
        said = described(directory, name + SIDECAR_END, name, listed)
        source = directory.read(script)
        skills.add(script, source, directory.report(source), (said,), flow)
    for inner in visited(directory):
        said = described(inner, METADATA, inner.name, listed)
        chosen = script_of(inner, said)
        if chosen is not None:
            source = inner.read(chosen)
            skills.add(chosen, source, inner.report(source), (said,), flow, inner.name)
    return skills


def described(directory: Directory, file: str, name: str, listed: Mapping[str, Fields]) -> Fields:
    """What a skill's own file says, or what the summary says where there is none."""
    said = directory.fields(file, SKILL_KEYS)
    entry = listed.get(said.word("idn") or name)
    if entry is None:
        return said
    if file in directory.files:
        differs(entry, said, {key: key for key in SKILL_WORDS})
        return said
    return entry


# --- the summary against the files -----------------------------------------------------------------------


def differs(
    entry: Fields,
    said: Fields,
    words: Mapping[str, str],
    lists: Mapping[str, frozenset[str]] | None = None,
) -> None:
    """Report where the summary's `entry` contradicts what a file says (SK704).

    `words` maps the entry's keys to the file's; `lists` are lists whose order means nothing, with the keys of their
    items that do.
    """
    for key, own in words.items():
        if entry.node(key) is not None and said.node(own) is not None:
            value = entry.text(key) or ""
            if last_part(value) != last_part(said.text(own) or ""):
                contradicted(entry, key, said, own, f"'{visible(value)}'")
    for key, known in (lists or {}).items():
        both = entry.node(key) is not None and said.node(key) is not None
        if both and meant(entry, key, known) != meant(said, key, known):
            contradicted(entry, key, said, key, f"other {key}")


def contradicted(entry: Fields, key: str, said: Fields, own: str, value: str) -> None:
    """Report one contradiction, at the file that counts."""
    said.report("SK704", said.span(own), value=value, place=Place(entry.report, entry.span(key)))


def last_part(text: str) -> str:
    """An enumerated value in any exporter's spelling; any other text as it is."""
    return text.rpartition(".")[2].lower() if text.count(".") == 1 and " " not in text else text


def meant(said: Fields, key: str, known: frozenset[str]) -> Sequence[Sequence[str]]:
    """The items of a list, in an order of our own."""
    items = said.each(key, known | EVENT_KEYS | STATE_KEYS)
    return sorted([last_part(item.text(name) or "") for name in sorted(known)] for item in items)
