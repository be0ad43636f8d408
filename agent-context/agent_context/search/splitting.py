"""Cuts text into the words to look for, also where no space parts them: camelCase, and writing without spaces."""

from __future__ import annotations

import re
from itertools import chain, pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

WORD = re.compile(r"\w+")
# Kana, Han and Hangul: runs of them are looked for by pairs of characters.
UNSPACED = re.compile(r"([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]+)")
CAMEL = re.compile(r"[a-z\d][A-Z]|[A-Z]{2}[a-z]{2}")  # not the plural of an acronym: IDs
CAMEL_PART = re.compile(r"[A-Z]+s?(?![a-z])|[A-Z]?[a-z]+")


def split_words(text: str) -> list[str]:
    """Return the words of a query in order, in lower case; a run of unspaced writing as its pairs of characters."""
    return list(chain.from_iterable(_cut(word) for word in WORD.findall(text.casefold())))


def find_parts(text: str) -> str:
    """Return what a full-text index has to hold beside a text, so that its words are found by their parts too."""
    parts: list[str] = []
    for word in WORD.findall(text):
        if CAMEL.search(word):
            parts += CAMEL_PART.findall(word)
        if UNSPACED.search(word):
            parts += [*_cut(word), *chain.from_iterable(UNSPACED.findall(word))]  # and each character
    return " ".join(parts)


def _cut(word: str) -> Iterator[str]:
    for number, piece in enumerate(UNSPACED.split(word)):
        if number % 2 and len(piece) > 1:
            yield from map("".join, pairwise(piece))
        elif piece:
            yield piece
