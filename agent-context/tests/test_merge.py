from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import AT, make_learning, replace_fields

from agent_context.learning import Learning, Source, Speaker, Status, StatusNote
from agent_context.merge import Merged, merge_learnings, merge_tables

BASE = make_learning()
sources = st.builds(
    Source,
    machine=st.sampled_from(["a", "b", "c"]),
    session=st.sampled_from(["1", "2", "3"]),
    at=st.just(AT),
    speaker=st.just(Speaker.USER),
)
sides = st.builds(
    lambda more, tags, status: replace_fields(
        BASE, sources=(*BASE.sources, *dict.fromkeys(more)), tags=tuple(dict.fromkeys(tags)), status=status
    ),
    st.lists(sources, max_size=3),
    st.lists(st.sampled_from(["deploy", "x", "y"]), max_size=3),
    st.sampled_from([Status.UNREVIEWED, Status.ACCEPTED]),
)


@given(sides)
def test_an_unchanged_side_lets_the_other_win(side: Learning) -> None:
    assert merge_learnings(BASE, side, BASE) == Merged(side)
    assert merge_learnings(BASE, BASE, side) == Merged(side)


@given(sides)
def test_equal_edits_are_one_edit(side: Learning) -> None:
    assert merge_learnings(BASE, side, side) == Merged(side)


@given(sides, sides)
def test_no_source_is_ever_lost(ours: Learning, theirs: Learning) -> None:
    merged = merge_learnings(BASE, ours, theirs).learning
    assert set(merged.sources) == set(ours.sources) | set(theirs.sources)


@given(sides, sides)
def test_the_sides_may_be_exchanged(ours: Learning, theirs: Learning) -> None:
    one, two = merge_learnings(BASE, ours, theirs).learning, merge_learnings(BASE, theirs, ours).learning
    assert set(one.sources) == set(two.sources)
    assert set(one.tags) == set(two.tags)
    assert one.status == two.status


def test_a_tag_taken_out_stays_out() -> None:
    ours, theirs = replace_fields(BASE, tags=()), replace_fields(BASE, tags=("deploy", "fly"))
    assert merge_learnings(BASE, ours, theirs).learning.tags == ("fly",)


def test_a_review_beats_none_even_when_both_sides_are_new() -> None:
    rejected = replace_fields(BASE, status=Status.REJECTED, status_note=StatusNote("x", AT, "wrong"))
    assert merge_learnings(None, BASE, rejected).learning == rejected
    assert merge_learnings(None, rejected, BASE).learning == rejected


def test_the_newer_review_beats_the_older() -> None:
    older = replace_fields(BASE, status=Status.REJECTED, status_note=StatusNote("x", "2026-03-01T00:00:00Z", "wrong"))
    newer = replace_fields(BASE, status=Status.ACCEPTED, status_note=StatusNote("y", "2026-03-02T00:00:00Z", "right"))
    assert merge_learnings(BASE, older, newer).learning == newer
    assert merge_learnings(BASE, newer, older).learning == newer


def test_two_wordings_of_one_claim_are_left_to_a_person() -> None:
    ours, theirs = replace_fields(BASE, claim="Use make."), replace_fields(BASE, claim="Use just.")
    assert merge_learnings(BASE, ours, theirs) == Merged(ours, ("claim",))


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "merged"),
    [
        (
            {"name": "a"},
            {"name": "a", "remotes": ["x"]},
            {"name": "a", "remotes": ["y"]},
            {"name": "a", "remotes": ["x", "y"]},
        ),
        ({"name": "a"}, {"name": "b"}, {"name": "a"}, {"name": "b"}),
        (None, {"name": "a"}, {"name": "a"}, {"name": "a"}),
        ({"name": "a"}, {"name": "b"}, {"name": "c"}, "name"),
    ],
)
def test_tables_merge_by_key(
    base: dict[str, object] | None, ours: dict[str, object], theirs: dict[str, object], merged: object
) -> None:
    assert merge_tables(base, ours, theirs) == merged
