"""The workflow files that a knowledge base is founded with: they parse, run real commands, publish nothing unasked."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from agent_context.cli import COMMANDS
from agent_context.founding import found_knowledge_base

ROOT = Path(__file__).parent.parent.parent
PLACES = {
    ".github/workflows/knowledge-base.yml": "agent-context check --kb .",
    ".github/workflows/site.yml": "agent-context site --kb .",
    ".gitlab-ci.yml": "agent-context check --kb .",
    ".gitea/workflows/knowledge-base.yml": "agent-context check --kb .",
    ".gitea/workflows/site.yml": "agent-context site --kb .",
}


@pytest.mark.parametrize("place", PLACES)
def test_a_new_knowledge_base_has_the_workflows_of_this_repository(place: str, tmp_path: Path) -> None:
    found_knowledge_base(tmp_path / "kb", "", "laptop")
    text = (tmp_path / "kb" / place).read_text()
    assert text == (ROOT / place).read_text()
    assert isinstance(yaml.safe_load(text), dict)
    assert PLACES[place] in text
    assert set(re.findall(r"^\W*(?:run: )?agent-context (\w+)", text, re.MULTILINE)) <= set(COMMANDS)


@pytest.mark.parametrize("place", [place for place in PLACES if "site" in PLACES[place] or "gitlab" in place])
def test_nothing_is_published_unless_the_repository_says_so(place: str) -> None:
    described = yaml.safe_load((ROOT / place).read_text())
    jobs = described.get("jobs", described)
    for name, job in jobs.items():
        steps = [{**step, "job": name} for step in job.get("steps", [])] if "steps" in job else [job]
        for step in steps:
            publishes = any(
                word in str(step) for word in ("deploy-pages", "upload-pages", "refs/heads/pages", "'public'")
            )
            if publishes:
                assert "AGENT_CONTEXT_PUBLISH" in str(step.get("if", "")) + str(job.get("if", "")) + str(
                    job.get("rules", "")
                )


def test_the_check_of_the_workflow_passes_on_a_new_knowledge_base_and_names_what_is_wrong(tmp_path: Path) -> None:
    root = tmp_path / "kb"
    found_knowledge_base(root, "", "laptop")
    command = [sys.executable, "-m", "agent_context", "check", "--kb", "."]
    assert subprocess.run(command, cwd=root, capture_output=True, check=False).returncode == 0
    (root / "projects/o.r/2026-03").mkdir(parents=True)
    (root / "projects/o.r/2026-03/x-0123456789.md").write_text("---\nid: 0123456789\nkind: nonsense\n---\nx\n")
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "projects/o.r/2026-03/x-0123456789.md:" in done.stdout
