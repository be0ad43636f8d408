"""What is to be done so that a coding agent has the plugin or the MCP server, and so that nothing of it is left."""

from __future__ import annotations

import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import msgspec

import agent_context
from agent_context import changes
from agent_context.clients.files import read_config
from agent_context.clients.places import describe_clients, load_places
from agent_context.errors import AgentContextError
from agent_context.installing.steps import Call, Removal, drop_empty
from agent_context.machine import read_own
from agent_context.settings_file import bring_to
from agent_context.spool import HOOKS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from agent_context.clients.places import Client
    from agent_context.config import Environment
    from agent_context.installing.steps import Step

ClientName = Literal["claude-code", "codex", "cursor"]
CLIENTS: tuple[ClientName, ...] = get_args(ClientName)
NAME = "agent-context"
PLUGIN = f"{NAME}@{NAME}"
MANIFEST = Path(".claude-plugin") / "marketplace.json"
SHARED = Path("share") / NAME
OURS = re.compile(r"agent-context\W+(?:hook|args\W+hook)\b")


@dataclass(frozen=True, slots=True)
class Kit:
    """What is put into clients: this program, and the folder of the marketplace that has the plugin."""

    program: Path
    marketplace: Path


def find_kit() -> Kit:
    """Return this installation's parts. Raise AgentContextError where they were not installed with it."""
    beside = Path(sys.executable).with_name(NAME)
    on_path = shutil.which(NAME)
    roots = (Path(agent_context.__file__).parents[2], Path(sys.prefix) / SHARED)
    marketplace = next((root for root in roots if (root / MANIFEST).is_file()), None)
    program = beside if beside.is_file() else Path(on_path) if on_path else None
    if marketplace is None or program is None:
        raise AgentContextError(
            "the plugin was not installed with this program", hint="install agent-context anew, or use a clone of it"
        )
    return Kit(program, marketplace)


def find_clients(environment: Environment) -> list[ClientName]:
    """Return the clients that are on this machine. Raise AgentContextError where there is none."""
    clients = describe_clients(load_places(environment))
    found = [name for name in CLIENTS if (shutil.which("claude") if name == "claude-code" else clients[name].is_here())]
    if not found:
        raise AgentContextError("no coding agent was found here", hint=f"name one: --{', --'.join(CLIENTS)}")
    return found


def plan_install(environment: Environment, knowledge_base: Path, kit: Kit, names: Iterable[ClientName]) -> list[Step]:
    """Return the steps after which these clients have what we offer; none where they have.

    Raise AgentContextError for a client that is not here, and for hooks of ours in the user's own settings.
    """
    clients = describe_clients(load_places(environment))
    own = environment.own
    steps: list[Step] = []
    if not own.knowledge_base:
        text = _name_knowledge_base(environment, knowledge_base)
        steps += changes.plan({environment.machine_file: text})
    for name in names:
        steps += PLANS[name][0](environment, clients[name], kit)
    return steps


def plan_uninstall(environment: Environment, names: Iterable[ClientName]) -> list[Step]:
    """Return the steps after which nothing of ours is in these clients; none where nothing is."""
    clients = describe_clients(load_places(environment))
    return [step for name in names for step in PLANS[name][1](environment, clients[name])]


def _install_plugin(environment: Environment, client: Client, kit: Kit) -> list[Step]:
    """Add the marketplace and the plugin by Claude Code's own commands, and say where the program is."""
    settings = client.folder / "settings.json"
    table = read_config(settings, "json").table
    if OURS.search(str(table.get("hooks", ""))):
        raise AgentContextError(
            f"{settings} has hooks that call agent-context, and the plugin brings the same",
            hint="take them out of that file, then install the plugin; each would run twice",
        )
    noted = environment.data_dir / HOOKS / "program"
    steps: list[Step] = [*changes.plan({noted: f"{kit.program}\n".encode()})]
    source = _look(table, "extraKnownMarketplaces", NAME, "source")
    moved = _look(source, "path") != str(kit.marketplace)
    if moved and source:
        steps.append(Call(("claude", "plugin", "marketplace", "remove", NAME), settings))
    if moved:
        steps.append(Call(("claude", "plugin", "marketplace", "add", str(kit.marketplace)), settings))
    if moved or _look(table, "enabledPlugins", PLUGIN) is not True or not _is_in_place(client):
        _require(client, "claude")
        steps.append(Call(("claude", "plugin", "install", PLUGIN), settings))
    return steps


def _remove_plugin(environment: Environment, client: Client) -> list[Step]:
    """Remove plugin and marketplace, what the client keeps of them, and what the hooks wrote."""
    settings = client.folder / "settings.json"
    table = read_config(settings, "json").table
    steps: list[Step] = []
    if _look(table, "enabledPlugins", PLUGIN) is not None or _is_in_place(client):
        steps.append(Call(("claude", "plugin", "uninstall", PLUGIN), settings))
    if _look(table, "extraKnownMarketplaces", NAME) is not None:
        steps.append(Call(("claude", "plugin", "marketplace", "remove", NAME), settings))
    left = (client.folder / "plugins" / "cache" / NAME, environment.data_dir / HOOKS)
    return [*steps, *(Removal(folder) for folder in left if folder.is_dir())]


def _is_in_place(client: Client) -> bool:
    """Tell whether Claude Code has the plugin among those it loads."""
    file = client.folder / "plugins" / "installed_plugins.json"
    return _look(read_config(file, "json").table, "plugins", PLUGIN) is not None


def _look(table: object, *path: str) -> object:
    """Return what is at a place of a client's own file, None where nothing is or where it is of another form."""
    for name in path:
        table = table.get(name) if isinstance(table, dict) else None
    return table


def _install_server(_: Environment, client: Client, kit: Kit) -> list[Step]:
    """Name the MCP server by the client's own command where it has one, else in its list of servers."""
    config = read_config(client.servers.path, client.servers.form)
    server = {"command": str(kit.program), "args": ["mcp"]}
    change = config.set((*client.servers.key, NAME), server)
    if change.before == change.after:
        return []
    if client.name == "codex" and shutil.which("codex"):
        words = ("codex", "mcp", "add", NAME, "--", str(kit.program), "mcp")
        return [Call(words, client.servers.path, client.servers.form)]
    _require(client)
    return [change]


def _remove_server(_: Environment, client: Client) -> list[Step]:
    config = read_config(client.servers.path, client.servers.form)
    if _look(config.table, *client.servers.key, NAME) is None:
        return []
    if client.name == "codex" and shutil.which("codex"):
        return [Call(("codex", "mcp", "remove", NAME), client.servers.path, client.servers.form)]
    return [drop_empty(config.remove((*client.servers.key, NAME)))]


def _require(client: Client, program: str = "") -> None:
    if not (shutil.which(program) if program else client.is_here()):
        raise AgentContextError(f"{client.title} is not installed here", hint="install it, or leave it out")


def _name_knowledge_base(environment: Environment, root: Path) -> bytes:
    own = msgspec.structs.replace(environment.own, knowledge_base=str(root))
    return bring_to(read_own(environment.machine_file), own).encode()


PLANS: dict[
    ClientName,
    tuple[Callable[[Environment, Client, Kit], list[Step]], Callable[[Environment, Client], list[Step]]],
] = {
    "claude-code": (_install_plugin, _remove_plugin),
    "codex": (_install_server, _remove_server),
    "cursor": (_install_server, _remove_server),
}
