from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from test_pairs import find_all, make_vectors

from agent_context.claims import pairs
from agent_context.errors import AgentContextError
from agent_context.executors import Cluster, InProcess, Processes, choose_executor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent_context.executors import Executor

COUNT = 3 * pairs.SHARD
TESTS = Path(__file__).parent


def find_pairs(executor: Executor, slow: float = 0, left: Path | None = None) -> list[pairs.Pair]:
    shards, tasks = pairs.cut(make_vectors(COUNT, 200))
    function = partial(compare_slowly, slow=slow, left=left) if slow or left else partial(pairs.compare, least=0.9)
    told: list[tuple[int, int]] = []
    results = executor.run(function, shards, tasks, lambda done, count: told.append((done, count)))
    assert told[-1] == (len(tasks), len(tasks))
    return sorted(pair for found in results for pair in found)


def compare_slowly(one: pairs.Shard, other: pairs.Shard, slow: float, left: Path | None) -> list[pairs.Pair]:
    """Take a while; the first process that takes the last task dies of it, leaving a file behind."""
    time.sleep(slow)
    if left is not None and one.start == other.start == 2 * pairs.SHARD and not left.exists():
        left.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return pairs.compare(one, other, 0.9)


@pytest.fixture(scope="module")
def expected() -> list[pairs.Pair]:
    return find_all(make_vectors(COUNT, 200), 0.9)


def test_in_process_and_processes_find_the_same(expected: list[pairs.Pair]) -> None:
    assert find_pairs(InProcess()) == expected
    assert find_pairs(Processes(2)) == expected


def test_a_process_that_dies_half_way_costs_nothing_but_time(expected: list[pairs.Pair], tmp_path: Path) -> None:
    assert find_pairs(Processes(2), left=tmp_path / "died") == expected
    assert (tmp_path / "died").exists()


def test_processes_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    program = (
        "from functools import partial; from pathlib import Path; from test_executors import wait_for_ever;"
        "from agent_context.executors import Processes;"
        "__name__ == '__main__' and Processes(1).run(wait_for_ever, [Path('pid')], [(0,)], print)"
    )
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    parent = subprocess.Popen([sys.executable, "-c", program], cwd=tmp_path, env=environment)
    pid = tmp_path / "pid"
    wait_until(lambda: pid.exists() and bool(pid.read_text()))
    parent.kill()
    parent.wait()
    wait_until(lambda: not is_running(int(pid.read_text())))


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for_ever(file: Path) -> None:
    file.write_text(str(os.getpid()))
    time.sleep(60)


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_processes_that_always_die_are_an_error() -> None:
    with pytest.raises(AgentContextError, match="died 3 times"):
        Processes(1).run(die, [0], [(0,)], lambda _done, _all: None)


def die(_block: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("where", ["there", "dask", "dask://", "dask://host", "processes://x"])
def test_no_place_to_work_is_an_error(where: str) -> None:
    with pytest.raises(AgentContextError, match="no place to work"):
        choose_executor(where)


def test_places_are_chosen_by_name() -> None:
    assert [choose_executor(where) for where in ("processes://3", "dask://h:1")] == [Processes(3), Cluster("h:1")]
    assert isinstance(choose_executor("here"), InProcess)


def find_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def start(*arguments: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(TESTS), "DASK_DISTRIBUTED__WORKER__DAEMON": "False"}
    command = [sys.executable, "-m", "distributed.cli.dask_" + arguments[0], *arguments[1:]]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.fixture
def cluster() -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and two workers of one thread, each a process of its own, on this machine alone."""
    pytest.importorskip("distributed")
    address = f"127.0.0.1:{find_port()}"
    bare = ("--no-nanny", "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1", "--death-timeout", "60")
    started = [start("scheduler", "--host", "127.0.0.1", "--port", address.partition(":")[2], "--no-dashboard")]
    started += [start("worker", f"tcp://{address}", *bare) for _ in range(2)]
    try:
        yield address, started[1:]
    finally:
        for process in started:
            process.kill()
            process.wait()


@pytest.mark.real
def test_a_cluster_finds_the_same_also_when_a_worker_is_killed_half_way(
    cluster: tuple[str, list[subprocess.Popen[bytes]]], expected: list[pairs.Pair]
) -> None:
    address, workers = cluster
    distributed = pytest.importorskip("distributed")
    with distributed.Client(f"tcp://{address}", timeout=60, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
    assert find_pairs(Cluster(address)) == expected
    shards, tasks = pairs.cut(make_vectors(COUNT, 200))
    done: list[int] = []

    def kill_half_way(number: int, _count: int) -> None:
        done.append(number)
        if number == len(tasks) // 2:
            workers[0].kill()

    slowly = partial(compare_slowly, slow=0.3, left=None)
    results = Cluster(address).run(slowly, shards, tasks, kill_half_way)
    assert workers[0].wait(10) == -signal.SIGKILL
    assert sorted(pair for found in results for pair in found) == expected
    assert done[-1] == len(tasks)


def test_a_cluster_that_is_not_there_is_an_error() -> None:
    pytest.importorskip("distributed")
    with pytest.raises(AgentContextError, match="no Dask scheduler answers"):
        Cluster(f"127.0.0.1:{find_port()}").run(die, [0], [(0,)], lambda _done, _all: None)
