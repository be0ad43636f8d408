"""Find which vectors are close: exactly, shard against shard, or by cells of faiss where there are too many for that.

Vectors are unit vectors, float32, one a row. Pure functions over shards, so that any executor can run them.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from itertools import combinations_with_replacement, product
from typing import TYPE_CHECKING

import numpy as np

from agent_context.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

EXACT_UP_TO = 200_000
# Rows of a shard, which one task gets (6 MB at 384 dimensions), and of a block, whose product stays in the cache.
SHARD = 4096
BLOCK = 1024
PROBES = 16
TRAINING = 64  # vectors a cell that faiss is trained on
_scratch = threading.local()


@dataclass(frozen=True, slots=True, order=True)
class Pair:
    """Two rows, the lower first, and the cosine of their vectors."""

    first: int
    second: int
    cosine: float


@dataclass(frozen=True, slots=True)
class Shard:
    """Some rows of the whole: the number of the first, and the vectors."""

    start: int
    vectors: NDArray[np.float32]


def stack(vectors: Sequence[bytes]) -> NDArray[np.float32]:
    """Return vectors given as little-endian float32 bytes as the rows of one matrix."""
    return np.frombuffer(b"".join(vectors), dtype="<f4").astype(np.float32, copy=False).reshape(len(vectors), -1)


def cut(vectors: NDArray[np.float32]) -> tuple[list[Shard], list[tuple[int, int]]]:
    """Return the shards of a matrix, and the tasks: which shard to compare with which, each pair of rows once."""
    shards = [Shard(start, vectors[start : start + SHARD]) for start in range(0, len(vectors), SHARD)]
    return shards, list(combinations_with_replacement(range(len(shards)), 2))


def compare(left: Shard, right: Shard, least: float) -> list[Pair]:
    """Return the pairs of rows whose cosine is at least `least`; of a shard with itself each pair once."""
    found: list[Pair] = []
    same = left.start == right.start
    for top, side in product(range(0, len(left.vectors), BLOCK), range(0, len(right.vectors), BLOCK)):
        if not same or top <= side:
            rows, columns = left.vectors[top : top + BLOCK], right.vectors[side : side + BLOCK]
            firsts, seconds, cosines = _compare(rows, columns, least)
            firsts, seconds = firsts + (left.start + top), seconds + (right.start + side)
            kept = firsts < seconds if same else slice(None)
            columns_of = (firsts[kept].tolist(), seconds[kept].tolist(), cosines[kept].tolist())
            found += [Pair(*row) for row in zip(*columns_of, strict=True)]
    return found


def _compare(
    rows: NDArray[np.float32], columns: NDArray[np.float32], least: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Return row, column and cosine of what is close in one block.

    The product goes into memory that is used again, and hits are looked for in the flat mask: in two dimensions that
    takes eight times as long.
    """
    size = len(rows) * len(columns)
    if not hasattr(_scratch, "cosines"):
        _scratch.cosines = np.empty(BLOCK * BLOCK, dtype=np.float32)
        _scratch.mask = np.empty(BLOCK * BLOCK, dtype=np.bool_)
    cosines, mask = _scratch.cosines[:size], _scratch.mask[:size]
    np.matmul(rows, columns.T, out=cosines.reshape(len(rows), len(columns)))
    np.greater_equal(cosines, np.float32(least), out=mask)
    hits = np.flatnonzero(mask)
    return hits // len(columns), hits % len(columns), cosines[hits]


def compare_by_cells(vectors: NDArray[np.float32], least: float, probes: int = PROBES) -> list[Pair]:
    """Return close pairs as faiss finds them in 4 sqrt(n) cells, `probes` of which are searched for each vector.

    It misses pairs whose halves lie in cells far apart: benchmarks/dedup_speed.py states the recall. Raise
    MissingExtraError without faiss.
    """
    try:
        import faiss  # noqa: PLC0415 - an extra, for what nearly nobody has
    except ImportError:
        raise MissingExtraError("faiss-cpu", "faiss") from None
    faiss.omp_set_num_threads(1)
    count, dimensions = vectors.shape
    cells = max(1, min(4 * math.isqrt(count), count // TRAINING))
    index = faiss.IndexIVFFlat(faiss.IndexFlatIP(dimensions), dimensions, cells, faiss.METRIC_INNER_PRODUCT)
    index.train(np.ascontiguousarray(vectors[:: max(1, count // (cells * TRAINING))]))
    for start in range(0, count, SHARD):
        index.add(vectors[start : start + SHARD])
    index.nprobe = min(probes, cells)
    found: list[Pair] = []
    for start in range(0, count, SHARD):
        limits, cosines, others = index.range_search(vectors[start : start + SHARD], least)
        rows = np.repeat(np.arange(start, start + len(limits) - 1), np.diff(limits.astype(np.int64)))
        kept = rows < others
        columns_of = (rows[kept].tolist(), others[kept].tolist(), cosines[kept].tolist())
        found += [Pair(*row) for row in zip(*columns_of, strict=True)]
    return found
