from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, get_args, get_type_hints

import msgspec
import pytest
from samples import git
from test_cli import run
from test_docs import DOCS, ROOT, load_generator

from agent_context.config import KB_FILE, load_machine_settings, load_settings
from agent_context.configuring import change_own, change_shared, list_own, list_shared
from agent_context.errors import AgentContextError
from agent_context.knowledge import KnowledgeBase
from agent_context.layout import Project
from agent_context.learning import Kind
from agent_context.machine import save_machine_settings
from agent_context.settings import DESCRIPTIONS, KindName, MachineSettings, PrivacyMode, Settings, advise, flatten
from agent_context.settings_file import bring_to, get_setting, set_setting, unset_setting

if TYPE_CHECKING:
    from pathlib import Path

    from samples import Machine

TEXT = """\
# Ours.
review = "direct"   # for now

# How it syncs.
[sync]
quiet_seconds = 60          # a minute
push = true
"""


def refusal(bad: dict[str, object]) -> str:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(bad, Settings)
    return advise(str(caught.value), Settings)


def test_a_wrong_line_of_a_project_file_is_told_the_nearest_right_one(tmp_path: Path) -> None:
    (tmp_path / KB_FILE).touch()
    (tmp_path / "projects" / "o.r").mkdir(parents=True)
    (tmp_path / "projects" / "o.r" / "project.toml").write_text('name = "r"\nprivcy = "strict"\n')
    with pytest.raises(AgentContextError) as caught:
        KnowledgeBase(tmp_path).project("o.r")
    assert caught.value.hint == "did you mean `privacy`?"


def test_every_setting_has_a_description_and_nothing_else_has() -> None:
    assert DESCRIPTIONS.keys() == flatten(Settings()).keys() | flatten(MachineSettings()).keys()


def test_the_words_of_the_settings_are_those_of_the_domain() -> None:
    assert {*get_args(KindName)} == {*Kind}
    assert {*get_args(get_type_hints(Project)["privacy"])} == {"", *get_args(PrivacyMode)}


@pytest.mark.parametrize(
    ("bad", "advice"),
    [
        ({"sync": {"quiet_second": 1}}, "did you mean `quiet_seconds`?"),
        ({"quiet_seconds": 1}, "did you mean `quiet_seconds` in its section [sync]?"),
        ({"sycn": {}}, "did you mean `sync`?"),
        ({"sync": {"kinds": ["gotchas"]}}, 'did you mean "gotcha"?'),
        ({"extraction": {"extractor": "heuristics"}}, 'did you mean "heuristic"?'),
        ({"review": "nobody"}, "it takes: direct, pull-request"),
        ({"screening": {"engines": "own"}}, 'did you mean ["own"]?'),
        ({"allow": [{"reasons": "seen", "hash": "1"}]}, "did you mean `reason`?"),
        ({"sync": {"lock_seconds": -1}}, "see docs/settings.md"),
    ],
)
def test_a_wrong_setting_is_told_the_nearest_right_one(bad: dict[str, object], advice: str) -> None:
    assert refusal(bad) == advice


@pytest.mark.parametrize(
    "bad",
    [
        {"sync": {"include": ["acme.["]}},
        {"sync": {"exclude_paths": [""]}},
        {"sync": {"exclude": ["a\nb"]}},
        {"sync": {"sources": ["gemini"]}},
        {"screening": {"engines": ["kingfisher"]}},
        {"allow": [{"reason": "seen"}]},
        {"allow": [{"reason": "seen", "hash": "1", "pattern": "x"}]},
        {"allow": [{"reason": "seen", "pattern": "("}]},
        {"allow": [{"reason": "", "hash": "1"}]},
        {"proposals": {"per_request": 51}},
        {"privacy": {"names": [""]}},
        {"site": {"visibility": "secret"}},
    ],
)
def test_values_that_make_no_sense_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(bad, Settings)


