"""`agent-context status`: how this clone stands, in one screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent_context.commands.face import Face, json_option, kb_option, local_time, pass_face, plural, print_json
from agent_context.review.standing import take_standing
from agent_context.visible import show_hidden

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent_context.review.standing import Standing

SHOWN = 5
LABEL_WIDTH = 12


@click.command(name="status")
@kb_option
@json_option
@pass_face
def command(face: Face, kb: Path | None, *, as_json: bool) -> int:
    """Show how this clone stands: learnings, what waits for review, for sync, for you. Reads only, asks no remote."""
    standing = take_standing(face.knowledge_base(kb), face.environment)
    if as_json:
        print_json(standing)
        return 0
    for label, text in (*_describe_clone(standing), *_describe_waiting(standing), *_describe_machines(standing)):
        click.echo(f"{click.style(f'{label:{LABEL_WIDTH}}', bold=True)} {show_hidden(text)}")
    return 0


def _describe_clone(standing: Standing) -> Iterator[tuple[str, str]]:
    yield "Knowledge", f"{standing.knowledge_base}, branch {standing.branch}"
    counts = ", ".join(f"{count:,} {status}" for status, count in standing.statuses.items()) or "none yet"
    yield "Learnings", counts
    yield "", f"in {plural(standing.projects, 'project')}"
    yield "Sessions", f"{standing.sessions:,} found, {standing.sessions_unread:,} not read yet"
    if standing.remote:
        yield "Remote", standing.remote
        what = "to push" if standing.review == "direct" else "for the next proposal"
        yield "", f"{plural(standing.ahead, 'commit')} {what}, {standing.behind:,} to bring in, as of the last fetch"
    else:
        yield "Remote", "none: git remote add origin URL"


def _describe_waiting(standing: Standing) -> Iterator[tuple[str, str]]:
    unreviewed = standing.statuses.get("unreviewed", 0)
    if unreviewed:
        yield "Review", f"{plural(unreviewed, 'learning')} unreviewed: agent-context review"
    if standing.proposed or standing.queued:
        yield "Proposals", f"{standing.proposed} in the pull request, {standing.queued} queued: agent-context proposals"
    if standing.pull_request:
        yield "", standing.pull_request
    if standing.conflicts:
        yield "Conflicts", f"{len(standing.conflicts)} open: agent-context resolve"
    yield from (("", item) for item in _shorten(standing.conflicts))
    if standing.quarantined or standing.withheld:
        words = f"{plural(standing.quarantined, 'candidate')}, {plural(standing.withheld, 'learning')} withheld"
        yield "Quarantine", f"{words}: agent-context quarantine list"
    if standing.uncommitted:
        yield "Uncommitted", f"{plural(len(standing.uncommitted), 'file')}: the next sync commits what reads"
    yield from (("", item) for item in _shorten(standing.uncommitted))
    yield from (("Needs you", item) for item in _shorten(standing.problems))


def _describe_machines(standing: Standing) -> Iterator[tuple[str, str]]:
    yield "Machine", f"{standing.machine} (this one)"
    for machine in standing.machines[:SHOWN]:
        lag = "" if machine.behind is None else f", {plural(machine.behind, 'commit')} behind"
        yield "", f"{machine.name}: last sync {local_time(machine.synced)}{lag}"
        if machine.problem:
            yield "", machine.problem


def _shorten(items: list[str]) -> list[str]:
    """Return the first few of a list, and how many there are beyond."""
    more = len(items) - SHOWN
    return [*items[:SHOWN], *([f"… and {more} more (--json names them all)"] if more > 0 else [])]
