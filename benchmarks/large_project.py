"""A project of 1,200 skills in 50 flows, as a large customer has one: written to disk, never committed."""

from __future__ import annotations

from pathlib import Path

from sources import SKILLS

FLOWS = 50
SKILLS_A_FLOW = 23
LIBRARY_SKILLS = 50
SAMPLE = (SKILLS / "bench" / "Order.guidance").read_text()
PARAMETERS = "[{name: shop}, {name: note}, {name: parts}, {name: total, default_value: 1}]"
CALLS = (
    '{{Set(name="said", value=Step1(shop=greeting))}}{{Set(name="tidy", value=tidy1(x=said))}}\n'
)


def write_large_project(root: Path) -> None:
    """Write it in the v2 layout, below `root`."""
    project = root / "large"
    library = project / "libraries" / "shared"
    write(root / "import_version.txt", "v2.0.0\n")
    write(library / "shared.yaml", "idn: shared\n")
    for number in range(LIBRARY_SKILLS):
        write(library / "skills" / f"tidy{number}.nsl", "{{ Return(val=x | trim) }}\n")
    for number in range(FLOWS):
        write_flow(project / "agents" / f"Agent{number % 5}" / "flows" / f"Flow{number}")


def write_flow(folder: Path) -> None:
    """One flow, whose skills call each other and the library."""
    skills = [f"Step{number}" for number in range(SKILLS_A_FLOW)]
    listed = "".join(
        f"  - {{idn: {idn}, prompt_script: skills/{idn}.nslg, parameters: {PARAMETERS}}}\n"
        for idn in skills
    )
    events = "events:\n  - {idn: user_message, skill_idn: Step0, interrupt_mode: interrupt}\n"
    state = "state_fields:\n  - {idn: stage}\n"
    write(folder / f"{folder.name}.yaml", f"idn: {folder.name}\nskills:\n{listed}{events}{state}")
    for idn in skills:
        write(folder / "skills" / f"{idn}.nslg", SAMPLE.replace("{{Return", CALLS + "{{Return"))


def write(path: Path, text: str) -> None:
    """Write a file, with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