@pytest.mark.parametrize(
    ("name", "value", "changed"),
    [
        ("sync.push", "false", TEXT.replace("push = true", "push = false")),
        ("sync.quiet_seconds", "5", TEXT.replace("= 60", "= 5")),
        ("review", "pull-request", TEXT.replace('"direct"', '"pull-request"')),
        ("review", '"pull-request"', TEXT.replace('"direct"', '"pull-request"')),
        ("sync.include", "acme.*, b", TEXT + 'include = ["acme.*", "b"]\n'),
        ("sync.kinds", '["gotcha"]', TEXT + 'kinds = ["gotcha"]\n'),
        ("privacy.mode", "strict", TEXT + '\n[privacy]\nmode = "strict"\n'),
        ("prices.'m-1'.input", "3", TEXT + "\n[prices.m-1]\ninput = 3\n"),
        ("template", "5", TEXT.replace("# for now\n", '# for now\ntemplate = "5"\n')),
    ],
)
def test_a_setting_is_changed_and_the_rest_of_the_file_stays(name: str, value: str, changed: str) -> None:
    assert set_setting(TEXT, Settings, name, value) == changed
    assert set_setting(changed, Settings, name, value) == changed


@pytest.mark.parametrize(
    ("name", "value", "message", "hint"),
    [
        ("sync.quiet_second", "5", "there is no setting sync.quiet_second", "did you mean sync.quiet_seconds?"),
        ("quiet_seconds", "5", "there is no setting quiet_seconds", "did you mean sync.quiet_seconds?"),
        ("zzz", "5", "there is no setting zzz", "agent-context config list names them all"),
        ("not a key", "5", "there is no setting not a key", "agent-context config list names them all"),
        ("retention", "5", "there is no setting retention", "it is a section: name one of retention.journal_days,"),
        ("sync.push", "maybe", "sync.push cannot be 'maybe': Expected `bool`, got `str`", "see docs/settings.md"),
        ("sync.kinds", "gotchas", "sync.kinds cannot be 'gotchas': Invalid enum value 'gotchas'", 'mean "gotcha"?'),
        ("sync.push", "1\npull = 2", "sync.push cannot be '1\\npull = 2'", "whether `sync` pushes"),
    ],
)
def test_a_change_that_cannot_be_made_says_why(name: str, value: str, message: str, hint: str) -> None:
    with pytest.raises(AgentContextError) as caught:
        set_setting(TEXT, Settings, name, value)
    assert caught.value.message.startswith(message)
    assert hint in caught.value.hint


def test_a_new_setting_stands_above_the_comment_of_the_next_section() -> None:
    text = "[sync]\r\npush = true # now\r\n\r\n# The site.\r\n[site]\r\n# empty"
    changed = text.replace("# now\r\n", "# now\r\nlock_seconds = 5\r\n")
    assert set_setting(text, Settings, "sync.lock_seconds", "5") == changed
    assert set_setting("sync.push = true", Settings, "sync.lock_seconds", "5") == (
        "sync.push = true\nsync.lock_seconds = 5\n"
    )
    assert set_setting("sync = {push = true}\n", Settings, "sync.lock_seconds", "5") == (
        "sync = {push = true,lock_seconds = 5}\n"
    )
    assert set_setting("", Settings, "sync.lock_seconds", "5") == "[sync]\nlock_seconds = 5\n"
    assert set_setting('machine = "a"', MachineSettings, "archive_mb", "5") == 'machine = "a"\narchive_mb = 5\n'


def test_an_unset_setting_has_its_default_again() -> None:
    assert unset_setting(TEXT, Settings, "sync.quiet_seconds") == TEXT.replace(
        "quiet_seconds = 60          # a minute\n", ""
    )
    assert unset_setting(TEXT, Settings, "privacy.mode") == TEXT
    with pytest.raises(AgentContextError):
        unset_setting(TEXT, Settings, "privacy.moods")


def test_a_value_within_a_table_is_found() -> None:
    prices = Settings(prices={"m-1": {"input": 3.0}})
    assert get_setting(prices, 'prices."m-1".input') == 3.0
    with pytest.raises(AgentContextError, match="prices holds no m-2"):
        get_setting(prices, "prices.m-2")


def test_only_what_differs_is_written_into_the_machines_file() -> None:
    text = '# mine\narchive_mb = 2048   # as it is\n\n[mappings]\n"/a b" = "o.r"\n'
    own = MachineSettings(archive_mb=0, mappings={"/a b": "o.r"}, checkouts={"/c": "o.c"})
    changed = bring_to(text, own)
    assert changed == text.replace("2048", "0") + '\n[checkouts]\n"/c" = "o.c"\n'
    assert msgspec.convert(tomllib.loads(changed), MachineSettings) == own
    assert bring_to(changed, own) == changed


