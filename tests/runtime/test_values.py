"""What printing, lookups, loops and operators make of every kind of value."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz import examples
from skillrt import guards, values
from skillrt.actions.text import stringify
from skillrt.errors import LimitError, SecurityError, SkillError
from skillrt.functions import safe_repr
from skillrt.values import UNDEFINED, DslList, JsonText, Record, Reply, Undefined

USER = Record("Susan", {"id": "p1", "name": "Susan", "format": "tall"})
TOPIC = Record("boats", {"id": "t1", "facts": ["a", "b"]}, data=True)
JSON = JsonText('{"a": {"b": [1, 2]}, "title": "T", "n": null}')

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda parts: st.lists(parts) | st.dictionaries(st.text(), parts),
    max_leaves=20,
)


def test_undefined_is_false_and_prints_nothing() -> None:
    assert not UNDEFINED
    assert f"[{UNDEFINED}]" == "[]"
    assert list(UNDEFINED) == []
    assert len(UNDEFINED) == 0
    assert repr([UNDEFINED]) == "[Undefined]"
    assert copy.deepcopy(UNDEFINED) is UNDEFINED
    assert isinstance(UNDEFINED, Undefined)


def test_reply_tells_how_it_ended() -> None:
    assert (Reply("Hi").interrupted, Reply("Hi").failed) == (False, False)
    assert (Reply("H", "interrupted").interrupted, Reply("H", "interrupted").failed) == (
        True,
        False,
    )
    failed = Reply("", "failed(timeout)")
    assert (failed.interrupted, failed.failed, failed.outcome) == (False, True, "failed(timeout)")
    assert Reply("Hi") == "Hi"


@pytest.mark.parametrize(
    ("value", "text", "to_text", "stored"),
    [
        ("a", "a", "a", "a"),
        ("", "", "", ""),
        (None, "", "", ""),
        (UNDEFINED, "", "", ""),
        (True, "True", "True", "True"),
        (3, "3", "3", "3"),
        (0.5, "0.5", "0.5", "0.5"),
        (1.0, "1.0", "1.0", "1.0"),
        (["a", 1], "['a', 1]", "a 1", '["a",1]'),
        (("a", None), "('a', None)", "a ", '["a",null]'),
        ([], "[]", "", "[]"),
        (["a", ["b", "c"]], "['a', ['b', 'c']]", "a b c", '["a",["b","c"]]'),
        ({"k": [1, "é"]}, "{'k': [1, 'é']}", '{"k":[1,"é"]}', '{"k":[1,"é"]}'),
        ({1: {"x": None}}, "{1: {'x': None}}", '{"1":{"x":null}}', '{"1":{"x":null}}'),
        (DslList(["1", 2, None]), "1 2 ", "1 2 ", '["1",2,null]'),
        (DslList(["a", "b"], "\n"), "a\nb", "a\nb", '["a","b"]'),
        (DslList([["a", 1]]), "['a', 1]", "a 1", '[["a",1]]'),
        (DslList(), "", "", ""),
        (DslList([USER, USER]), "Susan Susan", "Susan Susan", "Susan Susan"),
        ([USER], "['Susan']", "Susan", "Susan"),
        (USER, "Susan", "Susan", "Susan"),
        (TOPIC, "boats", "boats", '{"id":"t1","facts":["a","b"]}'),
        ({"u": USER, "t": TOPIC}, "{'u': 'Susan', 't': 'boats'}")
        + ('{"u":"Susan","t":{"id":"t1","facts":["a","b"]}}',) * 2,
        (JsonText('{"a": 1}'), '{"a": 1}', '{"a": 1}', '{"a": 1}'),
        ([JsonText('{"a": 1}')], "['{\"a\": 1}']", '{"a": 1}', '[{"a":1}]'),
        (Reply("Hi"), "Hi", "Hi", "Hi"),
        (date(2024, 1, 2), "2024-01-02", "2024-01-02", "2024-01-02"),
        ({"d": date(2024, 1, 2)}, "{'d': datetime.date(2024, 1, 2)}") + ('{"d":"2024-01-02"}',) * 2,
    ],
)
def test_text_forms(value: Any, text: str, to_text: str, stored: str) -> None:
    assert values.text(value) == text
    assert values.to_text(value) == to_text
    assert values.stored(value) == stored
    for form in (values.text, values.to_text, values.stored):
        assert type(form(value)) is str


class Boat:
    """A host's object without a text form."""


