"""What each kind of parameter accepts, and what it says about everything else."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fuzz import examples
from skillrt.catalogue import ActionParameter
from skillrt.errors import ActionError
from skillrt.kinds import (
    CONVERSIONS,
    Kind,
    Range,
    as_choice,
    as_date,
    as_flag,
    as_id,
    as_ids,
    as_int,
    as_json,
    as_num,
    as_num0,
    as_text,
    convert,
    entry_of,
    moment,
    parse_json,
)
from skillrt.values import UNDEFINED, DslList, JsonText, Record, compact_json

USER = Record("Susan", {"id": "p1", "name": "Susan"})
PLAIN = Record("plain", {"name": "x"})
TOPIC = Record("boats", {"id": "t1", "user": USER}, data=True)


def clean(kind: Kind, value: Any, **about: Any) -> Any:
    """A required parameter's value."""
    parameter = ActionParameter("p", "p", kind, required=True, **about)
    return convert(parameter, "Act", value)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (Kind.TEXT, "a ", "a "),
        (Kind.TEXT, None, ""),
        (Kind.TEXT, UNDEFINED, ""),
        (Kind.TEXT, 3, "3"),
        (Kind.TEXT, ["a", 1], "a 1"),
        (Kind.TEXT, {"a": 1}, '{"a":1}'),
        (Kind.TEXT, USER, "Susan"),
        (Kind.ANY, ["a"], ["a"]),
        (Kind.ANY, None, None),
        (Kind.ANY, UNDEFINED, ""),
        (Kind.NAME, " a ", "a"),
        (Kind.NAME, USER, "Susan"),
        (Kind.ID, " x1 ", "x1"),
        (Kind.ID, USER, "p1"),
        (Kind.ID, PLAIN, "plain"),
        (Kind.ID, ["x1"], "x1"),
        (Kind.ID, DslList([USER]), "p1"),
        (Kind.IDS, "x1", ["x1"]),
        (Kind.IDS, USER, ["p1"]),
        (Kind.IDS, ["a", USER, "a"], ["a", "p1"]),
        (Kind.IDS, DslList([USER, " b "]), ["p1", "b"]),
        (Kind.IDS, '["a", "b"]', ["a", "b"]),
        (Kind.IDS, JsonText('["a"]'), ["a"]),
        (Kind.IDS, "['a', 'b']", ["a", "b"]),
        (Kind.IDS, "a b, c\nd", ["a", "b", "c", "d"]),
        (Kind.IDS, [], []),
        (Kind.IDS, "[]", []),
        (Kind.IDS, ["", None], []),
        (Kind.NAMES, ["a", " b "], ["a", "b"]),
        (Kind.NAMES, '["a"]', ["a"]),
        (Kind.NAMES, "['a b']", ["a b"]),
        (Kind.NAMES, "a b, c", ["a b", "c"]),
        (Kind.TEXTS, ["a", 1, ""], ["a", "1"]),
        (Kind.TEXTS, '["a"]', ["a"]),
        (Kind.TEXTS, "['a', 'b']", ["a", "b"]),
        (Kind.TEXTS, "a, b", ["a, b"]),
        (Kind.TEXTS, "\n", ["\n"]),
        (Kind.TEXTS, "[x", ["[x"]),
        (Kind.INT, 3, 3),
        (Kind.INT, 3.0, 3),
        (Kind.INT, Decimal("3.0"), 3),
        (Kind.INT, "150", 150),
        (Kind.INT, " 150 ", 150),
        (Kind.INT, "150.0", 150),
        (Kind.INT, "-3", -3),
        (Kind.NUM, 3, 3),
        (Kind.NUM, 0.5, 0.5),
        (Kind.NUM, Decimal("0.5"), 0.5),
        (Kind.NUM, Decimal(1705686439479), 1705686439479),
        (Kind.NUM, "0.5", 0.5),
        (Kind.NUM, " .5 ", 0.5),
        (Kind.NUM, "1e3", 1000.0),
        (Kind.NUM, "12345678901234567890", 12345678901234567890),
        (Kind.NUM0, "7", 7),
        (Kind.NUM0, "", 0),
        (Kind.NUM0, None, 0),
        (Kind.NUM0, UNDEFINED, 0),
        (Kind.FLAG, True, True),
        (Kind.FLAG, 1, True),
        (Kind.FLAG, 0, False),
        *((Kind.FLAG, text, True) for text in ("true", "T", " yes ", "Y", "1")),
        *((Kind.FLAG, text, False) for text in ("False", "f", "NO", "n", "0")),
        (Kind.DATE, "2024-01-19", "2024-01-19"),
        (Kind.DATE, "2024-01-19, Friday", "2024-01-19"),
        (Kind.DATE, "2024-01-19T10:30", "2024-01-19T10:30:00"),
        (Kind.DATE, "2024-01-19 10:30:05", "2024-01-19T10:30:05"),
        (Kind.DATE, "2024-01-19T10:30:05.5Z", "2024-01-19T10:30:05.500000+00:00"),
        (Kind.DATE, "2024-01-19T10:30:05.1234567-08", "2024-01-19T10:30:05.123456-08:00"),
        (Kind.DATE, "2024-01-19T10:30:05+05:30, Friday", "2024-01-19T10:30:05+05:30"),
        (Kind.DATE, "1705686439479", "2024-01-19T17:47:19.479000+00:00"),
        (Kind.DATE, 1705686439479, "2024-01-19T17:47:19.479000+00:00"),
        (Kind.DATE, datetime(2024, 1, 19, 10, 30, tzinfo=UTC), "2024-01-19T10:30:00+00:00"),
        (Kind.DATE, date(2024, 1, 19), "2024-01-19"),
        (Kind.TZ, " Europe/Berlin ", "Europe/Berlin"),
        (Kind.JSON, {"a": 1}, {"a": 1}),
        (Kind.JSON, [1], [1]),
        (Kind.JSON, 5, 5),
        (Kind.JSON, JsonText('{"a": 1}'), {"a": 1}),
        (Kind.JSON, USER, {"id": "p1", "name": "Susan"}),
        (Kind.JSON, TOPIC, {"id": "t1", "user": "Susan"}),
        (Kind.JSON, [USER, TOPIC], ["Susan", {"id": "t1", "user": "Susan"}]),
        (Kind.JSON, '{"a": "x\ny"}', {"a": "x\ny"}),
        (Kind.JSON, "[1][2, 3] [4]", [1, 2, 3, 4]),
        (Kind.JSON, "{'a': (1, None)}", {"a": [1, None]}),
        (Kind.JSON_ARRAY, "[1]", [1]),
        (Kind.JSON_ARRAY, ("a",), ["a"]),
        (Kind.JSON_ARRAY, "", []),
        (Kind.JSON_OBJECT, '{"a": 1}', {"a": 1}),
        (Kind.JSON_OBJECT, None, {}),
        (Kind.ITEM, "31", 31),
        (Kind.ITEM, '"31"', "31"),
        (Kind.ITEM, "Z Q", "Z Q"),
        (Kind.ITEM, "{'a': 1}", "{'a': 1}"),
        (Kind.ITEM, "", ""),
        (Kind.ITEM, None, None),
        (Kind.ITEM, USER, "Susan"),
        (Kind.ITEM, TOPIC, {"id": "t1", "user": "Susan"}),
        (Kind.ITEM, JsonText("[1]"), [1]),
        (Kind.ITEM, ["2", JsonText("3")], ["2", 3]),
        (Kind.INTS, 2, [2]),
        (Kind.INTS, [0, "2"], [0, 2]),
        (Kind.INTS, "[0, -1]", [0, -1]),
        (Kind.INTS, "0 2,3", [0, 2, 3]),
        (Kind.INTS, "-1", [-1]),
    ],
)
def test_accepted(kind: Kind, value: Any, expected: Any) -> None:
    found = clean(kind, value)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (Kind.NAME, 5, "expected a name, got 5"),
        (Kind.NAME, "", "expected a name, got nothing"),
        (Kind.NAME, None, "expected a name, got nothing"),
        (Kind.NAME, UNDEFINED, "expected a name, got nothing"),
        (Kind.ID, 5, "expected an id, got 5"),
        (Kind.ID, ["a", "b"], "expected an id, got a list"),
        (Kind.ID, " ", "expected an id, got nothing"),
        (Kind.IDS, 5, "expected ids, got 5"),
        (Kind.IDS, [5], "expected ids, got a list"),
        (Kind.IDS, "", "expected ids, got nothing"),
        (Kind.NAMES, {"a": 1}, "expected names, got a dict"),
        (Kind.TEXTS, 5, "expected texts, got 5"),
        (Kind.TEXTS, "", "expected texts, got nothing"),
        (Kind.INT, "many", "expected a whole number, got 'many'"),
        (Kind.INT, "1.5", "expected a whole number, got '1.5'"),
        (Kind.INT, "1e3", "expected a whole number, got '1e3'"),
        (Kind.INT, "9" * 5000, f"expected a whole number, got '{'9' * 40}…'"),
        (Kind.INT, 1.5, "expected a whole number, got 1.5"),
        (Kind.INT, True, "expected a whole number, got True"),
        (Kind.INT, float("inf"), "expected a whole number, got inf"),
        (Kind.INT, [1], "expected a whole number, got a list"),
        (Kind.NUM, "nan", "expected a number, got 'nan'"),
        (Kind.NUM, "1e999", "expected a number, got '1e999'"),
        (Kind.NUM, "1_000", "expected a number, got '1_000'"),
        (Kind.NUM, float("nan"), "expected a number, got nan"),
        (Kind.NUM, Decimal("NaN"), "expected a number, got a Decimal"),
        (Kind.NUM, False, "expected a number, got False"),
        (Kind.NUM0, "x", "expected a number, got 'x'"),
        (Kind.FLAG, "maybe", "expected true or false, got 'maybe'"),
        (Kind.FLAG, 2, "expected true or false, got 2"),
        (Kind.FLAG, 1.0, "expected true or false, got 1.0"),
        (Kind.DATE, "tomorrow", "expected a date, got 'tomorrow'"),
        (Kind.DATE, "2024-13-01", "expected a date, got '2024-13-01'"),
        (Kind.DATE, "1705686439", "expected a date, got '1705686439'"),
        (Kind.DATE, "9" * 16, f"expected a date, got '{'9' * 16}'"),
        (Kind.DATE, [1], "expected a date, got a list"),
        (Kind.TZ, "Mars/Base", "expected a time zone, got 'Mars/Base'"),
        (Kind.TZ, "Europe", "expected a time zone, got 'Europe'"),
        (Kind.TZ, "../../etc/passwd", "expected a time zone, got '../../etc/passwd'"),
        (Kind.JSON, "{a", "expected JSON, got '{a'"),
        (Kind.JSON, "", "expected JSON, got nothing"),
        (Kind.JSON_ARRAY, "{}", "expected a JSON array, got '{}'"),
        (Kind.JSON_OBJECT, [1], "expected a JSON object, got a list"),
        (Kind.INTS, "a", "expected whole numbers, got 'a'"),
        (Kind.INTS, "", "expected whole numbers, got nothing"),
    ],
)
def test_refused(kind: Kind, value: Any, message: str) -> None:
    with pytest.raises(ActionError) as caught:
        clean(kind, value)
    assert str(caught.value) == f"Act: parameter 'p': {message}"


