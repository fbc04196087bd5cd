"""The built-in functions and modules of the template language, and that nothing leads out of them."""

from __future__ import annotations

import json
import math
import re
import sys
import types
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from skillrt import values
from skillrt.errors import LimitError, SecurityError, SkillError
from skillrt.functions import FUNCTIONS
from skillrt.modules import MODULES
from skillrt.names import python_name
from skillrt.values import UNDEFINED, DslList, JsonText


@pytest.mark.parametrize(
    ("name", "args", "expected"),
    [
        ("str", (None,), ""),
        ("str", (), ""),
        ("str", (DslList(["a", 1]),), "a 1"),
        ("str", (1.0,), "1.0"),
        ("int", ("12",), 12),
        ("int", ("ff", 16), 255),
        ("int", (), 0),
        ("float", ("1.5",), 1.5),
        ("bool", ("False",), True),
        ("bool", (UNDEFINED,), False),
        ("list", ("ab",), ["a", "b"]),
        ("list", (JsonText("[1, 2]"),), [1, 2]),
        ("list", (JsonText('{"k": 1}'),), ["k"]),
        ("list", ({"k": 1},), ["k"]),
        ("list", (), []),
        ("dict", ([("a", 1)],), {"a": 1}),
        ("len", ("abc",), 3),
        ("len", (UNDEFINED,), 0),
        ("min", ([3, 1],), 1),
        ("min", (3, 1), 1),
        ("max", (JsonText("[3, 1]"),), 3),
        ("sum", ([1, 2, 3],), 6),
        ("sum", ([[1], [2]], []), [1, 2]),
        ("abs", (-2,), 2),
        ("round", (2.567, 1), 2.6),
        ("round", (2.5,), 2),
        ("sorted", ("cab",), ["a", "b", "c"]),
        ("reversed", ([1, 2],), [2, 1]),
        ("enumerate", (["a"], 1), [(1, "a")]),
        ("zip", ([1, 2], "ab"), [(1, "a"), (2, "b")]),
        ("any", ([0, 1],), True),
        ("all", ([0, 1],), False),
        ("range", (3,), range(3)),
        ("repr", ("a",), "'a'"),
        ("add", (1, 2, 3), 6),
        ("add", ("a", "b"), "ab"),
        ("add", (), 0),
        ("subtract", (3, 1), 2),
        ("multiply", (2, 3), 6),
        ("multiply", (), 1),
        ("equal", (1, 1), True),
        ("notequal", (1, 1), False),
        ("greater", (2, 1), True),
        ("less", (2, 1), False),
        ("contains", ("abc", "b"), True),
        ("strip", (" a ",), "a"),
        ("strip", ("-a-", "-"), "a"),
        ("ZoneInfo", ("UTC",), ZoneInfo("UTC")),
    ],
)
def test_functions(name: str, args: tuple[Any, ...], expected: Any) -> None:
    found = FUNCTIONS[name](*args)
    assert found == expected
    assert type(found) is type(expected)


def test_functions_take_the_options_of_pythons() -> None:
    assert FUNCTIONS["sorted"](["bb", "a"], key=FUNCTIONS["len"], reverse=True) == ["bb", "a"]
    assert FUNCTIONS["min"]([], default=7) == 7
    assert FUNCTIONS["max"](["a", "bb"], key=FUNCTIONS["len"]) == "bb"
    assert FUNCTIONS["dict"]({"a": 1}, b=2) == {"a": 1, "b": 2}
    assert isinstance(FUNCTIONS["uuid4"](), UUID)


def test_the_tables_hold_exactly_what_the_language_lists() -> None:
    assert " ".join(FUNCTIONS) == (
        "str int float bool list dict len min max sum abs round sorted reversed enumerate zip any all range repr "
        "uuid4 ZoneInfo add subtract multiply equal notequal greater less contains strip "
        "namespace cycler joiner lipsum"
    )
    assert {name: set(module.members) for name, module in MODULES.items()} == {
        "json": {"loads", "dumps"},
        "re": {
            *("compile", "sub", "subn", "search", "match", "fullmatch", "findall", "finditer"),
            *("split", "escape", "I", "IGNORECASE", "M", "MULTILINE", "S", "DOTALL"),
        },
        "datetime": {"datetime", "date", "time", "timedelta", "timezone", "UTC"},
        "math": {
            *("ceil", "floor", "trunc", "sqrt", "pow", "exp", "log", "log10", "fabs"),
            *("isnan", "isclose", "inf", "pi", "e"),
        },
        "zoneinfo": {"ZoneInfo"},
        "uuid": {"uuid4"},
    }


