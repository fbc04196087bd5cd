"""The kinds of action parameters: what each accepts, and how a value becomes clean.

1. One conversion a kind, `as_<kind>(value, parameter, default)`; generated code, `Do` and the compiler (for
   literals) use the same ones.
2. `parameter` is `Action.name` as the template writes it; it is there for the error, and for the limits and
   choices, which the catalogue knows.
3. For an optional parameter a blank value means "not given": the default. Without a default it is an error.

Source: action catalogue, parameter kinds and accepted lenient forms.
"""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Final,
    Generic,
    NamedTuple,
    TypeAlias,
    TypeVar,
    overload,
)

from skillrt.clock import time_zone
from skillrt.errors import ActionError
from skillrt.guards import is_dict, is_list
from skillrt.values import UNDEFINED, JsonText, Record, data_of, describe, load_json, to_text

if TYPE_CHECKING:
    from skillrt.catalogue import ActionParameter


class Kind(Enum):
    """The name of a kind, as messages say it; `Kind.NAME.value` is "a name"."""

    TEXT = "text"
    ANY = "any value"
    NAME = "a name"
    ID = "an id"
    IDS = "ids"
    NAMES = "names"
    TEXTS = "texts"
    INT = "a whole number"
    NUM = "a number"
    NUM0 = "a number or blank"
    FLAG = "true or false"
    CHOICE = "one of its choices"
    DATE = "a date"
    TZ = "a time zone"
    JSON = "JSON"
    JSON_ARRAY = "a JSON array"
    JSON_OBJECT = "a JSON object"
    ITEM = "a JSON item"
    INTS = "whole numbers"


class Blank(Enum):
    """A mark in a signature: what blank text means for this parameter."""

    KEPT = "a value that finds nothing; only none means that nothing was given"


class Range(NamedTuple):
    """The allowed values of a number, both ends included; None is open."""

    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        """`0 to 2`, `1 or more`, `at most 9`."""
        if self.high is None:
            return f"{self.low:g} or more"
        if self.low is None:
            return f"at most {self.high:g}"
        return f"{self.low:g} to {self.high:g}"


# What an action's signature says: the clean Python type, and the kind that makes it.
Text: TypeAlias = Annotated[str, Kind.TEXT]
AnyValue: TypeAlias = Annotated[Any, Kind.ANY]
Name: TypeAlias = Annotated[str, Kind.NAME]
Id: TypeAlias = Annotated[str, Kind.ID]
Ids: TypeAlias = Annotated[list[str], Kind.IDS]
Names: TypeAlias = Annotated[list[str], Kind.NAMES]
Texts: TypeAlias = Annotated[list[str], Kind.TEXTS]
Int: TypeAlias = Annotated[int, Kind.INT]
Num: TypeAlias = Annotated[float, Kind.NUM]
Num0: TypeAlias = Annotated[float, Kind.NUM0]
Flag: TypeAlias = Annotated[bool, Kind.FLAG]
Date: TypeAlias = Annotated[str, Kind.DATE]
Tz: TypeAlias = Annotated[str, Kind.TZ]
Json: TypeAlias = Annotated[Any, Kind.JSON]
JsonArray: TypeAlias = Annotated[list[Any], Kind.JSON_ARRAY]
JsonObject: TypeAlias = Annotated[dict[str, Any], Kind.JSON_OBJECT]
Item: TypeAlias = Annotated[Any, Kind.ITEM]
Ints: TypeAlias = Annotated[list[int], Kind.INTS]

Clean = TypeVar("Clean")
Default = TypeVar("Default")

REQUIRED: Final = object()
SHOWN: Final = 40


class Unfit(Exception):  # noqa: N818 - never leaves this module
    """A value that its kind does not accept."""


