"""Invent a knowledge base of any size for the site's measurements: the same numbers give the same learnings.

    from invented import invent_site
    site = invent_site(20_000)

About one in fifty is awkward: right-to-left text, a word without end, a long block of code, twenty tags.
"""

from __future__ import annotations

import hashlib
import random
from datetime import UTC, datetime, timedelta

from agent_context.knowledge import Entry
from agent_context.learning import Kind, Learning, Source, Speaker, Status, StatusNote, learning_id, slugify
from agent_context.site import Shelf, SiteInput

GENERATED = "2026-11-21T12:00:00Z"
NEWEST = datetime(2026, 11, 21, tzinfo=UTC)
PER_PROJECT = 100
AWKWARD = 50


def _listed(text: str) -> list[str]:
    return text.split()


TOOLS = _listed("""
make cargo pytest ruff docker kubectl terraform ansible gradle maven npm pnpm yarn bazel cmake ninja go tox nox
uv poetry helm psql redis-cli sqlite3 curl jq rsync ssh git gpg openssl systemctl journalctl nginx caddy
traefik vault consul nomad packer webpack vite esbuild eslint prettier tsc jest vitest playwright cypress
storybook mypy black pre-commit sphinx mkdocs hugo
""")
AREAS = _listed("""
api auth billing cache cart catalog checkout cli client config core cron database deploy docs editor email
events export fixtures frontend gateway graph health images import index ingest jobs kernel ledger locale
logging mailer metrics middleware migrations mobile models notifications orders parser payments permissions
pipeline plugins pricing proxy queue reports router scheduler schema search security server sessions settings
shipping signup storage sync tasks telemetry templates tenants theme tokens tracing uploads users vendor views
webhooks widgets workers
""")
THINGS = _listed("""
migration snapshot lockfile fixture timestamp certificate timeout retry batch cursor locale checksum payload
header cookie secret token port socket replica shard queue topic bucket volume image layer tag branch release
changelog version dependency warning deadlock transaction index constraint trigger view function decorator
generator iterator callback promise thread mutex buffer stream encoding newline whitespace path symlink
permission owner group quota limit budget alert dashboard runbook
""")
CLAIMS = (
    "Run `{tool} {area}` before you touch `{area}/{thing}.{end}`; the {thing} is stale otherwise.",
    "Never edit `{area}/{thing}.{end}` by hand: `{tool} {other}` writes it anew and your change is gone.",
    "The {area} {thing} must be {adjective}, because {other} reads it {adverb}.",
    "In {area}, keep every {thing} in UTC and format it only in `{other}/format.{end}`.",
    "`{tool} --{thing}` needs {number} MB of memory in {area}; set `{env}={number}` in CI.",
    "Prefer {tool} to {othertool} for {area}: it keeps the {thing} {adjective}.",
    "The {thing} in {area} is limited to {number} entries; {other} splits it above that.",
    "Ask before adding a {thing} to {area}: {other} depends on its order.",
    "Tests of {area} share one {thing}; start them with `{tool} test -p {number}` or they fail {adverb}.",
    "A {adjective} {thing} in `{area}/{other}` means that {tool} was run without `{env}`.",
)
WHYS = (
    "It cost {number} minutes in `{area}` twice: on the laptop, then in CI. The {thing} was written {adverb}.",
    (
        "{other} opens the {thing} before {area} has closed it. Until that is mended, `{tool}` is the safe way.\n\n"
        "```\n{tool} {area} --{thing} {number}\n{env}={number} {othertool} {other}\n```"
    ),
    "- `{tool}` keeps the {thing}\n- `{othertool}` drops it {adverb}\n- {area} notices only at run time",
    "The {area} team agreed on this when the {adjective} {thing} broke the release.",
)
ADJECTIVES = _listed("""
sorted unique idempotent immutable lazy atomic empty readable signed compressed encoded versioned pinned local
""")
ADVERBS = ("silently", "twice", "at once", "in parallel", "at midnight", "on retry", "after a restart", "under load")
ENDS = ("py", "ts", "go", "rs", "sql", "yml", "toml", "sh")
PEOPLE = ("ada", "lin", "mo")
MACHINES = ("laptop", "desk", "vm", "build-1", "build-2")
ODD = (
    "יש להריץ את `make check` לפני כל commit, אחרת הבדיקות ב-CI נכשלות.",
    "يجب تشغيل `make deploy` وليس `fly deploy` مباشرة.",
    "Use " + "Verylongidentifier" * 30 + " only in tests.",
    "提交之前先运行 `make check`,否则 CI 会失败。",
)


