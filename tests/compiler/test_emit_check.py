"""The emitted text is read back: whatever was not meant fails the build."""

from __future__ import annotations

import ast

import pytest

from emit_flows import flow_from, script
from skillc.emit.check import check_module
from skillc.emit.module import Module, emit_module
from skillc.errors import CompilerBug
from skillrt.manifest import ABI

TEMPLATE = """{{#system}}Rules {{boat}}{{/system}}
{{Set(name="r", value=GenStream(maxTokens=boat))}}{{r.outcome}}{{x.k}}
{{#each x}}{{@index}}{{Greet(who="Ann")}}{{/each}}{{json.loads("[]")}}{{Set(name="Greet", value=r)}}{{Greet}}"""


@pytest.fixture(scope="module")
def module() -> Module:
    greet = script("Greet", '{{Return(val=Concat("hi ", who))}}', "who")
    return emit_module(flow_from(script("Main", TEMPLATE, "boat"), greet))


def test_what_is_emitted_passes(module: Module) -> None:
    check_module(module, module.node.code)


ABI_LINE = f"__abi__: Final = {ABI}"
TAMPERED = {
    # texts
    "another text": ('"Rules {boat}"', '"Rule {boat}"'),
    "a text more": ('out.write(f"Rules {boat}")', 'out.write(f"Rules {boat}" "!")'),
    "a text less": ('f"Rules {boat}"', 'f"{boat}"'),
    "a text from nowhere": ('get(x, "k")', 'get(x, "__class__")'),
    "another argument": ('who="Ann"', 'who=""'),
    "another default": ('boat: str = ""', 'boat: str = "x"'),
    "another format": ('"Rules {boat}"', '"Rules {boat!r}"'),
    "a call in a format": ('"Rules {boat}"', '"Rules {get(boat)}"'),
    # calls
    "a call less": ("await actions.gen_stream(ctx, max_tokens=", "text("),
    "another action": ("actions.concat", "actions.stringify"),
    "an action twice": ("out.write(r.outcome)", "out.write(await actions.gen_stream(ctx))"),
    "another skill": ("await __Greet(ctx, who", "await Main(ctx, who"),
    "a member of Python": ("out.write(r.outcome)", "out.write(r.__class__)"),
    "a method": ("out.write(r.outcome)", "out.write(r.strip())"),
    "a private member of the context": ("ctx.skill(", "ctx._skill("),
    "another member of the context": ("out.write(r.outcome)", "ctx.emit(r.outcome)"),
    "a builtin": ("out.write(r.outcome)", "print(r.outcome)"),
    "a local that is called": ("out.write(r.outcome)", "r(r.outcome)"),
    "an index of a local": ("out.write(r.outcome)", "out.write(r[0])"),
    "an import of Python": ("from typing import Any, Final", "from typing import Any, Final\nimport os"),
    "an import from elsewhere": ("Context, actions", "Context, actions\nfrom os import path"),
    "an import under another name": ("Context, actions", "Context, actions as text"),
    "another runtime module": ("from skillrt.kinds import", "from skillrt.values import"),
    # shape
    "a lambda": ("out.write(r.outcome)", "out.write((lambda: r)())"),
    "a comprehension": ("out.write(r.outcome)", "out.write([r for r in x])"),
    "an assert": ("out.write(r.outcome)", "assert r"),
    "a nested function": ("out.write(r.outcome)", "def f(): pass"),
    "a function as a value": ("out.write(r.outcome)", "out.write(text)"),
    "another value of the context": ("if ctx.due:", "if ctx.store:"),
    "arguments that are unpacked": ("out.write(r.outcome)", "out.write(*r)"),
    "an outer name": ("out.write(r.outcome)", "nonlocal ctx"),
    "a try": ("out.write(r.outcome)", "try: pass\n        finally: pass"),
    "a line more": ("out.write(r.outcome)", "out.write(r.outcome)\n        r = r"),
    "a global": ("out.write(r.outcome)", "global boat"),
    "a local that hides an import": ("out.write(r.outcome)", "text = r"),
    "an unknown name": ("out.write(r.outcome)", "out.write(nope)"),
    "a statement of the module": (ABI_LINE, f"{ABI_LINE}\nprint(1)"),
    "another abi": (ABI_LINE, f"{ABI_LINE}0"),
    "a constant of the module": (ABI_LINE, f"{ABI_LINE}\nx: Final = 1"),
    "another alias": ("__Greet = Greet", "__Greet = Main"),
    "another docstring": ('"""Compiled skills."""', '"""Compiled."""'),
    # what the module says of itself
    "another source line": ("{{x.k}}", "{{x.j}}"),
    "another manifest": ('"runner": "guidance"', '"runner": "nsl"'),
    "a parameter more": ("*, boat", "*, x, boat"),
    "positional arguments": ("/, *, boat", "/, *x, boat"),
    "a computed constant": ('"idn": "flow"', '"idn": str()'),
    "another line map": ("((1, 1), (2, 1)", "((1, 1), (2, 2)"),
    # comments
    "a comment": ("out.write(r.outcome)", "out.write(r.outcome)  # Rules"),
    "a cookie": ("# Generated", "# coding: latin-1\n# Generated"),
    "a type comment": (ABI_LINE, f"{ABI_LINE}  # type: ignore"),
}  # fmt: skip


@pytest.mark.parametrize("name", TAMPERED)
def test_what_was_not_meant_is_refused(name: str, module: Module) -> None:
    text = module.node.code
    before, after = TAMPERED[name]
    assert before in text
    tampered = text.replace(before, after)
    ast.parse(tampered)
    with pytest.raises(CompilerBug):
        check_module(module, tampered)


def test_a_function_less_is_refused(module: Module) -> None:
    text = module.node.code
    start, end = text.index("async def Greet"), text.index("async def Main")
    with pytest.raises(CompilerBug, match=r"not emitted: \['Greet'\]"):
        check_module(module, text[:start] + text[end:])


def test_what_does_not_compile_is_refused(module: Module) -> None:
    with pytest.raises(CompilerBug, match="module flow: line"):
        check_module(module, module.node.code.replace("await actions", "await actions.", 1))
    with pytest.raises(CompilerBug, match="module flow: line"):
        check_module(
            module, module.node.code.replace("        return ", "    break\n        return ", 1)
        )
