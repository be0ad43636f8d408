"""Carry out the steps of a plan, one after the other, each whole or not at all; and take the last ones back."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from agent_context.changes import write_atomically
from agent_context.clients import claude
from agent_context.clients.files import keep_backup, read_bytes, replace_file
from agent_context.errors import AgentContextError
from agent_context.tooling.actual import Actual, refuse_link
from agent_context.tooling.forms import normalise
from agent_context.tooling.planning import Installed, Place, State, Step, digest_value
from agent_context.tooling.records import Record, UndoStep

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agent_context.clients.places import AgentName, Places
    from agent_context.tooling.entries import File
    from agent_context.tooling.records import Records

PLAIN, EXECUTABLE = 0o644, 0o755
CLIENTS_OWN = ("agents", "commands", "prompts", "rules", "skills")


@dataclass(slots=True)
class Applied:
    """What was done, as lines for people, and what could not be, with the reason."""

    done: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Applier:
    """Writes pieces, and remembers how each write is taken back."""

    places: Places
    records: Records
    actual: Actual = field(default_factory=Actual)
    undo: list[UndoStep] = field(default_factory=list)

    def put(self, step: Step) -> Installed:
        """Write a piece. Raise AgentContextError, with what was there put back, where it cannot be written."""
        piece = step.piece
        if piece is None:
            raise AssertionError("BUG: nothing to put")
        if piece.place.key:
            self._set_key(piece.place, piece.agent, piece.value)
            digest = digest_value(normalise(piece.agent, piece.value))
        else:
            old = step.installed.files if step.installed else ()
            self._put_files(piece.place.path, {**dict.fromkeys(old), **piece.files})
            _remove_empty(piece.place.path, set(old) - set(piece.files))
            digest = piece.digest
        return _note(step, piece.version, digest, tuple(sorted(piece.files)))

    def take(self, place: Place, agent: AgentName, files: Iterable[str]) -> None:
        """Remove what we wrote."""
        if place.key:
            self._set_key(place, agent, None, remove=True)
        else:
            self._put_files(place.path, dict.fromkeys(files))
            _remove_empty(place.path, files)

    def _put_files(self, folder: Path, files: dict[str, File | None]) -> None:
        done: list[UndoStep] = []
        try:
            for path, file in files.items():
                refuse_link(folder, folder / path)
                step = self._put_file(folder / path, file)
                done += [step] if step else []
        except AgentContextError:
            for step in reversed(done):
                undo_file(step)
            raise
        self.undo += done

    def _put_file(self, target: Path, file: File | None) -> UndoStep | None:
        before = read_bytes(target)
        mode = target.stat().st_mode & 0o777 if before is not None else PLAIN
        wanted = EXECUTABLE if file is not None and file.executable else PLAIN
        if (file is None and before is None) or (file is not None and (before, mode) == (file.data, wanted)):
            return None
        backup = keep_backup(target, before, self.records.backups) if before is not None else None
        if file is None:
            target.unlink(missing_ok=True)
        else:
            write_atomically(target, file.data, mode=wanted)
        after = digest_value(file.data.hex()) if file is not None else ""
        return UndoStep("file", str(target), after, had=before is not None, backup=str(backup or ""), mode=mode)

    def _set_key(self, place: Place, agent: AgentName, value: Any, *, remove: bool = False) -> None:  # noqa: ANN401 - a JSON value
        self.actual.forget(place.path)
        try:
            had, before = True, self.actual.value(place)
        except KeyError:
            had, before = False, None
        if remove and not had:
            return
        config = self.actual.config(place)
        if config.data is not None:
            keep_backup(place.path, config.data, self.records.backups)
        write_key(self.places, self.records, place, agent, None if remove else value, had=had)
        self.actual.forget(place.path)
        after = "" if remove else digest_value(normalise(agent, value))
        step = UndoStep("key", str(place.path), after, agent, place.form or "", place.key, had=had, before=before)
        self.undo.append(msgspec.structs.replace(step, checkout=str(place.checkout or "")))


def write_key(places: Places, records: Records, place: Place, agent: AgentName, value: object, *, had: bool) -> None:
    """Set a key, or remove it for None: through the client's own command where it has one, else in its file.

    What the client leaves must be what was asked for; otherwise the key is set in its file.
    """
    actual = Actual()
    program = claude.find_program() if _is_servers_key(places, place) else None
    if program is not None:
        before = actual.value(place) if had else None
        try:
            if had:
                claude.remove_server(program, places, place.key[-1], place.checkout)
            if value is not None:
                claude.add_server(program, places, place.key[-1], value, place.checkout)
        except AgentContextError:
            _edit_key(Actual(), records, place, before)
            raise
        if _says(Actual(), place, agent, value):
            return
    _edit_key(Actual(), records, place, value)


def _edit_key(actual: Actual, records: Records, place: Place, value: object) -> None:
    config = actual.config(place)
    change = config.remove(place.key) if value is None else config.set(place.key, value)
    if change.before != change.after:
        replace_file(change, records.backups)
    if place.checkout is not None and place.path.is_relative_to(place.checkout):
        _exclude(place.checkout, place.path)


def _exclude(checkout: Path, path: Path) -> None:
    """Keep a file of ours out of the project's commits, on this machine alone."""
    from agent_context.git import locate_checkout  # noqa: PLC0415 - only servers of one project need it

    found = locate_checkout(checkout)
    if found is None:
        return
    exclude, line = found.common_dir / "info" / "exclude", f"/{path.relative_to(checkout).as_posix()}"
    data = exclude.read_bytes() if exclude.is_file() else b""
    if line.encode() not in data.splitlines():
        joint = b"" if not data or data.endswith(b"\n") else b"\n"
        write_atomically(exclude, data + joint + line.encode() + b"\n")


