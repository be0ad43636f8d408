"""What a call costs, from the dated table, and how many tokens a text may have."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_context.prices import PRICES, Price, Usage, cost_usd, estimate_tokens, find_price
from agent_context.settings import ExtractionSettings

HAIKU = PRICES["claude-haiku-5-5"]


@pytest.mark.parametrize(
    ("usage", "usd"),
    [
        (Usage(input=12, output=7), 0.0000047),  # as Claude Code 2.1.329 reports it
        (Usage(input=100_000), 0.01),
        (Usage(input=100_001), 0.05000050),
        (Usage(input=50_000, cache_read=50_001), 0.02750005),
        (Usage(cache_write=1_000_000 // 10), 0.0125),
        (Usage(cache_write_hour=100_000), 0.02),
        (Usage(cache_read=100_000), 0.001),
        (Usage(output=1_000_000), 0.5),
        (Usage(), 0.0),
    ],
)
def test_haiku_costs_what_the_maker_says(usage: Usage, usd: float) -> None:
    assert cost_usd(HAIKU, usage) == pytest.approx(usd)


def test_a_batch_costs_half() -> None:
    usage = Usage(input=1_000_000 // 20, output=1000)
    assert cost_usd(HAIKU, usage, batch=True) == pytest.approx(cost_usd(HAIKU, usage) / 2)


def test_cache_rates_follow_the_general_rule_where_none_are_given() -> None:
    price = Price(4.0, 20.0)
    assert cost_usd(price, Usage(cache_write=1_000_000)) == pytest.approx(5.0)
    assert cost_usd(price, Usage(cache_write_hour=1_000_000)) == pytest.approx(8.0)
    assert cost_usd(price, Usage(cache_read=1_000_000)) == pytest.approx(0.4)


def test_a_cache_rate_of_nothing_is_a_rate() -> None:
    assert cost_usd(Price(4.0, 20.0, cache_read=0.0), Usage(cache_read=1_000_000)) == 0.0


def test_a_persons_own_price_goes_first() -> None:
    own = Price(9.0, 9.0)
    assert find_price("claude-haiku-5-5", {"claude-haiku-5-5": own}) is own
    assert find_price("mine", {"mine": own}) is own


def test_a_dated_name_has_the_price_of_the_undated_one() -> None:
    assert find_price("claude-haiku-4-5-20251001", {}) is PRICES["claude-haiku-4-5"]


@pytest.mark.parametrize("model", ["", "haiku", "claude-haiku-6", "claude-sonnet-5-5[1m]"])
def test_an_unknown_model_has_no_price(model: str) -> None:
    assert find_price(model, {}) is None


def test_the_model_of_the_default_settings_has_a_price() -> None:
    assert find_price(ExtractionSettings().model, {}) is not None


@given(st.text())
def test_an_estimate_never_falls_below_a_token_in_two_bytes(text: str) -> None:
    assert len(text.encode("utf-8", "replace")) / 2 <= estimate_tokens(text)


def test_an_estimate_takes_a_lone_surrogate() -> None:
    assert estimate_tokens("\ud800") == 1
