"""Which of many learnings are alike or opposed: vectors and pairs by an executor, then a decision on each pair."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from itertools import chain
from typing import TYPE_CHECKING

from agent_context.claims.clusters import find_word_pairs, link_completely
from agent_context.consolidation.deciding import decide_pair
from agent_context.encoders import load_encoder
from agent_context.errors import AgentContextError
from agent_context.learning import Verdict
from agent_context.similarity import Context, find_guard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from agent_context.encoders import Encoder
    from agent_context.executors import Executor
    from agent_context.knowledge import Entry
    from agent_context.learning import Decision
    from agent_context.settings import ConsolidationSettings
    from agent_context.state import State

SURE = frozenset({Verdict.EXACT, Verdict.CONFIRMS, Verdict.REFINES})
# From this score on, what no guard forbids more likely says the same than not: worth a person's look.
LIKELY = 0.5
TEXTS = 256  # that one task encodes


@dataclass(frozen=True, slots=True)
class Work:
    """How it is done: where, and whom to tell how many tasks are done of how many."""

    executor: Executor
    progress: Callable[[int, int], None] = lambda _done, _all: None


@dataclass(frozen=True, slots=True)
class Link:
    """Two learnings and what the newer is to the older; `fuller` is the id of the one that says more, if one does."""

    older: Entry
    newer: Entry
    decision: Decision
    fuller: str = ""

    @property
    def within(self) -> bool:
        """Tell whether both are of one project."""
        return self.older.project == self.newer.project

    @property
    def alike(self) -> bool:
        """Tell whether the two may become one: surely the same, or likely and forbidden by no guard."""
        one, other = self.older.learning, self.newer.learning
        if self.decision.verdict in SURE:
            return True
        likely = self.decision.verdict is Verdict.NEAR and self.decision.score >= LIKELY and one.kind is other.kind
        return likely and not find_guard(one.claim, other.claim)

    def __str__(self) -> str:
        """Return the decision with its score, in words."""
        said = self.decision
        return f"{self.newer.learning.id} {said.verdict} {self.older.learning.id} ({said.score:.2f}: {said.reason})"


@dataclass(frozen=True, slots=True)
class Linker:
    """Compares learnings by one encoder, with the vectors of the local state."""

    encoder: Encoder | None
    settings: ConsolidationSettings
    state: State
    work: Work
    data_dir: Path

    def find_links(self, entries: Sequence[Entry], *, across: bool) -> list[Link]:
        """Return the links within projects or, with `across`, between them.

        A claim is embedded with its kind, project and paths; to be compared across projects, without them.
        """
        folders = [entry.project for entry in entries]
        if len(set(folders) if across else folders) < 2:  # noqa: PLR2004 - it takes two
            return []
        texts = [_embedded(entry, across=across) for entry in entries]
        near = self._find_near(texts, [entry.learning.claim for entry in entries])
        links = (_judge(entries[i], entries[j], like) for i, j, like in near if across == (folders[i] != folders[j]))
        return [link for link in links if link.decision.verdict is not Verdict.NEW]

    def _find_near(self, texts: list[str], claims: list[str]) -> list[tuple[int, int, float | None]]:
        """Return which are near enough to be judged, with the cosine on the model's scale; by words without one."""
        if self.encoder is None:
            return [(*pair, None) for pair in find_word_pairs(claims)]
        from agent_context.claims import pairs  # noqa: PLC0415 - numpy, an extra

        matrix = pairs.stack(self._load_vectors(self.encoder, texts))
        if len(matrix) > pairs.EXACT_UP_TO:
            found = pairs.compare_by_cells(matrix, self.encoder.near)
        else:
            shards, tasks = pairs.cut(matrix)
            compare = partial(pairs.compare, least=self.encoder.near)
            found = list(chain.from_iterable(self.work.executor.run(compare, shards, tasks, self.work.progress)))
        place = self.encoder.scale.place
        return [(pair.first, pair.second, place(pair.cosine)) for pair in sorted(found)]

    def _load_vectors(self, encoder: Encoder, texts: list[str]) -> list[bytes]:
        """Return each text's vector: remembered, or made now; one of another dimension is made anew."""
        known = self.state.vectors(encoder.model, texts)
        if known:
            length = len(encoder.encode(texts[:1])[0])
            known = {text: vector for text, vector in known.items() if len(vector) == length}
        missing = sorted({text for text in texts if text not in known}, key=lambda text: (len(text), text))
        if missing:
            blocks = [missing[start : start + TEXTS] for start in range(0, len(missing), TEXTS)]
            tasks = [(number,) for number in range(len(blocks))]
            encode = partial(_encode, self.settings.encoder, self.settings.model, self.data_dir)
            made = chain.from_iterable(self.work.executor.run(encode, blocks, tasks, self.work.progress))
            fresh = dict(zip(missing, made, strict=True))
            self.state.keep_vectors(encoder.model, fresh)
            known |= fresh
        return [known[text] for text in texts]


def cluster(links: Iterable[Link]) -> list[tuple[Entry, ...]]:
    """Return who belongs together, every two of them alike; encrypted ones do not meet open ones."""
    alike = [link for link in links if link.older.is_sealed == link.newer.is_sealed and link.alike]
    entries = {entry.path: entry for link in alike for entry in (link.older, link.newer)}
    paths = list(entries)
    numbers = {path: number for number, path in enumerate(paths)}
    clusters = link_completely(
        (numbers[link.older.path], numbers[link.newer.path], link.decision.score) for link in alike
    )
    return [tuple(entries[paths[number]] for number in numbered) for numbered in clusters]


def _embedded(entry: Entry, *, across: bool) -> str:
    learning = entry.learning
    context = Context() if across else Context(learning.kind.value, entry.project, learning.paths)
    return context.around(learning.claim)


def _judge(one: Entry, other: Entry, meaning: float | None) -> Link:
    """Return what the newer is to the older; where it is only near, the older may say more than it."""
    older, newer = sorted((one, other), key=lambda entry: (entry.learning.created, entry.learning.id))
    decision = decide_pair(older.learning, newer.learning, meaning)
    if decision.verdict is Verdict.REFINES:
        return Link(older, newer, decision, newer.learning.id)
    if decision.verdict is Verdict.NEAR:
        turned = decide_pair(newer.learning, older.learning, meaning)
        if turned.verdict is Verdict.REFINES:
            return Link(older, newer, turned, older.learning.id)
    return Link(older, newer, decision)


def _encode(name: str, model: str, data_dir: Path, texts: list[str]) -> list[bytes]:
    """Encode in whatever process this runs."""
    encoder, said = _load_once(name, model, data_dir)
    if encoder is None:
        raise AgentContextError(said, hint="a worker needs what this machine has installed")
    return encoder.encode(texts)


_load_once = cache(load_encoder)
