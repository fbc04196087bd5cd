"""The prompt machine of one skill run: closed messages, the open role, the text outside roles. Pure."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from skillrt.errors import LimitError
from skillrt.llm.base import Message


class Prompt:
    """What a skill run has printed so far.

    Printing appends to the open role's buffer, else to the text outside roles, which is never sent unless
    nothing else was written. Source: language reference, the prompt machine.
    """

    __slots__ = ("_buffer", "_limit", "_outside", "_role", "_size", "_taps", "messages")

    def __init__(self, limit_chars: int = 1024 * 1024) -> None:
        """Start empty; printing more than `limit_chars` in one run raises LimitError."""
        self.messages: list[Message] = []
        self._outside: list[str] = []
        self._buffer = self._outside
        self._role: tuple[str, str | None] | None = None
        self._size = 0
        self._limit = limit_chars
        self._taps: list[list[str]] = []

    def write(self, text: str) -> None:
        """Print `text`."""
        self._size += len(text)
        if self._size > self._limit:
            raise LimitError(f"the run printed more than {self._limit} characters")
        self._buffer.append(text)
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
        before = self._buffer, self._role
        self._buffer, self._role = list[str](), (role, name)
        try:
            yield
        finally:
            content = "".join(self._buffer)
            if content.strip():
                self.messages.append(Message(role, content, name))
            self._buffer, self._role = before

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
