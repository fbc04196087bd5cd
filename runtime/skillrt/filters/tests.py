"""The tests of the NSL dialect: what `value is odd` asks.

Source: Jinja 3.1, built-in tests.
"""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Number
from typing import Any

from skillrt import values
from skillrt.filters.registry import FILTER_ALIASES, FILTERS, TEST_ALIASES, TESTS, jinja_test
from skillrt.guards import is_dict
from skillrt.values import UNDEFINED, Escaped, Namespace, nsl_text

# --- kinds of values -------------------------------------------------------------------------------


@jinja_test("defined")
def is_defined(value: Any, /) -> bool:
    """Whether it was ever assigned, or exists where it was looked for."""
    return value is not UNDEFINED


@jinja_test("undefined")
def is_undefined(value: Any, /) -> bool:
    """The opposite of `defined`."""
    return value is UNDEFINED


@jinja_test("none")
def is_none(value: Any, /) -> bool:
    """Whether it is none."""
    return value is None


@jinja_test("boolean")
def is_boolean(value: Any, /) -> bool:
    """Whether it is true or false itself."""
    return isinstance(value, bool)


@jinja_test("true")
def is_true(value: Any, /) -> bool:
    """Whether it is true itself."""
    return value is True


@jinja_test("false")
def is_false(value: Any, /) -> bool:
    """Whether it is false itself."""
    return value is False


@jinja_test("integer")
def is_integer(value: Any, /) -> bool:
    """Whether it is a whole number."""
    return isinstance(value, int) and not isinstance(value, bool)


@jinja_test("float")
def is_float(value: Any, /) -> bool:
    """Whether it is a number with a fraction, even of zero."""
    return isinstance(value, float)


@jinja_test("number")
def is_number(value: Any, /) -> bool:
    """Whether it is a number; true and false are."""
    return isinstance(value, Number)


@jinja_test("string")
def is_string(value: Any, /) -> bool:
    """Whether it is text."""
    return isinstance(value, str)


@jinja_test("mapping")
def is_mapping(value: Any, /) -> bool:
    """Whether it is a dict."""
    return is_dict(value)


@jinja_test("sequence")
def is_sequence(value: Any, /) -> bool:
    """Whether it has a length and items, like lists, dicts and text; undefined does."""
    return value is UNDEFINED or (hasattr(value, "__len__") and hasattr(value, "__getitem__"))


@jinja_test("iterable")
def is_iterable(value: Any, /) -> bool:
    """Whether a loop can walk it; text and undefined, too."""
    return isinstance(value, Iterable)


@jinja_test("callable")
def is_callable(value: Any, /) -> bool:
    """Whether it can be called; in Jinja, undefined passes."""
    if isinstance(value, Namespace):
        return value.make is not None
    return value is UNDEFINED or callable(value)


@jinja_test("escaped")
def is_escaped(value: Any, /) -> bool:
    """Whether it comes from a filter that escapes."""
    return isinstance(value, Escaped)


# --- text and numbers ------------------------------------------------------------------------------


@jinja_test("lower")
def is_lower(value: Any, /) -> bool:
    """Whether its text form has letters, all of them small."""
    return nsl_text(value).islower()


@jinja_test("upper")
def is_upper(value: Any, /) -> bool:
    """Whether its text form has letters, all of them capitals."""
    return nsl_text(value).isupper()


@jinja_test("odd")
def is_odd(value: Any, /) -> bool:
    """Whether dividing it by two leaves one."""
    return values.equal(values.modulo(value, 2), 1)


@jinja_test("even")
def is_even(value: Any, /) -> bool:
    """Whether dividing it by two leaves nothing."""
    return values.equal(values.modulo(value, 2), 0)


@jinja_test("divisibleby")
def is_divisibleby(value: Any, /, num: Any) -> bool:
    """Whether dividing it by `num` leaves nothing."""
    return values.equal(values.modulo(value, num), 0)


# --- comparisons -----------------------------------------------------------------------------------


@jinja_test("eq", "==", "equalto")
def is_eq(value: Any, other: Any, /) -> bool:
    """`value == other`."""
    return values.equal(value, other)


@jinja_test("ne", "!=")
def is_ne(value: Any, other: Any, /) -> bool:
    """`value != other`."""
    return values.not_equal(value, other)


@jinja_test("gt", ">", "greaterthan")
def is_gt(value: Any, other: Any, /) -> bool:
    """`value > other`."""
    return values.greater(value, other)


@jinja_test("ge", ">=")
def is_ge(value: Any, other: Any, /) -> bool:
    """`value >= other`."""
    return values.greater_equal(value, other)


@jinja_test("lt", "<", "lessthan")
def is_lt(value: Any, other: Any, /) -> bool:
    """`value < other`."""
    return values.less(value, other)


@jinja_test("le", "<=")
def is_le(value: Any, other: Any, /) -> bool:
    """`value <= other`."""
    return values.less_equal(value, other)


@jinja_test("sameas")
def is_sameas(value: Any, /, other: Any) -> bool:
    """Whether it is the very same value."""
    return value is other


@jinja_test("in")
def is_in(value: Any, /, seq: Any) -> bool:
    """`value in seq`."""
    return values.contains(seq, value)


# --- what there is ---------------------------------------------------------------------------------


@jinja_test("filter")
def is_filter(value: Any, /) -> bool:
    """Whether there is a filter of that name."""
    return value in FILTERS or value in FILTER_ALIASES


@jinja_test("test")
def is_test(value: Any, /) -> bool:
    """Whether there is a test of that name."""
    return value in TESTS or value in TEST_ALIASES
