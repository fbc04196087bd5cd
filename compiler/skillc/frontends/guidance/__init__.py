"""The Guidance dialect."""

from __future__ import annotations

from skillc.frontends.guidance.parser import parse_guidance

__all__ = ("parse_guidance",)
