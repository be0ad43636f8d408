"""Tell a real secret from what only looks like one: random tokens from words, passwords from placeholders.

A value comes in, a claim goes out; where values are found is for the other rooms.
"""

from __future__ import annotations

import re
from binascii import crc32
from itertools import pairwise
from string import ascii_lowercase, ascii_uppercase, digits

STAND_INS = re.compile(
    r"example|x{4}|your|placeholder|redact|dummy|sample|insert|fake|\*{3}|\.\.\.|\?\?\?|<[^>]*>|^<|\$\{[^}]*\}|^\$\{?\w*$|"
    r"\$\([^)]*\)|\{\{[^{}()]*\}\}|^\{\{",
    re.IGNORECASE,
)
PLACEHOLDERS = re.compile(
    r"chang|replace|todo|mock|test|foo|secret|passw|p[a4]ss|token|hunter2|qwerty|letmein|admin|default|undefined|"
    r"demo|abc123|abcdefghijklm|process\.env|environ|getenv|^[$%<\[&@{#/~]|://|env\.|secrets\.|vars\.|^\.",
    re.IGNORECASE,
)
COMMON_PASSWORD = re.compile(
    r"(?:my|the|db|user|bad|wrong|other|new|old|some|super)?[_-]?"
    r"(?:pa?s?s?(?:wo?r?d)?|p[a4@][s5$]{2}w[o0]rd|pwd|pw|s[e3]cr[e3]t|token|key|postgres|mysql|root|admin|guest|"
    r"minioadmin|rabbitmq|redis|mongo|user|username|foo|bar|baz|abc|xyz|123|1234|anoncvs|test|changeme|opensesame|hunter2|letmein|qwerty|\*+|\$.*|%.*|"
    r"\{.*|\[.*)[\d!]{0,4}",
    re.IGNORECASE,
)

# After each letter of the alphabet, the letters that follow it in words: the 353 pairs that make up 98 % of those in
# English and in identifiers (counted over Python's standard library). Half of all random pairs are not among them.
_FOLLOWERS = (
    "bcdfghiklmnprstuvwxy acdeijlmoprstuy acdehiklmoprstuvy abcdefilmnoprstuy abcdefgiklmnopqrstuvwxy adefilorstuy "
    "aceghilmnoprstu aeilnortu abcdefgklmnoprstvxz aeou aegilnosw acdefilnopstuvy abdeilmopstu acdefgiklmnoprstuvy "
    "abcdefgiklmnoprstuvwx acdefghikloprstuy u abcdefgiklmnoprstuvwy acdefghiklmnoprstuwy abcdefhilmnoprstuwy "
    "abcdefgilmnoprst aeio aehinors aceipt aeilmnopst aeio"
)
FOLLOWERS = dict(zip(ascii_lowercase, _FOLLOWERS.split(), strict=True))
HEX = "a-fA-F0-9"
UUID = re.compile(f"[{HEX}]{{8}}(?:-[{HEX}]{{4}}){{3}}-[{HEX}]{{12}}")
# Thresholds measured on words (below 0.1), identifiers with digits (up to 0.25) and random tokens (0.4 to 0.7).
TOKEN_SURPRISE = 0.3
KEY_SURPRISE = 0.35
BARE_SURPRISE = 0.25
LONE_SURPRISE = 0.4
FEWEST_PAIRS = 5
SHORTEST_TOKEN = 8
JUDGED = 80  # characters of a value that are looked at: bounds the work on hostile text
ALPHABET = digits + ascii_uppercase + ascii_lowercase
CHECKED = 6  # characters at the end of a GitHub or npm token that are the checksum of the rest


def is_stand_in(value: str) -> bool:
    """Tell whether the value says itself that it is not real, or has hardly a character but one."""
    value = value[:JUDGED]
    return STAND_INS.search(value) is not None or len(set(value)) <= min(3, len(value) // 3)


def has_checksum(token: str) -> bool:
    """Tell whether what follows the last `_` ends in its own CRC-32, as GitHub and npm write it, in base 62."""
    body = token.rpartition("_")[2]
    number = crc32(body[:-CHECKED].encode())
    written = ""
    for _ in range(CHECKED):
        number, digit = divmod(number, len(ALPHABET))
        written = ALPHABET[digit] + written
    return len(body) > CHECKED and body.endswith(written)


def measure_surprise(value: str) -> float:
    """Return the share (0 to 1) of neighbouring letters and digits that no word or identifier has; 0 below 5 pairs."""
    pairs = surprising = 0
    for one, two in pairwise(value):
        if not (one.isalnum() and two.isalnum()) or (one.isdigit() and two.isdigit()):
            continue
        if one.islower() and two.isupper():
            continue
        pairs += 1
        surprising += two.lower() not in FOLLOWERS.get(one.lower(), "")
    return surprising / pairs if pairs >= FEWEST_PAIRS else 0.0


def is_random(value: str, least: float = TOKEN_SURPRISE) -> bool:
    """Tell whether the value reads as a random token rather than as words, names, a path or a version."""
    value = value[:JUDGED]
    if len(value) < SHORTEST_TOKEN or is_stand_in(value) or PLACEHOLDERS.search(value):
        return False
    return measure_surprise(value) >= least


def is_password(value: str, *, is_quoted: bool) -> bool:
    """Tell whether what is called a password is one: a random token, or letters mixed with digits or marks."""
    value = value[:JUDGED]
    if is_stand_in(value) or PLACEHOLDERS.search(value) or COMMON_PASSWORD.fullmatch(value):
        return False
    has_digit, has_letter = re.search(r"\d", value), re.search("[A-Za-z]", value)
    has_mark = re.search(r"[^\w.\-/:\[\]]", value)
    if has_letter and (has_digit or has_mark):
        return is_quoted or measure_surprise(value) > 0
    return is_random(value, KEY_SURPRISE)
