"""A handoff as a value: its Markdown, ConvoSync's file, sizes, times, paths of other machines."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_context.errors import FormatError
from agent_context.handoff import (
    Handoff,
    Section,
    choose_newer,
    fit,
    list_items,
    make_portable,
    map_paths,
    parse_handoff,
    read_handoffs,
    read_sections,
    tell_ago,
    went_apart,
    write_handoff,
    write_shared,
)

COMMIT = "0123456789abcdef0123456789abcdef01234567"
HANDOFF = Handoff(
    "laptop",
    "2026-03-01T10:00:00Z",
    (Section("Current Task", "OAuth for the shop."), Section("Next Steps", "1. Tests\n2. Docs")),
    message="half way",
    session="0a1b2c3d",
    checkout="~/work/r",
    continues="desktop 2026-02-28T10:00:00Z",
    work=f"wip/laptop {COMMIT}",
    dirty=("M src/a.py", "? notes, old.txt"),
    unpushed=(f"{COMMIT} Add routes, and more",),
    commit=COMMIT,
    branch="main",
)
WRITTEN = f"""\
## Handoff from laptop
**Message:** half way
**Session:** 0a1b2c3d
**Checkout:** ~/work/r
**Continues:** desktop 2026-02-28T10:00:00Z
**Work:** wip/laptop {COMMIT}
**Uncommitted:** `M src/a.py`, `? notes, old.txt`
**Unpushed:** `{COMMIT} Add routes, and more`
**Timestamp:** 2026-03-01T10:00:00Z
**Commit:** {COMMIT}
**Branch:** main

### Current Task
OAuth for the shop.

### Next Steps
1. Tests
2. Docs
"""
# As the plugin's save writes it, two devices one below the other; the second one's model used a rule and big headings.
CONVOSYNC = f"""\
# ConvoSync Session Handoffs

---
## Handoff from desktop
**Timestamp:** 2026-03-01T09:00:00.123456Z
**Commit:** {COMMIT}
**Branch:** main

### Current Task
Refresh tokens

### Important Context
- User's favourite pizza is Margherita

---
## Handoff from phone
**Timestamp:** 2026-03-01T09:30:00.5Z
**Commit:** {COMMIT}
**Branch:** feature/x

# Current Task
Docs

---

