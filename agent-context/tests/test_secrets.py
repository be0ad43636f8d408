from __future__ import annotations

import base64
import json
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_context.errors import MissingExtraError
from agent_context.learning import Finding
from agent_context.screening import choose_engines, find_secrets, kingfisher, redact, screen
from agent_context.screening.decoding import Page, decode, find_texts
from agent_context.screening.invisible import Hit
from agent_context.screening.tokens import ALPHABET, has_checksum

MIXED = "a1B2c3D4e5F6g7H8j9K0m1N2p3Q4r5S6t7U8v9W0x1Y2z3A4"
HEX = "9f86d081884c7d659a2feaa0c55ad015"
GITHUB = "ghp_" + "a1B2" * 9
RANDOM = "q7Zx9Kd2" + "LmR4vTn8" + "Wc3Yb6Ha"
needs_kingfisher = pytest.mark.skipif(not kingfisher.is_installed(), reason="the extra `screen` is not installed")


def rules_in(text: str) -> list[tuple[str, str]]:
    return [(hit.rule, text[hit.start : hit.end]) for hit in find_secrets(text)]


def checked(prefix: str, body: str) -> str:
    number, written = zlib.crc32(body.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        written = ALPHABET[digit] + written
    return prefix + body + written


@pytest.mark.parametrize(
    ("rule", "token"),
    [
        ("aws-access-key-id", "AKIA" + "QWZRTYUPLKXBNMVC"),
        ("huggingface-token", "hf_" + "abcdefghjkLMNOPQRSTUVwxyzABCDEFGHi"[:34]),
        ("twilio-key", "AC" + "327d42f63eecec8c54617c1b3a8656a3"),
        ("mailchimp-key", HEX + "-us12"),
        ("circleci-token", "CCIPAT_" + MIXED[:22] + "_" + HEX + HEX[:8]),
        ("sendinblue-key", "xkeysib-" + HEX * 2 + "-" + MIXED[:16]),
        ("netlify-token", "nfp_" + MIXED[:36]),
        ("dynatrace-token", "dt0c01." + "A1B2C3D4E5F6G7H8J9K0L1M2" + "." + ("A1B2C3D4" * 8)),
        ("1password-secret-key", "A3-" + "A1B2C3-D4E5F6-G7H8J-K9L0M-N1P2Q"),
        ("aws-bedrock-key", "ABSK" + MIXED * 2),
        ("mapbox-token", "sk.eyJ" + MIXED + "." + MIXED[:22]),
        ("encoded-json-web-token", "ZXlK" + MIXED * 3),
        ("encoded-private-key", "LS0tLS1CRUdJTi" + MIXED * 3),
        ("azure-client-secret", "aB~" + "8Q~" + MIXED[:31]),
        ("random-token", RANDOM),
    ],
)
def test_token_is_found_by_its_own_shape(rule: str, token: str) -> None:
    for text in (token, f"We used {token}, then\nit worked.", f"It was ({token})."):
        assert [found for found, _ in rules_in(text)] == [rule]


@pytest.mark.parametrize(
    ("rule", "text", "value"),
    [
        ("curl-user", "wget -q -u ci:{0} https://x.dev", "kT9wq2zz"),
        ("curl-user", "http --user=ci:{0} GET x.dev", "kT9wq2zz"),
        ("database-password", "mysql -h db -u root -p{0} app", "kT9wq2zz"),
        ("sql-password", "CREATE USER 'a'@'%' IDENTIFIED BY '{0}';", "kT9wq2zz"),
        ("authorization-header", "Authorization: token {0}", RANDOM),
        ("bearer-token", "-H 'authorization: Bearer {0}'", RANDOM),
        ("cookie", "Cookie: theme=dark; sid={0}; lang=en", RANDOM),
        ("cookie", "Set-Cookie: session={0}; HttpOnly", RANDOM),
        ("netrc", "machine api.acme.dev\n  login bot\n  password {0}\n", "kT9wq2zz"),
        (
            "teams-webhook",
            "https://a.webhook.office.com/webhookb2/{0}",
            f"{RANDOM}@{RANDOM}/IncomingWebhook/{HEX}/{RANDOM}",
        ),
        ("named-secret", "DATADOG_API_KEY={0}", HEX),
        ("named-secret", "api_key is {0}.", HEX),
        ("named-password", 'password := "{0}"', "it(is),not;one-word"),
        ("azure-sas-signature", "?sv=2022&sig={0}", MIXED[:43] + "%3D"),
    ],
)
def test_value_is_found_by_what_stands_before_it(rule: str, text: str, value: str) -> None:
    assert rules_in(text.format(value)) == [(rule, value)]


@pytest.mark.parametrize(
    "text",
    [
        "See /docs/2026-03-05T03-33-23-997Z_94a91f18-741b-4105-a769-f72100a8a92b.jsonl",
        'integrity "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=="',
        "golang.org/x/net v0.17.0 h1:pVaXccu2ozPjCXewfr1S7xza/zcXTity9cCdXQYSjIM=",
        "tool call toolu_01A09q90qw90lq917835lq9 returned",
        "Message-ID: <CAHp8n2nmGN+G09aA118KN86NeX9yw@mail.example.org>",
        "FUNC:_ZNSt7__cxx1110moneypunctIcLb0EEC1Em@@GLIBCXX_3.4",
        '"node_id": "MDEwOlJlcG9zaXRvcnkxMTcyMzE4NzQ="',
        "[![cov](https://codecov.io/gh/a/b/graph/badge.svg?token=1IJLT65K8B)](x)",
        "cache hit for key: setup-uv-1-x86_64-unknown-linux-gnu-0.7.13-f6c65b29c82e49811",
        "PLAYWRIGHT_PASSWORD_1=\nPLAYWRIGHT_GRAPH_URL_1=\n",
        "- Added a `change_password` field to `/api/v1/users/[user_id]` for admins",
        "docker run -u 1000:1000 -p 8080:80 image",
        "curl -u $USER:$TOKEN https://x.dev",
        "a URL such as https://abc:xyz@example.com has both",
        "camelCaseIdentifierWithVersion2AndMore, snake_case_identifier_number_12_of_many",
        "arn:aws:iam::123456789012:role/service-role/MyLambdaFunctionRole2026",
        "[redacted:github-token] and api_key=[redacted:named-secret]",
    ],
)
def test_what_notes_are_made_of_passes(text: str) -> None:
    assert rules_in(text) == []


def test_checksum_tells_a_real_token_from_one_that_calls_itself_an_example() -> None:
    body = "EXAMPLE" + MIXED[:23]
    token = checked("ghp_", body)
    assert has_checksum(token)
    assert rules_in(token) == [("github-token", token)]
    assert rules_in("ghp_" + body + "000000") == []


@pytest.mark.parametrize(
    "comment", ["gitleaks:allow", "pragma: allowlist secret", "betterleaks:allow", "nosec", "noqa"]
)
def test_comment_in_the_text_silences_nothing(comment: str) -> None:
    assert rules_in(f"key = {GITHUB}  # {comment}") == [("github-token", GITHUB)]


@pytest.mark.parametrize(
    "wrap",
    [
        lambda text: json.dumps({"stdout": text}),
        lambda text: json.dumps({"message": json.dumps({"content": json.dumps([text])})}),
        lambda text: "data: " + base64.b64encode(f"the value is {text} here".encode()).decode(),
        lambda text: text.replace("a1B2", "%611%422", 1),
        lambda text: text.replace("ghp_a1", "ghp_a\u200b1"),
        lambda text: text.replace("ghp_a1", "ghp_\x1b[1ma1"),
        lambda text: text.replace("/", "\\/") + "\\/",
    ],
)
def test_secret_is_found_through_one_layer_of_disguise(wrap: object) -> None:
    assert callable(wrap)
    text = "before\n" + wrap("one\n" + GITHUB + "\ntwo") + "\nafter"
    [(rule, span)] = rules_in(text)
    assert rule == "github-token"
    assert "before" not in span
    assert "after" not in span


def test_finding_in_base64_spans_the_whole_of_it() -> None:
    encoded = base64.b64encode(f"machine x login y password {RANDOM}".encode()).decode()
    text = f"auth: {encoded} ok"
    hit = find_secrets(text)[0]
    assert text[hit.start : hit.end] == encoded


def test_only_lines_with_something_hidden_are_decoded() -> None:
    view = decode(Page("plain one\nhid\u200bden %41 two\nplain three\n"))
    assert view is not None
    assert view.page.text == "hidden A two\n"
    assert view.locate(Hit(0, 6, "x", "likely")) == Hit(10, 17, "x", "likely")
    assert decode(Page("nothing to see, 100 % plain \\ text")) is None


def test_page_keeps_every_position() -> None:
    text = 'a “b” \\n \\\\\\"c\\\\\\" é 😀 {"signature": "' + "Ab1/" * 40 + '"}'
    page = Page(text)
    assert len(page.flat) == len(page.lower) == len(text)
    assert "Ab1/" not in page.flat


def test_texts_of_a_record_come_without_signatures_ids_and_images() -> None:
    record = {
        "uuid": "u",
        "message": {
            "id": "m",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "Eq4Bsomething"},
                {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "out"}]},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo"}},
            ],
        },
    }
    assert list(find_texts(record)) == ["thinking", "hm", "tool_result", "text", "out", "image", "base64", "image/png"]


