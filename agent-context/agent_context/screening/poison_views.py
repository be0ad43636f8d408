"""A text as its disguises would have it read: folded, spaced letters joined, digits for letters, turned, encoded.

Every view knows the way back to the original's places. Pure: text in, texts out.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
import unicodedata
from dataclasses import dataclass
from functools import partial
from string import ascii_lowercase, ascii_uppercase
from typing import TYPE_CHECKING

from agent_context.screening.invisible import Hit, Shown, compose

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LEET = str.maketrans("01345678@$!", "oieasbtbasi")
ROT13 = str.maketrans(
    ascii_lowercase + ascii_uppercase,
    ascii_lowercase[13:] + ascii_lowercase[:13] + ascii_uppercase[13:] + ascii_uppercase[:13],
)
LEET_WORD = re.compile(
    r"(?<![\w/.-])(?=[a-z@$!\d]{0,12}[a-z])(?:[a-z]{0,6}[013457@$]){1,9}[a-z]{0,6}(?![\w/.-])", re.IGNORECASE
)
LEAST_LEET_WORDS = 3
AROUND = 60  # characters before and after a disguised word that are read with it
SPACED = re.compile(r"(?<![^\W_])(?:[^\W\d_][ .\-_*|/\u00b7\u2022,]{1,2}){4,200}[^\W\d_](?![^\W_])")
ENTITY = re.compile(r"&(?:#\d{2,7}|#x[0-9a-f]{2,6}|[a-z]{2,8});", re.IGNORECASE)
# The words by which a turned or shifted text gives itself away.
TURNED = ("snoitcurtsni", "erongi", "tpmorp", "drageresid", "resu eht")
SHIFTED = ("vafgehpgvba", "vtaber", "flfgrz cebzcg", "qvfertneq", "cerivbhf")
# Encoding -> what may be encoded so, and how it is decoded. The longest alphabet comes last.
BLOBS: dict[str, tuple[re.Pattern[str], Callable[[str], bytes]]] = {
    "binary": (
        re.compile(r"(?<![01])[01]{8}(?:\s?[01]{8}){7,2000}(?![01])"),
        lambda blob: bytes(
            int(blob[at : at + 8], 2) for blob in ["".join(blob.split())] for at in range(0, len(blob), 8)
        ),
    ),
    "hex": (
        re.compile(r"(?<![0-9a-f])(?:(?:\\x|0x)?[0-9a-f]{2}[ ,]?){16,4000}(?![0-9a-f])", re.IGNORECASE),
        lambda blob: bytes.fromhex(re.sub(r"\\x|0x|[ ,]", "", blob, flags=re.IGNORECASE)),
    ),
    "base32": (re.compile(r"(?<![A-Z2-7])[A-Z2-7]{24,8000}={0,6}"), lambda blob: base64.b32decode(_pad(blob, 8))),
    "base64": (
        re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{20,12000}={0,2}"),
        lambda blob: base64.b64decode(_pad(blob.replace("-", "+").replace("_", "/"), 4)),
    ),
    "ascii85": (re.compile(r"<~[!-u\s]{16,8000}~>"), lambda blob: base64.a85decode(blob, adobe=True)),
}
LEAST_READABLE = 0.95


@dataclass(frozen=True, slots=True)
class View:
    """A reading of a text, and how a hit in it lies in the original."""

    text: str
    locate: Callable[[Hit], Hit]


class _Folding(dict[int, str]):
    """Code point to what it is compared as, one for one, worked out when first met."""

    def __missing__(self, code: int) -> str:
        """Return the letter without accent in lower case; anything that has no such form as it is."""
        character = chr(code)
        base = unicodedata.normalize("NFD", character)[0]
        lower = (base if base.isascii() else character).lower()
        self[code] = lower if len(lower) == 1 else character
        return self[code]


FOLDING = _Folding(
    {ord(quote): "'" for quote in "\u2018\u2019\u02bc\u00b4"}
    | {ord(quote): '"' for quote in "\u201c\u201d\u201e\u00ab\u00bb"}
)
FOLDING[ord("\u00df")] = "s"


def fold(text: str) -> str:
    """Return the text in lower case, accents off and quotes straight; every character keeps its place."""
    return text.lower() if text.isascii() else text.translate(FOLDING)


def disguise(text: str) -> Iterator[View]:
    """Yield the readings that a disguise in the text suggests, of its surroundings alone; most texts have none."""
    for start, end in _surround(list(LEET_WORD.finditer(text)), LEAST_LEET_WORDS):
        yield View(text[start:end].translate(LEET), partial(_shift, start))
    for start, end in _surround([*SPACED.finditer(text), *ENTITY.finditer(text)], 1):
        shown = compose(text[start:end], _joined(text[start:end]))
        yield View(shown.text, partial(_lead_back, start, shown))
    lower = text.lower()
    if any(word in lower for word in SHIFTED):
        yield View(text.translate(ROT13), partial(_shift, 0))
    if any(word in lower for word in TURNED):
        yield View(text[::-1], partial(_turn, len(text)))


def _surround(matches: list[re.Match[str]], least: int) -> Iterator[tuple[int, int]]:
    """Yield the stretches around at least so many matches that stand close to each other, without overlaps."""
    matches.sort(key=lambda match: match.start())
    group: list[re.Match[str]] = []
    for match in [*matches, None]:
        if group and (match is None or match.start() - group[-1].end() > AROUND):
            if len(group) >= least:
                yield max(0, group[0].start() - AROUND), group[-1].end() + AROUND
            group = []
        if match is not None:
            group.append(match)


def decode_blobs(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and the text in every blob that decodes to something readable; each is shorter than its blob."""
    for pattern, decode in BLOBS.values():
        for match in pattern.finditer(text):
            try:
                decoded = decode(match[0]).decode()
            except (ValueError, binascii.Error):
                continue
            readable = sum(c.isprintable() or c in "\r\n\t" for c in decoded)
            if decoded and readable >= LEAST_READABLE * len(decoded):
                yield match.start(), match.end(), decoded


def _pad(blob: str, size: int) -> str:
    bare = blob.rstrip("=")
    return bare + "=" * (-len(bare) % size)


def _shift(start: int, hit: Hit) -> Hit:
    return Hit(hit.start + start, hit.end + start, hit.rule, hit.severity)


def _lead_back(start: int, shown: Shown, hit: Hit) -> Hit:
    return _shift(start, shown.locate(hit))


def _turn(size: int, hit: Hit) -> Hit:
    return Hit(size - hit.end, size - hit.start, hit.rule, hit.severity)


def _joined(text: str) -> Iterator[tuple[int, int, str | None]]:
    """Yield the pieces of the text, spaced letters as one word and entities as their character."""
    at = 0
    for match in sorted([*SPACED.finditer(text), *ENTITY.finditer(text)], key=lambda match: match.start()):
        if match.start() < at:
            continue
        if at < match.start():
            yield at, match.start(), None
        is_entity = match[0].startswith("&")
        yield match.start(), match.end(), html.unescape(match[0]) if is_entity else re.sub(r"[\W_]", "", match[0])
        at = match.end()
    if at < len(text):
        yield at, len(text), None
