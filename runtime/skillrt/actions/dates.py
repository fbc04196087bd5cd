"""The time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from skillrt.catalogue import Effect, action
from skillrt.clock import first_zone
from skillrt.context import Context
from skillrt.kinds import Flag, Tz

__all__ = ("get_date_time",)

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
WEEKDAYS: Final = (
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
)


@action("GetDateTime", effects=Effect.READ | Effect.VOLATILE, aliases=("GetDatetime",))
async def get_date_time(
    ctx: Context,
    *,
    format: Literal["datetime", "date", "time", "timestamp"] = "datetime",
    timezone: Tz | None = None,
    weekday: Flag = False,
) -> str:
    """Return the present date, time, or both.

    Args:
        ctx: the execution.
        format: `datetime` in ISO form with offset, `date`, `time`, or `timestamp`: milliseconds since 1970 UTC.
        timezone: an IANA name; by default the current actor's, else the host's.
        weekday: append the English weekday, but not to a timestamp.

    Returns:
        Such as `2024-01-19T17:47:19.479534+00:00`; times always have six digits of a second.
    """
    now = ctx.clock.time()
    if format == "timestamp":
        return str((now - EPOCH) // timedelta(milliseconds=1))
    known = ctx.actor.time_zone if ctx.actor else ""
    local = now.astimezone(first_zone(timezone, known, ctx.options.time_zone))
    match format:
        case "date":
            shown = local.date().isoformat()
        case "time":
            shown = local.time().isoformat("microseconds")
        case _:
            shown = local.isoformat(timespec="microseconds")
    return f"{shown}, {WEEKDAYS[local.weekday()]}" if weekday else shown
