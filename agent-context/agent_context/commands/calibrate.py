"""`agent-context calibrate`: measure what a model's cosines mean."""

from __future__ import annotations

from pathlib import Path

import click

from agent_context.commands.face import Face, json_option, pass_face, print_json, progress_bar


@click.command(name="calibrate")
@click.option("--model", default="", help="A name or a folder. Default: all-MiniLM-L6-v2, as a package carries it.")
@click.option(
    "--encoder",
    type=click.Choice(["sentence-transformers", "minilm"]),
    default="sentence-transformers",
    show_default=True,
    help="What runs the model.",
)
@json_option
@pass_face
def command(face: Face, model: str, encoder: str, *, as_json: bool) -> int:
    """Measure a model on the labelled pairs that ship with the program, and keep its scale on this machine.

    A model that nobody has measured is refused everywhere else. What is printed was counted on pairs that neither the
    rules nor the scale were made with.
    """
    from agent_context.consolidation.calibrating import SEEN, calibrate  # noqa: PLC0415 - the command's own work
    from agent_context.similarity import Relation  # noqa: PLC0415 - the same

    chosen = str(Path(model).expanduser()) if model else ""
    with progress_bar("Encoding", shown=not as_json) as tell:
        done = calibrate(encoder, chosen, face.environment.data_dir, tell)
    shares = {
        "wrong_merges": done.tally.wrong_merges,
        "confirmed": round(done.tally.share("same", Relation.SAME), 3),
        "seen": round(done.tally.share("same", *SEEN), 3),
        "contradictions_named": round(done.tally.share("contradicts", Relation.CONTRADICTS), 3),
        "false_alarms": done.tally.false_alarms,
    }
    if as_json:
        print_json({"model": done.model, "near": done.scale.near, "sure": done.scale.sure, **shares})
        return 0
    click.echo(f"{done.model}: near from cosine {done.scale.near}, sure from {done.scale.sure}; kept in {done.path}")
    for name, value in shares.items():
        click.echo(f"  {name.replace('_', ' ')}: {value}")
    return 0
