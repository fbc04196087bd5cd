"""Talking to a compiled skill: real processes, a real model server on loopback, pipes and terminals."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from consoles import at_terminal, command, environment, read_until, type_line, typing
from skillc.cli import cli
from skillrt.manifest import ABI
from skillrt.testing import ModelServer, Received, Reply

ROOT = Path(__file__).parents[2]
SKILLS = {
    "Reply": '{{#system~}}The user said "{{GetMemory(count="1", fromPerson="User")}}"{{~/system}}'
    "{{GenStream()}}",
    "Greet": '{{#system~}}Greet {{name}}.{{~/system}}{{GenStream(maxRetries=0)}}',
    "Fails": '{{SetState(name="n", value="many")}}{{GenStream(maxTokens=GetState(name="n"))}}',
    "Fallback": "Hi\n{{Set(name='said', value=GenStream(maxRetries=0))}}"
    "{{#if said.failed}}{{SendMessage(message='Later.')}}{{/if}}",
}  # fmt: skip
LONG = " ".join(map(str, range(1, 200)))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A built project that is the working directory; no model is named in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("OPENAI_", "SKILLC_"))]:
        monkeypatch.delenv(name)
    folder = tmp_path / "skills" / "kiosk"
    folder.mkdir(parents=True)
    for name, text in SKILLS.items():
        (folder / f"{name}.guidance").write_text(text)
    (folder / "Greet.meta.yaml").write_text("parameters: [{name: name, default_value: nobody}]\n")
    assert CliRunner().invoke(cli, ["build", "-q"]).exit_code == 0
    return tmp_path


def talk(base_url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A conversation in which nothing is typed."""
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env=environment(base_url),
        timeout=60,
    )


def answer(request: Received) -> Reply:
    """A long answer, slowly, unless the user wants it short."""
    if "short" in str(request.body):
        return Reply.stream("Yes.")
    return Reply.stream(LONG, token_delay_s=0.02)


def test_run_shows_the_answer_and_ends_with_the_input(project: Path) -> None:
    with ModelServer([Reply.stream("Hello there, Ann.")]) as server:
        done = talk(server.base_url, "build/kiosk.py", "--skill", "Reply", "--message", "Hi!")
        (request,) = server.requests
    assert (done.returncode, done.stdout, done.stderr) == (0, "Hello there, Ann.\n", "")
    assert "The user said" in str(request.body)
    assert "Hi!" in str(request.body)
    assert request.body["model"] == "scripted"


def test_run_finds_modules_by_name_and_passes_parameters_and_model(project: Path) -> None:
    with ModelServer([Reply.stream("Hi.")]) as server:
        done = talk(
            server.base_url,
            *("kiosk", "--skill", "Greet", "--message", "x"),
            *("--param", "name=Ann=1", "--model", "mine"),
        )
        (request,) = server.requests
    assert (done.returncode, done.stdout) == (0, "Hi.\n")
    assert request.body["messages"][0]["content"] == "Greet Ann=1."
    assert request.body["model"] == "mine"


def test_run_line_typed_while_the_answer_streams_cuts_it_and_is_answered(project: Path) -> None:
    arguments = ("build/kiosk.py", "--skill", "Reply", "--message", "Count")
    with ModelServer(answer) as server, typing(server.base_url, *arguments) as process:
        assert process.stdout
        assert process.stderr
        heard = read_until(process.stdout, b"3")
        type_line(process, "short, please")
        heard += process.stdout.read()
        assert process.wait(30) == 0  # the pipe is still open: it is not waited for
        assert process.stderr.read() == b""
        server.wait_closed()
        counted, asked = server.requests
    first, second = heard.decode().splitlines()
    assert first.endswith(" [cut]")
    assert LONG.startswith(first.removesuffix(" [cut]"))
    assert second == "Yes."
    assert "Count" in str(counted.body)
    assert "short, please" in str(asked.body)


