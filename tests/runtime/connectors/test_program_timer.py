"""`program_timer`: each rule of timers, on the virtual clock."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillrt.connectors.base import Command, Emitted, Result
from skillrt.connectors.program_timer import ProgramTimer, ticked
from skillrt.errors import StoreError
from skillrt.model import Actor, Event, Timer
from skillrt.stores.memory import MemoryStore
from skillrt.testing import RecordingGateway, VirtualClock
from skillrt.testing.clock import START

pytestmark = pytest.mark.anyio

ANN = Actor(id="ann-chat", persona_id="ann", external_id="ann", time_zone="Europe/Berlin")
NUMBERS = count(1)


@dataclass
class Desk:
    """A running timer connector, and the clock and store it works with."""

    gateway: RecordingGateway
    clock: VirtualClock
    store: MemoryStore
    timer: ProgramTimer = field(init=False)

    def __post_init__(self) -> None:
        self.timer = ProgramTimer(self.store, self.clock, "America/New_York")

    async def set(
        self,
        connector_idn: str = "quiet",
        *,
        idn: str = "set_timer",
        actor: Actor | None = ANN,
        persona_id: str | None = "ann",
        **arguments: str,
    ) -> Result | None:
        """Send a command, as a skill that talks to Ann does."""
        return await self.timer.command(
            Command(
                id=f"command-{next(NUMBERS)}",
                idn=idn,
                integration_idn="program_timer",
                connector_idn=connector_idn,
                arguments=arguments,
                persona_id=persona_id,
                actor=actor,
            )
        )

    async def refused(self, connector_idn: str = "quiet", **arguments: str) -> tuple[str, str]:
        """The message and the code of a command that cannot be carried out."""
        result = await self.set(connector_idn, **arguments)
        assert result is not None
        assert not result.ok
        return result.arguments["message"], result.arguments["code"]

    async def advance(self, seconds: float) -> list[Event]:
        """What fires in so many seconds."""
        self.gateway.events.clear()
        await self.clock.advance(seconds)
        return list(self.gateway.events)


@asynccontextmanager
async def desk(
    store: MemoryStore | None = None,
    clock: VirtualClock | None = None,
    gateway: RecordingGateway | None = None,
) -> AsyncGenerator[Desk]:
    store = store or MemoryStore()
    if gateway is None:
        gateway = RecordingGateway("program_timer", "*", store=store)
    made = Desk(gateway, clock or VirtualClock(), store)
    await store.put_actor(ANN)
    async with anyio.create_task_group() as tasks:
        await tasks.start(serve, made)
        yield made
        tasks.cancel_scope.cancel()


async def serve(
    made: Desk, *, task_status: anyio.abc.TaskStatus[None] = anyio.TASK_STATUS_IGNORED
) -> None:
    await made.timer.run(made.gateway, task_status=task_status)


def at(**after: float) -> str:
    """A moment so much after the clock's start, as text in UTC."""
    return (START + timedelta(**after)).isoformat()


# --- the event --------------------------------------------------------------------------------------


async def test_interval_fires_one_event_of_the_owner_and_the_actor_it_was_set_for() -> None:
    async with desk() as made:
        assert await made.set(interval="30", timerName="hush", note="a b", targetAction="x") is None
        assert await made.advance(29.999) == []
        (event,) = await made.advance(0.001)
        assert await made.advance(1000) == []
    assert (event.integration_idn, event.connector_idn) == ("program_timer", "quiet")
    assert (event.idn, event.persona_id, event.actor_id) == ("timer", "ann", "ann-chat")
    assert event.arguments == {"timerName": "hush", "note": "a b", "targetAction": "x"}
    assert (event.uninterruptible, event.user_input, event.hops) == (False, False, 0)


async def test_event_idn_names_the_event_and_persona_id_its_owner() -> None:
    async with desk() as made:
        await made.set(interval="5", eventIdn="nudge_due", personaId="bob")
        (event,) = await made.advance(5)
    assert (event.idn, event.persona_id, event.actor_id) == ("nudge_due", "bob", "ann-chat")


async def test_timer_of_a_global_execution_is_global() -> None:
    async with desk() as made:
        await made.set(interval="5", actor=None, persona_id=None)
        (event,) = await made.advance(5)
    assert (event.persona_id, event.actor_id) == (None, None)


