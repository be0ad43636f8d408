"""Find secrets by shape (providers' prefixes, private keys, connection strings) and by the name they are given.

Pure and in linear time: literals are looked up first, and every pattern tried there has a bounded reach.
"""

from __future__ import annotations

import re
from base64 import b64decode
from functools import cache
from itertools import pairwise
from string import ascii_lowercase
from typing import TYPE_CHECKING

from agent_context.screening.invisible import Hit, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

WORD = "A-Za-z0-9"
BASE64 = "A-Za-z0-9+/"
URLSAFE = r"\w\-"
HEX = "a-fA-F0-9"
GAP = r"[\s\\\"'>|#*,]{0,40}+"

# Rule name -> prefixes, and what follows them. Prefixes and lengths are the providers' published token formats.
PREFIXED: dict[str, tuple[str, str]] = {
    "github-token": ("ghp_ gho_ ghu_ ghs_ ghr_", f"[{WORD}]{{36,255}}"),
    "github-fine-grained-token": ("github_pat_", r"\w{36,255}"),
    "gitlab-token": (
        "glpat- gldt- glrt- glcbt- glptt- glft- glimt- glagent- glsoat- gloas- glffct- GR1348941",
        rf"[{URLSAFE}.]{{20,300}}",
    ),
    "aws-access-key-id": ("AKIA ASIA ABIA ACCA AROA", "[A-Z0-9]{16}"),
    "anthropic-key": ("sk-ant-", rf"[{URLSAFE}]{{24,200}}"),
    "openai-key": ("sk-proj- sk-svcacct- sk-admin- sk-or-v1- sk-lf- sk-api-", rf"[{URLSAFE}]{{24,250}}"),
    "sk-key": ("sk-", rf"(?=[{URLSAFE}]{{0,40}}\d)[{WORD}]{{20,200}}"),
    "slack-token": ("xoxb- xoxp- xoxa- xoxr- xoxs- xoxe- xoxe. xoxo- xoxc- xoxd- xapp-", rf"[{WORD}.%/+\-]{{12,400}}"),
    "stripe-key": ("sk_live_ rk_live_ sk_test_ rk_test_ sk_prod_ rk_prod_ whsec_", f"[{BASE64}=]{{16,250}}"),
    "google-api-key": ("AIza", rf"[{URLSAFE}]{{35}}"),
    "google-oauth": ("GOCSPX- ya29.", rf"[{URLSAFE}.]{{20,300}}"),
    "npm-token": ("npm_", f"[{WORD}]{{36}}"),
    "pypi-token": ("pypi-", rf"[{URLSAFE}]{{50,1000}}"),
    "nats-seed": ("SO SA SU SN SC SX", r"(?=[A-Z]{0,30}[2-7])[A-Z2-7]{54,56}"),
    "discord-bot-token": (
        "MT MD MH ND NT Nj Nz OD OT",
        rf"[{URLSAFE}]{{21,26}}\.[{URLSAFE}]{{6}}\.[{URLSAFE}]{{25,40}}",
    ),
    "sendgrid-key": ("SG.", rf"[{URLSAFE}]{{16,32}}\.?[{URLSAFE}=]{{32,64}}"),
    "twilio-key": ("SK AC", "[a-f0-9]{32}"),
    "digitalocean-token": ("dop_v1_ doo_v1_ dor_v1_", "[a-f0-9]{64}"),
    "huggingface-token": ("hf_ api_org_", "[A-Za-z0-9]{34,40}"),
    "databricks-token": ("dapi", r"[a-h0-9]{32}(?:-\d)?"),
    "shopify-token": ("shpat_ shpca_ shppa_ shpss_ shpua_", f"[{HEX}]{{32}}"),
    "square-token": ("sq0atp- sq0csp- sq0idp- EAAA", rf"[{URLSAFE}+=]{{22,100}}"),
    "mailgun-key": ("key- pubkey-", "[a-f0-9]{32}"),
    "linear-key": ("lin_api_ lin_oauth_", f"[{WORD}]{{32,64}}"),
    "notion-token": ("ntn_ secret_", f"[{WORD}]{{40,50}}"),
    "doppler-token": ("dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit.", rf"[{URLSAFE}.]{{40,70}}"),
    "vault-token": ("hvs. hvb. hvr. s.", rf"(?=[{URLSAFE}]{{0,23}}\d)[{URLSAFE}]{{24,250}}"),
    "age-secret-key": ("AGE-SECRET-KEY-1", "[A-Z0-9]{55,60}"),
    "groq-xai-perplexity-key": ("gsk_ xai- pplx- fw_ r8_ csk- nvapi- tvly- fc- BSA", f"[{WORD}_-]{{30,100}}"),
    "vercel-token": ("vck_ vcp_ vci_ vca_ vcr_", rf"[{URLSAFE}]{{24,80}}"),
    "tailscale-key": ("tskey-", rf"[a-z]{{2,10}}-[{WORD}]{{5,40}}-[{WORD}]{{10,60}}"),
    "postman-key": ("PMAK-", r"[a-f0-9]{24}-[a-f0-9]{34}"),
    "planetscale-key": ("pscale_tkn_ pscale_pw_ pscale_oauth_", rf"[{URLSAFE}.=]{{30,64}}"),
    "pulumi-token": ("pul-", "[a-f0-9]{40}"),
    "rubygems-key": ("rubygems_", "[a-f0-9]{48}"),
    "sentry-token": ("sntrys_ sntryu_ sntrya_", rf"[{BASE64}=_]{{60,400}}"),
    "grafana-token": ("glc_ glsa_ eyJrIjoi", f"[{BASE64}=_]{{32,400}}"),
    "new-relic-key": ("NRAK- NRII- NRIQ- NRRA- NRBR- NRJS- NRSP- NRAL-", f"[{WORD}_-]{{19,80}}"),
    "figma-token": ("figd_ figo_ figu_", rf"[{URLSAFE}]{{38,60}}"),
    "airtable-token": ("pat", rf"[{WORD}]{{14}}\.[a-f0-9]{{64}}"),
    "atlassian-token": ("ATATT3 ATCTT3 ATBB", rf"[{URLSAFE}=]{{28,300}}"),
    "dropbox-token": ("sl.", rf"[{URLSAFE}=.]{{100,1500}}"),
    "docker-token": ("dckr_pat_ dckr_oat_", rf"[{URLSAFE}]{{24,64}}"),
    "fly-token": ("fo1_ fm1_ fm2_ fm1a_ fm1r_", rf"[{BASE64}=_\-]{{40,800}}"),
    "cloudflare-token": ("cfat_ cfut_ cfk_ v1.0-", rf"[{URLSAFE}]{{40,180}}"),
    "heroku-key": ("HRKU-", rf"[{URLSAFE}]{{30,80}}"),
    "openshift-token": ("sha256~", rf"[{URLSAFE}]{{43}}"),
    "hubspot-token": ("pat-na1- pat-na2- pat-eu1-", f"[{HEX}]{{8}}(?:-[{HEX}]{{4}}){{3}}-[{HEX}]{{12}}"),
    "supabase-token": ("sbp_ sb_secret_", rf"[{URLSAFE}]{{30,48}}"),
    "shippo-duffel-key": ("shippo_live_ shippo_test_ duffel_live_ duffel_test_", rf"[{URLSAFE}=]{{40,43}}"),
    "flutterwave-key": ("FLWSECK- FLWSECK_TEST-", "[a-f0-9]{12,32}(?:-X)?"),
    "plaid-token": ("access-sandbox- access-development- access-production-", f"[{HEX}-]{{36}}"),
    "1password-token": ("ops_eyJ", f"[{BASE64}=]{{60,1200}}"),
    "alibaba-tencent-key": ("LTAI AKID", f"[{WORD}]{{12,36}}"),
    "artifactory-key": ("AKCp cmVmdGtu", f"[{WORD}]{{50,80}}"),
    "sourcegraph-token": ("sgp_ slk_ sgd_", rf"[{WORD}]{{64}}|[{HEX}_]{{40,80}}"),
}

