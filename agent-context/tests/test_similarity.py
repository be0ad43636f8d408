"""What one claim is to another, by words alone and with a meaning given; no encoder runs here."""

from __future__ import annotations

import struct

import pytest

from agent_context.consolidation.calibrating import load_pairs
from agent_context.encoders.calibration import load_verifier
from agent_context.similarity import Context, Likeness, Relation, compare, cosine, find_guard, find_wordy
from agent_context.similarity.quantities import find_quantities


def judge(first: str, second: str, meaning: float | None = 1.2, differs: tuple[str, ...] = ()) -> Likeness:
    return compare(first, second, load_verifier(), meaning, differs)


CONFLICTS = [
    ("The timeout is 30 s.", "The timeout is 60 s.", "numbers"),
    ("Uploads are limited to 10 MB.", "Uploads are limited to 10 GB.", "numbers"),
    ("Release on October 15th.", "Release on October 16th.", "numbers"),
    ("Pin numpy to 1.26.", "Pin numpy to 1.27.", "numbers"),
    ("The project targets ES2019.", "The project targets ES2022.", "identifiers"),
    ("Never rebase main.", "Always rebase main.", "negation"),
    ("The cache is shared between workers.", "The cache is not shared between workers.", "negation"),
    ("Secrets are encrypted at rest.", "Secrets are stored unencrypted at rest.", "negation"),
    ("Keep the lockfile in git.", "Keep the lockfile out of git.", "negation"),
    ("Run `make lint` first.", "Run `make test` first.", "identifiers"),
    ("Edit src/a.py by hand.", "Edit src/b.py by hand.", "identifiers"),
    ("Call it with --force.", "Call it with --dry-run.", "identifiers"),
    ("Enable the cache.", "Disable the cache.", "opposites"),
    ("Prefer tabs over spaces.", "Prefer spaces over tabs.", "negation"),
    ("Use uv, not pip.", "Use pip, not uv.", "negation"),
    ("Run the linter before committing.", "Run the linter after committing.", "order"),
    ("Copy the file from staging to production.", "Copy the file from production to staging.", "order"),
    ("Tests run against Postgres.", "Tests run against SQLite.", "value"),
    ("Deploys happen on Mondays.", "Deploys happen on Tuesdays.", "value"),
    ("All endpoints need a token.", "Some endpoints need a token.", "scope"),
]


@pytest.mark.parametrize(("a", "b", "guard"), CONFLICTS)
def test_what_embeddings_take_for_the_same_is_called_a_contradiction_both_ways(a: str, b: str, guard: str) -> None:
    for first, second in ((a, b), (b, a)):
        likeness = judge(first, second)
        assert likeness.relation is Relation.CONTRADICTS, likeness
        assert any(reason.startswith(f"{guard}: ") for reason in likeness.reasons)


GUARDED = [
    ("Never deploy without a backup.", "Never deploy with a backup."),
    ("Merge first, then deploy the branch.", "Deploy first, then merge the branch."),
    ("Commits must be signed.", "Commits should be signed."),
    ("Admins may deploy.", "Admins deploy."),
    ("Use npm or yarn.", "Use npm and yarn."),
    ("Only admins can deploy.", "Admins can only deploy."),
    ("Only admins can deploy.", "Admins can deploy."),
    ("The old API was removed.", "Remove the old API."),
    ("We used to use npm.", "We use npm."),
    ("The API calls the worker.", "The API is called by the worker."),
    ("The user owns the session.", "The session owns the user."),
    ("Import from `src/app`.", "Import from `src/App`."),
    ("Upgrade from Node 18 to Node 20.", "Upgrade from Node 20 to Node 18."),
    ("Read in 30 s and write in 60 s.", "Read in 60 s and write in 30 s."),
    ("Retry for 5 minutes.", "Retry every 5 minutes."),
    (
        "Enable caching in staging. Disable logging in production.",
        "Disable caching in staging. Enable logging in production.",
    ),
    ("Rollback if the migration fails.", "Migrate if the rollback fails."),
    ("Wait until the job is done.", "Wait after the job is done."),
    ("Use X for reads and Y for writes.", "Use Y for reads and X for writes."),
]


