"""Filters and tests do what those of Jinja2 do: the same value for the same arguments, or both refuse."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz import examples
from skillrt import filters
from skillrt.errors import SkillError
from skillrt.objects import lipsum
from skillrt.values import UNDEFINED

JINJA = jinja2.Environment()
CONTEXT = JINJA.from_string("").new_context()
OWN = {"bool", "dumps", "loads", "split"}
"""What Jinja2 does not have."""
RANDOM = {"random"}


def theirs(value: Any) -> Any:
    """The value as Jinja2 has it."""
    match value:
        case _ if value is UNDEFINED:
            return JINJA.undefined(name="x")
        case list():
            return [theirs(part) for part in value]
        case tuple():
            return tuple(theirs(part) for part in value)
        case dict():
            return {key: theirs(part) for key, part in value.items()}
        case _:
            return value


def plain(value: Any) -> Any:
    """The value with what only one side has replaced: generators, markup, undefined values, named pairs."""
    match value:
        case jinja2.Undefined():
            return UNDEFINED
        case str():
            return str(value)
        case list() | Iterator():
            return [plain(part) for part in value]
        case tuple():
            return tuple(plain(part) for part in value)
        case dict():
            return {key: plain(part) for key, part in value.items()}
        case _:
            return value


REFUSED = "refused"


def ours_of(function: Any, *args: Any, **named: Any) -> str:
    try:
        return repr(plain(function(*args, **named)))
    except SkillError:
        return REFUSED


def theirs_of(call: Any, name: str, value: Any, *args: Any, **named: Any) -> str:
    args = tuple(map(theirs, args))
    try:
        return repr(plain(call(name, theirs(value), args, theirs(named), CONTEXT)))
    except Exception:
        return REFUSED


def assert_same_filter(name: str, value: Any, *args: Any, **named: Any) -> None:
    expected = theirs_of(JINJA.call_filter, name, value, *args, **named)
    function = filters.FILTERS[filters.FILTER_ALIASES.get(name, name)]
    assert ours_of(function, value, *args, **named) == expected


def assert_same_test(name: str, value: Any, *args: Any) -> None:
    expected = theirs_of(JINJA.call_test, name, value, *args)
    function = filters.TESTS[filters.TEST_ALIASES.get(name, name)]
    assert ours_of(function, value, *args) == expected


def test_all_names_of_jinja_are_there() -> None:
    assert set(JINJA.filters) <= {*filters.FILTERS, *filters.FILTER_ALIASES}
    assert set(JINJA.tests) == {*filters.TESTS, *filters.TEST_ALIASES}


# --- any value, any arguments ----------------------------------------------------------------------

PIECES = """
    a B the-end Hello, world! <b>bold</b> <!-- note --> &amp; (see www.example.com). http://x.org/a?b=c&d end.
    me@example.com mailto:me@example.com ftp://a.b 'quoted' "twice" %s %d%% 12 3.5 0x1F äöü ß ſ 🚤 {{x}} -- &lt;c&gt;
    <a href=x> ((http://a.com/(b)))
""".split()  # noqa: SIM905
BLANKS = ["\n", "\r\n", "\t", "\u2028", "\x85", "\xa0", ""]
WORDS = st.lists(st.sampled_from([*PIECES, *BLANKS]), max_size=8).map(" ".join)
TEXTS = st.one_of(
    WORDS, st.text(max_size=12), st.sampled_from(["", "a", "B", "b", "10", "-1.5", "1e3"])
)
NUMBERS = st.one_of(
    st.integers(-20, 2000),
    st.floats(allow_nan=False, width=32),
    st.sampled_from([0, 1, 1000, 1024, 10**7, 2.5, 0.05, -0.0, float("inf")]),
)
SCALARS = st.one_of(TEXTS, NUMBERS, st.booleans(), st.none(), st.just(UNDEFINED))
KEYS = st.sampled_from(["a", "b", "A", "c d", "n", "key", "x>y"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(KEYS, inner, max_size=4),
    ),
    max_leaves=12,
)
ROWS = st.lists(
    st.dictionaries(st.sampled_from(["a", "b"]), st.one_of(TEXTS, NUMBERS), max_size=2), max_size=5
)
LISTS = st.one_of(st.lists(TEXTS, max_size=6), st.lists(NUMBERS, max_size=6), ROWS)
PATHS = st.sampled_from(["a", "b", "a.0", "0", 0, 1, "a,b", "x.y", "", None, "1.a"])
FLAGS = st.one_of(st.booleans(), st.none())
SMALL = st.one_of(st.integers(-3, 90), st.none(), TEXTS)
ITEM_FILTERS = st.sampled_from(
    ["upper", "e", "length", "abs", "first", "int", "string", "none", "list", "reverse", "title"]
)
ITEM_TESTS = st.sampled_from(
    ["odd", "string", "defined", "none", "number", "==", "in", ">", "nothing", "lower", "mapping"]
)


def named(**options: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=options)


def args(*strategies: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """As many of the arguments as one likes."""
    return st.integers(0, len(strategies)).flatmap(
        lambda n: st.tuples(*strategies[:n]).map(list)  # pyright: ignore[reportUnknownArgumentType]
    )


NONE = st.just({})
COMPARING = named(case_sensitive=FLAGS, attribute=PATHS)
ARGUMENTS: Mapping[str, tuple[st.SearchStrategy[Any], st.SearchStrategy[dict[str, Any]]]] = {
    "attr": (args(st.sampled_from(["x", "a", "lower", "real", 3])), NONE),
    "batch": (args(SMALL, SCALARS), named(fill_with=SCALARS)),
    "center": (args(SMALL), NONE),
    "default": (args(SCALARS, FLAGS), named(boolean=FLAGS)),
    "dictsort": (
        args(FLAGS),
        named(by=st.sampled_from(["key", "value", "both"]), reverse=st.booleans()),
    ),
    "filesizeformat": (args(FLAGS), NONE),
    "float": (args(SCALARS), NONE),
    "format": (args(SCALARS, SCALARS), named(a=SCALARS)),
    "groupby": (
        args(PATHS.filter(lambda path: path is not None)),
        named(default=SCALARS, case_sensitive=FLAGS),
    ),
    "indent": (args(SMALL, FLAGS, FLAGS), NONE),
    "int": (args(SCALARS), named(base=st.sampled_from([2, 8, 10, 16, 0, 1, 99, "a"]))),
    "join": (args(SCALARS, PATHS), NONE),
    "map": (args(ITEM_FILTERS), named(attribute=PATHS, default=SCALARS)),
    "max": (args(), COMPARING),
    "min": (args(), COMPARING),
    "reject": (args(ITEM_TESTS, SCALARS), NONE),
    "rejectattr": (args(PATHS, ITEM_TESTS, SCALARS), NONE),
    "replace": (args(TEXTS, TEXTS, SMALL), named(count=st.integers(-2, 3))),
    "round": (args(st.integers(-5, 5)), named(method=st.sampled_from(["common", "ceil", "x"]))),
    "select": (args(ITEM_TESTS, SCALARS), NONE),
    "selectattr": (args(PATHS, ITEM_TESTS, SCALARS), NONE),
    "slice": (args(SMALL, SCALARS), NONE),
    "sort": (args(st.booleans()), COMPARING),
    "sum": (args(PATHS), named(start=SCALARS)),
    "tojson": (args(st.sampled_from([None, 0, 1, 2])), NONE),
    "trim": (args(st.one_of(st.none(), TEXTS, st.just(3))), NONE),
    "truncate": (args(SMALL, FLAGS, TEXTS, SMALL), NONE),
    "unique": (args(), COMPARING),
    "urlize": (
        args(st.one_of(st.none(), st.integers(0, 20))),
        named(
            nofollow=FLAGS,
            rel=st.sampled_from(["a b", "nofollow", "", '"']),
            target=st.sampled_from(["_blank", '"<']),
            extra_schemes=st.sampled_from([["ftp:"], ["ftp://", "x:"], ["bad"], "ab"]),
        ),
    ),
    "wordwrap": (args(SMALL, FLAGS), named(wrapstring=TEXTS, break_on_hyphens=FLAGS)),
    "xmlattr": (args(FLAGS), NONE),
}
FILTERS = sorted({*JINJA.filters} - RANDOM - {"d", "e", "count"})


@pytest.mark.parametrize("name", FILTERS)
def test_filter_equals_that_of_jinja(name: str) -> None:
    """For any value and any arguments: the same result as Jinja2's filter, or both refuse."""
    positional, options = ARGUMENTS.get(name, (args(), NONE))

    @given(st.one_of(VALUES, LISTS, TEXTS), positional, options)
    @examples(40, 1000)
    def check(value: Any, positional: list[Any], options: dict[str, Any]) -> None:
        if name != "truncate" or isinstance(value, str):  # of other things nothing is cut off
            assert_same_filter(name, value, *positional, **options)

    check()


@pytest.mark.parametrize("name", sorted(JINJA.tests))
def test_test_equals_that_of_jinja(name: str) -> None:
    """For any value and any argument: the same answer as Jinja2's test, or both refuse."""

    @given(VALUES, st.lists(VALUES, max_size=1))
    @examples(40, 1000)
    def check(value: Any, positional: list[Any]) -> None:
        if name != "sameas" or value is not UNDEFINED:  # there is only one undefined value
            assert_same_test(name, value, *positional)

    check()


# --- what is left to chance ------------------------------------------------------------------------


@given(st.lists(SCALARS, max_size=5), st.integers())
@examples(100, 10_000)
def test_random_chooses_as_jinja_does(value: list[Any], seed: int) -> None:
    """The same random numbers choose the same item."""
    random.seed(seed)
    expected = theirs_of(JINJA.call_filter, "random", value)
    assert repr(filters.random(value, source=Random(seed))) == expected


@given(
    st.integers(-1, 4),
    st.booleans(),
    st.integers(1, 30),
    st.integers(31, 60),
    st.integers(0, 2**32),
)
@examples(50, 5000)
def test_lipsum_writes_what_jinja_does(n: int, html: bool, low: int, high: int, seed: int) -> None:
    """The same random numbers give the same words."""
    random.seed(seed)
    expected = str(jinja2.utils.generate_lorem_ipsum(n, html, low, high))
    assert lipsum(n, html, low, high, source=Random(seed)) == expected
