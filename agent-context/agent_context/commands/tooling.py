"""`agent-context tooling`: MCP servers, skills and settings that every machine is brought to."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import click

from agent_context.commands.face import Face, json_option, kb_option, pass_face, print_json
from agent_context.errors import AgentContextError
from agent_context.learning import utc
from agent_context.visible import show_hidden

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from agent_context.tooling.applying import Applied
    from agent_context.tooling.bringing import Survey
    from agent_context.tooling.drift import Row
    from agent_context.tooling.entries import Entry
    from agent_context.tooling.planning import Step

NEEDS_PERSON = 3


@click.group(name="tooling")
def command() -> None:
    """Bring MCP servers, skills and settings to every machine, each after a person there trusted it."""


@command.command(name="list")
@kb_option
@json_option
@pass_face
def list_tools(face: Face, kb: Path | None, *, as_json: bool) -> int:
    """List the registry, and how each entry stands on every machine as of its last sync; here, as of now."""
    from agent_context.tooling.surveying import list_rows  # noqa: PLC0415 - each command pays for its own

    found = _survey(face, kb)
    rows = list_rows(found)
    if as_json:
        print_json({"rows": rows, "problems": found.problems})
        return 0
    _print_rows(rows, found.here.machine)
    for problem in found.problems:
        click.echo(f"does not read: {show_hidden(problem)}", err=True)
    if not rows:
        click.echo("Nothing in tooling/ yet: agent-context tooling discover shows what this machine has.")
    return 0


@command.command(name="plan")
@kb_option
@json_option
@click.argument("names", nargs=-1)
@pass_face
def show_plan(face: Face, kb: Path | None, names: Sequence[str], *, as_json: bool) -> int:
    """Show what `apply` would do on this machine, and what it would leave, with the reason. Exits 3 if it needs you."""
    found = _survey(face, kb, ignore_held=bool(names))
    steps = _choose(found, names)
    if as_json:
        print_json([_describe(step) for step in steps])
    else:
        _print_steps(steps)
        if all(step.state == "present" for step in steps):
            click.echo("Everything is as the registry says.")
        for problem in found.problems:
            click.echo(f"does not read: {show_hidden(problem)}", err=True)
    return NEEDS_PERSON if found.problems or any(step.state in WAITING for step in steps) else 0


@command.command(name="diff")
@kb_option
@click.argument("name")
@pass_face
def show_entry(face: Face, kb: Path | None, name: str) -> int:
    """Show all of an entry, or what is new in it since it was trusted here, and the hash that `trust` takes."""
    from agent_context.tooling import trusting  # noqa: PLC0415 - each command pays for its own

    found = _survey(face, kb)
    entry = found.registry.find(name)
    digest = entry.trusted_as(found.here.paths)
    click.echo(show_hidden(trusting.show_difference(found.records, entry, found.here.paths)), nl=False)
    for line in _list_doubts(found, entry):
        click.echo(show_hidden(line), err=True)
    click.echo(
        f"hash {digest[:HASH_DIGITS]}" + (", trusted here" if found.judge.trusts(entry) else ", not trusted here")
    )
    return 0


@command.command(name="apply")
@kb_option
@json_option
@click.option("--undo", is_flag=True, help="Take the last apply back, and hold it back from then on.")
@click.option("--dry-run", is_flag=True, help="Show everything, change nothing.")
@click.argument("names", nargs=-1)
@pass_face
def apply_plan(face: Face, kb: Path | None, names: Sequence[str], *, as_json: bool, undo: bool, dry_run: bool) -> int:
    """Bring this machine to the registry, as far as it is trusted here; NAMES limit it to these entries."""
    from agent_context.tooling import bringing  # noqa: PLC0415 - each command pays for its own

    if undo:
        return _print_applied(bringing.undo(_survey(face, kb)), as_json=as_json)
    found = _survey(face, kb, ignore_held=True)
    steps = _choose(found, names)
    due = [step for step in steps if step.state in TO_DO]
    if dry_run:
        _print_steps(steps)
        return 0
    if not as_json:
        _print_steps([step for step in steps if step.state in WAITING])
    bringing.release(found, {step.entry for step in due})
    return _print_applied(bringing.apply(found, due), as_json=as_json)


@command.command(name="trust")
@kb_option
@click.option("--hash", "digest", help="The hash that `tooling diff` printed, to trust without being asked.")
@click.option("--signer", help="Trust every commit signed by this key: an ssh public key, or a PGP fingerprint.")
@click.argument("names", nargs=-1)
@pass_face
def give_trust(face: Face, kb: Path | None, names: Sequence[str], digest: str | None, signer: str | None) -> int:
    """Trust entries on this machine, exactly as they are now, after showing each. Nothing is trusted by itself."""
    from agent_context.tooling import trusting  # noqa: PLC0415 - each command pays for its own

    found = _survey(face, kb)
    if signer:
        trusting.trust_signer(found.records, signer, utc(time.time()))
        click.echo("What this key alone has signed is trusted here from now on.")
    elif not names or (digest and len(names) > 1):
        raise click.UsageError("name what to trust (agent-context tooling plan), one at a time with --hash")
    for name in names:
        _trust_one(found, name, digest)
    return 0


@command.command(name="revoke")
@kb_option
@click.option("--signer", help="Trust this key's commits no longer; the beginning of it is enough.")
@click.argument("names", nargs=-1)
@pass_face
def revoke_trust(face: Face, kb: Path | None, names: Sequence[str], signer: str | None) -> int:
    """Take trust back, and remove here what was installed of it; what you changed by hand stays."""
    from agent_context.tooling import surveying, trusting  # noqa: PLC0415 - each command pays for its own

    found = _survey(face, kb)
    if signer and not trusting.forget_signer(found.records, signer):
        raise AgentContextError("no such key is trusted here", hint=f"{found.records.trust_file} lists them")
    code = 0
    for name in names:
        key = _key_of(found, name)
        trusting.take_trust(found.records, key)
        code = max(code, _print_applied(surveying.uninstall(found, key), as_json=False))
        click.echo(f"{key} is not trusted here")
    return code


@command.command(name="remove")
@kb_option
@click.argument("names", nargs=-1, required=True)
@pass_face
def remove_entries(face: Face, kb: Path | None, names: Sequence[str]) -> int:
    """Take entries out of the registry, for every machine: here at once, elsewhere by the next sync."""
    from agent_context.tooling import surveying  # noqa: PLC0415 - each command pays for its own

    found = _survey(face, kb)
    code = 0
    for name in names:
        entry = found.registry.find(name)
        surveying.delete_entry(found.knowledge_base.root, entry)
        code = max(code, _print_applied(surveying.uninstall(found, entry.key), as_json=False))
        click.echo(f"{entry.source} is gone; agent-context sync tells the other machines")
    return code


@command.command(name="discover")
@kb_option
@json_option
@click.option("--write", is_flag=True, help="Write the named proposals into tooling/; without NAMES, all.")
@click.argument("names", nargs=-1)
@pass_face
def discover(face: Face, kb: Path | None, names: Sequence[str], *, as_json: bool, write: bool) -> int:
    """Propose registry entries for the servers, skills, agents and commands that this machine has already.

    Values of variables are replaced by their names; nothing is written without --write.
    """
    from agent_context.tooling import discovering  # noqa: PLC0415 - each command pays for its own

    found = _survey(face, kb)
    proposals = discovering.discover(found)
    if names:
        proposals = [item for item in proposals if item.key in names or item.name in names]
    if as_json:
        print_json(
            [
                {"entry": item.key, "where": item.where, "notes": item.notes, "problem": item.problem}
                for item in proposals
            ]
        )
        return 0
    for item in proposals:
        click.echo(
            show_hidden(
                f"{item.key}  from {item.where}" + (f": cannot be taken: {item.problem}" if item.problem else "")
            )
        )
        for note in item.notes:
            click.echo(show_hidden(f"  {note}"))
    wanted = [item for item in proposals if not item.problem] if write else []
    for item in wanted:
        discovering.write_proposal(found, item, utc(time.time()))
        click.echo(f"wrote {item.source}")
    if not proposals:
        click.echo("Nothing new: all that this machine has is in the registry, or it has nothing.")
    elif not write:
        click.echo("To take them into the registry: agent-context tooling discover --write [NAMES]")
    return 0


@command.command(name="adopt")
@kb_option
@click.argument("name")
@pass_face
def adopt(face: Face, kb: Path | None, name: str) -> int:
    """Take what you changed by hand on this machine into the registry, for every machine that trusts it."""
    from agent_context.tooling import discovering  # noqa: PLC0415 - each command pays for its own

    found = _survey(face, kb)
    entry = found.registry.find(name)
    done = discovering.adopt(found, entry, utc(time.time()))
    click.echo(f"wrote {done}; agent-context sync tells the other machines")
    if not found.judge.trusts(entry):
        click.echo(f"It was not trusted here, so it is not now: agent-context tooling trust {entry.key}")
    return 0


@command.command(name="overwrite")
@kb_option
@click.argument("name")
@pass_face
def overwrite(face: Face, kb: Path | None, name: str) -> int:
    """Put the registry's version in the place of what was changed by hand here; a backup is kept."""
    from agent_context.tooling import surveying  # noqa: PLC0415 - each command pays for its own

    found = _survey(face, kb)
    return _print_applied(surveying.overwrite(found, _key_of(found, name)), as_json=False)