class NamedBoat(Boat):
    def __str__(self) -> str:
        return "Nerina"


FUNCTION = "cannot print a function; a call of it needs parentheses"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (values.get({}, "items"), FUNCTION),
        (values.get("a", "upper"), FUNCTION),
        (values.get("a", "ljust"), FUNCTION),
        ([values.get({}, "items")], FUNCTION),
        ({"k": ({}.keys,)}, FUNCTION),
        ({"k": {}.keys}.values(), FUNCTION),
        (DslList([len]), FUNCTION),
        (Boat(), "cannot print a Boat"),
        ({"boat": [Boat()]}, "cannot print a Boat"),
        (iter([1]), "cannot print a list_iterator"),
        (Boat, "cannot print a type"),
    ],
)
def test_nothing_prints_its_address(value: Any, message: str) -> None:
    prints = (
        values.text,
        values.to_text,
        values.stored,
        lambda value: values.modulo("%s", (value,)),
        lambda value: values.modulo("%(k)r", {"k": value}),
        lambda value: safe_repr([value]),
        lambda value: stringify([value]),
    )
    for form in prints:
        with pytest.raises(SkillError) as caught:
            form(value)
        assert str(caught.value) == message


def test_an_object_prints_what_its_host_says() -> None:
    assert values.text(NamedBoat()) == values.modulo("%s", NamedBoat()) == "Nerina"
    assert values.stored([NamedBoat()]) == '["Nerina"]'
    with pytest.raises(SkillError, match="cannot print a NamedBoat"):
        values.text([NamedBoat()])  # inside a list Python asks for another form


def test_views_of_a_dict_print_and_keep_their_order() -> None:
    stock = {"b": 1, "a": [2], "c": 3}
    assert values.text(values.call(values.get(stock, "values"))) == "dict_values([1, [2], 3])"
    assert values.subtract(stock.keys(), ["a"]) == ["b", "c"]
    with pytest.raises(SecurityError):
        values.get(stock.items(), "mapping")


def test_a_list_of_an_action_prints_joined_in_f_strings_too() -> None:
    assert f"{DslList(['1', 2])}" == "1 2"
    assert repr(DslList(["1"])) == "['1']"


def test_json_text_is_parsed_once() -> None:
    assert JSON.content is JSON.content
    assert values.json_text("[1]").content == [1]
    for text in ("a", "", "1", '"a"', "[a]", "{", "[NaN]", "[" * 100_000):
        assert type(values.json_text(text)) is str
    with pytest.raises(ValueError, match="nested too deep"):
        values.load_json("[" * 100_000)


@examples(100, 10_000)
@given(json_values)
def test_compact_json_says_what_it_was_made_of(value: Any) -> None:
    """Whatever is made of JSON's values comes back equal from its compact JSON, and is stored so."""
    written = values.compact_json(value)
    assert values.load_json(written) == value
    assert written.content == value


def test_compact_json_refuses_what_json_does_not_know() -> None:
    with pytest.raises(SkillError, match="cannot be written as JSON"):
        values.compact_json([float("nan")])
    assert values.compact_json({"u": UNDEFINED, "none": None}) == '{"u":"","none":null}'


# --- lookups ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "name", "expected"),
    [
        ({"a": 1}, "a", 1),
        ({"a": 1}, "b", UNDEFINED),
        ([1, 2], "length", 2),
        ((1, 2), "length", 2),
        (DslList(["a"]), "length", 1),
        (DslList(["a"]), "separator", UNDEFINED),
        (None, "a", UNDEFINED),
        (5, "a", UNDEFINED),
        ("text", "length", UNDEFINED),
        (USER, "name", "Susan"),
        (USER, "format", "tall"),
        (USER, "fields", UNDEFINED),
        (USER, "data", UNDEFINED),
        (JSON, "a", {"b": [1, 2]}),
        (JSON, "n", None),
        (JSON, "length", 3),
        (JSON, "content", UNDEFINED),
        (JsonText("[1, 2]"), "length", 2),
        (JsonText('{"length": 7}'), "length", 7),
        (JsonText("5"), "length", UNDEFINED),
        (Reply("x", "interrupted"), "interrupted", True),
        (Reply("x", "failed(empty)"), "outcome", "failed(empty)"),
        (datetime(2024, 1, 2, tzinfo=UTC), "year", 2024),
    ],
)
def test_get(value: Any, name: str, expected: Any) -> None:
    assert values.get(value, name) == expected


