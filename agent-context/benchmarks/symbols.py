"""Which symbol a changed line belongs to: the syntax tree against regular expressions, in thirteen languages.

    python agent-context/benchmarks/symbols.py [--data DIR]

The lines are those marked in tests/symbol_samples.py: nested, decorated, multi-line and anonymous definitions. The
regular expressions are as session tools have them: one a kind of declaration, the nearest match above a line is its
symbol, its bare name compared with the last part of the right one; for TypeScript, JavaScript, Python, Swift, Go and
Rust. Ours was written with these samples in sight; what nobody wrote for it is Python's standard library, where
Python's own `ast` says which definition each line belongs to (a function without a name to what is around it). With
--data (a folder with `machines/<name>/.claude`), all edits of real sessions in it are named, and timed.
"""

from __future__ import annotations

import argparse
import ast
import re
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from symbol_samples import SAMPLES, marked_lines

from agent_context.live.cards import Card
from agent_context.live.reading import read_on
from agent_context.live.touched import name_touched
from agent_context.symbols import find_language, find_symbols, name_symbols
from agent_context.transcripts.claude_code import find

STEP = 20
MODIFIERS = r"^\s*(?:(?:export|default|public|private|protected|internal|open|static|override|async|pub|final)\s+)*"
SCRIPT = (
    r"function\s*\*?\s*(\w+)",
    r"class\s+(\w+)",
    r"interface\s+(\w+)",
    r"type\s+(\w+)\s*=",
    r"enum\s+(\w+)",
    r"const\s+(\w+)\s*=",
)
EXPRESSIONS = {
    "typescript": SCRIPT,
    "javascript": SCRIPT,
    "python": (r"def\s+(\w+)", r"class\s+(\w+)"),
    "swift": (r"func\s+(\w+)", r"(?:class|struct|protocol|enum|extension)\s+(\w+)"),
    "go": (r"func\s+(?:\([^)]*\)\s*)?(\w+)", r"type\s+(\w+)"),
    "rust": (r"fn\s+(\w+)", r"(?:struct|enum|trait)\s+(\w+)", r"impl(?:<[^>]*>)?\s+(\w+)"),
}
NAMES = {"csharp": "C#", "cpp": "C++", "php": "PHP", "typescript": "TypeScript", "javascript": "JavaScript"}


def guess(source: str, language: str, line: int) -> str | None:
    """Return the bare name that the expressions give a line, empty for none; None for a language without any."""
    if language not in EXPRESSIONS:
        return None
    patterns = [re.compile(MODIFIERS + pattern) for pattern in EXPRESSIONS[language]]
    for text in reversed(source.splitlines()[:line]):
        for pattern in patterns:
            if found := pattern.match(text):
                return found[1]
    return ""


def compare() -> None:
    """Print, by language, how many marked lines each way puts right."""
    print("| language | lines | syntax tree | regular expressions |")
    print("|---|---|---|---|")
    sums = [0, 0, 0]
    for name, source in SAMPLES.items():
        language, lines = find_language(name), marked_lines(source)
        ours = sum(
            name_symbols(source.encode(), language, [(line, line)]) == ((symbol,) if symbol else ())
            for line, symbol in lines.items()
        )
        guesses = {line: guess(source, language, line) for line in lines}
        theirs = sum(guesses[line] == symbol.rpartition(".")[2] for line, symbol in lines.items())
        known = language in EXPRESSIONS
        sums = [sums[0] + len(lines), sums[1] + ours, sums[2] + theirs]
        shown = f"{theirs} ({theirs / len(lines):.0%})" if known else "whole file"
        print(
            f"| {NAMES.get(language, language.title())} | {len(lines)} | {ours} ({ours / len(lines):.0%}) | {shown} |"
        )
    print(f"| all | {sums[0]} | {sums[1]} ({sums[1] / sums[0]:.0%}) | {sums[2]} ({sums[2] / sums[0]:.0%}) |")


def read_truth(source: str) -> dict[int, str]:
    """Return the innermost definition of each line of a Python file, as its own parser says."""
    found: dict[int, str] = {}
    waiting: list[tuple[ast.AST, str]] = [(ast.parse(source), "")]
    while waiting:
        node, prefix = waiting.pop(0)
        for child in ast.iter_child_nodes(node):
            name = prefix
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                name = f"{prefix}{child.name}."
                start = min([child.lineno, *(item.lineno for item in child.decorator_list)])
                found |= dict.fromkeys(range(start, (child.end_lineno or start) + 1), name[:-1])
            waiting.append((child, name))
    return found


def compare_with_python() -> None:
    """Print how many lines of the standard library each way gives to the definition that Python does."""
    lines = ours = theirs = files = 0
    for path in sorted(Path(ast.__file__).parent.glob("*.py")):
        source = path.read_text(encoding="utf-8", errors="replace")
        truth, named = read_truth(source), dict[int, str]()
        for symbol in sorted(find_symbols(source.encode(), "python"), key=lambda item: item.start - item.end):
            named |= dict.fromkeys(range(symbol.start, symbol.end + 1), symbol.name)
        files += 1
        for line in range(1, source.count("\n") + 1, STEP):
            right = truth.get(line, "")
            lines += 1
            ours += named.get(line, "") == right
            theirs += guess(source, "python", line) == right.rpartition(".")[2]
    print(f"\n{lines:,} lines of {files} files of Python's standard library (every {STEP}th): as Python's own parser")
    print(f"syntax tree {ours / lines:.2%} (the whole name), regular expressions {theirs / lines:.2%} (its last part)")


def name_real(data: Path) -> None:
    """Print how many edits of real sessions get symbols, and how long naming one takes."""
    spent: list[float] = []
    named = supported = 0
    for machine in sorted((data / "machines").iterdir()):
        home = machine / ".claude"
        for transcript in find(home):
            if "subagents" in transcript.parts:
                continue
            card = read_on(None, transcript, home)
            for place, edit in enumerate(card.edits):
                if not (find_language(edit.path) and edit.hunks):
                    continue
                one = Card(card.session, edits=(card.edits[place],))
                start = time.perf_counter()
                done = name_touched(one, transcript, [0], lambda: False)
                spent.append(time.perf_counter() - start)
                supported += 1
                named += bool(done.edits[0].symbols)
    ms = sorted(seconds * 1000 for seconds in spent)
    print(f"\n{supported} edits of real sessions in these languages: {named} ({named / supported:.0%}) have a symbol;")
    print(f"naming one takes {statistics.median(ms):.1f} ms at the median, {ms[int(len(ms) * 0.99)]:.1f} ms at 99 %")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    given = parser.parse_args()
    compare()
    compare_with_python()
    if given.data:
        name_real(given.data)


if __name__ == "__main__":
    main()
