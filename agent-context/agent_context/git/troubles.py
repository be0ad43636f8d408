"""What git's words on a failed fetch or push mean, and the next step for each."""

from __future__ import annotations

import re
from enum import StrEnum

LOCK = re.compile(r"Unable to create '([^']+\.lock)': File exists")


class Trouble(StrEnum):
    """Why the remote could not be used."""

    UNREACHABLE = "the remote does not answer"
    ABSENT = "the remote does not answer as a git repository"
    CREDENTIALS = "the remote refuses this machine's credentials"
    HOST_KEY = "the remote's ssh host key is not the known one"
    LOCKED = "a lock is in the way"
    UNSOUND = "git here refuses what the remote sent"
    REFUSED = "the remote refused them"


# The first row that matches holds; what none matches is the last word's. `{root}` and `{remote}` are filled in.
SIGNS: tuple[tuple[Trouble, tuple[str, ...]], ...] = (
    (Trouble.LOCKED, (".lock': File exists",)),
    (Trouble.UNSOUND, ("error in object", "fsck error", "invalid index-pack output", "unpack-objects failed")),
    (Trouble.HOST_KEY, ("Host key verification failed", "REMOTE HOST IDENTIFICATION HAS CHANGED")),
    (
        Trouble.CREDENTIALS,
        (
            "Authentication failed",
            "could not read Username",
            "could not read Password",
            "terminal prompts disabled",
            "Permission denied (",
            "returned error: 401",
            "returned error: 403",
            "Invalid username",
            "not authorized",
            "denied to",
        ),
    ),
    (Trouble.REFUSED, ("[remote rejected]",)),
    (
        Trouble.ABSENT,
        ("does not appear to be a git repository", "epository not found", "' not found", "404", "does not exist"),
    ),
    (Trouble.UNREACHABLE, ("unable to access", "Could not read from remote", "Could not resolve", "no answer within")),
)
ADVICE = {
    Trouble.UNREACHABLE: "it all waits here and goes with the next sync; to see more: git -C {root} fetch {remote}",
    Trouble.ABSENT: "see whether its address is right and you have access: git -C {root} remote -v",
    Trouble.CREDENTIALS: "log in until this works without a question: git -C {root} fetch {remote} "
    "(ssh: load the key with ssh-add; https: set a credential helper)",
    Trouble.HOST_KEY: "find out why, from somebody who runs the server, before you change known_hosts",
    Trouble.LOCKED: "see that no git is running there, then remove {lock}",
    Trouble.UNSOUND: "find out who pushed it, and remove it from the remote's history",
    Trouble.REFUSED: "its words say why: a protected branch, a hook, your rights there",
}


def diagnose(words: str, *, pushing: bool = False) -> Trouble:
    """Return what git's words mean. Words that say nothing: refused when pushing, else unreachable."""
    for trouble, signs in SIGNS:
        if any(sign in words for sign in signs):
            return trouble
    return Trouble.REFUSED if pushing else Trouble.UNREACHABLE


def find_lock(words: str) -> str:
    """Return the lock file that git found in its way, empty where it names none."""
    found = LOCK.search(words)
    return found.group(1) if found else ""


def advise(trouble: Trouble, words: str, root: object, remote: str) -> str:
    """Return what is wrong, git's own words, and the next step, on one line."""
    step = ADVICE[trouble].format(root=root, remote=remote, lock=find_lock(words))
    return f"{trouble.value}: {words}. Next step: {step}"
