"""What goes out: messages, commands, events."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import anyio

from skillrt.catalogue import Effect, action
from skillrt.connectors.base import ANY, Command, find_connector
from skillrt.context import Context
from skillrt.debug import log_at_place
from skillrt.kinds import Flag, Ids, Name, Text
from skillrt.model import Act, Actor, Event, new_id
from skillrt.pipeline import SPAN
from skillrt.recipients import Recipient, SendTo, find_recipients
from skillrt.said import agent_message, remember
from skillrt.trace import MessageSent
from skillrt.values import stored

__all__ = ("send_command", "send_message", "send_system_event")


def _stored(arguments: Mapping[str, Any] | None) -> dict[str, str]:
    return {name: stored(value) for name, value in (arguments or {}).items()}


@action(
    "SendMessage",
    effects=Effect.IO | Effect.WRITE,
    point="start",
    parameter_aliases={"text": "message"},
)
async def send_message(
    ctx: Context,
    *,
    message: Text,
    actor_ids: Ids | None = None,
    use_filter: Flag = False,
    arguments: Mapping[str, Any] | None = None,
) -> str:
    """Send a message, and remember it as one of the agent for every actor that got it.

    Args:
        ctx: the execution.
        message: the text.
        actor_ids: to whom; by default to the current actor. [] is nobody.
        use_filter: leave out what stands in `[[[...]]]`.
        arguments: go along to the channel, in stored form.

    Returns:
        The message's id; "" when nobody was reached, or the text is blank. A channel that fails, or does not take
        the message within the host's send timeout, is logged and skipped.

    Raises:
        StoreError: the store cannot be reached.
    """
    await ctx.execution.point()
    text = without_spans(message) if use_filter else message
    if not text.strip():
        return ""
    send_to: SendTo = "currentActor" if actor_ids is None else "actors"
    recipients = await find_recipients(ctx, "SendMessage", send_to, actor_ids)
    if not recipients:
        log_at_place(logging.WARNING, "SendMessage", "nobody to send to", code="SK801")
        return ""
    along = _stored(arguments)
    message_id = new_id()
    reached: list[Actor] = []
    with anyio.CancelScope(shield=True):  # once begun it completes: what was sent is remembered
        reached = await _deliver(ctx, recipients, text, along)
        if ctx.trace is not None:
            ctx.tell(MessageSent(message_id, tuple(actor.id for actor in reached), len(text)))
        now = ctx.clock.time()
        acts = [
            agent_message(ctx, actor, message_id, text, message, at=now, arguments=dict(along))
            for actor in reached
        ]
        await remember(ctx, acts)
    return message_id if reached else ""


def without_spans(text: str) -> str:
    """The text without its `[[[...]]]`; one that is never closed stays."""
    end = text.rfind("]]]") + 3  # without this the search for an end would start at every "[[["
    return SPAN.sub("", text[:end]) + text[end:] if end > 2 else text


async def _deliver(
    ctx: Context, recipients: Sequence[Recipient], text: str, arguments: Mapping[str, str]
) -> list[Actor]:
    """Hand the message to all channels at once; the actors whose channel took it, in order.

    The time allowed is the event loop's, since no rule depends on it but that waiting ends.
    """
    causes = [f"no answer within {ctx.options.send_timeout_s:g} s"] * len(recipients)

    async def send(index: int) -> None:
        actor, connector = recipients[index]
        try:
            await connector.send_message(actor, text, arguments)
            causes[index] = ""
        except Exception as error:  # whatever a channel raises concerns its actor alone
            causes[index] = f"{type(error).__name__}: {error}"

    with anyio.move_on_after(ctx.options.send_timeout_s):
        async with anyio.create_task_group() as tasks:
            for index in range(len(recipients)):
                tasks.start_soon(send, index)
    for (actor, _), cause in zip(recipients, causes, strict=True):
        if cause:
            address = f"{actor.integration_idn}/{actor.connector_idn}"
            log_at_place(logging.WARNING, "SendMessage", f"channel {address} failed: {cause}")
    return [actor for (actor, _), cause in zip(recipients, causes, strict=True) if not cause]


@action("SendCommand", effects=Effect.IO | Effect.WRITE)
async def send_command(
    ctx: Context,
    *,
    command_idn: Name,
    integration_idn: Name,
    connector_idn: Name = "",
    arguments: Mapping[str, Any] | None = None,
) -> str:
    """Record a command for a connector and go on; its outcome comes later, as an event.

    Args:
        ctx: the execution.
        command_idn: such as `set_timer`.
        integration_idn: whose command it is.
        connector_idn: which connector; by default the integration's only one, else the one named like it.
        arguments: the command's, in stored form.

    Returns:
        The id of the command's act, which the event of its outcome carries; "" when the connector is stopped.

    Raises:
        StoreError: the store cannot be reached; nothing is recorded then.
    """
    connector_idn = connector_idn or _only_connector(ctx, integration_idn)
    address = f"{integration_idn}/{connector_idn}" if connector_idn else integration_idn
    if find_connector(ctx.connectors, integration_idn, connector_idn) is None:
        cause = f"no connector is loaded for {address}"
        log_at_place(logging.WARNING, "SendCommand", cause, code="SK804")
    along = _stored(arguments)
    act = Act(
        reference_idn=command_idn,
        kind="command",
        datetime=ctx.clock.time(),
        agent_ids=(ctx.agent.id,),
        user_persona_id=ctx.persona.id if ctx.persona else None,
        actor_id=ctx.actor.id if ctx.actor else None,
        session_id=ctx.act.session_id,
        integration_idn=integration_idn,
        connector_idn=connector_idn,
        arguments=dict(along),
    )
    await ctx.store.put_act(act)
    command = Command(
        id=act.id,
        idn=command_idn,
        integration_idn=integration_idn,
        connector_idn=connector_idn,
        arguments=along,
        persona_id=act.user_persona_id,
        actor=ctx.actor,
        hops=ctx.event.hops,
    )
    ctx.run.commands.append(command)
    if ctx.host.command(command):
        return act.id
    log_at_place(logging.WARNING, "SendCommand", f"connector {address} is stopped")
    return ""


def _only_connector(ctx: Context, integration_idn: str) -> str:
    """The integration's only connector ("" when that one serves any address), else the one named like it."""
    loaded = [
        connector for integration, connector in ctx.connectors if integration == integration_idn
    ]
    only = loaded[0] if len(loaded) == 1 else integration_idn
    return "" if only == ANY else only


