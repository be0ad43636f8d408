"""The main job: sessions in, learnings committed, exchanged with the remote, handed to agents; all reported."""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from filelock import FileLock, Timeout

from agent_context import changes
from agent_context.archive import Archive
from agent_context.coverage import list_unread
from agent_context.edits import MOST_REJECTIONS, collect_edits, reject_deleted
from agent_context.encoders import load_encoder
from agent_context.errors import AgentContextError
from agent_context.exchange import TRAILER, Exchange
from agent_context.extraction import NANOSECONDS, Reading, find_silence, screen_candidate
from agent_context.git import Repository
from agent_context.journal import Entry, Journal
from agent_context.knowledge import Entry as EntryOfKnowledge
from agent_context.layout import FOLDERS, PATTERNS, is_learning_path
from agent_context.learning import Learning, Source, Status, Verdict, learning_id, normalise_claim, one_paragraph, utc
from agent_context.machine import save_machine_settings
from agent_context.paying import batch_strategy, engage, hold_batched
from agent_context.projects import Place, Projects
from agent_context.publishing import plan_snippets
from agent_context.reports import Dropped, Learned, SyncReport
from agent_context.state import State
from agent_context.written import find_written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent_context.config import Environment
    from agent_context.consolidation import Consolidation
    from agent_context.encoders import Encoder
    from agent_context.extraction import Estimate, Extraction, Strategy
    from agent_context.knowledge import KnowledgeBase
    from agent_context.learning import Candidate
    from agent_context.paying import Engaged
    from agent_context.publishing import SnippetPlan
    from agent_context.transcripts.session import Session

LAST_COMMIT = "commit"
OVER_LIMIT = "too many of one session"
ARCHIVE = "archive"
MEGABYTE = 1_000_000


