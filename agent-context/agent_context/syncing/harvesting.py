"""Read the sessions that are due and keep what they taught: in a commit, in the next proposal, or on this machine."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from agent_context.archive import ARCHIVE, Archive
from agent_context.claims.selection import LEFT_OUT, find_exclusion
from agent_context.config import load_account, load_machine_settings
from agent_context.errors import AgentContextError
from agent_context.harvest.coverage import list_unread
from agent_context.harvest.extracted import Estimate
from agent_context.harvest.extraction import Reading, find_sessions, find_silence
from agent_context.harvest.learner import Learner
from agent_context.harvest.paying import batch_strategy, engage, hold_batched
from agent_context.harvest.written import find_written
from agent_context.known_values import SessionGuard
from agent_context.layout import PROJECT_FILE, is_learning_path
from agent_context.learning import Status, utc
from agent_context.local_learnings import is_local, keep_files, load_local, take_out_local
from agent_context.machine import save_machine_settings
from agent_context.machines import (
    describe_machine,
    find_namesake,
    is_due,
    machine_file_for,
    machine_path,
    read_described,
    shorten_checkouts,
)
from agent_context.quarantine import Quarantine
from agent_context.spool import clear_spool, take_spool
from agent_context.state import LAST_COMMIT
from agent_context.trailers import trailers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent_context.config import Environment
    from agent_context.git import Files, Repository
    from agent_context.harvest.extracted import Extraction
    from agent_context.harvest.extraction import Strategy
    from agent_context.harvest.paying import Engaged
    from agent_context.knowledge import Entry, KnowledgeBase
    from agent_context.learning import Learning
    from agent_context.projects import Projects
    from agent_context.reports import SyncReport
    from agent_context.review.proposals import Proposals
    from agent_context.settings import PrivacyMode, SyncSettings
    from agent_context.state import State
    from agent_context.transcripts.session import Session

SELECTION = "selection"
WAITING_COMMIT = "waiting"
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """How one sync is done.

    `progress` is told sessions done and due, `encoding` texts given vectors and to be given them; `announce` what a
    model would be sent and its price in USD (None: not known), before it is asked; `yes` lets a run go on without a
    known price or a cap; `batch` sends it at half price.
    """

    dry_run: bool = False
    progress: Callable[[int, int], None] = lambda _done, _all: None
    encoding: Callable[[int, int], None] = lambda _done, _all: None
    announce: Callable[[Estimate, float | None], None] = lambda _estimate, _usd: None
    yes: bool = False
    batch: bool = False


@dataclass(slots=True)
class Run:
    """One sync under way: what it works with, and the report that it fills. `proposals` in pull-request mode alone."""

    knowledge_base: KnowledgeBase
    environment: Environment
    options: SyncOptions
    report: SyncReport
    repository: Repository
    state: State
    projects: Projects
    proposals: Proposals | None = None


def harvest(run: Run) -> list[Entry]:
    """Read what is due, keep what it taught, and remember that it was read. Returns the new learnings."""
    state, report = run.state, run.report
    now = time.time()
    known = (state.fact(LAST_COMMIT), state.fact(WAITING_COMMIT))
    if any(commit and not run.repository.has_commit(commit) for commit in known):
        state.forget_sessions()  # the clone was made anew, without what was learned and not pushed
    archive = _open_archive(run.environment, report)
    with _engaging(run) as engaged:
        extraction = _extract(run, engaged, archive, now)
        _account(extraction, report)
        learner = _make_learner(run)
        learner.learn(extraction, run.projects)
        if engaged is not None and not (report.dry_run or report.interrupted):
            _judge(run, engaged, learner)
    if run.proposals is not None and not report.dry_run:
        run.proposals.forget_rejected(learner.find_rejection)
    if not report.dry_run:
        _keep(run, learner, now)
    state.note_sessions(extraction.rows.values())
    for read in extraction.reads:
        state.note_records(read.records)
    state.clear_pending()
    state.set_fact(LAST_COMMIT, run.repository.tip() or "")
    state.set_fact(WAITING_COMMIT, run.proposals.waiting.commit or "" if run.proposals is not None else "")
    report.silence = find_silence(state, now)
    report.unread = list_unread(extraction.rows.values(), run.environment.claude_dir, now)
    if archive is not None:
        _tidy_archive(archive, extraction, run.environment.own.archive_mb, report)
    _remember_checkouts(run)
    if not report.dry_run:
        clear_spool(run.environment.data_dir)
    return learner.entries


def _make_learner(run: Run) -> Learner:
    quarantine = Quarantine(run.environment.data_dir, run.knowledge_base.root)
    learner = Learner(run.knowledge_base, run.environment.machine, quarantine, run.state, run.report)
    learner.written = partial(_find_written, run.projects, run.environment)
    learner.elsewhere = partial(_find_elsewhere, run)
    learner.encoding = run.options.encoding
    if run.proposals is not None:
        learner.status = Status.ACCEPTED  # arriving on main is the acceptance
    return learner


def _keep(run: Run, learner: Learner, now: float) -> None:
    """Put new files where they belong: what is local stays here, what is to be reviewed waits, the rest is in git."""
    files = {**learner.files, **_describe_births(run, learner.files), **_find_unedited(run, learner.confirmed)}
    local = take_out_local(run.environment, run.knowledge_base, files)
    if local:
        keep_files(run.environment, run.knowledge_base, local)
    if run.proposals is not None:
        files = run.proposals.add(files, learner.remarks, run.report.dropped)
    learned = any(is_learning_path(path) for path in files)
    files = {**files, **_describe_machine(run, now, riding=bool(files))}
    if files:
        message = _message(run.report, run.knowledge_base.settings.extraction.extractor) if learned else _say_seen(run)
        run.repository.commit_files(files, message, run.environment.machine)


def _describe_births(run: Run, files: Files) -> dict[str, bytes]:
    """Return the files of new projects with what it takes to start there, as far as a checkout here shows it."""
    if not any(path.endswith(f"/{PROJECT_FILE}") for path in files):
        return {}
    from agent_context.tooling.starting import describe_new  # noqa: PLC0415 - what only a new project pays

    return describe_new(files, run.projects.checkouts)


def _find_unedited(run: Run, files: dict[str, bytes]) -> dict[str, bytes | None]:
    """Return those of the files that are here as committed: an edit that waits for its person is not written over."""
    root, repository, tip = run.knowledge_base.root, run.repository, run.repository.tip()
    return {path: data for path, data in files.items() if (root / path).read_bytes() == repository.read_file(tip, path)}


def _describe_machine(run: Run, now: float, *, riding: bool) -> dict[str, bytes]:
    """Return this machine's own file where it is due: with a commit that is made anyway, alone at most once a day."""
    machine, repository = run.environment.machine, run.repository
    previous = repository.read_file(repository.tip(), machine_path(machine))
    if words := find_namesake(run.environment, previous):
        run.report.notes.append(words)
    hours = run.knowledge_base.settings.sync.machine_refresh_hours
    before = read_described(previous)
    tools = run.report.tools if run.report.tools is not None else before.tools if before is not None else {}
    riding = riding or (before is not None and before.tools != tools)
    if not is_due(previous, utc(now), riding=riding, hours=hours):
        return {}  # a sync with nothing new does not look for all sessions a second time
    agents = Counter(name for name, _ in find_sessions(run.environment.agent_homes))
    described = describe_machine(run.environment, now, repository.tip() or "", agents)
    checkouts = shorten_checkouts(_find_shared(run), load_account().folder)
    described = msgspec.structs.replace(described, tools=tools, checkouts=checkouts)
    return machine_file_for(described, previous, riding=riding, hours=hours)


