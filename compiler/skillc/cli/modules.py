"""Compiled modules as the command line names them: by path or dotted name, skills and parameters by idn."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType

from skillc.errors import UsageError, did_you_mean
from skillrt.context import SkillFunction
from skillrt.manifest import FlowManifest, check_abi


def import_compiled(name: str, out: Path) -> ModuleType:
    """The compiled module at a path, or of a dotted name below `out` or installed.

    Raises:
        UsageError: there is none, it cannot be imported, or it was not compiled by skillc.
        AbiError: it was compiled for another runtime.
    """
    by_name = out / (name.replace(".", "/") + ".py")
    path = Path(name) if name.endswith(".py") else by_name
    try:
        if os.path.isfile(path):
            module = import_file(path)
        elif name.endswith(".py"):
            raise UsageError(f"'{path}' does not exist; 'skillc build' makes modules from skills")
        else:
            module = importlib.import_module(name)
    except (ImportError, SyntaxError, ValueError) as error:
        raise UsageError(f"cannot import '{name}': {error}") from error
    check_abi(vars(module))
    return module


def import_file(path: Path) -> ModuleType:
    """The module in a file, under its name in its import root: the first folder up that is no package."""
    root = path.resolve().parent
    parts = [path.stem]
    while (root / "__init__.py").exists():
        parts.insert(0, root.name)
        root = root.parent
    sys.path.insert(0, str(root))
    name = ".".join(parts)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"no Python file: {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def skill_of(module: ModuleType, idn: str | None) -> SkillFunction:
    """The skill of that idn; without one, the module's only one.

    Raises:
        UsageError: there is no such skill, or several to choose from.
    """
    manifest: FlowManifest = vars(module)["__manifest__"]
    skills = manifest["skills"]
    if idn is None:
        if len(skills) != 1:
            raise UsageError(f"choose one with --skill: {', '.join(skills)}")
        (idn,) = skills
    if idn not in skills:
        raise unknown("skill", idn, skills)
    function: SkillFunction = vars(module)[skills[idn]["function"]]
    return function


def arguments_of(
    module: ModuleType, skill: SkillFunction, given: Iterable[str]
) -> Mapping[str, str]:
    """The arguments of `name=value` texts, by the skill's Python names.

    Raises:
        UsageError: a text has no `=`, or the skill no such parameter.
    """
    manifest: FlowManifest = vars(module)["__manifest__"]
    skills = manifest["skills"].values()
    (known,) = (about["parameters"] for about in skills if about["function"] == skill.__name__)
    arguments: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"--param is name=value, not '{text}'")
        if name not in known:
            raise unknown("parameter", name, known)
        arguments[known[name]] = value
    return arguments


def unknown(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """The error that says so, with the nearest name, or else all there are."""
    names = list(known)
    hint = did_you_mean(name, names) or f"there is {', '.join(names) or 'none'}"
    return UsageError(f"no {kind} '{name}'", hint)
