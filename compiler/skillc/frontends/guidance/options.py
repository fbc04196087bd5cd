"""The arguments of blocks and of `select`: bound to their names, and read as what the IR needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from skillc.dump import dump_expr
from skillc.errors import Report, did_you_mean
from skillc.frontends.guidance.exprs import UnreadableTagError
from skillc.ir import Arg, Const, Expr
from skillc.source import Span


@dataclass(frozen=True, slots=True)
class Options:
    """Arguments by name. `callee`, such as `#block`, and `place` are what messages are about."""

    callee: str
    place: Span
    given: Mapping[str, Expr]
    report: Report

    def required(self, name: str) -> Expr:
        """The argument `name`.

        Raises:
            UnreadableTagError: it is not given.
        """
        if name not in self.given:
            self.report("SK202", self.place, action=self.callee, parameter=name)
            raise UnreadableTagError
        return self.given[name]

    def flag(self, name: str) -> bool:
        """Whether the argument `name` is true, which must be visible; False when it is not given."""
        match self.given.get(name):
            case None:
                return False
            case Const(value=bool(value)):
                return value
            case value:
                self._bad(name, value, "true or false")
                return False

    def variable(self, name: str) -> str | None:
        """The variable that the argument `name` names, which must be visible; None when it is not given."""
        match self.given.get(name):
            case None:
                return None
            case Const(span, str(variable)):
                if not variable.strip().isidentifier():
                    self.report("SK311", span, name=variable)
                return variable.strip()
            case value:
                self._bad(name, value, "a name in quotes")
                return None

    def _bad(self, name: str, value: Expr, kind: str) -> None:
        written = self.report.source.text[value.span.start : value.span.end]
        self.report(
            "SK213", value.span, action=self.callee, parameter=name, kind=kind, value=written
        )


def bind_options(
    callee: str,
    place: Span,
    args: Sequence[Arg],
    known: Sequence[str],
    report: Report,
    *,
    positional: int = 0,
) -> Options:
    """Bind arguments to the `known` names, of which the first `positional` need not be written."""
    given: dict[str, Expr] = {}
    unnamed = 0
    count = sum(arg.name is None for arg in args)
    for arg in args:
        if arg.name is None:
            unnamed += 1
            if unnamed == positional + 1:
                report("SK209", arg.span, action=callee, n=positional, given=count)
            if unnamed > positional:
                continue
            if len(given) >= unnamed:
                report("SK208", arg.span)
        name = known[unnamed - 1] if arg.name is None else arg.name
        if name not in known:
            hint = did_you_mean(name, known)
            report("SK205", arg.span, hint=hint, action=callee, parameter=name)
        elif name in given:
            same = dump_expr(given[name]) == dump_expr(arg.value)
            report("SK207" if same else "SK218", arg.span, callee=callee, parameter=name)
        else:
            given[name] = arg.value
    return Options(callee, place, given, report)
