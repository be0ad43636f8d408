"""Screen text for what must not go on: secrets, and characters that a reader does not see.

Says what is where, never acts on it; what to do with a finding is for the caller.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING, Literal, Protocol

from agent_context.learning import Finding
from agent_context.screening import kingfisher, secrets
from agent_context.screening.decoding import Page, decode
from agent_context.screening.invisible import Hit, show
from agent_context.screening.poison import find_poison

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MASK_SHOWS = 4
ROUNDS = 4
# Parts so short that a secret does not fit in.
PLAIN_WORDS = re.compile(r"[A-Za-z]{2,14}(?: [A-Za-z]{1,14}){0,2}(?![\w-])")
REDACTED = re.compile(r"\[redacted:[a-z0-9]{1,16}(?:-[a-z0-9.]{1,16}){0,8}\]")
Kind = Literal["secret", "personal", "poison"]
EngineName = Literal["own", "kingfisher"]


class Engine(Protocol):
    """Finds secrets in a page; spans may overlap."""

    def __call__(self, page: Page) -> list[Hit]:
        """Return what it finds. Raise MissingExtraError when its package is missing."""


ENGINES: dict[EngineName, Engine] = {"own": secrets.find_in_page, "kingfisher": kingfisher.find_in_page}
CHECKS: dict[Kind, Callable[[str], list[Hit]]] = {"poison": find_poison}


def screen(text: str, engines: Literal["auto"] | Sequence[EngineName] = ("own",)) -> list[Finding]:
    """Return what the checks find in the text and in the text as it looks, by position, overlaps of a kind merged.

    Raise MissingExtraError when an engine that is named is not installed; "auto" takes those that are.
    """
    found: dict[Kind, list[Hit]] = {"secret": find_secrets(text, engines)}
    shown = show(text)
    for kind, check in CHECKS.items():
        found[kind] = check(text) + ([shown.locate(hit) for hit in check(shown.text)] if shown is not None else [])
    line_ends = [match.start() for match in re.finditer("\n", text)] if any(found.values()) else []
    findings: list[Finding] = []
    for kind, hits in found.items():
        for hit in merge(hits):
            line = bisect_left(line_ends, hit.start)
            column = hit.start - (line_ends[line - 1] if line else -1)
            masked = mask(kind, text[hit.start : hit.end])
            findings.append(Finding(kind, hit.rule, hit.severity, line + 1, column, hit.end - hit.start, masked))
    return sorted(findings, key=lambda finding: (finding.line, finding.column, finding.kind))


def find_secrets(text: str, engines: Literal["auto"] | Sequence[EngineName] = ("own",)) -> list[Hit]:
    """Return what the engines find in the text and in its decoded lines, by position, overlaps merged.

    What is found is looked away from and the rest is read again, as it would be once this is redacted.
    """
    chosen = choose_engines(engines)
    written = REDACTED.finditer(text) if "[redacted:" in text else ()
    left = _blank(text, [Hit(*match.span(), "", "likely") for match in written])
    hits: list[Hit] = []
    for _ in range(ROUNDS):
        found = _find_once(left, chosen)
        if not found:
            break
        hits = merge([*hits, *found])
        left = _blank(left, hits)
    return hits


def _find_once(text: str, engines: Sequence[EngineName]) -> list[Hit]:
    page = Page(text)
    decoded = decode(page)
    hits: list[Hit] = []
    for name in engines:
        hits += ENGINES[name](page)
        if decoded is not None:
            hits += [decoded.locate(hit) for hit in ENGINES[name](decoded.page)]
    return hits


def _blank(text: str, hits: list[Hit]) -> str:
    """Return the text with something as long as each hit in its place that is no part of a word or value."""
    parts, at = [], 0
    for hit in hits:
        parts += [text[at : hit.start], "<".ljust(hit.end - hit.start - 1)[: hit.end - hit.start - 1] + ">"]
        at = hit.end
    return "".join([*parts, text[at:]])


def choose_engines(engines: Literal["auto"] | Sequence[EngineName]) -> Sequence[EngineName]:
    """Return the engines to run: our own, and for "auto" the second one where it is installed."""
    if engines != "auto":
        return engines
    return ("own", "kingfisher") if kingfisher.is_installed() else ("own",)


def redact(text: str, findings: Sequence[Finding]) -> str:
    """Return the text with `[redacted:rule]` where the findings are; what they overlap is redacted once."""
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    spans = [
        Hit(start, start + finding.length, finding.rule, finding.severity)
        for finding in findings
        for start in (starts[finding.line - 1] + finding.column - 1,)
    ]
    for hit in reversed(merge(spans)):
        text = f"{text[: hit.start]}[redacted:{hit.rule}]{text[hit.end :]}"
    return text


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
    """Return what may be shown of a value: at most 4 characters and a quarter of a secret; of poison its first words.

    Only plain letters are words here: a stretch that is poison may hold a token as well.
    """
    size = f"({len(value)} character{'s' if len(value) > 1 else ''})"
    if kind == "poison":
        words = PLAIN_WORDS.match(value)
        if words is not None:
            return f"{words[0]}… {size}"
        return f"U+{ord(value[0]):04X}{'…' if len(value) > 1 else ''} {size}"
    shown = "".join(c for c in value[: min(MASK_SHOWS, len(value) // 4)] if c.isprintable())
    return f"{shown}… {size}"
