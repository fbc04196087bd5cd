"""The v2 layout: what the platform exports and imports. Pure.

Source: project format, v2 layout.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from typing import Final

from skillc.ir import Flow
from skillc.project.directory import Directory, Place, idn_of, stem
from skillc.project.documents import START, Fields, no_fields
from skillc.project.flows import FLOW_KEYS, LIBRARY_KEYS, make_flow, make_library
from skillc.project.folder import scripts_in
from skillc.project.idn import visible
from skillc.project.projects import (
    AGENT_KEYS,
    ATTRIBUTES_FILE,
    PROJECT_KEYS,
    Entities,
    FoundAgent,
    FoundProject,
    make_agent,
    make_project,
    read_attributes,
    read_customer,
)
from skillc.project.skills import SCRIPTS, SKILL_KEYS, Skills, is_script

VERSION_FILE: Final = "import_version.txt"
VERSION: Final = re.compile(r"v2(\.\d+\.\d+)?")
PARTS: Final = frozenset({"agents", "libraries"})
NO_PROJECTS: Final = frozenset({"akb", "integrations"})


def load_root(root: Directory) -> tuple[FoundProject, ...]:
    """The projects of an export."""
    check_version(root)
    check_cases(root)
    found: list[FoundProject] = []
    for directory in root.children(without=NO_PROJECTS):
        if PARTS.isdisjoint(directory.directories):
            place = directory.place()
            place.report("SK792", START, directory=place.report.source.path)
        else:
            found.append(load_project(directory, (root,)))
    return read_customer(root).shared(found)


def check_version(root: Directory) -> None:
    """That the export is of a version that can be read (SK604, SK706)."""
    source = root.read(VERSION_FILE)
    text = source.text.strip()
    report = root.report(source)
    if not text and not report.failed:
        report("SK706", START)
    elif not VERSION.fullmatch(text):
        report("SK604", START, text=visible(text))


def load_project(directory: Directory, roots: Sequence[Directory] = ()) -> FoundProject:
    """One project; `roots` are the directories around it that paths may be relative to."""
    check_cases(directory)
    said = directory.fields(project_file(directory), PROJECT_KEYS, inside="project")
    idn, place = idn_of(said, "project", directory.name, directory.place())
    around = (directory, *roots)
    places = Entities("agent")
    agents = [load_agent(d, around) for d in entered(directory, "agents")]
    agents = [agent for agent in agents if places.is_new(agent.idn, agent.place)]
    libraries = [load_library(d, around) for d in entered(directory, "libraries")]
    places = Entities("library")
    return FoundProject(
        directory.place(),
        place,
        make_project(said, idn, read_attributes(directory)),
        tuple(agents),
        tuple(flow for flow, at in libraries if places.is_new(flow.idn, at)),
    )


def project_file(directory: Directory) -> str:
    """The file that describes a project: the one of its name, else the only one; "" when there is none."""
    named = f"{directory.name}.yaml"
    files = [n for n in directory.files if n.endswith(".yaml") and n != ATTRIBUTES_FILE]
    return named if named in files else files[0] if len(files) == 1 else ""


def entered(directory: Directory, name: str) -> Iterator[Directory]:
    """The directories in the part `name` of a project or agent."""
    part = directory.inside(name)
    if part is not None:
        check_cases(part)
        yield from part.children()


def load_agent(directory: Directory, around: Sequence[Directory] = ()) -> FoundAgent:
    """One agent; `around` are project and root."""
    said = directory.fields("agent.yaml", AGENT_KEYS, inside="agent")
    idn, place = idn_of(said, "agent", directory.name, directory.place())
    places = Entities("flow")
    flows = [load_flow(d, (directory, *around)) for d in entered(directory, "flows")]
    kept = tuple(flow for flow, at in flows if places.is_new(flow.idn, at))
    return FoundAgent(idn, place, make_agent(said, idn), kept)


def load_flow(directory: Directory, around: Sequence[Directory] = ()) -> tuple[Flow, Place]:
    """One flow, and where its idn stands; `around` are agent, project and root."""
    check_cases(directory)
    file = flow_file(directory)
    if file is None:
        place = directory.place()
        place.report("SK603", START, file=f"{directory.name}.yaml")
    said = directory.fields(file or "", FLOW_KEYS)
    idn, place = flow_idn(said, "flow", directory, file)
    skills = load_skills(said, directory, file, (*around[:1], directory, *around[1:]), "SK630")
    return make_flow(said, idn, skills), place


def load_library(directory: Directory, around: Sequence[Directory] = ()) -> tuple[Flow, Place]:
    """One library, and where its idn stands; `around` are project and root."""
    check_cases(directory)
    file = flow_file(directory)
    said = directory.fields(file or "", LIBRARY_KEYS, inside="library")
    idn, place = flow_idn(said, "library", directory, file)
    skills = load_skills(said, directory, file, (directory, *around), "SK637")
    return make_library(said, idn, skills), place


def flow_file(directory: Directory) -> str | None:
    """The file that describes a flow or library: the one of its name, else the only one."""
    named = f"{directory.name}.yaml"
    files = [name for name in directory.files if name.endswith(".yaml")]
    if named in files or not files:
        return named if files else None
    if len(files) > 1:
        place = directory.place()
        shown = ", ".join(visible(name) for name in files)
        place.report("SK633", START, directory=place.report.source.path, files=shown)
    return files[0]


def flow_idn(said: Fields, kind: str, directory: Directory, file: str | None) -> tuple[str, Place]:
    """The idn of a flow or library and its place; a file under another name is reported (SK702)."""
    idn, place = idn_of(said, kind, directory.name, directory.place())
    if file is not None and idn == directory.name and stem(file) != idn:
        place.report("SK702", place.span, name=visible(file), kind=kind, idn=visible(idn))
    return idn, place


def load_skills(
    said: Fields,
    directory: Directory,
    file: str | None,
    around: Sequence[Directory],
    repeated: str,
) -> Skills:
    """The skills that the file of a flow or library lists, and those in its `skills` that it does not."""
    skills = Skills(repeated)
    listed: set[str] = set()
    for entry in said.each("skills", SKILL_KEYS):
        found = find_script(entry, directory, around)
        if found is not None:
            base, path = found
            source = base.read(path)
            listed.add(source.name)
            skills.add(path, source, base.report(source), (entry,), said)
    inner = directory.inside("skills")
    if inner is None:
        return skills
    check_cases(inner)
    for script in scripts_in(inner):
        source = inner.read(script)
        if source.name not in listed:
            report = inner.report(source)
            if said.node("skills") is not None:
                report("SK707", START, file=visible(script), flow_file=visible(file or ""))
            skills.add(script, source, report, (no_fields(said.report),), said)
    return skills


def find_script(
    entry: Fields, directory: Directory, around: Sequence[Directory]
) -> tuple[Directory, str] | None:
    """The script of a listed skill; a path may be relative to any of `around`, the first that has it counts.

    Source: project format, v2 layout.
    """
    written = entry.word("prompt_script")
    if written is not None:
        span = entry.span("prompt_script")
        tried = [(base, written) for base in around]
        if (
            VERSION_FILE not in around[-1].files
        ):  # what paths are relative to may lie around the input
            parts = written.split("/")
            tried += [(around[-1], "/".join(parts[n:])) for n in range(1, len(parts))]
    elif idn := entry.word("idn"):
        written, span = f"skills/{idn}", entry.span("idn")
        tried = [(directory, written + ends) for ends in SCRIPTS]
    else:
        if entry.node("idn") is None:
            entry.report("SK611", entry.place, key="idn", shape="given for each skill")
        return None
    within = [(base, path) for base, path in tried if not leaves(base, path)]
    for base, path in within:
        if is_script(path) and base.has(path):
            return base, path
    entry.report("SK634" if within else "SK621", span, path=visible(written))
    return None


def leaves(base: Directory, path: str) -> bool:
    """Whether a path relative to `base` leads out of the input."""
    whole = posixpath.normpath(posixpath.join(base.path, path))
    return path.startswith("/") or whole == ".." or whole.startswith("../")


def check_cases(directory: Directory) -> None:
    """That no two names are one on a disk that ignores case (SK639)."""
    names: dict[str, str] = {}
    for name in (*directory.files, *directory.directories):
        one = names.setdefault(name.casefold(), name)
        if one != name:
            place = directory.place(name)
            place.report("SK639", START, one=visible(one), other=visible(name))
