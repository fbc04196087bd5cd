"""Whatever a template's text and its literals hold, what is emitted means exactly that."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emit_flows import HERE, const, flow_of, skill_of
from emit_flows import printing as emitting
from fuzz import examples
from harness import Script, compiled
from safety.hostile import ANY_TEXT, TEXTS, is_unicode, literal, printing
from skillc.emit import emit_flow
from skillc.ir import Name, Parameter, Return
from skillc.passes import Settings
from skillc.project.build import build
from skillc.project.load import load
from skillrt import Runtime
from skillrt.testing.provider import ScriptedProvider

SEPARATOR = "|"


def everywhere(text: str) -> str:
    """A template that prints the text once for each place where a text can stand."""
    written = literal(text)
    places = (
        printing(text),
        f"{{{{{written}}}}}",
        f'{{{{Set(name="v", value={written})}}}}{{{{v}}}}',
        f"{{{{[{written}, 1][0]}}}}",
        f'{{{{dict([["k", {written}]]).k}}}}',
        f'{{{{Concat({written}, "")}}}}',
        f"{{{{str({written})}}}}",
        f'{{{{"".join([{written}])}}}}',
        f"{{{{#each [{written}]}}}}{{{{this}}}}{{{{/each}}}}",
        f"{{{{#if v == {written}}}}}{printing(text)}{{{{/if}}}}",
        f'{{{{#block "b"}}}}{printing(text)}{{{{/block}}}}',
        "{{b}}",
        "{{Echo()}}",
        f"{{{{Echo(said={written})}}}}",
        "{{default}}",
    )
    return SEPARATOR.join(("", *places, ""))


PLACES = everywhere("").count(SEPARATOR) - 1


def skills_for(text: str, number: int = 0) -> Script:
    """The skill that prints a text everywhere."""
    return Script(f"Say{number}", everywhere(text), {"default": text})


ECHO = Script("Echo", "{{Return(val=said)}}", {"said": ""})


async def outs(functions: dict[str, Any], idns: list[str]) -> list[str]:
    """What some skills print."""
    runtime = Runtime(provider=ScriptedProvider())
    return [(await runtime.run(functions[idn], message="hello")).out for idn in idns]


def expected(text: str) -> str:
    said = [text] * PLACES
    said[-3] = ""  # what Echo says when it is told nothing
    return SEPARATOR.join(("", *said, ""))


@pytest.mark.parametrize("start", range(0, len(TEXTS), 40))
def test_listed_texts_arrive_from_everywhere(start: int) -> None:
    texts = TEXTS[start : start + 40]
    done = compiled(ECHO, *(skills_for(text, number) for number, text in enumerate(texts)))
    idns = [f"Say{number}" for number in range(len(texts))]
    found = anyio.run(outs, done.functions(), idns)
    for text, out in zip(texts, found, strict=True):
        assert out == expected(text)


@examples(30, 10_000)
@given(ANY_TEXT)
def test_any_text_arrives_from_everywhere(text: str) -> None:
    """A text printed, passed, stored, looped over or captured is the text that the template holds."""
    done = compiled(ECHO, skills_for(text))
    assert anyio.run(outs, done.functions(), ["Say0"]) == [expected(text)]


def test_texts_arrive_from_files(tmp_path: Path) -> None:
    """Read from a file as the loader reads it: no BOM, lines that end in LF."""
    source, out = tmp_path / "talk", tmp_path / "out"
    source.mkdir()
    kept: list[str] = []
    for text in TEXTS:
        if is_unicode(text):
            (source / f"Say{len(kept)}.guidance").write_bytes(f"\ufeff<{text_only(text)}>".encode())
            kept.append(text)
    loaded = load(source)
    build(loaded, out, Settings(), lambda _: None)
    namespace: dict[str, Any] = {"__name__": "talk"}
    exec(compile((out / "talk.py").read_bytes(), "talk.py", "exec", dont_inherit=True), namespace)
    found = anyio.run(outs, namespace, [f"Say{number}" for number in range(len(kept))])
    for text, said in zip(kept, found, strict=True):
        assert said == f"<{text}>".replace("\r\n", "\n").replace("\r", "\n")
    assert len(kept) > 300


def text_only(text: str) -> str:
    """As `printing`, with carriage returns as they are."""
    return "\r".join(printing(part) for part in text.split("\r"))


@pytest.mark.parametrize("filler", ["x", "'\"\\{}%#", "é\u2028😀\t"])
def test_a_line_of_a_megabyte_arrives(filler: str) -> None:
    text = (filler * 1_000_000)[:999_000]
    done = compiled(Script("Main", f"<{printing(text)}>"))
    assert anyio.run(outs, done.functions(), ["Main"]) == [f"<{text}>"]
    done = compiled(Script("Main", f"<{{{{{literal(text)}}}}}>"))
    assert anyio.run(outs, done.functions(), ["Main"]) == [f"<{text}>"]


class Paper:
    """Takes what the code of a skill prints, and nothing else of a context."""

    def __init__(self) -> None:
        self.pieces: list[str] = []

    def skill(self, _idn: str) -> Paper:
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def write(self, text: str) -> None:
        self.pieces.append(text)


@examples(250, 25_000)
@given(st.lists(ANY_TEXT, min_size=1, max_size=7))
def test_any_literals_mean_their_texts(texts: list[str]) -> None:
    """The code of literals, alone, in an f-string, as a default and as a result, evaluates to their texts."""
    whole = "".join(texts)
    body = [stmt for text in texts for stmt in (emitting(const(text)), emitting(Name(HERE, "p")))]
    skill = skill_of(emitting(const(whole)), *body, Return(HERE, const(whole)))
    skill = replace(skill, parameters=(Parameter("p", texts[-1]),))
    code = emit_flow(flow_of(skill)).text
    namespace: dict[str, Any] = {"__name__": "demo"}
    exec(compile(code.encode(), "demo.py", "exec", dont_inherit=True), namespace)
    paper = Paper()
    with pytest.raises(StopIteration) as ended:
        namespace["Main"](paper).send(None)
    assert "".join(paper.pieces) == whole + "".join(text + texts[-1] for text in texts)
    assert ended.value.value == whole
