"""The program as a user runs it: commands, exit codes, messages."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from program import run_forked
from samples import LESSON, OTHER_LESSON, Machine, git

from agent_context import __version__
from agent_context.cli import COMMANDS

if TYPE_CHECKING:
    from pathlib import Path


def run(
    machine: Machine, *arguments: str, cwd: Path | None = None, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run the program with this machine's folders, outside any knowledge base unless `cwd` is one."""
    environment = {
        **os.environ,
        "HOME": str(machine.folder),
        "XDG_CONFIG_HOME": str(machine.folder / "xdg"),
        "CLAUDE_CONFIG_DIR": str(machine.environment.claude_dir),
        "AGENT_CONTEXT_MACHINE": machine.environment.machine,
        "COLUMNS": "120",
        "TMPDIR": str(machine.folder.parent),
    }
    return run_forked(arguments, cwd or machine.folder, environment, stdin)


def test_the_version_is_printed() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "agent_context", "--version"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, f"agent-context {__version__}\n")


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_explains_itself(machine: Machine, name: str) -> None:
    done = run(machine, name, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"Usage: agent-context {name}")


def test_without_sessions_it_says_so_and_how_to_try_it(machine: Machine) -> None:
    done = run(machine, "sync", "--kb", "kb")
    assert done.returncode == 0
    assert f"No sessions found in {machine.environment.claude_dir / 'projects'}" in done.stdout.replace("\n", "")
    assert "make demo" in done.stdout
    assert "Nothing new: no commit was made" in done.stdout


def test_a_sync_prints_what_it_did(machine: Machine) -> None:
    machine.teach(LESSON, cwd=machine.checkout())
    done = run(machine, "sync", "--kb", "kb")
    assert done.returncode == 0, done.stderr
    learned = next(iter(machine.learnings().values()))
    lines = done.stdout.splitlines()
    assert lines[0] == f"Sessions    1 found in {machine.environment.claude_dir / 'projects'}, 1 read"
    assert lines[1].strip() == "1 copied into this machine's archive"
    assert lines[2] == "Candidates  1, 1 new (compared by all-MiniLM-L6-v2-int8)"
    assert lines[3:5] == ["o.r: 1 new learning, unreviewed", f"  {learned.id}  {LESSON}"]
    assert lines[5] == f"Pushed      1 commit to {machine.root.parent.parent / 'remote.git'}"
    assert re.fullmatch(r"Took \d+\.\d s, cost \$ 0 \(no model was called\)", lines[-1])


def test_json_is_one_object(machine: Machine) -> None:
    machine.teach(LESSON, cwd=machine.checkout())
    report = json.loads(run(machine, "sync", "--kb", "kb", "--json").stdout)
    assert (report["found"], report["pushed"], report["cost_usd"], report["learned"][0]["claim"]) == (1, 1, 0.0, LESSON)


def test_the_knowledge_base_is_found_from_option_variable_folder_and_settings(machine: Machine) -> None:
    assert run(machine, "status", "--kb", "kb").returncode == 0
    assert run(machine, "status", cwd=machine.root / "projects").returncode == 0
    done = run(machine, "status")
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == "Error: no knowledge base here"
    assert done.stderr.splitlines()[1].startswith("Next step: go into your clone of it, name it with --kb DIR")
    assert run(machine, "init", "second").returncode == 0
    assert str(machine.folder / "second") in run(machine, "status").stdout


def test_a_wrong_setting_is_named_with_the_nearest(machine: Machine) -> None:
    (machine.root / "agent-context.toml").write_text("[snippet]\nbudget_token = 3\n")
    done = run(machine, "status", "--kb", "kb")
    assert (done.returncode, done.stderr.splitlines()[1]) == (1, "Next step: did you mean `budget_tokens`?")


def test_usage_errors_exit_with_2(machine: Machine) -> None:
    assert run(machine, "nonsense").returncode == 2
    assert run(machine, "sync", "--nonsense").returncode == 2
    assert run(machine, "review", "--kb", "kb", "--accept").returncode == 2


def test_init_lays_out_a_knowledge_base_that_syncs(machine: Machine) -> None:
    done = run(machine, "init", "mine", "--remote", str(machine.folder / "bare.git"))
    git(machine.folder, "init", "--quiet", "--bare", "bare.git")
    assert done.returncode == 0, done.stderr
    assert git(machine.folder / "mine", "status", "--porcelain") == ""
    machine.teach(LESSON, cwd=machine.checkout())
    done = run(machine, "sync")
    assert (done.returncode, "Pushed      2 commits" in done.stdout) == (0, True)
    assert run(machine, "init", "mine").returncode == 1


