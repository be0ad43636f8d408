"""What a machine has already, as entries for the registry: its clients' servers, skills, agents and commands."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import msgspec
import tomli_w

from agent_context.changes import write_atomically
from agent_context.clients.files import read_config
from agent_context.clients.keys import get_key, set_key
from agent_context.clients.places import describe_clients
from agent_context.errors import AgentContextError
from agent_context.frontmatter import parse_header
from agent_context.layout import SKILL_FILE, TOOLING
from agent_context.screening.guarding import Guard
from agent_context.tooling.actual import Actual, read_files, refuse_link
from agent_context.tooling.applying import note_installed
from agent_context.tooling.bringing import survey
from agent_context.tooling.desired import RULES_FILE
from agent_context.tooling.entries import NAME, Entry, File, Kind, Server
from agent_context.tooling.forms import CannotSayError, put_paths, read_server
from agent_context.tooling.planning import State, Step
from agent_context.tooling.registry import read_folder, read_registry
from agent_context.tooling.surveying import set_by_hand
from agent_context.tooling.trusting import give_trust

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from agent_context.clients.keys import Form
    from agent_context.clients.places import AgentName, Client
    from agent_context.tooling.bringing import Survey

PROJECT_FILE = ".mcp.json"


@dataclass(frozen=True, slots=True)
class Proposal:
    """One thing that a machine has and the registry has not: its files as they would be written, from where.

    `notes` say what a person must know; `problem` why it cannot be taken. Not `own`: it stands in a file of the
    project, which others write and no agent runs unasked.
    """

    kind: Kind
    name: str
    where: str
    files: Mapping[str, File] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    problem: str = ""
    own: bool = True

    @property
    def key(self) -> str:
        """Return what the entry would be called."""
        return f"{self.kind.value}/{self.name}"

    @property
    def source(self) -> str:
        """Return where it would lie in the knowledge base."""
        suffix = {Kind.SERVER: ".toml", Kind.SKILL: ""}.get(self.kind, ".md")
        return f"{TOOLING}/{self.key}{suffix}"


def discover(found: Survey) -> list[Proposal]:
    """Return a proposal for everything here that the registry does not have and that we did not install, by key."""
    installed = {item.name for item in found.record.installed}
    proposals: dict[str, Proposal] = {}
    for client in describe_clients(found.here.places).values():
        for proposal in (*_find_servers(found, client, installed), *_find_files(client, installed)):
            known = proposals.get(proposal.key)
            taken = proposal.key in found.registry.entries or proposal.key in found.registry.problems
            if not taken and (known is None or known.problem):
                proposals[proposal.key] = _screened(found, proposal)
    return [proposals[key] for key in sorted(proposals)]


def write_proposal(found: Survey, proposal: Proposal, now: str) -> None:
    """Write a proposal into the registry, and trust it here where it is what this machine runs already.

    What is here exactly so is the registry's from now on: what removes it there removes it here.
    """
    root = found.knowledge_base.root
    top = root / proposal.source if proposal.kind is Kind.SKILL else (root / proposal.source).parent
    for path in proposal.files:
        refuse_link(root, top / path)
    for path, file in proposal.files.items():
        write_atomically(top / path, file.data, mode=0o755 if file.executable else 0o644)
    if not proposal.own:
        return
    _trust_written(found, proposal.key, now)
    for step in survey(found.knowledge_base, found.environment).of(proposal.key):
        if step.state is State.PRESENT:
            note_installed(found.records, step)


def adopt(found: Survey, entry: Entry, now: str) -> str:
    """Take what was changed by hand here into the registry; return what was written.

    It stays trusted here if it was before: else others may have put into it what nobody here has read.

    Raise AgentContextError where nothing was, or where it holds what no entry may.
    """
    step = next((step for step in found.of(entry.key) if step.state is State.DRIFTED), None)
    if step is None:
        raise AgentContextError(f"nothing of {entry.key} was changed by hand here", hint="agent-context tooling plan")
    if step.actual is None:
        return set_by_hand(found, {"without": sorted({*found.here.without, entry.key})})
    files = _take_files(entry, step) if entry.server is None else _take_server(found, entry, entry.server, step)
    proposal = _screened(found, Proposal(entry.kind, entry.name, step.place.name, files))
    if proposal.problem:
        raise AgentContextError(f"{entry.key}: {proposal.problem}", hint="change it there first, then adopt it")
    top = found.knowledge_base.root / entry.source
    for path, file in files.items():
        target = top / path if entry.kind is Kind.SKILL else top
        write_atomically(target, file.data, mode=0o755 if file.executable else 0o644)
    if found.judge.trusts(entry):
        _trust_written(found, entry.key, now)
    note_installed(found.records, step)
    return entry.source


def _trust_written(found: Survey, key: str, now: str) -> None:
    written = read_registry(found.knowledge_base.root)
    entry = written.entries.get(key)
    if entry is None:
        raise written.problems.get(key) or AgentContextError(f"{key} was not written", hint="look at the disk")
    give_trust(found.records, entry, found.here.paths, now)


def _find_servers(found: Survey, client: Client, installed: set[str]) -> Iterator[Proposal]:
    """Yield a client's servers: the user's, and, for Claude Code, those of the projects that are checked out here."""
    config, table = client.servers.path, client.servers.key
    yield from _list_servers(client.name, config, client.servers.form, table, installed)
    for project, checkouts in found.here.checkouts.items() if client.name == "claude-code" else ():
        for checkout in checkouts:
            key = ("projects", str(checkout), *table)
            yield from _list_servers(client.name, config, "json", key, installed, project)
            yield from _list_servers(client.name, checkout / PROJECT_FILE, "json", table, installed, project)


def _list_servers(
    agent: AgentName,
    path: Path,
    form: Form,
    table: tuple[str, ...],
    installed: set[str],
    project: str = "",
) -> Iterator[Proposal]:
    try:
        servers = get_key(read_config(path, form).table, table)
    except KeyError:
        return
    except AgentContextError as error:
        yield Proposal(Kind.SERVER, path.name, str(path), problem=error.advice)
        return
    for name, value in servers.items() if isinstance(servers, dict) else ():
        if f"{path}#{'.'.join((*table, name))}" not in installed:
            yield _propose_server(agent, str(path), name, value, project)


def _propose_server(agent: AgentName, where: str, name: str, value: object, project: str) -> Proposal:
    if not NAME.fullmatch(name):
        return Proposal(Kind.SERVER, name, where, problem="its name is not letters, digits, - and _ alone")
    try:
        if not isinstance(value, dict):
            raise ValueError("it is no table")  # noqa: TRY004, TRY301 - one answer for what no entry can say
        server, replaced = read_server(agent, value)
    except ValueError as error:
        return Proposal(Kind.SERVER, name, where, problem=str(error))
    server = msgspec.structs.replace(server, scope=f"project {project}" if project else "user")
    own = not (project and where.endswith(PROJECT_FILE))
    notes = [f"set where it runs: {', '.join(replaced)} (the value stays out of git)"] if replaced else []
    notes += [f"for the project {project}"] if project else []
    notes += [] if own else [f"others write that file: read it, then agent-context tooling trust mcp/{name}"]
    return Proposal(Kind.SERVER, name, where, {f"{name}.toml": File(_write_entry(server))}, tuple(notes), own=own)


def _write_entry(server: Server) -> bytes:
    table = {
        key: value for key, value in msgspec.to_builtins(server).items() if value and (key, value) != ("scope", "user")
    }
    return tomli_w.dumps(table).encode()


def _find_files(client: Client, installed: set[str]) -> Iterator[Proposal]:
    """Yield a client's skills, sub-agents and commands that are the user's own."""
    for folder in _list(client.skills):
        if folder.is_dir() and (folder / SKILL_FILE).is_file() and str(folder) not in installed:
            yield _propose_skill(folder)
    for kind, top in ((Kind.AGENT, client.agents), (Kind.COMMAND, client.commands)):
        for file in _list(top):
            if file.suffix == ".md" and file.is_file():
                yield _propose_file(kind, file)


def _list(folder: Path | None) -> list[Path]:
    return sorted(folder.iterdir()) if folder is not None and folder.is_dir() else []


def _propose_skill(folder: Path) -> Proposal:
    try:
        if not NAME.fullmatch(folder.name):
            return Proposal(
                Kind.SKILL, folder.name, str(folder), problem="its name is not letters, digits, - and _ alone"
            )
        entry = read_folder(str(folder), folder.name, folder.resolve())
    except (AgentContextError, OSError) as error:
        return Proposal(Kind.SKILL, folder.name, str(folder), problem=str(error))
    runs = [path for path, file in entry.files.items() if file.executable]
    notes = (f"may be run: {', '.join(runs)}",) if runs else ()
    return Proposal(Kind.SKILL, folder.name, str(folder), entry.files, notes)


def _propose_file(kind: Kind, file: Path) -> Proposal:
    where = str(file)
    if not NAME.fullmatch(file.stem):
        return Proposal(kind, file.stem, where, problem="its name is not letters, digits, - and _ alone")
    try:
        data = file.read_bytes()
        if kind is Kind.AGENT:
            parse_header(data.decode(), where)
    except (AgentContextError, OSError, UnicodeDecodeError) as error:
        return Proposal(kind, file.stem, where, problem=str(error))
    return Proposal(kind, file.stem, where, {file.name: File(data)})


def _screened(found: Survey, proposal: Proposal) -> Proposal:
    """Return the proposal, refused where a secret stands in it; personal words are named."""
    settings, problem, notes = found.knowledge_base.settings, proposal.problem, list(proposal.notes)
    for path, file in proposal.files.items():
        for finding in Guard(settings.privacy, settings.screening.engines, allowances=settings.allow).find(
            file.text or ""
        ):
            line = f"{path}:{finding.line}: {finding.rule} {finding.masked}"
            if finding.kind == "secret":
                problem = problem or f"{line}: put the name of a variable there, as in ${{TOKEN}}"
            elif finding.kind == "personal":
                notes.append(f"look at {line}")
    return replace(proposal, notes=tuple(dict.fromkeys(notes)), problem=problem)


def _take_server(found: Survey, entry: Entry, known: Server, step: Step) -> dict[str, File]:
    """Return the entry's file with what a client has now; what only an entry can say stays, and so do known values."""
    value = Actual().value(step.place)
    try:
        server, _ = read_server(step.agent, value if isinstance(value, dict) else {})
        before = put_paths(known, found.here.paths, str(found.here.places.folder))
    except (ValueError, CannotSayError) as error:
        raise AgentContextError(f"{step.place.name}: {error}", hint="no entry can say this; overwrite it") from None
    theirs: dict[str, Any] = {"command": server.command, "args": list(server.args), "url": server.url}
    for name in ("env", "headers"):
        old, new, literal = getattr(known, name), getattr(server, name), dict(value.get(name) or {})
        same = {key for key in new if key in old and literal.get(key) in (getattr(before, name)[key], new[key])}
        theirs[name] = {key: old[key] if key in same else text for key, text in new.items()}
    (file,) = entry.files
    text, shown = entry.files[file].text or "", msgspec.to_builtins(before)
    for key, now in theirs.items():
        if now not in (shown[key], msgspec.to_builtins(known)[key]):
            text = set_key("toml", text, (key,), now)
    return {file: File(text.encode())}


def _take_files(entry: Entry, step: Step) -> dict[str, File]:
    """Return an entry's files as they are on this machine."""
    if entry.kind is Kind.SETTINGS:
        (name,) = entry.files
        text = set_key("json", entry.files[name].text or "", step.place.key, Actual().value(step.place))
        return {name: File(text.encode())}
    names = step.piece.files if step.piece is not None else entry.files
    taken = read_files(step.place.path, names)
    return {path if path != RULES_FILE else next(iter(entry.files)): file for path, file in taken.items()}
