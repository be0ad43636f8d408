"""Where a repository lies on the web, and which forge that is, from the address of a git remote."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from agent_context.identity import SCP

ForgeKind = Literal["github", "gitlab", "gitea", ""]
URL = re.compile(r"(https?|ssh|git)://(?:[^@/\s]*@)?(\[[0-9a-fA-F:]+\]|[^:/\s]+)(?::(\d+))?/(.+)", re.IGNORECASE)
# A host of one's own seldom hides which forge it is; where it does, the setting proposals.forge names the way.
HOSTS: dict[str, ForgeKind] = {
    "github": "github",
    "gitlab": "gitlab",
    "gitea": "gitea",
    "forgejo": "gitea",
    "codeberg": "gitea",
}
LOOPBACK = re.compile(r"(?:127\.\d+\.\d+\.\d+|localhost|\[::1\])(?::\d+)?")


@dataclass(frozen=True, slots=True)
class Address:
    """A repository on a forge: `base` is the forge's web address, `host` its name and port, `path` owner/name."""

    kind: ForgeKind
    base: str
    host: str
    path: str

    @property
    def is_private(self) -> bool:
        """Tell whether what is sent there cannot be read on the way."""
        return self.base.startswith("https://") or bool(LOOPBACK.fullmatch(self.host))


def parse_address(url: str) -> Address | None:
    """Read a remote's address; None for one that is no host's (a folder, say)."""
    text = re.split(r"[?#]", url.strip())[0]
    scheme, port = "https", ""
    if found := URL.fullmatch(text):
        host, path = found[2].lower(), found[4]
        if found[1].lower() in ("http", "https"):
            scheme, port = found[1].lower(), found[3] or ""
    elif found := SCP.fullmatch(text):
        host, path = found[1].lower(), found[2]
    else:
        return None
    path = re.sub(r"/+", "/", path).strip("/").removesuffix(".git")
    if "/" not in path or len(host) == 1:  # a drive of Windows is no host
        return None
    host = host.removeprefix("www.").removeprefix("ssh.")
    kind: ForgeKind = next((kind for word, kind in HOSTS.items() if word in host), "")
    where = f"{host}:{port}" if port else host
    return Address(kind, f"{scheme}://{where}", where, path)