@dataclass(frozen=True, slots=True)
class Conversion(Generic[Clean]):
    """How values become clean: `as_int(value, "Gen.maxTokens")`.

    Text with nothing but blanks, and none, are blank; `blanks` says which texts are for this kind. `read` gets
    what is left and raises Unfit. `empty` makes the value that a blank one has when nothing else is said.
    """

    kind: Kind
    read: Callable[[Any, ActionParameter], Clean]
    blanks: Callable[[object], bool]
    empty: Callable[[], Clean] | None = None

    @overload
    def __call__(self, value: object, parameter: str) -> Clean: ...

    @overload
    def __call__(self, value: object, parameter: str, default: Default) -> Clean | Default: ...

    def __call__(self, value: object, parameter: str, default: Any = REQUIRED) -> Any:
        """The clean value, or `default` for a blank one.

        Raises:
            ActionError: the kind does not accept the value, or it is blank and there is no default.
        """
        entry = entry_of(parameter)
        return self.clean(value, entry, parameter.rpartition(".")[0], default)

    def clean(self, value: object, entry: ActionParameter, action: str, default: Any) -> Any:
        """The same for a parameter that is at hand."""
        if value is UNDEFINED:
            value = ""
        if entry.keeps_blank and value is None and default is not REQUIRED:
            return default
        if self.blanks(value):
            if entry.keeps_blank:
                return ""
            if default is not REQUIRED:
                return default
            if self.empty is not None:
                return self.empty()
            raise ActionError(action, entry.name, f"expected {self.kind.value}, got nothing")
        try:
            return self.read(value, entry)
        except Unfit:
            reason = f"expected {expectation(self.kind, entry)}, got {shown(value)}"
            raise ActionError(action, entry.name, reason) from None


def expectation(kind: Kind, entry: ActionParameter) -> str:
    """What a parameter accepts, as messages say it."""
    if kind is Kind.CHOICE:
        return f"one of {', '.join(entry.choices)}"
    accepted = Kind.NUM.value if kind is Kind.NUM0 else kind.value
    return accepted if entry.range is None else f"{accepted}, {entry.range}"


def shown(value: object) -> str:
    """A value as messages quote it: text and numbers themselves, of others what they are."""
    match value:
        case str() if len(value) > SHOWN:
            return f"'{value[:SHOWN]}…'"
        case str():
            return f"'{value}'"
        case bool() | float():
            return str(value)
        case int() if value.bit_length() < 4 * SHOWN:
            return str(value)
        case _:
            return describe(value)


@cache
def entry_of(parameter: str) -> ActionParameter:
    """The catalogue's entry of `Action.name`.

    Raises:
        LookupError: there is none.
    """
    import skillrt.actions  # noqa: F401  # pyright: ignore[reportUnusedImport]  # fills the catalogue
    from skillrt.catalogue import CATALOGUE

    action, _, name = parameter.rpartition(".")
    for entry in CATALOGUE[action].parameters:
        if entry.name == name:
            return entry
    raise LookupError(f"no action has the parameter '{parameter}'")


def convert(parameter: ActionParameter, action: str, value: object) -> Any:
    """The clean value of an argument; a blank one is the parameter's default.

    Raises:
        ActionError: as the conversion of the parameter's kind.
    """
    default = REQUIRED if parameter.required else parameter.default
    return CONVERSIONS[parameter.kind].clean(value, parameter, action, default)


# --- what is blank ---------------------------------------------------------------------------------


def _never(_value: object) -> bool:
    return False


def _blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _empty(value: object) -> bool:
    return value is None or value == ""


# --- text, names, ids ------------------------------------------------------------------------------


def _text(value: Any, _entry: ActionParameter) -> str:
    return to_text(value)


def _any(value: Any, _entry: ActionParameter) -> Any:
    return value


def _name(value: Any, _entry: ActionParameter) -> str:
    if isinstance(value, str) and (name := value.strip()):
        return name
    raise Unfit


def _id(value: Any, entry: ActionParameter) -> str:
    if is_list(value) and len(value) == 1:
        return _id(value[0], entry)
    if isinstance(value, Record):
        return _name(value.fields.get("id", str(value)), entry)
    return _name(value, entry)


def _ids(value: Any, entry: ActionParameter) -> list[str]:
    if isinstance(value, Record):
        return [_id(value, entry)]
    if isinstance(value, str):
        value = _listed(value, r"[\s,]+")
    if not is_list(value):
        raise Unfit
    return list(dict.fromkeys(_id(part, entry) for part in value if not _blank(part)))


def _names(value: Any, entry: ActionParameter) -> list[str]:
    if isinstance(value, str):
        value = _listed(value, ",")
    if not is_list(value):
        raise Unfit
    return [_name(part, entry) for part in value if not _blank(part)]


def _texts(value: Any, _entry: ActionParameter) -> list[str]:
    if isinstance(value, str):
        value = _listed(value, None)
    if not is_list(value):
        raise Unfit
    return [text for part in value if (text := to_text(part))]


def _listed(value: str, separators: str | None) -> list[Any]:
    """The items of text that writes a list as JSON or Python do, else of text split at separators."""
    if value.lstrip().startswith("["):
        try:
            parsed = parse_json(value)
        except ValueError:
            parsed = None
        if is_list(parsed):
            return list(parsed)
    return [value] if separators is None else re.split(separators, value)


