"""`agent-context push`: the half of sync that sends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent_context.commands.face import Face, json_option, kb_option, pass_face, print_json
from agent_context.commands.pull import print_exchange
from agent_context.syncing.halves import push

if TYPE_CHECKING:
    from pathlib import Path


@click.command(name="push")
@kb_option
@json_option
@pass_face
def command(face: Face, kb: Path | None, *, as_json: bool) -> int:
    """Push what the remote lacks, on top of what it has meanwhile: sync without reading sessions.

    Your edits are committed first. Exits like sync: 1 when the remote does not answer, 3 when something waits for you.
    """
    report = push(face.knowledge_base(kb), face.environment)
    if as_json:
        print_json(report)
    else:
        print_exchange(report)
    return report.exit_code
