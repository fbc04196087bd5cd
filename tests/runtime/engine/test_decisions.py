"""What arrives during a GenStream, through the engine: the event model's table, cell by cell."""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import Any

import pytest

from decision_table import CELLS
from engine_place import Place, flow, on
from skillrt.testing.provider import ScriptedProvider

pytestmark = pytest.mark.anyio

LOG = '{{SetState(name="log", value=Concat(GetState(name="log"), "%s;"))}}'
REPLY = f"""\
{{{{#system~}}}}Be brief.{{{{~/system}}}}
{{{{#if GetTriggeredAct(fields=["block"])}}}}{{{{StartNotInterruptibleBlock()}}}}{{{{/if}}}}
{{{{Set(name="said", value=GenStream(interruptMode=GetTriggeredAct(fields=["mode"]), interruptWindow=2.0))}}}}
{LOG % "said"}
{{{{#if GetTriggeredAct(fields=["block"])}}}}{{{{StopNotInterruptibleBlock()}}}}{LOG % "left"}{{{{/if}}}}
{{{{Sleep(duration="0")}}}}
{LOG % "ended"}
"""


@cache
def talk(how: Any) -> ModuleType:
    """A flow that a started stream belongs to; what arrives is offered as `how`."""
    return flow(
        "talk",
        on("start", "Reply"),
        on("note", "Next"),
        on("user_message", "Next", how),
        on("other", "Next", how),
        Reply=REPLY,
        Next=LOG % "next",
    )


@pytest.mark.parametrize(("arriving", "protection", "mode", "letter"), CELLS)
async def test_decision(
    place: Place, arriving: str, protection: str, mode: str, letter: str
) -> None:
    place.provider = ScriptedProvider([place.at(1.0), "One", place.at(5.0), " two."])
    how, _, kind = arriving.partition(", ")
    arguments = {
        "mode": "interruptWindow" if mode in ("inside", "outside") else mode,
        "block": "yes" if protection.startswith("block") else "",
    }
    must = protection.endswith("uninterruptible")
    async with place.serving(talk(how)):
        await place.say("hello")  # so that there is somebody to talk to
        await place.runtime.emit(
            "start", actor=place.person(), arguments=arguments, uninterruptible=must
        )
        await place.until(0.5)
        await place.happen("note")
        await place.happen("note", uninterruptible=True)
        await place.until(3.5 if mode == "outside" else 2.0)
        if kind == "other":
            await place.happen("other")
        else:
            await place.say("wait")
    followed = {"A": 3, "G": 3}.get(letter, 2)
    own = {
        "A": "said;left;ended;",
        "B": "said;left;ended;",
        "C": "",
        "D": "said;",
        "E": "said;",
        "F": "said;left;ended;",
        "G": "said;ended;",
    }[letter]
    if not protection.startswith("block"):
        own = own.replace("left;", "")
    assert await place.state("talk", "log") == "next;" + own + "next;" * followed
    assert place.pier.heard == [("Ann", "One-" if letter in "CG" else "One two.")]
    said = "A: One-" if letter in "CG" else "A: One two."
    assert [line for line in await place.memory() if line != "U: wait"] == ["U: hello", said]
    assert place.provider.open == 0
