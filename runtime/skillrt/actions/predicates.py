"""Tests, which answer "t" or "", and arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias

from skillrt import guards
from skillrt.actions.text import content_of
from skillrt.catalogue import action
from skillrt.errors import ActionError, LimitError
from skillrt.kinds import AnyValue, Num, Num0, Range, Text
from skillrt.values import to_text

if TYPE_CHECKING:
    from decimal import Context, Decimal

__all__ = (
    "add",
    "contains",
    "divide",
    "greater_than",
    "is_empty",
    "is_similar",
    "less_than",
    "multiply",
    "power",
    "subtract",
)

Truth: TypeAlias = Literal["t", ""]

PLATFORM_THRESHOLD: Final = 0.4
NORMALIZED_THRESHOLD: Final = 0.8
EDITED_CHARS: Final = 65_536  # the time of an edit distance grows with the product of both lengths
LARGEST_EXPONENT: Final = 4_000


def truth(answer: bool) -> Truth:
    """The answer as predicates give it."""
    return "t" if answer else ""


@action("IsEmpty")
def is_empty(text: AnyValue) -> Truth:
    """Tell whether a value is nothing, blank text, or an empty list or dict.

    Args:
        text: any value.

    Returns:
        "t" or "".
    """
    return truth(text == {} or not to_text(text).strip())


@action("IsSimilar", parameter_aliases={"text1": "val1", "text2": "val2"})
def is_similar(
    val1: Text,
    val2: Text,
    strategy: Literal["hamming", "levenshtein", "symbols"] = "hamming",
    threshold: Annotated[Num, Range(0, 1)] | None = None,
    *,
    normalized: bool = False,
) -> Truth:
    """Tell whether two texts are alike: 1 - distance / (sum of both lengths) reaches the threshold.

    Args:
        val1: one text; case and blanks count.
        val2: the other.
        strategy: the distance. `hamming` counts places that differ, `levenshtein` edits; `symbols` compares
            letters and digits alone, without case, for equality.
        threshold: from 0 to 1, by default 0.4; ignored by `symbols`.
        normalized: divide by the length of the longer text; the default threshold is then 0.8.

    Returns:
        "t" or "".

    Raises:
        LimitError: texts of more than 65,536 characters for `levenshtein`.
    """
    if strategy == "symbols":
        return truth(_symbols(val1) == _symbols(val2))
    from fractions import Fraction

    from rapidfuzz.distance import Hamming, Levenshtein

    if strategy == "levenshtein":
        if max(len(val1), len(val2)) > EDITED_CHARS:
            raise LimitError(f"IsSimilar: levenshtein takes at most {EDITED_CHARS} characters")
        distance = Levenshtein.distance(val1, val2)
    else:
        distance = Hamming.distance(val1, val2, pad=True)
    whole = max(len(val1), len(val2)) if normalized else len(val1) + len(val2)
    if threshold is None:
        threshold = NORMALIZED_THRESHOLD if normalized else PLATFORM_THRESHOLD
    # without division, and with 0.4 as written: "yes" and "no" score exactly 0.4, which is enough
    return truth(whole - distance >= Fraction(str(threshold)) * whole)


def _symbols(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()


@action("Contains", priority="B")
def contains(text: AnyValue, search: Text) -> Truth:
    """Tell whether a text holds another, or a list or JSON array an item whose text is the other.

    Args:
        text: where to look.
        search: what for; case counts.

    Returns:
        "t" or "".
    """
    content = content_of(text)
    if guards.is_list(content):
        return truth(any(to_text(part) == search for part in content))
    return truth(search in to_text(text))


@action("GreaterThan")
def greater_than(a: Num0, b: Num0) -> Truth:
    """Tell whether one number is greater than another.

    Args:
        a: the one; blank is 0.
        b: the other; blank is 0.

    Returns:
        "t" or "".
    """
    return truth(a > b)


@action("LessThan", priority="B")
def less_than(a: Num0, b: Num0) -> Truth:
    """Tell whether one number is less than another.

    Args:
        a: the one; blank is 0.
        b: the other; blank is 0.

    Returns:
        "t" or "".
    """
    return truth(a < b)


def _calculated(
    name: str, operation: Callable[[Context, Decimal, Decimal], Decimal], a: float, b: float
) -> float:
    """The result of decimal arithmetic with 28 digits: a whole number where it is one."""
    from decimal import Context, Decimal, InvalidOperation, Overflow

    try:
        result = operation(Context(prec=28), Decimal(str(a)), Decimal(str(b)))
    except InvalidOperation:
        raise ActionError(name, None, "the result is no number") from None
    except Overflow:
        raise ActionError(name, None, "the result is too large") from None
    if result.adjusted() > LARGEST_EXPONENT:
        raise ActionError(name, None, "the result is too large")
    return int(result) if result == result.to_integral_value() else float(result)


@action("Add")
def add(a: Num0, b: Num0) -> float:
    """Add two numbers.

    Args:
        a: a number; blank is 0.
        b: the number to add; blank is 0.

    Returns:
        A whole number where the result is one, else one of 28 digits at most.
    """
    return _calculated("Add", lambda context, x, y: context.add(x, y), a, b)


@action("Subtract")
def subtract(a: Num0, b: Num0) -> float:
    """Subtract one number from another.

    Args:
        a: a number; blank is 0.
        b: the number to take from it; blank is 0.

    Returns:
        A whole number where the result is one, else one of 28 digits at most.
    """
    return _calculated("Subtract", lambda context, x, y: context.subtract(x, y), a, b)


@action("Multiply", priority="B")
def multiply(a: Num0, b: Num0) -> float:
    """Multiply two numbers.

    Args:
        a: a number; blank is 0.
        b: the factor; blank is 0.

    Returns:
        A whole number where the result is one, else one of 28 digits at most.
    """
    return _calculated("Multiply", lambda context, x, y: context.multiply(x, y), a, b)


@action("Divide", priority="B")
def divide(a: Num0, b: Num0) -> float:
    """Divide one number by another.

    Args:
        a: a number; blank is 0.
        b: the divisor; blank is 0.

    Returns:
        A whole number where the result is one, else one of 28 digits at most.

    Raises:
        ActionError: the divisor is 0.
    """
    if not b:
        raise ActionError("Divide", None, "division by zero")
    return _calculated("Divide", lambda context, x, y: context.divide(x, y), a, b)


@action("Power", priority="B")
def power(base: Num0, exp: Annotated[Num0, Range(-1024, 1024)]) -> float:
    """Raise a number to a power.

    Args:
        base: the number; blank is 0.
        exp: the exponent, from -1024 to 1024; blank is 0. Anything to the power of 0 is 1.

    Returns:
        A whole number where the result is one, else one of 28 digits at most.

    Raises:
        ActionError: the result is no number, or has more than 4000 digits.
    """
    if not exp:
        return 1
    if not base and exp < 0:
        raise ActionError("Power", None, "division by zero")
    return _calculated("Power", lambda context, x, y: context.power(x, y), base, exp)
