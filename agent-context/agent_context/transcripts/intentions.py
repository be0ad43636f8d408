"""What an agent set out to do in a session: its todo list and its plan, from the calls of Claude Code's own tools.

The todo list is written whole (TodoWrite) or task by task (TaskCreate, TaskUpdate, where the client numbers the tasks);
a plan is what ExitPlanMode shows the user. As seen with versions 1.0 to 2.1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from agent_context.transcripts.lines import LineFormat, decode_raw, read_records
from agent_context.transcripts.session import Session

if TYPE_CHECKING:
    from pathlib import Path

TOOLS = frozenset({"TodoWrite", "TaskCreate", "TaskUpdate", "ExitPlanMode"})
NUMBERED = re.compile(r"Task #(\w+) created")
DELETED = "deleted"


@dataclass(slots=True)
class Intentions:
    """Todos in their order, by what the client calls them: text and status (`pending`, `in_progress`, `completed`)."""

    todos: dict[str, tuple[str, str]] = field(default_factory=dict)
    plan: str = ""

    def of_status(self, status: str) -> list[str]:
        """Return the todos of one status."""
        return [text for text, found in self.todos.values() if found == status]


class _Block(msgspec.Struct):
    type: str = ""
    id: str = ""
    name: str = ""
    tool_use_id: str = ""
    input: msgspec.Raw = msgspec.Raw()
    content: msgspec.Raw = msgspec.Raw()


class _Message(msgspec.Struct):
    content: str | list[_Block] = ""


class _Record(msgspec.Struct, rename="camel"):
    type: str = ""
    is_sidechain: bool = False
    message: _Message | None = None


FORMAT = LineFormat(_Record, re.compile(r'\{\s*"(?:parentUuid|type|uuid|sessionId)"'), frozenset({"sessionId"}))


def read_intentions(path: Path) -> Intentions:
    """Read a session file; nothing is found in one that cannot be read, or of another agent."""
    found = Intentions()
    created: dict[str, str] = {}
    try:
        with path.open("rb") as file:
            for record in read_records(file, FORMAT, Session(path.stem, path)):
                content = record.message.content if record.message and not record.is_sidechain else ""
                for block in content if isinstance(content, list) else ():
                    _take(block, found, created)
    except OSError:
        return found
    return found


def _take(block: _Block, found: Intentions, created: dict[str, str]) -> None:
    """Take one block; `created` is tasks that the client has yet to number, by the id of the call."""
    if block.type == "tool_result" and block.tool_use_id in created:
        subject = created.pop(block.tool_use_id)
        if told := NUMBERED.search(bytes(block.content).decode("utf-8", "replace")):
            found.todos[told.group(1)] = (subject, "pending")
        return
    given: Any = decode_raw(block.input) if block.type == "tool_use" and block.name in TOOLS else None
    if not isinstance(given, dict):
        return
    if block.name == "TodoWrite":
        todos = [todo for todo in given.get("todos") or () if isinstance(todo, dict)]
        found.todos = {str(n): (str(todo.get("content")), str(todo.get("status"))) for n, todo in enumerate(todos)}
    elif block.name == "TaskCreate":
        created[block.id] = str(given.get("subject", ""))
    elif block.name == "ExitPlanMode":
        found.plan = str(given.get("plan") or found.plan)
    elif (number := str(given.get("taskId"))) in found.todos:
        subject, status = found.todos[number]
        found.todos[number] = (str(given.get("subject") or subject), str(given.get("status") or status))
        if given.get("status") == DELETED:
            del found.todos[number]
