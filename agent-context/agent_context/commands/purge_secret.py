"""`agent-context purge-secret`: a secret that got in, step by step out of every clone again."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from agent_context.commands.face import Face, json_option, kb_option, pass_face, plural, print_json
from agent_context.history.leaks import Leak, follow, leak_at, leak_of_value, rewrite, trace, verify
from agent_context.visible import show_hidden

if TYPE_CHECKING:
    from pathlib import Path

    from agent_context.history.leaks import Cleaned, Traced
    from agent_context.knowledge import KnowledgeBase


@click.command(name="purge-secret")
@click.argument("where", default="")
@click.option("--stdin", "from_stdin", is_flag=True, help="Read the secret from stdin, instead of WHERE.")
@click.option("--rewrite", "step", flag_value="rewrite", help="Rewrite this clone's history without it.")
@click.option("--verify", "step", flag_value="verify", help="Look whether it is gone, here and in the remote.")
@click.option("--follow", "step", flag_value="follow", help="On the other machines: follow the rewritten remote.")
@click.option("--yes", is_flag=True, help="Do not ask before rewriting.")
@kb_option
@json_option
@pass_face
def command(  # noqa: PLR0913 - one argument an option
    face: Face, where: str, step: str | None, kb: Path | None, *, from_stdin: bool, yes: bool, as_json: bool
) -> int:
    """Walk through removing a secret that got in. WHERE is FILE:LINE (agent-context check names it) or its hash.

    Without an option it changes nothing and says what to do, in order: make the secret worthless, rewrite, push, tell
    the other machines, verify. The secret is never printed, written or given to another program. Exits 3 when
    --verify still finds it.
    """
    knowledge_base = face.knowledge_base(kb)
    if step == "follow":
        followed = follow(knowledge_base, face.environment)
        click.echo(
            f"Now at {followed.commit[:10]}, with {plural(followed.own, 'commit')} of this machine's own on top."
        )
        return 0
    leak = _read_leak(knowledge_base, where, from_stdin=from_stdin)
    if step == "verify":
        return _verify(knowledge_base, leak, as_json=as_json)
    if step == "rewrite":
        if not yes:
            question = "Rewrite all branches and tags of this clone, and drop git's logs of where they were?"
            click.confirm(question, abort=True, err=True)
        cleaned = rewrite(knowledge_base, face.environment, leak)
        print_json(cleaned) if as_json else _print_cleaned(cleaned, leak)
        return 0
    traced = trace(knowledge_base, face.environment, leak)
    print_json(traced) if as_json else _print_steps(traced, knowledge_base)
    return 0


def _read_leak(knowledge_base: KnowledgeBase, where: str, *, from_stdin: bool) -> Leak:
    if from_stdin == bool(where):
        raise click.UsageError("name where it stands (FILE:LINE or its hash), or give it with --stdin")
    if not from_stdin:
        return leak_at(knowledge_base, where)
    hidden = sys.stdin.isatty()
    return leak_of_value(click.prompt("The secret", hide_input=True, err=True) if hidden else sys.stdin.read())


def _print_steps(traced: Traced, knowledge_base: KnowledgeBase) -> None:
    click.echo(
        f"{traced.rule} {show_hidden(traced.masked)}, hash {traced.digest}: in {plural(traced.objects, 'object')}"
    )
    for place in traced.places:
        click.echo(f"  {show_hidden(place)}")
    others = ", ".join(map(show_hidden, traced.machines)) or "every other clone"
    again = f"agent-context purge-secret {traced.digest}" if traced.rule != "secret" else "the same, with --stdin and"
    click.echo(
        f"1. Make it worthless first: whoever fetched it has it, and no rewriting takes that back.\n"
        f"   {traced.rotation}\n"
        f"2. Have every machine sync once, so that nobody's work is in the way.\n"
        f"3. Rewrite this clone: {again} --rewrite\n"
        f"   It puts [redacted:{traced.rule}] in its place in every commit of every branch and tag. (Or: git\n"
        f"   filter-repo --replace-text FILE in {knowledge_base.root}, with a file that holds the secret.)\n"
        f"4. Replace the remote's history: a push by force, which step 3 spells out and never does itself.\n"
        f"   {traced.remote or 'This clone has no remote: nothing to do.'}\n"
        f"5. On {others}: agent-context purge-secret --follow\n"
        f"   Until then sync there stops and says that the history was rewritten; nothing old comes back.\n"
        f"6. Ask the forge to drop its pull requests' copies, forks and caches of the old commits.\n"
        f"7. See that it is gone: {again} --verify\n"
        f"The session it came from still has it on its machine, and so have the copy in agent-context archive and a\n"
        f"site that was built before: build that anew."
    )


def _print_cleaned(cleaned: Cleaned, leak: Leak) -> None:
    click.echo(f"{plural(cleaned.moved, 'reference')} rewritten, {plural(cleaned.left, 'object')} here still hold it.")
    if cleaned.pushes:
        click.echo("Now replace the remote's history, once you have made the secret worthless:")
    for push in cleaned.pushes:
        click.echo(f"  {push}")
    click.echo(f"Then agent-context purge-secret --follow on every other machine. The hash is {leak.digest}.")


def _verify(knowledge_base: KnowledgeBase, leak: Leak, *, as_json: bool) -> int:
    verified = verify(knowledge_base, leak)
    if as_json:
        print_json(verified)
    else:
        remote = "no remote" if verified.remote is None else f"{plural(verified.remote, 'object')} in the remote"
        click.echo(f"{plural(verified.here, 'object')} here and {remote} hold it.")
    return 3 if verified.here or verified.remote else 0
