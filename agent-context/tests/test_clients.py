"""Editing somebody's configuration: our key changes, every other byte stays, and nothing is ever half written."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from agent_context.changes import Change
from agent_context.clients.files import ChangedMeanwhileError, read_config, replace_file
from agent_context.clients.keys import get_key, read_table, remove_key, set_key
from agent_context.clients.places import Places, describe_clients, find_version
from agent_context.errors import AgentContextError

if TYPE_CHECKING:
    from pathlib import Path

SERVER = {"command": "npx", "args": ["-y", "it"]}
COMMENTED = """\
{
    // what I use
    "theme": "dark", /* at night */
    "mcpServers": {
        "mine": {"command": "cat"}, // do not touch, }
    },
}
"""
COMMENTED_WITH_OURS = """\
{
    // what I use
    "theme": "dark", /* at night */
    "mcpServers": {
        "mine": {"command": "cat"}, // do not touch, }
        "ours": {
            "command": "npx",
            "args": [
                "-y",
                "it"
            ]
        },
    },
}
"""
TOML = """\
# mine
model = "o3"  # the best

[mcp_servers.one]
command = "a" # why

[mcp_servers.one.env]
K = "v"

[tui]
theme = 'x'
"""


def test_a_key_is_set_in_json_with_comments_and_every_other_byte_stays() -> None:
    assert set_key("json", COMMENTED, ("mcpServers", "ours"), SERVER) == COMMENTED_WITH_OURS
    assert remove_key("json", COMMENTED_WITH_OURS, ("mcpServers", "ours")) == COMMENTED


def test_what_is_so_already_is_not_written_again() -> None:
    assert set_key("json", COMMENTED_WITH_OURS, ("mcpServers", "ours"), SERVER) is COMMENTED_WITH_OURS
    assert remove_key("json", COMMENTED, ("mcpServers", "nobody")) is COMMENTED


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", '{\n  "a": {\n    "b": 1\n  }\n}\n'),
        ("{}", '{\n  "a": {\n    "b": 1\n  }\n}'),
        ('{"x":1}', '{"x":1, "a": {"b": 1}}'),
        ('{"a": {"b": 0, "c": [1, 2]}}', '{"a": {"b": 1, "c": [1, 2]}}'),
        ('\ufeff{\r\n\t"a": {}\r\n}\r\n', '\ufeff{\r\n\t"a": {\r\n\t\t"b": 1\r\n\t}\r\n}\r\n'),
        ('{\n  "a": {\n    "b": 7\n  }, "b": 2\n}', '{\n  "a": {\n    "b": 1\n  }, "b": 2\n}'),
    ],
)
def test_a_key_is_set_in_the_manner_of_the_file(text: str, expected: str) -> None:
    assert set_key("json", text, ("a", "b"), 1) == expected


def test_of_a_key_that_stands_twice_the_one_that_counts_is_set_and_both_are_removed() -> None:
    assert set_key("json", '{"a": 1, "a": 2}', ("a",), 3) == '{"a": 1, "a": 3}'
    assert read_table("json", remove_key("json", '{"a": 1, "b": 0, "a": 2}', ("a",))) == {"b": 0}


@pytest.mark.parametrize("form", ["json", "toml"])
@pytest.mark.parametrize("text", ['{"a": ', "a = ", "[[1]", "\0", '{"a": 1} x', "[" * 100_000])
def test_a_text_that_does_not_read_is_refused(form: Any, text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        set_key(form, text, ("b",), 1)


def test_a_table_that_is_something_else_is_refused() -> None:
    with pytest.raises(ValueError, match="mcpServers holds no"):
        set_key("json", '{"mcpServers": []}', ("mcpServers", "ours"), SERVER)


@pytest.mark.parametrize(
    "text",
    [
        '{"a": {"x": 1,},}\n',
        '{"a": {"x": 1, }}\n',
        '{"a":{"x":1,}}',
        '{"a": {"x": 1,\t}}',
        '{ "a": { "x": 1, "y": 2, } }\n',
        '{"a": {"x": 1, /* c */ }}\n',
    ],
)
def test_a_trailing_comma_on_the_same_line_leaves_no_space_behind(text: str) -> None:
    assert remove_key("json", set_key("json", text, ("a", "ours"), SERVER), ("a", "ours")) == text


def _table(chance: random.Random, depth: int = 0) -> Any:
    if depth < 3 and (depth == 0 or chance.random() < 0.4):
        return {chance.choice("abcdefgh") * 2: _table(chance, depth + 1) for _ in range(chance.randint(1, 4))}
    return chance.choice([1, True, None, "x", "// no", 'a"b,}', "ünï", 2.5, "/* */", "\\", [], ["]", {"k": 1}]])


def _scribble(chance: random.Random, text: str) -> str:
    """The same object as an editor's user leaves it: comments, trailing commas, other line ends."""
    lines = []
    for line in text.split("\n"):
        closes = line.strip() in ("}", "},")
        if closes and chance.random() < 0.4 and lines and not lines[-1].rstrip().endswith(("{", "[", ",", "note")):
            lines[-1] += ","
        lines.append(line + (chance.choice([" // note", " /* note */"]) if chance.random() < 0.1 else ""))
        lines += ["  // a line of its own, }"] * (chance.random() < 0.05)
    return chance.choice(["\n", "\r\n"]).join(lines)


