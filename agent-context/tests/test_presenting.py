"""What a knowledge base's site is made from: what never gets there, what a public one leaves out, what is told."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from samples import Machine, git, make_learning, replace_fields

from agent_context.cli import group
from agent_context.errors import AgentContextError
from agent_context.frontmatter import write_learning
from agent_context.git import Repository
from agent_context.knowledge import KnowledgeBase
from agent_context.learning import Source, Speaker, Status, StatusNote
from agent_context.presenting import collect_site
from agent_context.screening.allowing import hash_found
from agent_context.settings import Allowance
from agent_context.site import stage
from agent_context.state import State, name_of_clone
from agent_context.syncing.halves import locked

if TYPE_CHECKING:
    from pathlib import Path

    from agent_context.learning import Learning

NOW = "2026-11-21T12:00:00Z"
TOKEN = "ghp_" + "a8Zk3LmQ9xR2" * 3


def put(root: Path, folder: str, learning: Learning, project: str = "") -> Path:
    path = root / "projects" / folder / "2026-03" / f"x-{learning.id}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(write_learning(learning), encoding="utf-8")
    (root / "projects" / folder / "project.toml").write_text(f'name = "{folder}"\n{project}', encoding="utf-8")
    return path


def learning(number: int, claim: str, **fields: object) -> Learning:
    return replace_fields(make_learning(claim), id=f"{number:010x}", **fields)


@pytest.fixture
def knowledge_base(tmp_path: Path) -> KnowledgeBase:
    root = tmp_path / "kb"
    root.mkdir()
    (root / "agent-context.toml").write_text("", encoding="utf-8")
    return KnowledgeBase(root)


def shown(knowledge_base: KnowledgeBase) -> list[str]:
    site = collect_site(knowledge_base, NOW)
    return [entry.learning.id for shelf in site.shelves for entry in shelf.entries]


def test_what_must_not_be_seen_never_gets_to_the_site(knowledge_base: KnowledgeBase) -> None:
    root = knowledge_base.root
    put(root, "open", learning(1, "Deploy with `make deploy`."))
    put(root, "open", learning(2, "In quarantine.", status=Status.QUARANTINED))
    put(root, "mine", learning(3, "Local."), "local = true\n")
    put(root, "sealed", learning(4, "From before it was encrypted."), "encrypted = true\n")
    put(root, "open", learning(5, f"The token is {TOKEN}."))
    put(root, "open", learning(6, "A note.", status_note=StatusNote("ada", NOW, f"it says {TOKEN}")))
    site = collect_site(knowledge_base, NOW)
    assert shown(knowledge_base) == ["0000000001"]
    assert {shelf.folder for shelf in site.shelves} == {"open", "patterns"}
    assert (site.health.withheld, site.health.quarantined, site.health.kept_back) == (2, 1, 2)
    assert TOKEN not in repr(site)
    assert [problem.partition(" ")[0] for problem in site.problems] == ["open/0000000005:", "open/0000000006:"]


def test_a_public_site_has_no_quotes_machines_or_people(knowledge_base: KnowledgeBase) -> None:
    (knowledge_base.root / "agent-context.toml").write_text('[site]\nvisibility = "public"\n', encoding="utf-8")
    said = Source("ada-laptop", "5e55", "2026-03-01T00:00:00Z", Speaker.USER, "c0ffee1", "heuristic")
    note = StatusNote("ada", "2026-03-02T00:00:00Z", "seen")
    lesson = learning(1, "Deploy with make.", sources=(said,), evidence=("I said so",), status_note=note)
    put(knowledge_base.root, "open", lesson)
    (knowledge_base.root / "projects/open/2026-03/broken.md").write_text("---\nid: [\n", encoding="utf-8")
    site = collect_site(KnowledgeBase(knowledge_base.root), NOW)
    (entry,) = (entry for shelf in site.shelves for entry in shelf.entries)
    assert (entry.learning.evidence, entry.learning.sources[0].machine) == ((), "")
    assert entry.learning.sources[0].speaker is Speaker.USER, "how sure it is depends on who said it"
    assert not {"ada-laptop", "I said so", "5e55", "broken.md"} & set(repr(site).split("'"))
    assert (site.public, site.evidence, site.web, site.machines) == (True, False, None, ())


def test_a_broken_learning_is_named_and_the_rest_is_there(knowledge_base: KnowledgeBase) -> None:
    folder = put(knowledge_base.root, "open", learning(1, "Deploy with make.")).parent
    made = folder / "made"
    (folder / "broken.md").write_text("---\nid: [\n", encoding="utf-8")
    (folder / "tagged.md").write_text(f"---\nid: !!python/object/apply:pathlib.Path.touch [{made}]\n---\n", "utf-8")
    (folder / f"with-{TOKEN}.md").write_text("---\nid: [\n", encoding="utf-8")
    site = collect_site(knowledge_base, NOW)
    assert shown(knowledge_base) == ["0000000001"]
    assert [problem.partition(":")[0] for problem in site.problems] == [
        "projects/open/2026-03/broken.md",
        "projects/open/2026-03/tagged.md",
        "a file in projects/open/2026-03 does not read (agent-context check names it)",
    ]
    assert not made.exists()


def test_a_secret_that_got_past_all_gates_stops_the_site_unless_a_person_allows_it(
    knowledge_base: KnowledgeBase, tmp_path: Path
) -> None:
    put(knowledge_base.root, "open", learning(1, "Deploy with make."))
    site = collect_site(knowledge_base, NOW)
    open_ = replace(next(shelf for shelf in site.shelves if shelf.folder == "open"), name=f"Named {TOKEN}")
    named = replace(site, shelves=(open_,), guide=None)
    with pytest.raises(AgentContextError, match="holds a secret in line"):
        stage(named, tmp_path / "a")
    stage(replace(named, allow=(Allowance("a sample", hash=hash_found(TOKEN)),)), tmp_path / "b")


def test_the_site_tells_what_agents_get_and_why(knowledge_base: KnowledgeBase) -> None:
    put(knowledge_base.root, "open", learning(1, "Deploy with make.", status=Status.ACCEPTED))
    given = next(shelf.given for shelf in collect_site(knowledge_base, NOW).shelves if shelf.folder == "open")
    assert given is not None
    assert "Deploy with make." in given.text
    assert (given.lines[0].learning, given.lines[0].place) == ("0000000001", "always")
    assert given.lines[0].reason


def test_learnings_that_contradict_each_other_are_found_within_their_project(knowledge_base: KnowledgeBase) -> None:
    claims = ("The upload timeout is 30 seconds in the gateway.", "The upload timeout is 90 seconds in the gateway.")
    for number, claim in enumerate((*claims, "Kafka needs three brokers."), 1):
        put(knowledge_base.root, "open", learning(number, claim))
    put(knowledge_base.root, "other", learning(9, claims[1]))
    (pair,) = collect_site(knowledge_base, NOW).opposed
    assert [path[-13:-3] for path in (pair.one, pair.other)] == ["0000000001", "0000000002"]
    assert "30" in pair.reason


def test_a_series_of_claims_made_alike_contradicts_nobody(knowledge_base: KnowledgeBase) -> None:
    for number in range(1, 7):
        put(knowledge_base.root, "open", learning(number, f"The upload timeout is {number}0 seconds in the gateway."))
    assert collect_site(knowledge_base, NOW).opposed == ()


def test_tooling_is_shown_with_who_has_it_unless_the_screen_objects(knowledge_base: KnowledgeBase) -> None:
    folder = knowledge_base.root / "tooling"
    (folder / "mcp").mkdir(parents=True)
    (folder / "mcp/good.toml").write_text('description = "issues"\ncommand = "npx"\nargs = ["-y", "it"]\n', "utf-8")
    (folder / "mcp/bad.toml").write_text(f'command = "npx"\nargs = ["{TOKEN}"]\n', "utf-8")
    (folder / "skills/review").mkdir(parents=True)
    (folder / "skills/review/scripts").mkdir()
    (folder / "skills/review/scripts/run.sh").write_text("#!/bin/sh\n", "utf-8")
    (folder / "skills/review/SKILL.md").write_text("---\nname: review\ndescription: reads\n---\n\n# Review\n", "utf-8")
    site = collect_site(knowledge_base, NOW)
    assert [(tool.name, tool.about) for tool in site.servers] == [("good", "issues (npx -y it)")]
    assert [(tool.name, tool.text.strip()) for tool in site.skills] == [("review", "# Review")]
    assert site.skills[0].files == ("scripts/run.sh, 10 bytes",)
    assert [problem.partition(":")[0] for problem in site.problems] == ["mcp/bad"]
    assert TOKEN not in repr(site)


def test_what_an_earlier_build_found_clean_is_not_screened_again(machine: Machine) -> None:
    machine.teach("No, always deploy with `make deploy`, never with fly directly.", cwd=machine.checkout())
    machine.sync()
    base, cleared = KnowledgeBase(machine.root), _cleared(machine)
    _collect(base, machine)
    digests = cleared.read_text(encoding="ascii").split()
    assert len(digests) == sum(len(shelf.entries) for shelf in collect_site(base, NOW).shelves) > 0
    cleared.write_bytes(b"\xff not a digest")
    _collect(base, machine)
    assert cleared.read_text(encoding="ascii").split() == digests


def _collect(base: KnowledgeBase, machine: Machine) -> None:
    with State(machine.environment.data_dir, base.root, keep=False) as state:
        collect_site(base, NOW, state, machine.environment)


def _cleared(machine: Machine) -> Path:
    return machine.environment.data_dir / f"site-{name_of_clone(machine.root)}.clean"


def test_the_machines_and_the_forge_are_known_where_the_clone_is(machine: Machine) -> None:
    machine.teach("No, always deploy with `make deploy`, never with fly directly.", cwd=machine.checkout())
    machine.sync()
    git(machine.root, "remote", "set-url", "origin", "git@github.com:acme/kb.git")
    with State(machine.environment.data_dir, machine.root, keep=False) as state:
        site = collect_site(KnowledgeBase(machine.root), NOW, state, replace(machine.environment))
    assert site.web is not None
    assert site.web.edit == "https://github.com/acme/kb/edit/main/"
    assert [known.name for known in site.machines] == [machine.environment.machine]
    assert sum(site.outcomes.values()) == 1


def test_the_site_is_built_while_a_sync_holds_the_clone(machine: Machine) -> None:
    machine.teach("No, always deploy with `make deploy`, never with fly directly.", cwd=machine.checkout())
    machine.sync()
    with locked(Repository(machine.root), 1), State(machine.environment.data_dir, machine.root) as state:
        state.set_fact("busy", "yes")
        done = CliRunner().invoke(group, ["site", "--stage", "--kb", str(machine.root)])
    assert done.exit_code == 0, done.output
    rows = json.loads((machine.root / ".site/docs/learnings.json").read_bytes())
    assert len(rows) == 1
