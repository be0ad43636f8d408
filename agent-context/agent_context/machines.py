"""The machines of a knowledge base: each describes itself in `tooling/machines/<machine>.toml`, and no other."""

from __future__ import annotations

import platform
import secrets
import tomllib
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import tomli_w

from agent_context import __version__
from agent_context.changes import write_atomically
from agent_context.clients.places import find_clients, find_version, load_places
from agent_context.git import Repository
from agent_context.git.history import History
from agent_context.layout import MACHINES
from agent_context.learning import utc
from agent_context.trailers import parse_trailers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent_context.config import Environment
    from agent_context.knowledge import KnowledgeBase

INSTANCE_FILE = "instance"
BY_HAND = ("labels", "paths", "without")
NO_TIME = "1970-01-01T00:00:00Z"


class Described(msgspec.Struct, frozen=True):
    """What a machine says of itself: when it last synced (UTC), on which commit, session files by agent.

    `instance` is a random id that tells two machines of one name apart. `clients`: version by agent client;
    `checkouts`: path below the home (`~/src/r`) by project; `tools`: state and version by registry entry. A person
    writes `labels`, `paths` (what `${machine.paths.NAME}` stands for) and `without` (entries not wanted here) by hand.
    """

    name: str
    instance: str
    platform: str = ""
    version: str = ""
    synced: str = NO_TIME
    commit: str = ""
    agents: dict[str, int] = msgspec.field(default_factory=dict)
    clients: dict[str, str] = msgspec.field(default_factory=dict)
    checkouts: dict[str, str] = msgspec.field(default_factory=dict)
    tools: dict[str, str] = msgspec.field(default_factory=dict)
    labels: tuple[str, ...] = ()
    paths: dict[str, str] = msgspec.field(default_factory=dict)
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """One machine as the repository shows it. `behind`: commits it has not seen; None where that cannot be told."""

    name: str
    synced: str
    version: str
    platform: str
    agents: dict[str, int]
    behind: int | None
    here: bool
    problem: str = ""


def find_platform() -> str:
    """Return what this machine runs: `linux`, `macos`, `windows`, or what it calls itself."""
    return {"Darwin": "macos"}.get(platform.system(), platform.system().lower())


def machine_path(machine: str) -> str:
    """Return where a machine describes itself."""
    return f"{MACHINES}/{machine}.toml"


def describe_machine(environment: Environment, now: float, commit: str, agents: Mapping[str, int]) -> Described:
    """Return what this machine has to say of itself, after a sync that saw `commit`."""
    return Described(
        name=environment.machine,
        instance=read_instance(environment),
        platform=f"{platform.system()} {platform.machine()}".strip(),
        version=__version__,
        synced=utc(now),
        commit=commit,
        agents={agent: count for agent, count in sorted(agents.items()) if count},
        clients={name: find_version(client) for name, client in find_clients(load_places(environment)).items()},
    )


def shorten_checkouts(checkouts: Mapping[str, str], home: Path) -> dict[str, str]:
    """Return project to path, of the checkouts that are there and below the home folder: `~/src/r`."""
    found = {}
    for path, project in sorted(checkouts.items(), reverse=True):
        if Path(path).is_relative_to(home) and Path(path).is_dir():
            found[project] = f"~/{Path(path).relative_to(home).as_posix()}"
    return dict(sorted(found.items()))


def machine_file_for(
    described: Described, previous: bytes | None, *, riding: bool, hours: int = 24
) -> dict[str, bytes]:
    """Return the machine's file for the next commit, or nothing where none is due.

    `previous` is the file in the branch's tip. With `riding`, a commit is made anyway and takes it along; else it is
    due when there is none yet, or when the last is older than `hours`.
    """
    if not is_due(previous, described.synced, riding=riding, hours=hours):
        return {}
    table = {key: value for key, value in msgspec.to_builtins(described).items() if value}
    return {machine_path(described.name): tomli_w.dumps({**table, **_by_hand(previous)}).encode()}


