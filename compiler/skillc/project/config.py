"""The settings of a project: flags, then `SKILLC_*` in the environment, then the nearest file, then defaults."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from skillc.errors import UsageError, did_you_mean
from skillc.passes import Settings
from skillc.project.detect import Layout
from skillc.project.idn import visible
from skillc.project.load import read_bytes

LAYOUTS: Final[Mapping[str, Layout | None]] = {
    "auto": None,
    "folder": "folder",
    "v1": "v1",
    "v2": "v2",
}
DEFAULTS: Final[Mapping[str, str]] = {
    "src": "skills",
    "out": "build",
    "similarity": "platform",
    "layout": "auto",
    "customer": "",
}
CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "similarity": ("platform", "normalized"),
    "layout": tuple(LAYOUTS),
}
PATHS: Final = frozenset({"src", "out"})
PREFIX: Final = "SKILLC_"
OTHER_VARIABLES: Final = frozenset({"SKILLC_TRACEBACK"})
FILES: Final = ("skillc.toml", "pyproject.toml")


@dataclass(frozen=True, slots=True)
class Config:
    """Where skills are read and modules written, and what changes their meaning.

    No `layout` means to look which one it is, no `customer` that there is only one.
    """

    src: Path
    out: Path
    settings: Settings
    layout: Layout | None = None
    customer: str | None = None


def configure(flags: Mapping[str, str | None], environ: Mapping[str, str], start: Path) -> Config:
    """Settle every setting; `flags` has a value or None for each key of `DEFAULTS`.

    The file is looked for from the source upwards, or from `start` when neither a flag nor the environment says
    where the source is. Paths in a file are relative to it.

    Raises:
        UsageError: a key or value is not known, or the file cannot be read.
    """
    given = {key: value for key, value in flags.items() if value is not None}
    chosen = read_environment(environ) | given
    chosen = read_nearest(start / chosen.get("src", ".")) | chosen
    values = dict(DEFAULTS) | chosen
    similarity = values["similarity"]
    return Config(
        src=Path(values["src"]),
        out=Path(values["out"]),
        settings=Settings(similarity="normalized" if similarity == "normalized" else "platform"),
        layout=LAYOUTS[values["layout"]],
        customer=values["customer"] or None,
    )


def read_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The settings among the variables; an empty one says nothing."""
    known = {PREFIX + key.upper(): key for key in DEFAULTS}
    found: dict[str, str] = {}
    for name, value in sorted(environ.items()):
        if not name.startswith(PREFIX) or name in OTHER_VARIABLES or not value:
            continue
        check_key(name, (*known, *OTHER_VARIABLES), "the environment", "variable")
        found[known[name]] = check_value(known[name], value, name)
    return found


def read_nearest(start: Path) -> dict[str, str]:
    """The settings of the nearest `skillc.toml`, or `pyproject.toml` with a table `[tool.skillc]`, upwards."""
    start = Path(os.path.realpath(start))
    for directory in (start, *start.parents):
        for name in FILES:
            path = directory / name
            if os.path.isfile(path) and (table := read_table(path)) is not None:
                return read_settings(table, path)
    return {}


def read_table(path: Path) -> Mapping[str, Any] | None:
    """The settings' table of a file; None when it is somebody else's file."""
    try:
        content: dict[str, Any] = tomllib.loads(read_bytes(path).decode())
    except (OSError, ValueError) as error:
        raise UsageError(f"{shown(path)}: {error}") from error
    if path.name == "skillc.toml":
        return content
    tools: Any = content.get("tool")
    table: Any = cast("dict[str, Any]", tools).get("skillc") if isinstance(tools, dict) else None
    if table is not None and not isinstance(table, dict):
        raise UsageError(f"{shown(path)}: 'tool.skillc' must be a table")
    return cast("dict[str, Any] | None", table)


def read_settings(table: Mapping[str, Any], path: Path) -> dict[str, str]:
    """The values of a settings' table; paths as seen from the working directory."""
    found: dict[str, str] = {}
    for key, value in table.items():
        check_key(key, DEFAULTS, shown(path), "key")
        if not isinstance(value, str):
            raise UsageError(f"{shown(path)}: '{key}' must be text")
        checked = check_value(key, value, f"{shown(path)}: '{key}'")
        found[key] = os.path.relpath(path.parent / checked) if key in PATHS else checked
    return found


def check_key(key: str, known: Iterable[str], place: str, kind: str) -> None:
    """Refuse a key that nothing reads."""
    if key not in known:
        hint = did_you_mean(key, known)
        raise UsageError(f"{place}: unknown {kind} '{visible(key)}'", hint)


def check_value(key: str, value: str, place: str) -> str:
    """The value, if it is one of the key's choices."""
    choices = CHOICES.get(key, (value,))
    if value not in choices:
        allowed = " or ".join(f"'{choice}'" for choice in choices)
        message = f"{place} must be {allowed}, not '{visible(value)}'"
        raise UsageError(message, did_you_mean(value, choices))
    return value


def shown(path: Path) -> str:
    """A path as seen from the working directory."""
    return visible(os.path.relpath(path))
