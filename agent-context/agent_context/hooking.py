"""What a hook of a coding agent answers: the text its session is to be told, and a line for the log of decisions.

What only has to be noted for the next sync is noted by plugin/hooks/hook.sh itself.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from agent_context.errors import AgentContextError
from agent_context.learning import utc

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
    from agent_context.delivery.checking import find_undelivered  # noqa: PLC0415 - not for a prompt

    return find_undelivered(knowledge_base, environment, Path(call.cwd or environment.cwd), utc(time.time()))


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
