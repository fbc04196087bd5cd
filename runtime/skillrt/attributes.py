"""Attributes that are nobody's alone: the customer's and the projects', and what they hold before the first write.

Source: project format, attributes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from skillrt.manifest import AttributesManifest
from skillrt.stores.base import Store

Declared: TypeAlias = Mapping[str, Mapping[str, str]]
"""The values that a project's files give to attributes, by owner and field."""

CUSTOMER: Final = "/CUSTOMER"
"""The owner of what all projects share."""


def project_owner(project: str) -> str:
    """Whose a project's attributes are."""
    return f"{project}/PROJECT"


def declared(project: str, attributes: AttributesManifest) -> Declared:
    """What the files of a project say of attributes."""
    return {CUSTOMER: attributes["customer"], project_owner(project): attributes["project"]}


async def seed(store: Store, attributes: Declared) -> None:
    """Give attributes their declared values, unless they have one: what was written at run time wins.

    Raises:
        StoreError: the store failed.
    """
    for owner, fields in attributes.items():
        for field, value in fields.items():
            if await store.attribute(owner, field) is None:
                await store.put_attribute(owner, field, value)
