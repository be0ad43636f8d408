"""Statements that people have already written into rule files: CLAUDE.md, AGENTS.md, memories. Text only."""

from __future__ import annotations

import re

BULLET = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+(.*)$")
FENCE = re.compile(r"^\s*(```|~~~)")
SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z`\"*])")
MIN_WORDS = 4
MAX_LENGTH = 600
FILES = (
    "CLAUDE.md",
    "CLAUDE.local.md",
    ".claude/CLAUDE.md",
    "AGENTS.md",
    "GEMINI.md",
    ".cursorrules",
    ".github/copilot-instructions.md",
    ".claude/learnings.md",
)
GLOBS = (".claude/rules/**/*.md", ".cursor/rules/**/*.mdc")


def find_statements(text: str) -> list[str]:
    """Return what a rule file says, in order, each once: its bullets and the sentences of its paragraphs.

    Front matter, headings, tables, HTML comments, imports and code blocks say nothing.
    """
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    found: list[str] = []
    paragraph: list[str] = []
    fenced = False
    for line in [*text.splitlines(), ""]:
        if FENCE.match(line):
            fenced = not fenced
            continue
        if fenced:
            continue
        bullet = BULLET.match(line)
        if bullet or not line.strip() or line.lstrip().startswith(("#", "|", ">", "@")):
            found += SENTENCE_END.split(" ".join(paragraph))
            paragraph = []
        if bullet:
            paragraph = [bullet.group(1).strip()]
        elif line.strip() and not line.lstrip().startswith(("#", "|", ">", "@")):
            paragraph.append(line.strip())
    plain = (re.sub(r"\*\*|__", "", statement).strip() for statement in found)
    return list(dict.fromkeys(item for item in plain if len(item.split()) >= MIN_WORDS and len(item) <= MAX_LENGTH))
