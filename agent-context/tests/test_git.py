from __future__ import annotations

import gc
import random
from pathlib import Path

import pytest
from samples import git

from agent_context.errors import NeedsPersonError, RepositoryError
from agent_context.git import MergeConflict, Repository, find_root_commit, init_repository, locate_checkout
from agent_context.merging.sidecars import read_sidecar


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    root = tmp_path / "clone"
    root.mkdir()
    init_repository(root)
    made = Repository(root)
    made.commit_files({"a.md": b"a\n", "d/b.md": b"b\n", "d/e/c.md": b"c\n"}, "first", "m")
    return made


def ours_wins(path: str, base: bytes | None, ours: bytes | None, theirs: bytes | None) -> bytes | MergeConflict | None:  # noqa: ARG001 - a resolver
    return ours


def refuse(path: str, base: bytes | None, ours: bytes | None, theirs: bytes | None) -> bytes | MergeConflict | None:  # noqa: ARG001 - a resolver
    return MergeConflict(path, "both")


def test_a_commit_changes_only_its_files_and_leaves_a_clean_clone(repository: Repository) -> None:
    repository.commit_files({"d/b.md": b"B\n", "d/e/c.md": None, "new/x.md": b"x\n"}, "second", "m")
    assert git(repository.root, "status", "--porcelain") == ""
    assert git(repository.root, "ls-files").split() == ["a.md", "d/b.md", "new/x.md"]
    assert (repository.root / "d/b.md").read_bytes() == b"B\n"
    assert not (repository.root / "d/e").exists()
    assert git(repository.root, "fsck", "--strict", "--no-dangling") == ""


def test_what_a_person_has_staged_stays_staged(repository: Repository) -> None:
    (repository.root / "mine.txt").write_text("mine")
    git(repository.root, "add", "mine.txt")
    repository.commit_files({"a.md": b"A\n"}, "second", "m")
    assert git(repository.root, "status", "--porcelain") == "A  mine.txt"


def test_an_executable_file_stays_executable(repository: Repository) -> None:
    script = repository.root / "run"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    git(repository.root, "add", "run")
    git(repository.root, "commit", "--quiet", "-m", "script")
    repository.commit_files({"run": b"#!/bin/sh\necho\n"}, "second", "m")
    assert git(repository.root, "status", "--porcelain") == ""
    assert script.stat().st_mode & 0o111


def test_an_uncommitted_edit_in_the_way_stops_the_move_with_nothing_changed(repository: Repository) -> None:
    before = repository.tip()
    git(repository.root, "checkout", "--quiet", "-b", "other")
    newer = repository.commit_files({"a.md": b"theirs\n", "d/b.md": b"theirs\n"}, "second", "m")
    git(repository.root, "checkout", "--quiet", "main")
    (repository.root / "a.md").write_text("my own edit\n")
    with pytest.raises(NeedsPersonError, match=r"a\.md has changes that are not committed"):
        repository.move_to(newer)
    assert repository.tip() == before
    assert (repository.root / "a.md").read_text() == "my own edit\n"
    assert (repository.root / "d/b.md").read_bytes() == b"b\n"


def test_an_ignored_or_untracked_file_elsewhere_is_left_alone(repository: Repository) -> None:
    (repository.root / "notes.txt").write_text("mine")
    repository.commit_files({"a.md": b"A\n"}, "second", "m")
    assert (repository.root / "notes.txt").read_text() == "mine"


