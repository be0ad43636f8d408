from __future__ import annotations

from pathlib import Path

import pytest

from agent_context.extractors.explanations import MAX_EXPLAINED, explain
from agent_context.extractors.facts import weigh
from agent_context.extractors.passages import read_passages
from agent_context.extractors.prose import mask
from agent_context.learning import Kind
from agent_context.transcripts.session import Event, EventKind, Session

AT = "2026-03-01T09:00:00Z"
QUESTION = "how does the invoice import work?"
FACT = "The `import-invoices` hook only runs after the nightly backup, because both lock the same table."


def said(kind: EventKind, text: str, *, failed: bool = False) -> Event:
    return Event(kind, text, "id", AT, failed=failed)


def user(text: str) -> Event:
    return said(EventKind.USER, text)


def assistant(text: str) -> Event:
    return said(EventKind.ASSISTANT, text)


LOOK = said(EventKind.TOOL_RESULT, "def import_invoices(): ...")
EDIT = said(EventKind.TOOL_CALL, "Edit: src/invoices.py")


def claims(*events: Event) -> list[str]:
    session = Session(id="0123", path=Path("0123.jsonl"), started=AT, events=list(events))
    return [item.claim for item in explain(session)]


def test_what_an_assistant_answers_after_a_look_is_kept() -> None:
    assert claims(user(QUESTION), LOOK, assistant(FACT)) == [FACT]


def test_an_answer_without_a_look_is_not() -> None:
    assert claims(user(QUESTION), assistant(FACT)) == []
    assert claims(user(QUESTION), said(EventKind.TOOL_RESULT, "", failed=True), assistant(FACT)) == []


@pytest.mark.parametrize("reply", ["no, that's wrong", "hmm, isn't it the other way round?", "are you sure?"])
def test_what_the_person_then_doubts_is_dropped(reply: str) -> None:
    assert claims(user(QUESTION), LOOK, assistant(FACT), user(reply)) == []


def test_what_a_correction_brings_weighs_more_than_the_same_words_on_the_way() -> None:
    fact = "Both importers write the `Batch-Id` header to the ledger."

    assert claims(user("import the March files"), LOOK, assistant(fact), assistant("Done.")) == []
    assert claims(user("no, both write the Batch-Id header"), LOOK, assistant(f"You're right.\n\n{fact}")) == [fact]


def test_a_list_is_one_claim_with_the_sentence_above_it() -> None:
    message = (
        "Both importers write a `Batch-Id` header to the ledger:\n"
        "- **Nightly**: Takes it from the `backup.lock` file\n"
        "- **Manual**: Generates it when the command starts\n"
    )

    claim = (
        "Both importers write a `Batch-Id` header to the ledger: **Nightly**: Takes it from the `backup.lock` file;"
        " **Manual**: Generates it when the command starts"
    )
    assert claims(user(QUESTION), LOOK, assistant(message)) == [claim]


def test_the_next_sentence_may_be_the_reason() -> None:
    reason = "This prevents two imports from counting an invoice twice."
    session = Session(id="0123", path=Path("0123.jsonl"), events=[user(QUESTION), LOOK, assistant(f"{FACT} {reason}")])

    assert [(item.claim, item.why) for item in explain(session)] == [(FACT, reason)]


def test_a_label_and_the_word_now_go_where_the_sentence_stands_without_them() -> None:
    message = "**Changed behavior:** `import-invoices` now always skips files without a `Batch-Id` header when it runs."

    assert claims(user("skip them"), LOOK, assistant(message)) == [
        "`import-invoices` always skips files without a `Batch-Id` header when it runs."
    ]


def test_a_line_number_in_brackets_goes() -> None:
    fact = "`import_invoices` (line 12) never reads the `archive/` folder, because the backup owns it."

    assert claims(user(QUESTION), LOOK, assistant(fact)) == [fact.replace(" (line 12)", "")]


def test_of_two_explanations_that_say_the_same_the_later_one_stays() -> None:
    later = "The `import-invoices` hook only runs after the nightly backup, because both lock the `ledger` table."

    assert claims(user(QUESTION), LOOK, assistant(FACT), user("why?"), assistant(later)) == [later]


FACTS = (
    "The `ledger` table is only written by the nightly import job.",
    "`rates.csv` must contain a euro column before anything else loads.",
    "Customers without an address never receive the `reminder` letter.",
    "The archive bucket deletes objects after a year unless `hold` is set.",
    "Docker images for `arm64` cannot be pushed from the old runner.",
    "`make release` requires a signed tag when the changelog is empty.",
)


