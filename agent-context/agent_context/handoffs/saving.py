"""Save a handoff: put it together, clean it, write it where it belongs, commit it and send it on its way."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from agent_context.changes import write_atomically
from agent_context.claims.selection import find_exclusion
from agent_context.config import load_account
from agent_context.errors import AgentContextError, SealedError
from agent_context.git import Repository, locked
from agent_context.handoff import (
    FILES,
    SHARED,
    Handoff,
    Section,
    fit,
    list_items,
    make_portable,
    parse_handoff,
    read_sections,
    shorten,
    write_handoff,
    write_shared,
)
from agent_context.handoffs.cleaning import make_cleaner
from agent_context.handoffs.drafting import draft, drop_empty, find_template
from agent_context.handoffs.gathering import Material, find_session, gather
from agent_context.handoffs.reading import RESUMED, find_top
from agent_context.handoffs.sending import send_code
from agent_context.handoffs.writing import write_outline
from agent_context.layout import SEALED, handoff_path
from agent_context.learning import utc
from agent_context.local_learnings import PRIVATE_FILE, find_local_root, is_local, keep_files
from agent_context.projects import Projects
from agent_context.state import State
from agent_context.syncing.halves import push
from agent_context.trailers import trailers

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent_context.config import Environment
    from agent_context.harvest.extracted import Estimate
    from agent_context.knowledge import KnowledgeBase
    from agent_context.projects import Place
    from agent_context.reports import SyncReport
    from agent_context.transcripts.session import Session

DAY = 86_400
MOST_MESSAGE = 400


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asks of `save`. `text` is the Markdown of an agent or a person, None to have it made.

    `announce` is told what a model will cost before it is asked.
    """

    message: str = ""
    session: str = ""
    text: str | None = None
    writer: str = ""
    yes: bool = False
    announce: Callable[[Estimate, float | None], None] = lambda _estimate, _usd: None


@dataclass(slots=True)
class Draft:
    """A handoff as it is to be saved, with what it was made of; `notes` is what a person should know.

    `clean` takes out what must not be kept, and names it.
    """

    place: Place
    handoff: Handoff
    material: Material
    top: Path | None
    clean: Callable[[Handoff], tuple[Handoff, list[str]]]
    notes: list[str] = field(default_factory=list)

    def revise(self, markdown: str) -> None:
        """Take what a person has made of the sections."""
        self.handoff, notes = self.clean(msgspec.structs.replace(self.handoff, sections=read_sections(markdown)))
        self.notes += notes


@dataclass(slots=True)
class Saved:
    """What became of a handoff: where it lies, the branch that holds the code, and how the exchange ended."""

    project: str
    path: str
    handoff: Handoff
    code: str = ""
    notes: list[str] = field(default_factory=list)
    failed: bool = False
    report: SyncReport | None = None

    @property
    def exit_code(self) -> int:
        """Return 0, or what the exchange ended with."""
        return max(int(self.failed), self.report.exit_code if self.report else 0)


def prepare(knowledge_base: KnowledgeBase, environment: Environment, place: Place, wish: Wish) -> Draft:
    """Put a handoff together. Raise AgentContextError for a project or session that the settings leave out."""
    home = str(load_account().folder)
    top = find_top(environment, knowledge_base, place)
    projects = Projects(environment.own, knowledge_base.remotes())
    session = find_session(environment.agent_homes, wish.session, place.folder, projects)
    cwd, identity = (session.cwd, session.id) if session else (str(environment.cwd), "")
    if left_out := find_exclusion(knowledge_base.settings.sync, place.folder, cwd, identity, home):
        raise AgentContextError(
            f"{place.folder} is {left_out}, so nothing of it is kept", hint="change that setting, or the project"
        )
    material = gather(session, top)
    outline, notes = material.outline, _name_missing(wish.session, session)
    if wish.text is not None:
        sections = _complete(read_sections(wish.text), outline.files)
    else:
        outline, told = write_outline(knowledge_base, environment, material, wish)
        notes += told
        sections = draft(outline, wish.message, find_template(knowledge_base, place.folder))
    with State(environment.data_dir, knowledge_base.root, keep=False) as state:
        continues = state.fact(f"{RESUMED}{place.folder}")
    work = material.work
    handoff = Handoff(
        device=environment.machine,
        at=utc(time.time()),
        sections=sections,
        message=shorten(wish.message, MOST_MESSAGE),
        session=identity[:8],
        checkout=make_portable(str(top), "", home) if top else "",
        continues=continues,
        dirty=list_items(work.dirty) if work else (),
        unpushed=list_items(work.unpushed) if work else (),
        commit=work.head if work else "",
        branch=shorten(work.branch, MOST_MESSAGE) if work else "",
    )
    clean = make_cleaner(knowledge_base, session, place.folder, top)
    handoff, left = clean(handoff)
    return Draft(place, handoff, material, top, clean, [*notes, *left])


