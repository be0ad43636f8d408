"""Money is asked for before it is spent, and no cap is ever passed, whoever asks at the same time."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_context.errors import CapReachedError, ExtractionError
from agent_context.purse import Purse


def test_a_call_that_could_pass_the_cap_of_the_run_is_not_made() -> None:
    purse = Purse(1.0, None)
    purse.settle(purse.reserve(0.5), 0.5)
    with pytest.raises(CapReachedError) as caught:
        purse.reserve(0.51)
    assert caught.value.message == ("the cap of $1.00 a run is reached: $0.5000 spent, the next call may cost $0.5100")
    assert caught.value.hint == "the rest waits for the next run; the cap is extraction.max_usd_per_run"
    purse.reserve(0.5)


def test_what_other_runs_of_the_day_spent_counts() -> None:
    purse = Purse(None, 5.0, 4.5)
    with pytest.raises(CapReachedError, match=r"the cap of \$5.00 a day is reached: \$4.5000 spent"):
        purse.reserve(0.6)
    assert purse.left_usd() == 0.5


def test_a_cap_of_nothing_lets_nothing_through() -> None:
    with pytest.raises(CapReachedError):
        Purse(0.0, None).reserve(0.001)


def test_no_cap_lets_everything_through() -> None:
    purse = Purse(None, None)
    purse.settle(purse.reserve(1e6), 1e6)
    assert purse.left_usd() is None


@pytest.mark.parametrize(("cap", "worst"), [(float("nan"), 0.1), (1.0, float("nan")), (1.0, float("inf"))])
def test_what_is_no_number_passes_no_cap(cap: float, worst: float) -> None:
    with pytest.raises(CapReachedError):
        Purse(cap, None).reserve(worst)


def test_what_was_really_spent_replaces_what_was_reserved() -> None:
    told: list[float] = []
    purse = Purse(1.0, 1.0, on_spent=told.append)
    purse.settle(purse.reserve(0.9), 0.1)
    assert (purse.spent_usd, purse.left_usd(), told) == (0.1, 0.9, [0.1])


def test_what_nobody_can_tell_counts_as_all_that_was_reserved() -> None:
    purse = Purse(1.0, None)
    purse.settle(purse.reserve(0.4), None)
    assert purse.spent_usd == 0.4


def test_nothing_spent_is_not_told() -> None:
    told: list[float] = []
    purse = Purse(1.0, None, on_spent=told.append)
    purse.settle(purse.reserve(0.4), 0.0)
    assert told == []


def test_several_sums_are_settled_as_one() -> None:
    told: list[float] = []
    purse = Purse(1.0, None, on_spent=told.append)
    reserved = [purse.reserve(0.25), purse.reserve(0.25)]
    purse.settle_all(reserved, None)
    assert (told, purse.left_usd()) == ([0.5], 0.5)


def test_what_is_given_back_never_raises_a_cap() -> None:
    purse = Purse(1.0, 1.0)
    purse.give_back(5.0)
    with pytest.raises(CapReachedError):
        purse.reserve(1.01)


def test_an_unknown_price_needs_consent() -> None:
    with pytest.raises(ExtractionError, match="nobody knows the price of the model m") as caught:
        Purse(1.0, None).reserve(None, model="m")
    assert "--yes" in caught.value.hint


def test_an_unknown_price_is_counted_with_a_cent() -> None:
    purse = Purse(0.02, None, allow_unpriced=True)
    for _ in range(2):
        purse.settle(purse.reserve(None, model="m"), None)
    with pytest.raises(CapReachedError):
        purse.reserve(None, model="m")


def test_a_call_waits_for_one_under_way_that_may_leave_enough() -> None:
    purse = Purse(1.0, None)
    first = purse.reserve(0.9)
    got = threading.Event()

    def second() -> None:
        purse.settle(purse.reserve(0.9), 0.0)
        got.set()

    thread = threading.Thread(target=second)
    thread.start()
    assert not got.wait(0.05)
    purse.settle(first, 0.1)
    thread.join()
    assert got.is_set()


def test_a_call_that_must_not_wait_is_refused_at_once() -> None:
    purse = Purse(1.0, None)
    purse.reserve(0.9)
    with pytest.raises(CapReachedError):
        purse.reserve(0.9, wait=False)


@given(st.floats(0.01, 2), st.lists(st.floats(0.001, 0.5), min_size=1, max_size=40), st.integers(0, 99))
def test_no_cap_is_passed_whoever_asks(cap: float, calls: list[float], seed: int) -> None:
    purse = Purse(cap, None)
    order = random.Random(seed)
    shares = [order.random() for _ in calls]

    def call(worst: float, share: float) -> None:
        try:
            reserved = purse.reserve(worst)
        except CapReachedError:
            return
        purse.settle(reserved, worst * share)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(call, calls, shares))
    assert purse.spent_usd <= cap * 1.000001
