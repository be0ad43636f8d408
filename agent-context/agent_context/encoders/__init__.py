"""The family of encoders (text to vector), behind one Protocol, each with thresholds of its own model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from agent_context.encoders import minilm, sentence_transformers
from agent_context.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Encoder(Protocol):
    """Turns texts into unit vectors."""

    @property
    def model(self) -> str:
        """Return the model's name; vectors of different models never meet."""

    @property
    def near(self) -> float:
        """Return the cosine from which two claims count as near, measured for this model alone."""

    def encode(self, texts: Sequence[str]) -> list[bytes]:
        """Return one unit vector a text, as little-endian float32 bytes."""


ENCODERS: dict[str, Callable[[], Encoder]] = {
    "minilm": minilm.load,
    "sentence-transformers": sentence_transformers.load,
}


def load_encoder(name: str) -> tuple[Encoder | None, str]:
    """Return the encoder of that name, or none and why; `none` is a choice, a missing extra a loss of sharpness."""
    if name == "none":
        return None, "words only, as set"
    try:
        encoder = ENCODERS[name]()
    except MissingExtraError as error:
        return None, f"words only: {error.message} ({error.hint})"
    return encoder, encoder.model
