"""The second engine: the package `kingfisher-secret-scanner`, compiled rules of many providers, offline.

`Scanner`, not `DetectionScanner`: the latter heeds comments in the text that silence it. Findings that the package
calls invisible (one half of a pair, when the other is missing) are kept, as likely.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from typing import TYPE_CHECKING

from agent_context.errors import MissingExtraError
from agent_context.screening.invisible import Hit
from agent_context.screening.tokens import COMMON_PASSWORD, is_stand_in

if TYPE_CHECKING:
    from kingfisher_sdk import Scanner

    from agent_context.screening.decoding import Page

PACKAGE = "kingfisher-secret-scanner"
# Rules for a pair of name and password, which know no placeholder.
LOOSE = frozenset({"betterleaks.generic-credential-uri", "betterleaks.curl-auth-user"})


def is_installed() -> bool:
    """Tell whether the package is there."""
    return importlib.util.find_spec("kingfisher_sdk") is not None


def find_in_page(page: Page) -> list[Hit]:
    """Return what the package finds, its rules' names after `kingfisher-`. Raise MissingExtraError without it."""
    hits = []
    for finding in _load().scan(page.flat.encode("ascii")):
        start, end = finding.location["start_offset"], finding.location["end_offset"]
        if finding.rule_id in LOOSE and _is_placeholder(page.flat[start:end]):
            continue
        is_certain = finding.visible and finding.confidence == "high" and finding.rule_id not in LOOSE
        rule = "kingfisher-" + finding.rule_id.rpartition("/")[2].rpartition("leaks.")[2]
        hits.append(Hit(start, end, rule, "certain" if is_certain else "likely"))
    return hits


@cache
def _load() -> Scanner:
    """Load the rules: about 4 seconds for the first time on a machine, then 0.3 from the package's own cache."""
    try:
        from kingfisher_sdk import Scanner  # noqa: PLC0415 - an extra
    except ImportError:
        raise MissingExtraError(PACKAGE, "screen") from None
    return Scanner()


def _is_placeholder(value: str) -> bool:
    value = value.strip("\"'")
    password = value.rpartition("@")[0].rpartition(":")[2] or value.rpartition(":")[2]
    return not password or is_stand_in(password) or COMMON_PASSWORD.fullmatch(password) is not None
