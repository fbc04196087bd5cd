"""Find generations that cannot have the prompt their author has in mind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from skillc.analyses.walk import Body, bodies, own_expressions, statements, subexpressions
from skillc.errors import Report
from skillc.ir import (
    ActionCall,
    Block,
    Capture,
    CloseRole,
    Const,
    Each,
    Emit,
    Flow,
    If,
    Macro,
    MacroCall,
    OpenRole,
    Role,
    Runner,
    Select,
    Skill,
    Stmt,
)
from skillc.passes.blanks import is_blank
from skillc.passes.settings import Unit

PROMPTED: Final = frozenset({"Gen", "GenStream"})


def check_prompts(flow: Flow, unit: Unit) -> Flow:
    """Report SK401, SK402 and SK403; the flow stays as it is."""
    for skill in flow.skills:
        check_skill(skill, unit.reports[skill.idn])
    return flow


def check_skill(skill: Skill, report: Report) -> None:
    """First what may have been printed before the calls of each macro, until all is known; then the findings."""
    macros = {stmt.name: stmt for stmt in statements(skill.body) if isinstance(stmt, Macro)}
    called: dict[str, Written] = {}
    while True:
        before = dict(called)
        _follow(skill, macros, called, None)
        if called == before:
            break
    _follow(skill, macros, called, report)


def _follow(
    skill: Skill, macros: Mapping[str, Macro], called: dict[str, Written], report: Report | None
) -> None:
    walk = _Walk(skill.runner, report, called)
    walk.body(skill.body, Written())
    for name, macro in macros.items():
        if name in called:
            walk.captured(macro.body, called[name])


@dataclass(frozen=True, slots=True)
class Written:
    """What may have been printed before a place, blanks not counted; `role` is the one that may be open."""

    in_roles: bool = False
    outside: bool = False
    role: str = ""

    def __or__(self, other: Written) -> Written:
        """What may have been printed when either path was taken."""
        return replace(
            self,
            in_roles=self.in_roles or other.in_roles,
            outside=self.outside or other.outside,
            role=self.role or other.role,
        )


@dataclass(frozen=True, slots=True)
class _Walk:
    """Follows what may be printed; without a report it only looks ahead.

    `calls` collects what may have been printed before the calls of each macro. In the NSL dialect a role ends the
    one before it.
    """

    runner: Runner
    report: Report | None
    calls: dict[str, Written]

    def body(self, body: Body, written: Written) -> Written:
        for stmt in body:
            self.generations(stmt, written)
            written = self.after(stmt, written)
        return written

    def after(self, stmt: Stmt, written: Written) -> Written:
        match stmt:
            case Emit() if is_blank(stmt):
                return written
            case Emit():
                return self.printed(written)
            case Capture():
                self.captured(stmt.body, written)
                return written
            case OpenRole():
                return replace(written, role=stmt.role)
            case CloseRole():
                return replace(written, role="")
            case Select():
                for option in bodies(stmt):
                    self.body(option, written)
                return self.printed(written)
            case Role():
                role = stmt.role.value if isinstance(stmt.role, Const) else "role"
                if written.role and self.report is not None and self.runner == "guidance":
                    self.report("SK401", stmt.span, inner=role, outer=written.role)
                inside = self.body(stmt.body, replace(written, role=str(role)))
                return written if stmt.hidden else replace(inside, role="")
            case Block():
                inside = self.body(stmt.body, written)
                return written if stmt.hidden else inside
            case If():
                return self.body(stmt.body, written) | self.body(stmt.orelse, written)
            case Each():
                once = replace(self, report=None).body(
                    stmt.body, written
                )  # an earlier pass precedes a later one
                return self.body(stmt.body, written | once) | self.body(stmt.orelse, written)
            case _:
                return written

    def captured(self, body: Body, written: Written) -> None:
        """A body whose text goes into a variable: what generations inside see was printed before it."""
        for stmt in body:
            self.generations(stmt, written)
            for inner in bodies(stmt):
                self.captured(inner, written)

    def printed(self, written: Written) -> Written:
        return replace(written, in_roles=True) if written.role else replace(written, outside=True)

    def generations(self, stmt: Stmt, written: Written) -> None:
        """Report the generations that a statement makes itself."""
        for own in own_expressions(stmt):
            for expr in subexpressions(own):
                if isinstance(expr, MacroCall):
                    for name in filter(None, (expr.macro, expr.caller)):
                        self.calls[name] = self.calls.get(name, Written()) | written
        if self.report is None or written.in_roles:
            return
        code = "SK402" if written.outside else "SK403"
        for own in own_expressions(stmt):
            for expr in subexpressions(own):
                if isinstance(expr, ActionCall) and expr.action in PROMPTED:
                    place = self.report.source.word(expr.span.start)
                    self.report(code, place, action=expr.action)
        if isinstance(stmt, Select):
            self.report(code, stmt.span, action="select")
