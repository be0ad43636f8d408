"""`agent-context install` and `uninstall`: our plugin, hooks and MCP server in the coding agents of this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from agent_context.commands.face import Face, kb_option, pass_face
from agent_context.config import find_knowledge_base
from agent_context.installing.planning import CLIENTS, find_clients, find_kit, plan_install
from agent_context.installing.steps import carry_out, describe

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from agent_context.config import Environment
    from agent_context.installing.planning import ClientName
    from agent_context.installing.steps import Step


def client_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command an option for each client, and those of a plan: `--dry-run`, `--yes`."""
    for name, title in (("cursor", "Cursor"), ("codex", "Codex"), ("claude-code", "Claude Code")):
        function = click.option(f"--{name}", is_flag=True, help=f"{title}. Default: each that is here.")(function)
    function = click.option("--dry-run", is_flag=True, help="Show the plan, change nothing.")(function)
    return click.option("--yes", is_flag=True, help="Do not ask.")(function)


@click.command(name="install")
@client_options
@kb_option
@pass_face
def command(face: Face, kb: Path | None, *, yes: bool, dry_run: bool, **chosen: bool) -> int:
    """Put our plugin (skills, hooks, MCP server) into Claude Code, our MCP server into Codex and Cursor.

    Shows the plan and asks. Claude Code's and Codex's files are changed by their own commands; whatever else is in them
    stays as it is, byte for byte. Again, it changes nothing.
    """
    environment = face.environment
    root = find_knowledge_base(environment, kb)
    names = choose(chosen) or find_clients(environment)
    steps = plan_install(environment, root, find_kit(), names)
    if not settle(steps, environment, yes=yes, dry_run=dry_run):
        return 0 if dry_run or not steps else 1
    click.echo("Installed; sessions that start from now on have it. agent-context uninstall takes it out again.")
    return 0


def choose(chosen: dict[str, bool]) -> list[ClientName]:
    """Return the clients that were named."""
    return [name for name in CLIENTS if chosen[name.replace("-", "_")]]


def settle(steps: Sequence[Step], environment: Environment, *, yes: bool, dry_run: bool) -> bool:
    """Show the plan, ask, carry it out. Tells whether it was."""
    if not steps:
        click.echo("It stands so already, nothing to do.")
        return False
    for line in (line for step in steps for line in describe(step)):
        click.echo(line)
    if dry_run:
        return False
    if not yes and not click.confirm("Go on?"):
        click.echo("Nothing was changed.")
        return False
    carry_out(steps, environment.config_dir / "backups")
    return True
