"""Find generations that cannot have the prompt their author has in mind."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from skillc.analyses.walk import Body, bodies, own_expressions, subexpressions
from skillc.errors import Report
from skillc.ir import ActionCall, Block, Const, Each, Emit, Flow, If, Role, Select, Stmt
from skillc.passes.blanks import is_blank
from skillc.passes.settings import Unit

PROMPTED: Final = frozenset({"Gen", "GenStream"})


def check_prompts(flow: Flow, unit: Unit) -> Flow:
    """Report SK401, SK402 and SK403; the flow stays as it is."""
    for skill in flow.skills:
        _Walk(unit.reports[skill.idn]).body(skill.body, Written())
    return flow


@dataclass(frozen=True, slots=True)
class Written:
    """What may have been printed before a place, blanks not counted; `role` is the open one."""

    in_roles: bool = False
    outside: bool = False
    role: str = ""

    def __or__(self, other: Written) -> Written:
        """What may have been printed when either path was taken; the role is ours."""
        return replace(
            self,
            in_roles=self.in_roles or other.in_roles,
            outside=self.outside or other.outside,
        )


@dataclass(frozen=True, slots=True)
class _Walk:
    """Follows what may be printed; without a report it only looks ahead."""

    report: Report | None

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
            case Select():
                for option in bodies(stmt):
                    self.body(option, written)
                return self.printed(written)
            case Role():
                role = stmt.role.value if isinstance(stmt.role, Const) else "role"
                if written.role and self.report is not None:
                    self.report("SK401", stmt.span, inner=role, outer=written.role)
                inside = self.body(stmt.body, replace(written, role=str(role)))
                return written if stmt.hidden else replace(inside, role=written.role)
            case Block():
                inside = self.body(stmt.body, written)
                return written if stmt.hidden else inside
            case If():
                return self.body(stmt.body, written) | self.body(stmt.orelse, written)
            case Each():
                once = _Walk(None).body(stmt.body, written)  # an earlier pass precedes a later one
                return self.body(stmt.body, written | once) | self.body(stmt.orelse, written)
            case _:
                return written

    def printed(self, written: Written) -> Written:
        return replace(written, in_roles=True) if written.role else replace(written, outside=True)

    def generations(self, stmt: Stmt, written: Written) -> None:
        """Report the generations that a statement makes itself."""
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
