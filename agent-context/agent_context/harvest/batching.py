"""A backlog of sessions through the Message Batches API: half the price, collected by a later sync, sent once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from agent_context.changes import write_atomically
from agent_context.errors import ExtractionError
from agent_context.extractors.anthropic_api import BatchTicket
from agent_context.extractors.prompt import has_words
from agent_context.harvest.extraction import WAITING

if TYPE_CHECKING:
    from pathlib import Path

    from agent_context.extractors.anthropic_api import AnthropicApi
    from agent_context.harvest.extracted import Extraction, Found
    from agent_context.harvest.extraction import Reading
    from agent_context.purse import Purse
    from agent_context.transcripts.session import Session

IN_BATCH = "waits in a batch at the API"
PRIVATE_FILE = 0o600


@dataclass(slots=True)
class Batching:
    """One knowledge base's batch: its ticket is a file that outlives any run and the local state."""

    ticket_file: Path
    extractor: AnthropicApi
    purse: Purse

    def run(self, reading: Reading, due: list[Found], result: Extraction) -> None:
        """Collect the batch under way if it has ended, then send what is due and not in one."""
        ticket = read_ticket(self.ticket_file)
        if ticket is not None:
            inside = {item.path: item for item in ticket.items}
            if not self._collect(reading, ticket, [found for found in due if str(found.path) in inside], result):
                ticket = None
            due = [found for found in due if str(found.path) not in inside]
        if ticket is None:
            self._send(reading, due, result)
        else:
            for found in due:
                result.postpone(found, IN_BATCH)

    def _collect(self, reading: Reading, ticket: BatchTicket, due: list[Found], result: Extraction) -> bool:
        """Take what came back; return whether the batch is still being worked on."""
        try:
            collected = self.extractor.collect_batch(ticket)
        except ExtractionError as error:
            result.failures.append(error.advice)
            collected = None
        if collected is None:
            for found in due:
                result.postpone(found, IN_BATCH)
            return True
        answers = {answer.item.path: answer for answer in collected.answers}
        for found in due:
            answer = answers[str(found.path)]
            read = reading.read(found, result) if not answer.failure else None
            if answer.failure:
                result.failures.append(f"{found.path}: {answer.failure}")
                result.postpone(found, IN_BATCH)
            elif read is not None:
                self._take(reading, found, answer.answer, *read, result=result)
        self.purse.give_back(collected.unspent_usd)
        self.ticket_file.unlink(missing_ok=True)
        return False

    def _take(
        self,
        reading: Reading,
        found: Found,
        answer: str,
        session: Session,
        fresh: frozenset[str],
        *,
        result: Extraction,
    ) -> None:
        """Read one answer; one that does not read is paid for and says nothing, so it is not asked for again."""
        limit = reading.settings.per_session
        try:
            candidates = self.extractor.read(answer, session, reading.known(session), limit=limit)
        except ExtractionError as error:
            result.failures.append(f"{found.path}: {error.advice}")
            candidates = []
        reading.take(found, session, candidates, fresh, result)

    def _send(self, reading: Reading, due: list[Found], result: Extraction) -> None:
        sessions: list[Session] = []
        by_path: dict[str, Found] = {}
        for found in due:
            read = reading.read(found, result)
            if read is not None and has_words(read[0]):
                reading.keep_new(*read)
                sessions.append(read[0])
                by_path[str(found.path)] = found
            elif read is not None:
                reading.take(found, read[0], [], read[1], result)
        if not sessions:
            return
        try:
            self.extractor.submit_batch(sessions, reading.known, limit=reading.settings.per_session, keep=self._keep)
        except ExtractionError as error:
            result.failures.append(error.advice)
        ticket = read_ticket(self.ticket_file)
        inside = {item.path for item in ticket.items} if ticket else set()
        for path, found in by_path.items():
            result.postpone(found, IN_BATCH if path in inside else WAITING)

    def _keep(self, ticket: BatchTicket) -> None:
        write_atomically(self.ticket_file, msgspec.json.encode(ticket), mode=PRIVATE_FILE)


def read_ticket(file: Path) -> BatchTicket | None:
    """Return the ticket of a batch that was sent and not collected yet."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=BatchTicket)
    except (OSError, msgspec.DecodeError):
        return None
