"""Go over all that a knowledge base holds: merges, promotions and contradictions to propose, and carrying them out."""

from __future__ import annotations

import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from agent_context.claims.folding import find_loops, fold, order_by_clarity, supersede
from agent_context.claims.promotion import find_technologies, promote, say_evidence
from agent_context.consolidation.aging import find_tops
from agent_context.consolidation.linking import Linker, cluster
from agent_context.encoders import load_encoder
from agent_context.errors import AgentContextError
from agent_context.git import Repository, Snapshot, locked
from agent_context.knowledge import Entry
from agent_context.layout import PATTERNS
from agent_context.learning import LIVING, Learning, Verdict, utc
from agent_context.merging.edits import find_problem
from agent_context.state import State
from agent_context.trailers import trailers

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from agent_context.config import Environment
    from agent_context.consolidation.asking import Asker
    from agent_context.consolidation.linking import Link, Work
    from agent_context.knowledge import Contents, KnowledgeBase


@dataclass(frozen=True, slots=True)
class Fold:
    """Learnings that say the same: `kept` as it is to be, and those to be folded into it, as they are.

    `original` is the kept one as it is, none for a pattern that is yet to be; `evidence` on how much it rests.
    """

    kept: Entry
    original: Entry | None
    folded: tuple[Entry, ...]
    evidence: str
    reasons: tuple[str, ...]

    def is_meant(self, prefix: str) -> bool:
        """Tell whether an id that begins so is one of those in it."""
        return any(entry.learning.id.startswith(prefix) for entry in (self.kept, *self.folded))


