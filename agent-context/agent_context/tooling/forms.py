"""A server as each client writes it down, and back: the table of one key in its configuration. Values only."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from agent_context.tooling.entries import MACHINE_PATH, VARIABLE, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent_context.clients.keys import Table
    from agent_context.clients.places import AgentName

BEARER = re.compile(r"Bearer \$\{([A-Za-z_][A-Za-z0-9_]*)\}")
EDITOR_VARIABLE = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")
SECRET_NAME = re.compile(r"key|token|secret|pass|pwd|auth|credential|cookie|session|dsn|private", re.IGNORECASE)
NO_PART = 'only the whole of a value (env = {NAME = "${NAME}"})'


class CannotSayError(Exception):
    """A client has no way to write a server down; the text says what is in the way."""


def put_paths(server: Server, paths: Mapping[str, str], home: str) -> Server:
    """Return the server with the machine's paths in the places of `${machine.paths.NAME}`; `~` is the home folder.

    Raise CannotSayError for a path that the machine does not have.
    """

    def put(text: str) -> str:
        return MACHINE_PATH.sub(lambda found: _lookup(paths, found[1], home), text)

    return msgspec.structs.replace(
        server,
        command=put(server.command),
        args=tuple(map(put, server.args)),
        env={name: put(value) for name, value in server.env.items()},
        url=put(server.url),
        headers={name: put(value) for name, value in server.headers.items()},
    )


def write_server(agent: AgentName, server: Server) -> Table:
    """Return the server as a client writes it. Raise CannotSayError where it has no way to."""
    return WRITERS[agent](server)


def normalise(agent: AgentName, table: object) -> object:
    """Return what a client has under a server's key in one form, so that what means the same is the same."""
    if not isinstance(table, dict):
        return table
    left_out = {"type": "stdio"} if agent != "vscode" else {}
    kept = {key: value for key, value in table.items() if value not in ([], {}, None) and left_out.get(key) != value}
    if kept.get("type") == "streamable-http":
        kept["type"] = "http"
    return kept


def read_server(agent: AgentName, table: Mapping[str, Any]) -> tuple[Server, tuple[str, ...]]:
    """Return a client's own server as an entry, and the names that its values were replaced by.

    Values under secret-like names become `${NAME}`. Raise ValueError for what no entry can say.
    """
    fields: dict[str, Any] = {}
    for key, theirs in (("command", "command"), ("url", "url")):
        if table.get(theirs):
            fields[key] = _plain(table[theirs])
    fields["args"] = tuple(_plain(item) for item in table.get("args") or ())
    env = dict(table.get("env") or {})
    headers = dict(table.get("headers") or table.get("http_headers") or {})
    if agent == "codex":
        env |= {name: f"${{{name}}}" for name in table.get("env_vars") or () if isinstance(name, str)}
        headers |= {name: f"${{{variable}}}" for name, variable in (table.get("env_http_headers") or {}).items()}
        if table.get("bearer_token_env_var"):
            headers["Authorization"] = f"Bearer ${{{table['bearer_token_env_var']}}}"
    replaced: list[str] = []
    fields["env"] = {name: _hide(name, _plain(value), replaced) for name, value in env.items()}
    fields["headers"] = {name: _hide_header(name, _plain(value), replaced) for name, value in headers.items()}
    if table.get("type") == "sse":
        fields["transport"] = "sse"
    try:
        return msgspec.convert(fields, Server), tuple(replaced)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None


def _lookup(paths: Mapping[str, str], name: str, home: str) -> str:
    if name not in paths:
        raise CannotSayError(f"this machine's file has no path called {name}")
    return re.sub(r"^~(?=$|/)", lambda _: home, paths[name])


def _write_claude(server: Server) -> Table:
    if server.url:
        return _filled({"type": server.transport or "http", "url": server.url, "headers": dict(server.headers)})
    return _filled({"command": server.command, "args": list(server.args), "env": dict(server.env)})


def _write_editor(server: Server) -> Table:
    """Return Cursor's form: its variables are `${env:NAME}`."""
    table = _write_claude(server)
    if "type" in table and table["type"] == "http":
        del table["type"]
    return {key: _map_texts(value, _to_editor) for key, value in table.items()}


def _write_vscode(server: Server) -> Table:
    return {"type": "http" if server.url else "stdio"} | _write_editor(server)


def _write_codex(server: Server) -> Table:
    if server.url:
        return _write_codex_address(server)
    passed = [name for name, value in server.env.items() if value == f"${{{name}}}"]
    literal = {name: value for name, value in server.env.items() if name not in passed}
    for text in (server.command, *server.args, *literal.values()):
        if VARIABLE.search(text):
            raise CannotSayError(f"Codex passes variables on under their own names only, not as in {text!r}")
    return _filled({"command": server.command, "args": list(server.args), "env": literal, "env_vars": passed})


def _write_codex_address(server: Server) -> Table:
    if server.transport == "sse":
        raise CannotSayError("Codex does not speak SSE")
    table: Table = {"url": server.url}
    for name, value in server.headers.items():
        bearer, whole = BEARER.fullmatch(value), VARIABLE.fullmatch(value)
        if name.lower() == "authorization" and bearer:
            table["bearer_token_env_var"] = bearer[1]
        elif whole and whole[2] is None:
            table.setdefault("env_http_headers", {})[name] = whole[1]
        elif VARIABLE.search(value):
            raise CannotSayError(f"Codex looks up {NO_PART}, not a part of the header {name}")
        else:
            table.setdefault("http_headers", {})[name] = value
    if VARIABLE.search(server.url):
        raise CannotSayError("Codex looks no variable up in an address")
    return table


def _write_desktop(server: Server) -> Table:
    if server.url:
        raise CannotSayError("Claude Desktop takes addresses as connectors, in its own settings")
    if any(VARIABLE.search(text) for text in server.texts()):
        raise CannotSayError("Claude Desktop looks no variables up, and a value is never written down for you")
    return _write_claude(server)


def _filled(table: Table) -> Table:
    return {key: value for key, value in table.items() if value}


def _to_editor(text: str) -> str:
    for found in VARIABLE.finditer(text):
        if found[2]:
            raise CannotSayError(f"it knows no default as in {found[0]}")
    return VARIABLE.sub(r"${env:\1}", text)


def _map_texts(value: Any, change: Callable[[str], str]) -> Any:  # noqa: ANN401 - a JSON value
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_map_texts(item, change) for item in value]
    return {key: _map_texts(item, change) for key, item in value.items()} if isinstance(value, dict) else value


def _plain(value: object) -> str:
    if not isinstance(value, str | int | float | bool):
        raise ValueError(f"a value is no text: {value!r:.60}")  # noqa: TRY004 - one error for what no entry can say
    return EDITOR_VARIABLE.sub(r"${\1}", str(value))


def _hide(name: str, value: str, replaced: list[str]) -> str:
    """Return the name of a variable in the place of its value, unless the value only says how or where."""
    if VARIABLE.search(value) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        return value
    replaced.append(name)
    return f"${{{name}}}"


def _hide_header(name: str, value: str, replaced: list[str]) -> str:
    if VARIABLE.search(value) or not SECRET_NAME.search(name):
        return value
    variable = re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")
    replaced.append(variable)
    return f"Bearer ${{{variable}}}" if value.lower().startswith("bearer ") else f"${{{variable}}}"


WRITERS: dict[AgentName, Callable[[Server], Table]] = {
    "claude-code": _write_claude,
    "codex": _write_codex,
    "cursor": _write_editor,
    "vscode": _write_vscode,
    "claude-desktop": _write_desktop,
}
