from __future__ import annotations

import random
import re
import string
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_context import screening
from agent_context.learning import Finding
from agent_context.screening import mask, merge, screen
from agent_context.screening.invisible import Hit, show
from agent_context.screening.providers import ANYWHERE, AROUND, PREFIXED
from agent_context.screening.tokens import measure_surprise

MIXED = "a1B2c3D4e5F6g7H8j9K0m1N2p3Q4r5S6t7U8v9W0x1Y2z3A4"
HEX = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
GITHUB = "ghp_" + "a1B2" * 9
BODY = "\n".join("MIIEpAIBAAKCAQEA" + MIXED for _ in range(4))
TOKENS = {
    "github-token": GITHUB,
    "github-fine-grained-token": "github_pat_" + MIXED,
    "gitlab-token": "glpat-" + MIXED[:20],
    "aws-access-key-id": "AKIA" + "Q7ZW2RT5YU8PL3KX",
    "anthropic-key": "sk-ant-" + "api03-" + MIXED,
    "openai-key": "sk-proj-" + MIXED,
    "sk-key": "sk-" + MIXED,
    "slack-token": "xoxb-" + "123456789012-1234567890123-" + MIXED[:24],
    "stripe-key": "sk_live_" + MIXED[:24],
    "google-api-key": "AIza" + MIXED[:35],
    "npm-token": "npm_" + MIXED[:36],
    "pypi-token": "pypi-" + MIXED * 3,
    "sendgrid-key": "SG." + MIXED[:22] + "." + MIXED[:43],
    "digitalocean-token": "dop_v1_" + HEX,
    "huggingface-token": "hf_" + MIXED[:34],
    "databricks-token": "dapi" + HEX[:32],
    "shopify-token": "shpat_" + HEX[:32],
    "mailgun-key": "key-" + HEX[:32],
    "linear-key": "lin_api_" + MIXED[:40],
    "notion-token": "ntn_" + MIXED[:46],
    "doppler-token": "dp.pt." + MIXED[:43],
    "vault-token": "hvs." + MIXED[:24],
    "age-secret-key": "AGE-SECRET-KEY-1" + "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7LQPZRY9X8GF2TVDW0S3JN54KHCE",
    "twilio-key": "SK" + HEX[:32],
    "square-token": "sq0atp-" + MIXED[:22],
    "telegram-bot-token": "123456789" + ":AA" + MIXED[:33],
    "json-web-token": "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0In0" + "." + MIXED[:43],
    "discord-webhook": "https://discord.com/api/webhooks/" + "123456789012345678/" + MIXED + MIXED[:12],
    "slack-webhook": "https://hooks." + "slack.com/services/" + "T0A1B2C3D/B0A1B2C3D/" + MIXED[:24],
    "azure-key": "AccountKey=" + (MIXED * 2)[:86] + "==",
    "azure-sas-signature": "https://x.blob.core.windows.net/c?sv=2022&sig=" + MIXED[:43] + "%3D",
    "private-key": "-----BEGIN RSA PRIVATE" + f" KEY-----\n{BODY}\n-----END RSA PRIVATE KEY-----",
    "connection-string": "postgres://app:" + "kT9wq2" + "@db.internal:5432/app",
    "bearer-token": "Authorization: Bearer " + MIXED,
    "basic-credentials": "Authorization: Basic " + "YXBwOmtUOXdxMg==",
    "netrc": "machine api.acme.dev login bot password " + "kT9wq2zz",
    "curl-user": "curl -s -u bot:" + "kT9wq2zz https://api.acme.dev",
}


def secrets_in(text: str) -> list[Finding]:
    return [finding for finding in screen(text) if finding.kind == "secret"]


def poison_in(text: str) -> list[str]:
    return [finding.rule for finding in screen(text) if finding.kind == "poison"]


@pytest.mark.parametrize(("rule", "token"), TOKENS.items())
def test_structured_secret_is_certain_and_named_by_its_rule(rule: str, token: str) -> None:
    assert [(f.rule, f.severity) for f in secrets_in(f"We used this:\n  {token}\nand it worked.")] == [
        (rule, "certain")
    ]


