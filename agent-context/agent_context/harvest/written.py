"""What people (and agents' memories) have already written down about a project: known, so not learned."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agent_context.rulefiles import FILES, GLOBS, find_statements
from agent_context.snippet.blocks import cut_block

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

MAX_BYTES = 512 * 1024
SLUG_LENGTH = 200


def find_written(tops: Iterable[Path], claude_dir: Path) -> dict[str, str]:
    """Return every statement written in the rule files of these checkouts and in Claude Code's memory of them, by file.

    What agent-context itself wrote there is left out: it is in the knowledge base already.
    """
    found: dict[str, str] = {}
    for top in tops:
        for file in _files(top, claude_dir):
            for statement in read_statements(file):
                found.setdefault(statement, file.name)
    return found


def read_statements(file: Path) -> list[str]:
    """Return what one rule file says; nothing of a file that is ours, too large, or does not read as text."""
    try:
        if file.stat().st_size > MAX_BYTES:
            return []
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return []
    return find_statements(cut_block(text))


def _files(top: Path, claude_dir: Path) -> Iterator[Path]:
    for name in FILES:
        if (top / name).is_file():
            yield top / name
    for pattern in GLOBS:
        yield from sorted(path for path in top.glob(pattern) if path.is_file())
    slug = re.sub(r"[^a-zA-Z0-9]", "-", str(top))[:SLUG_LENGTH]
    yield from sorted(path for path in (claude_dir / "projects" / slug / "memory").glob("*.md") if path.is_file())
