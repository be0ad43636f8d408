"""Values seen where secrets stand are found again everywhere, and common ones nowhere."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_context.screening.taint import MOST_VALUES, Taint, collect_tainted, is_telling

SALT = b"0123456789abcdef"
TOKEN = "kT9wq2" + "ZZpL8vR4"
PASSWORD = "Summer!" + "Kite42"
FORMS = {
    "an export": f"export DB_PASSWORD={TOKEN}",
    "a .env block": f"APP_ENV=production\nAPI_TOKEN={TOKEN}\nPORT=8080",
    "an environment dump": f"HOME=/x\nMY_SECRET={TOKEN}\nPATH=/bin",
    "JSON": f'{{"client_secret": "{TOKEN}"}}',
    "JSON inside JSON": json.dumps({"content": json.dumps({"client_secret": TOKEN})}),
    "YAML": f"  api_key: {TOKEN}",
    "code": f'const secret = "{TOKEN}";',
    "a flag": f"mysql --password={TOKEN} -u app",
    "PowerShell": f'$env:MY_KEY="{TOKEN}"',
    ".netrc": f"machine api.acme.dev\n  login bot\n  password {TOKEN}",
    "~/.aws/credentials": f"[default]\naws_secret_access_key = {TOKEN}",
    ".npmrc": f"//registry.npmjs.org/:_authToken={TOKEN}",
    "hosts.yml of gh": f"github.com:\n    oauth_token: {TOKEN}",
    "an address": f"postgres://app:{TOKEN}@db.acme.dev/x",
    "a git credential": f"https://oauth2:{TOKEN}@gitlab.com",
    "config.json of Docker": json.dumps({"auths": {"r.io": {"auth": b64encode(f"bot:{TOKEN}".encode()).decode()}}}),
}


def taint_of(*texts: str) -> Taint:
    taint = Taint(SALT)
    taint.learn(texts)
    return taint


def found(taint: Taint, text: str) -> list[str]:
    return [text[hit.start : hit.end] for hit in taint.find(text)]


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS.keys())
def test_a_value_seen_once_is_found_where_nothing_names_it(text: str) -> None:
    assert found(taint_of(text), f"we tried {TOKEN}, and it worked") == [TOKEN]


def test_a_value_is_found_within_longer_text() -> None:
    text = f"https://x.dev/cb?state=a{TOKEN}b"
    assert [(hit.start, hit.rule, hit.severity) for hit in taint_of(f"TOKEN={TOKEN}").find(text)] == [
        (text.index(TOKEN), "tainted-value", "certain")
    ]


def test_a_value_is_found_behind_escapes_and_invisible_characters() -> None:
    taint = taint_of(f'password: "{PASSWORD}"')
    hidden = f"{PASSWORD[:4]}\u200b{PASSWORD[4:]}"
    assert found(taint, f"it is {hidden} now") == [hidden]
    assert found(taint, "it is " + PASSWORD.replace("!", "%21")) == [PASSWORD.replace("!", "%21")]


@pytest.mark.parametrize(
    "value",
    [
        "true",
        "localhost",
        "8080",
        "example",
        "production",
        "secret",
        "changeme123",
        "your-token-here",
        "correct-horse-battery",
        "Enter your password please",
        "2024-01-01T00:00:00Z",
        "v1.22.333",
        "192.168.10.21",
        "RS256",
        "sha256",
        "settings.py",
        "https://auth.acme.dev/login",
        "${DB_PASSWORD}",
        "$DB_PASSWORD1",
        "process.env.TOKEN1",
        "Optional[str]",
        "kT9",
        "abc12",
    ],
)
def test_what_is_short_or_common_is_not_taken(value: str) -> None:
    taint = Taint(SALT)
    taint.add(value)
    assert len(taint) == 0


@pytest.mark.parametrize(
    "text",
    [
        "max_tokens: 200000abc",
        "token_url: https://x.dev/oauth2/token-v2",
        "public_key = ssh-ed25519x9zz1qq",
        "primary key: kT9wq2ZZpL8v",
        "![](https://x.dev/p.png?token=5ffae1b0-919c-4436-81af-dbc55defee5a)",
        f"export KEY={TOKEN}...",
        "key = make_key(user1, tenant2)",
        "authors: Ada9Lovelace2",
    ],
)
def test_what_a_name_does_not_make_secret_is_not_taken(text: str) -> None:
    assert [value for value in collect_tainted(text) if is_telling(value)] == []


def test_the_values_themselves_are_not_kept() -> None:
    taint = taint_of(f"TOKEN={TOKEN}")
    assert len(taint) == 1
    assert TOKEN not in repr(vars(taint))


def test_another_salt_makes_other_hashes() -> None:
    one, other = Taint(SALT), Taint(SALT[::-1])
    one.add(TOKEN)
    other.add(TOKEN)
    assert vars(one)["_rules"].keys().isdisjoint(vars(other)["_rules"])


def test_memory_is_bounded_and_what_is_left_out_is_counted() -> None:
    taint = Taint(SALT)
    for number in range(MOST_VALUES + 5):
        taint.add(f"kT9!wq{number:06d}")
    assert (len(taint), taint.left_out) == (MOST_VALUES, 5)


@settings(deadline=None)  # patterns are compiled when they are first met
@given(st.text(max_size=200), st.text(max_size=60), st.text(max_size=60))
def test_whatever_was_taken_is_found_around_any_text(value: str, before: str, after: str) -> None:
    taint = Taint(SALT)
    taint.add(value)
    text = before + value + after
    spans = [(hit.start, hit.end) for hit in taint.find(text)]
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert not len(taint) or any(start <= len(before) and end >= len(before) for start, end in spans)


@settings(deadline=None)  # patterns are compiled when they are first met
@given(st.text(max_size=300))
def test_no_text_breaks_the_collecting(text: str) -> None:
    taint_of(text, f"password={text}", f'"token": "{text}"')
