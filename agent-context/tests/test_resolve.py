from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from program import run_forked
from samples import LESSON, Machine, git, make_learning, replace_fields

from agent_context.errors import AgentContextError
from agent_context.frontmatter import parse_learning, write_learning
from agent_context.knowledge import KnowledgeBase
from agent_context.layout import learning_path
from agent_context.learning import Conflict, Learning
from agent_context.merging.conflicts import OpenConflict, Origin, Version, choose, join, recommend
from agent_context.merging.merge import Resolved
from agent_context.merging.sidecars import file_of, is_sidecar, make_sidecar, read_sidecar
from agent_context.review.resolution import resolve
from agent_context.review.settling import find_conflicts, list_conflicts, settle, trace
from agent_context.sealing import Sealer, seal_resolver
from agent_context.trailers import trailers

BASE = make_learning(why=("It cost us an evening.",))
PATH = learning_path("o.r", BASE)
TOML = "projects/o.r/project.toml"


def resolved(path: str, base: str | None, ours: str | bytes, theirs: str | bytes) -> Resolved:
    """Merge two texts, which must come to the same with the sides exchanged."""
    before, mine, other = (side.encode() if isinstance(side, str) else side for side in (base, ours, theirs))
    found, exchanged = resolve(path, before, mine, other), resolve(path, before, other, mine)
    assert found == exchanged
    assert found is not None
    return found if isinstance(found, Resolved) else Resolved(found)


def written(learning: Learning, **fields: object) -> str:
    return write_learning(replace_fields(learning, **fields))


