"""Vectors of texts: from this run, from the local state, or computed now; and which known ones are nearest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from agent_context.encoders import Encoder
    from agent_context.state import State

# So many texts are encoded between two words about how far it is.
BLOCK = 256


class Vectors:
    """The vectors that one encoder gives to texts, kept in the local state by text and model."""

    def __init__(self, encoder: Encoder, state: State | None = None) -> None:
        self._encoder = encoder
        self._state = state
        self._found: dict[str, bytes] = {}

    def load(self, texts: Iterable[str], tell: Callable[[int, int], None] = lambda _done, _count: None) -> None:
        """See that each text has its vector. `tell` hears how many of the missing ones are encoded.

        A kept vector of another dimension than the model's is encoded anew: a changed model, or a damaged state.
        """
        missing = [text for text in dict.fromkeys(texts) if text not in self._found]
        kept = self._state.vectors(self._encoder.model, missing) if self._state and missing else {}
        fresh = [text for text in missing if text not in kept]
        if kept:
            length = len(next(iter(self._found.values()), b"")) or len(self._encoder.encode([missing[0]])[0])
            fresh = [text for text in missing if len(kept.get(text, b"")) != length]
        for start in range(0, len(fresh), BLOCK):
            part = fresh[start : start + BLOCK]
            made = dict(zip(part, self._encoder.encode(part), strict=True))
            if self._state:
                self._state.keep_vectors(self._encoder.model, made)
            kept.update(made)
            tell(start + len(part), len(fresh))
        self._found.update(kept)

    def cosines(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """Return the cosine of each pair of loaded texts."""
        import numpy as np  # noqa: PLC0415 - 0.1 s that a sync without news does not pay

        if not pairs:
            return []
        one, other = (np.stack([self._row(pair[side]) for pair in pairs]) for side in (0, 1))
        return [float(value) for value in (one * other).sum(axis=1)]

    def _row(self, text: str) -> Any:  # noqa: ANN401 - numpy is an extra
        import numpy as np  # noqa: PLC0415 - the same

        return np.frombuffer(self._found[text], dtype="<f4")

    def take(self, text: str) -> bytes:
        """Return the vector of a loaded text."""
        return self._found[text]


class Shelf:
    """Vectors in rows, to find which are nearest; it grows by doubling, so that adding one copies nothing."""

    def __init__(self) -> None:
        self._rows: Any = None
        self._count = 0

    def add(self, vectors: Sequence[bytes]) -> None:
        """Put vectors behind those that are there."""
        import numpy as np  # noqa: PLC0415 - 0.1 s that a sync without news does not pay

        if not vectors:
            return
        fresh = np.frombuffer(b"".join(vectors), dtype="<f4").reshape(len(vectors), -1)
        needed = self._count + len(vectors)
        if self._rows is None or needed > len(self._rows):
            grown = np.empty((max(needed, 2 * self._count), fresh.shape[1]), dtype=np.float32)
            if self._rows is not None:
                grown[: self._count] = self._rows[: self._count]
            self._rows = grown
        self._rows[self._count : needed] = fresh
        self._count = needed

    def find_nearest(self, vector: bytes, most: int) -> list[tuple[int, float]]:
        """Return the places and cosines of the nearest, nearest first, at most so many."""
        import numpy as np  # noqa: PLC0415 - the same

        if not self._count:
            return []
        cosines = self._rows[: self._count] @ np.frombuffer(vector, dtype="<f4")
        places = np.argpartition(-cosines, most)[:most] if most < self._count else np.arange(self._count)
        found = [(int(place), float(cosines[place])) for place in places]
        return sorted(found, key=lambda item: (-item[1], item[0]))
