"""How long it takes to compare learnings by their vectors, how much memory, and what the cells of faiss miss.

    python agent-context/benchmarks/dedup_speed.py [--sizes 1000 10000 100000] [--whole 1000 10000] [--million]

Vectors are synthetic: 384 dimensions of which they fill 32 (embeddings of sentences are far from filling theirs, and
fewer are harder for cells), in loose groups of about a hundred, one in twenty a near copy of another at a cosine from
0.86 to 0.99; pairs count from 0.85. Each row is a process of its own with one thread, so that memory is its
own; times are CPU seconds. `--whole` founds knowledge bases of so many learnings, with vectors in the local state, and
times all that `agent-context consolidate` does. `--million` takes about twenty minutes and 5 GB.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from agent_context.claims import pairs
from agent_context.claims.clusters import link_completely
from agent_context.config import Environment, keep_to_one_thread
from agent_context.consolidation.consolidating import survey
from agent_context.consolidation.deciding import Consolidation
from agent_context.consolidation.linking import Work
from agent_context.encoders import load_encoder
from agent_context.executors import InProcess, Processes
from agent_context.founding import found_knowledge_base
from agent_context.frontmatter import write_learning
from agent_context.knowledge import KnowledgeBase
from agent_context.learning import Kind, Learning, Source, Speaker, Status, learning_id
from agent_context.settings import MachineSettings
from agent_context.similarity import Context
from agent_context.state import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

DIMENSIONS = 384
INNER = 32
LEAST = 0.85
NEW = 20
GROUP = 100
COPIES = 20  # one in so many
AT = "2026-01-01T00:00:00Z"
MILLION = 1_000_000


def make_vectors(count: int, seed: int = 5) -> NDArray[np.float32]:
    """Return the vectors."""
    chance = np.random.default_rng(seed)
    centres = chance.standard_normal((max(1, count // GROUP), INNER), dtype=np.float32)
    inner = chance.standard_normal((count, INNER), dtype=np.float32) + centres[chance.integers(0, len(centres), count)]
    inner /= np.linalg.norm(inner, axis=1, keepdims=True)
    rows = chance.choice(count, size=2 * (count // COPIES), replace=False)
    for copy, original in zip(*np.split(rows, 2), strict=True):
        noise = chance.standard_normal(INNER, dtype=np.float32)
        noise -= (noise @ inner[original]) * inner[original]
        near = chance.uniform(0.86, 0.99)
        inner[copy] = near * inner[original] + (1 - near**2) ** 0.5 * noise / np.linalg.norm(noise)
    turned, _ = np.linalg.qr(chance.standard_normal((DIMENSIONS, INNER)))
    return np.asarray(inner @ turned.T.astype(np.float32))


def peak_mb() -> float:
    """Return the most memory that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def cpu_seconds(function: Callable[[], Any]) -> tuple[float, Any]:
    """Return how much CPU time a call took, and its result."""
    started = time.process_time()
    result = function()
    return time.process_time() - started, result


def find_exactly(vectors: NDArray[np.float32]) -> list[pairs.Pair]:
    """Return all pairs, as a consolidation finds them."""
    shards, tasks = pairs.cut(vectors)
    found = InProcess().run(partial(pairs.compare, least=LEAST), shards, tasks, lambda _done, _all: None)
    return sorted(chain.from_iterable(found))


def multiply_only(vectors: NDArray[np.float32]) -> None:
    """Do the same products of the same blocks, and nothing with them."""
    out = np.empty(pairs.BLOCK * pairs.BLOCK, dtype=np.float32)
    blocks = [vectors[start : start + pairs.BLOCK] for start in range(0, len(vectors), pairs.BLOCK)]
    for number, rows in enumerate(blocks):
        for columns in blocks[number:]:
            product = out[: len(rows) * len(columns)].reshape(len(rows), len(columns))
            np.matmul(rows, columns.T, out=product)