@dataclass(slots=True)
class Learner:
    """Turns candidates into learnings of their projects, dropping with a reason what must not or need not be kept."""

    knowledge_base: KnowledgeBase
    machine: str
    state: State
    report: SyncReport
    status: Status = Status.UNREVIEWED
    written: Callable[[str], dict[str, str]] = lambda _: {}
    files: dict[str, bytes | None] = field(default_factory=dict)
    entries: list[EntryOfKnowledge] = field(default_factory=list)
    _encoder: Encoder | None = None
    _known: dict[str, Consolidation] = field(default_factory=dict)

    def learn(self, extraction: Extraction, projects: Projects) -> None:
        """Take every candidate of the sessions read."""
        # Sessions that name their repository come first: they tell whose path it is that others share.
        for read in sorted(extraction.reads, key=lambda read: not read.session.pull_requests):
            place = projects.place(read.session)
            if place.guessed and read.candidates:
                self.report.guessed[read.session.cwd or str(read.session.path.parent)] = place.folder
            fallback = utc(extraction.rows[str(read.session.path)].mtime_ns / NANOSECONDS)
            learned = 0
            limit = self.knowledge_base.settings.extraction.per_session
            for candidate in read.candidates:
                if learned >= limit:
                    self.report.candidates += 1
                    detail = f"at most {limit} (per_session)"
                    self.report.dropped.append(
                        Dropped(place.folder, candidate.session, OVER_LIMIT, detail, candidate.claim)
                    )
                elif self.take(candidate, place, candidate.at or read.session.started or fallback):
                    learned += 1

    def take(self, candidate: Candidate, place: Place, at: str) -> Learned | None:
        """Make one candidate a learning, or drop it with the reason in the report."""
        self.report.candidates += 1
        findings = screen_candidate(candidate)
        if findings:
            reason = f"{findings[0].kind}: {findings[0].rule}"
            self.report.dropped.append(Dropped(place.folder, candidate.session, reason, findings[0].masked))
            return None
        learning = self._make(candidate, place.folder, at)
        if not normalise_claim(learning.claim):
            self.report.dropped.append(Dropped(place.folder, candidate.session, "no words", "the claim is empty"))
            return None
        known = self._consolidation(place.folder)
        decision = known.decide(learning.claim, learning.id)
        if decision.verdict is not Verdict.NEW:
            detail = f"{decision.twin} ({decision.reason})"
            self.report.dropped.append(
                Dropped(place.folder, candidate.session, decision.verdict.value, detail, learning.claim)
            )
            return None
        known.add(learning)
        self.files.update(self.knowledge_base.project_file_for(place.folder, place.remote))
        path, data = self.knowledge_base.file_for(place.folder, learning)
        self.files[path] = data
        self.entries.append(EntryOfKnowledge(place.folder, path, learning))
        learned = Learned(place.folder, learning.id, learning.claim, path)
        self.report.learned.append(learned)
        return learned

    def _make(self, candidate: Candidate, project: str, at: str) -> Learning:
        claim = one_paragraph(candidate.claim)
        speaker = candidate.evidence[0].speaker
        source = Source(self.machine, candidate.session, at, speaker, extractor=candidate.extractor)
        return Learning(
            id=learning_id(project, claim),
            kind=candidate.kind,
            status=self.status,
            created=at,
            claim=claim,
            tags=candidate.tags,
            paths=candidate.paths,
            sources=(source,),
            why=tuple(one_paragraph(part) for part in candidate.why.split("\n\n") if part.strip()),
            evidence=tuple(dict.fromkeys(quote.quote.strip() for quote in candidate.evidence)),
        )

    def _consolidation(self, project: str) -> Consolidation:
        from agent_context.consolidation import Consolidation  # noqa: PLC0415 - what a sync without news does not pay

        if project not in self._known:
            if not self.report.encoder:
                self._encoder, self.report.encoder = load_encoder(self.knowledge_base.settings.consolidation.encoder)
            entries = [*self.knowledge_base.load(project).entries, *self.knowledge_base.load(PATTERNS).entries]
            learnings = (entry.learning for entry in entries)
            self._known[project] = Consolidation(learnings, self._encoder, self.state, self.written(project))
        return self._known[project]


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
    with locked(repository, settings.sync.lock_seconds, dry_run=options.dry_run):
        if not options.dry_run:
            repository.finish_move()
        before = repository.tip()
        commit_edits(repository, environment.machine, report)
        if not options.dry_run:
            exchange.bring_in()
        with State(environment.data_dir, knowledge_base.root, keep=not options.dry_run) as state:
            if not options.dry_run:
                _keep_rejections(repository, before, state, report)
            projects = Projects(environment.own, knowledge_base.remotes())
            learned = _learn(knowledge_base, environment, projects, repository, state, options, report)
        if options.dry_run:
            report.unpushed = exchange.count_unpushed() + bool(report.edits) + bool(report.learned)
        elif settings.sync.push and not report.interrupted:
            exchange.push()
    contents = knowledge_base.load()
    unread = [error.advice for error in contents.problems]
    report.problems += [advice for advice in unread if advice not in report.problems]
    if settings.snippet.install:
        entries = [*contents.entries, *learned] if options.dry_run else contents.entries
        _publish(plan_snippets(entries, settings.snippet, environment, projects), report)
    report.seconds = round(time.monotonic() - started, 2)
    if not options.dry_run:
        Journal(environment.data_dir).append(_journal_entry(report))
    return report


@contextmanager
def locked(repository: Repository, seconds: int, *, dry_run: bool = False) -> Iterator[None]:
    """Hold the clone's one lock. Raise AgentContextError when another process keeps it longer than `seconds`."""
    if dry_run:
        yield
        return
    try:
        with FileLock(repository.lock_path, timeout=seconds):
            yield
    except Timeout:
        raise AgentContextError(
            f"another agent-context has been at work on {repository.root} for {seconds} s",
            hint="wait for it to end, then run this again",
        ) from None


