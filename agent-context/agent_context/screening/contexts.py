"""Secrets told by the name that they are given or the header that they stand in, not by their own shape.

All positions are the same in the flat text and in its lower case; every pattern has a bounded reach.
"""

from __future__ import annotations

import re
from base64 import b64decode
from typing import TYPE_CHECKING

from agent_context.screening.invisible import Hit
from agent_context.screening.tokens import (
    BARE_SURPRISE,
    HEX,
    KEY_SURPRISE,
    UUID,
    is_password,
    is_random,
    is_stand_in,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

# Family -> what a value is called, in lower case. A password may be a word with a digit; a secret and a key are random.
NAMES: dict[str, tuple[str, ...]] = {
    "password": ("pass", "pwd"),
    "secret": ("secret", "token", "credential"),
    "key": ("auth", "key"),  # `auth` finds headers too
}
# A key with one of these before it is a secret.
SECRET_KEYS = re.compile(r"(?:api|access|private|secret|account|encryption|signing|service)[_\- ]?$")
NAME = re.compile(
    r"(?:pass(?:w(?:or)?d|phrase|code|wd|(?=[^a-z\s]|$|\s{1,4}[=:|\-])|(?<=_pass)(?=\s))|pwd|secret|token|credential|"
    r"auth(?!or|en)|key)(?P<rest>[\w.\-]{0,40}+)"
)
BEARER = re.compile(r"bearer[ \t]{1,4}[\"'`]?(?P<value>[\w\-.=+/~:]{16,2000}+)", re.IGNORECASE)
HEADER = re.compile(
    r"authorization[\"']?[ \t]{0,4}[:=,][ \t]{0,4}[\"'`]?(?:(?P<scheme>[A-Za-z]{3,20})[ \t=]{1,4}[\"']?)?"
    r"(?P<value>[\w\-.=+/~:]{8,2000}+)",
    re.IGNORECASE,
)
COOKIES = re.compile(r"cookie2?[\"']?[ \t]{0,4}[:=,(][ \t]{0,4}[\"'`]?(?P<value>[^\n\"'`]{16,4000}+)", re.IGNORECASE)
COOKIE = re.compile(r"[\w.\-]{1,60}=(?P<value>[\w\-.+/%=]{16,2000}+)")
NETRC = re.compile(r"(?:machine \S{1,100}|default)\s{1,8}login \S{1,100}\s{1,8}(?=password)")
NETRC_VALUE = re.compile(r"password (?P<value>\S{3,200})")
FLAG_START = re.compile(r"(?:^|[\s\"'\[,`])--?[\w\-]{0,24}$")
CODE = re.compile(r"[A-Za-z_]\w{0,60}(?:(?:\.|::|->)[A-Za-z_]\w{0,60}){1,8}[!?]?")  # a.b.c
DIGIT_IN_LINE = re.compile(r"[^\n\d]{0,300}+\d")
# How a value follows the name: after a command's flag, a sign, "is" with up to six words before it, or just a space.
FLAG = re.compile(r"[ =]{1,2}[\"']?(?P<value>[^\s\"'`<>|;)]{5,200}+)")
ASSIGNED = re.compile(
    r"[ \t\"'`\])}*]{0,16}+"
    r"(?:(?::[ \t]{0,4})?\*?(?:[sS]tring|str|Optional\[str\]|str \| None)[ \t]{1,4}+)?"
    r"(?P<sep>[:=>?+.|!,(~\[-]{1,4}+)[ \t]{0,12}+(?:(?<=[:=>])\n[ \t]{0,30}+(?=[\w\"'])(?![\w.]{1,60}[ \t]{0,4}[=:]))?"
    r"(?:(?P<quote>[\\\"'`*@]{0,4}+)(?P<value>[^\s\"'`<>,;\\()\x1b]{6,400}+)(?P<after>.?))"
)
QUOTED = re.compile(
    r"[ \t\"'`\])}*]{0,16}+(?P<sep>[:=!>]{1,3}+)[ \t]{0,12}+@?(?P<quote>[\"'`])"
    r"(?P<value>[^\"'`\n\\]{6,200}+)(?P=quote)"
)
SENTENCE = re.compile(
    r"(?:[ \t]{1,2}[\w'/.@-]{1,30}){0,6}?[ \t]{1,2}(?:is|was|are|becomes|to|as|of|be)"
    r"(?:[ \t](?:now|still|set to))?:?[ \t]{1,2}(?P<quote>[\"'`*]{0,3}+)(?P<value>[^\s\"'`<>,;\\]{6,200}+)"
)
SPACED = re.compile(r"[ \t]{1,3}[\"'`]?(?P<value>[\w\-+/=.]{20,200}+)")

# The rest of a name that says that the value is not the secret itself, and what is said before one that is none.
NOT_VALUES = re.compile(
    r"(?:id|name|url|uri|path|file|dir|type|hash|hashed|length|len|limit|count|max|min|size|header|prefix|suffix|field|"
    r"param|policy|column|label|format|version|provider|env|var|arn|ref|class|bucket|endpoint|host|server|issuer|method|"
    r"mode|strategy|status|error|usage|budget|words?|event|pair|ring|store|map|placeholder|hint|regex|pattern|schema|ttl|"
    r"algorithm|alg)s?$"
)
NOT_SECRETS = re.compile(
    r"(?:(?:public|pub|encrypted)(?:[ _-]?key)?|primary|foreign|cache|partition|sort|idempotency|object|csrf|next|page|"
    r"design|translation|query|publishable)[ _-]?$|(?:by|com|tres)$|badge\.svg\?$"
)
SHORTEST_KEY = 16
PARTS = 2
BEFORE = 28  # characters before a name that are looked at: bounds the work on hostile text
BEFORE_PASSWORD = 220  # the same for a line of .netrc
CLOSING = ".,:!?)*`"
URL_MARKS = ("?", "&")
HEX_KEY = re.compile(rf"(?=[a-f]*\d)[{HEX}]{{24,128}}")
DISTINCT = 6  # different characters in a hexadecimal key, at least


def find_named(flat: str, lower: str) -> Iterator[Hit]:
    """Yield values that a name, header or cookie before them says to be secret."""
    for family, names in NAMES.items():
        for name in names:
            at = lower.find(name)
            while at >= 0:
                hit = _judge_name(flat, lower, at, family)
                if hit is not None:
                    yield hit
                at = lower.find(name, hit.end if hit is not None else at + len(name))
    yield from _find_authorizations(flat, lower)


def _judge_name(flat: str, lower: str, at: int, family: str) -> Hit | None:
    if lower.startswith("authorization", at):
        return _judge_header(HEADER.match(flat, at))
    name = NAME.match(lower, at)
    if name is None:
        return None
    before = lower[max(0, at - BEFORE) : at]
    if family == "password" and "login " in lower[max(0, at - BEFORE_PASSWORD) : at]:
        netrc = _match_netrc(flat, lower, at)
        if netrc is not None:
            return netrc
    if lower.startswith("key", at) and SECRET_KEYS.search(before):
        family = "secret"
    value = _find_value(flat, name.end(), family, before)
    if value is None or NOT_VALUES.search(name["rest"]) or NOT_SECRETS.search(before):
        return None
    return Hit(*value, f"named-{family}", "likely")


def _judge_header(header: re.Match[str] | None) -> Hit | None:
    if header is None:
        return None
    scheme, value, span = (header["scheme"] or "").lower(), header["value"], header.span("value")
    if scheme == "basic" and _is_user_and_password(value):
        return Hit(*span, "basic-credentials", "certain")
    rule = "bearer-token" if scheme == "bearer" else "authorization-header"
    is_token = len(value) >= SHORTEST_KEY and is_random(value, BARE_SURPRISE)
    return Hit(*span, rule, "certain") if is_token else None


def _match_netrc(flat: str, lower: str, at: int) -> Hit | None:
    start = max(0, at - BEFORE_PASSWORD)
    for mark in ("machine ", "default"):
        begin = lower.rfind(mark, start, at)
        value = NETRC_VALUE.match(flat, at)
        if begin >= 0 and value is not None and (head := NETRC.match(lower, begin)) and head.end() == at:
            return None if is_stand_in(value["value"]) else Hit(*value.span("value"), "netrc", "certain")
    return None


def _find_value(flat: str, end: int, family: str, before: str) -> tuple[int, int] | None:
    """Return the span of the value given to a name that ends there, if it passes for a secret."""
    if family != "key" and "-" in before and FLAG_START.search(before):
        match = FLAG.match(flat, end)
        if match is not None and is_password(_trim(match["value"], before), is_quoted=True):
            return _span(match, before)
    match = ASSIGNED.match(flat, end)
    if match is not None and _passes_assigned(match, family, before):
        return _span(match, before)
    match = QUOTED.match(flat, end)
    if match is not None and _passes(match["value"], family, is_quoted=True):
        return match.span("value")
    if flat[end : end + 1] in {" ", "\t"} and DIGIT_IN_LINE.match(flat, end):
        return _find_in_sentence(flat, end, family, before)
    return None


def _find_in_sentence(flat: str, end: int, family: str, before: str) -> tuple[int, int] | None:
    match = SENTENCE.match(flat, end)
    if match is not None and _passes(_trim(match["value"], before), family, is_quoted=bool(match["quote"])):
        return _span(match, before)
    match = SPACED.match(flat, end)
    if match is not None and _passes_spaced(_trim(match["value"], before), family):
        return _span(match, before)
    return None


def _span(match: re.Match[str], before: str) -> tuple[int, int]:
    start = match.start("value")
    return start, start + len(_trim(match["value"], before))


def _passes_assigned(match: re.Match[str], family: str, before: str) -> bool:
    value, is_quoted = _trim(match["value"], before), bool(match["quote"])
    if not is_quoted:
        if match["sep"] in {",", "(", "["} or match["after"] in {"(", "["} or CODE.fullmatch(value):
            return False
        if before.endswith(URL_MARKS) and UUID.fullmatch(value):
            return False  # an address, as of a picture in a store
    return _passes(value, family, is_quoted=is_quoted)


def _passes_spaced(value: str, family: str) -> bool:
    is_fingerprint = family == "key" and re.fullmatch(f"[{HEX}]+", value)
    return not is_fingerprint and re.search(r"\d", value) is not None and is_random(value, KEY_SURPRISE)


def _trim(value: str, before: str) -> str:
    """Return the value without the sentence's stop, or without the parameters that follow it in a URL."""
    return value.partition("&")[0] if before.endswith(URL_MARKS) else value.rstrip(CLOSING)


def _passes(value: str, family: str, *, is_quoted: bool) -> bool:
    if family == "password":
        return is_password(value, is_quoted=is_quoted)
    if family == "secret":
        return is_random(value) or (HEX_KEY.fullmatch(value.lower()) is not None and len(set(value)) >= DISTINCT)
    is_made_of_names = value.count("-") > PARTS  # the key of a cache
    return len(value) >= SHORTEST_KEY and not is_made_of_names and is_random(value, KEY_SURPRISE)


def _find_authorizations(flat: str, lower: str) -> Iterator[Hit]:
    for match in match_at(flat, lower, "bearer", BEARER):
        if is_random(match["value"], BARE_SURPRISE):
            yield Hit(*match.span("value"), "bearer-token", "certain")
    for match in match_at(flat, lower, "cookie", COOKIES):
        for cookie in COOKIE.finditer(flat, *match.span("value")):
            if is_random(cookie["value"], KEY_SURPRISE):
                yield Hit(*cookie.span("value"), "cookie", "likely")


def _is_user_and_password(value: str) -> bool:
    try:
        decoded = b64decode(value, validate=True).decode()
    except ValueError:
        return False
    return ":" in decoded and decoded.isprintable()


def match_at(flat: str, searched: str, literal: str, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
    """Yield the pattern's matches that begin where the literal is found in the text searched."""
    at = searched.find(literal)
    while at >= 0:
        match = pattern.match(flat, at)
        if match is not None:
            yield match
        at = searched.find(literal, match.end() if match is not None else at + len(literal))