def run(machine: Machine, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_forked([*arguments, "--kb", str(machine.root)], Path.cwd(), environment(machine))


def environment(machine: Machine) -> dict[str, str]:
    return {
        **os.environ,
        "HOME": str(machine.folder),
        "AGENT_CONTEXT_MACHINE": machine.environment.machine,
        "XDG_CONFIG_HOME": str(machine.folder / "xdg"),
        "XDG_DATA_HOME": str(machine.folder / "xdg"),
        "COLUMNS": "120",
    }


def commit(machine: Machine, files: dict[str, bytes], *, of: str, day: int) -> None:
    """Commit files as a machine's sync would have, on a day of March."""
    for path, data in files.items():
        file = machine.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        git(machine.root, "add", path)
    at = f"2026-03-{day:02d}T10:00:00Z"
    command = ["git", "commit", "--quiet", "-m", f"sync\n\n{trailers(of)}"]
    dates = {**os.environ, "GIT_COMMITTER_DATE": at, "GIT_AUTHOR_DATE": at}
    subprocess.run(command, cwd=machine.root, env=dates, check=True)


def leave_open(machine: Machine, path: str, base: str, ours: str, theirs: str) -> None:
    """Bring a conflict about: the desktop's version came in first, the laptop's was put on top of it."""
    commit(machine, {path: base.encode()}, of="vm", day=1)
    commit(machine, {path: theirs.encode()}, of="desktop", day=2)
    merged = resolved(path, base, ours, theirs)
    commit(machine, {path: merged.data, **merged.beside}, of="laptop", day=3)


@pytest.fixture
def torn(machine: Machine) -> Machine:
    """A clone with one learning whose claim two machines worded anew."""
    leave_open(
        machine, PATH, written(BASE), written(BASE, claim="Deploy with make."), written(BASE, claim="Deploy with just.")
    )
    return machine


def test_two_claims_are_both_kept_in_the_file_and_the_person_is_told() -> None:
    found = resolved(PATH, written(BASE), written(BASE, claim="Use make."), written(BASE, claim="Use just."))
    learning = parse_learning(found.data.decode(), PATH)
    assert learning.claim == "Use make."
    assert learning.conflicts == (Conflict("claim", ("Use just.", "Use make.")),)
    assert found.beside == {}
    assert found.notes == (
        f"{PATH}: both sides changed its claim; both are kept; agent-context resolve shows and settles it",
    )


def test_a_learning_that_does_not_read_on_one_side_is_kept_beside_the_other() -> None:
    found = resolved(PATH, written(BASE), written(BASE, tags=("new",)), "no front matter, but words\n")
    assert found.data.decode() == written(BASE, tags=("new",))
    ((name, data),) = found.beside.items()
    assert is_sidecar(name)
    assert file_of(name) == PATH
    assert read_sidecar(name, data).data == b"no front matter, but words\n"
    assert "does not read" in found.notes[0]


def test_where_no_side_reads_lines_are_merged() -> None:
    assert resolved(PATH, "a\nb\nc\n", "A\nb\nc\n", "a\nb\nC\n") == Resolved(b"A\nb\nC\n")


def test_an_edit_beats_a_deletion_and_says_so() -> None:
    found = resolve(PATH, b"old", None, b"new")
    assert found == resolve(PATH, b"old", b"new", None)
    assert found == Resolved(b"new", notes=(f"{PATH}: one side deleted it, the other edited it; the edit is kept",))


def test_lines_are_merged_and_what_is_left_open_is_kept_beside() -> None:
    base = "# Title\n\none\n\ntwo\n\nthree\n"
    ours, theirs = base.replace("one", "ours").replace("three", "3"), base.replace("one", "theirs")
    found = resolved("README.md", base, ours, theirs)
    assert found.data.decode() == "# Title\n\ntheirs\n\ntwo\n\n3\n"
    ((name, data),) = found.beside.items()
    assert name.startswith("README.md.conflict-")
    assert read_sidecar(name, data).data.decode() == "# Title\n\nours\n\ntwo\n\n3\n"


def test_files_that_are_no_text_are_both_kept() -> None:
    found = resolved("tooling/skills/x/logo.png", None, b"\x89PNG\xff1", b"\x89PNG\xff2")
    ((name, data),) = found.beside.items()
    assert {found.data, read_sidecar(name, data).data} == {b"\x89PNG\xff1", b"\x89PNG\xff2"}


@pytest.mark.parametrize(
    "text", ["a\r\nb\r\n", "a\rb", "quotes \"\"\" and '''\n", "no line end", "\x0b \x00 é \u2028\n"]
)
def test_a_text_comes_back_from_its_sidecar_to_the_byte(text: str) -> None:
    found = resolved("README.md", "base\n", "zzz\n", text)
    ((name, data),) = found.beside.items()
    assert read_sidecar(name, data).data == text.encode()


def test_a_table_keeps_what_both_set_and_its_comments() -> None:
    base = '# Ours alone.\nname = "a" # short\nremotes = ["x"]\n'
    found = resolved(TOML, base, base.replace('"x"', '"x", "y"'), base.replace('"x"', '"x", "z"') + "local = true\n")
    assert found.data.decode() == '# Ours alone.\nname = "a" # short\nremotes = ["x", "z", "y"]\nlocal = true\n'
    assert found.beside == {}


def test_a_key_that_both_set_otherwise_is_kept_beside() -> None:
    found = resolved(TOML, 'name = "a"\n', 'name = "b"\n', 'name = "c"\nlocal = true\n')
    assert found.data.decode() == 'name = "c"\nlocal = true\n'
    ((name, data),) = found.beside.items()
    sidecar = read_sidecar(name, data)
    assert (sidecar.key, sidecar.text) == (("name",), 'name = "b"\n')
    assert found.notes[0].startswith(f"{TOML}: both sides changed name; ")


def test_a_table_that_does_not_read_is_merged_by_line() -> None:
    assert resolved(TOML, "a = 1\n\nb = 2\n", "a = 3\n\nb = 2\n", "a = 1\n\nb = \n").data == b"a = 3\n\nb = \n"


some_lines = st.lists(st.sampled_from(["a", "b", "key = 1", "key = 2", "[t]", "---", "", '{"a": 1}']), max_size=6).map(
    "\n".join
)
some_bytes = some_lines.map(str.encode) | st.sampled_from([b"\xff\xfe", b"\r\n", write_learning(BASE).encode()])


@given(
    st.sampled_from(
        [PATH, TOML, "README.md", "tooling/mcp/x.json", f"{TOML}.conflict-0123456789", "tooling/machines/a.toml"]
    ),
    st.none() | some_bytes,
    st.none() | some_bytes,
    st.none() | some_bytes,
)
def test_every_merge_comes_to_an_end_and_loses_no_line(
    path: str, base: bytes | None, ours: bytes | None, theirs: bytes | None
) -> None:
    """Whatever the files hold; but for a machine's own file, of which the newer stands, and what was kept before."""
    merged = resolve(path, base, ours, theirs)
    assert merged == resolve(path, base, theirs, ours)
    result = merged if isinstance(merged, Resolved) else Resolved(merged or b"")
    kept = b"\n".join([result.data, *(read_sidecar(name, data).data for name, data in result.beside.items())])
    if "machines" not in path and not is_sidecar(path):
        news = {line for side in (ours, theirs) for line in (side or b"").split(b"\n")} - set(
            (base or b"").split(b"\n")
        )
        assert {line.strip() for line in news} <= {line.strip() for line in kept.split(b"\n")} | {b""}


@pytest.mark.parametrize(("path", "deep"), [("x.json", '{"a":' * 50_000), (TOML, "a = " + "[" * 50_000)])
def test_a_table_beyond_measure_is_merged_by_line(path: str, deep: str) -> None:
    assert resolved(path, "1\n2\n3\n", f"{deep}\n2\n3\n", "1\n2\nb = 1\n") == Resolved(f"{deep}\n2\nb = 1\n".encode())


def test_a_text_beyond_measure_is_kept_whole() -> None:
    base, ours, theirs = ("\n".join(f"{side}{n}" for n in range(10_001)) for side in "abc")
    found = resolved("README.md", base, ours, theirs)
    ((name, data),) = found.beside.items()
    assert {found.data, read_sidecar(name, data).data} == {ours.encode(), theirs.encode()}


def test_origins_are_the_commits_that_brought_the_versions(torn: Machine) -> None:
    (conflict,) = trace(KnowledgeBase(torn.root), find_conflicts(KnowledgeBase(torn.root)))
    assert [
        (version.text, version.stands, version.origin and version.origin.machine) for version in conflict.versions
    ] == [
        ("Deploy with just.", False, "desktop"),
        ("Deploy with make.", True, "laptop"),
    ]
    ids = git(torn.root, "log", "--format=%H", "-2").split()
    assert [version.origin and version.origin.commit for version in conflict.versions] == [ids[1], ids[0]]


def test_origins_are_found_through_a_merge(machine: Machine) -> None:
    base, ours, theirs = (
        written(BASE, claim=claim) for claim in (BASE.claim, "Deploy with make.", "Deploy with just.")
    )
    commit(machine, {PATH: base.encode()}, of="vm", day=1)
    git(machine.root, "switch", "--quiet", "-c", "side")
    commit(machine, {PATH: ours.encode()}, of="laptop", day=2)
    git(machine.root, "switch", "--quiet", "main")
    commit(machine, {PATH: theirs.encode()}, of="desktop", day=3)
    git(machine.root, "merge", "--quiet", "--strategy=ours", "--no-commit", "side")
    commit(machine, {PATH: resolved(PATH, base, ours, theirs).data}, of="vm", day=4)
    (conflict,) = trace(KnowledgeBase(machine.root), find_conflicts(KnowledgeBase(machine.root)))
    found = [(item.text, item.origin and (item.origin.machine, item.origin.at[:10])) for item in conflict.versions]
    assert found == [
        ("Deploy with just.", ("desktop", "2026-03-03")),
        ("Deploy with make.", ("laptop", "2026-03-02")),
    ]


def test_what_is_open_is_shown_side_by_side_with_who_when_and_where(torn: Machine) -> None:
    done = run(torn, "resolve")
    ids = git(torn.root, "log", "--format=%h", "--abbrev=7", "-2").split()
    assert done.returncode == 0
    assert f"1  desktop, 2026-03-02T10:00:00Z, {ids[1]} " in done.stdout
    assert f"2  laptop, 2026-03-03T10:00:00Z, {ids[0]}  (stands)" in done.stdout
    assert "│ Deploy with just. " in done.stdout
    assert done.stdout.endswith("recommended: 2, it is the newest\n")
    assert done.stderr == "1 conflict open: agent-context resolve ID|PATH --strategy …\n"


@pytest.mark.parametrize(
    ("strategy", "claim"),
    [
        ("local", "Deploy with make."),
        ("remote", "Deploy with just."),
        ("newest", "Deploy with make."),
        ("machine:desktop", "Deploy with just."),
        ("1", "Deploy with just."),
        ("both", "Deploy with just. Deploy with make."),
    ],
)
def test_a_strategy_settles_it_in_a_commit_of_its_own(torn: Machine, strategy: str, claim: str) -> None:
    done = run(torn, "resolve", BASE.id[:6], "--strategy", strategy)
    assert (done.returncode, done.stderr) == (0, "")
    learning = torn.learnings()[PATH]
    assert (learning.claim, learning.conflicts) == (claim, ())
    assert git(torn.root, "log", "-1", "--format=%B") == f"resolve: {BASE.id} claim\n\nMachine: laptop"
    assert git(torn.root, "status", "--porcelain") == ""
    assert run(torn, "resolve").stdout == "Nothing is open.\n"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--strategy", "newest"], 2, "say what to settle: an id, a path, or --all"),
        (["--all", "--strategy", "mine"], 2, "mine is no strategy"),
        (["README.md"], 1, "nothing is open in README.md"),
        (["--all", "--strategy", "machine:mars"], 3, "machine:mars settles nothing: no version comes from there"),
        (["--all", "--strategy", "3"], 3, "3 settles nothing: no version comes from there"),
    ],
)
def test_what_cannot_be_done_is_said(torn: Machine, arguments: list[str], code: int, words: str) -> None:
    done = run(torn, "resolve", *arguments)
    assert (done.returncode, words in done.stderr) == (code, True)


