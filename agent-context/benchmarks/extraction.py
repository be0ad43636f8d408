"""Score an extractor against what people later wrote down, and count what it proposes over whole histories.

    python agent-context/benchmarks/extraction.py --sessions DIR --outcomes FILE [--extractor NAME] [--list]

DIR holds `machines/<person>/.claude`. FILE (JSON lines, or the same as .xz) has rows of `session` (a path below DIR),
`cut_line` (only the lines before it are read; null: all) and `kept` (a bullet that a person then wrote down).

* A text supports a bullet when it has at least 5 words, holds 0.40 of the bullet's words (lower case, no plural s, not
  the commonest words; `camelCase` counts as its parts) and the cosine of their MiniLM vectors is at least 0.60. Both
  thresholds were set by reading the best pair of each of the 49 bullets, before the extractor was changed.
* recall: the share of bullets that a candidate supports by its claim, its reason, one of its quotes, or claim and
  reason together.
* reachable: the share that any sentence of the session supports, the person's or the assistant's.
* Of the candidates of all sessions: questions (end in a question mark, or begin with a question word and a verb), log
  lines (time stamps, levels, exit codes, less than half words), plans ("let's", "I will", "next step", "todo", "should
  we"), session-local ones (numbers of pull requests, issues and lines, dates, commits, "this branch", "today", "just").

Nothing is read but these files; the home and the environment play no part.
"""

from __future__ import annotations

import argparse
import json
import lzma
import re
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from agent_context.encoders import minilm
from agent_context.extractors import EXTRACTORS
from agent_context.transcripts import claude_code
from agent_context.transcripts.session import EventKind, Session

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agent_context.learning import Candidate

