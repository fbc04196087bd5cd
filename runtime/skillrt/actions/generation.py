"""Text from a model: streamed to the user, or for the skill itself."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Annotated, Final

from skillrt.catalogue import ActionParameter, Effect, action
from skillrt.context import Context
from skillrt.debug import log_at_place
from skillrt.errors import ActionError
from skillrt.generate import Generation, Plan, plan_generation
from skillrt.interrupts import InterruptMode
from skillrt.kinds import (
    Flag,
    Ids,
    Int,
    JsonObject,
    Kind,
    Name,
    Num,
    Range,
    Text,
    Texts,
    as_texts,
)
from skillrt.llm.base import Message
from skillrt.outcome import COMPLETED, EMPTY_PROMPT, NO_RECIPIENTS, Outcome
from skillrt.recipients import SendTo, find_recipients
from skillrt.schema import schema_test
from skillrt.stream import Stream
from skillrt.values import JsonText, Reply, load_json
from skillrt.watchdog import Watchdog, beside

__all__ = ("choose", "fast_prompt", "gen", "gen_stream", "summarize")

LENGTHS: Final = {"short": "200", "medium": "500", "long": "1000"}
OPTIONS: Final = ActionParameter("options", "options", Kind.TEXTS, required=True)


@action(
    "GenStream",
    effects=Effect.LLM | Effect.IO | Effect.WRITE,
    point="all",
    aliases=("genstream",),
    prints=True,
)
async def gen_stream(
    ctx: Context,
    *,
    interrupt_mode: InterruptMode = "interrupt",
    interrupt_window: Annotated[Num, Range(0)] | None = None,
    send_to: SendTo = "currentActor",
    actor_ids: Ids | None = None,
    temperature: Annotated[Num, Range(0, 2)] = 0.75,
    stop: Texts | None = None,
    max_tokens: Annotated[Int, Range(1)] | None = None,
    top_p: Annotated[Num, Range(0, 1)] = 1.0,
    skip_filter: Flag = False,
    skip_checks: Flag = False,
    max_retries: Annotated[Int, Range(0, 10)] = 5,
    name: Name | None = None,
    hidden: Flag = False,
    thinking_budget: Annotated[Int, Range(-1)] | None = None,
    model_idn: Name | None = None,
    provider_idn: Name | None = None,
) -> Reply:
    """Generate a reply and deliver it to actors while it is made.

    Args:
        ctx: the execution.
        interrupt_mode: whether a new event cuts the stream: at any time, within a window, never.
        interrupt_window: the window, in seconds from the first delivery.
        send_to: whom it goes to: the current actor, the one that wrote last, or `actor_ids`.
        actor_ids: the actors, for `send_to="actors"`; an empty list is nobody.
        temperature: 0 to 2.
        stop: texts that end the reply; by default the speaker labels, [] is none.
        max_tokens: an upper limit for the reply.
        top_p: 0 to 1.
        skip_filter: keep what stands in `[[[...]]]`.
        skip_checks: take the reply as it comes: blank, refused, with a speaker label.
        max_retries: further attempts as long as nothing was delivered.
        name: the variable the template assigns the reply to.
        hidden: whether the template prints the reply.
        thinking_budget: tokens for reasoning; 0 is none, -1 the model's own choice.
        model_idn: another model than the skill's.
        provider_idn: another provider than the skill's.

    Returns:
        What was delivered (of several actors the longest), with `.interrupted`, `.failed` and `.outcome`; "" when
        there was nobody to send to, nothing to ask, or no reply after all attempts.

    Raises:
        StoreError: what was delivered could not be recorded.
    """
    if interrupt_mode == "interruptWindow" and interrupt_window is None:
        interrupt_mode = "interrupt"
        cause = "interruptMode 'interruptWindow' without 'interruptWindow' means 'interrupt'"
        log_at_place(logging.WARNING, "GenStream", cause, code="SK805")
    await ctx.execution.point()
    plan = plan_generation(
        ctx,
        temperature=temperature,
        stop=stop,
        max_tokens=max_tokens,
        top_p=top_p,
        skip_filter=skip_filter,
        skip_checks=skip_checks,
        max_retries=max_retries,
        thinking_budget=thinking_budget,
        model_idn=model_idn,
        provider_idn=provider_idn,
    )
    with ctx.execution.waiting():
        recipients = await find_recipients(ctx, "GenStream", send_to, actor_ids)
    if not recipients:
        return Reply("", _not_asked(ctx, "GenStream", NO_RECIPIENTS))
    if not plan.sendable:
        return Reply("", _not_asked(ctx, "GenStream", EMPTY_PROMPT))
    return await Stream(ctx, plan, recipients, interrupt_mode, interrupt_window or 0.0).run()


@action("Gen", effects=Effect.LLM, point="all", aliases=("gen",))
async def gen(
    ctx: Context,
    *,
    temperature: Annotated[Num, Range(0, 2)] = 0.75,
    stop: Texts | None = None,
    max_tokens: Annotated[Int, Range(1)] | None = None,
    top_p: Annotated[Num, Range(0, 1)] = 1.0,
    skip_filter: Flag = False,
    skip_checks: Flag = False,
    max_retries: Annotated[Int, Range(0, 10)] = 5,
    json_schema: JsonObject | None = None,
    validate_schema: Flag = False,
    name: Name | None = None,
    hidden: Flag = False,
    thinking_budget: Annotated[Int, Range(-1)] | None = None,
    model_idn: Name | None = None,
    provider_idn: Name | None = None,
) -> str:
    """Generate a reply for the skill; nothing is sent or remembered.

    Args:
        ctx: the execution.
        temperature: 0 to 2.
        stop: texts that end the reply; by default the speaker labels (none with a schema), [] is none.
        max_tokens: an upper limit for the reply.
        top_p: 0 to 1.
        skip_filter: keep what stands in `[[[...]]]`, as with a schema.
        skip_checks: take the reply as it comes: blank, refused, with a speaker label.
        max_retries: further attempts.
        json_schema: what the reply must look like; handed to the model.
        validate_schema: try again when the reply is no JSON, or not what the schema asks for.
        name: the variable the template assigns the reply to.
        hidden: whether the template prints the reply.
        thinking_budget: tokens for reasoning; 0 is none, -1 the model's own choice.
        model_idn: another model than the skill's.
        provider_idn: another provider than the skill's.

    Returns:
        The reply; with a schema, without a code fence and as JsonText if it parses. "" when there was nothing to
        ask, or no reply after all attempts.

    Raises:
        ActionError: the schema to be satisfied is none.
    """
    plan = plan_generation(
        ctx,
        temperature=temperature,
        stop=stop,
        max_tokens=max_tokens,
        top_p=top_p,
        skip_filter=skip_filter,
        skip_checks=skip_checks,
        max_retries=max_retries,
        thinking_budget=thinking_budget,
        model_idn=model_idn,
        provider_idn=provider_idn,
        json_schema=json_schema,
        accepts=_satisfying(json_schema) if json_schema is not None and validate_schema else None,
    )
    reply = await _generate(ctx, "Gen", plan)
    if json_schema is None:
        return reply
    return parsed(reply) or without_fence(reply)


async def choose(ctx: Context, *, options: object) -> str:
    """Let the model choose one of `options`; nothing is sent or remembered.

    Args:
        ctx: the execution.
        options: a list of texts, or a text that writes one. Blank ones are none, and blanks around one do not
            count when it is compared with the reply.

    Returns:
        The option that the reply is; else is but for case; else the longest one in it; else the first. "" when
        there is no option or nothing to ask, which is no request, or no reply after all attempts.

    Raises:
        ActionError: `options` is no list.

    Source: language reference, Gen, GenStream, gen, select.
    """
    known = [o for o in as_texts.clean(options, OPTIONS, "select", list[str]()) if o.strip()]
    if not known:
        log_at_place(logging.WARNING, "select", "there are no options")
        return ""
    plan = plan_generation(ctx, choices=tuple(dict.fromkeys(option.strip() for option in known)))
    reply = await _generate(ctx, "select", plan)
    return chosen(reply, known) if reply else ""


def chosen(reply: str, options: Sequence[str]) -> str:
    """The option that a reply means; of several that are alike, the first."""
    said = reply.strip()
    for option in options:
        if option.strip() == said:
            return option
    for option in options:
        if option.strip().casefold() == said.casefold():
            return option
    found = [option for option in options if option.strip() in said]
    return max(found, key=lambda option: len(option.strip()), default=options[0])


@action("FastPrompt", effects=Effect.LLM, point="all", priority="B")
async def fast_prompt(
    ctx: Context,
    *,
    prompt: Text | None = None,
    temperature: Annotated[Num, Range(0, 2)] = 0.75,
    max_tokens: Annotated[Int, Range(1)] | None = None,
) -> str:
    """Ask the model one thing, without checks and with one retry.

    Args:
        ctx: the execution.
        prompt: the question; by default the current prompt.
        temperature: 0 to 2.
        max_tokens: an upper limit for the reply.

    Returns:
        The reply; "" when there was none.
    """
    plan = plan_generation(
        ctx,
        messages=None if prompt is None else (Message("user", prompt),),
        temperature=temperature,
        max_tokens=max_tokens,
        skip_checks=True,
        max_retries=1,
    )
    return await _generate(ctx, "FastPrompt", plan)


@action(
    "Summarize",
    effects=Effect.LLM,
    point="all",
    priority="A",
    parameter_aliases={"text": "inputText"},
)
async def summarize(ctx: Context, *, input_text: Text, max_len: Text = "500") -> str:
    """Shorten a text by the model.

    Args:
        ctx: the execution.
        input_text: the text.
        max_len: characters (`"500"`), words (`"50 words"`), or `short`, `medium`, `long` (200, 500, 1000
            characters).

    Returns:
        A text within the limit, cut at a word if the model gave more. A text within it already comes back
        unchanged, a blank one as "", and neither is sent. "" when there was no reply.

    Raises:
        ActionError: `max_len` is none of these.
    """
    wanted = re.fullmatch(r"(\d+)(\s*words?)?", LENGTHS.get(max_len.strip(), max_len.strip()))
    if wanted is None:
        reason = f"expected a number, a number of words, short, medium or long, got '{max_len}'"
        raise ActionError("Summarize", "maxLen", reason)
    limit = int(wanted[1])
    if wanted[2]:
        return await _summarize(ctx, input_text, f"{limit} words", lambda t: cut_words(t, limit))
    return await summarize_text(ctx, input_text, limit)


async def summarize_text(ctx: Context, text: str, limit_chars: int) -> str:
    """A summary of `text` of at most `limit_chars` characters; `text` itself if it fits, "" on failure."""
    return await _summarize(
        ctx, text, f"{limit_chars} characters", lambda reply: cut_text(reply, limit_chars)
    )


async def translate_text(ctx: Context, text: str) -> str:
    """`text` in English; "" on failure or when it is blank."""
    if not text.strip():
        return ""
    order = "Translate the user's text into English. Keep line breaks, names and labels. Answer with it alone."
    return await _transform(ctx, "Translate", order, text)


async def _summarize(ctx: Context, text: str, limit: str, cut: Callable[[str], str]) -> str:
    if not text.strip():
        return ""
    if cut(text) == text:
        return text
    order = f"Summarize the user's text in at most {limit}. Answer with the summary alone."
    return cut(await _transform(ctx, "Summarize", order, text))


def cut_text(text: str, limit: int) -> str:
    """The start of `text` of at most `limit` characters, ending with a whole word if it holds one."""
    if len(text) <= limit:
        return text
    gap = re.search(r"\s+\S*\Z", text[: limit + 1])
    return text[: gap.start()] if gap else text[:limit]


def cut_words(text: str, limit: int) -> str:
    """The start of `text` of at most `limit` words."""
    words = list(re.finditer(r"\S+", text))
    return text if len(words) <= limit else text[: words[limit].start()].rstrip()


def without_fence(reply: str) -> str:
    """The reply without the Markdown code fence around it, if there is one."""
    fenced = re.fullmatch(r"```[^\n]*\n(.*?)\n?```", reply.strip(), re.DOTALL)
    return fenced[1] if fenced else reply


def parsed(reply: str) -> JsonText | None:
    """The JSON that a reply holds, maybe in a code fence; None when it holds none."""
    text = without_fence(reply)
    try:
        load_json(text)
    except ValueError:
        return None
    return JsonText(text)


def _satisfying(schema: dict[str, object]) -> Callable[[str], bool]:
    """Whether a reply is JSON that the schema allows."""

    def satisfies(reply: str) -> bool:
        json = parsed(reply)
        with _blaming_the_schema():
            return json is not None and test(json.content)

    with _blaming_the_schema():
        test = schema_test(schema)
    return satisfies


@contextmanager
def _blaming_the_schema() -> Generator[None]:
    try:
        yield
    except ValueError as error:
        raise ActionError("Gen", "jsonSchema", f"expected a JSON schema: {error}") from None


async def _transform(ctx: Context, action: str, order: str, text: str) -> str:
    """The model's answer to an order about a text; both may hold speaker labels."""
    messages = (Message("system", order), Message("user", text))
    plan = plan_generation(ctx, messages=messages, temperature=0.0, stop=[], skip_filter=True)
    return await _generate(ctx, action, plan)


