from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from samples import AT, LESSON, Machine, git, make_learning, replace_fields
from test_cli import run

from agent_context.claims import pairs
from agent_context.claims.folding import find_loops, fold, order_by_clarity
from agent_context.claims.promotion import find_technologies, say_evidence
from agent_context.config import load_machine_settings
from agent_context.consolidation.consolidating import Fold, Survey, carry_out, choose, survey, tell_decisions
from agent_context.consolidation.linking import Work
from agent_context.errors import AgentContextError
from agent_context.executors import InProcess, Processes
from agent_context.frontmatter import write_learning
from agent_context.knowledge import Entry, KnowledgeBase
from agent_context.learning import Kind, Learning, Source, Speaker, Status, learning_id
from agent_context.similarity import Context
from agent_context.state import State
from agent_context.waiting import BRANCHES

if TYPE_CHECKING:
    from pathlib import Path

OLD = "Always run the linter before committing."
SAME = "Always run the linter before you commit."
OTHER = "Prices are stored as integer cents."
LATER = "2026-04-01T10:00:00Z"


def place(machine: Machine, *learnings: Learning, project: str = "o.r") -> list[str]:
    """Write and commit learnings in a project, with ids of that project."""
    paths = []
    for number, learning in enumerate(learnings):
        own = replace_fields(learning, id=learning_id(project, learning.claim))
        folder = "patterns" if project == "patterns" else f"projects/{project}/2026-03"
        paths.append(f"{folder}/x{number}-{own.id}.md")
        (machine.root / folder).mkdir(parents=True, exist_ok=True)
        (machine.root / paths[-1]).write_text(write_learning(own))
    git(machine.root, "add", ".")
    git(machine.root, "commit", "--quiet", "-m", "by hand")
    return paths


def look(machine: Machine, project: str | None = None) -> Survey:
    return survey(KnowledgeBase(machine.root), machine.environment, project, Work(InProcess()))


def said(machine: str, session: str, at: str = AT) -> tuple[Source, ...]:
    return (Source(machine, session, at, Speaker.USER),)


def test_what_is_said_twice_is_proposed_as_one_and_nothing_changes(machine: Machine) -> None:
    one, two, _ = place(machine, make_learning(OLD), make_learning(SAME, created=LATER), make_learning(OTHER))
    before = git(machine.root, "rev-parse", "HEAD")
    found = look(machine)
    assert [(item.original.path, [entry.path for entry in item.folded]) for item in found.merges if item.original] == [
        (one, [two])
    ]
    assert (found.promotions, found.contradictions, found.troubles, found.compared) == ((), (), (), 3)
    assert (git(machine.root, "rev-parse", "HEAD"), git(machine.root, "status", "--porcelain")) == (before, "")


def test_a_merge_keeps_every_source_and_supersedes_the_other(machine: Machine) -> None:
    one, two = place(
        machine,
        make_learning(OLD, sources=said("laptop", "s1")),
        make_learning(SAME, sources=said("desk", "s2"), tags=("lint",), created=LATER),
    )
    assert run(machine, "consolidate", "--kb", "kb", "--apply", learning_id("o.r", SAME)).returncode == 0
    kept, folded = (machine.learnings()[path] for path in (one, two))
    assert (kept.sources, kept.supersedes, kept.tags) == (
        (*said("desk", "s2"), *said("laptop", "s1")),
        (folded.id,),
        ("deploy", "lint"),
    )
    assert (kept.claim, folded.claim) == (OLD, SAME)
    assert (folded.status, folded.status_note and folded.status_note.reason) == (
        Status.SUPERSEDED,
        f"folded into {kept.id}",
    )
    assert git(machine.root, "status", "--porcelain") == ""
    assert git(machine.root, "log", "-1", "--format=%s") == "consolidate: 1 lesson"
    assert look(machine).merges == ()


