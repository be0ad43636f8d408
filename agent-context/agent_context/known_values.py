"""What this machine knows that must not get out: its secret values, as hashes, and who works on it."""

from __future__ import annotations

from dataclasses import dataclass
from secrets import token_bytes
from typing import TYPE_CHECKING, Literal

from agent_context.config import child_environment, find_credential_files, load_account
from agent_context.git.author import read_author
from agent_context.screening.guarding import Guard
from agent_context.screening.personal import Identity
from agent_context.screening.taint import Taint

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent_context.settings import PrivacyMode, Settings
    from agent_context.transcripts.session import Session

MOST_BYTES = 1_000_000
SALT_BYTES = 16


def load_known_values(salt: bytes) -> Taint:
    """Return the values of secret-named environment variables and of the usual credential files; none is kept as text.

    A file that is missing, large or not to be read costs nothing.
    """
    taint = Taint(salt)
    for name, value in child_environment().items():
        taint.learn([f"{name}='{value}'" if "'" not in value else f'{name}="{value}"'], "known-variable")
    for name, paths in find_credential_files().items():
        for path in paths:
            taint.learn([_read(path)], f"known-{name}")
    return taint


def load_guard(settings: Settings, folder: Path) -> Guard:
    """Return what screens texts by a knowledge base's settings on this machine. In `folder` git is asked for names."""
    return Guard(
        privacy=settings.privacy,
        engines=settings.screening.engines,
        identity=load_identity(folder),
        allowances=settings.allow,
        taints=(load_known_values(token_bytes(SALT_BYTES)),),
    )


@dataclass(slots=True)
class SessionGuard:
    """Makes what screens one session's candidates: it knows the values seen there, and the project's privacy mode.

    What the machine knows is read when the first session asks.
    """

    settings: Settings
    folder: Path
    mode: Callable[[Session], PrivacyMode | Literal[""]]
    _base: Guard | None = None

    def __call__(self, session: Session) -> Guard:
        """Return the guard of a session whose events are still at hand."""
        if self._base is None:
            self._base = load_guard(self.settings, self.folder)
        taint = Taint(token_bytes(SALT_BYTES))
        taint.learn(event.text for event in session.events)
        return self._base.knowing(taint, self.mode(session))


def load_identity(folder: Path) -> Identity:
    """Return who works on this machine, as its account and git's settings in a folder say."""
    account = load_account()
    author = read_author(folder)
    return Identity(
        user=account.user,
        homes=(str(account.folder),),
        hosts=tuple(dict.fromkeys((account.host, account.host.split(".")[0]))),
        names=(author.name,) if author.name else (),
        emails=(author.email,) if author.email else (),
    )


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES or not path.is_file():
            return ""
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
