"""Find learnings again in a text that an agent was given: by their words, as comments with ids do not arrive."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent_context.snippet.framing import FRAME, RULE_FRAME, neutralise

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent_context.learning import Learning

LINE = re.compile(r"^- (.*) \((?:user|agent)(?:, [\d,]+ sessions)?, [^()]*\)$", re.MULTILINE)
FRAMES = (FRAME, RULE_FRAME)


@dataclass(frozen=True, slots=True)
class Recognised:
    """The learnings in a text, and how many lines are of none that says so today."""

    ids: frozenset[str]
    unknown: int


@dataclass(slots=True)
class Recogniser:
    """Knows learnings by the line that they become. Two of the same words are both recognised."""

    by_line: dict[str, set[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, learnings: Iterable[Learning]) -> Recogniser:
        """Return one that knows these learnings."""
        known = cls()
        for learning in learnings:
            known.by_line.setdefault(neutralise(learning.claim), set()).add(learning.id)
        return known

    def read(self, text: str) -> Recognised | None:
        """Return what a text holds of learnings; None where it is no snippet of ours."""
        if not any(frame in text for frame in FRAMES):
            return None
        lines = LINE.findall(text)
        found = [self.by_line.get(line, set()) for line in lines]
        return Recognised(frozenset().union(*found), sum(not ids for ids in found))
