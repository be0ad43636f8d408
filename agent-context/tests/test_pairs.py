from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_context.claims.clusters import find_word_pairs, link_completely
from agent_context.claims.pairs import SHARD, Pair, Shard, compare, compare_by_cells, cut, stack

DIMENSIONS = 32


def make_vectors(count: int, copies: int, seed: int = 7) -> np.ndarray:
    """Unit vectors of which the last `copies` are near copies of the first ones."""
    chance = np.random.default_rng(seed)
    vectors = chance.normal(size=(count, DIMENSIONS)).astype(np.float32)
    noise = chance.normal(size=(copies, DIMENSIONS)).astype(np.float32)
    vectors[count - copies :] = vectors[:copies] + 0.05 * noise
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def find_all(vectors: np.ndarray, least: float) -> list[Pair]:
    shards, tasks = cut(vectors)
    return sorted(pair for one, other in tasks for pair in compare(shards[one], shards[other], least))


@pytest.mark.parametrize("count", [0, 1, 2, 1000, 1025, SHARD + 1, 2 * SHARD + 700])
def test_blocks_find_what_one_whole_product_finds(count: int) -> None:
    vectors = make_vectors(count, count // 20)
    products = vectors @ vectors.T
    rows, columns = np.nonzero(np.triu(products >= 0.9, k=1))
    found = find_all(vectors, 0.9)
    assert {(pair.first, pair.second) for pair in found} == set(zip(rows.tolist(), columns.tolist(), strict=True))
    assert len(found) == len(rows)
    assert len(found) >= count // 20
    assert all(abs(pair.cosine - products[pair.first, pair.second]) < 1e-5 for pair in found)


def test_a_few_new_ones_are_compared_with_all_known() -> None:
    vectors = make_vectors(3000, 20)
    found = compare(Shard(2980, vectors[2980:]), Shard(0, vectors[:2980]), 0.9)
    assert {pair.first for pair in found} == set(range(2980, 3000))
    assert {pair.second for pair in found} >= set(range(20))


def test_vectors_are_read_as_they_are_kept() -> None:
    vectors = make_vectors(5, 0)
    assert np.array_equal(stack([row.tobytes() for row in vectors]), vectors)


def test_cells_find_nearly_what_blocks_find() -> None:
    pytest.importorskip("faiss")
    vectors = make_vectors(6000, 300)
    exact = {(pair.first, pair.second) for pair in find_all(vectors, 0.9)}
    cells = {(pair.first, pair.second) for pair in compare_by_cells(vectors, 0.9)}
    assert cells <= exact
    assert len(cells) >= 0.95 * len(exact)
    assert {(pair.first, pair.second) for pair in compare_by_cells(vectors, 0.9, probes=400)} == exact


def test_a_chain_of_likenesses_joins_no_ends() -> None:
    assert link_completely([(0, 1, 0.9), (1, 2, 0.95), (3, 4, 0.8)]) == [(1, 2), (3, 4)]
    assert link_completely([(0, 1, 0.9), (1, 2, 0.95), (0, 2, 0.7)]) == [(0, 1, 2)]


@given(st.sets(st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda pair: pair[0] < pair[1])), st.randoms())
def test_every_two_of_a_cluster_are_linked(pairs: set[tuple[int, int]], chance: object) -> None:
    links = [(*pair, chance.random()) for pair in sorted(pairs)]  # type: ignore[attr-defined]
    clusters = link_completely(links)
    members = [number for cluster in clusters for number in cluster]
    assert len(members) == len(set(members))
    for cluster in clusters:
        assert {(one, other) for one in cluster for other in cluster if one < other} <= pairs


def test_without_vectors_shared_words_make_a_pair() -> None:
    texts = ["Deploy with make deploy.", "Always deploying with make", "Prices are integer cents.", ""]
    assert find_word_pairs(texts) == [(0, 1)]
