"""What an agent is given about a project: few lines, the best first, each with the reason it is in. Values only."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from agent_context.learning import LIVING, Learning, Status
from agent_context.snippet.budget import count_tokens, strip_comments
from agent_context.snippet.framing import (
    MARKER,
    compose,
    compose_journal,
    compose_rule,
    head_for,
    neutralise,
    say,
)
from agent_context.snippet.ranking import About, Weighed, order, weigh
from agent_context.snippet.repeats import Said
from agent_context.snippet.scoping import find_scope, name_scope

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

__all__ = [
    "MARKER",
    "About",
    "Judged",
    "Place",
    "Said",
    "Scoped",
    "Snippet",
    "Wanted",
    "Weighed",
    "count_tokens",
    "make_snippet",
    "neutralise",
    "strip_comments",
    "weigh",
]
# A rule that is loaded with a file is short too, and there are no more of them than a person would keep in order.
SCOPED_SHARE = 3
MOST_SCOPED = 40
HOPELESS = 30  # so many in a row that found no room: nobody looks at the rest
LINE_END = 1
NO_ROOM = "no room: what is worth more fills the budget"


class Place(StrEnum):
    """Where a learning is: in what is always loaded, in what is loaded with a file, or nowhere."""

    ALWAYS = "always"
    SCOPED = "by path"
    OUT = "out"


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a snippet is to be: tokens at the most, and what its reader can do.

    `scoped`: it loads rules with the files they are about; `commented`: it takes comments out; `journal`: sections by
    day and machine; `around`: what is written around it, counted too. `notes` are lines of the program's own.
    """

    budget: int
    unreviewed: bool = True
    scoped: bool = True
    commented: bool = True
    journal: bool = False
    around: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """One learning: its score with the factors (0 to 1), where it is and why, and the tokens of its line."""

    learning: Learning
    project: str
    score: float
    confidence: float
    recency: float
    relevance: float
    place: Place
    reason: str
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Scoped:
    """A rule that loads when a file of these globs is read."""

    name: str
    paths: tuple[str, ...]
    text: str
    tokens: int
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Snippet:
    """The text that is always loaded, its tokens from above, every learning's fate, and the rules that wait."""

    text: str
    tokens: int
    budget: int
    judged: tuple[Judged, ...]
    scoped: tuple[Scoped, ...] = ()

    @property
    def included(self) -> tuple[str, ...]:
        """Return the ids of what is always loaded."""
        return tuple(item.learning.id for item in self.judged if item.place is Place.ALWAYS)

    @property
    def left_out(self) -> tuple[str, ...]:
        """Return the ids of what no agent is given."""
        return tuple(item.learning.id for item in self.judged if item.place is Place.OUT)


@dataclass(slots=True)
class _Choice:
    """A snippet under way, by group (the globs; none for what is always loaded): what is in, and what it costs."""

    wanted: Wanted
    chosen: dict[tuple[str, ...], list[Learning]] = field(default_factory=dict)
    repeats: defaultdict[tuple[str, ...], Said] = field(default_factory=lambda: defaultdict(Said))
    spent: dict[tuple[str, ...], int] = field(default_factory=dict)
    heads: set[tuple[tuple[str, ...], str]] = field(default_factory=set)
    misses: Counter[tuple[str, ...]] = field(default_factory=Counter)

    def judge(self, weighed: Weighed, said: Said) -> Judged:
        """Take the learning in, or say why not."""
        learning = weighed.learning
        if learning.status is not Status.ACCEPTED and not self.wanted.unreviewed:
            return _judge(weighed, Place.OUT, "nobody has reviewed it yet")
        scope = () if learning.pinned or not self.wanted.scoped else find_scope(learning)
        full = scope not in self.chosen and len(self.chosen) > MOST_SCOPED
        if self.misses[scope] >= HOPELESS or (scope and full):
            return _judge(weighed, Place.OUT, NO_ROOM)
        if found := said.find(learning.claim):
            return _judge(weighed, Place.OUT, f"{found[1]} says so already: {found[0]}")
        for group in dict.fromkeys(((), scope)):
            if repeat := self.repeats[group].find(learning.claim):
                return _judge(weighed, Place.OUT, f"{repeat[1]} says nearly the same, and is worth more")
        return self._fit(weighed, scope)

    def _fit(self, weighed: Weighed, scope: tuple[str, ...]) -> Judged:
        """Take the learning in where its line, with the heads that come with it, has room."""
        learning = weighed.learning
        budget = self.wanted.budget // (SCOPED_SHARE if scope else 1)
        head, above = head_for(learning, scoped=bool(scope), journal=self.wanted.journal)
        spent = self.spent.get(scope)
        if spent is None:
            spent = count_tokens(self.wanted.around + self.render(scope, ()))
        marked = learning.status is not Status.ACCEPTED and bool(scope or self.wanted.journal)
        line = count_tokens(say(learning, commented=False, marked=marked)) + LINE_END
        cost = line + (0 if (scope, head) in self.heads else above)
        if spent + cost > budget:
            self.misses[scope] += 1
            return _judge(weighed, Place.OUT, NO_ROOM, cost)
        self.misses[scope] = 0
        self.spent[scope] = spent + cost
        self.heads.add((scope, head))
        self.chosen.setdefault(scope, []).append(learning)
        self.repeats[scope].add(learning.claim, learning.id)
        reason = "pinned" if learning.pinned else f"loads with {', '.join(scope)}" if scope else "among the best"
        return _judge(weighed, Place.SCOPED if scope else Place.ALWAYS, reason, cost)

    def render(self, scope: tuple[str, ...], learnings: Sequence[Learning]) -> str:
        """Return the text of a group."""
        wanted = self.wanted
        if scope:
            return compose_rule(learnings, commented=wanted.commented)
        if wanted.journal:
            return compose_journal(learnings, wanted.notes)
        return compose(learnings, wanted.notes, commented=wanted.commented)


def make_snippet(weighed: Collection[Weighed], wanted: Wanted, said: Said | None = None) -> Snippet:
    """Return what an agent is given of these learnings, never above the budget; empty text where nothing is to be said.

    `said` is what the project's own documents say. In the text the newest stand first, so that a score that moves with
    time moves no line.
    """
    choice = _Choice(wanted)
    said = said or Said()
    judged = [choice.judge(item, said) for item in order(weighed) if item.learning.status in LIVING]
    always = choice.chosen.pop((), [])
    text = choice.render((), _settle(always)) if always or wanted.notes else ""
    scoped = []
    for paths, learnings in sorted(choice.chosen.items()):
        rule = choice.render(paths, _settle(learnings))
        ids = tuple(item.id for item in learnings)
        scoped.append(Scoped(name_scope(paths), paths, rule, count_tokens(strip_comments(rule)), ids))
    tokens = count_tokens(strip_comments(text) if wanted.commented else f"{wanted.around}{text}")
    if not text or tokens > wanted.budget:  # the program's own lines alone may be too many
        text, tokens = "", 0
    return Snippet(text, tokens, wanted.budget, tuple(judged), tuple(scoped))


def _settle(learnings: Iterable[Learning]) -> list[Learning]:
    """Return the learnings as they stand in the text: pinned first, then the newest."""
    return sorted(learnings, key=lambda item: (item.pinned, item.created, item.id), reverse=True)


def _judge(weighed: Weighed, place: Place, reason: str, tokens: int = 0) -> Judged:
    score, factors = weighed.score, (weighed.confidence, weighed.recency, weighed.relevance)
    return Judged(weighed.learning, weighed.project, score, *factors, place, reason, tokens)
