"""What a model's cosines mean: the scale measured for each model, and the verifier's weights.

A threshold belongs to a model. Those of the table were measured on the training pairs that ship with the program, by
the words of similarity.Context; `agent-context calibrate` measures another model and keeps its scale on this machine.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import msgspec

from agent_context.changes import write_atomically
from agent_context.errors import AgentContextError

if TYPE_CHECKING:
    from pathlib import Path

    from agent_context.similarity.verifier import Verifier

FILE = "calibrations.json"
TRAINING_PAIRS = "data/pairs/train.jsonl"


class Scale(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Two cosines of one model: that which almost all rewordings reach, and that which half of them reach.

    `data` names what they were measured on.
    """

    near: float
    sure: float
    data: str = TRAINING_PAIRS

    def place(self, cosine: float) -> float:
        """Return a cosine on the scale that all models share: 0 near, 1 sure, held within -2 and 2."""
        return max(-2.0, min(2.0, (cosine - self.near) / (self.sure - self.near)))


CALIBRATED = {
    "all-MiniLM-L6-v2-int8": Scale(0.698, 0.933),
    "all-MiniLM-L6-v2": Scale(0.698, 0.933),
}


def find_scale(model: str, data_dir: Path | None) -> Scale:
    """Return the model's scale: this machine's own measurement, else the table's. Raise AgentContextError for none."""
    scale = load_calibrations(data_dir).get(model) or CALIBRATED.get(model)
    if scale is None:
        raise AgentContextError(
            f"the model {model} has not been calibrated: what its cosines mean is not known",
            hint="measure it once on this machine: agent-context calibrate (with --model NAME or FOLDER)",
        )
    return scale


def load_calibrations(data_dir: Path | None) -> dict[str, Scale]:
    """Return what was measured on this machine. Raise AgentContextError, naming the file, when it does not read."""
    path = data_dir / FILE if data_dir else None
    if path is None or not path.exists():
        return {}
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Scale])
    except (OSError, msgspec.MsgspecError) as error:
        raise AgentContextError(
            f"{path}: {error}", hint="delete the file and calibrate again: agent-context calibrate"
        ) from error


def keep_calibration(data_dir: Path, model: str, scale: Scale) -> Path:
    """Write a model's scale down for this machine and return the file."""
    path = data_dir / FILE
    known = load_calibrations(data_dir) | {model: scale}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, msgspec.json.format(msgspec.json.encode(known), indent=2) + b"\n")
    return path


@cache
def load_verifier() -> Verifier:
    """Return the weights that ship with the program."""
    from agent_context.similarity.verifier import Verifier  # noqa: PLC0415 - 0.1 s that few commands need

    data = files("agent_context") / "data" / "pairs" / "verifier.json"
    return msgspec.json.decode(data.read_bytes(), type=Verifier)
