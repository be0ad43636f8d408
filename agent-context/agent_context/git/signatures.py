"""Who signed the commits that made a path what it is. Git asks ssh or gpg; nothing that the repository says counts."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agent_context.git.program import run

if TYPE_CHECKING:
    from collections.abc import Collection

SSH_TYPES = ("ssh-", "ecdsa-", "sk-")


@dataclass(frozen=True, slots=True)
class Signed:
    """One commit, and whether one of the keys that were asked for signed it."""

    commit: str
    good: bool


def list_signatures(root: Path, tip: str, path: str, keys: Collection[str]) -> list[Signed]:
    """Return every commit that a path's content comes from, newest first, with whether one of these keys signed it.

    None where the history does not tell: in a shallow clone, or where a merge dropped commits of one side, as one does
    that brings an older version back. A key is an ssh public key, or the fingerprint of a PGP key that the user's own
    keyring holds.
    """
    if run(root, "rev-parse", "--is-shallow-repository").stdout.strip() != "false":
        return []
    followed = run(root, "log", "--format=%H", tip, "--", path).stdout.split()
    ssh = [" ".join(key.split()[:2]) for key in keys if key.startswith(SSH_TYPES)]
    prints = {key.replace(" ", "").upper() for key in keys if not key.startswith(SSH_TYPES)}
    with tempfile.TemporaryDirectory() as folder:
        allowed = Path(folder) / "allowed"
        allowed.write_text("".join(f"* {key}\n" for key in ssh), encoding="utf-8")
        asked = run(
            root,
            "-c",
            f"gpg.ssh.allowedSignersFile={allowed}",
            "log",
            "--full-history",
            "--format=%H%x09%G?%x09%GF%x09%GP",
            tip,
            "--",
            path,
        )
    if asked.returncode != 0:
        return []
    rows = (line.split("\t") for line in asked.stdout.splitlines() if line.count("\t") == 3)  # noqa: PLR2004 - as asked
    found = [Signed(row[0], _is_good(row[1], row[2:], prints)) for row in rows]
    return found if {commit.commit for commit in found} == set(followed) else []


def _is_good(verdict: str, names: Collection[str], prints: Collection[str]) -> bool:
    """Tell whether a signature is by a key that was asked for.

    Git says G of an ssh key that is in the file it was given, and U of a valid signature by any other; of a PGP key it
    says U where the keyring holds it without a decision on its owner, so there the fingerprint tells.
    """
    if any(name.startswith("SHA256:") for name in names):
        return verdict == "G"
    return verdict in ("G", "U") and any(name.upper() in prints for name in names if name)
