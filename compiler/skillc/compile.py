"""The walk of one flow from source to Python: front end, passes, emitter. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from skillc.deep import with_deep_stack
from skillc.emit import Emitted, emit_flow
from skillc.errors import Diagnostic, Report, TemplateError, UsageError
from skillc.frontends.guidance import parse_guidance
from skillc.ir import Flow, Runner, Skill, Stmt
from skillc.passes import Settings, lower
from skillc.source import Source

FrontEnd: TypeAlias = Callable[[Source, Report], tuple[Stmt, ...]]

FRONTENDS: Final[Mapping[Runner, FrontEnd]] = {"guidance": parse_guidance}


@dataclass(frozen=True, slots=True)
class Checked:
    """A flow as far as it got, and what was found on the way; without an error it can be emitted."""

    flow: Flow
    findings: tuple[Diagnostic, ...]

    @property
    def failed(self) -> bool:
        """Whether any finding is an error."""
        return any(finding.severity == "error" for finding in self.findings)


@with_deep_stack
def check_flow(flow: Flow, settings: Settings) -> Checked:
    """Parse the skills of `flow`, whose bodies are still empty, and run the passes.

    A skill that does not parse keeps its empty body, so that the others still find it.

    Raises:
        UsageError: a skill has a runner without a front end.
    """
    reports = {skill.idn: Report(skill.source) for skill in flow.skills}
    parsed = tuple(replace(skill, body=parse(skill, reports[skill.idn])) for skill in flow.skills)
    lowered = lower(replace(flow, skills=parsed), settings, reports)
    findings = (finding for report in reports.values() for finding in report.findings.values())
    return Checked(lowered, tuple(findings))


def parse(skill: Skill, report: Report) -> tuple[Stmt, ...]:
    """The body of a skill, by the front end of its runner; () when it does not parse."""
    front_end = FRONTENDS.get(skill.runner)
    if front_end is None:
        raise UsageError(
            f"{skill.source.path}: runner '{skill.runner}' is not supported by this version of skillc"
        )
    body = front_end(skill.source, report)
    return () if report.failed else body


def compile_flow(flow: Flow, settings: Settings) -> Emitted:
    """The module of `flow`, whose skills' bodies are still empty.

    Raises:
        TemplateError: a template has an error; it holds all findings.
        UsageError: a skill has a runner without a front end.
        CompilerBug: the emitted module is not what was meant.
    """
    checked = check_flow(flow, settings)
    if checked.failed:
        raise TemplateError(checked.findings)
    return emit_flow(checked.flow)
