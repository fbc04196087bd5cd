"""Values as templates see them: where printing, lookups, loops and operators differ from Python's.

1. Text is `str`; `Record`, `JsonText` and `Reply` are text with something beside it.
2. Templates reach attributes through `get` and `item` alone; those decide what is refused.
3. What could explode is refused before it is made (`guards.py`).

Source: language reference, values; action catalogue, value kinds and `to_text`.
"""

from __future__ import annotations

import json
import operator
import types
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final, NamedTuple, Self, TypeGuard, TypeVar, final

from skillrt import guards
from skillrt.errors import LimitError, SecurityError, SkillError

# --- kinds of values -------------------------------------------------------------------------------


@final
class Undefined:
    """What an unknown name or a missing key yields: false, prints nothing, has no items."""

    __slots__ = ()

    def __bool__(self) -> bool:
        """False."""
        return False

    def __str__(self) -> str:
        """Nothing."""
        return ""

    def __repr__(self) -> str:
        """How it shows inside a printed list."""
        return "Undefined"

    def __len__(self) -> int:
        """Zero."""
        return 0

    def __iter__(self) -> Iterator[Any]:
        """No items."""
        return iter(())

    def __reduce__(self) -> str:
        """Copies are the same object."""
        return "UNDEFINED"


UNDEFINED: Final = Undefined()
MISSING: Final[Any] = object()
"""Stands for an argument of a macro that was not passed, whose default is to be evaluated then."""
Value = TypeVar("Value")


class Record(str):
    """A text with fields: its display text is what prints, `.name` and `["name"]` read the fields.

    `data` says that stored values and JSON hold the fields of the record, not its text.
    """

    __slots__ = ("data", "fields")
    data: bool
    fields: Mapping[str, Any]

    def __new__(cls, display: str, fields: Mapping[str, Any], *, data: bool = False) -> Self:
        """Keep the fields in their order."""
        record = super().__new__(cls, display)
        record.fields = fields
        record.data = data
        return record


class JsonText(str):
    """A text that is JSON: loops, indexes and fields look into what it says."""

    __slots__ = ("_content",)
    _content: tuple[Any] | None

    def __new__(cls, source: str, content: tuple[Any] | None = None) -> Self:
        """`content` holds the parsed text, when it is known already."""
        made = super().__new__(cls, source)
        made._content = content
        return made

    @property
    def content(self) -> Any:
        """The parsed text, parsed once."""
        if self._content is None:
            self._content = (load_json(self),)
        return self._content[0]


class Reply(str):
    """What GenStream returns: the text that was delivered, and how the stream ended.

    `outcome` is `completed`, `interrupted` or `failed(...)`.
    """

    __slots__ = ("outcome",)
    outcome: str

    def __new__(cls, text: str = "", outcome: str = "completed") -> Self:
        """Keep the outcome."""
        reply = super().__new__(cls, text)
        reply.outcome = outcome
        return reply

    @property
    def interrupted(self) -> bool:
        """Whether the person cut in."""
        return self.outcome == "interrupted"

    @property
    def failed(self) -> bool:
        """Whether the model, the way to it or the delivery failed."""
        return self.outcome.startswith("failed")


class DslList(list[Any]):
    """The list that an action returns: as text, its items joined by `separator`."""

    __slots__ = ("separator",)

    def __init__(self, items: Iterable[Any] = (), separator: str = " ") -> None:
        """Hold the items."""
        super().__init__(items)
        self.separator = separator

    def __str__(self) -> str:
        """The text form."""
        return text(self)


class Escaped(str):
    """A text in which HTML characters are escaped already: escaping it again leaves it as it is."""

    __slots__ = ()


class Group(NamedTuple):
    """What `groupby` makes of the items that agree: `grouper` is what they agree in."""

    grouper: Any
    list: Any

    def __repr__(self) -> str:
        """As any pair."""
        return repr(tuple(self))


