"""Filters that make numbers, or texts of numbers.

Source: Jinja 3.1, built-in filters; language reference for `bool`.
"""

from __future__ import annotations

import math
from typing import Any, Final, overload

from skillrt import guards, values
from skillrt.errors import LimitError, SkillError
from skillrt.filters.registry import jinja_filter
from skillrt.functions import MAX_DIGITS
from skillrt.kinds import FLAGS
from skillrt.values import UNDEFINED

DECIMAL: Final = ("kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB")
BINARY: Final = ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB")


@jinja_filter("abs")
def abs_(value: Any, /) -> Any:
    """The number without its sign."""
    return abs(value)


@overload
def int_(value: Any, /, default: int = 0, base: Any = 10) -> int: ...


@overload
def int_(value: Any, /, default: Any, base: Any = 10) -> Any: ...


@jinja_filter("int")
def int_(value: Any, /, default: Any = 0, base: Any = 10) -> Any:
    """The whole number, of text in a number system of its own if asked for; `default` for what is none."""
    _refuse_undefined(value)
    try:
        number = int(value, base) if isinstance(value, str) else int(value)
    except (TypeError, ValueError):
        try:
            number = int(float(value))  # text like "42.5"
        except (TypeError, ValueError, OverflowError):
            return default
    guards.check_bits(number.bit_length())
    return number


@overload
def float_(value: Any, /, default: float = 0.0) -> float: ...


@overload
def float_(value: Any, /, default: Any) -> Any: ...


@jinja_filter("float")
def float_(value: Any, /, default: Any = 0.0) -> Any:
    """The number; `default` for what is none."""
    _refuse_undefined(value)
    try:
        return float(value)
    except (TypeError, ValueError):
        return default


@jinja_filter("bool")
def bool_(value: Any, /) -> bool:
    """True or false as flags of actions are written: `yes`, `t`, `0`, ...; blank text and none are false.

    Source: action catalogue, flags.
    """
    if value is None or value is UNDEFINED:
        return False
    if not isinstance(value, str | int):
        raise TypeError
    flag = str(value).strip().lower()
    return FLAGS[flag] if flag else False


@jinja_filter("round")
def round_(value: Any, /, precision: Any = 0, method: Any = "common") -> Any:
    """The number with so many decimal digits; `method` is `common`, `ceil` or `floor`."""
    if abs(precision) > MAX_DIGITS:
        raise LimitError(f"cannot round to {precision} digits")
    match method:
        case "common":
            return round(value, precision)
        case "ceil":
            return math.ceil(values.multiply(value, 10**precision)) / 10**precision
        case "floor":
            return math.floor(values.multiply(value, 10**precision)) / 10**precision
        case _:
            raise SkillError("filter 'round' expects the method common, ceil or floor")


@jinja_filter("filesizeformat")
def filesizeformat(value: Any, /, binary: Any = False) -> str:
    """The number of bytes as people read it, such as `13 kB`; `binary` counts in steps of 1024."""
    _refuse_undefined(value)
    size = float(value)
    step, units = (1024, BINARY) if binary else (1000, DECIMAL)
    if size == 1:
        return "1 Byte"
    if size < step:
        return f"{int(size)} Bytes"
    power = next((n for n in range(1, len(units)) if size < step ** (n + 1)), len(units))
    return f"{step * size / step ** (power + 1):.1f} {units[power - 1]}"


def _refuse_undefined(value: Any) -> None:
    if value is UNDEFINED:
        raise SkillError("an undefined value is no number")
