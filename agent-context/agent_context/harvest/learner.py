"""Turn candidates into learnings of their projects; what must not or need not be kept is dropped with its reason."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import msgspec

from agent_context.claims.confirmations import confirm
from agent_context.claims.selection import is_about_excluded
from agent_context.encoders import load_encoder
from agent_context.errors import AgentContextError
from agent_context.harvest.extraction import NANOSECONDS
from agent_context.knowledge import Entry
from agent_context.layout import PATTERNS
from agent_context.learning import (
    LIVING,
    Learning,
    Source,
    Status,
    Verdict,
    learning_id,
    normalise_claim,
    one_paragraph,
    utc,
)
from agent_context.proposal import Remark
from agent_context.quarantine import Quarantine, hold_back
from agent_context.reports import Again, Dropped, Learned
from agent_context.screening.actions import Action

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from agent_context.consolidation.deciding import Consolidation
    from agent_context.consolidation.linking import Link
    from agent_context.encoders import Encoder
    from agent_context.harvest.extracted import Extraction
    from agent_context.knowledge import KnowledgeBase
    from agent_context.learning import Candidate, Decision
    from agent_context.projects import Place, Projects
    from agent_context.reports import SyncReport
    from agent_context.screening.passing import Passed
    from agent_context.state import State

OVER_LIMIT = "too many of one session"
CONFIRMING = frozenset({Verdict.EXACT, Verdict.CONFIRMS})
KNOWN = CONFIRMING | {Verdict.REJECTED_BEFORE, Verdict.WRITTEN}
RELATIONS: dict[Verdict, Literal["near", "refines", "contradicts"]] = {
    Verdict.NEAR: "near",
    Verdict.REFINES: "refines",
    Verdict.CONTRADICTS: "contradicts",
}
ABOUT_EXCLUDED = "about a path that is left out"


@dataclass(slots=True)
class Learner:
    """Turns candidates into learnings of their projects, dropping with a reason what must not or need not be kept.

    `written` is what rule files say of a project, `elsewhere` the learnings of it that are not in this worktree. By
    path, `files` are those of new learnings, `confirmed` those of learnings in the worktree that were said again.
    `encoding` is told how many texts have their vectors, of how many.
    """

    knowledge_base: KnowledgeBase
    machine: str
    quarantine: Quarantine
    state: State
    report: SyncReport
    status: Status = Status.UNREVIEWED
    written: Callable[[str], dict[str, str]] = lambda _: {}
    elsewhere: Callable[[str], Iterable[Learning]] = lambda _: ()
    encoding: Callable[[int, int], None] = lambda _done, _count: None
    remarks: dict[str, Remark] = field(default_factory=dict)
    files: dict[str, bytes | None] = field(default_factory=dict)
    confirmed: dict[str, bytes] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    _near: dict[str, Decision] = field(default_factory=dict)
    _encoder: Encoder | None = None
    _known: dict[str, Consolidation] = field(default_factory=dict)
    _entries: dict[str, dict[str, Entry]] = field(default_factory=dict)

    def learn(self, extraction: Extraction, projects: Projects) -> None:
        """Take every candidate of the sessions read."""
        # Sessions that name their repository come first: they tell whose path it is that others share.
        for read in sorted(extraction.reads, key=lambda read: not read.session.pull_requests):
            place = projects.place(read.session)
            if place.guessed and read.candidates:
                self.report.guessed[read.session.cwd or str(read.session.path.parent)] = place.folder
            fallback = utc(extraction.rows[str(read.session.path)].mtime_ns / NANOSECONDS)
            learned = 0
            for passed in read.candidates:
                at = passed.candidate.at or read.session.started or fallback
                learned += self.take(passed, place, at, full=learned >= self.limit) is not None

    @property
    def limit(self) -> int:
        """Return how many learnings one session may yield."""
        return self.knowledge_base.settings.extraction.per_session

    def take(self, passed: Passed, place: Place, at: str, *, full: bool = False) -> Learned | None:
        """Make one candidate a learning, or hold it back or drop it with the reason in the report."""
        self.report.candidates += 1
        learning = self._make(passed.candidate, place.folder, at)
        reason, detail = self._refuse(passed, place, learning, full=full)
        if reason:
            claim = "" if passed.findings else learning.claim
            self.report.dropped.append(Dropped(place.folder, passed.candidate.session, reason, detail, claim))
            return None
        known = self._consolidation(place.folder)
        known.add(learning)
        self.files.update(self.knowledge_base.project_file_for(place.folder, place.remote))
        path, data = self.knowledge_base.file_for(place.folder, learning)
        self.files[path] = data
        self._entries[place.folder][learning.id] = Entry(place.folder, path, learning)
        self.entries.append(self._entries[place.folder][learning.id])
        learned = Learned(place.folder, learning.id, learning.claim, path)
        self.report.learned.append(learned)
        return learned

    def list_near(self) -> list[Link]:
        """Return what was learned although it is near to a living learning that can be confirmed, with that one."""
        from agent_context.consolidation.linking import Link  # noqa: PLC0415 - what a sync without news does not pay

        found = [(entry, self._near[entry.path]) for entry in self.entries if entry.path in self._near]
        pairs = [(self._find_twin(entry.project, decision), entry, decision) for entry, decision in found]
        return [Link(twin, entry, decision) for twin, entry, decision in pairs if twin is not None]

    def settle(self, judged: Iterable[Link]) -> None:
        """Let those of `list_near` that now confirm their twin do so, and be no learnings of their own."""
        # The latest first: what it confirms may be one of those that confirm another.
        for link in reversed([link for link in judged if link.decision.verdict is Verdict.CONFIRMS]):
            self._fold(link.newer, link.decision)

    def find_rejection(self, project: str, learning: Learning) -> str:
        """Return which rejected learning says the same in other words, and why; empty for none."""
        entries = self.knowledge_base.load(project).entries
        known = [*(entry.learning for entry in entries), *self.elsewhere(project)]
        rejected = [item for item in known if item.status is Status.REJECTED]
        if not rejected:
            return ""
        from agent_context.consolidation.deciding import Consolidation  # noqa: PLC0415 - what a sync without news does not pay

        decision = Consolidation(rejected, self._load_encoder(), self.state).decide(learning.claim, learning.id)
        return f"{decision.twin} ({decision.reason})" if decision.verdict is Verdict.REJECTED_BEFORE else ""

    def _load_encoder(self) -> Encoder | None:
        settings = self.knowledge_base.settings.consolidation
        if not self.report.encoder:
            self._encoder, self.report.encoder = load_encoder(settings.encoder, settings.model, self.state.path.parent)
        return self._encoder

    def _refuse(self, passed: Passed, place: Place, learning: Learning, *, full: bool) -> tuple[str, str]:
        """Return why a candidate becomes no learning, with details; empty texts when it does."""
        settings = self.knowledge_base.settings
        kinds = settings.sync.kinds
        if passed.action is Action.QUARANTINE:
            return self._hold(passed, place)
        for refused, reason, detail in (
            (passed.action is Action.DROP, passed.reason, passed.findings[0].masked if passed.findings else ""),
            (not normalise_claim(learning.claim), "no words", "the claim is empty"),
            (kinds and learning.kind.value not in kinds, "a kind that is not taken", f"{learning.kind} (sync.kinds)"),
            (is_about_excluded(settings.sync, passed.candidate), ABOUT_EXCLUDED, "sync.exclude_paths"),
            (full, OVER_LIMIT, f"at most {self.limit} (per_session)"),
        ):
            if refused:
                return reason, detail
        consolidation = self._consolidation(place.folder)
        decision = consolidation.decide(learning.claim, learning.id, kind=learning.kind.value, paths=learning.paths)
        if decision.verdict in CONFIRMING:
            self._confirm(place.folder, decision, learning.sources[0])
        if decision.verdict in KNOWN:
            return decision.verdict.value, f"{decision.twin} ({decision.reason})"
        if decision.verdict in RELATIONS:
            path, _ = self.knowledge_base.file_for(place.folder, learning)
            relation = RELATIONS[decision.verdict]
            self.remarks[path] = Remark(relation, decision.twin, decision.claim, decision.reason)
            if decision.verdict is Verdict.NEAR:
                self._near[path] = decision
        return "", ""

    def _confirm(self, project: str, decision: Decision, source: Source) -> None:
        """Add the source to the living learning of this project, in the worktree or new, that says the same."""
        entry = self._find_twin(project, decision)
        if entry is None:
            return
        confirmed = Entry(project, entry.path, confirm(entry.learning, source))
        with suppress(AgentContextError):  # a file with a secret in it is written for nobody; check names it
            if confirmed != entry:
                files = self.files if entry.path in self.files else self.confirmed
                files[entry.path] = self.knowledge_base.bytes_for(entry.path, confirmed.learning)
                self._entries[project][decision.twin] = confirmed
                reason = f"{decision.verdict}, {decision.score:.2f}: {decision.reason}"
                self.report.confirmed.append(Again(project, decision.twin, reason))

    def _find_twin(self, project: str, decision: Decision) -> Entry | None:
        """Return the living learning of this project, in the worktree or new, that a decision names."""
        entry = self._entries[project].get(decision.twin)
        return entry if entry is not None and entry.learning.status in LIVING else None

    def _fold(self, new: Entry, decision: Decision) -> None:
        """Give all sources of a new learning to its twin, and take back that it is one; its own twins get the other."""
        folded = self._entries[new.project].pop(new.learning.id).learning
        for source in folded.sources:
            self._confirm(new.project, decision, source)
        self.files.pop(new.path)
        self.remarks.pop(new.path)
        self.entries.remove(new)
        self.report.learned = [learned for learned in self.report.learned if learned.path != new.path]
        detail = f"{decision.twin} ({decision.reason})"
        dropped = Dropped(new.project, folded.sources[0].session, decision.verdict.value, detail, folded.claim)
        self.report.dropped.append(dropped)
        for path, remark in self.remarks.items():
            if remark.id == folded.id:
                self.remarks[path] = msgspec.structs.replace(remark, id=decision.twin, claim=decision.claim)
        again = self.report.confirmed
        again[:] = [replace(item, id=decision.twin) if item.id == folded.id else item for item in again]

    def _hold(self, passed: Passed, place: Place) -> tuple[str, str]:
        """Put a candidate into this machine's quarantine, unless a person dropped it there before."""
        now = utc(time.time())
        held = hold_back(passed.candidate, list(passed.findings), place.folder, now, remote=place.remote)
        if held.id in self.quarantine.dropped():
            return f"{passed.reason} (dropped from quarantine before)", passed.findings[0].masked
        if not self.report.dry_run:
            self.quarantine.put(held)
        self.report.quarantined.append(f"{held.id} ({passed.reason})")
        return f"{passed.reason} (in quarantine)", passed.findings[0].masked

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
        from agent_context.consolidation.deciding import Consolidation  # noqa: PLC0415 - what a sync without news does not pay

        if project not in self._known:
            own = self.knowledge_base.load(project).entries
            self._entries[project] = {entry.learning.id: entry for entry in own}
            entries = [*own, *self.knowledge_base.load(PATTERNS).entries]
            learnings = [*(entry.learning for entry in entries), *self.elsewhere(project)]
            self._known[project] = Consolidation(
                learnings,
                self._load_encoder(),
                self.state,
                self.written(project),
                project=project,
                tell=self.encoding,
            )
        return self._known[project]
