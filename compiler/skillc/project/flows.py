"""What metadata says of a flow beside its skills: its names, models, subscriptions and state fields. Pure.

Source: project format, fields of flows, subscriptions and state fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from skillc.errors import did_you_mean
from skillc.ir import Flow
from skillc.project.directory import Place, check_idn
from skillc.project.documents import Fields
from skillc.project.idn import visible
from skillc.project.skills import KEPT, RUNNER_TYPES, Skills, model_of
from skillrt.interrupts import Mode
from skillrt.manifest import Scope, StateFieldManifest, SubscriptionManifest

LIBRARY_KEYS: Final = KEPT | {"idn", "title", "description", "skills"}
FLOW_KEYS: Final = LIBRARY_KEYS | {
    "default_runner_type",
    "default_model",
    "default_provider_idn",
    "default_model_idn",
    "events",
    "state_fields",
    "agent_id",
    "publication_type",
}
EVENT_KEYS: Final = KEPT | {
    "idn",
    "title",
    "description",
    "skill_selector",
    "skill_idn",
    "state_idn",
    "integration_idn",
    "connector_idn",
    "interrupt_mode",
}
STATE_KEYS: Final = KEPT | {"idn", "title", "default_value", "scope"}
MODES: Final[Mapping[str, Mode]] = {"queue": "queue", "interrupt": "interrupt", "cancel": "cancel"}
SCOPES: Final[Mapping[str, Scope]] = {
    "user": "user",
    "agent": "agent",
    "flow": "flow",
    "project": "project",
    "global": "global",
}
SELECTORS: Final[Mapping[str, str]] = {
    "skill_idn": "skill",
    "skill_idn_from_state": "state",
    "state_idn": "state",
}


def make_flow(said: Fields, idn: str, skills: Skills) -> Flow:
    """The flow that `said` describes, still without a module."""
    said.choice("default_runner_type", RUNNER_TYPES)
    fields: dict[str, Fields] = {}
    state = read_state(said, fields)
    return Flow(
        idn=idn,
        module="",
        skills=skills.all(),
        title=said.text("title") or idn,
        model=model_of((), said),
        events=read_events(said, idn, skills, fields),
        state=state,
    )


def make_library(said: Fields, idn: str, skills: Skills) -> Flow:
    """The library that `said` describes, still without a module."""
    title = said.text("title") or idn
    return Flow(idn=idn, module="", skills=skills.all(), title=title, is_library=True)


def read_state(said: Fields, entries: dict[str, Fields]) -> Mapping[str, StateFieldManifest]:
    """The declared state fields; what the files say of each is noted in `entries`."""
    found: dict[str, StateFieldManifest] = {}
    for entry in said.each("state_fields", STATE_KEYS):
        idn = entry.word("idn")
        if not idn:
            entry.report("SK645", entry.place)
            continue
        span = entry.span("idn")
        check_idn(entry.report, span, "state field", idn)
        if idn in found:
            first = Place(entry.report, entries[idn].span("idn"))
            entry.report("SK646", span, idn=visible(idn), place=first)
            continue
        scope = entry.enum("scope") or "user"
        if scope not in SCOPES:
            hint = did_you_mean(scope, SCOPES)
            entry.report("SK647", entry.span("scope"), hint=hint, value=visible(scope))
        entries[idn] = entry
        found[idn] = {
            "default": entry.text("default_value") or "",
            "scope": SCOPES.get(scope, "user"),
        }
    return found


def read_events(
    said: Fields, flow: str, skills: Skills, state: Mapping[str, Fields]
) -> tuple[SubscriptionManifest, ...]:
    """The subscriptions, in the order written; wrong ones are reported and left out."""
    found: list[SubscriptionManifest] = []
    places: list[Place] = []
    for entry in said.each("events", EVENT_KEYS):
        subscription = read_subscription(entry, flow, skills, state)
        if subscription is None:
            continue
        place = Place(entry.report, entry.span("idn"))
        same = [
            n
            for n, other in enumerate(found)
            if other | {"mode": ""} == subscription | {"mode": ""}
        ]
        if same:
            entry.report("SK709", place.span, place=places[same[0]])
        else:
            found.append(subscription)
            places.append(place)
    return tuple(found)


def read_subscription(
    entry: Fields, flow: str, skills: Skills, state: Mapping[str, Fields]
) -> SubscriptionManifest | None:
    """One subscription, None when it cannot start anything."""
    event = entry.word("idn")
    if not event:
        entry.report("SK640", entry.place)
        return None
    check_idn(entry.report, entry.span("idn"), "event", event)
    written = entry.enum("skill_selector") or "skill_idn"
    if written not in SELECTORS:
        span, hint = entry.span("skill_selector"), did_you_mean(written, SELECTORS)
        entry.report("SK641", span, hint=hint, value=visible(written))
        return None
    by_state = SELECTORS[written] == "state"
    selected = (
        selected_field(entry, event, flow, state)
        if by_state
        else selected_skill(entry, event, flow, skills)
    )
    mode = entry.enum("interrupt_mode") or "queue"
    if mode not in MODES:
        hint = did_you_mean(mode, MODES)
        entry.report("SK644", entry.span("interrupt_mode"), hint=hint, value=visible(mode))
        return None
    if selected is None:
        return None
    if by_state:
        check_default(state[selected], flow, skills)
    return {
        "idn": event,
        "skill": None if by_state else selected,
        "state": selected if by_state else None,
        "integration": entry.word("integration_idn") or None,
        "connector": entry.word("connector_idn") or None,
        "mode": MODES[mode],
    }


def selected_skill(entry: Fields, event: str, flow: str, skills: Skills) -> str | None:
    """The skill that a subscription names."""
    skill = entry.word("skill_idn") or ""
    span = entry.span("skill_idn") if entry.node("skill_idn") else entry.span("idn")
    if skill not in skills.found:
        hint = did_you_mean(skill, skills.found)
        shown = visible(skill)
        entry.report(
            "SK642", span, hint=hint, event=visible(event), skill=shown, flow=visible(flow)
        )
        return None
    if skill.startswith("_"):
        entry.report("SK724", span, event=visible(event), skill=visible(skill))
    return skill


def selected_field(entry: Fields, event: str, flow: str, state: Mapping[str, Fields]) -> str | None:
    """The state field that a subscription names."""
    field = entry.word("state_idn") or ""
    if field in state:
        return field
    span = entry.span("state_idn") if entry.node("state_idn") else entry.span("idn")
    hint = did_you_mean(field, state)
    shown = visible(field)
    entry.report("SK643", span, hint=hint, event=visible(event), field=shown, flow=visible(flow))
    return None


def check_default(field: Fields, flow: str, skills: Skills) -> None:
    """That the default of a field that selects a skill names one, or nothing (SK648)."""
    default = (field.text("default_value") or "").strip()
    if default and default not in skills.found:
        hint = did_you_mean(default, skills.found)
        field.report(
            "SK648",
            field.span("default_value"),
            hint=hint,
            field=visible(field.word("idn") or ""),
            skill=visible(default),
            flow=visible(flow),
        )
