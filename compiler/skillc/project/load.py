"""Read a project from disk: which layout it has, its files as texts, its flows. The only reader of files.

1. Names starting with `.`, `node_modules` and `__pycache__` are never entered.
2. A link is followed only while it stays inside the input; only regular files are opened.
3. What cannot be read is a finding, and reading goes on: one run reports everything.

Source: project format, layout detection.
"""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias, assert_never

from skillc.errors import Diagnostic, Report, UsageError, did_you_mean
from skillc.ir import Flow, Project
from skillc.project import v1, v2
from skillc.project.detect import CUSTOMERS, MARKERS, Kind, Layout, kind_in, kind_of
from skillc.project.directory import Directory, Place
from skillc.project.documents import START, no_fields
from skillc.project.folder import load_folder, load_skill
from skillc.project.idn import visible
from skillc.project.modules import FoundFolder, name_modules
from skillc.project.projects import FoundAgent, FoundProject, make_agent, make_project
from skillc.project.skills import is_script
from skillc.source import Source

NEVER_ENTERED: Final = frozenset({"node_modules", "__pycache__"})
FILE_LIMIT_BYTES: Final = 16 * 1024 * 1024

Found: TypeAlias = FoundFolder | FoundProject


@dataclass(frozen=True, slots=True)
class Loaded:
    """What an input holds: flows and libraries in order of module, their skills without bodies, and what is wrong.

    `lone`: the input is one script, so the skills beside it are not known.
    """

    flows: tuple[Flow, ...]
    findings: tuple[Diagnostic, ...]
    lone: bool = False
    projects: tuple[Project, ...] = ()

    @property
    def skill_count(self) -> int:
        """How many skills there are."""
        return sum(len(flow.skills) for flow in self.flows)


def load(path: Path, layout: Layout | None = None, customer: str | None = None) -> Loaded:
    """Read what is at `path`: a script, a folder of scripts, a project or part of one, or a directory of such.

    A `layout` overrides the detection; `customer` chooses one of several.

    Raises:
        UsageError: there is nothing at `path`.
    """
    if not os.path.lexists(path):
        raise UsageError(f"nothing to compile: '{visible(str(path))}' does not exist")
    if not os.path.isdir(path):
        tree = Tree(path.parent)
        if is_script(path.name):
            directory = tree.directory("")
            flow = load_folder(directory, only=utf8(path.name))
            return tree.loaded([FoundFolder(directory.place(), flow)], lone=True)
        return tree.nothing(path)
    if path.absolute().name == v1.PROJECTS and layout in {None, "v1"}:
        tree = Tree(path.parent if path.name else path.absolute().parent)
        if layout or any(
            v1.METADATA in d.files for d in tree.directory("").enter(v1.PROJECTS).children()
        ):
            return tree.loaded(found_in(tree.directory(""), ("v1", "root")))
    tree = Tree(path)
    directory = tree.directory("")
    kind = kind_of(directory) if layout is None else kind_in(directory, layout)
    if kind is not None:
        return tree.loaded(found_in(directory, kind))
    kinds = [(inner, found) for inner in directory.children() if (found := kind_of(inner))]
    if directory.name == CUSTOMERS:
        kinds = tree.chosen([inner for inner, found in kinds if found == ("v1", "root")], customer)
    parts = [each for inner, part in kinds for each in found_in(inner, part)]
    return tree.loaded(parts) if kinds else tree.nothing(path)


def found_in(directory: Directory, kind: Kind) -> Iterator[Found]:
    """What a directory of that kind holds."""
    if kind == ("v2", "root") and v1.PROJECTS in directory.directories:
        place = directory.place()
        place.report("SK701", START)
    layout, part = kind
    if layout == "folder":
        yield FoundFolder(directory.place(), load_folder(directory))
        return
    match part:
        case "root":
            yield from ROOTS[layout](directory)
        case "project":
            yield PROJECTS[layout](directory)
        case "agent":
            yield around(directory, AGENTS[layout](directory))
        case "flow":
            flow, place = FLOWS[layout](directory)
            manifest = make_agent(no_fields(place.report), directory.name)
            yield around(directory, FoundAgent(directory.name, place, manifest, (flow,)))
        case "skill":
            yield FoundFolder(directory.place(), load_skill(directory))
        case "library":
            library, _ = LIBRARIES[layout](directory)
            yield around(directory, library=library)
        case _:
            assert_never(part)


ROOTS: Final[Mapping[str, Callable[[Directory], Iterable[FoundProject]]]] = {
    "v1": v1.load_root,
    "v2": v2.load_root,
}
PROJECTS: Final[Mapping[str, Callable[[Directory], FoundProject]]] = {
    "v1": v1.load_project,
    "v2": v2.load_project,
}
AGENTS: Final[Mapping[str, Callable[[Directory], FoundAgent]]] = {
    "v1": v1.load_agent,
    "v2": v2.load_agent,
}
FLOWS: Final[Mapping[str, Callable[[Directory], tuple[Flow, Place]]]] = {
    "v1": v1.load_flow,
    "v2": v2.load_flow,
}
LIBRARIES: Final[Mapping[str, Callable[[Directory], tuple[Flow, Place]]]] = {
    "v1": v1.load_library,
    "v2": v2.load_library,
}


def around(
    directory: Directory, agent: FoundAgent | None = None, library: Flow | None = None
) -> FoundProject:
    """The project around a part that was opened by itself, named after its directory."""
    manifest = make_project(no_fields(directory.place().report), directory.name, {})
    agents = () if agent is None else (agent,)
    libraries = () if library is None else (library,)
    return FoundProject(directory.place(), directory.place(), manifest, agents, libraries)


