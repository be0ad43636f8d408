"""The main job: sessions in, learnings kept, exchanged with the remote, handed to agents; all reported."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from agent_context.errors import AgentContextError
from agent_context.git import Repository, locked
from agent_context.git.refs import Refs
from agent_context.history.rollback import new_sync_id
from agent_context.journal import Entry, Journal, Steps
from agent_context.layout import TOOLING
from agent_context.learning import utc
from agent_context.projects import Projects
from agent_context.quarantine import Quarantine
from agent_context.reports import SyncReport
from agent_context.review.pending import PULL_REQUEST, forget_waiting, release_waiting
from agent_context.review.proposals import Proposals
from agent_context.state import State
from agent_context.syncing.exchange import open_exchange
from agent_context.syncing.handing import hand_out
from agent_context.syncing.handwork import commit_edits, keep_rejections
from agent_context.syncing.harvesting import Run, SyncOptions, harvest
from agent_context.syncing.indexing import bring_up_to_date
from agent_context.trailers import trailers
from agent_context.waiting import REF as WAITING

if TYPE_CHECKING:
    from agent_context.config import Environment
    from agent_context.knowledge import KnowledgeBase
    from agent_context.syncing.exchange import Exchange

DAY = 86_400

__all__ = ["SyncOptions", "sync"]


def sync(knowledge_base: KnowledgeBase, environment: Environment, options: SyncOptions | None = None) -> SyncReport:
    """Do the whole job once. Raise AgentContextError, with nothing lost, where it cannot be done at all."""
    started = time.monotonic()
    options = options or SyncOptions()
    report = SyncReport(
        environment.machine, str(knowledge_base.root), str(environment.claude_dir / "projects"), options.dry_run
    )
    report.sync = new_sync_id()
    steps = Steps()
    failed = ""
    try:
        _sync(knowledge_base, environment, options, report, steps)
    except AgentContextError as error:
        failed = error.message
        raise
    finally:
        report.seconds = round(time.monotonic() - started, 2)
        report.steps = steps.seconds
        if not options.dry_run:
            _note(knowledge_base, environment, report, failed)
    return report


def _sync(
    knowledge_base: KnowledgeBase, environment: Environment, options: SyncOptions, report: SyncReport, steps: Steps
) -> None:
    settings = knowledge_base.settings
    repository = Repository(knowledge_base.root)
    exchange = open_exchange(knowledge_base, repository, environment.machine, report)
    report.reviewed = settings.review == PULL_REQUEST
    with locked(repository, settings.sync.lock_seconds, dry_run=options.dry_run):
        proposals = open_proposals(knowledge_base, repository, exchange, report)
        before = repository.tip()
        with steps("edits"):
            commit_edits(repository, environment.machine, report, knowledge_base)
        with steps("fetch"):
            bring_in(exchange, proposals, report)
        with steps("tooling"):
            _bring_tooling(knowledge_base, environment, report)
        with State(environment.data_dir, knowledge_base.root, keep=not options.dry_run) as state:
            projects = Projects(environment.own, knowledge_base.remotes())
            run = Run(knowledge_base, environment, options, report, repository, state, projects, proposals)
            if not options.dry_run:
                _follow_mode(run)
                keep_rejections(repository, before, state, report, knowledge_base.sealer)
            with steps("sessions"):
                learned = harvest(run)
            state.save()
            with steps("push"):
                _send(exchange, run)
            with steps("agents"):
                new = learned if options.dry_run else ()
                hand_out(knowledge_base, environment, projects, state, report, new)
            with steps("search"):
                bring_up_to_date(knowledge_base, environment, state, report, options.encoding)
            with steps("live"):
                _share_sessions(run, exchange)


def open_proposals(
    knowledge_base: KnowledgeBase, repository: Repository, exchange: Exchange, report: SyncReport
) -> Proposals | None:
    """Return the proposals of this clone where they are reviewed, or none where learnings go to main directly."""
    if knowledge_base.settings.review != PULL_REQUEST:
        return None
    return Proposals(knowledge_base, repository, exchange.branch, exchange.remote, report.machine, report)


def bring_in(exchange: Exchange, proposals: Proposals | None, report: SyncReport) -> None:
    """Take in what the remote has, and what became of what was proposed."""
    if report.dry_run:
        return
    if proposals is not None:
        proposals.ask()
    exchange.bring_in()
    if proposals is not None:
        proposals.take_stock(utc(time.time()))


def _bring_tooling(knowledge_base: KnowledgeBase, environment: Environment, report: SyncReport) -> None:
    """Bring this machine's agents the tools that the registry has and a person here trusts; the rest is named."""
    folder = knowledge_base.root / TOOLING
    listed = {item.name for item in folder.iterdir()} if folder.is_dir() else set()
    if not listed - {"machines", "README.md"} and not (environment.config_dir / "tooling").exists():
        return
    from agent_context.tooling.bringing import bring  # noqa: PLC0415 - what a sync without tools does not pay

    try:
        bring(knowledge_base, environment, report)
    except AgentContextError as error:
        report.problems.append(error.advice)


def _follow_mode(run: Run) -> None:
    """Commit what waited to be proposed where the knowledge base is reviewed directly now."""
    if run.proposals is None and Refs(run.repository).tip(WAITING):
        files = release_waiting(run.knowledge_base, run.repository)
        if files:
            told = trailers(run.environment.machine, sync=run.report.sync)
            run.repository.commit_files(
                files, f"review: {len(files)} that waited, unreviewed\n\n{told}", run.environment.machine
            )
        forget_waiting(run.repository)


def _send(exchange: Exchange, run: Run) -> None:
    """Push what is new, or propose it; an interrupted sync sends nothing."""
    report = run.report
    if report.dry_run:
        report.unpushed = exchange.count_unpushed() + bool(report.edits) + bool(report.learned or report.confirmed)
    elif run.knowledge_base.settings.sync.push and not report.interrupted:
        # An empty remote has no main yet to propose to.
        if run.proposals is not None and exchange.has_seen():
            run.proposals.send()
        else:
            exchange.push()


def _share_sessions(run: Run, exchange: Exchange) -> None:
    """Tell other machines what is at work here, where the settings say so; what could not be told is a note."""
    if run.report.dry_run or run.report.waiting or run.report.interrupted:
        return
    from agent_context.live.sharing import share  # noqa: PLC0415 - where nothing is shared, after all that matters

    run.report.notes += share(run.knowledge_base, run.environment, exchange.remote)


def _note(knowledge_base: KnowledgeBase, environment: Environment, report: SyncReport, failed: str) -> None:
    """Write the sync down in the journal, and let go of what is kept only for so many days."""
    journal = Journal(environment.data_dir)
    journal.append(_journal_entry(report, failed))
    retention = knowledge_base.settings.retention
    if retention.journal_days:
        journal.prune(utc(time.time() - retention.journal_days * DAY))
    if retention.quarantine_days:
        Quarantine(environment.data_dir, knowledge_base.root).prune(utc(time.time() - retention.quarantine_days * DAY))


def _journal_entry(report: SyncReport, failed: str) -> Entry:
    return Entry(
        at=utc(time.time()),
        knowledge_base=report.knowledge_base,
        seconds=report.seconds,
        exit_code=report.exit_code if not failed else 1,
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
        sync=report.sync,
        steps=report.steps,
        bytes_read=report.bytes_read,
        retries=report.retries,
        conflicts=report.conflicts,
        failures=len(report.failures),
        learnings=report.learnings,
        error=failed,
    )
