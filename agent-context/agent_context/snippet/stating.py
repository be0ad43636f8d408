"""What a project's own documents state: its rule files and README by sentence, its manifest by entry. Text only."""

from __future__ import annotations

import json
import re
import tomllib
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from agent_context.rulefiles import FENCE, find_statements
from agent_context.snippet.blocks import cut_block

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TARGET = re.compile(r"^([A-Za-z][\w.-]*)\s*:(?!=)[^#\n]*(?:#+\s*(.*))?$", re.MULTILINE)
NEEDED = re.compile(r"^\s*(?:require\s+)?([\w./-]+\.[\w./-]+)\s+v([\w.+-]+)|^go\s+([\d.]+)", re.MULTILINE)


def state_document(text: str) -> list[str]:
    """Return what a document says: its bullets and sentences, each alone and with the next, its code and tables.

    What agent-context wrote there is left out.
    """
    text = cut_block(text)
    single = find_statements(text)
    pairs = (f"{one} {other}" for one, other in pairwise(single))
    return list(dict.fromkeys((*single, *pairs, *_find_literal(text))))


def state_manifest(name: str, text: str) -> list[str]:
    """Return what a manifest of this name says, as sentences; nothing of one that does not read."""
    try:
        return list(MANIFESTS[name](text)) if name in MANIFESTS else []
    except (ValueError, TypeError, AttributeError, RecursionError):
        return []


def _find_literal(text: str) -> Iterator[str]:
    """Yield the lines of code blocks and tables, each with the last words above them."""
    above = ""
    fenced = False
    for line in text.splitlines():
        if FENCE.match(line):
            fenced = not fenced
        elif line.strip() and (fenced or line.lstrip().startswith("|")):
            yield f"{above} `{line.strip()}`" if fenced else line
        elif line.strip():
            above = line.strip()


def _state_package(text: str) -> Iterator[str]:
    package: dict[str, Any] = json.loads(text)
    for name, command in package.get("scripts", {}).items():
        yield f"npm pnpm yarn bun run script `{name}` runs `{command}`"
    for part in ("dependencies", "devDependencies", "peerDependencies", "engines"):
        for name, version in package.get(part, {}).items():
            yield f"the project uses, depends on and requires {name} version {version}"
    if "packageManager" in package:
        yield f"the project uses the package manager {package['packageManager']}"


def _state_pyproject(text: str) -> Iterator[str]:
    table = tomllib.loads(text)
    project: dict[str, Any] = table.get("project", {})
    yield f"the project requires and supports Python {project.get('requires-python', '')}"
    groups: dict[str, list[str]] = {"": project.get("dependencies", []), **project.get("optional-dependencies", {})}
    for group, names in groups.items():
        for name in names:
            yield f"the project uses, depends on and requires {name} {group}"
    for name, target in project.get("scripts", {}).items():
        yield f"the command `{name}` runs {target}"
    for tool, settings in table.get("tool", {}).items():
        yield f"the project uses the tool {tool}, configured: {settings}"


def _state_cargo(text: str) -> Iterator[str]:
    table = tomllib.loads(text)
    package: dict[str, Any] = table.get("package", {})
    yield f"the crate {package.get('name', '')} uses Rust edition {package.get('edition', '')}"
    for part in ("dependencies", "dev-dependencies"):
        for name, version in table.get(part, {}).items():
            yield f"the project uses, depends on and requires {name} version {version}"


def _state_makefile(text: str) -> Iterator[str]:
    for name, told in TARGET.findall(text):
        yield f"run `make {name}` to {told or name}"


def _state_go(text: str) -> Iterator[str]:
    for name, version, go in NEEDED.findall(text):
        yield f"the project requires Go {go}" if go else f"the project uses, depends on and requires {name} v{version}"


MANIFESTS: dict[str, Callable[[str], Iterator[str]]] = {
    "package.json": _state_package,
    "pyproject.toml": _state_pyproject,
    "Cargo.toml": _state_cargo,
    "Makefile": _state_makefile,
    "justfile": _state_makefile,
    "go.mod": _state_go,
}
