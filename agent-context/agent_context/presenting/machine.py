"""What only the machine that builds the site knows: its syncs and sessions, the forge, what its checkouts lack."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from agent_context.consolidation.aging import find_gone, find_tops
from agent_context.errors import AgentContextError
from agent_context.forges.address import parse_address
from agent_context.git import Repository
from agent_context.journal import Journal
from agent_context.learning import LIVING
from agent_context.machines import list_machines
from agent_context.quarantine import Quarantine
from agent_context.site.holdings import Health, Web

if TYPE_CHECKING:
    from agent_context.claims.staleness import Reference
    from agent_context.config import Environment
    from agent_context.journal import Entry as Synced
    from agent_context.knowledge import Entry, KnowledgeBase
    from agent_context.machines import Known
    from agent_context.state import State

WEEKS_SHOWN = 12
# Where a forge edits a file and shows its history, after the repository's address; {} is the branch.
WAYS = {
    "github": ("/edit/{}/", "/commits/{}/"),
    "gitlab": ("/-/edit/{}/", "/-/commits/{}/"),
    "gitea": ("/_edit/{}/", "/commits/branch/{}/"),
}


@dataclass(frozen=True, slots=True)
class Around:
    """What was found on this machine."""

    health: Health
    web: Web | None = None
    machines: tuple[Known, ...] = ()
    syncs: tuple[Synced, ...] = ()
    outcomes: dict[str, int] = field(default_factory=dict)


def look_around(
    knowledge_base: KnowledgeBase, environment: Environment | None, state: State | None, now: str, health: Health
) -> Around:
    """Return what this machine knows; without `environment` nothing but what is in the files."""
    if environment is None:
        return Around(health)
    since = datetime.fromisoformat(now) - timedelta(weeks=WEEKS_SHOWN)
    syncs = Journal(environment.data_dir).entries(since.strftime("%Y-%m-%dT%H:%M:%SZ"))
    waiting = len(Quarantine(environment.data_dir, knowledge_base.root).list())
    machines: tuple[Known, ...] = ()
    with suppress(AgentContextError):  # a folder that is no clone has no history to read
        machines = tuple(list_machines(knowledge_base, environment))
    return Around(
        health=replace(health, quarantined=health.quarantined + waiting),
        web=_find_web(knowledge_base),
        machines=machines,
        syncs=tuple(sync for sync in syncs if sync.knowledge_base == str(knowledge_base.root)),
        outcomes=state.outcomes_since(0) if state else {},
    )


def _find_web(knowledge_base: KnowledgeBase) -> Web | None:
    """Return where the files can be edited on the forge, None where it is not known."""
    with suppress(AgentContextError):
        repository = Repository(knowledge_base.root)
        branch = repository.branch()
        remote = repository.remote(branch)
        address = parse_address(repository.remote_url(remote)) if remote else None
        if address is not None and address.kind in WAYS:
            home = f"{address.base}/{address.path}"
            edit, history = (f"{home}{way.format(branch)}" for way in WAYS[address.kind])
            return Web(edit, history)
    return None


def find_gone_here(
    knowledge_base: KnowledgeBase, environment: Environment, by_folder: dict[str, list[Entry]]
) -> dict[str, list[Reference]]:
    """Return, by a learning's path, what it names that the project's checkout on this machine has lost."""
    tops = find_tops(environment, knowledge_base.remotes())
    gone: dict[str, list[Reference]] = {}
    for folder, entries in by_folder.items():
        living = [entry for entry in entries if entry.learning.status in LIVING]
        if folder in tops and living:
            gone |= find_gone(living, tops[folder])
    return gone
