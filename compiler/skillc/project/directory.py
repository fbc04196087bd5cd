"""A directory of the input as the layouts see it: names, texts and collectors of findings, but no file system."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from skillc.errors import Report
from skillc.project.documents import START, Fields, no_fields, read_fields
from skillc.project.idn import refuse_idn, visible
from skillc.source import Source, Span

YAML: Final = ".yaml"


@dataclass(frozen=True, slots=True)
class Directory:
    """One directory; paths are relative to it, with `/`, and "" is itself.

    `path` is where it is inside the input, "" for the input; `parent` is the name of the directory around it. `files`
    and `directories` are the names directly inside, sorted. `has` says whether there is such a file at all; `read`
    gives an empty source for one it reported as unreadable; `enter` goes into one of `directories`.
    """

    name: str
    path: str
    parent: str
    files: tuple[str, ...]
    directories: tuple[str, ...]
    has: Callable[[str], bool]
    read: Callable[[str], Source]
    enter: Callable[[str], Directory]
    place_of: Callable[[str], Source]
    report: Callable[[Source], Report]

    def place(self, name: str = "") -> Place:
        """The directory itself, or something in it, for findings about the whole of it."""
        return Place(self.report(self.place_of(name)), START)

    def inside(self, *names: str) -> Directory | None:
        """The directory reached by going into each of `names`, None when there is none."""
        found = self
        for name in names:
            if name not in found.directories:
                return None
            found = found.enter(name)
        return found

    def children(self, *, without: Iterable[str] = ()) -> Iterable[Directory]:
        """The directories directly inside."""
        return (self.enter(name) for name in self.directories if name not in without)

    def fields(self, name: str, known: frozenset[str], *, inside: str | None = None) -> Fields:
        """The entries of a metadata file, which may be wrapped in the one key `inside`; none without that file."""
        if name not in self.files:
            return no_fields(self.report(self.place_of("")))
        source = self.read(name)
        return read_fields(source, self.report(source), known, inside=inside)


class Place(NamedTuple):
    """Somewhere in a file of the input."""

    report: Report
    span: Span

    def __str__(self) -> str:
        """Path, line and column; of a whole file only the path."""
        source = self.report.source
        if self.span == START:
            return source.path
        line, column = source.line_column(self.span.start)
        return f"{source.path}:{line}:{column}"


def extension(path: str) -> str:
    """`.guidance` of `kiosk/Welcome.guidance`."""
    return posixpath.splitext(path)[1]


def stem(path: str) -> str:
    """`Welcome` of `kiosk/Welcome.guidance`."""
    return posixpath.splitext(posixpath.basename(path))[0]


def idn_of(said: Fields, kind: str, name: str, whole: Place, file: str = "") -> tuple[str, Place]:
    """The idn that metadata gives, else `name`, as suggested by `file` (a file or directory, at `whole`); its place.

    An empty one, which is reported like any that is not allowed, is "_".
    """
    idn = said.word("idn")
    if idn is None:
        check_idn(whole.report, whole.span, kind, name)
        return name or "_", whole
    place = Place(said.report, said.span("idn"))
    if check_idn(said.report, place.span, kind, idn) and idn != name:
        said.report("SK702", place.span, name=visible(file or name), kind=kind, idn=idn)
    return idn or "_", place


def check_idn(report: Report, span: Span, kind: str, idn: str) -> bool:
    """Whether an idn is one; if not, it is reported (SK620)."""
    reason = refuse_idn(idn)
    if reason:
        report("SK620", span, idn=visible(idn), kind=kind, reason=reason)
    return not reason