# Rule name -> literals, one of which begins every match; the pattern (group `value`, if any, is the span); severity.
SHAPES: dict[str, tuple[str, str, Severity]] = {
    "private-key": (
        "-----BEGIN ",
        (
            r"-----BEGIN (?:[A-Z0-9]{2,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
            rf"(?:\s{{1,4}}[A-Z][\w\-]{{2,20}}: .{{1,100}}){{0,5}}(?:{GAP}[{BASE64}=]{{20,200}}+){{1,400}}+"
            rf"(?:(?:{GAP}[{BASE64}=]{{1,80}}+){{0,3}}{GAP}-----END[^-\n]{{0,60}}-----)?"
        ),
        "certain",
    ),
    "putty-key": (
        "Private-Lines:",
        rf"Private-Lines: \d{{1,3}}\s{{1,2}}(?P<value>[{BASE64}=\s]{{40,8000}}+)",
        "certain",
    ),
    "json-web-token": (
        "eyJ",
        rf"eyJ[{URLSAFE}]{{8,2000}}+\.e[{URLSAFE}]{{8,6000}}+\.[{URLSAFE}=]{{16,1000}}+",
        "certain",
    ),
    "encoded-private-key": ("LS0tLS1CRUdJTi", f"LS0tLS1CRUdJTi[{BASE64}=]{{100,20000}}+", "certain"),
    "slack-webhook": ("slack.com/services/", rf"slack\.com/services/(?P<value>[{WORD}/]{{24,120}})", "certain"),
    "slack-workflow": ("slack.com/workflows/", rf"slack\.com/workflows/(?P<value>[{WORD}/]{{24,120}})", "certain"),
    "discord-webhook": ("/api/webhooks/", rf"/api/webhooks/\d{{16,20}}/(?P<value>[{URLSAFE}]{{50,80}})", "certain"),
    "teams-webhook": (".com/webhookb2/", rf"\.com/webhookb2/(?P<value>[{URLSAFE}@/]{{80,200}})", "certain"),
    "hashicorp-cloud-token": (".atlasv1.", rf"\.atlasv1\.[{URLSAFE}=]{{60,80}}", "certain"),
    "gitlab-session": ("_gitlab_session=", "_gitlab_session=(?P<value>[0-9a-z]{32})", "certain"),
    "connection-string": (
        "://",
        r"://[^\s:/@\"'`<>\\]{0,80}+:(?P<value>[^\s/@\"'`<>\\?#,]{3,200}+)@(?=[\w.\[%${*])",
        "certain",
    ),
    "azure-key": (
        "AccountKey=|SharedAccessKey=",
        f"(?:Account|SharedAccess)Key=(?P<value>[{BASE64}]{{40,88}}={{0,2}})",
        "certain",
    ),
    "azure-sas-signature": ("sig=", rf"sig=(?P<value>[{BASE64}%=]{{40,100}})", "certain"),
    "azure-client-secret": ("8Q~", rf"(?<=[{WORD}]{{3}})8Q~[{URLSAFE}.~]{{31,34}}", "certain"),
    "telegram-bot-token": (":AA", rf"(?<=\d{{8}}):AA[{URLSAFE}]{{33}}", "certain"),
    "netrc": (
        "machine ",
        r"machine \S{1,100}\s{1,8}login \S{1,100}\s{1,8}password (?P<value>\S{3,200})",
        "certain",
    ),
    "curl-user": (
        "curl ",
        r"curl [^\n]{0,200}?(?:-u|--user)[ =]?[\"']?[^\s:\"'<>$]{1,80}:(?P<value>[^\s\"'<>]{3,200})",
        "certain",
    ),
    "sql-password": (
        "IDENTIFIED BY|PASSWORD|identified by",
        r"(?:IDENTIFIED BY|identified by|PASSWORD) (?P<quote>['\"])(?P<value>[^'\"\n]{5,100})(?P=quote)",
        "likely",
    ),
    "password-hash": (
        "$6$|$2a$|$2b$|$2y$|$argon2",
        r"\$(?:6\$[^\s$]{1,60}\$[\w./]{86}|2[aby]\$\d\d\$[\w./]{53}|argon2[^\s]{40,200})",
        "likely",
    ),
}

