"""The errors that a person is meant to read: what happened, where, and the next step."""


class AgentContextError(Exception):
    """Say what went wrong, and in `hint` what to do next. `exit_code` is what the program ends with."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def advice(self) -> str:
        """Return message and hint on one line."""
        return f"{self.message} ({self.hint})" if self.hint else self.message


class NeedsPersonError(AgentContextError):
    """Only a person can go on from here (a conflict, another branch checked out); nothing was changed."""

    exit_code = 3


class FormatError(AgentContextError):
    """A file of ours does not read. Names the file, the line (from 1) and the key."""

    def __init__(self, path: str, line: int, message: str, *, key: str = "", hint: str = "") -> None:
        where = f"{path}:{line}: " + (f"{key}: " if key else "")
        super().__init__(where + message, hint=hint)
        self.path = path
        self.line = line
        self.key = key


class SealedError(AgentContextError):
    """An encrypted file cannot be opened with the keys of this machine."""


class ExtractionError(AgentContextError):
    """One session could not be extracted now; it stays unread and is tried again by the next sync."""


class CapReachedError(ExtractionError):
    """The money set aside for a run or a day is spent; what is left waits for the next one."""


class RepositoryError(AgentContextError):
    """The git repository or its remote does not answer as it should."""


class MissingExtraError(AgentContextError):
    """A package of an optional extra is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"the package {package} is not installed",
            hint=f"install agent-context with its extra `{extra}` (in a clone of it, make does: make sync, make site)",
        )
