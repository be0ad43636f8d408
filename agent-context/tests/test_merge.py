from __future__ import annotations

import json
import random
import subprocess
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import pygit2
import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st
from pygit2.enums import FileMode
from samples import AT, git, make_learning, replace_fields

from agent_context.frontmatter import parse_learning, write_learning
from agent_context.git.trees import TreeMerge, edit_tree
from agent_context.learning import (
    Confirmed,
    Conflict,
    Kind,
    Learning,
    Source,
    Speaker,
    Status,
    StatusNote,
    normalise_claim,
)
from agent_context.merging.hunks import cut_hunks
from agent_context.merging.merge import STRATEGIES, merge_learnings
from agent_context.merging.tables import OpenKey, edit_table, merge_table_texts, merge_tables, put_key, read_key
from agent_context.review.resolution import resolve

BASE = make_learning(why=("It cost us an evening.", "The vouchers were lost."), evidence=("never run it",))
CLAIMS = ["Deploy with `make deploy`.", "Deploy with make deploy!", "Use just.", "Use make.", "Use nox."]
PARAGRAPHS = ["It cost us an evening.", "The vouchers were lost.", "Twice.", "Ask ops.", "See the wiki."]
TIMES = ["2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z"]


def some(values: list[str], most: int = 3) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), max_size=most, unique=True).map(tuple)


sources = st.builds(
    Source,
    machine=st.sampled_from(["a", "b", "c"]),
    session=st.sampled_from(["1", "2", "3"]),
    at=st.sampled_from(TIMES),
    speaker=st.just(Speaker.USER),
)
sides = st.builds(
    lambda more, **fields: replace_fields(BASE, sources=(*BASE.sources, *more), **fields),
    st.lists(sources, max_size=3, unique=True),
    claim=st.sampled_from(CLAIMS),
    kind=st.sampled_from([Kind.GOTCHA, Kind.CONVENTION, Kind.WORKFLOW]),
    tags=some(["deploy", "x", "y"]),
    paths=some(["Makefile", "deploy/**"]),
    evidence=some(["never run it", "use make"]),
    why=some(PARAGRAPHS, 4),
    supersedes=some(["0" * 10, "1" * 10]),
    status=st.sampled_from([Status.UNREVIEWED, Status.ACCEPTED, Status.REJECTED]),
    status_note=st.none()
    | st.builds(StatusNote, by=st.sampled_from("ab"), at=st.sampled_from(TIMES), reason=st.just("")),
    pinned=st.booleans(),
    confirmed=st.dictionaries(st.sampled_from("abc"), st.integers(1, 40)).map(
        lambda counts: tuple(Confirmed(machine, count) for machine, count in sorted(counts.items()))
    ),
    review_after=st.sampled_from(["", "2027-01-01", "2027-02-01"]),
)
# A side may hold conflicts of an earlier merge.
merged_sides = sides | st.builds(lambda one, two: merge_learnings(BASE, one, two), sides, sides)
bases = st.just(BASE) | st.none() | merged_sides


def texts(learning: Learning) -> set[str]:
    """Return every text that a reader finds in a learning, whether it stands or is one of a conflict's versions."""
    open_texts = {text for conflict in learning.conflicts for text in conflict.versions}
    parts = {part for text in open_texts for part in text.split("\n\n")}
    return {normalise_claim(text) for text in {learning.claim, *learning.why, *parts}}


def test_every_field_has_a_strategy() -> None:
    assert set(STRATEGIES) == set(Learning.__struct_fields__)


@given(bases, merged_sides)
def test_an_unchanged_side_lets_the_other_win(base: Learning | None, side: Learning) -> None:
    if base is not None:
        assert merge_learnings(base, side, base) == side
        assert merge_learnings(base, base, side) == side


@given(bases, merged_sides)
def test_equal_edits_are_one_edit(base: Learning | None, side: Learning) -> None:
    assert merge_learnings(base, side, side) == side


@given(bases, merged_sides, merged_sides)
def test_the_sides_may_be_exchanged(base: Learning | None, ours: Learning, theirs: Learning) -> None:
    assert merge_learnings(base, ours, theirs) == merge_learnings(base, theirs, ours)


@given(bases, merged_sides, merged_sides)
def test_no_source_is_ever_lost(base: Learning | None, ours: Learning, theirs: Learning) -> None:
    merged = merge_learnings(base, ours, theirs)
    for name in ("sources", "supersedes"):
        before, mine, other = (set(getattr(side, name)) if side else set() for side in (base, ours, theirs))
        assert (mine & other) | (mine - before) | (other - before) <= set(getattr(merged, name))


