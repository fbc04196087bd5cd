"""Generation for the skill itself: Gen, FastPrompt, Summarize, translation."""

from __future__ import annotations

import logging
from typing import Any

import anyio
import pytest

from skillrt import ActionError, Agent, Context, Decision, ProviderError, Runtime
from skillrt.actions.generation import (
    choose,
    cut_text,
    cut_words,
    fast_prompt,
    gen,
    summarize,
    summarize_text,
    translate_text,
    without_fence,
)
from skillrt.manifest import ABI
from skillrt.testing.provider import ScriptedProvider
from skillrt.values import UNDEFINED, DslList, JsonText

pytestmark = pytest.mark.anyio

__abi__ = ABI
__manifest__: dict[str, Any] = {"idn": "generation", "skills": {}}


async def Call(ctx: Context, /, *, function: Any, written: str = "", **arguments: Any) -> Any:
    with ctx.skill("Call") as out:
        with out.role("system"):
            out.write(written)
        return await function(ctx, **arguments)


async def called(stage: Any, function: Any, **arguments: Any) -> Any:
    """The value of one call, and its run."""
    return await stage.run(Call, arguments={"function": function, **arguments})


async def test_gen_drops_the_speaker_label(stage: Any) -> None:
    stage.script(["Agent:", " Yes."])
    run = await called(stage, gen, temperature=0.0)
    assert run.result == "Yes."
    assert stage.sink.messages == []
    assert await stage.memory() == ["U: hi"]
    assert run.outcomes[0].action == "Gen"


async def test_gen_that_fails_is_empty_logged_and_traced(
    stage: Any, caplog: pytest.LogCaptureFixture
) -> None:
    stage.script([ProviderError("status", "HTTP 401: bad key", status=401)])
    with caplog.at_level(logging.WARNING, "skillrt"):
        run = await called(stage, gen)
    assert run.result == ""
    assert run.outcomes[0].outcome == "failed(provider)"
    (record,) = caplog.records
    assert record.getMessage() == "Gen: failed(provider): HTTP 401: bad key"
    assert record.exc_info is None
    assert (record.action, record.code) == ("Gen", None)


NEEDS_N: dict[str, Any] = {
    "type": "object",
    "required": ["n"],
    "properties": {"n": {"$ref": "#/$defs/count"}},
    "$defs": {"count": {"type": "integer", "minimum": 1}},
}


async def validated(stage: Any, schema: dict[str, Any], **settings: Any) -> Any:
    """The run of a Gen whose reply must satisfy a schema; pauses between attempts take no time."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stage.clock.run)
        try:
            return await called(stage, gen, json_schema=schema, validate_schema=True, **settings)
        finally:
            tasks.cancel_scope.cancel()


@pytest.mark.parametrize(
    "refused",
    ["not json", '{"n": 2', "{}", "[1]", '{"n": "2"}', '{"n": 0}', '{"n": 1.5}', '{"n": true}'],
)
async def test_gen_tries_again_until_the_schema_is_satisfied(stage: Any, refused: str) -> None:
    stage.script([refused], ['```json\n{"n": 2}\n```'])
    run = await validated(stage, NEEDS_N)
    assert run.result == '{"n": 2}'
    assert isinstance(run.result, JsonText)
    assert run.result.content == {"n": 2}
    assert run.outcomes[0].attempts == 2
    assert run.requests[0].json_schema == NEEDS_N


async def test_gen_gives_up_on_a_schema_after_its_retries(stage: Any) -> None:
    stage.script(["{}"])
    run = await validated(stage, NEEDS_N, max_retries=2)
    assert run.result == ""
    assert run.outcomes[0].outcome == "failed(schema)"
    assert run.outcomes[0].attempts == 3


async def test_gen_takes_any_json_when_the_schema_is_not_to_be_validated(stage: Any) -> None:
    stage.script(["{}"])
    run = await called(stage, gen, json_schema=NEEDS_N)
    assert isinstance(run.result, JsonText)
    assert run.outcomes[0].attempts == 1


@pytest.mark.parametrize(
    ("schema", "requests", "reason"),
    [
        ({"type": "objekt"}, 0, "'objekt' is not valid under any of the given schemas"),
        ({"pattern": "("}, 0, "'(' is not a 'regex'"),
        ({"$ref": "#/$defs/n"}, 1, "PointerToNowhere: '/$defs/n' does not exist"),
        ({"$ref": "http://localhost/n.json"}, 1, "Unresolvable: http://localhost/n.json"),
    ],
)
async def test_gen_blames_what_is_no_schema(
    stage: Any, schema: dict[str, Any], requests: int, reason: str
) -> None:
    """A wrong schema is the skill's fault and no failed attempt, and what it refers to is never fetched."""
    stage.script(["{}"])
    with pytest.raises(ActionError) as caught:
        await called(stage, gen, json_schema=schema, validate_schema=True)
    message = str(caught.value)
    assert message.startswith(f"Gen: parameter 'jsonSchema': expected a JSON schema: {reason}")
    assert len(stage.provider.requests) == requests
    assert stage.provider.open == 0


