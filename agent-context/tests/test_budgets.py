"""Modules and functions stay small enough to read at a glance."""

from __future__ import annotations

import ast
from pathlib import Path

import agent_context

PACKAGE = Path(agent_context.__file__).parent
MODULE_LINES = 400
FUNCTION_LINES = 60
MEDIAN_LINES = 12


def functions() -> dict[str, int]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found[f"{path.relative_to(PACKAGE)}:{node.name}"] = (node.end_lineno or 0) - node.lineno + 1
    return found


def test_no_module_is_longer_than_400_lines() -> None:
    lengths = {
        str(path.relative_to(PACKAGE)): len(path.read_text(encoding="utf-8").splitlines())
        for path in PACKAGE.rglob("*.py")
    }
    assert {name: length for name, length in lengths.items() if length > MODULE_LINES} == {}


def test_no_function_is_longer_than_60_lines() -> None:
    assert {name: length for name, length in functions().items() if length > FUNCTION_LINES} == {}


def test_the_median_function_is_short() -> None:
    lengths = sorted(functions().values())
    assert lengths[len(lengths) // 2] <= MEDIAN_LINES


def test_every_module_says_what_it_answers_for() -> None:
    silent = [
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert silent == []