@pytest.mark.parametrize(
    ("value", "index", "expected"),
    [
        ([7, 8], 1, 8),
        ([7, 8], -1, 8),
        ([7, 8], 2, UNDEFINED),
        ([7, 8], "length", 2),
        ([7, 8], "x", UNDEFINED),
        ({"a": 1}, "a", 1),
        ({"_id": 1}, "_id", 1),
        ({}, "_id", UNDEFINED),
        ({}, [], UNDEFINED),
        ("abc", 0, "a"),
        ("abc", 9, UNDEFINED),
        (None, 0, UNDEFINED),
        (5, 0, UNDEFINED),
        (USER, "name", "Susan"),
        (USER, "nope", UNDEFINED),
        (USER, 0, "S"),
        (JSON, "a", {"b": [1, 2]}),
        (JSON, "title", "T"),
        (JSON, "nope", UNDEFINED),
        (JsonText("[7, 8]"), 1, 8),
        (JsonText("[7, 8]"), 5, UNDEFINED),
        (len, 0, UNDEFINED),
    ],
)
def test_item(value: Any, index: Any, expected: Any) -> None:
    assert values.item(value, index) == expected


def test_methods_are_reached_by_name_and_by_index() -> None:
    assert values.call(values.get(" a ", "strip")) == "a"
    assert values.call(values.item(" a ", "strip")) == "a"
    assert values.call(values.get(JSON, "title")) == str(JSON).title()  # text methods come first
    assert values.call(values.get(["a"], "count"), "a") == 1
    assert values.call(values.get({"a": 1}, "get"), "a") == 1


def test_access_on_undefined_is_an_error() -> None:
    with pytest.raises(SkillError, match="cannot read 'a' of an undefined value"):
        values.get(UNDEFINED, "a")
    with pytest.raises(SkillError, match="cannot read item 0 of an undefined value"):
        values.item(UNDEFINED, 0)
    with pytest.raises(SkillError, match="cannot call an undefined value"):
        values.call(UNDEFINED)
    with pytest.raises(SkillError, match="cannot call text"):
        values.call("x")


async def coroutine() -> None:
    """Something whose inside leads far."""


def generator() -> Any:
    yield


class Held:
    """What a host may hand to a skill."""

    kind = int
    module = re

    def visible(self) -> str:
        return "seen"


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (lambda: "x", ["__class__", "format", "format_map"]),
        (lambda: USER, ["__class__", "format_map"]),
        (lambda: JSON, ["__class__", "format"]),
        (list, ["__class__", "__init__"]),
        (dict, ["__class__"]),
        (lambda: 1, ["__class__"]),
        (lambda: None, ["__class__"]),
        (lambda: str, ["mro", "__subclasses__", "join"]),
        (lambda: re, ["sys", "compile"]),
        (lambda: len, ["__self__", "x"]),
        (lambda: coroutine, ["__globals__", "x"]),
        (lambda: values.get("x", "join"), ["__closure__", "x"]),
        (generator, ["gi_frame", "gi_code", "__next__"]),
        (lambda: coroutine.__code__, ["co_consts"]),
        (lambda: Held(), ["__class__", "kind", "module"]),
        (lambda: Held().visible, ["__func__", "x"]),
        (lambda: re.compile("a"), ["scanner", "__class__"]),
        (lambda: UTC, ["__class__", "fromutc"]),
    ],
)
def test_pythons_inside_is_refused(make: Callable[[], Any], names: list[str]) -> None:
    for name in names:
        with pytest.raises(SecurityError, match="is not allowed"):
            values.get(make(), name)
        with pytest.raises(SecurityError, match="is not allowed"):
            values.item(make(), name)


