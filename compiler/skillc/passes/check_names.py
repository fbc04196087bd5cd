"""Find variables that are read but surely not set, and attributes that templates may not name."""

from __future__ import annotations

from collections.abc import Iterator

from skillc.analyses.scopes import Scopes, exposed, scopes
from skillc.analyses.walk import expressions, statements, subexpressions
from skillc.errors import Report, did_you_mean
from skillc.ir import Attribute, Conditional, Expr, Filter, Flow, If, Name, SetField, Skill, Test
from skillc.passes.settings import Unit
from skillc.source import Span
from skillrt.functions import FUNCTIONS
from skillrt.modules import MODULES


def check_names(flow: Flow, unit: Unit) -> Flow:
    """Report SK301, SK304 and SK313; the flow stays as it is."""
    given = exposed(flow)
    for skill in flow.skills:
        report = unit.reports[skill.idn]
        facts = scopes(skill, given)
        if not facts.computed:
            _check_reads(skill, facts, report)
        for expr in expressions(skill.body):
            _check_access(expr, facts, report)
        for stmt in statements(skill.body):
            if isinstance(stmt, SetField) and refused(stmt.name):
                report("SK313", stmt.span, name=stmt.name)
    return flow


def _check_reads(skill: Skill, facts: Scopes, report: Report) -> None:
    """Reads of what is never set, or only set later; a condition may ask for the latter (the guard idiom).

    What a macro reads may well be set later: it runs when it is called.
    """
    tests = [stmt.test for stmt in statements(skill.body) if isinstance(stmt, If)]
    tests += (expr.test for expr in expressions(skill.body) if isinstance(expr, Conditional))
    guards = {e.span for test in tests for e in subexpressions(test) if isinstance(e, Name)}
    asked = set(_asked(skill))
    for read in facts.early:
        name = read.name
        if name in FUNCTIONS or name in MODULES or read.span in asked:
            continue
        first = facts.assigned.get(name)
        if first is None:
            hint = did_you_mean(name, facts.parameters | facts.assigned.keys(), limit=2)
            report("SK301", read.span, name=name, hint=hint)
        elif first > read.span.start and read.span not in guards and read not in facts.late:
            report("SK304", read.span, name=name)


def _asked(skill: Skill) -> Iterator[Span]:
    """The reads that ask whether a variable is set at all: `x is defined`, `x | default("")`."""
    for expr in expressions(skill.body):
        match expr:
            case Test(name="defined" | "undefined", value=Name() as read):
                yield read.span
            case Filter(name="default", value=Name() as read):
                yield read.span
            case _:
                pass


def _check_access(expr: Expr, facts: Scopes, report: Report) -> None:
    match expr:
        case Attribute(span, Name(name=module), name) if (
            facts.is_free(module) and module in MODULES
        ):
            if name not in MODULES[module]:
                report("SK313", span, name=f"{module}.{name}")
        case Attribute(span, _, name) if refused(name):
            report("SK313", span, name=name)
        case _:
            pass


def refused(name: str) -> bool:
    """Whether templates may never name this attribute."""
    return name.startswith("_") or name in {"mro", "format", "format_map"}
