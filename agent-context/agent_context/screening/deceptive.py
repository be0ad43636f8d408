"""Text that looks like something else than it is: comments, words and hosts of mixed script, what stands out of sight.

Characters that are not seen at all are for `invisible`. Pure: text in, hits out.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from agent_context.screening.invisible import Hit, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

# Letters beyond ASCII that look like a Latin letter: Cyrillic, Greek, Armenian.
LOOKALIKES = (
    "\u0430\u0432\u0433\u0435\u043a\u043c\u043d\u043e\u043f\u0440\u0441\u0442\u0443\u0445\u0455\u0456\u0458\u0491\u04bb"
    "\u04cf\u0501\u051b\u051d\u0405\u0406\u0408\u0410\u0412\u0415\u0417\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423"
    "\u0425\u04ae\u04c0\u050c\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03b1"
    "\u03b9\u03bd\u03bf\u03c1\u0555\u0578\u057d\u0585"
)
MIXED = re.compile(f"[A-Za-z][{LOOKALIKES}]|[{LOOKALIKES}][A-Za-z]")
# How people write: a grammatical ending on an abbreviation ("the PRs" in Russian), a variable of a formula.
ENDED = re.compile(r"[A-Z]{2,12}[\u0400-\u04ff]{1,4}|[a-zA-Z\d]{1,2}[\u0391-\u03c9]|[\u0391-\u03c9][a-zA-Z\d]{1,2}")
WORD_REACH = 40
LONGEST_LINE = 2_000
WIDE_GAP = re.compile(r"(?<=\S)[^\S\n]{300,}(?=[^\s|])")
WEB = r"://(?:(?<=[tT][pP]://)|(?<=[pP][sS]://))"
# Rule -> severity and pattern; each begins with a literal, so that most texts are passed over fast.
RULES: dict[str, tuple[Severity, str]] = {
    "html-comment": ("likely", r"<!--(?:[^-]|-(?!->)){0,4000}(?:-->)?"),
    "disguised-host": (
        "certain",
        WEB
        + r"(?:[^\s/@:?#]{1,80}\.[a-zA-Z]{2,10}(?::[^\s/@]{0,80})?@[^\s/]{1,80}"
        + r"|(?:[\w-]{1,60}\.){0,4}[xX][nN]--[\w.-]{2,60})",
    ),
    "foreign-host": ("likely", WEB + r"[\x21-\x2e\x30-\x7e]{0,60}[^\x00-\x7f][^\s/?#]{0,60}"),
    "disguised-link": (
        "certain",
        (
            r"\[\s?[hH][tT]{2}[pP][sS]?://(?P<shown>[\w.-]{1,80}+)[^\]\n]{0,200}\]"
            r"\(\s?[hH][tT]{2}[pP][sS]?://(?!(?P=shown)(?![\w.-]))[\w.-]{1,80}"
        ),
    ),
}
COMPILED = {rule: (severity, re.compile(pattern)) for rule, (severity, pattern) in RULES.items()}


def find_deceptive(text: str) -> list[Hit]:
    """Return comments, words and hosts that imitate others, lines over 2,000 characters and gaps of 300 spaces."""
    hits = [
        Hit(match.start(), match.end(), rule, severity)
        for rule, (severity, pattern) in COMPILED.items()
        for match in pattern.finditer(text)
    ]
    return hits + list(_find_mixed(text)) + list(_find_out_of_sight(text))


def _find_mixed(text: str) -> Iterator[Hit]:
    """Yield words in which a letter of another script stands for the Latin one that it looks like."""
    if text.isascii():
        return
    end = 0
    for match in MIXED.finditer(text):
        if match.start() < end:
            continue
        start, end = match.span()
        while start > max(0, match.start() - WORD_REACH) and text[start - 1].isalnum():
            start -= 1
        while end < min(len(text), match.end() + WORD_REACH) and text[end].isalnum():
            end += 1
        word = text[start:end]
        if not ENDED.fullmatch(word) and all(unicodedata.category(c) != "Lo" for c in word):
            yield Hit(start, end, "mixed-script", "certain")


def _find_out_of_sight(text: str) -> Iterator[Hit]:
    start = 0
    for line in text.split("\n"):
        if len(line) > LONGEST_LINE:
            yield Hit(start + LONGEST_LINE, start + len(line), "long-line", "likely")
        start += len(line) + 1
    for gap in WIDE_GAP.finditer(text):
        yield Hit(*gap.span(), "wide-gap", "likely")
