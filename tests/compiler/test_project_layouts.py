"""The layouts of projects: which one a directory has, and what is read from each."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from projects import FLAT, V1, V2, Files, changed, lines, write
from skillc.errors import UsageError
from skillc.ir import Flow
from skillc.project.load import Loaded, load
from skillrt.manifest import ProjectManifest

MODULES = ["harbor.Clerk.Talk", "harbor.libraries.shared"]
SUBSCRIPTION = {
    "idn": "user_message",
    "skill": "Reply",
    "state": None,
    "integration": None,
    "connector": None,
    "mode": "interrupt",
}


def modules(loaded: Loaded) -> list[str]:
    return [flow.module for flow in loaded.flows]


def flow_named(loaded: Loaded, idn: str) -> Flow:
    (flow,) = (flow for flow in loaded.flows if flow.idn == idn)
    return flow


def only_manifest(loaded: Loaded) -> ProjectManifest:
    (project,) = loaded.projects
    return project.manifest


# --- whole projects --------------------------------------------------------------------------------------


@pytest.mark.parametrize("files", [V1, V2], ids=["v1", "v2"])
def test_both_layouts_of_a_project_mean_the_same(tmp_path: Path, files: Files) -> None:
    loaded = load(write(tmp_path, files))
    assert lines(loaded, tmp_path) == []
    assert modules(loaded) == MODULES
    talk, shared = loaded.flows
    assert (talk.idn, talk.title, talk.project) == ("Talk", "Talking", "harbor")
    assert talk.model == ("openai", "gpt4o")
    assert talk.events == (SUBSCRIPTION,)
    assert talk.state == {"topic": {"default": "none yet", "scope": "user"}}
    assert [(skill.idn, skill.model) for skill in talk.skills] == [
        ("Bye", ("openai", "gpt4o")),
        ("Reply", ("openai", "gpt4o")),
    ]
    assert (shared.is_library, shared.state, shared.events) == (True, None, ())
    assert [(skill.idn, skill.model) for skill in shared.skills] == [("tidy", None)]
    assert talk.elsewhere == shared.elsewhere == {"Bye": "Talk", "Reply": "Talk"}


def test_manifest_of_a_v1_project_holds_all_that_its_files_say(tmp_path: Path) -> None:
    said = only_manifest(load(write(tmp_path, V1)))
    assert said == {
        "idn": "harbor",
        "title": "The harbor",
        "description": "",
        "version": "3",
        "follow_up_events": ["follow_up_message"],
        "agents": {
            "Clerk": {
                "title": "Bo",
                "description": "",
                "persona": {"id": "", "name": "Bo", "title": "", "description": ""},
                "flows": {"Talk": "harbor.Clerk.Talk"},
                "topics": [
                    {
                        "topic": "Hours",
                        "summary": "Nine to five",
                        "facts": [],
                        "confidence": 100.0,
                        "source": "",
                        "labels": [],
                        "created_at": "",
                        "updated_at": "",
                    }
                ],
            }
        },
        "libraries": {"shared": "harbor.libraries.shared"},
        "attributes": {"customer": {"house": "Pier"}, "project": {"berths": "40"}},
        "connectors": [
            {
                "integration": "sandbox",
                "connector": "pier",
                "title": "The pier",
                "settings": {"tone": "calm", "speed": "2"},
                "outgoing": [{"idn": "out", "url": "https://example.org", "commands": ["tell"]}],
                "incoming": [
                    {"idn": "in", "path": "p1", "events": ["ping"], "allowed_ips": ["127.0.0.1"]}
                ],
            }
        ],
    }


def test_manifests_of_both_layouts_differ_in_connectors_alone(tmp_path: Path) -> None:
    one = only_manifest(load(write(tmp_path / "one", V1)))
    other = only_manifest(load(write(tmp_path / "other", V2)))
    assert {**one, "connectors": []} == other


def test_flat_project_takes_its_agent_from_the_summary(tmp_path: Path) -> None:
    loaded = load(write(tmp_path, FLAT) / "harbor")
    assert lines(loaded, tmp_path) == []
    assert modules(loaded) == ["harbor.Clerk.Talk"]
    assert [(skill.idn, skill.title) for skill in loaded.flows[0].skills] == [
        ("Bye", "Bye"),
        ("Reply", "Replying"),
    ]


def test_flat_project_without_a_summary_names_its_agent_like_itself(tmp_path: Path) -> None:
    files = {name: text for name, text in FLAT.items() if "flows.yaml" not in name}
    assert modules(load(write(tmp_path, files) / "harbor")) == ["harbor.harbor.Talk"]


def test_summary_says_what_a_missing_file_would(tmp_path: Path) -> None:
    summary = """\
