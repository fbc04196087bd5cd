"""Diagnostics: the one table of messages, how findings are collected, and how they read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, TypeAlias

from rapidfuzz.distance import Levenshtein

from skillc.source import Source, Span

Severity: TypeAlias = Literal["error", "warning", "info"]


class Entry(NamedTuple):
    """One message: a stable number, a name, how bad it is, and its text with placeholders."""

    name: str
    severity: Severity
    text: str


REGISTRY: Final[Mapping[str, Entry]] = {
    "SK101": Entry("unclosed-tag", "error", "tag opened here is never closed"),
    "SK102": Entry("unclosed-comment", "error", "comment opened here is never closed"),
    "SK103": Entry("unclosed-string", "error", "string opened here is never closed"),
    "SK104": Entry("unclosed-block", "error", "'{open}' opened here has no '{close}'"),
    "SK105": Entry(
        "mismatched-close",
        "error",
        "expected '{close}' for the '{open}' on line {line}, found '{found}'",
    ),
    "SK106": Entry("stray-close", "error", "'{found}' closes nothing"),
    "SK107": Entry("stray-branch", "error", "'{found}' does not belong here"),
    "SK108": Entry("empty-tag", "error", "empty tag"),
    "SK109": Entry("syntax-error", "error", "unexpected '{found}', expected {expected}"),
    "SK110": Entry("unknown-block", "error", "unknown block '#{name}'"),
    "SK111": Entry(
        "refused-block", "error", "'{name}' is not supported; use a loop or call a skill"
    ),
    "SK112": Entry("unsupported-tag", "error", "tag '{name}' is not supported"),
    "SK113": Entry("stray-brace", "warning", "stray '{brace}' next to a tag will be printed"),
    "SK114": Entry("stray-end", "warning", "'{found}' without an opening tag"),
    "SK115": Entry(
        "jinja-in-guidance", "warning", "Jinja syntax in a Guidance skill is plain text"
    ),
    "SK116": Entry(
        "guidance-in-nsl",
        "error",
        "Guidance block in an NSL skill; use '{{% if %}}' or 'runner_type: guidance'",
    ),
    "SK117": Entry("guidance-comment", "warning", "Guidance comment; use '{{# #}}'"),
    "SK118": Entry("hash-else", "warning", "write '{{{{else}}}}'"),
    "SK119": Entry("condition-colon", "warning", "drop the trailing ':'"),
    "SK120": Entry(
        "foreign-comment", "error", "comments inside a tag are written '{{{{!-- --}}}}'"
    ),
    "SK121": Entry("foreign-operator", "error", "'{found}' is not an operator; use {instead}"),
    "SK122": Entry(
        "dollar-brace", "warning", "'${{{name}}}' is not expanded; write '{{{{{name}}}}}'"
    ),
    "SK123": Entry("assignment-in-condition", "error", "'=' in a condition"),
    "SK124": Entry("semicolon", "error", "arguments are separated by commas"),
    "SK126": Entry(
        "guidance-filter", "error", "filters exist only in NSL; call an action or method"
    ),
    "SK127": Entry("unknown-filter", "error", "unknown {kind} '{name}'"),
    "SK128": Entry(
        "swallowed-comment",
        "warning",
        "comment opened on line {line} swallows another comment; missing '--}}}}'?",
    ),
    "SK129": Entry("too-deep", "error", "nested deeper than {limit} levels"),
    "SK130": Entry("loop-control-outside", "error", "'{word}' outside a loop"),
    "SK131": Entry(
        "not-on-platform", "warning", "'{word}' is not available on the platform's Jinja"
    ),
    "SK201": Entry("unknown-call", "error", "unknown action or skill '{name}'"),
    "SK202": Entry("missing-parameter", "error", "{action}: missing argument '{parameter}'"),
    "SK203": Entry(
        "unresolved-call", "warning", "'{name}' is not known here; resolved at run time"
    ),
    "SK204": Entry(
        "parameter-not-passed",
        "warning",
        "{skill}: parameter '{parameter}' not passed, \"\" is used",
    ),
    "SK205": Entry("unknown-parameter", "error", "{action}: unknown argument '{parameter}'"),
    "SK206": Entry("undeclared-argument", "warning", "{skill}: undeclared argument '{parameter}'"),
    "SK207": Entry("repeated-keyword", "warning", "{callee}: argument '{parameter}' given twice"),
    "SK208": Entry("positional-after-named", "error", "positional argument after a named one"),
    "SK209": Entry(
        "too-many-positional",
        "error",
        "{action} takes at most {n} positional arguments, {given} given",
    ),
    "SK210": Entry("bad-choice", "error", "{action}: '{parameter}' must be one of {choices}"),
    "SK212": Entry(
        "out-of-range", "error", "{action}: '{parameter}' is {value}, allowed is {range}"
    ),
    "SK213": Entry("bad-literal", "error", "{action}: '{parameter}' needs {kind}, not {value}"),
    "SK214": Entry("void-result", "warning", "{action} returns nothing"),
    "SK215": Entry("parameter-spelling", "info", "write '{parameter}'"),
    "SK216": Entry("action-spelling", "warning", "write '{action}'"),
    "SK217": Entry("needs-parentheses", "error", "'{name}' needs parentheses"),
    "SK218": Entry(
        "conflicting-keyword",
        "error",
        "{callee}: argument '{parameter}' given twice with different values",
    ),
    "SK219": Entry("positional-to-skill", "error", "{skill}: arguments of skills are named"),
    "SK220": Entry(
        "ambiguous-library-skill",
        "error",
        "skill '{name}' is in several libraries: {libraries}; write '{library}.{name}(...)'",
    ),
    "SK221": Entry("private-library-skill", "error", "'{name}' is private to library '{library}'"),
    "SK222": Entry(
        "shadowed-skill",
        "warning",
        "skill '{name}' has the name of an action; calls mean the action",
    ),
    "SK223": Entry(
        "skill-over-action", "info", "calls of '{name}' mean this skill, not the action"
    ),
    "SK225": Entry("ignored-parameter", "warning", "{action}: '{parameter}' is ignored {reason}"),
    "SK226": Entry("bad-json", "error", "{action}: '{parameter}' is not valid JSON: {reason}"),
    "SK228": Entry("bad-timezone", "error", "{action}: unknown time zone '{value}'"),
    "SK229": Entry(
        "unknown-field",
        "warning",
        "{action}: no field '{field}'; an attribute of that name is read",
    ),
    "SK230": Entry(
        "undeclared-connector",
        "warning",
        "{action}: no connector '{integration}/{connector}' in this project",
    ),
    "SK231": Entry(
        "connector-omitted",
        "warning",
        "SendCommand: no connectorIdn; the integration's only connector is used",
    ),
    "SK301": Entry("undefined-variable", "warning", "undefined variable '{name}'"),
    "SK303": Entry(
        "loop-local",
        "warning",
        "'{name}' is set inside the loop on line {line} and not visible here; use namespace()",
    ),
    "SK304": Entry("read-before-set", "warning", "'{name}' is read before it is set"),
    "SK306": Entry(
        "hides-nothing", "warning", "'{name}' hides nothing; calls still mean the {kind}"
    ),
    "SK311": Entry("bad-variable-name", "error", "'{name}' is not a variable name"),
    "SK313": Entry("forbidden-access", "error", "access to '{name}' is not allowed"),
    "SK320": Entry(
        "undeclared-state", "warning", "state field '{name}' is not declared in flow '{flow}'"
    ),
    "SK401": Entry("nested-role", "error", "'#{inner}' inside '#{outer}'"),
    "SK402": Entry(
        "outside-text-sent",
        "info",
        "no role text before this {action}; the text outside roles is sent as one system message",
    ),
    "SK403": Entry(
        "empty-prompt",
        "warning",
        "nothing is written before this {action}; the agent's description and the user's message are sent",
    ),
    "SK404": Entry("unbalanced-role", "warning", "'{tag}' on line {line} has no '{other}'"),
    "SK405": Entry("captured-role", "error", "role tags cannot be captured"),
    "SK410": Entry(
        "missing-window",
        "error",
        "GenStream: interruptMode 'interruptWindow' needs 'interruptWindow'",
    ),
    "SK411": Entry("missing-actor-ids", "error", "GenStream: sendTo 'actors' needs 'actorIds'"),
    "SK413": Entry(
        "broadcast",
        "warning",
        "these are the actors of all users on {filters}; add personaId to reach one user",
    ),
    "SK501": Entry("unreachable", "warning", "unreachable after {statement} on line {line}"),
    "SK502": Entry(
        "overwritten-state",
        "warning",
        "value for state '{name}' is overwritten on line {line} before it is read",
    ),
    "SK510": Entry(
        "loose-similarity",
        "warning",
        "IsSimilar: threshold {threshold} accepts most texts of similar length; to test for one value"
        ' use strategy="symbols" or a threshold of 0.8 or more',
    ),
    "SK601": Entry("no-project", "error", "no project found in '{path}'; looked for {markers}"),
    "SK602": Entry(
        "several-customers", "error", "several customers: {names}; choose one with {option}"
    ),
    "SK603": Entry("missing-file", "error", "required file '{file}' is missing"),
    "SK604": Entry("unsupported-version", "error", "import version '{text}' is not supported"),
    "SK605": Entry("same-package", "error", "'{one}' and '{other}' both compile to '{name}'"),
    "SK610": Entry("bad-yaml", "error", "{reason}"),
    "SK611": Entry("wrong-shape", "error", "'{key}' must be {shape}"),
    "SK612": Entry("not-utf8", "error", "not UTF-8 at byte {offset}"),
    "SK613": Entry("unreadable-file", "error", "'{file}' cannot be read: {reason}"),
    "SK620": Entry("bad-idn", "error", "'{idn}' is not allowed as {kind} idn: {reason}"),
    "SK621": Entry("path-outside", "error", "'{path}' leaves the root"),
    "SK630": Entry("repeated-skill", "error", "skill '{idn}' is already at {place}"),
    "SK631": Entry("no-script", "error", "'{directory}' has no script"),
    "SK632": Entry("several-scripts", "error", "'{directory}' has several scripts: {files}"),
    "SK633": Entry("several-flow-files", "error", "'{directory}' has several flow files: {files}"),
    "SK634": Entry("script-not-found", "error", "script '{path}' not found"),
    "SK635": Entry("parameter-without-name", "error", "parameter {n} of '{skill}' has no name"),
    "SK636": Entry(
        "repeated-parameter", "error", "parameter '{name}' of '{skill}' is already at {place}"
    ),
    "SK637": Entry("repeated-library-skill", "error", "skill '{idn}' is already at {place}"),
    "SK638": Entry("repeated-entity", "error", "{kind} '{idn}' is already at {place}"),
    "SK639": Entry("case-collision", "error", "'{one}' and '{other}' are one file on some disks"),
    "SK640": Entry("subscription-without-idn", "error", "subscription without idn"),
    "SK641": Entry("unknown-selector", "error", "unknown skill_selector '{value}'"),
    "SK642": Entry(
        "unknown-skill",
        "error",
        "subscription to '{event}' selects skill '{skill}', which flow '{flow}' does not have",
    ),
    "SK643": Entry(
        "unknown-state-field",
        "error",
        "subscription to '{event}' reads state field '{field}', which flow '{flow}' does not declare",
    ),
    "SK644": Entry(
        "unknown-interrupt-mode",
        "error",
        "unknown interrupt_mode '{value}'; it is queue, interrupt or cancel",
    ),
    "SK645": Entry("state-field-without-idn", "error", "state field without idn"),
    "SK646": Entry("repeated-state-field", "error", "state field '{idn}' is already at {place}"),
    "SK647": Entry("unknown-scope", "error", "unknown scope '{value}'"),
    "SK648": Entry(
        "state-default-no-skill",
        "error",
        "default of state field '{field}' selects skill '{skill}', which flow '{flow}' does not have",
    ),
    "SK650": Entry("attribute-without-idn", "error", "attribute without idn"),
    "SK651": Entry("repeated-attribute", "error", "attribute '{idn}' is already at {place}"),
    "SK652": Entry("topic-without-name", "error", "knowledge base topic without topic_name"),
    "SK701": Entry("two-layouts", "warning", "both a v1 and a v2 layout; v2 is read"),
    "SK702": Entry("name-differs", "warning", "'{name}' holds {kind} '{idn}'; the idn counts"),
    "SK703": Entry(
        "script-chosen",
        "warning",
        "several scripts; '{file}' is used for runner_type '{runner}'",
    ),
    "SK704": Entry(
        "flows-yaml-differs",
        "warning",
        "flows.yaml says {value} ({place}); metadata.yaml counts",
    ),
    "SK705": Entry(
        "flows-yaml-ambiguous",
        "warning",
        "entry of agent '{agent}' ignored: projects {projects} have one",
    ),
    "SK706": Entry("empty-version", "warning", "empty import version; v2 is assumed"),
    "SK707": Entry("unlisted-script", "warning", "'{file}' is not listed in '{flow_file}'"),
    "SK708": Entry(
        "runner-differs",
        "warning",
        "runner_type '{runner}' counts, not the extension '{extension}'",
    ),
    "SK709": Entry("repeated-subscription", "warning", "subscription is already at {place}"),
    "SK710": Entry("empty-script", "warning", "empty script: the skill does nothing"),
    "SK711": Entry("empty-directory", "warning", "'{directory}' is empty"),
    "SK721": Entry(
        "value-not-allowed",
        "warning",
        "attribute '{idn}': '{value}' is not among its possible values",
    ),
    "SK722": Entry("akb-of-nobody", "warning", "no agent '{agent}' for this knowledge base"),
    "SK724": Entry(
        "private-subscribed", "warning", "event '{event}' starts the private skill '{skill}'"
    ),
    "SK790": Entry("unknown-key", "info", "unknown key '{key}' is kept, not read"),
    "SK791": Entry("misspelt-key", "warning", "unknown key '{key}'"),
    "SK792": Entry("ignored-directory", "info", "'{directory}' is ignored"),
    "SK793": Entry("unserved-integration", "info", "no connector implements '{integration}'"),
}


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding: a registered code at a place, with its text filled in and at most one suggestion."""

    code: str
    source: Source
    span: Span
    message: str
    hint: str | None = None

    @property
    def severity(self) -> Severity:
        """How bad it is; a property of the registered entry."""
        return REGISTRY[self.code].severity

    @property
    def place(self) -> tuple[str, int, int, str]:
        """Path, line, column, code: the order in which findings are shown."""
        return (self.source.path, *self.source.line_column(self.span.start), self.code)


