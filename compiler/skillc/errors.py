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
    "SK113": Entry("stray-brace", "warning", "stray '{brace}' next to a tag will be printed"),
    "SK114": Entry("stray-end", "warning", "'{found}' without an opening tag"),
    "SK115": Entry(
        "jinja-in-guidance", "warning", "Jinja syntax in a Guidance skill is plain text"
    ),
    "SK118": Entry("hash-else", "warning", "write '{{{{else}}}}'"),
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
    "SK128": Entry(
        "swallowed-comment",
        "warning",
        "comment opened on line {line} swallows another comment; missing '--}}}}'?",
    ),
    "SK129": Entry("too-deep", "error", "nested deeper than {limit} levels"),
    "SK130": Entry("loop-control-outside", "error", "'{word}' outside a loop"),
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
    "SK225": Entry("ignored-parameter", "warning", "{action}: '{parameter}' is ignored {reason}"),
    "SK226": Entry("bad-json", "error", "{action}: '{parameter}' is not valid JSON: {reason}"),
    "SK228": Entry("bad-timezone", "error", "{action}: unknown time zone '{value}'"),
    "SK229": Entry(
        "unknown-field",
        "warning",
        "{action}: no field '{field}'; an attribute of that name is read",
    ),
    "SK231": Entry(
        "connector-omitted",
        "warning",
        "SendCommand: no connectorIdn; the integration's only connector is used",
    ),
    "SK301": Entry("undefined-variable", "warning", "undefined variable '{name}'"),
    "SK304": Entry("read-before-set", "warning", "'{name}' is read before it is set"),
    "SK311": Entry("bad-variable-name", "error", "'{name}' is not a variable name"),
    "SK313": Entry("forbidden-access", "error", "access to '{name}' is not allowed"),
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
    "SK605": Entry("same-package", "error", "'{one}' and '{other}' both compile to '{name}'"),
    "SK610": Entry("bad-yaml", "error", "{reason}"),
    "SK611": Entry("wrong-shape", "error", "'{key}' must be {shape}"),
    "SK612": Entry("not-utf8", "error", "not UTF-8 at byte {offset}"),
    "SK613": Entry("unreadable-file", "error", "'{file}' cannot be read: {reason}"),
    "SK620": Entry("bad-idn", "error", "'{idn}' is not allowed as {kind} idn: {reason}"),
    "SK621": Entry("path-outside", "error", "'{path}' leaves the root"),
    "SK630": Entry("repeated-skill", "error", "skill '{idn}' is already at {place}"),
    "SK634": Entry("script-not-found", "error", "script '{path}' not found"),
    "SK635": Entry("parameter-without-name", "error", "parameter {n} of '{skill}' has no name"),
    "SK636": Entry(
        "repeated-parameter", "error", "parameter '{name}' of '{skill}' is already at {place}"
    ),
    "SK702": Entry("name-differs", "warning", "'{name}' holds {kind} '{idn}'; the idn counts"),
    "SK708": Entry(
        "runner-differs",
        "warning",
        "runner_type '{runner}' counts, not the extension '{extension}'",
    ),
    "SK710": Entry("empty-script", "warning", "empty script: the skill does nothing"),
    "SK790": Entry("unknown-key", "info", "unknown key '{key}' is kept, not read"),
    "SK791": Entry("misspelt-key", "warning", "unknown key '{key}'"),
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
