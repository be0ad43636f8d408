"""The form of a model's answer where it is a task in one line and lists of plain sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


def make_schema(lists: Sequence[str]) -> dict[str, Any]:
    """Return the JSON Schema of an answer: `task`, and these lists of texts, all of them required."""
    return {
        "type": "object",
        "properties": {
            "task": {"type": "string"},
            **{name: {"type": "array", "items": {"type": "string"}} for name in lists},
        },
        "required": ["task", *lists],
        "additionalProperties": False,
    }