def test_init_here_makes_a_clone_of_the_template_ones_own(machine: Machine) -> None:
    settings = machine.root / "agent-context.toml"
    settings.write_text('# about the template\ntemplate = "example.com/o/template"\n\n' + settings.read_text())
    git(machine.root, "commit", "--quiet", "-am", "as a template")
    run(machine, "add", "Prices are integer cents.", "--project", "o.template", "--kb", "kb")
    assert run(machine, "init", "--here", "--kb", "kb", stdin="n\n").stdout.endswith("Nothing was changed.\n")
    assert len(machine.learnings()) == 1
    done = run(machine, "init", "--here", "--kb", "kb", "--yes", "--remote", "git@example.com:me/kb.git")
    assert done.returncode == 0, done.stderr
    assert machine.learnings() == {}
    assert "template" not in settings.read_text()
    assert git(machine.root, "remote", "get-url", "origin") == "git@example.com:me/kb.git"
    assert git(machine.root, "status", "--porcelain") == ""


def test_a_learning_added_by_hand_is_accepted_and_found(machine: Machine) -> None:
    done = run(
        machine, "add", "Prices are integer cents.", "--project", "o.r", "--kb", "kb", "--why", "Rounding.", "--json"
    )
    assert done.returncode == 0, done.stderr
    added = json.loads(done.stdout)
    learning = machine.learnings()[added["path"]]
    assert (learning.status.value, learning.why, learning.sources[0].extractor) == (
        "accepted",
        ("Rounding.",),
        "by hand",
    )
    assert added["id"] in run(machine, "search", "integer prices", "--kb", "kb").stdout
    again = run(machine, "add", "prices are integer cents", "--project", "o.r", "--kb", "kb")
    assert again.returncode == 1
    assert again.stderr.startswith(f"not added: exact duplicate {added['id']}")


def test_a_program_adds_several_that_wait_for_review(machine: Machine) -> None:
    lines = (
        '{"claim": "Prices are integer cents.", "kind": "decision"}\n\n{"claim": "Ids are ULIDs.", "session": "abc"}\n'
    )
    done = run(machine, "add", "--stdin", "--project", "o.r", "--kb", "kb", stdin=lines)
    assert done.returncode == 0, done.stderr
    found = {learning.claim: learning for learning in machine.learnings().values()}
    assert {claim: learning.status.value for claim, learning in found.items()} == {
        "Prices are integer cents.": "unreviewed",
        "Ids are ULIDs.": "unreviewed",
    }
    assert found["Ids are ULIDs."].sources[0].session == "abc"
    broken = run(machine, "add", "--stdin", "--project", "o.r", "--kb", "kb", stdin='{"claim": "x"}\n{"clam": "y"}\n')
    assert broken.returncode == 1
    assert broken.stderr.startswith("Error: line 2 of the input: Object contains unknown field `clam`")
    assert len(machine.learnings()) == 2


def test_rule_files_become_learnings_on_request(machine: Machine) -> None:
    rules = machine.folder / "CLAUDE.md"
    rules.write_text("# Rules\n\n- Prices are integer cents, never floats.\n- Run the linter before each commit.\n")
    shown = run(machine, "import", str(rules), "--dry-run")
    assert shown.stdout.splitlines()[0] == f"{rules}: Prices are integer cents, never floats."
    done = run(machine, "import", str(rules), "--project", "o.r", "--kb", "kb")
    assert done.stderr.endswith("2 learnings imported, 0 dropped\n")
    (first, _) = machine.learnings().values()
    assert (first.status.value, first.sources[0].session, first.sources[0].extractor) == (
        "unreviewed",
        "CLAUDE.md",
        "import",
    )
    again = run(machine, "import", str(rules), "--project", "o.r", "--kb", "kb")
    assert again.stderr.endswith("0 learnings imported, 2 dropped\n")


