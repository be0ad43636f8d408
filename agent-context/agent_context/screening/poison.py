"""Text that addresses an agent instead of stating a fact, also where it is disguised. Pure: text in, hits out.

The rules are data in `poison_speech` and `poison_acts`, the disguises in `poison_views`. A filter of words stops only
cheap attacks, and plausible bad advice passes: review and provenance carry the weight.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from agent_context.screening.deceptive import find_deceptive
from agent_context.screening.invisible import Hit, find_invisible
from agent_context.screening.poison_acts import ACTS
from agent_context.screening.poison_speech import SPEECH
from agent_context.screening.poison_views import decode_blobs, disguise, fold
from agent_context.screening.poison_words import WORDS, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

RULES: dict[str, Rule] = {**SPEECH, **ACTS}
MARKS = r"[\s*_`\"'>,:;()\-]"
FEW_WORDS = r"(?:[^\w.!?。]{1,6}[\w'./\x7e@$-]{1,24}){0,3}?[^\w.!?。]{0,6}(?<![a-z])"
SAME_SENTENCE = r"(?:[^.!?。\n]|\.(?=\w)|\n(?!\s?\n)){0,80}?(?<![a-z])"
# What a pattern is looked up by: a word, a mark that opens markup, any other character.
BEGINNING = re.compile(r"[a-z]{1,40}|[<\[!@:/{]|(?<!\d)1(?=69)|[^\x00-\x7f]")
STEM = 4  # letters of a word by which those patterns are looked up that begin with a part of it
BEFORE = 48  # characters before a match in which a negation is looked for
NEGATION = re.compile(
    r"(?:\b(?:never|not|avoid|without|refuse to|instead of|cannot|prevent\w{0,4}|against|no|reject\w{0,3}|block\w{0,3}|"
    r"detect\w{0,3}|nicht|niemals|nie|jamais|pas|nunca|mai|non|nooit|niet|не|никогда)\b|n't\b|不要|不得|禁止|勿)"
    r"(?!\s(?:hesitate|fail|forget|just|only|merely))\W{0,3}(?:[\w']{1,14}\W{1,3}){0,3}$"
)


class _Pattern(NamedTuple):
    rule: str
    about: Rule
    compiled: re.Pattern[str]


def find_poison(text: str) -> list[Hit]:
    """Return what must not reach an agent: what is not seen, what deceives, what commands. Spans may overlap."""
    return find_invisible(text) + find_deceptive(text) + find_commands(text)


def find_commands(text: str, layers: int = 2) -> list[Hit]:
    """Return what commands an agent, also where the words are spaced, misspelt, turned or encoded up to `layers` deep.

    In a disguise only rules that are certain count: the looser ones would find words that chance put there.
    """
    hits = _drop_plain(list(_match(fold(text))))
    for view in disguise(text):
        hits += [view.locate(hit) for hit in _match(fold(view.text)) if hit.severity == "certain"]
    for start, end, decoded in decode_blobs(text) if layers else ():
        inner = max(find_commands(decoded, layers - 1), key=lambda hit: hit.severity == "certain", default=None)
        if inner is not None:
            hits.append(Hit(start, end, f"encoded-{inner.rule.removeprefix('encoded-')}", inner.severity))
    return hits


def _match(folded: str) -> Iterator[Hit]:
    patterns = _index_patterns()
    for beginning in BEGINNING.finditer(folded):
        word = beginning[0]
        for key in (word[:2], word[:3], word[:STEM])[: max(1, len(word) - 1)]:
            for pattern in patterns.get(key, ()):
                yield from _try(pattern, folded, beginning.start())
        for pattern in patterns.get(f"{word} ", ()):
            yield from _try(pattern, folded, beginning.start())


def _try(pattern: _Pattern, folded: str, at: int) -> Iterator[Hit]:
    match = pattern.compiled.match(folded, at)
    if match is not None and not (pattern.about.bends and _is_negated(folded, at)):
        yield Hit(at, match.end(), pattern.rule, pattern.about.severity)


def _drop_plain(hits: list[Hit]) -> list[Hit]:
    """Return the hits without those of plain speech that touch another, whose name they would otherwise hide."""
    grave = sorted((hit for hit in hits if not RULES[hit.rule].is_plain), key=lambda hit: hit.start)
    reach = list(accumulate((hit.end for hit in grave), max))
    plain = (hit for hit in hits if RULES[hit.rule].is_plain)
    alone = (hit for hit in plain if (at := bisect_left(grave, hit.end, key=_start)) == 0 or reach[at - 1] <= hit.start)
    return [*grave, *alone]


def _start(hit: Hit) -> int:
    return hit.start


def _is_negated(folded: str, at: int) -> bool:
    return NEGATION.search(folded[max(0, at - BEFORE) : at]) is not None


@cache
def _index_patterns() -> dict[str, list[_Pattern]]:
    """Return the patterns by how they begin: a whole word and a space, up to four letters, or one other character."""
    index: dict[str, list[_Pattern]] = defaultdict(list)
    for name, rule in RULES.items():
        for pattern in rule.patterns:
            compiled = _Pattern(name, rule, re.compile(write_out(pattern)))
            for key in sorted({_key(head) for head in find_heads(pattern)}):
                index[key].append(compiled)
    return dict(index)


def _key(head: str) -> str:
    if not ("a" <= head[0] <= "z"):
        return head[0]
    return head if head.endswith(" ") else head[:STEM]


def write_out(pattern: str) -> str:
    """Return the regular expression of a rule's pattern: its words, gaps and marks written out."""
    shorthands = {" ": f"{MARKS}{{1,6}}", " ?": f"{MARKS}{{0,6}}", "~": FEW_WORDS, "…": SAME_SENTENCE}
    filled = re.sub(r"\{([a-z]+)\}", lambda name: f"(?<![a-z])(?:{WORDS[name[1]]})(?![a-z])", pattern)
    return re.sub(r" \??|…|~", lambda mark: shorthands[mark[0]], filled)


