"""A handoff: how far the work on one machine has come, for whoever goes on with it elsewhere; and its Markdown.

One form serves both ends: a block is what the ConvoSync plugin (1.0) keeps in `.convosync/session-handoff.md`, with
lines of metadata that it passes over. A file of the knowledge base holds one block, ConvoSync's one of each device.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from agent_context.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

TITLES = (
    "Current Task",
    "Progress So Far",
    "Key Decisions Made",
    "Important Context",
    "Next Steps",
    "Files Modified",
    "Open Questions",
)
FILES = "Files Modified"
# The lines of metadata, in their order. ConvoSync takes for content what follows the last of its own, the branch.
LABELS = {
    "Message": "message",
    "Session": "session",
    "Checkout": "checkout",
    "Continues": "continues",
    "Work": "work",
    "Uncommitted": "dirty",
    "Unpushed": "unpushed",
    "Timestamp": "at",
    "Commit": "commit",
    "Branch": "branch",
}
LISTS = ("dirty", "unpushed")
SHARED = ".convosync/session-handoff.md"  # in a project's own repository
HEAD = "# ConvoSync Session Handoffs\n"
BLOCK = re.compile(r"^(?:---[ \t]*\n+)?## Handoff from (.+)$", re.MULTILINE)
LINE = re.compile(rf"\*\*({'|'.join(LABELS)}):\*\*[ \t]*(.*)")
HEADING = re.compile(r"#{1,3}[ \t]+(?=\S)")
ENDS_BLOCK = re.compile(r"---\s*$|## Handoff from ")
FENCE = re.compile(r" {0,3}(```+|~~~+)")
ITEM = re.compile(r"`([^`]*)`")
MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")
COMMIT = re.compile(r"[0-9a-f]{40}|")
# A path from the root of another machine's disk, in the spelling of any system.
ELSEWHERE = re.compile(r"(?<![\w.~/\\:])(?:~|[A-Za-z]:)?(?:[/\\][\w.@+-]+){2,}")
CUT = "… (cut)"
MOST_ITEMS = 50
MOST_PATH = 1_000
UNITS = ((60, "minute"), (3600, "hour"), (86_400, "day"))


class Section(msgspec.Struct, frozen=True):
    """One section: its heading and the Markdown below it."""

    title: str
    text: str


class Handoff(msgspec.Struct, frozen=True):
    """What one device hands on. `at` is UTC, `commit` 40 hex digits or empty.

    `continues` is the device and time of the handoff that this one goes on from, `work` the branch and commit that hold
    its uncommitted files; `dirty` names these, `unpushed` the commits (hash and subject) that only that machine has.
    """

    device: str
    at: str
    sections: tuple[Section, ...]
    message: str = ""
    session: str = ""
    checkout: str = ""
    continues: str = ""
    work: str = ""
    dirty: tuple[str, ...] = ()
    unpushed: tuple[str, ...] = ()
    commit: str = ""
    branch: str = ""

    @property
    def task(self) -> str:
        """Return its task in one line: the first line of the first section."""
        text = self.sections[0].text if self.sections else ""
        return next((line.strip("-* ") for line in text.splitlines() if line.strip("-* ")), "")

    @property
    def mark(self) -> str:
        """Return what `continues` calls this handoff."""
        return f"{self.device} {self.at}"

    @property
    def body(self) -> str:
        """Return the sections as Markdown."""
        return "\n\n".join(
            f"### {section.title}\n{section.text}".rstrip() if section.title else section.text
            for section in self.sections
        )


def read_sections(markdown: str) -> tuple[Section, ...]:
    """Return the sections of a text, each under a heading of the levels one to three; what stands before has no title.

    What would end a block is written otherwise, so that these sections, written and read again, are the same.
    """
    found: list[tuple[str, list[str]]] = [("", [])]
    fence = ""
    for line in markdown.replace("\r\n", "\n").split("\n"):
        mark = FENCE.match(line)
        if mark and not fence:
            fence = mark.group(1)
        elif mark and mark.group(1).startswith(fence):
            fence = ""
        title = "" if fence else _read_title(line)
        if title:
            found.append((title, []))
        else:
            found[-1][1].append(f" {line}" if ENDS_BLOCK.match(line) else line)
    if fence:
        found[-1][1].append(fence)
    sections = (Section(title, "\n".join(line.rstrip() for line in lines).strip("\n")) for title, lines in found)
    return tuple(section for section in sections if section.title or section.text)


def _read_title(line: str) -> str:
    """Return the words of a heading of the levels one to three; empty for what is none."""
    mark = HEADING.match(line)
    title = line[mark.end() :].rstrip() if mark else ""
    bare = title.rstrip("#")
    return bare.rstrip() if not bare or bare[-1].isspace() else title


def write_handoff(handoff: Handoff) -> str:
    """Return the canonical block: `parse_handoff` of it gives the same value, and writing that the same bytes."""
    lines = [f"## Handoff from {handoff.device}"]
    for label, name in LABELS.items():
        value = getattr(handoff, name)
        text = ", ".join(f"`{item}`" for item in value) if name in LISTS else value
        if text:
            lines.append(f"**{label}:** {text}")
    return "\n".join(lines) + f"\n\n{handoff.body}\n"


def parse_handoff(text: str, path: str) -> Handoff:
    """Read a file that holds one handoff. Raise FormatError naming file and line when it is not one."""
    found = read_handoffs(text)
    if len(found) != 1 or not BLOCK.match(text):
        raise FormatError(
            path, 1, "not one handoff", hint="it begins with `## Handoff from DEVICE`; restore it from git"
        )
    handoff = found[0]
    lines = text.splitlines()
    for label, right in (("Timestamp", MOMENT.fullmatch(handoff.at)), ("Commit", COMMIT.fullmatch(handoff.commit))):
        if not right:
            line = next((number for number, line in enumerate(lines, 1) if line.startswith(f"**{label}:**")), 1)
            raise FormatError(path, line, "missing, or not of its form", key=label, hint="restore it from git")
    return handoff


def read_handoffs(text: str) -> list[Handoff]:
    """Read every block of a text, leniently: ConvoSync's file, or one of ours."""
    text = text.replace("\r\n", "\n")
    marks = list(BLOCK.finditer(text))
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    return [_read_block(mark.group(1), text[mark.end() : end]) for mark, end in zip(marks, ends, strict=False)]


