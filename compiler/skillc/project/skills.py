"""What metadata says of a skill, and what it says by default. Pure.

Source: project format, fields of skills.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from typing import Final

from skillc.errors import Report
from skillc.ir import Parameter, Runner, Skill
from skillc.project.directory import Place, extension, idn_of, stem
from skillc.project.documents import START, Fields
from skillc.project.idn import visible
from skillc.source import Source

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
SIDECAR_END: Final = ".meta.yaml"

# Read, or known and of no meaning here; any other key is reported.
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
MODEL_KEYS: Final = frozenset({"provider_idn", "model_idn"})
PARAMETER_KEYS: Final = KEPT | {"name", "default_value"}
PLAIN_RESULT_ACTIONS: Final = frozenset({"none", "send"})
STATE_RESULT: Final = "state:"


class Skills:
    """The skills of one flow or library as they are found; of two with one idn the first is kept."""

    def __init__(self, repeated: str) -> None:
        """`repeated` is the code that reports the second."""
        self.repeated = repeated
        self.found: dict[str, Skill] = {}
        self.places: dict[str, Place] = {}

    def add(
        self,
        path: str,
        source: Source,
        report: Report,
        layers: Sequence[Fields],
        flow: Fields,
        directory: str | None = None,
    ) -> None:
        """One more skill, by its script; its default idn is the `directory` that is its own, else the script's stem.

        Of `layers`, the first that says something counts, then what the flow says.
        """
        if not source.text.strip() and not report.failed:
            report("SK710", START)
        name, file = (
            (stem(path), posixpath.basename(path)) if directory is None else (directory, "")
        )
        idn, place = idn_of(about(layers, "idn"), "skill", name, Place(report, START), file)
        if idn in self.found:
            place.report(self.repeated, place.span, idn=visible(idn), place=self.places[idn])
            return
        self.places[idn] = place
        self.found[idn] = Skill(
            idn=idn,
            source=source,
            runner=runner_of(path, layers),
            body=(),
            parameters=read_parameters(about(layers, "parameters"), idn),
            title=about(layers, "title").text("title") or idn,
            result_variable=about(layers, "result_variable").word("result_variable") or "RESULT",
            model=model_of(layers, flow),
            result_action=result_action(about(layers, "result_action")),
        )

    def all(self) -> tuple[Skill, ...]:
        """The skills in order of idn."""
        return tuple(self.found[idn] for idn in sorted(self.found))


def about(layers: Sequence[Fields], key: str) -> Fields:
    """The first layer with a value for `key`, else the last."""
    return next((layer for layer in layers if layer.node(key) is not None), layers[-1])


def is_script(name: str) -> bool:
    """Whether a file name is that of a skill."""
    return extension(name) in SCRIPTS


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


def result_action(said: Fields) -> str:
    """`none`, `send`, or `state:` and the idn of a field.

    Source: project format, result variable and action.
    """
    written = (said.word("result_action") or "none").strip()
    if written in PLAIN_RESULT_ACTIONS or written.removeprefix(STATE_RESULT) not in {"", written}:
        return written
    shape = "'none', 'send' or 'state:' and the idn of a field"
    said.report("SK611", said.span("result_action"), key="result_action", shape=shape)
    return "none"


def read_parameters(said: Fields, skill: str) -> tuple[Parameter, ...]:
    """The declared parameters; those without a name (SK635) or named before (SK636) are left out."""
    found: dict[str, Parameter] = {}
    places: dict[str, Place] = {}
    for number, entry in enumerate(said.each("parameters", PARAMETER_KEYS), start=1):
        name = entry.word("name")
        if not name:
            entry.report("SK635", entry.place, n=number, skill=visible(skill))
            continue
        span = entry.span("name")
        if name in found:
            shown = visible(skill)
            entry.report("SK636", span, name=visible(name), skill=shown, place=places[name])
        else:
            found[name] = Parameter(name, entry.text("default_value"))
            places[name] = Place(entry.report, span)
    return tuple(found.values())
