from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from samples import Machine, git, make_learning, replace_fields

from agent_context.claims.confidence import find_confidence
from agent_context.claims.staleness import Doubt, Reference, Sort, find_doubts, find_references
from agent_context.consolidation.aging import find_stale
from agent_context.frontmatter import write_learning
from agent_context.knowledge import KnowledgeBase
from agent_context.learning import Source, Speaker, Status, StatusNote

if TYPE_CHECKING:
    from pathlib import Path

NOW = "2026-03-11T00:00:00Z"


@pytest.mark.parametrize(
    ("claim", "references"),
    [
        ("Deploy with `make deploy`.", [(Sort.TARGET, "deploy")]),
        ("Run `npm run build:css` first.", [(Sort.TARGET, "build:css")]),
        ("Settings live in src/app/settings.py.", [(Sort.PATH, "src/app/settings.py")]),
        ("Edit `pyproject.toml`, not setup.cfg.", [(Sort.PATH, "pyproject.toml"), (Sort.PATH, "setup.cfg")]),
        ("Call `load_settings()` once.", [(Sort.SYMBOL, "load_settings")]),
        ("`Repository.move_to` keeps order.", [(Sort.SYMBOL, "move_to")]),
        ("Pass --frozen-lockfile in CI.", [(Sort.FLAG, "--frozen-lockfile")]),
        ("Run `uv add httpx` for it.", [(Sort.PACKAGE, "httpx")]),
        ("Prices are integer cents.", []),
        ("Keep `fast` in mind.", []),
        ("Its socket is /var/run/app.sock, the log ~/app/log.txt.", []),
    ],
)
def test_what_a_learning_names_is_found(claim: str, references: list[tuple[Sort, str]]) -> None:
    assert find_references(make_learning(claim)) == [Reference(*item) for item in references]


def test_paths_of_the_front_matter_are_references() -> None:
    assert find_references(make_learning("Prices are cents.", paths=("src/**",))) == [Reference(Sort.PATH, "src/**")]


def test_a_learning_that_is_confirmed_again_is_young_again() -> None:
    old = make_learning(created="2024-01-01T00:00:00Z", sources=())
    assert find_doubts(old, (), NOW, days=365) == [Doubt("unconfirmed", "for 800 days, since 2024-01-01")]
    again = Source("desk", "s2", "2026-03-01T00:00:00Z", Speaker.USER)
    assert find_doubts(replace_fields(old, sources=(again,)), (), NOW, days=365) == []
    assert find_doubts(replace_fields(old, pinned=True), (), NOW, days=365) == []
    assert find_doubts(old, (), NOW, days=0) == []


def test_a_review_date_that_has_come_is_a_doubt() -> None:
    assert find_doubts(make_learning(review_after="2026-03-11"), (), NOW, days=365) == [
        Doubt("review date", "2026-03-11")
    ]
    assert find_doubts(make_learning(review_after="2026-03-12"), (), NOW, days=365) == []


def commit(checkout: Path, at: str, **files: str | None) -> None:
    """Commit these files (None: removed) as of a time."""
    for name, text in files.items():
        path = checkout / name
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    git(checkout, "add", "--all")
    os.environ.update(GIT_AUTHOR_DATE=at, GIT_COMMITTER_DATE=at)
    try:
        git(checkout, "commit", "--quiet", "-m", "work")
    finally:
        del os.environ["GIT_AUTHOR_DATE"], os.environ["GIT_COMMITTER_DATE"]


def doubts_of(machine: Machine, checkout: Path, claim: str) -> list[Doubt]:
    learning = make_learning(claim)
    path = machine.root / "projects/o.r/2026-03" / f"x-{learning.id}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(write_learning(learning))
    own = replace_own(machine, checkout)
    aging = find_stale(KnowledgeBase(machine.root), own, None, NOW, days=365)
    path.unlink()
    return [doubt for stale in aging.stale for doubt in stale.doubts]


