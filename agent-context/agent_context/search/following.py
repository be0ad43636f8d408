"""Keep the index in step with the files, in proportion to what changed: folder, then file, then content.

A folder whose time of change is known is not listed, a file whose size and time are known is not read, bytes that are
known are not parsed, screened or encoded.
"""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from agent_context import __version__
from agent_context.errors import FormatError, MissingExtraError, SealedError
from agent_context.knowledge import Entry
from agent_context.layout import PATTERNS, PROJECTS, is_learning_path, project_of
from agent_context.local_learnings import LOCAL, find_local_root
from agent_context.search.index import Stamp
from agent_context.withholding import sift

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from agent_context.config import Environment
    from agent_context.encoders import Encoder
    from agent_context.knowledge import KnowledgeBase
    from agent_context.search.index import Index
    from agent_context.state import State

# Times of files go in steps: what was changed this shortly before it was looked at may be changed again unseen.
SETTLED_NS = 2_000_000_000
BLOCK = 256  # learnings that are written in one go
TERMS = "terms"


@dataclass(slots=True)
class Followed:
    """What was done: learnings taken in and let go; `left` still have no vector."""

    taken: int = 0
    gone: int = 0
    left: int = 0


@dataclass(slots=True)
class _Walk:
    """One look at the folders: what changed in them. `thorough` lists those that seem unchanged too."""

    index: Index
    thorough: bool
    settled: int
    known: dict[str, int]
    children: dict[str, list[str]]
    folders: list[tuple[str, int]] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    changed: list[Stamp] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)

    def visit(self, root: Path, prefix: str, folder: str) -> None:
        """Look at a folder and those below it, by their paths in the knowledge base at this root."""
        path = root / folder
        try:
            mtime = path.stat().st_mtime_ns
        except OSError:
            return
        name = prefix + folder
        self.seen.add(name)
        if self.known.get(name) == mtime and not self.thorough:
            below = [child.removeprefix(prefix) for child in self.children.get(name, ())]
        else:
            below = self._list(root, prefix, folder)
            self.folders.append((name, self._settle(mtime)))
        for child in below:
            self.visit(root, prefix, child)

    def _list(self, root: Path, prefix: str, folder: str) -> list[str]:
        """List a folder, note what changed in it, and return the folders in it."""
        name = prefix + folder
        before = self.index.stamps(name)
        below: list[str] = []
        with os.scandir(root / folder) as items:
            for item in items:
                inner = f"{folder}/{item.name}"
                if item.is_dir(follow_symlinks=False):
                    below.append(inner)
                elif is_learning_path(inner) and item.is_file(follow_symlinks=False):
                    known = before.pop(prefix + inner, None)
                    stat = item.stat(follow_symlinks=False)
                    if known is None or (known.size, known.mtime_ns) != (stat.st_size, stat.st_mtime_ns):
                        self.changed.append(Stamp(prefix + inner, name, stat.st_size, self._settle(stat.st_mtime_ns)))
        self.gone += before
        return sorted(below)

    def _settle(self, mtime: int) -> int:
        return mtime if mtime < self.settled else 0


def follow(
    index: Index,
    environment: Environment,
    knowledge_base: KnowledgeBase,
    state: State | None = None,
    *,
    thorough: bool = False,
) -> Followed:
    """Take in what changed in the files, and let go of what is gone."""
    terms = _find_terms(environment, knowledge_base)
    if index.fact(TERMS) != terms:
        with index.writing():
            index.distrust()
            index.set_fact(TERMS, terms)
    walk = _look(index, environment, knowledge_base, thorough=thorough)
    if not walk.folders and walk.seen >= walk.known.keys():
        return Followed()
    done = Followed()
    ordered = sorted(walk.changed, key=lambda stamp: stamp.path)
    for start in range(0, len(ordered), BLOCK):
        part = ordered[start : start + BLOCK]
        done.taken += _take_in(index, environment, knowledge_base, state, part)
    with index.writing():
        index.remove(walk.gone)
        index.forget_folders(walk.known.keys() - walk.seen)
        index.note_folders(walk.folders)
    done.gone = len(walk.gone)
    return done


