"""The values of the domain: a learning and what it is made of, candidates, findings, decisions.

Reading and writing them as files is frontmatter's job; where the files lie is knowledge's.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

ID_LENGTH = 10
END_OF_TIME = 253_402_300_799
SLUG_LENGTH = 48


class Kind(StrEnum):
    """What sort of thing a learning is."""

    DECISION = "decision"
    GOTCHA = "gotcha"
    CONVENTION = "convention"
    CONFIGURATION = "configuration"
    DEPENDENCY = "dependency"
    WORKFLOW = "workflow"
    PREFERENCE = "preference"


class Status(StrEnum):
    """Where a learning stands in its life. Nothing is deleted: a learning that ends keeps its file."""

    UNREVIEWED = "unreviewed"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    RETIRED = "retired"
    SUPERSEDED = "superseded"
    QUARANTINED = "quarantined"


LIVING = frozenset({Status.UNREVIEWED, Status.ACCEPTED})


class Speaker(StrEnum):
    """Whose words a quote is."""

    USER = "user"
    ASSISTANT = "assistant"


class Source(msgspec.Struct, frozen=True, omit_defaults=True):
    """One session (or hand) that a learning comes from. `at` is UTC, `YYYY-MM-DDTHH:MM:SSZ`."""

    machine: str
    session: str
    at: str
    speaker: Speaker
    commit: str = ""
    extractor: str = ""


class Confirmed(msgspec.Struct, frozen=True):
    """How many sessions of one machine said it in all, counted from the time when not every source is listed."""

    machine: str
    count: Annotated[int, msgspec.Meta(ge=1)]


class StatusNote(msgspec.Struct, frozen=True):
    """Who set the status, when (UTC), and why."""

    by: str
    at: str
    reason: str


class Conflict(msgspec.Struct, frozen=True):
    """What both sides of a merge changed and no rule settles: every version of the field, sorted.

    A claim's or a kind's versions are its whole text, one of which stands in the learning; those of `why` are the
    paragraphs in question, all of which stand.
    """

    field: Literal["claim", "kind", "why"]
    versions: tuple[str, ...]


class Learning(msgspec.Struct, frozen=True):
    """One thing worth knowing. `claim` is one paragraph, `why` further ones, `evidence` verbatim quotes."""

    id: str
    kind: Kind
    status: Status
    created: str
    claim: str
    tags: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    confirmed: tuple[Confirmed, ...] = ()
    supersedes: tuple[str, ...] = ()
    status_note: StatusNote | None = None
    pinned: bool = False
    review_after: str = ""
    why: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    conflicts: tuple[Conflict, ...] = ()


class Quote(msgspec.Struct, frozen=True):
    """Words of the session, verbatim, with their speaker and the uuid of their record."""

    quote: str
    speaker: Speaker
    uuid: str = ""


class Candidate(msgspec.Struct, frozen=True):
    """What an extractor proposes: a claim in its session's own words, with the quotes that support it."""

    session: str
    at: str
    claim: str
    kind: Kind
    evidence: tuple[Quote, ...]
    why: str = ""
    tags: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    extractor: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that must not go on: `line` and `column` from 1, `masked` never shows the secret itself."""

    kind: Literal["secret", "personal", "poison"]
    rule: str
    severity: Literal["certain", "likely"]
    line: int
    column: int
    length: int
    masked: str


def name_findings(findings: Iterable[Finding]) -> str:
    """Return what was found, in a few words and without what it stands on, each rule once."""
    return ", ".join(dict.fromkeys(f"{finding.kind}: {finding.rule}" for finding in findings))


class Verdict(StrEnum):
    """What consolidation says of one candidate."""

    NEW = "new"
    EXACT = "exact duplicate"
    NEAR = "near duplicate"
    CONFIRMS = "confirms"
    CONTRADICTS = "contradicts"
    REFINES = "refines"
    REJECTED_BEFORE = "rejected before"
    WRITTEN = "already written in a rule file"


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict with its twin's id and words, the score (0 to 1) and the reason, so that a person can audit it."""

    verdict: Verdict
    twin: str = ""
    score: float = 0.0
    reason: str = ""
    claim: str = ""


def utc(seconds: float) -> str:
    """Return a time (seconds since 1970, held within the years 1970 to 9999) as `YYYY-MM-DDTHH:MM:SSZ`."""
    return datetime.fromtimestamp(min(max(seconds, 0), END_OF_TIME), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def normalise_claim(claim: str) -> str:
    """Return the claim's words alone: NFKC, lower case, no Markdown marks, single spaces, no closing stop."""
    text = unicodedata.normalize("NFKC", claim).casefold()
    text = re.sub(r"[`*\"\u201c\u201d\u2018\u2019']", "", text)
    return re.sub(r"\s+", " ", text).strip(" .!;:,")


def learning_id(project: str, claim: str) -> str:
    """Return the id at birth: ten hex digits of sha256 over the project and the normalised claim.

    Two machines that learn the same words in one project make the same id, and so the same file.
    """
    digest = hashlib.sha256(f"{project}\0{normalise_claim(claim)}".encode())
    return digest.hexdigest()[:ID_LENGTH]


def slugify(text: str) -> str:
    """Return at most 48 characters of a-z, 0-9 and single dashes, cut at a word; `learning` if none are left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", plain)
    slug = ""
    for word in words:
        longer = f"{slug}-{word}" if slug else word[:SLUG_LENGTH]
        if len(longer) > SLUG_LENGTH:
            break
        slug = longer
    return slug or "learning"


def one_paragraph(text: str) -> str:
    """Return the text on one line, without what Markdown would read as a quote or a front matter line."""
    line = re.sub(r"\s+", " ", text).strip()
    return re.sub(r"^(?:>\s*|-{3,}\s*|#+\s+)+", "", line)
