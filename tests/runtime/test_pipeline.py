"""The text pipeline against an obvious one-shot version of the same rules."""

from __future__ import annotations

import itertools
import os.path
import re
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz import examples
from skillrt.pipeline import TextPipeline, default_stops, provider_stops

LABELS = default_stops("Mia", "Sue")


def reference(
    text: str,
    stops: Sequence[str],
    labels: Sequence[str],
    skip_filter: bool = False,
    skip_checks: bool = False,
) -> tuple[str, str]:
    """(original, result) of a whole text, by the words of the actions reference."""
    if not skip_checks:
        text = text.lstrip()
        spoken = [label for label in labels if label.strip() and text.startswith(label)]
        text = text[max(map(len, spoken), default=0) :]
    ends = [
        (at + len(stop), -len(stop))
        for stop in stops
        if stop
        for at in range(len(text))
        if text.startswith(stop, at)
    ]
    if ends:
        end, length = min(ends)
        text = text[: end + length]
    original = text.strip()
    if not skip_filter:
        text = re.sub(r"\[\[\[.*?\]\]\]", "", text, flags=re.DOTALL)
    return original, text.strip()


def run(pipeline: TextPipeline, chunks: Sequence[str]) -> list[str]:
    return [*(pipeline.feed(chunk) for chunk in chunks), pipeline.finish()]


CHARS = "[] \nab:"
TEXTS = st.text(CHARS, max_size=30) | st.lists(
    st.sampled_from(["[[[", "]]]", "[", "]", " ", "\n", "a", "b", "a:", "ab:", "x"]), max_size=15
).map("".join)
STOPS = st.lists(
    st.text(CHARS, max_size=4)
    | st.sampled_from(["a:", "]]]x", "]]][a", "]]]ab", "]x", "[[[a", "[a", "x]]]", "\n", "\n\n"]),
    max_size=4,
)
SPEAKERS = st.lists(
    st.text("ab:", max_size=4) | st.sampled_from(["", " ", "a:", "ab:"]), max_size=3
)


@st.composite
def cuttings(draw: st.DrawFn) -> list[str]:
    text = draw(TEXTS)
    places = sorted(draw(st.lists(st.integers(0, len(text)), max_size=12)))
    return [text[a:b] for a, b in itertools.pairwise([0, *places, len(text)])]


@examples(1_000, 10_000)
@given(cuttings(), STOPS, SPEAKERS, st.booleans(), st.booleans())
def test_pieces_joined_are_the_one_shot_result(
    chunks: list[str], stops: list[str], labels: list[str], skip_filter: bool, skip_checks: bool
) -> None:
    """However a text is cut, the pieces returned are the result for the whole text."""
    pipeline = TextPipeline(stops, labels, skip_filter=skip_filter, skip_checks=skip_checks)
    pieces = run(pipeline, chunks)
    original, result = reference("".join(chunks), stops, labels, skip_filter, skip_checks)
    assert "".join(pieces) == result
    assert pipeline.original == original


@examples(1_000, 10_000)
@given(cuttings(), STOPS, SPEAKERS, st.booleans(), st.booleans())
def test_state_before_the_end_is_that_of_an_end_here(
    chunks: list[str], stops: list[str], labels: list[str], skip_filter: bool, skip_checks: bool
) -> None:
    """`original` is at any time that of the text so far, and after `done` nothing changes any more."""
    pipeline = TextPipeline(stops, labels, skip_filter=skip_filter, skip_checks=skip_checks)
    text = ""
    for chunk in chunks:
        over = pipeline.done
        piece = pipeline.feed(chunk)
        text += chunk
        assert pipeline.original == reference(text, stops, labels, skip_filter, skip_checks)[0]
        assert not (over and (piece or not pipeline.done))
    assert not (pipeline.done and pipeline.finish())


def continuations(stops: Sequence[str], labels: Sequence[str]) -> Iterator[str]:
    """All texts of up to four parts: marks, single characters, fresh ones, rests of stops and labels."""
    rests = {text[n:] for text in (*stops, *labels) for n in range(1, len(text))}
    parts = ["z", "q", "[", "]", "[[", "]]]", " ", *sorted(rests - {""})]
    yield ""
    for length in range(1, 5):
        yield from map("".join, itertools.product(parts, repeat=length))


SMALL_STOPS = st.lists(
    st.text("[] ab", min_size=1, max_size=4)
    | st.sampled_from(["]]]x", "]]][x", "]]]xb", "]x", "[x", "a[[[b", "]]][[", "xb", "]]]x[b"]),
    max_size=2,
)
SMALL_TEXTS = st.lists(
    st.sampled_from(["[[[", "]]]", "[", "]", " ", "a", "b", "x", "a:"]), max_size=7
).map("".join)


def certain(
    text: str,
    stops: Sequence[str],
    labels: Sequence[str],
    skip_checks: bool,
    enough: int,
) -> str:
    """What the results for all continuations share; not looked for any further once it is `enough` long."""
    shared = reference(text, stops, labels, False, skip_checks)[1]
    for more in continuations(stops, labels):
        if len(shared) <= enough:
            break
        other = reference(text + more, stops, labels, False, skip_checks)[1]
        shared = os.path.commonprefix([shared, other])  # noqa: RUF071 - of texts
    return shared


