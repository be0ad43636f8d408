"""Personal and private words: find them, and put in their place what means the same on every machine.

Home folders, user and host names, addresses, tickets and customers; nobody's name is guessed at. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Literal

import msgspec

from agent_context.screening.invisible import Hit
from agent_context.screening.replacing import replace_hits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from agent_context.settings import PrivacyMode, PrivacySettings

# Rule -> what stands where it was found.
PLACEHOLDERS = {
    "home-folder": "~",
    "email": "<email>",
    "ticket": "<ticket>",
    "internal-host": "<host>",
    "own-host": "<host>",
    "private-address": "<ip>",
    "user-name": "<user>",
    "person": "<name>",
    "customer": "<customer>",
    "public-address": "<ip>",
    "local-host": "<host>",
    "mac-address": "<mac>",
    "bank-account": "<iban>",
    "payment-card": "<card>",
}
WRITTEN = re.compile(r"<(?:email|ticket|host|ip|user|name|customer|mac|iban|card)>|\[redacted:[\w\-]{1,80}\]")
MOST_ROUNDS = 9
STRICT = frozenset({"public-address", "local-host", "mac-address", "bank-account", "payment-card"})

NAME = r"[A-Za-z0-9_][\w.\-]{0,40}"
EDGE = r"(?![\w\-]|\.\w)"
PATTERNS: dict[str, str] = {
    "home-folder": (
        r"(?<![\w.~\-])(?<!:/)(?:(?:/mnt|/cygdrive)?/[a-z]/Users|/(?:var/|export/)?home|/Users)/"
        rf"(?P<unix>{NAME}(?<![.\-]))(?![\w(\[{{<%$*])"
        r"|(?<![A-Za-z])[A-Za-z]:(?P<bar>\\\\?|/)Users(?P=bar)"
        r"(?P<windows>[\w.\-]+(?:[ ][\w.\-]+){0,2}(?=\\)|[\w.\-]+\b)"
        r"|(?<![\w\-])(?:[A-Z]-)?-(?:Users|home)-(?P<slug>[A-Za-z0-9_]{2,40})(?=-\w)"
    ),
    "email": (
        r"(?<![\w.+%\-])(?P<box>[A-Za-z0-9][\w.+%\-]{0,63})"
        r"@(?P<site>(?:[A-Za-z0-9\-]{1,63}\.){1,6}[A-Za-z]{2,24})(?![\w\-@]|[.:]\w)"
    ),
    "ticket": (
        r"https?://(?:[\w\-]+\.atlassian\.net/browse|linear\.app/[\w\-]+/issue|jira\.[\w.\-]+/browse)"
        r"/[A-Z][A-Z0-9]+-\d+[^\s<>\"')\]`]*"
    ),
    "internal-host": (
        r"(?<![\w.\-@])(?:[A-Za-z0-9][A-Za-z0-9\-]{0,62}\.){1,8}"
        r"(?:internal|corp|lan|intranet|home\.arpa|ts\.net|svc\.cluster\.local)(?![\w(\-]|\.\w)"
    ),
    "address": r"(?<![\w.\-])(?:\d{1,3}\.){3}\d{1,3}(?![\w\-]|\.\d)(?P<width>/\d{1,2})?",
    "long-address": r"(?<![\w:.])(?:[fF][cCdD]|[23])[0-9a-fA-F]{0,3}(?::{1,2}[0-9a-fA-F]{1,4}){2,7}(?:::)?(?![\w:.])",
    "local-host": (
        r"(?:(?<=http://)|(?<=https://)|(?<=ssh://)|(?<=ws://)|(?<=wss://)|(?<=ftp://)|(?<=tcp://))"
        r"(?:[A-Za-z0-9\-]{1,63}|(?:[A-Za-z0-9\-]{1,63}\.){1,8}local)(?=:\d|[/\s\"'`)\]]|$)"
    ),
    "mac-address": r"(?<![\w:\-])[0-9a-fA-F]{2}(?:(?::[0-9a-fA-F]{2}){5}|(?:-[0-9a-fA-F]{2}){5})(?![\w:\-])",
    "bank-account": r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]{4}){2,7}(?:[ ]?[A-Z0-9]{1,3})?(?![A-Za-z0-9])",
    "payment-card": (
        r"(?<![\w.\-])(?:(?:4\d{3}|5[1-5]\d\d|2[2-7]\d\d|6\d{3})(?:[ \-]?\d{4}){3}|3[47]\d\d[ \-]?\d{6}[ \-]?\d{5})"
        r"(?![\w\-]|\.\d)"
    ),
}
# What a line must hold for a pattern to be tried on it.
LITERALS: dict[str, tuple[str, ...]] = {
    "home-folder": ("/home/", "/Users/", ":\\Users", ":\\\\Users", "-Users-", "-home-"),
    "email": ("@",),
    "ticket": ("://",),
    "internal-host": (".internal", ".corp", ".lan", ".intranet", ".home.arpa", ".ts.net", ".cluster.local"),
    "local-host": ("://",),
}
# Homes that images, services and examples have; routes and folders that only look like somebody's home.
_NOBODY = (
    "user users username name you your yourname yourusername your_username your-username me someone somebody xxx "
    "runner node app application appuser vscode ubuntu debian centos fedora ec2-user opc circleci jovyan vagrant git "
    "linuxbrew homebrew pi shared public default guest admin root www www-data jenkins gitpod codespace coder builder "
    "build docker container nonroot airflow hadoop spark postgres redis nginx steam sandbox deploy bot service "
    "index index.html page home settings dashboard feed about profile login screen tab view new main list help search "
    "me.json id self current all active roles groups"
)
NOBODY = frozenset(_NOBODY.split())
# Names that are also words: replaced in a path and before an @, not where they stand alone.
_WORDS = (
    "ada admin agent alpha amber angular april art august basil bill bob bot build carol chase chip claude cliff code "
    "computer crystal data dean demo deploy desktop dev developer docker drew elm eve faith flow frank gene git glen "
    "grace grant guest guy hope host hunter iris jack jade jasmine joy julia june lance lane laptop linux local machine"
    " main major mark mason master max may miles mint node norm olive page pascal pat pearl penny pierce prod ray reed "
    "robin rob root rose ruby sage sandy server skip stage sterling sue summer swift test tester testing ubuntu user "
    "violet wade ward web will work workstation www"
)
WORDS = frozenset(_WORDS.split())
SHORTEST_NAME = 3
NOT_PEOPLE = re.compile(
    r"(?:no-?reply|do-?not-?reply|git|hg|example|user|username|you|your[\w.\-]*|me|name|foo|bar|test)(?:\+.*)?",
    re.IGNORECASE,
)
IN_ADDRESS = re.compile(r"://[^\s/@]{0,64}$")
NOT_SITES = re.compile(
    r"(?:.*\.)?(?:example(?:\.\w+)?|test|invalid|localhost|noreply\.github\.com|domain\.(?:com|tld)|email\.com)"
    r"|.*\.(?:service|timer|socket|target|png|jpe?g|svg|gif|[cm]?js|tsx?|py|md|json|sh|lock|ya?ml|css)",
    re.IGNORECASE,
)
_WELL_KNOWN_HOSTS = (
    "host.docker.internal gateway.docker.internal kubernetes.docker.internal metadata.google.internal "
    "kubernetes.default.svc.cluster.local host.containers.internal host.lima.internal localhost.internal"
)
WELL_KNOWN_HOSTS = frozenset(_WELL_KNOWN_HOSTS.split())
# Private: RFC 1918, shared (RFC 6598), link-local. What every machine has, and what documents use, is nobody's.
PRIVATE = tuple(
    ip_network(net) for net in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)
NOBODYS = tuple(
    ip_network(net)
    for net in (
        *(
            "0.0.0.0/8",
            "127.0.0.0/8",
            "192.0.2.0/24",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/3",
            "169.254.0.0/16",
        ),
        *(
            "1.1.1.1/32",
            "1.0.0.1/32",
            "8.8.8.8/32",
            "8.8.4.4/32",
            "9.9.9.9/32",
            "10.0.2.2/32",
            "172.17.0.1/32",
            "2001:db8::/32",
        ),
    )
)
VERSION = re.compile(
    r"(?:version|release|build|tag|chrome|firefox|safari|edge|opera|v|[=<>~^@])[\s:/=]{0,3}$", re.IGNORECASE
)
BEFORE = 12
BEFORE_EMAIL = 68


@dataclass(frozen=True, slots=True)
class Identity:
    """Who works on this machine: login name, homes, names of the machine, the name and address that git signs with."""

    user: str = ""
    homes: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()


def choose_privacy(privacy: PrivacySettings, mode: PrivacyMode | Literal[""]) -> PrivacySettings:
    """Return the settings with a project's own mode, or as they are where it has none."""
    return msgspec.structs.replace(privacy, mode=mode) if mode else privacy


