from __future__ import annotations

import json
import multiprocessing
import sqlite3
from typing import TYPE_CHECKING

import pytest
from samples import AT, Machine, git, make_learning, replace_fields
from test_cli import run
from test_sealing import unlock

from agent_context.encoders import load_encoder
from agent_context.errors import AgentContextError
from agent_context.frontmatter import write_learning
from agent_context.keyring import add_key
from agent_context.knowledge import KnowledgeBase
from agent_context.learning import Kind, Source, Speaker, Status
from agent_context.local_learnings import keep_files
from agent_context.search import Filters, Searcher, find
from agent_context.search import searching as searching_module
from agent_context.search.following import follow
from agent_context.search.index import Index
from agent_context.search.ranking import choose_words, cut_passages
from agent_context.search.searching import find_marks, open_index
from agent_context.state import State

if TYPE_CHECKING:
    from pathlib import Path

    from agent_context.learning import Learning
    from agent_context.search import Answer

DEPLOY = "Deploy with `make deploy`, it runs the migrations first."
MONEY = "Prices are stored as integer cents."
GATEWAY = "The API gateway times out after 30 seconds."
FLAKY = "If a test is flaky, quarantine it instead of deleting it."
WORDS_ONLY = '[consolidation]\nencoder = "none"\n'


def write(machine: Machine, learning: Learning, project: str = "o.r") -> Path:
    """Put a learning into the worktree, as a pull or a person would."""
    path = machine.root / f"projects/{project}/2026-03/x-{learning.id}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(write_learning(learning), encoding="utf-8")
    return path


def base(machine: Machine, settings: str = WORDS_ONLY) -> KnowledgeBase:
    (machine.root / "agent-context.toml").write_text(settings, encoding="utf-8")
    return KnowledgeBase(machine.root)


def ask(machine: Machine, query: str, filters: Filters = Filters(), settings: str = WORDS_ONLY) -> list[str]:  # noqa: B008 - frozen
    return claims(find(machine.environment, base(machine, settings), query, filters))


def claims(answer: Answer) -> list[str]:
    return [hit.entry.learning.claim for hit in answer.hits]


def test_meaning_finds_what_shares_no_word_and_says_nothing_to_what_is_unrelated(machine: Machine) -> None:
    for claim in (DEPLOY, MONEY, GATEWAY, FLAKY):
        write(machine, make_learning(claim))
    with Searcher(machine.environment, base(machine, "")) as searcher:
        assert claims(searcher.find("floats for amounts of money"))[:1] == [MONEY]
        assert claims(searcher.find("how do I run a deployment"))[:1] == [DEPLOY]
        answer = searcher.find("what is the capital of Mongolia")
    assert (answer.hits, answer.abstained, answer.searched) == ((), True, 4)
    assert answer.encoder == "all-MiniLM-L6-v2-int8"


def test_words_alone_find_stems_and_identifiers_and_abstain_too(machine: Machine) -> None:
    write(machine, make_learning(DEPLOY, paths=("ops/cli_args.py",)))
    write(machine, make_learning(MONEY, tags=()))
    assert ask(machine, "deploying migration") == [DEPLOY]
    assert ask(machine, "cli_args.py") == [DEPLOY]
    assert ask(machine, "how do I deploy a Solidity contract to a quantum blockchain testnet") == []
    answer = find(machine.environment, base(machine), "deploy")
    claim = answer.hits[0].entry.learning.claim
    assert [claim[start:end] for start, end in answer.hits[0].marks] == ["Deploy", "deploy"]
    assert answer.encoder == "words only, as set"


def test_a_word_is_found_by_its_parts(machine: Machine) -> None:
    java = make_learning("Call getUserName of HTTPServer, never parseIDs.", paths=("src/OrderService.java",))
    for learning in (java, make_learning("Run rename_all_tables by hand."), make_learning(MONEY)):
        write(machine, learning)
    for query in ("user name", "get_user_name", "getusername", "http server", "order service"):
        assert ask(machine, query) == [java.claim], query
    assert ask(machine, "rename tables") == ["Run rename_all_tables by hand."]
    assert ask(machine, "ds") == []  # the plural of an acronym has no parts


