"""What a handoff is made of where no model is asked: the session's own words, its todo list and plan, and git."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from agent_context.extractors import EXTRACTORS
from agent_context.extractors.prose import read_report, read_sentences
from agent_context.git.checkout import find_commit_at
from agent_context.git.trees import EMPTY_TREE
from agent_context.git.work import Touched, Work, count_lines, find_fork, list_commits, read_work
from agent_context.handoff import SHARED
from agent_context.harvest.extraction import find_sessions
from agent_context.transcripts import READERS
from agent_context.transcripts.intentions import Intentions, read_intentions
from agent_context.transcripts.session import EventKind, Session

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from agent_context.learning import Candidate
    from agent_context.projects import Projects
    from agent_context.transcripts.session import Event

MOST_LOOKED = 200  # of the newest session files, for the one of this project
HEAD_BYTES = 1_000_000
MOST = 12
MOST_WORDS = 600
MOST_FILES = 60
CWD = re.compile(rb'"cwd"\s*:\s*("(?:[^"\\]|\\.)*")')
WROTE = re.compile(r"(?:Edit|Write|MultiEdit|NotebookEdit): (.+)")
# What a person says of themselves, takes for granted, or wants kept in mind: no code shows it.
TOLD = re.compile(
    r"\b(?:(?:my|our|his|her|their)\b.{0,40}\b(?:favou?rite|preferred|preference)|favou?rite"
    r"|(?:i|we)(?: really| generally)? (?:prefer|like|love|hate|dislike)|(?:'d| would) (?:prefer|rather)"
    r"|assum(?:e|es|ed|ing|ption)"
    r"|(?:keep|bear) in mind|remember|for context|by the way|btw|fyi|note that|from now on|deadline"
    r"|(?:i'm|i am|we're|we are) (?:on|in|using|running|waiting|not)\b|we (?:use|agreed|decided|must|don't)"
    r"|(?:i|we) (?:always|never|can't|cannot))\b",
    re.IGNORECASE,
)
QUESTION = re.compile(r"\?[\"')*_]*$")


class Outline(msgspec.Struct, frozen=True):
    """What a template gives its form: `request` is what was asked last, `failure` a command and how it ended."""

    task: str = ""
    request: str = ""
    done: tuple[str, ...] = ()
    doing: tuple[str, ...] = ()
    decisions: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    failure: tuple[str, ...] = ()
    plan: str = ""


@dataclass(frozen=True, slots=True)
class Material:
    """What is at hand: the session, if one was found, how the checkout stands, and the outline made of both."""

    session: Session | None
    work: Work | None
    outline: Outline


def find_session(homes: Mapping[str, Path], wanted: str, project: str, projects: Projects) -> Session | None:
    """Return the session whose id begins as `wanted`, else the project's latest one; None for none."""
    found = [(path.stat().st_mtime, name, path) for name, path in find_sessions(homes) if path.is_file()]
    named = [item for item in found if wanted and item[2].stem.startswith(wanted)]
    named = named or [item for item in found if wanted and item[2].stem.endswith(wanted)]  # Codex has it at the end
    if named:
        found, project = named, ""
    for _, name, path in sorted(found, reverse=True)[:MOST_LOOKED]:
        if project and not _is_of(path, project, projects):
            continue
        session = READERS[name].read(path)
        if isinstance(session, Session):
            return session
    return None


def _is_of(path: Path, project: str, projects: Projects) -> bool:
    """Tell whether a session file is of a project, from the first folder that it names."""
    with path.open("rb") as file:
        head = CWD.search(file.read(HEAD_BYTES))
    try:
        cwd = msgspec.json.decode(head.group(1), type=str) if head else ""
    except msgspec.DecodeError:
        return False
    return bool(cwd) and projects.place(Session(path.stem, path, cwd=cwd)).folder == project


def gather(session: Session | None, top: Path | None) -> Material:
    """Return the material for a handoff. Raise RepositoryError where git cannot tell how the checkout stands."""
    work = _read_work(top) if top else None
    intentions = read_intentions(session.path) if session else Intentions()
    events = session.events if session else []
    asked = [event.text.strip() for event in events if event.kind is EventKind.USER]
    decisions = EXTRACTORS["heuristic"](session, (), limit=MOST) if session else []
    done, touched = _read_git(work, session) if work else ((), [])
    outline = Outline(
        task=asked[0] if asked else "",
        request=asked[-1] if len(asked) > 1 else "",
        done=tuple([*intentions.of_status("completed"), *done][-MOST:]),
        doing=(*intentions.of_status("in_progress"), *_last_words(events)),
        decisions=tuple(f"{item.claim} {item.why}".strip() for item in decisions),
        context=_told(events, decisions),
        steps=tuple(intentions.of_status("pending")),
        files=tuple(describe_touched(item) for item in touched if item.path != SHARED)[:MOST_FILES],
        questions=_open_questions(events),
        failure=_find_failure(events),
        plan=intentions.plan,
    )
    return Material(session, work, outline)


