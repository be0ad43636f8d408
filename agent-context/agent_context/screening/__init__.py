"""Screen text for what must not go on: secrets, and characters that a reader does not see.

Says what is where, never acts on it; what to do with a finding is for the caller.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING, Literal

from agent_context.learning import Finding
from agent_context.screening.invisible import Hit, find_invisible, show
from agent_context.screening.secrets import find_secrets

if TYPE_CHECKING:
    from collections.abc import Callable

MASK_SHOWS = 4

CHECKS: dict[Literal["secret", "personal", "poison"], Callable[[str], list[Hit]]] = {
    "secret": find_secrets,
    "poison": find_invisible,
}


def screen(text: str) -> list[Finding]:
    """Return what the checks find in the text and in the text as it looks, by position, overlaps of a kind merged."""
    shown = show(text)
    line_ends = [match.start() for match in re.finditer("\n", text)]
    findings: list[Finding] = []
    for kind, check in CHECKS.items():
        hits = check(text)
        if shown is not None:
            hits += [shown.locate(hit) for hit in check(shown.text)]
        for hit in merge(hits):
            line = bisect_left(line_ends, hit.start)
            column = hit.start - (line_ends[line - 1] if line else -1)
            masked = mask(kind, text[hit.start : hit.end])
            findings.append(Finding(kind, hit.rule, hit.severity, line + 1, column, hit.end - hit.start, masked))
    return sorted(findings, key=lambda finding: (finding.line, finding.column, finding.kind))


def merge(hits: list[Hit]) -> list[Hit]:
    """Return hits without overlaps: one over all that hang together, named by its most certain, then longest, part."""
    merged: list[Hit] = []
    best = Hit(0, 0, "", "likely")
    for hit in sorted(hits, key=lambda hit: (hit.start, hit.end)):
        if not merged or hit.start >= merged[-1].end:
            best = hit
            merged.append(hit)
            continue
        best = max(best, hit, key=lambda part: (part.severity == "certain", part.end - part.start))
        merged[-1] = Hit(merged[-1].start, max(merged[-1].end, hit.end), best.rule, best.severity)
    return merged


def mask(kind: str, value: str) -> str:
    """Return what may be shown of a value: at most 4 characters and a quarter of a secret, code points of poison."""
    size = f"({len(value)} character{'s' if len(value) > 1 else ''})"
    if kind == "poison":
        return f"U+{ord(value[0]):04X}{'…' if len(value) > 1 else ''} {size}"
    shown = "".join(c for c in value[: min(MASK_SHOWS, len(value) // 4)] if c.isprintable())
    return f"{shown}… {size}"