def test_a_dry_run_of_a_merge_changes_nothing(machine: Machine) -> None:
    place(machine, make_learning(OLD), make_learning(SAME))
    before = git(machine.root, "rev-parse", "HEAD")
    done = run(machine, "consolidate", "--kb", "kb", "--apply", learning_id("o.r", OLD), "--dry-run", "--json")
    assert len(json.loads(done.stdout)["merges"]) == 1
    assert (git(machine.root, "rev-parse", "HEAD"), git(machine.root, "status", "--porcelain")) == (before, "")


def test_a_learning_changed_meanwhile_is_not_written_over(machine: Machine) -> None:
    one, _ = place(machine, make_learning(OLD), make_learning(SAME))
    found = look(machine)
    (machine.root / one).write_text((machine.root / one).read_text() + "\nBecause.\n")
    with pytest.raises(AgentContextError, match="changed meanwhile"):
        carry_out(KnowledgeBase(machine.root), machine.environment, found.merges, ())


def test_the_same_lesson_in_two_projects_becomes_a_pattern(machine: Machine) -> None:
    first = place(machine, make_learning(OLD, sources=said("laptop", "s1"), paths=("a.py",)), project="o.a")
    second = place(machine, make_learning(OLD, sources=said("desk", "s2"), tags=("deploy", "x")), project="o.b")
    place(machine, make_learning(OTHER), project="o.b")
    (proposed,) = look(machine).promotions
    assert (proposed.evidence, proposed.original, len(proposed.folded)) == (
        "2 projects, 2 machines, 2 sessions",
        None,
        2,
    )
    assert look(machine, "o.a").promotions == ()
    assert run(machine, "consolidate", "--kb", "kb", "--promote", proposed.kept.learning.id).returncode == 0
    learnings = machine.learnings()
    pattern = learnings[proposed.kept.path]
    assert (pattern.claim, pattern.tags, pattern.paths, len(pattern.sources)) == (OLD, ("deploy",), (), 2)
    assert set(pattern.supersedes) == {learnings[path].id for path in (*first, *second)}
    assert {learnings[path].status for path in (*first, *second)} == {Status.SUPERSEDED}
    assert look(machine).promotions == ()


def test_what_a_pattern_says_already_is_folded_into_it(machine: Machine) -> None:
    (pattern,) = place(machine, make_learning(OLD, sources=said("laptop", "s1")), project="patterns")
    (own,) = place(machine, make_learning(SAME, sources=said("desk", "s2"), paths=("a.py",)), project="o.a")
    (proposed,) = look(machine).promotions
    assert (proposed.kept.path, [entry.path for entry in proposed.folded]) == (pattern, [own])
    assert (len(proposed.kept.learning.sources), proposed.kept.learning.paths) == (2, ())


def test_what_contradicts_is_a_pair_newest_first_and_never_merged(machine: Machine) -> None:
    place(
        machine,
        make_learning("The deploy job times out after 30 minutes.", created=AT),
        make_learning("The deploy job times out after 60 minutes.", created=LATER),
    )
    found = look(machine)
    assert [(pair.newer.learning.created, pair.older.learning.created) for pair in found.contradictions] == [
        (LATER, AT)
    ]
    assert found.merges == ()
    shown = run(machine, "consolidate", "--kb", "kb").stdout
    assert "which holds?" in shown
    assert "0 merges, 0 patterns to promote, 1 contradiction among 2 learnings" in shown


def test_what_ended_takes_no_part(machine: Machine) -> None:
    place(machine, make_learning(OLD), make_learning(SAME, status=Status.REJECTED))
    assert (look(machine).merges, look(machine).compared) == ((), 1)


def test_processes_find_the_same(machine: Machine) -> None:
    place(machine, make_learning(OLD), make_learning(SAME), make_learning(OTHER))
    there = survey(KnowledgeBase(machine.root), machine.environment, None, Work(Processes(2)))
    assert there == look(machine)


def test_without_an_encoder_words_are_compared(machine: Machine) -> None:
    settings = machine.root / "agent-context.toml"
    settings.write_text(settings.read_text().replace('encoder = "minilm"', 'encoder = "none"'))
    assert look(machine).encoder == "words only, as set"
    place(
        machine, make_learning("Use `make deploy` for releases."), make_learning("Use `make deploy` for our releases.")
    )
    assert len(look(machine).merges) == 1