async def test_gen_does_not_take_what_nests_too_deep_to_be_validated(stage: Any) -> None:
    stage.script(["[]"])
    run = await validated(stage, {"$ref": "#"}, max_retries=0)
    assert run.outcomes[0].outcome == "failed(schema)"


@pytest.mark.parametrize(
    ("reply", "choice"),
    [
        ("no", "no"),
        (" No\n", "No"),
        ("NOBODY", "nobody"),
        ("It is nobody, really", "nobody"),
        ("i don't know", "no"),
        ("Maybe", "yes"),
        ("Y E S", "yes"),
        ("that one", " that one "),
        ("I mean that one", " that one "),
    ],
)
async def test_select_takes_the_option_that_the_reply_means(
    stage: Any, reply: str, choice: str
) -> None:
    stage.script([reply])
    options = ["yes", "no", "No", "nobody", " that one "]
    run = await called(stage, choose, options=options)
    assert run.result == choice
    assert run.requests[0].choices == ("yes", "no", "No", "nobody", "that one")
    assert run.outcomes[0].action == "select"


@pytest.mark.parametrize(
    ("options", "choices"),
    [
        ("a b", ("a b",)),
        ('["a", "b"]', ("a", "b")),
        (DslList(["a", 2, "", " ", "a "]), ("a", "2")),
    ],
)
async def test_select_takes_options_as_text_parameters_do(
    stage: Any, options: object, choices: tuple[str, ...]
) -> None:
    run = await called(stage, choose, options=options)
    assert run.requests[0].choices == choices
    assert run.result == "a b" if len(choices) == 1 else "a"


@pytest.mark.parametrize("options", [[], "", None, UNDEFINED, ["", " "]])
async def test_select_without_options_asks_nobody(
    stage: Any, options: object, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "skillrt"):
        run = await called(stage, choose, options=options)
    assert run.result == ""
    assert stage.provider.requests == []
    assert [record.getMessage() for record in caplog.records] == ["select: there are no options"]


async def test_select_of_a_model_that_is_down_is_empty(stage: Any) -> None:
    stage.script([ProviderError("status", "HTTP 401: bad key", status=401)])
    run = await called(stage, choose, options=["yes", "no"])
    assert run.result == ""
    assert run.outcomes[0].outcome == "failed(provider)"


async def test_select_of_what_is_no_list_is_the_fault_of_the_skill(stage: Any) -> None:
    with pytest.raises(ActionError, match="select: parameter 'options': expected texts, got 3"):
        await called(stage, choose, options=3)


async def test_gen_with_a_schema_keeps_brackets_and_labels(stage: Any) -> None:
    stage.script(['[[[1]]], "User: hi"'])
    run = await called(stage, gen, json_schema={"type": "array"})
    assert run.result == '[[[1]]], "User: hi"'
    assert not isinstance(run.result, JsonText)


async def test_gen_can_be_interrupted_without_a_result(stage: Any) -> None:
    stage.script(["One", stage.at(9.0), " two"], ["Next."])
    runs = []

    async def host() -> None:
        runs.append(await called(stage, gen))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(host)
        await stage.clock.advance(1.0)
        assert stage.runtime.offer(stage.event(), "queue") == (Decision.QUEUED, False)
        assert stage.runtime.offer(stage.event(), "interrupt") == (Decision.QUEUED, False)
        await stage.clock.advance(0.0)
        assert len(runs) == 1
    assert runs[0].interrupted
    assert runs[0].result == ""
    assert stage.provider.open == 0