flows:
  - agent_idn: Clerk
    agent_description: At the desk
    agent_flows:
      - idn: Talk
        title: From the summary
        default_provider_idn: google
        events: [{idn: ping, skill_idn: Reply}]
        skills:
          - {idn: Reply, title: Replying, prompt_script: anything.guidance}
"""
    files = {
        "projects/flows.yaml": summary,
        "projects/harbor/Clerk/Talk/Reply/Reply.guidance": "Hi",
    }
    loaded = load(write(tmp_path, files))
    assert lines(loaded, tmp_path) == []
    (flow,) = loaded.flows
    assert (flow.title, flow.model) == ("From the summary", ("google", ""))
    assert [event["idn"] for event in flow.events] == ["ping"]
    assert flow.skills[0].title == "Replying"
    assert only_manifest(loaded)["agents"]["Clerk"]["description"] == "At the desk"


# --- detection -------------------------------------------------------------------------------------------

PARTS = [
    (V2, "", MODULES),
    (V2, "harbor", MODULES),
    (V2, "harbor/agents/Clerk", ["Clerk.Clerk.Talk"]),
    (V2, "harbor/agents/Clerk/flows/Talk", ["Talk.Talk.Talk"]),
    (V2, "harbor/libraries/shared", ["shared.libraries.shared"]),
    (V1, "", MODULES),
    (V1, "projects", MODULES),
    (V1, "projects/harbor", MODULES),
    (V1, "projects/harbor/Clerk", ["Clerk.Clerk.Talk"]),
    (V1, "projects/harbor/Clerk/Talk", ["Talk.Talk.Talk"]),
    (V1, "projects/harbor/Clerk/Talk/Reply", ["Reply"]),
    (FLAT, "harbor", ["harbor.Clerk.Talk"]),
]


@pytest.mark.parametrize(("files", "part", "found"), PARTS)
def test_part_of_a_project_has_parents_of_its_name(
    tmp_path: Path, files: Files, part: str, found: list[str]
) -> None:
    loaded = load(write(tmp_path, files) / part)
    assert lines(loaded, tmp_path) == []
    assert modules(loaded) == found


def test_projects_directory_is_read_with_what_stands_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, V1)
    monkeypatch.chdir(tmp_path / "projects")
    loaded = load(Path())
    assert only_manifest(loaded)["attributes"]["customer"] == {"house": "Pier"}


def test_collection_holds_folders_and_projects(tmp_path: Path) -> None:
    write(tmp_path, {"kiosk/A.guidance": "a", "empty": None})
    write(tmp_path / "export", V2)
    write(tmp_path / "older", changed(V1, {"projects/harbor/metadata.yaml": ("harbor", "port")}))
    loaded = load(tmp_path)
    assert modules(loaded) == [*MODULES, "kiosk", "port.Clerk.Talk", "port.libraries.shared"]
    assert [project.module for project in loaded.projects] == ["harbor", "port"]


def test_two_projects_of_one_name_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "one", V1)
    write(tmp_path / "two", V2)
    assert lines(load(tmp_path), tmp_path) == [
        "two/harbor:1:1: error[SK605]: 'one/projects/harbor' and 'two/harbor' both compile to 'harbor'"
    ]


def test_the_only_customer_is_the_one_meant(tmp_path: Path) -> None:
    root = tmp_path / "newo_customers"
    write(root / "PIER7", V1)
    assert modules(load(root)) == MODULES
    write(root / "QUAY1", V1)
    assert lines(load(root), tmp_path) == [
        "newo_customers:1:1: error[SK602]: several customers: PIER7, QUAY1; choose one with --customer"
    ]
    assert modules(load(root, customer="QUAY1")) == MODULES
    with pytest.raises(UsageError, match="no customer 'QUAY2'; did you mean 'QUAY1'"):
        load(root, customer="QUAY2")


def test_layout_can_be_chosen(tmp_path: Path) -> None:
    write(tmp_path, {"a/Hi.guidance": "Hi", "A.guidance": "A", "projects/p/B/F/S/S.guidance": "S"})
    assert modules(load(tmp_path, layout="v1")) == ["p.B.F"]
    assert modules(load(tmp_path, layout="folder")) == [tmp_path.name]


# --- details of v2 ---------------------------------------------------------------------------------------

FLOW = "harbor/agents/Clerk/flows/Talk/Talk.yaml"


def test_v2_files_may_be_flat_or_wrapped(tmp_path: Path) -> None:
    files = changed(
        V2,
        {
            "harbor/harbor.yaml": (
                "project: {idn: harbor, name: The harbor, version: 3}",
                "version: 4",
            ),
            "harbor/agents/Clerk/agent.yaml": ("agent: {idn: Clerk, title: Bo}", "title: Bea"),
        },
    )
    said = only_manifest(load(write(tmp_path, files)))
    assert (said["version"], said["title"]) == ("4", "harbor")
    assert said["agents"]["Clerk"]["persona"]["name"] == "Bea"


@pytest.mark.parametrize(
    "script",
    [
        "flows/Talk/skills/Reply.nslg",
        "skills/Reply.nslg",
        "agents/Clerk/flows/Talk/skills/Reply.nslg",
        "harbor/agents/Clerk/flows/Talk/skills/Reply.nslg",
    ],
)
def test_v2_script_is_looked_for_in_agent_flow_project_and_root(
    tmp_path: Path, script: str
) -> None:
    files = changed(V2, {FLOW: ("flows/Talk/skills/Reply.nslg", script)})
    loaded = load(write(tmp_path, files))
    assert lines(loaded, tmp_path) == []
    assert [skill.idn for skill in flow_named(loaded, "Talk").skills] == ["Bye", "Reply"]


def test_v2_skill_without_a_script_path_has_it_in_skills(tmp_path: Path) -> None:
    edits = {
        FLOW: ("{idn: Bye, prompt_script: flows/Talk/skills/Bye.nslg}", "{idn: Bye, title: B}")
    }
    loaded = load(write(tmp_path, changed(V2, edits)))
    assert lines(loaded, tmp_path) == []
    assert flow_named(loaded, "Talk").skills[0].title == "B"


def test_v2_library_without_a_list_has_what_lies_there(tmp_path: Path) -> None:
    files = {**V2, "harbor/libraries/shared/shared.yaml": "idn: shared\n"}
    loaded = load(write(tmp_path, files))
    assert lines(loaded, tmp_path) == []
    assert [skill.idn for skill in flow_named(loaded, "shared").skills] == ["tidy"]


def test_v2_exporters_spell_choices_in_their_own_way(tmp_path: Path) -> None:
    edits = {
        FLOW: (
            "skill_idn: Reply, interrupt_mode: interrupt",
            'skill_idn: Reply, skill_selector: !enum "SkillSelector.skill_idn", integration_idn: null,'
            ' interrupt_mode: !enum "InterruptMode.INTERRUPT"',
        )
    }
    loaded = load(write(tmp_path, changed(V2, edits)))
    assert lines(loaded, tmp_path) == []
    assert flow_named(loaded, "Talk").events == (SUBSCRIPTION,)


def test_blank_defaults_survive(tmp_path: Path) -> None:
    loaded = load(
        write(tmp_path, changed(V2, {FLOW: ("default_value: none yet", "default_value: ' '")}))
    )
    assert flow_named(loaded, "Talk").state == {"topic": {"default": " ", "scope": "user"}}


# --- details of v1 ---------------------------------------------------------------------------------------


def test_v1_skill_directory_gives_the_name(tmp_path: Path) -> None:
    files = {
        "projects/p/A/F/Hello/script.guidance": "Hi",
        "projects/p/A/F/Other/x.guidance": "x",
        "projects/p/A/F/Other/metadata.yaml": "idn: Named\n",
        "projects/p/A/F/conversations/c.yaml": "x",
    }
    loaded = load(write(tmp_path, files))
    assert [skill.idn for skill in loaded.flows[0].skills] == ["Hello", "Named"]
    assert lines(loaded, tmp_path) == [
        "projects/p/A/F/Other/metadata.yaml:1:6: warning[SK702]: 'Other' holds skill 'Named'; the idn counts"
    ]


def test_v1_project_may_have_legacy_metadata(tmp_path: Path) -> None:
    files = {"p/metadata.json": '{"title": "Old", "description": "d"}', "p/A/F/S/S.guidance": "s"}
    write(tmp_path, {f"projects/{name}": text for name, text in files.items()})
    said = only_manifest(load(tmp_path))
    assert (said["idn"], said["title"], said["description"]) == ("p", "Old", "d")


def test_disabled_integration_has_no_connectors(tmp_path: Path) -> None:
    edits = {
        "integrations/sandbox/sandbox.yaml": ("idn: sandbox", "idn: sandbox\nis_disabled: true")
    }
    assert only_manifest(load(write(tmp_path, changed(V1, edits))))["connectors"] == []


# --- names -----------------------------------------------------------------------------------------------


def test_names_that_python_cannot_have_are_changed(tmp_path: Path) -> None:
    files = {
        "projects/p/libraries/import/S/S.guidance": "s",
        "projects/p/my agent/class/S/S.guidance": "s",
        "projects/p/Con/f-1/S/S.guidance": "s",
        "projects/p/con/f-1/S/S.guidance": "s",
        "projects/p/metadata.yaml": "idn: json\n",
    }
    loaded = load(write(tmp_path, files))
    agents = only_manifest(loaded)["agents"]
    assert agents["my agent"]["flows"] == {"class": "json_.my_u0020_agent.class_"}
    assert only_manifest(loaded)["libraries"] == {"import": "json_.libraries.import_"}
    packages = {agents[idn]["flows"]["f-1"].split(".")[1] for idn in ("Con", "con")}
    assert len({package.lower() for package in packages}) == 2
    assert all(package.lower().startswith("con_") for package in packages)


# --- folders ---------------------------------------------------------------------------------------------


def test_folder_with_one_public_skill_is_started_by_every_message(tmp_path: Path) -> None:
    write(tmp_path / "kiosk", {"Greet.guidance": "Hi", "_help.guidance": "h"})
    (flow,) = load(tmp_path / "kiosk").flows
    assert flow.events == ({**SUBSCRIPTION, "skill": "Greet"},)
    assert (flow.state, flow.project) == (None, "")
    write(tmp_path / "kiosk", {"More.guidance": "m"})
    assert load(tmp_path / "kiosk").flows[0].events == ()
    (alone,) = load(tmp_path / "kiosk" / "More.guidance").flows
    assert alone.events == ({**SUBSCRIPTION, "skill": "More"},)


def test_folder_with_events_of_its_own_has_no_others(tmp_path: Path) -> None:
    file = "events: [{idn: ping, skill_idn: Greet}]\nstate_fields: [{idn: seen}]\n"
    (flow,) = load(write(tmp_path, {"Greet.guidance": "Hi", "flow.yaml": file})).flows
    assert [(event["idn"], event["mode"]) for event in flow.events] == [("ping", "queue")]
    assert flow.state == {"seen": {"default": "", "scope": "user"}}


@pytest.mark.skipif(os.name == "nt", reason="links")
def test_links_to_directories_stay_inside(tmp_path: Path) -> None:
    write(tmp_path / "in", V1)
    write(tmp_path / "out", {"S/S.guidance": "s"})
    (tmp_path / "in/projects/harbor/Clerk/Far").symlink_to(tmp_path / "out")
    (tmp_path / "in/projects/harbor/Clerk/Near").symlink_to(
        tmp_path / "in/projects/harbor/Clerk/Talk"
    )
    loaded = load(tmp_path / "in")
    assert [found.code for found in loaded.findings] == ["SK621", "SK702", "SK638"]
