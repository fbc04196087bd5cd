"""The prompt machine: role tags that do not pair up, and captures."""

from __future__ import annotations

import pytest

from skillrt.errors import LimitError
from skillrt.prompt import MAX_CAPTURES, Prompt


def said(prompt: Prompt) -> list[tuple[str, str]]:
    return [(message.role, message.content) for message in prompt.messages]


def test_opening_a_role_ends_the_one_before() -> None:
    prompt = Prompt()
    prompt.open_role("system")
    prompt.write("S")
    prompt.open_role("user")
    prompt.write("U")
    prompt.close_role()
    prompt.write("x")
    prompt.close_role()
    assert said(prompt) == [("system", "S"), ("user", "U")]
    assert prompt.outside == "x"


def test_a_role_tag_inside_a_block_takes_its_place() -> None:
    prompt = Prompt()
    with prompt.role("system"):
        prompt.write("S")
        prompt.open_role("user")
        prompt.write("U")
    prompt.write("x")
    assert said(prompt) == [("system", "S"), ("user", "U")]
    assert prompt.outside == "x"


def test_a_capture_leaves_roles_and_messages_alone() -> None:
    prompt = Prompt()
    with prompt.role("system"):
        prompt.write("S")
        with prompt.capture() as pieces:
            prompt.write("a")
            with prompt.capture() as inner:
                prompt.write("b")
            prompt.open_role("user")
            prompt.write("c")
            assert [m.content for m in prompt.current_messages()] == ["S"]
    assert (pieces, inner) == (["a", "c"], ["b"])
    assert said(prompt) == [("system", "S")]


def test_captured_text_counts_where_it_is_printed() -> None:
    prompt = Prompt(limit_chars=10)
    for _ in range(5):
        with prompt.capture():
            prompt.write("12345678")
    prompt.write("12345678")
    with pytest.raises(LimitError), prompt.capture():
        prompt.write("123")


def test_captures_end_however_they_are_left() -> None:
    prompt = Prompt()
    with pytest.raises(ValueError, match="no"), prompt.capture():
        raise ValueError("no")
    prompt.write("x")
    assert prompt.outside == "x"


def test_captures_are_not_endless() -> None:
    prompt = Prompt()

    def deeper(levels: int) -> None:
        if levels:
            with prompt.capture():
                deeper(levels - 1)

    deeper(MAX_CAPTURES)
    with pytest.raises(LimitError, match="more than 64 levels deep"):
        deeper(MAX_CAPTURES + 1)
