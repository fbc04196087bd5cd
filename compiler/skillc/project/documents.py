"""YAML as project files use it: text to nodes that know their place, nodes to checked values. Pure.

1. Only events of the parser are used: nothing is ever constructed from a tag.
2. What a hostile file can make large is counted before it is built: depth, nodes, and aliases at full size.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias, TypeVar, assert_never

import yaml
from yaml.reader import ReaderError

from skillc.errors import Report, did_you_mean
from skillc.project.idn import visible
from skillc.source import Source, Span

DEPTH_LIMIT: Final = 50
NODE_LIMIT: Final = 200_000
STANDARD_TAGS: Final = frozenset(
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "seq", "map")
)
JSON_NUMBER: Final = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?", re.ASCII)
NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
Choice = TypeVar("Choice", bound=str)
START: Final = Span(0, 0)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value of one word or text; `plain` when it has neither quotes nor a tag."""

    span: Span
    text: str
    plain: bool = True


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    span: Span
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Pairs:
    """A mapping, in the order written; of a repeated key the first pair."""

    span: Span
    pairs: tuple[tuple[Scalar, Node], ...]


Node: TypeAlias = Scalar | Items | Pairs


def parse_yaml(source: Source, report: Report) -> Node:
    """The document in `source`; an empty mapping when it is empty or was refused (SK610)."""
    try:
        return _Composer(source, report).document()
    except _Refused as refused:
        report("SK610", refused.span, reason=refused.reason)
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark.index if error.problem_mark else 0
        reason = error.problem or "this is no YAML"
        report("SK610", Span(at, at + 1), reason=reason)
    except ReaderError as error:
        # the C reader counts bytes
        at = len(source.text.encode()[: error.position].decode(errors="ignore"))
        report("SK610", Span(at, at + 1), reason=error.reason)
    return Pairs(START, ())


def is_null(node: Node) -> bool:
    """Whether the node says "no value"."""
    return isinstance(node, Scalar) and node.plain and node.text in NULLS


def to_json(node: Node) -> str:
    """The node as compact JSON; a plain word is a number, boolean or null only if JSON writes it so."""
    match node:
        case Scalar():
            if is_null(node):
                return "null"
            if node.plain and (node.text in {"true", "false"} or JSON_NUMBER.fullmatch(node.text)):
                return node.text
            return json.dumps(node.text, ensure_ascii=False)
        case Items():
            return "[" + ",".join(map(to_json, node.items)) + "]"
        case Pairs():
            pairs = (
                f"{json.dumps(key.text, ensure_ascii=False)}:{to_json(value)}"
                for key, value in node.pairs
            )
            return "{" + ",".join(pairs) + "}"
        case _:
            assert_never(node)


def as_text(node: Node) -> str:
    """The node as text: a scalar as written, a list or mapping as compact JSON."""
    return node.text if isinstance(node, Scalar) else to_json(node)