def replace_own(machine: Machine, checkout: Path) -> object:
    import msgspec  # noqa: PLC0415 - here alone

    own = msgspec.structs.replace(machine.environment.own, checkouts={str(checkout): "o.r"})
    return replace(machine.environment, own=own)


def test_what_is_gone_from_head_is_named_and_what_never_was_there_is_not(machine: Machine) -> None:
    checkout = machine.checkout()
    commit(
        checkout,
        "2026-02-01T00:00:00Z",
        Makefile="deploy:\n\tfly deploy\ntest:\n\tpytest\n",
        **{"src/prices.py": "def to_cents(): pass\n", "notes.txt": "use --fast here\n"},
    )
    commit(
        checkout,
        "2026-03-05T00:00:00Z",
        Makefile="release:\n\tfly deploy\ntest:\n\tpytest\n",
        **{"src/prices.py": None, "notes.txt": "nothing\n"},
    )
    assert doubts_of(machine, checkout, "Deploy with `make deploy`.") == [Doubt("gone", "target deploy")]
    assert doubts_of(machine, checkout, "Prices are in src/prices.py.") == [Doubt("gone", "path src/prices.py")]
    assert doubts_of(machine, checkout, "Use `to_cents()` for prices.") == [Doubt("gone", "symbol to_cents")]
    assert doubts_of(machine, checkout, "Call it with --fast.") == [Doubt("gone", "flag --fast")]
    assert doubts_of(machine, checkout, "Test with `make test`.") == []
    assert doubts_of(machine, checkout, "The build writes dist/app.js with --never-there.") == []


def test_a_project_without_a_checkout_here_is_named(machine: Machine) -> None:
    learning = make_learning()
    path = machine.root / "projects/o.r/2026-03" / f"x-{learning.id}.md"
    path.parent.mkdir(parents=True)
    path.write_text(write_learning(learning))
    aging = find_stale(KnowledgeBase(machine.root), machine.environment, None, NOW, days=365)
    assert (aging.stale, aging.unseen) == ([], ["o.r"])


def test_stale_retires_only_what_is_named(machine: Machine) -> None:
    from test_cli import run  # noqa: PLC0415 - the command as a user runs it

    learning = make_learning(created="2020-01-01T00:00:00Z", sources=())
    path = machine.root / "projects/o.r/2020-01" / f"x-{learning.id}.md"
    path.parent.mkdir(parents=True)
    path.write_text(write_learning(learning))
    assert run(machine, "sync", "--kb", "kb").returncode == 0
    assert run(machine, "stale", "--retire", "--kb", "kb").returncode == 2
    listed = json.loads(run(machine, "stale", "--json", "--kb", "kb").stdout)
    assert [stale["doubts"][0]["rule"] for stale in listed] == ["unconfirmed"]
    done = run(machine, "stale", "--retire", learning.id, "--kb", "kb")
    assert (done.returncode, "retired: unconfirmed" in done.stdout) == (0, True)
    retired = KnowledgeBase(machine.root).find(learning.id).learning
    assert (retired.status, retired.status_note and retired.status_note.reason.startswith("unconfirmed")) == (
        Status.RETIRED,
        True,
    )


def test_confidence_grows_with_sources_and_review_and_fades_with_time() -> None:
    said = make_learning(sources=(Source("a", "s1", NOW, Speaker.USER),))
    guessed = make_learning(sources=(Source("a", "s1", NOW, Speaker.ASSISTANT),))
    twice = make_learning(sources=(*said.sources, *guessed.sources))
    reviewed = replace_fields(guessed, status=Status.ACCEPTED, status_note=StatusNote("me", NOW, "seen"))
    order = [find_confidence(item, NOW) for item in (guessed, said, twice, reviewed)]
    assert order == pytest.approx([0.35, 0.6, 0.74, 0.9])
    assert find_confidence(said, "2027-03-11T00:00:00Z") == pytest.approx(0.3)
    assert find_confidence(replace_fields(said, pinned=True), "2036-03-11T00:00:00Z") == pytest.approx(0.6)
    assert find_confidence(said, "2036-03-11T00:00:00Z") == pytest.approx(0.15)
