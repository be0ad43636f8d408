"""This clone against its remote: what is new, changed or gone on each side, and where they will meet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from agent_context import git
from agent_context.errors import FormatError, MissingExtraError, SealedError
from agent_context.git import Fetched, Repository
from agent_context.git.history import Altered, History
from agent_context.identity import hide_credentials
from agent_context.layout import FOLDERS, PATTERNS, PROJECTS, is_learning_path, project_of
from agent_context.learning import Learning

if TYPE_CHECKING:
    from agent_context.knowledge import KnowledgeBase

DECIDED_BY_RULE = frozenset({"status", "status_note", "created", "pinned", "review_after", "conflicts"})


@dataclass(frozen=True, slots=True)
class Differing:
    """One file that one side changed since both agreed. `claim` and `fields` are a learning's.

    `conflict` names what both sides changed, each in its own way; empty where a merge needs nobody.
    """

    what: Literal["new", "changed", "removed"]
    project: str
    path: str
    claim: str = ""
    fields: tuple[str, ...] = ()
    conflict: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """Both sides since they agreed, commits counted; `here` includes edits that are not committed yet.

    `note` says why the remote is shown as it was at an earlier fetch, empty where it was asked now.
    """

    remote: str
    ahead: int
    behind: int
    here: tuple[Differing, ...]
    there: tuple[Differing, ...]
    note: str = ""


def compare(knowledge_base: KnowledgeBase, *, offline: bool = False) -> Difference:
    """Compare this clone with its remote, after a fetch unless `offline`. Changes no file and no branch."""
    repository, history = Repository(knowledge_base.root), History(knowledge_base.root)
    branch, tip = repository.branch(), repository.tip()
    remote = repository.remote(branch)
    note = _fetch(repository, remote, branch, offline=offline)
    theirs = repository.remote_tip(remote, branch) if remote else None
    base = repository.merge_base(tip, theirs) if tip and theirs else None
    ahead, behind = repository.ahead_behind(tip, theirs) if tip and theirs else (0, 0)
    if tip and not theirs:
        ahead = len(repository.commits_between(None, tip))
    here = {item.path: item for item in history.alterations_between(base, tip)} if tip else {}
    here |= _edits(repository, base)
    there = {item.path: item for item in history.alterations_between(base, theirs)} if theirs else {}
    return Difference(
        remote=hide_credentials(repository.remote_url(remote)) if remote else "",
        ahead=ahead,
        behind=behind,
        here=tuple(_describe(knowledge_base, history, item, there.get(path)) for path, item in sorted(here.items())),
        there=tuple(_describe(knowledge_base, history, item, here.get(path)) for path, item in sorted(there.items())),
        note=note,
    )


def _fetch(repository: Repository, remote: str | None, branch: str, *, offline: bool) -> str:
    if remote is None:
        return "this clone has no remote"
    if offline:
        return "the remote as of the last fetch"
    state, words = git.fetch(repository.root, remote, branch)
    if state in (Fetched.OK, Fetched.EMPTY):
        return ""
    return f"the remote as of the last fetch, for now {state.value}{f': {words}' if words else ''}"


def _edits(repository: Repository, base: str | None) -> dict[str, Altered]:
    """Return what a person has edited and not committed, against what both sides agreed on."""
    edited = repository.edited_files(FOLDERS)
    return {path: Altered(path, repository.read_file(base, path), data) for path, data in edited.items()}


def _describe(knowledge_base: KnowledgeBase, history: History, own: Altered, other: Altered | None) -> Differing:
    before, after = (_read(knowledge_base, own.path, data) for data in (own.before, own.after))
    shown = after or before
    return Differing(
        what="new" if own.before is None else "removed" if own.after is None else "changed",
        project=project_of(own.path) if own.path.startswith((f"{PROJECTS}/", f"{PATTERNS}/")) else "",
        path=own.path,
        claim=shown.claim if shown else "",
        fields=tuple(_changed_fields(before, after)) if before and after else (),
        conflict=_find_conflict(knowledge_base, history, own, other) if other else (),
    )


def _find_conflict(knowledge_base: KnowledgeBase, history: History, own: Altered, other: Altered) -> tuple[str, ...]:
    if own.after == other.after:
        return ()
    if own.after is None or other.after is None:
        return ("removed on one side",)
    base, mine, theirs = (_read(knowledge_base, own.path, data) for data in (own.before, own.after, other.after))
    if mine is not None and theirs is not None:
        changed = _changed_fields(base, mine).keys() & _changed_fields(base, theirs).keys()
        return tuple(
            field
            for field in Learning.__struct_fields__
            if field in changed
            and field not in DECIDED_BY_RULE
            and not _unites(getattr(mine, field), field)
            and getattr(mine, field) != getattr(theirs, field)
        )
    merged = history.merge_text(own.before or b"", own.after, other.after)
    return () if merged is not None else ("the same lines",)


def _unites(value: object, field: str) -> bool:
    """Tell whether a merge unites this field's parts; of paragraphs it cannot know which go together."""
    return isinstance(value, tuple) and field != "why"


def _changed_fields(before: Learning | None, after: Learning) -> dict[str, object]:
    fields = {field: getattr(after, field) for field in Learning.__struct_fields__}
    return {field: value for field, value in fields.items() if before is None or getattr(before, field) != value}


def _read(knowledge_base: KnowledgeBase, path: str, data: bytes | None) -> Learning | None:
    if data is None or not is_learning_path(path):
        return None
    try:
        return knowledge_base.parse(path, data)
    except (FormatError, UnicodeDecodeError, SealedError, MissingExtraError):
        return None