async def test_every_tick_has_an_external_id_of_its_own() -> None:
    async with desk() as made:
        await made.set(interval="1", repeatable="true")
        ticks = await made.advance(3)
        await made.set(fireAt=at(seconds=0))
        again = await made.advance(1)
        await made.set(fireAt=at(seconds=0))
        again += await made.advance(1)
    ids = [event.external_event_id for event in (*ticks, *again)]
    assert None not in ids
    assert len(set(ids)) == len(ids) == 5


# --- names ------------------------------------------------------------------------------------------


async def test_name_and_connector_stand_for_each_other() -> None:
    async with desk() as made:
        await made.set("quiet", interval="1")
        await made.set("", timerName="hush", interval="1")
        named, hushed = await made.advance(1)
        neither = await made.refused("", interval="1")
    assert (named.connector_idn, named.arguments["timerName"]) == ("quiet", "quiet")
    assert (hushed.connector_idn, hushed.arguments["timerName"]) == ("hush", "hush")
    assert neither == (
        "set_timer: parameter 'timerName': missing: a timer has a name or a connector",
        "bad_arguments",
    )


@pytest.mark.parametrize(
    "arguments",
    [
        {"timer_name": "hush", "interval": "2", "event_idn": "due", "persona_id": "bob"},
        {"TimerName": " hush ", "INTERVAL": " 2.0 ", "eventidn": "due", "personaID": "bob"},
        {"timerName": "hush", "timer_name": "other", "interval": "2", "eventIdn": "due",
         "personaId": "bob", "fireAt": "", "repeatable": " "},
    ],
)  # fmt: skip
async def test_arguments_in_any_case_style(arguments: dict[str, str]) -> None:
    async with desk() as made:
        assert await made.set(**arguments) is None
        (event,) = await made.advance(2)
    assert (event.idn, event.persona_id) == ("due", "bob")
    assert event.arguments == {"timerName": "hush"}


# --- once -------------------------------------------------------------------------------------------


async def test_fire_at_counts_and_an_interval_beside_it_does_not() -> None:
    async with desk() as made:
        await made.set("one", fireAt=at(seconds=10), interval="3")
        await made.set("two", fireAt=at(seconds=11), interval="-1")
        assert await made.advance(9.9) == []
        fired = await made.advance(1.1)
    assert [event.connector_idn for event in fired] == ["one", "two"]


async def test_past_fire_at_fires_at_once() -> None:
    async with desk() as made:
        await made.set(fireAt=at(days=-3))
        assert len(await made.advance(0)) == 1
        assert await made.advance(1000) == []


@pytest.mark.parametrize(
    ("actor", "date", "fires"),
    [
        (ANN, "2026-01-01T09:00", "2026-01-01T08:00:00+00:00"),
        (ANN, "2026-01-01 09:00:00+03:00", "2026-01-01T06:00:00+00:00"),
        (ANN, "2026-01-02", "2026-01-01T23:00:00+00:00"),
        (ANN, "1767258000000", "2026-01-01T09:00:00+00:00"),
        (replace(ANN, time_zone=""), "2026-01-01T09:00", "2026-01-01T14:00:00+00:00"),
        (replace(ANN, time_zone="Mars/Base"), "2026-01-01T09:00", "2026-01-01T14:00:00+00:00"),
        (None, "2026-01-01T09:00", "2026-01-01T14:00:00+00:00"),
    ],
)
async def test_date_without_offset_is_in_the_actors_zone_else_the_hosts(
    actor: Actor | None, date: str, fires: str
) -> None:
    async with desk() as made:
        await made.set(fireAt=date, actor=actor)
        left = (datetime.fromisoformat(fires) - START).total_seconds()
        assert await made.advance(left - 0.001) == []
        assert len(await made.advance(0.001)) == 1


# --- again and again --------------------------------------------------------------------------------


@pytest.mark.parametrize("idn", ["set_repeatable_timer", "set_repeatable_time"])
async def test_repeatable_commands_repeat(idn: str) -> None:
    async with desk() as made:
        await made.set(idn=idn, interval="10")
        assert len(await made.advance(35)) == 3
        assert len(await made.advance(5)) == 1


