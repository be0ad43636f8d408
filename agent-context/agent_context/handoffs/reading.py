"""Find the handoffs at hand: the knowledge base's, a checkout's own file, what waits to be merged. Foreign text, all.

What trips the screen is named and not handed out, as with learnings.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent_context.errors import AgentContextError, FormatError
from agent_context.git import Repository, locate_checkout
from agent_context.git.work import read_from_remote
from agent_context.handoff import SHARED, parse_handoff, read_handoffs
from agent_context.layout import HANDOFFS, PROJECTS, SEALED, is_handoff_path, project_of
from agent_context.learning import name_findings
from agent_context.local_learnings import find_local_root
from agent_context.projects import identify
from agent_context.screening.actions import Origin, weigh
from agent_context.sealing import open_files
from agent_context.state import State
from agent_context.withholding import digest_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent_context.config import Environment
    from agent_context.handoff import Handoff
    from agent_context.knowledge import KnowledgeBase
    from agent_context.projects import Place

MOST_BYTES = 1_000_000
MOST_SHARED = 50
WORK_BRANCHES = "wip/"
RESUMED = "handoff resumed "  # the fact that names what this machine went on from in a project


@dataclass(frozen=True, slots=True)
class Found:
    """A handoff and where it lies. Where `withheld` says why, nothing of its text may be handed out."""

    project: str
    path: str
    handoff: Handoff
    withheld: str = ""

    @property
    def is_sealed(self) -> bool:
        """Tell whether it is encrypted in the repository: such a one is not for a site."""
        return self.path.endswith(SEALED)


def load_handoffs(
    knowledge_base: KnowledgeBase,
    project: str | None = None,
    environment: Environment | None = None,
    top: Path | None = None,
) -> list[Found]:
    """Return the handoffs of a project (or all), newest first, one of each device; what does not read is passed over.

    Without `environment` those alone that are in git's files. `top` is a checkout whose own file is read as well.
    """
    newest: dict[tuple[str, str], Found] = {}
    found = [*_read_files(knowledge_base, project, environment), *(_read_shared(top, project) if top else ())]
    for item in sorted(found, key=lambda item: item.handoff.at):
        newest[item.project, item.handoff.device] = item
    if environment is None:
        listed = [sift(knowledge_base, item) for item in newest.values()]
    else:
        with State(environment.data_dir, knowledge_base.root) as state:
            listed = [sift(knowledge_base, item, state) for item in newest.values()]
    listed.sort(key=lambda item: (item.project, item.handoff.device))
    return sorted(listed, key=lambda item: item.handoff.at, reverse=True)


def find_top(environment: Environment, knowledge_base: KnowledgeBase, place: Place) -> Path | None:
    """Return the top of the checkout around, if it is one of this project."""
    checkout = locate_checkout(environment.cwd)
    if checkout is None or identify(checkout, knowledge_base.remotes()).folder != place.folder:
        return None
    return checkout.top


def _read_files(knowledge_base: KnowledgeBase, project: str | None, environment: Environment | None) -> Iterator[Found]:
    files: dict[str, bytes | None] = dict(_read_folder(knowledge_base.root, project))
    if environment is not None:
        files |= _read_waiting(knowledge_base, environment)
        files |= _read_folder(find_local_root(environment, knowledge_base), project)
    for path, data in open_files(files, knowledge_base.sealer).items():
        if data is not None and is_handoff_path(path) and project in (None, project_of(path)):
            with suppress(FormatError):
                yield Found(project_of(path), path, parse_handoff(data.decode("utf-8", "replace"), path))


def _read_folder(root: Path, project: str | None) -> Iterator[tuple[str, bytes]]:
    for file in sorted((root / PROJECTS).glob(f"{project or '*'}/{HANDOFFS}/*")):
        if file.is_file() and not file.is_symlink() and file.stat().st_size <= MOST_BYTES:
            yield file.relative_to(root).as_posix(), file.read_bytes()


def _read_waiting(knowledge_base: KnowledgeBase, environment: Environment) -> dict[str, bytes]:
    """Return what other machines have on their branches, where main takes nothing but pull requests."""
    if knowledge_base.settings.review != "pull-request":
        return {}
    from agent_context.reports import SyncReport  # noqa: PLC0415 - 0.2 s that a branch read in the open does not pay
    from agent_context.review.proposals import Proposals  # noqa: PLC0415 - the same

    repository = Repository(knowledge_base.root)
    branch, report = repository.branch(), SyncReport(environment.machine, "", "")
    remote = repository.remote(branch)
    return Proposals(knowledge_base, repository, branch, remote, environment.machine, report).of_machines()


def _read_shared(top: Path, project: str | None) -> Iterator[Found]:
    """Read ConvoSync's file in a checkout, and as it was fetched; what stands there may be anybody's."""
    file = top / SHARED
    texts = read_from_remote(top, SHARED, f"{WORK_BRANCHES}*")
    with suppress(OSError):
        if file.is_file() and not file.is_symlink() and file.stat().st_size <= MOST_BYTES:
            texts.append(file.read_text(encoding="utf-8", errors="replace"))
    for text in texts:
        for handoff in read_handoffs(text[:MOST_BYTES])[-MOST_SHARED:]:
            yield Found(project or "", str(file), handoff)


def sift(knowledge_base: KnowledgeBase, item: Found, state: State | None = None) -> Found:
    """Return what was found with the reason why it is withheld, if the screen has one and nobody allows it.

    A text that was found clean is remembered by its hash in `state`, and not screened again.
    """
    text = "\n".join((item.handoff.message, *item.handoff.dirty, *item.handoff.unpushed, item.handoff.body))
    digest = digest_text(text, knowledge_base.settings)
    if state is not None and state.known_clean([digest]):
        return item
    findings = [finding for finding in knowledge_base.screen(text) if finding.kind != "personal"]
    reason = name_findings(weigh(findings, Origin.FOREIGN))
    if state is not None and not reason:
        state.note_clean([digest])
    return Found(item.project, item.path, item.handoff, reason)


def find_device(found: list[Found], device: str) -> Found:
    """Return the newest handoff of a device. Raise AgentContextError for none."""
    for item in found:
        if item.handoff.device == device:
            return item
    known = ", ".join(dict.fromkeys(item.handoff.device for item in found))
    raise AgentContextError(
        f"no handoff of {device} here{f': there are those of {known}' if known else ''}",
        hint="agent-context handoff list shows all; agent-context pull brings in what the remote has",
    )
