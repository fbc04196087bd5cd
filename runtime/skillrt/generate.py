"""One generation: a request, its attempts and its deadlines. Gen and GenStream differ only in where the text goes.

1. What a failure means stands in retries.py. Nothing is tried again unless all text handed on could be withdrawn.
2. The provider's stream is left at its end or by a cancellation that reaches it inside its iteration, never by
   `break`: only so nothing of it stays open.
3. Per token the reader stores when it began to wait for the model; the watchdog does the rest.

Source: action catalogue, provider contract and retries; constants of the event model.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import anyio

from skillrt.context import Context
from skillrt.errors import ProviderError
from skillrt.llm.base import Chunk, Message, Request, Usage
from skillrt.moderation import Deliver, Moderation
from skillrt.outcome import COMPLETED, INTERRUPTED, Outcome
from skillrt.pipeline import TextPipeline, default_stops, provider_stops
from skillrt.retries import Failure, pause_s, rule_for
from skillrt.trace import AttemptStarted, FirstText
from skillrt.watchdog import Limit

log: Final = logging.getLogger("skillrt")

Withdraw: TypeAlias = Callable[[], bool]

NOT_APPROVED: Final = "the host did not approve what the model said"

# The model's words for its end, lower case, as the providers' documentation lists them.
FINISH: Final[Mapping[str, str]] = {
    "stop": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "content_filter": "content_filter",
    "safety": "content_filter",
    "refusal": "content_filter",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "tool_use": "tool_calls",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an action wants generated, its settings evaluated."""

    request: Request
    stops: tuple[str, ...]
    labels: tuple[str, ...]
    skip_filter: bool = False
    skip_checks: bool = False
    max_retries: int = 5
    accepts: Callable[[str], bool] | None = None

    @property
    def sendable(self) -> bool:
        """Whether there is anything to ask."""
        return bool(self.request.messages) or self.skip_checks


def plan_generation(
    ctx: Context,
    *,
    messages: tuple[Message, ...] | None = None,
    temperature: float = 0.75,
    stop: list[str] | None = None,
    max_tokens: int | None = None,
    top_p: float = 1.0,
    skip_filter: bool = False,
    skip_checks: bool = False,
    max_retries: int = 5,
    thinking_budget: int | None = None,
    model_idn: str | None = None,
    provider_idn: str | None = None,
    json_schema: dict[str, object] | None = None,
    choices: tuple[str, ...] = (),
    accepts: Callable[[str], bool] | None = None,
) -> Plan:
    """Evaluate what is asked for, by default with the current prompt as messages.

    Model and provider are the skill's unless given. With a schema there is no default stop and no filter, since
    JSON holds both.
    """
    provider, model = ctx.models.get(ctx.frame.skill) or ctx.model or (None, None)
    labels = default_stops(ctx.agent.persona.name, ctx.persona.name if ctx.persona else "")
    stops = tuple(stop) if stop is not None else () if json_schema is not None else labels
    request = Request(
        messages=current_prompt(ctx) if messages is None else messages,
        model=model_idn or model,
        provider=provider_idn or provider,
        temperature=temperature,
        top_p=top_p,
        max_tokens=max_tokens,
        stop=provider_stops(stops, labels, skip_checks),
        json_schema=json_schema,
        choices=choices,
        thinking_budget=thinking_budget,
    )
    return Plan(
        request=request,
        stops=stops,
        labels=labels,
        skip_filter=skip_filter or json_schema is not None,
        skip_checks=skip_checks,
        max_retries=max_retries,
        accepts=accepts,
    )


def current_prompt(ctx: Context) -> tuple[Message, ...]:
    """What the skill has written; else who the agent is and what the event said; () when it said nothing.

    Source: action catalogue, provider contract, "Prompt".
    """
    if messages := ctx.frame.current_messages():
        return messages
    if not ctx.act.text.strip():
        return ()
    title = "" if ctx.agent.title == ctx.agent.idn else ctx.agent.title
    about = "\n".join(filter(None, (title.strip(), ctx.agent.description.strip())))
    asked = Message("user", ctx.act.text)
    return (Message("system", about), asked) if about else (asked,)


