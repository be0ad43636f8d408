"""Values that were seen where secrets stand: kept as salted hashes, found again wherever else they are written.

What is too short or too common is not taken: to hide it everywhere would spoil text that has nothing to do with it.
"""

from __future__ import annotations

import re
from base64 import b64decode
from hashlib import blake2b
from typing import TYPE_CHECKING
from urllib.parse import unquote

from agent_context.screening.decoding import Page, decode
from agent_context.screening.invisible import Hit
from agent_context.screening.replacing import replace_hits
from agent_context.screening.secrets import find_in_page
from agent_context.screening.tokens import COMMON_PASSWORD, JUDGED, UUID, is_stand_in, measure_surprise

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

RULE = "tainted-value"
SHORTEST = 6
SHORTEST_PLAIN = 8  # of a value that does not mix upper case, lower case, digits or marks, three of the four
LONGEST = 1024
MOST_VALUES = 20_000  # of one session or machine: some 3 MB of hashes
LOOKS = 0xFFFFF
KINDS_OF_STRONG = 3
WORDLIKE = 0.2  # surprise of an identifier with digits in it, such as eu-west-1 or gpt-4o-mini
FINGERPRINT = 16

PASSWORDS = ("pass", "pwd")
STEMS = (*PASSWORDS, "secret", "token", "credential", "key", "auth")
NAME = re.compile(
    r"(?:pass(?:w(?:or)?d|phrase|code|wd)?|pwd|secret|token|credential|key|auth(?!or|en))(?P<rest>[\w.\-]{0,40})",
    re.IGNORECASE,
)
# The rest of a name that says that its value is about the secret.
NOT_VALUES = re.compile(
    r"(?:id|name|url|uri|path|file|dir|type|hash|length|len|limit|count|max|min|size|header|prefix|suffix|field|env|var|"
    r"policy|label|format|version|provider|arn|ref|class|bucket|endpoint|host|server|issuer|method|mode|status|error|"
    r"usage|budget|ttl|expiry|expires|algorithm|alg|user|region|map|ring|store|words?|board|stroke|frame)s?$",
    re.IGNORECASE,
)
# What stands before a name that is none of a secret.
NOT_SECRETS = re.compile(
    r"(?:(?:public|encrypted)(?:[ _-]?key)?|primary|foreign|cache|partition|sort|idempotency|object|csrf|next|page|"
    r"design|translation|query|publishable)[ _-]?$|(?:by|com|tres)$"
)
VALUE = re.compile(
    r"(?: (?=\"))?[\\\"'`\])}*]{0,4}+[ \t]{0,12}+(?:=>|:=|=|:|[ \t](?=[\"'])|(?<=[\w ])[ \t](?=\S{12}))[ \t]{0,12}+\\?"
    r"(?:\"(?P<double>[^\"\n]{6,1024}?)\\?\"|'(?P<single>[^'\n]{6,1024}?)\\?'|(?P<bare>[^\s\"'`<>,;\\(){}]{6,1024}+)(?![(\[]))"
)
NETRC = re.compile(r"\bmachine\s+\S{1,200}(?:\s+(?:login|account)\s+\S{1,200}){0,2}\s+password\s+(?P<value>\S{6,1024})")
ADDRESS = re.compile(r"://(?:[^\s:/@\"'`<>]{0,200}:)?(?P<value>[^\s/:@\"'`<>]{6,1024})@[\w\[]")
DOCKER = re.compile(r"\"auth\"\s{0,4}:\s{0,4}\"(?P<value>[A-Za-z0-9+/]{8,1024}={0,2})\"")
# What a program's text is full of, whatever name it is given.
COMMON = re.compile(
    r"(?:true|false|null|none|undefined|localhost|production|staging|development|optional|required|disabled|enabled|"
    r"(?:sha|hs|rs|es|ps|aes|md|base|utf|win|int|uint|float|amd|arm|x|secp|ed|oauth|http|python|node|java|php|ruby)"
    r"[\-_]?\d{1,5}(?:[\-_]?[a-z0-9]{1,8})?|v?\d+(?:[.\-:_/x]\w{1,12}){0,8}|\d[\d.,:\-/ ]*\w{0,3}|"
    r"[\w.\-]{1,80}\.(?:com|org|net|io|dev|json|ya?ml|toml|txt|pem|key|env|py|js|ts|md)(?::\d+)?(?:/.*)?)",
    re.IGNORECASE,
)
REFERENCE = re.compile(
    r"[$%<{\[&@~/.#*]|.{0,80}[{$]\w*[{$>]|https?://|[a-z]{1,12}://[^@]*$|"
    r"(?:process|os|env|secrets|vars|config|settings|self|this)[.:]|\w{1,40}\[\w{1,40}\]$|"
    r"[A-Za-z_]+(?:(?:\.|::|->)[A-Za-z_]+){1,8}[!?]?$",
    re.IGNORECASE,
)
WORDS = re.compile(r"[^\W\d_]+(?:[_\-./: ][^\W\d_]+)*[.!?:]?")
HEX = re.compile("[0-9a-fA-F]{16,}")
URL_MARKS = ("?", "&")
CLOSING = ".,:!?)*"
BEFORE = 28


