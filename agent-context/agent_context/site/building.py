"""Builds the staged site and swaps it in: MkDocs makes the pages, what it cannot do well is done after it.

Staging is staging's job, serving serving's.
"""

from __future__ import annotations

import importlib.util
import tempfile
from pathlib import Path
from typing import Literal

from agent_context.errors import AgentContextError, MissingExtraError
from agent_context.site.indexing import index_site
from agent_context.site.permalinks import write_permalinks
from agent_context.site.placing import place_parts
from agent_context.site.policy import write_policy
from agent_context.site.programs import run_module
from agent_context.site.staging import SETTINGS, SITE, STAGE, refuse_links

Generator = Literal["mkdocs", "properdocs"]
OURS = "learnings.json"  # a folder without it is not a site of ours, and is never replaced


def build(root: Path, *, strict: bool = True, generator: Generator = "mkdocs") -> Path:
    """Build what is staged and put it in the place of the old site, which stays whole when anything fails.

    Raise AgentContextError with the end of the generator's output, MissingExtraError when it is not installed.
    """
    for module, package in ((generator, generator), ("material", "mkdocs-material")):
        if importlib.util.find_spec(module) is None:
            raise MissingExtraError(package, "site")
    staged, target = root / STAGE, root / SITE
    if not (staged / SETTINGS).is_file():
        raise AgentContextError(f"{staged / SETTINGS} is not there", hint="stage and build it with: agent-context site")
    refuse_links(staged)
    if target.is_symlink() or (target.is_dir() and any(target.iterdir()) and not (target / OURS).is_file()):
        raise AgentContextError(
            f"{target} is not a site that this program built, so it is left alone",
            hint="move that folder away or rename it, then build the site again",
        )
    try:
        with tempfile.TemporaryDirectory(dir=staged, prefix="build-", ignore_cleanup_errors=True) as scratch:
            fresh = Path(scratch) / SITE
            generate(staged / SETTINGS, fresh, generator, strict=strict)
            place_parts(staged, fresh)
            index_site(staged, fresh)
            write_policy(fresh)
            write_permalinks(staged, fresh)
            _swap(fresh, target, Path(scratch) / "old")
    except OSError as error:
        raise AgentContextError(
            f"the site cannot be put into {target}: {error.strerror or error}",
            hint="make room or give yourself the right to write there; the old site was left as it was",
        ) from error
    return target


def generate(settings: Path, target: Path, generator: Generator, *, strict: bool) -> None:
    """Let the generator build the staged documents into a new folder. Raise AgentContextError with its last words."""
    # Not --quiet: it hides the warnings from --strict as well.
    arguments = ["build", "--clean", "--strict" if strict else "--no-strict"]
    done = run_module(
        generator, [*arguments, "--config-file", str(settings), "--site-dir", str(target)], settings.parent
    )
    if done.code or not (target / "index.html").is_file():
        raise AgentContextError(
            f"MkDocs could not build the site:\n{done.last_words}",
            hint=f"mend what it names (settings: {SETTINGS}) and build again; the old site was left as it was",
        )


def _swap(fresh: Path, target: Path, old: Path) -> None:
    """Put the fresh folder in the target's place; if that fails, put the old one back."""
    had = target.exists()
    if had:
        target.rename(old)
    try:
        fresh.rename(target)
    except BaseException:
        if had:
            old.rename(target)
        raise
