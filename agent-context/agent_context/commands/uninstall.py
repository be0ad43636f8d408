"""`agent-context uninstall`: nothing of ours in the coding agents of this machine."""

from __future__ import annotations

import click

from agent_context.commands.face import Face, pass_face
from agent_context.commands.install import choose, client_options, settle
from agent_context.installing.planning import CLIENTS, plan_uninstall


@click.command(name="uninstall")
@client_options
@pass_face
def command(face: Face, *, yes: bool, dry_run: bool, **chosen: bool) -> int:
    """Take plugin, hooks and MCP server out of Claude Code, Codex and Cursor again. The knowledge base stays."""
    environment = face.environment
    steps = plan_uninstall(environment, choose(chosen) or CLIENTS)
    if not settle(steps, environment, yes=yes, dry_run=dry_run):
        return 0 if dry_run or not steps else 1
    click.echo("Taken out. The knowledge base and this machine's settings are untouched.")
    return 0
