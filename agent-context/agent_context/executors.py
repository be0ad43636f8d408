"""Where work over blocks is done: in this process, in several, or on a Dask cluster. The results are the same.

A worker that dies costs only time: what it had not handed in is done again.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from agent_context.errors import AgentContextError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Result = TypeVar("Result")
ATTEMPTS = 3
CONNECT_SECONDS = 5
DASK = "dask"
_held: list[Any] = []


class Executor(Protocol):
    """Does tasks over blocks that several of them share."""

    def run(
        self,
        function: Callable[..., Result],
        blocks: Sequence[Any],
        tasks: Sequence[tuple[int, ...]],
        progress: Callable[[int, int], None],
    ) -> list[Result]:
        """Return, in the order of the tasks, the function of each task's blocks; `progress` hears done and all.

        Function and blocks must be picklable. Raise AgentContextError when the work cannot be brought to its end.
        """


class InProcess:
    """One task after the other, here."""

    def run(
        self,
        function: Callable[..., Result],
        blocks: Sequence[Any],
        tasks: Sequence[tuple[int, ...]],
        progress: Callable[[int, int], None],
    ) -> list[Result]:
        """Do the tasks."""
        results = []
        for task in tasks:
            results.append(function(*(blocks[number] for number in task)))
            progress(len(results), len(tasks))
        return results


@dataclass(frozen=True, slots=True)
class Processes:
    """Several processes of this machine, each of which is given all blocks once."""

    workers: int

    def run(
        self,
        function: Callable[..., Result],
        blocks: Sequence[Any],
        tasks: Sequence[tuple[int, ...]],
        progress: Callable[[int, int], None],
    ) -> list[Result]:
        """Do the tasks; where a process dies, what is left goes to new ones, three times at most."""
        results: dict[int, Result] = {}
        for _ in range(ATTEMPTS):
            left = {number: task for number, task in enumerate(tasks) if number not in results}
            if not left:
                break
            spawned = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(self.workers, spawned, _hold, (function, *blocks)) as pool:
                futures = {pool.submit(_work, task): number for number, task in left.items()}
                for future in as_completed(futures):
                    with suppress(BrokenProcessPool):
                        results[futures[future]] = future.result()
                        progress(len(results), len(tasks))
        if len(results) < len(tasks):
            raise AgentContextError(
                f"worker processes died {ATTEMPTS} times", hint="give the machine more memory, or leave out --on"
            )
        return [results[number] for number in range(len(tasks))]


@dataclass(frozen=True, slots=True)
class Cluster:
    """The workers of a Dask scheduler; they need this program installed. `address` is HOST:PORT."""

    address: str

    def run(
        self,
        function: Callable[..., Result],
        blocks: Sequence[Any],
        tasks: Sequence[tuple[int, ...]],
        progress: Callable[[int, int], None],
    ) -> list[Result]:
        """Do the tasks. A block is a task itself, so that the scheduler can make it anew when its worker dies."""
        try:
            import distributed  # noqa: PLC0415 - an extra that takes a second to load
        except ImportError:
            raise MissingExtraError("distributed", "distributed") from None
        try:
            client = distributed.Client(f"tcp://{self.address}", timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            raise AgentContextError(
                f"no Dask scheduler answers at {self.address}: {error}",
                hint="start one (dask scheduler) and its workers (dask worker ADDRESS), or leave out --on",
            ) from None
        with client, client.as_current():
            held = [client.submit(_give, block, pure=False) for block in blocks]
            futures = [client.submit(function, *(held[number] for number in task), pure=False) for task in tasks]
            for done, _ in enumerate(distributed.as_completed(futures), 1):
                progress(done, len(tasks))
            try:
                return list(client.gather(futures))
            except distributed.KilledWorker as error:
                raise AgentContextError(
                    f"workers at {self.address} died again and again: {error}", hint="see their logs"
                ) from None


def _hold(function: Callable[..., Any], *blocks: object) -> None:
    """Keep what all tasks of this worker process share, and see that the process ends with its parent."""
    _held[:] = [function, *blocks]
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Wait for the parent to end, however it does: a pool's worker would wait for more work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(task: tuple[int, ...]) -> Any:  # noqa: ANN401 - the function's own result
    return _held[0](*(_held[number + 1] for number in task))


def _give(block: Result) -> Result:
    return block


EXECUTORS: dict[str, Callable[[str], Executor]] = {
    "here": lambda _: InProcess(),
    "processes": lambda count: Processes(int(count or os.cpu_count() or 1)),
    DASK: Cluster,
}


def choose_executor(where: str) -> Executor:
    """Return the executor that is meant: `here`, `processes`, `processes://4`, `dask://HOST:PORT`.

    Raise AgentContextError for anything else.
    """
    name, _, details = where.partition("://")
    is_sound = details.rpartition(":")[2].isdecimal() if name == DASK else details.isdecimal() or not details
    if name not in EXECUTORS or not is_sound:
        raise AgentContextError(f"{where!r} is no place to work", hint="here, processes://4 or dask://HOST:PORT")
    return EXECUTORS[name](details)