@pytest.mark.parametrize(
    "text",
    [
        "export API_KEY={value}",
        "api_key: {value}",
        '"client_secret": "{value}",',
        "self.access_token = '{value}'",
        'os.environ["AUTH_TOKEN"] = "{value}"',
        'client(private_key="{value}")',
        "- **API key**: `{value}`",
        "| api-key | {value} |",
        "<apiKey>{value}</apiKey>",
        "deploy --token {value} --now",
        "The token is {value}.",
        "the access key for the staging bucket is now `{value}`",
        "We set the secret to {value} yesterday",
        r'{{"log": "{{\"api_key\": \"{value}\"}}"}}',
        "https://api.acme.dev/v1?token={value}&page=1",
        "machineKey=  {value}",
    ],
)
def test_random_value_with_a_telling_name_is_likely(text: str) -> None:
    value = "q7Zx9Kd2" + "LmR4vTn8" + "Wc3Yb6Ha"
    [finding] = secrets_in(text.format(value=value))
    assert (finding.severity, finding.length, finding.masked) == ("likely", 24, "q7Zx… (24 characters)")


@pytest.mark.parametrize(
    "text",
    [
        "password: {value}",
        "the admin password is {value}, do not lose it",
        "DB_PASS='{value}'",
        "mysqladmin --password={value} status",
        'pwd := "{value}"',
    ],
)
def test_human_password_with_digits_is_likely(text: str) -> None:
    [finding] = secrets_in(text.format(value="Winter" + "2031#"))
    assert (finding.rule, finding.severity, finding.length) == ("named-password", "likely", 11)


@pytest.mark.parametrize(
    "text",
    [
        "Fixed in 3f786850e387550fdab836ed7e6dc881de23001b and 89e6c98d92887913cadf06b2adb97f26cde4849b.",
        "request 123e4567-e89b-12d3-a456-426614174000 failed",
        "image?alt=media&token=5ffae1b0-919c-4436-81af-dbc55defee5a",
        "integrity sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==",
        "token = getAccessTokenFromKeychain2()",
        "password = user2.password_digest",
        "secret: my_service_secret_name_v2",
        "api_key: my-kebab-case-name-for-2024",
        "secret_path=/etc/app/secrets/db2.json",
        "password: ${DB_PASSWORD}",
        "password=$DB_PASSWORD1",
        "token: <your-token-1>",
        "API_KEY=your-key-here-123",
        "password: changeme1",
        "api_key=xxxxxxxxxxxxxxxxxxxx1",
        "api_key = 'EXAMPLE1234abcdXY9z'",
        "token: REDACTED",
        "password: test1234",
        "password: ********",
        'key = os.environ["API_KEY_2"]',
        "const token = process.env.GITHUB_TOKEN2",
        "token: ${{ secrets.DEPLOY_TOKEN_2 }}",
        "authentication v2.13.4 needs token-bucket 1.20.3-rc1",
        "max_tokens: 200000, token_count=8192",
        "keyboard: qwertz2, keyword: async2sync",
        "primary key: user_id_2024_q3_partition",
        "postgresql://user:password@localhost/db",
        "postgres://app:${PGPASSWORD}@db/app",
        "Authorization: Bearer <token>",
        "Authorization: Bearer $ACCESS_TOKEN_FOR_CI",
        "basic authentication is used",
        "ghp_" + "x" * 36,
        "AKIA" + "IOSFODNN7EXAMPLE",
        "a file starts with -----BEGIN RSA PRIVATE KEY----- and goes on",
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
        "gpg --recv-keys 5BE8A3F6C8A5C01D106C0AD820B1A390B168D356",
        "the bypass: found 3rd.time.this.quarter",
        "passed as `prefix+2]` to the caller",
    ],
)
def test_what_only_looks_like_a_secret_passes(text: str) -> None:
    assert secrets_in(text) == []


@pytest.mark.parametrize(
    "veiled",
    [
        GITHUB[:9] + "\u200b" + GITHUB[9:],
        "\x1b[31m" + GITHUB[:9] + "\x1b[0;1m" + GITHUB[9:] + "\x1b[0m",
        GITHUB[:9] + r"\u001b[0m" + GITHUB[9:],
        "".join(chr(ord(c) + 0xFEE0) for c in GITHUB),
        "".join(f"%{ord(c):02x}" for c in GITHUB),
        "".join(f"\\u{ord(c):04x}" for c in GITHUB),
        GITHUB[:9] + "\U000e0041\u202e" + GITHUB[9:],
    ],
)
def test_veiled_secret_is_found_where_it_stands(veiled: str) -> None:
    text = f"first line\nthe key: {veiled} end"
    start, stop = text.index(veiled), text.index(" end")
    finding = max(secrets_in(text), key=lambda f: f.length)
    begins = start + (len("\x1b[31m") if veiled.startswith("\x1b") else 0)
    ends = stop - (len("\x1b[0m") if veiled.startswith("\x1b") else 0)
    assert (finding.rule, finding.line, finding.column) == ("github-token", 2, begins - len("first line\n") + 1)
    assert finding.length == ends - begins