def _read_block(device: str, text: str) -> Handoff:
    fields: dict[str, str] = {}
    lines = text.lstrip("\n").split("\n")
    while lines and (found := LINE.match(lines[0])):
        fields.setdefault(LABELS[found.group(1)], found.group(2).strip())
        del lines[0]
    lists = {name: tuple(ITEM.findall(fields.pop(name, ""))) for name in LISTS}
    at = normalise_moment(fields.pop("at", ""))
    return Handoff(device.strip(), at, read_sections("\n".join(lines)), **fields, **lists)  # type: ignore[arg-type]


def write_shared(text: str, handoff: Handoff) -> str:
    """Return ConvoSync's file with this handoff in it, in the place of the device's earlier ones."""
    others = [item for item in read_handoffs(text) if item.device != handoff.device]
    return HEAD + "".join(f"\n---\n{write_handoff(item)}" for item in (*others, handoff))


def normalise_moment(text: str) -> str:
    """Return a time as `YYYY-MM-DDTHH:MM:SSZ`: ConvoSync writes fractions of a second; empty for what is none."""
    found = re.fullmatch(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.\d+)?(?:Z|\+00:00)?", text.strip())
    return f"{found.group(1)}Z" if found else ""


def shorten(text: str, most: int) -> str:
    """Return a text on one line, of at most so many characters."""
    line = re.sub(r"\s+", " ", text).strip()
    return line if len(line) <= most else f"{line[: most - 1]}…"


def plain(text: str, most: int = 200) -> str:
    """Return a text as one item of a list of the metadata: one line without a backtick, not beyond measure."""
    return shorten(text.replace("`", "'"), most)