def _find_shared(run: Run) -> dict[str, str]:
    """Return path to project, of the checkouts here of projects that are in git already and not this machine's own."""
    shared = set()
    for project in run.knowledge_base.projects():
        with suppress(AgentContextError):  # one whose file does not read says nothing
            shared |= set() if is_local(run.environment, run.knowledge_base, project) else {project}
    known = {**run.projects.checkouts, **run.environment.own.mappings}
    return {path: project for path, project in known.items() if project in shared}


@contextmanager
def _engaging(run: Run) -> Iterator[Engaged | None]:
    """Give the model that the settings name, none where they name none; account for what it cost."""
    settings, options = run.knowledge_base.settings, run.options
    data_dir = run.environment.data_dir
    engaged = engage(settings, data_dir, run.knowledge_base.root, options.announce, yes=options.yes)
    try:
        yield engaged
    finally:
        if engaged is not None:
            engaged.close()
            run.report.cost_usd = engaged.purse.spent_usd


def _judge(run: Run, engaged: Engaged, learner: Learner) -> None:
    """Have the model judge what is near to what is known, all in one call; where it cannot, all stays as decided."""
    near = learner.list_near()
    if not near:
        return
    from agent_context.consolidation.asking import Asker  # noqa: PLC0415 - who asks no model does not load it

    def approve(tokens: int) -> None:
        engaged.payment.approve(Estimate(1, tokens, "question about what is near"))

    asker = Asker(engaged.extractor, approve, run.knowledge_base.screen, run.report.notes)
    try:
        judged = asker.judge(near, run.state)
    except KeyboardInterrupt:
        run.report.interrupted = True
        return
    run.state.save()  # what was answered is not paid for again, whatever comes
    learner.settle(judged)


