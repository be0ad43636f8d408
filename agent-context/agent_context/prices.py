"""What models cost: one dated table, the cost of a call, and how many tokens a text may have. Values only."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Annotated

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

PRICES_OF = "2026-11-21"
MILLION = 1_000_000
BATCH_SHARE = 0.5
CACHE_WRITE = 1.25
CACHE_WRITE_HOUR = 2.0
CACHE_READ = 0.1
BYTES_PER_TOKEN = 1.75
DATED = re.compile(r"-20\d{6}$")
Rate = Annotated[float, msgspec.Meta(ge=0)]


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """USD per million tokens. A prompt of more than `long_from` tokens (0: never) costs all of it `long_factor` times.

    Cache rates that are not given follow the maker's general rule: writing 1.25 times the input (kept for an hour:
    2 times), reading a tenth.
    """

    input: Rate
    output: Rate
    cache_write: Rate | None = None
    cache_write_hour: Rate | None = None
    cache_read: Rate | None = None
    long_from: Annotated[int, msgspec.Meta(ge=0)] = 0
    long_factor: Rate = 1.0


class Usage(msgspec.Struct, frozen=True):
    """Tokens of one call. `input` are those neither written to nor read from the cache."""

    input: int = 0
    output: int = 0
    cache_write: int = 0
    cache_write_hour: int = 0
    cache_read: int = 0

    @property
    def prompt(self) -> int:
        """Return all tokens that were sent."""
        return self.input + self.cache_write + self.cache_write_hour + self.cache_read


# The maker's model pages as of PRICES_OF.
PRICES: dict[str, Price] = {
    "claude-haiku-5-5": Price(0.10, 0.50, 0.125, 0.20, 0.01, long_from=100_000, long_factor=5.0),
    "claude-sonnet-5-5": Price(2.0, 10.0, cache_read=0.10),
    "claude-opus-5-5": Price(4.0, 20.0, cache_read=0.20),
    "claude-fable-5-2": Price(8.0, 40.0),
    "claude-fable-5-1": Price(10.0, 50.0),
    "claude-opus-5": Price(5.0, 25.0),
    "claude-sonnet-5": Price(2.0, 10.0),
    "claude-haiku-4-5": Price(1.0, 5.0),
}


def find_price(model: str, overrides: Mapping[str, Price]) -> Price | None:
    """Return the model's price, a person's own first; a dated name has the undated one's. None where none is known."""
    for name in (model, DATED.sub("", model)):
        for table in (overrides, PRICES):
            if name in table:
                return table[name]
    return None


def cost_usd(price: Price, usage: Usage, *, batch: bool = False) -> float:
    """Return what a call costs in USD; half of it in a batch."""
    rates = (
        (usage.input, price.input),
        (usage.output, price.output),
        (usage.cache_write, _either(price.cache_write, price.input * CACHE_WRITE)),
        (usage.cache_write_hour, _either(price.cache_write_hour, price.input * CACHE_WRITE_HOUR)),
        (usage.cache_read, _either(price.cache_read, price.input * CACHE_READ)),
    )
    usd = sum(tokens * rate for tokens, rate in rates) / MILLION
    if price.long_from and usage.prompt > price.long_from:
        usd *= price.long_factor
    return usd * (BATCH_SHARE if batch else 1.0)


def estimate_tokens(text: str) -> int:
    """Estimate tokens from above: UTF-8 bytes / 1.75, rounded up.

    In 310 spans of real sessions (prompts, code, tool output; models of 2025 and 2026) a token had 2.9 bytes at the
    median and 2.25 at the fifth percentile; newer tokenizers count about 30 % more.
    """
    return math.ceil(len(text.encode("utf-8", "replace")) / BYTES_PER_TOKEN)


def _either(given: float | None, rule: float) -> float:
    return rule if given is None else given
