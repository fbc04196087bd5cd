"""The names a generated module may use beside its own: where they are imported from, and which ones it used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import libcst as cst

from skillc.analyses.types import ANY, Type
from skillc.emit import py
from skillrt.functions import FUNCTIONS
from skillrt.kinds import Kind

IMPORTS: Final[Mapping[str, str]] = {
    "skillrt": "",
    "Any": "typing",
    "Final": "typing",
    "Context": "skillrt",
    "actions": "skillrt",
    "libraries": "",
    "filters": "skillrt",
    "FUNCTIONS": "skillrt.functions",
    **{function.__name__: function.__module__ for function in FUNCTIONS.values()},
    **{f"as_{kind.name.lower()}": "skillrt.kinds" for kind in Kind},
    "FlowManifest": "skillrt.manifest",
    "MODULES": "skillrt.modules",
    "set_variable": "skillrt.names",
    "variable_name": "skillrt.names",
    "Leave": "skillrt.leave",
    "leave": "skillrt.leave",
    "Loop": "skillrt.loops",
    "set_field": "skillrt.objects",
    **dict.fromkeys(("Steps", "each", "keyed", "walk"), "skillrt.steps"),
    **dict.fromkeys(
        (
            *("MISSING", "UNDEFINED", "DslList", "JsonText", "Undefined"),
            *("call", "concatenate", "defined", "get", "item", "nsl_text", "text"),
            *("named_arguments", "nsl_items", "or_undefined", "unpack"),
            *("add", "divide", "floor_divide", "modulo", "multiply", "power", "subtract"),
            *("negate", "positive"),
            *("contains", "equal", "inside", "not_equal", "same"),
            *("greater", "greater_equal", "less", "less_equal"),
        ),
        "skillrt.values",
    ),
}
"""The module that each name comes from which generated code may use; nothing else is ever imported.

`libraries` come from the package of the project.
"""


def last_part(module: str) -> str:
    """`shared` of `rentals.libraries.shared`."""
    return module.rpartition(".")[2]


BUILTINS: Final = frozenset(
    {"bool", "dict", "enumerate", "float", "int", "len", "list", "slice", "str", "tuple"}
)
LOCALS: Final = frozenset({"ctx", "extra", "out"})


@dataclass(slots=True)
class Uses:
    """What the code of one module of the package `project` turned out to use.

    `aliases` are the skills called where a variable has their name. `repeats` says that something is compared
    or tested, `redefines` that a variable spelt like a constant is assigned: type checkers take both for slips.
    `closures` says that a function is defined in a loop, whose items it sees, which linters take for one.
    """

    project: str = ""
    imported: set[str] = field(default_factory=set[str])
    aliases: set[str] = field(default_factory=set[str])
    repeats: bool = False
    redefines: bool = False
    closures: bool = False

    def name(self, name: str) -> cst.Name:
        """An imported name."""
        self.imported.add(name)
        return py.name(name)

    def call(self, name: str, *arguments: cst.BaseExpression) -> cst.Call:
        """`<name>(<arguments>)` of an imported function."""
        return py.call(self.name(name), *arguments)

    def annotation(self, type_: Type) -> cst.BaseExpression:
        """A type as an annotation: its parts in order, none last; `float` takes whole numbers too."""
        if "float" in type_:
            type_ -= {"int"}
        known = all(part.partition("[")[0] in KNOWN_TYPES for part in type_)
        parts = sorted(type_ if known else ANY, key=lambda part: (part == "None", part))
        union, *others = [self._type(part) for part in parts or ["None"]]
        for other in others:
            union = cst.BinaryOperation(union, cst.BitOr(), other)
        return union

    def _type(self, text: str) -> cst.BaseExpression:
        """One part, such as `str` or `dict[Any, Any]`."""
        head, _, inside = text.partition("[")
        if inside:
            parts = inside.removesuffix("]").split(", ")
            return py.subscript(py.name(head), *map(self._type, parts))
        if text == "None":
            return py.constant(None)
        if text in QUALIFIED:
            return py.attribute(py.attribute(self.name("skillrt"), "values"), text)
        return py.name(text) if text in BUILTINS else self.name(text)


QUALIFIED: Final = frozenset({"Record", "Reply"})
"""Types of the runtime that are named in full: skills are called like this too."""

KNOWN_TYPES: Final = BUILTINS | QUALIFIED | {"Any", "None", "DslList", "JsonText", "Undefined"}
