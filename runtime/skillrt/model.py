"""What is known about a conversation: agents, personas, actors, events and the acts made of them.

Everything is frozen: a change is a new value that is put into the store. Names are those of the platform in
snake_case; times are aware and in UTC; ids are text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import uuid4


def new_id() -> str:
    """A fresh UUID4 text."""
    return str(uuid4())


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """A person (or an agent's face) with any number of actors; `type` is `user` or `agent`."""

    id: str = field(default_factory=new_id)
    type: Literal["user", "agent"] = "user"
    name: str = "User"
    title: str = ""
    description: str = ""
    email: str = ""
    phone: str = ""
    language: str = ""
    timezone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """One endpoint: an external id on one connector of one integration."""

    id: str = field(default_factory=new_id)
    persona_id: str
    integration_idn: str = "sandbox"
    connector_idn: str = "sandbox"
    external_id: str = ""
    name: str = ""
    time_zone: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """Who the skills speak for. `persona` has type `agent`; memory belongs to `id`."""

    id: str = field(default_factory=new_id)
    idn: str = "agent"
    title: str = ""
    description: str = ""
    persona: Persona = field(default_factory=lambda: Persona(type="agent", name="Agent"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened; `arguments["text"]` is the text of a message.

    Without `actor_id` and `persona_id` the event is global. `user_input` says that the user spoke up.
    """

    idn: str
    id: str = field(default_factory=new_id)
    integration_idn: str = "system"
    connector_idn: str = "system"
    arguments: Mapping[str, str] = field(default_factory=dict[str, str])
    actor_id: str | None = None
    persona_id: str | None = None
    external_event_id: str | None = None
    command_act_id: str | None = None
    uninterruptible: bool = False
    user_input: bool = False
    hops: int = 0


def is_user_input(idn: str, said: bool | None) -> bool:
    """Whether an event says that the user spoke up: as its sender said, else a `user_message` does.

    Source: event model, fields.
    """
    return idn == "user_message" if said is None else said


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """An event, message or command as it is remembered; `text` of a message is what was received.

    `agent_ids` are the agents in whose memory it is; without any it is in that of all.
    """

    id: str = field(default_factory=new_id)
    reference_idn: str
    kind: Literal["message", "event", "command"]
    datetime: datetime
    agent_ids: tuple[str, ...] = ()
    user_persona_id: str | None = None
    actor_id: str | None = None
    session_id: str | None = None
    message_id: str | None = None
    integration_idn: str = "system"
    connector_idn: str = "system"
    text: str = ""
    original_text: str = ""
    english_text: str = ""
    language_code: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    external_event_id: str | None = None
    command_act_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A period of activity of one user persona; at `expires_at` it ends unless something happens before.

    The actor and the address are those of the event that began it. `ended_at` is None while it is active. Counted are
    the user's messages, those that reached the user, and the other events of the persona.
    """

    id: str = field(default_factory=new_id)
    user_persona_id: str
    actor_id: str | None = None
    integration_idn: str = "system"
    connector_idn: str = "system"
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None
    arguments: Mapping[str, str] = field(default_factory=dict[str, str])
    user_messages: int = 0
    agent_messages: int = 0
    events: int = 0
    follow_up_enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """A definition of `program_timer`, known by its owner and name; no owner is the global one.

    `id` is that of the command that set it last. `next_fire_at` is None when nothing is due any more: it was switched
    off, or has fired. `actor_id` is who was talked to when it was set.
    """

    id: str
    persona_id: str | None
    name: str
    connector_idn: str
    event_idn: str = "timer"
    fire_at: datetime | None = None
    interval_s: float | None = None
    repeatable: bool = False
    enabled: bool = True
    next_fire_at: datetime | None = None
    actor_id: str | None = None
    arguments: Mapping[str, str] = field(default_factory=dict[str, str])
