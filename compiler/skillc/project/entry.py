"""What answers the user of a project in which no event says so: an entry skill, named by option.

Source: project format, folder layout: "running the folder needs an entry skill".
"""

from __future__ import annotations

from dataclasses import replace

from skillc.errors import UsageError, did_you_mean
from skillc.project.folder import entered_at
from skillc.project.load import Loaded


def with_entry(loaded: Loaded, skill: str | None) -> Loaded:
    """The same, with the flows that have that skill and no event entered at it; without a name as it is.

    Raises:
        UsageError: no flow without events has the skill, or no flow has an event and none is named.
    """
    flows = [flow for flow in loaded.flows if not flow.is_library]
    silent = [flow for flow in flows if not flow.events]
    idns = sorted({one.idn for flow in silent for one in flow.skills})
    if skill is None and (len(silent) < len(flows) or not idns):
        return loaded
    if skill is None:
        raise UsageError(f"no event starts a skill: choose one with --skill: {', '.join(idns)}")
    if skill not in idns:
        hint = did_you_mean(skill, idns) or f"there is {', '.join(idns) or 'none'}"
        raise UsageError(f"no flow without events has a skill '{skill}'", hint)
    entered = {
        flow.module: entered_at(flow, skill)
        for flow in silent
        if any(one.idn == skill for one in flow.skills)
    }
    return replace(loaded, flows=tuple(entered.get(flow.module, flow) for flow in loaded.flows))
