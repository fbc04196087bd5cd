"""Whether data satisfies a JSON schema, draft 2020-12; the library for it is loaded at the first use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

SHOWN_CHARS: Final = 120


def schema_test(schema: dict[str, Any]) -> Callable[[object], bool]:
    """A test of parsed JSON. References reach what the schema itself holds: nothing is ever fetched.

    What nests too deep to be looked at, or has a number too large to be divided, does not satisfy it.

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
    test = validator(schema, registry=Registry[Any]())

    def satisfies(data: object) -> bool:
        try:
            return bool(test.is_valid(data))
        except Unresolvable as error:
            raise ValueError(_clipped(str(error))) from None
        except (RecursionError, OverflowError):
            return False

    return satisfies


def _clipped(reason: str) -> str:
    return reason if len(reason) <= SHOWN_CHARS else f"{reason[: SHOWN_CHARS - 1]}…"
