"""Reading projects: layouts, files, metadata, and what a hostile folder can hold."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from skillc.errors import UsageError, render_diagnostic
from skillc.ir import Flow, Parameter, Skill
from skillc.project.load import FILE_LIMIT_BYTES, Loaded, load


def write(root: Path, files: dict[str, str | bytes]) -> Path:
    """The files below `root`."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def codes(loaded: Loaded) -> list[str]:
    """The codes of the findings, in order of place."""
    return [finding.code for finding in sorted(loaded.findings, key=lambda found: found.place)]


def only_skill(loaded: Loaded) -> Skill:
    """The one skill there is."""
    ((skill,),) = (flow.skills for flow in loaded.flows)
    return skill


def names(flow: Flow) -> list[str]:
    """The idns of a flow's skills."""
    return [skill.idn for skill in flow.skills]


# --- layouts ---------------------------------------------------------------------------------------------


def test_load_lone_file_is_a_flow_of_its_stem(tmp_path: Path) -> None:
    write(tmp_path, {"kiosk/Greet.guidance": "Hi", "kiosk/Other.guidance": "No"})
    loaded = load(tmp_path / "kiosk" / "Greet.guidance")
    (flow,) = loaded.flows
    assert (flow.idn, flow.module, names(flow), loaded.lone) == ("Greet", "Greet", ["Greet"], True)
    skill = flow.skills[0]
    assert skill.source.name == "Greet.guidance"
    assert skill.source.path == str(tmp_path / "kiosk" / "Greet.guidance")
    assert loaded.findings == ()


def test_load_file_named_outright_may_be_hidden(tmp_path: Path) -> None:
    write(tmp_path, {".draft.guidance": "Hi"})
    assert only_skill(load(tmp_path / ".draft.guidance")).source.text == "Hi"
    assert codes(load(tmp_path)) == ["SK601"]


def test_load_folder_is_a_flow_of_its_name_with_sorted_skills(tmp_path: Path) -> None:
    write(
        tmp_path / "kiosk",
        {"b.nslg": "b", "_a.guidance": "a", "C.nsl": "c", "readme.md": "x", "inner/D.nsl": "d"},
    )
    loaded = load(tmp_path / "kiosk")
    (flow,) = loaded.flows
    assert (flow.idn, flow.module, names(flow)) == ("kiosk", "kiosk", ["C", "_a", "b"])
    assert [skill.runner for skill in flow.skills] == ["nsl", "guidance", "guidance"]
    assert not loaded.lone


def test_load_collection_takes_each_folder_and_the_path_inside_the_input(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "two/B.guidance": "b",
            "one/A.guidance": "a",
            "docs/notes.md": "x",
            ".hidden/H.guidance": "h",
            "node_modules/N.guidance": "n",
            "__pycache__/P.guidance": "p",
        },
    )
    loaded = load(tmp_path)
    assert [(flow.idn, flow.skills[0].source.name) for flow in loaded.flows] == [
        ("one", "one/A.guidance"),
        ("two", "two/B.guidance"),
    ]
    assert loaded.skill_count == 2


def test_load_relative_directory_keeps_the_path_as_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {"skills/kiosk/A.guidance": "a"})
    monkeypatch.chdir(tmp_path)
    assert only_skill(load(Path("skills"))).source.path == "skills/kiosk/A.guidance"
    monkeypatch.chdir(tmp_path / "skills" / "kiosk")
    (flow,) = load(Path()).flows
    assert (flow.idn, flow.skills[0].source.path) == ("kiosk", "A.guidance")


@pytest.mark.parametrize("files", [{}, {"notes.md": "x"}, {"deep/er/A.guidance": "a"}])
def test_load_without_a_project_names_what_was_looked_for(
    tmp_path: Path, files: dict[str, str | bytes]
) -> None:
    loaded = load(write(tmp_path, files))
    assert loaded.flows == ()
    assert [render_diagnostic(finding) for finding in loaded.findings] == [
        f"{tmp_path}:1:1: error[SK601]: no project found in '{tmp_path}'; looked for script files "
        "(*.guidance, *.nslg, *.jinja, *.nsl), import_version.txt, projects/, flows.yaml, agents/, agent.yaml, "
        "skills/, metadata.yaml, or folders of them"
    ]


def test_load_file_that_is_no_script_is_no_project(tmp_path: Path) -> None:
    write(tmp_path, {"a.txt": "x"})
    assert codes(load(tmp_path / "a.txt")) == ["SK601"]


