"""The tables of filters and tests, and what every one of them has in common.

1. `@jinja_filter` and `@jinja_test` are the only ways into the tables; the name is the one that templates write.
2. An argument that does not fit is a `SkillError` in the words of a template's author, whatever Python says.
3. What a filter returns is within the limits. What it makes on the way is its own duty (`guards.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from types import MappingProxyType
from typing import Any, Final, ParamSpec, TypeAlias, TypeVar

from skillrt import guards
from skillrt.errors import SkillError
from skillrt.values import describe, quoted

Filter: TypeAlias = Callable[..., Any]
Test: TypeAlias = Callable[..., bool]
Args = ParamSpec("Args")
Result = TypeVar("Result")

_filters: dict[str, Filter] = {}
_tests: dict[str, Test] = {}
_filter_aliases: dict[str, str] = {}
_test_aliases: dict[str, str] = {}

FILTERS: Final[Mapping[str, Filter]] = MappingProxyType(_filters)
"""By canonical name. `skillrt.filters` has each under its Python name, `FILTERS[name].__name__`."""

TESTS: Final[Mapping[str, Test]] = MappingProxyType(_tests)
"""By canonical name. `skillrt.filters` has each under its Python name, `TESTS[name].__name__`."""

FILTER_ALIASES: Final[Mapping[str, str]] = MappingProxyType(_filter_aliases)
TEST_ALIASES: Final[Mapping[str, str]] = MappingProxyType(_test_aliases)

# What Python raises when an operation does not fit its values.
UNFIT: Final = (TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError)


def jinja_filter(
    name: str, *aliases: str
) -> Callable[[Callable[Args, Result]], Callable[Args, Result]]:
    """Enter a function into the table of filters; its first parameter is the value before the bar."""

    def enter(function: Callable[Args, Result]) -> Callable[Args, Result]:
        guarded = _guarded(f"filter '{name}'", function)
        _filters[name] = guarded
        _filter_aliases.update(dict.fromkeys(aliases, name))
        return guarded

    return enter


def jinja_test(name: str, *aliases: str) -> Callable[[Callable[Args, bool]], Callable[Args, bool]]:
    """Enter a function into the table of tests; its first parameter is the value before `is`."""

    def enter(function: Callable[Args, bool]) -> Callable[Args, bool]:
        guarded = _guarded(f"test '{name}'", function)
        _tests[name] = guarded
        _test_aliases.update(dict.fromkeys(aliases, name))
        return guarded

    return enter


def find_filter(name: Any) -> Filter:
    """The filter of a computed name.

    Raises:
        SkillError: there is none.
    """
    return _named(name, "filter", FILTERS, FILTER_ALIASES)


def find_test(name: Any) -> Test:
    """The test of a computed name.

    Raises:
        SkillError: there is none.
    """
    return _named(name, "test", TESTS, TEST_ALIASES)


def _named(
    name: Any, what: str, table: Mapping[str, Filter], aliases: Mapping[str, str]
) -> Callable[..., Any]:
    if not isinstance(name, str):
        raise SkillError(f"expected the name of a {what}, got {describe(name)}")
    found = table.get(aliases.get(name, name))
    if found is None:
        raise SkillError(f"there is no {what} {quoted(name)}")
    return found


def _guarded(what: str, function: Callable[Args, Result]) -> Callable[Args, Result]:
    @wraps(function)
    def guarded(*args: Args.args, **named: Args.kwargs) -> Result:
        try:
            result = function(*args, **named)
        except UNFIT:
            raise SkillError(f"{what} cannot be applied to {_listed(args, named)}") from None
        if guards.is_sequence(result):
            guards.check_length(result, len(result))
        return result

    return guarded


def _listed(args: tuple[Any, ...], named: Mapping[str, Any]) -> str:
    """The kinds of a value and of the arguments after it."""
    value, *others = map(describe, args)
    others += [f"{name}={describe(argument)}" for name, argument in named.items()]
    return f"{value} with {', '.join(others)}" if others else value
