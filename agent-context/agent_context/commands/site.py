"""`agent-context site`: build the site to browse, or serve it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from agent_context.commands.face import Face, kb_option, pass_face, plural
from agent_context.config import KB_FILE
from agent_context.layout import FOLDERS
from agent_context.learning import utc
from agent_context.presenting import DOCS, collect_site
from agent_context.site import SETTINGS, Watch, build, serve, stage
from agent_context.state import State, name_of_clone
from agent_context.visible import show_hidden

if TYPE_CHECKING:
    from pathlib import Path

    from agent_context.errors import AgentContextError
    from agent_context.site import SiteInput


@click.command(name="site")
@click.option("--serve", "serving", is_flag=True, help="Build it, then serve it on this machine alone until Ctrl-C.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@click.option("--stage", "staging", is_flag=True, help="Write the documents into .site/ alone, for another generator.")
@kb_option
@pass_face
def command(face: Face, port: int, kb: Path | None, *, serving: bool, staging: bool) -> int:
    """Build the browsable site of the knowledge base into site/. A build that fails leaves the old site whole.

    With --serve the site is built anew whenever a learning changes, and open pages load themselves again.
    """
    root = face.knowledge_base(kb).root
    site = _stage(face, kb)
    count = plural(sum(len(shelf.entries) for shelf in site.shelves), "learning")
    if staging:
        click.echo(f"Staged {root / '.site'} from {count}")
        return 0
    target = build(root)
    click.echo(f"Built {target} from {count}: open {target / 'index.html'}, or serve it with --serve")
    if serving:
        watch = Watch(
            [root / name for name in (*FOLDERS, KB_FILE, SETTINGS, DOCS)],
            lambda: (_stage(face, kb), build(root)),
            _tell,
        )
        serve(root, port=port, ready=lambda url: click.echo(f"Serving {url} until Ctrl-C"), watch=watch)
    return 0


def _stage(face: Face, kb: Path | None) -> SiteInput:
    knowledge_base, data_dir = face.knowledge_base(kb), face.environment.data_dir
    with State(data_dir, knowledge_base.root, keep=False) as state:
        site = collect_site(knowledge_base, utc(time.time()), state, face.environment)
    stage(site, knowledge_base.root, data_dir / f"site-{name_of_clone(knowledge_base.root)}.msgpack")
    for problem in site.problems:
        click.echo(f"Left out: {show_hidden(problem)}", err=True)
    return site


def _tell(error: AgentContextError) -> None:
    click.echo(f"The old site stays: {error.advice}", err=True)