def test_load_nothing_there_is_the_callers_fault(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        load(tmp_path / "absent")


# --- files -----------------------------------------------------------------------------------------------


def test_load_drops_the_bom_and_turns_line_ends(tmp_path: Path) -> None:
    write(tmp_path, {"A.guidance": b"\xef\xbb\xbfone\r\ntwo\rthree\n\xe2\x80\xa8"})
    assert only_skill(load(tmp_path)).source.text == "one\ntwo\nthree\n\u2028"


def test_load_not_utf8_says_at_which_byte(tmp_path: Path) -> None:
    loaded = load(write(tmp_path, {"A.guidance": b"abc\xff", "B.guidance": "b"}))
    assert [found.message for found in loaded.findings] == ["not UTF-8 at byte 3"]
    assert names(loaded.flows[0]) == ["A", "B"]


@pytest.mark.parametrize("text", ["", " \n\t\n"])
def test_load_empty_script_is_a_warning(tmp_path: Path, text: str) -> None:
    loaded = load(write(tmp_path, {"A.guidance": text}))
    assert codes(loaded) == ["SK710"]
    assert loaded.findings[0].severity == "warning"


def test_load_same_stem_twice_keeps_the_first(tmp_path: Path) -> None:
    loaded = load(write(tmp_path, {"A.guidance": "1", "A.nslg": "2", "a.nslg": "3"}))
    assert [found.message for found in loaded.findings] == [
        f"skill 'A' is already at {tmp_path / 'A.guidance'}"
    ]
    assert [(skill.idn, skill.source.text) for skill in loaded.flows[0].skills] == [
        ("A", "1"),
        ("a", "3"),
    ]


def test_load_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "A.guidance")
    loaded = load(tmp_path)
    assert [found.message for found in loaded.findings] == [
        f"'{tmp_path / 'A.guidance'}' cannot be read: it is no regular file"
    ]


def test_load_links_stay_inside_the_input(tmp_path: Path) -> None:
    write(tmp_path, {"secret/S.guidance": "secret", "in/x/A.guidance": "a", "in/x/real.txt": "t"})
    root = tmp_path / "in"
    (root / "x" / "B.guidance").symlink_to(tmp_path / "secret" / "S.guidance")
    (root / "x" / "C.guidance").symlink_to(root / "x" / "real.txt")
    (root / "out").symlink_to(tmp_path / "secret")
    loaded = load(root)
    assert [(found.code, found.message) for found in loaded.findings] == [
        ("SK621", f"'{root / 'out'}' leaves the root"),
        ("SK621", f"'{root / 'x' / 'B.guidance'}' leaves the root"),
    ]
    assert [skill.source.text for skill in loaded.flows[0].skills] == ["a", "", "t"]


def test_load_links_that_lead_nowhere_are_findings(tmp_path: Path) -> None:
    (tmp_path / "A.guidance").symlink_to(tmp_path / "A.guidance")
    (tmp_path / "B.guidance").symlink_to(tmp_path / "gone")
    assert codes(load(tmp_path)) == ["SK613", "SK613"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_load_unreadable_file_is_a_finding(tmp_path: Path) -> None:
    write(tmp_path, {"A.guidance": "a"})
    (tmp_path / "A.guidance").chmod(0)
    assert [found.message for found in load(tmp_path).findings] == [
        f"'{tmp_path / 'A.guidance'}' cannot be read: permission denied"
    ]


@pytest.mark.parametrize(("content", "offset"), [(b"a\xff", 1), (b"\xe4 b", 0), (b"ok\xc3", 2)])
def test_load_file_that_is_not_utf8_is_a_finding(
    tmp_path: Path, content: bytes, offset: int
) -> None:
    write(tmp_path, {"A.guidance": content, "B.guidance": "\ufeffäöü".encode()})
    loaded = load(tmp_path)
    assert [(found.code, found.message) for found in loaded.findings] == [
        ("SK612", f"not UTF-8 at byte {offset}")
    ]
    assert [skill.source.text for skill in loaded.flows[0].skills][-1] == "äöü"


def test_load_giant_file_is_refused(tmp_path: Path) -> None:
    with open(tmp_path / "A.guidance", "wb") as file:
        file.truncate(FILE_LIMIT_BYTES + 1)
    assert codes(load(tmp_path)) == ["SK613"]


# --- names -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stem", "reason"),
    [
        ("a\nb", "it has a control character"),
        ("a\x1b[31m", "it has a control character"),
        ("back\\slash", "it has a slash or backslash"),
        ("x" * 201, "it is longer than 200 characters"),
        ("\udcff", "it is not UTF-8"),
    ],
)
def test_load_bad_names_are_findings_that_print_on_one_line(
    tmp_path: Path, stem: str, reason: str
) -> None:
    write(tmp_path, {f"{stem}.guidance": "x"})
    (finding,) = load(tmp_path).findings
    assert finding.code == "SK620"
    assert finding.message.endswith(reason)
    shown = finding.source.path + finding.message
    assert shown.isprintable()
    shown.encode()


