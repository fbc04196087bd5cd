"""The built-in functions of the template language, in the one table `FUNCTIONS`.

They are Python's, with three differences: what could explode is refused, JSON text is walked by what it says, and
what Python answers with an iterator is a list. Their own names are none that a variable of a template can have.

Source: language reference, tags: functions and pure helpers available everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from types import MappingProxyType
from typing import Any, Final
from uuid import uuid4

from skillrt import guards, values
from skillrt.clock import time_zone
from skillrt.errors import LimitError, SkillError
from skillrt.objects import lipsum, new_cycler, new_joiner, new_namespace

MAX_DIGITS: Final = 400


def safe_str(value: Any = "") -> str:
    """The text form."""
    return values.text(value)


def safe_int(value: Any = 0, *base: int) -> int:
    """A whole number from a number or text."""
    number = int(value, *base)
    guards.check_bits(number.bit_length())
    return number


def safe_float(value: Any = 0.0) -> float:
    """A number from a number or text."""
    return float(value)


def safe_bool(value: Any = False) -> bool:
    """The truth of a value."""
    return bool(value)


def safe_list(value: Any = ()) -> list[Any]:
    """A new list of the items of a value."""
    return values.iterate(value)


def safe_dict(pairs: Any = (), **named: Any) -> dict[Any, Any]:
    """A new dict from a dict or from pairs."""
    return dict(pairs, **named)


def safe_len(value: Any) -> int:
    """The number of characters or items."""
    return len(value)


def safe_min(*candidates: Any, **options: Any) -> Any:
    """The least of the arguments, or of the items of the only one; options `key` and `default`."""
    return min(_candidates(candidates), **options)


def safe_max(*candidates: Any, **options: Any) -> Any:
    """The greatest of the arguments, or of the items of the only one; options `key` and `default`."""
    return max(_candidates(candidates), **options)


def _candidates(candidates: tuple[Any, ...]) -> list[Any]:
    return values.iterate(candidates[0]) if len(candidates) == 1 else list(candidates)


def safe_sum(value: Any, start: Any = 0) -> Any:
    """The sum of the items of a value."""
    return values.total(values.iterate(value), start)


def safe_abs(value: Any) -> Any:
    """The number without its sign."""
    return abs(value)


def safe_round(value: Any, digits: int | None = None) -> Any:
    """The number rounded to a whole one, or to so many decimal digits."""
    if digits is not None and abs(digits) > MAX_DIGITS:
        raise LimitError(f"cannot round to {digits} digits")
    return round(value, digits)


def safe_sorted(
    value: Any, *, key: Callable[[Any], Any] | None = None, reverse: bool = False
) -> Any:
    """A new list of the items in ascending order."""
    return sorted(values.iterate(value), key=key, reverse=reverse)


def safe_reversed(value: Any) -> list[Any]:
    """A new list of the items, last first."""
    return values.iterate(value)[::-1]


def safe_enumerate(value: Any, start: int = 0) -> list[tuple[int, Any]]:
    """A list of the pairs (number, item)."""
    return list(enumerate(values.iterate(value), start))


def safe_zip(*parts: Any) -> list[tuple[Any, ...]]:
    """A list of tuples of the first items, the second ones, and so on, as far as all reach."""
    columns = list(map(values.iterate, parts))
    guards.check_items(len(columns) * min(map(len, columns), default=0))
    return list(zip(*columns, strict=False))


def safe_any(value: Any) -> bool:
    """Whether any item is true."""
    return any(values.iterate(value))


def safe_all(value: Any) -> bool:
    """Whether all items are true."""
    return all(values.iterate(value))


def safe_range(*bounds: int) -> range:
    """The whole numbers from a first to below a last one, by a step."""
    numbers = range(*bounds)
    if numbers and abs(numbers[-1] - numbers[0]) >= guards.MAX_ITEMS * abs(numbers.step):
        raise LimitError(f"a range is over the limit of {guards.MAX_ITEMS} numbers")
    return numbers


def safe_repr(value: Any) -> str:
    """The value as Python writes it."""
    guards.check_printed([value])
    return repr(value)


def add_all(*parts: Any) -> Any:
    """The sum of the arguments; texts and lists are joined."""
    return reduce(values.add, parts) if parts else 0


def multiply_all(*factors: Any) -> Any:
    """The product of the arguments."""
    return reduce(values.multiply, factors) if factors else 1


def strip(value: Any, chars: str | None = None) -> str:
    """The text without blanks, or without `chars`, at its ends."""
    return values.text(value).strip(chars)


def zone_info(key: str) -> Any:
    """The time zone of an IANA name.

    Raises:
        SkillError: nobody knows it.
    """
    try:
        return time_zone(key)
    except LookupError as error:
        raise SkillError(error.args[0]) from None


def new_uuid() -> Any:
    """A fresh random UUID."""
    return uuid4()


FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = MappingProxyType(
    {
        "str": safe_str,
        "int": safe_int,
        "float": safe_float,
        "bool": safe_bool,
        "list": safe_list,
        "dict": safe_dict,
        "len": safe_len,
        "min": safe_min,
        "max": safe_max,
        "sum": safe_sum,
        "abs": safe_abs,
        "round": safe_round,
        "sorted": safe_sorted,
        "reversed": safe_reversed,
        "enumerate": safe_enumerate,
        "zip": safe_zip,
        "any": safe_any,
        "all": safe_all,
        "range": safe_range,
        "repr": safe_repr,
        "uuid4": new_uuid,
        "ZoneInfo": zone_info,
        "add": add_all,
        "subtract": values.subtract,
        "multiply": multiply_all,
        "equal": values.equal,
        "notequal": values.not_equal,
        "greater": values.greater,
        "less": values.less,
        "contains": values.contains,
        "strip": strip,
        "namespace": new_namespace,
        "cycler": new_cycler,
        "joiner": new_joiner,
        "lipsum": lipsum,
    }
)
# What Python says of a wrong call names what the template called.
for _name, _function in FUNCTIONS.items():
    _function.__qualname__ = _name