async def test_empty_prompt_falls_back_to_the_agent_and_the_message(stage: Any) -> None:
    stage.agent = Agent(idn="clerk", title="Clerk of the harbour", description="Rents boats.")
    run = await called(stage, gen)
    assert [(m.role, m.content) for m in run.requests[0].messages] == [
        ("system", "Clerk of the harbour\nRents boats."),
        ("user", "hi"),
    ]


async def test_empty_prompt_of_an_agent_without_a_title_is_the_message(stage: Any) -> None:
    stage.agent = Agent(idn="clerk", title="clerk")
    run = await called(stage, gen)
    assert [(m.role, m.content) for m in run.requests[0].messages] == [("user", "hi")]


async def test_fast_prompt_asks_its_own_question(stage: Any) -> None:
    stage.script(["Agent: hi"])
    run = await called(stage, fast_prompt, prompt="Say hi", max_tokens=5)
    assert run.result == ""  # the label is a stop, and without checks nothing drops it first
    request = run.requests[0]
    assert [(m.role, m.content) for m in request.messages] == [("user", "Say hi")]
    assert request.max_tokens == 5


async def test_fast_prompt_without_a_question_takes_the_prompt(stage: Any) -> None:
    run = await called(stage, fast_prompt)
    assert run.result == "Hello."
    assert [m.content for m in run.requests[0].messages] == ["hi"]


@pytest.mark.parametrize(
    ("max_len", "reply", "result"),
    [
        ("10", "a longer summary", "a longer"),
        ("5 words", "one two three four five six", "one two three four five"),
        ("short", "x" * 300, "x" * 200),
        (" long ", "y" * 300, "y" * 300),
    ],
)
async def test_summarize_cuts_at_a_word(stage: Any, max_len: str, reply: str, result: str) -> None:
    stage.script([reply])
    run = await called(stage, summarize, input_text="word " * 400, max_len=max_len)
    assert run.result == result


@pytest.mark.parametrize(("text", "result"), [("", ""), (" \n", ""), ("Table for two.",) * 2])
async def test_summarize_without_need_asks_nobody(stage: Any, text: str, result: str) -> None:
    run = await called(stage, summarize, input_text=text, max_len="200")
    assert run.result == result
    assert stage.provider.requests == []


async def test_summarize_refuses_another_length(stage: Any) -> None:
    with pytest.raises(ActionError) as raised:
        await called(stage, summarize, input_text="x", max_len="a little")
    assert str(raised.value) == (
        "Summarize: parameter 'maxLen': expected a number, a number of words, short, medium or long, "
        "got 'a little'"
    )


async def test_helpers_give_nothing_on_failure(stage: Any) -> None:
    stage.script([ProviderError("status", "HTTP 401", status=401)])

    async def both(ctx: Context) -> list[str]:
        return [
            await summarize_text(ctx, "word " * 100, 20),
            await translate_text(ctx, "bonjour"),
            await translate_text(ctx, " "),
            await summarize_text(ctx, "short", 20),
        ]

    run = await called(stage, both)
    assert run.result == ["", "", "", "short"]


async def test_translation_keeps_speaker_labels() -> None:
    provider = ScriptedProvider(["User: hello"])
    runtime = Runtime(provider=provider)

    async def translated(ctx: Context) -> str:
        return await translate_text(ctx, "User: bonjour")

    run = await runtime.run(Call, message="hi", arguments={"function": translated})
    assert run.result == "hello"
    assert provider.requests[0].messages[-1].content == "User: bonjour"


@pytest.mark.parametrize(
    ("text", "limit", "result"),
    [("one two", 7, "one two"), ("one two", 6, "one"), ("one two", 3, "one"), ("onetwo", 3, "one")],
)
def test_cut_text_ends_with_a_whole_word(text: str, limit: int, result: str) -> None:
    assert cut_text(text, limit) == result


def test_cut_words_keeps_what_fits() -> None:
    assert cut_words("one  two\nthree", 2) == "one  two"
    assert cut_words("one two", 2) == "one two"


@pytest.mark.parametrize(
    ("reply", "inside"),
    [
        ("```json\n{}\n```", "{}"),
        ("```\n[1,\n2]```", "[1,\n2]"),
        ("{}", "{}"),
        ("see ```x```", "see ```x```"),
    ],
)
def test_without_fence_removes_one_fence_around_everything(reply: str, inside: str) -> None:
    assert without_fence(reply) == inside