@dataclass(frozen=True, slots=True)
class Namespace:
    """A module, or a class in one, as templates see it: the listed names and no way behind them.

    `make` is what a call of it does; None refuses calls.
    """

    name: str
    members: Mapping[str, Any]
    make: Callable[..., Any] | None = None

    def __contains__(self, name: object) -> bool:
        """Whether templates may name that member."""
        return name in self.members

    def __str__(self) -> str:
        """How it prints."""
        return f"<{self.name}>"

    def __repr__(self) -> str:
        """How it shows inside a printed list: what its members are made of is nobody's business."""
        return str(self)

    def __call__(self, *args: Any, **named: Any) -> Any:
        """Make a value, where this stands for a class."""
        if self.make is None:
            raise SkillError(f"cannot call module '{self.name}'")
        return self.make(*args, **named)


def describe(value: Any) -> str:
    """What kind of value it is, as messages say it: `text`, `a number`, `a list`."""
    match value:
        case None:
            return "none"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list() | tuple():
            return "a list"
        case dict():
            return "a dict"
        case Undefined():
            return "an undefined value"
        case Namespace():
            return f"module '{value.name}'"
        case _:
            return f"a {type(value).__name__}"


# --- text forms ------------------------------------------------------------------------------------

NUMBERS: Final = (int, float)


def text(value: Any) -> str:
    """The text form: what printing, joining and `str(...)` make of a value; none and undefined are "".

    Raises:
        LimitError: it is too large.
        SkillError: it is, or holds, a function or an object without a text form.

    Source: language reference, text form (the Guidance dialect for none).
    """
    if isinstance(value, str):
        return str(value)
    if value is None or value is UNDEFINED:
        return ""
    if isinstance(value, DslList):
        guards.check_size(value)
        return value.separator.join(map(text, value))
    if not isinstance(value, NUMBERS):
        guards.check_printed(value)
    return str(value)


def nsl_text(value: Any) -> str:
    """The text form in the NSL dialect, where none is "None".

    Raises:
        LimitError, SkillError: as `text`.

    Source: language reference, text form.
    """
    if type(value) is str:  # nearly always
        return value
    if value is None:
        return "None"
    if isinstance(value, DslList):
        guards.check_size(value)
        return value.separator.join(map(nsl_text, value))
    return text(value)


def to_text(value: Any) -> str:
    """What a text parameter of an action makes of a value.

    None and undefined are "", lists the texts of their items joined by their separator (plain ones by a
    space), dicts compact JSON; otherwise the text form. Source: action catalogue, `to_text`.
    """
    if type(value) is str:  # nearly always
        return value
    if guards.is_list(value):
        guards.check_size(value)
        separator = value.separator if isinstance(value, DslList) else " "
        return separator.join(map(to_text, value))
    if isinstance(value, dict):
        return str(compact_json(value))
    return text(value)


def stored(value: Any) -> str:
    """The stored form: what states, attributes and event arguments keep of a value.

    Lists, dicts and data records become compact JSON, a list of records (also an empty one that an action
    returned) its text, everything else `to_text`. Source: action catalogue, stored form.
    """
    if guards.is_list(value) or guards.is_dict(value) or (isinstance(value, Record) and value.data):
        if _holds_records(value):
            return to_text(value)
        return str(compact_json(value))
    return to_text(value)


def all_stored(values: Mapping[str, object] | None) -> dict[str, str]:
    """Named values in stored form, as events keep their arguments."""
    return {name: stored(value) for name, value in (values or {}).items()}


def _holds_records(value: Any) -> bool:
    if not guards.is_list(value) or not (value or isinstance(value, DslList)):
        return False
    return all(isinstance(part, Record) for part in value)


def defined(value: Value | Undefined) -> Value | str:
    """The value; undefined becomes "": how values leave a skill."""
    return "" if isinstance(value, Undefined) else value


# --- JSON ------------------------------------------------------------------------------------------


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


