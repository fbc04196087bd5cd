"""Who takes part: the user, actors, the agent.

A persona (a person, or an agent's face) has many actors; an actor is one external id on one connector. "User" is the
persona of the human in the current execution.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Any, Final

from skillrt.catalogue import Effect, action
from skillrt.context import Context
from skillrt.errors import ActionError
from skillrt.kinds import Blank, Id, Name, Names, Text, Tz
from skillrt.model import Actor, Persona
from skillrt.values import DslList, Record, stored

__all__ = (
    "create_actor",
    "create_persona",
    "get_actor",
    "get_actors",
    "get_agent",
    "get_agent_persona",
    "get_user",
)

PERSONA_FIELDS: Final = (
    "id",
    "name",
    "title",
    "description",
    "type",
    "email",
    "phone",
    "language",
    "timezone",
)


def persona_fields(persona: Persona, names: Iterable[str] = PERSONA_FIELDS) -> dict[str, str]:
    """What templates see of a persona."""
    return {name: getattr(persona, name) for name in names}


def actor_fields(actor: Actor) -> dict[str, str]:
    """What templates see of an actor: its fields, then the attributes it was created with."""
    fields = {
        "id": actor.id,
        "name": actor.name,
        "timeZone": actor.time_zone,
        "integrationIdn": actor.integration_idn,
        "connectorIdn": actor.connector_idn,
        "externalId": actor.external_id,
        "personaId": actor.persona_id,
    }
    return {**fields, **actor.attributes, **fields}


async def find_persona(ctx: Context, id: str | None) -> Persona | None:
    """The persona of an id as it is now: the agent's own, or a user's; None when nobody has it."""
    if id is None:
        return None
    if id == ctx.agent.persona.id:
        return ctx.agent.persona
    found = await ctx.store.persona(id)
    if found is None and ctx.persona is not None and ctx.persona.id == id:
        return ctx.persona
    return found


@action("GetUser", effects=Effect.READ)
async def get_user(
    ctx: Context,
    *,
    field: Name | None = None,
    persona_id: Annotated[Id, Blank.KEPT] | None = None,
) -> Record | str:
    """Return the current user, or one of their fields.

    Args:
        ctx: the execution.
        field: id, name, title, description, type, email, phone, language, timezone; another name reads the
            persona's attribute of that name.
        persona_id: whose; by default the current user's.

    Returns:
        Without `field` a record that prints the name. "" for an absent value, an unknown or blank id, and in a
        global execution.
    """
    if persona_id is None and ctx.persona is not None:
        persona_id = ctx.persona.id
    persona = await find_persona(ctx, persona_id)
    if persona is None:
        return ""
    fields = persona_fields(persona)
    if field is None:
        return Record(persona.name, fields)
    return fields[field] if field in fields else await ctx.store.attribute(persona.id, field) or ""


@action("GetActor", effects=Effect.READ)
async def get_actor(
    ctx: Context,
    *,
    field: Name | None = None,
    id: Annotated[Id, Blank.KEPT] | None = None,
) -> Record | str:
    """Return an actor, or one of its fields.

    Args:
        ctx: the execution.
        field: id, name, timeZone, integrationIdn, connectorIdn, externalId, personaId, or an attribute that the
            actor was created with.
        id: which one; by default the current actor.

    Returns:
        Without `field` a record that prints the name. "" for an absent value, a blank or unknown id, and without a
        current actor.
    """
    actor = ctx.actor if id is None else await ctx.store.actor(id)
    if actor is None:
        return ""
    fields = actor_fields(actor)
    return Record(actor.name, fields) if field is None else fields.get(field, "")


@action("GetActors", effects=Effect.READ, parameter_aliases={"field": "fields"})
async def get_actors(
    ctx: Context,
    *,
    persona_id: Annotated[Id, Blank.KEPT] | None = None,
    external_id: Annotated[Text, Blank.KEPT] | None = None,
    integration_idn: Annotated[Name, Blank.KEPT] | None = None,
    connector_idn: Annotated[Name, Blank.KEPT] | None = None,
    time_zone: Annotated[Tz, Blank.KEPT] | None = None,
    fields: Names | None = None,
) -> DslList:
    """Return the actors that match all given filters, among those of all users.

    Args:
        ctx: the execution.
        persona_id: whose; may also be an agent's persona.
        external_id: the id on the channel.
        integration_idn: such as `sandbox`.
        connector_idn: which of the integration's connectors.
        time_zone: an IANA name.
        fields: what each actor prints, one field a line; by default its id.

    Returns:
        Records with all fields of `GetActor`, in order of creation; as text joined by spaces, by newlines when
        several fields print. Without any filter the current user's actors, in a global execution all. Empty
        when nothing matches, also for a filter given as blank text.
    """
    filters = (persona_id, external_id, integration_idn, connector_idn, time_zone)
    if any(value is not None and not value.strip() for value in filters):
        return DslList()
    if not any(filters) and ctx.persona is not None:
        persona_id = ctx.persona.id
    found = await ctx.store.actors(
        persona_id=persona_id,
        external_id=external_id,
        integration_idn=integration_idn,
        connector_idn=connector_idn,
        time_zone=time_zone,
    )
    if persona_id is None:
        agents = await _agent_personas(ctx, {actor.persona_id for actor in found})
        found = [actor for actor in found if actor.persona_id not in agents]
    shown = fields or ["id"]
    return DslList((_shown_actor(actor, shown) for actor in found), "\n" if len(shown) > 1 else " ")


async def _agent_personas(ctx: Context, ids: set[str]) -> set[str]:
    personas = [await find_persona(ctx, id) for id in ids]
    return {persona.id for persona in personas if persona is not None and persona.type == "agent"}


def _shown_actor(actor: Actor, shown: list[str]) -> Record:
    fields = actor_fields(actor)
    return Record("\n".join(fields.get(name, "") for name in shown), fields)


@action("CreatePersona", effects=Effect.WRITE, priority="A")
async def create_persona(ctx: Context, *, name: Text = "User") -> Record:
    """Create a user persona.

    Args:
        ctx: the execution.
        name: what to call them; `User` if it is blank.

    Returns:
        A record with the fields of `GetUser` that prints the id.

    Raises:
        StoreError: the store cannot be reached.
    """
    persona = Persona(name=name if name.strip() else "User")
    await ctx.store.put_persona(persona)
    return Record(persona.id, persona_fields(persona))


@action("CreateActor", effects=Effect.WRITE, priority="A")
async def create_actor(
    ctx: Context,
    *,
    integration_idn: Name,
    connector_idn: Name,
    external_id: Name,
    persona_id: Id,
    time_zone: Tz | None = None,
    arguments: Mapping[str, Any] | None = None,
) -> Record:
    """Create an actor of a persona, or update the persona's actor of that address.

    Args:
        ctx: the execution.
        integration_idn: such as `sandbox`.
        connector_idn: which of the integration's connectors.
        external_id: the id on the channel; with the two names it is the actor's address.
        persona_id: whose it is.
        time_zone: an IANA name; not given, a known one stays.
        arguments: attributes, kept in stored form; `name` is its name, by default the external id.

    Returns:
        A record with the fields of `GetActor` that prints the id.

    Raises:
        ActionError: the persona is unknown, or the address is that of another persona's actor.
    """
    if await find_persona(ctx, persona_id) is None:
        raise ActionError("CreateActor", "personaId", f"unknown persona '{persona_id}'")
    known = await ctx.store.actors(
        external_id=external_id, integration_idn=integration_idn, connector_idn=connector_idn
    )
    if known and known[0].persona_id != persona_id:
        raise ActionError("CreateActor", None, "actor exists for another persona")
    actor = (
        known[0]
        if known
        else Actor(
            persona_id=persona_id,
            integration_idn=integration_idn,
            connector_idn=connector_idn,
            external_id=external_id,
            name=external_id,
        )
    )
    attributes = {name: stored(value) for name, value in (arguments or {}).items()}
    actor = replace(
        actor,
        name=attributes.pop("name", "") or actor.name,
        attributes={**actor.attributes, **attributes},
        time_zone=time_zone or actor.time_zone,
    )
    await ctx.store.put_actor(actor)
    return Record(actor.id, actor_fields(actor))


@action("GetAgent", effects=Effect.READ, priority="A")
async def get_agent(
    ctx: Context, *, field: Name | None = None, idn: Name | None = None
) -> Record | str:
    """Return an agent, or one of its fields.

    Args:
        ctx: the execution.
        field: id, name, title, description, idn, personaId, agentId. `id` and `personaId` are the agent persona's
            id; `agentId` is the agent's own.
        idn: which one; by default the current agent.

    Returns:
        Without `field` a record that prints the name. "" for an unknown field or idn.
    """
    agent = ctx.agent
    if idn not in (None, agent.idn):
        return ""
    fields = {
        "id": agent.persona.id,
        "name": agent.persona.name,
        "title": agent.title or agent.persona.title,
        "description": agent.description or agent.persona.description,
        "idn": agent.idn,
        "personaId": agent.persona.id,
        "agentId": agent.id,
    }
    return Record(agent.persona.name, fields) if field is None else fields.get(field, "")


@action("GetAgentPersona", effects=Effect.READ, priority="B")
async def get_agent_persona(ctx: Context, *, field: Name | None = None) -> Record | str:
    """Return the persona of the current agent, or one of its fields.

    Args:
        ctx: the execution.
        field: id, name, title, description.

    Returns:
        Without `field` a record that prints the name. "" for another field.
    """
    fields = persona_fields(ctx.agent.persona, ("id", "name", "title", "description"))
    return Record(ctx.agent.persona.name, fields) if field is None else fields.get(field, "")
