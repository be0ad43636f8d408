"""What an agent reads: tokens before and after, what of it is said elsewhere, what counter and detector miss.

    python agent-context/benchmarks/budget.py [--data DIR] [--documents DIR] [--pairs FILE] [--tokenizer FILE] ...

--data: a folder with `machines/<name>/.claude`: five people's sessions of one project, synced into one knowledge base.
--documents: that project's own CLAUDE.md, README.md and so on. --pairs: JSON lines with `a`, `b`, `label` (`same...` or
another) and `repo`. --tokenizer: a `tokenizer.json` of a Claude, as the Python package `anthropic` 0.38.0 has one.
--list: print so many lines of what is given, with what stands nearest in the documents, to be judged by hand.
Without any of these the latency alone is measured, on made-up learnings. Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import re
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).parent))

from five_machines import MACHINES, lay_out, sync
from samples import make_learning

from agent_context.delivery.documents import read_said
from agent_context.delivery.rendering import READERS, render_for, weigh_entries
from agent_context.frontmatter import parse_learning, write_learning
from agent_context.knowledge import Entry, KnowledgeBase
from agent_context.learning import LIVING, Kind, Speaker, Status
from agent_context.settings import SnippetSettings
from agent_context.similarity.lexicon import take_words
from agent_context.snippet import count_tokens, strip_comments
from agent_context.snippet.framing import FRAME, HEADING, MARKER, name_source, neutralise
from agent_context.snippet.repeats import Said, collect, covers, read_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent_context.learning import Learning
    from agent_context.snippet import Snippet

NOW = "2026-03-02T00:00:00Z"
SIZES = (1_000, 20_000, 100_000)
ROUNDS = 3
LINE = re.compile(r"^- (.*) \([^()]*\)$", re.MULTILINE)
WORDS = sorted(
    take_words(
        "deploy migration database cart price amount queue token server client cache index file path module release "
        "branch review secret tenant invoice ledger worker schema lock timeout retry header cookie session upload"
    )
)


def render_before(learnings: Sequence[Learning], budget: int) -> str:
    """Return the snippet as it was before: by number of sources, ids indented (they reach the model), bytes / 3.2."""
    ranked = sorted(
        (item for item in learnings if item.status in LIVING),
        key=lambda item: (
            item.pinned,
            item.status is Status.ACCEPTED,
            len(item.sources) + any(source.speaker is Speaker.USER for source in item.sources),
            max((source.at for source in item.sources), default=item.created),
            item.id,
        ),
        reverse=True,
    )
    text = f"{MARKER}\n\n{HEADING}\n\n{FRAME}\n\n"
    for item in ranked:
        line = f"- {neutralise(item.claim)} ({name_source(item)})\n  <!-- {item.id} -->\n"
        if math.ceil(len((text + line).encode()) / 3.2) <= budget:
            text += line
    return text


def load(data: Path, folder: Path) -> list[Entry]:
    """Sync every machine's sessions into one knowledge base and return what it holds."""
    clones = lay_out(data, folder, checkouts=True)
    for machine in MACHINES:
        sync(machine, folder / machine)
    last = clones[MACHINES[-1]]
    return [entry for entry in KnowledgeBase(last).load().entries if entry.project != "patterns"]


def find_repeated(text: str, said: Said) -> list[str]:
    """Return the lines of a snippet that the documents say."""
    return [line for line in LINE.findall(text) if said.find(line)]


def compare(entries: Sequence[Entry], said: Said) -> Snippet:
    """Print what the agents of the largest project are given, before and after, and return the latter."""
    project = Counter(entry.project for entry in entries).most_common(1)[0][0]
    own = [entry for entry in entries if entry.project == project]
    learnings = [entry.learning for entry in own]
    settings = SnippetSettings()
    before = render_before(learnings, settings.budget_tokens)
    everything = render_before(learnings, 10**9)
    print(f"\n{len(own)} learnings of one project; the documents make {len(said.statements):,} statements.\n")
    print("| what is always loaded | lines | tokens, counted from above | lines said elsewhere |\n|---|---|---|---|")
    for name, text in (("all learnings", everything), ("the snippet before", before)):
        read = strip_comments(text)
        lines, repeated = len(LINE.findall(read)), len(find_repeated(read, said))
        print(f"| {name} | {lines} | {count_tokens(read):,} | {repeated} ({repeated / max(lines, 1):.0%}) |")
    weighed = weigh_entries(own, project, NOW)
    for target in READERS:
        snippet = render_for(target, weighed, settings, said)
        read = strip_comments(snippet.text) if READERS[target].commented else snippet.text
        lines, repeated = len(LINE.findall(read)), len(find_repeated(read, said))
        print(f"| `{target}` | {lines} | {snippet.tokens:,} | {repeated} |")
    snippet = render_for("rules", weighed, settings, said)
    whole = sum(rule.tokens for rule in snippet.scoped)
    print(f"\nBeside `rules`: {len(snippet.scoped)} rules by path, {whole:,} tokens that cost nothing until then.")
    reasons = Counter(
        re.sub(r"^\S+ says so already.*", "a document says so already", item.reason) for item in snippet.judged
    )
    reasons = Counter(re.sub(r"^[0-9a-f]{10} says", "another says", reason) for reason in reasons.elements())
    for reason, count in reasons.most_common():
        if not reason.startswith("loads with"):
            print(f"* {count}: {reason}")
    return snippet


def list_lines(snippet: Snippet, said: Said, most: int) -> None:
    """Print lines that are given, each with the statement of the documents that shares most of its words."""
    given = [item for item in snippet.judged if item.place.value != "out"][:most]
    for number, item in enumerate(given, 1):
        words = read_words(item.learning.claim).all
        near = max(said.statements, key=lambda one: len(one[2].all & words) / (len(words) or 1), default=("", "", None))
        print(f"{number}. {item.place.value}: {item.learning.claim}\n     nearest: {near[1]}: {near[0][:200]}")