def measure_new(count: int) -> str:
    """Compare twenty new ones with all known."""
    vectors = make_vectors(count + NEW)
    new, known = pairs.Shard(count, vectors[count:]), pairs.Shard(0, vectors[:count])
    seconds = min(cpu_seconds(lambda: pairs.compare(new, known, LEAST))[0] for _ in range(5))
    return f"| {count:,} | {seconds * 1000:.2f} | {peak_mb():.0f} |"


def measure_all(count: int) -> str:
    """Compare all with all, exactly, and cluster what was found."""
    vectors = make_vectors(count)
    before = peak_mb()
    multiply_only(vectors[: 2 * pairs.BLOCK])
    seconds, found = cpu_seconds(lambda: find_exactly(vectors))
    linking, clusters = cpu_seconds(lambda: link_completely((p.first, p.second, p.cosine) for p in found))
    product, _ = cpu_seconds(lambda: multiply_only(vectors))
    share = max(0.0, 1 - product / (seconds + linking))
    data = vectors.nbytes / 1e6
    return (
        f"| {count:,} | {seconds:.2f} | {linking:.2f} | {share:.0%} | {len(found):,} | {len(clusters):,} "
        f"| {data:.0f} | {before:.0f} | {peak_mb():.0f} |"
    )


def measure_cells(count: int, *, exactly: bool = True) -> str:
    """Compare what the cells find with what is there."""
    vectors = make_vectors(count)
    exact = {(pair.first, pair.second) for pair in find_exactly(vectors)} if exactly else set()
    rows = []
    for probes in (4, pairs.PROBES, 64) if exactly else (pairs.PROBES,):
        seconds, found = cpu_seconds(partial(pairs.compare_by_cells, vectors, LEAST, probes))
        recall = len({(pair.first, pair.second) for pair in found} & exact) / len(exact) if exact else float("nan")
        rows.append(f"| {count:,} | {probes} | {seconds:.1f} | {len(found):,} | {recall:.4f} | {peak_mb():.0f} |")
    return "\n".join(rows)


def measure_places(count: int) -> str:
    """Do the same work here and on two processes: wall seconds, and whether the pairs are the same."""
    shards, tasks = pairs.cut(make_vectors(count))
    rows, results = [], []
    for name, executor in (("here", InProcess()), ("processes://2", Processes(2))):
        started = time.perf_counter()
        found = executor.run(partial(pairs.compare, least=LEAST), shards, tasks, lambda _done, _all: None)
        results.append(sorted(chain.from_iterable(found)))
        same = "the same pairs" if results[-1] == results[0] else "OTHER PAIRS"
        rows.append(f"| {count:,} | {name} | {time.perf_counter() - started:.1f} | {same} |")
    return "\n".join(rows)


def measure_candidates(count: int) -> str:
    """Decide about twenty candidates as a sync does, where the vectors of all that is known are in the local state."""
    encoder, said = load_encoder("minilm")
    if encoder is None:
        return f"| {count:,} | {said} |"
    claims = make_claims(count + NEW)
    known = [make_learning("bench", claim) for claim in claims[:count]]
    texts = [Context(Kind.GOTCHA.value, "bench").around(claim) for claim in claims]
    vectors = [row.tobytes() for row in make_vectors(count + NEW)]
    with tempfile.TemporaryDirectory() as name, State(Path(name), Path(name)) as state:
        state.keep_vectors(encoder.model, dict(zip(texts, vectors, strict=True)))
        del vectors, texts
        consolidation = Consolidation(known, encoder, state, project="bench")
        loading, _ = cpu_seconds(lambda: consolidation.decide(claims[0], "", kind="gotcha"))
        first, _ = cpu_seconds(lambda: consolidation.decide(claims[count], "x", kind="gotcha"))
        rest, _ = cpu_seconds(lambda: [consolidation.decide(item, "x", kind="gotcha") for item in claims[count + 1 :]])
    return f"| {count:,} | {(loading + first) * 1000:.0f} | {rest * 1000:.0f} | {peak_mb():.0f} |"


