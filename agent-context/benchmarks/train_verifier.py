"""Make the verifier's weights from the training pairs that ship with the program; the test pairs are never read here.

    python agent-context/benchmarks/train_verifier.py [--write]

Logistic regression with a ridge, by plain gradient descent from zero, so that the same pairs give the same weights. The
threshold of `same` stands above one half and above every training pair of another label that nothing else holds back;
that of `near` lies well below what lets almost every training pair through that a person should see.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

import agent_context
from agent_context.consolidation.calibrating import LabelledPair, find_cosines, hash_pairs, load_pairs, measure_scale
from agent_context.encoders import minilm
from agent_context.similarity.alignment import align, is_full
from agent_context.similarity.guards import find_guards
from agent_context.similarity.reading import read_claim
from agent_context.similarity.verifier import FEATURES, Head, Heads, Verifier, measure

if TYPE_CHECKING:
    from collections.abc import Sequence

STEPS = 3000
RATE = 0.5
RIDGE = 0.002
MARGIN = 0.05
LEAST = 0.5
SEEN = 0.985
GENEROUS = 0.6


def fit(rows: Sequence[Sequence[float]], answers: Sequence[float]) -> tuple[float, ...]:
    """Return the weights of a logistic regression; the first feature is the constant, which the ridge spares."""
    weights = [0.0] * len(FEATURES)
    for _ in range(STEPS):
        slopes = [0.0] * len(weights)
        for row, answer in zip(rows, answers, strict=True):
            error = 1 / (1 + math.exp(-sum(w * x for w, x in zip(weights, row, strict=True)))) - answer
            for i, value in enumerate(row):
                slopes[i] += error * value
        for i, slope in enumerate(slopes):
            weights[i] -= RATE * (slope / len(rows) + (RIDGE * weights[i] if i else 0.0))
    return tuple(round(weight, 4) for weight in weights)


def make_heads(pairs: Sequence[LabelledPair], meanings: Sequence[float | None]) -> Heads:
    """Fit both questions and choose their thresholds."""
    rows, free = [], []
    for pair, meaning in zip(pairs, meanings, strict=True):
        alignment = align(read_claim(pair.a), read_claim(pair.b))
        guards = find_guards(alignment)
        rows.append(measure(alignment, guards, meaning))
        free.append(not guards and is_full(alignment))
    same = Head(fit(rows, [float(pair.label == "same") for pair in pairs]), 0.0)
    near = Head(fit(rows, [float(pair.label != "distinct") for pair in pairs]), 0.0)
    labels = [pair.label for pair in pairs]
    merged = [same.rate(row) for row, label, may in zip(rows, labels, free, strict=True) if may and label != "same"]
    seen = sorted(near.rate(row) for pair, row in zip(pairs, rows, strict=True) if pair.label in ("same", "refines"))
    return Heads(
        Head(same.weights, round(max([LEAST, *merged]) + MARGIN, 3)),
        Head(near.weights, round(GENEROUS * seen[int(len(seen) * (1 - SEEN))], 3)),
    )


def main() -> None:
    """Fit, print, and with --write put the weights where the program reads them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    write = parser.parse_args().write
    pairs = load_pairs("train")
    encoder = minilm.load()
    cosines = find_cosines(encoder, pairs)
    scale = measure_scale(pairs, cosines)
    print(f"{encoder.model}: near {scale.near}, sure {scale.sure} (the table says {encoder.scale})")
    verifier = Verifier(
        hash_pairs("train"),
        make_heads(pairs, [scale.place(cosine) for cosine in cosines]),
        make_heads(pairs, [None] * len(pairs)),
    )
    for name, heads in (("with meaning", verifier.with_meaning), ("words only", verifier.words_only)):
        for question, head in (("same", heads.same), ("near", heads.near)):
            print(f"{name}, {question}, from {head.threshold}:", dict(zip(FEATURES, head.weights, strict=True)))
    if write:
        path = Path(agent_context.__file__).parent / "data" / "pairs" / "verifier.json"
        path.write_bytes(msgspec.json.format(msgspec.json.encode(verifier), indent=2) + b"\n")


if __name__ == "__main__":
    main()
