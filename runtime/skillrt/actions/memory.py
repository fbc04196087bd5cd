"""What was said: the messages of a conversation as text for a prompt."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Final, Literal

from skillrt.actions.identity import find_persona
from skillrt.catalogue import Effect, action
from skillrt.context import Context
from skillrt.kinds import Date, Flag, Id, Ids, Int, Range, moment
from skillrt.model import Act

__all__ = ("get_memory",)

SUMMARIZED_CHARS: Final = 20_000
SPREAD: Final = timedelta(hours=1)  # further apart than two deliveries of one message ever are
LABELS: Final = {"user_message": "User", "agent_message": "Agent"}


@action(
    "GetMemory",
    effects=Effect.READ | Effect.LLM,
    point="LLM",
    parameter_aliases={
        "filterByPersonaIds": "filterByUserPersonaIds",
        "filterByPersonasIds": "filterByUserPersonaIds",
    },
)
async def get_memory(
    ctx: Context,
    *,
    from_person: Literal["User", "Agent", "Both"] = "Both",
    offset: Annotated[Int, Range(0)] = 0,
    count: Annotated[Int, Range(0)] = 10,
    max_len: Annotated[Int, Range(1)] | None = None,
    as_english_text: Flag = False,
    summarize: Flag = False,
    from_date: Date | None = None,
    to_date: Date | None = None,
    filter_by_actor_ids: Ids | None = None,
    filter_by_user_persona_ids: Ids | None = None,
    session_id: Id | None = None,
) -> str:
    """Return the latest messages, oldest first, one `User: ...` or `Agent: ...` line each.

    Args:
        ctx: the execution.
        from_person: whose messages.
        offset: how many of the newest to leave out.
        count: how many at most.
        max_len: characters; by default 200, or what the host's options say. Whole messages are kept from the newest
            backwards; only the newest is cut, at its end.
        as_english_text: give the English text; a missing translation is made by the model and kept.
        summarize: have the model summarise the messages in `max_len` characters when they are longer.
        from_date: not before.
        to_date: not after.
        filter_by_actor_ids: the messages of these actors; [] are nobody's.
        filter_by_user_persona_ids: those of these users, unless actors are given; by default the current user's.
        session_id: those of this session.

    Returns:
        The lines; "" when there are none. When a summary or translation fails, what there is without it.

    Raises:
        StoreError: the store cannot be reached.

    Source: action catalogue, GetMemory, steps 1 to 7.
    """
    if filter_by_user_persona_ids is None and filter_by_actor_ids is None:
        filter_by_user_persona_ids = [ctx.persona.id] if ctx.persona else []
    acts = await ctx.store.messages(
        ctx.agent.id,
        persona_ids=None if filter_by_actor_ids is not None else filter_by_user_persona_ids,
        actor_ids=filter_by_actor_ids,
        session_id=session_id,
        since=moment(from_date) if from_date else None,
        until=moment(to_date) if to_date else None,
    )
    wanted = {idn for idn, person in LABELS.items() if from_person in ("Both", person)}
    newest = _newest(acts, wanted, offset, count)
    limit = ctx.options.memory_max_len if max_len is None else max_len
    lines = [await _line(ctx, act, as_english_text) for act in newest]
    plain = _fitting(lines, limit)
    return await _summary(ctx, lines, limit) or plain if summarize else plain


def _newest(acts: Sequence[Act], wanted: Container[str], offset: int, count: int) -> list[Act]:
    """The newest messages but `offset`, oldest first.

    One that went to several actors counts once, with the longest text that one of them got.
    """
    if not count:
        return []
    enough = offset + count
    newest: list[Act] = []
    places: dict[str, int] = {}
    for act in reversed(acts):
        if len(newest) >= enough and act.datetime < newest[enough - 1].datetime - SPREAD:
            break
        if act.reference_idn not in wanted:
            continue
        place = places.setdefault(act.message_id or act.id, len(newest))
        if place == len(newest):
            newest.append(act)
        elif len(act.text) >= len(newest[place].text):
            newest[place] = act
    newest.sort(key=lambda act: act.datetime, reverse=True)
    return newest[offset:enough][::-1]


async def _line(ctx: Context, act: Act, in_english: bool) -> str:
    text = await english_text(ctx, act) if in_english else act.text
    return f"{await _label(ctx, act)}: {text}"


async def _label(ctx: Context, act: Act) -> str:
    """`User` or `Agent`; the persona's name where the host's options want names."""
    role = LABELS[act.reference_idn]
    if ctx.options.memory_labels == "roles":
        return role
    if role == "Agent":
        return ctx.agent.persona.name or role
    persona = await find_persona(ctx, act.user_persona_id)
    return (persona and persona.name) or role


def _fitting(lines: Sequence[str], limit_chars: int) -> str:
    """The last lines that fit, whole; of the very last at least its beginning."""
    kept: list[str] = []
    size = -1
    for line in reversed(lines):
        size += 1 + len(line)
        if size > limit_chars:
            break
        kept.append(line)
    if lines and not kept:
        return lines[-1][:limit_chars]
    return "\n".join(reversed(kept))


async def _summary(ctx: Context, lines: Sequence[str], limit_chars: int) -> str:
    """The messages in few words, or as they are when they are short enough; "" when the model failed."""
    from skillrt.actions.generation import summarize_text

    text = _fitting(lines, SUMMARIZED_CHARS)
    return text if len(text) <= limit_chars else await summarize_text(ctx, text, limit_chars)


async def english_text(ctx: Context, act: Act) -> str:
    """The English text of a message: the known one, or a translation, which is kept; else the text as it is."""
    if act.english_text:
        return act.english_text
    if not act.text.strip() or act.language_code.lower().partition("-")[0] == "en":
        return act.text
    from skillrt.actions.generation import translate_text

    translated = await translate_text(ctx, act.text)
    if not translated:
        return act.text
    known = replace(act, english_text=translated)
    await ctx.store.put_act(known)
    if act.id == ctx.act.id:
        ctx.act = known
    return translated
