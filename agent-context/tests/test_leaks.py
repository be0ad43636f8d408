"""A secret that got in, out of every clone again: real clones, a real bare remote, real git."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from samples import LESSON, Machine, acquaint, git, make_learning, replace_fields
from test_cli import run

from agent_context.errors import AgentContextError, NeedsPersonError
from agent_context.frontmatter import write_learning
from agent_context.git import Repository
from agent_context.git.rewriting import Rewriting
from agent_context.history.leaks import follow, leak_at, leak_of_value, rewrite, trace, verify
from agent_context.knowledge import KnowledgeBase
from agent_context.layout import learning_path
from agent_context.rotation import ANYWHERE, advise_rotation
from agent_context.search.searching import open_index, refresh
from agent_context.state import ASKED, State, name_of_clone
from agent_context.trailers import trailers

if TYPE_CHECKING:
    from pathlib import Path

KEY = "AKIA" + "Z7QX3MPL5RTV2WNB"  # made up, put together here so that no scanner takes this file for a leak
LEARNING = make_learning("Deploy with `make deploy`.")
PATH = learning_path("o.r", LEARNING)


def kb(machine: Machine) -> KnowledgeBase:
    return KnowledgeBase(machine.root)


def leak(machine: Machine, text: str = f"The key is {KEY} for now.") -> str:
    """Commit a learning with the secret, mend it in another commit, and push both. Returns FILE:LINE."""
    bad = replace_fields(LEARNING, why=(text,))
    repository = Repository(machine.root)
    name = machine.environment.machine
    repository.commit_files({PATH: write_learning(bad).encode()}, f"learn: 1\n\n{trailers(name)}", name)
    git(machine.root, "tag", "v1")
    git(machine.root, "push", "--quiet", "origin", "v1", "main")
    lines = (machine.root / PATH).read_text().splitlines()
    return f"{PATH}:{next(number for number, line in enumerate(lines, 1) if KEY in line)}"


def keep_copies(machine: Machine) -> None:
    """Put the secret where a search, a site and a model's answers would have."""
    refresh(machine.environment, kb(machine))
    data_dir, name = machine.environment.data_dir, name_of_clone(machine.root)
    (data_dir / f"site-{name}.msgpack").write_text(KEY)
    (data_dir / f"site-{'0' * 16}.msgpack").write_text("another knowledge base's")
    with open_index(machine.environment, kb(machine)) as index, index.writing():
        index.set_fact("planted", KEY)
    with State(data_dir, machine.root) as state:
        state.set_fact(f"{ASKED}of it", KEY)


def everything(root: Path, *, objects: bool = True) -> str:
    """Every byte of every object and log of a clone, and of its worktree."""
    command = ["git", "cat-file", "--batch", "--batch-all-objects"]
    found = subprocess.run(command, cwd=root, capture_output=True, check=True).stdout if objects else b""
    return found.decode(errors="replace") + "".join(
        file.read_bytes().decode(errors="replace") for file in root.rglob("*") if file.is_file()
    )