@dataclass(frozen=True, slots=True)
class Opposed:
    """Two learnings of one project that cannot both hold, and why."""

    newer: Entry
    older: Entry
    score: float
    reason: str


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found among `compared` living learnings. `troubles` are files that were left out, and why."""

    merges: tuple[Fold, ...]
    promotions: tuple[Fold, ...]
    contradictions: tuple[Opposed, ...]
    troubles: tuple[str, ...]
    compared: int
    encoder: str


def survey(
    knowledge_base: KnowledgeBase,
    environment: Environment,
    project: str | None,
    work: Work,
    asker: Asker | None = None,
) -> Survey:
    """Compare all living learnings of one project, or of all and then across projects too. Changes nothing.

    With an `asker`, a model judges what is near and words what is merged within a project. Raise AgentContextError for
    a project that is not here.
    """
    troubles, entries = _sort_out(knowledge_base.load_named(project))
    living = [entry for entry in entries if entry.learning.status in LIVING]
    settings = knowledge_base.settings.consolidation
    with State(environment.data_dir, knowledge_base.root) as state:
        encoder, said = load_encoder(settings.encoder, settings.model, environment.data_dir)
        linker = Linker(encoder, settings, state, work, environment.data_dir)
        within = linker.find_links(living, across=False)
        across = linker.find_links(living, across=True)
        if asker is not None:
            within = asker.judge(within, state)
        merges = [_merge(alike, within) for alike in cluster(within)]
        if asker is not None:
            merges = _word(merges, asker, state)
            troubles += asker.troubles
    # A pattern that was turned down, or has ended otherwise, is not proposed again in the same words.
    ended = {entry.learning.id for entry in entries if entry.project == PATTERNS}
    opposed = [link for link in within if link.decision.verdict is Verdict.CONTRADICTS]
    return Survey(
        tuple(merges),
        tuple(
            item
            for item in _find_promotions(knowledge_base, environment, [*within, *across])
            if item.original or item.kept.learning.id not in ended
        ),
        tuple(sorted(map(_oppose, opposed), key=lambda pair: pair.newer.learning.created, reverse=True)),
        tuple(troubles),
        len(living),
        said,
    )


def carry_out(
    knowledge_base: KnowledgeBase, environment: Environment, merges: Sequence[Fold], promotions: Sequence[Fold]
) -> dict[str, bytes]:
    """Do these in one commit: the kept written, the folded marked as superseded. Returns the files by path.

    Raise AgentContextError, with nothing changed, where a file was changed since or must not be written.
    """
    repository, now = Repository(knowledge_base.root), utc(time.time())
    with locked(repository, knowledge_base.settings.sync.lock_seconds):
        files: dict[str, bytes] = {}
        for item in (*merges, *promotions):
            for entry in (*((item.original,) if item.original else ()), *item.folded):
                _expect(knowledge_base, entry, files)
            files[item.kept.path] = knowledge_base.bytes_for(item.kept.path, item.kept.learning)
            for entry in item.folded:
                ended = supersede(entry.learning, item.kept.learning.id, environment.machine, now)
                files[entry.path] = knowledge_base.bytes_for(entry.path, ended)
        if files:
            count = len(merges) + len(promotions)
            lines = (*tell_decisions("merged", merges), *tell_decisions("promoted", promotions))
            message = "\n".join((f"consolidate: {count} lesson{'s' * (count > 1)}", "", *lines, "", ""))
            message += trailers(environment.machine)
            repository.commit_files(files, message, environment.machine, own_edits=True)
    return files


def tell_decisions(verb: str, folds: Iterable[Fold]) -> list[str]:
    """Return what the commit's message tells of each: on how much it rests, and the decisions with their scores.

    Reasons quote words, so those of encrypted learnings stay out of a message that anybody can read.
    """
    told = []
    for item in folds:
        told += [f"{verb} into {item.kept.learning.id}: {item.evidence}"]
        told += item.reasons if not item.kept.is_sealed else ()
    return told


def choose(folds: Iterable[Fold], prefixes: Iterable[str]) -> list[Fold]:
    """Return the folds that the beginnings of ids mean, each once. Raise AgentContextError for none and for several."""
    every, chosen = list(folds), []
    for prefix in prefixes:
        found = [item for item in every if item.is_meant(prefix)]
        if len(found) != 1:
            many = f"{len(found)} proposals have" if found else "no proposal has"
            raise AgentContextError(
                f"{many} an id that begins with {prefix}", hint="agent-context consolidate lists them"
            )
        chosen += [item for item in found if item not in chosen]
    return chosen


def _sort_out(contents: Contents) -> tuple[list[str], list[Entry]]:
    """Return what is wrong, naming the files, and the learnings that nothing is wrong with."""
    troubles = [error.advice for error in contents.problems]
    by_id: defaultdict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in contents.entries:
        by_id[entry.project, entry.learning.id].append(entry)
    wrong = set()
    for (_, identity), same in by_id.items():
        if len(same) > 1:
            wrong |= {entry.path for entry in same}
            names = " and ".join(entry.path for entry in same)
            troubles.append(f"{names} have one id, {identity} (lengthen one of the two ids and its file name)")
    paths = {entry.learning.id: entry.path for entry in contents.entries}
    for loop in find_loops({entry.learning.id: entry.learning.supersedes for entry in contents.entries}):
        wrong |= {paths[identity] for identity in loop}
        names = " and ".join(paths[identity] for identity in loop)
        troubles.append(f"{names} supersede each other in a circle (take one id out of `supersedes`)")
    return troubles, [entry for entry in contents.entries if entry.path not in wrong]


def _merge(alike: Sequence[Entry], links: Iterable[Link]) -> Fold:
    by_id = {entry.learning.id: entry for entry in alike}
    ordered = order_by_clarity((entry.learning for entry in alike), _find_fuller(links))
    kept, *folded = (by_id[learning.id] for learning in ordered)
    whole = replace(kept, learning=fold(kept.learning, [entry.learning for entry in folded]))
    evidence = say_evidence({kept.project: [entry.learning for entry in alike]})
    return Fold(whole, kept, tuple(folded), evidence, _reasons(alike, links))


def _word(merges: Sequence[Fold], asker: Asker, state: State) -> list[Fold]:
    """Return the merges with the kept text in the model's words, where it gave any that may be taken."""
    fit = [item for item in merges if all(asker.is_fit(entry) for entry in (item.kept, *item.folded))]
    groups = [tuple(entry.learning.claim for entry in (item.kept, *item.folded)) for item in fit]
    worded = dict(zip((item.kept.path for item in fit), asker.word(groups, state), strict=True))
    return [_reword(item, worded.get(item.kept.path, item.kept.learning.claim), asker.model.model) for item in merges]


