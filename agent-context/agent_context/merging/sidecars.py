"""What a merge could not settle in a file that is no learning: kept in a file of its own beside it, nothing lost.

Its name holds a hash of its bytes: two machines that leave the same open write the same file, others never collide.
"""

from __future__ import annotations

import base64
import hashlib
import re
import tomllib

import msgspec
import tomli_w

from agent_context.errors import FormatError
from agent_context.layout import SEALED

NAME = re.compile(rf"\.conflict-[0-9a-f]{{10}}(?:{re.escape(SEALED)})?$")
HEAD = """\
# Two machines changed {name}, and no rule settles this: here is the version that does not stand in it.
# `agent-context resolve` shows both and settles it; deleting this file keeps what stands.
"""


class Sidecar(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One version that does not stand in the file: of the key in a table, or (no key) of the whole file.

    `blob` and `against` are git's ids of the whole files that it and what stands come from; `base64` tells that a file
    that is no text is given so.
    """

    text: str
    key: tuple[str, ...] = ()
    blob: str = ""
    against: str = ""
    base64: bool = False

    @property
    def data(self) -> bytes:
        """Return the version's bytes."""
        return base64.b64decode(self.text) if self.base64 else self.text.encode()


def make_sidecar(
    path: str, data: bytes, key: tuple[str, ...] = (), *, blob: str = "", against: str = ""
) -> dict[str, bytes]:
    """Return the file to put beside the one at `path`, by its own path."""
    try:
        value = Sidecar(data.decode(), key, blob, against)
    except UnicodeDecodeError:
        value = Sidecar(base64.b64encode(data).decode(), key, blob, against, base64=True)
    # In a string of several lines TOML makes one line end of another.
    text = tomli_w.dumps(msgspec.to_builtins(value), multiline_strings="\r" not in value.text)
    written = (HEAD.format(name=path.rpartition("/")[2]) + text).encode()
    return {f"{path}.conflict-{hashlib.sha256(written).hexdigest()[:10]}": written}


def read_sidecar(path: str, data: bytes) -> Sidecar:
    """Read such a file. Raise FormatError for what is none."""
    try:
        return msgspec.convert(tomllib.loads(data.decode()), Sidecar)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise FormatError(path, 1, str(error), hint="restore the file from git, or delete it") from None


def is_sidecar(path: str) -> bool:
    """Tell whether a file holds what a merge left open, by its name."""
    return bool(NAME.search(path))


def file_of(path: str) -> str:
    """Return the path of the file beside which a sidecar lies."""
    return NAME.sub("", path) + (SEALED if path.endswith(SEALED) else "")


def blob_id(data: bytes) -> str:
    """Return the id that git gives these bytes."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