LIMIT = 5
OVERLAP = 0.40
COSINE = 0.60
LEAST_WORDS = 5
LONGEST = 600
LIGHT_WORDS = (
    "a an the is are was were be been to of in on at for by with and or not as it its this that if when then from into"
    " via per each can has have but so do does will all no"
)
LIGHT = frozenset(LIGHT_WORDS.split())
SPOILS = {
    "question": re.compile(
        r"\?\W*$|^(?:what|why|how|who|where|which|is|are|does|do|can|should)\s\w+\s.*\?", re.IGNORECASE
    ),
    "log line": re.compile(
        r"\d{2}:\d{2}:\d{2}|\b(?:DEBUG|INFO|WARN|ERROR|FATAL)\b[ :|]|\bexit (?:code|status) \d|Traceback"
    ),
    "plan": re.compile(
        r"^(?:let'?s|let me|i(?:'ll| will| am going)|next,?|first,|todo|plan)\b|\b(?:next step|should we|want me to)\b",
        re.IGNORECASE,
    ),
    "session-local": re.compile(
        r"#\d+|\bPRs?\b|\blines? \d|:\d+\b(?!\d)|\b(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{7,40}\b|\d{4}-\d\d-\d\d"
        r"|\b(?:this|the|my|our|your) (?:branch|pr|diff|ticket|fix|change|test|bug)\b"
        r"|\b(?:today|yesterday|just now|so far|for now|right now)\b",
        re.IGNORECASE,
    ),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One bullet that a person kept, with what was said before."""

    session: str
    cut_line: int | None
    kept: str


@dataclass(frozen=True, slots=True)
class Scored:
    """One bullet: whether a candidate supports it, whether any sentence does, and by which text."""

    outcome: Outcome
    supported: str
    reachable: str


def read_outcomes(path: Path) -> list[Outcome]:
    """Return the rows of the file."""
    data = lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
    rows = (json.loads(line) for line in data.decode().splitlines() if line.strip())
    return [Outcome(row["session"], row["cut_line"], row["kept"]) for row in rows]


def read_cut(path: Path, cut_line: int | None) -> Session:
    """Read the lines of a session that stand before `cut_line` (from 1)."""
    lines = path.read_bytes().splitlines(keepends=True)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        copy.write_bytes(b"".join(lines[: cut_line - 1] if cut_line else lines))
        session = claude_code.read(copy)
    if not isinstance(session, Session):
        raise SystemExit(f"{path}: {session.reason}")
    return session


def words(text: str) -> set[str]:
    """Return the words that count."""
    parted = re.sub(r"([a-z])([A-Z])", r"\1 \2", text).lower()
    return {word.rstrip("s") if len(word) > 3 else word for word in re.findall(r"[a-z0-9]+", parted)} - LIGHT  # noqa: PLR2004


def split(text: str) -> Iterator[str]:
    """Yield the sentences of a message, line by line."""
    for line in text.splitlines():
        for sentence in re.split(r"(?<=[.!?])\s+", line.strip(" -*#|")):
            if len(sentence) <= LONGEST:
                yield sentence


def support(kept: Sequence[str], texts: Sequence[str], encoder: minilm.MiniLM) -> list[str]:
    """Return for each bullet the text that supports it best, or nothing."""
    texts = [text for text in dict.fromkeys(texts) if len(text.split()) >= LEAST_WORDS]
    if not texts:
        return ["" for _ in kept]
    vectors = np.frombuffer(b"".join(encoder.encode(texts)), dtype="<f4").reshape(len(texts), -1)
    found = []
    for bullet in kept:
        wanted = words(bullet)
        cosines = vectors @ np.frombuffer(encoder.encode([bullet])[0], dtype="<f4")
        overlaps = [len(wanted & words(text)) / max(len(wanted), 1) for text in texts]
        good = [n for n in range(len(texts)) if overlaps[n] >= OVERLAP and cosines[n] >= COSINE]
        found.append(texts[max(good, key=lambda n: float(cosines[n]))] if good else "")
    return found


def candidate_texts(candidate: Candidate) -> list[str]:
    """Return what a candidate says."""
    quotes = [quote.quote for quote in candidate.evidence]
    return [candidate.claim, candidate.why, f"{candidate.claim} {candidate.why}", *quotes]


def score(outcomes: Sequence[Outcome], folder: Path, extractor: str) -> Iterator[Scored]:
    """Yield each bullet with what supports it."""
    encoder = minilm.load()
    for name, cut_line in dict.fromkeys((outcome.session, outcome.cut_line) for outcome in outcomes):
        rows = [outcome for outcome in outcomes if (outcome.session, outcome.cut_line) == (name, cut_line)]
        session = read_cut(folder / name, cut_line)
        candidates = EXTRACTORS[extractor](session, (), limit=LIMIT)
        spoken = [event for event in session.events if event.kind in (EventKind.USER, EventKind.ASSISTANT)]
        said = [sentence for event in spoken for sentence in split(event.text)]
        kept = [row.kept for row in rows]
        supported = support(kept, [text for item in candidates for text in candidate_texts(item)], encoder)
        for row, own, reachable in zip(rows, supported, support(kept, said, encoder), strict=True):
            yield Scored(row, own, reachable)


def read_all(folder: Path) -> Iterator[tuple[str, Session]]:
    """Yield every session of every person."""
    for person in sorted((folder / "machines").iterdir()):
        for path in claude_code.find(person / ".claude"):
            session = claude_code.read(path)
            if isinstance(session, Session):
                yield person.name, session


def main() -> None:
    """Print the table, and the candidates if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=Path, required=True)
    parser.add_argument("--outcomes", type=Path, required=True)
    parser.add_argument("--extractor", default="heuristic", choices=["heuristic"])
    parser.add_argument("--list", action="store_true")
    given = parser.parse_args()
    scored = list(score(read_outcomes(given.outcomes), given.sessions, given.extractor))
    proposed: list[tuple[str, Candidate]] = []
    sessions: Counter[str] = Counter()
    for person, session in read_all(given.sessions):
        sessions[person] += 1
        proposed += [(person, found) for found in EXTRACTORS[given.extractor](session, (), limit=LIMIT)]
    if given.list:
        for number, (person, found) in enumerate(proposed, 1):
            print(f"{number}\t{person}\t{found.session}\t{found.evidence[0].speaker}\t{found.kind}\t{found.claim}")
            print(f"\t{found.why}" if found.why else "", end="\n" if found.why else "")
        for row in scored:
            print(f"{'+' if row.supported else 'o' if row.reachable else '-'}\t{row.outcome.kept}\t<- {row.supported}")
    report(scored, proposed, sessions)


def report(scored: Sequence[Scored], proposed: Sequence[tuple[str, Candidate]], sessions: Counter[str]) -> None:
    """Print the figures."""
    supported = sum(1 for row in scored if row.supported)
    reachable = sum(1 for row in scored if row.reachable)
    total = sessions.total()
    by_person = Counter(person for person, _ in proposed)
    speakers = Counter(str(found.evidence[0].speaker) for _, found in proposed)
    print(f"kept bullets: {len(scored)}, of {len({row.outcome.session for row in scored})} sessions")
    print(f"reachable by quoting: {reachable} ({reachable / max(len(scored), 1):.2f})")
    print(f"supported by a candidate: {supported} ({supported / max(len(scored), 1):.2f}),", end=" ")
    print(f"of the reachable {supported / max(reachable, 1):.2f}")
    print(f"candidates: {len(proposed)} of {total} sessions ({len(proposed) / max(total, 1):.2f} a session),", end=" ")
    print(", ".join(f"{count} by the {speaker}" for speaker, count in sorted(speakers.items())))
    print("  " + ", ".join(f"{person} {by_person[person]} of {count}" for person, count in sorted(sessions.items())))
    for name, pattern in SPOILS.items():
        found = sum(1 for _, item in proposed if pattern.search(item.claim))
        print(f"{name}: {found} ({found / max(len(proposed), 1):.2f})")


if __name__ == "__main__":
    main()
