"""What compiled modules say of themselves beside their code, and whether this runtime understands it.

A flow or library is a module with `__manifest__`; a project is a package whose `_manifest` names its flows' modules.
A folder of skills is one module, and a project of one agent with one flow: its idn is the name of all three.
Everything is under original names; what is Python's says so.
"""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias, TypedDict

from skillrt.errors import AbiError
from skillrt.interrupts import Mode

ABI: Final = 2

Scope: TypeAlias = Literal["user", "agent", "flow", "project", "global"]
"""Who shares a state field: `user` one value per flow and user persona, `agent` and `flow` one per flow, the others
one per project, shared by the flows that declare the idn."""


class SkillManifest(TypedDict):
    """One skill: names and settings that its coroutine does not hold.

    `function` is its name in the module; `parameters` map template names to Python names. `result_action` says what
    becomes of the result of a run that an event started: `none`, `send`, or `state:<idn>`.
    """

    function: str
    source: str
    runner: Literal["guidance", "nsl"]
    title: str
    model: tuple[str, str] | None
    parameters: dict[str, str]
    result_action: str


class SubscriptionManifest(TypedDict):
    """An event that starts a skill: `skill`, or else the one that state field `state` names when its turn comes.

    No integration or connector means any.
    """

    idn: str
    skill: str | None
    state: str | None
    integration: str | None
    connector: str | None
    mode: Mode


class StateFieldManifest(TypedDict):
    """A declared state field: its value before the first write, and who shares it."""

    default: str
    scope: Scope


class FlowManifest(TypedDict):
    """One flow or library; a library has neither events nor state. `events` are in the order of the project's files.

    `model` is what its skills use that name none, and those of libraries while they run for it.
    """

    idn: str
    title: str
    model: tuple[str, str] | None
    skills: dict[str, SkillManifest]
    events: list[SubscriptionManifest]
    state: dict[str, StateFieldManifest]


class TopicManifest(TypedDict):
    """One topic of an agent's knowledge base; `confidence` is 0 to 100, times are as written in the files."""

    topic: str
    summary: str
    facts: list[str]
    confidence: float
    source: str
    labels: list[str]
    created_at: str
    updated_at: str


class PersonaManifest(TypedDict):
    """The agent's face; `id` is "" unless the project gives one."""

    id: str
    name: str
    title: str
    description: str


class AgentManifest(TypedDict):
    """One agent; `flows` are dotted module names by idn."""

    title: str
    description: str
    persona: PersonaManifest
    flows: dict[str, str]
    topics: list[TopicManifest]


class OutgoingWebhookManifest(TypedDict):
    """Where commands of a connector are posted; no `commands` means all."""

    idn: str
    url: str
    commands: list[str]


class IncomingWebhookManifest(TypedDict):
    """A path under which the outside world may raise `events`; no `allowed_ips` means from anywhere."""

    idn: str
    path: str
    events: list[str]
    allowed_ips: list[str]


class ConnectorManifest(TypedDict):
    """A connector that the project declares; `settings` are its integration's, replaced by its own."""

    integration: str
    connector: str
    title: str
    settings: dict[str, str]
    outgoing: list[OutgoingWebhookManifest]
    incoming: list[IncomingWebhookManifest]


class AttributesManifest(TypedDict):
    """What attributes hold before anything is written to them."""

    customer: dict[str, str]
    project: dict[str, str]


class ProjectManifest(TypedDict):
    """One project; `libraries` are dotted module names by idn, `follow_up_events` what DisableFollowUp silences."""

    idn: str
    title: str
    description: str
    version: str
    follow_up_events: list[str]
    agents: dict[str, AgentManifest]
    libraries: dict[str, str]
    attributes: AttributesManifest
    connectors: list[ConnectorManifest]


def check_abi(namespace: dict[str, Any]) -> None:
    """Refuse a module compiled for another runtime.

    Raises:
        AbiError: the module's `__abi__` differs, or it is no compiled module.
    """
    abi = namespace.get("__abi__")
    if abi == ABI:
        return
    name = namespace.get("__name__", "?")
    if abi is None:
        raise AbiError(f"{name} is no module compiled by skillc")
    age = "an older" if abi < ABI else "a newer"
    raise AbiError(
        f"{name} was compiled for {age} runtime (ABI {abi}, this is {ABI}): run 'skillc build'"
    )