async def nobody(text: str) -> None:
    """Take a piece that nobody waits for."""


class Generation:
    """A plan carried out; `run` it once, then ask how it ended."""

    def __init__(
        self,
        ctx: Context,
        plan: Plan,
        deliver: Deliver | None = None,
        withdraw: Withdraw = lambda: True,
    ) -> None:
        """With `deliver` every piece of the reply is awaited there as soon as nothing can change it any more.

        When an attempt fails, `withdraw` takes back what it handed on; False: somebody has got some of it.
        """
        self._ctx = ctx
        self._clock = ctx.clock
        self._provider = ctx.provider
        self._deadlines = ctx.options.deadlines
        self._plan = plan
        self._deliver = deliver
        self._moderation: Moderation | None = None
        self._refused = False  # by the moderation
        self._withdraw = withdraw
        self._started = self._clock.now()
        self._away_s = 0.0  # spent waiting for a slow target
        self._heard: float | None = None  # when the wait for the model began, while there is one
        self._patience_s = 0.0
        self._first: float | None = None
        self._expired = ""
        self._scope = anyio.CancelScope()
        self._pipeline = self._new_pipeline()
        self._finish: str | None = None
        self._usage: Usage | None = None
        self._pieces: list[str] = []
        self.stopped = False
        """Set from outside when nobody wants the reply any more: nothing more is delivered or tried."""
        self.outcome = INTERRUPTED
        """`completed` or `failed(...)` once that is certain."""
        self.cause = ""
        self.attempts = 0

    @property
    def shortest_s(self) -> float:
        """The shortest of the deadlines."""
        limits = self._deadlines
        return min(limits.first_content_s, limits.between_contents_s, limits.total_s)

    @property
    def text(self) -> str:
        """The reply as far as it is certain."""
        return "".join(self._pieces)

    @property
    def original(self) -> str:
        """The text before brackets were filtered."""
        return self._pipeline.original

    async def run(self) -> None:
        """Try until there is a reply, a failure for good, or nobody who wants it.

        Cancelled, it leaves a prefix of the reply delivered and nothing open.
        """
        self._ctx.run.requests.append(self._plan.request)
        while True:
            self.attempts += 1
            failure = await self._attempt()
            if failure is None:
                return
            rule = rule_for(failure)
            partial = bool(self._pieces) and not self._withdraw()
            again = rule.retry and self.attempts <= self._plan.max_retries
            pause = pause_s(self.attempts, failure.retry_after_s, self._ctx.random)
            wake = self._clock.now() + pause
            if partial or not again or wake >= self._end:
                # A partial reply is never tried again: the person would hear two beginnings.
                self.outcome = "failed(partial)" if partial else rule.outcome
                self.cause = failure.cause
                return
            log.info("attempt %d failed: %s", self.attempts, failure.cause)
            await self._clock.sleep_until(wake)

    def limits(self) -> Iterator[Limit]:
        """The deadlines in force; none while a slow target is waited for."""
        if self._heard is not None:
            silence = f"no content from the model for {self._patience_s:g} s"
            length = f"the generation took longer than {self._deadlines.total_s:g} s"
            yield Limit(self._heard + self._patience_s, lambda: self._expire(silence))
            yield Limit(self._end, lambda: self._expire(length))

    def ended(
        self, action: str, skill: str, outcome: str, cause: str, delivered: Mapping[str, str]
    ) -> Outcome:
        """The record of it."""
        finish = FINISH.get(self._finish.lower(), "other") if self._finish else None
        return Outcome(
            action=action,
            skill=skill,
            outcome=outcome,
            cause=cause,
            finish="stop" if finish is None and self._pipeline.done else finish,
            finish_raw=self._finish,
            attempts=self.attempts,
            usage=self._usage or self._estimate(),
            first_chunk_s=None if self._first is None else self._first - self._started,
            total_s=self._clock.now() - self._started,
            generated=self.text,
            delivered=delivered,
        )

    async def _attempt(self) -> Failure | None:
        """Ask once; None when there is a reply, or nobody who wants it."""
        plan = self._plan
        pipeline = self._pipeline = self._new_pipeline()
        self._pieces.clear()
        if self._ctx.moderate is not None:
            deliver = self._deliver or nobody
            self._moderation = Moderation(self._ctx.moderate, deliver, self._refuse)
        self._expired, self._finish, self._usage, refused = "", None, None, False
        self._heard, self._patience_s = self._clock.now(), self._deadlines.first_content_s
        if self._ctx.trace is not None:
            self._ctx.tell(AttemptStarted(self.attempts, plan.request))
        failure: Failure | None = None
        try:
            with anyio.CancelScope() as self._scope:
                async with self._provider.stream(plan.request) as chunks:
                    refused = await self._read(chunks, pipeline)
        except ProviderError as error:
            failure = Failure(
                error.reason, str(error), error.status, error.retryable, error.retry_after_s
            )
        finally:
            self._heard = None
        if self.stopped:
            return None
        if self._refused:
            return Failure("refused", NOT_APPROVED)
        if not pipeline.done:
            if self._expired and self._finish is None:  # else all was said but the end marker
                return Failure("timeout", self._expired)
            if failure is not None:
                return failure
            if not plan.skip_checks and (refused or self._finish_is("content_filter")):
                return Failure("refused", f"the model refused ({self._finish})")
        tail = pipeline.finish()
        reply = self.text + tail
        if not reply and not plan.skip_checks:
            return Failure("empty", f"the reply is blank ({self._finish})")
        if plan.accepts is not None and not plan.accepts(reply):
            return Failure("schema", "the reply is not what the schema asks for")
        if tail:
            self._pieces.append(tail)
        if self._moderation is not None and not await self._moderation.finish(tail):
            return Failure("refused", NOT_APPROVED)
        self.outcome = COMPLETED
        if tail and self._moderation is None and self._deliver is not None:
            await self._deliver(tail)
        return None

    async def _read(self, chunks: AsyncIterator[Chunk], pipeline: TextPipeline) -> bool:
        """Pass the stream through the pipeline to its end; whether the model refused."""
        now, feed = self._clock.now, pipeline.feed
        deliver = self._deliver if self._moderation is None else self._moderation.deliver
        refused = False
        async for chunk in chunks:
            if self._satisfied():
                continue  # was read already; the cancellation takes effect when the iteration next waits
            if chunk.text:
                heard = now()
                if self._first is None:
                    self._note_first()
                piece = feed(chunk.text)
                if piece:
                    self._pieces.append(piece)
                    if deliver is not None:
                        self._heard = None
                        try:
                            await deliver(piece)
                        except anyio.get_cancelled_exc_class():
                            async for _ in chunks:  # has to reach the provider inside its iteration
                                pass
                            raise
                        back = now()
                        self._away_s += back - heard
                        heard = back
                self._heard, self._patience_s = heard, self._deadlines.between_contents_s
                if self._satisfied():
                    self._scope.cancel()
            if chunk.finish is not None:
                self._finish = chunk.finish
            if chunk.usage is not None:
                self._usage = chunk.usage
            if chunk.refused:
                refused = True
        return refused

    def _satisfied(self) -> bool:
        return self.stopped or self._refused or self._pipeline.done

    def _refuse(self) -> None:
        self._refused = True

    def _note_first(self) -> None:
        self._first = self._clock.now()
        if self._ctx.trace is not None:
            self._ctx.tell(FirstText(self.attempts))

    @property
    def _end(self) -> float:
        return self._started + self._deadlines.total_s + self._away_s

    def _expire(self, cause: str) -> None:
        self._expired, self._heard = cause, None
        self._scope.cancel()

    def _finish_is(self, reason: str) -> bool:
        return self._finish is not None and FINISH.get(self._finish.lower()) == reason

    def _new_pipeline(self) -> TextPipeline:
        plan = self._plan
        return TextPipeline(
            stops=plan.stops,
            labels=plan.labels,
            skip_filter=plan.skip_filter,
            skip_checks=plan.skip_checks,
        )

    def _estimate(self) -> Usage:
        """Four characters a token: the model tells only at the end of a stream."""
        asked = sum(len(message.content) for message in self._plan.request.messages)
        return Usage(asked // 4, len(self._pipeline.original) // 4, estimated=True)