def test_a_dry_run_shows_what_would_come_of_it_and_changes_nothing(torn: Machine) -> None:
    before = git(torn.root, "rev-parse", "HEAD")
    done = run(torn, "resolve", "--all", "--strategy", "remote", "--dry-run")
    assert done.stdout.splitlines() == [
        f"would settle: {BASE.id} claim",
        "    -conflicts:",
        "    -  - {field: claim, versions: [Deploy with just., Deploy with make.]}",
        "    -Deploy with make.",
        "    +Deploy with just.",
    ]
    assert git(torn.root, "rev-parse", "HEAD") == before
    assert git(torn.root, "status", "--porcelain") == ""


def test_what_a_strategy_cannot_settle_stays_open_and_is_named(torn: Machine) -> None:
    leave_open(torn, TOML, 'name = "a"\n', 'name = "b"\n', 'name = "c"\nlocal = true\n')
    done = run(torn, "resolve", "--all", "--strategy", "both", "--json")
    assert done.returncode == 3
    assert json.loads(done.stdout)["settled"] == [
        {"name": f"{BASE.id} claim", "text": "Deploy with just. Deploy with make."}
    ]
    assert f"Error: {TOML} name: both cannot be kept: name holds one value" in done.stderr
    assert [item["name"] for item in json.loads(run(torn, "resolve", "--json").stdout)] == [f"{TOML} name"]