def test_run_without_a_message_says_the_first_line(project: Path) -> None:
    with ModelServer(answer) as server:
        done = subprocess.run(
            command("kiosk", "--skill", "Reply"),
            input=b"\nin short",
            capture_output=True,
            env=environment(server.base_url),
            timeout=60,
        )
    assert (done.returncode, done.stdout) == (0, b"Yes.\n")


def test_run_with_nothing_to_say_is_a_usage_error(project: Path) -> None:
    done = talk("http://127.0.0.1:9/v1", "kiosk", "--skill", "Reply")
    assert done.returncode == 2
    assert done.stderr == "skillc: nothing to say: pass --message, or a line on standard input\n"


def test_run_unreachable_model_is_one_warning_and_the_skill_goes_on(project: Path) -> None:
    done = talk("http://127.0.0.1:9/v1", "kiosk", "--skill", "Fallback", "--message", "x")
    assert (done.returncode, done.stdout) == (0, "Later.\n")
    (line,) = done.stderr.splitlines()
    assert line.startswith("WARNING: GenStream: failed(provider): ")
    assert line.endswith("(skill Fallback, line 2)")


def test_run_error_of_the_skill_names_its_line(project: Path) -> None:
    done = talk("http://127.0.0.1:9/v1", "kiosk", "--skill", "Fails", "--message", "x")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(
        "skillc: the skill ended with an error: GenStream: parameter 'maxTokens'"
    )
    assert "kiosk/Fails.guidance, line 1" in done.stderr
    assert "Traceback" not in done.stderr


def test_run_error_of_python_in_a_skill_is_the_skills_too(project: Path) -> None:
    counts = project / "skills" / "kiosk" / "Counts.guidance"
    counts.write_text('Hi\n{{Set(name="n", value=int("many"))}}{{n}}')
    assert CliRunner().invoke(cli, ["build", "-q"]).exit_code == 0
    done = talk("http://127.0.0.1:9/v1", "kiosk", "--skill", "Counts", "--message", "x")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[:2] == [
        "skillc: the skill ended with an error: ValueError: invalid literal for int() with base 10: 'many'",
        "in template kiosk/Counts.guidance, line 2, skill Counts",
    ]


def test_run_never_lets_a_model_control_the_terminal(project: Path) -> None:
    with ModelServer([Reply.stream("\x1b]0;owned\x07ok")]) as server:
        done = talk(server.base_url, "kiosk", "--skill", "Reply", "--message", "Hi!")
    assert done.stdout == "\\x1b]0;owned\\x07ok\n"


def test_run_interrupted_by_the_user_exits_130_and_shows_what_was_said(project: Path) -> None:
    arguments = ("build/kiosk.py", "--skill", "Reply", "--message", "Count")
    with ModelServer(answer) as server, typing(server.base_url, *arguments) as process:
        assert process.stdout
        assert process.stderr
        heard = read_until(process.stdout, b"3")
        process.send_signal(signal.SIGINT)
        heard += process.stdout.read()
        assert process.wait(30) == 130
        assert b"Traceback" not in process.stderr.read()
        server.wait_closed()
    assert heard.endswith(b" [cut]\n")


def test_run_at_a_terminal_waits_for_the_next_line_until_the_end_of_input(project: Path) -> None:
    arguments = ("kiosk", "--skill", "Reply", "--message", "in short")
    with (
        ModelServer(answer) as server,
        at_terminal(server.base_url, *arguments) as (process, screen),
    ):
        assert read_until(screen, b"> ").endswith(b"Yes.\r\n> ")
        screen.write(b"short again\n")
        assert read_until(screen, b"\r\n> ").endswith(b"Yes.\r\n> ")
        screen.write(b"\x04")
        assert process.wait(30) == 0
        assert len(server.requests) == 2