def test_setting_and_removing_gives_the_same_bytes_whatever_the_file_looks_like() -> None:
    chance = random.Random(1)
    tried = 0
    for _ in range(600):
        indent = chance.choice([None, 2, 4, "\t"])
        text = json.dumps(_table(chance), indent=indent, ensure_ascii=False)
        text = text if indent is None else _scribble(chance, text)
        try:
            table = read_table("json", text)
        except ValueError:
            continue
        tables = [(), *((key,) for key, value in table.items() if isinstance(value, dict) and value)]
        path = (*chance.choice(tables), "ours")
        edited = set_key("json", text, path, SERVER)
        assert get_key(read_table("json", edited), path) == SERVER
        assert remove_key("json", edited, path) == text
        tried += 1
    assert tried > 400


@pytest.mark.parametrize("text", [TOML, "", "x = 1\n", '[mcp_servers]\none = {command = "a"}\n# end\n'])
def test_a_table_is_added_to_toml_and_taken_out_again(text: str) -> None:
    edited = set_key("toml", text, ("mcp_servers", "ours"), SERVER)
    assert edited.startswith(text)
    assert read_table("toml", edited)["mcp_servers"]["ours"] == SERVER
    assert remove_key("toml", edited, ("mcp_servers", "ours")) == text


def test_a_table_of_toml_is_changed_and_removed_without_the_comments_around() -> None:
    changed = set_key("toml", TOML, ("mcp_servers", "one"), SERVER)
    assert changed.startswith('# mine\nmodel = "o3"  # the best\n\n[mcp_servers.one]\ncommand = "npx"\n')
    assert changed.endswith("[tui]\ntheme = 'x'\n")
    gone = remove_key("toml", TOML, ("mcp_servers", "one"))
    assert gone == "# mine\nmodel = \"o3\"  # the best\n\n[tui]\ntheme = 'x'\n"


def test_a_file_is_replaced_with_a_backup_its_mode_and_through_a_link_of_the_user(tmp_path: Path) -> None:
    kept, link = tmp_path / "dotfiles.json", tmp_path / "settings.json"
    kept.write_text(COMMENTED)
    kept.chmod(0o600)
    link.symlink_to(kept)
    backup = replace_file(read_config(link, "json").set(("mcpServers", "ours"), SERVER), tmp_path / "backups")
    assert (kept.read_text(), kept.stat().st_mode & 0o777) == (COMMENTED_WITH_OURS, 0o600)
    assert link.is_symlink()
    assert backup is not None
    assert (backup.read_text(), backup.stat().st_mode & 0o777) == (COMMENTED, 0o600)


def test_a_file_that_changes_while_we_write_stays_as_somebody_else_left_it(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text("{}")
    change = read_config(file, "json").set(("a",), 1)
    file.write_text('{"b": 2}')
    with pytest.raises(ChangedMeanwhileError, match="changed by somebody else"):
        replace_file(change, tmp_path / "backups")
    assert file.read_text() == '{"b": 2}'
    with pytest.raises(ChangedMeanwhileError):
        replace_file(Change(tmp_path / "new.json", b"", b"{}"), tmp_path / "backups")
    assert sorted(item.name for item in tmp_path.iterdir()) == ["home", "settings.json"]


def test_a_config_that_is_not_json_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "mcp.json"
    file.write_text('{\n  "a": 1\n  "b": 2\n}')
    with pytest.raises(AgentContextError, match=r"mcp\.json is not JSON: .*line 3") as error:
        read_config(file, "json")
    assert "nothing is written" in error.value.hint
    file.unlink()
    file.mkdir()
    with pytest.raises(AgentContextError, match="no file"):
        read_config(file, "json")


def test_a_version_is_read_without_running_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "lib" / "codex"
    (package / "bin").mkdir(parents=True)
    (package / "package.json").write_text('{"version": "0.160.1"}')
    native = tmp_path / "versions" / "2.1.329"
    native.parent.mkdir()
    for program in (package / "bin" / "codex.js", native):
        program.write_text("#!/bin/sh\nexit 1\n")
        program.chmod(0o755)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "codex").symlink_to(package / "bin" / "codex.js")
    (tmp_path / "bin" / "claude").symlink_to(native)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    clients = describe_clients(Places(tmp_path, tmp_path / "c", tmp_path / ".claude", tmp_path / ".codex"))
    versions = [find_version(clients[name]) for name in ("claude-code", "codex", "cursor")]
    assert versions == ["2.1.329", "0.160.1", ""]
