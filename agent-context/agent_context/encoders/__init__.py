"""The family of encoders (text to vector), behind one Protocol, each with the scale of its own model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from agent_context.encoders import minilm, sentence_transformers
from agent_context.encoders.calibration import find_scale
from agent_context.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from agent_context.encoders.calibration import Scale


class Encoder(Protocol):
    """Turns texts into unit vectors."""

    @property
    def model(self) -> str:
        """Return the model's name; vectors of different models never meet."""

    @property
    def scale(self) -> Scale:
        """Return what this model's cosines mean. Raise AgentContextError when nobody has measured it."""

    @property
    def near(self) -> float:
        """Return the cosine that almost all rewordings reach, of texts as similarity.Context puts them."""

    def encode(self, texts: Sequence[str]) -> list[bytes]:
        """Return one unit vector a text, as little-endian float32 bytes."""


ENCODERS: dict[str, Callable[[str, Path | None], Encoder]] = {
    "minilm": minilm.load,
    "sentence-transformers": sentence_transformers.load,
}


def load_encoder(name: str, model: str = "", data_dir: Path | None = None) -> tuple[Encoder | None, str]:
    """Return the encoder of that name, or none and why; `none` is a choice, a missing extra a loss of sharpness.

    `model` is a name or a folder, for the encoders that take any; `data_dir` is where `calibrate` keeps what it
    measures on this machine. Raise AgentContextError when the model is none, or has not been calibrated.
    """
    if name == "none":
        return None, "words only, as set"
    try:
        encoder = ENCODERS[name](model, data_dir)
    except MissingExtraError as error:
        return None, f"words only: {error.message} ({error.hint})"
    find_scale(encoder.model, data_dir)
    return encoder, encoder.model