@action("SendSystemEvent", effects=Effect.IO)
async def send_system_event(
    ctx: Context,
    *,
    event_idn: Name,
    connector_idn: Name = "system",
    actor_ids: Ids | None = None,
    global_: Flag = False,
    uninterruptible: Flag = False,
    arguments: Mapping[str, Any] | None = None,
) -> str:
    """Queue an event for the subscribers of the system address and go on.

    Args:
        ctx: the execution.
        event_idn: what it is called.
        connector_idn: the connector of integration `system` that it comes from.
        actor_ids: one event for each; by default one for the current actor, else for the current user. [] is none.
        global_: one event that belongs to no user, whatever `actor_ids` says.
        uninterruptible: the skill that it starts must run to its end; the handler can read it as an argument.
        arguments: the event's, in stored form.

    Returns:
        The id of the first event; "" when there is none. An unknown actor is logged and skipped.

    Raises:
        StoreError: the store cannot be reached.
    """
    along = _stored(arguments)
    if uninterruptible:
        along["uninterruptible"] = stored(uninterruptible)
    persona_id = ctx.persona.id if ctx.persona else None
    targets: list[tuple[str | None, str | None]] = [(None, None)]
    if not global_ and actor_ids is not None:
        targets = [(actor.id, actor.persona_id) for actor in await _actors(ctx, actor_ids)]
    elif not global_:
        targets = [(ctx.actor.id, ctx.actor.persona_id) if ctx.actor else (None, persona_id)]
    events = [
        Event(
            idn=event_idn,
            connector_idn=connector_idn,
            arguments=dict(along),
            actor_id=actor_id,
            persona_id=owner_id,
            uninterruptible=uninterruptible,
            hops=ctx.event.hops + 1,
        )
        for actor_id, owner_id in targets
    ]
    for event in events:
        ctx.run.events.append(event)
        await ctx.host.emit(event)
    return events[0].id if events else ""


async def _actors(ctx: Context, ids: Sequence[str]) -> list[Actor]:
    found: list[Actor] = []
    for id in ids:
        if actor := await ctx.store.actor(id):
            found.append(actor)
        else:
            cause = f"no actor has the id '{id}'"
            log_at_place(logging.WARNING, "SendSystemEvent", cause, code="SK803")
    return found