async def _generate(ctx: Context, action: str, plan: Plan) -> str:
    """Carry out a plan for the skill itself; "" when it fails, which is logged and traced."""
    await ctx.execution.point()
    if not plan.sendable:
        _not_asked(ctx, action, EMPTY_PROMPT)
        return ""
    generation = Generation(ctx, plan)
    watchdog = Watchdog(ctx.clock, generation.limits, generation.shortest_s)

    async def work() -> None:
        try:
            await generation.run()
        finally:
            watchdog.stop()

    with ctx.execution.waiting():
        await beside(watchdog.run, work)
    outcome = generation.ended(action, ctx.frame.skill, generation.outcome, generation.cause, {})
    ctx.note(outcome)
    if outcome.outcome == COMPLETED:
        return outcome.generated
    log_at_place(logging.WARNING, action, f"{outcome.outcome}: {outcome.cause}")
    return ""


def _not_asked(ctx: Context, action: str, outcome: str) -> str:
    """Trace and log that no model was called; the outcome again."""
    code, cause = {
        NO_RECIPIENTS: ("SK801", "there is nobody to send to"),
        EMPTY_PROMPT: ("SK802", "nothing was written and the event has no text"),
    }[outcome]
    ctx.note(Outcome(action=action, skill=ctx.frame.skill, outcome=outcome, cause=cause))
    log_at_place(logging.WARNING, action, f"{outcome}: {cause}", code=code)
    return outcome