async def test_repeatable_begins_at_fire_at_and_keeps_to_the_plan() -> None:
    async with desk() as made:
        await made.set(repeatable="y", interval="10", fireAt=at(seconds=3))
        counts = [len(await made.advance(seconds)) for seconds in (2.9, 0.1, 9.9, 0.1, 10)]
    assert counts == [0, 1, 0, 1, 1]


async def test_repeatable_past_fire_at_fires_once_and_goes_on_by_its_plan() -> None:
    async with desk() as made:
        await made.set(repeatable="true", interval="10", fireAt=at(seconds=-25))
        counts = [len(await made.advance(seconds)) for seconds in (0, 4.9, 0.1, 10)]
    assert counts == [1, 0, 1, 1]


class SlowGateway(RecordingGateway):
    """Takes its time with every event."""

    clock: VirtualClock

    async def emit(self, idn: str, **about: object) -> Emitted:  # type: ignore[override]
        done = await super().emit(idn, **about)  # type: ignore[arg-type]
        await self.clock.sleep_until(self.clock.now() + 25)
        return done


async def test_ticks_missed_while_one_is_offered_become_one() -> None:
    clock = VirtualClock()
    gateway = SlowGateway("program_timer", "*")
    gateway.clock = clock
    async with desk(clock=clock, gateway=gateway) as made:
        await made.set(repeatable="true", interval="10")
        heard = [len(await made.advance(seconds)) for seconds in (10, 24.9, 0.1, 24.9, 0.1)]
    assert heard == [1, 0, 1, 0, 1]  # at 10, 35 for the ticks of 20 and 30, and 60


@given(
    interval=st.floats(1e-6, 1e7),
    late=st.floats(-1e-6, 1e9),
    ticks=st.integers(0, 1000),
)
def test_next_tick_is_planned_and_to_come(interval: float, late: float, ticks: int) -> None:
    """Invariant: the next tick lies on the grid of the plan, after now, and not a whole interval beyond it."""
    step = timedelta(seconds=interval)
    planned = START + ticks * step
    now = planned + timedelta(seconds=late)
    timer = Timer(
        id="1", persona_id=None, name="t", connector_idn="t", interval_s=interval, repeatable=True,
        next_fire_at=planned,
    )  # fmt: skip
    after = ticked(timer, now).next_fire_at
    assert after is not None
    assert (after - planned) % step == timedelta()
    assert after > max(now, planned)
    assert after - max(now, planned) <= step


def test_timer_beyond_the_last_date_ends() -> None:
    last = datetime(9999, 12, 31, tzinfo=UTC)
    timer = Timer(
        id="1", persona_id=None, name="t", connector_idn="t", interval_s=1e6, repeatable=True,
        next_fire_at=last,
    )  # fmt: skip
    assert ticked(timer, last).next_fire_at is None


# --- setting again, switching off and on ------------------------------------------------------------


async def test_setting_again_replaces_and_restarts() -> None:
    async with desk() as made:
        await made.set(interval="300", eventIdn="old", note="1")
        await made.advance(200)
        await made.set(interval="300", eventIdn="new")
        assert await made.advance(299) == []
        (event,) = await made.advance(1)
        assert await made.advance(1000) == []
    assert (event.idn, event.arguments) == ("new", {"timerName": "quiet"})


async def test_timers_of_other_names_and_owners_are_others() -> None:
    async with desk() as made:
        await made.set(interval="5")
        await made.set(interval="6", timerName="second")
        await made.set(interval="7", personaId="bob")
        fired = await made.advance(10)
    assert [(event.persona_id, event.arguments["timerName"]) for event in fired] == [
        ("ann", "quiet"),
        ("ann", "second"),
        ("bob", "quiet"),
    ]


@pytest.mark.parametrize(
    "off",
    [
        {"enabled": "false"},
        {"enabled": "0", "interval": "99"},
        {"interval": "-1"},
        {"interval": "0"},
        {"interval": "-1", "repeatable": "true", "fireAt": "2026-05-05"},
    ],
)
async def test_switched_off_does_not_fire(off: dict[str, str]) -> None:
    async with desk() as made:
        await made.set(interval="5", repeatable="true")
        await made.advance(5)
        assert await made.set(**off) is None
        assert await made.advance(1000) == []