# --- numbers, flags, choices -----------------------------------------------------------------------

WHOLE: Final = re.compile(r"[+-]?[0-9]+(?:\.0*)?")
NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
FLAGS: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("true", "t", "yes", "y", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0"), False),
}


def _int(value: Any, entry: ActionParameter) -> int:
    if isinstance(value, str) and WHOLE.fullmatch(value.strip()):
        return _in_range(_digits(value.strip().partition(".")[0]), entry)
    if isinstance(value, str):
        raise Unfit
    number = _number(value)
    if number != int(number):
        raise Unfit
    return _in_range(int(number), entry)


def _num(value: Any, entry: ActionParameter) -> float:
    """A number: whole text stays a whole number, so that large ones stay exact."""
    if isinstance(value, str):
        digits = value.strip()
        if not NUMBER.fullmatch(digits):
            raise Unfit
        value = _digits(digits) if WHOLE.fullmatch(digits) and "." not in digits else float(digits)
    return _in_range(_number(value), entry)


def _digits(text: str) -> int:
    try:
        return int(text)
    except ValueError:  # more digits than Python reads
        raise Unfit from None


def _number(value: Any) -> float:
    """The number that a value is, whole if it is a whole decimal one."""
    from decimal import Decimal

    if isinstance(value, Decimal) and value.is_finite():
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not _finite(value):
        raise Unfit
    return value


def _finite(number: float) -> bool:
    return isinstance(number, int) or math.isfinite(number)


Number = TypeVar("Number", int, float)


def _in_range(number: Number, entry: ActionParameter) -> Number:
    low, high = entry.range or (None, None)
    if (low is not None and number < low) or (high is not None and number > high):
        raise Unfit
    return number


def _flag(value: Any, _entry: ActionParameter) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str | int):
        try:
            return FLAGS[str(value).strip().lower()]
        except KeyError:
            pass
    raise Unfit


def _choice(value: Any, entry: ActionParameter) -> Any:
    if isinstance(value, str):
        wanted = value.strip().lower()
        for choice in entry.choices:
            if choice.lower() == wanted:
                return choice
    raise Unfit


def _ints(value: Any, entry: ActionParameter) -> list[int]:
    if isinstance(value, str):
        value = _listed(value, r"[\s,]+")
    if not is_list(value):
        value = [value]
    return [_int(part, entry) for part in value if not _blank(part)]


# --- dates and time zones --------------------------------------------------------------------------

DATE: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)"
    r"(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9})\d*)?\s*(Z|[+-]\d\d(?::?\d\d)?)?)?"
    r"(?:,\s*(?:mon|tues|wednes|thurs|fri|satur|sun)day)?",
    re.ASCII | re.IGNORECASE,
)
MILLISECONDS: Final = re.compile(r"[0-9]{11,16}")


def _date(value: Any, _entry: ActionParameter) -> str:
    """ISO text without weekday; milliseconds become UTC, a date alone stays one, so does one without offset."""
    if isinstance(value, bool | float) or is_list(value) or is_dict(value):
        raise Unfit
    source = to_text(value).strip()
    try:
        if MILLISECONDS.fullmatch(source):
            return _from_milliseconds(int(source)).isoformat()
        if found := DATE.fullmatch(source):
            day, clock, fraction, offset = found.groups()
            if clock is None:
                return datetime.fromisoformat(day).date().isoformat()
            micros = f".{fraction[:6]:0<6}" if fraction else ""
            zone = "+00:00" if (offset or "").upper() == "Z" else offset or ""
            return datetime.fromisoformat(f"{day}T{clock}{micros}{zone}").isoformat()
    except (ValueError, OverflowError):
        pass
    raise Unfit


def _from_milliseconds(milliseconds: int) -> datetime:
    whole, rest = divmod(milliseconds, 1000)
    return datetime.fromtimestamp(whole, UTC).replace(microsecond=rest * 1000)


def moment(date: str) -> datetime:
    """The moment that a clean date means: midnight for a date alone, UTC where there is no offset."""
    parsed = datetime.fromisoformat(date)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed


def _tz(value: Any, _entry: ActionParameter) -> str:
    try:
        return time_zone(to_text(value).strip()).key
    except LookupError:
        raise Unfit from None


# --- JSON ------------------------------------------------------------------------------------------

LITERAL_LIMIT: Final = 1024 * 1024
LITERAL: Final = re.compile(r"\s*(?:[\[({'\"0-9.+-]|(?:True|False|None)\s*$)")


