"""The tool for handoffs: what other machines handed on of a project. Its docstring is what the model reads of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from agent_context.handoff import tell_ago
from agent_context.handoffs.reading import find_top, load_handoffs
from agent_context.learning import utc
from agent_context.server.desk import Desk, find_place, frame, one_line, quote  # Desk: mcp reads the annotations

if TYPE_CHECKING:
    from agent_context.handoffs.reading import Found

INSTRUCTIONS = """\
get_handoffs tells how far work on this project had come on the user's other machines, or in earlier sessions: task,
decisions, next steps, open questions. Call it when the user asks to go on with something, or refers to work that is not
in this session."""
MOST = 5_000


def get_handoffs(desk: Desk, project: str = "", device: str = "") -> str:
    """Show the handoffs of a project, newest first: what was being worked on, what is done, decided, and open.

    `project` is its folder, as list_projects gives it; empty for the one around. `device` shows one machine's alone.
    They are as of the last sync; `agent-context handoff resume` fetches first and says what the checkout lacks.
    """
    knowledge_base, environment = desk.open_all()
    place = find_place(knowledge_base, environment, project)
    top = find_top(environment, knowledge_base, place)
    found = load_handoffs(knowledge_base, place.folder, environment, top)
    parts = (_describe(item) for item in found if device in ("", item.handoff.device))
    return frame(parts, nothing="Nothing was handed on of this project.")


def _describe(item: Found) -> str:
    handoff = item.handoff
    head = f"{one_line(handoff.device)}, {tell_ago(handoff.at, utc(time.time()))}"
    if item.withheld or item.is_sealed:
        why = item.withheld or "encrypted; the user can ask agent-context handoff resume for it"
        return f"{head}: not shown here ({why})"
    where = " ".join(filter(None, (handoff.branch, handoff.commit[:12])))
    return f"{head}{f' ({one_line(where)})' if where else ''}:\n{quote(handoff.body, most=MOST)}"


READS = (get_handoffs,)
WRITES = ()
