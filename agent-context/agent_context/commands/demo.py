"""`agent-context demo`: the whole road on sample sessions."""

from __future__ import annotations

import time

import click

from agent_context.commands.face import Face, console, pass_face
from agent_context.commands.sync import print_report
from agent_context.demo import demonstrate


@click.command(name="demo")
@pass_face
def command(face: Face) -> int:
    """Sync a handful of sample sessions into a temporary knowledge base and show what comes out.

    Your own sessions and your own knowledge base are not touched.
    """
    done = demonstrate(face.environment, time.time())
    out = console()
    print_report(done.report, out)
    first = done.knowledge_base / max(done.report.learned, key=lambda learned: len(learned.claim)).path
    out.print(f"\n[bold]One of its files[/], {first.relative_to(done.knowledge_base)}:\n")
    out.print(first.read_text(encoding="utf-8"), markup=False)
    out.print("[bold]Go on from here[/]")
    for line in (
        f"agent-context review  --kb {done.knowledge_base}",
        f"agent-context search  --kb {done.knowledge_base} deploy",
        f"agent-context site    --kb {done.knowledge_base}",
        f"rm -r {done.folder}",
    ):
        out.print(f"  {line}", markup=False)
    return done.report.exit_code