@dataclass(frozen=True, slots=True)
class Fields:
    """The entries of one mapping, taken out by key; a value of a wrong shape is reported where it stands.

    Absent, null and refused values are all None. `place` is where the mapping stands, `noted` are the unknown keys of
    the file so far.
    """

    report: Report
    place: Span
    nodes: Mapping[str, Node]
    noted: set[str]

    def span(self, key: str) -> Span:
        """Where the value of a present `key` stands."""
        return self.nodes[key].span

    def node(self, key: str) -> Node | None:
        """The value as it is."""
        node = self.nodes.get(key)
        return None if node is None or is_null(node) else node

    def text(self, key: str) -> str | None:
        """The text of the value as written; a list or mapping is compact JSON.

        Source: project format, strings.
        """
        node = self.node(key)
        return None if node is None else as_text(node)

    def word(self, key: str) -> str | None:
        """The text of a value that is neither list nor mapping."""
        node = self.node(key)
        if isinstance(node, Scalar):
            return node.text
        if node is not None:
            self.report("SK611", node.span, key=key, shape="text")
        return None

    def enum(self, key: str) -> str | None:
        """An enumerated value, however an exporter spells it.

        Source: project format, enum values: "take the text after the last `.`, lower-case it".
        """
        written = self.word(key)
        if written is None:
            return None
        value = written.rpartition(".")[2].lower()
        return None if value == "none" and "." in written else value

    def choice(self, key: str, choices: Mapping[str, Choice]) -> Choice | None:
        """What an enumerated value stands for."""
        value = self.enum(key)
        if value is None or value in choices:
            return choices.get(value or "")
        shape = "one of " + ", ".join(f"'{choice}'" for choice in choices)
        self.report("SK611", self.span(key), key=key, shape=shape)
        return None

    def texts(self, key: str) -> list[str]:
        """The texts of a list."""
        node = self.node(key)
        if node is not None and not isinstance(node, Items):
            self.report("SK611", node.span, key=key, shape="a list")
        elif node is not None:
            return ["" if is_null(item) else as_text(item) for item in node.items]
        return []

    def fields(self, key: str, known: frozenset[str]) -> Fields:
        """The entries of a mapping; a key that is not `known` is reported once a file."""
        node = self.node(key)
        found = None if node is None else self.entries(node, key, known)
        return no_fields(self.report) if found is None else found

    def each(self, key: str, known: frozenset[str]) -> Iterator[Fields]:
        """The mappings of a list; items of another shape are reported and left out."""
        node = self.node(key)
        if node is not None:
            yield from self.items(node, key, known)

    def items(self, node: Node, key: str, known: frozenset[str]) -> Iterator[Fields]:
        """The same of `node`, which is the value of `key`."""
        if not isinstance(node, Items):
            self.report("SK611", node.span, key=key, shape="a list")
            return
        for item in node.items:
            entry = self.entries(item, key, known, "a list of mappings")
            if entry is not None:
                yield entry

    def entries(
        self, node: Node, key: str, known: frozenset[str], shape: str = "a mapping"
    ) -> Fields | None:
        """The entries of `node`, which is the value of `key` or part of it."""
        if not isinstance(node, Pairs):
            self.report("SK611", node.span, key=key, shape=shape)
            return None
        for name, _ in node.pairs:
            if name.text not in known and name.text not in self.noted:
                self.noted.add(name.text)
                hint = did_you_mean(name.text, known, limit=2)
                code = "SK791" if hint else "SK790"
                self.report(code, name.span, hint=hint, key=visible(name.text))
        nodes = {name.text: value for name, value in node.pairs}
        return Fields(self.report, node.span, nodes, self.noted)


def read_fields(
    source: Source, report: Report, known: frozenset[str], *, inside: str | None = None
) -> Fields:
    """The entries of a file that holds one mapping; none when it is empty or was refused.

    What is all wrapped in the one key `inside` is unwrapped.
    """
    empty = no_fields(report)
    root = parse_yaml(source, report)
    if isinstance(root, Pairs) and [key.text for key, _ in root.pairs] == [inside]:
        ((_, root),) = root.pairs
        root = Pairs(root.span, ()) if is_null(root) else root
    return empty.entries(root, inside or "the file", known) or empty


def read_entries(source: Source, report: Report, known: frozenset[str]) -> Iterator[Fields]:
    """The mappings of a file that holds a list of them; none when it is empty or was refused."""
    root = parse_yaml(source, report)
    if root != Pairs(START, ()):
        yield from no_fields(report).items(root, "the file", known)


def no_fields(report: Report) -> Fields:
    """What a file says that is not there."""
    return Fields(report, START, {}, set())


class _Refused(Exception):  # noqa: N818 - never leaves this module
    """The document breaks a rule of ours that YAML itself does not have."""

    def __init__(self, span: Span, reason: str) -> None:
        super().__init__(reason)
        self.span = span
        self.reason = reason


class _Anchored(NamedTuple):
    """A node that aliases can repeat, how many values it holds and how many levels."""

    node: Node
    size: int
    levels: int