JSON: Final = json.JSONDecoder(strict=False, parse_constant=_no_constant)


def load_json(source: str) -> Any:
    """The value of strict JSON, except that control characters may stand in strings.

    Raises:
        ValueError: it is none, or nested too deep.
    """
    try:
        return JSON.decode(source)
    except RecursionError:
        raise ValueError("nested too deep") from None


def json_text(source: str) -> str:
    """The text, as JSON text if it is a JSON array or object."""
    if source.lstrip()[:1] in ("[", "{"):
        try:
            content = load_json(source)
        except ValueError:
            return source
        return JsonText(source, (content,))
    return source


def data_of(value: Any) -> Any:
    """The value as JSON can hold it: JSON text as what it says, data records as their fields, others as text.

    The content of JSON text is its own, not a copy.
    """
    if isinstance(value, JsonText):
        return value.content
    if isinstance(value, Record):
        return _data_of_dict(value.fields) if value.data else str(value)
    if value is None or isinstance(value, str | int | float):
        return value
    if guards.is_list(value):
        return [data_of(part) for part in value]
    if guards.is_dict(value):
        return _data_of_dict(value)
    return text(value)


def _data_of_dict(value: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        key if isinstance(key, str) else to_text(key): data_of(part) for key, part in value.items()
    }


def compact_json(value: Any) -> JsonText:
    """The value as JSON without blanks; characters beyond ASCII stay."""
    guards.check_size(value)
    try:
        source = json.dumps(
            data_of(value), separators=(",", ":"), ensure_ascii=False, allow_nan=False
        )
    except ValueError as error:
        raise SkillError(f"cannot be written as JSON: {error}") from None
    except RecursionError:
        raise LimitError("a value is nested too deep for JSON") from None
    return JsonText(source)


# --- lookups ---------------------------------------------------------------------------------------

REPLY_ATTRIBUTES: Final = frozenset({"interrupted", "failed", "outcome"})
QUOTED: Final = 60
REFUSED_OF_TEXT: Final = frozenset({"format", "format_map"})
OF_DICT: Final = frozenset(dir(dict))
HIDDEN: Final = (types.ModuleType, type)


def get(value: Any, name: str) -> Any:
    """`value.name`: the attribute, else the key, else undefined.

    Records look at their fields first, JSON text at methods of text and then into its content; `.length` of
    a list or of JSON text is the number of its items. Methods that could explode come guarded.

    Raises:
        SecurityError: the name or what it leads to is Python's own business.
        SkillError: `value` is undefined.
    """
    if type(value) is dict and name not in OF_DICT and name[:1] != "_":  # nearly always
        return _key(value, name)
    found = attribute(value, name)
    return _key(value, name) if found is UNDEFINED else found


def attribute(value: Any, name: str) -> Any:
    """The attribute, a field of a record included, else undefined; never what stands under a key.

    Raises:
        SecurityError: as `get`.
        SkillError: `value` is undefined.
    """
    if value is UNDEFINED:
        raise SkillError(f"cannot read '{name}' of an undefined value")
    if name.startswith("_"):
        raise SecurityError(f"access to {quoted(name)} is not allowed")
    if isinstance(value, Record) and name in value.fields:
        return value.fields[name]
    return _attribute(value, name)


def item(value: Any, index: Any) -> Any:
    """`value[index]`: the item, else the attribute of that name, else undefined.

    Raises:
        SecurityError: as `get`.
        SkillError: `value` is undefined, or `index` is a slice and `value` has no parts.
    """
    if value is UNDEFINED:
        raise SkillError(f"cannot read {describe_index(index)} of an undefined value")
    if isinstance(value, Record) and isinstance(index, str):
        return value.fields[index] if index in value.fields else _named(value, index)
    if isinstance(value, JsonText):
        found = item(value.content, index)
        return _named(value, index) if found is UNDEFINED else found
    if guards.is_inside(value):
        return _named(value, index)
    try:
        return value[index]
    except (TypeError, LookupError):
        if isinstance(index, slice):
            raise SkillError(f"cannot take a part of {describe(value)}") from None
        return _named(value, index)


