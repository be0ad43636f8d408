"""The tooling and the handoffs of a knowledge base, as its site shows them: foreign text, screened first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent_context.handoffs.reading import load_handoffs
from agent_context.layout import SKILL_FILE
from agent_context.machines import read_machines
from agent_context.site.holdings import Note, Passage, Tool
from agent_context.tooling.drift import compare_machines
from agent_context.tooling.entries import Kind
from agent_context.tooling.registry import read_registry

if TYPE_CHECKING:
    from agent_context.handoffs.reading import Found
    from agent_context.knowledge import KnowledgeBase
    from agent_context.tooling.entries import Entry, File


def read_handoffs(knowledge_base: KnowledgeBase) -> dict[str, tuple[Note, ...]]:
    """Return each project's handoffs, newest first; a withheld one shows its reason alone, an encrypted one nothing."""
    found: dict[str, list[Note]] = {}
    for item in load_handoffs(knowledge_base):
        if not item.is_sealed:
            found.setdefault(item.project, []).append(_note(item))
    return {project: tuple(notes) for project, notes in found.items()}


def _note(item: Found) -> Note:
    handoff = item.handoff
    if item.withheld:
        return Note(handoff.device, handoff.at, "", (), item.withheld)
    passages = tuple(Passage(section.title, section.text) for section in handoff.sections)
    return Note(handoff.device, handoff.at, handoff.branch, passages)


def read_tools(
    knowledge_base: KnowledgeBase, *, public: bool
) -> tuple[tuple[Tool, ...], tuple[Tool, ...], tuple[str, ...]]:
    """Return servers, skills and what is wrong in the registry. What the screen finds something in is not shown."""
    registry = read_registry(knowledge_base.root)
    rows = compare_machines(registry.entries.values(), read_machines(knowledge_base))
    states = {row.entry: {cell.machine: cell.standing.value for cell in row.cells} for row in rows}
    servers, skills = [], []
    problems = [f"{key}: {error.advice}" for key, error in registry.problems.items()]
    for entry in registry.entries.values():
        about, text = _describe(entry), _read_skill(entry)
        if knowledge_base.screen(f"{entry.name}\n{about}\n{text}"):
            problems.append(f"{entry.key}: withheld until you have looked at it (agent-context screen {entry.source})")
            continue
        files = tuple(_name_file(name, file) for name, file in sorted(entry.files.items()) if name != SKILL_FILE)
        tool = Tool(entry.name, about, {} if public else states.get(entry.key, {}), text, files)
        if entry.kind is Kind.SERVER:
            servers.append(tool)
        elif entry.kind is Kind.SKILL:
            skills.append(tool)
    return tuple(servers), tuple(skills), () if public else tuple(problems)


def _describe(entry: Entry) -> str:
    """Return what the entry says of itself, and of a server what it runs, with the names of variables alone."""
    server = entry.server
    if server is None:
        return entry.description
    runs = server.url or " ".join((server.command, *server.args))
    return f"{entry.description} ({runs})".strip()


def _name_file(name: str, file: File) -> str:
    return f"{name}, {len(file.data):,} bytes" + ", may be run" * file.executable


def _read_skill(entry: Entry) -> str:
    """Return a skill's text without its front matter."""
    file = entry.files.get(SKILL_FILE) if entry.kind is Kind.SKILL else None
    text = (file.text if file else None) or ""
    if text.startswith("---\n") and "\n---" in text[4:]:
        return text[4:].partition("\n---")[2].partition("\n")[2]
    return text
