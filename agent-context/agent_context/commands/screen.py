"""`agent-context screen`: what in a text must not go on."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from agent_context.commands.face import Face, json_option, kb_option, pass_face
from agent_context.settings import Settings

if TYPE_CHECKING:
    from agent_context.examining import Found

KINDS = ("secret", "personal", "poison")
ENGINES = ("auto", "own", "kingfisher")


@click.command(name="screen")
@click.argument("file", default="-", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--redact", is_flag=True, help="Print the text with what is found replaced, instead of what is found.")
@click.option(
    "--kind", "kinds", type=click.Choice(KINDS), multiple=True, help="Only these; may be given several times."
)
@click.option("--privacy", type=click.Choice(["off", "standard", "strict"]), help="Default: the knowledge base's.")
@click.option("--engine", type=click.Choice(ENGINES), help="What looks for secrets. Default: the knowledge base's.")
@kb_option
@json_option
@pass_face
def command(  # noqa: PLR0913 - one argument an option
    face: Face,
    file: Path,
    kinds: tuple[str, ...],
    privacy: str | None,
    engine: str | None,
    kb: Path | None,
    *,
    redact: bool,
    as_json: bool,
) -> int:
    """Say where FILE (or what is piped in) holds secrets, personal words or poison. Exits 1 when it does, 0 when not.

    With --json one object a line: line, column, kind, rule, severity, masked, and the hash for an [[allow]] entry. A
    session's .jsonl is decoded first: there the line is the record's, the column that of the string in it.
    """
    from agent_context import examining  # noqa: PLC0415 - the command's own work
    from agent_context.known_values import load_guard  # noqa: PLC0415 - the same

    data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    text = data.decode("utf-8", "replace")
    guard = load_guard(_choose(face.settings(kb), privacy, engine), face.environment.cwd)
    is_transcript = examining.is_transcript(file.name, text)
    find = examining.find_in_transcript if is_transcript else examining.find_in_text
    found = [item for item in find(text, guard) if not kinds or item.finding.kind in kinds]
    if redact:
        clean = examining.clean_transcript if is_transcript else examining.clean_text
        sys.stdout.buffer.write(clean(text, guard).encode("utf-8", "replace"))
    else:
        _show(found, file, as_json=as_json)
    return 1 if found else 0


def _show(found: list[Found], file: Path, *, as_json: bool) -> None:
    for item in found:
        finding = item.finding
        if as_json:
            line = {name: getattr(finding, name) for name in ("line", "column", "kind", "rule", "severity", "masked")}
            click.echo(msgspec.json.encode({**line, "hash": item.hash}).decode())
        else:
            where = f"{file}:{finding.line}:{finding.column}"
            click.echo(f"{where}: {finding.kind}: {finding.rule} ({finding.severity}) {finding.masked}")


def _choose(settings: Settings, privacy: str | None, engine: str | None) -> Settings:
    """Return the settings with what the options say instead."""
    data = msgspec.to_builtins(settings)
    if privacy:
        data["privacy"]["mode"] = privacy
    if engine:
        data["screening"]["engines"] = {"auto": "auto", "own": ["own"], "kingfisher": ["own", "kingfisher"]}[engine]
    return msgspec.convert(data, Settings)
