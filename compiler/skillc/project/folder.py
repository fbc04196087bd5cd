"""The folder layout: scripts, an optional `flow.yaml` and sidecars become one flow. Pure.

Source: project format, folder layout and fields of flows and skills.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from skillc.errors import Report
from skillc.ir import Flow, Parameter, Runner, Skill
from skillc.project.documents import START, Fields, no_fields, read_fields
from skillc.project.idn import refuse_idn, visible
from skillc.source import Source, Span

SCRIPTS: Final[Mapping[str, Runner]] = {
    ".guidance": "guidance",
    ".nslg": "guidance",
    ".jinja": "nsl",
    ".nsl": "nsl",
}
RUNNER_TYPES: Final[Mapping[str, Runner]] = {
    "guidance": "guidance",
    "nsl": "nsl",
    "nslg": "guidance",
    "jinja": "nsl",
}
FLOW_FILE: Final = "flow.yaml"
SIDECAR_END: Final = ".meta.yaml"
LONE_SIDECAR: Final = "metadata.yaml"

# Read, or known and left to what runs the flow; any other key is reported.
KEPT: Final = frozenset({"id", "created_at", "updated_at"})
SKILL_KEYS: Final = KEPT | {
    "idn",
    "title",
    "runner_type",
    "model",
    "parameters",
    "prompt_script",
    "result_variable",
    "result_action",
    "path",
}
FLOW_KEYS: Final = KEPT | {
    "idn",
    "title",
    "description",
    "default_runner_type",
    "default_model",
    "default_provider_idn",
    "default_model_idn",
    "skills",
    "events",
    "state_fields",
    "agent_id",
    "publication_type",
}
MODEL_KEYS: Final = frozenset({"provider_idn", "model_idn"})
PARAMETER_KEYS: Final = KEPT | {"name", "default_value"}


@dataclass(frozen=True, slots=True)
class Folder:
    """One directory as the loader sees it: paths are relative to it, with `/`.

    `place` is the directory itself, for findings about it. `files` are the names directly inside, sorted. `has`
    says whether there is such a file at all; `read` gives an empty source for one it reported as unreadable.
    """

    name: str
    place: Source
    files: tuple[str, ...]
    has: Callable[[str], bool]
    read: Callable[[str], Source]
    report: Callable[[Source], Report]

    @property
    def scripts(self) -> tuple[str, ...]:
        """The files that are skills."""
        return tuple(name for name in self.files if extension(name) in SCRIPTS)

    def fields(self, name: str, known: frozenset[str]) -> Fields:
        """The entries of one of the metadata files; none without that file."""
        if name not in self.files:
            return no_fields(self.report(self.place))
        source = self.read(name)
        return read_fields(source, self.report(source), known)


def load_folder(folder: Folder, only: str | None = None) -> Flow:
    """The flow that a folder holds: skills without bodies, no module yet.

    With `only`, one script of it, as a flow of that file's own. Of two skills with one idn the first is kept (SK630).
    """
    said = folder.fields(FLOW_FILE, FLOW_KEYS)
    nothing = no_fields(said.report)
    scripts = scripts_of(folder, said)
    chosen = sorted(scripts) if only is None else [only]
    skills: dict[str, Skill] = {}
    for path in chosen:
        source = folder.read(path)
        layers = (sidecar_of(folder, path), scripts.get(path, nothing))
        skill = load_skill(path, source, folder.report(source), layers, said)
        if skill.idn in skills:
            first = skills[skill.idn].source.path
            folder.report(source)("SK630", START, idn=skill.idn, place=first)
        else:
            skills[skill.idn] = skill
    return Flow(
        idn=flow_idn(folder, said) if only is None else stem(only),
        module="",
        skills=tuple(skills[idn] for idn in sorted(skills)),
    )


def extension(path: str) -> str:
    """`.guidance` of `kiosk/Welcome.guidance`."""
    return posixpath.splitext(path)[1]


def stem(path: str) -> str:
    """`Welcome` of `kiosk/Welcome.guidance`."""
    return posixpath.splitext(posixpath.basename(path))[0]


def flow_idn(folder: Folder, said: Fields) -> str:
    """The idn that `flow.yaml` gives, else the folder's name."""
    idn = said.word("idn")
    if idn is None:
        idn = folder.name
        check_idn(folder.report(folder.place), START, "flow", idn)
    elif check_idn(said.report, said.span("idn"), "flow", idn) and idn != folder.name:
        name = visible(folder.name)
        said.report("SK702", said.span("idn"), name=name, kind="flow", idn=idn)
    return idn


def check_idn(report: Report, span: Span, kind: str, idn: str) -> bool:
    """Whether an idn is one; if not, it is reported (SK620)."""
    reason = refuse_idn(idn)
    if reason:
        report("SK620", span, idn=visible(idn), kind=kind, reason=reason)
    return not reason


