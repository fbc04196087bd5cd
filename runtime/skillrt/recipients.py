"""Whom a message goes to: the targets that `sendTo` and `actorIds` mean.

Source: event model, resolving targets.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

from skillrt.connectors.base import Connector, find_connector
from skillrt.context import Context
from skillrt.debug import log_at_place
from skillrt.model import Actor
from skillrt.stores.base import Store

SendTo: TypeAlias = Literal["actors", "currentActor", "latestMessageActor"]


class Recipient(NamedTuple):
    """An actor and the connector that reaches it."""

    actor: Actor
    connector: Connector


async def find_recipients(
    ctx: Context, action: str, send_to: SendTo, actor_ids: Sequence[str] | None
) -> list[Recipient]:
    """The actors meant, in order, each once; [] when there is nobody.

    `actor_ids` count only with `send_to="actors"`. An unknown id, or an actor whose connector is not loaded, is
    skipped and logged.
    """
    actors: list[Actor] = []
    match send_to:
        case "actors":
            for actor_id in dict.fromkeys(actor_ids or ()):
                if actor := await ctx.store.actor(actor_id):
                    actors.append(actor)
                else:
                    _skip(action, f"no actor has the id '{actor_id}'")
        case "latestMessageActor":
            persona_id = ctx.persona.id if ctx.persona else None
            actor = await latest_message_actor(ctx.store, ctx.agent.id, persona_id) or ctx.actor
            actors.extend(filter(None, (actor,)))
        case "currentActor":
            actors.extend(filter(None, (ctx.actor,)))
    found: list[Recipient] = []
    for actor in actors:
        address = (actor.integration_idn, actor.connector_idn)
        if connector := find_connector(ctx.connectors, *address):
            found.append(Recipient(actor, connector))
        else:
            _skip(action, f"no connector is loaded for {'/'.join(address)}")
    return found


async def latest_message_actor(store: Store, agent_id: str, persona_id: str | None) -> Actor | None:
    """The actor through which the persona wrote last, else was written to last, else None."""
    if persona_id is None:
        return None
    messages = await store.messages(agent_id, persona_ids=[persona_id])
    for idn in ("user_message", "agent_message"):
        for act in reversed(messages):
            if act.reference_idn == idn and act.actor_id is not None:
                return await store.actor(act.actor_id)
    return None


def _skip(action: str, cause: str) -> None:
    log_at_place(logging.WARNING, action, cause, code="SK803")