def _extract(run: Run, engaged: Engaged | None, archive: Archive | None, now: float) -> Extraction:
    """Read the sessions that are due with the extractor that is set, under its caps."""
    environment, settings, state = run.environment, run.knowledge_base.settings, run.state
    known = partial(_find_known, cache(partial(_read_claims, run.knowledge_base)), run.projects)
    homes = environment.agent_homes
    wanted = {name: folder for name, folder in homes.items() if name in (settings.sync.sources or homes)}
    guard = SessionGuard(settings, run.knowledge_base.root, partial(_find_privacy, run.knowledge_base, run.projects))
    reading = Reading(wanted, state, settings.extraction, guard, archive, known=known, progress=run.options.progress)
    reading.exclude = partial(_find_exclusion, settings.sync, run.projects)
    reading.named = take_spool(environment.data_dir, keep=run.options.dry_run)
    _follow_selection(state, settings.sync)
    ticket_file = environment.data_dir / f"{state.path.stem}.batch.json"
    reading.held = hold_batched(ticket_file, batch=run.options.batch)
    if engaged is not None:
        reading.extractor, reading.payment = engaged.extractor, engaged.payment
        reading.strategy = _choose_strategy(engaged, ticket_file, run.options)
    return reading.run(settings.sync.quiet_seconds, now)


def _remember_checkouts(run: Run) -> None:
    """Keep what git said today of each path, for the day when the path is gone."""
    environment = run.environment
    checkouts = dict(sorted(run.projects.checkouts.items()))
    if checkouts != environment.own.checkouts and not run.report.dry_run:
        own = load_machine_settings(environment.machine_file)
        save_machine_settings(environment.machine_file, msgspec.structs.replace(own, checkouts=checkouts))


def _choose_strategy(engaged: Engaged, ticket_file: Path, options: SyncOptions) -> Strategy | None:
    """Return how sessions reach a model, None for one by one. A dry run tells the price and asks nothing."""
    if options.dry_run:
        return Reading.postpone_all
    return batch_strategy(engaged, ticket_file) if options.batch else None


def _find_known(claims: Callable[[str], list[str]], projects: Projects, session: Session) -> list[str]:
    """Return the claims that the session's project has already, whatever became of them."""
    return claims(projects.place(session).folder)


