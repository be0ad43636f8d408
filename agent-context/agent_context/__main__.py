"""The program's entry: answers `--version` at once, hands everything else to cli."""

from __future__ import annotations

import sys

from agent_context import __version__


def main() -> int:
    """Run the program and return its exit code."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"agent-context {__version__}\n")
        return 0
    from agent_context.cli import run  # noqa: PLC0415 - click costs more than `--version` may

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