async def test_switched_on_again_restarts_what_was_kept() -> None:
    async with desk() as made:
        await made.set("quiet", interval="5", eventIdn="nudge", note="n")
        await made.set("quiet", enabled="false")
        await made.advance(100)
        assert await made.set("quiet", enabled="true") is None
        assert await made.advance(4.9) == []
        (event,) = await made.advance(0.1)
        await made.set("quiet", enabled="true", eventIdn="second", note="m")
        (other,) = await made.advance(5)
    assert (event.idn, event.arguments) == ("nudge", {"timerName": "quiet", "note": "n"})
    assert (other.idn, other.arguments) == ("second", {"timerName": "quiet", "note": "m"})


async def test_defined_off_with_times_waits_for_being_switched_on() -> None:
    async with desk() as made:
        await made.set(enabled="n", interval="5", repeatable="true")
        assert await made.advance(100) == []
        await made.set(enabled="y")
        assert len(await made.advance(10)) == 2


async def test_switching_off_what_was_never_set_is_nothing() -> None:
    async with desk() as made:
        assert await made.set(enabled="false") is None
        assert await made.set(interval="-1", timerName="other") is None
        assert await made.advance(100) == []
        message, _ = await made.refused(enabled="true")
    assert message == "set_timer: parameter 'interval': missing: nothing says when the timer fires"


async def test_tick_under_way_is_offered_though_its_timer_is_replaced() -> None:
    clock = VirtualClock()
    gateway = SlowGateway("program_timer", "*")
    gateway.clock = clock
    async with desk(clock=clock, gateway=gateway) as made:
        await made.set(interval="1", eventIdn="old")
        fired = await made.advance(10)
        await made.set(interval="100", eventIdn="new")
        fired += await made.advance(99)
        fired += await made.advance(1)
        kept = await made.store.timer("ann", "quiet")
        await made.clock.advance(30)
    assert [event.idn for event in fired] == ["old", "new"]
    assert kept is not None
    assert kept.event_idn == "new"


# --- what cannot be ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("idn", "arguments", "message"),
    [
        ("set_timer", {}, "set_timer: parameter 'interval': missing: a timer needs an interval or fireAt"),
        ("set_timer", {"interval": "soon"}, "set_timer: parameter 'interval': expected a number, got 'soon'"),
        ("set_timer", {"interval": "nan"}, "set_timer: parameter 'interval': expected a number, got 'nan'"),
        ("set_timer", {"interval": "1e300"}, "set_timer: parameter 'interval': is too long"),
        ("set_timer", {"interval": "-1", "enabled": "true"},
         "set_timer: parameter 'interval': expected seconds, more than 0, got -1"),
        ("set_timer", {"interval": "1e-9"},
         "set_timer: parameter 'interval': expected seconds, more than 0, got 1e-09"),
        ("set_timer", {"fireAt": "tomorrow"}, "set_timer: parameter 'fireAt': expected a date, got 'tomorrow'"),
        ("set_timer", {"fireAt": "0001-01-01T00:00"}, "set_timer: parameter 'fireAt': is too far away"),
        ("set_timer", {"interval": "1", "repeatable": "often"},
         "set_timer: parameter 'repeatable': expected true or false, got 'often'"),
        ("set_timer", {"repeatable": "true", "fireAt": "2030-01-01"},
         "set_timer: parameter 'interval': missing: nothing says when the timer fires"),
        ("set_repeatable_timer", {"fireAt": "2030-01-01"},
         "set_repeatable_timer: parameter 'interval': missing: nothing says when the timer fires"),
    ],
)  # fmt: skip
async def test_bad_times_are_an_error_and_the_old_timer_stays(
    idn: str, arguments: dict[str, str], message: str
) -> None:
    async with desk() as made:
        await made.set(interval="60", eventIdn="old")
        assert await made.refused(idn=idn, targetAction="x", **arguments) == (
            message,
            "bad_arguments",
        )
        (event,) = await made.advance(60)
    assert event.idn == "old"


async def test_error_carries_what_the_command_brought_for_its_handler() -> None:
    async with desk() as made:
        result = await made.set(fireAt="", note="n", targetAction="book")
    assert result is not None
    assert {name: result.arguments[name] for name in ("note", "targetAction")} == {
        "note": "n",
        "targetAction": "book",
    }


async def test_unknown_command_is_an_error() -> None:
    async with desk() as made:
        assert await made.refused(idn="set_alarm", interval="1") == (
            "program_timer has no command 'set_alarm'",
            "unknown_command",
        )


