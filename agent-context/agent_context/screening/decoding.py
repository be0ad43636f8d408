"""See through what hides a secret from a plain search, and lead every position back to the text as it was given.

Written escapes of JSON are undone in place, so that positions stay; for what changes the length (invisible characters,
ANSI, NFKC, URL quoting, base64) the lines concerned are read once more, decoded. Pure: text in, views out.
"""

from __future__ import annotations

import re
import unicodedata
from base64 import b64decode
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from string import ascii_letters, digits
from typing import TYPE_CHECKING

from agent_context.screening.invisible import (
    BIDI,
    COMPATIBLE,
    CONTROLS,
    ESCAPE,
    SELECTORS,
    TAGS,
    ZERO_WIDTH,
    Hit,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

UNSEEN = f"{TAGS}{BIDI}{ZERO_WIDTH}{SELECTORS}{CONTROLS}"
LONG = 20  # characters of a run that may hold a provider's token: none in use is shorter
BASE64_LEAST, BASE64_MOST = 24, 100_000
DEEPEST = 16  # backslashes of one escape: four levels of JSON in JSON
FEW = 6  # kinds of hidden characters that are each looked for by themselves
PRINTABLE = 0.9  # share of a decoded text that must be plain for it to be one
QUOTES = {"\u201c": '"', "\u201d": '"', "\u2018": "'", "\u2019": "'"}
# Values of a transcript's record that are no text: random by nature, secret to nobody.
NOT_TEXT = frozenset(
    {
        *("signature", "uuid", "parentUuid", "id", "requestId", "tool_use_id", "sessionId", "leafUuid", "messageId"),
        *("promptId", "toolUseID", "parentToolUseID", "sourceToolAssistantUUID", "logicalParentUuid", "message_id"),
        *("encrypted_content", "call_id", "request_id", "session_id", "thread_id", "turn_id"),
    }
)
_RUN = frozenset(f"{ascii_letters}{digits}_-+".encode())
_IN_RUN = bytes(ord("a") if c in _RUN else ord(" ") for c in range(256))
_IN_BASE64 = frozenset(f"{ascii_letters}{digits}+/")
_PLAIN = bytes(c for c in range(128) if chr(c).isprintable() or chr(c) in "\n\t\r")
_ASCII = bytes(range(128))
_SLASHES = bytes.maketrans(b"\\", b" ")
# What stands for a line break or a tab in JSON; a backslash before anything else is taken for a space.
_BREAKS = ((b"\\n", b" \n"), (b"\\t", b" \t"))
_NOISE = re.compile(rb'"(?:signature|encrypted_content|data)" {0,9}: {0,9}"(?P<value>[A-Za-z0-9+/=]{100,})"')
_NOT_ASCII = re.compile(f"[{UNSEEN}{COMPATIBLE}]")
_CONTROL_START = re.compile(f"[{CONTROLS}]")
_CONTROL = re.compile(f"{ESCAPE}|[{CONTROLS}]")
_ESCAPED = re.compile(r"\\(?:(?:(?:u00|x)1[bB]|033|e)\[[0-9;]{0,32}[A-Za-z]|u[0-9a-fA-F]{4}|/)")
_PERCENT = re.compile(r"%[2-7][0-9A-Fa-f]")
_MIXED = re.compile(r"(?=[^\d]{0,60}\d)(?=[^a-z]{0,60}[a-z])[^A-Z]{0,60}[A-Z]")
_BASE64 = re.compile(r"(?<![\w+/=.\-])[A-Za-z0-9+/_\-]{24,}+={0,2}(?![\w+/=])")


@dataclass(frozen=True)
class Page:
    """A text as the rules read it: `flat` has one ASCII character for each of the text's, escapes of JSON undone."""

    text: str

    @cached_property
    def data(self) -> bytes:
        """Return the text in ASCII, position by position; what has no place in ASCII is a question mark."""
        text = self.text
        if not text.isascii():
            for quote, plain in QUOTES.items():
                text = text.replace(quote, plain)
        data = text.encode("ascii", "replace")
        if b"\\" in data:
            for written, meant in _BREAKS:
                data = data.replace(written, meant)
            data = data.translate(_SLASHES)
        return _NOISE.sub(_blank, data) if b'"signature"' in data or b'"data"' in data else data

    @cached_property
    def flat(self) -> str:
        """Return the same as a string."""
        return self.data.decode("ascii")

    @cached_property
    def lower(self) -> str:
        """Return the flat text in lower case."""
        return self.flat.lower()

    @cached_property
    def runs(self) -> list[tuple[int, int]]:
        """Return the spans of letters, digits and `_+-` from 20 characters on, at the speed of a search for bytes."""
        shape = self.data.translate(_IN_RUN)
        least = b"a" * LONG
        found = []
        start = shape.find(least)
        while start >= 0:
            end = shape.find(b" ", start + LONG)
            end = len(shape) if end < 0 else end
            found.append((start, end))
            start = shape.find(least, end)
        return found


@dataclass(frozen=True, slots=True)
class View:
    """A page, with the way back: piece i begins at `begins[i]` here and at `origins[i]` in the original.

    Whole pieces are either verbatim or stand for one decoded part, `ends[i]` in the original is where it is over.
    """

    page: Page
    begins: tuple[int, ...]
    origins: tuple[int, ...]
    ends: tuple[int, ...]
    verbatim: tuple[bool, ...]

    def locate(self, hit: Hit) -> Hit:
        """Return the hit with its span in the original text; of a decoded part that is the whole part."""
        first = bisect_right(self.begins, hit.start) - 1
        last = bisect_right(self.begins, hit.end - 1) - 1
        start, end = self.origins[first], self.ends[last]
        if self.verbatim[first]:
            start += hit.start - self.begins[first]
        if self.verbatim[last]:
            end = self.origins[last] + hit.end - self.begins[last]
        return Hit(start, end, hit.rule, hit.severity)


def decode(page: Page) -> View | None:
    """Return the lines with something hidden in them, decoded one level; None when nothing is."""
    parts = sorted(_find_parts(page))
    if not parts:
        return None
    texts: list[str] = []
    pieces: list[tuple[int, int, bool]] = []
    for start, end, shown in _fill(page.text, parts):
        texts.append(page.text[start:end] if shown is None else shown)
        pieces.append((start, end, shown is None))
    begins = [0]
    for text in texts[:-1]:
        begins.append(begins[-1] + len(text))
    origins, ends, verbatim = zip(*pieces, strict=True)
    return View(Page("".join(texts)), tuple(begins), origins, ends, verbatim)


def find_texts(value: object) -> Iterator[str]:
    """Yield the strings of a transcript's record, from JSON inside JSON too, without signatures, ids and images."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from find_texts(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key not in NOT_TEXT and not (key == "data" and value.get("type") == "base64"):
                yield from find_texts(item)


def _blank(match: re.Match[bytes]) -> bytes:
    """Return the match with spaces where its value was."""
    head, _, tail = match[0].partition(match["value"])
    return head + b" " * len(match["value"]) + tail


def _find_parts(page: Page) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and decoded text of what is hidden; parts may overlap."""
    text = page.text
    if not text.isascii():
        yield from _find_not_ascii(text)
    if page.data.translate(None, _PLAIN):
        for found in _CONTROL_START.finditer(text):
            control = _CONTROL.match(text, found.start())
            if control is not None:
                yield control.start(), control.end(), ""
    if "\\" in text:
        for match in _ESCAPED.finditer(text):
            start = match.start()
            while start and text[start - 1] == "\\" and match.start() - start < DEEPEST:
                start -= 1
            yield start, match.end(), _unescape(match[0])
    if "%" in text:
        for match in _PERCENT.finditer(text):
            yield match.start(), match.end(), bytes.fromhex(match[0][1:]).decode("ascii", "replace")
    yield from _find_base64(page)


def _find_not_ascii(text: str) -> Iterator[tuple[int, int, str]]:
    used = set(text.encode("utf-8", "replace").translate(None, _ASCII).decode("utf-8", "replace"))
    hidden = [character for character in used if _NOT_ASCII.match(character)]
    if len(hidden) > FEW:
        for match in _NOT_ASCII.finditer(text):
            yield match.start(), match.end(), _plain(match[0])
        return
    for character in hidden:
        at = text.find(character)
        while at >= 0:
            yield at, at + 1, _plain(character)
            at = text.find(character, at + 1)


def _find_base64(page: Page) -> Iterator[tuple[int, int, str]]:
    done = 0
    for start, end in page.runs:
        if start < done or not _MIXED.match(page.flat, start, end):
            continue
        begin = start
        while begin > done and start - begin < LONG and page.flat[begin - 1] in _IN_BASE64:
            begin -= 1
        match = _BASE64.match(page.flat, begin)
        if match is None:
            continue
        done = match.end()
        decoded = decode_base64(match[0])
        if decoded is not None:
            yield match.start(), match.end(), decoded


def decode_base64(value: str) -> str | None:
    """Return the plain text that the value encodes, or None when it encodes none."""
    if not BASE64_LEAST <= len(value) <= BASE64_MOST:
        return None
    body = value.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        decoded = b64decode(body + "=" * (-len(body) % 4)).decode()
    except ValueError:
        return None
    plain = sum(character.isprintable() or character in "\n\r\t" for character in decoded)
    return decoded if decoded.isascii() and plain >= PRINTABLE * len(decoded) else None


def _plain(character: str) -> str:
    if _CONTROL.match(character) or not re.match(f"[{COMPATIBLE}]", character):
        return ""
    plain = unicodedata.normalize("NFKC", character)
    return "-" if plain == "\u2010" else plain


def _unescape(part: str) -> str:
    if part == "\\/":
        return "/"
    if part[1] != "u" or len(part) != len("\\u0041"):
        return ""  # ANSI
    character = chr(int(part.removeprefix("\\u"), 16))
    return _plain(character) if _NOT_ASCII.match(character) else character


def _fill(text: str, parts: list[tuple[int, int, str]]) -> Iterator[tuple[int, int, str | None]]:
    """Yield the parts, without overlaps, and between them what else is on their lines, as it stands (None)."""
    whole = "-----BEGIN" in text  # a key whose body is veiled on some of its lines
    at, until = 0, len(text) if whole else 0
    for start, end, shown in parts:
        if start < at:
            continue
        if start >= until:
            if at < until:
                yield at, until, None
            at = text.rfind("\n", at, start) + 1 or at
            until = until if whole else _end_of_line(text, end)
        if at < start:
            yield at, start, None
        yield start, end, shown
        at, until = end, until if end <= until else _end_of_line(text, end)
    if at < until:
        yield at, until, None


def _end_of_line(text: str, at: int) -> int:
    """Return where the line ends, with its break."""
    found = text.find("\n", max(0, at - 1))
    return len(text) if found < 0 else max(found + 1, at)