@command.command(name="machine")
@kb_option
@click.option("--label", "labels", multiple=True, help="A label that entries may name: label:work.")
@click.option("--path", "paths", multiple=True, metavar="NAME=PATH", help="What ${machine.paths.NAME} stands for here.")
@click.option("--without", multiple=True, metavar="ENTRY", help="An entry that this machine is to do without.")
@pass_face
def describe_machine(
    face: Face, kb: Path | None, labels: Sequence[str], paths: Sequence[str], without: Sequence[str]
) -> int:
    """Write labels, paths and unwanted entries into this machine's own file; without options, print them."""
    from agent_context.tooling import surveying  # noqa: PLC0415 - each command pays for its own

    here = (found := _survey(face, kb)).here
    if wrong := next((item for item in paths if not item.partition("=")[2]), None):
        raise click.UsageError(f"--path takes NAME=PATH, not {wrong}")
    values = {
        "labels": sorted({*here.labels, *labels}),
        "paths": {**here.paths, **surveying.shorten(dict(item.split("=", 1) for item in paths), here.places.folder)},
        "without": sorted({*here.without, *(found.registry.find(name).key for name in without)}),
    }
    if labels or paths or without:
        where = surveying.set_by_hand(found, {key: value for key, value in values.items() if value})
        click.echo(f"wrote {where}")
    print_json({"machine": here.machine, "platform": here.platform, **values})
    return 0


