"""Draw docs/images/terminal.svg from a real run of the demo: `python agent-context/docs/picture.py`."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 118


def main() -> None:
    """Run the demo in an empty home, shorten its temporary folder to ~, and draw what it printed."""
    with tempfile.TemporaryDirectory() as home:
        environment = {"HOME": home, "PATH": os.environ["PATH"], "TMPDIR": home, "FORCE_COLOR": "1", "COLUMNS": "200"}
        command = [sys.executable, "-m", "agent_context", "demo"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        shutil.rmtree(home, ignore_errors=True)
        Path(home).mkdir()
    text = re.sub(rf"{re.escape(str(Path(home).resolve()))}/agent-context-demo-\w+", "~", done.stdout)
    text = text.split("Go on from here")[0].rstrip().removesuffix("\x1b[1m").rstrip()
    out = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    out.print(Text.from_ansi("$ make demo\n" + text))
    svg = re.sub(
        r"@font-face \{.*?\}\s*", "", out.export_svg(title="agent-context"), flags=re.DOTALL
    )  # no remote fonts
    (Path(__file__).parent / "images" / "terminal.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
