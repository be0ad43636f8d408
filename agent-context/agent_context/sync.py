"""The main job: sessions in, learnings committed, exchanged with the remote, handed to agents; all reported."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
from filelock import FileLock, Timeout

from agent_context import changes
from agent_context.edits import collect_edits
from agent_context.encoders import load_encoder
from agent_context.errors import AgentContextError
from agent_context.exchange import TRAILER, Exchange
from agent_context.extraction import NANOSECONDS, extract_due, screen_candidate
from agent_context.git import Repository
from agent_context.layout import FOLDERS, PATTERNS
from agent_context.learning import Learning, Source, Status, Verdict, learning_id, one_paragraph
from agent_context.machine import save_machine_settings
from agent_context.projects import Place, Projects
from agent_context.publishing import plan_snippets
from agent_context.reports import Dropped, Learned, SyncReport
from agent_context.state import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent_context.config import Environment
    from agent_context.consolidation import Consolidation
    from agent_context.encoders import Encoder
    from agent_context.extraction import Extraction
    from agent_context.knowledge import KnowledgeBase
    from agent_context.learning import Candidate
    from agent_context.publishing import SnippetPlan

LAST_COMMIT = "commit"


@dataclass(slots=True)
class Learner:
    """Turns candidates into learnings of their projects, dropping with a reason what must not or need not be kept."""

    knowledge_base: KnowledgeBase
    machine: str
    state: State
    report: SyncReport
    status: Status = Status.UNREVIEWED
    files: dict[str, bytes | None] = field(default_factory=dict)
    _encoder: Encoder | None = None
    _known: dict[str, Consolidation] = field(default_factory=dict)

    def learn(self, extraction: Extraction, projects: Projects) -> None:
        """Take every candidate of the sessions read."""
        mtimes = {path: mtime_ns for path, _, mtime_ns, _ in extraction.rows}
        # Sessions that name their repository come first: they tell whose path it is that others share.
        for read in sorted(extraction.reads, key=lambda read: not read.session.pull_requests):
            place = projects.place(read.session)
            if place.guessed and read.candidates:
                self.report.guessed[read.session.cwd or str(read.session.path.parent)] = place.folder
            fallback = utc(mtimes.get(read.session.path, 0) / NANOSECONDS)
            for candidate in read.candidates:
                self.take(candidate, place, candidate.at or read.session.started or fallback)

    def take(self, candidate: Candidate, place: Place, at: str) -> Learned | None:
        """Make one candidate a learning, or drop it with the reason in the report."""
        self.report.candidates += 1
        findings = screen_candidate(candidate)
        if findings:
            reason = f"{findings[0].kind}: {findings[0].rule}"
            self.report.dropped.append(Dropped(place.folder, candidate.session, reason, findings[0].masked))
            return None
        learning = self._make(candidate, place.folder, at)
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
            self._known[project] = Consolidation((entry.learning for entry in entries), self._encoder, self.state)
        return self._known[project]


def sync(knowledge_base: KnowledgeBase, environment: Environment, *, dry_run: bool = False) -> SyncReport:
    """Do the whole job once. Raise AgentContextError, with nothing lost, where it cannot be done at all."""
    started = time.monotonic()
    report = SyncReport(
        environment.machine, str(knowledge_base.root), str(environment.claude_dir / "projects"), dry_run
    )
    repository = Repository(knowledge_base.root)
    branch = repository.branch()
    remote = repository.remote(branch)
    template = knowledge_base.settings.template
    exchange = Exchange(repository, branch, remote, environment.machine, template, report)
    projects = Projects(environment.own)
    with locked(repository, knowledge_base.settings.sync.lock_seconds, dry_run=dry_run):
        commit_edits(repository, environment.machine, report)
        if not dry_run:
            exchange.bring_in()
        _learn(knowledge_base, environment, projects, repository, report)
        if not dry_run and knowledge_base.settings.sync.push:
            exchange.push()
    contents = knowledge_base.load()
    unread = [error.advice for error in contents.problems]
    report.problems += [advice for advice in unread if advice not in report.problems]
    if knowledge_base.settings.snippet.install:
        _publish(
            plan_snippets(contents.entries, knowledge_base.settings.snippet, environment, projects.checkouts), report
        )
    report.seconds = round(time.monotonic() - started, 2)
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
    if edits.files and not report.dry_run:
        count = f"{len(edits.files)} file{'s' * (len(edits.files) > 1)}"
        repository.commit_files(edits.files, f"edit: {count} by hand\n\n{TRAILER}{machine}\n", machine)


def utc(seconds: float) -> str:
    """Return a time (seconds since 1970) as `YYYY-MM-DDTHH:MM:SSZ`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _learn(
    knowledge_base: KnowledgeBase,
    environment: Environment,
    projects: Projects,
    repository: Repository,
    report: SyncReport,
) -> None:
    settings = knowledge_base.settings
    with State(environment.data_dir, knowledge_base.root, keep=not report.dry_run) as state:
        last = state.fact(LAST_COMMIT)
        if last and not repository.has_commit(last):
            state.forget_sessions()
        extraction = extract_due(
            environment.claude_dir, state, settings.extraction, settings.sync.quiet_seconds, time.time()
        )
        _account(extraction, report)
        learner = Learner(knowledge_base, environment.machine, state, report)
        learner.learn(extraction, projects)
        if learner.files and not report.dry_run:
            repository.commit_files(learner.files, _message(report, settings.extraction.extractor), environment.machine)
        state.note_sessions(extraction.rows)
        state.set_fact(LAST_COMMIT, repository.tip() or "")
    if not report.dry_run:
        own = msgspec.structs.replace(environment.own, checkouts=dict(sorted(projects.checkouts.items())))
        if own.checkouts != environment.own.checkouts:
            save_machine_settings(environment.machine_file, own)


def _account(extraction: Extraction, report: SyncReport) -> None:
    report.found = extraction.found
    report.read = len(extraction.reads)
    report.skipped = dict(sorted(extraction.skipped.items()))
    report.lost = extraction.lost
    report.broken_lines = extraction.broken_lines
    report.unknown_records = dict(sorted(extraction.unknown_records.items()))


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