def test_every_kind_has_its_conversion() -> None:
    assert set(CONVERSIONS) == set(Kind)


def test_choices_are_found_without_case_and_blanks() -> None:
    assert clean(Kind.CHOICE, " user ", choices=("User", "Agent")) == "User"
    with pytest.raises(ActionError, match="expected one of User, Agent, got 'Users'"):
        clean(Kind.CHOICE, "Users", choices=("User", "Agent"))
    with pytest.raises(ActionError, match="expected one of User, Agent, got 5"):
        clean(Kind.CHOICE, 5, choices=("User", "Agent"))


@pytest.mark.parametrize(
    ("kind", "range_", "value", "message"),
    [
        (Kind.NUM, Range(0, 2), "2.5", "expected a number, 0 to 2, got '2.5'"),
        (Kind.NUM, Range(0, 2), -0.1, "expected a number, 0 to 2, got -0.1"),
        (Kind.INT, Range(1), 0, "expected a whole number, 1 or more, got 0"),
        (Kind.INT, Range(None, 9), "10", "expected a whole number, at most 9, got '10'"),
    ],
)
def test_ranges_include_both_ends(kind: Kind, range_: Range, value: Any, message: str) -> None:
    with pytest.raises(ActionError) as caught:
        clean(kind, value, range=range_)
    assert str(caught.value) == f"Act: parameter 'p': {message}"
    for end in filter(None, range_):
        assert clean(kind, str(end), range=range_) == end


