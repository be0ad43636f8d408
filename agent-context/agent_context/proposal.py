"""What a pull request says: which learnings it asks about first, its title and its text. Values only.

Every word that comes from a session stands in a code span: there no forge sees a mention, an issue number, a closing
keyword or HTML.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import msgspec

from agent_context.layout import SEALED
from agent_context.learning import Learning, Speaker
from agent_context.visible import show_hidden

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WORDS_A_MINUTE = 200
LONGEST_QUOTE = 600
EXPLANATION = (
    "Merge to accept: a merge, a squash and a rebase all work. To leave one out, delete its file or set "
    "`status: rejected` in it; to better one, edit its file. Closing the pull request turns all of them down."
)
LONGEST_DROPPED = 200
MOST_DROPPED = 50
LONGEST_BODY = 60_000  # GitHub takes 65,536 characters


class Remark(msgspec.Struct, frozen=True):
    """What consolidation says of a new learning: the one that it is near to, refines or contradicts, with why."""

    relation: Literal["near", "refines", "contradicts"]
    id: str
    claim: str
    reason: str = ""


class Refused(msgspec.Struct, frozen=True):
    """A candidate that was dropped and why. A claim with a finding is not repeated here."""

    project: str
    reason: str
    detail: str = ""
    claim: str = ""


@dataclass(frozen=True, slots=True)
class Proposed:
    """A learning that is proposed, or waits for it. `learning` is none where the file is encrypted or does not read."""

    project: str
    path: str
    learning: Learning | None
    remark: Remark | None = None


@dataclass(frozen=True, slots=True)
class Riding:
    """A change that goes along: a confirmation, a rejection, an edit by hand."""

    what: Literal["confirmed", "rejected", "edited", "removed"]
    path: str
    claim: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """All that a pull request tells. `queued` more wait; `counts` says how many were dropped for each reason."""

    machine: str
    proposed: Sequence[Proposed]
    riding: Sequence[Riding] = ()
    queued: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    refused: Sequence[Refused] = ()


def rank(items: Iterable[Proposed]) -> list[Proposed]:
    """Return them as they are to be asked about: what the user said first, then with evidence, then the oldest."""
    return sorted(items, key=_rank_one)


def render_title(text: Text) -> str:
    """Return the title. It holds names of projects and machines, and no word of a session."""
    projects = sorted({item.project for item in text.proposed})
    if not projects:
        return f"Knowledge from {text.machine}: {_count(len(text.riding), 'change')}"
    where = _plain(projects[0]) if len(projects) == 1 else f"{len(projects)} projects"
    return f"Knowledge from {text.machine}: {_count(len(text.proposed), 'learning')} in {where}"


def render_body(text: Text) -> str:
    """Return the text in Markdown, its first line a summary; what would not fit is counted instead."""
    parts = [_render_one(number, item) for number, item in enumerate(text.proposed, 1)]
    ends = [*_render_riding(text.riding), *_render_dropped(text)]
    minutes = max(1, round(sum(len(part.split()) for part in parts) / WORDS_A_MINUTE))
    summary = f"{_count(len(text.proposed), 'learning')} to review, about {_count(minutes, 'minute')} to read."
    body, shown = "\n\n".join([summary, *_explain(text)]), 0
    for part in parts:
        if len(body) + len(part) > LONGEST_BODY:
            body += f"\n\n{_count(len(parts) - shown, 'more learning')} in the files of this pull request."
            break
        body, shown = f"{body}\n\n{part}", shown + 1
    for part in ends:
        if len(body) + len(part) <= LONGEST_BODY:
            body = f"{body}\n\n{part}"
    return body + "\n"


def quote_code(text: str, limit: int = LONGEST_QUOTE) -> str:
    """Return foreign text as a code span on one line, hidden characters spelled out, cut at `limit` characters."""
    line = " ".join(show_hidden(text).split())
    if len(line) > limit:
        line = line[: limit - 1].rstrip() + "…"
    fence = "`" * (max((len(run) for run in re.findall(r"`+", line)), default=0) + 1)
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{space}{line}{space}{fence}" if line else "(nothing)"


def _rank_one(item: Proposed) -> tuple[bool, bool, str, str]:
    learning = item.learning
    if learning is None:
        return (True, True, "", item.path)
    said = any(source.speaker is Speaker.USER for source in learning.sources)
    return (not said, not learning.evidence, learning.created, item.path)


def _explain(text: Text) -> list[str]:
    lines = [EXPLANATION]
    if text.queued:
        lines.append(f"{_count(text.queued, 'more learning')} will be proposed once this is decided.")
    return lines


def _render_one(number: int, item: Proposed) -> str:
    learning, project = item.learning, quote_code(item.project)
    if learning is None or item.path.endswith(SEALED):
        return f"### {number}. In {project}\n\n- this file is encrypted or does not read: {quote_code(item.path)}"
    rows = [f"### {number}. {learning.kind.value.capitalize()} in {project}", quote_code(learning.claim)]
    facts = [f"- why: {quote_code(why)}" for why in learning.why]
    facts += [f"- said by {_name_sources(learning)}"]
    facts += [f"- evidence: {quote_code(evidence)}" for evidence in learning.evidence]
    if learning.paths:
        facts.append(f"- about: {', '.join(quote_code(path) for path in learning.paths)}")
    if item.remark is not None:
        facts.append(_render_remark(item.remark))
    facts.append(f"- file: {quote_code(item.path)}")
    return "\n\n".join([*rows, "\n".join(facts)])


def _render_remark(remark: Remark) -> str:
    words = {"near": "much like", "refines": "says more than", "contradicts": "**contradicts**"}[remark.relation]
    reason = f" ({quote_code(remark.reason, LONGEST_DROPPED)})" if remark.reason else ""
    return f"- {words} `{remark.id}`, which says {quote_code(remark.claim)}{reason}"


def _name_sources(learning: Learning) -> str:
    who = {Speaker.USER: "the user", Speaker.ASSISTANT: "the assistant"}
    return ", ".join(
        f"{who[source.speaker]} on {quote_code(source.machine)}, session {quote_code(source.session)}, {source.at[:10]}"
        for source in learning.sources
    )


def _render_riding(riding: Sequence[Riding]) -> list[str]:
    words = {"confirmed": "confirmed", "rejected": "rejected", "edited": "edited by hand", "removed": "removed"}
    rows = [
        f"- {words[item.what]}: {quote_code(item.claim or item.path, LONGEST_DROPPED)}"
        + (f" ({quote_code(item.detail, LONGEST_DROPPED)})" if item.detail else "")
        for item in riding
    ]
    if len(rows) > MOST_DROPPED:
        rows = [*rows[:MOST_DROPPED], f"- and {len(rows) - MOST_DROPPED} more"]
    return ["### Going along", "\n".join(rows)] if rows else []


def _render_dropped(text: Text) -> list[str]:
    if not text.counts:
        return []
    counts = ", ".join(f"{count} {_plain(reason)}" for reason, count in Counter(text.counts).most_common())
    rows = [
        f"- {_plain(item.reason)}, {quote_code(item.project)}: {quote_code(item.claim or item.detail, LONGEST_DROPPED)}"
        for item in text.refused[-MOST_DROPPED:]
    ]
    listed = "\n".join(rows)
    return [f"<details><summary>Dropped: {counts}</summary>\n\n{listed}\n\n</details>"]


def _plain(text: str) -> str:
    """Return a word of our own vocabulary, without any sign that Markdown or HTML would read."""
    return re.sub(r"[^\w .:,-]", "", text)


def _count(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"