def test_a_session_gives_few_explanations() -> None:
    assert len(claims(user(QUESTION), LOOK, assistant("\n\n".join(FACTS)))) == MAX_EXPLAINED


@pytest.mark.parametrize(
    "message",
    [
        "Let me check how the `import-invoices` hook is only called after the backup.",
        "I changed the `import-invoices` hook, because it must never run before the backup.",
        "Updated `import-invoices` so that it never runs before the nightly backup, because both lock the table.",
        "Should the `import-invoices` hook only run after the nightly backup, because both lock the table?",
        "The `import-invoices` hook probably only runs after the backup, because both lock the table.",
        "The `import-invoices` hook was only called after the backup, because both lock the table.",
        "This hook only runs after the nightly backup, because both lock the `ledger` table.",
        "All 12 tests pass and `import-invoices` only runs after the backup, because both lock the table.",
        "`TestImportInvoices` only runs when the backup is done, because both lock the `ledger` table.",
        "Only runs after the nightly backup, because both lock the `ledger` table when they start.",
        "PR #12 makes `import-invoices` wait for the backup, because it must never run before.",
        "```\nthe `import-invoices` hook only runs after the nightly backup, because both lock\n```",
        "| `import-invoices` | only runs after the nightly backup, because both lock the table |",
        "How shall it wait?\n\n1. `import-invoices` only runs when the `backup.lock` file is gone\n2. never",
        "## Plan\n\n- `import-invoices` only runs after the nightly backup is done",
        "El hook `import-invoices` solo se ejecuta después de la copia nocturna, nunca antes de las `tablas`.",
        "フック `import-invoices` は夜間バックアップの後にのみ実行されます。",
    ],
)
def test_reports_plans_questions_guesses_and_other_languages_yield_nothing(message: str) -> None:
    assert claims(user("please go on"), LOOK, EDIT, assistant(message)) == []


def test_a_flaw_that_is_then_mended_is_no_fact() -> None:
    flaw = "`load_rates` never checks the currency when the file is empty, because the reader returns early."

    assert claims(user(QUESTION), LOOK, assistant(flaw)) == [flaw]
    assert claims(user(QUESTION), LOOK, assistant(flaw), user("please mend it"), EDIT) == []


@pytest.mark.parametrize(
    ("fact", "kind"),
    [
        (FACT, Kind.GOTCHA),
        (
            "`import-invoices` intentionally reads each file twice, because the `ledger` needs the total first.",
            Kind.DECISION,
        ),
        ("`import-invoices` stores each `Batch-Id` header in the ledger when the backup is done.", Kind.CONFIGURATION),
    ],
)
def test_the_kind_follows_the_words(fact: str, kind: Kind) -> None:
    session = Session(id="0123", path=Path("0123.jsonl"), events=[user(QUESTION), LOOK, assistant(fact)])

    assert [item.kind for item in explain(session)] == [kind]


def test_a_passage_knows_its_heading_and_the_sentence_above_its_list() -> None:
    message = (
        "## How it works\n\nThe ledger keeps:\n- the invoices of one year\n- the rates of `eur.csv`\n\n"
        "**Notes**\nIt is small."
    )

    assert [(passage.text, passage.heading, passage.lead) for passage in read_passages(message)] == [
        ("The ledger keeps:", "how it works", ""),
        ("The ledger keeps: the invoices of one year; the rates of `eur.csv`", "how it works", ""),
        ("the invoices of one year", "how it works", "The ledger keeps:"),
        ("the rates of `eur.csv`", "how it works", "The ledger keeps:"),
        ("It is small.", "notes", ""),
    ]


def test_a_list_whose_items_hold_more_than_one_sentence_is_not_joined() -> None:
    message = "The ledger keeps:\n- the invoices. And the rates.\n- the totals of a year\n"

    assert [len(passage.parts) for passage in read_passages(message)] == [1, 1, 1, 1]


def test_limits_and_reasons_weigh_more_than_a_plain_sentence() -> None:
    plain = weigh(mask("The importer reads the files of the `inbox/` folder in the night."))
    limited = weigh(mask("The importer only reads the files of the `inbox/` folder when the backup is done."))

    assert plain is not None
    assert limited is not None
    assert limited > plain
