"""The statements of NSL: what each reads from its tag, and the node it makes of its parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from jinja2 import nodes

from skillc.frontends.nsl.reader import Reader


@dataclass(frozen=True, slots=True)
class Part:
    """What stands between the open tag or a branch, and the next branch or the close.

    `tag` is the number of the tag before it. `test` is the condition of an `elif`; None for the first part and
    `else`.
    """

    tag: int
    test: nodes.Expr | None
    body: list[nodes.Node]


Finish: TypeAlias = Callable[[Sequence[Part]], nodes.Node]


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One statement.

    `read` reads the tag, whose number it is given; it returns the statement, or for one with a body what builds it
    once all parts are there. `has_body`: it may have one. `branches`: the branches it has. `loops`: `break` may
    stand in its first part. `frames`: it is a loop or a capture, of which Python nests fewer than branches.
    `function`: its body is run from elsewhere, so that no loop around it can be left there.
    """

    read: Callable[[Reader, int], Finish | nodes.Node]
    has_body: bool = True
    branches: frozenset[str] = frozenset()
    loops: bool = False
    frames: bool = False
    function: bool = False


def read_if(reader: Reader, tag: int) -> Finish:
    """`{% if e %}`: the first branch whose condition is true."""
    test = reader.parse_tuple(with_condexpr=False)

    def finish(parts: Sequence[Part]) -> nodes.Node:
        first, *others = parts
        branches = [
            nodes.If(part.test, part.body, [], [], lineno=part.tag) for part in others if part.test
        ]
        last = [part.body for part in others if part.test is None]
        return nodes.If(test, first.body, branches, last[0] if last else [], lineno=tag)

    return finish


def read_for(reader: Reader, tag: int) -> Finish:
    """`{% for a, b in e if c recursive %}`."""
    target = reader.parse_assign_target(extra_end_rules=("name:in",))
    reader.stream.expect("name:in")
    items = reader.parse_tuple(with_condexpr=False, extra_end_rules=("name:recursive",))
    test = reader.parse_expression() if reader.stream.skip_if("name:if") else None
    recursive = reader.stream.skip_if("name:recursive")

    def finish(parts: Sequence[Part]) -> nodes.Node:
        first, *others = parts
        orelse = others[0].body if others else []
        return nodes.For(target, items, first.body, orelse, test, recursive, lineno=tag)

    return finish


def read_set(reader: Reader, tag: int) -> Finish | nodes.Node:
    """`{% set x = e %}`, or `{% set x | f %}` and a body."""
    target = reader.parse_assign_target(with_namespace=True)
    if reader.stream.skip_if("assign"):
        return nodes.Assign(target, reader.parse_tuple(), lineno=tag)
    applied = reader.parse_filter(None)
    return lambda parts: nodes.AssignBlock(target, applied, parts[0].body, lineno=tag)


def read_macro(reader: Reader, tag: int) -> Finish:
    """`{% macro name(a, b=e) %}`."""
    name = reader.parse_assign_target(name_only=True).name
    macro = nodes.Macro(name, [], [], [], lineno=tag)
    reader.parse_signature(macro)
    return lambda parts: _with_body(macro, parts)


def read_call(reader: Reader, tag: int) -> Finish:
    """`{% call(a) f(x) %}`: call a macro, which gets the body as `caller`."""
    block = nodes.CallBlock(None, [], [], [], lineno=tag)
    if reader.at("("):
        reader.parse_signature(block)
    number = reader.stream.current.lineno
    call = reader.parse_expression()
    if not isinstance(call, nodes.Call):
        reader.unreadable("a call of a macro", number)
    block.call = call
    return lambda parts: _with_body(block, parts)


def read_filter(reader: Reader, tag: int) -> Finish:
    """`{% filter f %}`."""
    applied = reader.parse_filter(None, start_inline=True)
    return lambda parts: nodes.FilterBlock(parts[0].body, applied, lineno=tag)


def read_with(reader: Reader, tag: int) -> Finish:
    """`{% with a=e, b=e %}`."""
    targets: list[nodes.Expr] = []
    values: list[nodes.Expr] = []
    while not reader.at_end and not reader.at(":"):
        if targets:
            reader.stream.expect("comma")
        target = reader.parse_assign_target()
        target.set_ctx("param")
        targets.append(target)
        reader.stream.expect("assign")
        values.append(reader.parse_expression())
    return lambda parts: nodes.With(targets, values, parts[0].body, lineno=tag)


def read_do(reader: Reader, tag: int) -> nodes.Node:
    """`{% do e %}`: evaluate and print nothing."""
    return nodes.ExprStmt(reader.parse_tuple(), lineno=tag)


def _with_body(node: nodes.Macro | nodes.CallBlock, parts: Sequence[Part]) -> nodes.Node:
    node.body = parts[0].body
    return node


STATEMENTS: Final[Mapping[str, StatementRow]] = {
    "if": StatementRow(read_if, branches=frozenset({"elif", "else"})),
    "for": StatementRow(read_for, branches=frozenset({"else"}), loops=True, frames=True),
    "set": StatementRow(read_set, frames=True),
    "macro": StatementRow(read_macro, frames=True, function=True),
    "call": StatementRow(read_call, frames=True, function=True),
    "filter": StatementRow(read_filter, frames=True),
    "with": StatementRow(read_with),
    "do": StatementRow(read_do, has_body=False),
    "break": StatementRow(lambda _, tag: nodes.Break(lineno=tag), has_body=False),
    "continue": StatementRow(lambda _, tag: nodes.Continue(lineno=tag), has_body=False),
}

LOOP_CONTROLS: Final = frozenset({"break", "continue"})
NOT_ON_PLATFORM: Final = LOOP_CONTROLS | {"do"}
TEMPLATE: Final = StatementRow(read_do)
