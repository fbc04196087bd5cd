"""`skillc chat`: a conversation with a project at a terminal, or through pipes, by the project's own rules.

1. A line is a message of the user, whatever the agent is doing; what it interrupts is the project's business.
2. A line that begins with `/` is for us: a row of `COMMANDS`.
3. The agent's words come through a `Sandbox`; where the cursor stands is known by `Console` alone.
"""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream

from skillc.cli.console import Console, Executions
from skillc.cli.formats import count
from skillc.cli.terminal import is_terminal, read_lines
from skillc.errors import UsageError, did_you_mean
from skillrt import Actor, Connector, Runtime
from skillrt.connectors.base import Emitted
from skillrt.connectors.sandbox import INTEGRATION, Sandbox
from skillrt.llm.base import Provider
from skillrt.model import Agent
from skillrt.projects import Flow, Project, load_project
from skillrt.routing import Address, Routes
from skillrt.states import owner_of
from skillrt.testing import Received, Reply
from skillrt.watchdog import sole

SHOWN_EXECUTIONS: Final = 10
DEMO_TOKEN_DELAY_S: Final = 0.04
DEMO_TAIL: Final = 160


def scripted_answer(request: Received) -> Reply:
    """What the scripted model says: where its prompt ends, so that one sees what it was asked."""
    messages: Sequence[Mapping[str, Any]] = request.body.get("messages") or [{}]
    content = str(messages[-1].get("content", ""))
    end = " ".join(content.replace(":", "").split())  # a label such as `User:` would end the reply
    said = f"This is the scripted model. The prompt it was given ends with: {end[-DEMO_TAIL:]}"
    return Reply.stream(said, token_delay_s=DEMO_TOKEN_DELAY_S)


# --- who talks to what ------------------------------------------------------------------------------


def channels(projects: Iterable[Project], chosen: Address | None) -> tuple[Address, list[Address]]:
    """Where the user talks, and all sandbox connectors that the projects' subscriptions name.

    Source: event model, shipped connectors: those, "else `sandbox`".
    """
    named = [address for address in Routes(projects).addresses() if address[0] == INTEGRATION]
    default = (INTEGRATION, INTEGRATION)
    if chosen is None:
        chosen = named[0] if named and default not in named else default
    return chosen, sorted({chosen, *named})


def address_of(text: str) -> Address:
    """The address that `integration/connector` is.

    Raises:
        UsageError: it is none.
    """
    integration, slash, connector = text.partition("/")
    if not (integration and slash and connector):
        raise UsageError(f"--connector is INTEGRATION/CONNECTOR, not '{text}'")
    return integration, connector


@dataclass(slots=True)
class Chat:
    """A conversation under way."""

    runtime: Runtime
    projects: Sequence[Project]
    sandbox: Sandbox
    person: Actor
    console: Console
    executions: Executions

    @property
    def flows(self) -> list[Flow]:
        """All flows, in order of their names."""
        flows = (flow for project in self.projects for flow in project.flows)
        return sorted(flows, key=lambda flow: flow.name)

    async def take(self, line: str) -> None:
        """Carry out a line of the user's."""
        if not line.strip():
            return
        if not line.startswith("/"):
            await self.say(line)
        elif line.startswith("//"):
            await self.say(line[1:])
        else:
            name, _, rest = line[1:].strip().partition(" ")
            command = COMMANDS.get(name)
            if command is None:
                near = did_you_mean(f"/{name}", [f"/{known}" for known in COMMANDS])
                hint = near or "/help lists them; // begins a message"
                self.console.line(f"no command '/{name}'; {hint}")
            else:
                await command.carry_out(self, rest.strip())

    async def say(self, text: str) -> None:
        """Say it, and say so when that had no effect."""
        self.complain("message", await self.sandbox.say(text))

    def complain(self, what: str, emitted: Emitted) -> None:
        """Show that nobody heard of an event, if that is so."""
        address = f"{self.sandbox.integration_idn}/{self.sandbox.connector_idn}"
        if emitted.refused:
            self.console.line(f"the {what} was refused: too much is waiting")
        elif not emitted.subscribers:
            self.console.line(f"no flow subscribes to this {what} from {address}")


# --- commands ---------------------------------------------------------------------------------------


async def send_event(chat: Chat, rest: str) -> None:
    """`/event IDN [NAME=VALUE ...]`."""
    try:
        idn, *pairs = shlex.split(rest) or [""]
    except ValueError as error:
        chat.console.line(f"cannot read '{rest}': {str(error).lower()}")
        return
    if not idn:
        chat.console.line(f"usage: {COMMANDS['event'].usage}")
        return
    arguments: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (name and equals):
            chat.console.line(f"an argument is NAME=VALUE, not '{pair}'")
            return
        arguments[name] = value
    chat.complain(f"event {idn}", await chat.sandbox.emit(idn, arguments))


async def show_state(chat: Chat, rest: str) -> None:
    """`/state [NAME[=VALUE]]`."""
    wanted, equals, value = rest.partition("=")
    if equals and not wanted:
        chat.console.line(f"usage: {COMMANDS['state'].usage}")
        return
    fields = [found for found in state_fields(chat.flows) if wanted in ("", found.name, found.path)]
    if not fields and wanted:
        # A flow that declares nothing has its fields all the same.
        flow, _, name = wanted.rpartition(".")
        fields = [
            Field(one, name) for one in chat.flows if flow in ("", one.idn) and not one.states
        ]
    if not fields:
        known = [found.name for found in state_fields(chat.flows)]
        hint = did_you_mean(wanted, known) or f"declared: {', '.join(known) or 'none'}"
        chat.console.line(f"no state field '{wanted}'; {hint}")
    for found in fields:
        owner = found.owner(chat.person.persona_id)
        if equals:
            await chat.runtime.store.put_state(owner, found.name, value)
        stored = await chat.runtime.store.state(owner, found.name)
        chat.console.line(f"{found.path} = {found.default if stored is None else stored}")


