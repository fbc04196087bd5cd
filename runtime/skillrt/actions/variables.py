"""What a skill keeps: variables of the run, and the states of its flow, which outlive it."""

from __future__ import annotations

from skillrt.catalogue import Effect, action
from skillrt.context import Context
from skillrt.errors import ActionError
from skillrt.kinds import AnyValue, Flag, Name
from skillrt.states import state_owner, state_value
from skillrt.values import stored

__all__ = ("get_state", "set_", "set_state")


@action("Set", effects=Effect.CONTROL, aliases=("set",), void=True)
async def set_(ctx: Context, *, name: Name, value: AnyValue, expose: Flag = False) -> str:
    """Assign a variable of the running skill; compiled code does it by an assignment, never by a call.

    Args:
        ctx: the execution.
        name: the variable's.
        value: of any kind, kept as it is.
        expose: also assign it in the calling skill, once this one has ended normally.

    Returns:
        "".

    Raises:
        ActionError: always: a function cannot assign its caller's variables.
    """
    raise ActionError("Set", None, "is an assignment; a computed call cannot make one")


@action("GetState", effects=Effect.READ)
async def get_state(ctx: Context, *, name: Name) -> str:
    """Return a state field of this flow.

    Args:
        ctx: the execution.
        name: the field's.

    Returns:
        Its stored form; before it was set its declared default, else "".

    Raises:
        StoreError: the store cannot be reached.
    """
    return await state_value(ctx, name)


@action("SetState", effects=Effect.WRITE, void=True)
async def set_state(ctx: Context, *, name: Name, value: AnyValue) -> str:
    """Set a state field of this flow.

    Args:
        ctx: the execution.
        name: the field's.
        value: kept in stored form.

    Returns:
        "".

    Raises:
        StoreError: the store cannot be reached; nothing is written then.
    """
    await ctx.store.put_state(state_owner(ctx, name), name, stored(value))
    return ""
