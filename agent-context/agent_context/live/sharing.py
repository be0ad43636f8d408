"""Cards of sessions between machines: a ref for each machine in the knowledge base's remote, beside the branch.

A ref holds one commit without history, and what it says expires. What others push there is foreign: it is bounded and
only shown.
"""

from __future__ import annotations

import re
import time
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from agent_context.git import Repository
from agent_context.git.refs import Refs, fetch_refs, push_ref
from agent_context.identity import is_template
from agent_context.known_values import SessionGuard
from agent_context.learning import utc
from agent_context.live.board import open_board
from agent_context.transcripts.claude_code import read
from agent_context.transcripts.session import Session

if TYPE_CHECKING:
    from agent_context.config import Environment
    from agent_context.knowledge import KnowledgeBase
    from agent_context.live.board import Board
    from agent_context.live.cards import Card

THEIRS = "refs/live/"
HERE = "refs/agent-context/live/"
FILE = "live.json"
SHOWN_SECONDS = 12 * 3600
REPEAT_SECONDS = 1800  # what has not changed is said again only now and then
GONE_SECONDS = 7 * 86_400  # then whichever machine comes by takes the ref away
SKEW_SECONDS = 3600
MOST_BYTES = 200_000
MOST_SESSIONS = 30
MOST_FILES = 40
TEXT_LENGTH = 200


class SharedCard(msgspec.Struct, frozen=True):
    """What another machine says of a session of its own: what it is about and which files it edited, no content."""

    session: str
    status: str = ""
    project: str = ""
    branch: str = ""
    task: str = ""
    files: tuple[str, ...] = ()
    at: str = ""
    machine: str = ""


class _Told(msgspec.Struct, frozen=True):
    at: str
    cards: tuple[SharedCard, ...] = ()


def share(knowledge_base: KnowledgeBase, environment: Environment, remote: str | None) -> list[str]:
    """Tell other machines of the open sessions here where the settings say so; else take back what was told.

    Returns what could not be done. Nothing is told of projects whose learnings are encrypted or stay on this machine.
    """
    repository = Repository(knowledge_base.root)
    refs, settings, own = Refs(repository), knowledge_base.settings, _name(environment.machine)
    wanted = settings.live.share
    if remote is None or is_template(repository.remote_urls(remote), settings.template):
        return []
    if not wanted and refs.tip(HERE + own) is None:
        return []
    if failed := fetch_refs(knowledge_base.root, remote, f"{THEIRS}*", f"{HERE}*"):
        return [f"what other machines' sessions do could not be fetched: {failed}"]
    now = time.time()
    cards = _choose_cards(knowledge_base, environment) if wanted else ()
    before = refs.tip(HERE + own)
    old = _read(refs, HERE + own)
    if old is not None and old.cards == cards and cards and now - _seconds(old.at) < REPEAT_SECONDS:
        return []
    told = msgspec.json.encode(_Told(utc(now), cards))
    commit = refs.keep({FILE: told}, "sessions at work\n", []) if cards else ""
    if not commit and before is None:
        return []
    sent = push_ref(knowledge_base.root, remote, THEIRS + own, commit, expected=before)
    if sent.accepted:
        refs.forget(HERE + own)
        if commit:
            refs.move(HERE + own, commit, None)
        _expire(knowledge_base, refs, remote, now)
    return [] if sent.accepted or sent.moved else [f"this machine's sessions could not be told: {sent.reason}"]


def load_shared(knowledge_base: KnowledgeBase, machine: str) -> list[SharedCard]:
    """Return what other machines said of their sessions within the last hours, as far as it was fetched here."""
    refs, now = Refs(Repository(knowledge_base.root)), time.time()
    found: list[SharedCard] = []
    for ref in refs.tips(HERE):
        told = _read(refs, ref) if ref != HERE + _name(machine) else None
        if told is not None and -SKEW_SECONDS < now - _seconds(told.at) < SHOWN_SECONDS:
            name = ref.removeprefix(HERE)[:TEXT_LENGTH]
            found += [_bound(card, name, told.at) for card in told.cards[:MOST_SESSIONS]]
    return found


def _choose_cards(knowledge_base: KnowledgeBase, environment: Environment) -> tuple[SharedCard, ...]:
    board = open_board(environment, knowledge_base.settings.sync, knowledge_base.remotes)
    cards = [card for name, card in sorted(board.cards.items()) if name in board.present and card.project]
    remotes = {card.project: knowledge_base.project(card.project) for card in cards}
    open_ones = [card for card in cards if not (remotes[card.project].local or remotes[card.project].encrypted)]
    return tuple(_prepare(knowledge_base, board, card) for card in open_ones[:MOST_SESSIONS])


def _prepare(knowledge_base: KnowledgeBase, board: Board, card: Card) -> SharedCard:
    """Return a card as it may leave the machine: screened, without what only its words could say."""
    mode = knowledge_base.project(card.project).privacy
    make_guard = SessionGuard(knowledge_base.settings, knowledge_base.root, lambda _: mode)
    transcript = board.present[card.session].transcript
    whole = read(transcript)  # a secret that was said in it is known by that
    guard = make_guard(whole if isinstance(whole, Session) else Session(card.session, transcript, card.cwd))
    task = guard.clean(" ".join((card.title or card.task).split())[:TEXT_LENGTH])
    newest = sorted(card.files, key=card.files.__getitem__, reverse=True)
    own = {edit.name for edit in card.edits if edit.project == card.project}  # another one's may have to stay here
    inside = [name for name in newest if name in own][:MOST_FILES]
    return SharedCard(
        session=card.session,
        status=board.status(card.session),
        project=card.project,
        branch="" if guard.find(card.branch) else card.branch[:TEXT_LENGTH],
        task="" if any(item.kind != "personal" for item in guard.find(task)) else task,
        files=tuple(sorted(name for name in inside if not guard.find(name))),
        at=card.at,
    )


def _expire(knowledge_base: KnowledgeBase, refs: Refs, remote: str, now: float) -> None:
    """Take away what machines said that have not come by for a week."""
    for ref, tip in refs.tips(HERE).items():
        told = _read(refs, ref)
        if told is not None and now - _seconds(told.at) > GONE_SECONDS:
            push_ref(knowledge_base.root, remote, ref.replace(HERE, THEIRS, 1), "", expected=tip)
            refs.forget(ref)


def _read(refs: Refs, ref: str) -> _Told | None:
    tip = refs.tip(ref)
    data = (refs.changed(None, tip).get(FILE) if tip else None) or b""
    with suppress(msgspec.DecodeError):
        return msgspec.json.decode(data, type=_Told) if len(data) <= MOST_BYTES else None
    return None


def _bound(card: SharedCard, machine: str, at: str) -> SharedCard:
    texts = {name: getattr(card, name)[:TEXT_LENGTH] for name in ("session", "status", "project", "branch", "task")}
    files = tuple(name[:TEXT_LENGTH] for name in card.files[:MOST_FILES])
    return SharedCard(**texts, files=files, at=at[:TEXT_LENGTH], machine=machine)


def _seconds(at: str) -> float:
    """Return a time of ours in seconds since 1970; what is none is long ago."""
    with suppress(ValueError):
        return datetime.fromisoformat(at).timestamp() if at.endswith("Z") else 0.0
    return 0.0


def _name(machine: str) -> str:
    """Return a machine's name in a form that git takes in a ref."""
    return re.sub(r"\.{2,}", ".", machine).removesuffix(".lock").strip(".-") or "machine"