def test_coverage_archive_and_stats_tell_what_became_of_sessions(machine: Machine) -> None:
    path = machine.teach(LESSON, cwd=machine.checkout())
    live = machine.teach(OTHER_LESSON, name="live", age=5)
    assert run(machine, "sync", "--kb", "kb").returncode == 0
    coverage = json.loads(run(machine, "coverage", "--kb", "kb", "--json").stdout)
    assert (coverage["found"], coverage["read"], coverage["outcomes"]) == (2, 1, {"with messages": 2})
    assert [(item["path"], item["days_left"]) for item in coverage["unread"]] == [(str(live), 29)]
    (copy,) = json.loads(run(machine, "archive", "list", "--json").stdout)
    assert run(machine, "archive", "show", copy["name"]).stdout == path.read_text()
    assert run(machine, "archive", "show", "nothing").returncode == 1
    assert run(machine, "archive", "prune", "--keep-mb", "0").stdout.startswith("Deleted 1 copies")
    stats = json.loads(run(machine, "stats", "--json").stdout)
    assert (stats["syncs"], stats["done"], stats["sessions_read"], stats["learned"], stats["cost_usd"]) == (
        1,
        1,
        1,
        1,
        0.0,
    )


def test_a_secret_is_not_added_and_not_shown(machine: Machine) -> None:
    secret = "ghp_" + "a1B2c3D4" * 4 + "e5F6"
    done = run(machine, "add", f"The token is {secret}.", "--project", "o.r", "--kb", "kb")
    assert done.returncode == 1
    assert secret not in done.stderr + done.stdout
    assert machine.learnings() == {}


def test_review_shows_accepts_rejects_and_takes_back(machine: Machine) -> None:
    machine.teach(LESSON, OTHER_LESSON, cwd=machine.checkout())
    machine.sync()
    shown = run(machine, "review", "--kb", "kb")
    assert LESSON in shown.stdout
    assert "2 learnings to review" in shown.stdout
    first, second = (learning.id for learning in machine.learnings().values())
    assert run(machine, "review", "--accept", first[:6], "--kb", "kb").returncode == 0
    done = run(machine, "review", "--reject", second, "--reason", "only once", "--kb", "kb")
    assert done.stdout.startswith(f"rejected: {second}")
    by_id = {learning.id: learning for learning in machine.learnings().values()}
    assert (by_id[first].status.value, by_id[second].status.value) == ("accepted", "rejected")
    assert by_id[second].status_note is not None
    assert by_id[second].status_note.reason == "only once"
    assert run(machine, "review", "--kb", "kb").stdout == "Nothing waits for review.\n"
    assert run(machine, "review", "--accept", second, "--kb", "kb").returncode == 0
    assert machine.sync().pushed == 3


@pytest.mark.parametrize("command", [["search", "x", "--project"], ["review", "--project"], ["snippet"]])
def test_an_unknown_project_is_named(machine: Machine, command: list[str]) -> None:
    done = run(machine, *command, "no.such", "--kb", "kb")
    assert (done.returncode, done.stderr.splitlines()[0]) == (1, "Error: no project no.such here")


def test_an_unknown_or_short_id_is_named(machine: Machine) -> None:
    machine.teach(LESSON, OTHER_LESSON, cwd=machine.checkout())
    machine.sync()
    assert "no learning has an id that begins with zz" in run(machine, "review", "--accept", "zz", "--kb", "kb").stderr
    assert "is the beginning of 2 ids" in run(machine, "review", "--accept", "o.r/", "--kb", "kb").stderr


def test_extract_touches_nothing_and_speaks_json_lines(machine: Machine) -> None:
    path = machine.teach(LESSON, OTHER_LESSON)
    before = sorted(machine.folder.rglob("*"))
    done = run(machine, "extract", "--json", str(path))
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["claim"] for row in rows] == [LESSON, OTHER_LESSON]
    assert rows[0]["evidence"] == [{"quote": LESSON, "speaker": "user", "uuid": "s1-0"}]
    assert sorted(machine.folder.rglob("*")) == before
    missing = run(machine, "extract", "nowhere.jsonl")
    assert (missing.returncode, missing.stderr) == (1, "lost: nowhere.jsonl: gone before it was read\n")


def test_extract_asks_a_model_only_when_told_to(machine: Machine) -> None:
    done = run(machine, "extract", "--extractor", "anthropic", str(machine.teach(LESSON)))
    assert done.returncode == 1
    assert done.stderr.startswith("Error: there is no key for the Anthropic API\nNext step: set ANTHROPIC_API_KEY")


def test_snippet_prints_what_an_agent_is_given(machine: Machine) -> None:
    checkout = machine.checkout()
    machine.teach(LESSON, cwd=checkout)
    machine.sync()
    done = run(machine, "snippet", "--kb", str(machine.root), cwd=checkout)
    assert (checkout / ".claude/rules/agent-context.md").read_text().endswith(f" -->\n\n{done.stdout}")
    assert done.stderr.startswith("o.r: 1 learning, about ")
    assert run(machine, "snippet", "--kb", str(machine.root)).returncode == 2