def test_redacted_text_names_the_rule_and_has_no_piece_of_the_secret() -> None:
    text = f"first {GITHUB}\nand password: {'Winter' + '2031#'}, end"
    clean = redact(text, screen(text))
    assert clean == "first [redacted:github-token]\nand password: [redacted:named-password], end"
    assert screen(clean) == []


def test_overlapping_findings_are_redacted_once() -> None:
    findings = [
        Finding("secret", "a", "likely", 1, 1, 4, "…"),
        Finding("secret", "b", "certain", 1, 3, 4, "…"),
    ]
    assert redact("abcdefgh", findings) == "[redacted:b]gh"


@given(st.lists(st.sampled_from([GITHUB, RANDOM, "password: Winter2031#", "token=", "\n", " ", "é", "\u200b", "x"])))
@settings(max_examples=200, deadline=None)
def test_redacting_twice_changes_nothing(parts: list[str]) -> None:
    text = "".join(parts)
    clean = redact(text, [finding for finding in screen(text) if finding.kind == "secret"])
    assert [finding for finding in screen(clean) if finding.kind == "secret"] == []


def test_an_engine_that_is_named_must_be_there() -> None:
    if kingfisher.is_installed():
        assert choose_engines("auto") == ("own", "kingfisher")
    else:
        assert choose_engines("auto") == ("own",)
        with pytest.raises(MissingExtraError, match="kingfisher-secret-scanner"):
            screen("text", ("own", "kingfisher"))


