"""The symbol that each marked line of small sources in thirteen languages belongs to."""

from __future__ import annotations

import pytest
from symbol_samples import SAMPLES, marked_lines

from agent_context.symbols import find_language, find_symbols, name_symbols
from agent_context.symbols.grammars import LANGUAGES, load_parser


@pytest.mark.parametrize("name", SAMPLES)
def test_every_line_belongs_to_its_innermost_definition(name: str) -> None:
    text, expected = SAMPLES[name].encode(), marked_lines(SAMPLES[name])
    found = {line: name_symbols(text, find_language(name), [(line, line)]) for line in expected}
    assert found == {line: (symbol,) if symbol else () for line, symbol in expected.items()}
    assert len({symbol for symbol in expected.values() if symbol}) >= 4


def test_a_span_names_all_it_touches_and_an_empty_one_none() -> None:
    text = b"def a():\n    return 1\n\n\nclass B:\n    def c(self):\n        return 2\n"
    assert name_symbols(text, "python", [(2, 7)]) == ("B", "B.c", "a")
    assert name_symbols(text, "python", [(3, 4)]) == ()
    assert name_symbols(text, "python", [(3, 2), (900, 901)]) == ()
    assert [(item.name, item.start, item.end) for item in find_symbols(text, "python")] == [
        ("a", 1, 2),
        ("B", 5, 7),
        ("B.c", 6, 7),
    ]


@pytest.mark.parametrize("language", sorted(set(LANGUAGES.values())))
def test_every_language_has_its_grammar_and_takes_what_does_not_parse(language: str) -> None:
    load_parser(language)
    for text in (b"", b"\x00\xff def (((( {{{{ class \n" * 20, "function ⟦ä\n".encode() * 5):
        assert all(item.start <= item.end for item in find_symbols(text, language))


def test_a_deeply_nested_file_and_a_huge_one_are_borne() -> None:
    deep = b"def top():\n    return " + b"(" * 5000 + b"1" + b")" * 5000 + b"\n"
    assert name_symbols(deep, "python", [(2, 2)]) == ("top",)
    assert find_symbols(b"def a():\n    pass\n" * 40_000, "python") == []


def test_a_file_of_no_known_language_has_none() -> None:
    assert [find_language(name) for name in ("notes.md", "Makefile", "a.py", "/x/y/b.tsx", "c.d.ts")] == [
        "",
        "",
        "python",
        "tsx",
        "typescript",
    ]
