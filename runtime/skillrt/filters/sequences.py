"""Filters of lists and dicts, and of anything with items.

1. What Jinja answers with a generator is a list here: it can be printed, counted and walked twice.
2. Names and paths of attributes go through the guarded lookups of `values.py`.
3. Keys are checked before they are compared or hashed: shared parts make nested values larger than they look.

Source: Jinja 3.1, built-in filters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby as runs
from random import Random
from typing import Any, TypeAlias, TypeVar

from skillrt import guards, values
from skillrt.errors import SkillError
from skillrt.filters.registry import find_filter, find_test, jinja_filter
from skillrt.objects import DICE
from skillrt.values import UNDEFINED, Group, JsonText, describe, nsl_items, nsl_text

Key: TypeAlias = Callable[[Any], Any]
Item = TypeVar("Item")


# --- single items and counts -----------------------------------------------------------------------


@jinja_filter("default", "d")
def default(value: Any, /, default_value: Any = "", boolean: Any = False) -> Any:
    """The value, or `default_value` where it is undefined; with `boolean`, where it is anything false."""
    return default_value if value is UNDEFINED or (boolean and not value) else value


@jinja_filter("attr")
def attr(value: Any, /, name: Any) -> Any:
    """The attribute of that name, else undefined; keys are not looked at."""
    return values.attribute(value, name)


@jinja_filter("length", "count")
def length(value: Any, /) -> int:
    """The number of characters or items; JSON text has those of what it says."""
    return len(_content(value))


@jinja_filter("first")
def first(value: Any, /) -> Any:
    """The first item; undefined when there is none."""
    return next(iter(nsl_items(value)), UNDEFINED)


@jinja_filter("last")
def last(value: Any, /) -> Any:
    """The last item; undefined when there is none."""
    return next(reversed(list(nsl_items(value))), UNDEFINED)


@jinja_filter("random")
def random(value: Any, /, *, source: Random = DICE) -> Any:
    """One of the items, chosen by `source`; undefined when there is none."""
    parts = list(nsl_items(value))
    return source.choice(parts) if parts else UNDEFINED


# --- lists of the same items -----------------------------------------------------------------------


@jinja_filter("list")
def list_(value: Any, /) -> list[Any]:
    """A new list of the items, or of the characters."""
    return list(nsl_items(value))


@jinja_filter("items")
def items(value: Any, /) -> list[tuple[Any, Any]]:
    """The pairs (key, value) of a dict; undefined has none."""
    return [] if value is UNDEFINED else list(_dict(value).items())


@jinja_filter("reverse")
def reverse(value: Any, /) -> Any:
    """The items, last first; of text, a text."""
    content = _content(value)
    return str(content)[::-1] if isinstance(content, str) else list(nsl_items(content))[::-1]


@jinja_filter("batch")
def batch(value: Any, /, linecount: Any, fill_with: Any = None) -> list[list[Any]]:
    """The items in lists of `linecount`; the last one is filled up with `fill_with`, unless that is none."""
    rows: list[list[Any]] = []
    row: list[Any] = []
    for part in nsl_items(value):
        if len(row) == linecount:
            rows.append(row)
            row = []
        row.append(part)
    if row:
        if fill_with is not None:
            guards.check_items(linecount)
            row += [fill_with] * (linecount - len(row))
        rows.append(row)
    return rows


@jinja_filter("slice")
def slice_(value: Any, /, slices: Any, fill_with: Any = None) -> list[list[Any]]:
    """The items in so many lists of about the same length; shorter ones are filled up with `fill_with`."""
    guards.check_items(slices)
    parts = list(nsl_items(value))
    size, longer = divmod(len(parts), slices)
    columns: list[list[Any]] = []
    start = 0
    for number in range(slices):
        end = start + size + (number < longer)
        column = parts[start:end]
        if fill_with is not None and number >= longer:
            column.append(fill_with)
        columns.append(column)
        start = end
    return columns


@jinja_filter("join")
def join(value: Any, /, d: Any = "", attribute: Any = None) -> str:
    """The text forms of the items, or of their `attribute`, with `d` between them."""
    separator = nsl_text(d)
    read = _reader(attribute)
    texts: list[str] = []
    size = 0
    for part in nsl_items(value):
        texts.append(nsl_text(read(part)))
        size += len(texts[-1]) + len(separator)
        guards.check_chars(size - len(separator))
    return separator.join(texts)


# --- comparing items -------------------------------------------------------------------------------


@jinja_filter("sort")
def sort(
    value: Any, /, reverse: Any = False, case_sensitive: Any = False, attribute: Any = None
) -> list[Any]:
    """The items in ascending order, by one or more attributes if given: `"age,name"`."""
    paths = attribute.split(",") if isinstance(attribute, str) else [attribute]
    readers, fold = list(map(_reader, paths)), _folding(case_sensitive)
    # Keys are lists even of one: of lists, equal items are not asked for their order, and undefined has none.
    keyed = _keyed(
        nsl_items(value),
        lambda part: [read(part) for read in readers],
        lambda keys: list(map(fold, keys)),
    )
    return _in_order(keyed, reverse)


@jinja_filter("dictsort")
def dictsort(
    value: Any, /, case_sensitive: Any = False, by: Any = "key", reverse: Any = False
) -> list[tuple[Any, Any]]:
    """The pairs (key, value) of a dict in ascending order of its keys, or values."""
    if by not in {"key", "value"}:
        raise SkillError("filter 'dictsort' sorts by key or by value")
    read = _reader(int(by == "value"))
    return _in_order(_keyed(_dict(value).items(), read, _folding(case_sensitive)), reverse)


@jinja_filter("unique")
def unique(value: Any, /, case_sensitive: Any = False, attribute: Any = None) -> list[Any]:
    """The items without those that are like an earlier one."""
    firsts: dict[Any, Any] = {}
    for key, part in _keyed(nsl_items(value), _reader(attribute), _folding(case_sensitive)):
        firsts.setdefault(key, part)
    return list(firsts.values())


@jinja_filter("min")
def min_(value: Any, /, case_sensitive: Any = False, attribute: Any = None) -> Any:
    """The least item; undefined when there is none."""
    pairs = _keyed(nsl_items(value), _reader(attribute), _folding(case_sensitive))
    return min(pairs, key=_first_of, default=(None, UNDEFINED))[1]


@jinja_filter("max")
def max_(value: Any, /, case_sensitive: Any = False, attribute: Any = None) -> Any:
    """The greatest item; undefined when there is none."""
    pairs = _keyed(nsl_items(value), _reader(attribute), _folding(case_sensitive))
    return max(pairs, key=_first_of, default=(None, UNDEFINED))[1]


@jinja_filter("groupby")
def groupby(
    value: Any, /, attribute: Any, default: Any = None, case_sensitive: Any = False
) -> list[Group]:
    """The items that agree in an attribute, in lists, in ascending order of it: pairs `(grouper, list)`."""
    read = _reader(attribute, default)
    pairs = sorted(_keyed(nsl_items(value), read, _folding(case_sensitive)), key=_first_of)
    groups = [[part for _, part in run] for _, run in runs(pairs, _first_of)]
    return [Group(read(parts[0]), parts) for parts in groups]


@jinja_filter("sum")
def sum_(value: Any, /, attribute: Any = None, start: Any = 0) -> Any:
    """`start` and all items, or their `attribute`, added up; text is not added."""
    if isinstance(start, str):
        raise TypeError
    return values.total(map(_reader(attribute), nsl_items(value)), start)


# --- filters and tests of items --------------------------------------------------------------------


@jinja_filter("map")
def map_(value: Any, /, *args: Any, **named: Any) -> list[Any]:
    """What a filter, named first, makes of each item; or, with `attribute=`, that attribute of each.

    `default=` stands for attributes that are undefined. A value that is false has no items.
    """
    if not value:
        return []
    if not args and "attribute" in named:
        attribute, default = named.pop("attribute"), named.pop("default", None)
        if named:
            raise TypeError
        return list(map(_reader(attribute, default), nsl_items(value)))
    name, *rest = args
    apply = find_filter(name)
    made: list[Any] = []
    size = 0
    for part in nsl_items(value):
        made.append(apply(part, *rest, **named))
        if guards.is_sequence(made[-1]):
            size += len(made[-1]) * (1 if isinstance(made[-1], str) else 8)
            guards.check_chars(size)
    return made


@jinja_filter("select")
def select(value: Any, /, *args: Any, **named: Any) -> list[Any]:
    """The items that pass a test, named first; without one, those that are true."""
    return _chosen(value, None, args, named, wanted=True)


@jinja_filter("reject")
def reject(value: Any, /, *args: Any, **named: Any) -> list[Any]:
    """The items that do not pass a test, named first; without one, those that are false."""
    return _chosen(value, None, args, named, wanted=False)


@jinja_filter("selectattr")
def selectattr(value: Any, /, *args: Any, **named: Any) -> list[Any]:
    """The items with an attribute, named first, that passes a test, named second; without one, that is true."""
    return _chosen(value, args[:1], args[1:], named, wanted=True)


@jinja_filter("rejectattr")
def rejectattr(value: Any, /, *args: Any, **named: Any) -> list[Any]:
    """The items with an attribute, named first, that does not pass a test, named second."""
    return _chosen(value, args[:1], args[1:], named, wanted=False)


def _chosen(
    value: Any,
    path: tuple[Any, ...] | None,
    args: tuple[Any, ...],
    named: dict[str, Any],
    *,
    wanted: bool,
) -> list[Any]:
    if not value:
        return []
    read = _itself if path is None else _reader(*path)
    test = find_test(args[0]) if args else bool
    return [
        part for part in nsl_items(value) if bool(test(read(part), *args[1:], **named)) is wanted
    ]


# --- what a filter reads of an item ----------------------------------------------------------------


def _reader(attribute: Any, default: Any = None) -> Key:
    """Reads `attribute`, a name or number or a path of them with dots; none is the item itself.

    `default`, unless it is none, replaces what is undefined on the way.
    """
    if attribute is None:
        return _itself
    path = attribute.split(".") if isinstance(attribute, str) else [attribute]
    steps = [int(step) if isinstance(step, str) and step.isdigit() else step for step in path]

    def read(part: Any) -> Any:
        for step in steps:
            part = values.item(part, step)
            if part is UNDEFINED and default is not None:
                part = default
        return part

    return read


def _folding(case_sensitive: Any) -> Key:
    return _itself if case_sensitive else _folded


def _folded(key: Any) -> Any:
    return key.lower() if isinstance(key, str) else key


def _itself(part: Any) -> Any:
    return part


def _first_of(pair: tuple[Any, Any]) -> Any:
    return pair[0]


def _keyed(parts: Iterable[Item], read: Key, fold: Key) -> list[tuple[Any, Item]]:
    """The items with their keys, which may be compared."""
    walked = list(parts)
    keys = list(map(read, walked))
    guards.check_size(keys)
    return list(zip(map(fold, keys), walked, strict=True))


def _in_order(pairs: list[tuple[Any, Item]], reverse: Any) -> list[Item]:
    return [part for _, part in sorted(pairs, key=_first_of, reverse=reverse)]


def _content(value: Any) -> Any:
    """What JSON text says, if that has items; else the value."""
    if isinstance(value, JsonText) and guards.is_container(value.content):
        return value.content
    return value


def _dict(value: Any) -> dict[Any, Any]:
    content = _content(value)
    if not guards.is_dict(content):
        raise SkillError(f"expected a dict, got {describe(value)}")
    return content
