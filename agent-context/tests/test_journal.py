from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from agent_context.journal import Entry, Journal, Size, Steps, Summary, sum_up

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
        file.write(b'{"at": "2026\n\xff\xfe\n[]\n')
    journal.append(Entry("2026-01-02T00:00:00Z", "/kb"))
    assert len(list(journal.entries())) == 2


def test_a_line_of_a_newer_program_is_read(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.path.write_text(
        '{"at": "2026-01-01T00:00:00Z", "knowledge_base": "/kb", "new": 1, "steps": {"fetch": 0.5}}\n'
    )
    assert list(journal.entries()) == [Entry("2026-01-01T00:00:00Z", "/kb", steps={"fetch": 0.5})]


def test_the_file_stays_within_its_size_and_keeps_what_was_paid_for(tmp_path: Path) -> None:
    journal = Journal(tmp_path, most_bytes=4_000)
    journal.append(Entry("2025-01-01T00:00:00Z", "/kb", part=True, paid_session="s0"))
    for number in range(200):
        journal.append(Entry("2026-01-01T00:00:00Z", "/kb", read=number + 1))
        assert journal.path.stat().st_size <= 4_000
    entries = list(journal.entries())
    assert journal.paid_sessions("/kb") == {"s0"}
    assert [entry.read for entry in entries[1:]] == list(range(202 - len(entries), 201))
    assert journal.path.stat().st_mode & 0o777 == 0o600


def test_old_lines_are_dropped_on_request_but_not_what_was_paid_for(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.prune("2026-01-03")
    paid = Entry("2026-01-01T00:00:00Z", "/kb", part=True, paid_session="s0")
    entries = [paid, *(Entry(f"2026-01-0{day}T00:00:00Z", "/kb") for day in (1, 2, 3, 4))]
    for entry in entries:
        journal.append(entry)
    journal.prune("2026-01-03")
    assert list(journal.entries()) == [paid, *entries[3:]]


def test_lines_of_processes_at_once_are_all_kept(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from agent_context.journal import Entry, Journal\n"
        "journal = Journal(Path(sys.argv[1]), most_bytes=60_000)\n"
        "for n in range(150): journal.append(Entry(sys.argv[2], '/kb', read=n))\n"
    )
    children = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path), name]) for name in ("a", "b", "c")]
    assert [child.wait() for child in children] == [0, 0, 0]
    entries = list(Journal(tmp_path).entries())
    assert sorted((entry.at, entry.read) for entry in entries) == [(name, n) for name in "abc" for n in range(150)]


def test_steps_add_up_even_when_one_fails() -> None:
    times = iter([0.0, 1.5, 2.0, 2.25, 10.0, 11.0])
    steps = Steps(lambda: next(times))
    with steps("fetch"):
        pass
    with steps("push"):
        pass
    with suppress(ZeroDivisionError), steps("fetch"):
        _ = 1 / 0
    assert steps.seconds == {"fetch": 2.5, "push": 0.25}


def test_nothing_sums_up_to_nothing() -> None:
    assert sum_up([]) == Summary()
    assert sum_up([Entry("2026-01-01T00:00:00Z", "/kb", part=True, cost_usd=0.5)]) == Summary(cost_usd=0.5)


def test_syncs_are_summed_up() -> None:
    entries = [
        Entry("2026-01-01T00:00:00Z", "/kb", 1.0, steps={"fetch": 0.2, "read": 0.5}, learnings=3, bytes_read=1_500_000),
        Entry("2026-01-01T09:00:00Z", "/kb", 9.0, exit_code=3, blocked=1, steps={"fetch": 4.0}, learnings=5, retries=2),
        Entry("2026-01-02T00:00:00Z", "/kb", 2.0, exit_code=1, conflicts=2, error="gone", failures=1, learnings=4),
        Entry("2026-01-02T01:00:00Z", "/kb", 3.0, pushed=1, learned=2, candidates=7, read=4, lost=1, learnings=6),
        Entry("2026-01-02T01:00:00Z", "/kb", part=True, cost_usd=0.25),
    ]
    assert sum_up(entries) == Summary(
        syncs=4,
        done=2,
        success=0.5,
        median_seconds=2.5,
        slowest_seconds=9.0,
        slowest_at="2026-01-01T09:00:00Z",
        steps={"fetch": 2.1, "read": 0.5},
        sessions_read=4,
        sessions_lost=1,
        megabytes_read=1.5,
        candidates=7,
        learned=2,
        pushed=1,
        retries=2,
        blocked=1,
        conflicting=0.5,
        failures=2,
        cost_usd=0.25,
        sizes=(Size("2026-01-01", 5), Size("2026-01-02", 6)),
    )


def test_the_size_over_time_is_at_most_twelve_days_with_the_last() -> None:
    entries = [
        Entry(f"2026-{m:02}-{d:02}T00:00:00Z", "/kb", learnings=m * 100 + d) for m in (1, 2) for d in range(1, 29)
    ]
    sizes = sum_up(entries).sizes
    assert len(sizes) == 12
    assert sizes[-1] == Size("2026-02-28", 228)
    assert sizes[0].day < "2026-01-07"
