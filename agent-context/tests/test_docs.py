"""The docs say what the program does: generated pages are current, every setting and command is documented."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from agent_context.cli import COMMANDS
from agent_context.config import load_settings
from agent_context.frontmatter import ORDER, parse_learning, write_learning
from agent_context.knowledge import KnowledgeBase
from agent_context.learning import Kind, Status
from agent_context.settings import MachineSettings, Settings

if TYPE_CHECKING:
    from types import ModuleType

DOCS = Path(__file__).parent.parent / "docs"
ROOT = DOCS.parent.parent
PACKAGED = DOCS.parent / "agent_context" / "data" / "knowledge_base"


def load_generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def settings(kind: type[msgspec.Struct], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name in kind.__struct_fields__:
        value = getattr(kind(), name)
        if isinstance(value, msgspec.Struct):
            found |= settings(type(value), f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = msgspec.json.encode(value).decode()
    return found


def test_the_command_reference_is_current() -> None:
    assert (DOCS / "cli.md").read_text(encoding="utf-8") == load_generator().render(), "run: make docs"


def test_every_setting_is_documented_with_its_default() -> None:
    rows = dict(
        re.findall(r"^\| `([\w.]+)` \| `(.+?)` \|", (DOCS / "settings.md").read_text(encoding="utf-8"), re.MULTILINE)
    )
    expected = {**settings(Settings), **settings(MachineSettings)}
    expected.pop("machine")
    assert {name: rows.get(name) for name in expected} == expected


def test_the_format_page_names_every_key_kind_and_status() -> None:
    text = (DOCS / "format.md").read_text(encoding="utf-8")
    assert [word for word in (*ORDER, *Kind, *Status) if f"`{word}`" not in text] == []


def test_the_sample_on_the_format_page_is_canonical() -> None:
    sample = re.search(r"```markdown\n(.*?)```", (DOCS / "format.md").read_text(encoding="utf-8"), re.DOTALL)
    assert sample is not None
    assert write_learning(parse_learning(sample.group(1), "sample.md")) == sample.group(1)


@pytest.mark.parametrize("page", ["README.md", "agent-context/docs/index.md", "agent-context/docs/privacy.md"])
def test_commands_named_in_the_docs_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    named = set(re.findall(r"(?:`|^    |bin/)agent-context ([a-z]+)", text, re.MULTILINE))
    assert named <= set(COMMANDS)


def test_make_targets_named_in_the_docs_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "AGENTS.md", *DOCS.rglob("*.md")]
    named = {word for page in pages for word in re.findall(r"`make ([a-z-]+)", page.read_text(encoding="utf-8"))}
    assert named - {"deploy"} <= targets  # the sample learning is about a make target of another project


def test_this_repository_is_a_knowledge_base_of_sound_files() -> None:
    contents = KnowledgeBase(ROOT).load()
    assert contents.problems == ()
    assert [
        entry.path for entry in contents.entries if write_learning(entry.learning) != (ROOT / entry.path).read_text()
    ] == []


def test_new_knowledge_bases_start_with_the_settings_shown_here() -> None:
    ours, theirs = load_settings(ROOT), load_settings(PACKAGED)
    assert msgspec.structs.replace(ours, template="") == theirs
    for folder in ("projects", "patterns", "tooling"):
        assert (ROOT / folder / "README.md").read_text() == (PACKAGED / folder / "README.md").read_text()
