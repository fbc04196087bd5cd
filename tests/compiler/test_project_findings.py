"""What is said about projects: for each message a bad project, the exact line, and that its sound twin is silent."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pytest

from projects import FLAT, V1, V2, Files, changed, lines, write
from skillc.errors import render_diagnostic
from skillc.project.load import load

TALK = "harbor/agents/Clerk/flows/Talk"
FLOW = f"{TALK}/Talk.yaml"
OLD = "projects/harbor/Clerk/Talk"
MESSAGE = "{idn: user_message, skill_idn: Reply, interrupt_mode: interrupt}"
FIELD = "{idn: topic, default_value: none yet}"
SUMMARY = """\
flows:
  - agent_idn: Clerk
    agent_flows: [{idn: Talk, title: Chatting, default_runner_type: guidance}]
"""


class Bad(NamedTuple):
    """A project that is changed by one edit (file, before, after) or by more files, and what is said then."""

    base: Files
    file: str
    before: str
    after: str
    said: str
    more: Files = MappingProxyType({})


def flow(before: str, after: str, said: str) -> Bad:
    """The flow file of the v2 project changed."""
    return Bad(V2, FLOW, before, after, f"{FLOW}:{said}")


def added(base: Files, said: str, **more: str | bytes | None) -> Bad:
    """More files, `__` for `/` in their names."""
    return Bad(base, "", "", "", said, {name.replace("__", "/"): t for name, t in more.items()})


BAD = {
    "SK603": Bad(
        V2,
        "",
        "",
        "",
        "harbor/agents/Clerk/flows/Other:1:1: error[SK603]: required file 'Other.yaml' is missing",
        {"harbor/agents/Clerk/flows/Other/skills/A.nslg": "a"},
    ),
    "SK604": Bad(
        V2,
        "import_version.txt",
        "v2.0.0",
        "v3",
        "import_version.txt:1:1: error[SK604]: import version 'v3' is not supported",
    ),
    "SK610": flow("title: Talking", "title: !x T", "2:8: error[SK610]: tag '!x' is not allowed"),
    "SK611": flow(
        "title: Talking\n",
        "title: Talking\ndefault_model: fast\n",
        "3:16: error[SK611]: 'default_model' must be a mapping",
    ),
    "SK612": Bad(
        V2,
        "",
        "",
        "",
        "harbor/agents/Clerk/agent.yaml:1:1: error[SK612]: not UTF-8 at byte 5",
        {"harbor/agents/Clerk/agent.yaml": b"idn: \xff"},
    ),
    "SK620": Bad(
        V2,
        "harbor/harbor.yaml",
        "idn: harbor",
        "idn: a/b",
        "harbor/harbor.yaml:1:16: error[SK620]: 'a/b' is not allowed as project idn: it has a slash or backslash",
    ),
    "SK621": flow(
        "flows/Talk/skills/Bye.nslg",
        "../../../../../../secret.nslg",
        "7:31: error[SK621]: '../../../../../../secret.nslg' leaves the root",
    ),
    "SK630": flow(
        "{idn: Bye, ",
        "{idn: Reply, ",
        f"7:11: error[SK630]: skill 'Reply' is already at {FLOW}:6:11",
    ),
    "SK631": Bad(
        V1,
        "",
        "",
        "",
        f"{OLD}/Nothing:1:1: error[SK631]: '{OLD}/Nothing' has no script",
        {f"{OLD}/Nothing/notes.txt": "x"},
    ),
    "SK632": Bad(
        V1,
        "",
        "",
        "",
        f"{OLD}/Reply:1:1: error[SK632]: '{OLD}/Reply' has several scripts: Reply.guidance, Reply.nslg",
        {f"{OLD}/Reply/Reply.nslg": "x"},
    ),
    "SK633": Bad(
        V2,
        "",
        "",
        "",
        "harbor/agents/Clerk/flows/Two:1:1: error[SK633]: 'harbor/agents/Clerk/flows/Two' has several flow files:"
        " A.yaml, B.yaml",
        {f"harbor/agents/Clerk/flows/Two/{name}.yaml": "idn: Two" for name in "AB"},
    ),
    "SK634": flow(
        "skills/Bye.nslg",
        "skills/Buy.nslg",
        "7:31: error[SK634]: script 'flows/Talk/skills/Buy.nslg' not found",
    ),
    "SK635": flow(
        "{idn: Reply, ",
        "{idn: Reply, parameters: [{default_value: x}], ",
        "6:31: error[SK635]: parameter 1 of 'Reply' has no name",
    ),
    "SK636": flow(
        "{idn: Reply, ",
        "{idn: Reply, parameters: [{name: x}, {name: x}], ",
        f"6:49: error[SK636]: parameter 'x' of 'Reply' is already at {FLOW}:6:38",
    ),
    "SK637": Bad(
        V1,
        "",
        "",
        "",
        "projects/harbor/libraries/shared/tidy/metadata.yaml:1:6: error[SK637]: skill 'tidy' is already at"
        " projects/harbor/libraries/shared/tidy.guidance",
        {"projects/harbor/libraries/shared/tidy.guidance": "x"},
    ),
    "SK638": Bad(
        V2,
        "",
        "",
        "",
        f"harbor/agents/Clerk/flows/Twin/Twin.yaml:1:6: error[SK638]: flow 'Talk' is already at {FLOW}:1:6",
        {"harbor/agents/Clerk/flows/Twin/Twin.yaml": "idn: Talk\n"},
    ),
    "SK639": Bad(
        V2,
        "",
        "",
        "",
        f"{TALK}/skills/bye.nslg:1:1: error[SK639]: 'Bye.nslg' and 'bye.nslg' are one file on some disks",
        {f"{TALK}/skills/bye.nslg": "bye"},
    ),
    "SK640": flow(MESSAGE, "{skill_idn: Reply}", "9:5: error[SK640]: subscription without idn"),
    "SK641": flow(
        "skill_idn: Reply",
        "skill_idn: Reply, skill_selector: skil_idn",
        "9:59: error[SK641]: unknown skill_selector 'skil_idn'",
    ),
    "SK642": flow(
        "skill_idn: Reply",
        "skill_idn: Replay",
        "9:36: error[SK642]: subscription to 'user_message' selects skill 'Replay', which flow 'Talk' does not have",
    ),
    "SK643": flow(
        "skill_idn: Reply",
        "skill_selector: skill_idn_from_state, state_idn: tropic",
        "9:74: error[SK643]: subscription to 'user_message' reads state field 'tropic', which flow 'Talk' does not"
        " declare",
    ),
    "SK644": flow(
        "interrupt_mode: interrupt",
        "interrupt_mode: batch",
        "9:59: error[SK644]: unknown interrupt_mode 'batch'; it is queue, interrupt or cancel",
    ),
    "SK645": flow(FIELD, "{title: x}", "11:5: error[SK645]: state field without idn"),
    "SK646": flow(
        FIELD,
        "{idn: topic}\n  - {idn: topic}",
        f"12:11: error[SK646]: state field 'topic' is already at {FLOW}:11:11",
    ),
    "SK647": flow(
        "default_value: none yet", "scope: users", "11:25: error[SK647]: unknown scope 'users'"
    ),
    "SK648": flow(
        "skill_idn: Reply",
        "skill_selector: state_idn, state_idn: topic",
        "11:33: error[SK648]: default of state field 'topic' selects skill 'none yet', which flow 'Talk' does not"
        " have",
    ),
    "SK650": Bad(
        V2,
        "attributes.yaml",
        "{idn: house, ",
        "{",
        "attributes.yaml:2:5: error[SK650]: attribute without idn",
    ),
    "SK651": Bad(
        V2,
        "attributes.yaml",
        "{idn: house, value: Pier}",
        "{idn: house}\n  - {idn: house}",
        "attributes.yaml:3:11: error[SK651]: attribute 'house' is already at attributes.yaml:2:11",
    ),
    "SK652": Bad(
        V2,
        "akb/Clerk.yaml",
        "topic_name: Hours, ",
        "",
        "akb/Clerk.yaml:1:3: error[SK652]: knowledge base topic without topic_name",
    ),
    "SK701": added(
        V2,
        ".:1:1: warning[SK701]: both a v1 and a v2 layout; v2 is read",
        projects__notes="x",
    ),
    "SK702": flow(
        "idn: Talk\n", "idn: Chat\n", "1:6: warning[SK702]: 'Talk' holds flow 'Chat'; the idn counts"
    ),
    "SK703": Bad(
        V1,
        f"{OLD}/Reply/metadata.yaml",
        "idn: Reply\n",
        "idn: Reply\nrunner_type: guidance\n",
        f"{OLD}/Reply/metadata.yaml:2:14: warning[SK703]: several scripts; 'Reply.guidance' is used for runner_type"
        " 'guidance'",
        {f"{OLD}/Reply/Reply.jinja": "x"},
    ),
    "SK704": Bad(
        V1,
        "",
        "",
        "",
        f"{OLD}/metadata.yaml:2:8: warning[SK704]: flows.yaml says 'Chatting' (projects/flows.yaml:3:38);"
        " metadata.yaml counts",
        {"projects/flows.yaml": SUMMARY},
    ),
    "SK705": Bad(
        V1,
        "",
        "",
        "",
        "projects/flows.yaml:2:16: warning[SK705]: entry of agent 'Clerk' ignored: projects harbor, port have one",
        {"projects/flows.yaml": SUMMARY, "projects/port/Clerk/Talk/Hi.guidance": "Hi"},
    ),
    "SK706": Bad(
        V2,
        "import_version.txt",
        "v2.0.0",
        " ",
        "import_version.txt:1:1: warning[SK706]: empty import version; v2 is assumed",
    ),
    "SK707": Bad(
        V2,
        "",
        "",
        "",
        f"{TALK}/skills/More.nslg:1:1: warning[SK707]: 'More.nslg' is not listed in 'Talk.yaml'",
        {f"{TALK}/skills/More.nslg": "more"},
    ),
    "SK708": flow(
        "{idn: Bye, ",
        "{idn: Bye, runner_type: nsl, ",
        "7:29: warning[SK708]: runner_type 'nsl' counts, not the extension '.nslg'",
    ),
    "SK709": flow(
        MESSAGE,
        f"{MESSAGE}\n  - {MESSAGE.replace('interrupt}', 'queue}')}",
        f"10:11: warning[SK709]: subscription is already at {FLOW}:9:11",
    ),
    "SK710": Bad(
        V2,
        f"{TALK}/skills/Bye.nslg",
        "Bye\n",
        "\n",
        f"{TALK}/skills/Bye.nslg:1:1: warning[SK710]: empty script: the skill does nothing",
    ),
    "SK711": Bad(
        V1,
        "",
        "",
        "",
        f"{OLD}/Soon:1:1: warning[SK711]: '{OLD}/Soon' is empty",
        {f"{OLD}/Soon": None},
    ),
    "SK721": Bad(
        V2,
        "attributes.yaml",
        "value: Pier}",
        "value: Pie, value_type: ValueType.ENUM, possible_values: [Pier, Quay]}",
        "attributes.yaml:2:25: warning[SK721]: attribute 'house': 'Pie' is not among its possible values",
    ),
    "SK722": added(
        V2,
        "akb/Clark.yaml:1:1: warning[SK722]: no agent 'Clark' for this knowledge base; did you mean 'Clerk'?",
        akb__Clark="",
    ),
    "SK724": Bad(
        V2,
        FLOW,
        "skill_idn: Reply, ",
        "skill_idn: _x, ",
        f"{FLOW}:9:36: warning[SK724]: event 'user_message' starts the private skill '_x'",
        {f"{TALK}/skills/_x.nslg": "x"},
    ),
    "SK790": flow("idn: Talk\n", "idn: Talk\nhue: 1\n", "2:1: info[SK790]: unknown key 'hue' is kept, not read"),
    "SK791": flow("title: T", "tittle: T", "2:1: warning[SK791]: unknown key 'tittle'"),
    "SK792": added(V2, "docs:1:1: info[SK792]: 'docs' is ignored", docs__notes="x"),
    "SK793": added(
        V1,
        "integrations/fax:1:1: info[SK793]: no connector implements 'fax'",
        integrations__fax__notes="x",
    ),
}  # fmt: skip
ALONG = {
    "SK621": {"SK707"},
    "SK630": {"SK702"},
    "SK632": {"SK642"},
    "SK633": {"SK702"},
    "SK634": {"SK707"},
    "SK638": {"SK702"},
    "SK639": {"SK707"},
    "SK701": {"SK792"},
    "SK724": {"SK707"},
}
"""What is said beside it, since no project has the one fault alone."""


def named(files: Files) -> Files:
    """The files of `added`, those without an extension as YAML where that matters."""
    return {
        name + ".yaml" if name.startswith("akb/") and "." not in name else name: t
        for name, t in files.items()
    }


@pytest.mark.parametrize("code", BAD)
def test_bad_project_gets_its_message_and_the_sound_one_none(tmp_path: Path, code: str) -> None:
    bad = BAD[code]
    assert lines(load(write(tmp_path / "sound", bad.base)), tmp_path / "sound") == []
    files = {**bad.base, **named(bad.more)}
    if bad.file:
        files = changed(files, {bad.file: (bad.before, bad.after)})
    root = write(tmp_path / "bad", files)
    loaded = load(root)
    found = [line.replace(f"{root}:", ".:") for line in lines(loaded, root)]
    assert [line for line in found if f"[{code}]" in line] == [bad.said]
    others = {finding.code for finding in loaded.findings} - {code}
    assert others <= ALONG.get(code, set())


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("SK641", "skill_idn"),
        ("SK642", "Reply"),
        ("SK643", "topic"),
        ("SK647", "user"),
        ("SK721", "Pier"),
        ("SK791", "title"),
    ],
)
def test_a_near_name_is_suggested_at_the_place(tmp_path: Path, code: str, hint: str) -> None:
    bad = BAD[code]
    root = write(tmp_path, changed(bad.base, {bad.file: (bad.before, bad.after)}))
    (finding,) = (found for found in load(root).findings if found.code == code)
    shown = render_diagnostic(finding)
    assert shown.endswith(f" did you mean '{hint}'?")
    assert "^" in shown


def test_mistakes_of_the_summary_are_found_in_skills_events_and_descriptions(
    tmp_path: Path,
) -> None:
    summary = """\
