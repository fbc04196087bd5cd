"""Stringify, CreateArray, Concat, Len, Split, Replace; and the tests and sums of `predicates.py`."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz import examples
from skillrt import actions
from skillrt.errors import ActionError, LimitError
from skillrt.values import UNDEFINED, DslList, JsonText, Record, text

from .conftest import World

pytestmark = pytest.mark.anyio

USER = Record("Susan", {"id": "p1"})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('"DiCaprio"', "DiCaprio"),
        (JsonText('"DiCaprio"'), "DiCaprio"),
        (r'"a\nb"', "a\nb"),
        ("plain", "plain"),
        ("'plain'", "plain"),
        ('"not " json"', 'not " json'),
        ("'mixed\"", "'mixed\""),
        ('"', '"'),
        ("", ""),
        (None, ""),
        (UNDEFINED, ""),
        ([], ""),
        ({}, ""),
        (["a", "b"], "['a', 'b']"),
        (DslList(["a", "b"]), "['a', 'b']"),
        (DslList([USER]), "['Susan']"),
        ({"k": 1}, "{'k': 1}"),
        (USER, "Susan"),
        (Record("'q'", {}), "'q'"),
        (3, "3"),
        (True, "True"),
    ],
)
async def test_stringify(world: World, value: Any, expected: str) -> None:
    for name in ("value", "val", "text", "str"):
        found = await world.do("Stringify", **{name: value})
        assert (found, type(found)) == (expected, str)


def test_production_makes_json_of_a_split_text() -> None:
    assert actions.stringify(["1", "2"]).replace("'", '"') == '["1", "2"]'


def test_create_array() -> None:
    assert text(actions.create_array("1", "2", "s")) == "1 2 s"
    assert actions.create_array("a", ["b"]) == ["a", ["b"]]
    assert actions.create_array("n", UNDEFINED) == ["n", ""]
    assert actions.is_empty(actions.create_array()) == "t"


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (("1", "2"), "12"),
        (("a", 1, None, True), "a1True"),
        (("to be", " ", ["or", "not"]), "to be \nor\nnot"),
        (("a:", ["x", "y"], "z"), "a:\nx\ny\nz"),
        (("a", [], "b"), "ab"),
        (([],), ""),
        ((["a"], ["b"]), "a\nb"),
        ((["a"], "", ["b"]), "a\n\nb"),
        ((DslList([USER]), USER), "Susan\nSusan"),
        ((JsonText("[1]"), {"k": 1}), '[1]{"k":1}'),
    ],
)
def test_concat(parts: tuple[Any, ...], expected: str) -> None:
    assert actions.concat(*parts) == expected


async def test_concat_needs_an_argument_and_takes_no_names(world: World) -> None:
    with pytest.raises(ActionError, match=r"^Concat: needs at least one argument$"):
        actions.concat()
    with pytest.raises(ActionError, match=r"^Concat: parameter 'a': unknown argument$"):
        await world.do("Concat", a="x")
    with pytest.raises(LimitError):
        actions.concat("a" * 5_000_000, "b" * 5_000_000)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("abc", 3),
        (["a", "b"], 2),
        (DslList(["a"]), 1),
        ("[1, 2]", 2),
        (JsonText('{"a": 1}'), 1),
        ({"a": 1, "b": 2}, 2),
        ("[1, 2", 5),
        (USER, 5),
        (123, 3),
        (None, 0),
        (UNDEFINED, 0),
        ("", 0),
    ],
)
async def test_len(world: World, value: Any, expected: int) -> None:
    assert await world.do("Len", text=value) == expected
    assert await world.do("Len", array=value) == expected


async def test_split(world: World) -> None:
    found = await world.do("Split", text="a,b", delimiter=",")
    assert found == ["a", "b"]
    assert text(found) == "a b"
    assert await world.do("Split", text=" a  b") == ["", "a", "", "b"]
    assert await world.do("Split", text=None, delimiter=",") == [""]
    with pytest.raises(
        ActionError, match=r"^Split: parameter 'delimiter': expected a delimiter, got nothing$"
    ):
        await world.do("Split", text="a", delimiter="")
    with pytest.raises(LimitError):
        actions.split("," * 2_000_000, ",")


async def test_replace(world: World) -> None:
    assert await world.do("Replace", text="hi {n}", find="{n}", replace="Al") == "hi Al"
    assert await world.do("Replace", text="aXbX", find="X") == "ab"
    assert await world.do("Replace", text="ab", find="", replace="-") == "ab"
    assert await world.do("Replace", text=["a", "b"], find=" ", replace="+") == "a+b"
    with pytest.raises(LimitError):
        actions.replace("a" * 10_000, "a", "b" * 10_000)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (" ", "t"),
        ("", "t"),
        ("\n\t", "t"),
        (None, "t"),
        (UNDEFINED, "t"),
        ([], "t"),
        ({}, "t"),
        (DslList(), "t"),
        (Record("", {"id": "x"}), "t"),
        ([""], "t"),
        ("[]", ""),
        ("x", ""),
        (0, ""),
        (False, ""),
        (["a"], ""),
        ({"a": ""}, ""),
    ],
)
async def test_is_empty(world: World, value: Any, expected: str) -> None:
    assert await world.do("IsEmpty", text=value) == expected


@pytest.mark.parametrize(
    ("one", "other", "strategy", "expected"),
    [
        ("text", "test", "hamming", "t"),
        ("to be or not to be", "to beer or not to beer", "levenshtein", "t"),
        ("kitten", "sitting", "hamming", "t"),
        ("kitten", "sitting", "levenshtein", "t"),
        ("vapi", "twilio_messenger", "hamming", ""),
        ("telegram", "twilio_messenger", "hamming", "t"),
        ("collecting_details", "initial_greeting", "hamming", "t"),
        ("yes", "no", "hamming", "t"),
        ("abc", "", "hamming", ""),
        ("", "", "hamming", "t"),
        ("  ! *st*rin%g ", " sTrIng ", "symbols", "t"),
        ("a1", "a2", "symbols", ""),
        ("Straße", "STRASSE", "symbols", "t"),
        ("!", "?", "symbols", "t"),
    ],
)
async def test_is_similar(world: World, one: str, other: str, strategy: str, expected: str) -> None:
    assert await world.do("IsSimilar", val1=one, val2=other, strategy=strategy) == expected
    assert await world.do("IsSimilar", text1=other, text2=one, strategy=strategy) == expected


@pytest.mark.parametrize(
    ("one", "other", "strategy", "threshold", "expected"),
    [
        ("text", "test", "hamming", "0.875", "t"),
        ("text", "test", "hamming", 0.9, ""),
        ("to be or not to be", "to beer or not to beer", "levenshtein", 0.9, "t"),
        ("to be or not to be", "to beer or not to beer", "levenshtein", 0.95, ""),
        ("same", "same", "hamming", 1, "t"),
        ("same", "Same", "hamming", 1, ""),
        ("abc", "xyz", "hamming", 0.5, "t"),
        ("abc", "", "hamming", 0, "t"),
        ("a", "b", "symbols", 0, ""),
        ("yes", "no", "hamming", "", "t"),
    ],
)
async def test_is_similar_reaches_its_threshold(
    world: World, one: str, other: str, strategy: str, threshold: Any, expected: str
) -> None:
    found = await world.do(
        "IsSimilar", val1=one, val2=other, strategy=strategy, threshold=threshold
    )
    assert found == expected


@pytest.mark.parametrize(
    ("one", "other", "threshold", "expected"),
    [
        ("initial_greeting", "initial_greeting", None, "t"),
        ("collecting_details", "initial_greeting", None, ""),
        ("yes", "no", None, ""),
        ("abcde", "abcdx", None, "t"),
        ("abcde", "abcxx", None, ""),
        ("abcde", "abcxx", 0.6, "t"),
        ("", "", None, "t"),
    ],
)
def test_is_similar_divides_by_the_longer_text_where_a_project_wants_it(
    one: str, other: str, threshold: float | None, expected: str
) -> None:
    assert actions.is_similar(one, other, threshold=threshold, normalized=True) == expected


async def test_is_similar_refuses(world: World) -> None:
    with pytest.raises(ActionError) as caught:
        await world.do("IsSimilar", val1="a", val2="b", strategy="fuzzy")
    assert str(caught.value) == (
        "IsSimilar: parameter 'strategy': expected one of hamming, levenshtein, symbols, got 'fuzzy'"
    )
    with pytest.raises(ActionError) as caught:
        await world.do("IsSimilar", val1="a", val2="b", threshold=2)
    assert str(caught.value) == "IsSimilar: parameter 'threshold': expected a number, 0 to 1, got 2"
    with pytest.raises(LimitError):
        actions.is_similar("a" * 70_000, "b" * 70_000, "levenshtein")
    assert actions.is_similar("a" * 1_000_000, "b" * 1_000_000, threshold=0.6) == ""


@examples(100, 10_000)
@given(st.text(max_size=30), st.text(max_size=30))
def test_is_similar_is_the_documented_formula(one: str, other: str) -> None:
    """Every text is as similar to another as the other to it, and fully so to itself."""
    distance = sum(a != b for a, b in zip_longest(one, other))
    total = len(one) + len(other)
    score = 1 - distance / total if total else 1
    for threshold in (0, 0.25, 0.5, 0.75, 1):
        expected = "t" if score >= threshold else ""
        assert actions.is_similar(one, other, threshold=threshold) == expected
        assert actions.is_similar(other, one, threshold=threshold) == expected
    assert actions.is_similar(one, one, threshold=1) == "t"


@pytest.mark.parametrize(
    ("name", "a", "b", "expected"),
    [
        ("GreaterThan", "", "3", ""),
        ("GreaterThan", "5250", "5000", "t"),
        ("GreaterThan", "12345678901234567891", "12345678901234567890", "t"),
        ("GreaterThan", 2, "2.0", ""),
        ("LessThan", 1, 1, ""),
        ("LessThan", "-1", None, "t"),
        ("LessThan", " .5 ", "1e0", "t"),
        ("Add", "", "1", 1),
        ("Add", 0.1, 0.2, 0.3),
        ("Add", "0.5", "0.5", 1),
        ("Subtract", "1705686439479", "1705686434229", 5250),
        ("Subtract", None, UNDEFINED, 0),
        ("Multiply", "100", "0.08", 8),
        ("Multiply", 1.5, 1.5, 2.25),
        ("Divide", 1, 4, 0.25),
        ("Divide", 6, "3", 2),
        ("Divide", "", 2, 0),
    ],
)
async def test_numbers(world: World, name: str, a: Any, b: Any, expected: Any) -> None:
    found = await world.do(name, a=a, b=b)
    assert (found, type(found)) == (expected, type(expected))


async def test_power(world: World) -> None:
    assert await world.do("Power", base="2", exp="3") == 8
    assert await world.do("Power", base=2, exp=-1) == 0.5
    assert await world.do("Power", base="", exp="") == 1
    assert await world.do("Power", base=9, exp=0.5) == 3
    assert str(await world.do("Power", base=10, exp=1024)) == "1" + "0" * 1024


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("Add", {"a": "x", "b": 1}, "Add: parameter 'a': expected a number, got 'x'"),
        ("Add", {"a": 1, "b": True}, "Add: parameter 'b': expected a number, got True"),
        ("Subtract", {"a": 1}, "Subtract: parameter 'b': missing argument"),
        (
            "GreaterThan",
            {"a": [], "b": 1},
            "GreaterThan: parameter 'a': expected a number, got a list",
        ),
        (
            "LessThan",
            {"a": 1, "b": "1,5"},
            "LessThan: parameter 'b': expected a number, got '1,5'",
        ),
        (
            "Multiply",
            {"a": "nan", "b": 1},
            "Multiply: parameter 'a': expected a number, got 'nan'",
        ),
        ("Divide", {"a": 1, "b": ""}, "Divide: division by zero"),
        ("Power", {"base": 0, "exp": -1}, "Power: division by zero"),
        ("Power", {"base": -2, "exp": 0.5}, "Power: the result is no number"),
        ("Power", {"base": "1e300", "exp": 100}, "Power: the result is too large"),
        (
            "Power",
            {"base": 2, "exp": 1025},
            "Power: parameter 'exp': expected a number, -1024 to 1024, got 1025",
        ),
        ("Contains", {"text": "a"}, "Contains: parameter 'search': missing argument"),
    ],
)
async def test_numbers_refuse(
    world: World, name: str, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ActionError) as caught:
        await world.do(name, **arguments)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("value", "search", "expected"),
    [
        ("a{{b", "{{", "t"),
        ("abc", "B", ""),
        ("abc", "", "t"),
        (["ab", "c"], "c", "t"),
        (["ab", "c"], "a", ""),
        ([1, 2], 2, "t"),
        ('["ab"]', "ab", "t"),
        ('["ab"]', "a", ""),
        (JsonText('["ab"]'), "ab", "t"),
        ('{"k": 1}', "k", "t"),
        (DslList([USER]), "Susan", "t"),
        (None, "a", ""),
        ([], "a", ""),
    ],
)
async def test_contains(world: World, value: Any, search: Any, expected: str) -> None:
    assert await world.do("Contains", text=value, search=search) == expected
