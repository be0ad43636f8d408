"""A model's verdict on what is near, and its words for what is merged; through the real SDK, against our own API."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from fake_messages_api import KEY, FakeApi, fake_messages_api, overloaded, structured
from samples import Machine, make_learning
from test_consolidating import LATER, place

from agent_context.consolidation.asking import Asker
from agent_context.consolidation.consolidating import Survey, survey
from agent_context.consolidation.linking import Work
from agent_context.executors import InProcess
from agent_context.extractors.anthropic_api import AnthropicApi
from agent_context.knowledge import KnowledgeBase
from agent_context.purse import Purse

if TYPE_CHECKING:
    from collections.abc import Iterator

TRIES = "Give up after three failed login attempts."
ALSO_TRIES = "Stop once logging in has failed 3 times."
UV = "We always use uv instead of pip for installs."
GUARDED = "Installs are done by uv; nobody needs pip here."
LINT, ALSO_LINT = "Always run the linter before committing.", "Always run the linter before you commit."


@contextmanager
def connected(monkeypatch: pytest.MonkeyPatch, *script: dict[str, Any]) -> Iterator[FakeApi]:
    with fake_messages_api(*script) as api:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", api.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        yield api


def look(machine: Machine, purse: Purse | None = None) -> Survey:
    """One survey with a model beside it."""
    knowledge_base = KnowledgeBase(machine.root)
    extractor = AnthropicApi(purse or Purse(1.0, 5.0), retries=0)
    try:
        asker = Asker(extractor, lambda _tokens: None, knowledge_base.screen, [])
        return survey(knowledge_base, machine.environment, None, Work(InProcess()), asker)
    finally:
        extractor.close()


def verdict(*, same: bool, number: int = 1) -> dict[str, Any]:
    return structured({"answers": [{"number": number, "same": same, "reason": "Both stop after three."}]})


def wording(note: str) -> dict[str, Any]:
    return structured({"answers": [{"number": 1, "note": note}]})


def merged(found: Survey) -> list[set[str]]:
    return [{entry.learning.claim for entry in (item.original, *item.folded) if entry} for item in found.merges]


def test_an_affirmed_pair_is_merged_in_the_models_words_and_paid_for_once(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(machine, make_learning(TRIES), make_learning(ALSO_TRIES, created=LATER))
    with connected(monkeypatch, verdict(same=True), wording("Give up after 3 failed login attempts.")) as api:
        found, again = look(machine), look(machine)
        assert len(api.messages) == 2
        sent = api.messages[0]["messages"][0]["content"]
    assert f'1. ["{TRIES}", "{ALSO_TRIES}"]' in sent
    assert merged(found) == [{TRIES, ALSO_TRIES}]
    assert (found.merges, found.troubles) == (again.merges, ())
    assert found.merges[0].reasons[0].endswith("a model says: Both stop after three.)")
    assert found.merges[0].kept.learning.claim == "Give up after 3 failed login attempts."
    assert found.merges[0].reasons[-1] == "worded by claude-haiku-5-5"


def test_what_a_guard_forbids_is_not_asked_about(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    place(machine, make_learning(UV), make_learning(GUARDED))
    with connected(monkeypatch, verdict(same=True)) as api:
        assert look(machine).merges == ()
        assert api.messages == []


@pytest.mark.parametrize(
    "note",
    [
        "Never run the linter before committing.",  # the opposite
        "Always run the linter before committing, then `make x`.",  # more than was said
        "",
        "Always run the linter. " * 50,
    ],
)
def test_words_that_say_something_else_are_not_taken(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, note: str
) -> None:
    place(machine, make_learning(LINT), make_learning(ALSO_LINT))
    with connected(monkeypatch, wording(note)):
        (merge,) = look(machine).merges
    assert merge.kept.learning.claim in (LINT, ALSO_LINT)
    assert not any("worded by" in reason for reason in merge.reasons)


@pytest.mark.parametrize(
    "script", [overloaded(), structured({"answers": 7}), structured({"answers": [{"number": 99}]})]
)
def test_a_model_that_fails_changes_nothing(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, script: dict[str, Any]
) -> None:
    place(machine, make_learning(TRIES), make_learning(ALSO_TRIES, created=LATER))
    with connected(monkeypatch, script):
        found = look(machine)
    assert found.merges == ()
    assert all(trouble.startswith("the model was of no help: ") for trouble in found.troubles)


def test_an_empty_purse_asks_nothing(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    place(machine, make_learning(TRIES), make_learning(ALSO_TRIES, created=LATER))
    with connected(monkeypatch, verdict(same=True)) as api:
        found = look(machine, Purse(0.0, 0.0))
        assert api.messages == []
    assert (found.merges, ["cap" in trouble for trouble in found.troubles]) == ((), [True])
