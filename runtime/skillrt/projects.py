"""Builds as the engine sees them: projects, agents and flows, read from what compiled modules say of themselves."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Final, TypeAlias
from uuid import NAMESPACE_URL, uuid5

from skillrt.attributes import Declared, declared
from skillrt.context import SkillFunction
from skillrt.errors import ConfigurationError
from skillrt.llm.base import Provider
from skillrt.llm.labels import find_label
from skillrt.manifest import (
    AgentManifest,
    FlowManifest,
    ProjectManifest,
    StateFieldManifest,
    SubscriptionManifest,
    check_abi,
)
from skillrt.model import Agent, Persona

Label: TypeAlias = tuple[str, str]
Namespace: TypeAlias = Mapping[str, Any]
NO_STATES: Final[Mapping[str, StateFieldManifest]] = {}
FOLLOW_UPS: Final = ("follow_up_message",)
"""What DisableFollowUp silences in a project that does not say."""


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """One flow of one agent; `name` is its module's, `skills` are its coroutines by idn, `models` their labels.

    `libraries` are the coroutines of each library of its project; their labels are in `models` as `shared.tidy`.
    """

    name: str
    idn: str
    project: str
    agent: Agent
    skills: Mapping[str, SkillFunction]
    models: Mapping[str, Label | None]
    model: Label | None
    result_actions: Mapping[str, str]
    states: Mapping[str, StateFieldManifest]
    libraries: Mapping[str, Mapping[str, SkillFunction]]
    subscriptions: tuple[SubscriptionManifest, ...] = ()
    follow_up_events: frozenset[str] = frozenset()

    def idn_of(self, skill: SkillFunction) -> str:
        """The idn of a skill of its module: its function's name unless that had to be changed."""
        for idn, function in self.skills.items():
            if function is skill:
                return idn
        return skill.__name__


@dataclass(frozen=True, slots=True, eq=False)
class Project:
    """What `Runtime.load` loaded; `settings` are those of connectors, by (integration, connector)."""

    idn: str
    flows: tuple[Flow, ...]
    settings: Mapping[tuple[str, str], Mapping[str, str]]
    attributes: Declared = field(default_factory=dict[str, Mapping[str, str]])


def load_project(build: str | ModuleType, agent: Agent) -> Project:
    """Read a project's package, or one flow's module, given by itself or by its import name.

    A module alone is a project with one flow, whose skills speak for `agent`.

    Raises:
        AbiError: a module was compiled for another runtime, or is none of skillc's.
        ImportError: nothing has that name.
    """
    module = import_module(build) if isinstance(build, str) else build
    if hasattr(module, "__path__"):
        return _project(import_module(f"{module.__name__}._manifest").MANIFEST)
    flow = flow_of(module.__dict__, agent, follow_up_events=FOLLOW_UPS)
    return Project(flow.idn, (flow,), {})


def flow_of(
    namespace: dict[str, Any],
    agent: Agent,
    *,
    project: str | None = None,
    follow_up_events: Iterable[str] = (),
) -> Flow:
    """The flow that a compiled module is; without `project` it is one of its own name.

    Raises:
        AbiError: it was compiled for another runtime, or is none of skillc's.
    """
    check_abi(namespace)
    manifest: FlowManifest = namespace["__manifest__"]
    about = manifest["skills"]
    libraries = _libraries(namespace["__name__"])
    return Flow(
        name=namespace["__name__"],
        idn=manifest["idn"],
        project=manifest["idn"] if project is None else project,
        agent=agent,
        skills=_skills(namespace),
        models={idn: skill["model"] for idn, skill in about.items()}
        | _library_models(libraries, manifest.get("model")),
        model=manifest.get("model"),
        result_actions={
            idn: action
            for idn, skill in about.items()
            if (action := skill.get("result_action", "none")) != "none"
        },
        states=manifest.get("state", NO_STATES),
        libraries={idn: _skills(library) for idn, library in libraries.items()},
        subscriptions=tuple(manifest.get("events", ())),
        follow_up_events=frozenset(follow_up_events),
    )


def _skills(namespace: Namespace) -> dict[str, SkillFunction]:
    """The coroutines of a compiled module, by idn."""
    manifest: FlowManifest = namespace["__manifest__"]
    return {idn: namespace[skill["function"]] for idn, skill in manifest["skills"].items()}


def _libraries(module: str) -> Mapping[str, Namespace]:
    """The libraries of the project that a module belongs to, by idn; a flow alone has none."""
    package, dot, _ = module.partition(".")
    if not dot or package not in sys.modules or find_spec(f"{package}._manifest") is None:
        return {}
    manifest: ProjectManifest = import_module(f"{package}._manifest").MANIFEST
    found = {idn: import_module(name).__dict__ for idn, name in manifest["libraries"].items()}
    for namespace in found.values():
        check_abi(namespace)
    return found


def _library_models(
    libraries: Mapping[str, Namespace], default: Label | None
) -> dict[str, Label | None]:
    """The labels of the libraries' skills; what they leave open is said by the flow they run for.

    Source: project format, fields of libraries.
    """
    found: dict[str, Label | None] = {}
    for library, namespace in libraries.items():
        manifest: FlowManifest = namespace["__manifest__"]
        for idn, skill in manifest["skills"].items():
            halves = zip(skill["model"] or ("", ""), default or ("", ""), strict=True)
            provider, model = (own or given for own, given in halves)
            found[f"{library}.{idn}"] = (provider, model) if provider or model else None
    return found


def _project(manifest: ProjectManifest) -> Project:
    return Project(
        manifest["idn"],
        tuple(_flows(manifest)),
        {(c["integration"], c["connector"]): c["settings"] for c in manifest["connectors"]},
        declared(manifest["idn"], manifest["attributes"]),
    )


def _flows(manifest: ProjectManifest) -> Iterator[Flow]:
    for agent_idn, about in manifest["agents"].items():
        agent = _agent(manifest["idn"], agent_idn, about)
        for name in about["flows"].values():
            yield flow_of(
                import_module(name).__dict__,
                agent,
                project=manifest["idn"],
                follow_up_events=manifest["follow_up_events"],
            )


def _agent(project: str, idn: str, about: AgentManifest) -> Agent:
    """The agent, with ids that are the same at every start: memory belongs to them."""
    persona = about["persona"]
    title = about["title"] or idn
    return Agent(
        id=str(uuid5(NAMESPACE_URL, f"skillc/agent/{project}/{idn}")),
        idn=idn,
        title=title,
        description=about["description"],
        persona=Persona(
            id=persona["id"] or str(uuid5(NAMESPACE_URL, f"skillc/persona/{project}/{idn}")),
            type="agent",
            name=persona["name"] or title,
            title=persona["title"],
            description=persona["description"],
        ),
    )


def check_models(projects: Iterable[Project], served: Mapping[str, Provider]) -> None:
    """Refuse to start when a skill names a model that no label serves.

    Raises:
        ConfigurationError: with every such label and one skill that names it.

    Source: event model, model settings.
    """
    missing: dict[str, str] = {}
    for flow in (flow for project in projects for flow in project.flows):
        for idn, named in flow.models.items():
            label = named or flow.model
            if label is not None and find_label(served, *label) is None:
                missing.setdefault("/".join(label), f"{flow.name}.{idn}")
    if missing:
        wanted = ", ".join(f"{label} (skill {skill})" for label, skill in sorted(missing.items()))
        raise ConfigurationError(f"no provider is given for the models {wanted}")
