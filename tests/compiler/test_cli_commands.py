"""The commands as a user meets them: what they print where, and how they exit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from projects import V1, write
from skillc.cli import cli
from skillc.errors import REGISTRY

FAILS = "Hi\n{{GenStream(maxToken=5)}}\n"
WARNS = "Price ${name}\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of one flow that is the working directory."""
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR", "SKILLC_TRACEBACK"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "skills" / "kiosk").mkdir(parents=True)
    (tmp_path / "skills" / "kiosk" / "Greet.guidance").write_text("Hello\n")
    return tmp_path


def skillc(*arguments: str, **environ: str) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(cli, arguments, env=environ)


def put(project: Path, text: str, name: str = "Greet") -> None:
    """One skill of the flow."""
    (project / "skills" / "kiosk" / f"{name}.guidance").write_text(text)


# --- build -----------------------------------------------------------------------------------------------


def test_build_ends_with_a_summary(project: Path) -> None:
    done = skillc("build")
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr.startswith("1 module, 1 skill: 1 written, 0 unchanged (")
    assert skillc("build").stderr.startswith("1 module, 1 skill: 0 written, 1 unchanged (")
    assert (project / "build" / "kiosk.py").is_file()


def test_build_quiet_says_nothing(project: Path) -> None:
    done = skillc("build", "skills/kiosk", "-o", "made", "--quiet")
    assert (done.exit_code, done.output) == (0, "")
    assert (project / "made" / "kiosk.py").is_file()


def test_build_error_shows_the_place_and_writes_nothing(project: Path) -> None:
    put(project, FAILS)
    done = skillc("build")
    assert (done.exit_code, done.stdout) == (1, "")
    lines = done.stderr.splitlines()
    assert lines[0] == (
        "skills/kiosk/Greet.guidance:2:13: error[SK205]: GenStream: unknown argument 'maxToken'"
    )
    assert lines[2].endswith("^^^^^^^^ did you mean 'maxTokens'?")
    assert lines[-1].startswith("1 error: nothing was written (")
    assert not (project / "build").exists()


def test_build_check_lists_what_is_not_up_to_date(project: Path) -> None:
    missing = skillc("build", "--check")
    assert (missing.exit_code, missing.stdout) == (1, "build/kiosk.py: missing\n")
    assert missing.stderr == "1 file not up to date; run 'skillc build'\n"
    skillc("build")
    fresh = skillc("build", "--check")
    assert fresh.exit_code == 0
    assert fresh.stderr.startswith("1 module, 1 skill: up to date (")
    put(project, "Changed")
    assert skillc("build", "--check").stdout == "build/kiosk.py: stale\n"


def test_build_warnings_never_stop_it(project: Path) -> None:
    put(project, WARNS)
    done = skillc("build")
    assert done.exit_code == 0
    assert "warning[SK122]" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("build", "nowhere"), "skillc: nothing to compile: 'nowhere' does not exist\n"),
        (("explain", "SK2055"), "skillc: unknown code 'SK2055'; did you mean 'SK205'?\n"),
        (("actions", "GenStraem"), "skillc: unknown action 'GenStraem'; did you mean 'GenStream'?\n"),
        (("dump", "--ir", "--skill", "Gret"), "skillc: no skill 'Gret' in 'skills'; did you mean 'Greet'?\n"),
        (("check", "-W", "SK9"), "skillc: unknown code 'SK9'\n"),
    ],
)  # fmt: skip
def test_usage_errors_are_one_line_and_exit_2(
    project: Path, arguments: tuple[str, ...], message: str
) -> None:
    done = skillc(*arguments)
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", message)


def test_file_in_the_way_is_a_usage_error(project: Path) -> None:
    (project / "build").mkdir()
    (project / "build" / "kiosk.py").write_text("mine")
    done = skillc("build")
    assert done.exit_code == 2
    assert done.stderr == (
        "skillc: 'build/kiosk.py' is in the way and not written by skillc: move it, or build elsewhere with -o\n"
    )


def test_configuration_comes_from_flags_environment_and_file(project: Path) -> None:
    (project / "skillc.toml").write_text('out = "from-file"\n')
    skillc("build", "-q")
    skillc("build", "-q", SKILLC_OUT="from-environment")
    skillc("build", "-q", "-o", "from-flag", SKILLC_OUT="from-environment")
    assert {"from-file", "from-environment", "from-flag"} <= {p.name for p in project.iterdir()}
    mistake = skillc("build", SKILLC_OUTPUT="x")
    assert mistake.exit_code == 2
    assert "unknown variable 'SKILLC_OUTPUT'" in mistake.stderr


