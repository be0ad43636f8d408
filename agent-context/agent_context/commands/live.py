"""`agent-context live`: the sessions at work, as a table that is kept up to date."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from agent_context.commands.face import Face, console, json_option, kb_option, local_time, pass_face, print_json
from agent_context.errors import AgentContextError
from agent_context.identity import name_of
from agent_context.live.board import SHORT_ID, is_of_project, open_board
from agent_context.live.sharing import load_shared
from agent_context.live.views import view_everywhere
from agent_context.visible import show_hidden

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rich.table import Table

    from agent_context.live.board import Board
    from agent_context.live.conflicts import Conflict
    from agent_context.live.views import View

COLUMNS = ("Session", "", "Project", "Branch", "Task", "Files", "Tokens", "Last", "Collides with")
COLORS = {"live": "green", "idle": "yellow", "ended": "dim"}
MOST_FILES = 3
TASK_LENGTH = 60


@click.command(name="live")
@click.option("--project", default="", help="Only sessions of this project: its folder, its name, or a path.")
@click.option("--every", type=click.IntRange(min=1), default=2, show_default=True, help="Seconds between two looks.")
@click.option("--once", is_flag=True, help="Show the board once and end.")
@kb_option
@json_option
@pass_face
def command(face: Face, project: str, every: int, kb: Path | None, *, once: bool, as_json: bool) -> None:
    """Show the coding-agent sessions at work here, and those of other machines that share theirs, until ^C.

    Where two edited one file, how near: the same symbol, near lines, or far ones. Without a terminal it shows once.
    """
    if as_json:
        print_json(_look(face, kb, project))
        return
    screen = console()
    if once or not screen.is_terminal:
        screen.print(_draw(_look(face, kb, project)))
        return
    _keep_showing(lambda: _draw(_look(face, kb, project)), every)


def _look(face: Face, kb: Path | None, project: str) -> list[View]:
    settings = face.settings(kb).sync
    try:
        knowledge_base = face.knowledge_base(kb)
    except AgentContextError:  # there may be no knowledge base here: then nobody shares anything
        views = view_everywhere(board := open_board(face.environment, settings), [])
    else:
        board = open_board(face.environment, settings, knowledge_base.remotes)
        views = view_everywhere(board, load_shared(knowledge_base, face.environment.machine))
    return [view for view in views if not project or _is_meant(board, view, project)]


def _is_meant(board: Board, view: View, project: str) -> bool:
    if view.machine:
        return bool(view.project) and project in (view.project, name_of(view.project))
    return is_of_project(board.cards[view.session], project)


def _keep_showing(draw: Callable[[], Table], every: int) -> None:
    from rich.live import Live  # noqa: PLC0415 - only a terminal pays for it

    with Live(draw(), auto_refresh=False, screen=False) as shown:
        while True:
            time.sleep(every)
            shown.update(draw(), refresh=True)


def _draw(views: list[View]) -> Table:
    from rich.table import Table  # noqa: PLC0415 - the same
    from rich.text import Text  # noqa: PLC0415 - the same

    table = Table(*COLUMNS, box=None, pad_edge=False, caption="" if views else "No session is open on this machine.")
    for view in views:
        cells = (
            view.session[:SHORT_ID] + (f" @{view.machine}" if view.machine else ""),
            view.status,
            name_of(view.project) if view.project else view.worktree,
            view.branch,
            (view.title or view.task)[:TASK_LENGTH],
            _name_files(view),
            f"{view.tokens.output:,}" if view.tokens.output else "",
            local_time(view.at)[-len("HH:MM") :] if view.at else "",
            ", ".join(sorted({_name_conflict(item) for item in view.conflicts})),
        )
        style = COLORS.get(view.status, "")
        table.add_row(*(Text(" ".join(show_hidden(cell).split()), style=style) for cell in cells))
    return table


def _name_conflict(conflict: Conflict) -> str:
    machine = f" @{conflict.machine}" if conflict.machine else ""
    return f"{conflict.other[:SHORT_ID]}{machine} ({conflict.severity})"


def _name_files(view: View) -> str:
    more = f" +{len(view.files) - MOST_FILES}" if len(view.files) > MOST_FILES else ""
    return ", ".join(view.files[:MOST_FILES]) + more