def save(
    knowledge_base: KnowledgeBase,
    environment: Environment,
    drafted: Draft,
    *,
    code: str = "",
    pushing: bool = True,
) -> Saved:
    """Write and commit a handoff; with `code` the work goes to that branch, with `pushing` all is exchanged.

    Raise AgentContextError, with nothing written, where nothing is left of it or a sealed project has no key here.
    """
    top, place, settings = drafted.top, drafted.place, knowledge_base.settings
    handoff = msgspec.structs.replace(drafted.handoff, sections=drop_empty(drafted.handoff.sections))
    if not handoff.sections:
        raise AgentContextError("the handoff is empty", hint="say something in it: agent-context handoff save --draft")
    handoff = fit(handoff, settings.handoff.max_chars)
    saved = Saved(place.folder, "", handoff, notes=list(drafted.notes))
    if settings.handoff.where == "project" and top is not None:
        _save_shared(top, saved)
    if code:
        _send_code(knowledge_base, environment, drafted, saved, code)
    if not saved.path:
        _save_here(knowledge_base, environment, drafted, saved, pushing=pushing and settings.sync.push)
    return saved


def _name_missing(wanted: str, session: Session | None) -> list[str]:
    """Say that the session which was asked for is not here: it may be one that keeps no record."""
    if not wanted or (session is not None and wanted in session.path.stem):
        return []
    instead = f"the project's latest was taken, {session.id[:8]}" if session else "nor any other of the project"
    return [f"there is no session {wanted} here; {instead}"]


def _complete(sections: tuple[Section, ...], files: tuple[str, ...]) -> tuple[Section, ...]:
    """Add what git knows better than who wrote the text, where that says nothing of it."""
    if not files or any(section.title == FILES for section in sections):
        return sections
    return (*sections, Section(FILES, "\n".join(f"- {file}" for file in files)))


def _save_shared(top: Path, saved: Saved) -> None:
    """Put it into ConvoSync's file in the checkout, in place of this device's earlier one."""
    file = top / SHARED
    if file.is_symlink() or file.parent.is_symlink():
        raise AgentContextError(f"{file} lies behind a symbolic link", hint="replace the link by a file of its own")
    before = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    write_atomically(file, write_shared(before, saved.handoff).encode())
    saved.path = str(file)
    saved.notes.append(f"{SHARED} is in the checkout; it reaches other machines with your next push (or --with-code)")


def _send_code(
    knowledge_base: KnowledgeBase, environment: Environment, drafted: Draft, saved: Saved, branch: str
) -> None:
    """Push the work in progress; where it does not go, that is noted, and the handoff is saved all the same."""
    work = drafted.material.work
    if work is None:
        saved.failed = True
        saved.notes.append("the code was not sent: this is no checkout of the project")
        return
    message = f"wip: {saved.handoff.message or saved.handoff.task[:60]}\n\n{trailers(environment.machine)}"
    sent = send_code(work, branch, message, environment.machine, knowledge_base.screen)
    saved.notes += sent.problems
    saved.failed = bool(sent.problems)
    if sent.commit:
        saved.code = f"{branch} {sent.commit}"
        mine = {"commit": sent.commit, "dirty": (), "unpushed": ()} if branch == work.branch else {}
        saved.handoff = msgspec.structs.replace(saved.handoff, work=saved.code, **mine)


def _save_here(
    knowledge_base: KnowledgeBase, environment: Environment, drafted: Draft, saved: Saved, *, pushing: bool
) -> None:
    project = saved.project
    data = write_handoff(saved.handoff).encode()
    if is_local(environment, knowledge_base, project):
        saved.path = str(find_local_root(environment, knowledge_base) / handoff_path(project, environment.machine))
        keep_files(environment, knowledge_base, {})
        write_atomically(Path(saved.path), data, mode=PRIVATE_FILE)
        saved.notes.append(f"{project} is local: its handoffs stay on this machine")
        return
    sealed = knowledge_base.project(project).encrypted
    saved.path = path = handoff_path(project, environment.machine, sealed=sealed)
    repository = Repository(knowledge_base.root)
    with locked(repository, knowledge_base.settings.sync.lock_seconds):
        files: dict[str, bytes | None] = {path: _seal(knowledge_base, path, data) if sealed else data}
        files |= knowledge_base.project_file_for(project, drafted.place.remote)
        files |= _find_expired(knowledge_base, environment, path)
        what = project if sealed else f"{project}: {shorten(saved.handoff.task, 60)}"
        repository.commit_files(files, f"handoff: {what}\n\n{trailers(environment.machine)}", environment.machine)
    if pushing:
        saved.report = push(knowledge_base, environment)


def _seal(knowledge_base: KnowledgeBase, path: str, data: bytes) -> bytes:
    if knowledge_base.sealer is None:
        raise SealedError(f"{path} is encrypted", hint="agent-context keys list shows which keys are here")
    return knowledge_base.sealer.seal(path, data)


def _find_expired(knowledge_base: KnowledgeBase, environment: Environment, path: str) -> dict[str, bytes | None]:
    """Return this machine's own handoffs of other projects that are older than they may grow, as files to remove."""
    days = knowledge_base.settings.retention.handoff_days
    before = utc(time.time() - days * DAY)
    expired: dict[str, bytes | None] = {}
    for project in knowledge_base.projects() if days else ():
        file = handoff_path(project, environment.machine)
        for there in (file, f"{file}{SEALED}"):
            with suppress(OSError, AgentContextError):
                text = knowledge_base.read_clear(there).decode("utf-8", "replace")
                if there != path and parse_handoff(text, there).at < before:
                    expired[there] = None
    return expired