flows:
  - agent_idn: Clerk
    agent_description: At the desk
    agent_flows:
      - idn: Talk
        title: Talking
        events: [{idn: user_message, skill_idn: Bye, skill_selector: skill_idn, interrupt_mode: interrupt}]
        state_fields: [{idn: topic, default_value: none yet, scope: user}]
        skills: [{idn: Reply, title: Answering}, {idn: Bye, title: Bye}]
"""
    edits = {
        f"{OLD}/Reply/metadata.yaml": ("idn: Reply", "idn: Reply\ntitle: Replying"),
        "projects/harbor/Clerk/metadata.yaml": ("title: Bo", "title: Bo\ndescription: On the quay"),
    }
    files = {**changed(V1, edits), "projects/flows.yaml": summary}
    root = write(tmp_path, files)
    assert [line.partition(": ")[2] for line in lines(load(root), root)] == [
        "warning[SK704]: flows.yaml says 'Answering' (projects/flows.yaml:9:38); metadata.yaml counts",
        "warning[SK704]: flows.yaml says other events (projects/flows.yaml:7:17); metadata.yaml counts",
        "warning[SK704]: flows.yaml says 'At the desk' (projects/flows.yaml:3:24); metadata.yaml counts",
    ]


def test_two_subscriptions_of_one_event_may_select_two_skills(tmp_path: Path) -> None:
    second = MESSAGE.replace("Reply", "Bye")
    root = write(tmp_path, changed(V2, {FLOW: (MESSAGE, f"{MESSAGE}\n  - {second}")}))
    loaded = load(root)
    assert loaded.findings == ()
    assert [event["skill"] for event in loaded.flows[0].events] == ["Reply", "Bye"]


def test_everything_is_reported_in_one_run(tmp_path: Path) -> None:
    edits = {
        FLOW: ("skill_idn: Reply", "skill_idn: Replay"),
        "attributes.yaml": ("{idn: house, ", "{"),
        "harbor/agents/Clerk/agent.yaml": ("title: Bo", "titel: Bo"),
    }
    root = write(tmp_path, changed(V2, edits))
    assert {found.code for found in load(root).findings} == {"SK642", "SK650", "SK791"}


def test_agent_twice_is_refused(tmp_path: Path) -> None:
    files = {**FLAT, "harbor/Clerk/flows/More/A.nslg": "a"}
    root = write(tmp_path, files)
    assert lines(load(root / "harbor"), root) == [
        "harbor/Clerk:1:1: error[SK638]: agent 'Clerk' is already at harbor"
    ]