def measure_whole(count: int) -> str:
    """Found a knowledge base with so many learnings in ten projects, and go over all of it."""
    encoder, said = load_encoder("minilm")
    if encoder is None:
        return f"| {count:,} | {said} |"
    with tempfile.TemporaryDirectory() as name:
        root = Path(name).resolve() / "kb"
        found_knowledge_base(root, "", "bench")
        environment = Environment(
            "bench", root.parent, root.parent / "data", root.parent, {}, root.parent, None, MachineSettings()
        )
        texts = write_learnings(root, count)
        vectors = [row.tobytes() for row in make_vectors(count)]
        with State(environment.data_dir, root) as state:
            for side in texts:
                state.keep_vectors(encoder.model, dict(zip(side, vectors, strict=True)))
        del vectors
        knowledge_base = KnowledgeBase(root)
        seconds, found = cpu_seconds(lambda: survey(knowledge_base, environment, None, Work(InProcess())))
        reading, _ = cpu_seconds(knowledge_base.load)
    proposed = len(found.merges) + len(found.promotions) + len(found.contradictions)
    return f"| {count:,} | {seconds:.1f} | {reading:.1f} | {proposed:,} | {peak_mb():.0f} |"


def make_claims(count: int) -> list[str]:
    """Return claims that all differ."""
    return [f"The {n % 97} worker of service {n} writes its report to `reports/{n}.json`." for n in range(count)]


def make_learning(project: str, claim: str) -> Learning:
    """Return a learning with one source."""
    source = Source("bench", f"s{len(claim)}", AT, Speaker.USER)
    return Learning(learning_id(project, claim), Kind.GOTCHA, Status.UNREVIEWED, AT, claim, sources=(source,))


def write_learnings(root: Path, count: int) -> tuple[list[str], list[str]]:
    """Write learnings into ten projects; returns what is embedded to compare them within a project and across."""
    within, across = [], []
    for number, claim in enumerate(make_claims(count)):
        project = f"bench.p{number % 10}"
        folder = root / "projects" / project / "2026-01"
        folder.mkdir(parents=True, exist_ok=True)
        learning = make_learning(project, claim)
        (folder / f"x-{learning.id}.md").write_text(write_learning(learning))
        within.append(Context(learning.kind.value, project).around(claim))
        across.append(Context().around(claim))
    return within, across


def alone(measure: Callable[..., str], *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - the measure's own
    """Print a row that a fresh process has measured."""
    rows = Processes(1).run(partial(measure, **options), arguments, [tuple(range(len(arguments)))], lambda *_: None)
    print(rows[0], flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--whole", type=int, nargs="*", default=[1_000, 10_000])
    parser.add_argument("--million", action="store_true", help="also a million by cells, without their recall")
    given = parser.parse_args()
    keep_to_one_thread()
    print(f"\n{NEW} new vectors against so many\n\n| known | CPU ms | peak MB |\n|---|---|---|")
    for size in given.sizes:
        alone(measure_new, size)
    print(f"\n{NEW} candidates decided about, vectors in the local state\n")
    print("| known | loading and the first, CPU ms | the rest, CPU ms | peak MB |\n|---|---|---|---|")
    for size in given.sizes:
        alone(measure_candidates, size)
    print("\nAll with all, exactly\n\n| learnings | CPU s | linking s | not product | pairs | clusters ", end="")
    print("| vectors MB | before MB | peak MB |\n|---|---|---|---|---|---|---|---|---|")
    for size in given.sizes:
        alone(measure_all, size)
    print("\nBy cells, against exactly\n\n| learnings | probes | CPU s | pairs | recall | peak MB |")
    print("|---|---|---|---|---|---|")
    alone(measure_cells, max(given.sizes))
    if given.million:
        alone(measure_cells, MILLION, exactly=False)
    print("\nIn several places, wall time\n\n| learnings | on | s | found |\n|---|---|---|---|")
    print(measure_places(sorted(given.sizes)[len(given.sizes) // 2]), flush=True)
    print(
        "\nThe whole command\n\n| learnings | CPU s | of it reading files | proposed | peak MB |\n|---|---|---|---|---|"
    )
    for size in given.whole:
        alone(measure_whole, size)


if __name__ == "__main__":
    main()