def test_secret_after_a_written_line_break_is_found() -> None:
    assert [f.rule for f in secrets_in(r'{"stdout": "key:\n' + GITHUB + r'\nok"}')] == ["github-token"]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("ok\U000e0048\U000e0069", "tag-characters"),
        ("\U0001f3f4\U000e0048\U000e0069\U000e007f", "tag-characters"),
        ("a\u202eb", "bidi-control"),
        ("a\u2066b", "bidi-control"),
        ("a\u200bb", "zero-width"),
        ("a\u200db", "zero-width"),
        ("a\ufeffb", "zero-width"),
        ("a\ufe0fb", "variation-selector"),
        ("\U0001f600\ufe0f\U000e0101\U000e0102", "variation-selector"),
        ("a\x00b", "control-character"),
        ("a\x08b", "control-character"),
        ("a\x7fb", "control-character"),
        ("a\u2028b", "control-character"),
        ("\x1b[31m", "ansi-escape"),
        ("\x1b]8;;https://evil.example\x07", "ansi-escape"),
        ("\x9b2J", "ansi-escape"),
    ],
)
def test_character_that_a_reader_does_not_see_is_poison(text: str, rule: str) -> None:
    assert [(f.rule, f.severity) for f in screen(text) if f.kind == "poison"] == [(rule, "certain")]


@pytest.mark.parametrize(
    "text",
    [
        "\tindented\r\nline\n",
        "\ufeffbyte order mark at the start",
        "❤️ ✔️ ⚠️ ©️ 1️⃣ #️⃣ ☎︎ \u2139\ufe0f",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f3f3\ufe0f\u200d\U0001f308 \U0001f44d\U0001f3fd",
        "\U0001f9d1\U0001f3fd\u200d\U0001f4bb \u2764\ufe0f\u200d\U0001f525 \U0001f937\u200d\u2642\ufe0f",
        "\U0001f3f4" + "".join(chr(0xE0000 + ord(c)) for c in "gbsct") + "\U000e007f",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "naïve café — “quotes” … 日本語",
        r"prints \033[31m and \u001b[0m as text",
    ],
)
def test_emoji_scripts_and_plain_layout_are_no_poison(text: str) -> None:
    assert poison_in(text) == []


def test_poison_is_masked_by_its_code_point() -> None:
    [finding] = screen("hidden:\U000e0048\U000e0069")
    assert finding == Finding("poison", "tag-characters", "certain", 1, 8, 2, "U+E0048… (2 characters)")
    assert mask("poison", "\u200b") == "U+200B (1 character)"


def test_overlapping_findings_become_one_named_by_the_certain_rule() -> None:
    assert screen(f'token = "{GITHUB}"') == [
        Finding("secret", "github-token", "certain", 1, 10, 40, "ghp_… (40 characters)")
    ]


def test_merged_span_covers_all_its_parts() -> None:
    hits = [Hit(0, 6, "a", "certain"), Hit(4, 20, "b", "likely"), Hit(20, 22, "c", "likely")]
    assert merge(hits) == [Hit(0, 20, "a", "certain"), Hit(20, 22, "c", "likely")]


def test_short_secret_shows_at_most_a_quarter() -> None:
    assert mask("secret", "kT9wq2") == "k… (6 characters)"
    assert mask("secret", "k\u200bT9wq2zz") == "k… (9 characters)"


def test_findings_come_by_position() -> None:
    text = f"a\u200bb {GITHUB}\n\n  password: {'Winter' + '2031#'} \x1b[0m"
    assert [(f.line, f.column, f.rule) for f in screen(text)] == [
        (1, 2, "zero-width"),
        (1, 5, "github-token"),
        (3, 13, "named-password"),
        (3, 25, "ansi-escape"),
    ]


def test_private_key_is_one_finding_over_its_lines() -> None:
    text = f"see\n{TOKENS['private-key']}\nend"
    [finding] = secrets_in(text)
    assert (finding.line, finding.column, finding.length) == (2, 1, len(TOKENS["private-key"]))


