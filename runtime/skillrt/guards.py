"""What could explode: limits on the size of values, and the methods whose results they guard. Pure.

1. A size is computed before anything of that size is made.
2. A method that can make more than it was given stands in `GUARDED`; templates get the guarded one.
3. Nothing prints its address: the same input gives the same text, and tells nothing about the process.
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, time, tzinfo
from functools import lru_cache
from itertools import islice
from types import MappingProxyType
from typing import Any, Final, TypeAlias, TypeGuard

from skillrt.errors import LimitError, SecurityError, SkillError
from skillrt.timed import timed

MAX_CHARS: Final = 8 * 1024 * 1024
MAX_ITEMS: Final = MAX_CHARS // 8  # a reference takes eight bytes
MAX_BITS: Final = 14_000  # Python refuses to print whole numbers of more than 4300 digits
MAX_DEPTH: Final = 200
MAX_SEARCHED: Final = 1024 * 1024
MAX_MATCHED: Final = 128 * 1024  # by patterns of templates, which may go back to every character
MAX_PATTERN: Final = 10_000

LINE_ENDS: Final = tuple("\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029")
LINE_ENDS_OF_BYTES: Final = (b"\n", b"\r")

Sequence: TypeAlias = str | bytes | list[Any] | tuple[Any, ...]
Container: TypeAlias = list[Any] | tuple[Any, ...] | dict[Any, Any] | set[Any] | frozenset[Any]

TEXTS: Final = (str, bytes)
LISTS: Final = (list, tuple)
SEQUENCES: Final = (*TEXTS, *LISTS)
_NOTHING: Final[dict[Any, Any]] = {}
VIEWS: Final = (type(_NOTHING.keys()), type(_NOTHING.values()), type(_NOTHING.items()))
CONTAINERS: Final = (list, tuple, dict, set, frozenset, *VIEWS)

# What Python itself is made of.
CALLED: Final = (
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    types.MethodWrapperType,
)
INSIDES: Final = (
    *CALLED,
    type,
    types.ModuleType,
    types.CodeType,
    types.FrameType,
    types.TracebackType,
    types.GeneratorType,
    types.CoroutineType,
    types.AsyncGeneratorType,
)


def is_sequence(value: object) -> TypeGuard[Sequence]:
    """Whether it is a text, bytes, a list or a tuple: what `+` joins and `*` repeats."""
    return isinstance(value, SEQUENCES)


def is_container(value: object) -> TypeGuard[Container]:
    """Whether it holds other values."""
    return isinstance(value, CONTAINERS)


def is_dict(value: object) -> TypeGuard[dict[Any, Any]]:
    """Whether it is a dict."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any] | tuple[Any, ...]]:
    """Whether it is a list or a tuple."""
    return isinstance(value, LISTS)


def is_tuple(value: object) -> TypeGuard[tuple[Any, ...]]:
    """Whether it is a tuple."""
    return isinstance(value, tuple)


def check_chars(size: int) -> None:
    """Refuse a text of `size` characters that is too long to be made."""
    if size > MAX_CHARS:
        raise LimitError(f"a text of {size} characters is over the limit of {MAX_CHARS}")


def check_items(size: int) -> None:
    """Refuse a list of `size` items that is too long to be made."""
    if size > MAX_ITEMS:
        raise LimitError(f"a list of {size} items is over the limit of {MAX_ITEMS}")


def check_length(value: Any, size: int) -> None:
    """Refuse something like `value`, but of length `size`, that is too long to be made."""
    if isinstance(value, TEXTS):
        check_chars(size)
    else:
        check_items(size)


def check_bits(size: int) -> None:
    """Refuse a whole number of `size` binary digits that is too large to be made."""
    if size > MAX_BITS:
        raise LimitError(f"a number of {size} binary digits is over the limit of {MAX_BITS}")


def check_size(value: Any) -> None:
    """Refuse nested lists and dicts that are too large or too deep to be walked.

    What is held twice counts twice, so one that holds itself is too large.
    """
    for _ in leaves(value):
        pass


