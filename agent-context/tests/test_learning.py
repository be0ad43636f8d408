from __future__ import annotations

import pytest
from samples import make_learning

from agent_context.layout import is_learning_path, learning_path
from agent_context.learning import learning_id, normalise_claim, one_paragraph, slugify


def test_the_same_words_make_the_same_id_whatever_their_dress() -> None:
    assert learning_id("o.r", "Use `uv`,  not pip.") == learning_id("o.r", "use uv, not PIP")


def test_the_same_words_in_another_project_make_another_id() -> None:
    assert learning_id("o.r", "Use uv.") != learning_id("o.other", "Use uv.")


def test_an_id_never_changes_between_versions() -> None:
    assert learning_id("o.r", "Use uv.") == "3482730113"


@pytest.mark.parametrize(
    ("claim", "normal"),
    [("Use `uv`, not pip.", "use uv, not pip"), ("  A\n b  ", "a b"), ("“Quoted” words!", "quoted words")],
)
def test_claims_are_normalised(claim: str, normal: str) -> None:
    assert normalise_claim(claim) == normal


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("Deploy with `make deploy`!", "deploy-with-make-deploy"),
        ("Größe in Übersee", "groe-in-ubersee"),
        ("日本語", "learning"),
        ("a" * 80, "a" * 48),
        ("../../etc/passwd", "etc-passwd"),
        ("one two three four five six seven eight nine ten eleven", "one-two-three-four-five-six-seven-eight-nine-ten"),
    ],
)
def test_slugs_are_short_plain_and_safe(text: str, slug: str) -> None:
    assert slugify(text) == slug


def test_a_learning_is_born_in_its_month() -> None:
    learning = make_learning("Deploy with `make deploy`.")
    assert learning_path("o.r", learning) == f"projects/o.r/2026-03/deploy-with-make-deploy-{learning.id}.md"
    assert learning_path("patterns", learning) == f"patterns/deploy-with-make-deploy-{learning.id}.md"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("projects/o.r/2026-03/a-0123456789.md", True),
        ("patterns/a-0123456789.md", True),
        ("projects/README.md", False),
        ("projects/o.r/README.md", False),
        ("projects/o.r/handoffs/laptop.md", False),
        ("projects/o.r/project.toml", False),
        ("patterns/README.md", False),
        ("tooling/skills/x/SKILL.md", False),
    ],
)
def test_learning_paths_are_told_from_others(path: str, expected: bool) -> None:
    assert is_learning_path(path) is expected


def test_a_claim_cannot_pose_as_quote_heading_or_fence() -> None:
    assert one_paragraph("> # quoted\nwords") == "quoted words"
    assert one_paragraph("--- not a fence") == "not a fence"
