"""One value finds and cleans all that must not go on, past what a person allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_context.config import load_settings
from agent_context.errors import AgentContextError
from agent_context.learning import Candidate, Finding, Kind, Quote, Speaker
from agent_context.screening.allowing import append_allowances, apply_allowances, cut_found, hash_found
from agent_context.screening.guarding import Guard
from agent_context.screening.personal import Identity
from agent_context.screening.replacing import rewrite_candidate
from agent_context.screening.taint import Taint
from agent_context.settings import Allowance, PrivacySettings

if TYPE_CHECKING:
    from pathlib import Path

GITHUB = "ghp_" + "a1B2" * 9
BARE = "Summer!" + "Kite42"
GUARD = Guard(PrivacySettings())


def kinds(guard: Guard, text: str) -> list[tuple[str, str]]:
    return [(finding.kind, text[finding.column - 1 :][: finding.length]) for finding in guard.find(text)]


def session_taint(*texts: str) -> Taint:
    taint = Taint(b"salt")
    taint.learn(texts)
    return taint


def test_secrets_and_personal_words_are_found_by_position() -> None:
    text = f"jane@acme.io used {GITHUB} in /home/jane/x"
    assert kinds(GUARD, text) == [("personal", "jane@acme.io"), ("secret", GITHUB), ("personal", "/home/jane")]
    assert GUARD.clean(text) == "<email> used [redacted:github-token] in ~/x"


def test_a_finding_says_line_and_column_and_shows_no_more_than_a_quarter() -> None:
    finding = GUARD.find("one\ntwo jane@acme.io")[0]
    assert (finding.line, finding.column, finding.length, finding.masked) == (2, 5, 12, "jan… (12 characters)")


def test_what_a_session_showed_is_found_once_even_where_it_has_a_name_again() -> None:
    guard = GUARD.knowing(session_taint(f"DB_PASSWORD={BARE}"))
    text = f"export DB_PASSWORD='{BARE}'; psql with {BARE}"
    assert kinds(guard, text) == [("secret", BARE), ("secret", BARE)]
    assert kinds(GUARD, f"psql with {BARE}") == []


def test_a_project_has_a_mode_of_its_own() -> None:
    assert GUARD.knowing(session_taint(), "off").find("jane@acme.io") == []


@pytest.mark.parametrize(
    "allowance",
    [
        Allowance("a sample", hash=hash_found(GITHUB)),
        Allowance("samples", pattern=r"ghp_(?:a1B2)+"),
    ],
)
def test_what_is_allowed_is_neither_found_nor_redacted(allowance: Allowance) -> None:
    text = f"the docs show {GITHUB} as a sample"
    guard = Guard(PrivacySettings(), allowances=(allowance,))
    assert guard.find(text) == []
    assert guard.clean(text) == text


def test_a_pattern_must_match_the_whole_of_what_was_found() -> None:
    text = f"use {GITHUB}"
    assert Guard(PrivacySettings(), allowances=(Allowance("too little", pattern="ghp_"),)).find(text) == GUARD.find(
        text
    )


def test_an_allowed_address_is_not_hidden() -> None:
    guard = Guard(PrivacySettings(), allowances=(Allowance("public", pattern=r".*@acme\.io"),))
    assert guard.clean("mail jane@acme.io or joe@initech.io") == "mail jane@acme.io or <email>"


def test_allowances_go_by_the_text_at_the_finding() -> None:
    text = "one\n  two three\n"
    findings = [Finding("poison", "r", "likely", 2, 3, 3, ""), Finding("poison", "r", "likely", 2, 7, 5, "")]
    assert [cut_found(text, finding) for finding in findings] == ["two", "three"]
    assert apply_allowances(findings, text, (Allowance("fine", hash=hash_found("two")),)) == findings[1:]


def test_an_allowance_is_added_below_the_settings_and_leaves_them_as_they_are(tmp_path: Path) -> None:
    before = "# ours\n[sync]\npush = false  # not yet\n"
    after = append_allowances(before, [GITHUB, GITHUB, "x"], 'a "sample"')
    assert after == (
        f'{before}\n[[allow]]\nhash = "{hash_found(GITHUB)}"\nreason = "a \\"sample\\""\n'
        f'\n[[allow]]\nhash = "{hash_found("x")}"\nreason = "a \\"sample\\""\n'
    )
    assert append_allowances(after, [GITHUB], "again") == after
    (tmp_path / "agent-context.toml").write_text(after)
    assert [item.reason for item in load_settings(tmp_path).allow] == ['a "sample"'] * 2


@pytest.mark.parametrize("reason", ["", 'reason = ""\n', 'reason = "  "\n'])
def test_an_allowance_without_a_reason_is_an_error_that_names_it(tmp_path: Path, reason: str) -> None:
    (tmp_path / "agent-context.toml").write_text(f'[[allow]]\npattern = "x"\n{reason}')
    with pytest.raises(AgentContextError, match=r"(?=.*reason).*\$\.allow\[0\]"):
        load_settings(tmp_path)


def test_every_text_of_a_candidate_is_rewritten() -> None:
    quote = Quote("in /home/jane/x", Speaker.USER, "u1")
    candidate = Candidate("s", "", "/home/jane/a", Kind.GOTCHA, (quote,), "/home/jane/b", ("t",), ("/home/jane/c",))
    assert rewrite_candidate(candidate, GUARD.hide) == Candidate(
        "s", "", "~/a", Kind.GOTCHA, (Quote("in ~/x", Speaker.USER, "u1"),), "~/b", ("t",), ("~/c",)
    )


PIECES = st.sampled_from([GITHUB, BARE, "jane@acme.io", "/home/jane", "password=", "\n", " ", '"', "10.1.2.3", "jdoe7"])


@settings(deadline=None)  # patterns are compiled when they are first met
@given(st.lists(st.one_of(PIECES, st.text(max_size=8)), max_size=8).map("".join))
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    guard = Guard(
        PrivacySettings(mode="strict"), identity=Identity(user="jdoe7"), taints=(session_taint(f"pw={BARE}"),)
    )
    once = guard.clean(text)
    assert guard.clean(once) == once
