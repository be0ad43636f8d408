from __future__ import annotations

from agent_context.rulefiles import find_statements

TEXT = """---
description: rules
---
# Project

@AGENTS.md

Prices are **integer cents**, never floats. Round only
when you print them.

<!-- - not said at all, ever -->

- Run `make lint` before each commit.
  It takes a minute.
* short one
1. Deploy with `make deploy`.

```bash
- this is code, not a rule
```

| a | table says nothing here |
"""


def test_bullets_and_sentences_are_found_and_the_rest_is_not() -> None:
    assert find_statements(TEXT) == [
        "Prices are integer cents, never floats.",
        "Round only when you print them.",
        "Run `make lint` before each commit.",
        "It takes a minute.",
        "Deploy with `make deploy`.",
    ]


def test_nothing_is_found_in_nothing() -> None:
    assert find_statements("") == []
    assert find_statements("# Only a heading\n") == []
