"""`skillc chat`: real processes, real model server, and a project whose rules decide what a line interrupts."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from consoles import at_terminal, command, environment, read_until, type_line, typing
from skillc.cli import cli
from skillrt.testing import ModelServer, Received, Reply

LONG = " ".join(map(str, range(1, 200)))

SKILLS = {
    # Window 0: what comes before the first word interrupts, what comes later does not.
    "Guarded": "{{#system~}}{{GetMemory(count='9')}}{{~/system}}"
    "{{GenStream(interruptMode='interruptWindow', interruptWindow=0)}}",
    "Open": "{{#system~}}{{GetMemory(count='9')}}{{~/system}}"
    "{{GenStream(interruptMode='interruptWindow', interruptWindow=600)}}",
    "Polite": "{{#system~}}{{GetMemory(count='9')}}{{~/system}}"
    "{{Set(name='said', value=GenStream())}}"
    "{{#if said.interrupted}}{{SendMessage(message='Sorry.')}}{{/if}}",
    "Greet": "{{SendMessage(message=Concat('Hello, ', GetUser(field='name'), '!'))}}",
    "Count": "{{SetState(name='turns', value=Concat(GetState(name='turns'), 'I'))}}"
    "{{SendTypingStart()}}{{SendMessage(message=GetTriggeredAct(fields=['boat']))}}",
    "Later": "{{SendCommand(commandIdn='set_timer', integrationIdn='program_timer',"
    " connectorIdn='nap', interval='0.05', eventIdn='nap_over')}}",
    "Wake": "{{SendMessage(message='Good morning.')}}",
    "Page": "{{SendCommand(commandIdn='ring', integrationIdn='pager', connectorIdn='desk', who='Bo')}}",
    "Paged": "{{SendMessage(message=GetTriggeredAct(fields=['answer']))}}",
}  # fmt: skip

PAGER = """
from skillrt.connectors.base import Command, Result, Service

class Pager(Service):
    integration_idn, connector_idn = "pager", "desk"
    async def command(self, command: Command) -> Result:
        return Result(ok=True, arguments={"answer": f"{command.arguments['who']} was rung."})
"""


def flow(*events: str, name: str = "desk") -> str:
    """A folder's `flow.yaml`; an event is `idn skill mode` or `idn skill mode integration/connector`."""
    lines = [f"idn: {name}", "state_fields: [{idn: turns, default_value: none}]", "events:"]
    for event in events:
        idn, skill, mode, *address = event.split()
        integration, _, connector = (address or ["sandbox/pier"])[0].partition("/")
        lines.append(
            f"- {{idn: {idn}, skill_idn: {skill}, interrupt_mode: {mode},"
            f" integration_idn: {integration}, connector_idn: {connector}}}"
        )
    return "\n".join(lines) + "\n"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of skills below the working directory; no model is named in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("OPENAI_", "SKILLC_"))]:
        monkeypatch.delenv(name)
    folder = tmp_path / "desk"
    folder.mkdir()
    for name, text in SKILLS.items():
        (folder / f"{name}.guidance").write_text(text)
    (folder / "flow.yaml").write_text(flow("user_message Guarded interrupt"))
    return folder


def answer(request: Received) -> Reply:
    """A long answer, slowly, unless the last that was said is to be answered in short."""
    if "short" in str(request.body).rpartition("User:")[2]:
        return Reply.stream("Yes.")
    return Reply.stream(LONG, token_delay_s=0.02)


