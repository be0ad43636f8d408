"""Remove a secret that did get in: from the history of this clone, and tell whether it is gone everywhere.

The secret itself is held in memory only. It is named by where it stands, or by the head of its sha256.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent_context.errors import AgentContextError, NeedsPersonError
from agent_context.git import Repository
from agent_context.git.history import History
from agent_context.git.locking import locked
from agent_context.git.rewriting import Rewriting, fetch_all, mirrored
from agent_context.identity import hide_credentials
from agent_context.learning import utc
from agent_context.machines import list_machines
from agent_context.review.resolution import resolve
from agent_context.rotation import advise_rotation
from agent_context.screening import mask, screen
from agent_context.sealing import seal_resolver
from agent_context.state import ASKED, LAST_COMMIT, State, find_caches

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agent_context.config import Environment
    from agent_context.git.rewriting import Moved
    from agent_context.knowledge import KnowledgeBase
    from agent_context.learning import Finding

WHERE = re.compile(r"(.+):([1-9]\d*)")
DIGEST = re.compile(r"[0-9a-f]{8,64}")
DIGEST_LENGTH = 16
LEAST_LENGTH = 6  # what is shorter stands in too much that is no secret
UNKNOWN_RULE = "secret"


@dataclass(frozen=True, slots=True)
class Leak:
    """Secrets that got in, all of one line or one hash. `values` never leaves the process."""

    rule: str
    masked: str
    digest: str
    values: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Traced:
    """Where a leak is: paths, each with the oldest commit and its time (UTC), and the objects that hold it in all."""

    rule: str
    masked: str
    digest: str
    rotation: str
    places: tuple[str, ...]
    objects: int
    machines: tuple[str, ...]
    remote: str


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What was done to this clone: references moved, objects that still hold it, pushes left to the person."""

    moved: int
    left: int
    pushes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verified:
    """How many objects hold it here and in a fresh copy of the remote (None: there is none, or it was not asked)."""

    here: int
    remote: int | None


@dataclass(frozen=True, slots=True)
class Followed:
    """A clone put onto a rewritten remote: the new tip, and how many of its own commits stand on it."""

    commit: str
    own: int


def leak_of_value(value: str) -> Leak:
    """Return the leak of a secret that a person gave, named by the screen where that knows it."""
    text = value.strip("\r\n")
    if len(text.strip()) < LEAST_LENGTH:
        raise AgentContextError(
            f"a secret of fewer than {LEAST_LENGTH} characters stands in too much else", hint="remove it by hand"
        )
    rule = next((finding.rule for finding in screen(text) if finding.kind == "secret"), UNKNOWN_RULE)
    return _leak(rule, (text,))


def leak_at(knowledge_base: KnowledgeBase, where: str) -> Leak:
    """Return the leak at `FILE:LINE` of the knowledge base, or the one with this hash in any version of any file.

    Raise AgentContextError where nothing is found there.
    """
    place = WHERE.fullmatch(where)
    if place is not None and (knowledge_base.root / place[1]).is_file():
        text = (knowledge_base.root / place[1]).read_bytes().decode(errors="replace")
        found = [(finding, value) for finding, value in _secrets_in(text) if finding.line == int(place[2])]
        if found:
            return _leak(found[0][0].rule, [value for _, value in found])
        raise AgentContextError(
            f"{where}: the screen sees no secret on that line", hint="give the secret itself on stdin: --stdin"
        )
    if DIGEST.fullmatch(where):
        texts = (blob.decode(errors="replace") for blob in Rewriting(knowledge_base.root).blobs())
        for finding, value in (item for text in texts for item in _secrets_in(text)):
            if hashlib.sha256(value.encode()).hexdigest().startswith(where):
                return _leak(finding.rule, (value,))
        raise AgentContextError(
            f"no secret with the hash {where} is found in this clone: it is gone, or the screen does not know its kind",
            hint="to be sure, give the secret itself on stdin: --stdin --verify",
        )
    raise AgentContextError(
        f"{where} is no FILE:LINE of the knowledge base and no hash", hint="agent-context check names FILE:LINE"
    )


def trace(knowledge_base: KnowledgeBase, environment: Environment, leak: Leak) -> Traced:
    """Find where a leak is. Changes nothing."""
    rewriting = Rewriting(knowledge_base.root)
    holders = rewriting.find_holders(leak.values)
    repository = Repository(knowledge_base.root)
    remote = repository.remote(repository.branch())
    return Traced(
        rule=leak.rule,
        masked=leak.masked,
        digest=leak.digest,
        rotation=advise_rotation(leak.rule),
        places=tuple(
            f"{sighting.path} since {utc(sighting.at)} (commit {sighting.commit[:10]})"
            for sighting in rewriting.find_sightings(holders)
        ),
        objects=len(holders),
        machines=tuple(item.name for item in list_machines(knowledge_base, environment) if not item.here),
        remote=hide_credentials(repository.remote_url(remote)) if remote else "",
    )


def rewrite(knowledge_base: KnowledgeBase, environment: Environment, leak: Leak) -> Cleaned:
    """Rewrite every branch and tag of this clone without the leak, and drop the old objects. Pushes nothing.

    Raise NeedsPersonError, with nothing changed, where the remote has commits that are not here, or an edit waits.
    """
    repository = Repository(knowledge_base.root)
    branch = repository.branch()
    with locked(repository, knowledge_base.settings.sync.lock_seconds):
        remote = repository.remote(branch)
        if remote is not None:
            _refuse_behind(repository, remote, branch)
        rewriting = Rewriting(knowledge_base.root)
        replacement = f"[redacted:{leak.rule}]".encode()
        moved = rewriting.rewrite(repository, dict.fromkeys(leak.values, replacement))
        rewriting.forget()
        _let_go(knowledge_base, environment)
        pushes = _name_pushes(repository, remote, branch, moved) if remote else ()
        return Cleaned(len(moved), len(rewriting.find_holders(leak.values)), pushes)


