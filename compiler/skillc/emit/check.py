"""What was emitted, read back: only code that can be meant, every literal exactly its text, every line mapped.

1. This file and `check_code.py`, which knows what stands in a function, know Python and the IR, not how the one
   becomes the other.
2. It runs on every build. What it finds is a bug of the compiler, but for one case: templates nested deeper than
   Python can compile.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Any, Final

from skillc.analyses.scopes import exposed
from skillc.analyses.walk import (
    bodies,
    children,
    own_expressions,
)
from skillc.deep import ordinary_depth
from skillc.emit.check_code import FunctionCheck, must
from skillc.emit.module import COMMENTS, DOCSTRING, Module, flow_manifest
from skillc.emit.names import BUILTINS, IMPORTS
from skillc.errors import CompilerBug, Report, TemplateError
from skillc.ir import (
    Expr,
    Flow,
    Skill,
    Stmt,
)
from skillc.source import Span
from skillrt.manifest import ABI

STRING: Final = re.compile(r"(['\"])(?:(?!\1)[^\\]|\\.)*\1")

LIMITS: Final[Mapping[str, int]] = {"blocks": 15, "indentation": 50, "parentheses": 100}
"""How deep templates may be nested, by the word with which Python refuses what is made of deeper ones."""


def check_module(module: Module, text: str) -> None:
    """Compare the text of a module with what it was made of.

    Raises:
        TemplateError: a skill is nested deeper than Python compiles.
        CompilerBug: the text says something else.
    """
    tree = parsed(module.flow, text)
    check_comments(text)
    names = frozenset(function.name for function in module.functions)
    known = names | {f"__{name}" for name in names} | BUILTINS
    given = exposed(module.flow)[""]
    functions = {function.name: function for function in module.functions}
    for node in tree.body:
        match node:
            case ast.Expr(value=ast.Constant(value=str(docstring))):
                must(docstring == ast.literal_eval(DOCSTRING), node, "docstring")
            case ast.ImportFrom():
                known |= imported(node, module.flow.project)
            case ast.Import(names=[ast.alias(name="skillrt.values", asname=None)]):
                known |= {"skillrt"}
            case ast.AsyncFunctionDef() if node.name in functions:
                FunctionCheck(functions.pop(node.name), node, known, given, module.flow).run()
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Name(id=skill)):
                must(skill in names and name == f"__{skill}", node, f"alias {name}")
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                check_constant(module, name, node)
            case _:
                must(False, node, "at the top of a module")
    if functions:
        raise CompilerBug(f"not emitted: {sorted(functions)}")


def parsed(flow: Flow, text: str) -> ast.Module:
    """The tree of a text that compiles."""
    try:
        with ordinary_depth():  # whoever imports the module has no deeper one
            tree = ast.parse(text)
            compile(tree, flow.module, "exec", dont_inherit=True)
    except (RecursionError, MemoryError):
        raise too_deep(flow) from None
    except SyntaxError as error:
        limit = next((limit for word, limit in LIMITS.items() if word in error.msg), None)
        if limit is not None and "too many" in error.msg:
            raise too_deep(flow, limit) from None
        raise CompilerBug(f"module {flow.module}: line {error.lineno}: {error.msg}") from error
    return tree


def too_deep(flow: Flow, limit: int = LIMITS["parentheses"]) -> TemplateError:
    """SK129 at the deepest place of a flow."""
    skill, span, _ = max(map(deepest, flow.skills), key=lambda found: found[2])
    report = Report(skill.source)
    report("SK129", span, limit=limit)
    return TemplateError(report.findings.values())


def deepest(skill: Skill) -> tuple[Skill, Span, int]:
    """Where statements and expressions are nested deepest, and how deep."""
    place, most = Span(0, 0), 0
    todo: list[tuple[int, Stmt | Expr]] = [(1, stmt) for stmt in skill.body]
    while todo:
        depth, node = todo.pop()
        if depth > most:
            place, most = node.span, depth
        inner: tuple[Stmt | Expr, ...]
        if isinstance(node, Stmt):
            inner = (*own_expressions(node), *(part for body in bodies(node) for part in body))
        else:
            inner = children(node)
        todo.extend((depth + 1, part) for part in inner)
    return skill, place, most


def check_comments(text: str) -> None:
    """That comments are ours; no literal spans lines, so that lines can be judged alone."""
    for line in text.split("\n"):
        if "#" in line and line not in COMMENTS:
            must("#" not in STRING.sub("", line), ast.Constant(line), "a comment")


def imported(node: ast.ImportFrom, project: str) -> frozenset[str]:
    """The names that an import binds; each is one of the table, or the libraries of the project."""
    special = {"annotations": "__future__", "libraries": project}
    for alias in node.names:
        expected = special.get(alias.name) or IMPORTS.get(alias.name)
        must(node.module == expected and not (node.level or alias.asname), node, "import")
    return frozenset(alias.name for alias in node.names)


def check_constant(module: Module, name: str, node: ast.Assign | ast.AnnAssign) -> None:
    """What the module says of itself, as values."""
    functions = module.functions
    meant: dict[str, Any] = {
        "__abi__": ABI,
        "__all__": tuple(function.name for function in functions),
        "__line_map__": {function.name: function.lines for function in functions},
        "__source__": {function.name: function.sources for function in functions},
        "__manifest__": flow_manifest(module.flow, functions),
    }
    must(name in meant and node.value is not None, node, "a constant")
    try:
        value = ast.literal_eval(node.value or ast.Constant(None))
    except ValueError as error:
        raise CompilerBug(f"emitted {name}: {error}") from error
    must(value == meant[name], node, f"{name} differs")
