"""Regular expressions of templates that would search for years, and those that only look like it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

import anyio
import anyio.to_thread
import pytest

from skillrt import guards, values
from skillrt.errors import LimitError
from skillrt.modules import MODULES
from skillrt.schema import schema_test
from skillrt.timed import timed

ENDLESS = r"(a+)+$"
AS = "a" * 40 + "!"
MOST = guards.MAX_MATCHED


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of the usual time, so that the tests end sooner."""
    monkeypatch.setattr("skillrt.timed.SEARCH_S", 0.05)


def called(function: str, *args: Any) -> Any:
    return values.call(values.get(MODULES["re"], function), *args)


@pytest.mark.parametrize(
    ("function", "args"),
    [
        ("match", (ENDLESS, AS)),
        ("fullmatch", (r"(a|aa)+", AS)),
        ("search", (r"\s+$", " " * (MOST - 1) + "!")),
        ("findall", (r"(?:(?:a?){30}){30}b", AS)),
        ("finditer", (r".*?a.*?b", "a" * MOST)),
        ("split", (r"a*a*a*b", "a" * MOST)),
        ("sub", (r"(.*)\1x", "-", "a" * 20_000)),
        ("subn", (r"(\w+,)*x", "-", "a," * (MOST // 2))),
    ],
)
def test_a_search_that_would_take_years_is_ended(function: str, args: tuple[Any, ...]) -> None:
    with pytest.raises(LimitError, match=r"a regular expression took more than 0\.05 s"):
        called(function, *args)
    assert called("search", "b", "abc")[0] == "b", "the next one has its own time"


def test_a_pattern_that_takes_long_to_be_compiled_is_ended() -> None:
    with pytest.raises(LimitError, match="took more than"):
        called("compile", "[\u0100-\uffff]" * 2000, re.IGNORECASE)


def test_a_search_inside_a_replacement_shares_its_time() -> None:
    pattern = called("compile", "a")
    inner = values.get(called("compile", ENDLESS), "match")
    with pytest.raises(LimitError, match="took more than"):
        values.call(values.get(pattern, "sub"), lambda found: inner(AS) or "", "a")
    assert (
        values.call(values.get(pattern, "sub"), lambda found: called("escape", "."), "a") == r"\."
    )


@pytest.mark.parametrize("size", [MOST + 1, 10 * MOST])
def test_a_text_that_is_too_long_is_not_searched(size: int) -> None:
    with pytest.raises(LimitError, match="too long to search in"):
        called("search", "b", "a" * size)


def test_a_schema_is_not_satisfied_by_what_its_pattern_does_not_end_with() -> None:
    satisfies = schema_test({"type": "string", "pattern": ENDLESS})
    assert satisfies("aaa")
    assert not satisfies(AS)


@pytest.mark.anyio
async def test_tasks_go_on_after_a_search_was_ended() -> None:
    with pytest.raises(LimitError):
        called("match", ENDLESS, AS)
    await anyio.sleep(0.001)
    assert await anyio.to_thread.run_sync(called, "sub", "a", "b", "cab") == "cbb"


@pytest.fixture
def foreign() -> Iterator[list[int]]:
    """The signals that a handler of the host's has seen."""
    seen: list[int] = []

    def handler(signum: int, _frame: FrameType | None) -> None:
        seen.append(signum)

    before = signal.signal(signal.SIGVTALRM, handler)
    yield seen
    signal.signal(signal.SIGVTALRM, before)


def test_a_timer_of_the_host_is_left_alone(foreign: list[int]) -> None:
    signal.setitimer(signal.ITIMER_VIRTUAL, 60.0)
    try:
        assert called("search", "b", "abc")[0] == "b"
        remaining_s, _ = signal.getitimer(signal.ITIMER_VIRTUAL)
        assert remaining_s > 0.5
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    assert foreign == []


def test_a_signal_that_comes_late_ends_nothing() -> None:
    assert timed(len)("abc") == 3
    signal.raise_signal(signal.SIGVTALRM)
    assert called("match", "a", "a")[0] == "a"


def test_nothing_is_installed_before_the_first_search() -> None:
    code = "import signal, skillrt.modules; assert not signal.getsignal(signal.SIGVTALRM)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