def test_a_key_is_settled_in_its_file_and_the_file_beside_goes(torn: Machine) -> None:
    leave_open(torn, TOML, '# x\nname = "a"\n', '# x\nname = "b"\n', '# x\nname = "c"\nlocal = true\n')
    assert run(torn, "resolve", TOML, "--strategy", "local").returncode == 0
    assert (torn.root / TOML).read_text() == '# x\nname = "b"\nlocal = true\n'
    assert list(torn.root.rglob("*.conflict-*")) == []
    assert git(torn.root, "status", "--porcelain") == ""


def test_a_text_is_settled_with_what_both_changed_elsewhere(torn: Machine) -> None:
    base = "# Title\n\none\n\ntwo\n"
    leave_open(torn, "README.md", base, base.replace("one", "ours"), base.replace("one", "theirs").replace("two", "2"))
    assert run(torn, "resolve", "README.md", "--strategy", "local").returncode == 0
    assert (torn.root / "README.md").read_text() == "# Title\n\nours\n\n2\n"
    assert list(torn.root.rglob("*.conflict-*")) == []


def test_on_a_terminal_each_is_asked_for(torn: Machine) -> None:
    leave_open(torn, "README.md", "one\n", "ours\n", "theirs\n")
    command = [sys.executable, "-m", "agent_context", "resolve", "--kb", str(torn.root)]
    control, terminal = pty.openpty()
    with subprocess.Popen(command, env=environment(torn), stdin=terminal, stdout=terminal, stderr=terminal) as process:
        os.close(terminal)
        os.write(control, b"1\nskip\n")
        shown = b""
        with contextlib.suppress(OSError):  # the terminal's other end is closed
            while part := os.read(control, 4096):
                shown += part
        os.close(control)
    assert process.returncode == 0
    assert b"Take (1, 2, both, edit, skip) [2]" in shown
    assert b"1 conflict left open." in shown
    assert torn.learnings()[PATH].claim == "Deploy with just."
    assert (torn.root / "README.md").read_text() == "theirs\n"


