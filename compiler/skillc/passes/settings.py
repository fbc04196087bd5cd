"""What the passes are told beside the flow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from skillc.errors import Report


@dataclass(frozen=True, slots=True)
class Settings:
    """The project's options that change what a template means.

    `similarity`: "platform" is the documented formula of IsSimilar, "normalized" divides by the longer text.
    `lone`: the file is compiled without the skills beside it, so unknown names may be theirs.
    """

    similarity: Literal["platform", "normalized"] = "platform"
    lone: bool = False


@dataclass(frozen=True, slots=True)
class Unit:
    """The settings, and a report for each skill of the flow by idn."""

    settings: Settings
    reports: Mapping[str, Report]
