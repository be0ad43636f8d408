"""What the first duplicate rule drops, on pairs of our own: true rewordings, and traps that say something else.

    python agent-context/benchmarks/near_duplicates.py [--encoder minilm|sentence-transformers]

A pair is dropped when consolidation calls the second claim an exact or near duplicate of the first; beside it, what
plain cosine at the same threshold would drop. A trap that is dropped is a loss, a rewording that is kept is only said
twice, so the rule leans to keeping. It was tuned while looking at these pairs.
"""

from __future__ import annotations

import argparse

from agent_context import similarity
from agent_context.consolidation import Consolidation
from agent_context.encoders import ENCODERS, Encoder
from agent_context.learning import Kind, Learning, Status, Verdict, learning_id

REWORDINGS = (
    ("Always run the linter before committing.", "Always run the linter before you commit."),
    ("We always use uv instead of pip for installs.", "We always use uv instead of pip when installing."),
    ("Use `make deploy` for releases.", "Use `make deploy` for our releases."),
    ("Prices are stored as integer cents.", "All prices are stored as integer cents."),
    ("The database is reset before every test run.", "The database is reset before each test run."),
    ("Write commit messages in the imperative mood.", "Commit messages are written in the imperative mood."),
    ("Tests must not reach the network.", "The tests must not reach out to the network."),
    ("The API returns dates in UTC.", "Dates are returned in UTC by the API."),
    ("Ask before adding a new dependency.", "Please ask before you add a new dependency."),
    ("Feature flags live in `flags.toml`.", "The feature flags live in `flags.toml`."),
    ("Generated files are never edited by hand.", "Never edit generated files by hand."),
    ("Keep functions short.", "Functions should be kept short."),
    ("Restart the worker after changing a template.", "After a template is changed, restart the worker."),
    ("The staging server needs the VPN.", "You need the VPN for the staging server."),
    ("Log messages are in English.", "We write log messages in English."),
    ("Do not log personal data.", "Personal data is not to be logged."),
)
TRAPS = (
    ("The deploy job times out after 30 minutes.", "The deploy job times out after 60 minutes."),
    ("The release is on October 15th.", "The release is on October 16th."),
    ("Pin numpy to 1.26.", "Pin numpy to 1.27."),
    ("Never rebase the main branch.", "Always rebase the main branch."),
    ("Run `make lint` before pushing.", "Run `make test` before pushing."),
    ("Edit `src/a.py` by hand.", "Edit `src/b.py` by hand."),
    ("Call it with --force.", "Call it with --dry-run."),
    ("Enable the query cache in production.", "Disable the query cache in production."),
    ("Prefer tabs over spaces.", "Prefer spaces over tabs."),
    ("Run the linter before committing.", "Run the linter after committing."),
    ("Use uv, not pip.", "Use pip, not uv."),
    ("All endpoints need a token.", "Some endpoints need a token."),
    ("The cache is shared between workers.", "The cache is not shared between workers."),
    ("Tests run against Postgres.", "Tests run against SQLite."),
    ("The staging server needs the VPN.", "The production server needs the VPN."),
    ("Log messages are in English.", "Log messages are in German."),
    ("The frontend is built with Vite.", "The frontend is built with Webpack."),
    ("Reviews need one approval.", "Reviews need two approvals."),
    ("Migrations run on start.", "Migrations run on deploy."),
    ("The nightly job writes to the archive.", "The nightly job reads from the archive."),
    ("Only admins may delete a project.", "Only owners may delete a project."),
    ("Keep the old API until March.", "Keep the old API until May."),
    ("The client retries on a timeout.", "The client fails on a timeout."),
    ("Public functions have docstrings.", "Private functions have docstrings."),
)


def is_dropped(first: str, second: str, encoder: Encoder) -> bool:
    """Tell whether the second claim is dropped where the first is known."""
    known = Learning(learning_id("p", first), Kind.CONVENTION, Status.ACCEPTED, "2026-01-01T00:00:00Z", first)
    decision = Consolidation([known], encoder, None).decide(second, learning_id("p", second))
    return decision.verdict is not Verdict.NEW


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", choices=list(ENCODERS), default="minilm")
    encoder = ENCODERS[parser.parse_args().encoder]()
    print(f"{encoder.model}, near from cosine {encoder.near}")
    for name, pairs in (("rewordings", REWORDINGS), ("traps", TRAPS)):
        dropped = sum(is_dropped(first, second, encoder) for first, second in pairs)
        vectors = [encoder.encode(pair) for pair in pairs]
        plain = sum(similarity.cosine(first, second) >= encoder.near for first, second in vectors)
        print(f"{name}: {dropped} of {len(pairs)} dropped by the rule, {plain} by cosine alone")
        for first, second in pairs:
            if is_dropped(first, second, encoder) == (name == "traps"):
                print(f"    {'LOST' if name == 'traps' else 'kept'}: {first} | {second}")


if __name__ == "__main__":
    main()
