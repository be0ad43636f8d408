"""The files that carry a snippet to an agent: for each target, those that are ours whole and the blocks of ours."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent_context.snippet.blocks import BEGIN_MADE, IMPORT, cut_block, is_ours, own
from agent_context.snippet.framing import HEADING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent_context.settings import TargetName
    from agent_context.snippet import Scoped, Snippet

RULES = ".claude/rules/agent-context.md"
RULES_FOLDER = ".claude/rules/agent-context"
LEARNINGS = ".claude/learnings.md"
CURSOR = ".cursor/rules/agent-context.mdc"
CURSOR_SCOPED = ".cursor/rules/agent-context-{}.mdc"
CLAUDE_FILES = ("CLAUDE.md", ".claude/CLAUDE.md")
AGENTS_FILE = "AGENTS.md"
BLOCK_FILES = (*CLAUDE_FILES, AGENTS_FILE)
OWN_GLOBS = (RULES, f"{RULES_FOLDER}/*.md", LEARNINGS, ".cursor/rules/agent-context*.mdc")
# How the project's git is told to pass over what is ours, in `.git/info/exclude`. A file that a person might list there
# too is spelled in a way of our own, so that taking our line out takes none of theirs.
EXCLUDED = {
    RULES: b"/.claude/rules/agent-context.md",
    RULES_FOLDER: b"/.claude/rules/agent-context/",
    LEARNINGS: b"/.claude/learnings[.]md",
    ".cursor": b"/.cursor/rules/agent-context*.mdc",
    "CLAUDE.md": b"/CLAUDE[.]md",
    AGENTS_FILE: b"/AGENTS[.]md",
}


@dataclass(slots=True)
class Layout:
    """What is to stand in a checkout: files of ours by path, and the texts of our block by the file it is in."""

    files: dict[str, bytes] = field(default_factory=dict)
    blocks: dict[str, list[str]] = field(default_factory=dict)


def lay_out(target: TargetName, snippet: Snippet, top: Path, layout: Layout) -> None:
    """Add to the layout what a target is made of; nothing where there is nothing to say."""
    if snippet.text or snippet.scoped:
        TARGETS[target](snippet, top, layout)


def find_own_files(top: Path) -> list[str]:
    """Return the files in a checkout that are ours whole, as paths in it."""
    found = sorted(path for pattern in OWN_GLOBS for path in top.glob(pattern) if path.is_file())
    return [path.relative_to(top).as_posix() for path in found if is_ours(path.read_bytes())]


def find_excluded(layout: Layout, made: set[str]) -> list[bytes]:
    """Return the lines for `info/exclude` that the layout needs. `made` are files with a block that we made."""
    needed = {_find_excluded_name(path) for path in layout.files} | made
    return [line for name, line in EXCLUDED.items() if name in needed]


def begin_new(name: str, top: Path) -> str:
    """Return how a file that we make for a block begins: CLAUDE.md takes in a person's AGENTS.md, else switched off."""
    agents = top / AGENTS_FILE
    theirs = name == "CLAUDE.md" and agents.is_file() and BEGIN_MADE.encode() not in agents.read_bytes()
    return IMPORT if theirs else ""


def _find_excluded_name(path: str) -> str:
    if path.startswith(".cursor/"):
        return ".cursor"
    return RULES_FOLDER if path.startswith(f"{RULES_FOLDER}/") else path


def _lay_rules(snippet: Snippet, top: Path, layout: Layout) -> None:  # noqa: ARG001 - one signature for all
    if snippet.text:
        layout.files[RULES] = own(snippet.text)
    for rule in snippet.scoped:
        paths = "".join(f'  - "{path}"\n' for path in rule.paths)
        layout.files[f"{RULES_FOLDER}/{rule.name}.md"] = own(rule.text, f"---\npaths:\n{paths}---\n")


def _lay_claude(snippet: Snippet, top: Path, layout: Layout) -> None:
    name = _find_claude_file(top)
    # Where one is a link to the other, the form that every reader takes goes in, once.
    if AGENTS_FILE not in layout.blocks or not _is_one_file(top, name):
        layout.blocks.setdefault(name, []).append(snippet.text)


def _lay_learnings(snippet: Snippet, top: Path, layout: Layout) -> None:
    """Add the file, and the words in CLAUDE.md that have it read, unless a person's own words do."""
    layout.files[LEARNINGS] = own(snippet.text)
    if (top / LEARNINGS).is_file() and not is_ours((top / LEARNINGS).read_bytes()):
        return  # it is left alone, and nothing points to it
    name = _find_claude_file(top)
    there = (top / name).read_text(encoding="utf-8", errors="replace") if (top / name).is_file() else ""
    if "learnings.md" not in cut_block(there):
        where = LEARNINGS if name == "CLAUDE.md" else "learnings.md"
        words = f"What earlier sessions in this project learned, by day and machine: @{where}"
        layout.blocks.setdefault(name, []).append(words)


def _lay_agents(snippet: Snippet, top: Path, layout: Layout) -> None:
    name = _find_claude_file(top)
    if name in layout.blocks and _is_one_file(top, name):
        layout.blocks[name] = [text for text in layout.blocks[name] if not text.startswith(HEADING)]
    layout.blocks.setdefault(AGENTS_FILE, []).append(snippet.text)


def _lay_cursor(snippet: Snippet, top: Path, layout: Layout) -> None:  # noqa: ARG001 - one signature for all
    if snippet.text:
        layout.files[CURSOR] = own(snippet.text, "---\nalwaysApply: true\n---\n")
    for rule in snippet.scoped:
        globs = ",".join(_find_cursor_glob(path) for path in rule.paths)
        front = _say_front_of_cursor(rule, globs)
        layout.files[CURSOR_SCOPED.format(rule.name)] = own(rule.text, front)


def _say_front_of_cursor(rule: Scoped, globs: str) -> str:
    return f"---\ndescription: what past sessions learned about {rule.name}\nglobs: {globs}\nalwaysApply: false\n---\n"


def _find_cursor_glob(path: str) -> str:
    """Return a glob as Cursor reads it: relative to the checkout, a folder with all that is in it."""
    glob = path if "/" in path.rstrip("/") else f"**/{path}"
    return f"{glob}**" if glob.endswith("/") else glob


def _is_one_file(top: Path, name: str) -> bool:
    return (top / name).resolve() == (top / AGENTS_FILE).resolve()


def _find_claude_file(top: Path) -> str:
    """Return which CLAUDE.md the checkout uses; the one at the top where it has none."""
    return next((name for name in CLAUDE_FILES if (top / name).is_file()), CLAUDE_FILES[0])


TARGETS: dict[TargetName, Callable[[Snippet, Path, Layout], None]] = {
    "rules": _lay_rules,
    "claude-md": _lay_claude,
    "learnings-md": _lay_learnings,
    "agents-md": _lay_agents,
    "cursor-rules": _lay_cursor,
}
