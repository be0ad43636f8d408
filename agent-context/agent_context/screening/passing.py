"""What becomes of one candidate at the first gate: cleaned, redacted, held back or dropped. Pure: a guard is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from agent_context.learning import Candidate, Finding, name_findings
from agent_context.screening.actions import SPEAKERS, Action, decide
from agent_context.screening.replacing import rewrite_candidate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent_context.screening.guarding import Guard


class Passed(msgspec.Struct, frozen=True):
    """A candidate, what is to be done with it, and what was found in it (masked). Of a dropped one no text is kept."""

    candidate: Candidate
    action: Action = Action.PASS
    findings: tuple[Finding, ...] = ()

    @property
    def reason(self) -> str:
        """Return what was found, in a few words."""
        return name_findings(self.findings)


def pass_candidate(candidate: Candidate, guard: Guard) -> Passed:
    """Hide what is personal, then decide by what is found. The claim stands without a secret that is not in it."""
    hidden = rewrite_candidate(candidate, guard.hide)
    in_claim = [finding for finding in guard.find(hidden.claim) if finding.kind != "personal"]
    around = [finding for text in _around(hidden) for finding in guard.find(text) if finding.kind != "personal"]
    found = (*in_claim, *around)
    origin = SPEAKERS[candidate.evidence[0].speaker]
    stands = not any(finding.kind == "secret" for finding in in_claim)
    action = decide(found, origin, stands_without=stands)
    if action is Action.REDACT:
        return Passed(rewrite_candidate(hidden, guard.clean), action, found)
    if action is Action.DROP:
        return Passed(rewrite_candidate(hidden, lambda _: ""), action, found)
    return Passed(hidden, action, () if action is Action.PASS else found)


def _around(candidate: Candidate) -> Iterator[str]:
    yield candidate.why
    yield from (quote.quote for quote in candidate.evidence)
    yield from candidate.tags
    yield from candidate.paths
