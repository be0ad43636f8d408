"""`agent-context compare`: what one claim is to another."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import msgspec

from agent_context.commands.face import Face, json_option, kb_option, pass_face
from agent_context.encoders import ENCODERS, load_encoder


@click.command(name="compare")
@click.argument("file", default="-", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--encoder", type=click.Choice([*ENCODERS, "none"]), help="Default: the knowledge base's.")
@click.option("--model", help="For encoders that take any: a name or a folder. Default: the knowledge base's.")
@kb_option
@json_option
@pass_face
def command(face: Face, file: Path, encoder: str | None, model: str | None, kb: Path | None, *, as_json: bool) -> int:
    """Say of pairs of claims, JSON lines {a, b} in FILE or piped in, what the candidate b is to the accepted a.

    Optional: project, kind, paths (one for both, or a list of two), status ("rejected": a was turned down). The answer
    to each line: decision (confirms, contradicts, refines, near, rejected, new), score, reasons. A line that is no pair
    is named, with its number, and the rest goes on; the exit code is then 1.
    """
    from agent_context.consolidation.comparing import Malformed, Outcome, compare_lines  # noqa: PLC0415 - the command's own work

    settings = face.settings(kb).consolidation
    chosen, said = load_encoder(
        encoder or settings.encoder,
        str(Path(model).expanduser()) if model else settings.model,
        face.environment.data_dir,
    )
    click.echo(f"compared by {said}", err=True)
    malformed = 0
    with click.open_file(str(file), "rb") as lines:
        for found in compare_lines(lines, chosen):
            malformed += isinstance(found, Malformed)
            if isinstance(found, Malformed):
                click.echo(f"line {found.line}: {found.reason}", err=True)
            if as_json:
                sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
            elif isinstance(found, Outcome):
                click.echo(f"{found.decision} {found.score:.2f} {'; '.join(found.reasons)}")
    return 1 if malformed else 0
