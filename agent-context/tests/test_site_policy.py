"""The pages' Content-Security-Policy: what may run is what the theme itself brought, and nothing that a page adds."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

import pytest

from agent_context.errors import AgentContextError
from agent_context.site.policy import write_policy

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "<meta http-equiv=\"Content-Security-Policy\" content=\"script-src 'self' 'ac-hashes'\">"
ROOT = '<script>scope=new URL("{}",location)</script>'
PALETTE = "<script>palette=1</script>"


def allow(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def write_page(site: Path, name: str, root: str, body: str = "") -> Path:
    page = site / name
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(
        f"<html><head>{HEAD}{ROOT.format(root)}</head><body>{PALETTE}{body}</body></html>", encoding="utf-8"
    )
    return page


def test_only_the_scripts_of_the_page_without_learnings_are_allowed(tmp_path: Path) -> None:
    write_page(tmp_path, "404.html", "/")
    page = write_page(tmp_path, "projects/shop/index.html", "../..", "<script>evil()</script> 'ac-hashes'")
    home = write_page(tmp_path, "index.html", ".")
    write_policy(tmp_path)
    text = page.read_text(encoding="utf-8")
    policy = text.split('content="')[1].split('"')[0]
    scripts = ("palette=1", *(f'scope=new URL("{root}",location)' for root in ("/", ".", "../..")))
    assert set(policy.split()) == {"script-src", "'self'", *map(allow, scripts)}
    assert allow("evil()") not in policy
    assert text.count("'ac-hashes'") == 1
    assert policy in home.read_text(encoding="utf-8")


def test_pagefinds_web_assembly_is_allowed_where_it_searches(tmp_path: Path) -> None:
    page = write_page(tmp_path, "404.html", "/")
    (tmp_path / "pagefind").mkdir()
    write_policy(tmp_path)
    policy = page.read_text(encoding="utf-8")
    assert "'wasm-unsafe-eval'" in policy
    assert "'unsafe-eval'" not in policy


def test_a_theme_without_the_page_of_missing_addresses_is_named(tmp_path: Path) -> None:
    write_page(tmp_path, "index.html", ".")
    with pytest.raises(AgentContextError, match=r"404\.html") as caught:
        write_policy(tmp_path)
    assert "material" in caught.value.hint
