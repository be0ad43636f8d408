"""Bring this machine to what the registry says, as far as a person here trusts it; and say what is left."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from agent_context.clients.places import find_clients, load_places
from agent_context.errors import AgentContextError
from agent_context.git import Repository
from agent_context.layout import TOOLING
from agent_context.machines import Described, find_platform, machine_path, read_described
from agent_context.tooling.actual import Actual
from agent_context.tooling.applying import Applied, Applier, carry_out, take_back
from agent_context.tooling.desired import Here, list_pieces
from agent_context.tooling.planning import TO_DO, Installed, Place, State, Step, decide, decide_gone, sum_up
from agent_context.tooling.records import Records
from agent_context.tooling.registry import read_registry
from agent_context.tooling.trusting import Judge, find_secrets

if TYPE_CHECKING:
    from collections.abc import Collection

    from agent_context.config import Environment
    from agent_context.knowledge import KnowledgeBase
    from agent_context.reports import SyncReport
    from agent_context.tooling.entries import Entry
    from agent_context.tooling.records import Record
    from agent_context.tooling.registry import Registry


@dataclass(slots=True)
class Survey:
    """The registry, this machine, and every step between the two; `problems` are what does not read, with advice."""

    knowledge_base: KnowledgeBase
    environment: Environment
    registry: Registry
    here: Here
    judge: Judge
    records: Records
    record: Record
    steps: list[Step] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def of(self, entry: str) -> list[Step]:
        """Return the steps of one entry."""
        return [step for step in self.steps if step.entry == entry]

    def sum_up(self) -> dict[str, str]:
        """Return one line for each entry, for the machine's own file."""
        return sum_up(self.steps, {key: entry.digest for key, entry in self.registry.entries.items()})


def survey(knowledge_base: KnowledgeBase, environment: Environment, *, ignore_held: bool = False) -> Survey:
    """Compare what the registry wants here with what is here. Changes nothing."""
    root = knowledge_base.root
    records = Records(environment, root)
    registry, record = read_registry(root), records.record()
    here, problem = look_around(root, environment)
    judge = Judge(records.trust(), here.paths, Repository(root))
    found = Survey(knowledge_base, environment, registry, here, judge, records, record)
    found.problems = [*([problem] if problem else []), *(error.advice for error in registry.problems.values())]
    held = () if ignore_held else record.held
    _add_wanted(found, held)
    _add_gone(found, held)
    return found


def bring(knowledge_base: KnowledgeBase, environment: Environment, report: SyncReport) -> None:
    """Do the trusted part of the plan within a sync, and name the rest in its report."""
    found = survey(knowledge_base, environment)
    report.problems += [problem for problem in found.problems if problem not in report.problems]
    due = [step for step in found.steps if step.state in TO_DO]
    if report.dry_run:
        report.tooling += [f"would {step.state.value} {step.entry}: {step.place.name}" for step in due]
    elif due:
        applied = apply(found, due)
        report.tooling += applied.done
        report.problems += applied.failed
        found = survey(knowledge_base, environment)
    report.tooling_waits += [
        describe(step) for step in _first_of_each(found.steps) if step.state not in (*TO_DO, State.PRESENT)
    ]
    report.tools = found.sum_up()


def apply(found: Survey, steps: list[Step]) -> Applied:
    """Carry steps out and write down what is installed now."""
    with found.records.locked():
        applier = Applier(found.here.places, found.records)
        found.record, applied = carry_out(steps, found.records.record(), applier)
    return applied


def undo(found: Survey) -> Applied:
    """Take the last apply back. Raise AgentContextError where there is none."""
    with found.records.locked():
        record = found.records.record()
        if not record.undo:
            raise AgentContextError("there is no apply to undo", hint="only the last one can be taken back")
        found.record, applied = take_back(record, Applier(found.here.places, found.records))
        found.records.save(found.record)
    return applied


def release(found: Survey, entries: Collection[str]) -> None:
    """Hold these entries back no longer."""
    held = tuple(entry for entry in found.record.held if entry not in entries)
    if held != found.record.held:
        found.record = msgspec.structs.replace(found.record, held=held)
        found.records.save(found.record)


