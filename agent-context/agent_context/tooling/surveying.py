"""What a person does about one entry: see it on every machine, remove it, overwrite what was changed by hand."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING

import msgspec

from agent_context.changes import write_atomically
from agent_context.clients.keys import set_key
from agent_context.errors import AgentContextError
from agent_context.machines import Described, machine_path, read_instance, read_machines
from agent_context.tooling.actual import Actual, refuse_link
from agent_context.tooling.bringing import apply, place_of
from agent_context.tooling.drift import Row, compare_machines
from agent_context.tooling.entries import Kind
from agent_context.tooling.planning import State, Step, decide_gone

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from agent_context.tooling.applying import Applied
    from agent_context.tooling.bringing import Survey
    from agent_context.tooling.entries import Entry


def list_rows(found: Survey) -> list[Row]:
    """Return how each entry stands on every machine: here as of now, elsewhere as of the last sync."""
    machines = {machine.name: machine for machine in read_machines(found.knowledge_base)}
    here = machines.get(found.here.machine, Described(found.here.machine, ""))
    machines[here.name] = msgspec.structs.replace(here, tools=found.sum_up())
    return compare_machines(found.registry.entries.values(), machines.values())


def shorten(paths: Mapping[str, str], user: Path) -> dict[str, str]:
    """Return paths with `~` for the user's folder, as they may stand in git."""
    found = {name: PurePath(path) for name, path in paths.items()}
    return {
        name: f"~/{path.relative_to(user).as_posix()}".removesuffix("/.") if path.is_relative_to(user) else str(path)
        for name, path in found.items()
    }


def set_by_hand(found: Survey, values: Mapping[str, object]) -> str:
    """Write `labels`, `paths` or `without` into this machine's own file, as a person would; return where that is."""
    path = machine_path(found.here.machine)
    file = found.knowledge_base.root / path
    refuse_link(found.knowledge_base.root, file)
    new = f'name = "{found.here.machine}"\ninstance = "{read_instance(found.environment)}"\n'
    text = file.read_text(encoding="utf-8") if file.is_file() else new
    for key, value in values.items():
        text = set_key("toml", text, (key,), value)
    write_atomically(file, text.encode())
    return path


def uninstall(found: Survey, key: str) -> Applied:
    """Remove from this machine what was installed of an entry; what was changed by hand stays, and is named."""
    actual = Actual()
    steps: list[Step] = []
    kept: list[Step] = []
    for item in found.record.installed:
        if item.entry == key:
            place = place_of(item)
            step = decide_gone(item, place, actual.digest(place, item.agent, item.files))
            (steps if step.state is State.REMOVE else kept).append(step)
    applied = apply(found, steps)
    applied.failed += [f"{step.entry}: {step.place.name}: {step.reason}" for step in kept]
    return applied


def delete_entry(root: Path, entry: Entry) -> None:
    """Take an entry's files out of the registry."""
    source = root / entry.source
    if entry.kind is Kind.SKILL:
        shutil.rmtree(source)
    else:
        source.unlink()


def overwrite(found: Survey, key: str) -> Applied:
    """Put the registry's version in the place of what was changed by hand. Raise AgentContextError where it may not."""
    steps = [step for step in found.of(key) if step.state is State.DRIFTED]
    if not steps:
        raise AgentContextError(f"nothing of {key} was changed by hand here", hint="agent-context tooling plan")
    entry = found.registry.entries.get(key)
    if entry is not None and not found.judge.trusts(entry):
        raise AgentContextError(f"{key} is not trusted here", hint=f"agent-context tooling trust {key}")
    if key in found.registry.open:
        raise AgentContextError(f"{key} has two versions", hint="agent-context resolve shows and settles them")
    for step in steps:
        if step.piece is not None and step.piece.blocked:
            raise AgentContextError(f"{key}: {step.piece.blocked}", hint="then run this again")
    return apply(found, [_insist(step) for step in steps])


def _insist(step: Step) -> Step:
    """Return the step that is carried out although a person changed what is there."""
    return step if step.piece is not None else replace(step, state=State.REMOVE)
