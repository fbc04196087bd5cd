"""What filters do that Jinja's cannot: kinds of values of our own, limits, refusals, messages."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest

from skillrt import filters
from skillrt.errors import LimitError, SecurityError, SkillError
from skillrt.filters import FILTER_ALIASES, FILTERS, TEST_ALIASES, TESTS
from skillrt.modules import MODULES
from skillrt.objects import new_namespace
from skillrt.values import UNDEFINED, DslList, Escaped, JsonText, Record, Reply

HUGE = 10**9
USER = Record("Sue", {"name": "Sue", "age": 30})


def applied(name: str, value: Any, *args: Any, **named: Any) -> Any:
    return FILTERS[FILTER_ALIASES.get(name, name)](value, *args, **named)


# --- the tables ------------------------------------------------------------------------------------


def test_every_filter_and_test_has_its_python_name_in_the_package() -> None:
    for name, function in [*FILTERS.items(), *((f"is_{n}", f) for n, f in TESTS.items())]:
        assert function.__name__ in {name, f"{name}_"}
        assert getattr(filters, function.__name__) is function
        assert function.__name__ in filters.__all__


def test_signatures_name_the_arguments_that_templates_may_use() -> None:
    parameters = inspect.signature(FILTERS["truncate"]).parameters
    assert list(parameters) == ["value", "length", "killwords", "end", "leeway"]
    assert inspect.signature(FILTERS["join"]).return_annotation == "str"


def test_aliases_are_no_names_of_their_own() -> None:
    assert not {*FILTER_ALIASES} & {*FILTERS}
    assert not {*TEST_ALIASES} & {*TESTS}
    assert {*FILTER_ALIASES.values()} <= {*FILTERS}
    assert {*TEST_ALIASES.values()} <= {*TESTS}


# --- filters that Jinja does not have --------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "args", "expected"),
    [
        ("strip", " a ", (), "a"),
        ("split", "a,b", (",",), ["a", "b"]),
        ("split", " a  b ", (), ["a", "b"]),
        ("split", "a,b,c", (",", 1), ["a", "b,c"]),
        ("split", 1.5, (".",), ["1", "5"]),
        ("split", UNDEFINED, (",",), [""]),
        ("bool", "Yes", (), True),
        ("bool", " false ", (), False),
        ("bool", 1, (), True),
        ("bool", True, (), True),
        ("bool", "", (), False),
        ("bool", " ", (), False),
        ("bool", None, (), False),
        ("bool", UNDEFINED, (), False),
        ("loads", '{"k": [1]}', (), {"k": [1]}),
        ("fromjson", "2", (), 2),
        ("dumps", {"b": "<é>", "a": None}, (), '{"b": "<\\u00e9>", "a": null}'),
        ("dumps", [1], (1,), "[\n 1\n]"),
    ],
)
def test_own_filters(name: str, value: Any, args: tuple[Any, ...], expected: Any) -> None:
    assert applied(name, value, *args) == expected


# --- kinds of values that Jinja does not have ------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "args", "expected"),
    [
        ("join", JsonText("[1, 2]"), ("-",), "1-2"),
        ("join", JsonText('"ab"'), ("-",), '"-a-b-"'),
        ("join", DslList([1, None, DslList(["a", "b"], ",")]), ("-",), "1-None-a,b"),
        ("string", DslList(["a", 1], ","), (), "a,1"),
        ("first", JsonText('{"k": 1}'), (), "k"),
        ("last", JsonText("[1, 2]"), (), 2),
        ("length", JsonText("[1, 2]"), (), 2),
        ("length", JsonText("12"), (), 2),
        ("reverse", JsonText("[1, 2]"), (), [2, 1]),
        ("reverse", JsonText("12"), (), "21"),
        ("items", JsonText('{"k": 1}'), (), [("k", 1)]),
        ("dictsort", JsonText('{"b": 1, "a": 2}'), (), [("a", 2), ("b", 1)]),
        ("map", JsonText('[{"k": 1}]'), (), [1]),
        ("upper", USER, (), "SUE"),
        ("attr", USER, ("age",), 30),
        ("attr", {"k": 1}, ("k",), UNDEFINED),
        ("attr", JsonText('{"k": 1}'), ("k",), UNDEFINED),
        ("attr", Reply("", "failed(x)"), ("failed",), True),
        ("sort", [USER, Record("Al", {"age": 4})], (), ["Al", "Sue"]),
    ],
)
def test_own_kinds_of_values(name: str, value: Any, args: tuple[Any, ...], expected: Any) -> None:
    named = {"attribute": "k"} if name == "map" else {"attribute": "age"} if name == "sort" else {}
    assert applied(name, value, *args, **named) == expected


def test_text_of_any_kind_stays_what_it_is_as_a_string() -> None:
    source = JsonText("[1]")
    assert filters.string(source) is source


def test_groups_are_pairs_with_names() -> None:
    (group,) = filters.groupby([{"k": "a"}, {"k": "A"}], "k")
    assert repr(group) == "('a', [{'k': 'a'}, {'k': 'A'}])"
    assert filters.attr(group, "grouper") == "a"
    assert filters.map_([group], attribute="list") == [[{"k": "a"}, {"k": "A"}]]


def test_lists_in_place_of_generators_can_be_walked_twice() -> None:
    numbers = filters.select([1, 2, 3], "odd")
    assert (filters.length(numbers), filters.join(numbers), filters.join(numbers)) == (
        2,
        "13",
        "13",
    )


def test_escaped_text_is_not_escaped_again() -> None:
    once = filters.escape("<a>")
    assert once == "&lt;a&gt;"
    assert isinstance(once, Escaped)
    assert filters.escape(once) == once
    assert filters.forceescape(once) == "&amp;lt;a&amp;gt;"
    assert filters.escape(filters.safe("<a>")) == "<a>"
    assert filters.escape(filters.tojson("<a>")) == '"\\u003ca\\u003e"'
    assert filters.is_escaped(once)
    assert not filters.is_escaped("a")


def test_modules_are_callable_only_if_they_make_something() -> None:
    assert not filters.is_callable(MODULES["json"])
    assert filters.is_callable(MODULES["datetime"].members["date"])


# --- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "args", "message"),
    [
        ("sort", [1, "a"], (), "filter 'sort' cannot be applied to a list"),
        ("abs", "x", (), "filter 'abs' cannot be applied to text"),
        ("trim", "x", (3,), "filter 'trim' cannot be applied to text with a number"),
        ("center", "x", ("y",), "filter 'center' cannot be applied to text with text"),
        ("join", None, (), "cannot loop over none"),
        ("first", 3, (), "cannot loop over a number"),
        ("items", 3, (), "expected a dict, got a number"),
        ("int", UNDEFINED, (), "an undefined value is no number"),
        ("indent", 3, (), "expected text, got a number"),
        ("attr", UNDEFINED, ("k",), "cannot read 'k' of an undefined value"),
        ("map", [1], ("nope",), "there is no filter 'nope'"),
        ("map", [1], (3,), "expected the name of a filter, got a number"),
        ("select", [1], ("nope",), "there is no test 'nope'"),
        ("map", [1], (), "filter 'map' cannot be applied to a list"),
        ("map", [None], ("sort",), "cannot loop over none"),
        ("bool", "maybe", (), "filter 'bool' cannot be applied to text"),
        ("loads", "{", (), "filter 'loads' cannot be applied to text"),
        ("dictsort", {}, (False, "age"), "filter 'dictsort' sorts by key or by value"),
        ("round", 1, (0, "up"), "filter 'round' expects the method common, ceil or floor"),
        ("truncate", "abc", (2,), "filter 'truncate' expects a length of at least 3"),
        ("xmlattr", {"a b": 1}, (), "'a b' is no name of an attribute"),
        ("urlize", "a", (None, False, None, None, ["x"]), "'x' is no scheme of URLs"),
    ],
)
def test_refusals(name: str, value: Any, args: tuple[Any, ...], message: str) -> None:
    with pytest.raises(SkillError, match=re.escape(message)):
        applied(name, value, *args)


def test_refusal_names_the_arguments() -> None:
    message = "filter 'truncate' cannot be applied to text with length=text"
    with pytest.raises(SkillError, match=message):
        filters.truncate("x", length="y")


def test_refusal_of_a_test() -> None:
    with pytest.raises(SkillError, match="cannot fill a number into text"):
        filters.is_odd("x")
    with pytest.raises(SkillError, match="test 'filter' cannot be applied to a list"):
        filters.is_filter([])


@pytest.mark.parametrize("name", ["__class__", "__init__", "format", "format_map"])
@pytest.mark.parametrize(
    "route",
    [
        lambda value, name: filters.attr(value, name),
        lambda value, name: filters.map_([value], "attr", name),
        lambda value, name: filters.map_([value], attribute=f"{name}.x"),
        lambda value, name: filters.map_([{"k": value}], attribute=f"k.{name}"),
        lambda value, name: filters.selectattr([value], name),
        lambda value, name: filters.rejectattr([value], name, "none"),
        lambda value, name: filters.groupby([value], name),
        lambda value, name: filters.sort([value], attribute=name),
        lambda value, name: filters.sort([value], attribute=f"upper,{name}"),
        lambda value, name: filters.unique([value], attribute=name),
        lambda value, name: filters.min_([value], attribute=name),
        lambda value, name: filters.max_([value], attribute=name),
        lambda value, name: filters.sum_([value], name),
        lambda value, name: filters.join([value], ",", name),
    ],
)
def test_names_that_lead_inside_are_refused_on_every_route(name: str, route: Any) -> None:
    with pytest.raises(SecurityError):
        route("a", name)


# --- limits ----------------------------------------------------------------------------------------

LONG = "a" * (8 * 1024 * 1024)
DEEP: list[Any] = []
for _ in range(300):
    DEEP = [DEEP]
WIDE: list[Any] = [1]
for _ in range(40):
    WIDE = [WIDE, WIDE]


@pytest.mark.parametrize(
    ("name", "value", "args"),
    [
        ("center", "x", (HUGE,)),
        ("indent", "x", (HUGE,)),
        ("indent", "\n" * 10_000, (1000, False, True)),
        ("indent", "\n" * 1_200_000, ()),
        ("format", "%1000000000d", (1,)),
        ("format", "%*d", (HUGE, 1)),
        ("replace", "a" * 10_000, ("", "b" * 1000)),
        ("replace", "a" * 10_000, ("a", "b" * 1000)),
        ("batch", [1], (HUGE, "x")),
        ("slice", [1], (HUGE,)),
        ("round", 1.5, (HUGE, "ceil")),
        ("round", 15, (-HUGE,)),
        ("int", "f" * 100_000, (0, 16)),
        ("join", [LONG, LONG], ()),
        ("join", ["", "", ""], (LONG,)),
        ("join", range(100_000), ("x" * 100,)),
        ("map", range(100), ("center", 100_000)),
        ("map", [list(range(1000))] * 1200, ("list",)),
        ("sum", [[1] * 1_000_000] * 2, (None, [])),
        ("sum", [(1,) * 1_000_000] * 2, (None, ())),
        ("list", range(2_000_000), ()),
        ("split", "a" * 3_000_000, ("a",)),
        ("wordwrap", "a" * 1_000_000, ()),
        ("wordwrap", " " * 1_000_000, ()),
        ("wordwrap", "a" * 2_000_000, ()),
        ("wordwrap", "a\n" * 1000, (79, True, "x" * 10_000)),
        ("title", "a" * 2_000_000, ()),
        ("wordcount", "a" * 2_000_000, ()),
        ("urlize", "a" * 2_000_000, ()),
        ("urlize", "ab.com " * 1000, (None, False, "x" * 10_000)),
        ("urlize", "a " * 10_000, (None, False, None, None, ["ab:"] * 1000)),
        ("urlencode", LONG, ()),
        ("urlencode", {"a": "x" * 2_000_000, "b": "x" * 2_000_000, "c": LONG}, ()),
        ("xmlattr", {"a" * 2_000_000: 1}, ()),
        ("xmlattr", {"a": "x" * 5_000_000, "b": "x" * 5_000_000}, ()),
        ("escape", "<" * 5_000_000, ()),
        ("forceescape", "<" * 5_000_000, ()),
        ("tojson", ["<" * 2_000_000], ()),
        ("tojson", [1], (HUGE,)),
        ("dumps", [1], (HUGE,)),
        ("loads", "[" * 100_000, ()),
        ("upper", "ΐ" * 4_000_000, ()),
        ("pprint", ["x"] * 200_000, ()),
        *((name, WIDE, ()) for name in ("string", "pprint", "tojson", "dumps", "upper", "trim")),
        *((name, [WIDE, WIDE], ()) for name in ("sort", "unique", "min", "max", "join")),
        *((name, DEEP, ()) for name in ("string", "pprint", "tojson", "dumps")),
        ("dictsort", {1: WIDE, 2: WIDE}, (False, "value")),
        ("groupby", [[WIDE], [WIDE]], (0,)),
        ("unique", [LONG] * 3, ()),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 20 else "",
)
def test_what_could_explode_is_over_a_limit(name: str, value: Any, args: tuple[Any, ...]) -> None:
    with pytest.raises(LimitError):
        applied(name, value, *args)


@pytest.mark.parametrize(
    "hostile",
    [
        ")" * 400_000 + "a)",
        "(" * 400_000 + "a" + ")" * 400_000,
        "a@" * 400_000,
        "www." + "a." * 400_000 + "!",
        "a@a" + ".a" * 400_000 + "!",
        "http://[" + "a:" * 400_000,
        "ab." * 300_000 + "!",
    ],
    ids=lambda text: text[:8],
)
def test_links_are_found_in_linear_time(hostile: str) -> None:
    assert len(filters.urlize(hostile)) >= len(hostile)


def test_fields_are_not_walked_by_printing() -> None:
    fields = new_namespace(k=WIDE)
    assert filters.string([fields]) == "[<namespace>]"
