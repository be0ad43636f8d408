"""The money that may be spent: hard caps asked before every call, what was really spent noted after it.

What was spent on other runs of the day comes in, what is spent here goes out through a function; nothing is kept.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from agent_context.errors import CapReachedError, ExtractionError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

UNPRICED_USD = 0.01


class Purse:
    """The USD of one run and one day; safe to use from several threads. A cap of None is no cap.

    A call first reserves the most that it can cost, then settles what it did cost. `on_spent` is told every sum as it
    is settled (from the thread that settles, one at a time), so that a run that is killed has its spending on record.
    """

    def __init__(
        self,
        run_cap_usd: float | None,
        day_cap_usd: float | None,
        spent_today_usd: float = 0.0,
        *,
        allow_unpriced: bool = False,
        on_spent: Callable[[float], None] | None = None,
    ) -> None:
        self._caps = {"run": run_cap_usd, "day": day_cap_usd}
        self._before = spent_today_usd
        self._allow_unpriced = allow_unpriced
        self._on_spent = on_spent
        self._spent = 0.0
        self._reserved: list[float] = []
        self._changed = threading.Condition()

    @property
    def spent_usd(self) -> float:
        """Return what this run has spent."""
        return self._spent

    def left_usd(self) -> float | None:
        """Return what may still be reserved, None where there is no cap."""
        with self._changed:
            left = [self._left(name) for name, cap in self._caps.items() if cap is not None]
            return max(0.0, min(left) - sum(self._reserved)) if left else None

    def reserve(self, worst_usd: float | None, *, model: str = "", wait: bool = True) -> float:
        """Set aside the most a call can cost and return it, for `settle`; None is a price that nobody knows (a cent).

        With `wait`, waits while calls under way may leave enough: no thread may hold one sum and wait for another.
        Raise CapReachedError where it is not enough, ExtractionError for an unknown price that was not allowed.
        """
        if worst_usd is None:
            if not self._allow_unpriced:
                raise ExtractionError(
                    f"nobody knows the price of the model {model}",
                    hint="set its price under [prices] in agent-context.toml, or agree to an unknown price with --yes",
                )
            worst_usd = UNPRICED_USD
        with self._changed:
            while (short := self._short_of(worst_usd)) and self._reserved and wait:
                self._changed.wait()
            if short:
                raise self._cap_reached(short, worst_usd)
            self._reserved.append(worst_usd)
        return worst_usd

    def settle(self, reserved_usd: float, spent_usd: float | None) -> None:
        """Note what a call did cost; None where nobody can tell counts as all that was reserved for it."""
        self.settle_all([reserved_usd], spent_usd)

    def settle_all(self, reserved_usd: Sequence[float], spent_usd: float | None) -> None:
        """Note what several calls did cost together, as `settle` does for one."""
        with self._changed:
            for usd in reserved_usd:
                self._reserved.remove(usd)
            self._note(sum(reserved_usd) if spent_usd is None else spent_usd)
            self._changed.notify_all()

    def give_back(self, usd: float) -> None:
        """Take back what was counted as spent and was not; no cap ever grows by it."""
        with self._changed:
            self._note(-usd)
            self._changed.notify_all()

    def _note(self, usd: float) -> None:
        self._spent += usd
        if self._on_spent is not None and usd:
            self._on_spent(usd)

    def _left(self, name: str) -> float:
        spent = self._spent + (self._before if name == "day" else 0.0)
        return (self._caps[name] or 0.0) - max(0.0, spent)

    def _short_of(self, usd: float) -> str:
        """Return the cap that would be passed. What is no number passes every cap."""
        needed = usd + sum(self._reserved)
        for name, cap in self._caps.items():
            if cap is not None and not needed <= self._left(name):
                return name
        return ""

    def _cap_reached(self, name: str, usd: float) -> CapReachedError:
        cap = self._caps[name] or 0.0
        spent = cap - self._left(name)
        return CapReachedError(
            f"the cap of ${cap:.2f} a {name} is reached: ${spent:.4f} spent, the next call may cost ${usd:.4f}",
            hint=f"the rest waits for the next {name}; the cap is extraction.max_usd_per_{name}",
        )
