"""What settings there are: their values, what each one does, and the nearest valid name for a wrong one.

The words stand here alone: docs/settings.md, the schemas and `config list` take them from here. config loads the files.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

Count = Annotated[int, msgspec.Meta(ge=0)]
Some = Annotated[int, msgspec.Meta(ge=1)]
Money = Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]
Word = Annotated[str, msgspec.Meta(min_length=1)]
KindName = Literal["decision", "gotcha", "convention", "configuration", "dependency", "workflow", "preference"]
PrivacyMode = Literal["off", "standard", "strict"]
TargetName = Literal["rules", "claude-md", "learnings-md", "agents-md", "cursor-rules"]
CommitHow = Literal["push", "commit", "leave"]
DESCRIPTIONS = {
    "template": "the address (`host/owner/name`) of the public template; a clone whose remote it is never pushes",
    "review": "how learnings arrive: on the branch at once, marked unreviewed; `pull-request`: proposed in one",
    "sync.quiet_seconds": "a session file changed less than this ago is still being written",
    "sync.push": "whether `sync` pushes",
    "sync.lock_seconds": "how long to wait for another agent-context at work on the same clone",
    "sync.include": "globs of project folders (`acme.*`); where given, only these projects are read",
    "sync.exclude": "globs of project folders that are never read",
    "sync.exclude_paths": "globs of working directories (`**/clients/**`) whose sessions are never read",
    "sync.exclude_sessions": "ids of sessions that are never read",
    "sync.kinds": "which kinds of learnings to take; empty: all",
    "sync.sources": "whose sessions to read: `claude_code`, `codex`; empty: all",
    "sync.machine_refresh_hours": "how old this machine's file in `tooling/machines` grows before a commit of its own",
    "extraction.extractor": "what reads sessions: rules, offline, no cost; `claude-cli`, `anthropic`: a model",
    "extraction.per_session": "at most so many learnings of one session",
    "extraction.model": "the model of the extractors that ask one; no other ever does",
    "extraction.max_usd_per_run": "what one sync may spend, at the most, in US dollars",
    "extraction.max_usd_per_day": "what this machine may spend in a day (UTC), at the most",
    "extraction.parallel": "how many sessions are sent to a model at a time",
    "consolidation.encoder": "compares meanings by local embeddings; `sentence-transformers`: by that library; "
    "`none`: words only",
    "consolidation.model": "the model of `sentence-transformers`: a folder, or a name that is on the machine; empty: "
    "all-MiniLM-L6-v2",
    "consolidation.promote_projects": "in how many projects a lesson must be learned to be proposed as a pattern",
    "snippet.install": "whether `sync` writes what agents are given into checkouts",
    "snippet.targets": "where to: `rules`, `claude-md`, `learnings-md`, `agents-md`, `cursor-rules`; none: nowhere",
    "snippet.budget_tokens": "what an agent always loads, at the most, in tokens (counted from above)",
    "snippet.unreviewed": "whether agents also see learnings that nobody has reviewed, marked as such; never where "
    "`review` is `pull-request`",
    "snippet.commit": "whether those files belong in the project's own git; else they are kept out of it",
    "snippet.commit_how": "with `commit`: a commit of their own, pushed; not pushed; or left for your next commit",
    "site.evidence": "whether the site shows quotes from sessions",
    "site.visibility": "`public`: the site may be published where anyone can read it; no quotes, machines, people",
    "site.url": "the address where the site is published, for full links in its feeds; empty: relative ones",
    "screening.engines": "what looks for secrets: our own screen, and Kingfisher where installed; or "
    '`["own"]`, `["own", "kingfisher"]`',
    "privacy.mode": "how much personal text is kept out of learnings: `off`, `standard`, `strict`",
    "privacy.names": "names of people to keep out",
    "privacy.domains": "internal domains to keep out",
    "privacy.trackers": "prefixes of ticket numbers to keep out",
    "privacy.customers": "names of customers to keep out",
    "proposals.per_request": "at most so many learnings (1 to 50) in a pull request; the rest waits",
    "proposals.forge": "how pull requests are opened: `gh`, `glab`, `tea`, `agit`, `gitlab-push`, `rest`, `url`",
    "retention.journal_days": "how long this machine's journal is kept; 0: for good",
    "retention.quarantine_days": "how long what was put in quarantine is kept; 0: for good",
    "retention.handoff_days": "how old a machine's handoff of a project grows before it goes; 0: it stays",
    "handoff.where": "where handoffs are kept: here, or in the project's own repository as ConvoSync does",
    "handoff.writer": "who writes one: rules, offline, no cost; `claude-cli`, `anthropic`: the model of `extraction`",
    "handoff.max_chars": "how long one may be, in characters (2,000 to 100,000)",
    "live.share": "whether other machines are told what sessions here work on: task, branch and files, no content",
    "live.summaries": "who sums up a session for others: rules, no cost; `claude-cli`, `anthropic`: a model",
    "allow": "`[[allow]]` with `reason` and `hash` or `pattern`: finds of the screen that a person lets through",
    "prices": '`[prices."model"]` with `input`, `output` (US dollars per million tokens), '
    "where the built-in table has none or another",
    "machine": "this machine's name in sources and commits; empty: the hostname; `AGENT_CONTEXT_MACHINE` comes first",
    "knowledge_base": "the clone to use where no other is named or around you",
    "archive_mb": "how large the archive of session copies may grow; 0 switches it off",
    "checkouts": "path to project folder, as git said when the path was last there",
    "mappings": "path to project folder, as you said with `agent-context projects map`",
    "recipients": "project folder to the public keys its learnings are encrypted for, as `agent-context keys` was told",
}
PLACE = re.compile(r" - at `\$\.?(.*)`$")


def find_glob_problem(glob: str) -> str:
    """Return why a glob could match nothing (empty, a line break in it, a bracket left open), or an empty string."""
    if not glob.strip() or set(glob) & set("\0\r\n"):
        return "it is empty or has a line break"
    return "" if re.fullmatch(r"(?:[^\[\]]|\[[^\[\]]+\])+", glob) else "a bracket has no partner"


class SyncSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How `sync` reads and sends. Raise ValueError for a glob that could match nothing."""

    quiet_seconds: Count = 60
    push: bool = True
    lock_seconds: Count = 30
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    exclude_paths: tuple[str, ...] = ()
    exclude_sessions: tuple[Word, ...] = ()
    kinds: tuple[KindName, ...] = ()
    sources: tuple[Literal["claude_code", "codex"], ...] = ()
    machine_refresh_hours: Some = 24

    def __post_init__(self) -> None:
        """Refuse what is no glob."""
        for glob in (*self.include, *self.exclude, *self.exclude_paths):
            if problem := find_glob_problem(glob):
                raise ValueError(f"{glob!r} is no glob: {problem}")


class ScreeningSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What looks for secrets. `auto`: our own screen, and Kingfisher where it is installed."""

    engines: Literal["auto"] | tuple[Literal["own", "kingfisher"], ...] = "auto"

    def __post_init__(self) -> None:
        """Refuse to do without our own screen."""
        if "own" not in self.engines and self.engines != "auto":
            raise ValueError('our own screen is never left out: engines = ["own", ...]')


class PrivacySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What personal and private words are kept out of learnings."""

    mode: PrivacyMode = "standard"
    names: tuple[Word, ...] = ()
    domains: tuple[Word, ...] = ()
    trackers: tuple[Word, ...] = ()
    customers: tuple[Word, ...] = ()


class Allowance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One find that a person has looked at and lets through: by its hash, or all that a pattern matches."""

    reason: Word
    hash: str = ""
    pattern: str = ""

    def __post_init__(self) -> None:
        """Refuse an allowance for nothing, for two things, without a reason, or by a pattern that does not read."""
        if bool(self.hash) == bool(self.pattern):
            raise ValueError("give hash or pattern, one of the two")
        if not self.reason.strip():
            raise ValueError("say in reason why it is let through")
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise ValueError(f"the pattern {self.pattern!r} does not read: {error}") from None


class ProposalSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How pull requests are made where `review` asks for them."""

    per_request: Annotated[int, msgspec.Meta(ge=1, le=50)] = 10
    forge: Literal["auto", "gh", "glab", "tea", "agit", "gitlab-push", "rest", "url"] = "auto"


class RetentionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long local files, and a machine's handoffs, are kept, in days; 0 keeps them for good."""

    journal_days: Count = 0
    quarantine_days: Count = 0
    handoff_days: Count = 0


class HandoffSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where handoffs are kept, who writes them, and how long they may be."""

    where: Literal["knowledge-base", "project"] = "knowledge-base"
    writer: Literal["heuristic", "claude-cli", "anthropic"] = "heuristic"
    max_chars: Annotated[int, msgspec.Meta(ge=2_000, le=100_000)] = 8_000


class LiveSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is told of sessions at work, to whom, and who writes their summaries."""

    share: bool = False
    summaries: Literal["heuristic", "claude-cli", "anthropic"] = "heuristic"


class ExtractionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What reads learnings out of a session."""

    extractor: Literal["heuristic", "claude-cli", "anthropic"] = "heuristic"
    per_session: Count = 5
    model: str = "claude-haiku-5-5"
    max_usd_per_run: Money | None = 1.0
    max_usd_per_day: Money | None = 5.0
    parallel: Some = 4


class ConsolidationSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What compares a candidate with what is known."""

    encoder: Literal["minilm", "sentence-transformers", "none"] = "minilm"
    model: str = ""
    promote_projects: Annotated[int, msgspec.Meta(ge=2)] = 2


class SnippetSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an agent is given, where it is put, and whether the project's own git has it."""

    install: bool = True
    targets: tuple[TargetName, ...] = ("rules",)
    budget_tokens: Count = 1500
    unreviewed: bool = True
    commit: bool = False
    commit_how: CommitHow = "push"


class ProjectSnippet(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """`[snippet]` in a `project.toml`: what is another for this project than for all."""

    install: bool | None = None
    targets: tuple[TargetName, ...] | None = None
    budget_tokens: Count | None = None
    unreviewed: bool | None = None
    commit: bool | None = None
    commit_how: CommitHow | None = None

    def over(self, settings: SnippetSettings) -> SnippetSettings:
        """Return the settings for all with what this project has of its own."""
        own = {name: value for name in self.__struct_fields__ if (value := getattr(self, name)) is not None}
        return msgspec.structs.replace(settings, **own)


class SiteSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the site presents itself."""

    evidence: bool = True
    visibility: Literal["private", "public"] = "private"
    url: str = ""

    def __post_init__(self) -> None:
        """Refuse what is no address of a site."""
        if self.url and not re.fullmatch(r"https?://[^\s<>\"']+", self.url):
            raise ValueError(f"{self.url!r} is no address: give https://... or leave it out")


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The settings of a knowledge base, `agent-context.toml`, shared by all its machines."""

    template: str = ""
    review: Literal["direct", "pull-request"] = "direct"
    sync: SyncSettings = SyncSettings()
    extraction: ExtractionSettings = ExtractionSettings()
    consolidation: ConsolidationSettings = ConsolidationSettings()
    snippet: SnippetSettings = SnippetSettings()
    site: SiteSettings = SiteSettings()
    screening: ScreeningSettings = ScreeningSettings()
    privacy: PrivacySettings = PrivacySettings()
    proposals: ProposalSettings = ProposalSettings()
    retention: RetentionSettings = RetentionSettings()
    handoff: HandoffSettings = HandoffSettings()
    live: LiveSettings = LiveSettings()
    allow: tuple[Allowance, ...] = ()
    prices: dict[str, dict[str, float]] = msgspec.field(default_factory=dict)


class MachineSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """This machine's own settings, `machine.toml` in the user's configuration folder; never in git.

    `checkouts` is what git said of a path when it was last there (path to project folder), `mappings` what a person
    said of it with `agent-context projects map`; `recipients` is whom an encrypted project's learnings may be sealed
    for (project folder to public keys), as a person here agreed with `agent-context keys`.
    """

    machine: str = ""
    knowledge_base: str = ""
    archive_mb: Count = 2048
    checkouts: dict[str, str] = msgspec.field(default_factory=dict)
    mappings: dict[str, str] = msgspec.field(default_factory=dict)
    recipients: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)


