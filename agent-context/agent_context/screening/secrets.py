"""Find secrets by shape (providers' prefixes, private keys, connection strings) and by the name they are given.

Pure and in linear time: literals and long runs are looked up first, at the speed of a search for bytes, and only there
are the patterns tried, each with a bounded reach. What hides a secret is for `decoding`.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from agent_context.screening.contexts import find_named
from agent_context.screening.decoding import LONG, Page, decode_base64
from agent_context.screening.invisible import Hit
from agent_context.screening.providers import ANYWHERE, AROUND, PREFIXED, WORD
from agent_context.screening.tokens import (
    COMMON_PASSWORD,
    LONE_SURPRISE,
    STAND_INS,
    UUID,
    has_checksum,
    is_stand_in,
    measure_surprise,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

DIGIT = re.compile(r"\d")
HEXADECIMAL = re.compile(r"[a-f0-9-]+|[A-F0-9-]+")
HEAD = 3  # characters of a prefix that a run without a digit must begin with
MIXED = re.compile(r"(?=[^a-z]{0,60}[a-z])[^A-Z]{0,60}[A-Z]|.{32,80}-us")
MARKS = frozenset(".~/*$")  # that prefixes have in them
# Where a prefixed token may begin; by its first two characters the prefixes to try.
TOKEN_START = re.compile(r"(?<![A-Za-z0-9])(?=([A-Za-z0-9][A-Za-z0-9_.\-/])[A-Za-z0-9_.+/=~%*$\-]{14})")
PREFIX_REACH = 24  # characters of a prefix with marks in it that may stand before the long run
MARK_REACH = 140  # the same for the literal of a form
LONE = re.compile(
    r"(?<![\w+/.\-@#%])(?<!h1:)(?=\D{0,40}\d)"
    r"(?:(?=[^a-z]{0,40}[a-z])(?=[^A-Z]{0,40}[A-Z])[\w+/\-]{24,200}+={0,2}|[a-z0-9]{40,200}+)(?!\.?[\w/+=@\-])"
)
HASHED = re.compile(r"(?:sha-?\d{1,3}|md5|digest|checksum|fingerprint|integrity|href|\bid)\W{0,3}\Z", re.IGNORECASE)
NAMED = 16  # characters before a lone value that may call it a hash
DATED = re.compile(r"\d{4}-\d\d-\d\d|" + UUID.pattern)
# Ids that public interfaces hand out, hashes of files, and the names of compiled functions.
PUBLIC_ID = re.compile(
    r"(?:toolu|msg|req|call|chatcmpl|resp|team|org|user|run|file|asst|thread|evt|cus|price|prod)[_-]|sha\d{3}-|_{1,3}(?:Z|R)[A-Z]"
    # The public halves of age and ssh keys: bech32 after age1, base64 of the algorithm's name.
    r"|age1[02-9ac-hj-np-z]{58}(?![a-z0-9])|AAAA(?:C3NzaC1|B3NzaC1|E2VjZHNhLXNoYTI)"
)


def find_secrets(text: str) -> list[Hit]:
    """Return what looks like a secret: "certain" by its shape, "likely" by the name it is given. Spans may overlap."""
    return find_in_page(Page(text))


def find_in_page(page: Page) -> list[Hit]:
    """Return the same for a page."""
    return [*find_named(page.flat, page.lower), *_find_forms(page), *_find_tokens(page)]


def _find_tokens(page: Page) -> Iterator[Hit]:
    """Yield what is found in and around long runs that have a digit or a prefix, and are more than hexadecimal."""
    flat, done, heads = page.flat, 0, _index_heads()
    for start, end in page.runs:
        if flat[start : start + HEAD] not in heads and (
            not DIGIT.search(flat, start, end) or HEXADECIMAL.fullmatch(flat, start, end)
        ):
            continue
        begin = max(done, start - PREFIX_REACH) if flat[start - 1 : start] in MARKS else start
        yield from _find_prefixed(flat, begin, end)
        if MIXED.match(flat, start, end):
            yield from _find_around(flat, max(0, start - MARK_REACH), end)
        if start >= done and (lone := LONE.match(flat, start)) and _is_lone(lone):
            yield Hit(start, lone.end(), "random-token", "likely")
            done = lone.end()
        done = max(done, end)


def _find_prefixed(flat: str, start: int, end: int) -> Iterator[Hit]:
    while (found := TOKEN_START.search(flat, start, end + LONG)) is not None and found.start() < end:
        hit = _match_prefixed(flat, found.start(), found[1])
        if hit is not None:
            yield hit
        start = hit.end if hit is not None else found.start() + 1


def _match_prefixed(flat: str, at: int, head: str) -> Hit | None:
    for prefix, rule in _index_prefixes().get(head, ()):
        if flat.startswith(prefix, at):
            match = _compile(f"{re.escape(prefix)}(?>{PREFIXED[rule][1]})(?![{WORD}])").match(flat, at)
            if match is not None and (not STAND_INS.search(match[0], len(prefix)) or has_checksum(match[0])):
                return Hit(match.start(), match.end(), rule, "certain")
    return None


def _find_around(flat: str, start: int, end: int) -> Iterator[Hit]:
    for literal, rule in _index_literals():
        at = flat.find(literal, start, end + LONG)
        while at >= 0:
            hit = _match_form(flat, at, rule)
            if hit is not None:
                yield hit
            at = flat.find(literal, hit.end if hit is not None else at + 1, end + LONG)


def _find_forms(page: Page) -> Iterator[Hit]:
    for literal, rules in _index_forms().items():
        at = page.lower.find(literal)
        while at >= 0:
            hit = next((hit for rule in rules if (hit := _match_form(page.flat, at, rule)) is not None), None)
            if hit is not None:
                yield hit
            at = page.lower.find(literal, hit.end if hit is not None else at + 1)


def _match_form(flat: str, at: int, rule: str) -> Hit | None:
    _, pattern, severity = AROUND.get(rule) or ANYWHERE[rule]
    match = _compile(pattern).match(flat, at)
    if match is None:
        return None
    group = "value" if "value" in match.re.groupindex else 0
    value = match[group]
    if is_stand_in(value) or (group and COMMON_PASSWORD.fullmatch(value)):
        return None
    return Hit(match.start(group), match.end(group), rule, severity)


def _is_lone(match: re.Match[str]) -> bool:
    """Tell whether a value that nothing names is random in itself, and neither a date, a hash nor a public id."""
    value, start = match[0], match.start()
    if PUBLIC_ID.match(value) or DATED.search(value) or is_stand_in(value) or decode_base64(value) is not None:
        return False
    return measure_surprise(value) >= LONE_SURPRISE and not HASHED.search(match.string, max(0, start - NAMED), start)


@cache
def _compile(pattern: str) -> re.Pattern[str]:
    """Compile when the literal is first met: most texts hold few of them."""
    return re.compile(pattern)


@cache
def _index_prefixes() -> dict[str, list[tuple[str, str]]]:
    """Return the prefixes and their rules by the first two characters."""
    index: dict[str, list[tuple[str, str]]] = {}
    for rule, (prefixes, _) in PREFIXED.items():
        for prefix in prefixes.split():
            index.setdefault(prefix[:2], []).append((prefix, rule))
    return index


@cache
def _index_heads() -> frozenset[str]:
    every = [prefix for prefixes, _ in PREFIXED.values() for prefix in prefixes.split()]
    return frozenset(prefix[:HEAD] for prefix in every if len(prefix) >= HEAD)


@cache
def _index_forms() -> dict[str, list[str]]:
    """Return the rules of the forms that may be anywhere, by their literals."""
    index: dict[str, list[str]] = {}
    for rule, (literals, _, _) in ANYWHERE.items():
        for literal in literals.split("|"):
            index.setdefault(literal, []).append(rule)
    return index


@cache
def _index_literals() -> list[tuple[str, str]]:
    """Return the literals of the forms around long tokens, with their rules."""
    return [(literal, rule) for rule, (literals, _, _) in AROUND.items() for literal in literals.split("|")]