def test_a_key_that_begins_with_an_underscore_is_no_attack() -> None:
    with pytest.raises(SecurityError):
        values.get({"_id": 1}, "_id")
    assert values.item({"_id": 1}, "_id") == 1
    assert values.item("x", "_id") is UNDEFINED


def test_coroutines_are_refused() -> None:
    waiting = coroutine()
    try:
        for name in ("cr_frame", "cr_code", "send"):
            with pytest.raises(SecurityError):
                values.get(waiting, name)
    finally:
        waiting.close()


def test_what_a_host_hands_over_can_be_used() -> None:
    assert values.call(values.get(Held(), "visible")) == "seen"


# --- loops -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["a"], [(None, "a")]),
        (("a",), [(None, "a")]),
        (DslList(["a"]), [(None, "a")]),
        ({"x": 1}, [("x", 1)]),
        (range(2), [(None, 0), (None, 1)]),
        (None, []),
        (UNDEFINED, []),
        ("", []),
        (" \n", []),
        ('["p", "q"]', [(None, "p"), (None, "q")]),
        ('{"x": 1}', [("x", 1)]),
        (JsonText("[1]"), [(None, 1)]),
        (JsonText('{"x": 1}'), [("x", 1)]),
        (JsonText("null"), []),
        (JsonText("12"), [(None, "1"), (None, "2")]),
        ("ab", [(None, "a"), (None, "b")]),
        ("[a", [(None, "["), (None, "a")]),
        ("1", [(None, "1")]),
    ],
)
def test_each(value: Any, expected: Any) -> None:
    assert values.each(value) == expected


def test_loops_collect_the_items_first() -> None:
    names = ["a"]
    for _, name in values.each(names):
        names.insert(0, name)
    assert names == ["a", "a"]


@pytest.mark.parametrize(("value", "what"), [(5, "a number"), (True, "true or false"), (len, "a ")])
def test_loops_refuse_what_has_no_items(value: Any, what: str) -> None:
    with pytest.raises(SkillError, match=f"cannot loop over {what}"):
        values.each(value)


# --- operators -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "left", "right", "expected"),
    [
        (values.add, 1, 2, 3),
        (values.add, "a", "b", "ab"),
        (values.add, Reply("a"), JsonText("1"), "a1"),
        (values.add, [1], [2], [1, 2]),
        (values.add, date(2024, 1, 1), timedelta(1), date(2024, 1, 2)),
        (values.subtract, 5, 2, 3),
        (values.multiply, "ab", 2, "abab"),
        (values.multiply, 2, [1], [1, 1]),
        (values.multiply, 2, 3, 6),
        (values.divide, 1, 4, 0.25),
        (values.modulo, 7, 4, 3),
        (values.modulo, "x=%s", 5, "x=5"),
        (values.modulo, "%s-%d%%", ("a", 7), "a-7%"),
        (values.modulo, "%(k)s %(k)5s", {"k": "v"}, "v     v"),
        (values.modulo, "%*d", (4, 7), "   7"),
        (values.modulo, "%s", UNDEFINED, ""),
        (values.modulo, "%s", DslList(["a", "b"]), "a b"),
        (values.less, 1, 2, True),
        (values.less, "10", "9", True),
        (values.less_equal, 2, 2, True),
        (values.greater, 1, 2, False),
        (values.greater_equal, 1, 2, False),
        (values.equal, "1", 1, False),
        (values.equal, UNDEFINED, UNDEFINED, True),
        (values.equal, UNDEFINED, "", False),
        (values.equal, [1, [2]], [1, [2]], True),
        (values.not_equal, "a", "b", True),
        (values.contains, "abc", "b", True),
        (values.contains, ["a"], "b", False),
        (values.contains, {"a": 1}, "a", True),
        (values.contains, UNDEFINED, "a", False),
        (values.same, None, None, True),
        (values.same, UNDEFINED, None, False),
        (values.same, 1, True, False),
        (values.same, "a", "a", True),
    ],
)
def test_operators(operation: Any, left: Any, right: Any, expected: Any) -> None:
    found = operation(left, right)
    assert found == expected
    assert type(found) is type(expected)


