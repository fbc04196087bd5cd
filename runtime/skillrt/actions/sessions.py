"""A user's session: what is known of it, and whether timers may follow up in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from skillrt.actions.context import shown, utc_text
from skillrt.catalogue import Effect, action
from skillrt.context import Context
from skillrt.kinds import Name
from skillrt.model import Session
from skillrt.values import Record, json_text

__all__ = ("disable_follow_up", "enable_follow_up", "get_session_info")


@action("GetSessionInfo", effects=Effect.READ, priority="B")
async def get_session_info(ctx: Context, *, field: Name | None = None) -> Record | str:
    """Return the user's active session, or a field of it.

    Args:
        ctx: the execution.
        field: id, personaId, actorId, integrationIdn, connectorIdn, createdAt (UTC), endedAt, arguments.

    Returns:
        A record that prints the session's id, or the field as text; "" without a session, or such a field.

    Raises:
        StoreError: the store cannot be reached.
    """
    session = await _active(ctx)
    if session is None:
        return ""
    fields = _fields(session)
    if field is None:
        return Record(session.id, fields, data=True)
    return shown(fields.get(field, ""))


def _fields(session: Session) -> Mapping[str, Any]:
    """What templates see of a session."""
    return {
        "id": session.id,
        "personaId": session.user_persona_id,
        "actorId": session.actor_id or "",
        "integrationIdn": session.integration_idn,
        "connectorIdn": session.connector_idn,
        "createdAt": utc_text(session.created_at),
        "endedAt": utc_text(session.ended_at) if session.ended_at else "",
        "arguments": {name: json_text(value) for name, value in session.arguments.items()},
    }


@action("EnableFollowUp", effects=Effect.WRITE, priority="B", void=True)
async def enable_follow_up(ctx: Context) -> str:
    """Let timer events follow up on the user again, in this session; at its start they may.

    Returns:
        "".

    Raises:
        StoreError: the store cannot be reached.
    """
    return await _follow_up(ctx, enabled=True)


@action("DisableFollowUp", effects=Effect.WRITE, priority="B", void=True)
async def disable_follow_up(ctx: Context) -> str:
    """Drop timer events that would follow up on the user, for the rest of this session.

    Those are the events that the project lists as its follow-ups. Without a session nothing changes.

    Returns:
        "".

    Raises:
        StoreError: the store cannot be reached.

    Source: actions reference, DisableFollowUp: dropped "when they fire".
    """
    return await _follow_up(ctx, enabled=False)


async def _follow_up(ctx: Context, *, enabled: bool) -> str:
    if session := await _active(ctx):
        await ctx.store.put_session(replace(session, follow_up_enabled=enabled))
    return ""


async def _active(ctx: Context) -> Session | None:
    """The user's session that has not ended; a global execution has none."""
    if ctx.persona is None:
        return None
    return next(iter(await ctx.store.active_sessions(ctx.persona.id)), None)
