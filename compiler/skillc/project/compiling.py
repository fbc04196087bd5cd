"""The modules of all that was loaded: which are kept, which are compiled again, and on how many processes."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import repeat
from typing import Final, TypeAlias

from skillc.compile import (
    Checked,
    calling,
    check_flow,
    check_flows,
    check_libraries,
    library_groups,
)
from skillc.emit import emit_flow, emit_project
from skillc.errors import CompilerBug, Diagnostic, TemplateError
from skillc.ir import Flow, Library
from skillc.passes import Settings
from skillc.project.load import Loaded
from skillc.project.record import Module, digest, inputs_digest

WORTH_PROCESSES: Final = 150
"""How many skills it takes until other processes save more time than their start costs."""

Progress: TypeAlias = Callable[[str], None]
"""Told what is being done, such as "compiling kiosk (1 of 2)"."""

Keep: TypeAlias = Callable[[Flow, str], Module | None]
"""Gives the module of a flow, made from inputs of that digest, if it need not be made again."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """What became of one flow: its findings, and the text of its module unless one is an error."""

    findings: tuple[Diagnostic, ...]
    text: str | None = None


def compile_modules(
    loaded: Loaded, settings: Settings, progress: Progress, keep: Keep, jobs: int
) -> tuple[Module, ...]:
    """The modules of all projects and flows, in order of name; `jobs` is how many processes may be used.

    Raises:
        TemplateError: any finding is an error; it holds all of them.
    """
    if any(finding.severity == "error" for finding in loaded.findings):
        checked = check_flows(loaded.flows, settings, progress)
        raise TemplateError([*loaded.findings, *(f for flow in checked for f in flow.findings)])
    findings = list(loaded.findings)
    modules: dict[str, Module] = {}
    callees: dict[str, tuple[Library, ...]] = {}
    for project, group in library_groups(loaded.flows).items():
        libraries = list(compiled_libraries(group, settings, progress, keep))
        for library, module, found in libraries:
            callees[project] = (*callees.get(project, ()), library)
            findings += found
            if module is not None:
                modules[module.name] = module
    todo: list[tuple[Flow, str]] = []
    for flow in loaded.flows:
        if not flow.is_library:
            bound = calling(flow, callees.get(flow.project, ()))
            inputs = inputs_digest(bound)
            kept = keep(bound, inputs)
            if kept is None:
                todo.append((bound, inputs))
            else:
                modules[kept.name] = kept
                findings += kept.findings
    with closing(compiled_flows([flow for flow, _ in todo], settings, jobs)) as done:
        for number, (flow, inputs) in enumerate(todo, 1):
            progress(f"compiling {flow.idn} ({number} of {len(todo)})")
            made = next(done)
            findings += made.findings
            if made.text is not None:
                modules[flow.module] = Module(flow.module, made.text, inputs, made.findings)
    if any(finding.severity == "error" for finding in findings):
        raise TemplateError(findings)
    for one in loaded.projects:
        modules |= {name: Module(name, text) for name, text in emit_project(one)}
    return tuple(modules[name] for name in sorted(modules))


def compiled_libraries(
    group: Sequence[Flow], settings: Settings, progress: Progress, keep: Keep
) -> Iterator[tuple[Library, Module | None, tuple[Diagnostic, ...]]]:
    """The libraries of one project: what others can call, the module if there is no error, the findings.

    When one of them changed, all are compiled again.
    """
    inputs = digest("".join(map(inputs_digest, group)).encode())
    kept = [module for flow in group if (module := keep(flow, inputs)) is not None]
    if len(kept) == len(group):
        for flow, module in zip(group, kept, strict=True):
            yield Library(flow.idn, flow.module, module.skills), module, module.findings
        return
    progress("compiling libraries")
    for found, library in zip(*check_libraries(group, settings), strict=True):
        made = emitted(found)
        module = None
        if made.text is not None:
            name = library.module
            module = Module(name, made.text, inputs, made.findings, library.skills)
        yield library, module, made.findings


def compiled_flows(
    flows: Sequence[Flow], settings: Settings, jobs: int
) -> Generator[Compiled, None, None]:
    """What becomes of each flow, in order; on other processes if there is much to do."""
    if jobs < 2 or sum(len(flow.skills) for flow in flows) < WORTH_PROCESSES:
        yield from (compiled_flow(flow, settings) for flow in flows)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(flows)), context, leave_interrupts) as pool:
        yield from pool.map(compiled_flow, flows, repeat(settings))


def leave_interrupts() -> None:
    """Leave it to the first process to end on Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def compiled_flow(flow: Flow, settings: Settings) -> Compiled:
    """What becomes of one flow."""
    return emitted(check_flow(flow, settings))


def emitted(found: Checked) -> Compiled:
    """What becomes of a flow that was checked."""
    if found.failed:
        return Compiled(found.findings)
    try:
        made = emit_flow(found.flow)
    except TemplateError as error:
        return Compiled((*found.findings, *error.diagnostics))
    if made.path != found.flow.module.replace(".", "/") + ".py":
        raise CompilerBug(f"module {found.flow.module} was emitted as {made.path}")
    return Compiled(found.findings, made.text)