def _reword(item: Fold, claim: str, model: str) -> Fold:
    if claim == item.kept.learning.claim:
        return item
    kept = replace(item.kept, learning=msgspec.structs.replace(item.kept.learning, claim=claim))
    return replace(item, kept=kept, reasons=(*item.reasons, f"worded by {model}"))


def _find_promotions(knowledge_base: KnowledgeBase, environment: Environment, links: Iterable[Link]) -> Iterable[Fold]:
    """Yield what enough projects say alike; where a pattern says it already, the projects' own are folded into that."""
    local = set()
    for folder in knowledge_base.projects():
        with suppress(AgentContextError):
            local |= {folder} if knowledge_base.project(folder).local else set()
    shared = [link for link in links if not any(e.is_sealed or e.project in local for e in (link.older, link.newer))]
    tops = find_tops(environment, knowledge_base.remotes())
    for alike in cluster(shared):
        projects = {entry.project for entry in alike} - {PATTERNS}
        patterns = [entry for entry in alike if entry.project == PATTERNS]
        if len(patterns) == 1 and projects:
            yield _adopt(patterns[0], [entry for entry in alike if entry not in patterns], _reasons(alike, links))
        elif not patterns and len(projects) >= knowledge_base.settings.consolidation.promote_projects:
            heads = {project: Snapshot(tops[project], "HEAD") for project in sorted(projects) if project in tops}
            technologies = {project: find_technologies(head.files, head.read) for project, head in heads.items()}
            by_project = _group(alike)
            pattern = promote(by_project, technologies, environment.machine, utc(time.time()), _find_fuller(links))
            path, _ = knowledge_base.file_for(PATTERNS, pattern)
            kept = Entry(PATTERNS, path, pattern)
            yield Fold(kept, None, tuple(alike), say_evidence(by_project), _reasons(alike, links))


def _find_fuller(links: Iterable[Link]) -> set[str]:
    return {link.fuller for link in links if link.fuller}


def _adopt(pattern: Entry, own: Sequence[Entry], reasons: tuple[str, ...]) -> Fold:
    whole = fold(pattern.learning, [entry.learning for entry in own])
    # What scopes a pattern is its own: paths and tags of a project that follows it say nothing of the others.
    own_scope = {name: getattr(pattern.learning, name) for name in ("tags", "paths", "pinned")}
    kept = replace(pattern, learning=msgspec.structs.replace(whole, **own_scope))
    return Fold(kept, pattern, tuple(own), say_evidence(_group(own)), reasons)


def _group(entries: Iterable[Entry]) -> dict[str, list[Learning]]:
    by_project: defaultdict[str, list[Learning]] = defaultdict(list)
    for entry in entries:
        by_project[entry.project].append(entry.learning)
    return dict(sorted(by_project.items()))


def _reasons(alike: Iterable[Entry], links: Iterable[Link]) -> tuple[str, ...]:
    """Return the decision on each two of them."""
    paths = {entry.path for entry in alike}
    return tuple(str(link) for link in links if {link.older.path, link.newer.path} <= paths)


def _oppose(link: Link) -> Opposed:
    return Opposed(link.newer, link.older, link.decision.score, link.decision.reason)


def _expect(knowledge_base: KnowledgeBase, entry: Entry, planned: Collection[str]) -> None:
    """Raise AgentContextError unless the learning is as it was compared, sound, and changed by no other fold."""
    if entry.path in planned:
        raise AgentContextError(f"{entry.path} is in two of these", hint="do one, then look anew")
    data = knowledge_base.read_clear(entry.path)
    problem = find_problem(entry.path, data, knowledge_base.screen)
    if problem:
        raise AgentContextError(problem, hint="mend the file first; nothing was changed")
    if knowledge_base.parse(entry.path, (knowledge_base.root / entry.path).read_bytes()) != entry.learning:
        raise AgentContextError(f"{entry.path} was changed meanwhile", hint="look anew: agent-context consolidate")
