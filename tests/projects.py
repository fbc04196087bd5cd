"""Projects on disk for the tests: one in each layout, and what is said about a changed one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from skillc.errors import render_diagnostic
from skillc.project.load import Loaded

Files = Mapping[str, "str | bytes | None"]
"""Texts by path; None for an empty directory."""

V2: Files = {
    "import_version.txt": "v2.0.0\n",
    "attributes.yaml": "attributes:\n  - {idn: house, value: Pier}\n",
    "akb/Clerk.yaml": "- {topic_name: Hours, topic_summary: Nine to five}\n",
    "harbor/harbor.yaml": "project: {idn: harbor, name: The harbor, version: 3}\n",
    "harbor/attributes.yaml": "attributes:\n  - {idn: berths, value: 40}\n",
    "harbor/agents/Clerk/agent.yaml": "agent: {idn: Clerk, title: Bo}\n",
    "harbor/agents/Clerk/flows/Talk/Talk.yaml": """\
idn: Talk
title: Talking
default_provider_idn: openai
default_model_idn: gpt4o
skills:
  - {idn: Reply, prompt_script: flows/Talk/skills/Reply.nslg}
  - {idn: Bye, prompt_script: flows/Talk/skills/Bye.nslg}
events:
  - {idn: user_message, skill_idn: Reply, interrupt_mode: interrupt}
state_fields:
  - {idn: topic, default_value: none yet}
""",
    "harbor/agents/Clerk/flows/Talk/skills/Reply.nslg": '{{GetState(name="topic")}}{{tidy(x="a")}}\n',
    "harbor/agents/Clerk/flows/Talk/skills/Bye.nslg": "Bye\n",
    "harbor/libraries/shared/shared.yaml": """\
library:
  idn: shared
  skills:
    - idn: tidy
      prompt_script: harbor/libraries/shared/skills/tidy.nslg
      parameters: [{name: x, default_value: b}]
""",
    "harbor/libraries/shared/skills/tidy.nslg": "{{Return(val=x)}}\n",
}
V1: Files = {
    "attributes.yaml": "attributes:\n  - {idn: house, value: Pier}\n",
    "akb/Clerk.yaml": "- {topic_name: Hours, topic_summary: Nine to five}\n",
    "integrations/sandbox/sandbox.yaml": """\
idn: sandbox
settings: [{idn: tone, value: calm}, {idn: speed, value: 1}]
""",
    "integrations/sandbox/connectors/pier/pier.yaml": """\
connector_idn: pier
integration_idn: sandbox
title: The pier
settings: [{idn: speed, value: 2}]
""",
    "integrations/sandbox/connectors/pier/webhooks/outgoing.yaml": """\
webhooks: [{idn: out, url: "https://example.org", command_idns: [tell]}]
""",
    "integrations/sandbox/connectors/pier/webhooks/incoming.yaml": """\
webhooks: [{idn: in, webhook_path_id: p1, event_idns: [ping], allowed_ips: [127.0.0.1]}]
""",
    "projects/harbor/metadata.yaml": "idn: harbor\ntitle: The harbor\nversion: 3\n",
    "projects/harbor/attributes.yaml": "attributes:\n  - {idn: berths, value: 40}\n",
    "projects/harbor/Clerk/metadata.yaml": "idn: Clerk\ntitle: Bo\n",
    "projects/harbor/Clerk/Talk/metadata.yaml": """\
idn: Talk
title: Talking
default_model: {provider_idn: openai, model_idn: gpt4o}
events:
  - idn: user_message
    skill_selector: SkillSelector.skill_idn
    skill_idn: Reply
    interrupt_mode: InterruptMode.interrupt
state_fields:
  - {idn: topic, default_value: none yet, scope: StateFieldScope.user}
""",
    "projects/harbor/Clerk/Talk/Reply/Reply.guidance": '{{GetState(name="topic")}}{{tidy(x="a")}}\n',
    "projects/harbor/Clerk/Talk/Reply/metadata.yaml": "idn: Reply\n",
    "projects/harbor/Clerk/Talk/Bye.guidance": "Bye\n",
    "projects/harbor/libraries/shared/metadata.yaml": "idn: shared\n",
    "projects/harbor/libraries/shared/tidy/tidy.guidance": "{{Return(val=x)}}\n",
    "projects/harbor/libraries/shared/tidy/metadata.yaml": """\
idn: tidy
parameters: [{name: x, default_value: b}]
""",
}
FLAT: Files = {
    "harbor/project.json": '{"idn": "harbor", "title": "The harbor"}',
    "harbor/flows.yaml": """\
flows:
  - agent_idn: Clerk
    agent_flows:
      - idn: Talk
        title: Talking
        skills: [{idn: Reply, title: Replying}]
""",
    "harbor/flows/Talk/metadata.yaml": "idn: Talk\ntitle: Talking\n",
    "harbor/flows/Talk/Reply.nslg": "Hi\n",
    "harbor/flows/Talk/Reply.meta.yaml": "idn: Reply\ntitle: Replying\n",
    "harbor/flows/Talk/Bye.nslg": "Bye\n",
}


def write(root: Path, files: Files) -> Path:
    """The files below `root`."""
    for name, content in files.items():
        path = root / name
        (path if content is None else path.parent).mkdir(parents=True, exist_ok=True)
        if content is not None:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def changed(files: Files, edits: Mapping[str, tuple[str, str]]) -> dict[str, str | bytes | None]:
    """The files with one text replaced in each of some."""
    made = dict(files)
    for name, (before, after) in edits.items():
        text = made[name]
        assert isinstance(text, str)
        assert before in text
        made[name] = text.replace(before, after, 1)
    return made


def lines(loaded: Loaded, root: Path) -> list[str]:
    """The findings in order of place, a line each, paths inside `root`."""
    ordered = sorted(loaded.findings, key=lambda finding: finding.place)
    return [render_diagnostic(one).splitlines()[0].replace(f"{root}/", "") for one in ordered]
