"""Pauses, and blocks that no event interrupts."""

from __future__ import annotations

import logging
from typing import Annotated

from skillrt.catalogue import Effect, action
from skillrt.context import Context
from skillrt.debug import log_at_place
from skillrt.kinds import Flag, Num, Range

__all__ = ("sleep", "start_not_interruptible_block", "stop_not_interruptible_block")


@action("Sleep", effects=Effect.CONTROL, point="all", priority="A", void=True)
async def sleep(
    ctx: Context, *, duration: Annotated[Num, Range(0)], interruptible: Flag = True
) -> str:
    """Pause the skill.

    Args:
        ctx: the execution.
        duration: seconds, fractions allowed; 0 lets others run once.
        interruptible: whether an event may end the execution during the pause; it does not resume.

    Returns:
        "".
    """
    execution = ctx.execution
    deadline = ctx.clock.now() + duration
    if interruptible:
        await execution.point()
        with execution.waiting():
            await ctx.clock.sleep_until(deadline)
    else:
        with execution.holding(lambda: True):
            await ctx.clock.sleep_until(deadline)
    return ""


@action("StartNotInterruptibleBlock", effects=Effect.CONTROL, priority="B", void=True)
async def start_not_interruptible_block(ctx: Context) -> str:
    """Let no event interrupt the execution until the matching Stop, or the end of this skill.

    Returns:
        "".
    """
    ctx.frame.blocks += 1
    ctx.execution.blocks += 1
    return ""


@action("StopNotInterruptibleBlock", effects=Effect.CONTROL, point="stop", priority="B", void=True)
async def stop_not_interruptible_block(ctx: Context) -> str:
    """End a block that this skill started; an interruption that waited for the outermost takes effect here.

    Without a block of its own it does nothing, since a skill cannot end its caller's.

    Returns:
        "".
    """
    if not ctx.frame.blocks:
        cause = "no not-interruptible block of this skill is open"
        log_at_place(logging.INFO, "StopNotInterruptibleBlock", cause, code="SK808")
        return ""
    ctx.frame.blocks -= 1
    ctx.execution.blocks -= 1
    if not ctx.execution.blocks:
        await ctx.execution.point()
    return ""
