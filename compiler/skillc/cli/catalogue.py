"""An entry of the catalogue of actions as people and machines read it."""

from __future__ import annotations

from typing import Any

from skillrt.catalogue import Action


def action_object(action: Action) -> dict[str, Any]:
    """An entry of the catalogue as JSON."""
    return {
        "name": action.name,
        "family": action.family,
        "summary": action.summary,
        "aliases": list(action.aliases),
        "prints": action.prints,
        "effects": effects_of(action),
        "parameters": [
            {
                "name": parameter.name,
                "kind": parameter.kind.value,
                "required": parameter.required,
                "default": parameter.default,
                "range": str(parameter.range) if parameter.range else None,
                "choices": list(parameter.choices),
                "aliases": list(parameter.aliases),
            }
            for parameter in action.parameters
        ],
        "any_argument": action.open,
        "any_number": bool(action.variadic),
    }


def effects_of(action: Action) -> list[str]:
    """The names of an action's effects; none for a pure one."""
    return [effect.name.lower() for effect in action.effects if effect.name]


def action_page(action: Action) -> str:
    """An entry of the catalogue as text: one line a parameter."""
    also = f" (also {', '.join(action.aliases)})" if action.aliases else ""
    lines = [f"{action.name}{also}: {action.summary}"]
    width = max((len(parameter.name) for parameter in action.parameters), default=0)
    for parameter in action.parameters:
        kind = " | ".join(map(repr, parameter.choices)) or parameter.kind.value
        limits = f", {parameter.range}" if parameter.range else ""
        default = "optional" if parameter.default is None else f"default {parameter.default!r}"
        default = "required" if parameter.required else default
        others = f" (also {', '.join(parameter.aliases)})" if parameter.aliases else ""
        lines.append(f"  {parameter.name:{width}}  {kind}{limits}; {default}{others}")
    if action.variadic:
        lines.append("  any number of values by position")
    if action.open:
        lines.append("  any other argument, passed on as it is")
    lines.append(f"  effects: {', '.join(effects_of(action)) or 'none'}")
    return "\n".join(lines)
