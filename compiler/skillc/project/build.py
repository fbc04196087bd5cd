"""Write the compiled modules of a project, or compare them with what is there. The only writer of files.

1. Nothing is written before everything compiled and every file in the way is known to be ours.
2. A file is replaced whole: a reader, or a second build, sees the old one or the new one.
3. The record saves work and nothing else: lost, broken or another compiler's, everything is compiled again. It
   holds no time, no machine, no path outside the project, and is written last.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import Final, Literal, TypeAlias

import msgspec

import skillc
import skillrt
from skillc.compile import Checked, check_flow
from skillc.emit import HEADER, emit_flow
from skillc.errors import REGISTRY, CompilerBug, Diagnostic, TemplateError, UsageError
from skillc.ir import Flow
from skillc.passes import Settings
from skillc.project.load import Loaded, read_bytes
from skillc.source import Span

OURS: Final = HEADER.partition(".")[0].encode()
"""How every module begins that any version of skillc wrote."""

RECORD: Final = ".skillc.json"
SCHEMA: Final = 1

Progress: TypeAlias = Callable[[str], None]
"""Told what is being done, such as "checking kiosk"."""


class KeptFinding(msgspec.Struct, frozen=True, array_like=True):
    """A finding of a flow that compiled, to be shown again when the flow is not compiled again."""

    code: str
    file: str
    start: int
    end: int
    message: str
    hint: str | None


class KeptModule(msgspec.Struct, frozen=True):
    """What one module was made from and what came out, as digests."""

    inputs: str
    output: str
    findings: tuple[KeptFinding, ...] = ()


class Record(msgspec.Struct, frozen=True):
    """What the last build made; `compiler` covers the compiler's sources and the settings."""

    schema: int = SCHEMA
    compiler: str = ""
    modules: dict[str, KeptModule] = {}


@dataclass(frozen=True, slots=True)
class Module:
    """One module as it is to be: where, what, from what, and what was found in its templates."""

    name: str
    text: str
    inputs: str
    findings: tuple[Diagnostic, ...]

    @property
    def path(self) -> str:
        """The path inside the output folder."""
        return module_path(self.name)

    @property
    def content(self) -> bytes:
        """The bytes of the file."""
        return self.text.encode()


@dataclass(frozen=True, slots=True)
class Built:
    """What a build did: paths as given on the command line, and the findings, none of them an error."""

    modules: int
    written: tuple[str, ...]
    removed: tuple[str, ...]
    findings: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """One file that is not as a build would leave it."""

    path: str
    kind: Literal["missing", "stale", "edited", "foreign", "left over"]


def build(loaded: Loaded, out: Path, settings: Settings, progress: Progress) -> Built:
    """Bring `out` up to date: write modules that changed, remove those of ours that nothing makes any more.

    Raises:
        TemplateError: a template or the project has an error; `out` is as it was.
        UsageError: a file that is not ours is in the way, or the system refuses to write.
    """
    compiler = compiler_digest(settings)
    record = read_record(out, compiler)
    modules = compile_modules(loaded, settings, progress, kept_modules(loaded, out, record))
    present = modules_in(out)
    changed = [module for module in modules if present.get(module.path) != module.content]
    for module in changed:
        refuse_foreign(out / module.path, ours=module.path in present)
    gone = sorted(present.keys() - {module.path for module in modules})
    try:
        for module in changed:
            replace_file(out / module.path, module.content)
        for path in gone:
            (out / path).unlink(missing_ok=True)
        kept = msgspec.json.encode(record_of(modules, compiler), order="sorted")
        kept = msgspec.json.format(kept, indent=1) + b"\n"
        if read_file(out / RECORD) != kept:
            replace_file(out / RECORD, kept)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"cannot write to '{out}': {reason}") from error
    return Built(
        modules=len(modules),
        written=tuple(str(out / module.path) for module in changed),
        removed=tuple(str(out / path) for path in gone),
        findings=findings_of(loaded, modules),
    )


def compare(
    loaded: Loaded, out: Path, settings: Settings, progress: Progress
) -> tuple[tuple[Difference, ...], tuple[Diagnostic, ...]]:
    """What in `out` differs from what a build would leave there, in order of path, and the findings.

    Everything is compiled, nothing is written.

    Raises:
        TemplateError: a template or the project has an error.
    """
    modules = compile_modules(loaded, settings, progress, kept={})
    present = modules_in(out)
    kept = (parse_record(read_file(out / RECORD)) or Record()).modules
    differences = [
        Difference(str(out / module.path), kind)
        for module in modules
        if (kind := difference(out, module, present.get(module.path), kept.get(module.name)))
    ]
    gone = present.keys() - {module.path for module in modules}
    differences += [Difference(str(out / path), "left over") for path in gone]
    ordered = sorted(differences, key=lambda found: found.path)
    return tuple(ordered), findings_of(loaded, modules)


def difference(
    out: Path, module: Module, content: bytes | None, kept: KeptModule | None
) -> Literal["missing", "stale", "edited", "foreign"] | None:
    """How the file of `module` differs; `content` is None when there is none of ours."""
    if content is None:
        return "foreign" if os.path.lexists(out / module.path) else "missing"
    if content == module.content:
        return None
    return "edited" if kept is not None and kept.output != digest(content) else "stale"


