"""The extractor that asks the user's own `claude -p`: their program, their login, none of their hooks or files.

What each switch does was observed with Claude Code 2.1.329; money and failures are read from its JSON result.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from agent_context.config import child_environment
from agent_context.errors import CapReachedError, ExtractionError
from agent_context.extractors.prompt import SCHEMA, Dropped, Prompt, has_words, read_answer, render_prompt
from agent_context.prices import Price, Usage, cost_usd, find_price

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent_context.learning import Candidate
    from agent_context.purse import Purse
    from agent_context.transcripts.session import Session

MAX_TURNS = 3  # an answer that violates the schema is asked for again, in a turn of its own
MAX_OUTPUT_TOKENS = 8_192
OVERHEAD_TOKENS = 4_000  # what the client adds to every request: environment, tools, the schema
SMALLEST_USD = 0.0001
SWITCHES = (
    "-p",
    "--output-format=json",
    "--tools=",
    "--safe-mode",
    "--strict-mcp-config",
    "--disable-slash-commands",
    "--no-session-persistence",
    f"--max-turns={MAX_TURNS}",
)
# Our own hooks end at once where the first is set; the others keep the child to this one task.
VARIABLES = {
    "AGENT_CONTEXT_CHILD": "1",
    "CLAUDE_CODE_MAX_OUTPUT_TOKENS": str(MAX_OUTPUT_TOKENS),
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_AUTOUPDATER": "1",
}
# Set by a session that runs us: the child is not part of it.
SESSION_VARIABLES = ("CLAUDECODE", "CLAUDE_CODE_CHILD_SESSION", "CLAUDE_CODE_SESSION_ID", "CLAUDE_CODE_ENTRYPOINT")
SUBTYPES = {
    "error_max_turns": "no valid answer within its turns",
    "error_max_structured_output_retries": "no answer of the asked shape",
    "error_max_budget_usd": "the money set aside for this session did not suffice",
    "error_during_execution": "it failed while it ran",
}
AGAIN = "the session is tried again by the next sync"
UPDATE = "update Claude Code (2.1.329 is known to work), or choose another extractor in agent-context.toml"


class _Result(msgspec.Struct):
    subtype: str = ""
    is_error: bool = False
    result: str = ""
    structured_output: Any = None
    errors: list[str] = []
    total_cost_usd: float | None = None
    api_error_status: int | str | None = None


@dataclass(slots=True)
class ClaudeCli:
    """Ask `claude -p` for the learnings of a session; callable from several threads.

    `program` is a name on the PATH or a path, `prices` a person's own (model to price). A failure that would meet every
    session (no program, no login) is met once and then repeated without starting anything. `dropped` counts what was
    proposed and not taken.
    """

    purse: Purse
    model: str = "claude-haiku-5-5"
    prices: Mapping[str, Price] = field(default_factory=dict)
    program: str = "claude"
    timeout_seconds: float = 300.0
    boundary: str = field(default_factory=lambda: secrets.token_hex(8))
    dropped: Counter[Dropped] = field(default_factory=Counter)
    _running: set[int] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _refusal: ExtractionError | None = None

    def __call__(self, session: Session, known: Sequence[str], *, limit: int) -> list[Candidate]:
        """Return the candidates.

        Raise CapReachedError before a call that the purse has no money for, ExtractionError where the program gives no
        answer that can be used.
        """
        if limit <= 0 or not has_words(session):
            return []
        prompt = render_prompt(session, known, boundary=self.boundary, limit=limit)
        candidates, dropped = read_answer(self.ask(prompt, SCHEMA), session, known, limit)
        with self._lock:
            self.dropped += dropped
        return candidates

    def ask(self, prompt: Prompt, schema: Mapping[str, Any]) -> object:
        """Return the model's answer in the shape of a schema, paid for out of the purse. Raises as a call does."""
        if self._refusal is not None:
            raise self._refusal
        worst = worst_usd(find_price(self.model, self.prices), prompt.tokens)
        reserved = self.purse.reserve(worst, model=self.model)
        spent: float | None = 0.0
        try:
            budget = self.purse.left_usd() if worst is None else reserved
            command = self._command(budget, schema)
            spent = None  # from here on money may flow
            result = self._ask(command, prompt)
            spent = result.total_cost_usd
        except _NotStartedError as error:
            spent = 0.0
            raise self._refuse(str(error), UPDATE) from None
        finally:
            self.purse.settle(reserved, spent)
        return self._take(result)

    def stop(self) -> None:
        """End every child now, with all that it started, and let no other begin. For an interruption."""
        with self._lock:
            self._refusal = ExtractionError("interrupted", hint="the sessions not yet read wait for the next run")
            for group in self._running:
                _kill(group)

    def _command(self, budget_usd: float | None, schema: Mapping[str, Any]) -> list[str]:
        program = shutil.which(self.program)
        if program is None:
            hint = "install Claude Code and log in, or choose another extractor in agent-context.toml"
            raise self._refuse(f"the program {self.program} is not installed", hint)
        command = [program, *SWITCHES, f"--model={self.model}", f"--json-schema={json.dumps(schema)}"]
        if budget_usd is not None:
            command.append(f"--max-budget-usd={max(budget_usd, SMALLEST_USD):.4f}")
        return command

    def _ask(self, command: list[str], prompt: Prompt) -> _Result:
        """Run the program from an empty folder and return its result, good or bad."""
        command = [*command, f"--system-prompt={prompt.system}"]
        with tempfile.TemporaryDirectory(prefix="agent-context-", ignore_cleanup_errors=True) as folder:
            done = self._run(command, folder, prompt.user)
        try:
            return msgspec.json.decode(done.stdout, type=_Result)
        except msgspec.DecodeError:
            if self._refusal is not None:
                raise self._refusal from None
            lines = (done.stderr.strip() or done.stdout.strip()).decode("utf-8", "replace").splitlines()
            said = lines[0][:300] if lines else f"nothing, exit code {done.returncode}"
            if not done.stdout.strip() and said.lower().startswith("error:"):
                raise _NotStartedError(f"claude would not start: {said}") from None
            raise ExtractionError(f"claude gave no JSON result: {said}", hint=UPDATE) from None

    def _run(self, command: list[str], folder: str, text: str) -> subprocess.CompletedProcess[bytes]:
        """Return how the child ended and what it printed; nothing of its process group outlives this call."""
        with self._start(command, folder) as child:
            try:
                output, errors = child.communicate(text.encode(), timeout=self.timeout_seconds)
            except subprocess.TimeoutExpired:
                raise ExtractionError(
                    f"claude did not answer within {self.timeout_seconds:g} seconds", hint="try again later"
                ) from None
            finally:
                with self._lock:
                    _kill(child.pid)
                    self._running.discard(child.pid)
        return subprocess.CompletedProcess(command, child.returncode, output, errors)

    def _start(self, command: list[str], folder: str) -> subprocess.Popen[bytes]:
        """Start the program in a process group of its own, unless we were stopped."""
        with self._lock:
            if self._refusal is not None:
                raise self._refusal
            try:
                child = subprocess.Popen(
                    command,
                    cwd=folder,
                    env=child_environment(without=SESSION_VARIABLES, **VARIABLES),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    start_new_session=True,
                )
            except OSError as error:
                raise _NotStartedError(f"claude would not start: {error}") from None
            self._running.add(child.pid)
            return child

    def _take(self, result: _Result) -> object:
        said = (result.result or "; ".join(result.errors)).strip().replace("\n", " ")[:300]
        if result.subtype == "error_max_budget_usd":
            raise CapReachedError(
                f"claude stopped at its budget: {said}", hint="raise extraction.max_usd_per_run in agent-context.toml"
            )
        if result.is_error and "/login" in said:
            raise self._refuse(f"claude is not logged in: {said}", "run `claude` once and log in, then sync again")
        if result.is_error or result.subtype != "success":
            why = SUBTYPES.get(result.subtype, "it reports an error")
            raise ExtractionError(f"claude: {why}: {said}", hint=AGAIN)
        if result.structured_output is None:
            raise ExtractionError(
                f"claude answered without the asked structure: {said}",
                hint="the session is tried again by the next sync",
            )
        return result.structured_output

    def _refuse(self, message: str, hint: str) -> ExtractionError:
        self._refusal = ExtractionError(message, hint=hint)
        return self._refusal


class _NotStartedError(Exception):
    """The program ended before it asked anything: no money was spent."""


def worst_usd(price: Price | None, prompt_tokens: int) -> float | None:
    """Return the most that a call can cost: every turn written to the cache for an hour, with the longest answer."""
    if price is None:
        return None
    turns = (
        Usage(cache_write_hour=prompt_tokens + OVERHEAD_TOKENS + turn * MAX_OUTPUT_TOKENS, output=MAX_OUTPUT_TOKENS)
        for turn in range(MAX_TURNS)
    )
    return sum(cost_usd(price, usage) for usage in turns)


def _kill(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