def _survey(face: Face, kb: Path | None, *, ignore_held: bool = False) -> Survey:
    from agent_context.tooling.bringing import survey  # noqa: PLC0415 - each command pays for its own

    return survey(face.knowledge_base(kb), face.environment, ignore_held=ignore_held)


def _key_of(found: Survey, name: str) -> str:
    """Return the key that is meant, also of what the registry no longer has but this machine still does."""
    installed = {item.entry for item in found.record.installed}
    for key in sorted(installed):
        if name in (key, key.partition("/")[2]):
            return key
    return found.registry.find(name).key


def _choose(found: Survey, names: Sequence[str]) -> list[Step]:
    """Return the steps of these entries, all without a name."""
    keys = {_key_of(found, name) for name in names}
    return [step for step in found.steps if not keys or step.entry in keys]


def _trust_one(found: Survey, name: str, digest: str | None) -> None:
    """Show an entry and ask, or take the hash as the answer. Raise AgentContextError where neither is to be had."""
    from agent_context.tooling import trusting  # noqa: PLC0415 - each command pays for its own

    entry = found.registry.find(name)
    whole = entry.trusted_as(found.here.paths)
    if entry.key in found.registry.open:
        raise AgentContextError(f"{entry.key} has two versions", hint=f"agent-context resolve {entry.source}")
    secrets = trusting.find_secrets(found.knowledge_base, entry)
    if secrets:
        raise secrets[0]
    click.echo(show_hidden(trusting.show_difference(found.records, entry, found.here.paths)), nl=False)
    for line in _list_doubts(found, entry):
        click.echo(show_hidden(line), err=True)
    if digest is not None:
        if len(digest) < HASH_DIGITS or not whole.startswith(digest):
            raise AgentContextError(
                f"{entry.key} is not what has the hash {digest}: it changed, or was never shown",
                hint=f"look at it again: agent-context tooling diff {entry.key}",
            )
    elif not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise AgentContextError(
            "trust needs a person who has read this", hint=f"in a terminal, or: --hash {whole[:HASH_DIGITS]}"
        )
    elif not click.confirm(f"Trust {entry.key} on {found.here.machine}, exactly as shown?"):
        click.echo(f"{entry.key} stays untrusted")
        return
    trusting.give_trust(found.records, entry, found.here.paths, utc(time.time()))
    click.echo(f"{entry.key} is trusted on this machine; agent-context tooling apply brings it to your agents")


