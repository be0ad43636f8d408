"""Laws of taking a change back, for any change and any later one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from samples import make_learning, replace_fields

from agent_context.learning import Kind, Learning, Source, Speaker, Status, StatusNote
from agent_context.merging.reverting import revert_learning

NOTE = StatusNote("laptop", "2026-04-01T00:00:00Z", "sync s was undone")
words = st.sampled_from(["a", "b", "c", "d"])
sources = st.builds(Source, st.just("m"), words, st.just("2026-03-01T10:00:00Z"), st.just(Speaker.USER))


def several(items: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(items, max_size=4, unique=True).map(tuple)


learnings = st.builds(
    lambda **fields: make_learning("Deploy with make.", **fields),
    kind=st.sampled_from(Kind),
    tags=several(words),
    why=several(words),
    sources=several(sources),
    status=st.sampled_from([Status.UNREVIEWED, Status.ACCEPTED, Status.REJECTED]),
    status_note=st.sampled_from([None, StatusNote("m", "2026-03-01T10:00:00Z", "seen")]),
    pinned=st.booleans(),
)


@given(learnings, learnings)
def test_what_nobody_touched_since_becomes_what_it_was(before: Learning, after: Learning) -> None:
    reverted = revert_learning(before, after, after, NOTE)
    assert (reverted.learning, reverted.kept) == (before, ())


@given(learnings, learnings, learnings)
def test_what_the_change_did_not_touch_stays_as_it_is_now(before: Learning, after: Learning, now: Learning) -> None:
    reverted = revert_learning(before, after, now, NOTE).learning
    for field in Learning.__struct_fields__:
        if getattr(before, field) == getattr(after, field):
            assert getattr(reverted, field) == getattr(now, field)


@given(learnings, learnings, learnings)
def test_no_later_source_is_lost_and_none_that_was_added_stays(
    before: Learning, after: Learning, now: Learning
) -> None:
    reverted = set(revert_learning(before, after, now, NOTE).learning.sources)
    later = set(now.sources) - set(after.sources)
    assert later <= reverted
    assert reverted & (set(after.sources) - set(before.sources)) == set()


@given(learnings, learnings, learnings)
def test_a_decision_goes_back_whole_or_not_at_all(before: Learning, after: Learning, now: Learning) -> None:
    reverted = revert_learning(before, after, now, NOTE).learning
    decision = (reverted.status, reverted.status_note)
    assert decision in [(side.status, side.status_note) for side in (before, now)]


@given(learnings, learnings)
def test_a_birth_is_taken_back_once_and_only_out_of_effect(born: Learning, now: Learning) -> None:
    reverted = revert_learning(None, born, now, NOTE)
    if born.status is not now.status:
        assert (reverted.learning, reverted.kept) == (now, ("status",))
    elif now.status is Status.REJECTED:
        assert reverted.learning == now
    else:
        assert reverted.learning == replace_fields(now, status=Status.RETIRED, status_note=NOTE)
