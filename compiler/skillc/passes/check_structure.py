"""Find what is never reached, and what is set and never read."""

from __future__ import annotations

from typing import Final

from skillc.analyses.walk import Body, bodies, own_expressions, statements, subexpressions
from skillc.errors import Report
from skillc.ir import (
    ActionCall,
    Break,
    Const,
    Continue,
    Evaluate,
    Expr,
    Flow,
    Invoke,
    Leave,
    MacroCall,
    Recur,
    Return,
    Skill,
    SkillCall,
    Stmt,
)
from skillc.passes.blanks import is_blank
from skillc.passes.settings import Unit
from skillc.source import Source, Span
from skillrt.actions import CATALOGUE
from skillrt.catalogue import Effect

SEEN_BY_OTHERS: Final = Effect.IO | Effect.LLM | Effect.CONTROL


def check_structure(flow: Flow, unit: Unit) -> Flow:
    """Report SK501 and SK502; the flow stays as it is."""
    for skill in flow.skills:
        report = unit.reports[skill.idn]
        sequences = [skill.body, *(b for stmt in statements(skill.body) for b in bodies(stmt))]
        for sequence in sequences:
            _check_unreachable(sequence, skill, report)
            _check_overwritten(sequence, skill, report)
    return flow


def _check_unreachable(body: Body, skill: Skill, report: Report) -> None:
    for index, stmt in enumerate(body):
        statement = leaving(stmt)
        if statement:
            rest = (later for later in body[index + 1 :] if not is_blank(later))
            if unreached := next(rest, None):
                line = skill.source.line(stmt.span.start)
                place = without_blanks_before(unreached.span, skill.source)
                report("SK501", place, statement=statement, line=line)
            return


def leaving(stmt: Stmt) -> str:
    """How a statement ends the sequence it stands in, "" if it goes on."""
    match stmt:
        case Return() | Evaluate(value=Leave()):
            return "Return"
        case Break():
            return "break"
        case Continue():
            return "continue"
        case _:
            return ""


def without_blanks_before(span: Span, source: Source) -> Span:
    """The place of text without the blanks that it begins with."""
    text = source.text[span.start : span.end]
    return Span(span.end - len(text.lstrip()), span.end)


def _check_overwritten(body: Body, skill: Skill, report: Report) -> None:
    """A literal state field set twice in a straight line, with nothing between that could read it."""
    pending: dict[str, ActionCall] = {}
    for stmt in body:
        if leaving(stmt):
            return
        if any(bodies(stmt)):
            pending.clear()
            continue
        for expr in own_expressions(stmt):
            for call in reversed(list(subexpressions(expr))):
                _follow(call, pending, skill, report)


def _follow(expr: Expr, pending: dict[str, ActionCall], skill: Skill, report: Report) -> None:
    match expr:
        case ActionCall(action="SetState"):
            name = dict(expr.args).get("name")
            if isinstance(name, Const):
                key = str(name.value).strip()
                if key in pending:
                    line = skill.source.line(expr.span.start)
                    lost = dict(pending[key].args).get("value", pending[key])
                    report("SK502", lost.span, name=key, line=line)
                pending[key] = expr
            else:
                pending.clear()
        case ActionCall(action="GetState"):
            name = dict(expr.args).get("name")
            if isinstance(name, Const):
                pending.pop(str(name.value).strip(), None)
            else:
                pending.clear()
        case ActionCall() if CATALOGUE[expr.action].effects & SEEN_BY_OTHERS:
            pending.clear()
        case SkillCall() | Invoke() | MacroCall() | Recur():
            pending.clear()
        case _:
            pass