def test_the_walk_takes_it_out_of_two_clones_and_the_remote(machine: Machine, other: Machine, remote: Path) -> None:
    acquaint(machine, other)
    where = leak(machine)
    other.sync()
    note = make_learning("Only here.")
    files: dict[str, bytes | None] = {learning_path("o.r", note): write_learning(note).encode()}
    Repository(other.root).commit_files(files, f"add\n\n{trailers('desktop')}", "desktop")

    found = leak_at(kb(machine), where)
    traced = trace(kb(machine), machine.environment, found)
    assert (traced.rule, traced.objects) == ("aws-access-key-id", 1)
    assert [place.split(" since ")[0] for place in traced.places] == [PATH]
    assert traced.rotation.startswith("AWS: IAM")

    for one in (machine, other):
        keep_copies(one)
    cleaned = rewrite(kb(machine), machine.environment, found)
    assert (cleaned.left, len(cleaned.pushes)) == (0, 2)
    assert KEY not in everything(machine.environment.data_dir, objects=False)
    assert KEY not in everything(machine.root)
    assert "[redacted:aws-access-key-id]" in (machine.root / PATH).read_text()
    assert git(machine.root, "status", "--porcelain") == ""
    assert "history was rewritten" in machine.sync().blocked[0]  # not pushed yet: nothing old comes back
    assert KEY in everything(remote)
    assert verify(kb(machine), found).remote == 1

    for push in cleaned.pushes:
        subprocess.run(shlex.split(push), check=True, capture_output=True)
    assert verify(kb(machine), found).here == verify(kb(machine), found).remote == 0
    assert (machine.sync().exit_code, machine.sync().learned) == (0, [])

    blocked = other.sync()
    assert "history was rewritten" in blocked.blocked[0]
    followed = follow(kb(other), other.environment)
    assert followed.own == 1
    assert KEY not in everything(other.root) + everything(other.environment.data_dir, objects=False)
    assert other.sync().pushed == 1
    machine.sync()
    assert KEY not in everything(machine.root)
    assert machine.learnings() == other.learnings()
    assert len(machine.learnings()) == 2
    for root in (machine.root, other.root):
        assert git(root, "status", "--porcelain") == ""
        git(root, "fsck", "--strict")


def test_the_program_never_shows_it_and_says_each_step(machine: Machine, other: Machine) -> None:
    acquaint(machine, other)
    where = leak(machine)
    other.sync()
    done = run(machine, "purge-secret", where, "--kb", "kb")
    assert done.returncode == 0, done.stderr
    assert "1. Make it worthless first" in done.stdout
    assert KEY not in done.stdout + done.stderr
    digest = json.loads(run(machine, "purge-secret", where, "--kb", "kb", "--json").stdout)["digest"]
    assert run(machine, "purge-secret", digest, "--kb", "kb", "--verify").returncode == 3
    assert run(machine, "purge-secret", digest, "--kb", "kb", "--rewrite", stdin="n\n").returncode == 130
    assert KEY in (machine.root / PATH).read_text()
    done = run(machine, "purge-secret", digest, "--kb", "kb", "--rewrite", "--yes")
    assert done.returncode == 0, done.stderr
    assert "git -C" in done.stdout
    assert "--force-with-lease=main:" in done.stdout
    assert KEY not in done.stdout + done.stderr
    done = run(machine, "purge-secret", "--stdin", "--kb", "kb", "--verify", stdin=f"{KEY}\n")
    assert (done.returncode, done.stdout) == (3, "0 objects here and 1 object in the remote hold it.\n")
    for line in run(machine, "purge-secret", digest, "--kb", "kb").stderr.splitlines():
        assert KEY not in line
    done = run(other, "purge-secret", "--follow", "--kb", "kb")
    assert done.returncode == 0, done.stderr


def test_messages_names_and_other_branches_are_rewritten_too_and_the_rest_is_not(machine: Machine) -> None:
    leak(machine)
    before = git(machine.root, "rev-parse", "HEAD~1")
    git(machine.root, "switch", "--quiet", "-c", "side", before)
    (machine.root / f"{KEY}.txt").write_text("x\n")
    git(machine.root, "add", ".")
    git(machine.root, "commit", "--quiet", "-m", f"with {KEY}")
    git(machine.root, "tag", "-a", "-m", f"about {KEY}", "noted")
    git(machine.root, "update-ref", "refs/private/file", git(machine.root, "rev-parse", f"HEAD:{KEY}.txt"))
    git(machine.root, "switch", "--quiet", "main")
    cleaned = rewrite(kb(machine), machine.environment, leak_of_value(KEY))
    assert (cleaned.moved, cleaned.left) == (5, 0)
    assert KEY not in everything(machine.root)
    assert git(machine.root, "rev-parse", "HEAD~1") == before
    names = git(machine.root, "ls-tree", "--name-only", "side").splitlines()
    assert "[redacted:aws-access-key-id].txt" in names
    git(machine.root, "fsck", "--strict")


