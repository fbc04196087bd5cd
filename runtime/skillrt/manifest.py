"""What a compiled module says of itself beside its code, and whether this runtime understands it."""

from __future__ import annotations

from typing import Any, Final, Literal, TypedDict

from skillrt.errors import AbiError

ABI: Final = 1


class SkillManifest(TypedDict):
    """One skill: names and settings that its coroutine does not hold."""

    function: str
    source: str
    runner: Literal["guidance", "nsl"]
    title: str
    model: tuple[str, str] | None
    parameters: dict[str, str]


class FlowManifest(TypedDict):
    """One flow: its idn and its skills by idn; `parameters` map template names to Python names."""

    idn: str
    skills: dict[str, SkillManifest]


def check_abi(namespace: dict[str, Any]) -> None:
    """Refuse a module compiled for another runtime.

    Raises:
        AbiError: the module's `__abi__` differs, or it is no compiled module.
    """
    abi = namespace.get("__abi__")
    if abi == ABI:
        return
    name = namespace.get("__name__", "?")
    if abi is None:
        raise AbiError(f"{name} is no module compiled by skillc")
    age = "an older" if abi < ABI else "a newer"
    raise AbiError(
        f"{name} was compiled for {age} runtime (ABI {abi}, this is {ABI}): run 'skillc build'"
    )
