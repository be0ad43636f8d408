"""Imports point down: the list of layers is the architecture, and this test holds it."""

from __future__ import annotations

import ast
from pathlib import Path

import agent_context

PACKAGE = Path(agent_context.__file__).parent
LAYERS = (
    ("face", ("__main__", "cli", "commands", "server")),
    (
        "services",
        (
            "checking",
            "configuring",
            "consolidation",
            "delivery",
            "demo",
            "examination",
            "examining",
            "exporting",
            "founding",
            "handoffs",
            "harvest",
            "history",
            "hooking",
            "installing",
            "keyring",
            "live",
            "machines",
            "presenting",
            "projects",
            "review",
            "search",
            "site",
            "syncing",
            "tooling",
            "withholding",
        ),
    ),
    (
        "world",
        (
            "archive",
            "changes",
            "clients",
            "encoders",
            "executors",
            "extractors",
            "forges",
            "git",
            "journal",
            "knowledge",
            "known_values",
            "local_learnings",
            "machine",
            "quarantine",
            "scheduling",
            "sealing",
            "spool",
            "state",
            "transcripts",
            "waiting",
        ),
    ),
    (
        "domain",
        (
            "claims",
            "frontmatter",
            "handoff",
            "identity",
            "layout",
            "learning",
            "merging",
            "moments",
            "prices",
            "proposal",
            "purse",
            "reports",
            "rotation",
            "rulefiles",
            "screening",
            "settings_file",
            "similarity",
            "snippet",
            "symbols",
            "trailers",
            "visible",
        ),
    ),
    ("base", ("config", "errors", "settings", "__init__")),
)
RANK = {module: rank for rank, (_, modules) in enumerate(LAYERS) for module in modules}
# A heavy or delicate package is imported in these modules alone.
ONLY_IN = {
    "pygit2": "git",
    "subprocess": ("clients", "exporting", "extractors", "forges", "git", "scheduling", "site"),
    "anthropic": "extractors",
    "httpx2": "extractors",
    "sqlite3": ("state", "search"),
    "onnxruntime": "encoders",
    "numpy": ("encoders", "claims", "search"),
    "faiss": "claims",
    "distributed": "executors",
    "sentence_transformers": "encoders",
    "jinja2": ("handoffs", "site"),
    "kingfisher_sdk": "screening",
    "markdown_it": "site",
    "mcp": "server",
    "nh3": "site",
    "yaml": "frontmatter",
    "rapidfuzz": ("similarity", "extractors"),
    "platformdirs": "config",
    "watchfiles": "syncing",
    "tomlkit": ("settings_file", "merging", "clients"),
    "pyrage": "sealing",
    "tree_sitter": "symbols",
    "tree_sitter_language_pack": "symbols",
    "zstandard": ("archive", "transcripts"),
}


def modules() -> dict[str, ast.Module]:
    return {
        path.relative_to(PACKAGE).with_suffix("").as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(PACKAGE.rglob("*.py"))
    }


def imports(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names if node.module == "agent_context")
    return found


def room(name: str) -> str:
    first = name.removeprefix("agent_context").strip(".").replace("/", ".").split(".")[0]
    return first if first and first != "__version__" else "__init__"


def test_every_module_has_a_layer() -> None:
    assert {room(name) for name in modules()} <= RANK.keys()


def test_imports_point_down() -> None:
    wrong = [
        f"{name} imports {target}"
        for name, tree in modules().items()
        for target in imports(tree)
        if target.startswith("agent_context.") and RANK[room(target)] < RANK[room(name)]
    ]
    assert wrong == []


def test_no_module_imports_itself_through_others() -> None:
    names = {name.replace("/__init__", "").replace("/", "."): imports(tree) for name, tree in modules().items()}
    graph = {
        name: {target.removeprefix("agent_context.") for target in targets if target.startswith("agent_context.")}
        & names.keys()
        for name, targets in names.items()
    }
    rooms: dict[str, set[str]] = {}
    for name, targets in graph.items():
        rooms.setdefault(room(name), set()).update(room(target) for target in targets if room(target) != room(name))
    done: set[str] = set()
    while ready := {name for name in rooms.keys() - done if rooms[name] <= done}:
        done |= ready
    assert rooms.keys() - done == set()


def test_delicate_packages_stay_in_their_rooms() -> None:
    wrong = [
        f"{name} imports {package}"
        for name, tree in modules().items()
        for package, allowed in ONLY_IN.items()
        if package in {target.split(".")[0] for target in imports(tree)} and room(name) not in allowed
    ]
    assert wrong == []


def test_environment_and_home_are_read_in_config_alone() -> None:
    wrong = [
        name
        for name, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in ("environ", "getenv", "home", "expanduser")
        and name != "config"
        if not (node.attr == "expanduser" and room(name) == "commands")
    ]
    assert wrong == []


def test_services_and_below_print_nothing() -> None:
    wrong = [
        name
        for name, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert wrong == []