class Taint:
    """Values by their salted hashes and lengths; the values themselves are not kept.

    `salt` is random bytes, other ones for every run. `left_out` counts the values beyond the most that are kept.
    """

    def __init__(self, salt: bytes) -> None:
        self.left_out = 0
        self._salt = salt
        self._rules: dict[bytes, str] = {}
        self._lengths: dict[int, tuple[int, ...]] = {}

    def __len__(self) -> int:
        return len(self._rules)

    def add(self, value: str, rule: str = RULE) -> None:
        """Remember one value, unless it is too short or too common to be looked for."""
        if not is_telling(value):
            return
        digest = self._hash(value)
        if digest in self._rules:
            return
        if len(self._rules) >= MOST_VALUES:
            self.left_out += 1
            return
        self._rules[digest] = rule
        look = _look(value, 0)
        self._lengths[look] = tuple(sorted({*self._lengths.get(look, ()), len(value)}, reverse=True))

    def learn(self, texts: Iterable[str], rule: str = RULE) -> None:
        """Remember the values that stand in these texts where secrets do: a session's, tool output included."""
        for text in texts:
            for value in collect_tainted(text):
                self.add(value, rule)

    def find(self, text: str) -> list[Hit]:
        """Return where a value stands, also within longer words, and where it does once escapes are decoded."""
        if not self._rules:
            return []
        hits = list(self._find(text))
        view = decode(Page(text))
        if view is not None:
            hits += [hit for hit in map(view.locate, self._find(view.page.text)) if hit not in hits]
        return hits

    def hide(self, text: str) -> str:
        """Return the text with `[redacted:rule]` for every value."""
        return replace_hits(text, self.find(text), lambda hit: f"[redacted:{hit.rule}]")

    def _find(self, text: str) -> Iterator[Hit]:
        at, last = 0, len(text) - SHORTEST
        while at <= last:
            step = 1
            for length in self._lengths.get(_look(text, at), ()):
                rule = self._rules.get(self._hash(text[at : at + length])) if at + length <= len(text) else None
                if rule is not None:
                    yield Hit(at, at + length, rule, "certain")
                    step = length
                    break
            at += step

    def _hash(self, value: str) -> bytes:
        return blake2b(value.encode("utf-8", "surrogatepass"), digest_size=FINGERPRINT, key=self._salt).digest()


def collect_tainted(text: str) -> Iterator[str]:
    """Yield what is given to secret-like names in code, .env blocks, environment dumps and credential files.

    Also the passwords of addresses, .netrc and Docker's settings, and what the screen itself takes for a secret.
    """
    page = Page(text)
    for stem in STEMS:
        for name in _match_at(page, stem):
            before = page.lower[max(0, name.start() - BEFORE) : name.start()]
            match = VALUE.match(page.flat, name.end())
            if match is None or NOT_VALUES.search(name["rest"]) or NOT_SECRETS.search(before):
                continue
            start, end = match.span(match.lastgroup or 0)
            value = text[start:end].rstrip("\\")
            if match.lastgroup == "bare":
                value = "" if value.endswith("...") else value.rstrip(CLOSING)
            is_picture = before.endswith(URL_MARKS) and UUID.match(value)
            if not is_picture and _is_given(value, is_password=stem in PASSWORDS):
                yield value
    yield from (match["value"] for match in NETRC.finditer(text))
    for match in ADDRESS.finditer(text):
        yield from {match["value"], unquote(match["value"])}
    for match in DOCKER.finditer(text):
        yield match["value"]
        yield _decode(match["value"]).partition(":")[2]
    yield from (text[hit.start : hit.end] for hit in find_in_page(page) if hit.end - hit.start <= LONGEST)


def is_telling(value: str) -> bool:
    """Tell whether a value can be looked for everywhere: 8 to 1024 characters, or 6 of three kinds, and not common.

    Words, numbers, versions, dates, host and file names, references to variables and stand-ins are common.
    """
    if not SHORTEST <= len(value) <= LONGEST or is_stand_in(value) or COMMON_PASSWORD.fullmatch(value):
        return False
    if COMMON.fullmatch(value) or REFERENCE.match(value) or WORDS.fullmatch(value):
        return False
    return len(value) >= SHORTEST_PLAIN or _count_kinds(value) >= KINDS_OF_STRONG


def _is_given(value: str, *, is_password: bool) -> bool:
    """Tell whether what a name is given passes for its secret: a password may be words with a digit, a key may not."""
    if is_password or UUID.fullmatch(value) or HEX.fullmatch(value) or measure_surprise(value[:JUDGED]) >= WORDLIKE:
        return " " not in value or is_password
    return " " not in value and _count_kinds(value) >= KINDS_OF_STRONG


def _match_at(page: Page, stem: str) -> Iterator[re.Match[str]]:
    """Yield the names that begin with a stem: looking a literal up first is what makes it fast."""
    at = page.lower.find(stem)
    while at >= 0:
        match = NAME.match(page.flat, at)
        if match is not None:
            yield match
        at = page.lower.find(stem, match.end() if match is not None else at + 1)


def _count_kinds(value: str) -> int:
    kinds = (
        str.isupper,
        str.islower,
        str.isdigit,
        lambda character: not character.isalnum() and character not in "-_./:",
    )
    return sum(any(map(kind, value[:JUDGED])) for kind in kinds)


def _look(text: str, at: int) -> int:
    """Return 20 bits of the beginning: what a position must share with a value to be looked at more closely."""
    return hash(text[at : at + SHORTEST]) & LOOKS


def _decode(value: str) -> str:
    try:
        return b64decode(value, validate=True).decode()
    except ValueError:
        return ""