def piped(lines: str, *arguments: str, base_url: str = "http://127.0.0.1:9/v1") -> str:
    """What a conversation shows whose lines are all there from the beginning."""
    done = subprocess.run(
        command(*arguments, verb="chat"),
        input=lines,
        capture_output=True,
        text=True,
        env=environment(base_url),
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize(
    ("skill", "mode", "shown"),
    [
        ("Open", "interrupt", ["{cut} [cut]", "Yes."]),
        ("Guarded", "interrupt", ["{all}", "Yes."]),
        ("Polite", "queue", ["{cut} [cut]", "Sorry.", "Yes."]),
        ("Open", "cancel", ["{all}"]),
    ],
)
def test_line_typed_while_the_agent_speaks_interrupts_by_the_projects_rules(
    desk: Path, skill: str, mode: str, shown: list[str]
) -> None:
    (desk / "flow.yaml").write_text(flow(f"user_message {skill} {mode}"))
    with ModelServer(answer) as server, typing(server.base_url, "desk", verb="chat") as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        type_line(process, "Count")
        heard = read_until(process.stdout, b" 4")
        type_line(process, "short, please")
        process.stdin.close()
        heard += process.stdout.read()
        assert process.wait(30) == 0
        assert process.stderr.read() == b""
    lines = heard.decode().splitlines()
    first = lines[0].removesuffix(" [cut]")
    assert LONG.startswith(first)
    assert (first == LONG) is (shown[0] == "{all}")
    assert lines == [line.format(cut=first, all=LONG) for line in shown]


def test_everything_one_can_ask_in_a_conversation(desk: Path) -> None:
    (desk / "flow.yaml").write_text(
        flow(
            "user_message Polite interrupt",
            "ordered Count queue",
            "conversation_started Greet queue",
        )
    )
    (desk / "Polite.guidance").write_text("{{#system~}}Be short.{{~/system}}{{GenStream()}}")
    lines = """
/wait
Are you open? short
/wait
//event is my word
/wait
/event ordered boat='red canoe' size=2
/wait
/state
/state turns=IV
/state desk.turns
/state turn
/state =x
/memory
/trace 2
/event cancelled
/event ordered oops
/event 'ordered
/event
/evnt
"""
    with ModelServer(answer) as server:
        shown = piped(lines, "desk", "--as", "Ann", base_url=server.base_url)
    *told, generated, counted, nobody, argument, quoting, usage, unknown = shown.splitlines()
    assert told == [
        "Hello, Ann!",
        *(["Yes."] * 2),
        "[typing]",
        "red canoe",
        "desk.turns = noneI",
        "desk.turns = IV",
        "desk.turns = IV",
        "no state field 'turn'; did you mean 'turns'?",
        "usage: /state [NAME[=VALUE]]",
        "  Agent: Hello, Ann!",
        "  User: Are you open? short",
        "  Agent: Yes.",
        "  User: /event is my word",
        "  Agent: Yes.",
        "  Agent: red canoe",
        "desk.Polite: completed",
    ]
    assert generated.startswith("  GenStream: completed, 4 characters, 4 delivered, ")
    assert counted == "desk.Count: completed"
    assert nobody == "no flow subscribes to this event cancelled from sandbox/pier"
    assert argument == "an argument is NAME=VALUE, not 'oops'"
    assert quoting == "cannot read ''ordered': no closing quotation"
    assert usage == "usage: /event IDN [NAME=VALUE ...]"
    assert unknown == "no command '/evnt'; did you mean '/event'?"


def test_help_names_every_command(desk: Path) -> None:
    shown = piped("/help\n", "desk", "--demo")
    assert [line.split()[0] for line in shown.splitlines()] == [
        "/event",
        "/state",
        "/memory",
        "/trace",
        "/wait",
        "/help",
    ]


def test_timers_and_connectors_of_ones_own_take_part(desk: Path) -> None:
    (desk / "flow.yaml").write_text(
        flow(
            "user_message Later queue phone/main",
            "nap_over Wake queue program_timer/nap",
            "ring Page queue phone/main",
            "result_success Paged queue pager/desk",
        )
    )
    (desk.parent / "pagers.py").write_text(PAGER)
    arguments = ("desk", "--demo", "--connector", "phone/main", "--load", "pagers:Pager")
    with typing("", *arguments, verb="chat") as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        type_line(process, "I am tired")
        assert read_until(process.stdout, b"\n") == b"Good morning.\n"
        type_line(process, "/event ring")
        assert read_until(process.stdout, b"\n") == b"Bo was rung.\n"
        process.stdin.close()
        assert process.wait(30) == 0
        assert process.stderr.read() == b""


def test_scripted_model_shows_where_its_prompt_ends(desk: Path) -> None:
    shown = piped("Are you open?\n", "desk", "--demo")
    assert shown == (
        "This is the scripted model. The prompt it was given ends with: User Are you open?\n"
    )


@pytest.mark.parametrize(("skill", "cut"), [("Open", b" [cut]"), ("Guarded", b" 199")])
def test_terminal_has_a_prompt_and_ends_with_the_input(desk: Path, skill: str, cut: bytes) -> None:
    (desk / "flow.yaml").write_text(
        flow(f"user_message {skill} interrupt", "nap_over Wake queue sandbox/pier")
    )
    with (
        ModelServer(answer) as server,
        at_terminal(server.base_url, "desk", verb="chat") as (process, screen),
    ):
        opening = read_until(screen, b"> ")
        assert opening.endswith(b"You are on sandbox/pier; /help lists the commands.\r\n> ")
        screen.write(b"Count\n")
        read_until(screen, b" 4")
        screen.write(b"in short\n")
        assert read_until(screen, b"\r\n> ").endswith(cut + b"\r\nYes.\r\n> ")
        screen.write(b"/event nap_over\n")
        assert read_until(screen, b"\r\n> ").endswith(b"Good morning.\r\n> ")
        screen.write(b"/state turns\n")
        assert read_until(screen, b"\r\n> ").endswith(b"desk.turns = none\r\n> ")
        screen.write(b"\x04")
        assert process.wait(30) == 0


def test_ctrl_c_ends_the_conversation_and_cuts_what_is_said(desk: Path) -> None:
    with (
        ModelServer(answer) as server,
        at_terminal(server.base_url, "desk", verb="chat") as (process, screen),
    ):
        read_until(screen, b"> ")
        screen.write(b"Count\n")
        read_until(screen, b" 4")
        process.send_signal(signal.SIGINT)
        assert read_until(screen, b"[cut]\r\n")
        assert process.wait(30) == 130
        server.wait_closed()


def test_several_sandboxes_are_named_and_one_is_chosen(desk: Path) -> None:
    (desk / "flow.yaml").write_text(
        flow("user_message Greet queue sandbox/pier", "user_message Wake queue sandbox/annex")
    )
    with at_terminal("", "desk", "--demo", verb="chat") as (_, screen):
        opening = read_until(screen, b"> ")
        assert b"You are on sandbox/annex (--connector: also sandbox/pier);" in opening
        screen.write(b"Hi\n")
        assert read_until(screen, b"\r\n> ").endswith(b"Good morning.\r\n> ")
    assert piped("Hi\n", "desk", "--demo", "--connector", "sandbox/pier") == "Hello, User!\n"


def test_message_that_nobody_handles_is_said(desk: Path) -> None:
    done = subprocess.run(
        command("desk", "--demo", "--connector", "phone/main", verb="chat"),
        input="Hello?\n",
        capture_output=True,
        text=True,
        env=environment(""),
        timeout=60,
    )
    assert done.returncode == 0
    assert done.stdout == "no flow subscribes to this message from phone/main\n"
    assert done.stderr == "WARNING: nobody subscribes to user_message of phone/main\n"


def silent(desk: Path) -> None:
    """A folder in which no event starts a skill."""
    folder = desk.parent / "silent"
    folder.mkdir()
    for name in ("Greet", "Wake"):
        (folder / f"{name}.guidance").write_text(SKILLS[name])


def test_folder_without_events_is_entered_at_the_skill_that_is_named(desk: Path) -> None:
    silent(desk)
    assert piped("Hi\n", "silent", "--demo", "--skill", "Wake") == "Good morning.\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("gone", "--demo"), "nothing to compile: 'gone' does not exist"),
        (("desk", "--demo", "--skill", "Wake"), "no flow without events has a skill 'Wake'; there is none"),
        (("silent", "--demo"), "no event starts a skill: choose one with --skill: Greet, Wake"),
        (
            ("silent", "--demo", "--skill", "Awake"),
            "no flow without events has a skill 'Awake'; did you mean 'Wake'?",
        ),
        (("desk", "--demo", "--connector", "pier"), "--connector is INTEGRATION/CONNECTOR, not 'pier'"),
        (("desk", "--demo", "--load", "gone:It"), "cannot import connector 'gone:It': No module named 'gone'"),
        (
            ("desk",),
            "no model to talk to: set OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own",
        ),
    ],
)  # fmt: skip
def test_mistakes_are_one_line_and_exit_2(
    desk: Path, arguments: tuple[str, ...], message: str
) -> None:
    silent(desk)
    done = CliRunner().invoke(cli, ["chat", *arguments])
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", f"skillc: {message}\n")


def test_errors_in_templates_are_shown_and_exit_1(desk: Path) -> None:
    (desk / "Guarded.guidance").write_text("{{SendMesage(message='x')}}")
    done = CliRunner().invoke(cli, ["chat", "desk", "--demo"])
    assert done.exit_code == 1
    assert "unknown action or skill 'SendMesage'" in done.stderr
    assert not (desk.parent / "build").exists()


def test_folder_without_skills_is_an_error_of_the_project(desk: Path) -> None:
    (desk.parent / "empty").mkdir()
    done = CliRunner().invoke(cli, ["chat", "empty", "--demo"])
    assert done.exit_code == 1
    assert "SK601" in done.stderr
