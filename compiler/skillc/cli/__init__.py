"""The commands. Heavy imports stay inside them: `--help` and `--version` load nothing but click.

Exit codes: 0 clean, 1 findings, 2 usage or configuration, 3 our own fault, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from skillc.cli.output import Progress, seconds, show_findings, shown_findings, wants_colour, write

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from skillc.project.build import Built
    from skillc.project.config import Config
    from skillc.project.load import Loaded

FAILED: Final = 1
USAGE: Final = 2
INTERNAL: Final = 3
INTERRUPTED: Final = 130

LIBRARIES: Final = frozenset({"libcst", "yaml"})
"""What the extra `compiler` brings beside click; `skillc.__main__` says so when one is missing."""


class Commands(click.Group):
    """The commands as a group that turns what can go wrong into a message and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run one command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)
        except (click.ClickException, click.Abort, click.exceptions.Exit, BrokenPipeError):
            raise
        except Exception as error:
            if isinstance(error, ModuleNotFoundError) and error.name in LIBRARIES:
                raise
            ctx.exit(explain_error(error))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="skillc", message="skillc %(version)s")
def cli() -> None:
    """Compile conversational skills to typed async Python, check them, run them.

    \b
    Examples:
      skillc build                       skills/ -> build/
      skillc check --format github       findings for a pull request
      skillc actions GenStream           what an action takes
      skillc run build/genstream.py --skill Simple --message "Hello"
    """


# --- compiling -------------------------------------------------------------------------------------------

SOURCE_OPTIONS: Final = (
    click.option(
        "--similarity",
        type=click.Choice(["platform", "normalized"]),
        help="How IsSimilar compares: the platform's documented formula, or by share of equal text.",
    ),
    click.option(
        "--layout",
        type=click.Choice(["auto", "folder", "v1", "v2"]),
        help="How SRC is laid out (default: what it looks like).",
    ),
    click.option("--customer", metavar="NAME", help="Which one, where SRC holds several."),
)