class _Composer:
    """Builds nodes from the parser's events."""

    def __init__(self, source: Source, report: Report) -> None:
        self.source = source
        self.report = report
        self.events: Iterator[yaml.Event] = iter(yaml.CSafeLoader(source.text).get_event, None)
        self.anchors: dict[str, _Anchored] = {}
        self.count = 0
        self.deepest = 0

    def document(self) -> Node:
        """The only document."""
        root: Node = Pairs(START, ())
        documents = 0
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise _Refused(span_of(event), "a second document")
                root = self.node(next(self.events), 1)
        return Pairs(START, ()) if is_null(root) else root

    def node(self, event: yaml.Event, depth: int) -> Node:
        """The node that `event` begins, at its depth."""
        span = span_of(event)
        if isinstance(event, yaml.AliasEvent):
            return self.alias(str(event.anchor), span, depth)
        before, deepest, self.deepest = self.count, self.deepest, 0
        self.grow(span, 1, depth)
        node: Node
        match event:
            case yaml.ScalarEvent():
                self.check_tag(event.tag, span, "!enum")
                plain = not event.style and event.tag is None
                node = Scalar(span, str(event.value), plain)
            case yaml.SequenceStartEvent():
                self.check_tag(event.tag, span)
                items: list[Node] = []
                while not isinstance(inner := next(self.events), yaml.SequenceEndEvent):
                    items.append(self.node(inner, depth + 1))
                node = Items(Span(span.start, span_of(inner).end), tuple(items))
            case yaml.MappingStartEvent():
                self.check_tag(event.tag, span)
                node = self.mapping(span, depth)
            case _:
                raise _Refused(span, "this is no YAML")
        if event.anchor is not None:
            levels = self.deepest - depth + 1
            self.anchors[event.anchor] = _Anchored(node, self.count - before, levels)
        self.deepest = max(self.deepest, deepest)
        return node

    def mapping(self, start: Span, depth: int) -> Pairs:
        """The rest of a mapping whose start event was read."""
        pairs: list[tuple[Scalar, Node]] = []
        lines: dict[str, int] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self.node(event, depth + 1)
            if not isinstance(key, Scalar):
                raise _Refused(Span(key.span.start, key.span.start + 1), "a key must be text")
            value = self.node(next(self.events), depth + 1)
            if key.text in lines:
                reason = f"key '{visible(key.text)}' is already on line {lines[key.text]}"
                self.report("SK610", key.span, reason=reason)
                continue
            lines[key.text] = self.source.line(key.span.start)
            pairs.append((key, value))
        return Pairs(Span(start.start, span_of(event).end), tuple(pairs))

    def alias(self, name: str, span: Span, depth: int) -> Node:
        """The node anchored under `name`, counted at its full size."""
        if name not in self.anchors:
            raise _Refused(span, f"nothing before this is anchored as '&{name}'")
        anchored = self.anchors[name]
        self.grow(span, anchored.size, depth + anchored.levels - 1)
        return anchored.node

    def grow(self, span: Span, count: int, depth: int) -> None:
        """Count values down to `depth`, and refuse too many or too deep."""
        self.count += count
        self.deepest = max(self.deepest, depth)
        if depth > DEPTH_LIMIT:
            raise _Refused(span, f"nested deeper than {DEPTH_LIMIT} levels")
        if self.count > NODE_LIMIT:
            raise _Refused(span, f"more than {NODE_LIMIT} values")

    def check_tag(self, tag: str | None, span: Span, *allowed: str) -> None:
        """Refuse tags that would construct something."""
        if tag is not None and tag not in STANDARD_TAGS and tag not in allowed and tag != "!":
            shown = visible(tag.replace("tag:yaml.org,2002:", "!!"))
            raise _Refused(span, f"tag '{shown}' is not allowed")


def span_of(event: yaml.Event) -> Span:
    """Where an event stands."""
    start = event.start_mark.index if event.start_mark else 0
    return Span(start, max(event.end_mark.index if event.end_mark else 0, start + 1))
