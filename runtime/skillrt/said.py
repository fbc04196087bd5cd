"""What was said: the act of a message that reached an actor, and its way into the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import anyio

from skillrt.context import Context
from skillrt.errors import StoreError
from skillrt.model import Act, Actor


def agent_message(
    ctx: Context,
    actor: Actor,
    message_id: str,
    text: str,
    original_text: str,
    *,
    at: datetime,
    arguments: Mapping[str, Any],
) -> Act:
    """The act of a message to one actor, in the memory of that actor's persona."""
    return Act(
        reference_idn="agent_message",
        kind="message",
        datetime=at,
        agent_ids=(ctx.agent.id,),
        user_persona_id=actor.persona_id,
        actor_id=actor.id,
        session_id=ctx.act.session_id,
        message_id=message_id,
        integration_idn=actor.integration_idn,
        connector_idn=actor.connector_idn,
        text=text,
        original_text=original_text,
        arguments=arguments,
    )


async def remember(ctx: Context, acts: Iterable[Act]) -> None:
    """Put acts into the store, one after the other, and tell the runtime of them.

    Call it shielded, since what was said has to be remembered.

    The time allowed is the event loop's, since no rule depends on it but that waiting ends.

    Raises:
        StoreError: the store failed, or did not take them in the time that a finalisation has.
    """
    limit_s = ctx.options.finalise_timeout_s
    recorded: list[Act] = []
    with anyio.move_on_after(limit_s) as recording:
        for act in acts:
            await ctx.store.put_act(act)
            recorded.append(act)
        await ctx.host.said(recorded, ctx.event.hops + 1)
    if recording.cancelled_caught:
        raise StoreError(f"the store did not take a reply within {limit_s:g} s")