def find_personal(text: str, identity: Identity, privacy: PrivacySettings) -> list[Hit]:
    """Return what is personal or private: nothing in mode `off`, addresses of the world only in `strict`.

    Spans do not overlap. What this machine knows for its own is certain, what only has the shape is likely.
    """
    if privacy.mode == "off":
        return []
    hits = [*_find_own(text, identity, privacy), *_find_shaped(text, identity, strict=privacy.mode == "strict")]
    written = [match.span() for match in WRITTEN.finditer(text)]
    found: list[Hit] = []
    for hit in sorted(hits, key=lambda hit: (hit.start, -hit.end)):
        is_written = any(start < hit.end and hit.start < end for start, end in written)
        if not is_written and (not found or hit.start >= found[-1].end):
            found.append(hit)
    return found


def hide_personal(
    text: str, identity: Identity, privacy: PrivacySettings, is_allowed: Callable[[str], bool] = lambda _: False
) -> str:
    """Return the text with a placeholder for all that is personal and not allowed, the same one on every machine."""
    for _ in range(MOST_ROUNDS):  # what stood beside a hit may be one itself once that is gone
        hits = [hit for hit in find_personal(text, identity, privacy) if not is_allowed(text[hit.start : hit.end])]
        if not hits:
            break
        text = replace_hits(text, hits, lambda hit: PLACEHOLDERS[hit.rule])
    return text