def compile_modules(
    loaded: Loaded, settings: Settings, progress: Progress, kept: Mapping[str, Module]
) -> tuple[Module, ...]:
    """The modules of all flows, those in `kept` as they are.

    Raises:
        TemplateError: any finding is an error; it holds the findings of all flows.
    """
    checked: list[Checked] = []
    for flow in loaded.flows:
        if flow.module not in kept:
            progress(f"checking {flow.idn}")
            checked.append(check_flow(flow, settings))
    findings = [*loaded.findings, *(found for flow in checked for found in flow.findings)]
    findings += (found for module in kept.values() for found in module.findings)
    refuse_errors(findings)
    modules = dict(kept)
    inputs = {flow.module: inputs_digest(flow) for flow in loaded.flows}
    for found in checked:
        progress(f"compiling {found.flow.idn}")
        try:
            emitted = emit_flow(found.flow)
        except TemplateError as error:
            findings += error.diagnostics
            continue
        name = found.flow.module
        modules[name] = Module(name, emitted.text, inputs[name], found.findings)
        if emitted.path != modules[name].path:
            raise CompilerBug(f"module {name} was emitted as {emitted.path}")
    refuse_errors(findings)
    return tuple(modules[flow.module] for flow in loaded.flows)


def refuse_errors(findings: Sequence[Diagnostic]) -> None:
    """Raise the findings if one of them is an error."""
    if any(finding.severity == "error" for finding in findings):
        raise TemplateError(findings)


def findings_of(
    loaded: Loaded, modules: tuple[Module, ...] | list[Module]
) -> tuple[Diagnostic, ...]:
    """All findings, in order of place."""
    findings = [*loaded.findings, *(found for module in modules for found in module.findings)]
    return tuple(sorted(findings, key=lambda finding: finding.place))


# --- the record ------------------------------------------------------------------------------------------


def read_record(out: Path, compiler: str) -> Record:
    """The record of the last build, if it can be read and this compiler and these settings made it."""
    record = parse_record(read_file(out / RECORD))
    return record if record and record.compiler == compiler else Record()


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
        kept[module.name] = KeptModule(module.inputs, digest(module.content), findings)
    return Record(SCHEMA, compiler, kept)


def keep_finding(finding: Diagnostic) -> KeptFinding:
    """A finding about a skill, as the record holds it."""
    return KeptFinding(
        finding.code, finding.source.name, *finding.span, finding.message, finding.hint
    )


def kept_modules(loaded: Loaded, out: Path, record: Record) -> Mapping[str, Module]:
    """The modules that stand in `out` just as they were recorded, made from what the flows are now."""
    found = ((flow, record.modules.get(flow.module)) for flow in loaded.flows)
    modules = (kept_module(flow, kept, out) for flow, kept in found if kept is not None)
    return {module.name: module for module in modules if module is not None}


def kept_module(flow: Flow, kept: KeptModule, out: Path) -> Module | None:
    """The module of `flow`, unless it or what it was made from changed."""
    sources = {skill.source.name: skill.source for skill in flow.skills}
    content = read_file(out / module_path(flow.module))
    if (
        kept.inputs != inputs_digest(flow)
        or content is None
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
    return Module(flow.module, content.decode(), kept.inputs, findings)


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
        )
        for skill in flow.skills
    ]
    return digest(msgspec.json.encode((flow.idn, flow.module, skills)))


def compiler_digest(settings: Settings) -> str:
    """A digest of all that decides what comes out beside the flow: the settings, the compiler, the actions."""
    return digest(msgspec.json.encode((settings, sources_digest())))


@cache
def sources_digest() -> str:
    """A digest of the sources of the compiler and of the runtime, whose catalogue it compiles against."""
    found = sha256()
    for package in (skillc, skillrt):
        for directory in package.__path__:
            for path in sorted(Path(directory).rglob("*.py")):
                found.update(path.relative_to(directory).as_posix().encode())
                found.update(sha256(read_bytes(path)).digest())
    return found.hexdigest()


# --- files -----------------------------------------------------------------------------------------------


def read_file(path: Path) -> bytes | None:
    """The content, or None when there is nothing that can be read."""
    try:
        return read_bytes(path)
    except OSError:
        return None


def modules_in(out: Path) -> Mapping[str, bytes]:
    """The modules of ours in `out` by file name: Python files that begin with our header."""
    try:
        names = sorted(name for name in os.listdir(out) if name.endswith(".py"))
    except OSError:
        return {}
    contents = ((name, read_file(out / name)) for name in names)
    return {name: found for name, found in contents if found and found.startswith(OURS)}


def refuse_foreign(path: Path, *, ours: bool) -> None:
    """Refuse to replace what skillc did not write."""
    if not ours and os.path.lexists(path):
        raise UsageError(
            f"'{path}' is in the way and not written by skillc: move it, or build elsewhere with -o"
        )


def replace_file(path: Path, content: bytes) -> None:
    """Write a file so that nobody ever sees part of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{token_hex(4)}")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
