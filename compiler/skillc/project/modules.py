"""Which Python module each flow and library becomes, and what the manifest of a project says of them. Pure.

Source: project format, names of generated Python.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from skillc.ir import Flow, Project
from skillc.project.directory import Place
from skillc.project.projects import FoundProject
from skillrt.names import TOP_LEVEL, module_names


@dataclass(frozen=True, slots=True)
class FoundFolder:
    """The flow of a folder or lone script, still without a module; `whole` is the folder."""

    whole: Place
    flow: Flow


Named: TypeAlias = tuple[tuple[Flow, ...], tuple[Project, ...]]


def name_modules(inputs: Sequence[FoundFolder | FoundProject]) -> Named:
    """All flows and libraries with their modules, in order of module, and the projects.

    Of two inputs that get one top-level name the first is kept (SK605).
    """
    idns = [top_idn(found) for found in inputs]
    modules = module_names(set(idns), TOP_LEVEL)
    places: dict[str, Place] = {}
    flows: list[Flow] = []
    projects: list[Project] = []
    for idn, found in zip(idns, inputs, strict=True):
        name, whole = modules[idn], found.whole
        if name in places:
            one = places[name].report.source.path
            whole.report("SK605", whole.span, one=one, other=whole.report.source.path, name=name)
            continue
        places[name] = whole
        if isinstance(found, FoundFolder):
            flows.append(replace(found.flow, module=name))
        else:
            projects.append(Project(name, found.manifest))
            flows += name_project(found, name)
    return tuple(sorted(flows, key=lambda flow: flow.module)), tuple(projects)


def top_idn(found: FoundFolder | FoundProject) -> str:
    """The idn that names an input's top-level module or package."""
    return found.flow.idn if isinstance(found, FoundFolder) else found.manifest["idn"]


def name_project(found: FoundProject, package: str) -> Iterator[Flow]:
    """The flows and libraries of a project with their modules, which the manifest is told."""
    elsewhere = {
        skill.idn: flow.idn
        for agent in reversed(found.agents)
        for flow in reversed(agent.flows)
        for skill in flow.skills
    }
    connectors = tuple((c["integration"], c["connector"]) for c in found.manifest["connectors"])

    def named(flow: Flow, module: str) -> Flow:
        return replace(
            flow, module=module, project=package, elsewhere=elsewhere, connectors=connectors
        )

    libraries = found.manifest["libraries"]
    libraries.update(dotted(f"{package}.libraries", found.libraries))
    for flow in found.libraries:
        yield named(flow, libraries[flow.idn])
    agents = module_names({agent.idn for agent in found.agents})
    for agent in sorted(found.agents, key=lambda agent: agent.idn):
        found.manifest["agents"][agent.idn] = agent.manifest
        modules = agent.manifest["flows"]
        modules.update(dotted(f"{package}.{agents[agent.idn]}", agent.flows))
        for flow in agent.flows:
            yield named(flow, modules[flow.idn])


def dotted(package: str, flows: Iterable[Flow]) -> dict[str, str]:
    """The dotted module names of the flows of one package, in order of idn."""
    names = module_names({flow.idn for flow in flows})
    return {idn: f"{package}.{names[idn]}" for idn in sorted(names)}
