"""Read the sessions that are due, extract candidates, and say for every session found what became of it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from stat import S_ISDIR, S_ISREG
from typing import TYPE_CHECKING

import msgspec

from agent_context.errors import AgentContextError, CapReachedError, ExtractionError
from agent_context.harvest.extracted import WITH_MESSAGES, Estimate, Extraction, Found, Paid, Payment, Read
from agent_context.screening.passing import Passed, pass_candidate
from agent_context.transcripts import READERS
from agent_context.transcripts.session import EventKind, Session, Skipped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from agent_context.archive import Archive
    from agent_context.extractors import Extractor
    from agent_context.learning import Candidate
    from agent_context.screening.guarding import Guard
    from agent_context.settings import ExtractionSettings
    from agent_context.state import State

NANOSECONDS = 1_000_000_000
LATEST = 2**63 - 1  # what SQLite holds: the year 2262; a file's time may be anything
BEING_WRITTEN = "still being written"
ALREADY_READ = "read before"
NOTHING_NEW = "nothing new since it was read"
WAITING = "waits for the next run"
# What says nothing about whether the capture works.
QUIET = frozenset(
    {BEING_WRITTEN, "subagent", "empty", "no messages", "Gemini CLI is not read yet", "opencode is not read yet"}
)
SILENCE_DAYS = 7
LATE_SECONDS = 5  # a client writes its last bookkeeping lines after its hooks
DAY = 86_400
CONTEXT_EVENTS = 12
MOST_CANDIDATES = 50


Strategy = Callable[["Reading", list[Found], Extraction], None]


@dataclass(slots=True)
class Reading:
    """One pass over the sessions of this machine: where they are, what is remembered, who extracts, who is told.

    `strategy` replaces asking a model session by session; `held` maps the paths that are left alone to the reason;
    `exclude` says why a session is not to be read; `guard` makes what screens the candidates of one session; `named`
    are the names of files to be read first, and when (seconds since 1970) their session ended, 0 where it has not.
    """

    homes: Mapping[str, Path]
    state: State
    settings: ExtractionSettings
    guard: Callable[[Session], Guard]
    archive: Archive | None = None
    known: Callable[[Session], Sequence[str]] = lambda _: ()
    progress: Callable[[int, int], None] = lambda _done, _all: None
    extractor: Extractor | None = None
    payment: Payment | None = None
    strategy: Strategy | None = None
    held: Mapping[str, str] = field(default_factory=dict)
    exclude: Callable[[Session], str] = lambda _: ""
    named: Mapping[str, float] = field(default_factory=dict)
    _guards: dict[Path, Guard] = field(default_factory=dict)

    def run(self, quiet_seconds: int, now: float) -> Extraction:
        """Read every session that is neither being written nor read before. `now` is seconds since 1970.

        An interruption (Ctrl-C) ends the pass; what was extracted until then is in the result.
        """
        result = Extraction()
        for data in self.state.pending():
            read, row = msgspec.msgpack.decode(data, type=Paid).restore()
            result.reads.append(read)
            result.rows[row.path] = row
        due = []
        for found in self.find_due(result, quiet_seconds, now):
            if str(found.path) in self.held:
                result.postpone(found, self.held[str(found.path)])
            elif str(found.path) not in result.rows:
                due.append(found)
        try:
            if self.payment is not None:
                self.payment.approve(self._estimate(due))
                (self.strategy or Reading.extract_side_by_side)(self, due, result)
            else:
                for number, found in enumerate(due):
                    self.progress(number, len(due))
                    self._extract_one(found, result)
        except KeyboardInterrupt:
            result.interrupted = True
        self.progress(len(due), len(due))
        return result

    def find_due(self, result: Extraction, quiet_seconds: int, now: float) -> list[Found]:
        """Return the sessions to be read now, and account for all others in `result`."""
        due = []
        present: set[str] = set()
        for name, path in find_sessions(self.homes):
            result.found += 1
            present.add(str(path))
            try:
                stat = path.stat()
            except OSError as error:
                result.skip(Skipped(path, f"unreadable: {error.strerror}", lost=True))
                continue
            if not (S_ISREG(stat.st_mode) or S_ISDIR(stat.st_mode)):
                result.skip(Skipped(path, "not a regular file"))
                continue
            found = Found(name, path, stat.st_size, min(max(stat.st_mtime_ns, 0), LATEST))
            if self.state.is_read(path, found.size, found.mtime_ns):
                result.skipped[ALREADY_READ] += 1
            elif abs(now - found.mtime_ns / NANOSECONDS) < quiet_seconds and not self._has_ended(found):
                result.skipped[BEING_WRITTEN] += 1
                result.note(found, BEING_WRITTEN, read=False)
            else:
                due.append(found)
        result.lost += [f"{path}: gone before it was read" for path in self.state.take_lost(present)]
        return sorted(due, key=lambda found: found.path.name not in self.named)

    def _has_ended(self, found: Found) -> bool:
        """Tell whether a hook said that the session ended, and nothing of weight was written since."""
        ended = self.named.get(found.path.name, 0.0)
        return found.mtime_ns / NANOSECONDS <= ended + LATE_SECONDS

    def read(self, found: Found, result: Extraction) -> tuple[Session, frozenset[str]] | None:
        """Read one file; return its session and the records that are new, or account for it and return nothing."""
        session = READERS[found.reader].read(found.path)
        self._rescue(found, result)
        if isinstance(session, Skipped):
            result.skip(session)
            result.note(found, session.reason, read=not session.reason.startswith("unreadable"))
            return None
        result.unknown_records.update(session.unknown)
        result.broken_lines += session.broken_lines
        fresh = self._find_new(session)
        reason = self.exclude(session) if fresh else NOTHING_NEW
        if reason:
            result.skipped[reason] += 1
            result.note(found, reason if fresh else WITH_MESSAGES, read=True)
            return None
        if self.payment is not None:
            self._guards[found.path] = self.guard(session)  # now, with all that the tools said
        return session, fresh

    def _find_new(self, session: Session) -> frozenset[str]:
        """Return the session's records that were never read, nor paid for before the local state was deleted."""
        uuids = {event.uuid for event in session.events}
        fresh = frozenset(self.state.new_records(uuids))
        is_paid = self.payment is not None and session.id in self.payment.before and len(fresh) == len(uuids)
        return frozenset() if is_paid else fresh

    def postpone_all(self, due: list[Found], result: Extraction) -> None:
        """Leave every session for a run that may ask a model."""
        for found in due:
            result.postpone(found, WAITING)

    def _estimate(self, due: list[Found]) -> Estimate:
        """Read what is due, only to count what would be sent."""
        if self.payment is None or not due:
            return Estimate(0, 0)
        sessions = tokens = 0
        for found in due:
            session = READERS[found.reader].read(found.path)
            if isinstance(session, Session):
                fresh = self._find_new(session)
                if fresh:
                    self.keep_new(session, fresh)
                    sessions += 1
                    tokens += self.payment.count(session)
        return Estimate(sessions, tokens)

    def _load_extractor(self) -> Extractor:
        from agent_context.extractors import EXTRACTORS  # noqa: PLC0415 - what a sync without news does not pay

        if self.extractor is None:
            self.extractor = EXTRACTORS["heuristic"]
        return self.extractor

    def _rescue(self, found: Found, result: Extraction) -> None:
        if self.archive is None or found.path.is_dir():
            return
        try:
            self.archive.keep(found.reader, found.path, read=False)
            result.kept.append((found.reader, found.path))
        except FileNotFoundError:
            return
        except (AgentContextError, OSError) as error:
            result.failures.append(str(error))

    def _extract_one(self, found: Found, result: Extraction) -> None:
        read = self.read(found, result)
        if read is not None:
            session, fresh = read
            extract = self._load_extractor()
            candidates = extract(session, (), limit=MOST_CANDIDATES)
            if len(candidates) > self.settings.per_session:
                best = extract(session, (), limit=self.settings.per_session)
                candidates = [*best, *(item for item in candidates if item not in best)]
            self.take(found, session, candidates, fresh, result)

    def extract_side_by_side(self, due: list[Found], result: Extraction) -> None:
        """Extract several at a time, where extracting means waiting for a model. A cap reached ends it."""
        running: dict[Future[list[Candidate]], tuple[Found, Session, frozenset[str]]] = {}
        rest = iter(enumerate(due))
        open_ = True
        with ThreadPoolExecutor(self.settings.parallel) as pool:
            try:
                while open_ or running:
                    while open_ and len(running) < self.settings.parallel:
                        number, found = next(rest, (len(due), None))
                        self.progress(number - len(running), len(due))
                        if found is None:
                            open_ = False
                        elif read := self.read(found, result):
                            session, fresh = read
                            self.keep_new(session, fresh)
                            known, limit = self.known(session), self.settings.per_session
                            running[pool.submit(self._load_extractor(), session, known, limit=limit)] = (
                                found,
                                session,
                                fresh,
                            )
                    for done in wait(running, return_when=FIRST_COMPLETED).done:
                        open_ = self._collect(done, *running.pop(done), result) and open_
            except KeyboardInterrupt:
                if self.payment is not None:
                    self.payment.stop()
                raise
            finally:
                pool.shutdown(cancel_futures=True)
        for _, found in rest:
            result.postpone(found, WAITING)

    @staticmethod
    def keep_new(session: Session, fresh: frozenset[str]) -> None:
        """Leave what is new in a session, and a little before it: words already read are not paid for again."""
        first = next((number for number, event in enumerate(session.events) if event.uuid in fresh), 0)
        before = session.events[max(0, first - CONTEXT_EVENTS) : first]
        new = [event for event in session.events[first:] if event.uuid in fresh or event.kind is EventKind.USER]
        session.events[:] = before + new

    def _collect(
        self, done: Future[list[Candidate]], found: Found, session: Session, fresh: frozenset[str], result: Extraction
    ) -> bool:
        """Take one finished extraction; return whether others may still be started."""
        try:
            self.take(found, session, done.result(), fresh, result)
        except ExtractionError as error:
            result.postpone(found, WAITING)
            if error.advice not in result.failures:
                result.failures.append(error.advice)
            return not isinstance(error, CapReachedError)
        return True

    def take(
        self, found: Found, session: Session, candidates: list[Candidate], fresh: frozenset[str], result: Extraction
    ) -> None:
        """Put what was extracted from a session into `result`; what was paid for is put away at once."""
        named = (
            msgspec.structs.replace(candidate, extractor=self.settings.extractor)
            for candidate in candidates
            if any(quote.uuid in fresh for quote in candidate.evidence)
        )
        passed = self._pass(found, session, list(named))
        session.events.clear()
        result.note(found, WITH_MESSAGES, read=True)
        read = Read(session, passed, fresh)
        result.reads.append(read)
        if self.payment is not None:
            kept = (session.id, str(found.path), session.cwd, session.started, session.pull_requests)
            paid = Paid(*kept, read.candidates, tuple(sorted(fresh)), found.size, found.mtime_ns)
            self.state.keep_pending(str(found.path), msgspec.msgpack.encode(paid))
            self.payment.note(session.id)

    def _pass(self, found: Found, session: Session, candidates: list[Candidate]) -> tuple[Passed, ...]:
        """Screen a session's candidates, knowing every value that was seen in it."""
        guard = self._guards.pop(found.path, None) or (self.guard(session) if candidates else None)
        return tuple(pass_candidate(candidate, guard) for candidate in candidates) if guard else ()


def find_sessions(homes: Mapping[str, Path]) -> Iterator[tuple[str, Path]]:
    """Yield every session file with the name of its reader, reader by reader, sorted by path."""
    for name, reader in READERS.items():
        for path in reader.find(homes[name]) if name in homes else ():
            yield name, path


def find_silence(state: State, now: float) -> str:
    """Return a message when there were sessions in the last week and no message could be read in any of them."""
    outcomes = state.outcomes_since(int((now - SILENCE_DAYS * DAY) * NANOSECONDS))
    told = {name: count for name, count in outcomes.items() if name not in QUIET}
    if told and WITH_MESSAGES not in told:
        counted = ", ".join(f"{count} {reason}" for reason, count in sorted(told.items()))
        return f"nothing could be captured from any session of the last {SILENCE_DAYS} days: {counted}"
    return ""


def read_file(path: Path) -> Session | Skipped:
    """Read one session file, whichever agent's it is, told by its name."""
    if path.exists() and not path.is_file() and not path.is_dir():
        return Skipped(path, "not a regular file")
    name = "codex" if path.name.startswith("rollout-") else "claude_code"
    return READERS[name].read(path)