def leaves(value: Any) -> Iterator[Any]:
    """What nested lists and dicts hold that holds nothing itself; the value, if it is no container.

    Raises:
        LimitError: as `check_size`, when the walk gets there.
    """
    budget = MAX_CHARS
    level, depth = [value], 0
    while level:
        below: list[Any] = []
        for part in level:
            if isinstance(part, TEXTS):
                budget -= len(part)
            elif is_container(part):
                budget -= 8 * len(part)
                if budget >= 0:
                    below.extend(part)
                    if is_dict(part):
                        below.extend(part.values())
            else:
                yield part
            if budget < 0:
                raise LimitError(f"a nested value is over the limit of {MAX_CHARS} characters")
        level, depth = below, depth + 1
        if depth > MAX_DEPTH:
            raise LimitError(f"a value is nested deeper than {MAX_DEPTH} levels")


def check_printed(value: Any) -> None:
    """Refuse a value that is too large to be printed, or of which Python would print an address.

    Raises:
        LimitError: as `check_size`.
        SkillError: it is, or holds, a function or an object without a text form.
    """
    held = is_container(value)
    kinds: set[Any] = set(map(type, leaves(value)))
    for kind in kinds:
        nameless = kind.__repr__ is object.__repr__ and (held or kind.__str__ is object.__str__)
        if issubclass(kind, CALLED):
            raise SkillError("cannot print a function; a call of it needs parentheses")
        if nameless or issubclass(kind, INSIDES):
            raise SkillError(f"cannot print a {kind.__name__}")


def bounded(iterable: Iterable[Any]) -> list[Any]:
    """The items of anything Python iterates, collected first; too many are refused."""
    collected = list(islice(iterable, MAX_ITEMS + 1))
    check_items(len(collected))
    return collected


# --- the % operator of text ------------------------------------------------------------------------

PLACEHOLDER: Final = re.compile(
    r"%(?:\((?P<key>[^()]{0,200})\))?[#0\- +]*(?P<width>\*|\d+)?"
    r"(?:\.(?P<precision>\*|\d+))?[hlL]?(?P<type>.)",
    re.DOTALL,
)


def percent(template: str, values: Any) -> str:
    """`template % values`, as Python has it."""
    size = len(template)
    named: dict[Any, Any] = values if is_dict(values) else {}
    pending = iter(values if is_tuple(values) else (values,))
    for found in PLACEHOLDER.finditer(template):
        if found["type"] == "(":
            raise LimitError("the name of a placeholder is too long, or holds parentheses")
        for digits in (found["width"], found["precision"]):
            if digits == "*":
                width = next(pending, 0)
                size += abs(width) if isinstance(width, int) else 0
            elif digits is not None:
                size += _number(digits)
        if found["type"] != "%":
            key = found["key"]
            size += _printed_size(next(pending, "") if key is None else named.get(key, ""))
        check_chars(size)
    filled: str = template % values
    check_chars(len(filled))
    return filled


def _number(digits: str) -> int:
    """The number, or one over every limit when it has too many digits to matter."""
    return int(digits) if len(digits) < 12 else MAX_CHARS + 1


def _printed_size(value: Any) -> int:
    """About how many characters a value takes; an exact one for text."""
    if isinstance(value, str):
        return len(value)
    check_printed(value)
    return value.bit_length() // 3 if isinstance(value, int) else 330  # the longest float has 309


# --- encodings -----------------------------------------------------------------------------------

# Of any other encoding Python loads a module of that name.
CODECS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("utf-8", "utf8"), "utf-8"),
    **dict.fromkeys(("latin-1", "latin1", "iso-8859-1"), "latin-1"),
    **dict.fromkeys(("ascii", "us-ascii"), "ascii"),
}
REPLACING: Final = frozenset({"xmlcharrefreplace", "backslashreplace"})
ERRORS: Final = REPLACING | {"strict", "ignore", "replace"}


def _encode(value: str, encoding: str = "utf-8", errors: str = "strict") -> bytes:
    codec = _codec(encoding, errors)
    longest = 1 if value.isascii() else 10 if errors in REPLACING else 4
    check_chars(len(value) * longest)
    return value.encode(codec, errors)


def _decode(value: bytes, encoding: str = "utf-8", errors: str = "strict") -> str:
    codec = _codec(encoding, errors)
    check_chars(len(value) * (4 if errors in REPLACING else 1))
    return value.decode(codec, errors)


