"""`agent-context screen`: what is found in a file, a pipe, a transcript, and the text without it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from samples import Machine, assistant, tool_result, user, write_session
from test_cli import run

from agent_context.screening.allowing import hash_found

if TYPE_CHECKING:
    from pathlib import Path

GITHUB = "ghp_" + "a1B2" * 9
BARE = "Summer!" + "Kite42"
TEXT = f"ask jane@acme.io\nexport DB_PASSWORD='{BARE}'\nthen {BARE} again, and {GITHUB}\n"


def test_a_finding_is_a_line_that_an_editor_can_follow(machine: Machine) -> None:
    (machine.folder / "note.md").write_text(TEXT)
    done = run(machine, "screen", "note.md")
    assert (done.returncode, done.stdout) == (
        1,
        (
            "note.md:1:5: personal: email (likely) jan… (12 characters)\n"
            "note.md:2:21: secret: named-password (likely) Sum… (13 characters)\n"
            "note.md:3:6: secret: tainted-value (certain) Sum… (13 characters)\n"
            "note.md:3:31: secret: github-token (certain) ghp_… (40 characters)\n"
        ),
    )


def test_json_is_one_object_a_finding_and_holds_no_secret(machine: Machine) -> None:
    done = run(machine, "screen", "--json", stdin=TEXT)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert found[3] == {
        "line": 3,
        "column": 31,
        "kind": "secret",
        "rule": "github-token",
        "severity": "certain",
        "masked": "ghp_… (40 characters)",
        "hash": hash_found(GITHUB),
    }
    assert (done.returncode, len(found)) == (1, 4)
    assert GITHUB not in done.stdout + done.stderr
    assert BARE not in done.stdout + done.stderr


def test_redact_prints_the_text_without_it(machine: Machine) -> None:
    done = run(machine, "screen", "-", "--redact", stdin=TEXT)
    assert (done.returncode, done.stdout) == (
        1,
        (
            "ask <email>\nexport DB_PASSWORD='[redacted:named-password]'\n"
            "then [redacted:tainted-value] again, and [redacted:github-token]\n"
        ),
    )


def test_clean_text_ends_with_0_and_says_nothing(machine: Machine) -> None:
    done = run(machine, "screen", stdin="Deploy with `make deploy`.\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_only_the_kinds_asked_for_count(machine: Machine) -> None:
    assert run(machine, "screen", "--kind", "poison", stdin=TEXT).returncode == 0
    done = run(machine, "screen", "--kind", "personal", "--json", stdin=TEXT)
    assert [json.loads(line)["rule"] for line in done.stdout.splitlines()] == ["email"]


def test_the_privacy_mode_is_the_one_asked_for(machine: Machine) -> None:
    text = "jane@acme.io on 51.159.136.32\n"
    for mode, count in (("off", 0), ("standard", 1), ("strict", 2)):
        done = run(machine, "screen", "--privacy", mode, "--json", "--engine", "own", stdin=text)
        assert (done.returncode, len(done.stdout.splitlines())) == (int(count > 0), count)


def test_inside_a_knowledge_base_its_settings_hold(machine: Machine) -> None:
    settings = machine.root / "agent-context.toml"
    allowed = f'\n[[allow]]\nhash = "{hash_found(GITHUB)}"\nreason = "a sample"\n[privacy]\ncustomers = ["Globex"]\n'
    settings.write_text(settings.read_text() + allowed)
    done = run(machine, "screen", "--redact", cwd=machine.root, stdin=f"Globex uses {GITHUB}\n")
    assert (done.returncode, done.stdout) == (1, f"<customer> uses {GITHUB}\n")


def test_a_binary_file_is_read_with_replacement(machine: Machine) -> None:
    (machine.folder / "x.bin").write_bytes(b"\xff\xfe\x00 " + GITHUB.encode() + b" \xff\n")
    done = run(machine, "screen", "x.bin", "--kind", "secret")
    assert (done.returncode, done.stdout) == (1, "x.bin:1:5: secret: github-token (certain) ghp_… (40 characters)\n")


@pytest.mark.parametrize("arguments", [("nowhere.md",), ("--kind", "other"), ("--kb", "nowhere")])
def test_wrong_use_is_said(machine: Machine, arguments: tuple[str, ...]) -> None:
    done = run(machine, "screen", *arguments)
    assert done.returncode == (1 if "--kb" in arguments else 2)
    assert "nowhere" in done.stderr or "other" in done.stderr


def make_transcript(folder: Path) -> Path:
    return write_session(
        folder / "5f0c.jsonl",
        user("here is the key"),
        tool_result(f"$ env\nHOME=/home/jane\nACME_TOKEN={BARE}\n"),
        assistant(
            {"type": "thinking", "thinking": "", "signature": "Eq8" + "kT9wq2ZZpL8v" * 20},
            f"I used {BARE} in\n/home/jane/x",
        ),
    )


def test_a_transcript_is_decoded_and_its_tool_output_taints(machine: Machine) -> None:
    done = run(machine, "screen", "--json", str(make_transcript(machine.folder)))
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(item["line"], item["rule"]) for item in found] == [
        (2, "home-folder"),
        (2, "tainted-value"),
        (3, "tainted-value"),
        (3, "home-folder"),
    ]


def test_a_redacted_transcript_is_a_transcript(machine: Machine) -> None:
    path = make_transcript(machine.folder)
    done = run(machine, "screen", "--redact", str(path))
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert records[2]["message"]["content"][1]["text"] == "I used [redacted:tainted-value] in\n~/x"
    assert [record["uuid"] for record in records] == ["5f0c-0", "5f0c-1", "5f0c-2"]
    assert records[2]["message"]["content"][0] == json.loads(path.read_text().splitlines()[2])["message"]["content"][0]
    assert BARE not in done.stdout
    (machine.folder / "clean.jsonl").write_text(done.stdout)
    assert run(machine, "screen", "clean.jsonl").returncode == 0