@pytest.mark.parametrize(
    "stem",
    [
        "import os",
        "class",
        "__init__",
        "a'b",
        'a"b',
        "日本",
        "ﬁ",
        "a..b",
        "x" * 200,
        "{}",
        "con",
        " ",
    ],
)
def test_load_odd_names_are_allowed(tmp_path: Path, stem: str) -> None:
    loaded = load(write(tmp_path, {f"{stem}.guidance": "x"}))
    assert loaded.findings == ()
    assert names(loaded.flows[0]) == [stem]


def test_load_module_names_never_hide_a_library_or_meet(tmp_path: Path) -> None:
    write(
        tmp_path,
        {f"{name}/A.guidance": "a" for name in ("json", "import", "two words", "Kiosk", "kiosk")},
    )
    modules = {flow.idn: flow.module for flow in load(tmp_path).flows}
    assert modules["json"] == "json_"
    assert modules["import"] == "import_"
    assert modules["two words"] == "two_u0020_words"
    assert modules["Kiosk"].startswith("Kiosk_")
    assert len({module.lower() for module in modules.values()}) == 5


def test_load_two_inputs_of_one_name_are_refused(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "one/A.guidance": "a",
            "one/flow.yaml": "idn: shop",
            "two/B.guidance": "b",
            "two/flow.yaml": "idn: shop",
        },
    )
    loaded = load(tmp_path)
    errors = [found.message for found in loaded.findings if found.severity == "error"]
    assert errors == [f"'{tmp_path / 'one'}' and '{tmp_path / 'two'}' both compile to 'shop'"]


# --- metadata --------------------------------------------------------------------------------------------


def test_load_sidecar_says_what_the_script_does_not(tmp_path: Path) -> None:
    sidecar = """\
idn: Welcome
title: Say hello
runner_type: !enum "RunnerType.guidance"
model: {provider_idn: openai, model_idn: gpt4o}
result_variable: answer
parameters:
  - name: boat
    default_value: single
  - {name: count, default_value: 15}
  - name: blank
    default_value: ' '
  - name: nothing
    default_value:
  - {name: spec, default_value: {a: [1, true, null, "1", no]}}
"""
    skill = only_skill(
        load(write(tmp_path, {"Welcome.guidance": "Hi", "Welcome.meta.yaml": sidecar}))
    )
    assert (skill.title, skill.result_variable) == ("Say hello", "answer")
    assert skill.model == ("openai", "gpt4o")
    assert skill.parameters == (
        Parameter("boat", "single"),
        Parameter("count", "15"),
        Parameter("blank", " "),
        Parameter("nothing"),
        Parameter("spec", '{"a":[1,true,null,"1","no"]}'),
    )


def test_load_metadata_layers_sidecar_entry_defaults(tmp_path: Path) -> None:
    flow_file = """\
idn: talk
default_provider_idn: google
default_model: {provider_idn: ignored, model_idn: gemini}
events: []
skills:
  - idn: A
    title: from the flow
    result_variable: x
    model: {model_idn: gpt4}
  - {idn: B, title: B of the flow}
"""
    loaded = load(
        write(
            tmp_path / "talk",
            {
                "flow.yaml": flow_file,
                "A.guidance": "a",
                "A.meta.yaml": "title: from the sidecar",
                "B.guidance": "b",
                "C.guidance": "c",
            },
        )
    )
    assert loaded.findings == ()
    a, b, c = loaded.flows[0].skills
    assert (a.title, a.result_variable, a.model) == ("from the sidecar", "x", ("google", "gpt4"))
    assert (b.title, b.result_variable, b.model) == (
        "B of the flow",
        "RESULT",
        ("google", "gemini"),
    )
    assert (c.title, c.model) == ("C", ("google", "gemini"))


def test_load_flow_file_names_scripts(tmp_path: Path) -> None:
    flow_file = """\
skills:
  - {idn: Reply, prompt_script: parts/reply.guidance}
  - {idn: Out, prompt_script: ../secret.guidance}
  - {idn: Gone, prompt_script: gone.guidance}
  - {idn: Nobody}
"""
    write(tmp_path, {"secret.guidance": "s"})
    loaded = load(
        write(
            tmp_path / "k",
            {"flow.yaml": flow_file, "A.guidance": "a", "parts/reply.guidance": "r"},
        )
    )
    (flow,) = loaded.flows
    assert [(skill.idn, skill.source.text) for skill in flow.skills] == [("A", "a"), ("Reply", "r")]
    assert [(found.code, found.message) for found in loaded.findings] == [
        ("SK621", "'../secret.guidance' leaves the root"),
        ("SK634", "script 'gone.guidance' not found"),
        ("SK634", "script 'Nobody' not found"),
        ("SK702", "'reply.guidance' holds skill 'Reply'; the idn counts"),
    ]


