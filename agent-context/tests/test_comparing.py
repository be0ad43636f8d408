from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from agent_context.cli import run
from agent_context.consolidation.comparing import LONGEST, Malformed, Outcome, compare_lines
from agent_context.encoders import minilm

if TYPE_CHECKING:
    from pathlib import Path

A = "Use uv for installs."


def ask(**pair: object) -> Outcome | Malformed:
    return next(compare_lines([json.dumps(pair).encode()], None))


@pytest.mark.parametrize(
    ("b", "decision"),
    [
        ("For installs, use uv.", "confirms"),
        ("Never use uv for installs.", "contradicts"),
        ("Use uv for installs, with the lockfile.", "refines"),
        ("Charts are drawn with D3.", "new"),
    ],
)
def test_each_decision_has_its_word(b: str, decision: str) -> None:
    found = ask(a=A, b=b)
    assert isinstance(found, Outcome)
    assert found.decision == decision
    assert found.reasons


def test_a_rejection_holds_against_rewordings_alone() -> None:
    assert ask(a=A, b="For installs, use uv.", status="rejected").decision == "rejected"  # type: ignore[union-attr]
    assert ask(a=A, b="Never use uv for installs.", status="rejected").decision == "new"  # type: ignore[union-attr]


@pytest.mark.parametrize("more", [{"kind": ["gotcha", "decision"]}, {"project": ["o.r", "o.s"]}])
def test_two_kinds_or_projects_forbid_to_confirm(more: dict[str, object]) -> None:
    assert ask(a=A, b=A, **more).decision == "near"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "more", [{"kind": "gotcha"}, {"project": None}, {"paths": ["a"]}, {"paths": [["a"], ["b"]]}, {"id": 3}]
)
def test_what_both_share_or_is_not_ours_forbids_nothing(more: dict[str, object]) -> None:
    assert ask(a=A, b=A, **more).decision == "confirms"  # type: ignore[union-attr]


def test_malformed_lines_are_named_and_the_rest_goes_on() -> None:
    good = json.dumps({"a": A, "b": A}).encode()
    bad = [
        b"{",
        b'{"a": "x"}',
        json.dumps({"a": A, "b": " . "}).encode(),
        json.dumps({"a": A, "b": "x " * LONGEST}).encode(),
        b"\xff",
    ]
    found = list(compare_lines([good, b"", *bad, good], minilm.load()))
    assert [item.decision if isinstance(item, Outcome) else item.line for item in found] == [
        "confirms",
        3,
        4,
        5,
        6,
        7,
        "confirms",
    ]
    assert [item.reason for item in found if isinstance(item, Malformed)][2:4] == [
        "b is an empty claim",
        "b has 40,000 characters; a claim has at most 20,000",
    ]


def test_the_command_answers_line_by_line(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = home / "pairs.jsonl"
    file.write_text(json.dumps({"a": A, "b": "For installs, use uv."}) + "\n{\n")
    assert run(["compare", "--json", "--encoder", "none", str(file)]) == 1
    said = capsys.readouterr()
    first, second = (json.loads(line) for line in said.out.splitlines())
    assert (first["decision"], list(first)) == ("confirms", ["decision", "score", "reasons"])
    assert second["line"] == 2
    assert "line 2: " in said.err


def test_calibrate_measures_and_keeps_a_scale(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["calibrate", "--encoder", "minilm", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["wrong_merges"] == 0
    assert said["confirmed"] >= 0.4
    assert said["contradictions_named"] >= 0.7
    kept = list(home.rglob("calibrations.json"))
    assert [list(json.loads(path.read_text())) for path in kept] == [["all-MiniLM-L6-v2-int8"]]