def test_two_files_with_one_id_and_a_circle_are_named_and_the_rest_goes_on(machine: Machine) -> None:
    one, _ = place(machine, make_learning(OLD), make_learning(SAME))
    twin = one.replace("x0", "copy")
    (machine.root / twin).write_text((machine.root / one).read_text())
    ids = [learning_id("o.c", claim) for claim in ("First.", "Second.")]
    place(
        machine,
        make_learning("First.", supersedes=(ids[1],)),
        make_learning("Second.", supersedes=(ids[0],)),
        project="o.c",
    )
    (machine.root / "projects/o.c/2026-03/broken-0123456789.md").write_text("no front matter\n")
    place(machine, make_learning(OTHER), make_learning(OTHER + " Always."), project="o.d")
    done = run(machine, "consolidate", "--kb", "kb")
    assert done.returncode == 0
    left_out = [line for line in done.stderr.splitlines() if line.startswith("Left out: ")]
    assert len(left_out) == 3
    assert "projects/o.c/2026-03/broken-0123456789.md:1: no front matter" in left_out[0]
    assert f"{twin} and {one} have one id" in left_out[1]
    assert "supersede each other in a circle" in left_out[2]
    assert "projects/o.c/2026-03/x1" in left_out[2]
    assert "among 3 learnings" in done.stdout


def test_a_missing_project_and_an_unknown_id_are_errors(machine: Machine) -> None:
    done = run(machine, "consolidate", "--kb", "kb", "--project", "no.such")
    assert (done.returncode, "no project no.such here" in done.stderr) == (1, True)
    with pytest.raises(AgentContextError, match="no proposal has an id that begins with abc"):
        choose((), ["abc"])


def test_the_clearest_is_reviewed_then_backed_then_short_then_old() -> None:
    reviewed = make_learning("A long claim that somebody has accepted.", status=Status.ACCEPTED, created=LATER)
    backed = make_learning("A claim with a reason.", why=("Because.",))
    short, old = make_learning("Short one.", created=LATER), make_learning("A longer one.", created=AT)
    same_old = make_learning("Short two.", created=AT)
    assert order_by_clarity([short, old, same_old, backed, reviewed]) == [reviewed, backed, same_old, short, old]


def test_a_fold_that_supersedes_what_superseded_it_makes_no_circle() -> None:
    first, second = make_learning("First."), make_learning("Second.", supersedes=(make_learning("First.").id,))
    kept = fold(first, [second])
    assert kept.supersedes == (second.id,)
    assert find_loops({"a": ("b",), "b": ("c",), "c": ("a", "d"), "d": (), "e": ("a",)}) == [("a", "b", "c")]
    assert find_loops({"a": ("b",), "b": ()}) == []


def test_evidence_counts_a_session_once_and_what_is_only_counted_too() -> None:
    one = make_learning(OLD, sources=said("laptop", "s1"))
    two = make_learning(OLD, sources=(*said("laptop", "s1"), *said("desk", "s2")))
    assert say_evidence({"o.a": [one], "o.b": [two]}) == "2 projects, 2 machines, 2 sessions"


