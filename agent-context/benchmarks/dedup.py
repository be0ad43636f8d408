"""What is called the same, seen and contradicting, on our own labelled pairs and on real revisions of rules.

    python agent-context/benchmarks/dedup.py [--encoder minilm|sentence-transformers|none] [--model M] [--data DIR]

Own pairs: `train` made the rules and the weights, `test` was written and frozen before them (a test holds its hash).
The others' thresholds are the best they can have on the split itself: that of the best F1, and the lowest that merges
nothing wrongly. Theirs are therefore chosen while looking at the answers, ours are not.

`--data`: DIR/dedup_pairs.jsonl or .jsonl.xz, lines {label, a, b}; `same-revised` (one replaced the other in a commit)
against `coexist-distinct` (both alive). A revision often says something else, so these labels are noisy.
"""

from __future__ import annotations

import argparse
import difflib
import json
import lzma
import random
import re
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from rapidfuzz import fuzz

from agent_context.consolidation.calibrating import SEEN, LabelledPair, Tally, load_pairs
from agent_context.encoders import load_encoder
from agent_context.encoders.calibration import load_verifier
from agent_context.encoders.vectors import Vectors
from agent_context.similarity import Context, Likeness, Relation, compare

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent_context.encoders import Encoder

SEED = 7
RECALLS = (0.1, 0.2, 0.3, 0.5, 0.7, 0.9)


def jaccard(a: str, b: str) -> float:
    """Return the share of words that both have."""
    left, right = set(re.findall(r"\w+", a.casefold())), set(re.findall(r"\w+", b.casefold()))
    return len(left & right) / (len(left | right) or 1)


OTHERS: dict[str, Callable[[str, str], float]] = {
    "rapidfuzz token_set": lambda a, b: fuzz.token_set_ratio(a, b) / 100,
    "rapidfuzz ratio": lambda a, b: fuzz.ratio(a, b) / 100,
    "Jaccard": jaccard,
    "difflib": lambda a, b: difflib.SequenceMatcher(None, a, b).ratio(),
}


def find_cosines(pairs: Sequence[LabelledPair], encoder: Encoder | None, *, bare: bool) -> list[float]:
    """Return each pair's cosine, of the bare claims or with the context that ours are embedded with."""
    if encoder is None:
        return []
    around = (lambda claim: claim) if bare else Context().around
    vectors = Vectors(encoder)
    vectors.load([around(claim) for pair in pairs for claim in (pair.a, pair.b)])
    return vectors.cosines([(around(pair.a), around(pair.b)) for pair in pairs])


def judge(pairs: Sequence[LabelledPair], cosines: Sequence[float], encoder: Encoder | None) -> list[Likeness]:
    """Return what ours says of each pair."""
    verifier = load_verifier()
    meanings = [encoder.scale.place(cosine) for cosine in cosines] if encoder else [None] * len(pairs)
    return [compare(pair.a, pair.b, verifier, meaning) for pair, meaning in zip(pairs, meanings, strict=True)]


def score_others(pairs: Sequence[LabelledPair], encoder: Encoder | None) -> dict[str, list[float]]:
    """Return every other method's score of each pair."""
    scores = {name: [rate(pair.a, pair.b) for pair in pairs] for name, rate in OTHERS.items()}
    if encoder:
        scores = {f"cosine, {encoder.model}": find_cosines(pairs, encoder, bare=True), **scores}
    return scores


def run_semhash(pairs: Sequence[LabelledPair], encoder: Encoder, threshold: float) -> list[bool] | None:
    """Return which pairs semhash would merge, with the same model; none where it is not installed."""
    try:
        import numpy as np  # noqa: PLC0415 - an extra
        from semhash import SemHash  # noqa: PLC0415 - an extra
    except ImportError:
        return None

    class Model:
        def encode(self, inputs: Sequence[str], **_: object) -> object:
            return np.stack([np.frombuffer(vector, dtype="<f4") for vector in encoder.encode(list(inputs))])

    merged = []
    for pair in pairs:
        kept = SemHash.from_records([pair.a, pair.b], model=Model()).self_deduplicate(threshold=threshold).selected
        merged.append(len(kept) == 1)
    return merged


def row(name: str, pairs: Sequence[LabelledPair], merged: Sequence[bool], *more: str) -> str:
    """Return one line of the table of wrong and right merges."""
    same = [hit for pair, hit in zip(pairs, merged, strict=True) if pair.label == "same"]
    wrong = sum(hit for pair, hit in zip(pairs, merged, strict=True) if pair.label not in ("same", "refines"))
    beside = sum(hit for pair, hit in zip(pairs, merged, strict=True) if pair.label == "refines")
    cells = (name, str(wrong), str(beside), f"{sum(same) / len(same):.2f}", *(more or ("-", "-", "-")))
    return f"| {' | '.join(cells)} |"


def best_threshold(pairs: Sequence[LabelledPair], scores: Sequence[float]) -> float:
    """Return the threshold of the best F1 for merging rewordings alone."""

    def f1(threshold: float) -> float:
        hits = [pair.label == "same" for pair, score in zip(pairs, scores, strict=True) if score >= threshold]
        return 2 * sum(hits) / (len(hits) + sum(pair.label == "same" for pair in pairs))

    return max(sorted(set(scores)), key=f1)