def test_projects_are_listed_and_paths_mapped(machine: Machine) -> None:
    done = run(machine, "projects", "map", "/gone/app", "o.r")
    assert done.returncode == 0, done.stderr
    machine.teach(LESSON, cwd="/gone/app/src")
    assert "o.r: 1 new learning" in run(machine, "sync", "--kb", "kb").stdout
    rows = json.loads(run(machine, "projects", "list", "--kb", "kb", "--json").stdout)
    assert rows == [{"folder": "o.r", "learnings": 1, "remotes": [], "paths": ["/gone/app"]}]


def test_a_guessed_project_is_named_with_the_command_that_settles_it(machine: Machine) -> None:
    machine.teach(LESSON, cwd="/gone/app")
    done = run(machine, "sync", "--kb", "kb")
    assert "project guessed for /gone/app: local.app-" in done.stdout
    assert "agent-context projects map /gone/app PROJECT" in done.stdout


def test_check_names_file_and_line(machine: Machine) -> None:
    assert run(machine, "check", "--kb", "kb").stdout == "0 learnings read, 0 problems\n"
    folder = machine.root / "projects/o.r/2026-03"
    folder.mkdir(parents=True)
    (folder / "broken-0123456789.md").write_text("---\nid: 0123456789\ncolour: red\n---\nA claim.\n")
    (folder.parent / "project.toml").write_text("nam = 'x'\n")
    done = run(machine, "check", "--kb", "kb")
    assert done.returncode == 1
    assert "projects/o.r/2026-03/broken-0123456789.md:3: colour: unknown key\n" in done.stdout
    assert "projects/o.r/project.toml:1: " in done.stdout


def test_doctor_finds_a_remote_that_does_not_answer(machine: Machine) -> None:
    machine.teach(LESSON)
    assert run(machine, "doctor", "--kb", "kb").returncode == 0
    git(machine.root, "remote", "set-url", "origin", "/nowhere.git")
    done = run(machine, "doctor", "--kb", "kb", "--json")
    broken = [item["subject"] for item in json.loads(done.stdout) if item["health"] == "broken"]
    assert (done.returncode, broken) == (1, ["remote"])


def test_status_counts_what_waits(machine: Machine) -> None:
    machine.teach(LESSON, cwd=machine.checkout())
    assert run(machine, "sync", "--kb", "kb").returncode == 0
    machine.teach(OTHER_LESSON, name="s2")
    (machine.root / "patterns/README.md").write_text("edited\n")
    standing = json.loads(run(machine, "status", "--kb", "kb", "--json").stdout)
    assert (standing["statuses"], standing["sessions"], standing["sessions_unread"]) == ({"unreviewed": 1}, 2, 1)
    assert (standing["ahead"], standing["behind"], standing["uncommitted"]) == (0, 0, ["patterns/README.md"])
    assert run(machine, "status", "--kb", "kb").returncode == 0


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_of_the_shell(machine: Machine, shell: str) -> None:
    done = run(machine, "completion", shell)
    assert done.returncode == 0
    assert "_AGENT_CONTEXT_COMPLETE" in done.stdout


def test_the_demo_touches_nothing_of_the_users(machine: Machine) -> None:
    machine.teach(LESSON)
    before = sorted(machine.folder.rglob("*"))
    done = run(machine, "demo")
    assert done.returncode == 0, done.stderr
    assert "example.shop: " in done.stdout
    assert sorted(machine.folder.rglob("*")) == before


def test_a_bug_is_a_log_and_a_message_not_a_traceback(machine: Machine) -> None:
    script = (
        "import sys; from agent_context.review import standing\n"
        "def broken(*args): raise RuntimeError('made up')\n"
        "standing.take_standing = broken\n"
        "sys.argv = ['agent-context', *sys.argv[1:]]\n"
        "from agent_context.__main__ import main; sys.exit(main())\n"
    )
    environment = {**os.environ, "HOME": str(machine.folder)}
    command = [sys.executable, "-c", script, "status", "--kb", str(machine.root)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 70
    assert done.stderr.startswith(
        f"This is a bug in agent-context {__version__}: RuntimeError: made up\nThe details are in "
    )
    assert "made up" in (machine.folder / ".local/state/agent-context/log/bug.log").read_text()