def test_a_person_may_write_another_text(torn: Machine) -> None:
    command = [sys.executable, "-m", "agent_context", "resolve", "--kb", str(torn.root)]
    control, terminal = pty.openpty()
    variables = {**environment(torn), "EDITOR": "sed -i s/just/nox/"}
    with subprocess.Popen(command, env=variables, stdin=terminal, stdout=terminal, stderr=terminal):
        os.close(terminal)
        os.write(control, b"edit\n")
        with contextlib.suppress(OSError):  # the terminal's other end is closed
            while os.read(control, 4096):
                pass
        os.close(control)
    assert torn.learnings()[PATH].claim == "Deploy with nox. Deploy with make."
    assert torn.learnings()[PATH].conflicts == ()


def test_settling_what_changed_meanwhile_is_refused(torn: Machine) -> None:
    knowledge_base = KnowledgeBase(torn.root)
    (conflict,) = find_conflicts(knowledge_base)
    settle(knowledge_base, torn.environment, [(conflict, conflict.versions[0])])
    with pytest.raises(AgentContextError, match="is no longer open"):
        settle(knowledge_base, torn.environment, [(conflict, conflict.versions[1])])


def test_a_file_deleted_meanwhile_leaves_its_conflict_to_be_settled(torn: Machine) -> None:
    leave_open(torn, "README.md", "one\n", "ours\n", "theirs\n")
    git(torn.root, "rm", "--quiet", "README.md")
    git(torn.root, "commit", "--quiet", "-m", "gone")
    assert run(torn, "resolve", "README.md", "--strategy", "2").returncode == 0
    assert (torn.root / "README.md").read_text() == "ours\n"


def test_what_a_link_points_to_is_neither_shown_nor_taken(torn: Machine) -> None:
    leave_open(torn, "README.md", "one\n", "ours\n", "theirs\n")
    (torn.folder / "private").write_text("my own words")
    (torn.root / "README.md").unlink()
    (torn.root / "README.md").symlink_to(torn.folder / "private")
    git(torn.root, "commit", "--quiet", "-am", "a link")
    assert "my own words" not in run(torn, "resolve").stdout
    assert "what stood there stays" in run(torn, "resolve", "README.md", "--strategy", "1", "--dry-run").stdout
    assert run(torn, "resolve", "README.md", "--strategy", "2").returncode == 0
    assert not (torn.root / "README.md").is_symlink()
    assert (torn.root / "README.md").read_text() == "ours\n"
    assert (torn.folder / "private").read_text() == "my own words"