def parse_json(text: str) -> Any:
    """The value of strict JSON, else of JSON arrays written one after another, else of a Python literal.

    Control characters may stand in strings. Several arrays give one with the items of all; tuples become lists.

    Raises:
        ValueError: it is none of these.
    """
    try:
        return load_json(text)
    except ValueError:
        pass
    try:
        return _several_arrays(text)
    except ValueError:
        return _python_literal(text)


def _several_arrays(text: str) -> list[Any]:
    decoder = json.JSONDecoder(strict=False)
    items: list[Any] = []
    at, text = 0, text.strip()
    if not text:
        raise ValueError("no JSON")
    while at < len(text):
        try:
            part, at = decoder.raw_decode(text, at)
        except RecursionError:
            raise ValueError("nested too deep") from None
        if not is_list(part):
            raise ValueError("no JSON array")
        items.extend(part)
        while at < len(text) and text[at].isspace():
            at += 1
    return items


def _python_literal(text: str) -> Any:
    if len(text) > LITERAL_LIMIT or not LITERAL.match(text):
        raise ValueError("neither JSON nor a Python literal")
    try:
        return _plain(ast.literal_eval(text.strip()))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise ValueError("neither JSON nor a Python literal") from None


def _plain(value: Any) -> Any:
    """A literal without what JSON does not know."""
    if is_list(value):
        return [_plain(part) for part in value]
    if is_dict(value):
        return {str(key): _plain(part) for key, part in value.items()}
    if value is None or isinstance(value, str | int | float):
        return value
    raise ValueError("no JSON")


def _json(value: Any, _entry: ActionParameter) -> Any:
    if isinstance(value, Record):
        return {name: data_of(field) for name, field in value.fields.items()}
    if isinstance(value, JsonText):
        return value.content
    if isinstance(value, str):
        try:
            return parse_json(value)
        except ValueError:
            raise Unfit from None
    return data_of(value)


def _json_array(value: Any, entry: ActionParameter) -> list[Any]:
    parsed = _json(value, entry)
    if not is_list(parsed):
        raise Unfit
    return list(parsed)


def _json_object(value: Any, entry: ActionParameter) -> dict[str, Any]:
    parsed = _json(value, entry)
    if not is_dict(parsed):
        raise Unfit
    return dict(parsed)


def _item(value: Any, _entry: ActionParameter) -> Any:
    if isinstance(value, str) and not isinstance(value, Record | JsonText):
        try:
            return load_json(value)
        except ValueError:
            return str(value)
    return data_of(value)


# --- the table -------------------------------------------------------------------------------------

as_text: Final = Conversion(Kind.TEXT, _text, _never)
as_any: Final = Conversion(Kind.ANY, _any, _never)
as_name: Final = Conversion(Kind.NAME, _name, _blank)
as_id: Final = Conversion(Kind.ID, _id, _blank)
as_ids: Final = Conversion(Kind.IDS, _ids, _blank)
as_names: Final = Conversion(Kind.NAMES, _names, _blank)
as_texts: Final = Conversion(Kind.TEXTS, _texts, _empty)
as_int: Final = Conversion(Kind.INT, _int, _blank)
as_num: Final = Conversion(Kind.NUM, _num, _blank)
as_num0: Final = Conversion(Kind.NUM0, _num, _blank, lambda: 0)
as_flag: Final = Conversion(Kind.FLAG, _flag, _blank)
as_choice: Final = Conversion(Kind.CHOICE, _choice, _blank)
as_date: Final = Conversion(Kind.DATE, _date, _blank)
as_tz: Final = Conversion(Kind.TZ, _tz, _blank)
as_json: Final = Conversion(Kind.JSON, _json, _blank)
as_json_array: Final = Conversion(Kind.JSON_ARRAY, _json_array, _blank, list[Any])
as_json_object: Final = Conversion(Kind.JSON_OBJECT, _json_object, _blank, dict[str, Any])
as_item: Final = Conversion(Kind.ITEM, _item, _never)
as_ints: Final = Conversion(Kind.INTS, _ints, _blank)

CONVERSIONS: Final[Mapping[Kind, Conversion[Any]]] = {
    conversion.kind: conversion
    for conversion in (
        as_text,
        as_any,
        as_name,
        as_id,
        as_ids,
        as_names,
        as_texts,
        as_int,
        as_num,
        as_num0,
        as_flag,
        as_choice,
        as_date,
        as_tz,
        as_json,
        as_json_array,
        as_json_object,
        as_item,
        as_ints,
    )
}