@pytest.mark.parametrize("blank", ["", " \n", None, UNDEFINED])
def test_a_blank_optional_parameter_was_not_given(blank: Any) -> None:
    for kind in set(Kind) - {Kind.TEXT, Kind.ANY, Kind.ITEM, Kind.TEXTS}:
        parameter = ActionParameter("p", "p", kind, required=False, default="default")
        assert convert(parameter, "Act", blank) == "default"


def test_only_nothing_and_empty_text_are_no_texts() -> None:
    parameter = ActionParameter("p", "p", Kind.TEXTS, required=False, default=None)
    assert convert(parameter, "Act", "") is None
    assert convert(parameter, "Act", None) is None
    assert convert(parameter, "Act", " ") == [" "]
    assert convert(parameter, "Act", []) == []


def test_a_kept_blank_finds_nothing() -> None:
    optional = ActionParameter("p", "p", Kind.ID, required=False, keeps_blank=True)
    assert convert(optional, "Act", None) is None
    assert convert(optional, "Act", " ") == ""
    assert convert(optional, "Act", UNDEFINED) == ""
    required = ActionParameter("p", "p", Kind.ID, required=True, keeps_blank=True)
    assert convert(required, "Act", None) == ""
    text = ActionParameter("p", "p", Kind.TEXT, required=False, keeps_blank=True)
    assert convert(text, "Act", None) is None
    assert convert(text, "Act", "") == ""