def test_an_archive_that_is_switched_off_stays_off_when_the_machine_settings_are_saved(tmp_path: Path) -> None:
    path = tmp_path / "machine.toml"
    path.write_text("archive_mb = 0  # no copies\n")
    own = msgspec.structs.replace(load_machine_settings(path), checkouts={"/c": "o.c"})
    save_machine_settings(path, own)
    assert load_machine_settings(path) == own
    assert "# no copies" in path.read_text()


def test_a_change_of_the_shared_settings_is_one_commit_with_what_waits_in_the_file(machine: Machine) -> None:
    path = machine.root / KB_FILE
    path.write_text(path.read_text() + "\n# a note of mine\n")
    before = path.read_text()
    assert change_shared(KnowledgeBase(machine.root), machine.environment, "extraction.per_session", "3")
    assert load_settings(machine.root).extraction.per_session == 3
    assert path.read_text() == before.replace("per_session = 5 ", "per_session = 3 ")
    assert git(machine.root, "log", "-1", "--format=%B").strip() == (
        "config: set extraction.per_session to 3\n\nMachine: laptop"
    )
    assert git(machine.root, "status", "--porcelain") == ""
    tip = git(machine.root, "rev-parse", "HEAD")
    assert not change_shared(KnowledgeBase(machine.root), machine.environment, "extraction.per_session", "3")
    assert git(machine.root, "rev-parse", "HEAD") == tip


def test_a_list_says_where_a_value_comes_from(machine: Machine) -> None:
    rows = {row.name: row for row in list_shared(machine.root)}
    assert (rows["extraction.per_session"].where, rows["sync.push"].where) == (str(machine.root / KB_FILE), "default")
    path = machine.environment.machine_file
    assert change_own(path, "archive_mb", "7")
    own = {row.name: row for row in list_own(path)}
    assert (own["archive_mb"].value, own["archive_mb"].default, own["archive_mb"].where) == (7, 2048, str(path))


def test_settings_are_shown_and_changed_from_the_command_line(machine: Machine) -> None:
    assert run(machine, "config", "get", "sync.push", "--kb", "kb").stdout == "true\n"
    assert run(machine, "config", "set", "review", "pull-request", "--kb", "kb").returncode == 0
    assert run(machine, "config", "get", "review", "--kb", "kb").stdout == "pull-request\n"
    assert run(machine, "config", "get", "review", "--json", "--kb", "kb").stdout == '"pull-request"\n'
    assert run(machine, "config", "set", "--machine", "archive_mb", "9").returncode == 0
    assert run(machine, "config", "get", "--machine", "archive_mb").stdout == "9\n"
    listed = run(machine, "config", "list", "--kb", "kb").stdout
    assert f'review = "pull-request"\n    {DESCRIPTIONS["review"]} (' in listed
    rows = msgspec.json.decode(run(machine, "config", "list", "--json", "--machine").stdout)
    assert [row["name"] for row in rows] == list(MachineSettings.__struct_fields__)
    assert run(machine, "config", "unset", "review", "--kb", "kb").returncode == 0
    assert run(machine, "config", "get", "review", "--kb", "kb").stdout == "direct\n"
    wrong = run(machine, "config", "set", "sync.pussh", "1", "--kb", "kb")
    assert (wrong.returncode, wrong.stderr) == (
        1,
        "Error: there is no setting sync.pussh\nNext step: did you mean sync.push?\n",
    )


def test_the_tables_of_the_settings_page_are_current() -> None:
    page = (DOCS / "settings.md").read_text(encoding="utf-8")
    assert page == load_generator().render_settings(page), "run: make docs"
    assert [name for name in DESCRIPTIONS if f"| `{name}` |" not in page] == []


def test_the_schemas_are_current() -> None:
    folder = DOCS.parent / "schemas"
    present = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    assert present == load_generator().render_schemas(), "run: make docs"


def test_every_setting_is_described_in_its_schema() -> None:
    schemas = load_generator().render_schemas()
    text = schemas["agent-context.schema.json"] + schemas["machine.schema.json"]
    assert [words for words in DESCRIPTIONS.values() if msgspec.json.encode(words).decode() not in text] == []


def test_the_schema_that_the_settings_name_is_there() -> None:
    first = (ROOT / KB_FILE).read_text(encoding="utf-8").splitlines()[0]
    assert (ROOT / first.removeprefix("#:schema ")).is_file()
