"""The folder layout: scripts, an optional `flow.yaml` and sidecars become one flow. Pure.

Source: project format, folder layout.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from skillc.ir import Flow
from skillc.project.directory import Directory, extension, idn_of, stem
from skillc.project.documents import START, Fields, no_fields
from skillc.project.flows import FLOW_KEYS, make_flow
from skillc.project.idn import visible
from skillc.project.skills import (
    RUNNER_TYPES,
    SCRIPTS,
    SIDECAR_END,
    SKILL_KEYS,
    Skills,
    is_script,
)
from skillrt.manifest import SubscriptionManifest

FLOW_FILE: Final = "flow.yaml"
LONE_SIDECAR: Final = "metadata.yaml"


def load_folder(folder: Directory, only: str | None = None) -> Flow:
    """The flow that a folder holds: skills without bodies, no module yet.

    With `only`, one script of it, as a flow of that file's own.
    """
    said = folder.fields(FLOW_FILE, FLOW_KEYS)
    scripts = scripts_of(folder, said)
    skills = Skills("SK630")
    for path in sorted(scripts) if only is None else [only]:
        source = folder.read(path)
        layers = (sidecar_of(folder, path), scripts.get(path, no_fields(said.report)))
        skills.add(path, source, folder.report(source), layers, said)
    if only is not None:
        alone = no_fields(said.report)
        return subscribed(replace(make_flow(alone, stem(only), skills), state=None))
    idn, _ = idn_of(said, "flow", folder.name, folder.place())
    flow = subscribed(make_flow(said, idn, skills))
    return flow if FLOW_FILE in folder.files else replace(flow, state=None)


def load_skill(folder: Directory) -> Flow:
    """The flow of a skill's own directory, in which one script counts."""
    chosen = script_of(folder, folder.fields(LONE_SIDECAR, SKILL_KEYS))
    kept = tuple(name for name in folder.files if name == chosen or not is_script(name))
    return load_folder(replace(folder, files=kept))


def subscribed(flow: Flow) -> Flow:
    """The flow with the subscription that is implied where none is written and only one skill is public.

    Source: project format, folder layout.
    """
    public = [skill.idn for skill in flow.skills if not skill.idn.startswith("_")]
    return flow if flow.events or len(public) != 1 else entered_at(flow, public[0])


def entered_at(flow: Flow, idn: str) -> Flow:
    """The flow with an entry skill: every `user_message` starts it and interrupts it."""
    entry: SubscriptionManifest = {
        "idn": "user_message",
        "skill": idn,
        "state": None,
        "integration": None,
        "connector": None,
        "mode": "interrupt",
    }
    return replace(flow, events=(entry,))


def scripts_in(folder: Directory) -> tuple[str, ...]:
    """The files of a directory that are skills."""
    return tuple(filter(is_script, folder.files))


def script_of(directory: Directory, said: Fields) -> str | None:
    """The one script of a skill's directory."""
    scripts = scripts_in(directory)
    if len(scripts) == 1:
        return scripts[0]
    place = directory.place()
    shown = place.report.source.path
    if not scripts:
        empty = not directory.files and not directory.directories
        place.report("SK711" if empty else "SK631", START, directory=shown)
        return None
    runner = said.choice("runner_type", RUNNER_TYPES)
    chosen = [script for script in scripts if SCRIPTS[extension(script)] == runner]
    if len(chosen) == 1 and runner is not None:
        span = said.span("runner_type")
        said.report("SK703", span, file=visible(chosen[0]), runner=runner)
        return chosen[0]
    files = ", ".join(map(visible, scripts))
    place.report("SK632", START, directory=shown, files=files)
    return None


def scripts_of(folder: Directory, said: Fields) -> Mapping[str, Fields]:
    """The scripts that are skills, each with its entry in `flow.yaml` (an empty one if it has none)."""
    present = scripts_in(folder)
    scripts = dict.fromkeys(present, no_fields(said.report))
    by_stem = {stem(name): name for name in reversed(present)}
    for entry in said.each("skills", SKILL_KEYS):
        key = "idn" if entry.node("prompt_script") is None else "prompt_script"
        written = entry.word(key)
        if written is None:
            if entry.node(key) is None:
                entry.report("SK611", entry.place, key="idn", shape="given for each skill")
            continue
        path = by_stem.get(written) if key == "idn" else posixpath.normpath(written)
        if path is not None and (path.startswith(("/", "../")) or path == ".."):
            entry.report("SK621", entry.span(key), path=visible(written))
        elif path is None or extension(path) not in SCRIPTS or not folder.has(path):
            entry.report("SK634", entry.span(key), path=visible(written))
        else:
            scripts[path] = entry
    return scripts


def sidecar_of(folder: Directory, script: str) -> Fields:
    """The metadata file of a script; `metadata.yaml` beside exactly one script is its own."""
    sidecar = posixpath.splitext(script)[0] + SIDECAR_END
    if sidecar not in folder.files and scripts_in(folder) == (script,):
        sidecar = LONE_SIDECAR
    return folder.fields(sidecar, SKILL_KEYS)
