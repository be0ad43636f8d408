"""`agent-context restore`: the knowledge as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent_context.commands.face import Face, json_option, kb_option, pass_face, print_json
from agent_context.commands.undo import print_rollback
from agent_context.history.rollback import restore

if TYPE_CHECKING:
    from pathlib import Path


@click.command(name="restore")
@click.argument("when")
@click.option("--project", default="", help="Only this project's folder (`patterns`: the patterns).")
@click.option("--dry-run", is_flag=True, help="Show what would become of each file, change nothing.")
@kb_option
@json_option
@pass_face
def command(face: Face, when: str, project: str, kb: Path | None, *, as_json: bool, dry_run: bool) -> int:
    """Bring learnings, patterns and tooling back to what they were: WHEN is a date, `3 days ago`, or a commit.

    A whole day means its end. Nothing is removed: learnings that are younger are retired. It is one new commit, which
    agent-context undo takes back.
    """
    rollback = restore(face.knowledge_base(kb), face.environment, when, project, dry_run=dry_run)
    if as_json:
        print_json(rollback)
    else:
        print_rollback(rollback, f"As of {rollback.subject}")
    return 0
