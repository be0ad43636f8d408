"""What is done about findings: a table by whose words they are, their kind and severity. Values only.

Screening says what is there; the learner, the exchange and the registries carry out what is decided here.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from agent_context.learning import Finding, Speaker
from agent_context.screening.poison import RULES

if TYPE_CHECKING:
    from collections.abc import Iterable

Kind = Literal["secret", "personal", "poison"]
Severity = Literal["certain", "likely"]


class Origin(StrEnum):
    """Where words come from, the most trusted first."""

    USER = "typed by a person in a session of this machine"
    ASSISTANT = "said by the agent in a session of this machine"
    FOREIGN = "another machine's commit, a registry entry, a handoff, a skill"
    TOOL = "a tool's result or a web page"


class Action(StrEnum):
    """What becomes of a text, the mildest first."""

    PASS = "pass"  # noqa: S105 - no password
    REDACT = "redact"
    QUARANTINE = "quarantine"
    DROP = "drop"


SPEAKERS = {Speaker.USER: Origin.USER, Speaker.ASSISTANT: Origin.ASSISTANT}
# Even without a finding, what a tool said waits for a person: it is never evidence on its own.
AT_LEAST = {Origin.TOOL: Action.QUARANTINE}
# What others committed is in git already: it is kept from every reader, never rewritten or dropped here.
ACTIONS: dict[Origin, dict[tuple[Kind, Severity], Action]] = {
    origin: {
        ("secret", "certain"): Action.QUARANTINE if origin is Origin.FOREIGN else Action.DROP,
        ("secret", "likely"): Action.QUARANTINE,
        ("personal", "certain"): Action.REDACT,
        ("personal", "likely"): Action.REDACT,
        ("poison", "certain"): Action.QUARANTINE,
        ("poison", "likely"): Action.QUARANTINE,
    }
    for origin in Origin
}
SEVEREST = list(Action)


def weigh(findings: Iterable[Finding], origin: Origin) -> list[Finding]:
    """Return the findings that count for words of that origin.

    How people rightly speak to an agent of their own ("from now on you ...") is no finding in what a person typed.
    """
    return [
        finding
        for finding in findings
        if not (origin is Origin.USER and finding.kind == "poison" and is_plain_speech(finding))
    ]


def is_plain_speech(finding: Finding) -> bool:
    """Tell whether the finding is merely of the form of an instruction."""
    rule = RULES.get(finding.rule)
    return rule is not None and rule.is_plain


def decide(findings: Iterable[Finding], origin: Origin, *, stands_without: bool = False) -> Action:
    """Return what to do with a text: the severest action that any of its findings, or its origin alone, asks for.

    `stands_without` says that the claim keeps its meaning when certain secrets in it become `[redacted:rule]`; then
    they are redacted and nothing is dropped.
    """
    actions = [ACTIONS[origin][finding.kind, finding.severity] for finding in weigh(findings, origin)]
    if stands_without:
        actions = [Action.REDACT if action is Action.DROP else action for action in actions]
    return max([AT_LEAST.get(origin, Action.PASS), *actions], key=SEVEREST.index)
