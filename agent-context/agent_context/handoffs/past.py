"""The handoffs of the past: git keeps every version of a device's file; here they are listed, found and compared."""

from __future__ import annotations

import difflib
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent_context.errors import AgentContextError, FormatError
from agent_context.git import Repository
from agent_context.git.versions import list_versions
from agent_context.handoff import Handoff, parse_handoff, write_handoff
from agent_context.handoffs.reading import Found, sift
from agent_context.layout import HANDOFFS, PROJECTS, SEALED, is_handoff_path, project_of
from agent_context.sealing import open_files

if TYPE_CHECKING:
    from agent_context.knowledge import KnowledgeBase

BACK = re.compile(r"(.+)~(\d{1,4})")
SHORT = 10
MOST = 1_000


@dataclass(frozen=True, slots=True)
class Past:
    """One version of a device's handoff: the commit that wrote it, and the handoff as it was then."""

    commit: str
    project: str
    path: str
    handoff: Handoff
    withheld: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """A version in which all words of a search stand, with the lines in which they do."""

    past: Past
    lines: tuple[str, ...]


def list_past(
    knowledge_base: KnowledgeBase, project: str | None = None, device: str = "", *, limit: int = MOST
) -> list[Past]:
    """Return the versions of a project's handoffs (or all), newest first, not screened; what does not read is left."""
    spec = f":(glob){PROJECTS}/{project or '*'}/{HANDOFFS}/{device or '*'}.md"
    repository = Repository(knowledge_base.root)
    found: list[Past] = []
    if repository.tip() is None:
        return found
    for version in list_versions(knowledge_base.root, spec, f"{spec}{SEALED}"):
        if len(found) >= limit:
            break
        data = {version.path: repository.read_file(version.commit, version.path)}
        clear = open_files(data, knowledge_base.sealer).get(version.path)
        if clear is not None and is_handoff_path(version.path):
            with suppress(FormatError):
                handoff = parse_handoff(clear.decode("utf-8", "replace"), version.path)
                found.append(Past(version.commit, project_of(version.path), version.path, handoff))
    return found


def screen_past(knowledge_base: KnowledgeBase, past: Past) -> Past:
    """Return a version with the reason why it is withheld, if there is one."""
    found = sift(knowledge_base, Found(past.project, past.path, past.handoff))
    return replace(past, withheld=found.withheld)


def search_past(knowledge_base: KnowledgeBase, query: str, project: str | None = None, *, limit: int = 20) -> list[Hit]:
    """Return the versions that hold every word of a query, newest first; of equal lines the newest version alone."""
    words = [word.casefold() for word in query.split()]
    hits: list[Hit] = []
    seen: set[tuple[str, tuple[str, ...]]] = set()
    for past in list_past(knowledge_base, project) if words else ():
        text = write_handoff(past.handoff)
        lines = tuple(line for line in text.splitlines() if any(word in line.casefold() for word in words))
        key = (past.path, lines)
        if key not in seen and all(word in text.casefold() for word in words):
            seen.add(key)
            hits += [Hit(past, lines)] if not screen_past(knowledge_base, past).withheld else []
        if len(hits) == limit:
            break
    return hits


def find_past(knowledge_base: KnowledgeBase, name: str, project: str) -> Past:
    """Return a version by its device (`laptop`), so many before (`laptop~2`), or its commit. Raise for none."""
    back = BACK.fullmatch(name)
    device, count = (back.group(1), int(back.group(2))) if back else (name, 0)
    versions = list_past(knowledge_base, project)
    of_device = [item for item in versions if item.handoff.device == device]
    of_commit = [item for item in versions if len(name) >= SHORT // 2 and item.commit.startswith(name)]
    found = of_device[count : count + 1] or of_commit[:1]
    found = [screen_past(knowledge_base, item) for item in found]
    if not found or found[0].withheld:
        why = f" is withheld: {found[0].withheld}" if found else " is none of this project's handoffs"
        raise AgentContextError(
            f"{name}{why}", hint="agent-context handoff history names them: a device, DEVICE~1, a commit"
        )
    return found[0]


def compare_past(first: Past, second: Past) -> list[str]:
    """Return the lines of a unified diff from one version to another, headed by what they are."""
    before, after = (write_handoff(item.handoff).splitlines() for item in (first, second))
    old, new = (f"{item.handoff.device} {item.handoff.at} {item.commit[:SHORT]}" for item in (first, second))
    return list(difflib.unified_diff(before, after, old, new, n=1, lineterm=""))