def test_commits_keep_their_authors_times_and_parents(machine: Machine, other: Machine) -> None:
    leak(machine)
    (other.root / "README.md").write_text("x\n")
    git(other.root, "add", ".")
    git(other.root, "commit", "--quiet", "-m", "readme", "--author", "Bob <bob@example.com>")
    other.sync()
    machine.sync()
    shape = git(machine.root, "log", "--format=%an %ae %at %ct %s", "main")
    rewrite(kb(machine), machine.environment, leak_of_value(KEY))
    assert git(machine.root, "log", "--format=%an %ae %at %ct %s", "main") == shape


def test_nothing_is_rewritten_while_something_is_in_the_way(machine: Machine, other: Machine) -> None:
    found = leak_at(kb(machine), leak(machine))
    before = git(machine.root, "rev-parse", "HEAD")
    text = (machine.root / PATH).read_text()
    (machine.root / PATH).write_text(text + "\nMore.\n")
    with pytest.raises(NeedsPersonError, match="has changes that are not committed"):
        rewrite(kb(machine), machine.environment, found)
    git(machine.root, "stash")
    with pytest.raises(NeedsPersonError, match="a stash holds it too"):
        rewrite(kb(machine), machine.environment, found)
    git(machine.root, "stash", "drop")
    other.teach(LESSON, cwd=other.checkout())
    other.sync()
    with pytest.raises(NeedsPersonError, match="the remote has commits that are not here yet"):
        rewrite(kb(machine), machine.environment, found)
    assert git(machine.root, "rev-parse", "HEAD") == before
    assert (machine.root / PATH).read_text() == text


def test_a_push_by_force_is_refused_when_the_remote_has_moved_on(machine: Machine, other: Machine) -> None:
    acquaint(machine, other)
    found = leak_at(kb(machine), leak(machine))
    other.sync()
    cleaned = rewrite(kb(machine), machine.environment, found)
    other.teach(LESSON, cwd=other.checkout())
    assert other.sync().pushed == 1
    push = next(item for item in cleaned.pushes if "--force-with-lease=main:" in item)
    assert subprocess.run(shlex.split(push), check=False, capture_output=True).returncode != 0


def test_an_unrelated_stash_survives(machine: Machine) -> None:
    found = leak_at(kb(machine), leak(machine))
    git(machine.root, "checkout", "--quiet", "HEAD~1", "--detach")
    (machine.root / "README.md").write_text("mine\n")
    git(machine.root, "add", "README.md")
    git(machine.root, "stash")
    git(machine.root, "switch", "--quiet", "main")
    rewrite(kb(machine), machine.environment, found)
    assert git(machine.root, "stash", "list") != ""
    assert Rewriting(machine.root).find_holders(found.values) == set()


def test_what_cannot_be_found_is_said(machine: Machine) -> None:
    leak(machine)
    with pytest.raises(AgentContextError, match="the screen sees no secret on that line"):
        leak_at(kb(machine), f"{PATH}:1")
    with pytest.raises(AgentContextError, match="is no FILE:LINE of the knowledge base and no hash"):
        leak_at(kb(machine), "nonsense")
    with pytest.raises(AgentContextError, match="no secret with the hash 0123456789"):
        leak_at(kb(machine), "0123456789")
    with pytest.raises(AgentContextError, match="fewer than 6 characters"):
        leak_of_value("abc\n")
    assert "values" not in repr(leak_of_value(KEY))
    assert KEY not in repr(leak_of_value(KEY))


def test_following_needs_a_rewritten_remote_and_changes_nothing_without(machine: Machine) -> None:
    leak(machine)
    before = git(machine.root, "rev-parse", "HEAD")
    assert (follow(kb(machine), machine.environment).commit, KEY in everything(machine.root)) == (before, True)


def test_each_kind_of_secret_has_its_advice() -> None:
    assert advise_rotation("github-fine-grained-token").startswith("GitHub:")
    assert advise_rotation("generic-assignment") == ANYWHERE
    assert sys.modules["agent_context.rotation"].ROTATIONS["aws"].startswith("AWS")