def test_languages_and_frameworks_are_read_from_manifests(tmp_path: Path) -> None:
    files = {
        "pyproject.toml": 'dependencies = ["Django>=5"]',
        "web/package.json": '{"dependencies": {"react": "1"}}',
        "vendor/deep/down/Cargo.toml": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert find_technologies(files, files.__getitem__) == {"python", "javascript", "django", "react"}


def test_a_pattern_is_scoped_by_what_its_projects_checkouts_have_in_common(machine: Machine) -> None:
    for name, manifests in (("a", ("pyproject.toml", "go.mod")), ("b", ("pyproject.toml",))):
        checkout = machine.checkout(f"git@github.com:o/{name}.git", name)
        for manifest in manifests:
            (checkout / manifest).write_text("pytest\n")
        git(checkout, "add", ".")
        git(checkout, "commit", "--quiet", "-m", "x")
        machine.teach(LESSON, name=name, cwd=checkout)
    machine.sync()
    environment = replace(machine.environment, own=load_machine_settings(machine.environment.machine_file))
    (proposed,) = survey(KnowledgeBase(machine.root), environment, None, Work(InProcess())).promotions
    tags = set(proposed.kept.learning.tags)
    assert (tags & {"python", "pytest", "go"}, len(proposed.folded)) == ({"python", "pytest"}, 2)


def test_the_one_that_says_more_is_kept(machine: Machine) -> None:
    short, full = place(
        machine,
        make_learning("Run the migrations before the deploy."),
        make_learning("Run the migrations before the deploy and tell the on-call engineer.", created=LATER),
    )
    (merge,) = look(machine).merges
    assert ([entry.path for entry in merge.folded], merge.kept.path) == ([short], full)
    assert "refines" in merge.reasons[0]


def test_learnings_of_another_kind_stay_two(machine: Machine) -> None:
    place(machine, make_learning(OLD), make_learning(SAME, kind=Kind.WORKFLOW))
    assert look(machine).merges == ()


def test_beyond_what_is_compared_exactly_cells_find_them(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("faiss")
    place(machine, make_learning(OLD), make_learning(SAME), make_learning(OTHER))
    exactly = look(machine)
    monkeypatch.setattr(pairs, "EXACT_UP_TO", 2)
    assert look(machine) == exactly


def test_a_kept_vector_of_another_dimension_is_made_anew(machine: Machine) -> None:
    place(machine, make_learning(OLD), make_learning(SAME))
    before = look(machine)
    text = Context("gotcha", "o.r").around(OLD)
    with State(machine.environment.data_dir, machine.root) as state:
        assert len(state.vectors(before.encoder, [text])[text]) == 4 * 384
        state.keep_vectors(before.encoder, {text: b"\0" * 40})
    assert look(machine) == before


def test_in_pull_request_mode_a_merge_goes_along_with_the_next_proposal(machine: Machine) -> None:
    settings = machine.root / "agent-context.toml"
    settings.write_text(settings.read_text().replace('review = "direct"', 'review = "pull-request"'))
    one, two = place(machine, make_learning(OLD), make_learning(SAME))
    git(machine.root, "push", "--quiet", "origin", "HEAD")
    main = git(machine.root, "rev-parse", "origin/HEAD")
    assert run(machine, "consolidate", "--kb", "kb", "--apply", learning_id("o.r", OLD)).returncode == 0
    machine.sync()
    git(machine.root, "fetch", "--quiet")
    assert git(machine.root, "rev-parse", "origin/HEAD") == main
    (proposed,) = git(machine.root, "for-each-ref", "--format=%(refname)", f"refs/remotes/origin/{BRANCHES}").split()
    changed = git(machine.root, "diff", "--name-only", main, proposed).split()
    assert {one, two} <= set(changed)


def test_a_commits_message_quotes_no_encrypted_learning() -> None:
    learning = make_learning(OLD)
    open_one, sealed = (Entry("o.r", f"projects/o.r/2026-03/{learning.id}.md{end}", learning) for end in ("", ".age"))
    first = f"merged into {learning.id}: 1 project"
    assert tell_decisions("merged", [Fold(open_one, open_one, (), "1 project", ("adds 'x'",))]) == [first, "adds 'x'"]
    assert tell_decisions("merged", [Fold(sealed, sealed, (), "1 project", ("adds 'x'",))]) == [first]


def test_a_pattern_that_was_turned_down_is_not_proposed_again(machine: Machine) -> None:
    for project in ("o.a", "o.b"):
        place(machine, make_learning(OLD), project=project)
    assert len(look(machine).promotions) == 1
    place(machine, make_learning(OLD, status=Status.REJECTED), project="patterns")
    assert look(machine).promotions == ()


def test_an_empty_knowledge_base_is_soon_compared(machine: Machine) -> None:
    found = look(machine)
    assert (found.merges, found.promotions, found.contradictions, found.compared) == ((), (), (), 0)
    place(machine, make_learning(OLD))
    assert look(machine).compared == 1