@given(bases, merged_sides, merged_sides)
def test_of_two_counts_the_greater_stands(base: Learning | None, ours: Learning, theirs: Learning) -> None:
    counts = [{item.machine: item.count for item in side.confirmed} for side in (ours, theirs)]
    merged = {item.machine: item.count for item in merge_learnings(base, ours, theirs).confirmed}
    if base is None or base.confirmed not in (ours.confirmed, theirs.confirmed):
        assert merged == {name: max(side.get(name, 0) for side in counts) for name in counts[0].keys() | counts[1]}
    else:
        assert merged in counts


@given(sides, sides, sides)
def test_no_text_is_ever_lost(base: Learning, ours: Learning, theirs: Learning) -> None:
    """What a side wrote anew stands in the result or among its conflicts; only what was in the base can go."""
    merged = merge_learnings(base, ours, theirs)
    assert (texts(ours) | texts(theirs)) - texts(base) <= texts(merged)
    both_new = merge_learnings(None, ours, theirs)
    assert texts(ours) | texts(theirs) <= texts(both_new)


@given(bases, merged_sides, merged_sides)
def test_merging_a_side_again_changes_nothing(base: Learning | None, ours: Learning, theirs: Learning) -> None:
    merged = merge_learnings(base, ours, theirs)
    assert merge_learnings(theirs, merged, theirs) == merged
    assert merge_learnings(merged, merged, merged) == merged


@given(st.permutations([0, 1, 2]), st.lists(sides, min_size=3, max_size=3))
def test_additions_come_to_the_same_in_any_order(order: list[int], three: list[Learning]) -> None:
    """Three machines add sources, tags and paragraphs, and word the claim anew."""
    added = [
        replace_fields(
            BASE,
            claim=side.claim,
            sources=(*BASE.sources, *side.sources),
            tags=tuple(dict.fromkeys((*BASE.tags, *side.tags))),
            why=tuple(dict.fromkeys((*BASE.why, *side.why))),
        )
        for side in three
    ]
    one = merge_learnings(BASE, merge_learnings(BASE, added[0], added[1]), added[2])
    a, b, c = (added[index] for index in order)
    other = merge_learnings(BASE, a, merge_learnings(BASE, b, c))
    assert set(one.sources) == set(other.sources)
    assert set(one.tags) == set(other.tags)
    assert texts(one) == texts(other)


@given(merged_sides, merged_sides)
def test_a_merged_learning_reads_back_the_same(ours: Learning, theirs: Learning) -> None:
    merged = merge_learnings(BASE, ours, theirs)
    text = write_learning(merged)
    assert parse_learning(text, "x.md") == merged
    assert write_learning(parse_learning(text, "x.md")) == text


@given(sides, sides, sides)
def test_a_settled_conflict_stays_settled(ours: Learning, theirs: Learning, more: Learning) -> None:
    """One machine settles; another, which still has it open, added a source meanwhile."""
    opened = merge_learnings(BASE, ours, theirs)
    settled = replace_fields(opened, conflicts=())
    elsewhere = replace_fields(opened, sources=(*opened.sources, *more.sources))
    merged = merge_learnings(opened, settled, elsewhere)
    assert merged.conflicts == ()
    assert merged.claim == settled.claim


def test_a_tag_taken_out_stays_out() -> None:
    ours, theirs = replace_fields(BASE, tags=()), replace_fields(BASE, tags=("deploy", "fly"))
    assert merge_learnings(BASE, ours, theirs).tags == ("fly",)


def test_a_review_beats_none_even_when_both_sides_are_new() -> None:
    rejected = replace_fields(BASE, status=Status.REJECTED, status_note=StatusNote("x", AT, "wrong"))
    assert merge_learnings(None, BASE, rejected) == rejected
    assert merge_learnings(None, rejected, BASE) == rejected


OLDER = replace_fields(BASE, status=Status.REJECTED, status_note=StatusNote("x", TIMES[0], "wrong"))
NEWER = replace_fields(BASE, status=Status.ACCEPTED, status_note=StatusNote("y", TIMES[1], "right"))


def test_the_newer_review_beats_the_older() -> None:
    assert merge_learnings(BASE, OLDER, NEWER) == NEWER
    assert merge_learnings(BASE, NEWER, OLDER) == NEWER


