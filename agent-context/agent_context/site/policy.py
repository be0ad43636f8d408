"""The built pages' Content-Security-Policy: only the theme's own inline scripts may run, by their hashes.

The hashes come from the page of a missing address, which holds no word of a learning; what stands on any other page
can therefore not allow itself.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING

from agent_context.errors import AgentContextError

if TYPE_CHECKING:
    from pathlib import Path

TRUSTED = "404.html"
PLACEHOLDER = "'ac-hashes'"  # in overrides/main.html; means nothing to a browser, so nothing inline runs before this
STUBS = "e"  # permalinks are whole pages of ours, with a policy of their own
PAGEFIND = "pagefind"
WASM = "'wasm-unsafe-eval'"  # Pagefind's search is WebAssembly; no JavaScript may be made from text by it
INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)
SCOPE = re.compile(r'(?<=new URL\(")[^"]*(?="\s*,\s*location\))')


def write_policy(site: Path) -> None:
    """Fill the hashes of the allowed scripts into the policy of every page that MkDocs built.

    Raise AgentContextError when the page that they come from is missing.
    """
    try:
        trusted = (site / TRUSTED).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise AgentContextError(
            f"MkDocs built no {TRUSTED}, from which the pages' security policy is made",
            hint="let mkdocs.yml name the theme material, which brings that page along",
        ) from None
    pages = [page for page in sorted(site.rglob("*.html")) if page.relative_to(site).parts[0] != STUBS]
    depths = {len(page.relative_to(site).parts) - 1 for page in pages}
    allowed = [f"'sha256-{digest}'" for digest in sorted(hash_scripts(trusted, depths))]
    if (site / PAGEFIND).is_dir():
        allowed.append(WASM)
    words = " ".join(allowed).encode()
    for page in pages:
        text = page.read_bytes()
        head, found, rest = text.partition(PLACEHOLDER.encode())
        if found and b"<body" not in head:
            page.write_bytes(head + words + rest)


def hash_scripts(page: str, depths: set[int]) -> set[str]:
    """Return the SHA-256 (base64) of the page's inline scripts, the one that names the site's root once per depth."""
    roots = ["/".join([".."] * depth) or "." for depth in depths]
    scripts = {
        variant for script in INLINE.findall(page) for variant in (script, *(SCOPE.sub(root, script) for root in roots))
    }
    return {base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts}