def source_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options about what is read, which a command takes as `**flags`."""
    for option in reversed(SOURCE_OPTIONS):
        command = option(command)
    return command


quiet_option = click.option("-q", "--quiet", is_flag=True, help="No progress and no summary.")


@cli.command()
@click.argument("src", required=False)
@click.option("-o", "--out", metavar="DIR", help="Where modules are written (default: build).")
@click.option("--check", "only_check", is_flag=True, help="Write nothing; fail when DIR is stale.")
@source_options
@quiet_option
def build(
    src: str | None, out: str | None, *, only_check: bool, quiet: bool, **flags: str | None
) -> None:
    """Compile the skills in SRC (default: skills) to Python modules.

    SRC is a script, a folder of scripts, a project or a part of one as the platform or its command line lays it
    out, or a directory of such. Only what changed is compiled again; with any error nothing is written.

    \b
    Examples:
      skillc build
      skillc build shop/skills -o shop/build
      skillc build --check
    """
    from skillc.cli.formats import count, count_findings
    from skillc.errors import TemplateError
    from skillc.project import build as project

    started = time.perf_counter()
    config, loaded = read_project(src, out, flags)
    progress, jobs = Progress(shown=not quiet), os.cpu_count() or 1
    try:
        if only_check:
            compared = project.compare(loaded, config.out, config.settings, progress, jobs)
            modules = compared.modules
            progress.done()
            show_findings(shown_findings(compared.findings), sys.stderr)
            for difference in compared.differences:
                write(sys.stdout, f"{difference.path}: {difference.kind}")
            if compared.differences:
                files = count(len(compared.differences), "file")
                write(sys.stderr, f"{files} not up to date; run 'skillc build'")
                raise click.exceptions.Exit(FAILED)
            changes = "up to date"
        else:
            built = project.build(loaded, config.out, config.settings, progress, jobs)
            progress.done()
            show_findings(shown_findings(built.findings), sys.stderr)
            modules = built.modules
            unchanged = modules - len(built.written)
            changes = f"{len(built.written)} written, {unchanged} unchanged"
            changes += f", {len(built.removed)} removed" if built.removed else ""
    except TemplateError as error:
        progress.done()
        shown = shown_findings(error.diagnostics)
        show_findings(shown, sys.stderr)
        write(sys.stderr, f"{count_findings(shown)}: nothing was written ({seconds(started)})")
        raise click.exceptions.Exit(FAILED) from None
    if not quiet:
        size = f"{count(modules, 'module')}, {count(loaded.skill_count, 'skill')}"
        write(sys.stderr, f"{size}: {changes} ({seconds(started)})")


@cli.command()
@click.argument("src", required=False)
@click.option(
    "--format",
    "form",
    type=click.Choice(["human", "json", "jsonl", "github"]),
    default="human",
    show_default=True,
    help="How findings are written to standard output.",
)
@click.option("--show-infos", is_flag=True, help="Show infos too.")
@click.option("--warnings-as-errors", is_flag=True, help="Fail on any warning.")
@click.option(
    "-W", "strict", metavar="CODE", multiple=True, help="Fail on this warning (repeatable)."
)
@source_options
@quiet_option
def check(
    src: str | None,
    form: str,
    strict: tuple[str, ...],
    *,
    show_infos: bool,
    warnings_as_errors: bool,
    quiet: bool,
    **flags: str | None,
) -> None:
    """Find mistakes in the skills in SRC (default: skills) and write nothing.

    Exit code 1 when there is an error, or a warning that an option turns into one.

    \b
    Examples:
      skillc check
      skillc check skills/genstream --show-infos
      skillc check --format json -W SK301
    """
    from skillc.cli.formats import FORMATS, count, count_findings
    from skillc.compile import check_flows

    started = time.perf_counter()
    codes = {registered(code) for code in strict}
    config, loaded = read_project(src, None, flags)
    progress = Progress(shown=not quiet)
    findings = list(loaded.findings)
    for checked in check_flows(loaded.flows, config.settings, progress):
        findings += checked.findings
    progress.done()
    findings.sort(key=lambda finding: finding.place)
    shown = shown_findings(findings, infos=show_infos)
    if form == "human":
        show_findings(shown, sys.stdout)
    elif text := FORMATS[form](shown):
        write(sys.stdout, text)
    if not quiet:
        skills = count(loaded.skill_count, "skill")
        write(sys.stderr, f"{skills}: {count_findings(shown)} ({seconds(started)})")
    fatal = (
        finding.severity == "error"
        or finding.code in codes
        or (warnings_as_errors and finding.severity == "warning")
        for finding in findings
    )
    if any(fatal):
        raise click.exceptions.Exit(FAILED)


@cli.command()
@click.argument("src", required=False)
@click.option("--ir", is_flag=True, required=True, help="Show the IR, after the passes.")
@click.option("--skill", metavar="NAME", help="Show only this skill.")
@source_options
def dump(src: str | None, skill: str | None, *, ir: bool, **flags: str | None) -> None:
    """Show what the compiler made of the skills in SRC (default: skills).

    \b
    Example:
      skillc dump --ir skills/genstream --skill Simple
    """
    from dataclasses import replace

    from skillc.compile import check_flows
    from skillc.dump import dump_flow
    from skillc.errors import TemplateError, UsageError, did_you_mean

    config, loaded = read_project(src, None, flags)
    checked = check_flows(loaded.flows, config.settings, Progress(shown=False))
    findings = [*loaded.findings, *(found for flow in checked for found in flow.findings)]
    if any(finding.severity == "error" for finding in findings):
        show_findings(shown_findings(TemplateError(findings).diagnostics), sys.stderr)
        raise click.exceptions.Exit(FAILED)
    names = {one.idn for flow in checked for one in flow.flow.skills}
    if skill is not None and skill not in names:
        raise UsageError(f"no skill '{skill}' in '{config.src}'", did_you_mean(skill, names))
    for flow in (found.flow for found in checked):
        skills = tuple(one for one in flow.skills if skill in {None, one.idn})
        if skills:
            write(sys.stdout, dump_flow(replace(flow, skills=skills)).rstrip("\n"))


# --- looking up ------------------------------------------------------------------------------------------


@cli.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
def actions(name: str | None, *, as_json: bool) -> None:
    """List the actions a template can call, or show one with its parameters.

    \b
    Examples:
      skillc actions
      skillc actions GenStream
      skillc actions --json
    """
    import json

    import skillrt.actions  # noqa: F401  # pyright: ignore[reportUnusedImport]  # fills it
    from skillc.cli.catalogue import action_object, action_page
    from skillc.errors import UsageError, did_you_mean
    from skillrt.catalogue import CATALOGUE

    if name is None:
        entries = list(CATALOGUE.values())
    else:
        entry = CATALOGUE.find(name) or CATALOGUE.find_loosely(name)
        if entry is None:
            raise UsageError(f"unknown action '{name}'", did_you_mean(name, CATALOGUE))
        entries = [entry]
    if as_json:
        objects = [action_object(entry) for entry in entries]
        document = objects[0] if name else {"schema_version": 1, "actions": objects}
        write(sys.stdout, json.dumps(document, indent=2, ensure_ascii=False))
    elif name:
        write(sys.stdout, action_page(entries[0]))
    else:
        width = max((len(entry.name) for entry in entries), default=0)
        for entry in entries:
            write(sys.stdout, f"{entry.name:{width}}  {entry.summary}")


@cli.command()
@click.argument("code")
def explain(code: str) -> None:
    """Say what a finding's CODE means.

    \b
    Example:
      skillc explain SK205
    """
    from skillc.errors import REGISTRY

    code = registered(code)
    entry = REGISTRY[code]
    outcome = {
        "error": "an error: nothing is built",
        "warning": "a warning: it never stops a build",
        "info": "an info: shown with --show-infos",
    }
    write(sys.stdout, f"{code} {entry.name}, {outcome[entry.severity]}")
    write(sys.stdout, "  " + entry.text.format_map(Placeholders()))


class Placeholders(dict[str, str]):
    """Fills a message's placeholders with their own names: `<parameter>`."""

    def __missing__(self, name: str) -> str:
        """The name in angle brackets."""
        return f"<{name}>"


