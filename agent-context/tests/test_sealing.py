from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pyrage
import pytest
from samples import LESSON, OTHER_LESSON, Machine, bare_remote, git, make_learning, replace_fields

from agent_context.checking import check
from agent_context.config import load_machine_settings
from agent_context.errors import AgentContextError, SealedError
from agent_context.frontmatter import write_learning
from agent_context.keyring import add_key, list_access, remove_key, rotate_key, trust_keys
from agent_context.knowledge import KnowledgeBase
from agent_context.learning import Status
from agent_context.presenting import collect_site
from agent_context.review.reviewing import decide
from agent_context.sealing import Recipient, Sealer, parse_recipients, seal_resolver, write_recipients
from agent_context.syncing.sync import sync

if TYPE_CHECKING:
    from pathlib import Path

    from agent_context.reports import SyncReport

PROJECT = "o.r"


def unlock(machine: Machine) -> KnowledgeBase:
    """The machine's knowledge base, opened with the machine's keys as the program does."""
    own = load_machine_settings(machine.environment.machine_file)
    sealer = Sealer(machine.root, machine.environment.keys_file, machine.folder / "ssh" / "id_ed25519", own.recipients)
    return KnowledgeBase(machine.root, sealer)


def run(machine: Machine) -> SyncReport:
    own = load_machine_settings(machine.environment.machine_file)
    return sync(unlock(machine), replace(machine.environment, own=own))


def history(machine: Machine) -> bytes:
    """Every object of the clone's repository: commits, trees with their file names, files."""
    command = ["git", "cat-file", "--batch-all-objects", "--batch"]
    return subprocess.run(command, cwd=machine.root, capture_output=True, check=True).stdout


def claims(machine: Machine) -> list[str]:
    return sorted(entry.learning.claim for entry in unlock(machine).load(PROJECT).entries)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Machine, Machine]:
    """Two machines on one remote; the first has an encrypted project that the second can read too."""
    remote = bare_remote(tmp_path)
    first, second = Machine.join(tmp_path, remote, "first"), Machine.join(tmp_path, remote, "second")
    add_key(unlock(first), first.environment, PROJECT, "", "")
    theirs = unlock(second).sealer
    assert theirs is not None
    add_key(unlock(first), first.environment, PROJECT, theirs.make_key(), "second")
    assert run(first).exit_code == 0
    assert run(second).exit_code == 0
    return first, second


def test_nothing_of_an_encrypted_project_is_in_git_in_clear(pair: tuple[Machine, Machine]) -> None:
    first, second = pair
    first.teach(LESSON, cwd=first.checkout())
    report = run(first)
    assert [learned.claim for learned in report.learned] == [LESSON]
    assert b"fly" not in history(first)
    assert "fly" not in git(first.root, "ls-files")
    assert run(second).exit_code == 0
    assert claims(second) == [LESSON]


def test_a_machine_without_a_key_carries_the_files_unread(tmp_path: Path, pair: tuple[Machine, Machine]) -> None:
    first, _ = pair
    first.teach(LESSON, cwd=first.checkout())
    run(first)
    stranger = Machine.join(tmp_path, tmp_path / "remote.git", "stranger")
    report = run(stranger)
    assert (report.exit_code, report.problems) == (0, [])
    contents = unlock(stranger).load(PROJECT)
    assert (contents.entries, len(contents.sealed)) == ((), 1)
    with pytest.raises(SealedError, match="cannot be opened here"):
        trust_keys(unlock(stranger), stranger.environment, PROJECT)


def test_a_review_of_a_sealed_learning_stays_sealed_and_merges_with_an_edit_elsewhere(
    pair: tuple[Machine, Machine],
) -> None:
    first, second = pair
    first.teach(LESSON, cwd=first.checkout())
    identity = run(first).learned[0].id
    run(second)
    decide(unlock(first), first.environment, (identity,), Status.ACCEPTED, "good")
    entry = unlock(second).find(identity)
    tagged = unlock(second).bytes_for(entry.path, replace_fields(entry.learning, tags=("release",)))
    (second.root / entry.path).write_bytes(tagged)
    assert run(first).exit_code == 0
    assert run(second).exit_code == 0
    assert run(first).exit_code == 0
    for machine in pair:
        merged = unlock(machine).find(identity).learning
        assert (merged.status, merged.tags) == (Status.ACCEPTED, ("release",))
    assert git(first.root, "rev-parse", "HEAD") == git(second.root, "rev-parse", "HEAD")
    assert b"fly" not in history(first)


def test_a_text_that_did_not_change_keeps_its_bytes(pair: tuple[Machine, Machine]) -> None:
    first, _ = pair
    first.teach(LESSON, cwd=first.checkout())
    identity = run(first).learned[0].id
    entry = unlock(first).find(identity)
    assert unlock(first).bytes_for(entry.path, entry.learning) == (first.root / entry.path).read_bytes()


def test_a_deleted_sealed_learning_comes_back_as_a_sealed_rejection(pair: tuple[Machine, Machine]) -> None:
    first, _ = pair
    first.teach(LESSON, cwd=first.checkout())
    identity = run(first).learned[0].id
    (first.root / unlock(first).find(identity).path).unlink()
    assert run(first).exit_code == 0
    assert unlock(first).find(identity).learning.status is Status.REJECTED
    assert b"fly" not in history(first)


