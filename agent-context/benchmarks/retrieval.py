"""Is the right learning found, and nothing where there is none: by words, by meaning, by both.

    python agent-context/benchmarks/retrieval.py [--encoder minilm|none] [--data DIR] [--fit]

1. Our own questions (questions.jsonl, made up here) on the claims of the training pairs that ship with the program.
   Half of the questions fitted the weights of a rating (`--fit` does it anew and prints them), the other half is
   measured here. Unrelated ones are half about anything, half about software that no claim speaks of.
2. DIR/rule_retrieval.tar.xz: tasks and the rule lines of their repositories, of which some are labelled as applying.
   Equal lines of one repository are one; the index holds a line as a learning's claim, section and path as its tags.
   The difference to BM25 is given with the 95 % interval over tasks drawn anew (10,000 times). An unrelated query is a
   task of another repository; the threshold is the one that keeps 95 % of the recall.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from agent_context.consolidation.calibrating import load_pairs
from agent_context.encoders import load_encoder
from agent_context.knowledge import Entry
from agent_context.learning import Kind, Learning, Status, learning_id
from agent_context.search.filters import Filters
from agent_context.search.finding import Finder
from agent_context.search.following import encode_missing, halve
from agent_context.search.index import Index, Stamp
from agent_context.search.ranking import WITH_MEANING, choose_words, cut_passages
from agent_context.search.searching import WORTH

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent_context.encoders import Encoder
    from agent_context.search.finding import Found

QUESTIONS = Path(__file__).with_name("questions.jsonl")
PROJECTS = ("acme.shop", "acme.billing", "o.r")
ALL = Filters()
TOP = 10
MANY = 1_000_000
POOL = 200
LONGEST = 1_200  # characters of a line that are read; a model reads less
FOREIGN = 8  # tasks of other repositories that each repository is asked
KEPT = 0.95
DRAWS = 10_000
SEED = 5
RIDGE = 0.1


@dataclass(slots=True)
class Corpus:
    """Texts in an index of their own; `numbers` is text to number in it."""

    index: Index = field(default_factory=lambda: Index(None))
    numbers: dict[str, int] = field(default_factory=dict)

    def put(self, text: str, project: str, kind: Kind, tags: tuple[str, ...] = (), paths: tuple[str, ...] = ()) -> None:
        """Take a text in as a learning's claim."""
        if text in self.numbers:
            return
        learning = Learning(
            learning_id(project, text), kind, Status.ACCEPTED, "2026-03-01T10:00:00Z", text, tags, paths
        )
        path = f"{len(self.numbers)}.md"
        self.index.put(Stamp(path, "", 0, 0), Entry(project, path, learning), withheld=False)
        self.numbers[text] = len(self.numbers) + 1

    def encode_as(self, texts: dict[str, str], encoder: Encoder) -> None:
        """Give each text the vector of other words: itself with what it stands in."""
        known = _encode(list(dict.fromkeys(texts.values())), encoder)
        self.index.use_model(encoder.model)
        self.index.keep_vectors([(self.numbers[text], halve(known[other])) for text, other in texts.items()])


_vectors: dict[str, bytes] = {}


def _encode(texts: list[str], encoder: Encoder) -> dict[str, bytes]:
    missing = [text for text in texts if text not in _vectors]
    _vectors.update(zip(missing, encoder.encode(missing), strict=True))
    return _vectors


# Our own questions


@dataclass(frozen=True, slots=True)
class Question:
    """A question, its half, and the numbers of what answers it (none: nothing does)."""

    text: str
    half: str
    answers: frozenset[int]


def load_questions() -> tuple[Corpus, list[Question]]:
    """Return the claims as a corpus, and the questions; what says the same as an answer answers too."""
    pairs = load_pairs("train")
    corpus, kinds = Corpus(), list(Kind)
    for number, claim in enumerate(dict.fromkeys([*(pair.a for pair in pairs), *(pair.b for pair in pairs)])):
        corpus.put(claim, PROJECTS[number % len(PROJECTS)], kinds[number % len(kinds)])
    same: dict[str, set[str]] = {}
    for pair in pairs:
        if pair.label == "same":
            same.setdefault(pair.a, set()).add(pair.b)
    questions = []
    for line in QUESTIONS.read_text(encoding="utf-8").splitlines():
        read = json.loads(line)
        claims = {claim for answer in read["answers"] for claim in (answer, *same.get(answer, ()))}
        answers = frozenset(corpus.numbers[claim] for claim in claims)
        questions.append(Question(read["question"], read["half"], answers))
    return corpus, questions