def flatten(values: msgspec.Struct, prefix: str = "") -> dict[str, object]:
    """Return every setting's value by its name in full (`sync.push`)."""
    found: dict[str, object] = {}
    for name in values.__struct_fields__:
        value = getattr(values, name)
        if isinstance(value, msgspec.Struct):
            found |= flatten(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value
    return found


def find_nearest(name: str, names: Iterable[str]) -> str:
    """Return the known name that one most likely means, by its whole or by its last part; empty if none is near."""
    by_last = {known.rpartition(".")[2]: known for known in names}
    whole = difflib.get_close_matches(name, by_last.values(), n=1)
    last = difflib.get_close_matches(name.rpartition(".")[2], by_last, n=1)
    return whole[0] if whole else by_last[last[0]] if last else ""


def advise(problem: str, kind: type[msgspec.Struct], otherwise: str = "see docs/settings.md") -> str:
    """Return the next step for what msgspec says is wrong in a settings file: the nearest valid name or value."""
    place = PLACE.search(problem)
    here = _descend(kind, place.group(1) if place else "")
    unknown = re.search(r"unknown field `(.+?)`", problem)
    value = re.search(r"Invalid enum value '(.+?)'", problem)
    if unknown:
        return _advise_name(unknown.group(1), here, kind)
    valid = _choices(here) if value else []
    close = difflib.get_close_matches(value.group(1), valid, n=1) if value else []
    if value and close:
        return f'did you mean ["{close[0]}"]?' if close[0] == value.group(1) else f'did you mean "{close[0]}"?'
    return f"it takes: {', '.join(valid)}" if valid else otherwise


def _advise_name(name: str, here: msgspec.inspect.Type, kind: type[msgspec.Struct]) -> str:
    names = [field.name for field in here.fields] if isinstance(here, msgspec.inspect.StructType) else []
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return f"did you mean `{close[0]}`?"
    elsewhere = find_nearest(name, _list_names(msgspec.inspect.type_info(kind)))
    section, _, last = elsewhere.rpartition(".")
    if section:
        return f"did you mean `{last}` in its section [{section}]?"
    return f"known settings here: {', '.join(names)}"


def _list_names(here: msgspec.inspect.Type, prefix: str = "") -> list[str]:
    """Return every setting's name in full."""
    if not isinstance(here, msgspec.inspect.StructType):
        return [prefix.removesuffix(".")]
    return [name for field in here.fields for name in _list_names(field.type, f"{prefix}{field.name}.")]


def _descend(kind: type[msgspec.Struct], place: str) -> msgspec.inspect.Type:
    """Return the type at a place as msgspec names it: `sync.kinds[0]`."""
    here: msgspec.inspect.Type = msgspec.inspect.type_info(kind)
    for part in re.findall(r"\w+|\[\d+\]", place):
        if isinstance(here, msgspec.inspect.StructType):
            here = next((field.type for field in here.fields if field.name == part), here)
        elif isinstance(here, msgspec.inspect.VarTupleType):
            here = here.item_type
    return here


def _choices(here: msgspec.inspect.Type) -> list[str]:
    """Return the words that a type is a choice of."""
    if isinstance(here, msgspec.inspect.LiteralType):
        return [str(value) for value in here.values]
    if isinstance(here, msgspec.inspect.UnionType):
        return [word for inner in here.types for word in _choices(inner)]
    return _choices(here.item_type) if isinstance(here, msgspec.inspect.VarTupleType) else []