@pytest.mark.parametrize(
    "explode",
    [
        lambda: FUNCTIONS["range"](10**9),
        lambda: FUNCTIONS["range"](0, 10**9, 2),
        lambda: FUNCTIONS["list"](iter(int, 1)),
        lambda: FUNCTIONS["round"](1, -(10**9)),
        lambda: FUNCTIONS["multiply"]("a", 10**9),
        lambda: FUNCTIONS["sum"]([["a"] * 600_000] * 2, []),
        lambda: FUNCTIONS["repr"](nested(40)),
        lambda: call("json", "dumps", nested(40)),
        lambda: call("json", "dumps", [1], indent=10**9),
        lambda: call("json", "dumps", [1], separators=("," * 100, ":")),
        lambda: call("json", "dumps", deep_lists(), indent=16),
        lambda: call("json", "loads", " " * (8 * 1024 * 1024 + 1)),
        lambda: call("re", "compile", "a" * 20_000),
        lambda: call("re", "search", "a", "b" * 2_000_000),
        lambda: call("re", "sub", "a", "b" * 5_000_000, "aaa"),
        lambda: call("re", "subn", "(a+)", r"\1" * 10_000, "a" * 10_000),
        lambda: call("re", "escape", "." * 5_000_000),
        lambda: values.call(moment("strptime"), "1", "%d" * 10_000),
    ],
)
def test_explosions_are_refused(explode: Callable[[], Any]) -> None:
    with pytest.raises(LimitError):
        explode()


def nested(times: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(times):
        value = [value, value]
    return value


def deep_lists() -> list[Any]:
    value: list[Any] = [0] * 3_000
    for _ in range(190):
        value = [value]
    return value


def call(module: str, name: str, *args: Any, **named: Any) -> Any:
    return values.call(values.get(MODULES[module], name), *args, **named)


def moment(name: str) -> Any:
    return values.get(values.get(MODULES["datetime"], "datetime"), name)


def test_json() -> None:
    assert call("json", "loads", '{"k": [1]}') == {"k": [1]}
    assert call("json", "dumps", {"b": [1, "é"]}) == json.dumps({"b": [1, "é"]})
    given = {"indent": 2, "sort_keys": True, "ensure_ascii": False}
    assert call("json", "dumps", {"b": 1, "a": "é"}, **given) == json.dumps(
        {"b": 1, "a": "é"}, **given
    )


def test_re() -> None:
    assert call("re", "sub", "[0-9]+", "#", "a12b3") == "a#b#"
    assert call("re", "sub", "a", "x", "Aaa", 1, re.IGNORECASE) == "xaa"
    assert call("re", "subn", "a", "x", "aa") == ("xx", 2)
    assert call("re", "search", "B", "abc", re.IGNORECASE)[0] == "b"
    assert call("re", "search", "B", "abc", flags=re.IGNORECASE)[0] == "b"
    assert call("re", "match", "b", "abc") is None
    assert call("re", "fullmatch", "a.c", "abc")[0] == "abc"
    assert call("re", "findall", "[a-z]", "a1b") == ["a", "b"]
    assert [found[0] for found in call("re", "finditer", "[a-z]", "a1b")] == ["a", "b"]
    assert call("re", "split", ",", "a,b,c", 1) == ["a", "b,c"]
    assert call("re", "escape", "a.b") == r"a\.b"
    pattern = call("re", "compile", "(?P<x>b)")
    assert call("re", "sub", pattern, r"<\g<x>>", "abc") == "a<b>c"
    found = values.call(values.get(pattern, "search"), "abc")
    assert values.call(values.get(found, "group"), "x") == "b"
    assert values.get(pattern, "pattern") == "(?P<x>b)"


def test_datetime() -> None:
    namespace = MODULES["datetime"]
    make = values.get(namespace, "datetime")
    assert values.call(make, 2024, 1, 2) == datetime(2024, 1, 2)
    assert values.call(values.get(make, "fromisoformat"), "2024-01-02").year == 2024
    assert values.call(values.get(make, "strptime"), "02.01.24", "%d.%m.%y").day == 2
    assert values.call(values.get(make, "now"), UTC).tzinfo is UTC
    assert values.call(values.get(make, "utcnow")).tzinfo is None
    assert values.call(values.get(values.get(namespace, "date"), "today")) >= date(2024, 1, 1)
    assert values.call(values.get(namespace, "timedelta"), days=1) == timedelta(days=1)
    assert values.call(values.get(namespace, "timezone"), timedelta(0)) == UTC
    assert values.call(values.get(values.get(namespace, "time"), "fromisoformat"), "10:30") == time(
        10, 30
    )
    assert values.get(values.get(namespace, "timezone"), "utc") is UTC
    zone = call("zoneinfo", "ZoneInfo", "Europe/Berlin")
    assert values.get(zone, "key") == "Europe/Berlin"
    assert values.get(values.call(make, 2024, 1, 2, tzinfo=zone), "hour") == 0


def test_math_and_uuid() -> None:
    assert call("math", "ceil", 1.2) == 2
    assert values.get(MODULES["math"], "pi") == math.pi
    assert isinstance(call("uuid", "uuid4"), UUID)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("json", "codecs"),
        ("json", "decoder"),
        ("json", "JSONDecoder"),
        ("json", "load"),
        ("json", "members"),
        ("json", "make"),
        ("json", "__class__"),
        ("re", "sre_compile"),
        ("re", "enum"),
        ("re", "_compiler"),
        ("re", "purge"),
        ("datetime", "sys"),
        ("datetime", "MINYEAR"),
        ("math", "__loader__"),
        ("math", "factorial"),
        ("zoneinfo", "reset_tzpath"),
        ("zoneinfo", "TZPATH"),
        ("uuid", "os"),
        ("uuid", "getnode"),
    ],
)
def test_modules_show_nothing_else(module: str, name: str) -> None:
    assert name not in MODULES[module]
    for access in (values.get, values.item):
        with pytest.raises(SecurityError):
            access(MODULES[module], name)


