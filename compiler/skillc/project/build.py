"""Write the compiled modules of a project, or compare them with what is there. The only writer of files.

1. Nothing is written before everything compiled and every file in the way is known to be ours.
2. A file is replaced whole: a reader, or a second build, sees the old one or the new one.
3. The record saves work and nothing else: lost, broken or another compiler's, everything is compiled again. It
   holds no time, no machine, no path outside the project, and is written last.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import Final, Literal

import msgspec

import skillc
import skillrt
from skillc.emit import HEADER
from skillc.errors import Diagnostic, UsageError
from skillc.ir import Flow
from skillc.passes import Settings
from skillc.project.compiling import Progress, compile_modules
from skillc.project.load import Loaded, read_bytes
from skillc.project.record import (
    KeptModule,
    Module,
    Record,
    digest,
    kept_module,
    module_path,
    parse_record,
    record_of,
)

OURS: Final = HEADER.partition(".")[0].encode()
"""How every module begins that any version of skillc wrote."""

RECORD: Final = ".skillc.json"
CACHE: Final = "__pycache__"


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


@dataclass(frozen=True, slots=True)
class Compared:
    """How an output folder stands: what differs, in order of path, and the findings, none of them an error."""

    modules: int
    differences: tuple[Difference, ...]
    findings: tuple[Diagnostic, ...]


def build(
    loaded: Loaded, out: Path, settings: Settings, progress: Progress, jobs: int = 1
) -> Built:
    """Bring `out` up to date: write modules that changed, remove those of ours that nothing makes any more.

    `jobs` is how many processes may be used. With more than one, the program's main module must be importable.

    Raises:
        TemplateError: a template or the project has an error; `out` is as it was.
        UsageError: a file that is not ours is in the way, or the system refuses to write.
    """
    compiler = compiler_digest(settings)
    record = read_record(out, compiler)

    def keep(flow: Flow, inputs: str) -> Module | None:
        content = read_file(out / module_path(flow.module))
        return kept_module(flow, inputs, record, content)

    modules = compile_modules(loaded, settings, progress, keep, jobs)
    present = modules_in(out)
    changed = [module for module in modules if present.get(module.path) != module.content]
    for module in changed:
        refuse_foreign(out / module.path, ours=module.path in present)
    gone = sorted(present.keys() - {module.path for module in modules})
    try:
        for module in changed:
            replace_file(out / module.path, module.content)
        for path in gone:
            remove_file(out, path)
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
    loaded: Loaded, out: Path, settings: Settings, progress: Progress, jobs: int = 1
) -> Compared:
    """Compare `out` with what a build would leave there.

    Everything is compiled, nothing is written; `jobs` as for `build`.

    Raises:
        TemplateError: a template or the project has an error.
    """
    modules = compile_modules(loaded, settings, progress, lambda _flow, _inputs: None, jobs)
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
    return Compared(len(modules), tuple(ordered), findings_of(loaded, modules))


def difference(
    out: Path, module: Module, content: bytes | None, kept: KeptModule | None
) -> Literal["missing", "stale", "edited", "foreign"] | None:
    """How the file of `module` differs; `content` is None when there is none of ours."""
    if content is None:
        return "foreign" if os.path.lexists(out / module.path) else "missing"
    if content == module.content:
        return None
    return "edited" if kept is not None and kept.output != digest(content) else "stale"


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
    """The modules of ours in `out` by path inside: Python files that begin with our header."""
    found: dict[str, bytes] = {}
    for directory, inner, names in os.walk(out):
        inner[:] = sorted(name for name in inner if not name.startswith(".") and name != CACHE)
        for name in sorted(names):
            path = Path(directory, name)
            content = read_file(path) if name.endswith(".py") else None
            if content and content.startswith(OURS):
                found[path.relative_to(out).as_posix()] = content
    return found


def remove_file(out: Path, path: str) -> None:
    """Remove a file below `out`, and the directories that only Python's cache is left in."""
    whole = out / path
    whole.unlink(missing_ok=True)
    for directory in whole.parents:
        if directory == out or set(os.listdir(directory)) - {CACHE}:
            break
        shutil.rmtree(directory)


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
