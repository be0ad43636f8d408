from __future__ import annotations

from typing import TYPE_CHECKING

from agent_context.journal import Entry, Journal

if TYPE_CHECKING:
    from pathlib import Path


def test_entries_come_back_in_order_and_from_a_time_on(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "data")
    assert list(journal.entries()) == []
    entries = [Entry(f"2026-01-0{day}T00:00:00Z", "/kb", read=day, cost_usd=0.25) for day in (1, 2, 3)]
    for entry in entries:
        journal.append(entry)
    assert list(journal.entries()) == entries
    assert list(journal.entries("2026-01-02")) == entries[1:]
    assert journal.spent_usd("2026-01-02") == 0.5
    assert journal.path.stat().st_mode & 0o777 == 0o600


def test_a_torn_line_costs_itself(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(Entry("2026-01-01T00:00:00Z", "/kb"))
    with journal.path.open("ab") as file:
        file.write(b'{"at": "2026\n')
    journal.append(Entry("2026-01-02T00:00:00Z", "/kb"))
    assert len(list(journal.entries())) == 2
