"""What the poison screen finds and what passes, on injections and on clean notes, beside a naive list of keywords.

    python agent-context/benchmarks/screening_poison.py --data DIR

DIR holds `injections.jsonl` (`source`, `category`, `text`, `is_injection`) and `clean_notes.jsonl` (`repo`, `text`). A
third of each, chosen by hash (of a text, of a repository), was held out: the rules were tuned on the rest alone, though
the texts of both parts had been seen once in a listing. "Certain" findings are those that block; a "likely" one makes a
person look. HTML comments are counted apart: real rule files have them, learnings must not.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from agent_context.screening.invisible import Hit, show
from agent_context.screening.poison import find_poison

NAIVE = re.compile(
    r"ignore (?:all |any )?(?:previous|prior|above)|disregard|system prompt|you are now|jailbreak|do not tell the user|"
    r"\bDAN\b|override|reveal|<\|im_start\|>|curl [^\n]{0,200}\| ?(?:ba)?sh",
    re.IGNORECASE,
)
COMMENT = "html-comment"
PARTS = ("tuned", "held out")


def read(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a file of one JSON object a line."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


def part_of(key: str) -> str:
    """Tell whether what has this key was tuned on: two thirds, by hash."""
    return PARTS[int(hashlib.sha256(key.encode()).hexdigest(), 16) % 3 == 0]


def find(text: str) -> list[Hit]:
    """Return what the screen finds in the text and in the text as it looks."""
    shown = show(text)
    return find_poison(text) + ([shown.locate(hit) for hit in find_poison(shown.text)] if shown is not None else [])


def percent(part: int, whole: int) -> str:
    """Return a share as the tables show it."""
    return f"{100 * part / whole:.0f} ({part}/{whole})" if whole else "-"


def show_recall(rows: list[dict[str, Any]]) -> None:
    """Print the share of injections found by source, then the categories of which most pass."""
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    categories: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        found = {hit.severity for hit in find(row["text"])}
        source = row["source"] if row["is_injection"] else f"{row['source']} (harmless)"
        for name in (source, "all injections" if row["is_injection"] else "all harmless"):
            counted = counts[name, part_of(row["text"])]
            counted.update({"all": 1, "any": int(bool(found)), "certain": int("certain" in found)})
            counted["naive"] += NAIVE.search(row["text"]) is not None
        if row["is_injection"]:
            categories[f"{row['source']} / {row['category']}"].update({"all": 1, "missed": int(not found)})
    print("\n## Injections: percent found\n")
    print("| source | any, tuned | any, held out | certain, tuned | certain, held out | keywords, all |")
    print("|---|---|---|---|---|---|")
    for name in sorted({name for name, _ in counts}, key=lambda name: (name.startswith("all "), "(harm" in name, name)):
        tuned, held = counts[name, PARTS[0]], counts[name, PARTS[1]]
        cells = [percent(part[key], part["all"]) for key in ("any", "certain") for part in (tuned, held)]
        both = tuned + held
        print(f"| {name} | {' | '.join(cells)} | {percent(both['naive'], both['all'])} |")
    print("\n## What passes: categories with a miss\n\n| source / category | percent that passes |\n|---|---|")
    for name, counted in sorted(categories.items(), key=lambda item: (-item[1]["missed"], item[0])):
        if counted["missed"]:
            print(f"| {name} | {percent(counted['missed'], counted['all'])} |")


def show_false_alarms(rows: list[dict[str, Any]]) -> None:
    """Print lines with a finding per 1,000 lines of clean notes, and the rules that raise them."""
    lines: Counter[str] = Counter()
    alarms: dict[str, Counter[str]] = {part: Counter() for part in PARTS}
    rules: Counter[tuple[str, str]] = Counter()
    size, started = 0, time.process_time()
    for row in rows:
        text, part = row["text"], part_of(row["repo"])
        size += len(text.encode())
        lines[part] += sum(bool(line.strip()) for line in text.split("\n"))
        flagged = {(text.count("\n", 0, hit.start), hit.rule, hit.severity) for hit in find(text)}
        rules.update((rule, severity) for _, rule, severity in flagged)
        by_line = {
            line: (rule, severity) for line, rule, severity in sorted(flagged, key=lambda item: item[2] == "certain")
        }
        for rule, severity in by_line.values():
            alarms[part][COMMENT if rule == COMMENT else severity] += 1
    seconds = time.process_time() - started
    naive = Counter(part_of(row["repo"]) for row in rows for line in row["text"].split("\n") if NAIVE.search(line))
    print("\n## Clean notes and rule files: lines flagged per 1,000\n")
    print("| part | lines | certain | likely | HTML comments | keywords |\n|---|---|---|---|---|---|")
    for part in PARTS:
        counts = [*(alarms[part][name] for name in ("certain", "likely", COMMENT)), naive[part]]
        rates = " | ".join(f"{1_000 * count / lines[part]:.2f}" for count in counts)
        print(f"| {part} | {lines[part]} | {rates} |")
    told = ", ".join(f"{rule} ({severity}) {count}" for (rule, severity), count in rules.most_common())
    print(f"\nBy rule: {told}.\n\n{size / 1e6 / seconds:.1f} MB/s of CPU time, one process.")


def report(data: Path) -> None:
    """Print both tables as Markdown."""
    print("# Poison: what the screen finds, and what passes")
    show_recall(read(data / "injections.jsonl"))
    show_false_alarms(read(data / "clean_notes.jsonl"))


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    report(parser.parse_args().data)


if __name__ == "__main__":
    main()
