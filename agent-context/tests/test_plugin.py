"""The plugin's files agree with the program: versions, names, and every command that a skill tells the model to run."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click
import pytest
import yaml

from agent_context import __version__
from agent_context.cli import COMMANDS, group
from agent_context.installing.planning import MANIFEST, NAME, find_kit

ROOT = Path(__file__).parents[2]
PLUGIN = ROOT / "agent-context" / "plugin"
SKILLS = sorted([*PLUGIN.glob("skills/*/SKILL.md"), *ROOT.glob("skills/*/SKILL.md")])
LISTED = 1_536  # characters of a description that the client lists


def find_options(name: str) -> set[str]:
    """Every option of a command and of the commands below it."""
    command = group.get_command(click.Context(group), name)
    assert command is not None
    commands = [command, *(command.commands.values() if isinstance(command, click.Group) else ())]
    return {"--help", *(option for item in commands for parameter in item.params for option in parameter.opts)}


def test_the_plugin_says_the_programs_version_and_the_marketplace_its_name() -> None:
    plugin = json.loads((PLUGIN / ".claude-plugin" / "plugin.json").read_text())
    marketplace = json.loads((ROOT / MANIFEST).read_text())
    assert (plugin["name"], plugin["version"], marketplace["name"]) == (NAME, __version__, NAME)
    assert [(entry["name"], ROOT / entry["source"]) for entry in marketplace["plugins"]] == [(NAME, PLUGIN)]
    assert find_kit().marketplace == ROOT


@pytest.mark.parametrize("path", SKILLS, ids=lambda path: path.parent.name)
def test_a_skill_is_sound_and_names_commands_that_there_are(path: Path) -> None:
    _, front, body = path.read_text(encoding="utf-8").split("---\n", 2)
    fields = yaml.safe_load(front)
    assert 0 < len(fields["description"]) < LISTED
    # What stands in no list costs nothing; the one that works without the plugin is found by its description.
    assert fields.get("disable-model-invocation", False) == path.is_relative_to(PLUGIN)
    named = re.findall(r"agent-context ([a-z]+)([^`\n]*)", re.sub(r"/agent-context:\w+", "", f"{front}{body}"))
    named = [(name, rest) for name, rest in named if name in COMMANDS]
    assert named
    for name, rest in named:
        assert set(re.findall(r"--[a-z-]+", rest)) <= find_options(name), f"{path.parent.name}: {name}{rest}"
