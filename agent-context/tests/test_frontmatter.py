from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import AT, make_learning

from agent_context.errors import FormatError
from agent_context.frontmatter import parse_learning, write_learning
from agent_context.learning import Conflict, Kind, Learning, Source, Speaker, Status, StatusNote

CANONICAL = """---
id: 3f9c2a71b0
kind: gotcha
tags: [deploy, "a: b"]
status: rejected
status_note: {by: vm, at: 2026-02-01T02:31:20Z, reason: "no longer so: see the wiki"}
paths: [Makefile, "deploy/**"]
created: 2026-02-01T02:31:20Z
pinned: true
sources:
  - {machine: vm, session: 726bf96e, at: 2026-02-01T02:31:20Z, speaker: user, commit: abc1234, extractor: heuristic}
  - {machine: vm, session: "1234567890", at: 2026-02-01T02:31:20Z, speaker: assistant}
supersedes: [0a0a0a0a0a]
---
Deploy with `make deploy`, not `fly deploy`: the latter skips the migrations.

It cost us an evening.

> no, never run fly deploy yourself
>
> use make deploy
"""

words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=60)
line = words.map(lambda text: " ".join(text.split())).filter(lambda text: text and text[0] not in ">-")
learnings = st.builds(
    Learning,
    id=st.from_regex(r"[0-9a-f]{10}", fullmatch=True),
    kind=st.sampled_from(Kind),
    status=st.sampled_from(Status),
    created=st.just(AT),
    claim=line,
    tags=st.lists(words, max_size=3).map(tuple),
    paths=st.lists(words, max_size=3).map(tuple),
    sources=st.lists(
        st.builds(Source, machine=words, session=words, at=st.just(AT), speaker=st.sampled_from(Speaker)), max_size=3
    ).map(tuple),
    supersedes=st.lists(st.from_regex(r"[0-9a-f]{10}", fullmatch=True), max_size=2).map(tuple),
    status_note=st.none() | st.builds(StatusNote, by=words, at=st.just(AT), reason=st.text(max_size=40)),
    pinned=st.booleans(),
    why=st.lists(line, max_size=2).map(tuple),
    evidence=st.lists(st.lists(line, min_size=1, max_size=3).map("\n".join), max_size=2).map(tuple),
)


def test_a_canonical_file_is_byte_stable() -> None:
    assert write_learning(parse_learning(CANONICAL, "x.md")) == CANONICAL


@given(learnings)
def test_what_is_written_reads_back_the_same(learning: Learning) -> None:
    text = write_learning(learning)
    assert parse_learning(text, "x.md") == learning
    assert write_learning(parse_learning(text, "x.md")) == text


def test_values_that_yaml_would_take_for_numbers_or_truth_stay_text() -> None:
    learning = make_learning(tags=("no", "1e10", "0x1f", "2026", "null", "on"))
    text = write_learning(learning)
    assert 'tags: ["no", "1e10", "0x1f", "2026", "null", "on"]' in text
    assert parse_learning(text, "x.md") == learning


def test_windows_line_ends_read_the_same() -> None:
    assert parse_learning(CANONICAL.replace("\n", "\r\n"), "x.md") == parse_learning(CANONICAL, "x.md")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no front matter", "x.md:1: no front matter"),
        ("---\nid: 0123456789\n", "x.md:3: the front matter does not end"),
        ("---\nid: 0123456789\ncolour: red\n---\nA claim.\n", "x.md:3: colour: unknown key"),
        ("---\nid: 0123456789\nid: 2\n---\nA claim.\n", "x.md:3: id: given twice"),
        ("---\nid: 0123456789\nkind: gotcha\nstatus: accepted\n---\nA claim.\n", "x.md:1: created: is missing"),
        (
            "---\nid: 0123456789\nkind: joke\nstatus: accepted\ncreated: x\n---\nA.\n",
            "x.md:3: kind: Invalid enum value 'joke'",
        ),
        ("---\nid: [1\nkind: gotcha\n---\nA claim.\n", "x.md:3: did not find expected ',' or ']'"),
        ("---\nid: 0123456789\nkind: gotcha\nstatus: accepted\ncreated: x\n---\n\n", "x.md:7: no claim"),
        ("---\nid: {a: b}\n---\nA claim.\n", "x.md:2: a value of this shape is not expected here"),
        (
            '---\nid: "0123456789 -->"\nkind: gotcha\nstatus: accepted\ncreated: x\n---\nA.\n',
            "x.md:2: id: not ten or more hex digits",
        ),
        (
            (
                "---\nid: 0123456789\nkind: gotcha\nstatus: accepted\ncreated: x\n"
                "sources:\n  - {machine: a, sesion: b}\n---\nA.\n"
            ),
            "x.md:7: sesion: unknown key",
        ),
    ],
)
def test_a_file_that_does_not_read_is_named_with_line_and_key(text: str, message: str) -> None:
    with pytest.raises(FormatError) as caught:
        parse_learning(text, "x.md")
    assert caught.value.message == message


def test_yaml_tags_build_no_objects() -> None:
    text = CANONICAL.replace("id: 3f9c2a71b0", "id: !!python/object/apply:os.system [echo]")
    with pytest.raises(FormatError):
        parse_learning(text, "x.md")


@pytest.mark.parametrize(
    "deep", ["[" * 200_000, "{a: " * 200_000, "- " * 200_000, "? " * 200_000, "\n  - " + "- " * 200_000]
)
def test_nesting_beyond_reason_is_refused_before_it_costs_the_process(deep: str) -> None:
    with pytest.raises(FormatError):
        parse_learning(CANONICAL.replace("tags: [", f"paths: {deep}\ntags: ["), "x.md")


def test_many_sources_are_not_deep() -> None:
    sources = tuple(Source("vm", f"s{number}", AT, Speaker.USER) for number in range(300))
    learning = make_learning(sources=sources)
    assert parse_learning(write_learning(learning), "x.md") == learning


def test_conflicts_are_kept_in_canonical_form() -> None:
    conflicts = (
        Conflict("claim", ("Use `just`: it is new.", "Use make.")),
        Conflict("why", ("One.\n\nTwo.", "Three.")),
    )
    text = write_learning(make_learning("Use make.", conflicts=conflicts))
    assert (
        """conflicts:
  - {field: claim, versions: ["Use `just`: it is new.", Use make.]}
  - {field: why, versions: ["One.\\n\\nTwo.", Three.]}
---
"""
        in text
    )
    assert parse_learning(text, "x.md").conflicts == conflicts
