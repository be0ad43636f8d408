"""How sure a learning is, from 0 to 1: a stated function of who said it, how often, how lately, and of its review."""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING

from agent_context.claims.staleness import find_newest
from agent_context.learning import Speaker, Status

if TYPE_CHECKING:
    from agent_context.learning import Learning

# What one session's word is worth alone. A person's statement about their own project is nearly always meant.
WEIGHT = {Speaker.USER: 0.6, Speaker.ASSISTANT: 0.35}
REVIEWED = 0.9
HALF_LIFE_DAYS = 365.0
DAY = 86_400


def find_confidence(learning: Learning, now: str) -> float:
    """Return 1 - the product of (1 - w) over its sources, w = 0.6 for a user's words and 0.35 for an assistant's.

    A review lifts it to at least 0.9. Half of it fades with each 365 days since it was last said or reviewed, down to a
    quarter; what is pinned does not fade. `now` is UTC, `YYYY-MM-DDTHH:MM:SSZ`.
    """
    doubt = math.prod(1 - WEIGHT[source.speaker] for source in learning.sources)
    sure: float = 1 - doubt
    if learning.status is Status.ACCEPTED:
        sure = max(sure, REVIEWED)
    if learning.pinned:
        return sure
    age = datetime.fromisoformat(now) - datetime.fromisoformat(find_newest(learning))
    faded: float = 0.5 ** (max(age.total_seconds(), 0) / DAY / HALF_LIFE_DAYS)
    return sure * max(0.25, faded)