def test_a_folder_in_the_place_of_the_file_is_not_overwritten(torn: Machine) -> None:
    leave_open(torn, "README.md", "one\n", "ours\n", "theirs\n")
    git(torn.root, "rm", "--quiet", "README.md")
    (torn.root / "README.md").mkdir()
    (torn.root / "README.md/inner").write_text("x")
    git(torn.root, "add", "README.md/inner")
    git(torn.root, "commit", "--quiet", "-m", "a folder")
    assert "README.md is a folder now" in run(torn, "resolve", "README.md", "--strategy", "2").stderr
    assert run(torn, "resolve", "README.md", "--strategy", "1").returncode == 0
    assert (torn.root / "README.md/inner").read_text() == "x"


def test_two_machines_that_word_a_claim_anew_both_go_on(machine: Machine, other: Machine) -> None:
    machine.teach(LESSON)
    machine.sync()
    other.sync()
    (path,) = machine.learnings()
    for side, claim in ((machine, "Deploy with make."), (other, "Deploy with just.")):
        (side.root / path).write_text(written(side.learnings()[path], claim=claim))
    assert machine.sync().pushed
    report = other.sync()
    assert (report.pushed, report.blocked) == (1, [])
    machine.sync()
    assert machine.learnings()[path] == other.learnings()[path]
    (conflict,) = list_conflicts(KnowledgeBase(machine.root).load())
    assert [version.text for version in conflict.versions] == ["Deploy with just.", "Deploy with make."]
    (traced,) = trace(KnowledgeBase(machine.root), [conflict])
    assert [version.origin and version.origin.machine for version in traced.versions] == ["desktop", "laptop"]


def test_a_text_that_two_machines_changed_holds_nothing_up(machine: Machine, other: Machine) -> None:
    readme = "projects/README.md"
    for side, text in ((machine, "# Projects of the laptop\n"), (other, "# Projects of the desktop\n")):
        (side.root / readme).write_text(text)
        side.teach(f"Never run {side.environment.machine} deploys directly, always use make because it migrates first.")
    assert machine.sync().exit_code == 0
    report = other.sync()
    assert (report.exit_code, report.unpushed) == (0, 0)
    assert f"{readme}: both sides changed the same lines; both are kept" in "".join(report.notes)
    machine.sync()
    assert git(machine.root, "rev-parse", "HEAD") == git(other.root, "rev-parse", "HEAD")
    assert len(machine.learnings()) == 2
    (conflict,) = trace(KnowledgeBase(machine.root), find_conflicts(KnowledgeBase(machine.root)))
    found = [(item.text, item.stands, item.origin and item.origin.machine) for item in conflict.versions]
    assert found == [
        ("# Projects of the laptop\n", True, "laptop"),
        ("# Projects of the desktop\n", False, "desktop"),
    ]
    assert run(other, "resolve", readme, "--strategy", "local").returncode == 0
    other.sync()
    machine.sync()
    assert (machine.root / readme).read_text() == "# Projects of the desktop\n"
    assert find_conflicts(KnowledgeBase(machine.root)) == []


@pytest.fixture
def sealer(machine: Machine) -> Sealer:
    """Opens and seals the files of the project o.r with the machine's own key."""
    made = Sealer(machine.root, machine.folder / "keys.txt", machine.folder / "none", {})
    made.trusted["o.r"] = (made.make_key(),)
    return made


SEALED_PATH = f"projects/o.r/2026-03/{BASE.id}.md.age"