@pytest.mark.parametrize(
    ("query", "settings"), [("部署", WORDS_ONLY), ("数据库迁移如何运行", WORDS_ONLY), ("部署", "")]
)
def test_unspaced_writing_is_found_inside_a_sentence(machine: Machine, query: str, settings: str) -> None:
    chinese, japanese = "部署前先运行数据库迁移,使用uv安装依赖。", "本番環境ではデータベースを直接変更しない。"
    write(machine, make_learning(chinese))
    write(machine, make_learning(japanese))
    assert ask(machine, query, settings=settings) == [chinese]
    assert ask(machine, "データベース") == [japanese]
    assert ask(machine, "uv") == ask(machine, "库") == [chinese]
    assert ask(machine, "图书馆") == []
    assert ask(machine, "数据库迁移" * 100) == [chinese]


@pytest.mark.parametrize(
    "query", ["", " ", '"', "AND OR NOT", "claim : x*", "___", "\0\x02", "^", "(" * 50, "ж" * 3000]
)
def test_no_query_breaks_the_index(machine: Machine, query: str) -> None:
    write(machine, make_learning(DEPLOY))
    ask(machine, query)


def test_each_filter_narrows(machine: Machine) -> None:
    later = Source("desktop", "9", "2026-05-01T10:00:00Z", Speaker.USER)
    write(machine, make_learning("Deploy alpha.", kind=Kind.DECISION, tags=("fly",), paths=("deploy/**", "Makefile")))
    write(machine, make_learning("Deploy beta.", sources=(later,), status=Status.ACCEPTED), "acme.shop")
    write(machine, make_learning("Deploy gamma.", status=Status.REJECTED))
    alpha, beta, gamma = ["Deploy alpha."], ["Deploy beta."], ["Deploy gamma."]
    assert sorted(ask(machine, "deploy")) == alpha + beta
    for filters, expected in (
        (Filters(project="acme.shop"), beta),
        (Filters(kind="decision"), alpha),
        (Filters(tag="fly"), alpha),
        (Filters(path="deploy/run.py"), alpha),
        (Filters(path="./deploy"), alpha),
        (Filters(path="src"), []),
        (Filters(since="2026-04-01"), beta),
        (Filters(machine="desktop"), beta),
        (Filters(reviewed=True), beta),
        (Filters(ended=True), alpha + beta + gamma),
    ):
        assert sorted(ask(machine, "deploy", filters)) == expected, filters
    with pytest.raises(AgentContextError, match=r"no project o\.x here"):
        ask(machine, "deploy", Filters(project="o.x"))


def test_an_edit_a_removal_and_a_new_file_are_seen_at_once(machine: Machine) -> None:
    learning = make_learning("Deploy alpha.")
    path = write(machine, learning)
    gone = write(machine, make_learning("Deploy beta."))
    with Searcher(machine.environment, base(machine)) as searcher:
        assert sorted(claims(searcher.find("deploy"))) == ["Deploy alpha.", "Deploy beta."]
        with path.open("r+", encoding="utf-8") as file:  # in place: the folder does not show it
            file.write(write_learning(replace_fields(learning, claim="Deploy omega.")))
            file.truncate()
        gone.unlink()
        write(machine, make_learning("Deploy delta."), "acme.new")
        assert sorted(claims(searcher.find("deploy"))) == ["Deploy delta.", "Deploy omega."]
        path.write_text(write_learning(replace_fields(learning, status=Status.RETIRED)), encoding="utf-8")
        assert claims(searcher.find("deploy")) == ["Deploy delta."]


