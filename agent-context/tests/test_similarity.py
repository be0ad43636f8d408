from __future__ import annotations

import struct

import pytest

from agent_context.similarity import cosine, find_guard, word_similarity


@pytest.mark.parametrize(
    ("a", "b", "guard"),
    [
        ("The timeout is 30 s.", "The timeout is 60 s.", "numbers differ"),
        ("Release on October 15th.", "Release on October 16th.", "numbers differ"),
        ("Pin numpy 1.26.", "Pin numpy 1.27.", "numbers differ"),
        ("Never rebase main.", "Always rebase main.", "negations differ"),
        ("Run `make lint` first.", "Run `make test` first.", "identifiers differ"),
        ("Edit src/a.py by hand.", "Edit src/b.py by hand.", "identifiers differ"),
        ("Call it with --force.", "Call it with --dry-run.", "identifiers differ"),
        ("Enable the cache.", "Disable the cache.", "enable against disable"),
        ("Prefer tabs over spaces.", "Prefer spaces over tabs.", "the order of the words differs"),
        ("Run the linter before committing.", "Run the linter after committing.", "before against after"),
    ],
)
def test_what_embeddings_take_for_the_same_is_guarded(a: str, b: str, guard: str) -> None:
    assert find_guard(a, b) == guard
    assert find_guard(b, a) in (guard, " against ".join(reversed(guard.split(" against "))))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Always run the linter before committing.", "Always run the linter before you commit."),
        ("Use make deploy for releases.", "For releases use make deploy please."),
    ],
)
def test_plain_rewording_is_not_guarded(a: str, b: str) -> None:
    assert find_guard(a, b) == ""


def test_word_similarity_looks_past_order_and_dress() -> None:
    assert word_similarity("Use `uv`, not pip.", "use uv, not pip") == 1.0
    assert word_similarity("Deploy with make.", "Prices are integer cents.") < 0.6


def test_cosine_is_the_dot_product_of_little_endian_floats() -> None:
    assert cosine(struct.pack("<3f", 1, 0, 0), struct.pack("<3f", 0.6, 0.8, 0)) == pytest.approx(0.6)