def describe_index(index: Any) -> str:
    """An index as messages say it."""
    return quoted(index) if isinstance(index, str) else f"item {text(index)}"


def quoted(name: str) -> str:
    """A name as messages say it: names come from data, and messages are short and on one line."""
    return repr(str(name[:QUOTED]))


def _named(value: Any, index: Any) -> Any:
    """The attribute that a computed name means; one that does not exist is no attack."""
    if not isinstance(index, str):
        return UNDEFINED
    if index.startswith("_"):
        if not isinstance(value, Namespace) and not hasattr(value.__class__, index):
            return UNDEFINED
        raise SecurityError(f"access to {quoted(index)} is not allowed")
    return _attribute(value, index)


def _attribute(value: Any, name: str) -> Any:
    """The attribute, guarded, or UNDEFINED."""
    if isinstance(value, Namespace):
        if name not in value:
            raise SecurityError(f"access to {quoted(f'{value.name}.{name}')} is not allowed")
        return value.members[name]
    if guards.is_inside(value):
        raise SecurityError(f"access to {quoted(name)} of {describe(value)} is not allowed")
    if isinstance(value, str):
        if name in REFUSED_OF_TEXT:
            raise SecurityError(f"access to '{name}' of a text is not allowed")
        if isinstance(value, Reply) and name in REPLY_ATTRIBUTES:
            return getattr(value, name)
        if not hasattr(str, name):
            return UNDEFINED
    if isinstance(value, Group) and name in Group._fields:
        return getattr(value, name)
    if guards.is_list(value):
        if name == "length":
            return len(value)
        if not hasattr(list, name):
            return UNDEFINED
    method = guards.guarded(value, name)
    if method is not None:
        return _bound(method, value)
    if not guards.is_shown(value, name):
        raise SecurityError(f"access to {quoted(name)} of {describe(value)} is not allowed")
    if value is None:
        return UNDEFINED
    found = getattr(value, name, UNDEFINED)
    if isinstance(found, HIDDEN):
        raise SecurityError(f"access to {quoted(name)} of {describe(value)} is not allowed")
    return found


def _bound(method: Callable[..., Any], value: Any) -> Callable[..., Any]:
    def bound(*args: Any, **named: Any) -> Any:
        return method(value, *args, **named)

    return bound


def _key(value: Any, name: str) -> Any:
    """What a value holds under a key, or UNDEFINED."""
    if guards.is_dict(value):  # nearly always
        return value.get(name, UNDEFINED)
    if isinstance(value, JsonText):
        content = value.content
        found = _key(content, name)
        counted = name == "length" and found is UNDEFINED and guards.is_container(content)
        return len(content) if counted else found
    return UNDEFINED


def call(function: Any, /, *args: Any, **named: Any) -> Any:
    """`function(...)` for a value that a template calls.

    Raises:
        SecurityError: it is a class.
        SkillError: it cannot be called.
        LimitError: the result is too long to be used.
    """
    if not callable(function):
        raise SkillError(f"cannot call {describe(function)}")
    if isinstance(function, type):
        raise SecurityError("a call of a class is not allowed")
    result = function(*args, **named)
    if guards.is_sequence(result):
        guards.check_length(result, len(result))
    return result


# --- loops -----------------------------------------------------------------------------------------


def each(value: Any) -> list[tuple[Any, Any]]:
    """The pairs (key, item) that a loop walks, collected first; only dicts have keys, else it is None.

    Dicts give their values; JSON text, and text that is a JSON array or object, gives what it says; other
    text its characters; none, undefined and blank text nothing.

    Raises:
        SkillError: it has no items.
    """
    if isinstance(value, str):
        if not value.strip():
            return []
        if not isinstance(value, JsonText):
            value = json_text(value)
    content = value.content if isinstance(value, JsonText) else value
    if guards.is_dict(content):
        return list(content.items())
    return [(None, part) for part in iterate(value)]


