"""Commands to the shipped connectors: what the compiler finds in their literal arguments."""

from __future__ import annotations

import pytest

from harness import Script, compiled

NAMED = 'integrationIdn="program_timer", connectorIdn="quiet"'
SET = 'SendCommand(commandIdn="set_timer", ' + NAMED
REPEAT = 'SendCommand(commandIdn="set_repeatable_timer", ' + NAMED


def found(text: str) -> list[tuple[str, str]]:
    """Codes and messages of a skill with a parameter `x`."""
    findings = compiled(Script("Main", text, {"x": ""})).findings
    return [(finding.code, finding.message) for finding in findings]


@pytest.mark.parametrize(
    "text",
    [
        f'{{{{{SET}, interval="30")}}}}',
        f"{{{{{SET}, interval=x)}}}}",
        f'{{{{{SET}, timer_name="a", INTERVAL=30, note="soon")}}}}',
        f'{{{{{SET}, fireAt="2030-01-01T09:00", interval="-1")}}}}',
        f'{{{{{SET}, interval="-1")}}}}',
        f"{{{{{SET}, enabled=False)}}}}",
        f'{{{{{SET}, enabled="true")}}}}',
        f"{{{{{SET}, enabled=x)}}}}",
        f"{{{{{REPEAT}, interval=60, fireAt=x)}}}}",
        f'{{{{{REPEAT}, fireAt="2030-01-01", enabled=x)}}}}',
        '{{SendCommand(commandIdn="set_timer", integrationIdn="mine", connectorIdn="a", interval="soon")}}',
        f'{{{{SendCommand(commandIdn="make_tea", {NAMED}, interval="soon")}}}}',
    ],
)
def test_commands_that_can_be_carried_out_are_quiet(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{{{{{SET})}}}}", ("SK202", "SendCommand: missing argument 'interval'")),
        (f'{{{{{SET}, interval=" ")}}}}', ("SK202", "SendCommand: missing argument 'interval'")),
        (f'{{{{{SET}, note="x")}}}}', ("SK202", "SendCommand: missing argument 'interval'")),
        (f'{{{{{REPEAT}, fireAt="2030-01-01")}}}}',
         ("SK202", "SendCommand: missing argument 'interval'")),
        (f'{{{{{SET}, repeatable="y", fireAt=x)}}}}',
         ("SK202", "SendCommand: missing argument 'interval'")),
        (f'{{{{{SET}, interval="soon")}}}}',
         ("SK213", "SendCommand: 'interval' needs a number, not 'soon'")),
        (f'{{{{Set("s", "soon")}}}}{{{{{SET}, interval=s)}}}}',
         ("SK213", "SendCommand: 'interval' needs a number, not 'soon'")),
        (f'{{{{{SET}, fire_at="tomorrow")}}}}',
         ("SK213", "SendCommand: 'fireAt' needs a date, not 'tomorrow'")),
        (f'{{{{{SET}, interval=5, repeatable="often")}}}}',
         ("SK213", "SendCommand: 'repeatable' needs true or false, not 'often'")),
        (f"{{{{{SET}, interval=0, enabled=True)}}}}",
         ("SK213", "SendCommand: 'interval' needs seconds, more than 0, not 0")),
    ],
)  # fmt: skip
def test_commands_that_cannot_be_carried_out_are_errors(
    text: str, message: tuple[str, str]
) -> None:
    assert found(text) == [message]


def test_timer_without_any_name_is_an_error() -> None:
    text = '{{SendCommand(commandIdn="set_timer", integrationIdn="program_timer", interval=5)}}'
    assert ("SK202", "SendCommand: missing argument 'timerName'") in found(text)
