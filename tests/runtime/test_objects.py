"""The objects that NSL templates make, the loop object, and the text form and loops of that dialect."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz import examples
from skillrt import values
from skillrt.errors import LimitError, SecurityError, SkillError
from skillrt.functions import FUNCTIONS
from skillrt.loops import Loop
from skillrt.objects import new_cycler, new_joiner, new_namespace, set_field
from skillrt.values import UNDEFINED, DslList, JsonText, Record, nsl_items, nsl_text

FACTS = ("index", "index0", "revindex", "revindex0", "first", "last", "length", "depth", "depth0")


def facts(loop: Any) -> list[Any]:
    """Everything a pass can ask."""
    asked = [getattr(loop, name) for name in FACTS]
    near = [
        None if isinstance(v, type(UNDEFINED) | jinja2.Undefined) else v
        for v in (loop.previtem, loop.nextitem)
    ]
    return [*asked, *near, loop.cycle("a", "b", "c"), loop.changed(loop.previtem and 1), len(loop)]


@given(st.lists(st.integers(0, 2), max_size=6), st.integers(0, 3))
@examples(200, 10_000)
def test_loop_knows_what_that_of_jinja_knows(items: list[int], depth0: int) -> None:
    """In every pass, every attribute has the value that it has in Jinja2."""
    theirs = jinja2.runtime.LoopContext(items, jinja2.Undefined, depth0=depth0)
    ours = Loop(items, depth0)
    assert [(item, facts(ours)) for item in ours] == [(item, facts(loop)) for item, loop in theirs]


def test_loop_meets_what_is_added_meanwhile() -> None:
    items = [1]
    loop = Loop(items)
    seen: list[tuple[int, bool]] = []
    for item in loop:
        if item < 3:
            items.append(item + 1)
        seen.append((item, loop.last))
    assert seen == [(1, False), (2, False), (3, True)]


def test_loop_shows_templates_its_facts_and_nothing_else() -> None:
    loop = Loop([7])
    for _ in loop:
        assert values.get(loop, "index") == 1
        assert values.call(values.get(loop, "cycle"), "a") == "a"
        assert values.get(loop, "nope") is UNDEFINED
        assert values.nsl_text(loop) == "<loop 1/1>"
        with pytest.raises(SecurityError):
            values.get(loop, "_items")
        with pytest.raises(SkillError, match="cannot call a Loop"):
            values.call(loop, [])


def test_cycle_needs_values() -> None:
    with pytest.raises(SkillError, match=r"loop\.cycle expects values"):
        Loop([]).cycle()
    with pytest.raises(SkillError, match="cycler expects at least one value"):
        new_cycler()


def test_namespace_holds_fields() -> None:
    fields = new_namespace({"a": 1}, b=2)
    set_field(fields, "a", 3)
    set_field(fields, "length", 4)
    assert [values.get(fields, name) for name in ("a", "b", "length", "c")] == [3, 2, 4, UNDEFINED]
    assert values.item(fields, "a") == 3
    assert nsl_text(fields) == "<namespace>"
    assert nsl_text([fields]) == "[<namespace>]"


def test_only_namespaces_have_fields_to_assign() -> None:
    for owner in ({}, "a", None, UNDEFINED, Loop([])):
        with pytest.raises(SkillError, match="only of a namespace"):
            set_field(owner, "a", 1)


@pytest.mark.parametrize("name", ["__class__", "__dict__", "_x", "__str__"])
def test_namespace_has_no_hidden_fields(name: str) -> None:
    with pytest.raises(SecurityError):
        set_field(new_namespace(), name, 1)
    with pytest.raises(SecurityError):
        new_namespace({name: 1})
    with pytest.raises(SecurityError):
        values.get(new_namespace(), name)


def test_namespace_refuses_what_is_no_name() -> None:
    with pytest.raises(SkillError, match="expected the name of a field, got a number"):
        new_namespace({1: 2})


def test_cycler_and_joiner() -> None:
    cycler = new_cycler("a", "b")
    shown = [cycler.current, cycler.next(), cycler.next(), cycler.next(), cycler.current]
    assert shown == ["a", "a", "b", "a", "b"]
    cycler.reset()
    assert values.get(cycler, "current") == "a"
    joiner = new_joiner("; ")
    assert [joiner(), joiner(), values.call(joiner)] == ["", "; ", "; "]
    assert nsl_text([cycler, joiner]) == "[<cycler>, <joiner>]"


def test_lipsum_is_limited() -> None:
    with pytest.raises(LimitError, match="words without meaning are over the limit"):
        FUNCTIONS["lipsum"](10**6)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "None"),
        (UNDEFINED, ""),
        (True, "True"),
        ([None, "a"], "[None, 'a']"),
        (DslList([None, 1], "-"), "None-1"),
        (Record("Sue", {"name": "x"}), "Sue"),
    ],
)
def test_text_form(value: Any, expected: str) -> None:
    assert nsl_text(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([1, 2], [1, 2]),
        ((1, 2), [1, 2]),
        ({"a": 1}, ["a"]),
        ("ab", ["a", "b"]),
        ("[1]", ["[", "1", "]"]),
        ("", []),
        (UNDEFINED, []),
        (JsonText("[1, 2]"), [1, 2]),
        (JsonText('{"a": 1}'), ["a"]),
        (JsonText("12"), ["1", "2"]),
        (range(2), [0, 1]),
        ({"a": 1}.items(), [("a", 1)]),
    ],
)
def test_items(value: Any, expected: list[Any]) -> None:
    found: Iterable[Any] = nsl_items(value)
    assert list(found) == expected


@pytest.mark.parametrize("value", [None, 1, 1.5, True])
def test_what_has_no_items_is_refused(value: Any) -> None:
    with pytest.raises(SkillError, match="cannot loop over"):
        nsl_items(value)


def test_lists_are_walked_as_they_are() -> None:
    items = [1]
    assert nsl_items(items) is items