def registered(code: str) -> str:
    """The code as the registry writes it.

    Raises:
        UsageError: there is none.
    """
    from skillc.errors import REGISTRY, UsageError, did_you_mean

    if code.upper() in REGISTRY:
        return code.upper()
    raise UsageError(f"unknown code '{code}'", did_you_mean(code.upper(), REGISTRY))


# --- running ---------------------------------------------------------------------------------------------


@cli.command()
@click.argument("module")
@click.option("--skill", "idn", metavar="NAME", help="Which skill; a module's only one otherwise.")
@click.option("--message", metavar="TEXT", help="What the user says first; else a line is read.")
@click.option("--model", metavar="NAME", help="The model to ask; else OPENAI_MODEL.")
@click.option("--param", "params", metavar="NAME=VALUE", multiple=True, help="A skill's parameter.")
def run(
    module: str, idn: str | None, message: str | None, model: str | None, params: tuple[str, ...]
) -> None:
    """Talk to a compiled skill: MODULE is a file, or a module's name in the output folder.

    The answer appears as it is made. A line typed meanwhile interrupts it and is answered next; what was cut is
    marked. The model is that of OPENAI_API_KEY, or of OPENAI_BASE_URL for a server of your own.

    \b
    Examples:
      skillc run build/genstream.py --skill Simple --message "My gears slip" --model gpt-4o
      echo "And on Sundays?" | skillc run genstream --skill Simple --message "Are you open?"
    """
    import anyio

    from skillc.cli import modules, terminal
    from skillrt.errors import SkillError
    from skillrt.llm.http import provider_from_env

    compiled = modules.import_compiled(module, settle(None, None, {}).out)
    skill = modules.skill_of(compiled, idn)
    arguments = modules.arguments_of(compiled, skill, params)
    provider = provider_from_env(os.environ, model=model)

    async def converse() -> None:
        async with provider:
            await terminal.converse(provider, skill, arguments, message)

    terminal.log_to_stderr()
    try:
        anyio.run(converse)
    except Exception as error:  # a skill's own, when it says where in the template it comes from
        notes = getattr(error, "__notes__", ())
        if not notes:
            raise
        said = error if isinstance(error, SkillError) else f"{type(error).__name__}: {error}"
        write(sys.stderr, "\n".join([f"skillc: the skill ended with an error: {said}", *notes]))
        raise click.exceptions.Exit(FAILED) from None


@cli.command()
@click.argument("project", required=False)
@click.option("--skill", metavar="NAME", help="What answers you, where no event is said to.")
@click.option("--as", "name", metavar="NAME", default="", help="Who you are.")
@click.option(
    "--connector",
    metavar="INTEGRATION/CONNECTOR",
    help="The channel you talk on; else a sandbox connector that the project names.",
)
@click.option(
    "--load",
    "others",
    metavar="CONNECTOR",
    multiple=True,
    help="A connector of your own beside it: module:Class, or an installed one's name (repeatable).",
)
@click.option("--demo", is_flag=True, help="Let a scripted model on loopback answer.")
@click.option("--model", metavar="NAME", help="The model to ask; else OPENAI_MODEL.")
@click.option("--build-dir", metavar="DIR", help="Where modules are compiled to and kept.")
@source_options
def chat(
    project: str | None,
    skill: str | None,
    name: str,
    connector: str | None,
    others: tuple[str, ...],
    model: str | None,
    build_dir: str | None,
    *,
    demo: bool,
    **flags: str | None,
) -> None:
    """Talk to a PROJECT in any layout (default: skills): compile it, serve it, be its user.

    Every line is a message, also while the agent speaks: the project's own rules say what it interrupts, and what was
    cut is marked. A line that begins with / is a command, /help lists them. Ctrl-D ends the conversation, Ctrl-C
    breaks it off. One model answers for all that the skills name: that of OPENAI_API_KEY or OPENAI_BASE_URL, or
    with --demo a scripted one.

    \b
    Examples:
      skillc chat skills/genstream --skill Simple --demo
      skillc chat export --connector newo_chat/main --as Ann --model gpt-4o
      printf 'Hello\\n/wait\\n/memory\\n' | skillc chat skills/kiosk --demo
    """
    from contextlib import ExitStack
    from tempfile import TemporaryDirectory

    import anyio

    from skillc.cli import terminal
    from skillc.cli.chat import address_of, converse, scripted_answer
    from skillrt.connectors.loading import load_connector
    from skillrt.llm.http import HttpProvider, provider_from_env
    from skillrt.testing import ModelServer

    address = None if connector is None else address_of(connector)
    loaded_connectors = [load_connector(other) for other in others]
    with ExitStack() as stack:
        if demo:
            server = stack.enter_context(ModelServer(scripted_answer))
            provider = HttpProvider(base_url=server.base_url, model="scripted")
        else:
            provider = provider_from_env(os.environ, model=model)
        out = build_dir or stack.enter_context(TemporaryDirectory(prefix="skillc-chat-"))
        builds = compile_to_import(project, out, flags, skill)

        async def talk() -> None:
            async with provider:
                await converse(
                    builds, provider, name=name, connector=address, connectors=loaded_connectors
                )

        terminal.log_to_stderr()
        anyio.run(talk)


