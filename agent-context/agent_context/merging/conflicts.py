"""What merges left open, as values: the versions, where each is from, which one to take, what that makes of it."""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from agent_context.errors import AgentContextError
from agent_context.learning import Conflict, Kind, normalise_claim, one_paragraph
from agent_context.merging.hunks import unite
from agent_context.merging.merge import PARAGRAPH, holds, text_of

if TYPE_CHECKING:
    from agent_context.learning import Learning


@dataclass(frozen=True, slots=True)
class Origin:
    """The commit that a version came with: its machine (empty for a commit by hand), author, time (UTC) and id."""

    machine: str
    author: str
    at: str
    commit: str

    @property
    def words(self) -> str:
        """Return `laptop, 2026-03-01T10:00:00Z, 1a2b3c4`."""
        return f"{self.machine or self.author}, {self.at}, {self.commit[:7]}"


@dataclass(frozen=True, slots=True)
class Version:
    """One version: its text, whether it stands meanwhile, and its origin where history tells it.

    For files that are no learnings: the sidecar that holds it, and git's id of the whole file it came in.
    """

    text: str
    stands: bool
    origin: Origin | None = None
    base64: bool = False
    sidecar: str = ""
    blob: str = ""

    @property
    def data(self) -> bytes:
        """Return the version's bytes."""
        return base64.b64decode(self.text) if self.base64 else self.text.encode()


@dataclass(frozen=True, slots=True)
class OpenConflict:
    """One thing that a merge left open: a learning's field (`claim`, `kind`, `why`), a key of a table, a whole file.

    `learning` is the learning's id, `title` its claim; both are empty for other files.
    """

    path: str
    versions: tuple[Version, ...]
    field: str = ""
    key: tuple[str, ...] = ()
    learning: str = ""
    title: str = ""

    @property
    def name(self) -> str:
        """Return how a person names it: `3f9c2a71b0 claim`, `agent-context.toml sync.push`, `README.md`."""
        return f"{self.learning or self.path} {self.field or '.'.join(self.key)}".strip()


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The version to take (its index), and why."""

    version: int
    reason: str


def conflicts_of(learning: Learning, path: str) -> list[OpenConflict]:
    """Return what is open in one learning. Of a paragraph's versions all stand."""
    return [
        OpenConflict(
            path,
            tuple(Version(text, _stands(learning, conflict, text)) for text in conflict.versions),
            field=conflict.field,
            learning=learning.id,
            title=learning.claim,
        )
        for conflict in learning.conflicts
    ]


def has_version(learning: Learning, field: str, text: str) -> bool:
    """Tell whether a learning holds this version of a field, standing or open."""
    if field == "why":
        return holds(learning.why, text)
    return text == text_of(learning, field) or any(
        text in conflict.versions for conflict in learning.conflicts if conflict.field == field
    )


def recommend(conflict: OpenConflict) -> Recommendation:
    """Return which version to take: one that says all the others say, else the newest, else the one that stands."""
    words = [set(normalise_claim(version.text).split()) for version in conflict.versions]
    for index, mine in enumerate(words):
        if all(mine > other for other in words[:index] + words[index + 1 :]):
            return Recommendation(index, "it has all the words of the other, and more")
    newest = _newest(conflict.versions)
    if newest is not None:
        return Recommendation(conflict.versions.index(newest), "it is the newest")
    index = next((index for index, version in enumerate(conflict.versions) if version.stands), 0)
    return Recommendation(index, "it stands already, and history tells no order")