def list_items(items: Iterable[str]) -> tuple[str, ...]:
    """Return what a list of the metadata may hold: so many plain items."""
    return tuple(dict.fromkeys(item for text in items if (item := plain(text))))[:MOST_ITEMS]


def fit(handoff: Handoff, most: int) -> Handoff:
    """Return the handoff within a size in characters: its longest sections are cut at a line until it fits."""
    while (over := len(write_handoff(handoff)) - most) > 0:
        longest = max(handoff.sections, key=lambda section: len(section.text), default=None)
        if longest is None or len(longest.text) <= len(CUT) + 1:
            return msgspec.structs.replace(handoff, dirty=handoff.dirty[:5], unpushed=handoff.unpushed[:5])
        keep = max(0, len(longest.text) - max(over, len(longest.text) // 4) - len(CUT) - 1)
        text = longest.text[:keep]
        text = f"{text.rpartition(chr(10))[0] or text.rpartition(' ')[0]}\n{CUT}".lstrip("\n")
        cut = read_sections(f"### {longest.title}\n{text}" if longest.title else text)
        place = handoff.sections.index(longest)
        sections = (*handoff.sections[:place], *cut, *handoff.sections[place + 1 :])
        handoff = msgspec.structs.replace(handoff, sections=sections)
    return handoff


def choose_newer(first: bytes, second: bytes) -> bytes:
    """Return the later of two versions of one device's file, the same whichever comes first."""
    return max(first, second, key=lambda data: (_moment_of(data), data))


def _moment_of(data: bytes) -> str:
    return next((handoff.at for handoff in read_handoffs(data.decode("utf-8", "replace"))), "")


def tell_ago(at: str, now: str) -> str:
    """Return how long a time (both UTC) is past: `just now`, `3 hours ago`, `2 days ago`."""
    try:
        seconds = (datetime.fromisoformat(now) - datetime.fromisoformat(at)).total_seconds()
    except ValueError:
        return "at an unknown time"
    if seconds < UNITS[0][0]:
        return "just now"
    size, unit = next(pair for pair in reversed(UNITS) if seconds >= pair[0])
    count = int(seconds // size)
    return f"{count} {unit}{'' if count == 1 else 's'} ago"


def went_apart(one: Handoff, other: Handoff) -> str:
    """Return from where two devices both went on, each without the other's work; empty where one follows the other."""
    if one.device == other.device or one.mark == other.continues or other.mark == one.continues:
        return ""
    for first, second in ((one, other), (other, one)):
        device, _, at = first.continues.partition(" ")
        if device == second.device and at and at < second.at:
            return f"the handoff of {second.device} from {at}"
    if one.continues and one.continues == other.continues:
        return f"the handoff of {' from '.join(one.continues.split(' ', 1))}"
    return ""


def make_portable(text: str, top: str, home: str) -> str:
    """Return a text whose paths mean something elsewhere: relative to the checkout, else from `~`."""
    for folder, short in ((f"{top.rstrip('/')}/", ""), (f"{home.rstrip('/')}/", "~/")):
        text = re.sub(rf"(?<![\w.~/\\]){re.escape(folder)}", short, text) if len(folder) > 1 else text
    return text


def map_paths(text: str, checkout: str, here: str, exists: Callable[[str], bool]) -> str:
    """Return a text with another machine's paths as they are on this one, where the file exists in the checkout `here`.

    `checkout` is what the other machine calls its own, empty where it did not say; `exists` is asked for paths that are
    relative to ours.
    """
    names = {name for name in (_last_name(checkout), _last_name(here)) if name}

    def translate(found: re.Match[str]) -> str:
        if len(found.group()) > MOST_PATH:
            return found.group()
        parts = found.group().replace("\\", "/").rstrip(".").split("/")
        for place, name in enumerate(parts):
            rest = "/".join(parts[place + 1 :])
            if name in names and rest and exists(rest):
                tail = found.group()[len(found.group().rstrip(".")) :]
                return f"{here}/{rest}{tail}"
        return found.group()

    return ELSEWHERE.sub(translate, text)


def _last_name(path: str) -> str:
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2]
