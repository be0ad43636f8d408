"""Turn candidates into learnings of their projects; what must not or need not be kept is dropped with its reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent_context.encoders import load_encoder
from agent_context.extraction import NANOSECONDS, screen_candidate
from agent_context.knowledge import Entry
from agent_context.layout import PATTERNS
from agent_context.learning import Learning, Source, Status, Verdict, learning_id, normalise_claim, one_paragraph, utc
from agent_context.reports import Dropped, Learned

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent_context.consolidation import Consolidation
    from agent_context.encoders import Encoder
    from agent_context.extraction import Extraction
    from agent_context.knowledge import KnowledgeBase
    from agent_context.learning import Candidate
    from agent_context.projects import Place, Projects
    from agent_context.reports import SyncReport
    from agent_context.state import State

OVER_LIMIT = "too many of one session"


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
    entries: list[Entry] = field(default_factory=list)
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
        self.entries.append(Entry(place.folder, path, learning))
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
