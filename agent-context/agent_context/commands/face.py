"""What every command shares: the environment, the chosen knowledge base, and how results are printed."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from agent_context.config import find_knowledge_base, find_ssh_key, keep_caches, load_environment, load_settings
from agent_context.errors import AgentContextError
from agent_context.identity import is_project_folder
from agent_context.knowledge import KnowledgeBase
from agent_context.sealing import Sealer
from agent_context.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console
    from rich.progress import Progress, TaskID

    from agent_context.config import Environment
    from agent_context.projects import Place


class Face:
    """Handed to every command by click. The environment is read when it is first asked for."""

    @cached_property
    def environment(self) -> Environment:
        """Return what the program takes from the machine. Raise AgentContextError when its settings do not read."""
        return load_environment()

    def knowledge_base(self, chosen: Path | None) -> KnowledgeBase:
        """Open the knowledge base that is meant."""
        keep_caches(self.environment.data_dir)
        root, environment = find_knowledge_base(self.environment, chosen), self.environment
        return KnowledgeBase(root, Sealer(root, environment.keys_file, find_ssh_key(), environment.own.recipients))

    def settings(self, chosen: Path | None) -> Settings:
        """Return the settings of the knowledge base that is meant, the defaults where there is none around."""
        keep_caches(self.environment.data_dir)
        try:
            root = find_knowledge_base(self.environment, chosen)
        except AgentContextError:
            if chosen is not None or self.environment.knowledge_base is not None:
                raise
            return Settings()
        return load_settings(root)

    def place(self, knowledge_base: KnowledgeBase, project: str | None) -> Place:
        """Return the project that is meant: by its folder, else the checkout around. Raise UsageError for none."""
        from agent_context.git import locate_checkout  # noqa: PLC0415 - 60 ms that the hook of a prompt does not pay
        from agent_context.projects import Place, identify  # noqa: PLC0415 - the same

        if project is not None:
            if not is_project_folder(project):
                raise click.UsageError(f"{project} cannot be a project's folder: a-z, 0-9, dots, dashes, underscores")
            return Place(project, "", "by hand")
        checkout = locate_checkout(self.environment.cwd)
        if checkout is None:
            raise click.UsageError("this is no checkout of a project; name one (agent-context projects list)")
        return identify(checkout, knowledge_base.remotes())


kb_option = click.option(
    "--kb",
    type=click.Path(file_okay=False, path_type=Path),
    help="The knowledge base. Default: AGENT_CONTEXT_KB, else the one around you, else the machine's own.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")


def pass_face(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command its Face as first argument."""
    return click.make_pass_decorator(Face)(function)


def console() -> Console:
    """Return where results are printed; plain text when the output is no terminal."""
    from rich.console import Console  # noqa: PLC0415 - 40 ms that `--json` does not pay

    return Console(highlight=False, soft_wrap=True)


@contextmanager
def progress_bar(what: str, *, shown: bool) -> Iterator[Callable[[int, int], None]]:
    """Give a function that is told how many are done of how many; drawn on a terminal's stderr after a moment."""
    with progress_bars(what, shown=shown) as (tell,):
        yield tell


@contextmanager
def progress_bars(*whats: str, shown: bool) -> Iterator[list[Callable[[int, int], None]]]:
    """Give such a function for each thing that is worked on; all but the first appear when there is any of theirs."""
    from rich.console import Console  # noqa: PLC0415 - only who draws pays for it

    console = Console(stderr=True)
    if not shown or not console.is_terminal:
        yield [lambda _done, _all: None for _ in whats]
        return
    from rich.progress import Progress  # noqa: PLC0415 - the same

    with Progress(console=console, transient=True) as progress:
        tasks = [progress.add_task(what, total=None, visible=not number) for number, what in enumerate(whats)]
        yield [partial(_draw, progress, task) for task in tasks]


def _draw(progress: Progress, task: TaskID, done: int, count: int) -> None:
    progress.update(task, completed=done, total=count, visible=True)


def print_json(value: object) -> None:
    """Print a value as one line of JSON."""
    click.echo(msgspec.json.encode(value).decode())


def plural(count: int, word: str) -> str:
    """Return `1 learning`, `2 learnings`."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def local_time(at: str) -> str:
    """Return a UTC time of ours as this machine's clock shows it, to the minute."""
    return datetime.fromisoformat(at).astimezone().strftime("%Y-%m-%d %H:%M")