def commit_edits(repository: Repository, machine: str, report: SyncReport) -> None:
    """Commit what a person edited by hand and what reads; the rest is named in `report.problems`."""
    edited = repository.edited_files(FOLDERS)
    committed = {path: repository.read_file(repository.tip(), path) for path, data in edited.items() if data is None}
    edits = collect_edits(edited, committed, machine, utc(time.time()))
    report.problems += edits.problems
    report.edits = sorted(edits.files)
    report.rejected = edits.rejected
    if edits.files and not report.dry_run:
        count = f"{len(edits.files)} file{'s' * (len(edits.files) > 1)}"
        repository.commit_files(edits.files, f"edit: {count} by hand\n\n{TRAILER}{machine}\n", machine)


def _keep_rejections(repository: Repository, before: str | None, state: State, report: SyncReport) -> None:
    """Bring learnings back as rejected that somebody deleted in a commit since the last sync, here or on the forge.

    Many gone at once are no decisions about each: these stay gone, and are named.
    """
    last = state.fact(LAST_COMMIT)
    old, new = last if last and repository.has_commit(last) else before, repository.tip()
    if old is None or new is None or old == new:
        return
    if any(commit.message.startswith("init: ") for commit in repository.commits_between(old, new)):
        return  # the template's own learnings were taken out, which is nobody's rejection
    removed = {path: data for path, data in repository.removed_between(old, new).items() if is_learning_path(path)}
    if len(removed) > MOST_REJECTIONS:
        report.notes.append(f"{len(removed)} learnings were removed in commits at once; sessions may bring them back")
        return
    files = {path: reject_deleted(path, data, report.machine, utc(time.time())) for path, data in removed.items()}
    files = {path: data for path, data in files.items() if data is not None}
    if files:
        message = f"review: {len(files)} deleted, kept as rejected\n\n{TRAILER}{report.machine}\n"
        repository.commit_files(files, message, report.machine)
        report.rejected += sorted(files)


def _learn(  # noqa: PLR0913 - all that one sync works with
    knowledge_base: KnowledgeBase,
    environment: Environment,
    projects: Projects,
    repository: Repository,
    state: State,
    options: SyncOptions,
    report: SyncReport,
) -> list[EntryOfKnowledge]:
    settings = knowledge_base.settings
    now = time.time()
    last = state.fact(LAST_COMMIT)
    if last and not repository.has_commit(last):
        state.forget_sessions()
    archive = _open_archive(environment, report)
    known = partial(_find_known, cache(partial(_read_claims, knowledge_base)), projects)
    reading = Reading(
        environment.agent_homes, state, settings.extraction, archive, known=known, progress=options.progress
    )
    engaged = engage(settings, environment.data_dir, knowledge_base.root, options.announce, yes=options.yes)
    ticket_file = environment.data_dir / f"{state.path.stem}.batch.json"
    reading.held = hold_batched(ticket_file, batch=options.batch)
    if engaged is not None:
        reading.extractor, reading.payment = engaged.extractor, engaged.payment
        reading.strategy = _choose_strategy(engaged, ticket_file, options)
    try:
        extraction = reading.run(settings.sync.quiet_seconds, now)
    finally:
        if engaged is not None:
            engaged.close()
            report.cost_usd = engaged.purse.spent_usd
    _account(extraction, report)
    written = partial(_find_written, projects, environment)
    learner = Learner(knowledge_base, environment.machine, state, report, written=written)
    learner.learn(extraction, projects)
    if learner.files and not report.dry_run:
        repository.commit_files(learner.files, _message(report, settings.extraction.extractor), environment.machine)
    state.note_sessions(extraction.rows.values())
    for read in extraction.reads:
        state.note_records(read.records)
    state.clear_pending()
    state.set_fact(LAST_COMMIT, repository.tip() or "")
    report.silence = find_silence(state, now)
    report.unread = list_unread(extraction.rows.values(), environment.claude_dir, now)
    if archive is not None:
        _tidy_archive(archive, extraction, environment.own.archive_mb, report)
    if not report.dry_run:
        own = msgspec.structs.replace(environment.own, checkouts=dict(sorted(projects.checkouts.items())))
        if own.checkouts != environment.own.checkouts:
            save_machine_settings(environment.machine_file, own)
    return learner.entries


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