# Family -> what a value is called, in lower case. A password may be a word with a digit; a secret and a key are random.
NAMES: dict[str, str] = {
    "password": "passw|passphrase|pass|pwd",
    "secret": "secret|token|credential|apikey|api_key|api-key|api key|access_key|access-key|accesskey|private_key",
    "key": "auth|key",
}
# Where a prefixed token may begin; by its first two characters the prefixes to try.
TOKEN_START = re.compile(r"(?<![A-Za-z0-9])(?=([A-Za-z][A-Za-z0-9_.\-])[A-Za-z0-9_.+/=~%\-]{16})")
BEARER = re.compile(r"bearer[ \t]{1,4}[\"'`]?(?P<value>[\w\-.=+/~:]{16,2000}+)", re.IGNORECASE)
BASIC = re.compile(rf"basic[ \t]{{1,4}}(?P<value>[{BASE64}]{{8,400}}+={{0,2}})", re.IGNORECASE)
NAME = re.compile(
    r"(?:pass(?:w(?:or)?d|phrase|code|wd|(?=[^a-z\s]|$|\s{1,4}[=:|\-])|(?<=_pass)(?=\s))|pwd|secret|token|credential|"
    r"api[_\- ]?key|access[_\-]?key|private_key|auth(?!or|en)|key)(?P<rest>[\w.\-]{0,40}+)",
    re.IGNORECASE,
)
FLAG_START = re.compile(r"(?:^|[\s\"'\[,`])--?[\w\-]{0,24}$")
CODE = re.compile(r"[A-Za-z_]\w{0,60}(?:(?:\.|::|->)[A-Za-z_]\w{0,60}){1,8}[!?]?")  # a.b.c
# How a value follows the name: after a command's flag, a sign, "is" with up to six words before it, or just a space.
FORMS = {
    "flag": re.compile(r"[ =]{1,2}[\"']?(?P<value>[^\s\"'`<>|;)]{5,200}+)"),
    "assignment": re.compile(
        r"[\\\"'`\])}*]{0,4}+[ \t]{0,12}+"
        r"(?:(?::[ \t]{0,4})?\*?(?:[sS]tring|str|Optional\[str\]|str \| None)[ \t]{1,4}+)?"
        r"(?P<sep>[:=>?+.|!,(~-]{1,4}+)[ \t]{0,12}+(?:\n[ \t]{0,30}+(?=[\w\"']))?"
        r"(?P<quote>[\\\"'`*]{0,4}+)(?P<value>[^\s\"'`<>,;\\()\x1b]{6,400}+)(?P<after>.?)"
    ),
    "sentence": re.compile(
        r"(?:[ \t]{1,2}[\w'/.@-]{1,30}){0,6}?[ \t]{1,2}(?:is|was|are|becomes|to|as|of|be)"
        r"(?:[ \t](?:now|still|set to))?:?[ \t]{1,2}(?P<quote>[\"'`*]{0,3}+)(?P<value>[^\s\"'`<>,;\\]{6,200}+)"
    ),
    "spaced": re.compile(r"[ \t]{1,3}[\"'`]?(?P<value>[\w\-+/=.]{20,200}+)"),
}

