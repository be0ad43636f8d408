from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agent_context.harvest.written import find_written
from agent_context.snippet import MARKER

if TYPE_CHECKING:
    from pathlib import Path


def test_rule_files_and_memory_are_read_and_our_own_file_is_not(tmp_path: Path) -> None:
    top = tmp_path / "work" / "my_app"
    files = {
        top / "CLAUDE.md": "- Prices are integer cents.\n",
        top / ".claude/rules/style.md": "- Write titles in sentence case.\n- Prices are integer cents.\n",
        top / ".claude/rules/agent-context.md": f"{MARKER}\n\n- Said by agent-context alone.\n",
        top / ".cursor/rules/a.mdc": "---\nglobs: '*'\n---\n- Sort imports by length first.\n",
        top / "src/CLAUDE.md": "- Not at the top at all.\n",
    }
    claude = tmp_path / "claude"
    slug = re.sub(r"[^a-zA-Z0-9]", "-", str(top))
    files[claude / "projects" / slug / "memory" / "MEMORY.md"] = "- The build server sleeps at night.\n"
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert find_written([top, tmp_path / "gone"], claude) == {
        "Prices are integer cents.": "CLAUDE.md",
        "Write titles in sentence case.": "style.md",
        "Sort imports by length first.": "a.mdc",
        "The build server sleeps at night.": "MEMORY.md",
    }


def test_files_that_do_not_read_say_nothing(tmp_path: Path) -> None:
    (tmp_path / "CLAUDE.md").write_bytes(b"\xff\xfe\x00binary")
    (tmp_path / "AGENTS.md").mkdir()
    assert find_written([tmp_path], tmp_path) == {}