def encode_missing(
    index: Index,
    encoder: Encoder,
    state: State | None,
    most: int,
    tell: Callable[[int, int], None] = lambda _done, _count: None,
) -> int:
    """Give at most so many learnings their vectors, remembered or made now. Returns how many have none yet."""
    from agent_context.encoders.vectors import Vectors  # noqa: PLC0415 - what a search by words does not pay

    if index.fact("model") != encoder.model:
        with index.writing():
            index.use_model(encoder.model)
    left = index.count_unencoded()
    count = min(left, most)
    for start in range(0, count, BLOCK):
        texts = index.list_unencoded(min(BLOCK, count - start))
        vectors = Vectors(encoder, state)
        vectors.load(text for _, text in texts)
        with index.writing():
            index.keep_vectors([(number, halve(vectors.take(text))) for number, text in texts])
        tell(start + len(texts), count)
    return left - count


def read_entry(environment: Environment, knowledge_base: KnowledgeBase, stamp: Stamp) -> tuple[Entry | None, str]:
    """Return the learning in a file, none where it does not read or no key opens it, and the hash of its bytes."""
    inner = stamp.path.removeprefix(f"{LOCAL}/")
    root = knowledge_base.root if inner == stamp.path else find_local_root(environment, knowledge_base)
    digest = ""
    try:
        data = (root / inner).read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        return Entry(project_of(inner), stamp.path, knowledge_base.parse(inner, data)), digest
    except (OSError, UnicodeDecodeError, FormatError, SealedError, MissingExtraError):
        return None, digest


def _look(index: Index, environment: Environment, knowledge_base: KnowledgeBase, *, thorough: bool) -> _Walk:
    known = index.folders()
    children: dict[str, list[str]] = {}
    for folder in sorted(known):
        children.setdefault(folder.rpartition("/")[0], []).append(folder)
    walk = _Walk(index, thorough, time.time_ns() - SETTLED_NS, known, children)
    for root, prefix in (
        (knowledge_base.root, ""),
        (find_local_root(environment, knowledge_base), f"{LOCAL}/"),
    ):
        for folder in (PROJECTS, PATTERNS):
            walk.visit(root, prefix, folder)
    return walk


def _take_in(
    index: Index,
    environment: Environment,
    knowledge_base: KnowledgeBase,
    state: State | None,
    stamps: Iterable[Stamp],
) -> int:
    """Read files that changed, and write down what they say; returns how many say something new."""
    found: dict[str, tuple[Stamp, Entry]] = {}
    touched: list[Stamp] = []
    unread: list[str] = []
    for stamp in stamps:
        known = index.find_digest(stamp.path)
        entry, digest = read_entry(environment, knowledge_base, stamp)
        if entry is None:
            unread.append(stamp.path)
        elif digest == known:
            touched.append(stamp)
        else:
            found[stamp.path] = (replace(stamp, digest=digest), entry)
    sifted = sift((entry for _, entry in found.values()), knowledge_base.settings, state)
    withheld = {item.entry.path for item in sifted.withheld}
    with index.writing():
        index.touch(touched)
        index.remove(unread)
        for path, (stamp, entry) in found.items():
            index.put(stamp, entry, withheld=path in withheld)
    return len(found)


def _find_terms(environment: Environment, knowledge_base: KnowledgeBase) -> str:
    """Return what decides, beside the files, what may be found: the screen and what it lets through, and the keys."""
    settings = knowledge_base.settings
    keys = environment.keys_file.stat().st_mtime_ns if environment.keys_file.is_file() else 0
    return hashlib.sha256(f"{__version__}\0{settings.screening.engines}\0{settings.allow}\0{keys}".encode()).hexdigest()


def halve(vector: bytes) -> bytes:
    """Return a vector of float32 as one of float16, which is how the index keeps it."""
    import numpy as np  # noqa: PLC0415 - 0.1 s that who searches by words does not pay

    return np.frombuffer(vector, dtype="<f4").astype("<f2").tobytes()
