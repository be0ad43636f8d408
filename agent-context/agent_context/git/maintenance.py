"""Keep a clone small and quick: git's own maintenance, when it is due, within a time, never behind our back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent_context.git.program import run

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 120
# git's own figures (gc.autoPackLimit, and a 256th part of gc.auto): asked here first, since git costs a process.
MOST_PACKS = 50
MOST_LOOSE = 27
SAMPLE = "17"
IN_FRONT = ("-c", "gc.autoDetach=false", "-c", "maintenance.autoDetach=false")


def is_due(common_dir: Path) -> bool:
    """Tell whether git would find something to do."""
    objects = common_dir / "objects"
    packs = sum(1 for _ in (objects / "pack").glob("*.pack"))
    loose = objects / SAMPLE
    return packs > MOST_PACKS or (loose.is_dir() and sum(1 for _ in loose.iterdir()) > MOST_LOOSE)


def maintain(root: Path) -> None:
    """Let git keep house. What it could not do, it does another time."""
    run(root, "maintenance", "run", "--auto", "--quiet", seconds=SECONDS, options=IN_FRONT)
