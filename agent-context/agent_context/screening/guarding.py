"""All that a knowledge base and a machine know of what must not go on, in one value: one call finds it, one cleans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from agent_context.learning import Finding
from agent_context.screening import mask, merge, redact, screen
from agent_context.screening.allowing import apply_allowances, is_allowed
from agent_context.screening.personal import MOST_ROUNDS, Identity, choose_privacy, find_personal, hide_personal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agent_context.screening import EngineName
    from agent_context.screening.invisible import Hit
    from agent_context.screening.taint import Taint
    from agent_context.settings import Allowance, PrivacyMode, PrivacySettings

NOBODY = Identity()


@dataclass(frozen=True, slots=True)
class Guard:
    """How texts are screened: by which engines, for whose words, past which allowances, against which known values."""

    privacy: PrivacySettings
    engines: Literal["auto"] | Sequence[EngineName] = ("own",)
    identity: Identity = NOBODY
    allowances: Sequence[Allowance] = ()
    taints: tuple[Taint, ...] = ()

    def find(self, text: str) -> list[Finding]:
        """Return what nobody allows of all that is found, by position. Raise MissingExtraError for a missing engine."""
        secrets = screen(text, self.engines)
        tainted = merge([hit for taint in self.taints for hit in taint.find(text)])
        known = [item for item in describe("secret", text, tainted) if not _is_covered(item, secrets)]
        personal = describe("personal", text, find_personal(text, self.identity, self.privacy))
        found = sorted([*secrets, *known, *personal], key=lambda item: (item.line, item.column, item.kind))
        return apply_allowances(found, text, self.allowances)

    def clean(self, text: str) -> str:
        """Return the text with secrets redacted and placeholders for what is personal; poison stays as it is."""
        for _ in range(MOST_ROUNDS):  # what a redaction frees from its neighbour may be a secret itself
            secrets = [finding for finding in self.find(text) if finding.kind == "secret"]
            cleaned = self.hide(redact(text, secrets))
            if cleaned == text:
                break
            text = cleaned
        return text

    def hide(self, text: str) -> str:
        """Return the text with placeholders for what is personal and not allowed."""
        return hide_personal(text, self.identity, self.privacy, lambda found: is_allowed(found, self.allowances))

    def knowing(self, taint: Taint, mode: PrivacyMode | Literal[""] = "") -> Guard:
        """Return the guard for one session: it knows what was seen there, and its project's own privacy mode."""
        privacy = choose_privacy(self.privacy, mode)
        return Guard(privacy, self.engines, self.identity, self.allowances, (*self.taints, taint))


def describe(kind: Literal["secret", "personal"], text: str, hits: Iterable[Hit]) -> list[Finding]:
    """Return hits as findings, by line and column, masked."""
    found = []
    for hit in hits:
        line = text.count("\n", 0, hit.start) + 1
        column = hit.start - text.rfind("\n", 0, hit.start)
        masked = mask(kind, text[hit.start : hit.end])
        found.append(Finding(kind, hit.rule, hit.severity, line, column, hit.end - hit.start, masked))
    return found


def _is_covered(item: Finding, others: Iterable[Finding]) -> bool:
    return any(
        other.line == item.line
        and other.column <= item.column
        and item.column + item.length <= other.column + other.length
        for other in others
        if other.kind == "secret"
    )