def test_only_what_changed_is_read(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(6):
        write(machine, make_learning(f"Deploy number {number}."), f"o.p{number}")
    knowledge_base = base(machine)
    read: list[str] = []
    parse = KnowledgeBase.parse
    monkeypatch.setattr(
        KnowledgeBase, "parse", lambda self, path, data: (read.append(path), parse(self, path, data))[1]
    )
    monkeypatch.setattr("agent_context.search.following.SETTLED_NS", -(10**12))  # as if all were written long ago
    with open_index(machine.environment, knowledge_base) as index:
        assert follow(index, machine.environment, knowledge_base).taken == 6
        read.clear()
        assert follow(index, machine.environment, knowledge_base, thorough=True).taken == 0
        assert read == []
        changed = write(machine, make_learning("Deploy one more."), "o.p3")
        assert follow(index, machine.environment, knowledge_base).taken == 1
    assert read == [changed.relative_to(machine.root).as_posix()]


def test_withheld_learnings_leave_no_word_in_the_index(machine: Machine) -> None:
    hidden = make_learning("Deploy \u202eekam htiw\u202c secretly.")
    write(machine, hidden)
    write(machine, make_learning(MONEY))
    answer = find(machine.environment, base(machine), "deploy secretly prices")
    assert (claims(answer), answer.withheld) == ([MONEY], 1)
    with open_index(machine.environment, base(machine)) as index:
        assert b"secretly" not in b"".join(_bytes_of(index))


def test_what_stays_on_this_machine_is_found_here(machine: Machine) -> None:
    knowledge_base = base(machine)
    learning = make_learning("Deploy from the laptop alone.")
    keep_files(
        machine.environment,
        knowledge_base,
        {f"projects/o.r/2026-03/x-{learning.id}.md": write_learning(learning).encode()},
    )
    answer = find(machine.environment, knowledge_base, "deploy")
    assert [hit.entry.path for hit in answer.hits] == [f"local/projects/o.r/2026-03/x-{learning.id}.md"]
    assert (answer.hits[0].entry.project, claims(answer)) == ("o.r", [learning.claim])


def test_an_encrypted_learning_is_found_while_its_key_is_here(machine: Machine) -> None:
    base(machine)
    add_key(unlock(machine), machine.environment, "o.r", "", "")
    path, data = unlock(machine).file_for("o.r", make_learning(DEPLOY))
    (machine.root / path).parent.mkdir(parents=True)
    (machine.root / path).write_bytes(data)
    assert claims(find(machine.environment, unlock(machine), "deploy")) == [DEPLOY]
    assert claims(find(machine.environment, unlock(machine), "deploy", Filters(unsealed=True))) == []
    machine.environment.keys_file.unlink()
    assert find(machine.environment, unlock(machine), "deploy").searched == 0


def test_a_damaged_index_is_made_anew(machine: Machine) -> None:
    write(machine, make_learning(DEPLOY))
    assert ask(machine, "deploy") == [DEPLOY]
    path = next(machine.environment.data_dir.glob("*.search.db"))
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_bytes(b"no database at all" * 1000)
    assert ask(machine, "deploy") == [DEPLOY]
    data = path.read_bytes()
    path.write_bytes(data[:4096] + b"\xff" * (len(data) - 4096))  # a head that reads, and nothing else
    assert ask(machine, "deploy") == [DEPLOY]


def test_a_searcher_sees_an_index_that_another_process_made_anew(machine: Machine) -> None:
    write(machine, make_learning(DEPLOY))
    with Searcher(machine.environment, base(machine)) as searcher:
        assert claims(searcher.find("deploy")) == [DEPLOY]
        next(machine.environment.data_dir.glob("*.search.db")).unlink()
        write(machine, make_learning("Deploy twice."))
        assert sorted(claims(searcher.find("deploy"))) == sorted([DEPLOY, "Deploy twice."])


def _search_often(machine: Machine, number: int) -> None:
    for turn in range(4):
        write(machine, make_learning(f"Deploy {number} turn {turn}."), f"o.p{number}")
        found = find(machine.environment, KnowledgeBase(machine.root), "deploy", limit=50)
        assert f"Deploy {number} turn {turn}." in claims(found)


def test_several_processes_share_one_index(machine: Machine) -> None:
    base(machine)
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_search_often, args=(machine, number)) for number in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert len(find(machine.environment, KnowledgeBase(machine.root), "deploy", limit=50).hits) == 12