def describe(step: Step) -> str:
    """Return one line for a person: what stands where, how, and what to do."""
    return f"{step.entry} ({step.agent}): {step.state.value}" + (f": {step.reason}" if step.reason else "")


def look_around(root: Path, environment: Environment) -> tuple[Here, str]:
    """Return what this machine is, and what is wrong in its own file."""
    places = load_places(environment)
    file = root / machine_path(environment.machine)
    data = file.read_bytes() if file.is_file() and not file.is_symlink() else None
    described = read_described(data) or Described(environment.machine, "")
    checkouts: dict[str, tuple[Path, ...]] = {}
    for path, project in sorted({**environment.own.checkouts, **environment.own.mappings}.items()):
        if Path(path).is_dir():
            checkouts[project] = (*checkouts.get(project, ()), Path(path))
    here = Here(
        environment.machine,
        find_platform(),
        places,
        find_clients(places),
        described.labels,
        described.paths,
        described.without,
        checkouts,
    )
    return here, _find_slip(machine_path(environment.machine), data)


def _find_slip(path: str, data: bytes | None) -> str:
    """Return what is wrong in a machine's file, as a person wrote it; empty where it reads."""
    if data is None:
        return ""
    try:
        msgspec.convert(tomllib.loads(data.decode()), Described)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        return f"{path}: {error} (labels, paths and without are as in docs/tooling.md)"
    return ""


def _add_wanted(found: Survey, held: Collection[str]) -> None:
    installed = {(item.entry, item.name): item for item in found.record.installed}
    actual = Actual()
    for entry in found.registry.entries.values():
        for piece in list_pieces(entry, found.here):
            before = installed.get((entry.key, piece.place.name))
            paths = sorted({*piece.files, *(before.files if before else ())})
            try:
                now = actual.digest(piece.place, piece.agent, paths)
            except AgentContextError as error:
                found.steps.append(
                    Step(entry.key, piece.agent, piece.place, State.BLOCKED, error.advice, piece, before)
                )
                continue
            trusted = found.judge.trusts(entry)
            step = decide(piece, before, now, trusted=trusted, held=entry.key in held)
            found.steps.append(_hinder(step, found, entry))


def _hinder(step: Step, found: Survey, entry: Entry) -> Step:
    """Return the step, blocked where the entry has two versions or a secret in it."""
    if step.state not in (*TO_DO, State.UNTRUSTED):
        return step
    if entry.key in found.registry.open:
        reason = f"two versions stand open, neither is applied: agent-context resolve {entry.source}"
        return _block(step, reason)
    if step.state in TO_DO and (secrets := find_secrets(found.knowledge_base, entry)):
        return _block(step, secrets[0].advice)
    return step


def _block(step: Step, reason: str) -> Step:
    return replace(step, state=State.BLOCKED, reason=reason)


def _add_gone(found: Survey, held: Collection[str]) -> None:
    """Add what we installed and the registry no longer wants here; what does not read now is left as it is."""
    wanted = {(step.entry, step.place.name) for step in found.steps}
    actual = Actual()
    for item in found.record.installed:
        closed = {item.entry, TOOLING, f"{TOOLING}/{item.entry.partition('/')[0]}"} & found.registry.problems.keys()
        if (item.entry, item.name) in wanted or closed:
            continue
        place = place_of(item)
        try:
            now = actual.digest(place, item.agent, item.files)
        except AgentContextError as error:
            found.steps.append(Step(item.entry, item.agent, place, State.BLOCKED, error.advice, None, item))
            continue
        found.steps.append(decide_gone(item, place, now, held=item.entry in held))


def place_of(item: Installed) -> Place:
    """Return the place of something installed."""
    checkout = Path(item.checkout) if item.checkout else None
    return Place(
        Path(item.path), None if not item.form else "toml" if item.form == "toml" else "json", item.key, checkout
    )


def _first_of_each(steps: list[Step]) -> list[Step]:
    """Return the first step of each entry in each state: one line says it for all its clients."""
    seen: dict[tuple[str, State], Step] = {}
    for step in steps:
        seen.setdefault((step.entry, step.state), step)
    return list(seen.values())