def test_load_metadata_beside_one_script_is_its_sidecar(tmp_path: Path) -> None:
    write(tmp_path, {"A.guidance": "a", "metadata.yaml": "title: Mine"})
    assert only_skill(load(tmp_path)).title == "Mine"
    assert only_skill(load(tmp_path / "A.guidance")).title == "Mine"
    write(tmp_path, {"B.guidance": "b"})
    assert only_skill(load(tmp_path / "A.guidance")).title == "A"


def test_load_of_a_skills_directory_takes_the_one_script_that_is_meant(tmp_path: Path) -> None:
    write(tmp_path, {"A.guidance": "a", "A.nsl": "b", "metadata.yaml": "title: Mine\n"})
    loaded = load(tmp_path)
    assert loaded.flows[0].skills == ()
    assert [render_diagnostic(found) for found in loaded.findings] == [
        f"{tmp_path}:1:1: error[SK632]: '{tmp_path}' has several scripts: A.guidance, A.nsl"
    ]
    write(tmp_path, {"metadata.yaml": "title: Mine\nrunner_type: nsl\n"})
    loaded = load(tmp_path)
    assert (only_skill(loaded).title, only_skill(loaded).source.text) == ("Mine", "b")
    assert [found.code for found in loaded.findings] == ["SK703"]


def test_load_runner_type_wins_over_the_extension(tmp_path: Path) -> None:
    loaded = load(write(tmp_path, {"A.nsl": "a", "A.meta.yaml": "runner_type: guidance"}))
    assert only_skill(loaded).runner == "guidance"
    (finding,) = loaded.findings
    assert render_diagnostic(finding) == (
        f"{tmp_path / 'A.meta.yaml'}:1:14: warning[SK708]: runner_type 'guidance' counts, not the"
        " extension '.nsl'\n"
        "    1 | runner_type: guidance\n"
        "      |              ^^^^^^^^"
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("titel: x", "1:1: warning[SK791]: unknown key 'titel'"),
        ("colour: x", "1:1: info[SK790]: unknown key 'colour' is kept, not read"),
        ("parameters: x", "1:13: error[SK611]: 'parameters' must be a list"),
        ("parameters: [x]", "1:14: error[SK611]: 'parameters' must be a list of mappings"),
        ("model: gpt4", "1:8: error[SK611]: 'model' must be a mapping"),
        ("idn: [a]", "1:6: error[SK611]: 'idn' must be text"),
        ("- a", "1:1: error[SK611]: 'the file' must be a mapping"),
        (
            "runner_type: python",
            "1:14: error[SK611]: 'runner_type' must be one of 'guidance', 'nsl', 'nslg', 'jinja'",
        ),
        ("idn: ''", "1:6: error[SK620]: '' is not allowed as skill idn: it is empty"),
        (
            "parameters:\n  - {name: a}\n  - {default_value: b}",
            "3:5: error[SK635]: parameter 2 of 'A' has no name",
        ),
        (
            "parameters: [{name: a}, {name: a}]",
            "1:32: error[SK636]: parameter 'a' of 'A' is already at PATH:1:21",
        ),
    ],
)
def test_load_metadata_mistakes_point_at_their_node(tmp_path: Path, text: str, found: str) -> None:
    loaded = load(write(tmp_path, {"A.guidance": "a", "A.meta.yaml": text}))
    path = str(tmp_path / "A.meta.yaml")
    shown = [render_diagnostic(finding).splitlines()[0] for finding in loaded.findings]
    assert shown == [f"{path}:{found}".replace("PATH", path)]
    assert names(loaded.flows[0])


def test_load_runner_type_none_of_an_exporter_is_missing(tmp_path: Path) -> None:
    loaded = load(write(tmp_path, {"A.nslg": "a", "A.meta.yaml": "runner_type: RunnerType.none"}))
    assert (only_skill(loaded).runner, loaded.findings) == ("guidance", ())


def test_load_empty_metadata_says_nothing(tmp_path: Path) -> None:
    loaded = load(write(tmp_path, {"A.guidance": "a", "A.meta.yaml": "", "flow.yaml": "# x\n"}))
    assert loaded.findings == ()
    assert only_skill(loaded).title == "A"
