"""The steps of a plan: a file that changes, a program of a client that is run, a folder that goes. Shown, then done."""

from __future__ import annotations

import difflib
import shlex
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent_context.changes import Change
from agent_context.clients.claude import SESSION_VARIABLES, VARIABLES
from agent_context.clients.files import read_config, replace_file
from agent_context.clients.keys import remove_key, set_key
from agent_context.clients.running import run_program
from agent_context.config import child_environment
from agent_context.errors import AgentContextError
from agent_context.visible import show_hidden

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from agent_context.clients.files import Config
    from agent_context.clients.keys import Form, KeyPath, Table

GONE = object()
EMPTY = (b"", b"{}", b'{"mcpServers":{}}')


@dataclass(frozen=True, slots=True)
class Call:
    """A client's program that is run. `keeps` is a settings file that it writes anew: what it did not mean stays."""

    arguments: tuple[str, ...]
    keeps: Path
    form: Form = "json"


@dataclass(frozen=True, slots=True)
class Removal:
    """A folder that a client leaves behind and that goes away with all that is in it."""

    folder: Path


Step = Change | Call | Removal


def describe(step: Step) -> list[str]:
    """Return a step in lines for a person: what is done, and of a file what changes in it."""
    if isinstance(step, Call):
        return [f"run {shlex.join(step.arguments)}"]
    if isinstance(step, Removal):
        return [f"delete {step.folder}"]
    if step.after is None:
        return [f"delete {step.path}"]
    before, after = ((data or b"").decode("utf-8", "replace").splitlines() for data in (step.before, step.after))
    changed = list(difflib.unified_diff(before, after, n=1, lineterm=""))[3:]
    return [f"write {step.path}", *(show_hidden(f"    {line}") for line in changed)]


def carry_out(steps: Sequence[Step], backups: Path) -> None:
    """Do the steps in order; every file that is changed is kept in `backups` first.

    Raise AgentContextError where a client refuses; what was done before stays done.
    """
    for step in steps:
        if isinstance(step, Change):
            replace_file(step, backups)
        elif isinstance(step, Removal):
            shutil.rmtree(step.folder, ignore_errors=True)
        else:
            before = read_config(step.keeps, step.form)
            _run(step.arguments)
            change = restore(before, read_config(step.keeps, step.form))
            if change.before != change.after:
                replace_file(change, backups)


def restore(before: Config, after: Config) -> Change:
    """Return the change that leaves of what a program wrote only what it meant: every other byte as it was before.

    A table that has become empty goes away, and so does a file of which nothing is left.
    """
    text = (before.data or b"").decode()
    for path, value in list(_find_differences(before.table, after.table)):
        text = remove_key(before.form, text, path) if value is GONE else set_key(before.form, text, path, value)
    return drop_empty(Change(before.path, after.data, text.encode()))


def drop_empty(change: Change) -> Change:
    """Return the change as one that deletes the file, where it would leave nothing in it."""
    empty = b"".join((change.after or b"").split()) in EMPTY
    return Change(change.path, change.before, None) if empty else change


def _find_differences(before: Table, after: Table, place: KeyPath = ()) -> Iterator[tuple[KeyPath, object]]:
    """Yield each key whose value became another, with that value; GONE where it went away or became empty."""
    for name in {**before, **after}:
        old, new = before.get(name, GONE), after.get(name, GONE)
        new = GONE if new == {} else new
        if old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _find_differences(old, new, (*place, name))
        elif old != {} or new is not GONE:
            yield (*place, name), new


def _run(arguments: tuple[str, ...]) -> None:
    program = shutil.which(arguments[0])
    if program is None:
        raise AgentContextError(f"{arguments[0]} is not installed", hint="install it, or leave this client out")
    mend = "what was done before stays; mend that and run this again"
    run_program(program, arguments[1:], child_environment(without=SESSION_VARIABLES, **VARIABLES), mend)