def measure_detector(pairs: Sequence[dict[str, str]], documents: Said) -> None:
    """Print how often the detector finds what a pair's other text says, and how often it is wrong."""
    found: dict[bool, list[bool]] = {True: [], False: []}
    for pair in pairs:
        one, other = read_words(pair["a"]), read_words(pair["b"])
        found[pair["label"].startswith("same")] += [covers(one, other), covers(other, one)]
    print("\n| the detector of what is said already, on pairs of lines of rule files | found |\n|---|---|")
    print(f"| a line and the same line after an edit, both ways ({len(found[True]):,}) | {rate(found[True])} |")
    print(f"| two lines that stand in one file, chosen as alike ({len(found[False]):,}) | {rate(found[False])} |")
    rng = random.Random(7)  # noqa: S311 - which pairs are drawn
    texts = sorted({pair["a"] for pair in pairs})
    strangers = [
        covers(read_words(rng.choice(texts)), read_words(text)) for text in rng.sample(texts, min(2000, len(texts)))
    ]
    print(f"| two lines drawn at random ({len(strangers):,}) | {rate(strangers)} |")
    typed = [covers(read_words(retype(text)), read_words(text)) for text in texts if read_words(text).all]
    print(f"| a line in another typography ({len(typed):,}) | {rate(typed)} |")
    if documents.statements:
        hits = {text: documents.find(text) is not None for text in texts}
        owners = {pair["a"]: pair.get("repo", "") for pair in pairs}
        own = Counter(owners[text] for text, hit in hits.items() if hit).most_common(1)
        foreign = [hit for text, hit in hits.items() if owners[text] != (own[0][0] if own else "")]
        print(f"| a line of another repository, in these documents ({len(foreign):,}) | {rate(foreign)} |")


def retype(text: str) -> str:
    """Return a text with other marks, cases and ends, and the same words."""
    return "* **" + re.sub(r"[\"']", "", text.rstrip(".")).replace("  ", " ").swapcase() + "**!"


def rate(found: Sequence[bool]) -> str:
    """Return the share of hits."""
    return f"{sum(found) / max(len(found), 1):.4f}"


def measure_counter(texts: Sequence[str], file: Path) -> None:
    """Print how the count compares with a real tokenizer."""
    from tokenizers import Tokenizer  # noqa: PLC0415 - only with a tokenizer to compare with

    real = Tokenizer.from_file(str(file))
    lines = [f"- {text}\n" for text in texts]
    counted = [(count_tokens(line), math.ceil(len(line.encode()) / 3.2), len(real.encode(line).ids)) for line in lines]
    print("\n| count / the tokenizer's | in all | 1 of 100 is below | lines below 1.0 |\n|---|---|---|---|")
    for name, place in (("our count", 0), ("UTF-8 bytes / 3.2", 1)):
        ratios = sorted(item[place] / item[2] for item in counted)
        below = sum(ratio < 1 for ratio in ratios) / len(ratios)
        whole = sum(item[place] for item in counted) / sum(item[2] for item in counted)
        print(f"| {name} | {whole:.2f} | {ratios[len(ratios) // 100]:.2f} | {below:.1%} |")


def make_up(count: int) -> list[Learning]:
    """Return so many different learnings."""
    rng = random.Random(count)  # noqa: S311 - made-up learnings
    return [
        make_learning(
            f"{' '.join(rng.choices(WORDS, k=12))} `{rng.choice(WORDS)}_{number}`.",
            kind=rng.choice(list(Kind)),
            status=rng.choice((Status.ACCEPTED, Status.UNREVIEWED)),
            paths=(f"src/{rng.choice(WORDS)}/**",) if number % 4 == 0 else (),
        )
        for number in range(count)
    ]


def measure_latency(said: Said) -> None:
    """Print how long rendering takes beside reading the same learnings from their text, in one run."""
    print("\n| learnings in the project | rendering | reading the same files' text | ratio |\n|---|---|---|---|")
    for size in SIZES:
        learnings = make_up(size)
        entries = [Entry("o.r", f"projects/o.r/2026-03/{item.id}.md", item) for item in learnings]
        texts = [write_learning(item) for item in learnings[:1000]]
        rendering, reading = [], []
        for _ in range(ROUNDS):
            started = time.perf_counter()
            render_for("rules", weigh_entries(entries, "o.r", NOW), SnippetSettings(), said)
            middle = time.perf_counter()
            for text in texts:
                parse_learning(text, "x.md")
            rendering.append(middle - started)
            reading.append((time.perf_counter() - middle) * size / len(texts))
        ours, theirs = statistics.median(rendering), statistics.median(reading)
        print(f"| {size:,} | {ours * 1000:,.0f} ms | {theirs * 1000:,.0f} ms | {ours / theirs:.2f} |")


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--documents", type=Path)
    parser.add_argument("--pairs", type=Path)
    parser.add_argument("--tokenizer", type=Path)
    parser.add_argument("--list", type=int, default=0)
    given = parser.parse_args()
    said = read_said(given.documents) if given.documents else collect(())
    if given.data:
        with tempfile.TemporaryDirectory() as name:
            snippet = compare(load(given.data, Path(name).resolve()), said)
        list_lines(snippet, said, given.list)
    pairs = [json.loads(line) for line in given.pairs.read_text(encoding="utf-8").splitlines()] if given.pairs else []
    if pairs:
        measure_detector(pairs, said)
    if pairs and given.tokenizer:
        measure_counter(sorted({pair["a"] for pair in pairs}), given.tokenizer)
    measure_latency(said)


if __name__ == "__main__":
    main()