def _list_doubts(found: Survey, entry: Entry) -> list[str]:
    from agent_context.tooling import trusting  # noqa: PLC0415 - each command pays for its own

    secrets = [error.advice for error in trusting.find_secrets(found.knowledge_base, entry)]
    warnings = trusting.find_warnings(found.knowledge_base, entry, found.here.paths)
    return [f"look at this: {line}" for line in (*secrets, *warnings)]


def _describe(step: Step) -> dict[str, str]:
    return {
        "entry": step.entry,
        "agent": step.agent,
        "place": step.place.name,
        "state": step.state,
        "reason": step.reason,
    }


def _print_steps(steps: Iterable[Step]) -> None:
    rows = [step for step in steps if step.state != "present"]
    for step in rows:
        click.echo(show_hidden(f"{step.state.value:10} {step.entry}  {step.place.name}"))
        if step.reason:
            click.echo(show_hidden(f"           {step.reason}"))
        if step.state == "drifted":
            click.echo(f"           agent-context tooling adopt|overwrite {step.entry}")


def _print_applied(applied: Applied, *, as_json: bool) -> int:
    if as_json:
        print_json(applied)
    for line in applied.done if not as_json else ():
        click.echo(show_hidden(line))
    for line in applied.failed if not as_json else ():
        click.echo(f"Needs you: {show_hidden(line)}", err=True)
    return NEEDS_PERSON if applied.failed else 0


def _print_rows(rows: Sequence[Row], here: str) -> None:
    """Print entries by machines, as wide as their words need."""
    if not rows:
        return
    names = [f"{cell.machine}*" if cell.machine == here else cell.machine for cell in rows[0].cells]
    table = [["", "version", *names]]
    table += [[row.entry, row.version or "gone", *(cell.standing.value for cell in row.cells)] for row in rows]
    shown = [[show_hidden(cell) for cell in line] for line in table]
    widths = [max(len(line[at]) for line in shown) for at in range(len(shown[0]))]
    for line in shown:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


TO_DO = ("add", "change", "remove")
WAITING = ("drifted", "blocked", "untrusted", "held")
HASH_DIGITS = 32  # of fewer, somebody could make two contents with the same ones
