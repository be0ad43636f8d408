"""`agent-context site`: build the site to browse, or serve it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from agent_context.commands.face import Face, kb_option, pass_face, plural
from agent_context.learning import utc
from agent_context.presenting import collect_site
from agent_context.site import build, serve, stage
from agent_context.state import State

if TYPE_CHECKING:
    from pathlib import Path


@click.command(name="site")
@click.option("--serve", "serving", is_flag=True, help="Build it, then serve it on this machine alone until Ctrl-C.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@kb_option
@pass_face
def command(face: Face, port: int, kb: Path | None, *, serving: bool) -> int:
    """Build the browsable site of the knowledge base into site/. A build that fails leaves the old site whole."""
    knowledge_base = face.knowledge_base(kb)
    with State(face.environment.data_dir, knowledge_base.root, keep=False) as state:
        site = collect_site(knowledge_base, utc(time.time()), state)
    stage(site, knowledge_base.root)
    target = build(knowledge_base.root)
    count = sum(len(shelf.entries) for shelf in site.shelves)
    click.echo(
        f"Built {target} from {plural(count, 'learning')}: open {target / 'index.html'}, or serve it with --serve"
    )
    for problem in site.problems:
        click.echo(f"Left out: {problem}", err=True)
    if serving:
        serve(knowledge_base.root, port=port, ready=lambda url: click.echo(f"Serving {url} until Ctrl-C"))
    return 0
