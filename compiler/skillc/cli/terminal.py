"""A conversation with a skill in a terminal: answers appear as they come, a line typed meanwhile interrupts them."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Mapping
from typing import Any, Final

import anyio
import anyio.from_thread
import anyio.lowlevel
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from skillc.cli.output import put
from skillc.errors import UsageError
from skillc.project.idn import visible
from skillrt import Actor, Event, Persona, Run, Runtime, SkillFunction
from skillrt.connectors.sandbox import Screen
from skillrt.llm.base import Provider
from skillrt.watchdog import sole

PROMPT: Final = "> "


def show(text: str) -> None:
    """Write to standard output at once; what a terminal would obey is escaped."""
    put(sys.stdout, visible(text, keep="\t\n\u061c\u200e\u200f"))


class Talk:
    """One user's conversation with one skill."""

    def __init__(
        self,
        runtime: Runtime,
        skill: SkillFunction,
        *,
        arguments: Mapping[str, Any] | None = None,
        screen: Screen | None = None,
        channel: str = "sandbox",
    ) -> None:
        """Nothing was said yet; `screen` shows the answers, `channel` is the integration they come through."""
        self.runtime = runtime
        self.skill = skill
        self.arguments = arguments
        self.screen = screen or Screen(show)
        self.persona = Persona()
        self.actor = Actor(
            persona_id=self.persona.id, integration_idn=channel, external_id="terminal"
        )

    async def say(self, message: str) -> Run:
        """Say it, and hear the answer to it and to whatever interrupts it."""
        return await self.runtime.run(
            self.skill,
            message=message,
            persona=self.persona,
            actor=self.actor,
            arguments=self.arguments,
            sink=self.screen,
        )

    def interrupt(self, message: str) -> bool:
        """Say it into an answer, which ends; False when there is none and nothing was said."""
        event = Event(
            idn="user_message",
            integration_idn=self.actor.integration_idn,
            connector_idn=self.actor.connector_idn,
            arguments={"text": message},
            actor_id=self.actor.id,
            persona_id=self.persona.id,
            user_input=True,
        )
        try:
            self.runtime.offer(event, "interrupt")
        except LookupError:
            return False
        return True


async def converse(
    provider: Provider, skill: SkillFunction, arguments: Mapping[str, Any], message: str | None
) -> None:
    """Say `message`, else the first line typed, and go on with what is typed until the input ends.

    Input that is no terminal is not waited for: without a further line the conversation ends with the answer.

    Raises:
        UsageError: there is nothing to say.
    """
    talk = Talk(Runtime(provider=provider), skill, arguments=arguments)
    at_terminal = is_terminal()
    typed, lines = anyio.create_memory_object_stream[str](float("inf"))
    waiting, next_lines = anyio.create_memory_object_stream[str](float("inf"))

    async def listen() -> None:
        with waiting:
            async for line in lines:
                if line.strip() and not talk.interrupt(line):
                    waiting.send_nowait(line)

    with typed, lines, next_lines:
        read_lines(typed)
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(listen)
                said = message
                if said is None:
                    said = await next_line(next_lines, at_terminal=at_terminal, wait=True)
                if said is None:
                    raise UsageError("nothing to say: pass --message, or a line on standard input")
                while said is not None:
                    await talk.say(said)
                    said = await next_line(next_lines, at_terminal=at_terminal, wait=at_terminal)
                tasks.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            raise sole(group) from None


async def next_line(
    lines: MemoryObjectReceiveStream[str], *, at_terminal: bool, wait: bool
) -> str | None:
    """The next line that interrupted nothing; None at the end of the input, or when there is none to `wait` for."""
    await anyio.lowlevel.checkpoint()
    try:
        return lines.receive_nowait()
    except anyio.EndOfStream:
        return None
    except anyio.WouldBlock:
        if not wait:
            return None
    if at_terminal:
        show(PROMPT)
    try:
        return await lines.receive()
    except anyio.EndOfStream:
        return None


def is_terminal() -> bool:
    """Whether somebody can type."""
    return bool(sys.stdin) and sys.stdin.isatty()


def read_lines(typed: MemoryObjectSendStream[str]) -> None:
    """Send the lines of standard input from a thread of their own, and close at its end.

    The thread reads from the descriptor and holds no lock, so that the process can end while it waits.
    """
    try:
        descriptor = sys.stdin.fileno()
    except (AttributeError, OSError, ValueError):  # no standard input, or not the process's own
        typed.close()
        return
    encoding = sys.stdin.encoding
    token = anyio.lowlevel.current_token()

    def read() -> None:
        rest = b""
        try:
            while data := os.read(descriptor, 65536):
                *complete, rest = (rest + data).split(b"\n")
                for line in complete:
                    text = line.decode(encoding, "replace").rstrip("\r")
                    anyio.from_thread.run_sync(typed.send_nowait, text, token=token)
            if rest:
                text = rest.decode(encoding, "replace")
                anyio.from_thread.run_sync(typed.send_nowait, text, token=token)
            anyio.from_thread.run_sync(typed.close, token=token)
        except (OSError, RuntimeError, anyio.ClosedResourceError):  # the conversation is over
            return

    threading.Thread(target=read, name="typed lines", daemon=True).start()


class WithoutStack(logging.Formatter):
    """A log record for people: level, message, and what was raised, with its place in the template."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, and those of the place."""
        raised = record.exc_info[1] if record.exc_info else None
        cause = f": {type(raised).__name__}: {raised}" if raised else ""
        notes: list[str] = getattr(raised, "__notes__", [])
        return "\n".join([f"{record.levelname}: {record.getMessage()}{cause}", *notes])


def log_to_stderr() -> None:
    """Show the runtime's warnings and errors."""
    handler = logging.StreamHandler()
    handler.setFormatter(WithoutStack())
    logger = logging.getLogger("skillrt")
    logger.addHandler(handler)
    logger.setLevel(logging.WARNING)
