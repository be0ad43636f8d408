"""The allow-list: what a person has looked at and lets through, by the hash of the very text or by a pattern."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING

import tomli_w

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agent_context.learning import Finding
    from agent_context.settings import Allowance


def hash_found(found: str) -> str:
    """Return the hash by which a text that was found is allowed: sha256 in hex of exactly that text."""
    return sha256(found.encode("utf-8", "surrogatepass")).hexdigest()


def cut_found(text: str, finding: Finding) -> str:
    """Return what a finding stands on in its text."""
    line = 0
    for _ in range(finding.line - 1):
        line = text.index("\n", line) + 1
    start = line + finding.column - 1
    return text[start : start + finding.length]


def is_allowed(found: str, allowances: Iterable[Allowance]) -> bool:
    """Tell whether somebody allows what was found: by its hash, or by a pattern that matches the whole of it."""
    digest = hash_found(found)
    return any(
        allowance.hash == digest or (allowance.pattern and re.fullmatch(allowance.pattern, found))
        for allowance in allowances
    )


def apply_allowances(findings: Iterable[Finding], text: str, allowances: Sequence[Allowance]) -> list[Finding]:
    """Return the findings that nobody allows."""
    return [finding for finding in findings if not is_allowed(cut_found(text, finding), allowances)]


def append_allowances(text: str, found: Iterable[str], reason: str) -> str:
    """Return a settings file's text with an `[[allow]]` entry at its end for each found text that it lacks."""
    hashes = [digest for digest in dict.fromkeys(map(hash_found, found)) if digest not in text]
    entries = "".join(f"\n[[allow]]\n{tomli_w.dumps({'hash': digest, 'reason': reason})}" for digest in hashes)
    return f"{text.rstrip()}\n{entries}" if entries else text
