"""What can go wrong while skills run; the type says whose fault it is."""

from __future__ import annotations


class SkillError(Exception):
    """An execution ended because of its skill: a bad value, a refused access, a limit."""


class ActionError(SkillError):
    """An argument that an action cannot take, or a rule of the action that was broken.

    `skill` and `line` are filled in where the error leaves the skill (`debug.py`), from its line map.
    """

    def __init__(self, action: str, parameter: str | None, reason: str) -> None:
        """Keep the parts; `parameter` is None when the error is not about one."""
        super().__init__(action, parameter, reason)
        self.action = action
        self.parameter = parameter
        self.reason = reason
        self.skill: str | None = None
        self.file: str | None = None
        self.line: int | None = None

    def __str__(self) -> str:
        """`GenStream: parameter 'maxTokens': expected ..., got 'many' (skill Main, line 12)`."""
        about = f"parameter '{self.parameter}': " if self.parameter else ""
        where = f" (skill {self.skill}, line {self.line})" if self.skill else ""
        return f"{self.action}: {about}{self.reason}{where}"


class SecurityError(SkillError):
    """A template reached for something it must not: Python's inside, a module, a `format` hole."""


class LimitError(SkillError):
    """A limit of the runtime was passed: call depth, loop steps, size of a text."""


class StoreError(Exception):
    """The store failed: nothing of the failing action was written."""


class AbiError(ImportError):
    """A module was compiled for another runtime."""


class ConfigurationError(Exception):
    """A setting of the host is missing or cannot be right; the text is one line that says what to set."""


class ProviderError(Exception):
    """The model or the way to it failed.

    `reason` is one of `transport`, `timeout`, `status`, `truncated`, `protocol`, `refused`; `status` is the HTTP
    status if there was one, `retry_after_s` what the response asked for.
    """

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        status: int | None = None,
        retryable: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        """Keep the parts; `message` never holds a secret."""
        super().__init__(message)
        self.reason = reason
        self.status = status
        self.retryable = retryable
        self.retry_after_s = retry_after_s


class ChannelClosed(Exception):  # noqa: N818 - an event of the channel, named as connectors raise it
    """A sink is gone; `delivered` characters reached the person (None: all that was written)."""

    def __init__(self, delivered: int | None = None) -> None:
        """Keep what was delivered."""
        super().__init__(delivered)
        self.delivered = delivered
