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
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from skillc.errors import Diagnostic, Report, UsageError
from skillc.ir import Flow
from skillc.project.documents import START
from skillc.project.folder import SCRIPTS, Folder, extension, load_folder
from skillc.project.idn import visible
from skillc.source import Source
from skillrt.names import TOP_LEVEL, module_names

NEVER_ENTERED: Final = frozenset({"node_modules", "__pycache__"})
MARKERS: Final = "script files ({}), or folders of them".format(", ".join(f"*{e}" for e in SCRIPTS))
FILE_LIMIT_BYTES: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Loaded:
    """What an input holds: flows in order of module, their skills without bodies, and what is wrong with it.

    `lone`: the input is one script, so the skills beside it are not known.
    """

    flows: tuple[Flow, ...]
    findings: tuple[Diagnostic, ...]
    lone: bool = False

    @property
    def skill_count(self) -> int:
        """How many skills there are."""
        return sum(len(flow.skills) for flow in self.flows)


def load(path: Path) -> Loaded:
    """Read the project at `path`, a script, a folder of scripts, or a directory of such folders.

    Raises:
        UsageError: there is nothing at `path`.
    """
    if not os.path.lexists(path):
        raise UsageError(f"nothing to compile: '{visible(str(path))}' does not exist")
    is_directory = os.path.isdir(path)
    tree = Tree(path if is_directory else path.parent)
    if not is_directory:
        if is_script(path.name):
            flow = load_folder(tree.folder(""), only=utf8(path.name))
            return tree.loaded({"": flow}, lone=True)
    elif any(map(is_script, tree.files(""))):
        return tree.loaded({"": load_folder(tree.folder(""))})
    else:
        inputs = [inner for inner in tree.directories() if any(map(is_script, tree.files(inner)))]
        if inputs:
            return tree.loaded({inner: load_folder(tree.folder(inner)) for inner in inputs})
    place = Source(visible(str(path)), "")
    tree.report(place)("SK601", START, path=place.path, markers=MARKERS)
    return tree.loaded({})


def utf8(name: str) -> str:
    """A file name as UTF-8 means it, whatever encoding the system's language has: the same input, the same names."""
    return os.fsencode(name).decode("utf-8", "surrogateescape")


def is_script(name: str) -> bool:
    """Whether a file name is that of a skill."""
    return extension(name) in SCRIPTS


@dataclass(slots=True)
class Tree:
    """One input directory; paths inside it are relative, with `/`, and "" is itself."""

    root: Path
    reports: dict[str, Report] = field(default_factory=dict[str, Report])
    listings: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = field(
        default_factory=dict[str, tuple[tuple[str, ...], tuple[str, ...]]]
    )

    def loaded(self, flows: Mapping[str, Flow], *, lone: bool = False) -> Loaded:
        """What was read, the flows' modules named; two of one name are SK605."""
        modules = module_names({flow.idn or "_" for flow in flows.values()}, TOP_LEVEL)
        named: dict[str, Flow] = {}
        places: dict[str, str] = {}
        for inner, flow in flows.items():
            module = modules[flow.idn or "_"]
            place = self.source(inner, "")
            if module in named:
                one = places[module]
                self.report(place)("SK605", START, one=one, other=place.path, name=module)
            else:
                places[module] = place.path
                named[module] = replace(flow, module=module)
        findings = [
            finding for report in self.reports.values() for finding in report.findings.values()
        ]
        return Loaded(tuple(named[module] for module in sorted(named)), tuple(findings), lone)

    def report(self, source: Source) -> Report:
        """The collector of findings about one file."""
        return self.reports.setdefault(source.path, Report(source))

    def source(self, inner: str, text: str) -> Source:
        """A text under the path that can be clicked and the path inside the input."""
        return Source(visible(str(self.root / inner)), text, visible(inner))

    def folder(self, inner: str) -> Folder:
        """One directory for `load_folder`."""
        name = posixpath.basename(inner) or utf8(os.path.basename(os.path.abspath(self.root)))
        return Folder(
            name=name,
            place=self.source(inner, ""),
            files=self.files(inner),
            has=lambda path: os.path.isfile(self.on_disk(posixpath.join(inner, path))),
            read=lambda path: self.read(posixpath.join(inner, path)),
            report=self.report,
        )

    def on_disk(self, inner: str) -> Path:
        """Where the system has a path inside the input."""
        return self.root / os.fsdecode(inner.encode("utf-8", "surrogateescape"))

    def files(self, inner: str) -> tuple[str, ...]:
        """The names of what is in a directory and no directory itself, sorted."""
        return self.listing(inner)[0]

    def directories(self) -> Iterator[str]:
        """The directories directly inside, sorted; one that a link leads out of the input is reported (SK621)."""
        for name in self.listing("")[1]:
            if self.inside(name):
                yield name
            else:
                place = self.source(name, "")
                self.report(place)("SK621", START, path=place.path)

    def listing(self, inner: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Files and directories of a directory; none when it cannot be listed, which is reported (SK613)."""
        if inner not in self.listings:
            try:
                entries = list(os.scandir(self.on_disk(inner)))
            except OSError as error:
                self.unreadable(inner, error)
                entries = []
            kinds: tuple[list[str], list[str]] = [], []
            for entry in entries:
                if not entry.name.startswith(".") and entry.name not in NEVER_ENTERED:
                    kinds[os.path.isdir(entry)].append(utf8(entry.name))
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
