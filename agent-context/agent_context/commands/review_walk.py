"""The walk through what waits for review, one learning after the other: accept, edit, reject, skip."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent_context.commands.face import console, plural
from agent_context.errors import AgentContextError
from agent_context.frontmatter import write_learning
from agent_context.learning import Status
from agent_context.review.reviewing import decide, revise
from agent_context.visible import show_hidden

if TYPE_CHECKING:
    from rich.console import Console

    from agent_context.config import Environment
    from agent_context.knowledge import Entry, KnowledgeBase

CHOICES = {"a": "accept", "e": "edit", "r": "reject", "s": "skip", "q": "quit"}
MENU = "  ".join(f"\\[{key}]{word[1:]}" for key, word in CHOICES.items())


def walk(knowledge_base: KnowledgeBase, environment: Environment, entries: list[Entry]) -> int:
    """Ask about each learning. Every decision is committed at once, so that leaving in the middle loses none."""
    out = console()
    done = 0
    for number, entry in enumerate(entries, 1):
        out.print(f"\n[bold]{number} of {len(entries)}[/]")
        _show(entry, out)
        choice = _ask(out)
        if choice == "q":
            break
        done += choice != "s" and _decide(knowledge_base, environment, entry, choice, out)
    out.print(f"\n{plural(done, 'learning')} reviewed, {plural(len(entries) - done, 'learning')} left. ", end="")
    out.print("agent-context sync carries this to every machine." if done else "Nothing was changed.")
    return 0


def _decide(knowledge_base: KnowledgeBase, environment: Environment, entry: Entry, choice: str, out: Console) -> bool:
    """Carry one choice out. Returns whether the learning was decided on."""
    name = f"{entry.project}/{entry.learning.id}"
    if choice == "e":
        return _edit(knowledge_base, environment, entry, out)
    status, reason = Status.ACCEPTED, "accepted in review"
    if choice == "r":
        said = click.prompt("  Why", default="", show_default=False)
        status, reason = Status.REJECTED, said.strip() or "rejected in review"
    decide(knowledge_base, environment, (name,), status, reason)
    out.print(f"  {status.value}")
    return True


def _edit(knowledge_base: KnowledgeBase, environment: Environment, entry: Entry, out: Console) -> bool:
    """Let the person edit the file until it reads; what comes out of it is accepted unless they say otherwise in it."""
    text = write_learning(entry.learning)
    while True:
        edited = click.edit(text, extension=".md")
        if edited is None or edited == write_learning(entry.learning):
            out.print("  left as it is")
            return False
        try:
            status = revise(knowledge_base, environment, entry, edited)
        except AgentContextError as error:
            out.print(error.advice, markup=False)
            if not click.confirm("  Edit again?", default=True):
                return False
            text = edited
        else:
            out.print(f"  edited, {status.value}")
            return True


def _ask(out: Console) -> str:
    out.print(f"  {MENU} ", end="")
    while (choice := click.getchar().lower()) not in CHOICES:
        pass
    out.print(CHOICES[choice])
    return choice


def _show(entry: Entry, out: Console) -> None:
    learning = entry.learning
    out.print(f"  [bold]{learning.id}[/]  {entry.project}  {learning.kind.value}")
    out.print(f"  {show_hidden(learning.claim)}", markup=False)
    rows = [("why", why) for why in learning.why]
    rows += [("evidence", " ".join(quote.split())) for quote in learning.evidence]
    rows += [
        ("said by", f"{source.speaker.value} on {source.machine}, session {source.session}, {source.at}")
        for source in learning.sources
    ]
    rows += [("about", ", ".join(learning.paths))] if learning.paths else []
    for label, words in rows:
        out.print(f"    [dim]{label}:[/] ", end="")
        out.print(show_hidden(words), markup=False)