def test_generated_code_names_the_parameter() -> None:
    assert as_int("3", "GetMemory.count", 10) == 3
    assert as_int("", "GetMemory.count", 10) == 10
    assert as_int("", "GetMemory.maxLen", None) is None
    assert as_choice("user", "GetMemory.fromPerson", "Both") == "User"
    assert as_id(USER, "GetUser.personaId", None) == "p1"
    assert as_id("", "GetUser.personaId", None) == ""
    assert as_ids([USER], "SendMessage.actorIds", None) == ["p1"]
    assert as_flag("no", "SendMessage.useFilter", default=True) is False
    assert as_text(["a", 1], "SendMessage.message") == "a 1"
    assert as_num0("", "Add.a") == 0
    assert as_num("", "IsSimilar.threshold", None) is None
    assert as_date("2024-01-19", "GetMemory.fromDate", None) == "2024-01-19"
    with pytest.raises(
        ActionError,
        match=r"^GetMemory: parameter 'count': expected a whole number, 0 or more, got '-1'$",
    ):
        as_int("-1", "GetMemory.count", 10)
    with pytest.raises(LookupError):
        as_json("{}", "GetMemory.nothing")
    assert entry_of("Power.exp").range == Range(-1024, 1024)


def test_moments_are_aware() -> None:
    assert moment("2024-01-19") == datetime(2024, 1, 19, tzinfo=UTC)
    assert moment("2024-01-19T10:00:00") == datetime(2024, 1, 19, 10, tzinfo=UTC)
    assert moment("2024-01-19T10:00:00-08:00") == datetime(2024, 1, 19, 18, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" 5 ", 5),
        ("'it\\'s'", "it's"),
        ("True", True),
        ("None", None),
        ("(1, 2)", [1, 2]),
        ("{1: 'a'}", {"1": "a"}),
        ("[1]\n[2]", [1, 2]),
        ("-1.5", -1.5),
    ],
)
def test_parse_json(text: str, expected: Any) -> None:
    assert parse_json(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yes",
        "NaN",
        "[1] {}",
        "{1, 2}",
        "b'x'",
        "1j",
        "[b'x']",
        "__import__('os')",
        "[__import__('os')]",
        "[" * 100_000,
        "[" * 100_000 + "1" + "]" * 100_000,
        "(" * 100_000,
        "-" * 100_000 + "1",
        "[" + "-" * 100_000 + "1]",
        "[1]" + "[" * 100_000,
        "'" + "x" * (2 * 1024 * 1024),
    ],
)
def test_parse_json_refuses(text: str) -> None:
    with pytest.raises(ValueError, match=r"JSON|deep|Expecting|Extra"):
        parse_json(text)


@examples(100, 10_000)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda parts: st.lists(parts) | st.dictionaries(st.text(), parts),
        max_leaves=10,
    )
)
def test_parse_json_reads_json_and_python(value: Any) -> None:
    """What is written as compact JSON or by Python's repr is read back equal."""
    assert parse_json(compact_json(value)) == value
    assert parse_json(repr(value)) == value or isinstance(value, str)


@examples(100, 10_000)
@example("0\x1f")  # a blank of text, not of numbers
@given(st.text(max_size=12))
def test_numbers_are_those_that_python_reads_too(text: str) -> None:
    """Text is accepted as a number only if Python reads the same number from what stands between its blanks."""
    try:
        found = clean(Kind.NUM, text)
    except ActionError:
        return
    assert found == float(text.strip())


@examples(100, 10_000)
@given(st.text() | st.lists(st.text()) | st.integers() | st.none())
def test_conversions_raise_nothing_but_action_errors(value: Any) -> None:
    """Whatever is passed, a conversion gives a value or an ActionError."""
    for kind in Kind:
        with suppress(ActionError):
            assert clean(kind, value, choices=("a",)) is not UNDEFINED
