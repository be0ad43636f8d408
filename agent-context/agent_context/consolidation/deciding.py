"""Decide about candidates: what each one is to what the knowledge base (or the same batch) already says.

Only the same words, and what the verifier is certain of with no guard against it, count as the same; everything else
that is alike is shown to a person. What two claims are to each other is similarity's to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from agent_context.encoders.calibration import load_verifier
from agent_context.encoders.vectors import Shelf, Vectors
from agent_context.learning import LIVING, Decision, Learning, Status, Verdict, normalise_claim
from agent_context.similarity import Context, Likeness, Relation, compare, find_wordy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from agent_context.encoders import Encoder
    from agent_context.state import State

# So many of the nearest are read word by word.
NEAREST = 50
# A rejection holds against what most likely says the same, even where that would not be certain enough to confirm.
NEARLY_CERTAIN = 0.8
VERDICTS = {
    Relation.SAME: Verdict.CONFIRMS,
    Relation.CONTRADICTS: Verdict.CONTRADICTS,
    Relation.REFINES: Verdict.REFINES,
    Relation.NEAR: Verdict.NEAR,
}
# What is told when a candidate is several things to several learnings: what needs nobody, then what is worst to miss.
RANK = (
    Verdict.EXACT, Verdict.REJECTED_BEFORE, Verdict.WRITTEN, Verdict.CONFIRMS, Verdict.CONTRADICTS, Verdict.REFINES,
    Verdict.NEAR,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Known:
    id: str
    claim: str
    status: Status | None  # none: not a learning, but a statement in the rule file that `id` names
    context: Context


class Consolidation:
    """What one project already knows; decisions are asked one by one, and each new learning joins what is known.

    `written` is what rule files say: statement to file name. `tell` hears how far the encoding of what is known is.
    """

    def __init__(
        self,
        learnings: Iterable[Learning],
        encoder: Encoder | None,
        state: State | None,
        written: Mapping[str, str] = MappingProxyType({}),
        *,
        project: str = "",
        tell: Callable[[int, int], None] = lambda _done, _count: None,
    ) -> None:
        self._project = project
        self._scale = encoder.scale if encoder else None
        self._vectors = Vectors(encoder, state) if encoder else None
        self._shelf = Shelf()
        self._shelved = 0
        self._tell = tell
        self._known = [_hold(item, project) for item in learnings]
        self._known += [_Known(file, statement, None, Context("", project)) for statement, file in written.items()]
        self._exact = {normalise_claim(item.claim): item for item in self._known}
        self._born = {item.id: item for item in self._known}

    def add(self, learning: Learning) -> None:
        """Count this learning as known from now on."""
        known = _hold(learning, self._project)
        self._known.append(known)
        self._exact[normalise_claim(learning.claim)] = known
        self._born[learning.id] = known

    def decide(self, claim: str, born: str, *, kind: str = "", paths: tuple[str, ...] = ()) -> Decision:
        """Return the verdict on one claim (`born`: the id it would get) with its nearest twin, score and reason.

        A learning whose text was edited after its birth keeps its id, so the words it was born with stay known too.
        """
        twin = self._exact.get(normalise_claim(claim)) or self._born.get(born)
        if twin is not None:
            return _told(twin, Verdict.EXACT, 1.0, "the same words")
        context = Context(kind, self._project, paths)
        found = [self._judge(claim, context, item, meaning) for item, meaning in self._find_alike(claim, context)]
        alike = [decision for decision in found if decision.verdict is not Verdict.NEW]
        return min(alike, key=lambda item: (RANK.index(item.verdict), -item.score), default=Decision(Verdict.NEW))

    def _find_alike(self, claim: str, context: Context) -> list[tuple[_Known, float | None]]:
        """Return what is worth reading beside the claim, with its meaning on the model's scale."""
        if self._vectors is None or self._scale is None:
            return [(self._known[i], None) for i in find_wordy(claim, [item.claim for item in self._known], NEAREST)]
        fresh = [item.context.around(item.claim) for item in self._known[self._shelved :]]
        text = context.around(claim)
        self._vectors.load([*fresh, text], self._tell)
        self._shelf.add([self._vectors.take(item) for item in fresh])
        self._shelved = len(self._known)
        nearest = self._shelf.find_nearest(self._vectors.take(text), NEAREST)
        return [(self._known[i], self._scale.place(cosine)) for i, cosine in nearest]

    def _judge(self, claim: str, context: Context, item: _Known, meaning: float | None) -> Decision:
        differs = find_differences(item.context, context)
        likeness = compare(item.claim, claim, load_verifier(), meaning, differs)
        return _weigh(item, likeness)


def decide_pair(known: Learning, candidate: Learning, meaning: float | None, project: str = "") -> Decision:
    """Return what one learning is to another; `meaning` is their cosine on its model's scale, none without one."""
    if normalise_claim(known.claim) == normalise_claim(candidate.claim):
        return _told(_hold(known, project), Verdict.EXACT, 1.0, "the same words")
    one, other = _hold(known, project), _hold(candidate, project)
    differs = find_differences(one.context, other.context)
    return _weigh(one, compare(known.claim, candidate.claim, load_verifier(), meaning, differs))


def _hold(learning: Learning, project: str) -> _Known:
    context = Context(learning.kind.value, project, learning.paths)
    return _Known(learning.id, learning.claim, learning.status, context)


def find_differences(known: Context, candidate: Context) -> list[str]:
    """Return what of two contexts forbids calling two claims the same; what is not said differs from nothing."""
    pairs = (("kind", known.kind, candidate.kind), ("project", known.project, candidate.project))
    return [f"another {name}: {one} against {other}" for name, one, other in pairs if one and other and one != other]


def _weigh(item: _Known, likeness: Likeness) -> Decision:
    """Return what a likeness means for a candidate, by the standing of the one it is like."""
    relation, reason = likeness.relation, "; ".join(likeness.reasons)
    if item.status is Status.REJECTED and is_nearly_same(likeness):
        return _told(item, Verdict.REJECTED_BEFORE, likeness.score, reason)
    if relation is Relation.OTHER:
        return Decision(Verdict.NEW)
    if relation is not Relation.SAME and item.status is not None and item.status not in LIVING:
        return Decision(Verdict.NEW)
    return _told(item, VERDICTS[relation], likeness.score, reason)


def is_nearly_same(likeness: Likeness) -> bool:
    """Tell whether a rejection of the one holds against the other."""
    near = likeness.relation is Relation.NEAR and not likeness.guarded and likeness.score >= NEARLY_CERTAIN
    return likeness.relation is Relation.SAME or near


def _told(twin: _Known, verdict: Verdict, score: float, reason: str) -> Decision:
    same = verdict in (Verdict.EXACT, Verdict.CONFIRMS)
    if same and twin.status is None:
        verdict = Verdict.WRITTEN
    elif same and twin.status is Status.REJECTED:
        verdict = Verdict.REJECTED_BEFORE
    return Decision(verdict, twin.id, round(score, 3), reason, twin.claim)