def _by_hand(previous: bytes | None) -> dict[str, Any]:
    """Return what a person wrote into the file, as it stands."""
    try:
        table = tomllib.loads((previous or b"").decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        return {}
    return {key: table[key] for key in BY_HAND if key in table}


def is_due(previous: bytes | None, now: str, *, riding: bool, hours: int = 24) -> bool:
    """Tell whether the machine's file is to be written at a time (UTC text), as `machine_file_for` says."""
    old = read_described(previous)
    return riding or old is None or _age_hours(old.synced, now) >= hours


def read_described(data: bytes | None) -> Described | None:
    """Read a machine's file leniently: another machine's program may be newer. None where it does not read.

    What a person wrote wrongly counts as not written.
    """
    try:
        table = tomllib.loads((data or b"").decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        return None
    for left_out in ((), BY_HAND):
        with suppress(msgspec.ValidationError):
            return msgspec.convert({key: value for key, value in table.items() if key not in left_out}, Described)
    return None


def merge_described(ours: bytes, theirs: bytes) -> bytes:
    """Return the newer of two versions of one machine's file; only a machine set up twice ever has two."""
    mine, other = read_described(ours), read_described(theirs)
    return theirs if mine is None or (other is not None and other.synced > mine.synced) else ours


def find_namesake(environment: Environment, previous: bytes | None) -> str:
    """Return what to tell where another machine (or an earlier installation of this one) goes by the same name."""
    old = read_described(previous)
    if old is None or old.instance == read_instance(environment):
        return ""
    return (
        f"another machine named {old.name} synced here at {old.synced} ({old.platform}, version {old.version}). Give "
        "this one a name of its own (agent-context config set --machine machine NAME), unless it was merely set up anew"
    )


def read_instance(environment: Environment, *, make: bool = True) -> str:
    """Return this installation's random id, made when it is first asked for; else empty where there is none yet."""
    file = environment.data_dir / INSTANCE_FILE
    if file.is_file():
        return file.read_text(encoding="utf-8").strip()
    made = secrets.token_hex(8) if make else ""
    if made:
        write_atomically(file, f"{made}\n".encode())
    return made


def list_machines(knowledge_base: KnowledgeBase, environment: Environment) -> list[Known]:
    """Return every machine that described itself or committed, the one that synced last first."""
    repository = Repository(knowledge_base.root)
    tip = repository.tip()
    known = {file.name: file for file in read_machines(knowledge_base)}
    committed = _last_commits(knowledge_base, tip) if tip else {}
    result = []
    for name in known.keys() | committed.keys():
        file, (at, commit) = known.get(name), committed.get(name, (NO_TIME, ""))
        result.append(
            Known(
                name=name,
                synced=max(file.synced, at) if file else at,
                version=file.version if file else "",
                platform=file.platform if file else "",
                agents=file.agents if file else {},
                behind=_count_behind(repository, tip, (commit, file.commit if file else "")),
                here=name == environment.machine,
                problem=_find_problem(environment, file),
            )
        )
    return sorted(result, key=lambda machine: (machine.synced, machine.name), reverse=True)


def read_machines(knowledge_base: KnowledgeBase) -> list[Described]:
    """Return what each machine says of itself, by name; a file that does not read says nothing."""
    files = sorted((knowledge_base.root / MACHINES).glob("*.toml"))
    read = (read_described(file.read_bytes()) for file in files if not file.is_symlink())
    return [described for described in read if described is not None]


def _last_commits(knowledge_base: KnowledgeBase, tip: str) -> dict[str, tuple[str, str]]:
    """Return each machine's newest commit in the history: its time and id."""
    found: dict[str, tuple[str, str]] = {}
    for commit in History(knowledge_base.root).walk(tip):
        for machine in parse_trailers(commit.message).machines:
            found.setdefault(machine, (utc(commit.at), commit.id))
    return found


def _count_behind(repository: Repository, tip: str | None, seen: tuple[str, ...]) -> int | None:
    """Return how many commits a machine lacks that has seen these at the least."""
    known = [commit for commit in seen if commit and repository.has_commit(commit)]
    return min((repository.ahead_behind(tip, commit)[0] for commit in known), default=None) if tip else None


def _find_problem(environment: Environment, file: Described | None) -> str:
    own = read_instance(environment, make=False)
    if file is None or not own or file.name != environment.machine or file.instance == own:
        return ""
    return "another machine goes by this machine's name (agent-context doctor says what to do)"


def _age_hours(then: str, now: str) -> float:
    try:
        times = [datetime.strptime(at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) for at in (now, then)]
    except ValueError:
        return float("inf")
    return (times[0] - times[1]).total_seconds() / 3600
