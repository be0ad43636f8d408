"""Tell an agent in one line that another device has handed work in its project on."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from agent_context.errors import FormatError
from agent_context.handoff import Handoff, parse_handoff
from agent_context.layout import HANDOFFS, PROJECTS
from agent_context.learning import utc

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent_context.config import Environment
    from agent_context.knowledge import KnowledgeBase

DAYS = 7
MOST_BYTES = 1_000_000
DEVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def tell_handoff(knowledge_base: KnowledgeBase, environment: Environment, project: str, now: str) -> tuple[str, ...]:
    """Return a line that names the newest handoff of another device, where it is newer than this device's own.

    None for one from more than a week before the day `now` (UTC), or after it, and for what is encrypted. Nothing of
    its text is in the line, and nothing that changes from sync to sync.
    """
    found = {handoff.device: handoff.at for handoff in _read(knowledge_base, project)}
    day = datetime.fromisoformat(f"{now[:10]}T00:00:00Z")
    since, until = (utc((day + timedelta(days=days)).timestamp()) for days in (-DAYS, 1))
    own = found.pop(environment.machine, "")
    later = [(at, device) for device, at in found.items() if max(own, since) < at < until]
    if not later:
        return ()
    at, device = max(later)
    when = f"{at[:10]}, {at[11:16]} UTC"
    return (f"Work here was handed on from {device} on {when}: `agent-context handoff resume` shows how far it came.",)


def _read(knowledge_base: KnowledgeBase, project: str) -> Iterator[Handoff]:
    """Yield the handoffs in the repository that read, under the names of the devices whose files they are."""
    for file in sorted((knowledge_base.root / PROJECTS / project / HANDOFFS).glob("*.md")):
        with suppress(FormatError, OSError):
            if DEVICE.fullmatch(file.stem) and not file.is_symlink() and file.stat().st_size <= MOST_BYTES:
                handoff = parse_handoff(file.read_text(encoding="utf-8", errors="replace"), str(file))
                if handoff.device == file.stem:
                    yield handoff
