"""Which learnings are nearest in meaning to what a query asks: every vector of the index, in one matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent_context.search.index import BLOCK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent_context.search.index import Index

# How much of what all learnings have in common is taken out of several questions: what is near to everything is near to
# one of them by chance.
COMMON = 0.6
LEAST_SPREAD = 1e-6


class Matrix:
    """The vectors of an index, a row a learning's number; of what changed since the last look only that is read."""

    def __init__(self) -> None:
        self._rows: Any = None
        self._changes = 0

    def follow(self, index: Index) -> None:
        """Read the blocks that changed."""
        import numpy as np  # noqa: PLC0415 - 0.1 s that who searches by words does not pay

        for number, changed, data in index.read_blocks(self._changes):
            block = np.frombuffer(data, dtype="<f2").reshape(BLOCK, -1)
            end = (number + 1) * BLOCK
            if self._rows is None or len(self._rows) < end:
                grown = np.zeros((max(end, index.count_rows()), block.shape[1]), dtype=np.float32)
                if self._rows is not None:
                    grown[: len(self._rows)] = self._rows
                self._rows = grown
            self._rows[end - BLOCK : end] = block
            self._changes = max(self._changes, changed)

    def find_near(self, asked: Sequence[bytes], numbers: Sequence[int], most: int) -> list[int]:
        """Return the nearest of these learnings to any of the questions, nearest first.

        Several questions are put on one scale: by how far a learning stands out among all for each.
        """
        import numpy as np  # noqa: PLC0415 - the same

        if self._rows is None or not numbers or not asked:
            return []
        chosen = np.array(numbers)
        questions = _stack(asked)
        if len(questions) > 1:
            among = np.zeros(len(self._rows), dtype=np.float32)
            among[chosen] = 1 / len(chosen)
            questions = questions - COMMON * (among @ self._rows)
        scores = (self._rows @ questions.T)[chosen]
        best = ((scores - scores.mean(axis=0)) / np.maximum(scores.std(axis=0), LEAST_SPREAD)).max(axis=1)
        places = np.argsort(-best, kind="stable")[:most]
        return [int(number) for number in chosen[places]]

    def measure(self, asked: Sequence[bytes], numbers: Sequence[int]) -> dict[int, float]:
        """Return the cosine of each of these learnings to the question nearest to it; of those that have a vector."""
        known = [number for number in numbers if self._rows is not None and number < len(self._rows)]
        if not known or not asked:
            return {}
        cosines = (self._rows[known] @ _stack(asked).T).max(axis=1)
        both = zip(known, cosines, strict=True)
        return {number: float(cosine) for number, cosine in both if self._rows[number].any()}


def _stack(vectors: Sequence[bytes]) -> Any:  # noqa: ANN401 - numpy is an extra
    import numpy as np  # noqa: PLC0415 - the same

    return np.stack([np.frombuffer(vector, dtype="<f4") for vector in vectors])