@cli.command()
@click.option("--skills", metavar="DIR", help="Where the skills are (default: skills).")
@click.option("--build-dir", metavar="DIR", help="Where they are compiled to (default: build).")
@click.option("--model", metavar="NAME", help="The model to ask, when the environment names one.")
def demo(skills: str | None, build_dir: str | None, model: str | None) -> None:
    """Compile the skills and watch an answer stream, be interrupted, and fall back.

    A scripted model on loopback answers, unless OPENAI_API_KEY or OPENAI_BASE_URL is set.

    \b
    Example:
      skillc demo
    """
    from skillc.cli import modules, terminal
    from skillc.cli.demo import show_demo
    from skillc.cli.formats import count

    config, loaded = read_project(skills, build_dir, {})
    compile_or_fail(config, loaded, Progress(shown=False))
    made = f"{count(len(loaded.flows), 'module')}, {count(loaded.skill_count, 'skill')}"
    write(sys.stdout, f"Compiled {config.src} to {config.out}: {made}.")
    terminal.log_to_stderr()
    genstream = modules.import_compiled("genstream", config.out)
    show_demo(genstream, model, bold=wants_colour(sys.stdout))


# --- what the commands share -----------------------------------------------------------------------------


def read_project(
    src: str | None, out: str | None, flags: Mapping[str, str | None]
) -> tuple[Config, Loaded]:
    """The settings, and what is at their source; `flags` are those of `source_options`."""
    from dataclasses import replace

    from skillc.project.load import load

    config = settle(src, out, flags)
    loaded = load(config.src, config.layout, config.customer)
    return replace(config, settings=replace(config.settings, lone=loaded.lone)), loaded


def compile_to_import(
    src: str | None, out: str, flags: Mapping[str, str | None], entry: str | None
) -> list[str]:
    """Compile what is at the source into a folder, and put that on the path; the names to import, sorted.

    `entry` is the skill that messages start where no event is written.
    """
    from skillc.project.entry import with_entry

    config, loaded = read_project(src, out, flags)
    loaded = with_entry(loaded, entry)
    built = compile_or_fail(config, loaded, Progress(shown=True))
    show_findings(shown_findings(built.findings), sys.stderr)
    sys.path.insert(0, str(config.out.resolve()))
    return sorted({flow.module.partition(".")[0] for flow in loaded.flows})


def compile_or_fail(config: Config, loaded: Loaded, progress: Progress) -> Built:
    """What a build did; with an error in any template, show what is wrong and end the command."""
    from skillc.errors import TemplateError
    from skillc.project import build as project

    try:
        return project.build(loaded, config.out, config.settings, progress)
    except TemplateError as error:
        progress.done()
        show_findings(shown_findings(error.diagnostics), sys.stderr)
        raise click.exceptions.Exit(FAILED) from None
    finally:
        progress.done()


def settle(src: str | None, out: str | None, flags: Mapping[str, str | None]) -> Config:
    """The settings, from flags, environment and file."""
    from skillc.project.config import configure

    return configure({"src": src, "out": out, **flags}, os.environ, Path())


def explain_error(error: Exception) -> int:
    """Say what went wrong in one line, or in a paragraph when it is our fault; the exit code."""
    from skillc.errors import UsageError
    from skillrt.errors import AbiError, ConfigurationError

    if isinstance(error, UsageError | ConfigurationError | AbiError):
        write(sys.stderr, f"skillc: {error}")
        return USAGE
    if os.environ.get("SKILLC_TRACEBACK"):
        traceback.print_exception(error)
    write(
        sys.stderr,
        f"skillc: internal error: {type(error).__name__}: {error}\n"
        "This is a fault of skillc, not of your skills. Please report it, with the skill that causes it and the\n"
        "traceback that SKILLC_TRACEBACK=1 shows.",
    )
    return INTERNAL
