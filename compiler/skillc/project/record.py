"""What the last build made, kept so that what did not change is not made again. Pure.

The record holds no time, no machine and no path outside the project.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import msgspec

from skillc.errors import REGISTRY, Diagnostic
from skillc.ir import Flow, Signature
from skillc.source import Span

SCHEMA: Final = 2


class KeptFinding(msgspec.Struct, frozen=True, array_like=True):
    """A finding of a flow that compiled, to be shown again when the flow is not compiled again."""

    code: str
    file: str
    start: int
    end: int
    message: str
    hint: str | None


class KeptModule(msgspec.Struct, frozen=True):
    """What one module was made from and what came out, as digests; of a library also what others can call."""

    inputs: str
    output: str
    findings: tuple[KeptFinding, ...] = ()
    skills: tuple[Signature, ...] = ()


class Record(msgspec.Struct, frozen=True):
    """What the last build made; `compiler` covers the compiler's sources and the settings."""

    schema: int = SCHEMA
    compiler: str = ""
    modules: dict[str, KeptModule] = {}


@dataclass(frozen=True, slots=True)
class Module:
    """One module as it is to be: where, what, from what, and what was found in its templates.

    `skills` is what other modules can call of a library.
    """

    name: str
    text: str
    inputs: str = ""
    findings: tuple[Diagnostic, ...] = ()
    skills: tuple[Signature, ...] = ()

    @property
    def path(self) -> str:
        """The path inside the output folder."""
        return module_path(self.name)

    @property
    def content(self) -> bytes:
        """The bytes of the file."""
        return self.text.encode()


def parse_record(content: bytes | None) -> Record | None:
    """The record in a file's content; None when it is none."""
    try:
        record = msgspec.json.decode(content or b"", type=Record)
    except (msgspec.DecodeError, RecursionError):
        return None
    return record if record.schema == SCHEMA else None


def record_of(modules: tuple[Module, ...], compiler: str) -> Record:
    """The record of what was made."""
    kept: dict[str, KeptModule] = {}
    for module in modules:
        findings = tuple(keep_finding(finding) for finding in module.findings)
        output = digest(module.content)
        kept[module.name] = KeptModule(module.inputs, output, findings, module.skills)
    return Record(SCHEMA, compiler, kept)


def keep_finding(finding: Diagnostic) -> KeptFinding:
    """A finding about a skill, as the record holds it."""
    return KeptFinding(
        finding.code, finding.source.name, *finding.span, finding.message, finding.hint
    )


def kept_module(flow: Flow, inputs: str, record: Record, content: bytes | None) -> Module | None:
    """The module of `flow` with the content it has now, unless that or what it was made from changed."""
    kept = record.modules.get(flow.module)
    if kept is None or kept.inputs != inputs:
        return None
    sources = {skill.source.name: skill.source for skill in flow.skills}
    if (
        content is None
        or kept.output != digest(content)
        or any(found.file not in sources or found.code not in REGISTRY for found in kept.findings)
    ):
        return None
    findings = tuple(
        Diagnostic(
            found.code,
            sources[found.file],
            Span(found.start, found.end),
            found.message,
            found.hint,
        )
        for found in kept.findings
    )
    return Module(flow.module, content.decode(), inputs, findings, kept.skills)


def module_path(name: str) -> str:
    """The path of a module inside the output folder."""
    return name.replace(".", "/") + ".py"


def digest(content: bytes) -> str:
    """The SHA-256 in hex."""
    return sha256(content).hexdigest()


def inputs_digest(flow: Flow) -> str:
    """A digest of all of a flow that its module can depend on: never the path the user typed."""
    skills = [
        (
            skill.idn,
            skill.source.name,
            skill.source.text,
            skill.runner,
            [(parameter.name, parameter.default) for parameter in skill.parameters],
            skill.title,
            skill.result_variable,
            skill.model,
            skill.result_action,
        )
        for skill in flow.skills
    ]
    about = (flow.idn, flow.module, flow.title, flow.model, flow.events, flow.state)
    around = (flow.is_library, flow.project, flow.libraries, flow.connectors)
    return digest(msgspec.json.encode((about, around, skills), order="sorted"))