def _find_shaped(text: str, identity: Identity, *, strict: bool) -> Iterator[Hit]:
    for shape, pattern in PATTERNS.items():
        if shape in STRICT and not strict:
            continue
        for start, end in _find_lines(text, LITERALS.get(shape, ())):
            for match in _compile(pattern).finditer(text, start, end):
                rule = _judge(shape, match, identity)
                if rule and (strict or rule not in STRICT):
                    yield Hit(match.start(), match.end(), rule, "likely")


def _find_lines(text: str, literals: tuple[str, ...]) -> list[tuple[int, int]]:
    """Return the spans of the lines that hold a literal; without literals, of the whole text."""
    lines: set[tuple[int, int]] = set()
    for literal in literals:
        at = text.find(literal)
        while at >= 0:
            end = text.find("\n", at)
            end = len(text) if end < 0 else end
            lines.add((text.rfind("\n", 0, at) + 1, end))
            at = text.find(literal, end)
    return sorted(lines) if literals else [(0, len(text))]


def _judge(shape: str, match: re.Match[str], identity: Identity) -> str:
    """Return the rule that a match comes under, or an empty string where it is nobody's."""
    if shape in JUDGES:
        return shape if JUDGES[shape](match[0]) else ""
    if shape == "home-folder":
        name = match["unix"] or match["windows"] or match["slug"]
        return shape if name == identity.user or name.lower() not in NOBODY else ""
    if shape == "email":
        before = match.string[max(0, match.start() - BEFORE_EMAIL) : match.start()]
        is_nobody = (
            NOT_PEOPLE.fullmatch(match["box"]) or NOT_SITES.fullmatch(match["site"]) or IN_ADDRESS.search(before)
        )
        return "" if is_nobody else shape
    if shape in {"address", "long-address"}:
        return _judge_address(match)
    return shape


def _judge_address(match: re.Match[str]) -> str:
    digits, _, width = match[0].partition("/")
    try:
        address = ip_address(digits)
        is_network = bool(width) and digits == str(ip_network(match[0], strict=False).network_address)
    except ValueError:
        return ""
    before = match.string[max(0, match.start() - BEFORE) : match.start()]
    if is_network or VERSION.search(before) or _lies_in(address, NOBODYS):
        return ""
    return "private-address" if _lies_in(address, PRIVATE) else "public-address"


def _lies_in(address: IPv4Address | IPv6Address, networks: Iterable[object]) -> bool:
    return any(address in network for network in networks)  # type: ignore[operator]


def _find_own(text: str, identity: Identity, privacy: PrivacySettings) -> Iterator[Hit]:
    """Yield what this machine knows for its own, and what the settings list."""
    lower = text.lower()
    for rule, literal, pattern in _compile_own(identity, privacy):
        if literal in lower:
            for match in pattern.finditer(text):
                yield Hit(match.start(), match.end(), rule, "certain")


@lru_cache(maxsize=16)
def _compile_own(identity: Identity, privacy: PrivacySettings) -> tuple[tuple[str, str, re.Pattern[str]], ...]:
    """Return rule, what a text in lower case must hold for it, and pattern, of all that is known and listed."""
    user = identity.user
    found = [
        (rule, literal.lower(), re.compile(pattern, 0 if rule == "user-name" else re.IGNORECASE))
        for rule, literal, pattern in (*_list_own(identity), *_list_private(privacy))
        if re.search(r"\w", literal)
    ]
    if len(user) >= SHORTEST_NAME and user.lower() not in NOBODY:
        signed = rf"(?<![\w.+\-]){re.escape(user)}(?=@[\w\-]+(?:[.:\s]|$))"
        found.append(("user-name", user.lower(), re.compile(signed)))
    return tuple(found)