## Next Steps
1. More docs
"""


def test_it_is_written_as_one_block_and_read_again() -> None:
    assert write_handoff(HANDOFF) == WRITTEN
    assert parse_handoff(WRITTEN, "x.md") == HANDOFF


LINES = st.sampled_from(
    ["---", " ---", "--- ", "```", "~~~~", "# A", "## Handoff from x", "### B #", "#### c", "", "- d"]
)
TEXTS = st.lists(st.one_of(LINES, st.text(max_size=20)), max_size=12).map("\n".join)


@given(TEXTS)
def test_whatever_stands_in_it_the_same_comes_back(text: str) -> None:
    handoff = msgspec.structs.replace(HANDOFF, sections=read_sections(text))
    written = write_handoff(handoff)
    assert parse_handoff(written, "x.md") == handoff
    assert write_handoff(parse_handoff(written, "x.md")) == written
    assert [item.device for item in read_handoffs(write_shared(CONVOSYNC, handoff))] == ["desktop", "phone", "laptop"]


def test_text_beyond_measure_costs_no_more_than_its_length() -> None:
    for text in (
        "# " + "# " * 50_000 + "x",
        "/a" * 50_000,
        "---\n" * 20_000,
        "`" * 50_000,
        "## Handoff from x\n" * 5_000,
    ):
        map_paths(write_shared(text, HANDOFF), "~/a", "/w/a", lambda _: False)


def test_the_file_of_convosync_is_read_with_all_its_devices() -> None:
    desktop, phone = read_handoffs(CONVOSYNC)
    assert (desktop.device, desktop.at, desktop.commit) == ("desktop", "2026-03-01T09:00:00Z", COMMIT)
    assert desktop.sections[1] == Section("Important Context", "- User's favourite pizza is Margherita")
    assert (phone.branch, phone.task) == ("feature/x", "Docs")
    assert [section.title for section in phone.sections] == ["Current Task", "Next Steps"]


def read_as_convosync(text: str) -> dict[str, tuple[str, str, str]]:
    """Device to time, branch and content, by the rules of its resume: rules part them, content follows the branch."""
    found = {}
    for part in re.split(r"^---\s*$", text, flags=re.MULTILINE):
        device = re.search(r"^## Handoff from (.+?)$", part, re.MULTILINE)
        time, branch = (re.search(rf"\*\*{name}:\*\* (.+?)$", part, re.MULTILINE) for name in ("Timestamp", "Branch"))
        if device and time and branch:
            content = part[part.find("**Branch:**") :].partition("\n")[2].strip()
            found[device.group(1)] = (time.group(1), branch.group(1), content)
    return found


def test_convosync_reads_what_we_write_and_a_device_has_one_handoff() -> None:
    again = msgspec.structs.replace(HANDOFF, at="2026-03-02T10:00:00Z", sections=read_sections("### T\na\n---\nb"))
    text = write_shared(write_shared(CONVOSYNC, HANDOFF), again)
    found = read_as_convosync(text)
    assert list(found) == ["desktop", "phone", "laptop"]
    assert found["laptop"] == ("2026-03-02T10:00:00Z", "main", "### T\na\n ---\nb")
    assert found["desktop"][2].startswith("### Current Task\nRefresh tokens")
    assert text.startswith("# ConvoSync Session Handoffs\n\n---\n## Handoff from desktop\n")


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ("", 1, ""),
        ("# Notes\n\nhello\n", 1, ""),
        (CONVOSYNC, 1, ""),
        (WRITTEN.replace("T10:00:00Z\n**Commit", " in the morning\n**Commit"), 9, "Timestamp"),
        (WRITTEN.replace(f"**Commit:** {COMMIT}", "**Commit:** HEAD"), 10, "Commit"),
    ],
)
def test_a_file_of_ours_that_is_no_handoff_names_the_line(text: str, line: int, key: str) -> None:
    with pytest.raises(FormatError) as caught:
        parse_handoff(text, "projects/o.r/handoffs/laptop.md")
    assert (caught.value.line, caught.value.key) == (line, key)


def test_a_long_one_is_cut_at_its_longest_section_and_says_so() -> None:
    long = (*HANDOFF.sections, Section("Important Context", "\n".join(f"- fact {n}" for n in range(2000))))
    cut = fit(msgspec.structs.replace(HANDOFF, sections=long), 4000)
    assert 2500 < len(write_handoff(cut)) <= 4000
    assert cut.sections[:2] == HANDOFF.sections
    assert cut.sections[2].text.endswith("\n… (cut)")
    assert parse_handoff(write_handoff(cut), "x.md") == cut


def test_items_of_the_metadata_cannot_break_out_of_their_line() -> None:
    assert list_items(["a`b\nc", "a`b\nc", "", "x" * 300]) == ("a'b c", "x" * 199 + "…")


@pytest.mark.parametrize(
    ("at", "ago"),
    [
        ("2026-03-01T09:59:30Z", "just now"),
        ("2026-03-01T09:59:00Z", "1 minute ago"),
        ("2026-03-01T07:00:00Z", "3 hours ago"),
        ("2026-02-27T10:00:00Z", "2 days ago"),
        ("2026-03-01T11:00:00Z", "just now"),
        ("", "at an unknown time"),
    ],
)
def test_times_are_told_as_people_do(at: str, ago: str) -> None:
    assert tell_ago(at, "2026-03-01T10:00:00Z") == ago


def made(device: str, hour: int, continues: str = "") -> Handoff:
    return Handoff(device, f"2026-03-01T{hour:02}:00:00Z", (), continues=continues)


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        (made("a", 1), made("b", 2), ""),
        (made("a", 1), made("b", 2, "a 2026-03-01T01:00:00Z"), ""),
        (made("a", 3), made("b", 2, "a 2026-03-01T01:00:00Z"), "the handoff of a from 2026-03-01T01:00:00Z"),
        (made("a", 3, "b 2026-03-01T02:00:00Z"), made("b", 2, "a 2026-03-01T01:00:00Z"), ""),
        (
            made("a", 3, "c 2026-03-01T00:00:00Z"),
            made("b", 2, "c 2026-03-01T00:00:00Z"),
            "the handoff of c from 2026-03-01T00:00:00Z",
        ),
        (made("a", 3, "c 2026-03-01T00:00:00Z"), made("b", 2, "d 2026-03-01T00:00:00Z"), ""),
    ],
)
def test_two_that_went_on_from_the_same_point_are_told_apart(one: Handoff, other: Handoff, apart: str) -> None:
    assert went_apart(one, other) == went_apart(other, one) == apart


def test_the_later_version_stands_whichever_comes_first() -> None:
    old, new = (
        write_handoff(msgspec.structs.replace(HANDOFF, at=f"2026-03-0{day}T10:00:00Z")).encode() for day in (1, 2)
    )
    assert choose_newer(old, new) == choose_newer(new, old) == new


def test_paths_leave_a_machine_without_its_folders() -> None:
    text = "See /home/ada/work/r/src/a.py, /home/ada/x.txt, /srv/home/ada/work/r/b and `/home/ada/work/r/b.py:3`."
    wanted = "See src/a.py, ~/x.txt, /srv/home/ada/work/r/b and `b.py:3`."
    assert make_portable(text, "/home/ada/work/r/", "/home/ada") == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("In /Users/bo/dev/r/src/a.py.", "In /w/r-here/src/a.py."),
        ("`C:\\Users\\bo\\r\\src\\a.py`", "`/w/r-here/src/a.py`"),
        ("~/work/r/src/a.py and src/a.py", "/w/r-here/src/a.py and src/a.py"),
        ("/Users/bo/dev/r/gone.py", "/Users/bo/dev/r/gone.py"),
        ("/usr/src/a.py", "/usr/src/a.py"),
        ("https://example.com/o/r/src/a.py", "https://example.com/o/r/src/a.py"),
    ],
)
def test_paths_of_another_machine_are_this_ones(text: str, wanted: str) -> None:
    assert map_paths(text, "~/work/r", "/w/r-here", lambda path: path == "src/a.py") == wanted
