"""The sandbox and the system connector: what they show, and what they emit."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from anyio.abc import TaskStatus
from hypothesis import given
from hypothesis import strategies as st

from skillrt.connectors.base import (
    ANY,
    Command,
    Commanded,
    Connector,
    Service,
    Serving,
    StreamMeta,
    Typing,
)
from skillrt.connectors.sandbox import Sandbox, Screen
from skillrt.connectors.system import SystemConnector
from skillrt.errors import ChannelClosed
from skillrt.model import Actor
from skillrt.testing import RecordingGateway

pytestmark = pytest.mark.anyio

ANN = Actor(id="ann-chat", persona_id="ann", external_id="ann")
META = StreamMeta("m1", "Reply")


@asynccontextmanager
async def served(connector: Serving, gateway: RecordingGateway) -> AsyncGenerator[None]:
    """The connector, running."""

    async def run(*, task_status: TaskStatus[None]) -> None:
        await connector.run(gateway, task_status=task_status)

    async with anyio.create_task_group() as tasks:
        await tasks.start(run)
        yield
        tasks.cancel_scope.cancel()


async def stream(sandbox: Sandbox, actor: Actor = ANN) -> Any:
    opened = await sandbox.open_stream(actor, META)
    assert opened is not None
    return opened


async def test_streamed_text_is_shown_as_it_comes_and_a_cut_is_marked() -> None:
    shown: list[str] = []
    sandbox = Sandbox(Screen(shown.append))
    first = await stream(sandbox)
    await first.write("Yes, ")
    assert shown == ["Yes, "]
    await first.write("we")
    assert await first.close("interrupted") == 7
    second = await stream(sandbox)
    await second.write("Fine.")
    assert await second.close("complete") == 5
    third = await stream(sandbox)
    await third.write("Hm")
    await third.close("error")
    assert "".join(shown) == "Yes, we [cut]\nFine.\nHm [broken off]\n"


async def test_message_that_said_nothing_shows_nothing() -> None:
    shown: list[str] = []
    sandbox = Sandbox(Screen(shown.append))
    assert await (await stream(sandbox)).close("interrupted") is None
    assert shown == []


async def test_whole_message_waits_for_the_end_of_the_stream_on_the_screen() -> None:
    shown: list[str] = []
    sandbox = Sandbox(Screen(shown.append))
    speaking = await stream(sandbox)
    await speaking.write("One ")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(sandbox.send_message, ANN, "Whole.", {})
        await anyio.wait_all_tasks_blocked()
        await speaking.write("two")
        assert await speaking.close("complete") == 7
    assert "".join(shown) == "One two\nWhole.\n"


async def test_waiting_message_that_is_cut_was_not_shown() -> None:
    shown: list[str] = []
    sandbox = Sandbox(Screen(shown.append))
    speaking, waiting, last = [await stream(sandbox) for _ in range(3)]
    for number, message in enumerate((speaking, waiting, last)):
        await message.write(f"{number}...")
    with anyio.move_on_after(0):
        await waiting.close("complete")
    assert await waiting.close("interrupted") == 0
    assert await speaking.close("complete") == 4
    await last.write("!")
    assert await last.close("complete") == 5
    assert "".join(shown) == "0...\n2...!\n"


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from("abc")), max_size=40))
def test_overlapping_streams_are_shown_whole_one_after_another(
    written: list[tuple[int, str]],
) -> None:
    """Invariant: each message stands on one line, in order of its first text, whatever the order of the pieces."""

    async def run() -> str:
        shown: list[str] = []
        sandbox = Sandbox(Screen(shown.append))
        messages = [await stream(sandbox) for _ in range(4)]
        async with anyio.create_task_group() as tasks:
            for number, text in written:
                await messages[number].write(text)
            for message in messages:
                tasks.start_soon(message.close, "complete")
        return "".join(shown)

    order = list(dict.fromkeys(number for number, _ in written))
    texts = ["".join(text for one, text in written if one == number) for number in order]
    assert anyio.run(run) == "".join(f"{text}\n" for text in texts)


async def test_message_for_somebody_else_says_for_whom() -> None:
    shown: list[str] = []
    sandbox, gateway = Sandbox(Screen(shown.append)), RecordingGateway()
    async with served(sandbox, gateway):
        ann = await sandbox.arrive("ann")
        bob = Actor(persona_id="bob", external_id="bob-1", name="Bob")
        await sandbox.send_message(ann, "Hello.", {})
        await sandbox.send_message(bob, "Psst.", {})
        message = await stream(sandbox, bob)
        await message.write("Bye")
        assert await message.close("complete") == 3
    assert "".join(shown) == "Hello.\n[to Bob] Psst.\n[to Bob] Bye\n"


async def test_typing_is_shown_unless_a_message_is() -> None:
    shown: list[str] = []
    sandbox = Sandbox(Screen(shown.append))
    await sandbox.typing(ANN, on=True)
    await sandbox.typing(ANN, on=False)
    message = await stream(sandbox)
    await message.write("Hi")
    await sandbox.typing(ANN, on=True)
    await message.close("complete")
    assert "".join(shown) == "[typing]\nHi\n"


async def test_what_the_person_says_is_an_event_of_the_channel() -> None:
    gateway = RecordingGateway("sandbox", "pier")
    sandbox = Sandbox(Screen(lambda text: None), "pier")
    async with served(sandbox, gateway):
        ann = await sandbox.arrive("terminal", name="Ann")
        await sandbox.say("Got kayaks")
        await sandbox.emit("called", {"a": "b"})
    started, said, called = gateway.events
    assert (started.idn, started.actor_id) == ("conversation_started", ann.id)
    assert (said.idn, said.arguments, said.user_input) == (
        "user_message",
        {"text": "Got kayaks"},
        True,
    )
    assert (called.idn, called.arguments, called.persona_id) == (
        "called",
        {"a": "b"},
        ann.persona_id,
    )
    assert (ann.name, ann.connector_idn) == ("Ann", "pier")


async def test_sandbox_that_nobody_serves_says_so() -> None:
    sandbox = Sandbox(Screen(lambda text: None), "pier")
    with pytest.raises(RuntimeError, match="no runtime serves sandbox/pier"):
        await sandbox.say("Hello?")


async def test_connectors_are_what_they_claim_to_be() -> None:
    sandbox, system = Sandbox(Screen(lambda text: None)), SystemConnector()
    claims: list[Connector] = [sandbox, system]
    assert [isinstance(one, Serving) for one in claims] == [True, True]
    assert [isinstance(one, Typing) for one in claims] == [True, False]
    assert [isinstance(one, Commanded) for one in claims] == [False, True]


# --- system -----------------------------------------------------------------------------------------


def ask(connector_idn: str, **arguments: str) -> Command:
    return Command(
        id="c1",
        idn="refresh",
        integration_idn="system",
        connector_idn=connector_idn,
        arguments=arguments,
        persona_id="ann",
        actor=ANN,
        hops=3,
    )


async def test_command_to_system_is_a_system_event() -> None:
    system, gateway = SystemConnector(), RecordingGateway("system", ANY)
    async with served(system, gateway):
        assert await system.command(ask("customer", a="b")) is None
        assert await system.command(ask("")) is None
    named, unnamed = gateway.events
    assert (named.idn, named.integration_idn, named.connector_idn) == (
        "refresh",
        "system",
        "customer",
    )
    assert (named.arguments, named.persona_id, named.actor_id) == ({"a": "b"}, "ann", "ann-chat")
    assert named.hops == 4
    assert unnamed.connector_idn == "system"


async def test_system_that_is_not_served_refuses() -> None:
    result = await SystemConnector().command(ask("system"))
    assert result is not None
    assert (result.ok, result.arguments["code"]) == (False, "stopped")


async def test_service_reaches_nobody() -> None:
    service = Service()
    assert await service.open_stream(ANN, META) is None
    with pytest.raises(ChannelClosed):
        await service.send_message(ANN, "Hello?", {})
