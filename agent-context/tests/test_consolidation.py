from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from samples import make_learning, replace_fields

from agent_context.consolidation.deciding import Consolidation, decide_pair
from agent_context.encoders import minilm
from agent_context.learning import Decision, Kind, Learning, Status, Verdict, learning_id
from agent_context.state import State

if TYPE_CHECKING:
    from pathlib import Path

KNOWN = make_learning("We always use uv instead of pip for installs.")
REWORDED = "For installs, always use uv and not pip."
NO_TWIN = Decision(Verdict.NEW)


def decide(claim: str, *known: Learning, words_only: bool = False, kind: str = "") -> Decision:
    encoder = None if words_only else minilm.load()
    return Consolidation(known or (KNOWN,), encoder, None).decide(claim, learning_id("o.r", claim), kind=kind)


def test_the_same_words_are_an_exact_duplicate() -> None:
    decision = decide("we always use `uv` instead of pip for installs")
    assert decision == Decision(Verdict.EXACT, KNOWN.id, 1.0, "the same words", KNOWN.claim)


@pytest.mark.parametrize("words_only", [False, True])
def test_a_rewording_confirms_with_score_twin_and_reason(words_only: bool) -> None:
    decision = decide(REWORDED, words_only=words_only)
    assert (decision.verdict, decision.twin, decision.claim) == (Verdict.CONFIRMS, KNOWN.id, KNOWN.claim)
    assert 0.5 < decision.score < 1
    assert decision.reason.startswith("every word is answered")


@pytest.mark.parametrize("words_only", [False, True])
def test_another_number_contradicts_however_alike(words_only: bool) -> None:
    known = make_learning("The deploy job times out after 30 minutes.")
    decision = decide("The deploy job times out after 60 minutes.", known, words_only=words_only)
    assert (decision.verdict, decision.twin) == (Verdict.CONTRADICTS, known.id)
    assert decision.reason.startswith("numbers: 1800 s against 3600 s")


def test_what_says_more_refines() -> None:
    decision = decide("We always use uv instead of pip for installs, because of the lockfile.")
    assert (decision.verdict, decision.reason) == (Verdict.REFINES, "adds 'lockfile'")


def test_what_is_alike_without_being_sure_is_near() -> None:
    assert decide("Installs are done by uv; nobody needs pip here.").verdict is Verdict.NEAR


def test_what_is_about_something_else_is_new() -> None:
    assert decide("Charts are drawn with D3.") == NO_TWIN
    assert decide("Charts are drawn with D3.", words_only=True) == NO_TWIN


def test_another_kind_is_near_and_says_so() -> None:
    decision = decide(REWORDED, kind=Kind.DECISION.value)
    assert decision.verdict is Verdict.NEAR
    assert decision.reason.startswith("another kind: gotcha against decision")


def test_what_was_rejected_does_not_come_back_in_other_words() -> None:
    rejected = replace_fields(KNOWN, status=Status.REJECTED)
    assert decide(REWORDED, rejected).verdict is Verdict.REJECTED_BEFORE
    assert decide(REWORDED, rejected, KNOWN).verdict is Verdict.REJECTED_BEFORE


def test_the_contrary_of_what_was_rejected_is_new() -> None:
    rejected = replace_fields(KNOWN, status=Status.REJECTED)
    assert decide("Never use uv instead of pip for installs.", rejected) == NO_TWIN


def test_what_has_ended_is_confirmed_but_not_contradicted() -> None:
    retired = replace_fields(KNOWN, status=Status.RETIRED)
    assert decide(REWORDED, retired).verdict is Verdict.CONFIRMS
    assert decide("Always use pip instead of uv for installs.", retired) == NO_TWIN


def test_a_contradiction_is_told_before_likeness() -> None:
    other = make_learning("Installs with uv are fast.")
    decision = decide("Always use pip instead of uv for installs.", other, KNOWN)
    assert (decision.verdict, decision.twin) == (Verdict.CONTRADICTS, KNOWN.id)


def test_a_rule_file_that_says_it_is_named() -> None:
    known = Consolidation((), minilm.load(), None, {KNOWN.claim: "AGENTS.md"})
    decision = known.decide(REWORDED, "0" * 10)
    assert (decision.verdict, decision.twin) == (Verdict.WRITTEN, "AGENTS.md")


def test_words_that_a_reviewer_has_edited_stay_known() -> None:
    edited = replace_fields(KNOWN, claim="Prefer uv.")
    assert decide("We always use uv instead of pip for installs.", edited).verdict is Verdict.EXACT


def test_candidates_of_one_batch_are_compared_with_each_other() -> None:
    known = Consolidation((), minilm.load(), None)
    first = make_learning("Prices are stored as integer cents.")
    assert known.decide(first.claim, first.id).verdict is Verdict.NEW
    known.add(first)
    assert known.decide(first.claim, first.id).verdict is Verdict.EXACT
    assert known.decide("All prices are stored as integer cents.", "0" * 10).verdict is Verdict.CONFIRMS


def test_a_pair_of_learnings_is_decided_like_a_candidate() -> None:
    other = make_learning(REWORDED)
    assert decide_pair(KNOWN, other, 1.0).verdict is Verdict.CONFIRMS
    assert decide_pair(KNOWN, KNOWN, None).verdict is Verdict.EXACT
    assert decide_pair(KNOWN, replace_fields(other, kind=Kind.DECISION), 1.0).verdict is Verdict.NEAR


def test_vectors_are_kept_and_those_of_another_dimension_made_anew(tmp_path: Path) -> None:
    encoder = minilm.load()
    text = f"o.r, gotcha, {', '.join(KNOWN.paths)}: {KNOWN.claim}" if KNOWN.paths else f"o.r, gotcha: {KNOWN.claim}"
    with State(tmp_path, tmp_path) as state:
        state.keep_vectors(encoder.model, {text: b"\0" * 16})
        told: list[tuple[int, int]] = []
        known = Consolidation(
            [KNOWN], encoder, state, project="o.r", tell=lambda done, count: told.append((done, count))
        )
        assert known.decide(REWORDED, "0" * 10).verdict is Verdict.CONFIRMS
        assert len(state.vectors(encoder.model, [text])[text]) == 384 * 4
        assert told == [(2, 2)]
        again = Consolidation(
            [KNOWN], encoder, state, project="o.r", tell=lambda done, count: told.append((done, count))
        )
        again.decide(REWORDED, "0" * 10)
        assert told == [(2, 2)]