# --- check -----------------------------------------------------------------------------------------------


def test_check_clean_project_prints_only_a_summary(project: Path) -> None:
    done = skillc("check")
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr.startswith("1 skill: no findings (")
    assert not (project / "build").exists()


def test_check_findings_go_to_standard_output(project: Path) -> None:
    put(project, FAILS)
    put(project, WARNS, "Second")
    done = skillc("check")
    assert done.exit_code == 1
    assert [
        line.split(": ")[1] for line in done.stdout.splitlines() if line.startswith("skills")
    ] == [
        "error[SK205]",
        "warning[SK122]",
    ]
    assert done.stderr.startswith("2 skills: 1 error, 1 warning (")


@pytest.mark.parametrize(
    ("options", "code"),
    [((), 0), (("--warnings-as-errors",), 1), (("-W", "SK122"), 1), (("-W", "SK301"), 0)],
)  # fmt: skip
def test_check_warnings_fail_only_when_asked(
    project: Path, options: tuple[str, ...], code: int
) -> None:
    put(project, WARNS)
    assert skillc("check", *options).exit_code == code


def test_check_lone_file_may_call_the_skills_beside_it(project: Path) -> None:
    put(project, "{{Elsewhere()}}")
    assert "warning[SK203]" in skillc("check", "skills/kiosk/Greet.guidance").stdout
    assert "error[SK201]" in skillc("check").stdout


def test_check_infos_are_shown_on_request(project: Path) -> None:
    (project / "skills" / "kiosk" / "Greet.meta.yaml").write_text("colour: red\n")
    assert skillc("check").stdout == ""
    shown = skillc("check", "--show-infos")
    assert (shown.exit_code, "info[SK790]" in shown.stdout) == (0, True)


def test_check_json_has_the_registered_fields(project: Path) -> None:
    put(project, FAILS)
    document = json.loads(skillc("check", "--format", "json").stdout)
    assert document["schema_version"] == 1
    assert document["findings"] == [
        {
            "path": "skills/kiosk/Greet.guidance",
            "line": 2,
            "column": 13,
            "end_line": 2,
            "end_column": 21,
            "severity": "error",
            "code": "SK205",
            "name": "unknown-parameter",
            "message": "GenStream: unknown argument 'maxToken'",
            "hint": "did you mean 'maxTokens'?",
            "fix": None,
        }
    ]
    (line,) = skillc("check", "--format", "jsonl").stdout.splitlines()
    assert json.loads(line) == document["findings"][0]


def test_check_github_escapes_what_would_end_a_command(project: Path) -> None:
    put(project, FAILS)
    assert skillc("check", "--format", "github").stdout == (
        "::error file=skills/kiosk/Greet.guidance,line=2,col=13,endLine=2,title=SK205::"
        "GenStream: unknown argument 'maxToken'; did you mean 'maxTokens'?\n"
    )
    put(project, "x ${a%b}")
    (project / "skills" / "a,b:c").mkdir()
    (project / "skills" / "a,b:c" / "W.guidance").write_text("")
    assert "file=skills/a%2Cb%3Ac/W.guidance," in skillc("check", "--format", "github").stdout


@pytest.mark.parametrize("form", ["human", "json", "jsonl", "github"])
def test_check_formats_of_nothing(project: Path, form: str) -> None:
    done = skillc("check", "--format", form, "-q")
    expected = '{\n  "schema_version": 1,\n  "findings": []\n}\n' if form == "json" else ""
    assert (done.exit_code, done.stdout, done.stderr) == (0, expected, "")


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False)],
)
def test_check_colour_honours_the_environment(
    project: Path, environ: dict[str, str], *, coloured: bool
) -> None:
    put(project, FAILS)
    assert ("\x1b[" in skillc("check", **environ).stdout) == coloured


def test_check_never_lets_a_template_control_the_terminal(project: Path) -> None:
    put(project, "\x1b]0;owned\x07{{GenStream(maxToken=5)}} \u202e")
    done = skillc("check")
    assert "\\x1b]0;owned\\x07" in done.stdout
    assert not {"\x1b", "\x07", "\u202e"} & set(done.stdout)


# --- dump, actions, explain ------------------------------------------------------------------------------


def test_dump_shows_the_ir_of_one_skill(project: Path) -> None:
    put(project, "Bye\n", "Leave")
    both, one = skillc("dump", "--ir"), skillc("dump", "--ir", "--skill", "Leave")
    assert both.exit_code == one.exit_code == 0
    assert "Greet" in both.stdout
    assert "Leave" in one.stdout
    assert "Greet" not in one.stdout


