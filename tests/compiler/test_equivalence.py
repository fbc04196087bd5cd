"""Compiled code does what the reference interpreter does, and any text compiles or is refused in good order."""

from __future__ import annotations

from pathlib import Path

import anyio
from hypothesis import given
from hypothesis import strategies as st

from casefile import read_cases
from fuzz import examples
from generated import Skills, skills
from harness import Script, compiled, observe

ROOT = Path(__file__).parents[2]
TEMPLATES = [
    *(path.read_text("utf-8") for path in sorted((ROOT / "skills").rglob("*.guidance"))),
    *(
        fence.body
        for path in sorted((ROOT / "tests" / "cases").glob("*.md"))
        for case in read_cases(path)
        for fence in case.fences
        if fence.kind == "guidance"
    ),
]
WORDS = """{{ }} {{# {{/ ~ if each else system block Set( name= " ' ( ) [ ] , = == x . 1 {{!-- --}} \\ { GenStream(
Concat( this @index Return() and not é"""
TOKENS = st.sampled_from([*WORDS.split(), " ", "\n", "\u2028", "\x00"])


@examples(500, 20_000)
@given(skills())
def test_compiled_skills_do_what_the_interpreter_does(generated: Skills) -> None:
    """Compiled on asyncio, compiled on trio and interpreted: equal prints, messages, actions and errors."""
    done = compiled(*generated.scripts)
    if done.emitted is None:
        return
    for given_values in generated.runs:
        reference = anyio.run(observe, done.interpreted()["Main"], given_values)
        for backend in ("asyncio", "trio"):
            seen = anyio.run(observe, done.functions()["Main"], given_values, backend=backend)
            assert seen == reference


@examples(200, 5_000)
@given(skills())
def test_compiled_twice_is_the_same_bytes(generated: Skills) -> None:
    """The same skills give the same module, in whatever order they come."""
    there = compiled(*generated.scripts).emitted
    back = compiled(*reversed(generated.scripts)).emitted
    assert there == back


@st.composite
def broken_templates(draw: st.DrawFn) -> str:
    """Soups of tokens, and real templates with something cut out, doubled or put in."""
    if draw(st.booleans()):
        return "".join(draw(st.lists(TOKENS, max_size=40)))
    text = draw(st.sampled_from(TEMPLATES))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 30)))
        patch = draw(st.sampled_from(["", text[start:end] * 2])) + draw(
            st.one_of(st.just(""), TOKENS)
        )
        text = text[:start] + patch + text[end:]
    return text


@examples(1_000, 20_000)
@given(broken_templates())
def test_any_text_compiles_or_is_refused_with_places_inside_it(text: str) -> None:
    """Any text: a module that compiles, or findings whose places lie inside the text; never anything else."""
    done = compiled(Script("Main", text))
    for finding in done.findings:
        assert 0 <= finding.span.start <= finding.span.end <= len(finding.source.text)
    if done.emitted is not None:
        assert "Main" in done.functions()
    else:
        assert any(finding.severity == "error" for finding in done.findings)
