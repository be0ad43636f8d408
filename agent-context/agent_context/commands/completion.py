"""`agent-context completion`: the shell's script."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command(name="completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> int:
    """Print the completion script of a SHELL.

    For bash: agent-context completion bash >> ~/.bashrc
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"no completion is known for {shell}")
    root = ctx.find_root().command
    click.echo(kind(root, {}, "agent-context", "_AGENT_CONTEXT_COMPLETE").source())
    return 0