@pytest.mark.parametrize(("a", "b"), GUARDED)
@pytest.mark.parametrize("meaning", [2.0, None])
def test_what_a_guard_forbids_is_never_the_same_however_near(a: str, b: str, meaning: float | None) -> None:
    assert judge(a, b, meaning).relation is not Relation.SAME
    assert judge(b, a, meaning).relation is not Relation.SAME


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Always run the linter before committing.", "Before you commit, always run the linter."),
        ("Wait 2 seconds between retries.", "Between retries, wait two seconds."),
        ("Set the timeout to 5 seconds.", "Set the timeout to 5000 ms."),
        ("Personal data is not to be logged.", "Never log personal data."),
        ("Use `ruff`, not `flake8`.", "Use `ruff` instead of `flake8`."),
        ("Migrations are applied by the deploy pipeline.", "The deploy pipeline applies the migrations."),
        ("Nobody may push to `main`.", "Pushing to `main` is forbidden."),
        ("Telemetry must be turned off in tests.", "In tests, disable telemetry."),
    ],
)
def test_a_rewording_without_a_guard_is_the_same_both_ways(a: str, b: str) -> None:
    assert judge(a, b).relation is Relation.SAME, find_guard(a, b)
    assert judge(b, a).relation is Relation.SAME, find_guard(b, a)


def test_what_says_more_and_keeps_the_rest_refines() -> None:
    likeness = judge("Use uv for installs.", "Use uv for installs; plain pip ignores the lockfile.")
    assert likeness.relation is Relation.REFINES
    assert likeness.reasons == ("adds 'plain', 'pip', 'ignores', 'lockfile'",)
    assert (
        judge("Use uv for installs; plain pip ignores the lockfile.", "Use uv for installs.").relation is Relation.NEAR
    )


def test_another_kind_or_project_is_near_however_same() -> None:
    claim = "Use uv for installs."
    likeness = judge(claim, claim, 2.0, ("another kind: gotcha against decision",))
    assert (likeness.relation, likeness.reasons[0]) == (Relation.NEAR, "another kind: gotcha against decision")


def test_what_is_about_something_else_is_other() -> None:
    assert judge("Use uv for installs.", "Charts are drawn with D3.", -2.0).relation is Relation.OTHER
    assert judge("Use uv for installs.", "Charts are drawn with D3.", None).relation is Relation.OTHER


def test_another_subject_is_no_contradiction() -> None:
    likeness = judge("The web app uses React 18.", "The admin app uses React 17.", 0.5)
    assert likeness.relation is Relation.NEAR


def test_what_two_differences_may_take_back_is_no_contradiction() -> None:
    assert judge("Do not disable the type checker.", "Keep the type checker enabled.").relation is Relation.NEAR


def test_longer_texts_are_read_sentence_by_sentence() -> None:
    a = "Never call the billing API from a test. It charges the shared sandbox card."
    b = "Tests must not call the billing API, because it charges the shared sandbox card."
    assert judge(a, b).relation is Relation.SAME
    assert judge(a, b.replace("shared sandbox", "shared production")).relation is not Relation.SAME


def test_what_is_too_long_to_be_read_is_never_the_same() -> None:
    words = " ".join(f"Rule {chr(97 + number % 26)} holds." for number in range(1200))
    assert judge(words, words).relation is Relation.NEAR


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("30 s", ("30 s",)),
        ("half a minute, 2 min", ("120 s",)),
        ("1,000 requests", ("1000",)),
        ("v1.2", ("1.2",)),
        ("10 MB or 10 GB", ("1e+07 byte", "1e+10 byte")),
        ("three times, once per day", ("3", "1")),
        ("October 15th at 2 am", ("15", "2 am")),
        ("80% is 80 percent", ("80 %", "80 %")),
    ],
)
def test_quantities_have_one_form(text: str, found: tuple[str, ...]) -> None:
    assert find_quantities(text) == found


def test_a_claim_is_embedded_with_its_context() -> None:
    assert Context().around("Use uv.") == "project, learning: Use uv."
    assert Context("gotcha", "o.r", ("a.py",)).around("Use uv.") == "o.r, gotcha, a.py: Use uv."


def test_no_training_pair_that_is_not_the_same_passes_alignment_and_guards() -> None:
    """The verifier comes last: what the guards let through must already be right on what they were made with."""
    passed = [
        (pair.a, pair.b)
        for pair in load_pairs("train")
        if pair.label != "same" and judge(pair.a, pair.b, 2.0).relation is Relation.SAME
    ]
    assert passed == []


def test_who_says_the_same_does_not_depend_on_the_side() -> None:
    for pair in load_pairs("train"):
        same = judge(pair.a, pair.b).relation is Relation.SAME
        assert same == (judge(pair.b, pair.a).relation is Relation.SAME), (pair.a, pair.b)


def test_words_alone_find_who_shares_them() -> None:
    others = ["Charts are drawn with D3.", "Use uv, not pip.", "For installs use uv."]
    assert find_wordy("Use uv for installs.", others, 1) == [2]


def test_cosine_is_the_dot_product_of_little_endian_floats() -> None:
    assert cosine(struct.pack("<3f", 1, 0, 0), struct.pack("<3f", 0.6, 0.8, 0)) == pytest.approx(0.6)