def measure_questions(encoder: Encoder | None, *, fit: bool) -> None:
    """Print how our own questions are answered, or fitted weights."""
    corpus, questions = load_questions()
    if encoder:
        encode_missing(corpus.index, encoder, None, MANY)
    finders = {"words": Finder(corpus.index, None)} | ({"both": Finder(corpus.index, encoder)} if encoder else {})
    if fit:
        for name, finder in finders.items():
            fit_weights(name, finder, [item for item in questions if item.half == "fit"])
        return
    tested = [item for item in questions if item.half == "test"]
    related = [item for item in tested if item.answers]
    print(
        f"{len(related)} questions with an answer among {len(corpus.numbers)} claims, "
        f"{len(tested) - len(related)} without\n"
    )
    heads = ("by", "first is right", "one of ten is right", "kept, of those", "right ones shown", "silent on unrelated")
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for name, finder in finders.items():
        found = {item.text: finder.look(item.text, ALL) for item in tested}
        ranked = {item.text: [number for number, _ in found[item.text].ranked[:TOP]] for item in related}
        right = [item for item in related if item.answers & set(ranked[item.text])]
        first = sum(bool(ranked[item.text]) and ranked[item.text][0] in item.answers for item in related)
        kept = sum(found[item.text].is_relevant for item in right)
        silent = [not found[item.text].is_relevant for item in tested if not item.answers]
        rated = [
            found[item.text].ratings[number].relevance >= WORTH
            for item in right
            for number in item.answers & set(ranked[item.text])
        ]
        shares = (
            first / len(related),
            len(right) / len(related),
            kept / len(right),
            statistics.mean(rated),
            statistics.mean(silent),
        )
        print(f"| {name} | " + " | ".join(f"{share:.2f}" for share in shares) + " |")


def fit_weights(name: str, finder: Finder, questions: Sequence[Question]) -> None:
    """Print the weights of a rating, by logistic regression on the best that each question found.

    The threshold keeps 95 % of the questions with an answer, and is midway to the next without one.
    """
    rows, labels = [], []
    for item in questions:
        ratings = finder.look(item.text, ALL).ratings.values()
        rows.append(max(((rating.place, rating.coverage, 1.0) for rating in ratings), key=sum, default=(0.0, 0.0, 1.0)))
        labels.append(float(bool(item.answers)))
    features, wanted = np.array(rows), np.array(labels)
    weights, ridge = np.zeros(3), np.diag([RIDGE, RIDGE, 0.0])
    for _ in range(30):  # Newton's steps
        rated = 1 / (1 + np.exp(-features @ weights))
        slope = features.T @ (rated - wanted) + ridge @ weights
        bend = (features * (rated * (1 - rated))[:, None]).T @ features + ridge + 1e-9 * np.eye(3)
        weights -= np.linalg.solve(bend, slope)
    rated = 1 / (1 + np.exp(-features @ weights))
    kept = float(np.quantile(rated[wanted == 1], 1 - KEPT, method="lower"))
    least = (kept + max(rated[(wanted == 0) & (rated < kept)], default=0.0)) / 2
    print(f"{name}: Weights({weights[0]:.2f}, {weights[1]:.2f}, {weights[2]:.2f}, {least:.3f})")


# Tasks and the rules that apply to them


@dataclass(frozen=True, slots=True)
class Rule:
    """A line of a repository's rule files, its section and its path."""

    text: str
    section: str
    path: str


@dataclass(frozen=True, slots=True)
class Task:
    """A task, its repository, the rule lines to choose from, and those that apply."""

    name: str
    repository: str
    text: str
    rules: tuple[Rule, ...]
    apply: frozenset[str]


WORDINGS: dict[str, Callable[[Rule], str]] = {
    "line": lambda rule: rule.text,
    "section, line": lambda rule: f"{rule.section}: {rule.text}" if rule.section else rule.text,
    "path, section, line": lambda rule: f"{rule.path}, {rule.section}: {rule.text}",
}


def load_tasks(file: Path) -> list[Task]:
    """Read the archive: queries.jsonl, corpus.jsonl (one list of lines a task) and qrels.tsv."""
    with tarfile.open(file) as archive:
        members = {Path(item.name).name: archive.extractfile(item) for item in archive if item.isfile()}
        read = {name: member.read().decode().splitlines() for name, member in members.items() if member}
    rules: dict[str, dict[str, Rule]] = {}
    texts: dict[str, str] = {}
    for line in map(json.loads, read["corpus.jsonl"]):
        text = line["text"][:LONGEST]
        rules.setdefault(line["task"], {}).setdefault(text, Rule(text, line["section"], line["path"]))
        texts[line["id"]] = text
    apply: dict[str, set[str]] = {}
    for task, rule, score, _ in (line.split("\t") for line in read["qrels.tsv"][1:]):
        if score == "1":
            apply.setdefault(task, set()).add(texts[rule])
    return [
        Task(
            item["task"],
            item["repo"],
            item["text"],
            tuple(rules[item["task"]].values()),
            frozenset(apply[item["task"]]),
        )
        for item in map(json.loads, read["queries.jsonl"])
    ]


def fill(task: Task, wording: str, encoder: Encoder | None) -> Corpus:
    """Return the task's rule lines as a corpus that is searched in these words."""
    corpus = Corpus()
    for rule in task.rules:
        about = {"line": (), "section, line": (rule.section,)}.get(wording, (rule.section, rule.path))
        corpus.put(rule.text, task.repository, Kind.CONVENTION, tuple(filter(None, about)))
    if encoder:
        corpus.encode_as({rule.text: WORDINGS[wording](rule) for rule in task.rules}, encoder)
    return corpus


