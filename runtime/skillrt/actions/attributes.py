"""What is kept about a persona under names of the author's choice, in stored form."""

from __future__ import annotations

from typing import Annotated

from skillrt.actions.identity import find_persona
from skillrt.catalogue import Effect, action
from skillrt.context import Context
from skillrt.errors import ActionError
from skillrt.kinds import AnyValue, Blank, Id, Name
from skillrt.values import stored

__all__ = ("get_persona_attribute", "set_persona_attribute")


@action("GetPersonaAttribute", effects=Effect.READ, parameter_aliases={"personaId": "id"})
async def get_persona_attribute(ctx: Context, *, id: Annotated[Id, Blank.KEPT], field: Name) -> str:
    """Return an attribute of a user's or an agent's persona.

    Args:
        ctx: the execution.
        id: the persona's.
        field: the attribute's name.

    Returns:
        Its stored form; "" when it was never set, or the id is blank or unknown.

    Raises:
        StoreError: the store cannot be reached.
    """
    return await ctx.store.attribute(id, field) or ""


@action(
    "SetPersonaAttribute",
    effects=Effect.WRITE,
    priority="A",
    parameter_aliases={"personaId": "id"},
    void=True,
)
async def set_persona_attribute(ctx: Context, *, id: Id, field: Name, value: AnyValue) -> str:
    """Set an attribute of a user's or an agent's persona.

    Args:
        ctx: the execution.
        id: the persona's.
        field: the attribute's name; it is created if it is new.
        value: kept in stored form.

    Returns:
        "".

    Raises:
        ActionError: nobody has the id.
        StoreError: the store cannot be reached; nothing is written then.
    """
    if await find_persona(ctx, id) is None:
        raise ActionError("SetPersonaAttribute", "id", f"unknown persona '{id}'")
    await ctx.store.put_attribute(id, field, stored(value))
    return ""
