"""The last gate before a push: what the commits to be sent add is screened once more, whoever made them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent_context.layout import FOLDERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from agent_context.git.history import Altered, History
    from agent_context.learning import Finding

    Screen = Callable[[str], list[Finding]]


def find_leaks(altered: Iterable[Altered], screen: Screen) -> Iterator[str]:
    """Yield each certain secret that a change adds, as `file:line: kind: rule (masked)`; what was there is no news."""
    for item in altered:
        after = _decode(item.after)
        before = set((_decode(item.before) or "").splitlines())
        lines = after.splitlines() if after else []
        for finding in screen(after) if after else ():
            is_secret = (finding.kind, finding.severity) == ("secret", "certain")
            if is_secret and lines[finding.line - 1] not in before:
                yield f"{item.path}:{finding.line}: {finding.kind}: {finding.rule} {finding.masked}"


def find_leaking_commits(
    history: History, commits: Iterable[str], screen: Screen, *, everything: bool
) -> dict[str, list[str]]:
    """Return the commits that add certain secrets, with where these stand.

    Without `everything` only the knowledge is looked at: to an empty remote goes the program's own source as well.
    """
    found: dict[str, list[str]] = {}
    for commit in commits:
        altered = history.alterations(commit)
        looked = (item for item in altered if everything or item.path.split("/")[0] in FOLDERS)
        if leaks := list(find_leaks(looked, screen)):
            found[commit] = leaks
    return found


def _decode(data: bytes | None) -> str | None:
    """Return a file's text; None of what is no text: a secret in a sealed file is nobody's to read."""
    try:
        return data.decode() if data is not None else None
    except UnicodeDecodeError:
        return None