def _codec(encoding: str, errors: str) -> str:
    """The encoding by the name under which Python has it at hand."""
    codec = CODECS.get(encoding.lower().replace("_", "-"))
    if codec is None:
        raise SecurityError(f"access to encoding {encoding[:40]!r} is not allowed")
    if errors not in ERRORS:
        raise SecurityError(f"access to error handler {errors[:40]!r} is not allowed")
    return codec


# --- guarded methods -------------------------------------------------------------------------------

Guarded = Callable[..., Any]


def _widened(name: str) -> Guarded:
    def widen(value: Any, width: int, *fill: Any) -> Any:
        check_length(value, width)
        return getattr(value, name)(width, *fill)

    return widen


def replace(value: Any, old: Any, new: Any, count: int = -1) -> Any:
    """`value.replace(old, new, count)`."""
    times = value.count(old)
    if count >= 0:
        times = min(times, count)
    check_length(value, len(value) + times * (len(new) - len(old)))
    return value.replace(old, new, count)


def _expandtabs(value: Any, tabsize: int = 8) -> Any:
    tabs = value.count("\t" if isinstance(value, str) else b"\t")
    check_length(value, len(value) + tabs * tabsize)
    return value.expandtabs(tabsize)


def _join(value: Any, parts: Iterable[Any]) -> Any:
    collected = bounded(parts)
    size = sum(len(part) for part in collected if isinstance(part, str | bytes))
    check_length(value, size + len(value) * len(collected))
    return value.join(collected)


def _translate(value: Any, table: Any, *delete: Any) -> Any:
    entries = table.values() if is_dict(table) else table if is_list(table) else ()
    longest = max((len(new) for new in entries if isinstance(new, str)), default=1)
    check_chars(len(value) * max(longest, 1))
    return value.translate(table, *delete)