def _list_own(identity: Identity) -> Iterator[tuple[str, str, str]]:
    for home in (item.rstrip("/\\") for item in identity.homes):
        if len(re.split(r"[/\\]", home)) > len(("", "a")):
            slug = re.sub(r"[^A-Za-z0-9]", "-", home)
            yield "home-folder", home, rf"(?<![\w.\-]){re.escape(home)}(?![\w\-]|\.\w)"
            yield "home-folder", slug, rf"(?<![\w\-]){re.escape(slug)}(?!\w)"
    if identity.user:
        yield "home-folder", f"~{identity.user}", rf"(?<![\w~])~{re.escape(identity.user)}(?![\w\-])"
    for email in identity.emails:
        yield "email", email, rf"(?<![\w.+\-]){re.escape(email)}(?![\w\-])"
    for host in filter(_is_telling, identity.hosts):
        yield "own-host", host, rf"(?<![\w.\-]){re.escape(host)}(?:\.(?:local|lan|home))?{EDGE}"
    for name in filter(_is_telling, identity.names):
        yield "person", _first_word(name), _phrase(name)
    if _is_telling(identity.user):
        yield "user-name", identity.user, rf"(?<![\w.\-~]){re.escape(identity.user)}{EDGE}"


def _list_private(privacy: PrivacySettings) -> Iterator[tuple[str, str, str]]:
    for tracker in privacy.trackers:
        yield "ticket", re.sub(r"^https?://", "", tracker).rstrip("/-#"), _ticket(tracker)
    for domain in (item.lstrip("*.") for item in privacy.domains):
        labels = r"(?<![\w.\-])(?:[A-Za-z0-9\-]{1,63}\.){0,8}"
        yield "internal-host", domain, f"{labels}{re.escape(domain)}{EDGE}"
    for name in privacy.names:
        yield "person", _first_word(name), _phrase(name)
    for customer in privacy.customers:
        yield "customer", _first_word(customer), _phrase(customer)


def _first_word(name: str) -> str:
    return next((word for word in re.split(r"[\s_.\-]+", name) if word), "")


def _is_telling(name: str) -> bool:
    """Tell whether a name can be replaced wherever it stands alone: it is no usual word."""
    return len(name) >= SHORTEST_NAME and name.lower() not in WORDS | NOBODY


def _phrase(name: str) -> str:
    """Return the pattern of a name however its words are joined: Acme Corp, acme-corp, AcmeCorp."""
    words = r"[\s_.\-]{0,2}".join(re.escape(word) for word in re.split(r"[\s_.\-]+", name.strip()) if word)
    return rf"(?<![^\W_]){words}(?![^\W_])"


def _ticket(tracker: str) -> str:
    """Return the pattern of a tracker's tickets, given its address or the prefix of their numbers."""
    if "/" in tracker or "." in tracker:
        address = re.escape(re.sub(r"^https?://", "", tracker).rstrip("/"))
        return rf"(?:https?://)?(?<![\w.\-]){address}(?![\w\-])[^\s<>\"')\]`]*"
    return rf"(?<![\w\-]){re.escape(tracker.rstrip('-#'))}[\-#]\d+(?![\w\-])"


def _is_internal(host: str) -> bool:
    return host.lower() not in WELL_KNOWN_HOSTS


def _is_local(host: str) -> bool:
    return host.lower() not in {"localhost", "host", "hostname", "example", "server", "domain"} and not host.isdigit()


def _is_account(number: str) -> bool:
    """Tell whether an IBAN's check digits hold (ISO 13616: the rearranged number is 1 modulo 97)."""
    plain = number.replace(" ", "")
    return int("".join(str(int(character, 36)) for character in plain[4:] + plain[:4])) % 97 == 1


def _is_card(number: str) -> bool:
    """Tell whether the last digit is the check digit (ISO 7812, Luhn)."""
    digits = [int(digit) for digit in number if digit.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return len(set(digits)) > 1 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


JUDGES: dict[str, Callable[[str], bool]] = {
    "internal-host": _is_internal,
    "local-host": _is_local,
    "bank-account": _is_account,
    "payment-card": _is_card,
}
_compile = lru_cache(maxsize=None)(re.compile)