# --- the store --------------------------------------------------------------------------------------


async def test_timers_survive_a_restart_and_overdue_ones_fire_once() -> None:
    store, clock = MemoryStore(), VirtualClock()
    async with desk(store, clock) as made:
        await made.set("due", interval="10")
        await made.set("often", interval="10", repeatable="true")
        await made.set("later", interval="100")
        await made.set("off", interval="10")
        await made.set("off", enabled="false")
    await clock.advance(35)
    async with desk(store, clock) as made:
        overdue = await made.advance(0)
        rest = [await made.advance(seconds) for seconds in (4.9, 0.1, 60)]
    assert {event.connector_idn for event in overdue} == {"due", "often"}
    assert len(overdue) == 2
    assert [[event.connector_idn for event in fired] for fired in rest] == [
        [],
        ["often"],
        [*["often"] * 5, "later", "often"],
    ]


async def test_fired_timer_does_not_fire_after_a_restart() -> None:
    store, clock = MemoryStore(), VirtualClock()
    async with desk(store, clock) as made:
        await made.set(interval="10")
        assert len(await made.advance(10)) == 1
    async with desk(store, clock) as made:
        assert await made.advance(100) == []


class ClosingGateway(RecordingGateway):
    """Takes in nothing, as that of a runtime that is being left."""

    async def emit(self, idn: str, **about: Any) -> Emitted:
        return Emitted(event_id="refused", refused=1)


@pytest.mark.parametrize("repeatable", ["false", "true"])
async def test_tick_that_is_not_taken_fires_once_after_the_restart(repeatable: str) -> None:
    store, clock = MemoryStore(), VirtualClock()
    async with desk(store, clock, ClosingGateway("program_timer", "*", store=store)) as made:
        await made.set(interval="10", repeatable=repeatable)
        assert await made.advance(35) == []
    async with desk(store, clock) as made:
        assert len(await made.advance(0)) == 1
        assert len(await made.advance(5)) == (repeatable == "true")


async def test_tick_that_a_full_queue_refuses_has_fired() -> None:
    class FullGateway(RecordingGateway):
        async def emit(self, idn: str, **about: Any) -> Emitted:
            emitted = await super().emit(idn, **about)
            return replace(emitted, subscribers=1, refused=1)

    store, clock = MemoryStore(), VirtualClock()
    async with desk(store, clock, FullGateway("program_timer", "*", store=store)) as made:
        await made.set(interval="10")
        assert len(await made.advance(10)) == 1
    async with desk(store, clock) as made:
        assert await made.advance(100) == []


async def test_timer_set_before_the_connector_runs_fires_once_it_does() -> None:
    store, clock = MemoryStore(), VirtualClock()
    early = Desk(RecordingGateway(store=store), clock, store)
    await early.set(interval="10")
    async with desk(store, clock) as made:
        assert len(await made.advance(10)) == 1


class FailingStore(MemoryStore):
    """Fails where it is told to."""

    failing = ""

    async def put_timer(self, timer: Timer) -> None:
        if self.failing == "put":
            raise StoreError("disk full")
        await super().put_timer(timer)

    async def actor(self, id: str) -> Actor | None:
        if self.failing == "actor":
            raise StoreError("gone")
        return await super().actor(id)


async def test_store_that_fails_changes_nothing_and_ends_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = FailingStore()
    async with desk(store) as made:
        await made.set(interval="10", repeatable="true")
        store.failing = "put"
        with pytest.raises(StoreError):
            await made.set(interval="99")
        assert len(await made.advance(20)) == 2
        store.failing = "actor"
        assert await made.advance(10) == []
        store.failing = ""
        assert len(await made.advance(10)) == 1
    assert {record.message for record in caplog.records} == {
        "that timer quiet fired was not noted",
        "timer quiet could not fire",
    }


async def test_reload_takes_the_timers_of_merged_personas() -> None:
    async with desk() as made:
        await made.set(interval="10", timerName="one", personaId="bob")
        await made.set(interval="20", timerName="two", personaId="bob")
        await made.set(interval="30", timerName="two")
        await made.store.merge_personas("ann", "bob")
        await made.timer.reload()
        fired = await made.advance(100)
    assert [(event.persona_id, event.arguments["timerName"]) for event in fired] == [
        ("ann", "one"),
        ("ann", "two"),
    ]