# The rest of a name that says that the value is not the secret itself, and what is said before one that is none.
NOT_VALUES = re.compile(
    r"(?:id|name|url|uri|path|file|dir|type|hash|hashed|length|len|limit|count|max|min|size|header|prefix|suffix|field|"
    r"param|policy|column|label|format|version|provider|env|var|arn|ref|class|bucket|endpoint|host|server|issuer|method|"
    r"mode|strategy|status|error|usage|budget|words?|event|pair|ring|store|map|placeholder|hint|regex|pattern|schema|ttl|"
    r"algorithm|alg)s?$",
    re.IGNORECASE,
)
NOT_SECRETS = re.compile(
    r"(?:(?:public|encrypted)(?:[ _-]?key)?|primary|foreign|cache|partition|sort|idempotency|object|csrf|next|page|"
    r"design|translation|query|publishable)[ _-]?$|(?:by|com|tres)$",
    re.IGNORECASE,
)
STAND_INS = re.compile(
    r"example|x{4}|your|placeholder|redact|dummy|sample|insert|fake|\*{3}|\.\.\.|…|<|\$\{|\$\(|\{\{",
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
    r"minioadmin|rabbitmq|redis|mongo|user|username|foo|bar|baz|test|changeme|opensesame|hunter2|letmein|qwerty|\*+|\$.*|%.*|"
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
UUID = re.compile(f"[{HEX}]{{8}}(?:-[{HEX}]{{4}}){{3}}-[{HEX}]{{12}}")
# Thresholds measured on words (below 0.1), identifiers with digits (up to 0.25) and random tokens (0.4 to 0.7).
TOKEN_SURPRISE = 0.3
KEY_SURPRISE = 0.35
BARE_SURPRISE = 0.25
FEWEST_PAIRS = 5
SHORTEST_TOKEN = 8
SHORTEST_KEY = 16
JUDGED = 80  # characters of a value, and
BEFORE = 28  # characters before a name that are looked at: bounds the work on hostile text
CLOSING = ".,:!?)*`"
URL_MARKS = ("?", "&")


def find_secrets(text: str) -> list[Hit]:
    """Return what looks like a secret: "certain" by its shape, "likely" by the name it is given. Spans may overlap."""
    lower = text.replace("\u0130", "I").lower()  # the one letter whose lower case is longer
    return [*_find_prefixed(text), *_find_shapes(text), *_find_authorizations(text, lower), *_find_named(text, lower)]


def is_stand_in(value: str) -> bool:
    """Tell whether the value says itself that it is not real, or has hardly a character but one."""
    value = value[:JUDGED]
    return STAND_INS.search(value) is not None or len(set(value)) <= min(3, len(value) // 3)


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


def _find_prefixed(text: str) -> Iterator[Hit]:
    prefixes = _index_prefixes()
    for start in TOKEN_START.finditer(text):
        for prefix, rule in prefixes.get(start[1], ()):
            if not text.startswith(prefix, start.start()):
                continue
            match = _compile(f"{re.escape(prefix)}(?>{PREFIXED[rule][1]})(?![{WORD}])").match(text, start.start())
            if match is not None and not is_stand_in(match[0].removeprefix(prefix)):
                yield Hit(match.start(), match.end(), rule, "certain")


def _find_shapes(text: str) -> Iterator[Hit]:
    for rule, (literals, pattern, severity) in SHAPES.items():
        for literal in literals.split("|"):
            for match in _match_at(text, literal, _compile(pattern)):
                group = "value" if "value" in match.re.groupindex else 0
                value = match[group]
                if not is_stand_in(value) and (group == 0 or not COMMON_PASSWORD.fullmatch(value)):
                    yield Hit(match.start(group), match.end(group), rule, severity)


def _find_authorizations(text: str, lower: str) -> Iterator[Hit]:
    for match in _match_at(text, "bearer", BEARER, lower):
        if is_random(match["value"], BARE_SURPRISE):
            yield Hit(match.start("value"), match.end("value"), "bearer-token", "certain")
    for match in _match_at(text, "basic", BASIC, lower):
        if _is_user_and_password(match["value"]):
            yield Hit(match.start("value"), match.end("value"), "basic-credentials", "certain")


def _is_user_and_password(value: str) -> bool:
    try:
        decoded = b64decode(value, validate=True).decode()
    except ValueError:
        return False
    return ":" in decoded and decoded.isprintable()


def _find_named(text: str, lower: str) -> Iterator[Hit]:
    for family, names in NAMES.items():
        for name in names.split("|"):
            for match in _match_at(text, name, NAME, lower):
                before = text[max(0, match.start() - BEFORE) : match.start()]
                if NOT_SECRETS.search(before) or NOT_VALUES.search(match["rest"]):
                    continue
                value = _find_value(text, match.end(), family, before)
                if value is not None:
                    yield Hit(*value, f"named-{family}", "likely")


def _find_value(text: str, end: int, family: str, before: str) -> tuple[int, int] | None:
    """Return the span of the value given to a name that ends there, if it passes for a secret."""
    for form, pattern in FORMS.items():
        match = pattern.match(text, end)
        if match is not None and _passes_in(form, match, family, before):
            start = match.start("value")
            return start, start + len(_trim(match["value"], before))
    return None


def _passes_in(form: str, match: re.Match[str], family: str, before: str) -> bool:
    value = _trim(match["value"], before)
    if form == "flag":
        return family != "key" and FLAG_START.search(before) is not None and is_password(value, is_quoted=True)
    if form == "spaced":
        is_fingerprint = family == "key" and re.fullmatch(f"[{HEX}]+", value)
        return not is_fingerprint and re.search(r"\d", value) is not None and is_random(value, KEY_SURPRISE)
    is_quoted = bool(match["quote"])
    if form == "assignment" and not is_quoted:
        if match["sep"] in {",", "("} or match["after"] in {"(", "["} or CODE.fullmatch(value):
            return False
        if before.endswith(URL_MARKS) and UUID.fullmatch(value):
            return False  # an address, as of a picture in a store
    return _passes(value, family, is_quoted=is_quoted)


def _trim(value: str, before: str) -> str:
    """Return the value without the sentence's stop, or without the parameters that follow it in a URL."""
    return value.partition("&")[0] if before.endswith(URL_MARKS) else value.rstrip(CLOSING)


def _passes(value: str, family: str, *, is_quoted: bool) -> bool:
    if family == "password":
        return is_password(value, is_quoted=is_quoted)
    if family == "secret":
        return is_random(value)
    return len(value) >= SHORTEST_KEY and is_random(value, KEY_SURPRISE)


def _match_at(text: str, literal: str, pattern: re.Pattern[str], searched: str = "") -> Iterator[re.Match[str]]:
    """Yield the pattern's matches that begin where the literal is, in the text or in its lower case."""
    searched = searched or text
    at = searched.find(literal)
    while at >= 0:
        match = pattern.match(text, at)
        if match is not None:
            yield match
        at = searched.find(literal, match.end() if match is not None else at + 1)


@cache
def _compile(pattern: str) -> re.Pattern[str]:
    """Compile when the literal is first met: most texts hold few of them."""
    return re.compile(pattern)


@cache
def _index_prefixes() -> dict[str, list[tuple[str, str]]]:
    """Return the prefixes and their rules by the first two characters."""
    index: dict[str, list[tuple[str, str]]] = {}
    for rule, (prefixes, _) in PREFIXED.items():
        for prefix in prefixes.split():
            index.setdefault(prefix[:2], []).append((prefix, rule))
    return index
