"""The contract of every encoder; the slow one runs with the real parts."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from agent_context.encoders import ENCODERS, Encoder, load_encoder
from agent_context.similarity import cosine

if TYPE_CHECKING:
    from pathlib import Path

real = pytest.param("sentence-transformers", marks=pytest.mark.real)


@pytest.fixture(scope="module", params=["minilm", real])
def encoder(request: pytest.FixtureRequest) -> Encoder:
    return ENCODERS[request.param]()


def test_vectors_are_unit_float32_in_the_order_given(encoder: Encoder) -> None:
    texts = ["Deploy with make.", "A much longer sentence about something else entirely, to be sorted behind.", "x"]
    vectors = encoder.encode(texts)
    assert [len(vector) for vector in vectors] == [384 * 4] * 3
    assert [cosine(vector, vector) for vector in vectors] == pytest.approx([1, 1, 1], abs=1e-4)
    assert [
        cosine(a, b) for a, b in zip(vectors, [encoder.encode([text])[0] for text in texts], strict=True)
    ] == pytest.approx([1, 1, 1], abs=5e-3)


def test_meaning_is_nearer_than_words(encoder: Encoder) -> None:
    claim, same, other = encoder.encode(
        ["Run the linter before each commit.", "Lint your code prior to committing.", "Commit the cake to the oven."]
    )
    assert cosine(claim, same) > cosine(claim, other) + 0.2


def test_no_text_is_no_vector(encoder: Encoder) -> None:
    assert encoder.encode([]) == []


@pytest.mark.parametrize("name", ["minilm", real])
def test_loading_and_encoding_writes_nothing_and_reaches_nobody(name: str, home: Path) -> None:
    """A fresh process, since a library that reports to its maker does so once, when it is first imported."""
    script = f"from agent_context.encoders import ENCODERS; ENCODERS[{name!r}]().encode(['a claim'])"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env={"HOME": str(home), "PATH": ""}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in home.iterdir()] == [".gitconfig"]


def test_none_is_a_choice() -> None:
    assert load_encoder("none") == (None, "words only, as set")
