"""What is kept about a persona, the customer or a project under names of the author's choice, in stored form."""

from __future__ import annotations

from typing import Annotated

from skillrt.actions.identity import find_persona
from skillrt.attributes import CUSTOMER, project_owner
from skillrt.catalogue import Effect, action
from skillrt.context import Context
from skillrt.errors import ActionError
from skillrt.kinds import AnyValue, Blank, Id, Name
from skillrt.values import stored

__all__ = (
    "delete_customer_attribute",
    "delete_persona_attribute",
    "get_customer_attribute",
    "get_persona_attribute",
    "get_project_attribute",
    "set_customer_attribute",
    "set_persona_attribute",
    "set_project_attribute",
)


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
    if await find_persona(ctx, id) is None:
        return ""
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


@action(
    "DeletePersonaAttribute",
    effects=Effect.WRITE,
    priority="B",
    parameter_aliases={"personaId": "id"},
    void=True,
)
async def delete_persona_attribute(ctx: Context, *, id: Id, field: Name) -> str:
    """Forget an attribute of a user's or an agent's persona, if there is one.

    Args:
        ctx: the execution.
        id: the persona's.
        field: the attribute's name.

    Returns:
        "".

    Raises:
        ActionError: nobody has the id.
        StoreError: the store cannot be reached; nothing is forgotten then.
    """
    if await find_persona(ctx, id) is None:
        raise ActionError("DeletePersonaAttribute", "id", f"unknown persona '{id}'")
    await ctx.store.delete_attribute(id, field)
    return ""


@action("GetCustomerAttribute", effects=Effect.READ, priority="A")
async def get_customer_attribute(ctx: Context, *, field: Name) -> str:
    """Return an attribute of the customer, which all projects share.

    Args:
        ctx: the execution.
        field: the attribute's name.

    Returns:
        Its stored form; "" when nothing declared it and it was never set.

    Raises:
        StoreError: the store cannot be reached.
    """
    return await ctx.store.attribute(CUSTOMER, field) or ""


@action("SetCustomerAttribute", effects=Effect.WRITE, priority="A", void=True)
async def set_customer_attribute(ctx: Context, *, field: Name, value: AnyValue) -> str:
    """Set an attribute of the customer, for all projects.

    Args:
        ctx: the execution.
        field: the attribute's name; it is created if it is new.
        value: kept in stored form.

    Returns:
        "".

    Raises:
        StoreError: the store cannot be reached; nothing is written then.
    """
    await ctx.store.put_attribute(CUSTOMER, field, stored(value))
    return ""


@action("DeleteCustomerAttribute", effects=Effect.WRITE, priority="A", void=True)
async def delete_customer_attribute(ctx: Context, *, field: Name) -> str:
    """Forget an attribute of the customer, if there is one; what is declared comes back at the next start.

    Args:
        ctx: the execution.
        field: the attribute's name.

    Returns:
        "".

    Raises:
        StoreError: the store cannot be reached; nothing is forgotten then.
    """
    await ctx.store.delete_attribute(CUSTOMER, field)
    return ""


@action("GetProjectAttribute", effects=Effect.READ, priority="B")
async def get_project_attribute(ctx: Context, *, field: Name) -> str:
    """Return an attribute of the current project.

    Args:
        ctx: the execution.
        field: the attribute's name.

    Returns:
        Its stored form; "" when nothing declared it and it was never set.

    Raises:
        StoreError: the store cannot be reached.
    """
    return await ctx.store.attribute(project_owner(ctx.project), field) or ""


@action("SetProjectAttribute", effects=Effect.WRITE, priority="B", void=True)
async def set_project_attribute(ctx: Context, *, field: Name, value: AnyValue) -> str:
    """Set an attribute of the current project.

    Args:
        ctx: the execution.
        field: the attribute's name; it is created if it is new.
        value: kept in stored form.

    Returns:
        "".

    Raises:
        StoreError: the store cannot be reached; nothing is written then.
    """
    await ctx.store.put_attribute(project_owner(ctx.project), field, stored(value))
    return ""
