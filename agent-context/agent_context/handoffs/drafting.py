"""Give a handoff its form: an outline through a template, the project's own or ours.

A template comes from the knowledge base, so from other people's commits: it runs in a sandbox, and gets text alone.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from agent_context import handoff as forms
from agent_context.errors import AgentContextError
from agent_context.layout import HANDOFF_TEMPLATE, PROJECTS

if TYPE_CHECKING:
    from agent_context.handoff import Section
    from agent_context.handoffs.gathering import Outline
    from agent_context.knowledge import KnowledgeBase

BUILT_IN = Path(__file__).parent.parent / "data" / "handoff" / HANDOFF_TEMPLATE
MOST_CHARACTERS = 100_000
MOST_ITEM = 400
MOST_TEXT = 3_000
HEADING = re.compile(r"^#{1,3}(?= )", re.MULTILINE)


def find_template(knowledge_base: KnowledgeBase, project: str) -> Path:
    """Return the project's own template, `handoff.md.j2` in its folder, else ours."""
    own = knowledge_base.root / PROJECTS / project / HANDOFF_TEMPLATE
    return own if own.is_file() and not own.is_symlink() else BUILT_IN


def draft(outline: Outline, message: str, template: Path) -> tuple[Section, ...]:
    """Return the sections that a template makes of an outline. Raise AgentContextError for one that does not work."""
    import jinja2  # noqa: PLC0415 - 40 ms that reading handoffs does not pay
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415 - the same

    # What comes out is Markdown for a terminal or an agent; whoever shows it as HTML sanitises it there.
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    try:
        text = environment.from_string(template.read_text(encoding="utf-8")).render(_words(outline, message))
    except (jinja2.TemplateError, OSError, UnicodeDecodeError, ArithmeticError, TypeError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise AgentContextError(
            f"{template}{f':{line}' if line else ''}: {type(error).__name__}: {error}",
            hint="mend the template, or take it away to use the built-in one",
        ) from None
    return forms.read_sections(text[:MOST_CHARACTERS])


def drop_empty(sections: tuple[Section, ...]) -> tuple[Section, ...]:
    """Return the sections in which something stands."""
    return tuple(section for section in sections if section.text.strip(" \n-*"))


def _words(outline: Outline, message: str) -> dict[str, object]:
    """Return the outline as a template sees it: each item on one line, nothing in it that reads as a heading."""
    fields = msgspec.structs.asdict(outline)
    lists = {
        name: [forms.shorten(item, MOST_ITEM) for item in value]
        for name, value in fields.items()
        if isinstance(value, tuple)
    }
    texts = {name: HEADING.sub("####", text[:MOST_TEXT]) for name, text in fields.items() if isinstance(text, str)}
    failure = [forms.plain(outline.failure[0]), outline.failure[1].replace("```", "~~")] if outline.failure else []
    return {**lists, **texts, "failure": failure, "message": forms.shorten(message, MOST_ITEM)}
