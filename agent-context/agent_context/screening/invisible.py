"""Characters that a reader does not see: report them, and show the text as it looks without them.

What the shown text says is for the other checks. Pure: text in, hits out.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Severity = Literal["certain", "likely"]

TAGS = "\U000e0000-\U000e007f"
BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f"
ZERO_WIDTH = (
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065\u3164\ufeff\uffa0\ufff0-\ufffb"
)
SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
CONTROLS = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029"
ESCAPE = (
    r"(?:\x1b\[|\x9b)[0-?]{0,64}[ -/]{0,8}[@-~]"  # CSI: colours, cursor
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x9c\x9d]{0,2048}(?:\x07|\x1b\\|\x9c)"  # OSC: titles, links
    r"|\x1b[ -/]{0,8}[0-~]"
)
RULES: dict[str, str] = {
    "ansi-escape": ESCAPE,
    "tag-characters": f"[{TAGS}]+",
    "bidi-control": f"[{BIDI}]+",
    "zero-width": f"[{ZERO_WIDTH}]+",
    "variation-selector": f"[{SELECTORS}]+",
    "control-character": f"[{CONTROLS}]+",
}
_UNSEEN_START = re.compile(f"[{TAGS}{BIDI}{ZERO_WIDTH}{SELECTORS}{CONTROLS}]")
_UNSEEN = re.compile("|".join(f"(?P<{rule.replace('-', '_')}>{pattern})" for rule, pattern in RULES.items()))

# Flags of England, Scotland and Wales: the only tag sequences that Unicode recommends for interchange (UTS 51).
_FLAGS = tuple("".join(chr(0xE0000 + ord(c)) for c in code) + "\U000e007f" for code in ("gbeng", "gbsct", "gbwls"))
_BLACK_FLAG = "\U0001f3f4"
_JOINED_SCRIPTS = re.compile(
    "[\u0600-\u08ff\u0900-\u0dff\u0e80-\u0fff\u1000-\u109f\u1780-\u17ff]"
)  # joiners spell words
_KEYCAPS = "0123456789#*"

# NFKC turns these into ASCII: spaces, dashes, superscripts, enclosed, full width and mathematical letters.
COMPATIBLE = (
    "\u00a0\u2000-\u200a\u2010\u2011\u2070-\u209c\u2100-\u214f\u2460-\u24ff\u3000\ufb00-\ufb06\ufe50-\ufe6b\uff01-\uff5e"
    "\U0001d400-\U0001d7ff\U0001f100-\U0001f16c"
)
# What a scan must see through: the unseen, ANSI written out as text, escapes of JSON and of URLs, and the compatible.
_VEILED_START = re.compile(rf"[\\%{TAGS}{BIDI}{ZERO_WIDTH}{SELECTORS}{CONTROLS}{COMPATIBLE}]")
_VEILED = re.compile(
    f"{ESCAPE}"
    r"|\\(?:u00|x)1[bB]\[[0-9;]{0,32}[A-Za-z]|\\(?:033|e)\[[0-9;]{0,32}[A-Za-z]"
    r"|\\u00[2-7][0-9a-fA-F]|\\[nrt\"'/]|%[2-7][0-9A-Fa-f]"
    f"|[{TAGS}{BIDI}{ZERO_WIDTH}{SELECTORS}{CONTROLS}{COMPATIBLE}]"
)
_WRITTEN = {"\\n": "\n", "\\r": "\n", "\\t": "\t", '\\"': '"', "\\'": "'", "\\/": "/"}


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule's claim on `text[start:end]`, half open, in code points."""

    start: int
    end: int
    rule: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class Shown:
    """A text as it looks, with the way back: piece i begins at `begins[i]` here and at `origins[i]` in the original.

    Whole pieces are either verbatim or stand for one veiled part; `origins` has one more item, the original's length.
    """

    text: str
    begins: tuple[int, ...]
    origins: tuple[int, ...]
    verbatim: tuple[bool, ...]

    def locate(self, hit: Hit) -> Hit:
        """Return the hit with its span in the original text."""
        first = bisect_right(self.begins, hit.start) - 1
        last = bisect_right(self.begins, hit.end - 1) - 1
        start, end = self.origins[first], self.origins[last + 1]
        if self.verbatim[first]:
            start += hit.start - self.begins[first]
        if self.verbatim[last]:
            end = self.origins[last] + hit.end - self.begins[last]
        return Hit(start, end, hit.rule, hit.severity)


