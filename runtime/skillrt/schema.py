"""Whether data satisfies a JSON schema, draft 2020-12; the library for it is loaded at the first use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from skillrt.errors import LimitError
from skillrt.timed import timed

SHOWN_CHARS: Final = 120


def schema_test(schema: dict[str, Any]) -> Callable[[object], bool]:
    """A test of parsed JSON. References reach what the schema itself holds: nothing is ever fetched.

    What nests too deep to be looked at, has a number too large to be divided, or keeps a pattern searching for too
    long does not satisfy it.

    Raises:
        ValueError: it is no schema; the test raises it for a reference that leads nowhere.
    """
    import jsonschema  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]  # has no types
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    validator: Any = jsonschema.Draft202012Validator
    try:
        validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise ValueError(_clipped(error.message)) from None
    is_valid = timed(validator(schema, registry=Registry[Any]()).is_valid)

    def satisfies(data: object) -> bool:
        try:
            return bool(is_valid(data))
        except Unresolvable as error:
            raise ValueError(_clipped(str(error))) from None
        except (RecursionError, OverflowError, LimitError):
            return False

    return satisfies


def _clipped(reason: str) -> str:
    return reason if len(reason) <= SHOWN_CHARS else f"{reason[: SHOWN_CHARS - 1]}…"
