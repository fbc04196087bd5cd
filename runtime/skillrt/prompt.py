"""The prompt machine of one skill run: closed messages, the open role, the text outside roles. Pure."""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from contextlib import contextmanager
from typing import Any, Final

from skillrt.errors import LimitError
from skillrt.llm.base import Message

MAX_CAPTURES: Final = 64
"""Captures inside each other: as many as macros may call each other deep."""


class Prompt:
    """What a skill run has printed so far.

    Printing appends to the innermost capture, else to the open role's buffer, else to the text outside roles, which
    is never sent unless nothing else was written. Source: language reference, the prompt machine.
    """

    __slots__ = (
        "_buffer",
        "_captures",
        "_limit",
        "_outside",
        "_role",
        "_size",
        "_taps",
        "_target",
        "messages",
    )

    def __init__(self, limit_chars: int = 1024 * 1024) -> None:
        """Start empty; printing more than `limit_chars` in one run raises LimitError."""
        self.messages: list[Message] = []
        self._outside: list[str] = []
        self._buffer = self._target = self._outside
        self._role: tuple[str, str | None] | None = None
        self._captures: list[list[str]] = []
        self._size = 0
        self._limit = limit_chars
        self._taps: list[list[str]] = []

    def write(self, text: str) -> None:
        """Print `text`."""
        self._size += len(text)
        if self._size > self._limit:
            raise LimitError(f"the run printed more than {self._limit} characters")
        self._target.append(text)
        if self._taps:
            for tap in self._taps:
                tap.append(text)

    @property
    def outside(self) -> str:
        """All text printed outside roles."""
        return "".join(self._outside)

    @contextmanager
    def role(self, role: str, name: str | None = None) -> Generator[None]:
        """Collect what is printed inside into one message, verbatim; a blank one is dropped.

        The message is closed however the block is left.
        """
        self.open_role(role, name)
        try:
            yield
        finally:
            self.close_role()

    def open_role(self, role: str, name: str | None = None) -> None:
        """Begin a message, ending the one that is open."""
        self.close_role()
        self._buffer, self._role = list[str](), (role, name)
        self._aim()

    def close_role(self) -> None:
        """End the message that is open, if one is; a blank one is dropped."""
        if self._role is None:
            return
        content = "".join(self._buffer)
        if content.strip():
            self.messages.append(Message(self._role[0], content, self._role[1]))
        self._buffer, self._role = self._outside, None
        self._aim()

    @contextmanager
    def capture(self) -> Generator[list[str]]:
        """Collect what is printed inside in a list of pieces, and nowhere else; roles and messages stay as they are.

        Raises:
            LimitError: too many captures are open, as by a macro that calls itself without end.
        """
        if len(self._captures) >= MAX_CAPTURES:
            raise LimitError(f"macros call each other more than {MAX_CAPTURES} levels deep")
        pieces: list[str] = []
        size = self._size
        self._captures.append(pieces)
        self._aim()
        try:
            yield pieces
        finally:
            self._captures.pop()
            self._size = size
            self._aim()

    async def printed(self, printing: Coroutine[Any, Any, None]) -> str:
        """What somebody prints, captured."""
        try:
            with self.capture() as pieces:
                await printing
        finally:
            printing.close()  # it has not begun where too many captures are open
        return "".join(pieces)

    def _aim(self) -> None:
        self._target = self._captures[-1] if self._captures else self._buffer

    @contextmanager
    def hidden(self) -> Generator[None]:
        """Forget at the end all that was printed inside, messages included."""
        length, messages = len(self._buffer), len(self.messages)
        buffer, outside = self._buffer, len(self._outside)
        try:
            yield
        finally:
            del self.messages[messages:]
            del self._outside[outside:]
            del buffer[length:]

    @contextmanager
    def tap(self) -> Generator[list[str]]:
        """Collect a copy of all text printed inside, in a list of pieces."""
        pieces: list[str] = []
        self._taps.append(pieces)
        try:
            yield pieces
        finally:
            self._taps.pop()

    def current_messages(self) -> tuple[Message, ...]:
        """The closed messages, then the open role's text, if not blank; () when there is none.

        Without any, the stripped text outside roles is the one system message.
        """
        messages = tuple(self.messages)
        if self._role is not None:
            content = "".join(self._buffer)
            if content.strip():
                return (*messages, Message(self._role[0], content, self._role[1]))
        if messages:
            return messages
        outside = self.outside.strip()
        return (Message("system", outside),) if outside else ()

    def current_text(self) -> str:
        """The contents of the current messages, joined by newlines and stripped, without role names."""
        return "\n".join(message.content for message in self.current_messages()).strip()
