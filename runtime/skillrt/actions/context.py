"""What started this execution, and what it has written so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from skillrt.actions.identity import actor_fields, find_persona
from skillrt.actions.memory import english_text
from skillrt.catalogue import Effect, action
from skillrt.context import Context
from skillrt.kinds import AnyValue, Blank, Id, Name, Names
from skillrt.model import Act
from skillrt.recipients import latest_message_actor
from skillrt.values import Record, compact_json, json_text, to_text

__all__ = (
    "get_act",
    "get_current_prompt",
    "get_latest_message_actor",
    "get_triggered_act",
    "is_global",
)

OTHER_NAMES: Final = {"id": "commandActId", "name": "referenceIdn", "personaName": "person"}


@action("GetTriggeredAct", effects=Effect.READ, point="LLM", priority="A")
async def get_triggered_act(ctx: Context, *, fields: Names | None = None) -> Record | str:
    """Return the act that started this execution, or fields of it.

    Args:
        ctx: the execution.
        fields: commandActId (or id), referenceIdn (or name), integrationIdn, connectorIdn, person (or personaName),
            personaId, actorId, timeInterval (whole seconds since the persona's previous act, 0 if there is none),
            datetime (UTC), text, englishText, originalText, languageCode, arguments; another name means the
            event's argument of that name.

    Returns:
        Without `fields` a record that prints the message's text. One field gives its value as text, "" if it is
        absent; several a record of them that prints their values, one a line.
    """
    return await _read(ctx, ctx.act, ctx.event.arguments, fields)


@action(
    "GetAct",
    effects=Effect.READ,
    point="LLM",
    priority="A",
    parameter_aliases={"idn": "id", "actId": "id", "field": "fields"},
)
async def get_act(
    ctx: Context, *, id: Annotated[Id, Blank.KEPT], fields: Names | None = None
) -> Record | str:
    """Return any act that is remembered, such as the command that an event answers, or fields of it.

    Args:
        ctx: the execution.
        id: the act's.
        fields: as for `GetTriggeredAct`; another name means the act's argument of that name.

    Returns:
        As `GetTriggeredAct`; "" when there is no such act.
    """
    act = await ctx.store.act(id)
    return "" if act is None else await _read(ctx, act, act.arguments, fields)


async def _read(
    ctx: Context, act: Act, given: Mapping[str, Any], fields: Sequence[str] | None
) -> Record | str:
    """The act as a record, or the fields asked for."""
    known = await _fields(ctx, act)
    arguments = {name: json_text(value) for name, value in given.items()}
    known["arguments"] = arguments
    if not fields:
        others = {other: known[name] for other, name in OTHER_NAMES.items()}
        return Record(act.text, {**arguments, **known, **others})
    if "englishText" in fields:
        known["englishText"] = await english_text(ctx, act)
    found = {
        name: known.get(OTHER_NAMES.get(name, name), arguments.get(name, "")) for name in fields
    }
    if len(fields) == 1:
        return shown(found[fields[0]])
    return Record("\n".join(map(shown, found.values())), found)


async def _fields(ctx: Context, act: Act) -> dict[str, Any]:
    """What templates see of an act, but its arguments; the English text as far as it is known."""
    persona = await find_persona(ctx, act.user_persona_id)
    return {
        "commandActId": act.command_act_id or "",
        "referenceIdn": act.reference_idn,
        "integrationIdn": act.integration_idn,
        "connectorIdn": act.connector_idn,
        "person": persona.name if persona else "",
        "personaId": act.user_persona_id or "",
        "actorId": act.actor_id or "",
        "timeInterval": await _seconds_before(ctx, act),
        "datetime": utc_text(act.datetime),
        "text": act.text,
        "englishText": act.english_text or act.text,
        "originalText": act.original_text,
        "languageCode": act.language_code,
    }


def utc_text(moment: datetime) -> str:
    """A moment as acts and sessions show it: `2026-01-31 09:05:00.000000`, in UTC."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def shown(value: Any) -> str:
    """A field alone, as text: a dict is JSON text."""
    if isinstance(value, str):
        return value
    return compact_json(value) if isinstance(value, dict) else to_text(value)


async def _seconds_before(ctx: Context, act: Act) -> int:
    """Whole seconds since the act of its persona before it, 0 if there is none."""
    before = await ctx.store.act_before(act)
    return int((act.datetime - before.datetime).total_seconds()) if before else 0


@action("GetLatestMessageActor", effects=Effect.READ, priority="A")
async def get_latest_message_actor(ctx: Context, *, field: Name = "name") -> str:
    """Return a field of the actor through which the user wrote last.

    Args:
        ctx: the execution.
        field: as for `GetActor`.

    Returns:
        Its value. Without a message of the user it is the actor that was written to last, else the current one;
        "" when there is none, or no such field.
    """
    persona_id = ctx.persona.id if ctx.persona else None
    actor = await latest_message_actor(ctx.store, ctx.agent.id, persona_id) or ctx.actor
    return actor_fields(actor).get(field, "") if actor else ""


@action("GetCurrentPrompt", effects=Effect.READ, priority="A")
async def get_current_prompt(ctx: Context) -> str:
    """Return what this run of the skill has written for the model, without role names.

    Returns:
        The messages joined by newlines; "" at the start.
    """
    return ctx.frame.current_text()


@action("IsGlobal", effects=Effect.READ, priority="A")
async def is_global(ctx: Context, *, name: AnyValue = "") -> Literal["t", ""]:
    """Tell whether the execution belongs to no user.

    Args:
        ctx: the execution.
        name: ignored.

    Returns:
        "t" or "".
    """
    return "t" if ctx.persona is None else ""