def invent_site(count: int, *, projects: int = 0, seed: int = 0) -> SiteInput:
    """Return a site of `count` learnings in `projects` projects, or one for each hundred learnings."""
    dice = random.Random(f"{seed}/{count}/{projects}")  # noqa: S311 - the same every time, on purpose
    projects = projects or max(1, count // PER_PROJECT)
    names = [f"{dice.choice(PEOPLE)}/{dice.choice(AREAS)}-{number}" for number in range(projects)]
    shelves: list[list[Entry]] = [[] for _ in range(projects + 1)]
    for number in range(count):
        place = (
            projects
            if number % PER_PROJECT == PER_PROJECT - 1
            else min(dice.randrange(projects), dice.randrange(projects))
        )
        folder = "patterns" if place == projects else names[place].replace("/", ".")
        shelves[place].append(_invent_entry(dice, folder, number))
    return SiteInput(
        title="Invented knowledge",
        shelves=tuple(
            Shelf(name.replace("/", "."), name, tuple(entries))
            for name, entries in zip([*names, "patterns"], shelves, strict=True)
        ),
        problems=(),
        evidence=True,
        guide=None,
        generated=GENERATED,
    )


def _invent_entry(dice: random.Random, folder: str, number: int) -> Entry:
    words = {
        "tool": dice.choice(TOOLS),
        "othertool": dice.choice(TOOLS),
        "area": dice.choice(AREAS),
        "other": dice.choice(AREAS),
        "thing": dice.choice(THINGS),
        "adjective": dice.choice(ADJECTIVES),
        "adverb": dice.choice(ADVERBS),
        "end": dice.choice(ENDS),
        "env": f"{dice.choice(AREAS)}_{dice.choice(THINGS)}".upper(),
        "number": dice.randrange(2, 4096),
    }
    awkward = number % AWKWARD == AWKWARD - 1
    claim = dice.choice(ODD) if awkward else dice.choice(CLAIMS).format(**words)
    created = (NEWEST - timedelta(minutes=int(dice.expovariate(1 / 260_000)))).strftime("%Y-%m-%dT%H:%M:%SZ")
    key = learning_id(folder, f"{number} {claim}")
    tags = dice.sample(AREAS, 20 if awkward else dice.randint(1, 4))
    status = dice.choices(list(Status)[:5], (20, 66, 6, 5, 3))[0]
    note = (
        None if status in (Status.UNREVIEWED, Status.ACCEPTED) else StatusNote("ada", GENERATED, "It no longer holds.")
    )
    learning = Learning(
        id=key,
        kind=dice.choice(list(Kind)),
        status=status,
        created=created,
        claim=claim,
        tags=tuple(sorted(tags)),
        paths=(f"{words['area']}/{words['thing']}.{words['end']}", f"{words['other']}/**")[: dice.randint(0, 2)],
        sources=tuple(_invent_source(dice, created) for _ in range(dice.randint(1, 3))),
        status_note=note,
        why=(dice.choice(WHYS).format(**words),) if dice.random() < 0.8 else (),  # noqa: PLR2004 - four in five
        evidence=(f"no, use {words['tool']} for {words['area']}, we said so {words['adverb']}",),
    )
    return Entry(folder, f"projects/{folder}/{created[:7]}/{slugify(claim)}-{key}.md", learning)


def _invent_source(dice: random.Random, at: str) -> Source:
    session = hashlib.sha256(str(dice.random()).encode()).hexdigest()
    return Source(dice.choice(MACHINES), session[:8], at, dice.choice(list(Speaker)), session[8:15], "heuristic")
