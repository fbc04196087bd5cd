"""Whether the agent is seen typing."""

from __future__ import annotations

import anyio

from skillrt.catalogue import Effect, action
from skillrt.context import Context
from skillrt.kinds import Ids
from skillrt.recipients import SendTo, find_recipients
from skillrt.services import show_typing

__all__ = ("send_typing_start", "send_typing_stop")


@action("SendTypingStart", effects=Effect.IO, priority="B", void=True)
async def send_typing_start(ctx: Context, *, actor_ids: Ids | None = None) -> str:
    """Show that the agent types, until the next message, SendTypingStop or the end of the execution.

    Args:
        ctx: the execution.
        actor_ids: to whom; by default to the current actor. A channel that cannot show it does nothing.

    Returns:
        "".

    Source: event model, typing.
    """
    await _show(ctx, "SendTypingStart", actor_ids, on=True)
    return ""


@action("SendTypingStop", effects=Effect.IO, priority="B", void=True)
async def send_typing_stop(ctx: Context, *, actor_ids: Ids | None = None) -> str:
    """Show no longer that the agent types.

    Args:
        ctx: the execution.
        actor_ids: to whom; by default to the current actor.

    Returns:
        "".
    """
    await _show(ctx, "SendTypingStop", actor_ids, on=False)
    return ""


async def _show(ctx: Context, action: str, actor_ids: Ids | None, *, on: bool) -> None:
    """The time allowed is the event loop's, since no rule depends on it but that waiting ends."""
    send_to: SendTo = "currentActor" if actor_ids is None else "actors"
    recipients = await find_recipients(ctx, action, send_to, actor_ids)
    with anyio.move_on_after(ctx.options.send_timeout_s, shield=True):
        for actor, _ in recipients:
            if on:
                ctx.typing[actor.id] = actor
            else:
                ctx.typing.pop(actor.id, None)
            await show_typing(ctx.connectors, actor, on=on)
