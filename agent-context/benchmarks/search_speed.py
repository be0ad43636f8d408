"""How long a search takes, and bringing the index up to date, at 1,000, 20,000 and 100,000 learnings.

    python agent-context/benchmarks/search_speed.py [--sizes 1000,20000,100000] [--runs 15]

Learnings of made-up words (as frequent as words are: Zipf) lie in 40 projects of a temporary knowledge base. Their
vectors are drawn by chance in clusters: what is timed does not depend on what they mean, and encoding 100,000 texts
takes a quarter of an hour. Queries are encoded as always. Wall time; `python -c pass` beside it is the machine's own.
"""

from __future__ import annotations

import argparse
import itertools
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import numpy as np
from samples import Machine

from agent_context.encoders import load_encoder
from agent_context.founding import found_knowledge_base
from agent_context.frontmatter import write_learning
from agent_context.knowledge import KnowledgeBase
from agent_context.learning import Kind, Learning, Source, Speaker, Status, learning_id
from agent_context.search import Searcher
from agent_context.search.following import encode_missing, follow
from agent_context.search.searching import open_index

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent_context.config import Environment
    from agent_context.encoders import Encoder

VOCABULARY = [
    f"{a}{b}{c}" for a in "bdfgklmnprst" for b in ("a", "e", "io", "ou") for c in ("ck", "nd", "rt", "sh", "ll")
]
CUMULATIVE = list(itertools.accumulate(1 / (rank + 10) for rank in range(len(VOCABULARY) ** 2)))
PROJECTS = 40
MONTHS = 12
NEW = 20
CLUSTERS = 500
DIMENSIONS = 384


@dataclass(slots=True)
class Drawn:
    """Vectors by chance, under the name of a model."""

    model: str
    centres: np.ndarray
    rng: np.random.Generator

    def encode(self, texts: Sequence[str]) -> list[bytes]:
        """Return one unit vector a text."""
        centres = self.centres[self.rng.integers(CLUSTERS, size=len(texts))]
        vectors = centres + 0.6 * self.rng.standard_normal((len(texts), DIMENSIONS)) / np.sqrt(DIMENSIONS)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return [row.astype("<f4").tobytes() for row in vectors]


def make_knowledge_base(folder: Path, size: int, rng: random.Random) -> KnowledgeBase:
    """Write so many learnings, spread over projects and months."""
    found_knowledge_base(folder, "", "seed")
    for number in range(size):
        write(folder, number, rng)
    return KnowledgeBase(folder)


def write(root: Path, number: int, rng: random.Random) -> None:
    """Write one learning."""
    project, month = f"acme.p{number % PROJECTS:02d}", f"2025-{number // PROJECTS % MONTHS + 1:02d}"
    claim, at = f"{words(rng, 16)} {number}.", f"{month}-01T10:00:00Z"
    source = Source("laptop", f"s{number}", at, Speaker.USER)
    learning = Learning(
        id=learning_id(project, claim),
        kind=rng.choice(list(Kind)),
        status=Status.ACCEPTED,
        created=at,
        claim=claim,
        tags=(words(rng, 1),),
        sources=(source,),
        why=(words(rng, 20),),
        evidence=(words(rng, 20),),
    )
    path = root / "projects" / project / month / f"x-{learning.id}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(write_learning(learning), encoding="utf-8")


def words(rng: random.Random, count: int) -> str:
    """Return words, the frequent ones more often."""
    picked = rng.choices(range(len(CUMULATIVE)), cum_weights=CUMULATIVE, k=count)
    return " ".join(VOCABULARY[n // len(VOCABULARY)] + VOCABULARY[n % len(VOCABULARY)] for n in picked)


def timed(function: Callable[[], object]) -> float:
    """Return the wall milliseconds of one call."""
    start = time.perf_counter()
    function()
    return (time.perf_counter() - start) * 1000


def measure(size: int, runs: int, folder: Path, encoder: Encoder) -> list[str]:
    """Return the cells of one size."""
    rng = random.Random(size)  # noqa: S311 - made-up words
    knowledge_base = make_knowledge_base(folder / "kb", size, rng)
    environment = Machine.settle(folder, "bench")
    drawn = np.random.default_rng(size)
    chance = Drawn(encoder.model, drawn.standard_normal((CLUSTERS, DIMENSIONS)) / np.sqrt(DIMENSIONS), drawn)
    with open_index(environment, knowledge_base) as index:
        first = timed(lambda: follow(index, environment, knowledge_base))
        encode_missing(index, chance, None, size)  # type: ignore[arg-type] - encodes as an encoder does
    time.sleep(3)  # what was written a moment ago is looked at twice
    with Searcher(environment, knowledge_base) as searcher:
        searcher.find(words(rng, 4))
        each = [timed(lambda: searcher.find(words(rng, 4))) for _ in range(runs * 4)]
        for number in range(size, size + NEW):
            write(knowledge_base.root, number, rng)
        update = timed(searcher.refresh)
        nothing = timed(searcher.refresh)
    file = next(environment.data_dir.glob("*.search.db"))
    cold, floor = measure_cold(environment, knowledge_base, words(rng, 4), runs)
    centiles = statistics.quantiles(each, n=20)
    cells = [f"{cold:.0f}", f"{floor:.0f}", f"{statistics.median(each):.1f}", f"{centiles[18]:.1f}", f"{update:.0f}"]
    return [f"{size:,}", *cells, f"{nothing:.0f}", f"{first / 1000:.1f}", f"{file.stat().st_size / 1e6:.0f}"]


def measure_cold(environment: Environment, knowledge_base: KnowledgeBase, query: str, runs: int) -> tuple[float, float]:
    """Return the median milliseconds of a search as a process of its own, and those of an empty Python beside it."""
    home = environment.data_dir.parent / "home"
    data = home / ".local" / "share" / "agent-context"
    data.parent.mkdir(parents=True)
    shutil.copytree(environment.data_dir, data)
    variables = {"PATH": os.environ["PATH"], "HOME": str(home)}
    program = Path(sys.executable).with_name("agent-context")
    search = [str(program), "search", query, "--kb", str(knowledge_base.root), "--json"]
    empty = [sys.executable, "-c", "pass"]

    def run(command: list[str]) -> float:
        return timed(lambda: subprocess.run(command, env=variables, check=True, capture_output=True))

    run(search)
    pairs = [(run(search), run(empty)) for _ in range(runs)]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def main() -> None:
    """Measure each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="1000,20000,100000")
    parser.add_argument("--runs", type=int, default=15)
    given = parser.parse_args()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    encoder, name = load_encoder("minilm")
    if encoder is None:
        raise SystemExit(name)
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, milliseconds\n")
    heads = (
        "learnings",
        "cold CLI",
        "`python -c pass`",
        "warm p50",
        "warm p95",
        "20 new",
        "nothing new",
        "first, s",
        "MB",
    )
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for size in map(int, given.sizes.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            print(f"| {' | '.join(measure(size, given.runs, Path(folder).resolve(), encoder))} |", flush=True)


if __name__ == "__main__":
    main()
