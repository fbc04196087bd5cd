"""The examples of docs/connectors.md: they run as they stand there, and do what is said of them."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from engine_place import flow, on
from pages import definitions
from skillrt import Actor, Runtime
from skillrt.connectors.base import Commanded, Serving
from skillrt.testing import ScriptedProvider

pytestmark = pytest.mark.anyio


@pytest.fixture
def page() -> dict[str, Any]:
    return definitions("connectors")


async def read_line(person: anyio.abc.SocketStream) -> str:
    read = b""
    while not read.endswith(b"\n"):
        read += await person.receive()
    return read.decode()


async def test_the_channel_carries_a_conversation(page: dict[str, Any]) -> None:
    chat = page["LineChat"](port=0)
    assert isinstance(chat, Serving)
    gate = anyio.Event()
    provider = ScriptedProvider(["We have ", "two.", gate.wait, " And"], ["Bye."])
    desk = flow(
        "Desk",
        on("conversation_started", "Greet", at="lines/desk"),
        on("user_message", "Reply", "interrupt", at="lines/desk"),
        Greet="{{SendMessage(message=Concat('Hello ', GetUser(field='name'), '.'))}}",
        Reply="{{#system~}}{{GetMemory(count='9')}}{{~/system}}{{GenStream()}}",
    )
    runtime = Runtime(provider=provider, connectors=[chat])
    runtime.load(desk)
    async with runtime:
        async with await anyio.connect_tcp("127.0.0.1", chat.port) as person:
            await person.send(b"Ann\n")
            assert await read_line(person) == "Hello Ann.\n"
            await person.send(b"Got kayaks?\n")
            heard = await person.receive()
            while not heard.endswith(b"two."):
                heard += await person.receive()
            await person.send(b"Never mind\n")
            assert await read_line(person) == " [cut]\n"
            assert await read_line(person) == "Bye.\n"
        await runtime.quiet()
    assert "Agent: We have two.\nUser: Never mind" in provider.requests[1].messages[0].content


async def test_the_service_answers_commands(page: dict[str, Any]) -> None:
    stock = page["Stock"]({"oar": 7})
    assert isinstance(stock, Commanded)
    seen: list[str] = []
    told = anyio.Event()

    class Clerk:
        integration_idn, connector_idn = "sandbox", "sandbox"

        async def send_message(self, actor: Any, text: str, arguments: Any) -> None:
            seen.append(text)
            if len(seen) == 2:
                told.set()

        async def open_stream(self, actor: Any, meta: Any) -> None:
            return None

    desk = flow(
        "Desk",
        on("user_message", "Ask"),
        on("result_success", "Tell", at="stock/stock"),
        on("result_error", "Tell", at="stock/stock"),
        Ask="{{SendCommand(commandIdn='count', integrationIdn='stock', connectorIdn='stock',"
        " thing=GetTriggeredAct(fields=['text']))}}",
        Tell="{{SendMessage(message=GetTriggeredAct(fields=['count', 'message']))}}",
    )
    runtime = Runtime(provider=ScriptedProvider(["-"]), connectors=[stock, Clerk()])
    runtime.load(desk)
    async with runtime:
        ann = Actor(persona_id="ann", external_id="ann")
        await runtime.emit("user_message", actor=ann, arguments={"text": "oar"})
        await runtime.quiet()
        await runtime.emit("user_message", actor=ann, arguments={"text": "sail"})
        await told.wait()
    assert sorted(text.strip() for text in seen) == ["7", "no sail"]


async def test_the_example_of_a_test_passes(page: dict[str, Any]) -> None:
    await page["test_a_line_is_a_message"]()