def _is_servers_key(places: Places, place: Place) -> bool:
    return place.path == places.claude_file and "mcpServers" in place.key


def _says(actual: Actual, place: Place, agent: AgentName, value: object) -> bool:
    try:
        return value is not None and normalise(agent, actual.value(place)) == normalise(agent, value)
    except KeyError:
        return value is None


def carry_out(steps: Sequence[Step], record: Record, applier: Applier) -> tuple[Record, Applied]:
    """Do what a plan says, writing the record after each step. One step that fails costs that step alone."""
    applied, before = Applied(), record.installed
    installed = {(item.entry, item.name): item for item in record.installed}
    for step in steps:
        try:
            if step.state is State.REMOVE:
                if step.actual is not None and step.installed is not None:
                    applier.take(step.place, step.agent, step.installed.files)
                installed.pop((step.entry, step.place.name), None)
            else:
                installed[step.entry, step.place.name] = applier.put(step)
            applied.done.append(f"{PAST[step.state]} {step.entry}: {step.place.name}")
            record = msgspec.structs.replace(
                record, installed=tuple(installed.values()), **_undo_of(applier, steps, before)
            )
            applier.records.save(record)
        except (AgentContextError, OSError) as error:
            words = error.advice if isinstance(error, AgentContextError) else str(error)
            applied.failed.append(f"{step.entry}: {words}")
    return record, applied


def _undo_of(applier: Applier, steps: Iterable[Step], before: tuple[Installed, ...]) -> dict[str, Any]:
    undone = tuple(dict.fromkeys(step.entry for step in steps))
    return {"undo": tuple(applier.undo), "before": before, "undone": undone} if applier.undo else {}


def take_back(record: Record, applier: Applier) -> tuple[Record, Applied]:
    """Undo the last apply, the last write first; what was changed since is left and named.

    What it had put here is held back from then on, so that the next sync does not put it back.
    """
    applied = Applied()
    for step in reversed(record.undo):
        try:
            if step.kind == "file":
                undo_file(step)
            else:
                _undo_key(step, applier)
            applied.done.append(f"took back {step.path}" + (f" {'.'.join(step.key)}" if step.key else ""))
        except (AgentContextError, OSError) as error:
            applied.failed.append(error.advice if isinstance(error, AgentContextError) else str(error))
    held = tuple(dict.fromkeys((*record.held, *record.undone)))
    return Record(installed=record.before, held=held), applied


def note_installed(records: Records, step: Step) -> None:
    """Write down that what is at a step's place now is ours from here on."""
    record = records.record()
    digest = step.actual or ""
    version, files = (step.piece.version, tuple(sorted(step.piece.files))) if step.piece else ("", ())
    kept = tuple(item for item in record.installed if (item.entry, item.name) != (step.entry, step.place.name))
    records.save(msgspec.structs.replace(record, installed=(*kept, _note(step, version, digest, files))))


def undo_file(step: UndoStep) -> None:
    """Put one file back as it was. Raise AgentContextError where somebody changed it since."""
    path = Path(step.path)
    now = read_bytes(path)
    if (digest_value(now.hex()) if now is not None else "") != step.after:
        raise AgentContextError(f"{path} was changed since", hint=f"its old content is in {step.backup or 'no backup'}")
    if step.had:
        write_atomically(path, Path(step.backup).read_bytes(), mode=step.mode)
    else:
        path.unlink(missing_ok=True)
        _remove_empty(path.parent, [path.name])


def _undo_key(step: UndoStep, applier: Applier) -> None:
    checkout = Path(step.checkout) if step.checkout else None
    place = Place(Path(step.path), "toml" if step.form == "toml" else "json", step.key, checkout)
    agent: Any = step.agent
    now = Actual().digest(place, agent, ())
    if (now or "") != step.after:
        raise AgentContextError(f"{place.name} was changed since", hint="it is left as it is")
    write_key(applier.places, applier.records, place, agent, step.before if step.had else None, had=bool(now))


def _note(step: Step, version: str, digest: str, files: tuple[str, ...]) -> Installed:
    place = step.place
    form, checkout = place.form or "", str(place.checkout or "")
    return Installed(step.entry, step.agent, str(place.path), digest, version, form, place.key, checkout, files)


def _remove_empty(folder: Path, files: Iterable[str]) -> None:
    """Remove the folders that our files leave empty, the skill's own last; those that are the client's stay."""
    inner = {parent for path in files for parent in (folder / path).parents if parent.is_relative_to(folder)}
    for item in sorted(inner | {folder}, key=lambda path: len(path.parts), reverse=True):
        if item.name not in CLIENTS_OWN:
            with contextlib.suppress(OSError):
                item.rmdir()


PAST = {State.ADD: "added", State.CHANGE: "changed", State.REMOVE: "removed", State.DRIFTED: "overwrote"}