def test_signs() -> None:
    assert values.negate(3) == -3
    assert values.positive(-3) == -3
    with pytest.raises(SkillError, match="cannot negate text"):
        values.negate("a")
    with pytest.raises(SkillError, match="cannot take a list as a number"):
        values.positive([])


@pytest.mark.parametrize(
    ("operation", "left", "right", "message"),
    [
        (values.add, "a", 1, "cannot add text and a number"),
        (values.add, UNDEFINED, 1, "cannot add an undefined value and a number"),
        (values.add, None, "a", "cannot add none and text"),
        (values.subtract, "a", "b", "cannot subtract text from text"),
        (values.multiply, {}, 2, "cannot multiply a dict by a number"),
        (values.multiply, "a", 1.5, "cannot multiply text by a number"),
        (values.divide, 1, "2", "cannot divide a number by text"),
        (values.divide, 1, 0, "division by zero"),
        (values.modulo, 1, 0, "division by zero"),
        (values.modulo, "%d", "a", "cannot fill text into text"),
        (values.modulo, "%s%s", "a", "cannot fill text into text"),
        (values.modulo, "%(k)s", {}, "cannot fill a dict into text"),
        (values.less, 1, "a", "cannot compare a number and text"),
        (values.contains, "abc", 1, "cannot look for a number in text"),
        (values.contains, 5, 1, "cannot look for a number in a number"),
        (values.contains, None, 1, "cannot look for a number in none"),
    ],
)
def test_operators_name_what_they_refuse(
    operation: Any, left: Any, right: Any, message: str
) -> None:
    with pytest.raises(SkillError) as caught:
        operation(left, right)
    assert str(caught.value) == message


# --- limits ----------------------------------------------------------------------------------------

HUGE = 10**9


def doubled(times: int) -> list[Any]:
    """A small object that would print 2 ** times items."""
    value: list[Any] = ["x"]
    for _ in range(times):
        value = [value, value]
    return value


