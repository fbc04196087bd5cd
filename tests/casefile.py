"""Case files: Markdown, a heading per case, fenced blocks for what goes in and what must come out.

    ## name in text
    ```guidance
    Hi {{name}}
    ```
    ```python
    out.write(f"Hi {name}")
    ```
    ```run
    name="Ann" -> Hi Ann
    ```

Templates are the fences `guidance` and `jinja`; with both, they mean the same, and `python` is what the first
becomes. The words behind the dialect (`guidance Greet name="you", age=None`) are the idn of the skill and its
parameters; without words it is Main, whose parameters are what its runs give it. An idn like `shared.tidy` is that
of a library's skill. A fence `settings` holds options of the project, such as `lone=True`, a fence `state` the
state fields that the flow declares, with their defaults, a fence `connectors` the project's, as
`integration/connector`. Everything else is output: `python` (the body of the coroutine), `run` (one line per run,
`given -> printed`, more observations indented below it) and `diagnostics`, which may be left out when there are
none.
`pytest --accept` rewrites the outputs. A fence nobody reads fails.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

INPUTS = ("guidance", "jinja")
OPTIONS = ("settings", "state", "connectors")
OUTPUTS = ("python", "run", "diagnostics")
FENCE = re.compile(r"^```(?P<info>\S[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass
class Fence:
    """One block; `start` and `end` are where its body stands in the file."""

    kind: str
    words: str
    body: str
    start: int
    end: int


@dataclass
class Case:
    """One heading with its blocks."""

    path: Path
    name: str
    fences: list[Fence] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.path.stem}: {self.name}"

    def one(self, kind: str) -> Fence | None:
        """The block of a kind that has no words behind it."""
        return next((f for f in self.fences if f.kind == kind and not f.words), None)


def read_cases(path: Path) -> list[Case]:
    """All cases of a file, in order.

    Raises:
        ValueError: a fence of an unknown kind, twice the same one, or a case without a template.
    """
    text = path.read_text("utf-8")
    cases: list[Case] = []
    headings = [
        (m.start(), m.end(), m[1].strip()) for m in re.finditer(r"^## (.*)$", text, re.MULTILINE)
    ]
    for number, (_, begin, name) in enumerate(headings):
        end = headings[number + 1][0] if number + 1 < len(headings) else len(text)
        case = Case(path, name)
        for match in FENCE.finditer(text, begin, end):
            kind, _, words = match["info"].partition(" ")
            if kind not in INPUTS + OPTIONS + OUTPUTS:
                raise ValueError(f"{path.name}: {name}: nobody reads a fence '{kind}'")
            if not words and case.one(kind):
                raise ValueError(f"{path.name}: {name}: two fences '{kind}'")
            case.fences.append(
                Fence(kind, words, match["body"], match.start("body"), match.end("body"))
            )
        if not any(fence.kind in INPUTS for fence in case.fences):
            raise ValueError(f"{path.name}: {name}: no template")
        cases.append(case)
    return cases


def accept(case: Case, kind: str, body: str) -> None:
    """Write an output of a case into its file, in place of the old one."""
    text = case.path.read_text("utf-8")
    fresh = next(c for c in read_cases(case.path) if c.name == case.name).one(kind)
    assert fresh is not None
    case.path.write_text(text[: fresh.start] + body + text[fresh.end :], "utf-8")