class Field(NamedTuple):
    """A state field of a flow."""

    flow: Flow
    name: str

    @property
    def path(self) -> str:
        """`Flow.name`."""
        return f"{self.flow.idn}.{self.name}"

    @property
    def default(self) -> str:
        """Its value before the first write."""
        about = self.flow.states.get(self.name)
        return about["default"] if about else ""

    def owner(self, persona_id: str) -> str:
        """Whose value is shown: the user's, or that which all share."""
        about = self.flow.states.get(self.name)
        scope = about["scope"] if about else "user"
        return owner_of(scope, self.flow.name, self.flow.project, persona_id)


def state_fields(flows: Iterable[Flow]) -> list[Field]:
    """The declared ones."""
    return [Field(flow, name) for flow in flows for name in flow.states]


async def show_memory(chat: Chat, rest: str) -> None:
    """`/memory`."""
    agents: dict[str, Agent] = {flow.agent.id: flow.agent for flow in chat.flows}
    for agent in agents.values():
        acts = await chat.runtime.store.messages(agent.id, persona_ids=[chat.person.persona_id])
        if len(agents) > 1:
            chat.console.line(f"{agent.idn} remembers {count(len(acts), 'message')}")
        elif not acts:
            chat.console.line("nothing was said")
        for act in acts:
            who = "User" if act.reference_idn == "user_message" else "Agent"
            cut = " [cut]" if act.arguments.get("interrupted") == "true" else ""
            chat.console.line(f"  {who}: {act.text}{cut}")


async def show_trace(chat: Chat, rest: str) -> None:
    """`/trace [COUNT]`."""
    most = int(rest) if rest.isascii() and rest.isdecimal() and int(rest) else SHOWN_EXECUTIONS
    shown = list(chat.executions.lines(most))
    for line in shown or ["nothing has run"]:
        chat.console.line(line)


async def wait(chat: Chat, rest: str) -> None:
    """`/wait`."""
    await chat.runtime.quiet()


async def show_help(chat: Chat, rest: str) -> None:
    """`/help`."""
    width = max(len(command.usage) for command in COMMANDS.values())
    for command in COMMANDS.values():
        chat.console.line(f"{command.usage:{width}}  {command.about}")


class Command(NamedTuple):
    """What a line that begins with `/` does."""

    usage: str
    about: str
    carry_out: Callable[[Chat, str], Awaitable[None]]


COMMANDS: Final[Mapping[str, Command]] = {
    "event": Command(
        "/event IDN [NAME=VALUE ...]", "have that event happen on this channel", send_event
    ),
    "state": Command("/state [NAME[=VALUE]]", "show state fields, or set one", show_state),
    "memory": Command("/memory", "show what the agent remembers of this conversation", show_memory),
    "trace": Command("/trace [COUNT]", "show the last runs of skills, and their costs", show_trace),
    "wait": Command("/wait", "read on once nothing runs: for lines that come from a file", wait),
    "help": Command(
        "/help", "show this; any other line is a message, // begins one with /", show_help
    ),
}


# --- the conversation -------------------------------------------------------------------------------


async def converse(
    builds: Iterable[str],
    provider: Provider,
    *,
    name: str = "",
    connector: Address | None = None,
    connectors: Iterable[Connector] = (),
) -> None:
    """Talk to compiled projects until the input ends; `connectors` are loaded beside the sandbox.

    Input that is no terminal ends the conversation only once nothing runs any more.

    Raises:
        ConfigurationError: the projects and connectors cannot be started together.
    """
    console, executions = Console(at_terminal=is_terminal()), Executions()
    agent = Agent()
    projects = [load_project(build, agent) for build in builds]
    here, sandboxes = channels(projects, connector)
    made = {
        address: Sandbox(console, address[1], integration_idn=address[0]) for address in sandboxes
    }
    runtime = Runtime(
        provider=provider,
        agent=agent,
        connectors=[*made.values(), *connectors],
        trace=executions,
    )
    for build in builds:
        runtime.load(build)
    typed, lines = anyio.create_memory_object_stream[str](float("inf"))
    try:
        with typed, lines:
            async with runtime:
                if console.at_terminal:
                    others = ", ".join("/".join(other) for other in sandboxes if other != here)
                    also = f" (--connector: also {others})" if others else ""
                    console.line(f"You are on {'/'.join(here)}{also}; /help lists the commands.")
                person = await made[here].arrive(name or "terminal", name)
                chat = Chat(runtime, projects, made[here], person, console, executions)
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(keep_prompting, chat)
                    read_lines(typed)
                    await listen(chat, lines)
                    tasks.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        raise sole(group) from None


async def listen(chat: Chat, lines: MemoryObjectReceiveStream[str]) -> None:
    """Carry out lines as they come."""
    async for line in lines:
        chat.console.entered()
        await chat.take(line)
        chat.console.stirred.set()
    if not chat.console.at_terminal:
        await chat.runtime.quiet()


async def keep_prompting(chat: Chat) -> None:
    """Show the prompt whenever nothing runs and something happened since it was shown."""
    while True:
        await chat.runtime.quiet()
        chat.console.prompt()
        chat.console.stirred = anyio.Event()
        await chat.console.stirred.wait()