def choose(conflict: OpenConflict, strategy: str, machine: str) -> Version:
    """Return the version that a strategy takes: local, remote, newest, both, machine:NAME, or a number from 1.

    `machine` is this machine's name. Raise AgentContextError where the strategy finds none, or cannot tell which.
    """
    versions = conflict.versions
    if strategy == "both":
        return join(conflict)
    if strategy.isdecimal() and 1 <= int(strategy) <= len(versions):
        return versions[int(strategy) - 1]
    wanted = {
        "local": [version for version in versions if version.origin and version.origin.machine == machine],
        "remote": [version for version in versions if version.origin and version.origin.machine != machine],
        "newest": list(versions),
    }
    name = strategy.removeprefix("machine:")
    if name != strategy:
        wanted[strategy] = [version for version in versions if version.origin and version.origin.machine == name]
    found = tuple(wanted.get(strategy, ()))
    chosen = found[0] if len(found) == 1 else _newest(found)
    if chosen is None:
        why = "history tells no order" if found else "no version comes from there"
        raise AgentContextError(
            f"{conflict.name}: {strategy} settles nothing: {why}",
            hint=f"choose by number: agent-context resolve {conflict.learning or conflict.path} --strategy 1",
        )
    return chosen


def join(conflict: OpenConflict) -> Version:
    """Return all versions as one, the oldest first. Raise AgentContextError for what holds one value only."""
    versions = sorted(conflict.versions, key=lambda version: version.origin.at if version.origin else "")
    if conflict.field == "kind" or conflict.key or any(version.base64 for version in versions):
        what = conflict.field or ".".join(conflict.key) or "a file that is no text"
        raise AgentContextError(
            f"{conflict.name}: both cannot be kept: {what} holds one value", hint="choose one by its number"
        )
    texts = list(dict.fromkeys(version.text for version in versions))
    if conflict.field == "claim":
        return Version(" ".join(_closed(text) for text in texts), stands=False)
    if conflict.field == "why":
        return Version(PARAGRAPH.join(dict.fromkeys(PARAGRAPH.join(texts).split(PARAGRAPH))), stands=False)
    lines: list[str] = []
    for text in texts:
        lines = unite(lines, text.splitlines(keepends=True)) if lines else text.splitlines(keepends=True)
    return Version("".join(lines), stands=False)


def settle_learning(learning: Learning, conflict: OpenConflict, text: str) -> Learning:
    """Return the learning with this text in the field, and the conflict gone."""
    gone = tuple(version.text for version in conflict.versions)
    rest = tuple(item for item in learning.conflicts if (item.field, item.versions) != (conflict.field, gone))
    settled = msgspec.structs.replace(learning, conflicts=rest)
    if conflict.field == "why":
        return msgspec.structs.replace(settled, why=_put_paragraphs(learning.why, gone, text))
    value = Kind(text) if conflict.field == "kind" else one_paragraph(text)
    return msgspec.structs.replace(settled, **{conflict.field: value})


def with_origins(conflict: OpenConflict, origins: tuple[Origin | None, ...]) -> OpenConflict:
    """Return the conflict with its versions' origins, in their order."""
    pairs = zip(conflict.versions, origins, strict=True)
    return replace(conflict, versions=tuple(replace(version, origin=origin) for version, origin in pairs))


def _stands(learning: Learning, conflict: Conflict, text: str) -> bool:
    return holds(learning.why, text) if conflict.field == "why" else text == text_of(learning, conflict.field)


def _newest(versions: tuple[Version, ...]) -> Version | None:
    """Return the newest version; None where one has no known origin, or two are of the same time."""
    times = sorted({version.origin.at: version for version in versions if version.origin}.items())
    return times[-1][1] if versions and len(times) == len(versions) else None


def _put_paragraphs(why: tuple[str, ...], gone: tuple[str, ...], text: str) -> tuple[str, ...]:
    """Return the paragraphs with the versions' taken out, and the text where the first of them stood."""
    doubtful = set(PARAGRAPH.join(gone).split(PARAGRAPH))
    place = next((index for index, paragraph in enumerate(why) if paragraph in doubtful), len(why))
    chosen = [part.strip() for part in text.split(PARAGRAPH) if part.strip()]
    before, after = ([part for part in half if part not in doubtful] for half in (why[:place], why[place:]))
    return tuple(dict.fromkeys([*before, *chosen, *after]))


def _closed(text: str) -> str:
    return text if text.endswith((".", "!", "?", ":", ";")) else f"{text}."
