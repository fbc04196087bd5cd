"""Projects from files to a running answer: libraries, what a computed name reaches, models, packages."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest

from projects import V2, Files, changed, write
from skillc.compile import check_flows
from skillc.errors import render_diagnostic
from skillc.passes import Settings
from skillc.project.build import build
from skillc.project.load import load
from skillrt import Runtime
from skillrt.errors import ActionError
from skillrt.testing.provider import ScriptedProvider

TALK = "harbor/agents/Clerk/flows/Talk"
LIBRARY = "harbor/libraries/shared"
REPLY = f"{TALK}/skills/Reply.nslg"
pytestmark = pytest.mark.anyio


@contextmanager
def imported(root: Path, files: Files) -> Generator[ModuleType]:
    """The flow `Talk` of a project built and imported."""
    out = root / "build"
    build(load(write(root / "in", files)), out, Settings(), lambda _: None)
    sys.path.insert(0, str(out))
    importlib.invalidate_caches()
    try:
        yield importlib.import_module("harbor.Clerk.Talk")
    finally:
        sys.path.remove(str(out))
        for name in [name for name in sys.modules if name.split(".")[0] == "harbor"]:
            del sys.modules[name]


def with_reply(text: str, **more: str) -> Files:
    """The v2 project with another text of skill Reply, and more skills `_x` of its library."""
    files = {**V2, REPLY: text, f"{LIBRARY}/shared.yaml": "idn: shared\n"}
    return files | {f"{LIBRARY}/skills/{idn}.nslg": skill for idn, skill in more.items()}


async def printed(root: Path, files: Files, message: str = "hello") -> str:
    """What skill Reply prints."""
    with imported(root, files) as talk:
        run = await Runtime(provider=ScriptedProvider(["G"])).run(talk.Reply, message=message)
    return run.out


async def test_library_skill_runs_in_the_context_of_its_caller(tmp_path: Path) -> None:
    library = """\
{{Set(name="seen", value=GetState(name="topic"), expose=True)}}
{{Return(val=GetTriggeredAct(fields=["text"]))}}
"""
    files = with_reply('{{SetState(name="topic", value="boats")}}{{said()}}/{{seen}}', said=library)
    assert await printed(tmp_path, files, "ahoy") == "ahoy/boats"


async def test_libraries_call_each_other_and_hand_over_what_they_expose(tmp_path: Path) -> None:
    files = {
        **with_reply("{{outer()}}", outer='{{Return(val=Concat("<", inner(), got, ">"))}}'),
        "harbor/libraries/more/more.yaml": "idn: more\n",
        "harbor/libraries/more/skills/inner.nslg": (
            '{{Set(name="got", value="!", expose=True)}}{{Return(val=shared._low(text="A"))}}'
        ),
        f"{LIBRARY}/skills/_low.nslg": "{{Return(val=text)}}",
    }
    private = changed(
        files, {"harbor/libraries/more/skills/inner.nslg": ("shared._low", "shared.low")}
    )
    private[f"{LIBRARY}/skills/low.nslg"] = "{{Return(val=_low(text=text.lower()))}}"
    assert await printed(tmp_path, private) == "<a!>"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("tidy", "t"),
        ("shared.tidy", "t"),
        ("Bye", "Bye"),
        ("_part", "no action or skill is called '_part'"),
        ("shared._part", "'_part' is private to library 'shared'"),
        ("both", "skill 'both' is in several libraries: more, shared"),
        ("more.both", "m"),
        ("deep", "p"),
        ("outside", "no action or skill is called 'Bye'"),
    ],
)
async def test_computed_name_reaches_what_a_direct_call_could(
    tmp_path: Path, name: str, said: str
) -> None:
    files = {
        **with_reply(
            "{{Return(val=Do(actionName=GetTriggeredAct(fields=['text'])))}}",
            tidy="{{Return(val='t')}}",
            _part="{{Return(val='p')}}",
            both="{{Return(val='s')}}",
            deep="{{Set(name='n', value='_part')}}{{Return(val=Do(actionName=n))}}",
            outside="{{Set(name='n', value='Bye')}}{{Return(val=Do(actionName=n))}}",
        ),
        "harbor/libraries/more/more.yaml": "idn: more\n",
        "harbor/libraries/more/skills/both.nslg": "{{Return(val='m')}}",
        f"{TALK}/skills/Bye.nslg": "{{Return(val='Bye')}}",
    }
    with imported(tmp_path, files) as talk:
        runtime = Runtime(provider=ScriptedProvider(["G"]))
        try:
            result = (await runtime.run(talk.Reply, message=name)).result
        except ActionError as error:
            result = str(error).partition(": parameter 'actionName': ")[2].partition(" (skill ")[0]
    assert result == said


async def test_library_skill_without_a_model_uses_that_of_the_flow(tmp_path: Path) -> None:
    files = {
        **with_reply("{{#system}}x{{/system}}{{one()}}{{two()}}"),
        f"{LIBRARY}/shared.yaml": """\
idn: shared
skills:
  - {idn: one}
  - {idn: two, model: {model_idn: small}}
""",
        f"{LIBRARY}/skills/one.nslg": "{{#system}}a{{/system}}{{Gen()}}",
        f"{LIBRARY}/skills/two.nslg": "{{#system}}b{{/system}}{{Gen()}}",
        f"{LIBRARY}/skills/tidy.nslg": "t",
    }
    with imported(tmp_path, files) as talk:
        run = await Runtime(provider=ScriptedProvider(["G"], ["G"])).run(talk.Reply, message="x")
    assert [(request.provider, request.model) for request in run.requests] == [
        ("openai", "gpt4o"),
        ("openai", "small"),
    ]


async def test_error_in_a_library_names_the_chain(tmp_path: Path) -> None:
    files = with_reply("{{tidy()}}", tidy="\n{{Set(name='n', value='nobody')}}{{Do(actionName=n)}}")
    with imported(tmp_path, files) as talk, pytest.raises(ActionError) as caught:
        await Runtime(provider=ScriptedProvider()).run(talk.Reply, message="x")
    (note,) = caught.value.__notes__
    assert f"{LIBRARY}/skills/tidy.nslg, line 2" in note
    assert "skill Reply > shared.tidy" in note


def test_packages_import_in_a_fresh_python(tmp_path: Path) -> None:
    build(load(write(tmp_path / "in", V2)), tmp_path / "build", Settings(), lambda _: None)
    code = (
        "from harbor import libraries; from harbor.Clerk import Talk; import harbor._manifest;"
        "print(libraries.shared.tidy.__name__, Talk.Reply.__name__, harbor._manifest.MANIFEST['idn'])"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path / "build",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("tidy Reply harbor\n", "")


def test_call_of_another_flows_skill_says_which_flow_has_it(tmp_path: Path) -> None:
    files = {
        **V2,
        "harbor/agents/Clerk/flows/Other/Other.yaml": "idn: Other\n",
        "harbor/agents/Clerk/flows/Other/skills/Ask.nslg": "{{Reply()}}",
    }
    checked = check_flows(load(write(tmp_path, files)).flows, Settings(), lambda _: None)
    (finding,) = (finding for found in checked for finding in found.findings)
    assert finding.code == "SK201"
    assert render_diagnostic(finding).endswith(
        "^^^^^ flow Talk has a skill of that name: send an event, or move it to a library"
    )
