"""Numbers, dates, versions and sizes of a claim, in one form, so that `30 s` is `30 seconds` and never 60."""

from __future__ import annotations

import re

UNITS: dict[str, tuple[float, str]] = {
    name: (factor, base)
    for base, rows in {
        "s": ((0.001, "ms msec millisecond milliseconds"), (1, "s sec secs second seconds"),
              (60, "min mins minute minutes"), (3600, "h hr hrs hour hours"), (86_400, "d day days"),
              (604_800, "week weeks"), (2_592_000, "month months"), (31_536_000, "year years")),
        "byte": ((1, "byte bytes"), (1e3, "kb kib kilobyte kilobytes"), (1e6, "mb mib megabyte megabytes"),
                 (1e9, "gb gib gigabyte gigabytes"), (1e12, "tb tib")),
        "%": ((1, "% percent pct"),),
    }.items()
    for factor, names in rows
    for name in names.split()
}  # fmt: skip
SMALL = "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
LARGE = "zero 0 twenty 20 thirty 30 forty 40 fifty 50 sixty 60 hundred 100 thousand 1000 twice 2 dozen 12"
WORDS = {word: str(number) for number, word in enumerate(SMALL.split(), 2)}
WORDS |= dict(zip(LARGE.split()[::2], LARGE.split()[1::2], strict=True))
# "one" counts only before what is counted: "one approval", not "the one that", "one of".
ONE = re.compile(r"\b(?:(?:(?:at (?:least|most)|only|exactly|need|needs|require|requires|after|every|than) )(one))"
                 r" (?!(?:of|another|that|who)\b)[a-z]|\b(one) (?:approval|review|reviewer|test|commit|topic|replica|"
                 r"worker|second|minute|hour|day|week|month|year|file|time)s?\b", re.IGNORECASE)  # fmt: skip
TIMES = re.compile(r"\bonce(?= (?:per|an?|every|each)\b|\s*(?:[.,;]|$))", re.IGNORECASE)
PACE = re.compile(r"\b(?:every|each|per) $", re.IGNORECASE)
TEENS = re.compile(rf"\b({'|'.join(WORDS)})\b", re.IGNORECASE)
QUANTITY = re.compile(
    r"(?<![\w.])v?(?P<number>\d{1,3}(?:,\d{3})+(?!\d)|\d+(?:[.:/-]\d+)*)(?P<more>\+|\.x)?"
    r"(?:(?P<ordinal>st|nd|rd|th)\b|(?P<thousand>k)\b|[ -]?(?P<unit>%|[a-z]+\b))?",
    re.IGNORECASE,
)
CLOCK = frozenset(("am", "pm"))


def spell_out(text: str) -> str:
    """Return the text with number words as digits."""
    text = TIMES.sub("1 times", text)
    text = ONE.sub(lambda match: match.group().replace("one", "1").replace("One", "1"), text)
    return TEENS.sub(lambda match: WORDS[match.group().lower()], text)


def find_quantities(text: str) -> tuple[str, ...]:
    """Return every number of a text with its unit in one form: `1.26`, `30 s`, `10000000 byte`, `2 am`.

    Times are in seconds, sizes in bytes (KiB counts as KB); a month has 30 days, a year 365.
    """
    return tuple(_in_one_form(match) for match in QUANTITY.finditer(spell_out(text)))


def find_paces(text: str) -> frozenset[str]:
    """Return the quantities that say how often: "every 5 minutes", not "for 5 minutes"."""
    text = spell_out(text)
    return frozenset(_in_one_form(match) for match in QUANTITY.finditer(text) if PACE.search(text, 0, match.start()))


def _in_one_form(match: re.Match[str]) -> str:
    number = match.group("number").replace(",", "")
    unit = (match.group("unit") or "").casefold()
    if match.group("thousand"):
        number += "000"
    if unit in CLOCK:
        return f"{number} {unit}"
    if unit in UNITS and re.fullmatch(r"\d+(?:\.\d+)?", number):
        factor, base = UNITS[unit]
        return f"{float(number) * factor:g} {base}"
    return re.sub(r"(?<=\d)(?:\.0)+$", ".0", number)
