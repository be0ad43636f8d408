"""What a hook of a coding agent answers: the text its session is to be told, and a line for the log of decisions.

What only has to be noted for the next sync is noted by plugin/hooks/hook.sh itself.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from agent_context.errors import AgentContextError
from agent_context.git import locate_checkout
from agent_context.layout import PATTERNS
from agent_context.learning import utc
from agent_context.projects import Projects, identify
from agent_context.withholding import sift_all

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent_context.config import Environment
    from agent_context.knowledge import KnowledgeBase

MOST_CHARACTERS = 9_500  # the client takes 10,000 and makes a file of more


class HookCall(msgspec.Struct, frozen=True):
    """What the client says of the session, as far as a hook of ours asks."""

    session_id: str = ""
    cwd: str = ""


class Told(msgspec.Struct, frozen=True, rename="camel"):
    """What the session is told, in the client's own form."""

    hook_event_name: str
    additional_context: str


def remind(knowledge_base: KnowledgeBase, environment: Environment, call: HookCall) -> str:
    """Return what the files in the session's checkout should say and do not; empty where they do, and in no project."""
    from agent_context.delivery.documents import read_said  # noqa: PLC0415 - what the hook of each prompt does not pay
    from agent_context.delivery.planning import Planner, today  # noqa: PLC0415 - the same
    from agent_context.delivery.rendering import render_for, settle, weigh_entries  # noqa: PLC0415 - the same

    checkout = locate_checkout(Path(call.cwd or environment.cwd))
    place = identify(checkout, knowledge_base.remotes()) if checkout else None
    if checkout is None or place is None or place.folder not in knowledge_base.projects():
        return ""
    now = today(utc(time.time()))
    shelves = (sift_all(knowledge_base, environment, folder).entries for folder in (place.folder, PATTERNS))
    entries = [entry for shelf in shelves for entry in shelf]
    projects = Projects(environment.own, knowledge_base.remotes())
    projects.checkouts[str(checkout.top)] = place.folder
    plan = Planner(knowledge_base, environment, projects, now, only=place.folder).plan(entries)
    if not any(delivery.top.samefile(checkout.top) and delivery.changes for delivery in plan.deliveries):
        return ""
    settings = settle(knowledge_base.settings, knowledge_base.project(place.folder))
    weighed = weigh_entries(entries, place.folder, now)
    return render_for(settings.targets[0], weighed, settings, read_said(checkout.top)).text


def inform(knowledge_base: KnowledgeBase, environment: Environment, call: HookCall) -> str:
    """Return what other sessions at work here have to say to this one, each thing once."""
    from agent_context.live.telling import tell  # noqa: PLC0415 - what the hook of a session's start does not pay

    return tell(knowledge_base, environment, call.session_id, call.cwd)


# The client's name of each event that may be answered, and who answers it.
HOOKS: dict[str, tuple[str, Callable[[KnowledgeBase, Environment, HookCall], str]]] = {
    "session-start": ("SessionStart", remind),
    "user-prompt-submit": ("UserPromptSubmit", inform),
}


def answer(knowledge_base: KnowledgeBase, environment: Environment, event: str, data: bytes) -> Told | None:
    """Return what the session is to be told, None for nothing. Raise AgentContextError for what is no hook's JSON."""
    name, find_text = HOOKS[event]
    try:
        call = msgspec.json.decode(data, type=HookCall)
    except msgspec.DecodeError as error:
        raise AgentContextError(f"the {event} hook was given no JSON of its own: {error}") from None
    text = find_text(knowledge_base, environment, call)
    return Told(name, text[:MOST_CHARACTERS]) if text else None
