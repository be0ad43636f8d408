"""Files that are ours whole, and our block in a file of somebody's: what is outside it is kept byte for byte."""

from __future__ import annotations

import re

from agent_context.snippet.framing import MARKER

BEGIN = "<!-- agent-context:begin (generated; edits up to the end mark are lost) -->"
BEGIN_MADE = "<!-- agent-context:begin (generated, like this file; edits up to the end mark are lost) -->"
END = "<!-- agent-context:end -->"
IMPORT = "@AGENTS.md"
BEGIN_LINE = re.compile(rb"^<!-- agent-context:begin\b[^\r\n]*-->\r?$", re.MULTILINE)
END_LINE = re.compile(rb"^<!-- agent-context:end -->\r?$", re.MULTILINE)
CONFLICT = re.compile(rb"^(?:<{7}|>{7})(?: |$)", re.MULTILINE)
HEAD_BYTES = 2_000
DAMAGED = "its agent-context marks are damaged: leave one begin and one end, or none"


def own(text: str, front: str = "") -> bytes:
    """Return a file that is ours whole: front matter where there is any, the mark, the text."""
    return f"{front}{MARKER}\n\n{text}".encode()


def is_ours(data: bytes) -> bool:
    """Tell whether a whole file is ours: its mark stands at the beginning, or right below the front matter."""
    start = re.sub(rb"\A---\r?\n.*?\n---\r?\n", b"", data[:HEAD_BYTES], count=1, flags=re.DOTALL)
    return start.startswith(MARKER.encode())


def put_block(data: bytes | None, text: str, head: str = "") -> bytes:
    """Return the file with our block in it; a file that is not there begins with `head`, if any.

    Raise ValueError, with the reason, where the file is not to be touched.
    """
    data = data or b""
    newline = _find_newline(data)
    found = _find_block(data)
    begin = BEGIN_MADE if not data or (found and BEGIN_MADE.encode() in found[2]) else BEGIN
    block = f"{begin}\n{text.strip()}\n{END}".encode().replace(b"\n", newline)
    above = f"{head}\n\n".encode() if head else b""
    if found:
        # A file that we made gets its head, too, when the reason for one comes later.
        before = above if begin == BEGIN_MADE and not found[0].strip() else found[0]
        return before + block + found[1]
    if not data:
        return above + block + newline
    # Without a line's end at its own end, the file gets none after the block: so it can be given back as it was.
    return data + (newline + block + newline if data.endswith(b"\n") else newline * 2 + block)


def take_block(data: bytes) -> bytes | None:
    """Return the file without our block, as it was before; None where the file is then nobody's.

    Raise ValueError as put_block does.
    """
    found = _find_block(data)
    if found is None:
        return data
    before, after, block = found
    newline = _find_newline(data)
    joined = before.removesuffix(newline) + after.removeprefix(newline)
    rest = joined if after else before.removesuffix(newline * 2)
    made = BEGIN_MADE.encode() in block
    return None if made and rest.strip() in (b"", IMPORT.encode()) else rest


def cut_block(text: str) -> str:
    """Return a text without what is ours in it: for who reads what a person wrote."""
    if is_ours(text.encode()):
        return ""
    return re.sub(
        r"^<!-- agent-context:begin\b.*?^<!-- agent-context:end -->$", "", text, flags=re.DOTALL | re.MULTILINE
    )


def put_line(data: bytes, line: bytes) -> bytes:
    """Return a file of lines with this one at its end, unless it is there."""
    if line in data.splitlines():
        return data
    return data + (line + b"\n" if not data or data.endswith(b"\n") else b"\n" + line)


def take_line(data: bytes, line: bytes) -> bytes:
    """Return a file of lines without this one, as it was before."""
    if data.endswith(b"\n" + line):
        return data.removesuffix(b"\n" + line)
    return b"".join(item for item in data.splitlines(keepends=True) if item.rstrip(b"\r\n") != line)


def _find_block(data: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Return what stands before, after and between our marks (these included); None where there are none."""
    begins, ends = list(BEGIN_LINE.finditer(data)), list(END_LINE.finditer(data))
    if b"\0" in data:
        raise ValueError("it is not UTF-8 text")
    if CONFLICT.search(data):
        raise ValueError("a merge is under way in it")
    if not begins and not ends:
        return None
    if len(begins) != 1 or len(ends) != 1 or ends[0].start() < begins[0].start():
        raise ValueError(DAMAGED)
    end = ends[0].start() + len(END)
    return data[: begins[0].start()], data[end:], data[begins[0].start() : end]


def _find_newline(data: bytes) -> bytes:
    return b"\r\n" if b"\r\n" in data else b"\n"