def test_taking_a_review_back_beats_it_when_it_is_newer() -> None:
    reconsidered = replace_fields(BASE, status_note=StatusNote("y", TIMES[2], "look again"))
    assert merge_learnings(OLDER, NEWER, reconsidered) == reconsidered
    assert merge_learnings(OLDER, reconsidered, NEWER) == reconsidered


def test_status_and_its_note_come_from_one_side() -> None:
    again = replace_fields(OLDER, status_note=StatusNote("z", TIMES[2], "still wrong"))
    assert merge_learnings(OLDER, NEWER, again) == again


def test_of_two_claims_the_reviewed_one_stands_and_both_are_kept() -> None:
    reviewed = replace_fields(NEWER, claim="Use just.")
    merged = merge_learnings(BASE, replace_fields(BASE, claim="Use make."), reviewed)
    assert merged.claim == "Use just."
    assert merged.conflicts == (Conflict("claim", ("Use just.", "Use make.")),)


def test_wordings_that_differ_in_marks_alone_are_no_conflict() -> None:
    ours, theirs = replace_fields(BASE, claim="Use `make`."), replace_fields(BASE, claim="use make")
    assert merge_learnings(BASE, ours, theirs) == theirs


def test_the_kind_follows_the_review_and_is_open_without_one() -> None:
    ours, theirs = replace_fields(BASE, kind=Kind.WORKFLOW), replace_fields(BASE, kind=Kind.CONVENTION)
    assert merge_learnings(BASE, ours, theirs).conflicts == (Conflict("kind", ("convention", "workflow")),)
    decided = merge_learnings(BASE, ours, replace_fields(NEWER, kind=Kind.CONVENTION))
    assert (decided.kind, decided.conflicts) == (Kind.CONVENTION, ())


def test_a_conflict_goes_on_with_what_a_side_writes_next() -> None:
    """Commits are replayed one by one: the second edit of one machine meets the conflict of its first."""
    first, theirs = replace_fields(BASE, claim="Use make."), replace_fields(BASE, claim="Use just.")
    opened = merge_learnings(BASE, first, theirs)
    second = replace_fields(first, claim="Use make everywhere.")
    merged = merge_learnings(first, second, opened)
    assert merged.conflicts == (Conflict("claim", ("Use just.", "Use make everywhere.")),)


def test_two_machines_that_settle_it_differently_have_it_open_again() -> None:
    opened = merge_learnings(BASE, replace_fields(BASE, claim="Use make."), replace_fields(BASE, claim="Use just."))
    one, two = (replace_fields(opened, claim=claim, conflicts=()) for claim in ("Use make.", "Use just."))
    assert merge_learnings(opened, one, two).conflicts == opened.conflicts


def test_two_machines_that_hold_conflicts_keep_all_versions() -> None:
    one, two, three, four = (replace_fields(BASE, claim=f"Use {name}.") for name in ("a", "b", "c", "d"))
    merged = merge_learnings(BASE, merge_learnings(BASE, one, two), merge_learnings(BASE, three, four))
    assert merged.conflicts == (Conflict("claim", ("Use a.", "Use b.", "Use c.", "Use d.")),)


@pytest.mark.parametrize(
    ("ours", "theirs", "why", "versions"),
    [
        (("A2", "B"), ("A", "B2"), ("A2", "B2"), ()),
        (("A", "B", "C"), ("A2", "B"), ("A2", "B", "C"), ()),
        (("A", "B", "C"), ("A", "B", "D"), ("A", "B", "C", "D"), ()),
        (("B",), ("A2", "B"), ("A2", "B"), ()),
        (("B",), ("A",), (), ()),
        (("A2", "B"), ("A3", "B"), ("A2", "A3", "B"), ("A2", "A3")),
        (("A2", "A3", "B"), ("A3", "B"), ("A2", "A3", "B"), ()),
    ],
)
def test_why_is_merged_by_paragraph(
    ours: tuple[str, ...], theirs: tuple[str, ...], why: tuple[str, ...], versions: tuple[str, ...]
) -> None:
    base, mine, other = (replace_fields(BASE, why=side) for side in (("A", "B"), ours, theirs))
    merged = merge_learnings(base, mine, other)
    assert merged.why == why
    assert merged.conflicts == ((Conflict("why", versions),) if versions else ())