def test_modules_cannot_be_called_or_changed() -> None:
    with pytest.raises(SkillError, match="cannot call module 'json'"):
        values.call(MODULES["json"])
    with pytest.raises(TypeError):
        MODULES["json"] = MODULES["re"]
    with pytest.raises(TypeError):
        MODULES["json"].members["x"] = 1
    with pytest.raises(TypeError):
        FUNCTIONS["eval"] = eval


def test_no_name_leads_from_the_tables_to_python() -> None:
    """Followed as far as names lead, no way reaches a module, a class, or a function's inside."""
    pending: list[Any] = [*MODULES.values(), *FUNCTIONS.values()]
    pending += [member for module in MODULES.values() for member in module.members.values()]
    pending += ["", [], {}, 1, 1.0, None, (), b"", datetime.now(UTC), UNDEFINED, timedelta(1)]
    pending += [re.search("a", "a"), re.compile("a"), DslList(), JsonText("{}"), ZoneInfo("UTC")]
    seen: set[tuple[type, str]] = set()
    while pending:
        value = pending.pop()
        assert not isinstance(value, types.ModuleType | type | types.CodeType | types.FrameType)
        if (type(value), repr(value)) in seen:
            continue
        seen.add((type(value), repr(value)))
        for name in dir(value):
            with suppress(SecurityError, SkillError):
                pending.append(values.get(value, name))
    assert len(seen) > 200


PAYLOADS = (
    "json.codecs.builtins.open",
    "json.loads.__globals__",
    "json.dumps.__globals__.builtins",
    "re.compile.__code__",
    "re.compile.__get__",
    "datetime.datetime.mro",
    "datetime.datetime.now.__self__",
    "datetime.datetime.min.__class__.mro",
    "math.ceil.__self__",
    "uuid.uuid4.__globals__",
    "zoneinfo.ZoneInfo.__globals__",
)


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("access", [values.get, values.item])
def test_classic_payloads_open_nothing(payload: str, access: Callable[..., Any]) -> None:
    opened: list[str] = []
    hook: list[Callable[[str], None]] = [opened.append]
    sys.addaudithook(lambda event, _: hook[0](event) if hook else None)
    names = payload.split(".")
    value: Any = MODULES[names[0]]
    refused = False
    for name in names[1:]:
        try:
            value = access(value, name)
        except SecurityError:
            refused = True
    hook.clear()
    assert refused
    assert not {"open", "exec", "import", "subprocess.Popen", "socket.connect"} & set(opened)


def test_no_variable_of_a_template_has_the_name_of_a_function() -> None:
    for name, function in FUNCTIONS.items():
        python = function.__name__
        assert python_name(python) != python, f"{name} is {python}"
        assert python_name(name) != python


@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() - {"dict", "namespace"}))
def test_a_wrong_call_is_told_by_the_name_that_templates_use(name: str) -> None:
    with pytest.raises((TypeError, SkillError), match=rf"\b{name}\(\)"):
        FUNCTIONS[name](1, 2, 3, nonsense=4)