def test_run_at_a_terminal_ends_while_it_waits_on_ctrl_c(project: Path) -> None:
    arguments = ("kiosk", "--skill", "Reply", "--message", "in short")
    with (
        ModelServer(answer) as server,
        at_terminal(server.base_url, *arguments) as (process, screen),
    ):
        read_until(screen, b"> ")
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130


def test_build_at_a_terminal_shows_what_it_does_on_one_line(project: Path) -> None:
    with at_terminal("", "-o", "made", verb="build") as (process, screen):
        seen = read_until(screen, b" s)\r\n")
        assert process.wait(30) == 0
    assert seen.startswith(b"\r\x1b[Kcompiling kiosk (1 of 1)\r\x1b[K")
    assert b"\r\n1 module, 4 skills: 1 written" in seen


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("kiosk", "--skill", "Replay"), "no skill 'Replay'; did you mean 'Reply'?"),
        (("kiosk", "--skill", "Nothing"), "no skill 'Nothing'; there is Fails, Fallback, Greet, Reply"),
        (("kiosk",), "choose one with --skill: Fails, Fallback, Greet, Reply"),
        (("kiosk", "--skill", "Greet", "--param", "nam=x"), "no parameter 'nam'; did you mean 'name'?"),
        (("kiosk", "--skill", "Reply", "--param", "a=x"), "no parameter 'a'; there is none"),
        (("kiosk", "--skill", "Greet", "--param", "name"), "--param is name=value, not 'name'"),
        (("build/gone.py",), "'build/gone.py' does not exist; 'skillc build' makes modules from skills"),
        (("gone",), "cannot import 'gone': No module named 'gone'"),
        (("plain.py",), "plain is no module compiled by skillc"),
        (("broken.py",), "cannot import 'broken.py': invalid syntax (broken.py, line 1)"),
        (
            ("older.py",),
            f"older was compiled for an older runtime (ABI 0, this is {ABI}): run 'skillc build'",
        ),
        (
            ("kiosk", "--skill", "Reply", "--message", "x"),
            "no model to talk to: set OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own",
        ),
    ],
)  # fmt: skip
def test_run_mistakes_are_one_line_and_exit_2(
    project: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    (project / "plain.py").write_text("x = 1\n")
    (project / "broken.py").write_text("def def\n")
    (project / "older.py").write_text("__abi__ = 0\n")
    done = CliRunner().invoke(cli, ["run", *arguments])
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", f"skillc: {message}\n")


def test_demo_shows_all_parts_from_any_directory(project: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "skillc", "demo", "--skills", str(ROOT / "skills")],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    first, second, window, broadcast, whole, fallback = re.split(r"\n[1-6]\. ", done.stdout)[1:]
    assert "Shall I book you a slot tomorrow at ten?\n" in first
    cut = next(line for line in second.splitlines() if line.endswith("[cut]"))
    said = cut.removeprefix("  agent: ").removesuffix(" [cut]")
    assert f"\n     Agent: {said}\n" in second
    assert "somebody rides it.\n" in window
    assert "<user: Stop - what does it cost?>" in window
    assert window.count("VoiceWindow: completed") == 2
    delivered = re.findall(r"^  (.*?) +(\d+) of (\d+) characters in", broadcast, re.MULTILINE)
    assert [got == all_ for _, got, all_ in delivered] == [True, True, False]
    assert "agent: Good evening, Sue." in whole
    assert [line.endswith("[cut]") for line in whole.splitlines() if "Saturn " in line] == [
        True,
        False,
    ]
    assert "children are welcome on Saturdays.\n" in whole
    assert "guest book: Happy to help." in whole
    assert "Call us on 555-0199" in fallback
    assert [line.split(": ")[2] for line in done.stderr.splitlines()] == [
        "completed",
        "failed(provider)",
    ]


def test_demo_without_skills_says_where_it_looked(project: Path) -> None:
    done = CliRunner().invoke(cli, ["demo", "--skills", "nowhere"])
    assert done.exit_code == 2
    assert done.stderr == "skillc: nothing to compile: 'nowhere' does not exist\n"