def _read_claims(knowledge_base: KnowledgeBase, project: str) -> list[str]:
    return [entry.learning.claim for entry in knowledge_base.load(project).entries]


def _find_exclusion(sync: SyncSettings, projects: Projects, session: Session) -> str:
    return find_exclusion(sync, projects.place(session).folder, session.cwd, session.id, str(load_account().folder))


def _find_privacy(knowledge_base: KnowledgeBase, projects: Projects, session: Session) -> PrivacyMode | Literal[""]:
    """Return the privacy mode of the session's project; a project file that does not read asks for none of its own."""
    with suppress(AgentContextError):
        return knowledge_base.project(projects.place(session).folder).privacy
    return ""


def _follow_selection(state: State, sync: SyncSettings) -> None:
    """Look again at what was left out, when the settings that left it out have changed."""
    selection = repr((sync.include, sync.exclude, sync.exclude_paths, sync.exclude_sessions))
    if state.fact(SELECTION) != selection:
        state.forget_outcomes(LEFT_OUT)
        state.set_fact(SELECTION, selection)


def _find_elsewhere(run: Run, project: str) -> list[Learning]:
    """Return the project's learnings that are not in the worktree: local ones, and those that wait or are proposed."""
    local = [entry.learning for entry in load_local(run.environment, run.knowledge_base, project)]
    proposed = run.proposals.known() if run.proposals is not None else ()
    return [*local, *(item.learning for item in proposed if item.project == project)]


def _find_written(projects: Projects, environment: Environment, project: str) -> dict[str, str]:
    """Return what the rule files of this project's checkouts on this machine say."""
    known = {**projects.checkouts, **environment.own.mappings}
    return find_written((Path(path) for path, folder in known.items() if folder == project), environment.claude_dir)


def _open_archive(environment: Environment, report: SyncReport) -> Archive | None:
    """Return where sessions are copied to, unless that is switched off or nothing may be written."""
    if report.dry_run or environment.own.archive_mb <= 0:
        return None
    return Archive(environment.data_dir / ARCHIVE)


def _tidy_archive(archive: Archive, extraction: Extraction, cap_mb: int, report: SyncReport) -> None:
    """Mark the copies of what was read, and keep the whole within its size."""
    for name, path in extraction.kept:
        if extraction.rows[str(path)].read:
            with suppress(OSError, AgentContextError):
                archive.keep(name, path, read=True)
    report.archived = len(extraction.kept)
    pruned = archive.prune(cap_mb * MEGABYTE) if extraction.kept else None
    if pruned and pruned.names:
        report.notes.append(f"{len(pruned.names)} oldest copies left the archive, which may hold {cap_mb} MB")


def _account(extraction: Extraction, report: SyncReport) -> None:
    report.found = extraction.found
    report.bytes_read = sum(row.size for row in extraction.rows.values() if row.read)
    report.read = len(extraction.reads)
    report.skipped = dict(sorted(extraction.skipped.items()))
    report.lost = extraction.lost
    report.broken_lines = extraction.broken_lines
    report.unknown_records = dict(sorted(extraction.unknown_records.items()))
    report.failures = extraction.failures
    report.interrupted = extraction.interrupted


def _message(report: SyncReport, extractor: str) -> str:
    projects = sorted({learned.project for learned in report.learned})
    count = f"{len(report.learned)} learning{'s' * (len(report.learned) > 1)}"
    where = projects[0] if len(projects) == 1 else f"{len(projects)} projects"
    what = [f"{count} in {where}"] if projects else []
    what += [f"{len(report.confirmed)} confirmed"] if report.confirmed else []
    told = trailers(report.machine, sync=report.sync, extractor=extractor, sessions=report.read)
    again = "".join(f"confirmed {item.id}: {item.reason}\n" for item in report.confirmed)
    return f"learn: {', '.join(what)}\n\n{again}{told}"


def _say_seen(run: Run) -> str:
    return f"machine: {run.report.machine}\n\n{trailers(run.report.machine)}"