def test_a_recipient_that_somebody_else_added_reads_nothing_until_a_person_here_agrees(
    pair: tuple[Machine, Machine],
) -> None:
    first, second = pair
    intruder = pyrage.x25519.Identity.generate()
    file = second.root / "projects" / PROJECT / "recipients.txt"
    file.write_text(file.read_text() + f"# colleague\n{intruder.to_public()}\n")
    run(second)
    run(first)
    first.teach(OTHER_LESSON, cwd=first.checkout())
    identity = run(first).learned[0].id
    path = first.root / unlock(first).find(identity).path
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(path.read_bytes(), [intruder])
    (access,) = list_access(unlock(first))
    assert [recipient.name for recipient in access.untrusted] == ["colleague"]
    assert trust_keys(unlock(first), first.environment, PROJECT).files == 1
    assert OTHER_LESSON.encode() in pyrage.decrypt(path.read_bytes(), [intruder])


def test_a_removed_key_does_not_read_what_comes_later(pair: tuple[Machine, Machine]) -> None:
    first, second = pair
    remove_key(unlock(first), first.environment, PROJECT, "second")
    first.teach(LESSON, cwd=first.checkout())
    run(first)
    run(second)
    assert (claims(first), claims(second)) == ([LESSON], [])
    with pytest.raises(AgentContextError, match="only key"):
        remove_key(unlock(first), first.environment, PROJECT, "first")


def test_a_rotated_key_reads_old_and_new(pair: tuple[Machine, Machine]) -> None:
    first, second = pair
    first.teach(LESSON, cwd=first.checkout())
    run(first)
    before = unlock(first).sealer.own_keys()  # type: ignore[union-attr]
    assert [done.files for done in rotate_key(unlock(first), first.environment)] == [1]
    after = unlock(first).sealer.own_keys()  # type: ignore[union-attr]
    assert (len(after), after[0]) == (2, before[0])
    assert {item.key for item in unlock(first).sealer.read_recipients(PROJECT)} & set(after) == {after[1]}  # type: ignore[union-attr]
    run(first)
    run(second)
    assert claims(first) == claims(second) == [LESSON]


def test_clear_learnings_are_converted_when_told_and_rejected_nowhere(pair: tuple[Machine, Machine]) -> None:
    first, second = pair
    other = first.checkout("git@github.com:o/clear.git", "clear")
    first.teach(LESSON, cwd=other)
    run(first)
    run(second)
    done = add_key(unlock(first), first.environment, "o.clear", "", "", convert=True)
    assert (done.files, done.converted) == (0, 1)
    run(first)
    run(second)
    entries = unlock(first).load("o.clear").entries
    assert [(entry.is_sealed, entry.learning.status) for entry in entries] == [(True, Status.UNREVIEWED)]
    assert unlock(second).load("o.clear").sealed == (entries[0].path,)
    assert unlock(second).load("o.clear").entries == ()


def test_a_key_file_that_others_can_read_is_refused(pair: tuple[Machine, Machine]) -> None:
    first, _ = pair
    first.environment.keys_file.chmod(0o644)
    with pytest.raises(AgentContextError, match="can be read by others"):
        unlock(first).sealer.own_keys()  # type: ignore[union-attr]


def test_an_ssh_key_opens_and_seals(tmp_path: Path) -> None:
    key = tmp_path / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "me@home", "-f", str(key)], check=True)
    public = parse_recipients(key.with_suffix(".pub").read_text())
    assert public[0].name == "me@home"
    sealer = Sealer(tmp_path, tmp_path / "keys.txt", key, {PROJECT: (public[0].key,)})
    path = f"projects/{PROJECT}/2026-03/0123456789.md.age"
    assert sealer.open(path, sealer.seal(path, b"hello")) == b"hello"


def test_what_is_no_key_is_refused_before_anything_is_written(pair: tuple[Machine, Machine]) -> None:
    first, _ = pair
    before = git(first.root, "rev-parse", "HEAD")
    for wrong in ("age1nonsense", "ssh-ed25519 AAAA", "/no/such/file"):
        with pytest.raises(AgentContextError, match="key"):
            add_key(unlock(first), first.environment, PROJECT, wrong, "")
    assert git(first.root, "rev-parse", "HEAD") == before


def test_the_recipients_file_is_ages_own_format() -> None:
    listed = [Recipient("age1abc", "laptop"), Recipient("ssh-ed25519 AAAA", "desk")]
    assert parse_recipients(write_recipients(listed).decode()) == listed


def test_two_seals_of_one_text_merge_without_a_new_one(tmp_path: Path) -> None:
    identity = pyrage.x25519.Identity.generate()
    keys = tmp_path / "keys.txt"
    keys.write_text(f"{identity}\n")
    keys.chmod(0o600)
    sealer = Sealer(tmp_path, keys, tmp_path / "none", {PROJECT: (str(identity.to_public()),)})
    path = f"projects/{PROJECT}/2026-03/0123456789.md.age"
    text = write_learning(make_learning()).encode()
    ours, theirs = sealer.seal(path, text), sealer.seal(path, text)
    assert ours != theirs
    resolve = seal_resolver(lambda _path, _base, mine, _theirs: mine, sealer)
    assert resolve(path, None, ours, theirs) == theirs


def test_the_site_shows_no_sealed_learning(pair: tuple[Machine, Machine]) -> None:
    first, _ = pair
    first.teach(LESSON, cwd=first.checkout())
    run(first)
    site = collect_site(unlock(first), "2026-03-02T00:00:00Z")
    assert [shelf.folder for shelf in site.shelves if shelf.folder == PROJECT or shelf.entries] == []


def test_check_looks_into_sealed_files(pair: tuple[Machine, Machine]) -> None:
    first, _ = pair
    first.teach(LESSON, cwd=first.checkout())
    entry = unlock(first).find(run(first).learned[0].id)
    poisoned = unlock(first).bytes_for(entry.path, replace_fields(entry.learning, claim="Deploy\u202e with make."))
    (first.root / entry.path).write_bytes(poisoned)
    assert [(problem.path, problem.message.split(" ")[0]) for problem in check(unlock(first))] == [
        (entry.path, "poison:")
    ]