def deep(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


def endless() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


BIG = "a" * (4 * 1024 * 1024 + 1)


def method(value: Any, name: str, *args: Any) -> Any:
    return values.call(values.get(value, name), *args)


@pytest.mark.parametrize(
    "explode",
    [
        lambda: values.multiply("a", HUGE),
        lambda: values.multiply(HUGE, "a"),
        lambda: values.multiply([1], HUGE),
        lambda: values.multiply(b"a", HUGE),
        lambda: values.multiply(2**8000, 2**8000),
        lambda: values.add(BIG, BIG),
        lambda: values.add([0] * 600_000, [0] * 600_000),
        lambda: values.modulo("%1000000000d", 1),
        lambda: values.modulo("%.1000000000f", 1.0),
        lambda: values.modulo("%*d", (HUGE, 1)),
        lambda: values.modulo("%" + "9" * 5000 + "d", 1),
        lambda: values.modulo("%s%s", (BIG, BIG)),
        lambda: values.modulo("%(k)s%(k)s%(k)s", {"k": BIG}),
        lambda: values.modulo("%(" + "k" * 300 + ")s", {"k" * 300: BIG}),
        lambda: values.modulo("%(k(k)s", {"k(k": BIG}),
        lambda: values.modulo("%s", (doubled(40),)),
        lambda: method("x", "ljust", HUGE),
        lambda: method("x", "rjust", HUGE, "-"),
        lambda: method("x", "center", HUGE),
        lambda: method("1", "zfill", HUGE),
        lambda: method(b"x", "ljust", HUGE),
        lambda: method("\t", "expandtabs", HUGE),
        lambda: method("aaa", "replace", "a", BIG),
        lambda: method("aaa", "replace", "", BIG),
        lambda: method(BIG, "join", ["a", "b", "c", "d"]),
        lambda: method(",", "join", [BIG, BIG]),
        lambda: method("aaa", "translate", {97: BIG}),
        lambda: method(",".join("a" * 1_100_000), "split", ","),
        lambda: method("a " * 1_100_000, "split"),
        lambda: method("\n" * 1_100_000, "splitlines"),
        lambda: method([0] * 600_000, "extend", [0] * 600_000),
        lambda: method(1, "to_bytes", HUGE, "big"),
        lambda: method(date(2024, 1, 1), "strftime", "%Y" * 100_000),
        lambda: method(re.compile("a"), "sub", BIG, "aaa"),
        lambda: method(re.compile("(a+)"), "sub", r"\1" * 10_000, "a" * 10_000),
        lambda: method(re.compile("(a+)").match("a" * 10_000), "expand", r"\1" * 10_000),
        lambda: method(re.compile("a"), "search", "a" * 2_000_000),
        lambda: method(re.compile(""), "finditer", "a" * 1_000_000),
        lambda: method(re.compile("()" * 50), "findall", "a" * 100_000),
        lambda: method(re.compile("(a)" * 3), "split", "a" * 900_000),
        lambda: values.text(doubled(40)),
        lambda: values.text(DslList([doubled(40)])),
        lambda: values.text({"k": doubled(40)}.values()),
        lambda: values.text(deep(300)),
        lambda: values.text(endless()),
        lambda: values.to_text(doubled(40)),
        lambda: values.to_text({"k": endless()}),
        lambda: values.stored(doubled(40)),
        lambda: values.compact_json({"k": doubled(40)}),
        lambda: values.equal(doubled(40), doubled(40)),
        lambda: values.each(iter(range(HUGE))),
    ],
)
def test_explosions_are_refused(explode: Callable[[], Any]) -> None:
    with pytest.raises(LimitError):
        explode()


def test_limits_leave_ordinary_results_alone() -> None:
    assert method("a", "ljust", 3, ".") == "a.."
    assert method("a,b", "split", ",") == ["a", "b"]
    assert method("a,b,c", "rsplit", ",", 1) == ["a,b", "c"]
    assert method("a\nb", "splitlines", True) == ["a\n", "b"]
    assert method("a-a", "replace", "a", "bb", 1) == "bb-a"
    assert method("a\tb", "expandtabs", 2) == "a b"
    assert method("-", "join", ("a", "b")) == "a-b"
    assert method("ab", "translate", {97: "x"}) == "xb"
    assert method("7", "zfill", 3) == "007"
    assert method([1], "extend", (2,)) is None
    assert method(258, "to_bytes", 2, "big") == b"\x01\x02"
    assert method(datetime(2024, 1, 2, tzinfo=UTC), "strftime", "%Y %Z") == "2024 UTC"
    assert method(date(2024, 1, 2), "strftime", "%d") == "02"
    assert method(re.compile("(.)(.)?"), "findall", "abc") == [("a", "b"), ("c", "")]
    assert method(re.compile("b"), "findall", "abc") == ["b"]
    assert method(re.compile("(b)."), "findall", "abc") == ["b"]
    assert method(re.compile("b"), "sub", "x", "abcb", 1) == "axcb"
    assert method(re.compile("(b)"), "sub", r"<\1>", "abc") == "a<b>c"
    assert method(re.compile("b"), "subn", lambda found: found[0].upper(), "abb") == ("aBB", 2)
    assert method(re.compile(","), "split", "a,b") == ["a", "b"]
    assert [found[0] for found in method(re.compile("."), "finditer", "ab")] == ["a", "b"]
    assert values.equal([[1], {"a": 2}], [[1], {"a": 2}])
    guards.check_size({"a": ["x" * 1000]})


@examples(100, 10_000)
@given(st.text(), st.text(max_size=3), st.text(max_size=5), st.integers(-1, 5))
def test_guarded_methods_do_what_pythons_do(text: str, old: str, new: str, count: int) -> None:
    """Within the limits a guarded method gives what the plain one gives."""
    assert method(text, "replace", old, new, count) == text.replace(old, new, count)
    assert method(text, "split") == text.split()
    assert method(text, "join", [old, new]) == text.join([old, new])
    assert values.modulo("%s|%5s", (old, new)) == f"{old}|{new:>5}"


def test_namespaces_cannot_be_called_unless_they_are_classes() -> None:
    with pytest.raises(SkillError, match="cannot call module 'm'"):
        values.call(values.Namespace("m", {}))
    assert values.describe(values.Namespace("m", {})) == "module 'm'"
    assert values.text(values.Namespace("m", {})) == "<m>"