def iterate(value: Any) -> list[Any]:
    """The items of what Python iterates, collected first: keys of a dict, characters of text.

    JSON text gives what it says, if that has items; none and undefined have no items.

    Raises:
        SkillError: it cannot be walked.
    """
    if isinstance(value, JsonText):
        content = value.content
        return iterate(content if content is None or guards.is_container(content) else str(value))
    if value is None or value is UNDEFINED:
        return []
    if not _is_walkable(value):
        raise SkillError(f"cannot loop over {describe(value)}")
    return guards.bounded(value)


def nsl_items(value: Any) -> Iterable[Any]:
    """What a loop or filter of the NSL dialect walks: items, keys of a dict, characters of text.

    JSON text gives what it says, if that has items; undefined has none. A list is walked as it is, so that what
    is added to it meanwhile is met too; anything else is collected first.

    Raises:
        SkillError: it cannot be walked; none is such a thing.

    Source: language reference, what NSL has; Jinja 3.1 for lists that grow.
    """
    if value is None:
        raise SkillError("cannot loop over none")
    content = value.content if isinstance(value, JsonText) else value
    return content if guards.is_list(content) else iterate(value)


def _is_walkable(value: object) -> TypeGuard[Iterable[Any]]:
    return isinstance(value, Iterable) and not isinstance(value, Awaitable | AsyncIterator)


def or_undefined(argument: Any) -> Any:
    """An argument of a macro as earlier defaults see it: undefined, if it was not passed."""
    return UNDEFINED if argument is MISSING else argument


def unpack(value: Any, count: int) -> list[Any]:
    """The items of a value for as many variables.

    Raises:
        SkillError: it has another number of items, or none at all.
    """
    found = list(nsl_items(value))
    if len(found) != count:
        raise SkillError(f"cannot take {count} values from {len(found)}")
    return found


def named_arguments(value: Any) -> dict[str, Any]:
    """The pairs of a dict as named arguments of a call.

    Raises:
        SkillError: it is no dict, or a key is no text.
    """
    content = value.content if isinstance(value, JsonText) else value
    if not guards.is_dict(content):
        raise SkillError(f"cannot take named arguments from {describe(value)}")
    for key in content:
        if not isinstance(key, str):
            raise SkillError(f"the name of an argument is {describe(key)}, not text")
    return content


# --- operators -------------------------------------------------------------------------------------


def add(left: Any, right: Any) -> Any:
    """`left + right`."""
    if guards.is_sequence(left) and guards.is_sequence(right):
        guards.check_length(left, len(left) + len(right))
    return _apply(operator.add, left, right, "cannot add {left} and {right}")


def total(parts: Iterable[Any], start: Any) -> Any:
    """`start` and all parts, added up; lists and tuples are joined in one go."""
    if not guards.is_list(start):
        return reduce(add, parts, start)
    joined = list(start)
    for part in parts:
        if not guards.is_list(part) or guards.is_tuple(part) != guards.is_tuple(start):
            raise SkillError(f"cannot add {describe(start)} and {describe(part)}")
        guards.check_items(len(joined) + len(part))
        joined.extend(part)
    return tuple(joined) if guards.is_tuple(start) else joined


def subtract(left: Any, right: Any) -> Any:
    """`left - right`; of the keys or items of a dict, those that are left, in their order."""
    rest = _apply(operator.sub, left, right, "cannot subtract {right} from {left}")
    return [part for part in left if part in rest] if isinstance(rest, set) else rest