@examples(1_000, 10_000)
@given(SMALL_TEXTS, SMALL_STOPS, st.sampled_from([[], ["a:"], ["a:", "a:b:"]]), st.booleans())
def test_held_back_is_only_what_a_continuation_removes(
    text: str, stops: list[str], labels: list[str], skip_checks: bool
) -> None:
    """After every character, what was returned is the longest prefix common to all continuations."""
    pipeline = TextPipeline(stops, labels, skip_checks=skip_checks)
    delivered = ""
    for end, char in enumerate(text, 1):
        delivered += pipeline.feed(char)
        assert delivered == certain(text[:end], stops, labels, skip_checks, len(delivered))


@pytest.mark.parametrize(
    ("text", "stops", "pieces"),
    [
        # a stop that begins shows that brackets before it are plain text
        ("see [[U", ["User:"], ["s", "e", "e", "", "", "", " [["]),
        # a stop that closes a span and goes on: what both ends share is certain
        ("a [[[b]]]x", ["]]]xq"], ["a", *[""] * 8, " "]),
        ("a[[[b]]][x", ["]]][xq"], ["a", *[""] * 8, "["]),
        ("a[[[b]]][", ["]]][["], ["a", *[""] * 7, "["]),
        # no stop may complete the way that another one bars
        ("a [[[b]]]x", ["]]]xq", "xqz"], ["a", *[""] * 8, " "]),
        ("a [[[b]]]x", ["]]]xq", "xz"], ["a", *[""] * 9]),
    ],
)
def test_certain_text_is_returned_although_a_stop_has_begun(
    text: str, stops: list[str], pieces: list[str]
) -> None:
    pipeline = TextPipeline(stops, ())
    assert [pipeline.feed(char) for char in text] == pieces
    assert "".join(pieces) + pipeline.finish() == reference(text, stops, ())[1]


def test_reference_example() -> None:
    """The example of the actions reference, GenStream."""
    pipeline = TextPipeline(LABELS, LABELS)
    pieces = run(pipeline, ["Hel", "lo [[[", "note]]] the", "re. User: hi"])
    assert pieces == ["Hel", "lo", "  the", "re.", ""]
    assert "".join(pieces) == "Hello  there."
    assert pipeline.original == "Hello [[[note]]] there."
    assert pipeline.done


@pytest.mark.parametrize(
    ("chunks", "stops", "result"),
    [
        ([" \nAg", "ent:", " Yes."], LABELS, "Yes."),
        (["Agent: Agent: Yes."], LABELS, ""),
        (["Age", " is a number"], LABELS, "Age is a number"),
        (["Mia: ", "Mia", ": x"], ("Sue:",), "Mia: x"),
        (["one. ", "Us", "er"], LABELS, "one. User"),
        (["one. ", "Us", "er: two"], LABELS, "one."),
        (["xab", "cab"], ("bca", "b"), "xa"),
        (["xab"], ("b", "ab"), "x"),
        (["keep [[[", " open"], LABELS, "keep [[[ open"),
        (["[[[", "a]", "]", "]", " b"], LABELS, "b"),
        (["[[[[a]]]]b"], LABELS, "]b"),
        (["a[[[b", "User:", "c]]]d"], LABELS, "a[[[b"),
        (["[[[a", "]]] b"], ("]]",), "[[[a"),
        (["a [[", "[b]]", "]"], (), "a"),
        (["", "a", "", " ", ""], ("", ""), "a"),
        ([], LABELS, ""),
        ([" \n "], LABELS, ""),
        (["Agent:"], LABELS, ""),
        (["Age"], LABELS, "Age"),
    ],
)
def test_result(chunks: list[str], stops: Sequence[str], result: str) -> None:
    assert "".join(run(TextPipeline(stops, LABELS), chunks)) == result


def test_checks_and_filter_can_be_skipped() -> None:
    pipeline = TextPipeline(("\n",), LABELS, skip_filter=True, skip_checks=True)
    assert run(pipeline, ["Agent: [[[a]]]", " b", "\nc"]) == ["Agent: [[[a]]]", " b", "", ""]
    assert run(TextPipeline(("\n",), LABELS, skip_checks=True), ["\nAgent: a"]) == ["", ""]


def test_nothing_is_taken_after_the_end() -> None:
    pipeline = TextPipeline((), ())
    assert run(pipeline, ["a "]) == ["a", ""]
    assert pipeline.feed("b") == pipeline.finish() == ""
    assert pipeline.original == "a"
    assert not pipeline.done


def test_default_stops_name_the_speakers_once() -> None:
    assert default_stops("Mia", "Sue") == ("Agent:", "User:", "Mia:", "Sue:")
    assert default_stops("Agent", " ") == ("Agent:", "User:")


def test_provider_gets_no_stop_that_a_label_would_set_off() -> None:
    stops = ("User:", "\n", "###", "", "er", "> Mia:", "###")
    assert provider_stops(stops, (*LABELS, " "), skip_checks=False) == ("\n", "###")
    assert provider_stops(stops, LABELS, skip_checks=True) == ("User:", "\n", "###", "er", "> Mia:")
    assert provider_stops((), LABELS, skip_checks=False) == ()
