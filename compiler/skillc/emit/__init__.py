"""The emitter: a resolved flow to the text of one typed Python module, through libcst."""

from __future__ import annotations

from dataclasses import dataclass

from skillc.deep import with_deep_stack
from skillc.emit.check import check_module, too_deep
from skillc.emit.module import HEADER, emit_module
from skillc.emit.project import emit_project
from skillc.ir import Flow

__all__ = ("HEADER", "Emitted", "emit_flow", "emit_project")


@dataclass(frozen=True, slots=True)
class Emitted:
    """The text of one module; `path` is where it belongs below the import root, with `/`."""

    text: str
    path: str


@with_deep_stack
def emit_flow(flow: Flow) -> Emitted:
    """The module of a resolved flow, read back and compared with what was meant.

    Raises:
        TemplateError: a skill is nested deeper than Python compiles.
        CompilerBug: the text is not what was meant.
    """
    try:
        module = emit_module(flow)
        text = module.node.code
        check_module(module, text)
    except RecursionError:
        raise too_deep(flow) from None
    return Emitted(text, flow.module.replace(".", "/") + ".py")