def multiply(left: Any, right: Any) -> Any:
    """`left * right`."""
    if isinstance(left, int) and isinstance(right, int):
        guards.check_bits(left.bit_length() + right.bit_length())
        return left * right
    for sequence, times in ((left, right), (right, left)):
        if guards.is_sequence(sequence) and isinstance(times, int):
            guards.check_length(sequence, len(sequence) * times)
    return _apply(operator.mul, left, right, "cannot multiply {left} by {right}")


def divide(left: Any, right: Any) -> Any:
    """`left / right`."""
    return _apply(lambda a, b: a / b, left, right, "cannot divide {left} by {right}")


def modulo(left: Any, right: Any) -> Any:
    """`left % right`; of text, what Python's printf-style formatting makes of it."""
    if isinstance(left, str):
        return _apply(guards.percent, str(left), right, "cannot fill {right} into {left}")
    if isinstance(left, bytes):
        raise SkillError(f"cannot fill {describe(right)} into {describe(left)}")
    return _apply(operator.mod, left, right, "cannot divide {left} by {right}")


def floor_divide(left: Any, right: Any) -> Any:
    """`left // right`."""
    return _apply(lambda a, b: a // b, left, right, "cannot divide {left} by {right}")


def power(left: Any, right: Any) -> Any:
    """`left ** right`."""
    if isinstance(left, int) and isinstance(right, int) and right > 0:
        guards.check_bits(left.bit_length() * right)
    return _apply(lambda a, b: a**b, left, right, "cannot raise {left} to the power of {right}")


def concatenate(*parts: Any) -> str:
    """`left ~ right ~ ...`: the text forms of the NSL dialect, one after the other."""
    texts = [nsl_text(part) for part in parts]
    guards.check_chars(sum(map(len, texts)))
    return "".join(texts)


def negate(value: Any) -> Any:
    """`-value`."""
    try:
        return -value
    except TypeError:
        raise SkillError(f"cannot negate {describe(value)}") from None


def positive(value: Any) -> Any:
    """`+value`."""
    try:
        return +value
    except TypeError:
        raise SkillError(f"cannot take {describe(value)} as a number") from None


def less(left: Any, right: Any) -> bool:
    """`left < right`."""
    return bool(_compare(operator.lt, left, right))


def less_equal(left: Any, right: Any) -> bool:
    """`left <= right`."""
    return bool(_compare(operator.le, left, right))


def greater(left: Any, right: Any) -> bool:
    """`left > right`."""
    return bool(_compare(operator.gt, left, right))


def greater_equal(left: Any, right: Any) -> bool:
    """`left >= right`."""
    return bool(_compare(operator.ge, left, right))


def equal(left: Any, right: Any) -> bool:
    """`left == right`; nothing is converted."""
    return bool(_compare(operator.eq, left, right))


def not_equal(left: Any, right: Any) -> bool:
    """`left != right`."""
    return not equal(left, right)


def same(left: Any, right: Any) -> bool:
    """`left is right`: identity with none, true and false, else equality."""
    if right is None or right is True or right is False:
        return left is right
    return equal(left, right)


def contains(container: Any, member: Any) -> bool:
    """`member in container`; an undefined container has no members."""
    try:
        return member in container
    except TypeError:
        what, where = describe(member), describe(container)
        raise SkillError(f"cannot look for {what} in {where}") from None


def inside(member: Any, container: Any) -> bool:
    """`member in container`, evaluated in this order."""
    return contains(container, member)


def _compare(operation: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    if guards.is_container(left) and guards.is_container(right):
        guards.check_size(left)
    return _apply(operation, left, right, "cannot compare {left} and {right}")


def _apply(operation: Callable[[Any, Any], Any], left: Any, right: Any, refusal: str) -> Any:
    """Python's operation, its errors in the words of a template's author."""
    try:
        return operation(left, right)
    except ZeroDivisionError:
        raise SkillError("division by zero") from None
    except (TypeError, ValueError, KeyError):
        raise SkillError(refusal.format(left=describe(left), right=describe(right))) from None
    except OverflowError as error:
        raise LimitError(f"the result is too large: {error}") from None