def verify(knowledge_base: KnowledgeBase, leak: Leak, *, remote: bool = True) -> Verified:
    """Look for the leak in every object of this clone, and in everything that the remote hands out.

    Objects that nothing reaches any more are dropped: a fetch from a remote that still has the old history brings some.
    """
    repository, rewriting = Repository(knowledge_base.root), Rewriting(knowledge_base.root)
    holders = rewriting.find_holders(leak.values)
    if holders and not rewriting.find_sightings(holders):
        with locked(repository, knowledge_base.settings.sync.lock_seconds):
            rewriting.forget()
        holders = rewriting.find_holders(leak.values)
    here = len(holders)
    name = repository.remote(repository.branch()) if remote else None
    if name is None:
        return Verified(here, None)
    with mirrored(knowledge_base.root, repository.remote_url(name)) as mirror:
        return Verified(here, len(Rewriting(mirror).find_holders(leak.values)))


def follow(knowledge_base: KnowledgeBase, environment: Environment) -> Followed:
    """Put this clone onto a remote whose history was rewritten, its own commits on top, and drop the old objects.

    Raise NeedsPersonError, with the branch where it was, where that cannot be done without a person.
    """
    repository = Repository(knowledge_base.root)
    branch = repository.branch()
    with locked(repository, knowledge_base.settings.sync.lock_seconds):
        remote = repository.remote(branch)
        before = repository.remote_tip(remote, branch) if remote else None
        tip = repository.tip()
        if remote is None or before is None or tip is None:
            raise AgentContextError("this clone has never seen a remote", hint="agent-context sync")
        own = repository.commits_between(before, tip)
        if any(len(commit.parents) != 1 for commit in own):
            raise NeedsPersonError(
                "this clone has merges that the remote lacks, which would bring the old history back",
                hint="clone the knowledge base again beside this one, and copy over what is missing",
            )
        _fetch(repository, remote)
        after = repository.remote_tip(remote, branch) or ""
        new, _ = repository.replay(own, after, seal_resolver(resolve, knowledge_base.sealer))
        _refuse_secrets(knowledge_base, after, new)
        repository.move_to(new)
        Rewriting(knowledge_base.root).forget()
        _let_go(knowledge_base, environment)
    return Followed(new, len(own))


def _leak(rule: str, values: Iterable[str]) -> Leak:
    distinct = tuple(dict.fromkeys(values))
    digest = hashlib.sha256(distinct[0].encode()).hexdigest()[:DIGEST_LENGTH]
    longest_first = sorted((value.encode() for value in distinct), key=len, reverse=True)
    return Leak(rule, ", ".join(mask("secret", value) for value in distinct), digest, tuple(longest_first))


def _secrets_in(text: str) -> Iterator[tuple[Finding, str]]:
    """Yield what the screen takes for a secret, each with its words."""
    lines = text.split("\n")
    for finding in screen(text):
        if finding.kind == "secret":
            rest = "\n".join(lines[finding.line - 1 :])
            yield finding, rest[finding.column - 1 : finding.column - 1 + finding.length]


def _refuse_behind(repository: Repository, remote: str, branch: str) -> None:
    _fetch(repository, remote)
    tip, theirs = repository.tip(), repository.remote_tip(remote, branch)
    if tip and theirs and repository.ahead_behind(tip, theirs)[1]:
        raise NeedsPersonError(
            "the remote has commits that are not here yet, and they may hold it too",
            hint="agent-context sync on every machine first, then this again",
        )


def _refuse_secrets(knowledge_base: KnowledgeBase, old: str, new: str) -> None:
    """Refuse own commits that would bring a secret back: one that edited the same words has both versions."""
    for altered in History(knowledge_base.root).alterations_between(old, new):
        text = (altered.after or b"").decode(errors="replace")
        if any(finding.severity == "certain" for finding, _ in _secrets_in(text)):
            raise NeedsPersonError(
                f"a commit that the remote lacks holds a secret in {altered.path}, or edits the words that held it",
                hint="copy what is yours aside, clone the knowledge base again beside this one, and put it in there",
            )


def _fetch(repository: Repository, remote: str) -> None:
    reason = fetch_all(repository.root, remote)
    if reason:
        raise AgentContextError(f"the remote does not answer: {reason}", hint="agent-context doctor says more")


def _let_go(knowledge_base: KnowledgeBase, environment: Environment) -> None:
    """Delete what repeats the old words outside git, and keep the next sync from taking this for another history."""
    for file in find_caches(environment.data_dir, knowledge_base.root):
        file.unlink(missing_ok=True)
    with State(environment.data_dir, knowledge_base.root) as state:
        state.forget_facts(ASKED)
        state.set_fact(LAST_COMMIT, Repository(knowledge_base.root).tip() or "")


def _name_pushes(repository: Repository, remote: str, branch: str, moved: dict[str, Moved]) -> tuple[str, ...]:
    """Return the commands that replace the remote's history, each refused where it has moved on meanwhile."""
    prefix = f"refs/remotes/{remote}/"
    git = f"git -C {repository.root} push"
    pushes = []
    for name, step in moved.items():
        if name.startswith(prefix):
            theirs = name.removeprefix(prefix)
            source = branch if theirs == branch else name
            pushes.append(f"{git} --force-with-lease={theirs}:{step.old} {remote} {source}:refs/heads/{theirs}")
        elif name.startswith("refs/tags/"):
            pushes.append(f"{git} --force-with-lease={name}:{step.old} {remote} {name}")
    return tuple(pushes)
