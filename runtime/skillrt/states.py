"""State fields: whose a value is, and what it is before somebody sets it.

Source: project format, state fields.
"""

from __future__ import annotations

from typing import assert_never

from skillrt.context import Context
from skillrt.manifest import Scope


def state_owner(ctx: Context, name: str) -> str:
    """Whose a state field is; a name that the flow does not declare is of scope `user`."""
    scope: Scope = ctx.states[name]["scope"] if name in ctx.states else "user"
    return owner_of(scope, ctx.flow, ctx.project, ctx.persona.id if ctx.persona else None)


def owner_of(scope: Scope, flow: str, project: str, persona_id: str | None) -> str:
    """Whose a state field of that scope is, for the flow's instance of that persona (None: the global one)."""
    match scope:
        case "user":
            return f"{flow}/{persona_id or 'GLOBAL'}"
        case "agent" | "flow":
            return flow
        case "project" | "global":
            return f"{project}/PROJECT"
        case _:
            assert_never(scope)


async def state_value(ctx: Context, name: str) -> str:
    """The stored value of a state field of the flow, else its default, else "".

    Raises:
        StoreError: the store cannot be reached.
    """
    value = await ctx.store.state(state_owner(ctx, name), name)
    if value is None and name in ctx.states:
        return ctx.states[name]["default"]
    return value or ""
