"""What killed processes leave behind in a clone or a remote on this disk: found, told from what is in use, removed."""

from __future__ import annotations

import os
import re
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from agent_context.git.index import OUR_MARK
from agent_context.git.steps import Step, reach
from agent_context.git.worktree import SCRATCH

if TYPE_CHECKING:
    from collections.abc import Iterator

PROC = Path("/proc")
# Where /proc says that nobody uses a lock, this only guards against a bad moment; elsewhere age is all there is.
STALE_SECONDS = 3 if sys.platform == "linux" else 600
REMOTE_SECONDS = 20  # a server under load was seen to keep a lock, closed, for more than 3 s
DAY = 86_400
UNFINISHED_PACK = re.compile(r"pack_git2_|tmp_(?:pack|idx|rev|obj|objdir)")


@dataclass(frozen=True, slots=True)
class Leftover:
    """A file or folder that a killed git has left behind; `blocks` while it is there git refuses to work."""

    path: Path
    blocks: bool


def recover(git_dir: Path, common_dir: Path) -> list[Path]:
    """Remove the leftovers of killed processes from a clone that we hold locked. Returns what was removed.

    Waits a moment for a young lock that nobody seems to use.
    """
    removed = []
    for lock in _find_locks(git_dir, common_dir):
        if _is_ours(lock) or _is_stale(lock, common_dir):
            lock.unlink(missing_ok=True)
            removed.append(lock)
    scratch = git_dir / SCRATCH
    for file in scratch.iterdir() if scratch.is_dir() else ():
        file.unlink(missing_ok=True)
        removed.append(file)
    for pack in (common_dir / "objects" / "pack").glob("pack_git2_*"):
        if _age(pack) > STALE_SECONDS and not _is_open(pack):
            pack.unlink(missing_ok=True)
            removed.append(pack)
    reach(Step.RECOVERED)
    return removed


def find_leftovers(address: str) -> list[Leftover]:
    """Return what killed clients left in a remote on this disk (a path or file://): locks and half-sent packs.

    Over ssh or http the server's own processes survive their client, and nothing is left. Removes nothing: other
    machines may be at work there.
    """
    root = _local_path(address)
    if root is None:
        return []
    common = root / ".git" if (root / ".git").is_dir() else root
    locks = [Leftover(lock, blocks=True) for lock in _find_locks(common, common) if _is_left(lock, REMOTE_SECONDS)]
    objects = common / "objects"
    places = (objects, objects / "pack") if objects.is_dir() else ()
    packs = [path for place in places for path in sorted(place.iterdir()) if UNFINISHED_PACK.match(path.name)]
    return locks + [Leftover(path, blocks=False) for path in packs if _is_left(path, DAY)]


def find_locks(git_dir: Path, common_dir: Path) -> list[Leftover]:
    """Return the locks in a clone that are old and in nobody's use; the next sync removes them."""
    return [
        Leftover(lock, blocks=True)
        for lock in _find_locks(git_dir, common_dir)
        if _is_left(lock, STALE_SECONDS) and not _git_at_work(common_dir)
    ]


def _find_locks(git_dir: Path, common_dir: Path) -> Iterator[Path]:
    for folder in {git_dir, common_dir}:
        yield from (lock for lock in sorted(folder.glob("*.lock")) if lock.name != "agent-context.lock")
    yield from sorted((common_dir / "refs").rglob("*.lock"))
    yield from (common_dir / "objects").glob("maintenance.lock")


def _is_ours(lock: Path) -> bool:
    """Tell whether we made an index lock: we are alone here, so that whoever made it is dead."""
    with suppress(OSError):
        return lock.read_bytes() == OUR_MARK
    return False


def _is_stale(lock: Path, common_dir: Path) -> bool:
    """Tell whether a lock is old and unused; one that is too young is looked at again after a while."""
    with suppress(OSError):
        seen = lock.stat()
        if time.time() - seen.st_mtime < STALE_SECONDS:
            if sys.platform != "linux" or _git_at_work(common_dir):
                return False
            time.sleep(STALE_SECONDS)
        now = lock.stat()
        same = (now.st_ino, now.st_mtime_ns) == (seen.st_ino, seen.st_mtime_ns)
        return same and not _is_open(lock) and not _git_at_work(common_dir)
    return False


def _is_left(path: Path, seconds: float) -> bool:
    return _age(path) > seconds and not _is_open(path)


def _age(path: Path) -> float:
    with suppress(OSError):
        return time.time() - path.stat().st_mtime
    return 0.0


def _is_open(path: Path) -> bool:
    """Tell whether a process that we may look at has the file open; False where there is no /proc."""
    real = path.resolve()
    for process in _processes():
        with suppress(OSError):
            for handle in (process / "fd").iterdir():
                with suppress(OSError):
                    if handle.readlink() == real:
                        return True
    return False


def _git_at_work(common_dir: Path) -> bool:
    """Tell whether a git runs in this clone: it may keep a lock without having it open (while an editor is up)."""
    top = (common_dir.parent if common_dir.name == ".git" else common_dir).resolve()
    for process in _processes():
        with suppress(OSError):
            if (process / "comm").read_text().startswith("git") and (process / "cwd").readlink().is_relative_to(top):
                return True
    return False


def _processes() -> list[Path]:
    if not PROC.is_dir():
        return []
    own = str(os.getpid())
    return [entry for entry in PROC.iterdir() if entry.name.isdigit() and entry.name != own]


def _local_path(address: str) -> Path | None:
    if address.startswith("file://"):
        return Path(unquote(urlsplit(address).path))
    path = Path(address)
    return path if path.is_absolute() and path.is_dir() else None
