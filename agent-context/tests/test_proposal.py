"""What a pull request says, whole; and that no word of a session can do anything on a forge."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from samples import AT, make_learning

from agent_context.learning import Source, Speaker, Status
from agent_context.proposal import (
    LONGEST_BODY,
    Proposed,
    Refused,
    Remark,
    Riding,
    Text,
    quote_code,
    rank,
    render_body,
    render_title,
)

PATH = "projects/o.r/2026-03/deploy-with-make-deploy-3f9c2a71b0.md"
SAID = make_learning(
    "Deploy with `make deploy`.",
    status=Status.ACCEPTED,
    why=("The other way skips the migrations.",),
    evidence=("no, use make deploy\nit runs the migrations",),
    paths=("Makefile",),
)
PLAIN = make_learning("Prices are cents.", sources=(Source("vm", "s2", AT, Speaker.ASSISTANT),))
TEXT = Text(
    "laptop",
    (
        Proposed("o.r", PATH, SAID, Remark("contradicts", "aaaaaaaaaa", "Deploy with `fly deploy`.", "make, fly")),
        Proposed("o.r", "projects/o.r/2026-03/prices-are-cents-0000000000.md", PLAIN),
    ),
    (
        Riding("confirmed", "x.md", "Ids are ULIDs."),
        Riding("rejected", "y.md", "Use tabs.", "not taken in #3"),
        Riding("edited", "agent-context.toml"),
    ),
    queued=4,
    counts={"exact duplicate": 7, "secret: aws": 1},
    refused=(Refused("o.r", "exact duplicate", "x", "Deploy with make."), Refused("o.r", "secret: aws", "AKIA…")),
)
WHOLE = """\
2 learnings to review, about 1 minute to read.

Merge to accept: a merge, a squash and a rebase all work. To leave one out, delete its file or set `status: rejected` \
in it; to better one, edit its file. Closing the pull request turns all of them down.

4 more learnings will be proposed once this is decided.

### 1. Gotcha in `o.r`

``Deploy with `make deploy`.``

- why: `The other way skips the migrations.`
- said by the user on `laptop`, session `0a1b2c3d`, 2026-03-01
- evidence: `no, use make deploy it runs the migrations`
- about: `Makefile`
- **contradicts** `aaaaaaaaaa`, which says ``Deploy with `fly deploy`.`` (`make, fly`)
- file: `projects/o.r/2026-03/deploy-with-make-deploy-3f9c2a71b0.md`

### 2. Gotcha in `o.r`

`Prices are cents.`

- said by the assistant on `vm`, session `s2`, 2026-03-01
- file: `projects/o.r/2026-03/prices-are-cents-0000000000.md`

### Going along

- confirmed: `Ids are ULIDs.`
- rejected: `Use tabs.` (`not taken in #3`)
- edited by hand: `agent-context.toml`

<details><summary>Dropped: 7 exact duplicate, 1 secret: aws</summary>

- exact duplicate, `o.r`: `Deploy with make.`
- secret: aws, `o.r`: `AKIA…`

</details>
"""


def test_the_whole_text() -> None:
    assert render_body(TEXT) == WHOLE


def test_the_title_names_project_and_machine() -> None:
    assert render_title(TEXT) == "Knowledge from laptop: 2 learnings in o.r"
    two = (*TEXT.proposed, Proposed("a.b", "projects/a.b/2026-03/x.md", PLAIN))
    assert render_title(Text("laptop", two)) == "Knowledge from laptop: 3 learnings in 2 projects"
    assert render_title(Text("laptop", (), TEXT.riding[:1])) == "Knowledge from laptop: 1 change"


def test_a_project_s_name_says_nothing_to_a_forge_in_the_title() -> None:
    hostile = Proposed("@everyone #1 <b>", "projects/x/2026-03/x.md", None)
    assert render_title(Text("laptop", (hostile,))) == "Knowledge from laptop: 1 learning in everyone 1 b"


def test_the_user_s_word_goes_first_then_evidence_then_age() -> None:
    said = (Source("vm", "s", AT, Speaker.USER),)
    heard = (Source("vm", "s", AT, Speaker.ASSISTANT),)
    order = [
        make_learning("A", sources=said, evidence=("q",), created="2026-03-01T10:00:00Z"),
        make_learning("B", sources=said, evidence=("q",), created="2026-03-02T10:00:00Z"),
        make_learning("C", sources=said),
        make_learning("D", sources=heard, evidence=("q",), created="2026-01-01T10:00:00Z"),
    ]
    items = [Proposed("o.r", f"{item.claim}.md", item) for item in order]
    closed = Proposed("o.r", "closed.md", None)
    assert rank([closed, *reversed(items)]) == [*items, closed]


def test_an_encrypted_learning_shows_no_word() -> None:
    text = render_body(Text("laptop", (Proposed("o.r", "projects/o.r/2026-03/3f9c2a71b0.md.age", SAID),)))
    assert "this file is encrypted" in text
    assert "deploy" not in text.lower()


def test_a_long_text_is_cut_between_learnings_and_says_so() -> None:
    claims = [make_learning(f"{number} " + "word " * 100, evidence=("quote " * 200,) * 3) for number in range(50)]
    text = render_body(Text("laptop", [Proposed("o.r", "x.md", item) for item in claims], counts={"exact": 1}))
    assert len(text) <= LONGEST_BODY + 200
    assert "more learnings in the files of this pull request." in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "`plain`"),
        ("a\n\n# b", "`a # b`"),
        ("`x`", "`` `x` ``"),
        ("a ``` b", "````a ``` b````"),
        ("", "(nothing)"),
        ("zero\u200bwidth", "`zero⟦U+200B⟧width`"),
    ],
)
def test_foreign_text_becomes_a_code_span(text: str, expected: str) -> None:
    assert quote_code(text) == expected


@given(st.text(alphabet=st.sampled_from("ab `\\<>@#!/*_[]()\n\r-+=~|&;:'\"1.")))
def test_no_text_gets_out_of_its_code_span(text: str) -> None:
    tokens = MarkdownIt("commonmark").parse(f"- said: {quote_code(text)} end")
    inline = next(token for token in tokens if token.type == "inline")
    kinds = [child.type for child in inline.children or []]
    assert kinds in (["text", "code_inline", "text"], ["text"])
    assert [token.type for token in tokens if token.type == "html_block"] == []
