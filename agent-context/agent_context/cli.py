"""The command line: finds the command, draws the one error boundary, chooses the exit code.

0 done, 1 a known error, 2 usage, 3 a person is needed, 70 a bug (its log is named), 130 interrupted.
"""

from __future__ import annotations

import importlib
import signal
import traceback
from typing import TYPE_CHECKING

import click

from agent_context import __version__
from agent_context.commands.face import Face
from agent_context.config import load_environment
from agent_context.errors import AgentContextError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

COMMANDS = {
    "sync": "Read new sessions, commit what they taught, exchange it with the remote.",
    "pull": "Bring in what the remote has, reading no session.",
    "push": "Push what the remote lacks, reading no session.",
    "diff": "Show what a sync would exchange, and conflicts to expect.",
    "extract": "Print what session files would teach, touching nothing.",
    "search": "Find learnings by words.",
    "add": "Write a learning down by hand.",
    "import": "Make learnings of rule files that exist already.",
    "review": "Show what waits for review, accept or reject it.",
    "resolve": "Show what merges left open, and settle it.",
    "proposals": "Show what waits to be reviewed in a pull request.",
    "rejected": "List what was turned down.",
    "reconsider": "Take a rejection back.",
    "consolidate": "Merge what is said twice, make patterns of what projects share.",
    "why": "Tell a learning's whole story.",
    "forget": "Take back what came from one session, machine or extractor.",
    "stale": "List learnings that may no longer hold.",
    "snippet": "Show what an agent working in a project is given, and why.",
    "arrived": "Tell which learnings reached which sessions.",
    "site": "Build the browsable site, or serve it.",
    "status": "Show in one screen how this clone stands.",
    "coverage": "Show what became of every session on this machine.",
    "log": "Show what each sync, review and edit did.",
    "undo": "Take one sync back.",
    "restore": "Bring the knowledge back to a day or a commit.",
    "purge": "Remove learnings' files for good.",
    "purge-secret": "Walk through removing a secret that got in.",
    "archive": "List, show or prune the copies of sessions on this machine.",
    "compare": "Say what one claim is to another, for pairs of them.",
    "calibrate": "Measure what a model's cosines mean.",
    "stats": "Sum up this machine's syncs.",
    "check": "Validate the knowledge base: format, ids, secrets.",
    "screen": "Say where a text holds secrets, personal words or poison.",
    "quarantine": "List, release or drop what the screen held back.",
    "machines": "List the machines that sync here.",
    "tooling": "Bring MCP servers and skills to every machine.",
    "doctor": "Check the installation and say how to mend it.",
    "projects": "List projects, or map a path to one.",
    "project": "Say what a project needs on this machine.",
    "config": "Show settings, or change one.",
    "schedule": "Have this machine sync by itself, every so often.",
    "watch": "Sync some minutes after each session, while this runs.",
    "handoff": "Hand work on to another machine, and go on with it there.",
    "install": "Put plugin, hooks and MCP server into the coding agents here.",
    "uninstall": "Take them out again.",
    "mcp": "Serve the knowledge base to one coding agent (MCP).",
    "hook": "Answer a hook of a coding agent.",
    "live": "Show the sessions at work, and where they collide.",
    "keys": "Encrypt projects, and say who can read them.",
    "init": "Make a knowledge base.",
    "demo": "Try it on sample sessions in a temporary knowledge base.",
    "completion": "Print the shell completion script.",
}
MODULES = {"import": "import_files", "purge-secret": "purge_secret"}  # a keyword or a dash names no module
BUG = 70
INTERRUPTED = 130


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called, so that each costs only its own imports."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in the order in which they are shown."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import and return one command."""
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"agent_context.commands.{MODULES.get(cmd_name, cmd_name)}").command
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """Write the list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="agent-context", message="%(prog)s %(version)s")
@click.pass_context
def group(ctx: click.Context) -> None:
    """Carry what one coding-agent session learns to every later session, on every machine."""
    ctx.obj = Face()


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _interrupt)
    try:
        result = group.main(list(arguments), prog_name="agent-context", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted. What was committed is safe; run the same again to go on.", err=True)
        return INTERRUPTED
    except AgentContextError as error:
        click.echo(f"Error: {error.message}", err=True)
        if error.hint:
            click.echo(f"Next step: {error.hint}", err=True)
        return error.exit_code
    except BrokenPipeError:
        return 1
    except Exception as error:  # noqa: BLE001 - the one boundary: a bug becomes a log and a message
        return _report_bug(error)
    return result if isinstance(result, int) else 0


def _interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a signal handler's arguments
    """End as on Ctrl-C: children are ended, what was done is committed, nothing half is left."""
    raise KeyboardInterrupt


def _report_bug(error: Exception) -> int:
    try:
        folder = load_environment().log_dir
        path = folder / "bug.log"
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
        where = f"The details are in {path}"
    except (OSError, AgentContextError):
        where = "".join(traceback.format_exception(error))
    click.echo(f"This is a bug in agent-context {__version__}: {type(error).__name__}: {error}\n{where}", err=True)
    return BUG