@st.composite
def edited_lines(draw: st.DrawFn) -> tuple[list[str], list[str], list[str]]:
    """Draw a text and two versions of it in which no line was moved, and no new line is like another."""
    base = [f"line {number}\n" for number in range(draw(st.integers(0, 12)))]
    versions = []
    for side in ("ours", "theirs"):
        lines = []
        for number, line in enumerate([*base, ""]):
            deed = draw(st.sampled_from(["keep"] * 6 + ["change", "delete", "insert"]))
            lines += [f"{side} before {number}\n"] if deed == "insert" else []
            lines += [f"{side} instead of {number}\n"] if deed == "change" and line else []
            lines += [line] if deed in ("keep", "insert") and line else []
        versions.append(lines)
    return base, *versions


@given(edited_lines())
def test_lines_are_merged_as_git_merges_them(three: tuple[list[str], list[str], list[str]]) -> None:
    base, ours, theirs = three
    hunks = cut_hunks(base, ours, theirs, neighbours=True)
    clean = all(hunk.settled is not None for hunk in hunks)
    assert [line for hunk in hunks for line in hunk.ours] == ours
    assert [line for hunk in hunks for line in hunk.theirs] == theirs
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, name) for name in ("ours", "base", "theirs")]
        for file, lines in zip(files, (ours, base, theirs), strict=True):
            file.write_text("".join(lines))
        done = subprocess.run(["git", "merge-file", "-p", *files], capture_output=True, text=True, check=False)
    assert clean == (done.returncode == 0)
    if clean:
        assert "".join(line for hunk in hunks for line in hunk.settled or ()) == done.stdout


values = st.recursive(
    st.integers(0, 3)
    | st.booleans()
    | st.sampled_from(["a", "b"])
    | st.lists(st.sampled_from(["x", "y"]), unique=True),
    lambda inner: st.dictionaries(st.sampled_from(["k", "l", "m"]), inner, max_size=3),
    max_leaves=6,
)
tables = st.dictionaries(st.sampled_from(["k", "l", "m"]), values, max_size=3)


@given(tables, tables)
def test_a_table_that_one_side_left_alone_is_the_other_sides(base: dict[str, Any], side: dict[str, Any]) -> None:
    assert merge_tables(base, side, base) == (side, [])
    assert merge_tables(base, base, side) == (side, [])
    assert merge_tables(base, side, side) == (side, [])


