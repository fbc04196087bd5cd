"""A project as the modules around its flows: its packages and its manifest."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from typing import Final

import libcst as cst

from skillc.emit import py
from skillc.emit.module import DOCSTRING, HEADER, import_from, spaced
from skillc.emit.names import last_part
from skillc.errors import CompilerBug
from skillc.ir import Project
from skillrt.manifest import ProjectManifest

MANIFEST_LINES: Final = 4


def emit_project(project: Project) -> tuple[tuple[str, str], ...]:
    """Pairs of a module's dotted name and its text; a package is its `__init__`.

    Raises:
        CompilerBug: a text is not what was meant.
    """
    modules = {f"{project.module}.__init__": package(())}
    agents = project.manifest["agents"].values()
    for module in (module for agent in agents for module in agent["flows"].values()):
        modules[f"{module.rpartition('.')[0]}.__init__"] = package(())
    libraries = project.manifest["libraries"].values()
    if libraries:
        name = f"{project.module}.libraries"
        modules[f"{name}.__init__"] = package(sorted(map(last_part, libraries)), name)
    modules[f"{project.module}._manifest"] = manifest(project.manifest)
    return tuple(modules.items())


def package(names: Sequence[str], module: str = "") -> str:
    """The module of a package, which imports its modules of those `names`."""
    body = [py.evaluate(cst.SimpleString(DOCSTRING))]
    if names:
        every = py.assign([py.name("__all__")], py.tuple_of(map(py.string, names)))
        body += [*spaced([import_from(module, list(names))], 1), *spaced([every], 1)]
    return text_of(body)


def manifest(said: ProjectManifest) -> str:
    """The module that holds the manifest."""
    value = py.literal(said, lines=MANIFEST_LINES)
    annotation = py.subscript(py.name("Final"), py.name("ProjectManifest"))
    text = text_of(
        [
            py.evaluate(cst.SimpleString(DOCSTRING)),
            *spaced([import_from("__future__", ["annotations"])], 1),
            *spaced([import_from("typing", ["Final"])], 1),
            *spaced([import_from("skillrt.manifest", ["ProjectManifest"])], 1),
            *spaced([py.declare("MANIFEST", annotation, value)], 1),
        ]
    )
    *_, last = ast.parse(text).body
    if not isinstance(last, ast.AnnAssign) or ast.literal_eval(last.value or last) != said:
        raise CompilerBug(f"the manifest of {said['idn']} differs")
    return text


def text_of(body: Iterable[cst.SimpleStatementLine]) -> str:
    """The text of a module of such statements."""
    header = [cst.EmptyLine(comment=cst.Comment(HEADER))]
    return cst.Module([*body], header=header).code
