"""`agent-context doctor`: what is wrong with the installation, and how to mend it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent_context.commands.face import Face, console, json_option, kb_option, pass_face, print_json
from agent_context.examination import Health, examine

if TYPE_CHECKING:
    from pathlib import Path

STYLES = {Health.GOOD: "green", Health.POOR: "yellow", Health.BROKEN: "red"}


@click.command(name="doctor")
@kb_option
@json_option
@pass_face
def command(face: Face, kb: Path | None, *, as_json: bool) -> int:
    """Check installation, remote, sessions, learnings, encoder and folders. Exits 1 when something is broken."""
    results = examine(face.knowledge_base(kb), face.environment)
    if as_json:
        print_json(results)
    else:
        out = console()
        for item in results:
            out.print(f"[{STYLES[item.health]}]{item.health.value:7}[/] {item.subject}: ", end="")
            out.print(item.seen, markup=False)
            if item.remedy:
                out.print(f"        {item.remedy}", markup=False)
    return 1 if any(item.health is Health.BROKEN for item in results) else 0