def test_words_do_not_surprise_and_random_tokens_do() -> None:
    words = ["getUserAccessToken", "authentication", "my_snake_case_name", "kebab-case-words", "README_for_packagers"]
    assert max(measure_surprise(word) for word in words) < 0.2
    rng = random.Random(20261121)  # a fixed sample
    alphabets = [string.ascii_letters + string.digits, string.digits + "abcdef", string.ascii_lowercase + string.digits]
    tokens = ["".join(rng.choices(alphabet, k=32)) for alphabet in alphabets for _ in range(100)]
    assert sum(measure_surprise(token) >= 0.3 for token in tokens) > 0.95 * len(tokens)


UNITS = [
    *(
        "a",
        "A1",
        "=",
        " ",
        "\n",
        "\\",
        '"',
        "%41",
        "key",
        "token=",
        "token is ",
        "password a ",
        "key,",
        "?token=",
        "eyJ-",
    ),
    *(
        "sl.",
        "xoxb-",
        "sk-",
        "://a:b",
        "curl -u a:",
        "machine a login b password ",
        "bearer ",
        "basic YTpi",
        "--token ",
    ),
    *(
        "-----BEGIN RSA PRIVATE KEY-----\nA: b",
        "\x1b]",
        "\x9d",
        "\x1b[",
        "\u200d",
        "\ufe0f",
        "\u0130",
        "SharedAccessKey=a1",
    ),
]


@pytest.mark.real
@pytest.mark.parametrize("unit", UNITS)
def test_hostile_repetition_is_screened_to_its_end(unit: str) -> None:
    size = 200_000
    last = secrets_in((unit * size)[:size] + f"\n{GITHUB}")[-1]
    assert (last.rule, last.length) == ("github-token", 40)


def test_no_pattern_repeats_without_a_bound_but_a_character_class() -> None:
    unbounded = re.compile(r"\)[*+]|\)\{\d+,\}")
    patterns = [rest for _, rest in PREFIXED.values()] + [pattern for _, pattern, _ in (AROUND | ANYWHERE).values()]
    assert [pattern for pattern in patterns if unbounded.search(pattern)] == []


def test_the_package_reads_no_file_clock_or_environment() -> None:
    sources = "".join(path.read_text("utf-8") for path in Path(screening.__file__).parent.glob("*.py"))
    imported = set(re.findall(r"^(?:from|import) (\w+)", sources, re.MULTILINE))
    assert imported.isdisjoint({"os", "io", "pathlib", "time", "datetime", "random", "subprocess", "sys", "socket"})


PIECES = st.lists(
    st.one_of(
        st.text(max_size=12),
        st.sampled_from(
            [*TOKENS.values(), "password: ", "token=", "\u200b", "\x1b[31m", "\ufeff", "%3d", "\\n", "\n", "'"]
        ),
        st.text(alphabet=string.ascii_letters + string.digits + "+/=_-", min_size=8, max_size=40),
    ),
    max_size=12,
).map("".join)


@given(PIECES)
@settings(max_examples=300, deadline=None)
def test_findings_lie_in_the_text_in_order_without_overlap(text: str) -> None:
    line_starts = [0, *(i + 1 for i, c in enumerate(text) if c == "\n")]
    ends: dict[str, int] = {}
    starts: list[int] = []
    for finding in screen(text):
        start = line_starts[finding.line - 1] + finding.column - 1
        assert finding.length > 0
        assert start + finding.length <= len(text)
        assert "\n" not in text[line_starts[finding.line - 1] : start]
        assert start >= ends.get(finding.kind, 0)
        ends[finding.kind] = start + finding.length
        starts.append(start)
    assert starts == sorted(starts)


@given(PIECES)
@settings(max_examples=300, deadline=None)
def test_masked_shows_no_more_than_four_characters(text: str) -> None:
    for finding in screen(text):
        shown, size = finding.masked.rsplit(" (", 1)
        assert size.startswith(f"{finding.length} character")
        if finding.kind == "secret":
            assert len(shown.removesuffix("…")) <= 4
        else:
            assert re.fullmatch("U\\+[0-9A-F]{4,6}…?", shown)
        assert finding.masked.isprintable()


@given(st.text(), st.integers(min_value=0, max_value=40))
@settings(deadline=None)
def test_spans_of_the_shown_text_lead_back_into_the_original(text: str, at: int) -> None:
    shown = show(text + "\u200b%41")
    assert shown is not None
    at = min(at, len(shown.text) - 1)
    hit = shown.locate(Hit(at, at + 1, "x", "likely"))
    assert 0 <= hit.start < hit.end <= len(text) + 4
    original = (text + "\u200b%41")[hit.start : hit.end]
    assert original == shown.text[at] or show(original) is not None
