"""Nothing that a template can do to a function or to an object without a text form prints where it lies in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from skillrt import values
from skillrt.actions import CATALOGUE
from skillrt.catalogue import Effect
from skillrt.errors import SkillError
from skillrt.filters import FILTERS
from skillrt.functions import FUNCTIONS
from skillrt.modules import MODULES


class Boat:
    """A host's object."""


NAMELESS = [values.get({}, "items"), values.get("a", "ljust"), len, Boat(), iter(())]
HOLDERS: list[Callable[[Any], Any]] = [
    lambda thing: thing,
    lambda thing: [thing],
    lambda thing: {"k": (thing,)},
    lambda thing: {"k": thing}.items(),
    lambda thing: values.DslList([thing]),
]
PRINTS = (values.text, values.nsl_text, values.to_text, values.stored)
PURE = [
    action
    for action in CATALOGUE.values()
    if action.effects == Effect.PURE and not action.awaited and action.variadic
]
ROUTES: dict[str, Callable[..., Any]] = {
    **{f"filter {name}": function for name, function in FILTERS.items()},
    **{f"function {name}": function for name, function in FUNCTIONS.items()},
    **{f"action {action.name}": action.function for action in PURE},
    **{
        f"{name}.{member}": values.get(module, member)
        for name, module in MODULES.items()
        for member in module.members
    },
    "text % value": lambda value: values.modulo("%s", (value,)),
    "text % of a dict": lambda value: values.modulo("%(k)r", {"k": value}),
    "none": lambda value: value,
}


def printed(route: Callable[..., Any]) -> Iterator[str]:
    """What the route prints, or says when it refuses."""
    for thing in NAMELESS:
        for hold in HOLDERS:
            for form in PRINTS:
                try:
                    yield form(values.call(route, hold(thing)))
                except (SkillError, TypeError, ValueError, AttributeError) as error:
                    yield str(error)


@pytest.mark.parametrize("name", ROUTES)
def test_no_address_is_printed(name: str) -> None:
    texts = list(printed(ROUTES[name]))
    assert len(texts) == len(NAMELESS) * len(HOLDERS) * len(PRINTS)
    assert [text for text in texts if "0x" in text] == []
