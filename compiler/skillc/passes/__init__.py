"""From what a front end read to what the emitter writes: the passes, in the order of one tuple.

A pass is one function from a flow to a flow. Passes know meaning and never ask which syntax it was. Findings go to
the report of the skill they are about; a pass that found an error in a skill may leave that skill half done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from skillc.errors import Report
from skillc.ir import Flow
from skillc.passes.blanks import drop_blanks
from skillc.passes.check_calls import check_calls
from skillc.passes.check_commands import check_commands
from skillc.passes.check_names import check_names
from skillc.passes.check_project import check_project
from skillc.passes.check_prompts import check_prompts
from skillc.passes.check_structure import check_structure
from skillc.passes.convert import convert_arguments
from skillc.passes.fold import fold_constants
from skillc.passes.follow import follow_exposed
from skillc.passes.loops import rename_loops
from skillc.passes.merge import merge_text
from skillc.passes.resolve import resolve_calls
from skillc.passes.settings import Settings, Unit

__all__ = ("PASSES", "Settings", "Unit", "lower")

Pass: TypeAlias = Callable[[Flow, Unit], Flow]

PASSES: Final[tuple[Pass, ...]] = (
    resolve_calls,
    rename_loops,
    check_names,
    check_project,
    check_calls,
    check_commands,
    check_prompts,
    check_structure,
    follow_exposed,
    convert_arguments,
    fold_constants,
    merge_text,
    drop_blanks,
)


def lower(flow: Flow, settings: Settings, reports: Mapping[str, Report]) -> Flow:
    """Run all passes; `reports` holds one report per skill idn.

    The pass after which any report holds an error is the last one to run: look at the reports before
    using the result.
    """
    unit = Unit(settings, reports)
    for run in PASSES:
        flow = run(flow, unit)
        if any(report.failed for report in reports.values()):
            break
    return flow