@given(tables, tables, tables)
def test_a_merged_table_reads_back_the_same(base: dict[str, Any], ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Whatever the comments and the form of the text, it says what the merge by key says."""
    table, found = merge_tables(base, ours, theirs)
    texts = [f"# {side}\n{tomli_w.dumps(side)}" for side in (base, ours, theirs)]
    merged = merge_table_texts("toml", *texts)
    assert tomllib.loads(merged.text) == table
    assert sorted(merged.open, key=repr) == sorted(found, key=repr)
    assert json.loads(merge_table_texts("json", *(json.dumps(side) for side in (base, ours, theirs))).text) == table


@given(tables, tables, tables)
def test_no_value_of_a_table_is_lost(base: dict[str, Any], ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    table, found = merge_tables(base, ours, theirs)
    kept = {*leaves(table), *(leaf for item in found for leaf in leaves(item.other, item.key))}
    assert (leaves(ours) | leaves(theirs)) - leaves(base) <= kept


def leaves(value: Any, path: tuple[str, ...] = ()) -> set[tuple[object, ...]]:
    """Return every value of a table with its path; the items of a list one by one."""
    if isinstance(value, dict):
        return {leaf for key, inner in value.items() for leaf in leaves(inner, (*path, key))}
    if isinstance(value, list):
        return {(*path, "item", item) for item in value}
    return {(*path, type(value).__name__, value)}


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "merged", "left"),
    [
        ({}, {"r": ["x"]}, {"r": ["y"]}, {"r": ["x", "y"]}, []),
        ({"r": ["x", "z"]}, {"r": ["z"]}, {"r": ["x", "z", "y"]}, {"r": ["z", "y"]}, []),
        ({"a": 1}, {"a": 2}, {"a": 1}, {"a": 2}, []),
        ({"a": 1}, {}, {"a": 2}, {"a": 2}, []),
        ({"a": 1}, {}, {"a": 1}, {}, []),
        ({"s": {"a": 1}}, {"s": {"a": 2}}, {"s": {"a": 1, "b": 3}}, {"s": {"a": 2, "b": 3}}, []),
        ({"a": 1}, {"a": 2}, {"a": 3}, {"a": 3}, [OpenKey(("a",), 3, 2)]),
        ({"a": True}, {"a": 1}, {"a": 2}, {"a": 2}, [OpenKey(("a",), 2, 1)]),
        (
            {"server": [{"name": "x", "url": "1"}]},
            {"server": [{"name": "x", "url": "2"}]},
            {"server": [{"name": "x", "url": "1", "on": True}, {"name": "y"}]},
            {"server": [{"name": "x", "url": "2", "on": True}, {"name": "y"}]},
            [],
        ),
    ],
)
def test_tables_merge_by_key(
    base: dict[str, Any],
    ours: dict[str, Any],
    theirs: dict[str, Any],
    merged: dict[str, Any],
    left: list[OpenKey],
) -> None:
    assert merge_tables(base, ours, theirs) == (merged, left)


def test_an_edited_table_keeps_comments_and_order() -> None:
    text = '# The settings.\nreview = "direct" # for now\n\n[sync] # how\n# not yet\npush = true\n'
    table = {"review": "pull-request", "sync": {"push": True, "quiet_seconds": 5}}
    changed = text.replace("direct", "pull-request") + "quiet_seconds = 5\n"
    assert edit_table("toml", text, table) == changed


def test_a_table_in_pieces_loses_its_comments_rather_than_a_value() -> None:
    text = '# x\n[t.w]\n[[l]]\nname = "r"\n[[l]]\n[t]\nname = "n"\nb.d = [1, 2]\n'
    table = {"t": {"w": {}, "b": {"d": [1]}}, "l": [{"name": "r"}, {}]}
    assert tomllib.loads(edit_table("toml", text, table)) == table


def test_a_key_is_put_into_the_table_of_its_name() -> None:
    text = '[[server]]\nname = "x"\nurl = "1"\n\n[[server]]\nname = "y"\nurl = "2"\n'
    changed = put_key("toml", text, ("server", "y", "url"), "3")
    assert read_key("toml", changed, ("server", "y", "url")) == "3"
    assert read_key("toml", changed, ("server", "x", "url")) == "1"
    with pytest.raises(KeyError):
        put_key("toml", text, ("server", "z", "url"), "3")


@pytest.mark.parametrize("seed", range(4))
def test_trees_with_disjoint_edits_merge_as_git_merges_them(tmp_path: Path, seed: int) -> None:
    """Real commits, random edits, additions and removals that do not meet, and edits far apart in one text."""
    chance = random.Random(seed)
    repo = pygit2.init_repository(str(tmp_path))
    names = [f"projects/p{n % 3}/2026-{n % 12 + 1:02d}/{n}.md" for n in range(80)]
    readme = [f"line {number}" for number in range(60)]
    base: dict[str, bytes | None] = {name: write_learning(make_learning(f"Claim {name}.")).encode() for name in names}
    base["README.md"] = "\n".join(readme).encode()
    sides: list[dict[str, bytes | None]] = [{}, {}]
    for name in names:
        if chance.random() < 0.5:
            learning = make_learning(f"Claim {name}.", tags=("edited",))
            sides[chance.randrange(2)][name] = chance.choice([None, write_learning(learning).encode()])
    for number, side in enumerate(sides):
        for added in range(5):
            side[f"projects/p{chance.randrange(5)}/2027-01/{number}-{added}.md"] = chance.randbytes(40)
        lines = list(readme)
        lines[number * 30 + chance.randrange(20)] = "edited"
        side["README.md"] = "\n".join(lines).encode()
    trees = [edit_tree(repo, None, base)]
    trees += [edit_tree(repo, trees[0], side) for side in sides]
    person = pygit2.Signature("Ada", "ada@example.com", 0, 0)
    root = repo.create_commit(None, person, person, "base", trees[0], [])
    tips = [str(repo.create_commit(None, person, person, "side", tree, [root])) for tree in trees[1:]]
    theirs = git(tmp_path, "-c", "merge.renames=false", "merge-tree", "--write-tree", *tips)
    nodes = [(tree, FileMode.TREE) for tree in trees]
    merge = TreeMerge(repo, resolve)
    ours = merge.merge_trees(*nodes)
    assert ours is not None
    assert (str(ours[0]), merge.notes) == (theirs, [])
