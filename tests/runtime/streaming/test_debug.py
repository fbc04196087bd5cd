"""Places in templates: from line maps, for log records and for errors."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from skillrt import Context
from skillrt.actions.interruption import stop_not_interruptible_block
from skillrt.debug import Place, annotate, log_at_place, where
from skillrt.manifest import ABI

pytestmark = pytest.mark.anyio

__abi__ = ABI
__manifest__: dict[str, Any] = {
    "idn": "debug",
    "skills": {
        "Greet them": {"function": "Greet", "source": "kiosk/Greet.jinja", "model": None},
        "Fail": {"function": "Fail", "source": "kiosk/Fail.jinja", "model": None},
    },
}


async def Greet(ctx: Context, /) -> list[Any]:
    with ctx.skill("Greet them"):
        first = where()
        await stop_not_interruptible_block(ctx)

        def macro() -> Any:
            return where()

        return [first, macro()]


async def Fail(ctx: Context, /) -> str:
    with ctx.skill("Fail"):

        def macro() -> None:
            raise KeyError("boat")

        macro()
        return ""


async def Broken(ctx: Context, /) -> str:
    with ctx.skill("Broken"):
        raise KeyError("boat")


__line_map__ = {
    "Greet": ((1, 1), (2, 3), (3, 5), (6, 9)),
    "Fail": ((1, 1), (4, 12), (6, 20)),
}
__source__ = {"Greet": {3: "{{ first() }}", 9: "{{ macro() }}"}}


async def test_where_is_the_running_line_even_inside_a_macro(stage: Any) -> None:
    run = await stage.run(Greet)
    assert run.result == [
        Place("Greet them", "kiosk/Greet.jinja", 3, "{{ first() }}"),
        Place("Greet them", "kiosk/Greet.jinja", 9, "{{ macro() }}"),
    ]


async def test_log_names_the_place(stage: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "skillrt"):
        await stage.run(Greet)
    (record,) = caplog.records
    assert record.getMessage() == (
        "StopNotInterruptibleBlock: no not-interruptible block of this skill is open "
        "(skill Greet them, line 5)"
    )
    assert (record.code, record.skill, record.file, record.line) == (
        "SK808",
        "Greet them",
        "kiosk/Greet.jinja",
        5,
    )


def test_outside_of_skills_there_is_no_place(caplog: pytest.LogCaptureFixture) -> None:
    assert where() is None
    with caplog.at_level(logging.INFO, "skillrt"):
        log_at_place(logging.INFO, "Gen", "no reply")
    assert [record.getMessage() for record in caplog.records] == ["Gen: no reply"]


async def test_error_is_annotated_once_with_the_innermost_line(stage: Any) -> None:
    with pytest.raises(KeyError) as raised:
        await stage.run(Fail)
    assert raised.value.__notes__ == ["in template kiosk/Fail.jinja, line 12, skill Fail"]
    annotate(raised.value, raised.tb, ["again"])
    assert len(raised.value.__notes__) == 1


async def test_error_of_a_module_without_maps_has_no_note(stage: Any) -> None:
    with pytest.raises(KeyError) as raised:
        await stage.run(Broken)
    assert not hasattr(raised.value, "__notes__")
