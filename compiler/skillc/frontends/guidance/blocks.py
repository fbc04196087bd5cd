"""The block helpers: what each reads from its open tag, and the statement it makes of its parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from skillc.errors import Report
from skillc.frontends.guidance.exprs import ExprParser
from skillc.frontends.guidance.options import Options, bind_options
from skillc.frontends.guidance.tokens import Token
from skillc.ir import Arg, Block, Call, Const, Each, Expr, If, Role, Select, Stmt, Unary
from skillc.source import Span


@dataclass(frozen=True, slots=True)
class Part:
    """What stands between the open tag or a branch, and the next branch or the close.

    `span` is the tag before it. `test` is the condition of an `else if`; None for the first part and `else`.
    """

    span: Span
    test: Expr | None
    body: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class Head:
    """An open tag: its name, and the tokens behind the name, still to be read."""

    span: Span
    name: Token
    exprs: ExprParser

    def options(self, args: Sequence[Arg], *known: str, positional: int = 0) -> Options:
        """Arguments of this block, bound to the `known` names."""
        callee, report = f"#{self.name.text}", self.exprs.report
        return bind_options(callee, self.name.span, args, known, report, positional=positional)


Finish: TypeAlias = Callable[[Sequence[Part]], Stmt]


@dataclass(frozen=True, slots=True)
class BlockRow:
    """One block helper.

    `read` reads the open tag and returns what builds the statement once all parts are there; None: what
    stands inside is looked at, then dropped. `branches`: the branches it has. `loops`: `break` may stand in
    its first part. `frames`: it is a loop or a capture, of which Python nests fewer than branches.
    """

    read: Callable[[Head], Finish] | None = None
    branches: frozenset[str] = frozenset()
    loops: bool = False
    frames: bool = False


def if_block(head: Head) -> Finish:
    """`{{#if e}}`: the first branch whose condition is true."""
    test = head.exprs.condition().expr

    def finish(parts: Sequence[Part]) -> Stmt:
        first, *others = parts
        orelse: tuple[Stmt, ...] = ()
        for part in reversed(others):
            if part.test is None:
                orelse = part.body
            else:
                orelse = (If(part.span, part.test, part.body, orelse),)
        return If(head.span, test, first.body, orelse)

    return finish


def unless_block(head: Head) -> Finish:
    """`{{#unless e}}`: `if not e`."""
    condition = head.exprs.condition()
    test = Unary(Span(condition.start, condition.end), "not", condition.expr)

    def finish(parts: Sequence[Part]) -> Stmt:
        first, *others = parts
        return If(head.span, test, first.body, others[0].body if others else ())

    return finish


def each_block(head: Head) -> Finish:
    """`{{#each e}}`, also with `as v`, `as |v|` or `item_name='v'`, and `{{#each(e, item_name='v')}}`.

    Source: language reference, 2.2 and 2.5; D31, D32.
    """
    exprs = head.exprs
    if exprs.starts_arguments():
        options = head.options(exprs.tag_arguments(), "list", "item_name", positional=1)
        iterable = options.required("list")
        item = options.variable("item_name")
    else:
        iterable = exprs.expression().expr
        item = loop_alias(head)
        exprs.finish()

    def finish(parts: Sequence[Part]) -> Stmt:
        first, *others = parts
        orelse = others[0].body if others else ()
        return Each(head.span, iterable, item or "this", first.body, orelse)

    return finish


def loop_alias(head: Head) -> str | None:
    """The name that `as v`, `as |v|` or `item_name='v'` gives to the items."""
    exprs = head.exprs
    if exprs.at("as"):
        exprs.take()
        if not exprs.at("|"):
            return exprs.name("a name").text
        exprs.take()
        alias = exprs.name("a name").text
        exprs.expect("|", "'|'", "the position of an item is @index")
        return alias
    if not exprs.at("item_name"):
        return None
    args, _ = exprs.spaced_arguments("}}")
    return head.options(args, "item_name").variable("item_name")


def role_block(head: Head) -> Finish:
    """`{{#system}}`, `{{#user}}`, `{{#assistant}}`: a message of that role."""
    options = head.options(head.exprs.tag_arguments(), "hidden", "name")
    return _finish_role(head, Const(head.name.span, head.name.text), options)


def named_role_block(head: Head) -> Finish:
    """`{{#role 'user'}}`: a message of the role given."""
    args = head.exprs.tag_arguments()
    options = head.options(args, "role_name", "hidden", "name", positional=1)
    return _finish_role(head, options.required("role_name"), options)


def _finish_role(head: Head, role: Expr, options: Options) -> Finish:
    hidden = options.flag("hidden")
    return lambda parts: Role(head.span, role, parts[0].body, hidden, options.given.get("name"))


def block_block(head: Head) -> Finish:
    """`{{#block 'n' hidden=True}}`: print the content and store it, or hide it."""
    options = head.options(head.exprs.tag_arguments(), "name", "hidden", positional=1)
    name, hidden = options.variable("name"), options.flag("hidden")
    return lambda parts: Block(head.span, name, hidden, parts[0].body)


def select_block(head: Head) -> Finish:
    """`{{#select 'n'}} A {{or}} B {{/select}}`: let the model choose one of the printed texts."""
    name = head.options(head.exprs.tag_arguments(), "name", positional=1).variable("name")
    return lambda parts: Select(head.span, name, tuple(part.body for part in parts))


def select_tag(span: Span, call: Call, report: Report) -> Select:
    """`{{select 'n' options=e}}`: let the model choose one of a list."""
    known = ("name", "options")
    options = bind_options("select", call.callee.span, call.args, known, report, positional=2)
    return Select(span, options.variable("name"), options.required("options"))


BLOCKS: Final[Mapping[str, BlockRow]] = {
    "if": BlockRow(if_block, frozenset({"else", "else if"})),
    "unless": BlockRow(unless_block, frozenset({"else"})),
    "each": BlockRow(each_block, frozenset({"else"}), loops=True, frames=True),
    "system": BlockRow(role_block),
    "user": BlockRow(role_block),
    "assistant": BlockRow(role_block),
    "role": BlockRow(named_role_block),
    "block": BlockRow(block_block, frames=True),
    "select": BlockRow(select_block, frozenset({"or"}), frames=True),
}

# Helpers of guidance 0.0.64 and Handlebars that no Newo source uses.
REFUSED: Final = frozenset({"await", "callable", "function", "geneach", "parse", "shell", "with"})
UNKNOWN: Final = BlockRow(branches=frozenset({"else", "else if", "or"}), loops=True)
TEMPLATE: Final = BlockRow()
