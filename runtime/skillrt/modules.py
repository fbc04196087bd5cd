"""The modules that templates may name, in the one table `MODULES`: the listed names, and no way to Python's own.

Classes are namespaces too: a call makes a value, their members are the constructors and constants. What returns
an iterator in Python returns a list here.

Source: language reference, tags: the modules available everywhere.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from types import MappingProxyType
from typing import Any, Final

from skillrt import guards
from skillrt.errors import LimitError, SecurityError
from skillrt.functions import new_uuid, zone_info
from skillrt.timed import timed
from skillrt.values import Namespace

MAX_INDENT: Final = 16
FLAGS: Final = re.IGNORECASE | re.MULTILINE | re.DOTALL  # others print, or ask the locale


def loads(source: str | bytes) -> Any:
    """The value of a JSON text."""
    guards.check_chars(len(source))
    try:
        return json.loads(source)
    except RecursionError:
        raise LimitError("a JSON text is nested too deep") from None


def dumps(
    value: Any,
    *,
    indent: int | str | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
    ensure_ascii: bool = True,
) -> str:
    """The JSON text of a value."""
    guards.check_size(value)
    for wide in (indent, *(separators or ())):
        if (wide if isinstance(wide, int) else len(wide or "")) > MAX_INDENT:
            raise LimitError("the blanks of a JSON text are too wide")
    encoder = json.JSONEncoder(
        indent=indent, separators=separators, sort_keys=sort_keys, ensure_ascii=ensure_ascii
    )
    parts: list[str] = []
    size = 0
    for part in encoder.iterencode(value):
        size += len(part)
        guards.check_chars(size)
        parts.append(part)
    return "".join(parts)


@timed
def compile_pattern(pattern: Any, flags: int = 0) -> re.Pattern[str]:
    """A regular expression; one that is compiled already is returned as it is."""
    if flags & ~FLAGS:
        raise SecurityError(f"access to regular expression flags {flags & ~FLAGS} is not allowed")
    size = len(getattr(pattern, "pattern", pattern))
    if size > guards.MAX_PATTERN:
        raise LimitError(f"a regular expression of {size} characters is too long")
    try:
        return re.compile(pattern, flags)
    except RecursionError:
        raise LimitError("a regular expression is nested too deep") from None


def _finding(name: str) -> Callable[..., Any]:
    method = guards.GUARDED[re.Pattern][name]

    def find(pattern: Any, string: Any, flags: int = 0) -> Any:
        return method(compile_pattern(pattern, flags), string)

    return find


def _replacing(name: str) -> Callable[..., Any]:
    method = guards.GUARDED[re.Pattern][name]

    def replace(pattern: Any, repl: Any, string: Any, count: int = 0, flags: int = 0) -> Any:
        return method(compile_pattern(pattern, flags), repl, string, count)

    return replace


def split(pattern: Any, string: Any, maxsplit: int = 0, flags: int = 0) -> list[Any]:
    """The parts of a text between the matches."""
    parts: list[Any] = guards.GUARDED[re.Pattern]["split"](
        compile_pattern(pattern, flags), string, maxsplit
    )
    return parts


def escape(text: str) -> str:
    """The regular expression that matches exactly this text."""
    guards.check_chars(2 * len(text))
    return re.escape(text)


def utcnow() -> datetime:
    """The present time of UTC, without a zone."""
    return datetime.now(UTC).replace(tzinfo=None)


def _strptime(source: str, form: str) -> datetime:
    parsed: datetime = guards.GUARDED[date]["strptime"](datetime, source, form)
    return parsed


def namespace(name: str, make: Callable[..., Any] | None = None, /, **members: Any) -> Namespace:
    """A frozen namespace."""
    return Namespace(name, MappingProxyType(members), make)


DATETIME: Final = namespace(
    "datetime.datetime",
    datetime,
    now=datetime.now,
    utcnow=utcnow,
    today=datetime.today,
    fromtimestamp=datetime.fromtimestamp,
    fromisoformat=datetime.fromisoformat,
    fromordinal=datetime.fromordinal,
    combine=datetime.combine,
    strptime=_strptime,
    min=datetime.min,
    max=datetime.max,
)
DATE: Final = namespace(
    "datetime.date",
    date,
    today=date.today,
    fromtimestamp=date.fromtimestamp,
    fromisoformat=date.fromisoformat,
    fromordinal=date.fromordinal,
    min=date.min,
    max=date.max,
)
TIME: Final = namespace(
    "datetime.time", time, fromisoformat=time.fromisoformat, min=time.min, max=time.max
)
TIMEDELTA: Final = namespace(
    "datetime.timedelta",
    timedelta,
    min=timedelta.min,
    max=timedelta.max,
    resolution=timedelta.resolution,
)
TIMEZONE: Final = namespace("datetime.timezone", timezone, utc=UTC)

MODULES: Final[Mapping[str, Namespace]] = MappingProxyType(
    {
        "json": namespace("json", loads=loads, dumps=dumps),
        "re": namespace(
            "re",
            compile=compile_pattern,
            escape=escape,
            split=split,
            sub=_replacing("sub"),
            subn=_replacing("subn"),
            search=_finding("search"),
            match=_finding("match"),
            fullmatch=_finding("fullmatch"),
            findall=_finding("findall"),
            finditer=_finding("finditer"),
            I=re.IGNORECASE,
            IGNORECASE=re.IGNORECASE,
            M=re.MULTILINE,
            MULTILINE=re.MULTILINE,
            S=re.DOTALL,
            DOTALL=re.DOTALL,
        ),
        "datetime": namespace(
            "datetime",
            datetime=DATETIME,
            date=DATE,
            time=TIME,
            timedelta=TIMEDELTA,
            timezone=TIMEZONE,
            UTC=UTC,
        ),
        "math": namespace(
            "math",
            ceil=math.ceil,
            floor=math.floor,
            trunc=math.trunc,
            sqrt=math.sqrt,
            pow=math.pow,
            exp=math.exp,
            log=math.log,
            log10=math.log10,
            fabs=math.fabs,
            isnan=math.isnan,
            isclose=math.isclose,
            inf=math.inf,
            pi=math.pi,
            e=math.e,
        ),
        "zoneinfo": namespace("zoneinfo", ZoneInfo=zone_info),
        "uuid": namespace("uuid", uuid4=new_uuid),
    }
)
