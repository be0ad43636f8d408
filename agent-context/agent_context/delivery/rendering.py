"""What the agents of one project are given, for each kind of reader. Reads nothing: values in, values out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from agent_context.layout import PATTERNS, Project
from agent_context.snippet import MARKER, About, Said, Snippet, Wanted, Weighed, make_snippet, weigh
from agent_context.snippet.blocks import BEGIN_MADE, END

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agent_context.knowledge import Entry
    from agent_context.settings import Settings, SnippetSettings, TargetName

# What the reader of each target can do. What is around the text costs tokens where comments are not taken out.
READERS: dict[TargetName, Wanted] = {
    "rules": Wanted(0),
    "claude-md": Wanted(0, scoped=False),
    "learnings-md": Wanted(0, scoped=False, commented=False, journal=True, around=MARKER),
    "agents-md": Wanted(0, scoped=False, commented=False, around=f"{BEGIN_MADE}\n{END}\n"),
    "cursor-rules": Wanted(0, commented=False, around=MARKER),
}


def settle(settings: Settings, about: Project | None) -> SnippetSettings:
    """Return how a project's agents are served: as set for it, else for all. What is reviewed first is never shown."""
    own = about.snippet.over(settings.snippet) if about else settings.snippet
    return msgspec.structs.replace(own, unreviewed=False) if settings.review == "pull-request" else own


def render(
    entries: Iterable[Entry],
    project: str,
    settings: Settings,
    now: str,
    about: Project | None = None,
    said: Said | None = None,
) -> Snippet:
    """Return what an agent working in the project is given, as its first target has it (`rules` where it has none).

    `now` is UTC, `YYYY-MM-DDTHH:MM:SSZ`; `said` is what its own documents say.
    """
    settled = settle(settings, about)
    target = settled.targets[0] if settled.targets else "rules"
    return render_for(target, weigh_entries(entries, project, now), settled, said)


def render_for(
    target: TargetName,
    weighed: Sequence[Weighed],
    settings: SnippetSettings,
    said: Said | None = None,
    notes: tuple[str, ...] = (),
) -> Snippet:
    """Return what the reader of a target is given. `notes` are lines of the program's own above the learnings."""
    base = READERS[target]
    wanted = Wanted(
        settings.budget_tokens, settings.unreviewed, base.scoped, base.commented, base.journal, base.around, notes
    )
    return make_snippet(weighed, wanted, said)


def weigh_entries(entries: Iterable[Entry], project: str, now: str) -> list[Weighed]:
    """Return the project's own learnings and all patterns with what they are worth in it."""
    known = [entry for entry in entries if entry.project in (project, PATTERNS)]
    own = [entry.learning for entry in known if entry.project == project]
    words = frozenset(word.casefold() for learning in own for word in learning.tags)
    about = About(frozenset(learning.id for learning in own), words)
    return [weigh(entry.learning, entry.project, about, now) for entry in known]
