"""Text and arrays."""

from __future__ import annotations

import json
from typing import Any, Final

from skillrt import guards
from skillrt.catalogue import action
from skillrt.errors import ActionError
from skillrt.kinds import AnyValue, Text
from skillrt.values import DslList, JsonText, Record, defined, json_text, to_text

__all__ = ("concat", "create_array", "len_", "replace", "split", "stringify")

QUOTES: Final = ('"', "'")


@action("Stringify", parameter_aliases={"val": "value", "text": "value", "str": "value"})
def stringify(value: AnyValue) -> str:
    """Return a value as text without outer quotes.

    Args:
        value: text, a list, a dict, anything.

    Returns:
        Of the JSON of a text, that text; of other text, what stands between one pair of equal outer quotes, if it
        has them; of a list or dict, what Python prints, but "" of an empty one; else as any text parameter.
    """
    if isinstance(value, Record):
        return str(value)
    if isinstance(value, str):
        return _unquoted(value)
    if guards.is_list(value) or guards.is_dict(value):
        guards.check_printed(value)
        return repr(value) if value else ""
    return to_text(value)


def _unquoted(text: str) -> str:
    try:
        content = json.loads(text) if text.lstrip().startswith('"') else None
    except ValueError:
        content = None
    if isinstance(content, str):
        return content
    if len(text) > 1 and text[0] == text[-1] and text[0] in QUOTES:
        return text[1:-1]
    return str(text)


@action("CreateArray")
def create_array(*items: AnyValue) -> DslList:
    """Return the arguments as a list.

    Args:
        items: kept as they are; a list stays one item.

    Returns:
        A list that prints its items joined by a space.
    """
    return DslList(map(defined, items))


@action("Concat", priority="A", least=1)
def concat(*parts: AnyValue) -> str:
    """Join values to one text.

    Args:
        parts: those that are no lists are joined directly; every item of a list stands on a line of its own.

    Returns:
        The text; "" of empty lists alone.

    Raises:
        ActionError: there are none.
    """
    if not parts:
        raise ActionError("Concat", None, "needs at least one argument")
    lines: list[str] = []
    run: list[str] = []
    for part in parts:
        if not guards.is_list(part):
            run.append(to_text(part))
        elif part:
            if run:
                lines.append("".join(run))
                run = []
            lines.extend(map(to_text, part))
    if run:
        lines.append("".join(run))
    guards.check_chars(sum(map(len, lines)) + len(lines))
    return "\n".join(lines)


def content_of(value: Any) -> Any:
    """The list or dict that text stands for as JSON, else the value itself."""
    if isinstance(value, str) and not isinstance(value, Record):
        found = json_text(value)
        return found.content if isinstance(found, JsonText) else found
    return value


@action("Len", priority="B", parameter_aliases={"array": "text"})
def len_(text: AnyValue) -> int:
    """Count the characters of a text, or the items of a list, a JSON array or a JSON object.

    Args:
        text: what to count in; numbers count as their text, nothing as 0.

    Returns:
        The number; text that is a JSON array or object counts as one.
    """
    content = content_of(text)
    if guards.is_list(content) or guards.is_dict(content):
        return len(content)
    return len(to_text(content))


@action("Split", priority="B")
def split(text: Text, delimiter: Text = " ") -> DslList:
    """Cut a text at every delimiter.

    Args:
        text: what to cut.
        delimiter: where; it is left out.

    Returns:
        The pieces, not trimmed; they print joined by a space.

    Raises:
        ActionError: the delimiter is empty.
    """
    if not delimiter:
        raise ActionError("Split", "delimiter", "expected a delimiter, got nothing")
    guards.check_items(text.count(delimiter))
    return DslList(text.split(delimiter))


@action("Replace", priority="B")
def replace(text: Text, find: Text, replace: Text = "") -> str:
    """Replace every occurrence of a text in another.

    Args:
        text: where.
        find: what; empty, nothing changes.
        replace: by what.

    Returns:
        The changed text.
    """
    replaced: str = guards.replace(text, find, replace) if find else text
    return replaced