def scripts_of(folder: Folder, said: Fields) -> Mapping[str, Fields]:
    """The scripts that are skills, each with its entry in `flow.yaml` (an empty one if it has none)."""
    scripts = dict.fromkeys(folder.scripts, no_fields(said.report))
    by_stem = {stem(name): name for name in reversed(folder.scripts)}
    for entry in said.each("skills", SKILL_KEYS):
        key = "idn" if entry.node("prompt_script") is None else "prompt_script"
        written = entry.word(key)
        if written is None:
            if entry.node(key) is None:
                entry.report("SK611", entry.place, key="idn", shape="given for each skill")
            continue
        path = by_stem.get(written) if key == "idn" else posixpath.normpath(written)
        if path is not None and (path.startswith(("/", "../")) or path == ".."):
            entry.report("SK621", entry.span(key), path=visible(written))
        elif path is None or extension(path) not in SCRIPTS or not folder.has(path):
            entry.report("SK634", entry.span(key), path=visible(written))
        else:
            scripts[path] = entry
    return scripts


def sidecar_of(folder: Folder, script: str) -> Fields:
    """The metadata file of a script; `metadata.yaml` beside exactly one script is its own."""
    sidecar = posixpath.splitext(script)[0] + SIDECAR_END
    if sidecar not in folder.files and folder.scripts == (script,):
        sidecar = LONE_SIDECAR
    return folder.fields(sidecar, SKILL_KEYS)


def load_skill(
    path: str, source: Source, report: Report, layers: Sequence[Fields], flow: Fields
) -> Skill:
    """One skill; of `layers`, the first that says something counts, then what the flow says."""
    if not source.text.strip() and not report.failed:
        report("SK710", START)
    return Skill(
        idn=(idn := skill_idn(path, report, layers)),
        source=source,
        runner=runner_of(path, layers),
        body=(),
        parameters=read_parameters(about(layers, "parameters"), idn),
        title=about(layers, "title").text("title") or idn,
        result_variable=about(layers, "result_variable").word("result_variable") or "RESULT",
        model=model_of(layers, flow),
    )


def about(layers: Sequence[Fields], key: str) -> Fields:
    """The first layer with a value for `key`, else the last."""
    return next((layer for layer in layers if layer.node(key) is not None), layers[-1])


def skill_idn(path: str, report: Report, layers: Sequence[Fields]) -> str:
    """The idn that the metadata gives, else the script's stem."""
    said = about(layers, "idn")
    idn = said.word("idn")
    if idn is None:
        idn = stem(path)
        check_idn(report, START, "skill", idn)
    elif check_idn(said.report, said.span("idn"), "skill", idn) and idn != stem(path):
        name = visible(posixpath.basename(path))
        said.report("SK702", said.span("idn"), name=name, kind="skill", idn=idn)
    return idn


def runner_of(path: str, layers: Sequence[Fields]) -> Runner:
    """`runner_type`, else what the extension says."""
    ends = extension(path)
    said = about(layers, "runner_type")
    runner = said.choice("runner_type", RUNNER_TYPES)
    if runner is None:
        return SCRIPTS[ends]
    if runner != SCRIPTS[ends]:
        said.report("SK708", said.span("runner_type"), runner=runner, extension=ends)
    return runner


def model_of(layers: Sequence[Fields], flow: Fields) -> tuple[str, str] | None:
    """Provider and model, each from the first that names it; "" for a half that nobody names."""
    said = [layer.fields("model", MODEL_KEYS) for layer in layers]
    default = flow.fields("default_model", MODEL_KEYS)

    def named(key: str) -> str:
        values = [
            *(model.word(key) for model in said),
            flow.word(f"default_{key}"),
            default.word(key),
        ]
        return next(filter(None, values), "")

    model = named("provider_idn"), named("model_idn")
    return model if any(model) else None


def read_parameters(said: Fields, skill: str) -> tuple[Parameter, ...]:
    """The declared parameters; those without a name (SK635) or named before (SK636) are left out."""
    found: dict[str, Parameter] = {}
    places: dict[str, str] = {}
    for number, entry in enumerate(said.each("parameters", PARAMETER_KEYS), start=1):
        name = entry.word("name")
        if not name:
            entry.report("SK635", entry.place, n=number, skill=skill)
        elif name in found:
            place = places[name]
            entry.report("SK636", entry.span("name"), name=name, skill=skill, place=place)
        else:
            found[name] = Parameter(name, entry.text("default_value"))
            source = entry.report.source
            line, column = source.line_column(entry.span("name").start)
            places[name] = f"{source.path}:{line}:{column}"
    return tuple(found.values())
