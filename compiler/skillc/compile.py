"""The walk of one flow from source to Python: front end, passes, emitter. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from skillc.analyses.scopes import exposed, received
from skillc.analyses.types import library_of
from skillc.analyses.walk import bound_names, expressions, statements
from skillc.deep import with_deep_stack
from skillc.emit import Emitted, emit_flow
from skillc.errors import Diagnostic, Report, TemplateError
from skillc.frontends.guidance import parse_guidance
from skillc.frontends.nsl import parse_nsl
from skillc.ir import Flow, Library, Runner, Signature, Skill, Stmt
from skillc.passes import Settings, lower

FrontEnd: TypeAlias = Callable[[Skill, Report, frozenset[str]], tuple[Stmt, ...]]

FRONTENDS: Final[Mapping[Runner, FrontEnd]] = {
    "guidance": lambda skill, report, _handed: parse_guidance(skill.source, report),
    "nsl": lambda skill, report, handed: parse_nsl(skill.source, report, outside(skill) | handed),
}
NUMBER: Final = re.compile(r"_[0-9]+$")
"""What the front end adds to the name of a variable that an inner scope sets."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A flow as far as it got, and what was found on the way; without an error it can be emitted.

    `parsed` is the flow as the front ends read it.
    """

    flow: Flow
    parsed: Flow
    findings: tuple[Diagnostic, ...]

    @property
    def failed(self) -> bool:
        """Whether any finding is an error."""
        return any(finding.severity == "error" for finding in self.findings)


@with_deep_stack
def check_flow(flow: Flow, settings: Settings) -> Checked:
    """Parse the skills of `flow`, whose bodies are still empty, and run the passes.

    A skill that does not parse keeps its empty body, so that the others still find it. What skills hand to their
    callers is known at the end; where that means another variable than one of the skill's own, all is done again.
    """
    checked = check_knowing(flow, settings, {})
    if not checked.failed and (handed := handed_over(checked)):
        return check_knowing(flow, settings, handed)
    return checked


def check_knowing(flow: Flow, settings: Settings, handed: Mapping[str, frozenset[str]]) -> Checked:
    """The same, knowing the names that the calls of a skill, by its idn, may set in it."""
    reports = {skill.idn: Report(skill.source) for skill in flow.skills}
    skills = (
        replace(skill, body=parse(skill, reports[skill.idn], handed.get(skill.idn, frozenset())))
        for skill in flow.skills
    )
    parsed = replace(flow, skills=tuple(skills))
    lowered = lower(parsed, settings, reports)
    findings = (finding for report in reports.values() for finding in report.findings.values())
    return Checked(lowered, parsed, tuple(findings))


def handed_over(checked: Checked) -> Mapping[str, frozenset[str]]:
    """By the idns of NSL skills, the names that calls may set in them and that they set themselves, in some scope.

    Source: language reference, calling actions and skills: what is exposed is assigned in the run's scope.
    """
    given = exposed(checked.flow)
    found: dict[str, frozenset[str]] = {}
    for before, after in zip(checked.parsed.skills, checked.flow.skills, strict=True):
        arriving = frozenset(n for e in expressions(after.body) for n in received(e, given))
        if before.runner == "nsl" and arriving:
            bound = {name for stmt in statements(before.body) for name in bound_names(stmt)}
            bound |= {NUMBER.sub("", name) for name in bound}
            if names := arriving & bound:
                found[before.idn] = names
    return found


def check_flows(
    flows: Sequence[Flow], settings: Settings, progress: Callable[[str], None]
) -> tuple[Checked, ...]:
    """Check flows and libraries, each knowing what it can call; `progress` is told what is being done."""
    found: list[Checked] = []
    known: dict[str, tuple[Library, ...]] = {}
    for project, libraries in library_groups(flows).items():
        progress("checking libraries")
        checked, known[project] = check_libraries(libraries, settings)
        found += checked
    for flow in flows:
        if not flow.is_library:
            progress(f"checking {flow.idn}")
            found.append(check_flow(calling(flow, known.get(flow.project, ())), settings))
    return tuple(found)


def library_groups(flows: Sequence[Flow]) -> Mapping[str, tuple[Flow, ...]]:
    """The libraries of each project that has any."""
    libraries = [flow for flow in flows if flow.is_library]
    return {
        project: tuple(flow for flow in libraries if flow.project == project)
        for project in dict.fromkeys(flow.project for flow in libraries)
    }


def check_libraries(
    libraries: Sequence[Flow], settings: Settings
) -> tuple[tuple[Checked, ...], tuple[Library, ...]]:
    """Check the libraries of one project, and say what other modules can call of them."""
    signatures = tuple(map(declared_library, libraries))
    checked: tuple[Checked, ...] = ()
    for _ in range(min(len(libraries), 2)):  # the second time they know each other
        checked = tuple(check_flow(calling(flow, signatures), settings) for flow in libraries)
        if any(found.failed for found in checked):
            break
        signatures = tuple(library_of(found.flow) for found in checked)
    return checked, signatures


def declared_library(flow: Flow) -> Library:
    """A library as far as its metadata tells."""
    skills = (Signature(skill.idn, skill.parameters, exposed=None) for skill in flow.skills)
    return Library(flow.idn, flow.module, tuple(skills))


def calling(flow: Flow, libraries: Sequence[Library]) -> Flow:
    """The flow, or library, that can call the libraries of its project; itself it calls directly."""
    return replace(flow, libraries=tuple(one for one in libraries if one.module != flow.module))


def parse(skill: Skill, report: Report, handed: frozenset[str] = frozenset()) -> tuple[Stmt, ...]:
    """The body of a skill, by the front end of its runner; () when it does not parse."""
    body = FRONTENDS[skill.runner](skill, report, handed)
    return () if report.failed else body


def outside(skill: Skill) -> frozenset[str]:
    """The variables of a skill that mean something beyond its text."""
    return frozenset({skill.result_variable, *(parameter.name for parameter in skill.parameters)})


def compile_flow(flow: Flow, settings: Settings) -> Emitted:
    """The module of `flow`, whose skills' bodies are still empty.

    Raises:
        TemplateError: a template has an error; it holds all findings.
        CompilerBug: the emitted module is not what was meant.
    """
    checked = check_flow(flow, settings)
    if checked.failed:
        raise TemplateError(checked.findings)
    return emit_flow(checked.flow)