def test_dump_of_a_broken_template_shows_the_finding(project: Path) -> None:
    put(project, FAILS)
    done = skillc("dump", "--ir")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "SK205" in done.stderr


def test_actions_lists_the_catalogue() -> None:
    from skillrt.catalogue import CATALOGUE

    done = skillc("actions")
    assert done.exit_code == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == list(CATALOGUE)
    document = json.loads(skillc("actions", "--json").stdout)
    assert [entry["name"] for entry in document["actions"]] == list(CATALOGUE)


def test_actions_shows_one_with_its_parameters() -> None:
    done = skillc("actions", "genstream")
    assert done.exit_code == 0
    assert "'interruptWindow' | 'interrupt' | 'none'; default 'interrupt'" in done.stdout
    assert "a whole number, 1 or more; optional" in done.stdout
    entry = json.loads(skillc("actions", "GenStream", "--json").stdout)
    assert {parameter["name"] for parameter in entry["parameters"]} >= {"sendTo", "maxTokens"}


def test_explain_every_registered_code() -> None:
    for code, entry in REGISTRY.items():
        done = skillc("explain", code.lower())
        assert done.exit_code == 0
        assert done.stdout.startswith(f"{code} {entry.name}, ")


# --- the process -----------------------------------------------------------------------------------------

IMPORTED = """
import sys
sys.argv = ["skillc", {argument!r}]
try:
    from skillc.__main__ import main
    main()
except SystemExit as done:
    assert not done.code
print(*sorted(sys.modules), file=sys.stderr)
"""


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_and_version_import_nothing_heavy(argument: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED.format(argument=argument)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    modules = set(done.stderr.split())
    assert "skillc.cli" in modules
    assert not modules & {"libcst", "yaml", "httpx", "anyio", "jinja2", "rapidfuzz", "skillrt"}


def test_help_shows_examples_everywhere() -> None:
    for name in cli.commands:
        assert "Example" in skillc(name, "--help").stdout, name


MISSING = """
import sys
sys.modules[{library!r}] = None
sys.argv = ["skillc", "build"]
from skillc.__main__ import main
main()
"""


@pytest.mark.parametrize("library", ["click", "libcst", "yaml"])
def test_without_a_library_of_the_extra_one_line_says_how_to_add_it(
    project: Path, library: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MISSING.format(library=library)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr == (
        "skillc: the compiler is not installed; add it with: pip install 'skillc[compiler]'\n"
    )


def test_our_own_fault_exits_3_and_asks_for_a_report(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_given: object) -> None:
        raise RuntimeError("the roof leaks")

    monkeypatch.setattr("skillc.project.load.load", broken)
    done = skillc("check")
    assert done.exit_code == 3
    assert done.stderr.startswith("skillc: internal error: RuntimeError: the roof leaks\n")
    assert "report it" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Traceback" in skillc("check", SKILLC_TRACEBACK="1").stderr


def test_interrupted_exits_130(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("skillc.project.load.load", interrupted)
    assert skillc("check").exit_code == 130


def test_output_that_the_stream_cannot_encode_is_escaped(project: Path) -> None:
    put(project, FAILS, "Gruß")
    done = subprocess.run(
        [sys.executable, "-m", "skillc", "check", "-q"],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stdout.startswith(b"skills/kiosk/Gru\\xdf.guidance:2:13: error[SK205]")


def test_reader_that_goes_away_is_no_fault_of_ours(project: Path) -> None:
    put(project, FAILS * 2_000)
    with subprocess.Popen(
        [sys.executable, "-m", "skillc", "check", "-q"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(60) == 1
        assert process.stderr.read() == b""


def test_layout_and_customer_can_be_chosen(project: Path) -> None:
    write(project / "newo_customers" / "PIER7", V1)
    write(project / "newo_customers" / "QUAY1", V1)
    several = skillc("check", "newo_customers")
    assert several.exit_code == 1
    assert "[SK602]: several customers: PIER7, QUAY1; choose one with --customer" in several.stdout
    assert skillc("check", "newo_customers", "--customer", "PIER7").exit_code == 0
    done = skillc("build", "newo_customers/PIER7/projects/harbor", "--layout", "v1", "-o", "made")
    assert done.exit_code == 0
    assert done.stderr.startswith("6 modules, 3 skills: 6 written, 0 unchanged")
    assert skillc("check", "newo_customers", "--layout", "v3").exit_code == 2