def _read_work(top: Path) -> Work:
    """Return how a checkout stands but for the file that handoffs themselves are kept in."""
    work = read_work(top)
    return replace(work, dirty=tuple(item for item in work.dirty if not item.endswith(f" {SHARED}")))


def _read_git(work: Work, session: Session | None) -> tuple[tuple[str, ...], list[Touched]]:
    """Return the subjects of what was committed, and the files touched: what is not pushed, and what was edited here.

    Files that came with other people's commits meanwhile are none of this session's.
    """
    if not work.head:
        return (), count_lines(work.top, str(EMPTY_TREE))
    base = (find_fork(work.top, work.head, work.upstream) if work.upstream else "") or work.head
    oldest = work.unpushed[-1].split(" ")[0] if work.unpushed and not work.upstream else ""
    if oldest:
        base = f"{oldest}^" if list_commits(work.top, f"{oldest}^") else str(EMPTY_TREE)
    touched = count_lines(work.top, base)
    begun = find_commit_at(work.top, session.started) if session and session.started else ""
    if session and begun:
        edited = {found.group(1) for event in session.events if (found := WROTE.match(event.text))}
        mine = {path.removeprefix(f"{str(work.top).rstrip('/')}/") for path in edited}
        known = {item.path for item in touched}
        touched += [item for item in count_lines(work.top, begun) if item.path in mine - known]
    return tuple(reversed([commit.partition(" ")[2] for commit in work.unpushed])), touched


def describe_touched(item: Touched) -> str:
    """Return a file with its line counts, as ConvoSync writes them: `a.py (+12, -3)`."""
    counts = "binary" if item.added is None else f"+{item.added}, -{item.removed}"
    if item.state == "A":
        counts = "new file" if item.added is None else f"+{item.added}, new file"
    return f"{item.path} ({'deleted' if item.state == 'D' else counts})"


def _last_words(events: list[Event]) -> tuple[str, ...]:
    """Return the first paragraph of what the agent said last (with what it leads up to), if nobody has answered it."""
    said = [event for event in events if event.kind in (EventKind.USER, EventKind.ASSISTANT)]
    if not said or said[-1].kind is EventKind.USER:
        return ()
    first, *others = said[-1].text.strip().split("\n\n")
    words = f"{first} {others[0]}" if first.endswith(":") and others else first
    return (f"Last said: {words[:MOST_WORDS]}",)


def _told(events: Iterable[Event], decisions: Iterable[Candidate]) -> tuple[str, ...]:
    """Return what else a person said that no code shows: preferences, assumptions, what to keep in mind."""
    decided = "\n".join(quote.quote for item in decisions for quote in item.evidence)
    sentences = (item.text for event in events if event.kind is EventKind.USER for item in read_sentences(event.text))
    told = (text for text in sentences if TOLD.search(text) and not QUESTION.search(text) and text not in decided)
    return tuple(dict.fromkeys(told))[-MOST:]


def _open_questions(events: list[Event]) -> tuple[str, ...]:
    """Return what the agent asked last and nobody has answered."""
    said = [event for event in events if event.kind in (EventKind.USER, EventKind.ASSISTANT)]
    if not said or said[-1].kind is EventKind.USER:
        return ()
    return tuple(item.text for item in read_report(said[-1].text) if QUESTION.search(item.text))[:MOST]


def _find_failure(events: list[Event]) -> tuple[str, ...]:
    """Return the last command and the end of what it said, if it failed."""
    commands = [place for place, event in enumerate(events) if event.text.startswith("Bash: ")]
    place = next((n for n in reversed(commands) if events[n].kind is EventKind.TOOL_CALL), None)
    if place is None:
        return ()
    call = events[place].call
    results = [event for event in events[place:] if event.kind is EventKind.TOOL_RESULT]
    result = next((event for event in results if not call or event.call == call), None)
    if result is None or not result.failed:
        return ()
    return events[place].text.removeprefix("Bash: "), result.text[-MOST_WORDS:].strip()
