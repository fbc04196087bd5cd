"""GenStream's delivery: from a generation to one or several actors as the text comes, cut at any moment.

1. Recorded is what was delivered, and delivered is what a channel acknowledged.
2. There is one way to end early: `cut`, which events and a host's cancellation both turn into. It stops the reading
   at once and lets a write under way finish. A write is torn only by its limits: send timeout, and grace after a cut.
3. One target is awaited by the reader itself. Several have a task each; what they cannot take yet is joined, so
   that a slow one delays neither the others nor the reading.
4. Whatever happened, the last thing done is `_finalise`: channels closed, acts recorded, outcome noted. It is
   shielded, and bounded by the event loop's clock, since no rule depends on it but "it ends".

Source: event model, GenStream and its memory.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from itertools import chain

import anyio
import anyio.lowlevel

from skillrt.connectors.base import CloseReason, StreamMeta
from skillrt.context import Context
from skillrt.debug import log_at_place
from skillrt.generate import Generation, Plan
from skillrt.interrupts import InterruptMode, stream_protects
from skillrt.model import Act, new_id
from skillrt.outcome import COMPLETED, INTERRUPTED, NO_RECIPIENTS, Outcome
from skillrt.pipeline import SPAN
from skillrt.recipients import Recipient
from skillrt.said import agent_message, remember
from skillrt.targets import Target
from skillrt.trace import DeliveryEnded, Interrupted
from skillrt.values import Reply
from skillrt.watchdog import Limit, Watchdog, beside


class Stream:
    """One call of GenStream, once its settings are evaluated and its recipients known."""

    def __init__(
        self,
        ctx: Context,
        plan: Plan,
        recipients: Sequence[Recipient],
        mode: InterruptMode,
        window_s: float,
    ) -> None:
        """`window_s` counts from the first delivery, in mode `interruptWindow` only."""
        self._ctx = ctx
        self._mode: InterruptMode = mode
        self._window_s = window_s
        self._opened = anyio.Event()  # the first channel is, or none will be
        self._targets = [
            Target(
                recipient,
                ctx.clock,
                on_open=self._opened.set,
                on_delivery=self._note_delivery,
                on_loss=self._note_loss,
            )
            for recipient in recipients
        ]
        self._one = self._targets[0] if len(self._targets) == 1 else None
        deliver = self._one.write if self._one else self._spread
        self._generation = Generation(ctx, plan, deliver, self._withdraw)
        self._reader = self._one.scope if self._one else anyio.CancelScope()
        self._meta = StreamMeta(message_id=new_id(), skill=ctx.frame.skill)
        self._first: float | None = None
        self._over = False  # nothing is left to cut
        self._cut_by = ""
        self._grace_ends: float | None = None
        self._reply = Reply()
        shortest_s = min(self._generation.shortest_s, ctx.options.send_timeout_s)
        self._watchdog = Watchdog(ctx.clock, self._limits, shortest_s)

    async def run(self) -> Reply:
        """Deliver, record, and return what was delivered.

        Cancelled from outside, it is cut: what was delivered until then is recorded all the same.

        Raises:
            StoreError: what was delivered could not be recorded.
        """
        execution = self._ctx.execution
        actor_ids = [target.actor.id for target in self._targets]
        with (
            execution.waiting(),
            execution.streaming(self.cut, actor_ids),
            execution.holding(self._protects),
        ):
            try:
                await beside(self._guard, self._work)
            finally:
                self._over = True
                with anyio.CancelScope(shield=True):
                    await self._finalise()
            await anyio.lowlevel.checkpoint()  # ends here if the whole execution was stopped
        return self._reply

    def cut(self, cause: str = "cut by an event") -> bool:
        """Stop now: nothing is read or begun any more. Whether there was anything to stop."""
        if self._over:
            return False
        self._cut_by = cause
        self._stop()
        for target in self._targets:
            target.halt()
        self._grace_ends = self._ctx.clock.now() + self._ctx.options.write_grace_s
        self._watchdog.wake()
        if self._ctx.trace is not None:
            self._ctx.tell(Interrupted(cause))
        return True

    def _note_delivery(self) -> None:
        """A channel accepted its first text."""
        if self._first is None:
            self._first = self._ctx.clock.now()

    def _note_loss(self) -> None:
        """A target was lost; without any left there is nobody to read for."""
        if all(target.lost for target in self._targets):
            self._stop()
            self._opened.set()

    def _stop(self) -> None:
        self._over = True
        self._generation.stopped = True
        if self._one is None:  # else the reader may be inside a write, which `halt` judges
            self._reader.cancel()

    def _protects(self) -> bool:
        first = self._first
        age_s = None if first is None else self._ctx.clock.now() - first
        return stream_protects(self._mode, self._window_s, age_s)

    def _limits(self) -> Iterator[Limit]:
        yield from self._generation.limits()
        for target in self._targets:
            if target.since is not None:
                yield Limit(target.since + self._ctx.options.send_timeout_s, target.expire)
        if self._grace_ends is not None:
            yield Limit(self._grace_ends, self._end_grace)

    def _end_grace(self) -> None:
        self._grace_ends = None
        for target in self._targets:
            target.tear()

    async def _guard(self) -> None:
        """Watch the limits; a cancellation from outside becomes a cut, whose grace is watched over too."""
        try:
            await self._watchdog.run()
        except anyio.get_cancelled_exc_class():
            self.cut("cancelled from outside")
            with anyio.CancelScope(shield=True):
                await self._watchdog.run()
            raise

    async def _work(self) -> None:
        """Open, generate, close; what a cut leaves undone, `_finalise` sees to."""
        try:
            with anyio.CancelScope(shield=True):  # from outside only the guard can be cancelled
                if self._one is not None:
                    await self._deliver_to_one(self._one)
                else:
                    await self._deliver_to_several()
        finally:
            self._watchdog.stop()

    async def _deliver_to_one(self, target: Target) -> None:
        with target.scope:
            await target.open(self._meta)
            if not self._over:
                await self._generation.run()
            if not self._over:
                await target.close(self._close_reason())

    async def _deliver_to_several(self) -> None:
        async with anyio.create_task_group() as tasks:
            for target in self._targets:
                tasks.start_soon(target.serve, self._meta)
            with self._reader:
                await self._opened.wait()
                if not self._over:
                    await self._generation.run()
            if not self._over:
                for target in self._targets:
                    target.finish(self._close_reason())

    async def _spread(self, text: str) -> None:
        limit = self._ctx.options.target_buffer_chunks
        for target in self._targets:
            target.feed(text, limit)

    def _withdraw(self) -> bool:
        """Take back what a failed attempt handed on, if no channel that shows text as it comes was given any."""
        if any(target.showed for target in self._targets):
            return False
        for target in self._targets:
            target.forget()
        return True

    def _close_reason(self) -> CloseReason:
        return "complete" if self._generation.outcome == COMPLETED else "error"

    async def _finalise(self) -> None:
        """Close what is still open, record what was delivered, note how it went."""
        failed = self._generation.outcome.startswith("failed")
        reason: CloseReason = "error" if failed else "interrupted"
        with anyio.move_on_after(self._ctx.options.finalise_timeout_s):
            async with anyio.create_task_group() as tasks:
                for target in self._targets:
                    tasks.start_soon(target.close, reason)
        outcome = self._outcome()
        completed = outcome.outcome == COMPLETED
        text = outcome.generated if completed else max(outcome.delivered.values(), key=len)
        self._reply = Reply(text, outcome.outcome)
        if self._ctx.trace is not None:
            for target in self._targets:
                self._ctx.tell(self._delivery(target))
        self._ctx.note(outcome)
        self._log(outcome)
        await remember(self._ctx, self._acts())

    def _outcome(self) -> Outcome:
        generation, targets = self._generation, self._targets
        losses = [f"actor {target.actor.id}: {target.lost}" for target in targets if target.lost]
        outcome = generation.outcome
        if len(losses) == len(targets) and not generation.attempts:
            outcome = NO_RECIPIENTS
        elif outcome == COMPLETED and (
            self._cut_by or all(t.lost and t.delivered != generation.text for t in targets)
        ):
            outcome = INTERRUPTED
        return generation.ended(
            "GenStream",
            self._meta.skill,
            outcome,
            "; ".join(filter(None, (generation.cause, self._cut_by, *losses))),
            {target.actor.id: target.delivered for target in targets},
        )

    def _log(self, outcome: Outcome) -> None:
        lost = any(target.lost for target in self._targets)
        if outcome.outcome.startswith("failed") or lost:
            code = "SK801" if outcome.outcome == NO_RECIPIENTS else None
            cause = f"{outcome.outcome}: {outcome.cause}"
            log_at_place(logging.WARNING, "GenStream", cause, code=code)
        elif outcome.outcome == INTERRUPTED:
            log_at_place(logging.INFO, "GenStream", f"{INTERRUPTED}: {outcome.cause}")

    def _delivery(self, target: Target) -> DeliveryEnded:
        actor_id, characters = target.actor.id, len(target.delivered)
        return DeliveryEnded(self._meta.message_id, actor_id, characters, target.lost)

    def _acts(self) -> Iterator[Act]:
        """One act per target that got something."""
        whole = self._generation.text if self._generation.outcome == COMPLETED else None
        original = self._generation.original
        for target in self._targets:
            if text := target.delivered:
                yield agent_message(
                    self._ctx,
                    target.actor,
                    self._meta.message_id,
                    text,
                    original if text == whole else original_part(original, text),
                    at=target.first_time or self._ctx.clock.time(),
                    arguments={} if text == whole else {"interrupted": "true"},
                )


def original_part(original: str, delivered: str) -> str:
    """The start of a reply before its filter that became the text `delivered`."""
    missing = len(delivered)
    if original.startswith(delivered):
        return original[:missing]
    at, begun = 0, False
    spans = SPAN.finditer(original, 0, original.rfind("]]]") + 3)
    for end, after in chain((span.span() for span in spans), [(len(original), len(original))]):
        shown = original[at:end]
        blank = 0 if begun else len(shown) - len(shown.lstrip())
        if missing <= len(shown) - blank:
            return original[: at + blank + missing]
        missing -= len(shown) - blank
        begun = begun or blank < len(shown)
        at = after
    return original
