"""The example of docs/asgi.md: it runs as it stands there, and does what is said of it."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from anyio.abc import TaskGroup

from engine_place import flow, on
from pages import definitions
from skillrt import Runtime
from skillrt.testing import ScriptedProvider

pytestmark = pytest.mark.anyio


@pytest.fixture
def page() -> dict[str, Any]:
    return definitions("asgi")


class Client:
    """A server and its clients in one, as an application sees them."""

    def __init__(self, app: Any, tasks: TaskGroup) -> None:
        self.app = app
        self.tasks = tasks

    async def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """One request with its response."""
        sent: list[dict[str, Any]] = []

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        parts = [{"body": body[:3], "more_body": True}, {"body": body[3:]}]

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", **parts.pop(0)}

        await self.app({"type": "http", "method": "POST", "path": path}, receive, send)
        return sent[0]["status"], sent[1]["body"]

    async def listen(self, name: str) -> tuple[Any, anyio.Event]:
        """A line that is open: its server-sent events, and how to hang up."""
        there, heard = anyio.create_memory_object_stream[dict[str, Any]](100)
        gone = anyio.Event()

        async def receive() -> dict[str, Any]:
            await gone.wait()
            return {"type": "http.disconnect"}

        async def call() -> None:
            with there:
                scope = {"type": "http", "method": "GET", "path": f"/chat/{name}"}
                await self.app(scope, receive, there.send)

        self.tasks.start_soon(call)
        assert (await heard.receive())["status"] == 200
        return heard, gone


@asynccontextmanager
async def served(
    page: dict[str, Any], *scripts: list[Any], **skills: str
) -> AsyncGenerator[Client, None]:
    """The page's application with a scripted model and a small project, from its startup to its shutdown."""
    chat = page["WebChat"]()
    runtime = Runtime(provider=ScriptedProvider(*scripts), connectors=[chat])
    runtime.load(
        flow(
            "desk",
            on("user_message", "Reply", "interrupt", at="web/chat"),
            on("opened", "Note", at="api/webhook"),
            **skills,
        )
    )
    app = page["Service"](runtime, chat)
    up, down, closed = anyio.Event(), anyio.Event(), anyio.Event()
    wanted = iter([None, down])

    async def receive() -> dict[str, Any]:
        if wait := next(wanted):
            await wait.wait()
        return {}

    async def send(message: dict[str, Any]) -> None:
        (up if message["type"].startswith("lifespan.startup") else closed).set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(app, {"type": "lifespan"}, receive, send)
        await up.wait()
        yield Client(app, tasks)
        down.set()
        await closed.wait()
        tasks.cancel_scope.cancel()


async def told(heard: Any) -> tuple[str, str]:
    """The next server-sent event: its name and its text."""
    event, data, *_ = (await heard.receive())["body"].decode().split("\n")
    return event.removeprefix("event: "), json.loads(data.removeprefix("data: "))


REPLY = "{{#system~}}{{GetMemory()}}{{~/system}}{{GenStream()}}"
NOTE = '{{SetState(name="x", value="y")}}'


async def test_a_person_is_answered_and_interrupts(page: dict[str, Any]) -> None:
    gate = anyio.Event()
    scripts = ["We have ", "two.", gate.wait, " And"], ["Bye."]
    async with served(page, *scripts, Reply=REPLY, Note=NOTE) as client:
        heard, gone = await client.listen("Ann")
        status, body = await client.post("/chat/Ann", b"Got kayaks?")
        assert status == 202
        assert json.loads(body)["subscribers"] == 1
        assert [await told(heard) for _ in range(2)] == [("chunk", "We have"), ("chunk", " two.")]
        await client.post("/chat/Ann", b"Never mind")
        assert [await told(heard) for _ in range(3)] == [
            ("end", "interrupted"),
            ("chunk", "Bye."),
            ("end", "complete"),
        ]
        gone.set()
        with pytest.raises(anyio.EndOfStream):
            await heard.receive()
        heard.close()


async def test_events_come_from_outside(page: dict[str, Any]) -> None:
    async with served(page, ["Hi."], Reply=REPLY, Note=NOTE) as client:
        status, body = await client.post("/events/opened", b'{"door": "north"}')
        assert (status, json.loads(body)["subscribers"]) == (202, 1)
        status, body = await client.post("/events/closed", b"{}")
        assert (status, json.loads(body)["subscribers"]) == (202, 0)
        assert (await client.post("/elsewhere", b"..."))[0] == 404
    assert (await client.post("/chat/Ann", b"late"))[0] == 429


def test_the_page_makes_an_application(page: dict[str, Any]) -> None:
    assert page["app"].runtime.connectors[("web", "chat")] is page["chat"]
