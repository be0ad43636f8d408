"""A handoff for people who have no agent-context: as Markdown, a page of HTML, a PDF or JSON.

The PDF is printed by a browser that is installed anyway: it sets every script and emoji, where small libraries for it
know Latin letters or want fonts of their own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from agent_context.config import child_environment
from agent_context.errors import AgentContextError
from agent_context.handoff import LABELS, LISTS, write_handoff
from agent_context.site.markup import clean_line, render_blocks
from agent_context.visible import show_hidden

if TYPE_CHECKING:
    from agent_context.handoff import Handoff

Form = Literal["md", "html", "pdf", "json"]
FORMS: tuple[Form, ...] = ("md", "html", "pdf", "json")
BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "microsoft-edge",
    "brave-browser",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "msedge",
    "chrome",
)
# Nothing is fetched, whatever the page says: it holds other people's words. Its own policy lets no script run.
SWITCHES = (
    "--headless",
    "--disable-gpu",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-pdf-header-footer",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
SECONDS = 60
STYLE = """\
body{font:11pt/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:1.6em;border-bottom:1px solid #ccc}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2em 1em;font-size:.85em;color:#555}dd{margin:0}
pre{background:#f4f4f4;padding:.6em;white-space:pre-wrap;overflow-wrap:anywhere}code{font-size:.92em}\
"""
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def export(handoff: Handoff, form: Form) -> bytes:
    """Return a handoff in a form. Raise AgentContextError where no browser is there to print a PDF."""
    if form == "md":
        return show_hidden(write_handoff(handoff)).encode()
    if form == "json":
        return msgspec.json.format(msgspec.json.encode(handoff)) + b"\n"
    page = render_page(handoff)
    return page.encode() if form == "html" else print_pdf(page)


def render_page(handoff: Handoff) -> str:
    """Return a page of its own, without script, that fetches nothing."""
    title = escape(f"Handoff from {clean_line(handoff.device)}")
    rows = []
    for label, name in LABELS.items():
        value = getattr(handoff, name)
        text = ", ".join(value) if name in LISTS else value
        rows += [f"<dt>{label}</dt><dd>{escape(clean_line(text))}</dd>"] if text else []
    sections = (
        f"<h2>{escape(clean_line(section.title))}</h2>\n{render_blocks(section.text)}" for section in handoff.sections
    )
    head = f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}"><title>{title}</title>'
    body = f"<h1>{title}</h1>\n<dl>{''.join(rows)}</dl>\n" + "\n".join(sections)
    return f'<!doctype html>\n<html lang="en"><head>{head}<style>{STYLE}</style></head>\n<body>{body}</body></html>\n'


def print_pdf(page: str) -> bytes:
    """Return a page as an installed browser prints it. Raise AgentContextError where there is none, or it fails."""
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        raise AgentContextError(
            "no browser is installed that could print a PDF (Chromium, Chrome, Edge)",
            hint="export --format html, and print that",
        )
    with tempfile.TemporaryDirectory(prefix="agent-context-", ignore_cleanup_errors=True) as folder:
        source, target = Path(folder) / "handoff.html", Path(folder) / "handoff.pdf"
        source.write_text(page, encoding="utf-8")
        as_root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        places = [f"--user-data-dir={folder}/profile", f"--print-to-pdf={target}", source.as_uri()]
        try:
            subprocess.run(
                [browser, *SWITCHES, *as_root, *places],
                env=child_environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=SECONDS,
                check=True,
            )
            return target.read_bytes()
        except (OSError, subprocess.SubprocessError) as error:
            raise AgentContextError(
                f"{browser} printed no PDF: {error}", hint="export --format html, and print that"
            ) from None
