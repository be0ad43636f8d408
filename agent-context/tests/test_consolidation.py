from __future__ import annotations

from samples import make_learning, replace_fields

from agent_context.consolidation import Consolidation
from agent_context.encoders import minilm
from agent_context.learning import Decision, Status, Verdict, learning_id

KNOWN = make_learning("We always use uv instead of pip for installs.")


def decide(claim: str, *known: object, words_only: bool = False) -> Decision:
    encoder = None if words_only else minilm.load()
    return Consolidation(known or (KNOWN,), encoder, None).decide(claim, learning_id("o.r", claim))  # type: ignore[arg-type]


def test_the_same_words_are_an_exact_duplicate() -> None:
    assert decide("we always use `uv` instead of pip for installs") == Decision(
        Verdict.EXACT, KNOWN.id, 1.0, "the same words"
    )


def test_a_rewording_is_a_near_duplicate_with_score_and_twin() -> None:
    decision = decide("We always use uv instead of pip when installing.")
    assert (decision.verdict, decision.twin) == (Verdict.NEAR, KNOWN.id)
    assert decision.score > minilm.NEAR


def test_another_number_is_new_however_alike() -> None:
    known = make_learning("The deploy job times out after 30 minutes.")
    assert decide("The deploy job times out after 60 minutes.", known).verdict is Verdict.NEW


def test_without_an_encoder_only_nearly_equal_words_are_near() -> None:
    assert decide("We always use uv instead of pip when installing.", words_only=True).verdict is Verdict.NEW
    assert decide("We always use uv instead of pip for install.", words_only=True).verdict is Verdict.NEAR


def test_what_was_rejected_does_not_come_back_in_other_words() -> None:
    rejected = replace_fields(KNOWN, status=Status.REJECTED)
    assert decide("We always use uv instead of pip when installing.", rejected).verdict is Verdict.REJECTED_BEFORE


def test_words_that_a_reviewer_has_edited_stay_known() -> None:
    edited = replace_fields(KNOWN, claim="Prefer uv.")
    assert decide("We always use uv instead of pip for installs.", edited).verdict is Verdict.EXACT


def test_candidates_of_one_batch_are_compared_with_each_other() -> None:
    known = Consolidation((), None, None)
    first = make_learning("Prices are stored as integer cents.")
    assert known.decide(first.claim, first.id).verdict is Verdict.NEW
    known.add(first)
    assert known.decide(first.claim, first.id).verdict is Verdict.EXACT
