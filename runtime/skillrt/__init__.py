"""Run compiled skills: values, actions, streaming, interruption.

A host makes a `Runtime` and awaits `runtime.run(skill, message=..., sink=...)`. Compiled modules use `Context` and
the functions of `skillrt.actions`.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from skillrt.clock import Clock, SystemClock
from skillrt.connectors.base import (
    CloseReason,
    Command,
    Connector,
    Emitted,
    OutputStream,
    StreamMeta,
)
from skillrt.context import Context, Run, SkillFunction
from skillrt.errors import (
    AbiError,
    ActionError,
    ChannelClosed,
    LimitError,
    ProviderError,
    SecurityError,
    SkillError,
    StoreError,
)
from skillrt.interrupts import Decision, Mode, Offered
from skillrt.llm.base import Chunk, Message, Provider, Request, Usage
from skillrt.model import Act, Actor, Agent, Event, Persona, Session
from skillrt.options import Deadlines, Options
from skillrt.outcome import Outcome
from skillrt.stores.base import Store
from skillrt.stores.memory import MemoryStore

if TYPE_CHECKING:
    from skillrt.runtime import Runtime
else:

    def __getattr__(name: str) -> object:
        """`Runtime` with all that is behind it, once somebody asks for it: compiled modules do without."""
        if name == "Runtime":
            from skillrt.runtime import Runtime

            return Runtime
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = (
    "AbiError",
    "Act",
    "ActionError",
    "Actor",
    "Agent",
    "ChannelClosed",
    "Chunk",
    "Clock",
    "CloseReason",
    "Command",
    "Connector",
    "Context",
    "Deadlines",
    "Decision",
    "Emitted",
    "Event",
    "LimitError",
    "MemoryStore",
    "Message",
    "Mode",
    "Offered",
    "Options",
    "Outcome",
    "OutputStream",
    "Persona",
    "Provider",
    "ProviderError",
    "Request",
    "Run",
    "Runtime",
    "SecurityError",
    "Session",
    "SkillError",
    "SkillFunction",
    "Store",
    "StoreError",
    "StreamMeta",
    "SystemClock",
    "Usage",
)

logging.getLogger("skillrt").addHandler(logging.NullHandler())
