"""What a checkout says about itself already: an agent there needs no learning that says it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent_context.rulefiles import FILES, GLOBS
from agent_context.snippet.repeats import Said
from agent_context.snippet.stating import MANIFESTS, state_document, state_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

READMES = ("README.md", "README.rst", "README.txt", "README", "CONTRIBUTING.md")
MAX_BYTES = 512 * 1024


def read_said(top: Path) -> Said:
    """Return what the checkout's rule files, README and manifest say; what is ours in them says nothing."""
    said = Said()
    for file in _list_documents(top):
        name = file.relative_to(top).as_posix()
        text = _read(file)
        for statement in state_manifest(file.name, text) if file.name in MANIFESTS else state_document(text):
            said.add(statement, name)
    return said


def _list_documents(top: Path) -> Iterator[Path]:
    for name in (*FILES, *READMES, *MANIFESTS):
        if (top / name).is_file():
            yield top / name
    for pattern in GLOBS:
        yield from sorted(path for path in top.glob(pattern) if path.is_file())


def _read(file: Path) -> str:
    """Return a file's text; nothing of one that is too large or does not read as text."""
    try:
        return file.read_text(encoding="utf-8") if file.stat().st_size <= MAX_BYTES else ""
    except (OSError, UnicodeDecodeError):
        return ""
