"""Attempts, pauses and deadlines of one generation, on the virtual clock."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz import examples
from skillrt import Chunk, Context, Deadlines, ProviderError, Usage
from skillrt.actions.generation import gen, gen_stream
from skillrt.manifest import ABI
from skillrt.retries import pause_s

pytestmark = pytest.mark.anyio

__abi__ = ABI
__manifest__: dict[str, Any] = {"idn": "retries", "skills": {}}

ACTIONS = {"Gen": gen, "GenStream": gen_stream}


async def Ask(ctx: Context, /, *, action: str, **settings: Any) -> Any:
    with ctx.skill("Ask"):
        return await ACTIONS[action](ctx, **settings)


async def asked(stage: Any, action: str = "GenStream", **settings: Any) -> Any:
    """The outcome of one generation, the clock jumping wherever everything waits."""
    runs = []

    async def host(tasks: Any) -> None:
        runs.append(await stage.run(Ask, arguments={"action": action, **settings}))
        tasks.cancel_scope.cancel()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stage.clock.run)
        tasks.start_soon(host, tasks)
    (outcome,) = runs[0].outcomes
    assert runs[0].result == (outcome.generated if outcome.outcome == "completed" else "")
    assert stage.provider.open == 0
    return outcome


def status(code: int, retry_after_s: float | None = None) -> ProviderError:
    return ProviderError("status", f"HTTP {code}", status=code, retry_after_s=retry_after_s)


RETRIED = [
    (ProviderError("transport", "connection reset"), "failed(provider)"),
    (ProviderError("timeout", "read timed out"), "failed(timeout)"),
    (ProviderError("truncated", "no finish reason"), "failed(truncated)"),
    (ProviderError("protocol", "no JSON"), "failed(protocol)"),
    (status(408), "failed(provider)"),
    (status(409), "failed(provider)"),
    (status(429), "failed(provider)"),
    (status(500), "failed(provider)"),
    (status(503), "failed(provider)"),
    (status(529), "failed(provider)"),
    (ProviderError("status", "error in the stream", retryable=True), "failed(provider)"),
    (Chunk("  \n", "stop"), "failed(empty)"),
    (Chunk("", "length"), "failed(empty)"),
    (Chunk("[[[only a note]]]", "stop"), "failed(empty)"),
]
FINAL = [
    (status(400), "failed(provider)"),
    (status(401), "failed(provider)"),
    (status(403), "failed(provider)"),
    (status(404), "failed(provider)"),
    (status(413), "failed(provider)"),
    (status(422), "failed(provider)"),
    (status(302), "failed(provider)"),
    (ProviderError("status", "error in the stream"), "failed(provider)"),
    (ProviderError("refused", "blocked"), "failed(refused)"),
    (Chunk("", "content_filter"), "failed(refused)"),
    (Chunk("", "stop", refused=True), "failed(refused)"),
]


@pytest.mark.parametrize("action", ["Gen", "GenStream"])
@pytest.mark.parametrize(("failure", "outcome"), RETRIED, ids=str)
async def test_failure_is_tried_again(stage: Any, failure: Any, outcome: str, action: str) -> None:
    stage.script([failure])
    ended = await asked(stage, action, max_retries=5)
    assert ended.outcome == outcome
    assert ended.attempts == len(stage.provider.requests) == 6
    assert ended.total_s == 0.5 + 1 + 2 + 4 + 8


@pytest.mark.parametrize("action", ["Gen", "GenStream"])
@pytest.mark.parametrize(("failure", "outcome"), FINAL, ids=str)
async def test_failure_is_final(stage: Any, failure: Any, outcome: str, action: str) -> None:
    stage.script([failure])
    ended = await asked(stage, action)
    assert ended.outcome == outcome
    assert (ended.attempts, ended.total_s) == (1, 0.0)


async def test_second_attempt_answers(stage: Any) -> None:
    stage.script([status(503)], [Chunk(" ", "stop")], ["Hello."])
    ended = await asked(stage)
    assert (ended.outcome, ended.generated, ended.cause) == ("completed", "Hello.", "")
    assert (ended.attempts, ended.total_s) == (3, 1.5)


async def test_no_retries_means_one_attempt(stage: Any) -> None:
    stage.script([status(503)])
    assert (await asked(stage, max_retries=0)).attempts == 1


async def test_longer_retry_after_wins(stage: Any) -> None:
    stage.script([status(429, 30.0)], [status(429, 0.1)], ["Hello."])
    ended = await asked(stage)
    assert (ended.outcome, ended.total_s) == ("completed", 30.0 + 1.0)


async def test_pause_beyond_the_total_deadline_is_not_waited_for(stage: Any) -> None:
    stage.script([status(429, 121.0)], ["Never."])
    ended = await asked(stage)
    assert (ended.outcome, ended.attempts, ended.total_s) == ("failed(provider)", 1, 0.0)


@examples(100, 10_000)
@given(attempt=st.integers(1, 20), seed=st.integers(), asked_s=st.none() | st.floats(0, 100))
def test_pause_lies_within_a_quarter_below_its_step(
    attempt: int, seed: int, asked_s: float | None
) -> None:
    """0.5 s doubled each time, at most 8 s, shortened by up to a quarter, and never below Retry-After."""
    step = min(8.0, 0.5 * 2 ** (attempt - 1))
    pause = pause_s(attempt, asked_s, Random(seed))
    assert max(0.75 * step, asked_s or 0) <= pause <= max(step, asked_s or 0)


# deadlines


@pytest.mark.parametrize("action", ["Gen", "GenStream"])
async def test_silence_before_the_first_content_is_tried_again(stage: Any, action: str) -> None:
    """Empty chunks are no content."""
    silent = [stage.at(14.0), Chunk(""), stage.at(16.0), "too late"]
    stage.script(silent, ["Hello."])
    ended = await asked(stage, action)
    assert (ended.outcome, ended.attempts) == ("completed", 2)
    assert ended.total_s == 15.0 + 0.5


async def test_silence_in_every_attempt_is_a_timeout(stage: Any) -> None:
    stage.script([anyio.sleep_forever])
    ended = await asked(stage, max_retries=1)
    assert (ended.outcome, ended.attempts) == ("failed(timeout)", 2)
    assert ended.cause == "no content from the model for 15 s"
    assert ended.total_s == 15.0 + 0.5 + 15.0


async def test_silence_between_contents_is_tried_again_by_gen_alone(stage: Any) -> None:
    """Gen delivers nothing, so nothing would be heard twice."""
    stalls = ["One", stage.at(10.0), " two", stage.at(500.0), " three"]
    stage.script(stalls, ["Hello."])
    ended = await asked(stage, "Gen")
    assert (ended.outcome, ended.generated) == ("completed", "Hello.")
    assert (ended.attempts, ended.total_s) == (2, 25.5)
    start = stage.clock.now()
    stage.provider = None
    del stage.runtime
    stage.script(["One", stage.at(start + 10.0), " two", stage.at(start + 500.0)], ["Never."])
    runs = []

    async def host(tasks: Any) -> None:
        runs.append(await stage.run(Ask, arguments={"action": "GenStream"}))
        tasks.cancel_scope.cancel()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stage.clock.run)
        tasks.start_soon(host, tasks)
    assert (runs[0].result, runs[0].result.outcome) == ("One two", "failed(partial)")
    assert runs[0].outcomes[0].total_s == 25.0


@pytest.mark.parametrize("action", ["Gen", "GenStream"])
async def test_silence_after_the_finish_reason_costs_nothing_but_time(
    stage: Any, action: str
) -> None:
    stage.script(["Hello.", Chunk("", "stop"), anyio.sleep_forever], ["Never."])
    ended = await asked(stage, action)
    assert (ended.outcome, ended.generated, ended.attempts) == ("completed", "Hello.", 1)
    assert ended.total_s == 15.0


async def test_usage_is_that_of_the_last_attempt(stage: Any) -> None:
    blank = [Chunk(" ", "stop", Usage(7, 9))]
    stage.script(blank, ["One two three four.", Chunk("", "stop")])
    assert (await asked(stage)).usage == Usage(0, 4, estimated=True)
    stage.script(blank, ["One.", Chunk("", "stop", Usage(7, 2))])
    del stage.runtime
    assert (await asked(stage)).usage == Usage(7, 2)


async def test_whole_generation_has_a_deadline(stage: Any) -> None:
    """Content that keeps coming does not extend it."""
    stage.options = replace(stage.options, deadlines=Deadlines(total_s=42.0))
    stage.script([step for n in range(100) for step in (stage.at(10.0 * n), f"{n}")])
    ended = await asked(stage, "Gen")
    assert (ended.outcome, ended.attempts, ended.total_s) == ("failed(timeout)", 1, 42.0)
    assert ended.cause == "the generation took longer than 42 s"


@pytest.mark.parametrize("action", ["Gen", "GenStream"])
async def test_any_deadline_can_be_the_shortest(stage: Any, action: str) -> None:
    stage.options = replace(stage.options, deadlines=Deadlines(total_s=1.0))
    stage.script([anyio.sleep_forever])
    ended = await asked(stage, action)
    assert (ended.outcome, ended.attempts, ended.total_s) == ("failed(timeout)", 1, 1.0)


async def test_deadline_covers_the_wait_for_the_response(stage: Any) -> None:
    class Deaf:
        open = 0

        def stream(self, request: Any) -> Any:
            return self

        async def __aenter__(self) -> Any:
            await anyio.sleep_forever()

        async def __aexit__(self, *error: object) -> None:
            raise AssertionError("was never entered")

    stage.provider = Deaf()
    assert (await asked(stage, max_retries=0)).outcome == "failed(timeout)"


# what the checks let through


async def test_without_checks_anything_is_a_reply(stage: Any) -> None:
    stage.script([Chunk(" ", "content_filter")])
    ended = await asked(stage, skip_checks=True)
    assert (ended.outcome, ended.attempts, ended.generated) == ("completed", 1, "")
    assert ended.finish == "content_filter"


async def test_stop_sequence_counts_even_if_the_rest_fails(stage: Any) -> None:
    stage.script(["One.User:", ProviderError("transport", "reset")])
    ended = await asked(stage)
    assert (ended.outcome, ended.generated) == ("completed", "One.")
