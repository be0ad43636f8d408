"""The program in a process of its own, forked from one that has imported it already: starting Python costs most."""

from __future__ import annotations

import multiprocessing
import os
import sys
from pathlib import Path
from subprocess import CompletedProcess
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pygit2
from pygit2.enums import ConfigLevel

from agent_context.__main__ import main

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PRELOADED = (
    "agent_context.cli",
    "agent_context.syncing.sync",
    "agent_context.review.standing",
    "agent_context.consolidation.deciding",
    "agent_context.extractors",
    "rich.console",
)
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(list(PRELOADED))


def run_forked(
    arguments: Sequence[str], cwd: Path, environment: Mapping[str, str], stdin: str = ""
) -> CompletedProcess[str]:
    """Run one command line as `agent-context` would, with this folder and exactly this environment."""
    with TemporaryDirectory() as folder:
        Path(folder, "0").write_text(stdin, encoding="utf-8")
        process = SERVER.Process(target=_run, args=(list(arguments), str(cwd), dict(environment), folder))
        process.start()
        process.join()
        said = [Path(folder, stream).read_text(encoding="utf-8") for stream in ("1", "2")]
    done = CompletedProcess(["agent-context", *arguments], process.exitcode or 0, *said)
    process.close()
    return done


def _run(arguments: list[str], cwd: str, environment: dict[str, str], folder: str) -> None:
    for stream, flags in enumerate((os.O_RDONLY, os.O_WRONLY | os.O_CREAT, os.O_WRONLY | os.O_CREAT)):
        os.dup2(os.open(f"{folder}/{stream}", flags, 0o600), stream)
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(stream, "rww"[stream], encoding="utf-8") for stream in range(3))
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["agent-context", *arguments]
    # libgit2 looked for the home when it was loaded.
    pygit2.settings.search_path[ConfigLevel.GLOBAL] = environment["HOME"]
    pygit2.settings.search_path[ConfigLevel.XDG] = f"{environment.get('XDG_CONFIG_HOME', environment['HOME'])}/git"
    try:
        code = main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