def find_heads(pattern: str, after: str = "") -> list[str]:
    """Return the literal beginnings of a pattern, one for each alternative of it; a space says that the word ends."""
    if word := re.match(r"\{([a-z]+)\}", pattern):
        return [head for part in _split(WORDS[word[1]]) for head in find_heads(part, " ")]
    if pattern.startswith("(?:"):
        group = _first_group(pattern)
        after = pattern[len(f"(?:{group})") :] or after
        return [head for part in _split(group) for head in find_heads(part, after)]
    literal = re.match(r"[a-z]{1,40}|[^\\a-z\[\](){}?*+.|^$~… ]|\\[^\w]", pattern)
    if literal is None:
        raise AssertionError(f"BUG: the pattern {pattern!r} does not begin with two literal letters or a mark")
    head, rest = literal[0].removeprefix("\\"), pattern[literal.end() :] or after
    if rest[:1] in {"?", "*", "{"}:
        head = head[:-1]
    if "a" <= head[0] <= "z" and rest[:1] in set(" ~…'-"):
        return [f"{head} "]
    if len(head) == 1 and "a" <= head <= "z":
        raise AssertionError(f"BUG: the pattern {pattern!r} begins with a single letter of a word")
    return [head]


def _first_group(pattern: str) -> str:
    depth = 0
    for place, character in enumerate(pattern):
        depth += (character == "(") - (character == ")")
        if not depth:
            return pattern[len("(?:") : place]
    raise AssertionError(f"BUG: unbalanced pattern {pattern!r}")


def _split(alternatives: str) -> list[str]:
    """Return the alternatives of the outermost level."""
    parts, depth = [""], 0
    for character in alternatives:
        depth += (character == "(") - (character == ")")
        if character == "|" and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return parts
