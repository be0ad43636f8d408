"""`agent-context machines`: who syncs here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent_context.commands.face import Face, json_option, kb_option, local_time, pass_face, plural, print_json
from agent_context.machines import list_machines
from agent_context.visible import show_hidden

if TYPE_CHECKING:
    from pathlib import Path

    from agent_context.machines import Known


@click.command(name="machines")
@kb_option
@json_option
@pass_face
def command(face: Face, kb: Path | None, *, as_json: bool) -> int:
    """List the machines that sync here: when they last did, what they run, how far behind they are.

    As of what this clone has fetched; a machine refreshes its own line once a day.
    """
    machines = list_machines(face.knowledge_base(kb), face.environment)
    if as_json:
        print_json(machines)
        return 0
    width = max((len(machine.name) for machine in machines), default=0)
    for machine in machines:
        click.echo(f"{show_hidden(machine.name):{width}}  {local_time(machine.synced)}  {_describe(machine)}")
        if machine.problem:
            click.echo(f"  {machine.problem}")
    if not machines:
        click.echo("No machine has synced here yet: agent-context sync")
    return 0


def _describe(machine: Known) -> str:
    lag = "lag unknown" if machine.behind is None else f"{plural(machine.behind, 'commit')} behind"
    agents = ", ".join(f"{plural(count, 'session')} of {agent}" for agent, count in machine.agents.items())
    parts = (lag, f"version {machine.version}" if machine.version else "", machine.platform, agents)
    return ("this one, " if machine.here else "") + ", ".join(show_hidden(part) for part in parts if part)
