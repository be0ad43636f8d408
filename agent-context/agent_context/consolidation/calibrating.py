"""Measure a model on the labelled pairs that ship with the program, and the rules on the pairs they never saw."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from importlib.resources import files
from statistics import median, quantiles
from typing import TYPE_CHECKING, Literal

import msgspec

from agent_context.encoders import ENCODERS
from agent_context.encoders.calibration import Scale, keep_calibration, load_verifier
from agent_context.encoders.vectors import Vectors
from agent_context.errors import AgentContextError
from agent_context.similarity import Context, Relation, compare

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from agent_context.encoders import Encoder

Split = Literal["train", "test"]
SEEN = frozenset((Relation.SAME, Relation.REFINES, Relation.NEAR))
PERCENT = 100


class LabelledPair(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Two claims and what the second is to the first; `sort` says what makes the pair hard."""

    label: Literal["same", "refines", "contradicts", "distinct"]
    sort: str
    a: str
    b: str


@dataclass(frozen=True, slots=True)
class Tally:
    """How many pairs of each label were given which relation."""

    counts: Counter[tuple[str, Relation]]

    def share(self, label: str, *relations: Relation) -> float:
        """Return the share of a label's pairs that were given one of the relations."""
        every = sum(count for (of, _), count in self.counts.items() if of == label)
        return sum(self.counts[label, relation] for relation in relations) / (every or 1)

    @property
    def wrong_merges(self) -> int:
        """Return how many pairs that do not say the same were called the same."""
        return sum(count for (of, relation), count in self.counts.items() if of != "same" and relation is Relation.SAME)

    @property
    def false_alarms(self) -> int:
        """Return how many pairs that do not contradict each other were said to."""
        contradicts = ((of, count) for (of, relation), count in self.counts.items() if relation is Relation.CONTRADICTS)
        return sum(count for of, count in contradicts if of != "contradicts")


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A model's scale, where it was written, and how the rules fare with it on the test pairs."""

    model: str
    scale: Scale
    path: Path
    tally: Tally


def load_pairs(split: Split) -> list[LabelledPair]:
    """Return the labelled pairs of a split. Nothing was ever tuned on `test`."""
    return [msgspec.json.decode(line, type=LabelledPair) for line in _read(split).splitlines()]


def hash_pairs(split: Split) -> str:
    """Return the sha256 of a split's file."""
    return hashlib.sha256(_read(split)).hexdigest()


def _read(split: Split) -> bytes:
    return (files("agent_context") / "data" / "pairs" / f"{split}.jsonl").read_bytes()


def find_cosines(
    encoder: Encoder, pairs: Sequence[LabelledPair], tell: Callable[[int, int], None] = lambda _done, _count: None
) -> list[float]:
    """Return the cosine of each pair, embedded as claims are that nothing more is known of."""
    vectors, around = Vectors(encoder), Context().around
    vectors.load([around(claim) for pair in pairs for claim in (pair.a, pair.b)], tell)
    return vectors.cosines([(around(pair.a), around(pair.b)) for pair in pairs])


def measure_scale(pairs: Sequence[LabelledPair], cosines: Sequence[float]) -> Scale:
    """Return a model's scale: what 98 of 100 rewordings reach, and what half of them do.

    Raise AgentContextError when the model puts claims that only share a topic there too.
    """
    same = [cosine for pair, cosine in zip(pairs, cosines, strict=True) if pair.label == "same"]
    other = [cosine for pair, cosine in zip(pairs, cosines, strict=True) if pair.label == "distinct"]
    scale = Scale(round(quantiles(same, n=PERCENT)[1], 3), round(median(same), 3))
    if scale.near <= median(other) or scale.sure <= scale.near:
        raise AgentContextError(
            f"this model cannot tell rewordings (half of them reach a cosine of {scale.sure}, 98 of 100 reach "
            f"{scale.near}) from claims that share a topic (half of them reach {median(other):.3f})",
            hint="choose a model made for sentence similarity",
        )
    return scale


def count_relations(pairs: Sequence[LabelledPair], cosines: Sequence[float] | None, scale: Scale | None) -> Tally:
    """Return what the rules say of labelled pairs; without cosines by the words alone."""
    verifier = load_verifier()
    counts: Counter[tuple[str, Relation]] = Counter()
    for i, pair in enumerate(pairs):
        meaning = scale.place(cosines[i]) if scale and cosines else None
        counts[pair.label, compare(pair.a, pair.b, verifier, meaning).relation] += 1
    return Tally(counts)


def calibrate(name: str, model: str, data_dir: Path, tell: Callable[[int, int], None]) -> Calibrated:
    """Measure a model's scale on the training pairs, keep it on this machine, and try it on the test pairs.

    Raise AgentContextError when the model is none or is of no use, MissingExtraError without its extra.
    """
    encoder = ENCODERS[name](model, data_dir)
    train, test = load_pairs("train"), load_pairs("test")
    cosines = find_cosines(encoder, [*train, *test], tell)
    scale = measure_scale(train, cosines[: len(train)])
    tally = count_relations(test, cosines[len(train) :], scale)
    return Calibrated(encoder.model, scale, keep_calibration(data_dir, encoder.model, scale), tally)