def rank_all(task: Task, corpus: Corpus, encoder: Encoder | None) -> dict[str, list[int]]:
    """Return the ranks of each way to search."""
    finder = Finder(corpus.index, encoder)
    passages = cut_passages(task.text)
    words = tuple(dict.fromkeys(word for passage in passages for word in choose_words(passage)))
    ways = {
        "BM25, the task as one query": [number for number, _ in corpus.index.rank_by_words(words, ALL, POOL)],
        "BM25, sentence by sentence": finder.rank_by_words(passages, ALL),
    }
    if encoder:
        ways["vectors"] = finder.rank_by_meaning(encoder.encode(passages), ALL)
        ways["fused"] = [number for number, _ in finder.look(task.text, ALL).ranked]
    return ways


def score(ranked: Sequence[int], right: set[int]) -> tuple[float, float]:
    """Return recall@10 and nDCG@10."""
    hits = [number in right for number in ranked[:TOP]]
    gain = sum(hit / math.log2(place + 2) for place, hit in enumerate(hits))
    best = sum(1 / math.log2(place + 2) for place in range(min(TOP, len(right))))
    return sum(hits) / len(right), gain / best


def measure_tasks(tasks: Sequence[Task], encoder: Encoder | None) -> None:
    """Print recall@10 and nDCG@10 of each way in each wording."""
    print(f"\n{len(tasks)} tasks, {statistics.mean(len(task.rules) for task in tasks):.0f} lines each on average\n")
    print("| by | words of a line | R@10 | nDCG@10 | R@10 above BM25 | nDCG@10 above BM25 |")
    print("|---|---|---|---|---|---|")
    for wording in WORDINGS:
        scores: dict[str, list[tuple[float, float]]] = {}
        for task in tasks:
            corpus = fill(task, wording, encoder)
            right = {corpus.numbers[text] for text in task.apply}
            for way, ranked in rank_all(task, corpus, encoder).items():
                scores.setdefault(way, []).append(score(ranked, right))
        base = next(iter(scores.values()))
        for way, each in scores.items():
            recall, gain = (statistics.mean(pair[side] for pair in each) for side in (0, 1))
            above = " | ".join(
                draw_anew([a[side] - b[side] for a, b in zip(each, base, strict=True)]) for side in (0, 1)
            )
            print(f"| {way} | {wording} | {recall:.3f} | {gain:.3f} | {above if each is not base else ' | '} |")


def draw_anew(differences: Sequence[float]) -> str:
    """Return the mean with the 95 % interval of means over tasks drawn anew."""
    rng = np.random.default_rng(SEED)
    drawn = rng.choice(np.array(differences), (DRAWS, len(differences))).mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f"{statistics.mean(differences):+.3f} ({low:+.3f} to {high:+.3f})"


def measure_silence(tasks: Sequence[Task], encoder: Encoder) -> None:
    """Print how many tasks of other repositories are answered with nothing, where 95 % of the recall is kept."""
    rng = random.Random(SEED)  # noqa: S311 - a sample
    kept: list[tuple[float, float]] = []
    strange: list[float] = []
    shown = 0
    for task in tasks:
        corpus = fill(task, "section, line", encoder)
        finder = Finder(corpus.index, encoder)
        right = {corpus.numbers[text] for text in task.apply}
        found = finder.look(task.text, ALL)
        kept.append((best_rating(found), score([number for number, _ in found.ranked], right)[0]))
        others = [other for other in tasks if other.repository.split("/")[0] != task.repository.split("/")[0]]
        for other in rng.sample(others, FOREIGN):
            looked = finder.look(other.text, ALL)
            strange.append(best_rating(looked))
            shown += looked.is_relevant
    whole = sum(recall for _, recall in kept)
    least = max(rating for rating, _ in kept if sum(r for other, r in kept if other >= rating) >= KEPT * whole)
    silent = sum(rating < least for rating in strange) / len(strange)
    print(
        f"\n{silent:.2f} of {len(strange)} tasks of other repositories are answered with nothing where "
        f"{KEPT:.0%} of the"
    )
    keeps = sum(recall for rating, recall in kept if rating >= WITH_MEANING.least) / whole
    print(f"recall is kept; with the threshold that ships {1 - shown / len(strange):.2f} are, and {keeps:.2f} is kept.")


def best_rating(found: Found) -> float:
    """Return how relevant the most relevant is."""
    return max((rating.relevance for rating in found.ratings.values()), default=0.0)


def main() -> None:
    """Measure, or fit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", default="minilm", choices=["minilm", "none"])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--fit", action="store_true")
    given = parser.parse_args()
    encoder, name = load_encoder(given.encoder)
    print(f"Encoder: {name}\n")
    measure_questions(encoder, fit=given.fit)
    if given.data:
        tasks = load_tasks(given.data / "rule_retrieval.tar.xz")
        measure_tasks(tasks, encoder)
        if encoder:
            measure_silence(tasks, encoder)


if __name__ == "__main__":
    main()
