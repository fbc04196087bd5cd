"""Which layout a directory has, and which part of it: the table of rules, first that applies. Pure.

Source: project format, layout detection.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final, Literal, TypeAlias

from skillc.errors import Report
from skillc.project.directory import Directory
from skillc.project.documents import Pairs, parse_yaml
from skillc.project.folder import scripts_in
from skillc.project.v1 import FLOWS, IGNORED, METADATA, PROJECTS, SUMMARY
from skillc.project.v2 import VERSION_FILE

Layout: TypeAlias = Literal["folder", "v1", "v2"]
Part: TypeAlias = Literal["root", "project", "agent", "flow", "library", "skill"]
Kind: TypeAlias = tuple[Layout, Part]
Rule: TypeAlias = Callable[[Directory], "Kind | None"]

CUSTOMERS: Final = "newo_customers"
FOLDER: Final[Kind] = ("folder", "flow")
CHAIN: Final[tuple[Literal["skill", "flow", "agent", "project"], ...]] = (
    "skill",
    "flow",
    "agent",
    "project",
)
"""The parts of a v1 tree, each a level above the one before."""

FLOW_ONLY: Final = frozenset({"events", "default_runner_type"})


def kind_of(directory: Directory) -> Kind | None:
    """What a directory is by the first rule that applies, None when none does."""
    return next(filter(None, (rule(directory) for rule in RULES)), None)


def kind_in(directory: Directory, layout: Layout) -> Kind:
    """What a directory is if it has to have that layout: its root unless a rule says otherwise."""
    found = (rule(directory) for rule in RULES)
    return next((kind for kind in found if kind and kind[0] == layout), (layout, "root"))


def v2_root(directory: Directory) -> Kind | None:
    """With a version file, an export."""
    return ("v2", "root") if VERSION_FILE in directory.files else None


def v1_root(directory: Directory) -> Kind | None:
    """With `projects/`, a customer."""
    return ("v1", "root") if PROJECTS in directory.directories else None


def v1_project(directory: Directory) -> Kind | None:
    """With a summary, one project."""
    return ("v1", "project") if SUMMARY in directory.files else None


def v2_project(directory: Directory) -> Kind | None:
    """With `agents/`, or a file that says it is one, a project."""
    found = "agents" in directory.directories or any(
        says_project(directory, name) for name in directory.files if name.endswith(".yaml")
    )
    return ("v2", "project") if found else None


def says_project(directory: Directory, name: str) -> bool:
    """Whether the only top key of a file is `project`."""
    source = directory.read(name)
    root = parse_yaml(source, Report(source))
    return isinstance(root, Pairs) and [key.text for key, _ in root.pairs] == ["project"]


def v2_agent(directory: Directory) -> Kind | None:
    """With its file, an agent."""
    return ("v2", "agent") if "agent.yaml" in directory.files else None


def v2_flow(directory: Directory) -> Kind | None:
    """With a file of its name and `skills/`, a flow, or a library if it lies in `libraries`."""
    file = f"{directory.name}.yaml"
    if file not in directory.files or "skills" not in directory.directories:
        return None
    is_flow = has_key(directory, file, FLOW_ONLY)
    return "v2", "flow" if is_flow or directory.parent != "libraries" else "library"


def v1_part(directory: Directory) -> Kind | None:
    """With `metadata.yaml`, a part of a customer's tree: by its keys, else by what lies how deep below."""
    if METADATA not in directory.files:
        return None
    level = [directory]
    for depth in range(len(CHAIN)):
        told = max((told_by_keys(found) for found in level), default=0)
        scripts = any(scripts_in(found) for found in level)
        if told or scripts:
            return "v1", CHAIN[min(depth + max(told - 1, 0), len(CHAIN) - 1)]
        level = [inner for found in level for inner in found.children(without=IGNORED)]
    return None


def told_by_keys(directory: Directory) -> int:
    """Whether metadata is that of a skill (1) or of a flow (2); 0 when it does not tell."""
    if has_key(directory, METADATA, FLOW_ONLY):
        return 2
    return 1 if has_key(directory, METADATA, {"runner_type"}) else 0


def folder(directory: Directory) -> Kind | None:
    """With scripts, a folder."""
    return FOLDER if scripts_in(directory) else None


def flat_project(directory: Directory) -> Kind | None:
    """With `flows/` and the metadata of a project, a flat one."""
    found = FLOWS in directory.directories and "project.json" in directory.files
    return ("v1", "project") if found else None


def has_key(directory: Directory, file: str, keys: Collection[str]) -> bool:
    """Whether a metadata file says something under one of the keys."""
    if file not in directory.files:
        return False
    source = directory.read(file)
    root = parse_yaml(source, Report(source))
    return isinstance(root, Pairs) and any(key.text in keys for key, _ in root.pairs)


RULES: Final[tuple[Rule, ...]] = (
    v2_root,
    v1_root,
    v1_project,
    flat_project,
    v2_project,
    v2_agent,
    v2_flow,
    v1_part,
    folder,
)
MARKERS: Final = (
    "script files (*.guidance, *.nslg, *.jinja, *.nsl), "
    f"{VERSION_FILE}, {PROJECTS}/, {SUMMARY}, agents/, agent.yaml, skills/, {METADATA}, or folders of them"
)