class TemplateError(Exception):
    """The author's fault: findings of which at least one is an error."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Keep the findings in order of place."""
        self.diagnostics = tuple(sorted(diagnostics, key=lambda finding: finding.place))
        super().__init__("\n".join(render_diagnostic(finding) for finding in self.diagnostics))


class CompilerBug(Exception):  # noqa: N818 - a bug, and named so in messages
    """Our fault: an invariant of the compiler does not hold."""


class UsageError(Exception):
    """The caller's fault: a setting, a path, a file in the way; one line that says what mends it."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        """The line is the message, then the suggestion if there is one."""
        super().__init__(f"{message}; {hint}" if hint else message)


@dataclass(slots=True)
class Report:
    """Collects the findings about one source; one finding once."""

    source: Source
    findings: dict[tuple[str, Span, str], Diagnostic] = field(
        default_factory=dict[tuple[str, Span, str], Diagnostic]
    )

    def __call__(self, code: str, span: Span, *, hint: str | None = None, **values: object) -> None:
        """Note the registered message `code` at `span`, its placeholders filled from `values`."""
        message = REGISTRY[code].text.format(**values)
        finding = Diagnostic(code, self.source, span, message, hint)
        self.findings.setdefault((code, span, message), finding)

    @property
    def failed(self) -> bool:
        """Whether any finding is an error."""
        return any(finding.severity == "error" for finding in self.findings.values())


def did_you_mean(name: str, candidates: Iterable[str], *, limit: int | None = None) -> str | None:
    """The suggestion for a misspelt `name`, or None when nothing is near.

    Names are compared lower-cased by Levenshtein distance: 1 is near for up to 4 characters, 2 for up to
    8, else 3, and never more than `limit`. A case-only difference always is. Ties go alphabetically.
    """
    wanted = name.lower()
    allowed = 1 if len(name) <= 4 else 2 if len(name) <= 8 else 3
    if limit is not None:
        allowed = min(allowed, limit)
    distances = (
        (levenshtein(wanted, candidate.lower(), allowed), candidate)
        for candidate in set(candidates)
        if candidate != name
    )
    distance, nearest = min(distances, default=(allowed + 1, ""))
    return f"did you mean '{nearest}'?" if distance <= allowed else None


def levenshtein(one: str, other: str, cutoff: int) -> int:
    """The edit distance of two texts; anything over `cutoff` is `cutoff + 1`."""
    distance: int = Levenshtein.distance(one, other, score_cutoff=cutoff)
    return distance


def render_diagnostic(finding: Diagnostic) -> str:
    """One line that names the place, then the source line with carets and the suggestion behind them."""
    source, span = finding.source, finding.span
    line, column = source.line_column(span.start)
    head = f"{source.path}:{line}:{column}: {finding.severity}[{finding.code}]: {finding.message}"
    text = source.line_text(line)
    if not text.strip():
        return f"{head}; {finding.hint}" if finding.hint else head
    width = max(1, min(span.end - span.start, len(text) - column + 1))
    pad = "".join("\t" if char == "\t" else " " for char in text[: column - 1])
    gutter = f"{line:5}"
    marks = "^" * width + (f" {finding.hint}" if finding.hint else "")
    return f"{head}\n{gutter} | {text}\n{' ' * len(gutter)} | {pad}{marks}"