def _split(name: str) -> Guarded:
    def split(value: Any, sep: Any = None, maxsplit: int = -1) -> Any:
        check_items(value.count(sep) if sep else len(value) // 2)
        return getattr(value, name)(sep, maxsplit)

    return split


def _splitlines(value: Any, keepends: bool = False) -> Any:
    if len(value) > MAX_ITEMS:
        ends: tuple[Any, ...] = LINE_ENDS if isinstance(value, str) else LINE_ENDS_OF_BYTES
        check_items(sum(value.count(end) for end in ends))
    return value.splitlines(keepends)


def _extend(value: list[Any], more: Iterable[Any]) -> None:
    collected = bounded(more)
    check_items(len(value) + len(collected))
    value.extend(collected)


def _to_bytes(value: int, length: int = 1, byteorder: Any = "big", *, signed: bool = False) -> Any:
    check_chars(length)
    return value.to_bytes(length, byteorder, signed=signed)


def _from_bytes(value: int, data: Any, byteorder: Any = "big", *, signed: bool = False) -> int:
    collected = data if isinstance(data, bytes) else bytes(bounded(data))
    check_bits(8 * len(collected))
    return value.from_bytes(collected, byteorder, signed=signed)


def _strftime(value: date | time, form: str) -> str:
    zone = getattr(value, "tzname", None)
    longest = 256 + len((zone and zone()) or "")  # no other directive prints more than 256
    check_chars(len(form) * longest)
    return value.strftime(form)


def _strptime(value: Any, string: str, form: str) -> Any:
    if len(form) > MAX_PATTERN:
        raise LimitError(f"a date format of {len(form)} characters is too long")
    return value.strptime(searched(string), form)


def searched(text: Any, limit: int = MAX_SEARCHED) -> Any:
    """The text, if it is short enough to be searched by a regular expression."""
    if len(text) > limit:
        raise LimitError(f"a text of {len(text)} characters is too long to search in")
    return text


def _matched(text: Any) -> Any:
    return searched(text, MAX_MATCHED)


def _searching(name: str) -> Guarded:
    def search(pattern: re.Pattern[str], string: Any, *bounds: int) -> Any:
        return getattr(pattern, name)(_matched(string), *bounds)

    return timed(search)


def _finditer(pattern: re.Pattern[str], string: Any, *bounds: int) -> list[re.Match[str]]:
    found: list[re.Match[str]] = []
    for match in pattern.finditer(_matched(string), *bounds):
        found.append(match)
        check_items(16 * len(found))  # a match takes about as much as sixteen references
    return found


def _findall(pattern: re.Pattern[str], string: Any, *bounds: int) -> list[Any]:
    found: list[Any] = []
    for match in pattern.finditer(_matched(string), *bounds):
        groups: tuple[Any, ...] = match.groups(string[:0])
        found.append(match[0] if not groups else groups[0] if len(groups) == 1 else groups)
        check_items(len(found) * (len(groups) or 1))
    return found


def _pattern_split(pattern: re.Pattern[str], string: Any, maxsplit: int = 0) -> list[Any]:
    check_items(len(_matched(string)) * (pattern.groups + 1))
    return pattern.split(string, maxsplit)


def _expand(match: re.Match[str], template: Any) -> Any:
    groups: tuple[Any, ...] = (match[0], *match.groups(""))
    check_chars(len(template) + template.count("\\") * max(map(len, groups)))
    return match.expand(template)


def _subn(pattern: re.Pattern[str], repl: Any, string: Any, count: int = 0) -> tuple[Any, int]:
    size = len(string)
    plain = isinstance(repl, str) and "\\" not in repl

    def replacement(match: re.Match[str]) -> Any:
        nonlocal size
        new: Any = repl if plain else repl(match) if callable(repl) else _expand(match, repl)
        size += len(new)
        check_chars(size)
        return new

    return pattern.subn(replacement, _matched(string), count)


def _sub(pattern: re.Pattern[str], repl: Any, string: Any, count: int = 0) -> Any:
    return _subn(pattern, repl, string, count)[0]


_TEXT: Final[Mapping[str, Guarded]] = {
    **{name: _widened(name) for name in ("ljust", "rjust", "center", "zfill")},
    "replace": replace,
    "expandtabs": _expandtabs,
    "join": _join,
    "translate": _translate,
    "split": _split("split"),
    "rsplit": _split("rsplit"),
    "splitlines": _splitlines,
}
_PATTERN: Final[Mapping[str, Guarded]] = {
    **{name: _searching(name) for name in ("search", "match", "fullmatch")},
    "findall": timed(_findall),
    "finditer": timed(_finditer),
    "split": timed(_pattern_split),
    "sub": timed(_sub),
    "subn": timed(_subn),
}

GUARDED: Final[Mapping[type, Mapping[str, Guarded]]] = MappingProxyType(
    {
        str: {**_TEXT, "encode": _encode},
        bytes: {**_TEXT, "decode": _decode},
        list: {"extend": _extend},
        int: {"to_bytes": _to_bytes, "from_bytes": _from_bytes},
        date: {"strftime": _strftime, "strptime": _strptime},
        time: {"strftime": _strftime},
        re.Pattern: _PATTERN,
        re.Match: {"expand": _expand},
    }
)

# Of these types nothing else is shown: what they have beside it reaches files or other people's caches, or hides
# what a container holds from the limits.
SHOWN: Final[Mapping[type, frozenset[str]]] = MappingProxyType(
    {
        tzinfo: frozenset({"key", "utcoffset", "tzname", "dst"}),
        re.Pattern: frozenset({"pattern", "flags", "groups", "groupindex"}),
        **dict.fromkeys(VIEWS, frozenset({"isdisjoint"})),
    }
)


def guarded(value: object, name: str) -> Guarded | None:
    """What templates get for a method of a value, to be called with the value first; None: the method itself."""
    kind: Any = type(value)
    return _guarded(kind, name)


def is_shown(value: object, name: str) -> bool:
    """Whether templates may see an attribute of a value."""
    kind: Any = type(value)
    return _is_shown(kind, name)


def is_inside(value: object) -> bool:
    """Whether a value is what Python itself is made of."""
    kind: Any = type(value)
    return _is_inside(kind)


# The tables are asked again and again about a few types, and slow to go through.


@lru_cache(maxsize=4096)
def _guarded(kind: type, name: str) -> Guarded | None:
    tables = (methods for base, methods in GUARDED.items() if issubclass(kind, base))
    return next((methods[name] for methods in tables if name in methods), None)


@lru_cache(maxsize=4096)
def _is_shown(kind: type, name: str) -> bool:
    return all(name in names for base, names in SHOWN.items() if issubclass(kind, base))


@lru_cache(maxsize=1024)
def _is_inside(kind: type) -> bool:
    return issubclass(kind, INSIDES)
