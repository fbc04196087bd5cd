"""Connectors of others by name: `module:Class`, or an entry point of the group `skillc.connectors`."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any, Final

from skillrt.connectors.base import Connector
from skillrt.errors import ConfigurationError

GROUP: Final = "skillc.connectors"

MEMBERS: Final = ("integration_idn", "connector_idn", "send_message", "open_stream")


def load_connector(name: str, settings: Mapping[str, Any] | None = None) -> Connector:
    """Make the connector that a name means: `package.module:Class`, or an entry point's name.

    What is found is called with `settings` as keywords.

    Raises:
        ConfigurationError: there is none, it cannot be imported or made, or it is no connector.
    """
    factory = _by_path(name) if ":" in name else _by_entry_point(name)
    try:
        made = factory(**(settings or {}))
    except TypeError as error:
        raise ConfigurationError(f"connector '{name}' cannot be made: {error}") from error
    missing = [member for member in MEMBERS if not hasattr(made, member)]
    if missing:
        raise ConfigurationError(
            f"'{name}' is no connector: it has no {', '.join(missing)}"
            " (what only carries out commands is built on skillrt.connectors.base.Service)"
        )
    connector: Connector = made
    return connector


def _by_path(name: str) -> Any:
    module, _, member = name.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in member.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError(f"cannot import connector '{name}': {error}") from error
    return found


def _by_entry_point(name: str) -> Any:
    known = entry_points(group=GROUP)
    if name not in known.names:
        names = ", ".join(sorted(known.names)) or "none is installed"
        raise ConfigurationError(
            f"no connector is called '{name}' ({names}); write module:Class, or install one"
        )
    try:
        return known[name].load()
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(f"cannot import connector '{name}': {error}") from error