@needs_kingfisher
def test_engines_meet_in_one_finding() -> None:
    token = checked("ghp_", "9aB3kLmQ7xYz1TtR5vWc8NnP2dFh6G")
    [finding] = screen(f"é the token {token} # gitleaks:allow", ("own", "kingfisher"))
    assert (finding.severity, finding.column, finding.length) == ("certain", 13, 40)


@needs_kingfisher
def test_half_of_a_pair_is_kept_as_likely() -> None:
    text = "secret = " + "abcdef1234567890ABCDEF1234567890abcd/+12"
    hits = kingfisher.find_in_page(Page(text))
    assert [(hit.rule, hit.severity) for hit in hits] == [("kingfisher-aws-secret-access-key", "likely")]


def test_public_keys_are_meant_to_be_shown() -> None:
    age = "age1" + "3t6dsrajsma2dpd6y7rg70fjtfeltzxkvugmy9ylvq4w9a5lpcesrq3p9v"
    ssh = "ssh-ed25519 " + "AAAAC3NzaC1lZDI1NTE5AAAAIGq0lTk5zr8Wd3mXo5S5bqS0Jb2hE1yC0Y6wq7pXl9aB me@home"
    assert find_secrets(f"# laptop\n{age}\n{ssh}\n") == []
    assert find_secrets(age.replace("age1", "kge1")) != []
