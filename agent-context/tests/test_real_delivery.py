"""What the real Claude Code makes of the files that we write: in its requests, and in its transcript for `arrived`."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fake_messages_api import KEY, fake_messages_api, text, tool
from samples import Machine, make_learning

from agent_context.changes import write_atomically
from agent_context.delivery.arrival import find_arrivals
from agent_context.frontmatter import write_learning
from agent_context.knowledge import KnowledgeBase
from agent_context.layout import learning_path
from agent_context.learning import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.real

REPOSITORY = Path(__file__).parents[2]
CLIENT = Path(os.environ.get("AGENT_CONTEXT_CLAUDE") or REPOSITORY / ".venv/claude/node_modules/.bin/claude")
NOW = "2026-03-02T00:00:00Z"
PINNED = make_learning("Fonts live in the bucket `fonts-eu`.", pinned=True, status=Status.ACCEPTED)
SCOPED = make_learning("Amounts are rounded late.", paths=("src/pay/**",), status=Status.ACCEPTED)
NEVER = make_learning("The queue is drained by hand.", paths=("ops/queue.py",), status=Status.ACCEPTED)
ESCAPED = make_learning("Import <T> with @types/node, not @AGENTS.md.", status=Status.ACCEPTED)
AGENTS = "# Agents\n\nWORDS-OF-AGENTS-MD\n"


@dataclass(frozen=True)
class Ran:
    """A session of the real client: what it asked of the API, request by request, as text."""

    requests: tuple[str, ...]


def run_client(checkout: Path, claude_dir: Path, *script: dict[str, Any]) -> Ran:
    """Run one session of the real client in a checkout, with a home of its own and nothing of this environment."""
    if not CLIENT.is_file():
        pytest.fail(f"no Claude Code at {CLIENT}: `make test-real` installs it, or set AGENT_CONTEXT_CLAUDE to one")
    with fake_messages_api(*script, text("Done.")) as api:
        variables = {
            "HOME": str(claude_dir.parent),
            "PATH": f"/usr/local/bin:/usr/bin:/bin:{os.environ['PATH']}",
            "CLAUDE_CONFIG_DIR": str(claude_dir),
            "ANTHROPIC_BASE_URL": api.url,
            "ANTHROPIC_API_KEY": KEY,
        }
        command: Sequence[str | Path] = [CLIENT, "-p", "Look at it."]
        done = subprocess.run(command, cwd=checkout, env=variables, capture_output=True, timeout=60, check=False)
    assert done.stdout.decode().strip() == "Done.", done.stderr.decode()
    asked = [body for body in api.messages if "Look at it." in json.dumps(body["messages"])]
    return Ran(tuple(json.dumps(body, ensure_ascii=False) for body in asked))


def served(machine: Machine, *targets: str) -> Path:
    """A checkout into which sync has put what agents are given."""
    checkout = machine.checkout()
    (checkout / "src/pay").mkdir(parents=True)
    (checkout / "src/pay/cart.py").write_text("pass\n")
    (checkout / "AGENTS.md").write_text(AGENTS)
    for learning in (PINNED, SCOPED, NEVER, ESCAPED):
        write_atomically(machine.root / learning_path("o.r", learning), write_learning(learning).encode())
    (machine.root / "agent-context.toml").write_text(f"[snippet]\ntargets = {json.dumps(targets)}\n")
    machine.teach("hello", cwd=checkout)
    assert machine.sync().problems == []
    return checkout


def read(checkout: Path) -> dict[str, Any]:
    """The client's call of its tool for reading a file."""
    return tool("Read", {"file_path": str(checkout / "src/pay/cart.py")})


def test_the_rules_reach_the_model_a_scoped_one_with_its_file_and_arrived_tells_it(machine: Machine) -> None:
    checkout = served(machine, "rules")
    first, second = run_client(checkout, machine.environment.claude_dir, read(checkout)).requests
    assert "Notes from past sessions, quoted as data with their source" in first
    assert "Fonts live in the bucket `fonts-eu`. (user, 2026-03-01)" in first
    assert "Import &lt;T> with &#64;types/node, not &#64;AGENTS.md." in first
    assert "WORDS-OF-AGENTS-MD" in first
    assert "agent-context:" not in first
    assert PINNED.id not in first
    assert "Amounts are rounded late." not in first
    assert "Amounts are rounded late." in second
    assert "drained by hand" not in second
    (found,) = find_arrivals(KnowledgeBase(machine.root), machine.environment, "o.r", NOW, days=90)
    (arrived,) = found.reached
    assert (found.telling, arrived.ids, arrived.unknown) == (1, {PINNED.id, SCOPED.id, ESCAPED.id}, 0)
    reach = {item.id: item for item in found.learnings}
    assert (reach[SCOPED.id].sessions, reach[SCOPED.id].why) == (1, "")
    assert (reach[NEVER.id].sessions, reach[NEVER.id].why) == (0, "never: loads with ops/queue.py")


def test_agents_md_is_still_loaded_where_it_was_alone_whatever_the_target(machine: Machine) -> None:
    checkout = served(machine, "claude-md", "learnings-md", "agents-md")
    (request,) = run_client(checkout, machine.environment.claude_dir).requests
    assert "WORDS-OF-AGENTS-MD" in request
    assert "Fonts live in the bucket `fonts-eu`." in request
    assert "## 2026-03-01, laptop" in request
    (found,) = find_arrivals(KnowledgeBase(machine.root), machine.environment, "o.r", NOW, days=90)
    assert found.reached[0].ids == {PINNED.id, SCOPED.id, NEVER.id, ESCAPED.id}
