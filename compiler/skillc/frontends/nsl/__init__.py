"""The NSL dialect: Jinja with actions, skills and role tags."""

from __future__ import annotations

from collections.abc import Collection

from skillc.deep import with_deep_stack
from skillc.errors import Report
from skillc.frontends.limits import MAX_DEPTH
from skillc.frontends.nsl.exprs import Lowering
from skillc.frontends.nsl.parser import parse_template
from skillc.frontends.nsl.reader import Reader
from skillc.frontends.nsl.roles import pair_roles
from skillc.frontends.nsl.scopes import bound_names, scopes_of
from skillc.frontends.nsl.stmts import StmtLowering
from skillc.ir import Assign, Stmt, Undefined
from skillc.source import Source, Span

__all__ = ("parse_nsl",)


@with_deep_stack
def parse_nsl(source: Source, report: Report, outside: Collection[str] = ()) -> tuple[Stmt, ...]:
    """The statements of an NSL template; partial when the report holds an error afterwards.

    `outside` are the names that mean something beyond the text: the skill's parameters and its result variable.
    Calls on bare names stay calls, also those of `Set`, `Return` and `Gen`, but for calls of macros.

    Source: language reference, section 3.
    """
    reader = Reader(report)
    template = parse_template(source, reader)
    try:
        scopes = scopes_of(template, outside)
    except (
        RecursionError
    ):  # Jinja's visitor; newer Pythons have a limit of their own for calls through C
        report("SK129", Span(0, 0), limit=MAX_DEPTH)
        return ()
    variables = frozenset(outside) | scopes.assigned | set(bound_names(template))
    lowering = StmtLowering(Lowering(reader, scopes, scopes.template), variables)
    body = lowering.body(template.body)
    # Jinja: what a template sets, but reads in an inner scope before, is nothing there, whatever it was given.
    unset = (name for name in scopes.template.early if name in outside)
    start = Span(0, 0)
    hidden = (Assign(start, n, Undefined(start)) for n in unset if not scopes.template.inherits(n))
    return pair_roles((*hidden, *body), report)
