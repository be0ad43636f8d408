from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from samples import make_learning, replace_fields

from agent_context.claims.confirmations import confirm, count_by_machine, take_out, unite
from agent_context.frontmatter import parse_learning, write_learning
from agent_context.learning import Confirmed, Learning, Source, Speaker
from agent_context.merging.merge import merge_learnings

if TYPE_CHECKING:
    import random

BARE = replace_fields(make_learning(), sources=())


def source(number: int, machine: str = "a") -> Source:
    return Source(machine, f"s{number}", f"2026-03-01T10:{number // 60:02d}:{number % 60:02d}Z", Speaker.USER)


def confirmed_by(*sources: Source, start: Learning = BARE) -> Learning:
    for item in sources:
        start = confirm(start, item)
    return start


def test_twenty_sources_are_kept_whole() -> None:
    learning = confirmed_by(*map(source, range(20)))
    assert (len(learning.sources), learning.confirmed) == (20, ())


def test_beyond_twenty_the_first_and_the_last_ten_stay_and_the_rest_is_counted() -> None:
    learning = confirmed_by(*(source(n, "ab"[n % 2]) for n in range(101)))
    assert [item.session for item in learning.sources] == [f"s{n}" for n in [*range(10), *range(91, 101)]]
    assert learning.confirmed == (Confirmed("a", 51), Confirmed("b", 50))


def test_a_session_confirms_once() -> None:
    learning = confirmed_by(*map(source, range(30)))
    assert confirm(learning, Source("a", "s29", "2027-01-01T00:00:00Z", Speaker.USER)) is learning
    assert confirmed_by(*map(source, range(30)), start=learning) == learning


def test_a_count_reads_back_byte_for_byte() -> None:
    learning = confirmed_by(*map(source, range(30)))
    text = write_learning(learning)
    assert "confirmed:\n  - {machine: a, count: 30}\n" in text
    assert parse_learning(text, "x.md") == learning


@given(st.lists(st.integers(0, 60), max_size=60), st.randoms(use_true_random=False))
def test_reading_everything_again_changes_nothing(numbers: list[int], chance: random.Random) -> None:
    learning = confirmed_by(*map(source, numbers))
    again = list(numbers)
    chance.shuffle(again)
    assert confirmed_by(*map(source, again), start=learning) == learning


@given(st.integers(0, 40), st.integers(0, 15), st.integers(0, 15))
def test_machines_that_confirm_at_the_same_time_are_all_counted(shared: int, ours: int, theirs: int) -> None:
    base = confirmed_by(*map(source, range(shared)), start=replace_fields(BARE, sources=(source(0),)))
    mine = confirmed_by(*(source(100 + n, "mine") for n in range(ours)), start=base)
    other = confirmed_by(*(source(100 + n, "other") for n in range(theirs)), start=base)
    merged = merge_learnings(base, mine, other)
    assert merged == merge_learnings(base, other, mine)
    both = confirm(merged, source(300, "last"))
    wanted = {"a": max(shared, 1), "mine": ours, "other": theirs, "last": 1}
    assert count_by_machine(both) == {name: count for name, count in wanted.items() if count}
    assert len(both.sources) <= 20


@given(*[st.sets(st.integers(0, 99), max_size=30)] * 2)
def test_uniting_counts_each_session_once(ours: set[int], theirs: set[int]) -> None:
    sides = [replace_fields(BARE, sources=tuple(map(source, sorted(side)))) for side in (ours, theirs)]
    united = unite(*sides[:1], sides[1:])
    assert count_by_machine(united).total() == len(ours | theirs)
    assert len(united.sources) == min(len(ours | theirs), 20)


def test_what_is_taken_out_is_no_longer_counted() -> None:
    learning = confirmed_by(*(source(n, "ab"[n % 2]) for n in range(50)))
    lowered = take_out(learning, lambda item: item.session == "s1")
    assert (len(lowered.sources), lowered.confirmed) == (19, (Confirmed("a", 25), Confirmed("b", 24)))
    alone = take_out(learning, lambda item: item.machine == "b", machine="b")
    assert ({item.machine for item in alone.sources}, alone.confirmed) == ({"a"}, (Confirmed("a", 25),))