def utf8(name: str) -> str:
    """A file name as UTF-8 means it, whatever encoding the system's language has: the same input, the same names."""
    return os.fsencode(name).decode("utf-8", "surrogateescape")


@dataclass(slots=True)
class Tree:
    """One input directory; paths inside it are relative, with `/`, and "" is itself."""

    root: Path
    reports: dict[str, Report] = field(default_factory=dict[str, Report])
    listings: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = field(
        default_factory=dict[str, tuple[tuple[str, ...], tuple[str, ...]]]
    )

    def loaded(self, inputs: Iterable[Found], *, lone: bool = False) -> Loaded:
        """What was read, the flows' modules named."""
        flows, projects = name_modules(tuple(inputs))
        return Loaded(flows, self.findings(), lone, projects)

    def nothing(self, path: Path) -> Loaded:
        """What there is when no rule applies (SK601)."""
        place = Source(visible(str(path)), "")
        self.report(place)("SK601", START, path=place.path, markers=MARKERS)
        return Loaded((), self.findings())

    def chosen(
        self, customers: Sequence[Directory], customer: str | None
    ) -> list[tuple[Directory, Kind]]:
        """The customer meant: the chosen one, else the only one (SK602)."""
        names = [directory.name for directory in customers]
        if customer is not None and customer not in names:
            raise UsageError(f"no customer '{visible(customer)}'", did_you_mean(customer, names))
        if customer is None and len(names) > 1:
            shown = ", ".join(map(visible, names))
            self.report(self.source("", ""))("SK602", START, names=shown, option="--customer")
            return [(customers[0], ("v1", "root"))]
        wanted = (each for each in customers if customer in {None, each.name})
        return [(directory, ("v1", "root")) for directory in wanted]

    def findings(self) -> tuple[Diagnostic, ...]:
        """All that was found so far."""
        reports = self.reports.values()
        return tuple(finding for report in reports for finding in report.findings.values())

    def report(self, source: Source) -> Report:
        """The collector of findings about one file."""
        return self.reports.setdefault(source.path, Report(source))

    def source(self, inner: str, text: str) -> Source:
        """A text under the path that can be clicked and the path inside the input."""
        return Source(visible(str(self.root / inner)), text, visible(inner))

    def directory(self, inner: str) -> Directory:
        """One directory for the layouts."""
        whole = utf8(os.path.abspath(self.on_disk(inner)))
        files, directories = self.listing(inner)
        return Directory(
            name=posixpath.basename(inner) or utf8(os.path.basename(os.path.abspath(self.root))),
            path=inner,
            parent=os.path.basename(os.path.dirname(whole)),
            files=files,
            directories=directories,
            has=lambda path: os.path.isfile(self.on_disk(joined(inner, path))),
            read=lambda path: self.read(joined(inner, path)),
            enter=lambda name: self.directory(joined(inner, name)),
            place_of=lambda name: self.source(joined(inner, name), ""),
            report=self.report,
        )

    def on_disk(self, inner: str) -> Path:
        """Where the system has a path inside the input."""
        return self.root / os.fsdecode(inner.encode("utf-8", "surrogateescape"))

    def listing(self, inner: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The names of files and directories in a directory, sorted; what is refused is reported (SK613, SK621)."""
        if inner not in self.listings:
            try:
                entries = list(os.scandir(self.on_disk(inner)))
            except OSError as error:
                self.unreadable(inner, error)
                entries = []
            kinds: tuple[list[str], list[str]] = [], []
            for entry in entries:
                if entry.name.startswith(".") or entry.name in NEVER_ENTERED:
                    continue
                name = utf8(entry.name)
                is_directory = os.path.isdir(entry)
                if is_directory and entry.is_symlink() and not self.inside(joined(inner, name)):
                    place = self.source(joined(inner, name), "")
                    self.report(place)("SK621", START, path=place.path)
                    continue
                kinds[is_directory].append(name)
            self.listings[inner] = tuple(sorted(kinds[0])), tuple(sorted(kinds[1]))
        return self.listings[inner]

    def inside(self, inner: str) -> bool:
        """Whether the path, its links followed, is inside the input."""
        root = os.path.realpath(self.root)
        return Path(os.path.realpath(self.on_disk(inner))).is_relative_to(root)

    def read(self, inner: str) -> Source:
        """The text of a file: UTF-8, without BOM, lines ending in a newline; empty after a finding about it."""
        place = self.source(inner, "")
        if not self.inside(inner):
            self.report(place)("SK621", START, path=place.path)
            return place
        try:
            text = read_bytes(self.on_disk(inner)).decode()
        except UnicodeDecodeError as error:
            self.report(place)("SK612", START, offset=error.start)
            return place
        except OSError as error:
            self.unreadable(inner, error)
            return place
        text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
        return self.source(inner, text)

    def unreadable(self, inner: str, error: OSError) -> None:
        """Report what the system refused (SK613)."""
        place = self.source(inner, "")
        reason = (error.strerror or str(error)).lower()
        self.report(place)("SK613", START, file=place.path, reason=reason)


def joined(inner: str, path: str) -> str:
    """A path inside the input, "" for the input itself."""
    whole = posixpath.normpath(posixpath.join(inner, path))
    return "" if whole == "." else whole


def read_bytes(path: Path) -> bytes:
    """The content of a regular file.

    Raises:
        OSError: it cannot be read, is no regular file (a pipe is not waited for), or is over the limit.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with open(os.open(path, flags), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError("it is no regular file")
        content = file.read(FILE_LIMIT_BYTES + 1)
    if len(content) > FILE_LIMIT_BYTES:
        raise OSError(f"it is larger than {FILE_LIMIT_BYTES // 1024 // 1024} MiB")
    return content
