"""Which files a learning is about, as globs that load a rule only when such a file is read."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from agent_context.learning import slugify

if TYPE_CHECKING:
    from agent_context.learning import Learning

LONGEST = 160
PLAIN = re.compile(r"[\w@.*?+/ -]+")
LINE_NUMBER = re.compile(r":\d+(?:[:-]\d+)?$")


def find_scope(learning: Learning) -> tuple[str, ...]:
    """Return the globs of a learning's paths, relative to the checkout, sorted; none where a file cannot tell."""
    return tuple(sorted({glob for path in learning.paths if (glob := _make_glob(path))}))


def name_scope(paths: tuple[str, ...]) -> str:
    """Return the name of the rule for these globs: what the first says, and six hex digits of all."""
    digest = hashlib.sha256("\0".join(paths).encode()).hexdigest()[:6]
    return f"{slugify(paths[0])}-{digest}"


def _make_glob(path: str) -> str:
    """Return the glob, empty for what lies outside, climbs, matches everything, or holds what is no file's name.

    Claude Code (2.1.329) matches as a .gitignore does: `./` in front matches nothing, brackets are a set of characters.
    """
    glob = LINE_NUMBER.sub("", path.strip()).replace("\\", "/").removeprefix("./")
    glob = re.sub(r"[\[\]]", "?", glob)
    outside = glob.startswith(("/", "~", "-", "!", "#")) or ".." in glob.split("/") or ":" in glob
    if outside or len(glob) > LONGEST or not PLAIN.fullmatch(glob) or not re.search(r"\w", glob):
        return ""
    return glob
