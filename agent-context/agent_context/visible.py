"""Foreign text made visible: control, direction and zero-width characters spelled out before a person sees it."""

from __future__ import annotations

import re

# Controls, direction marks, zero-width and filler characters, tag characters and the variation selectors that carry
# hidden bytes. A joiner is kept only between two letters beyond ASCII, where scripts and emoji need it.
HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U000e0000-\U000e0fff]"
    "|(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])"
)


def show_hidden(text: str) -> str:
    """Return the text with every control, direction and invisible character spelled out, as in ⟦U+202E⟧."""
    return HIDDEN.sub(lambda found: f"⟦U+{ord(found[0]):04X}⟧", re.sub(r"\r\n?", "\n", text))