def test_a_folder_that_is_a_link_is_not_written_through(repository: Repository, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (repository.root / "projects").symlink_to(outside)
    with pytest.raises(NeedsPersonError, match="behind a symbolic link"):
        repository.commit_files({"projects/x.md": b"x\n"}, "second", "m")
    assert list(outside.iterdir()) == []


def test_a_detached_head_and_a_merge_under_way_need_a_person(repository: Repository) -> None:
    git(repository.root, "checkout", "--quiet", "--detach")
    with pytest.raises(NeedsPersonError, match="no branch is checked out"):
        repository.branch()
    git(repository.root, "checkout", "--quiet", "main")
    (repository.root / ".git/MERGE_HEAD").write_text(f"{repository.tip()}\n")
    with pytest.raises(NeedsPersonError, match="under way"):
        repository.branch()


def test_a_folder_without_git_is_named(tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match="is not a git clone"):
        Repository(tmp_path)


def test_edits_are_found_by_content_not_by_time(repository: Repository) -> None:
    (repository.root / "d/b.md").write_bytes(b"edited\n")
    (repository.root / "d/e/c.md").unlink()
    (repository.root / "d/new.md").write_bytes(b"new\n")
    (repository.root / "a.md").touch()
    assert repository.edited_files(["d", "nowhere"]) == {"d/b.md": b"edited\n", "d/new.md": b"new\n", "d/e/c.md": None}


def test_replayed_commits_keep_author_and_message(repository: Repository) -> None:
    base = repository.tip() or ""
    mine = repository.commit_files({"mine.md": b"1\n"}, "mine\n\nMachine: m", "m")
    git(repository.root, "checkout", "--quiet", "-b", "theirs", base)
    theirs = Repository(repository.root).commit_files({"theirs.md": b"2\n"}, "theirs", "m")
    tip, notes = repository.replay(repository.commits_between(theirs, mine), theirs, refuse)
    assert notes == []
    assert git(repository.root, "log", "--format=%an %s", f"{base}..{tip}").split("\n") == ["Ada mine", "Ada theirs"]


def test_merging_disjoint_edits_equals_git_merge_tree(repository: Repository) -> None:
    random.seed(7)
    base = repository.tip() or ""
    files: dict[str, bytes | None] = {f"p/{a}/{b}.md": b"%d\n" % (a * b) for a in range(4) for b in range(5)}
    base = repository.commit_files(files, "base", "m")
    for number in range(10):
        git(repository.root, "checkout", "--quiet", "-B", "main", base)
        paths = sorted(files)
        random.shuffle(paths)
        sides = []
        for name, chosen in (("main", paths[:5]), ("other", paths[5:10])):
            git(repository.root, "checkout", "--quiet", "-B", name, base)
            edits: dict[str, bytes | None] = {path: random.choice([None, b"edit %d\n" % number]) for path in chosen}
            edits[f"p/{name}/new{number}.md"] = b"new\n"
            sides.append(Repository(repository.root).commit_files(edits, name, "m"))
        git(repository.root, "checkout", "--quiet", "main")
        merged, notes = Repository(repository.root).merge(sides[1], refuse, "m")
        expected = git(repository.root, "-c", "merge.renames=false", "merge-tree", "--write-tree", *sides)
        assert notes == []
        assert git(repository.root, "rev-parse", f"{merged}^{{tree}}") == expected


def test_an_edit_of_one_file_never_lands_in_another_that_looks_alike(repository: Repository) -> None:
    base = repository.commit_files({"x.md": b"line\n" * 20 + b"confidence 8\n"}, "base", "m")
    edited = repository.commit_files({"x.md": b"line\n" * 20 + b"confidence 2\n"}, "edit", "m")
    git(repository.root, "checkout", "--quiet", "-B", "other", base)
    moved = Repository(repository.root).commit_files(
        {"x.md": None, "y.md": b"line\n" * 20 + b"confidence 8\n"}, "look-alike", "m"
    )
    git(repository.root, "checkout", "--quiet", "main")
    merged, _ = Repository(repository.root).merge(moved, ours_wins, "m")
    assert (repository.read_file(merged, "y.md") or b"").endswith(b"confidence 8\n")
    assert (repository.read_file(merged, "x.md") or b"").endswith(b"confidence 2\n")
    assert edited != merged


def test_a_file_against_a_folder_loses_neither(repository: Repository) -> None:
    base = repository.tip() or ""
    mine = repository.commit_files({"thing": b"a file\n"}, "file", "m")
    git(repository.root, "checkout", "--quiet", "-b", "other", base)
    theirs = Repository(repository.root).commit_files({"thing/inner.md": b"a folder\n"}, "folder", "m")
    trees = []
    for branch, other in (("main", theirs), ("other", mine)):
        git(repository.root, "checkout", "--quiet", branch)
        merged, notes = Repository(repository.root).merge(other, ours_wins, "m")
        (note,) = notes
        assert note.startswith("thing: is a file on one side and something else on the other; what is a file of it is")
        trees.append(git(repository.root, "ls-tree", "-r", merged))
    assert trees[0] == trees[1]
    names = [line.partition("\t")[2] for line in trees[0].split("\n")]
    (beside,) = [name for name in names if name.startswith("thing.conflict-")]
    assert "thing/inner.md" in names
    assert read_sidecar(beside, repository.read_file(merged, beside) or b"").data == b"a file\n"


def test_a_conflict_that_no_rule_settles_keeps_both_and_the_rest_goes_on(repository: Repository) -> None:
    base = repository.tip() or ""
    repository.commit_files({"a.md": b"mine\n", "d/b.md": b"B\n"}, "mine", "m")
    git(repository.root, "checkout", "--quiet", "-b", "other", base)
    theirs = Repository(repository.root).commit_files({"a.md": b"theirs\n"}, "theirs", "m")
    git(repository.root, "checkout", "--quiet", "main")
    merged, notes = Repository(repository.root).merge(theirs, refuse, "m")
    assert notes == ["a.md: both; what is a file of it is kept (agent-context resolve)"]
    assert repository.read_file(merged, "d/b.md") == b"B\n"
    stands = repository.read_file(merged, "a.md")
    (beside,) = [name for name in git(repository.root, "ls-tree", "--name-only", merged).split() if "conflict" in name]
    assert {stands, read_sidecar(beside, repository.read_file(merged, beside) or b"").data} == {b"mine\n", b"theirs\n"}


def test_worktrees_and_folders_below_belong_to_one_checkout(tmp_path: Path) -> None:
    main = tmp_path / "main"
    main.mkdir()
    git(main, "init", "--quiet")
    git(main, "remote", "add", "origin", "git@github.com:o/r.git")
    git(main, "commit", "--quiet", "--allow-empty", "-m", "x")
    git(main, "worktree", "add", "--quiet", str(tmp_path / "tree"))
    (tmp_path / "tree" / "sub").mkdir()
    found = locate_checkout(tmp_path / "tree" / "sub")
    assert found is not None
    assert (found.top, found.remote) == (tmp_path / "tree", "git@github.com:o/r.git")
    assert found.common_dir.resolve() == (main / ".git").resolve()
    assert find_root_commit(found) == git(main, "rev-parse", "HEAD")
    assert locate_checkout(tmp_path / "nowhere") is None
    assert locate_checkout(Path("/")) is None


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files cannot be counted here")
def test_a_clone_that_was_committed_to_leaves_no_file_open(tmp_path: Path) -> None:
    def count() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    init_repository(tmp_path)
    Repository(tmp_path).commit_files({"projects/a/b.txt": b"first"}, "first\n", "laptop")
    gc.collect()
    before = count()
    for number in range(10):
        Repository(tmp_path).commit_files({"projects/a/b.txt": b"%d" % number}, "more\n", "laptop")
    gc.collect()  # exceptions and frames of the test itself may hold one
    assert count() <= before + 1