def find_invisible(text: str) -> list[Hit]:
    """Return runs of tags, zero-width, bidi and control characters and ANSI escapes; emoji sequences are fine."""
    return [
        Hit(match.start(), match.end(), (match.lastgroup or "").replace("_", "-"), "certain")
        for match in _match_all(_UNSEEN, _UNSEEN_START, text)
        if not _is_spelling(text, match.start(), match.end())
    ]


def show(text: str) -> Shown | None:
    """Return the text without what is not seen and with escapes decoded; None if that is the text itself."""
    shown = compose(
        text, ((start, end, _unveil(text[start:end]) if veiled else None) for start, end, veiled in _pieces(text))
    )
    return None if all(shown.verbatim) else shown


def compose(text: str, pieces: Iterable[tuple[int, int, str | None]]) -> Shown:
    """Return the text with pieces replaced: start, end and what stands there instead, or None where it stays."""
    parts: list[str] = []
    origins: list[int] = []
    verbatim: list[bool] = []
    for start, end, instead in pieces:
        parts.append(text[start:end] if instead is None else instead)
        origins.append(start)
        verbatim.append(instead is None)
    begins = [0]
    for part in parts[:-1]:
        begins.append(begins[-1] + len(part))
    return Shown("".join(parts), tuple(begins), (*origins, len(text)), tuple(verbatim))


def _match_all(pattern: re.Pattern[str], start: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Yield the pattern's matches, tried only where `start`, a plain character class and so fast, has one."""
    at = 0
    while (found := start.search(text, at)) is not None:
        match = pattern.match(text, found.start())
        if match is not None:
            yield match
        at = match.end() if match is not None else found.end()


def _pieces(text: str) -> Iterator[tuple[int, int, bool]]:
    """Yield start, end and whether it is veiled, of pieces that together are the whole text."""
    at = 0
    for match in _match_all(_VEILED, _VEILED_START, text):
        if at < match.start():
            yield at, match.start(), False
        yield match.start(), match.end(), True
        at = match.end()
    if at < len(text):
        yield at, len(text), False


def _unveil(part: str) -> str:
    if part in _WRITTEN:
        return _WRITTEN[part]
    if part[0] == "%":
        return bytes.fromhex(part[1:]).decode()
    if part[:2] == "\\u" and len(part) == len("\\u0041"):
        return bytes.fromhex(part[4:]).decode()
    if len(part) > 1 or _UNSEEN.fullmatch(part):
        return ""
    plain = unicodedata.normalize("NFKC", part)
    return "-" if plain == "\u2010" else plain


def _is_spelling(text: str, start: int, end: int) -> bool:
    """Tell whether the run at start:end is part of an emoji, of a script that needs it, or the byte order mark."""
    run, before, after = text[start:end], text[start - 1 : start], text[end : end + 1]
    if run == "\ufeff":
        return start == 0
    if run in _FLAGS:
        return before == _BLACK_FLAG
    if run in {"\ufe0e", "\ufe0f"}:
        return bool(before) and (before in _KEYCAPS or _is_symbol(before))
    if run == "\u200d" and _is_symbol(after) and before:
        return _is_symbol(before) or before in "\ufe0f\U000e007f"
    if run in {"\u200c", "\u200d"}:
        return bool(_JOINED_SCRIPTS.match(before))
    return False


def _is_symbol(character: str) -> bool:
    """Tell whether the character can carry an emoji: a symbol, or one of the few marks with an emoji form."""
    if not character or character.isascii():
        return False
    return unicodedata.category(character) in {"So", "Sm", "Sk"} or character in "\u203c\u2049\u2139\u3030\u303d"