def test_sync_encodes_and_a_search_finds_the_rest_by_words(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        write(machine, make_learning(f"Deploy number {number}."))
    monkeypatch.setattr(searching_module, "AT_ONCE", 1)
    with Searcher(machine.environment, base(machine, "")) as searcher:
        answer = searcher.find("deploy")
        assert len(answer.hits) == 4
        assert answer.notes == ("3 learnings are found by their words alone until the next sync",)
        told: list[tuple[int, int]] = []
        with State(machine.environment.data_dir, machine.root) as state:
            searcher.refresh(state, lambda done, count: told.append((done, count)))
            encoder, _ = load_encoder("minilm")
            assert encoder is not None
            assert len(state.vectors(encoder.model, [f"o.r, gotcha: Deploy number {n}." for n in range(4)])) == 3
        assert told == [(3, 3)]
        assert searcher.find("deploy").notes == ()


def test_sync_keeps_the_index(machine: Machine) -> None:
    write(machine, make_learning(DEPLOY))
    report = machine.sync()
    assert "search" in report.steps
    with open_index(machine.environment, KnowledgeBase(machine.root)) as index:
        assert index.count(Filters()) == 1
        assert index.count_unencoded() == 0


def test_another_model_takes_no_vector_over() -> None:
    index = Index(None)
    with index.writing():
        index.use_model("one")
        index.keep_vectors([(1, b"\0\0" * 4), (700, b"\1\1" * 4)])
    assert [(number, len(data)) for number, _, data in index.read_blocks(0)] == [(0, 2048), (2, 2048)]
    with index.writing():
        index.use_model("two")
    assert index.read_blocks(0) == []


def test_a_long_query_is_several_questions() -> None:
    long = "# Crash\n\nThe server crashes\nwhen the file is missing. Restart does not help.\n\n"
    long += "```\ncode is not asked\n```\n"
    long += "- The first point is this\n- ok\n\n" + "Another sentence of some length. " * 20
    assert cut_passages(long) == [
        "The server crashes when the file is missing.",
        "Restart does not help.",
        "The first point is this",
        "Another sentence of some length.",
    ]
    assert cut_passages("why do deploys fail") == ["why do deploys fail"]
    assert choose_words("Why does the cli_args deploy fail?") == ("cli_args", "deploy", "fail")
    assert choose_words("how is it") == ("how", "is", "it")


def test_marks_stand_where_the_words_do() -> None:
    assert find_marks("\x02Run\x03 it, \x02run\x03", "Run it, run") == ((0, 3), (8, 11))
    assert find_marks("\x02Run\x03 \x02it", "Run \x02it") == ()


def test_the_command_prints_json_and_highlights_nothing_hidden(machine: Machine) -> None:
    write(machine, make_learning("Deploy \x1b]0;x\x07with make."))
    base(machine)
    git(machine.root, "add", "--all")
    done = run(machine, "search", "deploy", "--kb", "kb", "--json", "--since", "2026-01-01", "--kind", "gotcha")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["searched"], answer["abstained"], answer["encoder"]) == (
        answer["searched"],
        False,
        "words only, as set",
    )
    shown = run(machine, "search", "deploy", "--kb", "kb")
    assert "\x1b" not in shown.stdout
    nothing = run(machine, "search", "kangaroo", "--kb", "kb", "--path", "src")
    assert (nothing.returncode, nothing.stdout.split(".")[0]) == (0, "Nothing found among 0 learnings")
    assert run(machine, "search", "x", "--kb", "kb", "--since", "whenever").returncode == 1
    assert AT


def _bytes_of(index: Index) -> list[bytes]:
    rows = index._db.execute("SELECT * FROM learnings").fetchall()  # noqa: SLF001 - what lies on the disk
    rows += index._db.execute("SELECT * FROM texts").fetchall()  # noqa: SLF001 - the same
    return [str(row).encode() for row in rows]


def test_a_locked_index_is_said(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent_context.search.index.PATIENCE", 0.05)
    write(machine, make_learning(DEPLOY))
    knowledge_base = base(machine)
    find(machine.environment, knowledge_base, "deploy")
    path = next(machine.environment.data_dir.glob("*.search.db"))
    other = sqlite3.connect(path)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(AgentContextError, match="database is locked"):
        find(machine.environment, knowledge_base, "deploy")
    other.close()
