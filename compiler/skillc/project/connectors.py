"""The integrations of a customer: which connectors there are, their settings and webhooks. Pure.

Source: project format, integrations.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from skillc.project.directory import Directory, check_idn, idn_of
from skillc.project.documents import Fields
from skillc.project.idn import visible
from skillc.project.skills import KEPT
from skillrt.commands import ANY_CONNECTOR
from skillrt.manifest import ConnectorManifest, IncomingWebhookManifest, OutgoingWebhookManifest

INTEGRATION_KEYS: Final = KEPT | {
    "idn",
    "title",
    "description",
    "channel",
    "is_disabled",
    "settings",
}
CONNECTOR_KEYS: Final = KEPT | {
    "connector_idn",
    "integration_idn",
    "title",
    "status",
    "settings",
}
SETTING_KEYS: Final = KEPT | {"idn", "value"}
OUTGOING_KEYS: Final = KEPT | {"idn", "connector_idn", "url", "command_idns"}
INCOMING_KEYS: Final = KEPT | {
    "idn",
    "connector_idn",
    "webhook_path_id",
    "event_idns",
    "allowed_ips",
}
WEBHOOKS: Final = frozenset({"webhooks"})
SERVED: Final = ANY_CONNECTOR | {"sandbox"}
"""The integrations that the runtime implements itself."""


def read_connectors(root: Directory) -> tuple[ConnectorManifest, ...]:
    """The connectors below `integrations`, without those of a disabled integration."""
    found: list[ConnectorManifest] = []
    integrations = root.inside("integrations")
    for directory in () if integrations is None else integrations.children():
        said = directory.fields(f"{directory.name}.yaml", INTEGRATION_KEYS)
        integration, place = idn_of(said, "integration", directory.name, directory.place())
        if (said.word("is_disabled") or "").lower() == "true":
            continue
        if integration not in SERVED:
            place.report("SK793", place.span, integration=visible(integration))
        settings = read_settings(said)
        connectors = directory.inside("connectors")
        declared = () if connectors is None else connectors.children()
        found += (read_connector(inner, integration, settings) for inner in declared)
    return tuple(found)


def read_connector(
    directory: Directory, integration: str, settings: dict[str, str]
) -> ConnectorManifest:
    """One connector; `settings` are its integration's."""
    said = directory.fields(f"{directory.name}.yaml", CONNECTOR_KEYS)
    connector = said.word("connector_idn") or directory.name
    span = said.span("connector_idn") if said.node("connector_idn") else said.place
    check_idn(said.report, span, "connector", connector)
    webhooks = directory.inside("webhooks")
    return {
        "integration": said.word("integration_idn") or integration,
        "connector": connector,
        "title": said.text("title") or connector,
        "settings": settings | read_settings(said),
        "outgoing": [] if webhooks is None else [*read_outgoing(webhooks)],
        "incoming": [] if webhooks is None else [*read_incoming(webhooks)],
    }


def read_settings(said: Fields) -> dict[str, str]:
    """The settings, by idn."""
    entries = said.each("settings", SETTING_KEYS)
    return {entry.word("idn") or "": entry.text("value") or "" for entry in entries}


def read_outgoing(directory: Directory) -> Iterator[OutgoingWebhookManifest]:
    """The webhooks of `outgoing.yaml`."""
    said = directory.fields("outgoing.yaml", WEBHOOKS)
    for entry in said.each("webhooks", OUTGOING_KEYS):
        yield {
            "idn": entry.word("idn") or "",
            "url": entry.word("url") or "",
            "commands": entry.texts("command_idns"),
        }


def read_incoming(directory: Directory) -> Iterator[IncomingWebhookManifest]:
    """The webhooks of `incoming.yaml`."""
    said = directory.fields("incoming.yaml", WEBHOOKS)
    for entry in said.each("webhooks", INCOMING_KEYS):
        yield {
            "idn": entry.word("idn") or "",
            "path": entry.word("webhook_path_id") or "",
            "events": entry.texts("event_idns"),
            "allowed_ips": entry.texts("allowed_ips"),
        }
