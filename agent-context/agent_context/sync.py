"""The main job: sessions in, learnings committed, exchanged with the remote, handed to agents; all reported."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from agent_context import changes
from agent_context.archive import Archive
from agent_context.coverage import list_unread
from agent_context.errors import AgentContextError
from agent_context.exchange import TRAILER, Exchange
from agent_context.extraction import Reading, find_silence
from agent_context.git import Repository, locked
from agent_context.handwork import commit_edits, keep_rejections
from agent_context.journal import Entry, Journal
from agent_context.learner import Learner
from agent_context.learning import utc
from agent_context.machine import save_machine_settings
from agent_context.paying import batch_strategy, engage, hold_batched
from agent_context.projects import Projects
from agent_context.publishing import plan_snippets
from agent_context.reports import SyncReport
from agent_context.sealing import seal_resolver
from agent_context.state import LAST_COMMIT, State
from agent_context.withholding import sift
from agent_context.written import find_written

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent_context.config import Environment
    from agent_context.extraction import Estimate, Extraction, Strategy
    from agent_context.knowledge import Entry as EntryOfKnowledge
    from agent_context.knowledge import KnowledgeBase
    from agent_context.paying import Engaged
    from agent_context.publishing import SnippetPlan
    from agent_context.transcripts.session import Session

ARCHIVE = "archive"
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """How one sync is done.

    `progress` is told sessions done and due; `announce` what a model would be sent and its price in USD (None: not
    known), before it is asked; `yes` lets a run go on without a known price or a cap; `batch` sends it at half price.
    """

    dry_run: bool = False
    progress: Callable[[int, int], None] = lambda _done, _all: None
    announce: Callable[[Estimate, float | None], None] = lambda _estimate, _usd: None
    yes: bool = False
    batch: bool = False


@dataclass(slots=True)
class Run:
    """One sync under way: what it works with, and the report that it fills."""

    knowledge_base: KnowledgeBase
    environment: Environment
    options: SyncOptions
    report: SyncReport
    repository: Repository
    exchange: Exchange
    state: State
    projects: Projects


def sync(knowledge_base: KnowledgeBase, environment: Environment, options: SyncOptions | None = None) -> SyncReport:
    """Do the whole job once. Raise AgentContextError, with nothing lost, where it cannot be done at all."""
    started = time.monotonic()
    options = options or SyncOptions()
    settings = knowledge_base.settings
    report = SyncReport(
        environment.machine, str(knowledge_base.root), str(environment.claude_dir / "projects"), options.dry_run
    )
    repository = Repository(knowledge_base.root)
    branch = repository.branch()
    exchange = Exchange(repository, branch, repository.remote(branch), environment.machine, settings.template, report)
    exchange.resolve = seal_resolver(exchange.resolve, knowledge_base.sealer)
    with locked(repository, settings.sync.lock_seconds, dry_run=options.dry_run):
        before = repository.tip()
        commit_edits(repository, environment.machine, report, knowledge_base.sealer)
        if not options.dry_run:
            exchange.bring_in()
        with State(environment.data_dir, knowledge_base.root, keep=not options.dry_run) as state:
            projects = Projects(environment.own, knowledge_base.remotes())
            run = Run(knowledge_base, environment, options, report, repository, exchange, state, projects)
            if not options.dry_run:
                keep_rejections(repository, before, state, report, knowledge_base.sealer)
            learned = _learn(run)
            state.save()
            if options.dry_run:
                report.unpushed = exchange.count_unpushed() + bool(report.edits) + bool(report.learned)
            elif settings.sync.push and not report.interrupted:
                exchange.push()
            _hand_out(run, learned)
    report.seconds = round(time.monotonic() - started, 2)
    if not options.dry_run:
        Journal(environment.data_dir).append(_journal_entry(report))
    return report


def _learn(run: Run) -> list[EntryOfKnowledge]:
    """Read what is due, commit what it taught, and remember that it was read. Returns the new learnings."""
    state, report = run.state, run.report
    now = time.time()
    last = state.fact(LAST_COMMIT)
    if last and not run.repository.has_commit(last):
        state.forget_sessions()
    archive = _open_archive(run.environment, report)
    extraction = _extract(run, archive, now)
    _account(extraction, report)
    written = partial(_find_written, run.projects, run.environment)
    learner = Learner(run.knowledge_base, run.environment.machine, state, report, written=written)
    learner.learn(extraction, run.projects)
    if learner.files and not report.dry_run:
        message = _message(report, run.knowledge_base.settings.extraction.extractor)
        run.repository.commit_files(learner.files, message, run.environment.machine)
    state.note_sessions(extraction.rows.values())
    for read in extraction.reads:
        state.note_records(read.records)
    state.clear_pending()
    state.set_fact(LAST_COMMIT, run.repository.tip() or "")
    report.silence = find_silence(state, now)
    report.unread = list_unread(extraction.rows.values(), run.environment.claude_dir, now)
    if archive is not None:
        _tidy_archive(archive, extraction, run.environment.own.archive_mb, report)
    _remember_checkouts(run)
    return learner.entries


def _extract(run: Run, archive: Archive | None, now: float) -> Extraction:
    """Read the sessions that are due with the extractor that is set, under its caps."""
    environment, settings, state = run.environment, run.knowledge_base.settings, run.state
    known = partial(_find_known, cache(partial(_read_claims, run.knowledge_base)), run.projects)
    reading = Reading(
        environment.agent_homes, state, settings.extraction, archive, known=known, progress=run.options.progress
    )
    engaged = engage(settings, environment.data_dir, run.knowledge_base.root, run.options.announce, yes=run.options.yes)
    ticket_file = environment.data_dir / f"{state.path.stem}.batch.json"
    reading.held = hold_batched(ticket_file, batch=run.options.batch)
    if engaged is not None:
        reading.extractor, reading.payment = engaged.extractor, engaged.payment
        reading.strategy = _choose_strategy(engaged, ticket_file, run.options)
    try:
        return reading.run(settings.sync.quiet_seconds, now)
    finally:
        if engaged is not None:
            engaged.close()
            run.report.cost_usd = engaged.purse.spent_usd


def _remember_checkouts(run: Run) -> None:
    """Keep what git said today of each path, for the day when the path is gone."""
    environment = run.environment
    own = msgspec.structs.replace(environment.own, checkouts=dict(sorted(run.projects.checkouts.items())))
    if own.checkouts != environment.own.checkouts and not run.report.dry_run:
        save_machine_settings(environment.machine_file, own)


def _hand_out(run: Run, learned: list[EntryOfKnowledge]) -> None:
    """Bring what agents are given up to date, and name the files that do not read."""
    contents = run.knowledge_base.load()
    unread = [error.advice for error in contents.problems]
    run.report.problems += [advice for advice in unread if advice not in run.report.problems]
    entries = [*contents.entries, *learned] if run.report.dry_run else contents.entries
    settings = run.knowledge_base.settings
    sifted = sift(entries, settings, run.state)
    run.report.withheld = [f"{item.entry.project}/{item.entry.learning.id} ({item.reason})" for item in sifted.withheld]
    if settings.snippet.install:
        _publish(plan_snippets(sifted.entries, settings.snippet, run.environment, run.projects), run.report)


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


def _journal_entry(report: SyncReport) -> Entry:
    return Entry(
        at=utc(time.time()),
        knowledge_base=report.knowledge_base,
        seconds=report.seconds,
        exit_code=report.exit_code,
        found=report.found,
        read=report.read,
        lost=len(report.lost),
        candidates=report.candidates,
        learned=len(report.learned),
        dropped=len(report.dropped),
        brought_in=report.brought_in,
        pushed=report.pushed,
        blocked=len(report.blocked),
        waiting=report.waiting,
    )


def _account(extraction: Extraction, report: SyncReport) -> None:
    report.found = extraction.found
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
    return f"learn: {count} in {where}\n\n{TRAILER}{report.machine}\nSessions: {report.read}\nExtractor: {extractor}\n"


def _publish(plan: SnippetPlan, report: SyncReport) -> None:
    report.notes += plan.notes
    for project, group in plan.changes.items():
        for change in group:
            try:
                if not report.dry_run:
                    changes.apply([change])
                report.snippets.append(f"{project}: {change.path}")
            except AgentContextError as error:
                report.problems.append(error.advice)