def report_own(split: str, encoder: Encoder | None) -> None:
    """Print the table of one split of our own pairs."""
    pairs = load_pairs("train" if split == "train" else "test")
    found = judge(pairs, find_cosines(pairs, encoder, bare=False), encoder)
    tally = Tally(Counter((pair.label, item.relation) for pair, item in zip(pairs, found, strict=True)))
    print(f"\n### {split}: {', '.join(f'{n} {label}' for label, n in Counter(p.label for p in pairs).items())}\n")
    print(
        "| | wrong merges | refinements merged | rewordings confirmed | seen | contradictions named | falsely named |"
    )
    print("|---|---|---|---|---|---|---|")
    more = (
        f"{tally.share('same', *SEEN):.2f}",
        f"{tally.share('contradicts', Relation.CONTRADICTS):.2f}",
        str(tally.false_alarms),
    )
    print(row("ours", pairs, [item.relation is Relation.SAME for item in found], *more))
    for name, scores in score_others(pairs, encoder).items():
        best = best_threshold(pairs, scores)
        print(row(f"{name} >= {best:.2f} (best F1)", pairs, [score >= best for score in scores]))
        safe = max(score for pair, score in zip(pairs, scores, strict=True) if pair.label != "same")
        print(row(f"{name} > {safe:.2f} (merges nothing wrongly)", pairs, [score > safe for score in scores]))
    if encoder:
        best = best_threshold(pairs, find_cosines(pairs, encoder, bare=True))
        merged = run_semhash(pairs, encoder, best)
        missing = "| semhash | not installed (pip install semhash) | | | | | |"
        print(row(f"semhash at {best:.2f}", pairs, merged) if merged else missing)
    wrong = Counter(
        (pair.sort, item.relation.value) for pair, item in zip(pairs, found, strict=True) if pair.label == "contradicts"
    )
    print(f"\nContradictions by sort: {', '.join(f'{sort} {what} {n}' for (sort, what), n in sorted(wrong.items()))}.")


def read_real(folder: Path, most: int) -> list[LabelledPair]:
    """Return real revisions and coexisting rules, at most so many, drawn with a fixed seed."""
    packed = folder / "dedup_pairs.jsonl.xz"
    text = lzma.decompress(packed.read_bytes()) if packed.exists() else (folder / "dedup_pairs.jsonl").read_bytes()
    rows = [json.loads(line) for line in text.splitlines()]
    labels = {"same-revised": "same", "coexist-distinct": "distinct"}
    pairs = [LabelledPair(labels[row["label"]], row["label"], row["a"], row["b"]) for row in rows]  # type: ignore[arg-type]
    return random.Random(SEED).sample(pairs, min(most, len(pairs)))  # noqa: S311 - a sample, seeded


def report_real(pairs: Sequence[LabelledPair], encoder: Encoder | None) -> None:
    """Print the precision/recall curve on real pairs, and what ours decides of them."""
    start = time.perf_counter()
    found = judge(pairs, find_cosines(pairs, encoder, bare=False), encoder)
    seconds = time.perf_counter() - start
    scores = {"ours (the verifier's score)": [item.score for item in found], **score_others(pairs, encoder)}
    positive = sum(pair.label == "same" for pair in pairs)
    print(f"\n### Real pairs: {positive} revised, {len(pairs) - positive} coexisting ({seconds:.0f} s)\n")
    print(f"| precision at recall | {' | '.join(map(str, RECALLS))} |\n|---|{'---|' * len(RECALLS)}")
    for name, values in scores.items():
        ranked = [pair.label == "same" for _, pair in sorted(zip(values, pairs, strict=True), key=lambda x: -x[0])]
        cells = []
        for recall in RECALLS:
            hits = taken = 0
            while hits < recall * positive:
                hits += ranked[taken]
                taken += 1
            cells.append(f"{hits / taken:.2f}")
        print(f"| {name} | {' | '.join(cells)} |")
    counts = Counter((pair.sort, item.relation.value) for pair, item in zip(pairs, found, strict=True))
    relations = [relation.value for relation in Relation]
    print(f"\n| decided | {' | '.join(relations)} |\n|---|{'---|' * len(relations)}")
    for label in ("same-revised", "coexist-distinct"):
        print(f"| {label} | {' | '.join(str(counts[label, relation]) for relation in relations)} |")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", default="minilm")
    parser.add_argument("--model", default="")
    parser.add_argument("--data", type=Path, help="a folder with dedup_pairs.jsonl or dedup_pairs.jsonl.xz")
    parser.add_argument("--most", type=int, default=6000, help="so many of the real pairs, at most")
    given = parser.parse_args()
    encoder, said = load_encoder(given.encoder, given.model)
    print(f"Encoder: {said}.")
    for split in ("train", "test"):
        report_own(split, encoder)
    if given.data:
        report_real(read_real(given.data, given.most), encoder)


if __name__ == "__main__":
    main()
