"""Personal words get the same placeholder on every machine, and normal text stays as it is."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_context.screening.personal import Identity, choose_privacy, find_personal, hide_personal
from agent_context.settings import PrivacySettings

STANDARD = PrivacySettings()
STRICT = PrivacySettings(mode="strict")
OFF = PrivacySettings(mode="off")
NOBODY = Identity()
JANE = Identity(
    user="jdoe7",
    homes=("/srv/people/jdoe7",),
    hosts=("falcon-mbp.acme.io", "falcon-mbp"),
    names=("Jane Q. Doe",),
    emails=("jane@example.com",),
)
LISTED = PrivacySettings(
    names=("Ingrid Meier",),
    domains=("acme-intern.de",),
    trackers=("ACME", "https://tracker.acme.dev/t/", "HELP-"),
    customers=("Globex Corp", "Initech"),
)
SHAPES = {
    "cd /Users/jane/work/shop": "cd ~/work/shop",
    "HOME=/home/jane": "HOME=~",
    "see file:///home/jane/x.md": "see file://~/x.md",
    "(/var/home/jane/x)": "(~/x)",
    r"open C:\Users\jane\src": r"open ~\src",
    r"open C:\Users\Jane Doe\src\a.py": r"open ~\src\a.py",
    r'"C:\\Users\\jane\\src"': r'"~\\src"',
    "in /mnt/c/Users/jane/src": "in ~/src",
    "~/.claude/projects/-Users-jane-work-shop": "~/.claude/projects/~-work-shop",
    "~/.claude/projects/-home-jane-work": "~/.claude/projects/~-work",
    "ask jane.doe@acme.io.": "ask <email>.",
    "mailto:jane@acme.co.uk, please": "mailto:<email>, please",
    "Ada <ada+x@acme.io> wrote": "Ada <<email>> wrote",
    "psql -h db1.prod.internal": "psql -h <host>",
    "https://git.acme.corp/x": "https://<host>/x",
    "ssh nas.lan": "ssh <host>",
    "box.tail1234.ts.net:8080": "<host>:8080",
    "pay.shop.svc.cluster.local": "<host>",
    "connect to 10.20.30.40:5432": "connect to <ip>:5432",
    "192.168.7.21 and 172.20.1.9": "<ip> and <ip>",
    "tailnet 100.101.102.103": "tailnet <ip>",
    "fd12:3456:789a:1::5 answers": "<ip> answers",
    "https://acme.atlassian.net/browse/SHOP-12?x=1 says": "<ticket> says",
}
STRICT_SHAPES = {
    "server 51.159.136.32": "server <ip>",
    "2a01:4f8:c17:b8f::2 answers": "<ip> answers",
    "eth0 3c:22:fb:9a:0b:1d": "eth0 <mac>",
    "pay to DE89 3704 0044 0532 0130 00": "pay to <iban>",
    "GB82WEST12345698765432": "<iban>",
    "card 4111 1111 1111 1111.": "card <card>.",
    "http://buildbox:8080/job": "http://<host>:8080/job",
    "http://nas.local/x": "http://<host>/x",
}
NORMAL = [
    "the route /home/settings shows /home/dashboard",
    "in the image it is /home/node/app, on the runner /home/runner/work",
    "GET /Users/{id} and /home/$USER and /Users/<name>/x and /home/*/x",
    "https://example.com/home/jane/photo",
    "use --home-dir and -home-page",
    "git clone git@github.com:o/r.git",
    "noreply@anthropic.com and 1+x@users.noreply.github.com and you@example.com",
    "postgres://app:pw@db.example.com/x",
    "icon@2x.png and pkg@1.2.3 and @scope/name and getty@tty1.service",
    "settings.local.json, .env.local, CLAUDE.local.md, nas.local",
    "host.docker.internal and metadata.google.internal",
    "import com.acme.internal.Foo; torch.internal.ops; jdk.internal(x)",
    "listen on 127.0.0.1, 0.0.0.0 and 192.0.2.7; allow 10.0.0.0/8 and 192.168.0.0/16",
    "version 10.1.2.3, v10.0.0.1, chrome/120.0.0.0, lib==10.2.3.4",
    "see SHOP-12 and UTF-8 and RFC-2616",
    "51.159.136.32 and 3c:22:fb:9a:0b:1d and 4111 1111 1111 1111 are for strict",
]


@pytest.mark.parametrize(("text", "hidden"), SHAPES.items())
def test_a_shape_becomes_its_placeholder(text: str, hidden: str) -> None:
    assert hide_personal(text, NOBODY, STANDARD) == hidden


@pytest.mark.parametrize(("text", "hidden"), STRICT_SHAPES.items())
def test_strict_hides_what_standard_leaves(text: str, hidden: str) -> None:
    assert hide_personal(text, NOBODY, STRICT) == hidden
    assert hide_personal(text, NOBODY, STANDARD) == text


@pytest.mark.parametrize("text", NORMAL)
def test_normal_text_stays_as_it_is(text: str) -> None:
    assert hide_personal(text, NOBODY, STANDARD) == text


@pytest.mark.parametrize(
    "text",
    [
        "1234 5678 9012 3456",
        "DE89 3704 0044 0532 0130 01",
        "127.0.0.1 1.1.1.1 8.8.8.8 198.51.100.2 2001:db8::1 ::1",
        "12:34:56 and 00:11:22",
        "http://localhost:8080 and https://example.com/x and memory://notes",
        "commit 4f9c2a71b04f9c2a71b04f9c2a71b04f9c2a71b0",
    ],
)
def test_strict_leaves_what_only_looks_like_it(text: str) -> None:
    assert hide_personal(text, NOBODY, STRICT) == text


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("/srv/people/jdoe7/x", "~/x"),
        ("-srv-people-jdoe7-x", "~-x"),
        ("~jdoe7/x", "~/x"),
        ("ssh jdoe7@build", "ssh <user>@build"),
        ("owned by jdoe7.", "owned by <user>."),
        ("on falcon-mbp and FALCON-MBP.local", "on <host> and <host>"),
        ("by Jane Q. Doe", "by <name>"),
        ("jane@example.com", "<email>"),
        ("jdoe77 xjdoe7 falcon-mbp2", "jdoe77 xjdoe7 falcon-mbp2"),
    ],
)
def test_what_the_machine_knows_for_its_own_is_hidden(text: str, hidden: str) -> None:
    assert hide_personal(text, JANE, STANDARD) == hidden
    assert all(hit.severity == "certain" for hit in find_personal(text, JANE, STANDARD))


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("see ACME-12, HELP-7 and ACME#9", "see <ticket>, <ticket> and <ticket>"),
        ("https://tracker.acme.dev/t/42?x=1 or tracker.acme.dev/t/43", "<ticket> or <ticket>"),
        ("wiki.acme-intern.de/x", "<host>/x"),
        (
            "Globex Corp, globex-corp, GlobexCorp, globex_corp_prod",
            "<customer>, <customer>, <customer>, <customer>_prod",
        ),
        ("initech's and INITECH", "<customer>'s and <customer>"),
        ("Ingrid Meier said", "<name> said"),
        ("Initechnology, ACME-x, PACME-1", "Initechnology, ACME-x, PACME-1"),
    ],
)
def test_what_the_settings_list_is_hidden(text: str, hidden: str) -> None:
    assert hide_personal(text, NOBODY, LISTED) == hidden


def test_a_name_that_is_a_word_is_hidden_in_paths_and_addresses_alone() -> None:
    mark = Identity(user="mark", homes=("/home/mark",), hosts=("laptop",), names=("Mark",))
    text = "mark it as done on the laptop, says Mark: /home/mark/x, ssh mark@build"
    assert hide_personal(text, mark, STANDARD) == "mark it as done on the laptop, says Mark: ~/x, ssh <user>@build"


def test_two_machines_make_the_same_words() -> None:
    linux = Identity(user="jdoe7", homes=("/home/jdoe7",), hosts=("box-eins",))
    mac = Identity(user="janedoe9", homes=("/Users/janedoe9",), hosts=("falcon-mbp",))
    one = hide_personal("run /home/jdoe7/shop/deploy as jdoe7 on box-eins", linux, STANDARD)
    other = hide_personal("run /Users/janedoe9/shop/deploy as janedoe9 on falcon-mbp", mac, STANDARD)
    assert one == other == "run ~/shop/deploy as <user> on <host>"


def test_a_list_entry_of_marks_alone_hides_nothing() -> None:
    marks = PrivacySettings(names=("-",), domains=("*.",), trackers=("-",), customers=("..",))
    assert hide_personal("a.b - c-1 ...", NOBODY, marks) == "a.b - c-1 ..."


def test_off_hides_nothing() -> None:
    text = "/home/jane/x jane@acme.io 10.20.30.40 jdoe7"
    assert hide_personal(text, JANE, OFF) == text


def test_a_project_has_a_mode_of_its_own() -> None:
    assert choose_privacy(STANDARD, "strict") == STRICT
    assert choose_privacy(STANDARD, "") == STANDARD


PIECES = st.sampled_from([*SHAPES, *STRICT_SHAPES, *NORMAL, " ", "\n", "/", "-", "@", "~", "jdoe7", "ACME-1"])


@settings(deadline=None)  # patterns are compiled when they are first met
@given(st.lists(st.one_of(PIECES, st.text(max_size=12)), max_size=6).map("".join))
def test_spans_are_valid_and_hiding_twice_changes_nothing_more(text: str) -> None:
    hits = find_personal(text, JANE, STRICT)
    assert all(0 <= hit.start < hit.end <= len(text) for hit in hits)
    assert all(one.end <= other.start for one, other in pairwise(hits))
    hidden = hide_personal(text, JANE, STRICT)
    assert hide_personal(hidden, JANE, STRICT) == hidden
