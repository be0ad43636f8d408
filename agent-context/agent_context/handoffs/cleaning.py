"""Take out of a handoff what must not leave the machine: secrets, personal words, lines that read as poison."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from agent_context.config import load_account
from agent_context.handoff import Handoff, make_portable, read_sections
from agent_context.known_values import SessionGuard
from agent_context.learning import name_findings
from agent_context.screening.actions import Origin, weigh
from agent_context.transcripts.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent_context.knowledge import KnowledgeBase
    from agent_context.screening.guarding import Guard

ROUNDS = 20
KEEP = "to keep it, [[allow]] the hash that agent-context screen FILE --json names for it"


def make_cleaner(
    knowledge_base: KnowledgeBase, session: Session | None, project: str, top: Path | None
) -> Callable[[Handoff], tuple[Handoff, list[str]]]:
    """Return what makes of a handoff one that may be kept, and names what was left out of it, line by line."""
    mode = knowledge_base.project(project).privacy
    make_guard = SessionGuard(knowledge_base.settings, knowledge_base.root, lambda _: mode)
    guard = make_guard(session or Session("", knowledge_base.root))
    home = str(load_account().folder)

    def clean_text(text: str) -> str:
        return guard.clean(make_portable(text, str(top) if top else "", home))

    def clean(handoff: Handoff) -> tuple[Handoff, list[str]]:
        body, notes = _drop_poison(clean_text(handoff.body), guard)
        message, more = _drop_poison(clean_text(handoff.message), guard)
        lists = {name: tuple(clean_text(item) for item in getattr(handoff, name)) for name in ("dirty", "unpushed")}
        cleaned = msgspec.structs.replace(handoff, sections=read_sections(body), message=message, **lists)
        return cleaned, [*notes, *more]

    return clean


def _drop_poison(text: str, guard: Guard) -> tuple[str, list[str]]:
    """Return the text without the lines in which something is found that cleaning does not take out."""
    notes: list[str] = []
    for _ in range(ROUNDS):
        findings = weigh((item for item in guard.find(text) if item.kind != "personal"), Origin.ASSISTANT)
        if not findings:
            return text, notes
        notes.append(f"left out: a line with {name_findings(findings)} ({findings[0].masked}); {KEEP}")
        bad = {finding.line for finding in findings}
        text = "\n".join(line for number, line in enumerate(text.split("\n"), 1) if number not in bad)
    return "", [*notes, "left out: the rest of it, in which more was found each time"]