@pytest.mark.parametrize(("ours", "index"), [(written(BASE, claim="Deploy with just."), 0), ("does not read", 1)])
def test_a_sealed_learning_is_settled_sealed(machine: Machine, sealer: Sealer, ours: str, index: int) -> None:
    theirs = written(BASE, claim="Deploy with make.")
    before, mine, other = (sealer.seal(SEALED_PATH, text.encode()) for text in (written(BASE), ours, theirs))
    commit(machine, {SEALED_PATH: other}, of="desktop", day=2)
    merged = seal_resolver(resolve, sealer)(SEALED_PATH, before, mine, other)
    assert isinstance(merged, Resolved)
    commit(machine, {SEALED_PATH: merged.data, **merged.beside}, of="laptop", day=3)
    knowledge_base = KnowledgeBase(machine.root, sealer)
    assert find_conflicts(KnowledgeBase(machine.root)) == []
    (conflict,) = trace(knowledge_base, find_conflicts(knowledge_base))
    settle(knowledge_base, machine.environment, [(conflict, conflict.versions[1 - index])])
    assert find_conflicts(knowledge_base) == []
    data = (machine.root / SEALED_PATH).read_bytes()
    assert data.startswith(b"age-encryption.org/v1")
    assert knowledge_base.parse(SEALED_PATH, data).claim == "Deploy with make."
    grep = ["git", "grep", "--quiet", "Deploy with", "HEAD", "--", "projects"]
    assert subprocess.run(grep, cwd=machine.root, check=False).returncode == 1


def test_a_version_that_was_kept_sealed_is_opened_where_a_key_is(machine: Machine, sealer: Sealer) -> None:
    one, two = (sealer.seal(SEALED_PATH, written(BASE, claim=f"Use {name}.").encode()) for name in ("make", "just"))
    commit(machine, {SEALED_PATH: one, **make_sidecar(SEALED_PATH, two)}, of="vm", day=2)
    knowledge_base = KnowledgeBase(machine.root, sealer)
    (conflict,) = find_conflicts(knowledge_base)
    settle(knowledge_base, machine.environment, [(conflict, conflict.versions[1])])
    data = (machine.root / SEALED_PATH).read_bytes()
    assert knowledge_base.parse(SEALED_PATH, data).claim == "Use just."


def version(text: str, day: int, machine: str = "x", *, stands: bool = False) -> Version:
    return Version(text, stands, Origin(machine, "Ada", f"2026-03-{day:02d}T10:00:00Z", "0" * 40))


@pytest.mark.parametrize(
    ("versions", "number", "reason"),
    [
        ((version("Use make deploy.", 1), version("Use make.", 2)), 0, "it has all the words of the other, and more"),
        ((version("Use make.", 1), version("Use just.", 2)), 1, "it is the newest"),
        (
            (version("Use make.", 1), version("Use just.", 1, stands=True)),
            1,
            "it stands already, and history tells no order",
        ),
    ],
)
def test_a_recommendation_has_a_reason(versions: tuple[Version, ...], number: int, reason: str) -> None:
    found = recommend(OpenConflict("x.md", versions, field="claim"))
    assert (found.version, found.reason) == (number, reason)


def test_of_several_versions_of_one_machine_the_newest_is_taken() -> None:
    versions = (version("a", 1, "laptop"), version("b", 3, "laptop"), version("c", 2, "vm"))
    conflict = OpenConflict("x.md", versions, field="claim")
    assert choose(conflict, "local", "laptop").text == "b"
    assert choose(conflict, "remote", "laptop").text == "c"
    with pytest.raises(AgentContextError, match="machine:mars settles nothing: no version comes from there"):
        choose(conflict, "machine:mars", "laptop")


def test_both_texts_share_what_they_share() -> None:
    conflict = OpenConflict("README.md", (version("# T\n\none\n", 2), version("# T\n\ntwo\n", 1)))
    assert join(conflict).text == "# T\n\ntwo\none\n"


def test_a_paragraph_taken_leaves_the_others_where_they_are(machine: Machine) -> None:
    base = replace_fields(BASE, why=("First.", "Second.", "Third."))
    leave_open(
        machine,
        PATH,
        write_learning(base),
        written(base, why=("First.", "Ours.", "Third.")),
        written(base, why=("First.", "Theirs.", "Third.", "Fourth.")),
    )
    learning = machine.learnings()[PATH]
    assert learning.why == ("First.", "Ours.", "Theirs.", "Third.", "Fourth.")
    assert learning.conflicts == (Conflict("why", ("Ours.", "Theirs.")),)
    assert run(machine, "resolve", BASE.id, "--strategy", "remote").returncode == 0
    assert machine.learnings()[PATH].why == ("First.", "Theirs.", "Third.", "Fourth.")
