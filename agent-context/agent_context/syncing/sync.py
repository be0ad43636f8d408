"""The main job: sessions in, learnings kept, exchanged with the remote, handed to agents; all reported."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from agent_context.errors import AgentContextError
from agent_context.git import Repository, locked
from agent_context.git.refs import Refs
from agent_context.history.rollback import new_sync_id
from agent_context.journal import Entry, Journal, Steps
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
        proposals = (
            Proposals(knowledge_base, repository, exchange.branch, exchange.remote, environment.machine, report)
            if report.reviewed
            else None
        )
        before = repository.tip()
        with steps("edits"):
            commit_edits(repository, environment.machine, report, knowledge_base)
        with steps("fetch"):
            _bring_in(exchange, proposals, report)
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


def _bring_in(exchange: Exchange, proposals: Proposals | None, report: SyncReport) -> None:
    """Take in what the remote has, and what became of what was proposed."""
    if report.dry_run:
        return
    if proposals is not None:
        proposals.ask()
    exchange.bring_in()
    if proposals is not None:
        proposals.take_stock(utc(time.time()))


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
