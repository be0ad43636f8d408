"""Pull-request mode: new learnings wait beside the branch, and are proposed as one pull request a machine.

One sync calls, in this order: `ask` before main is fetched, `take_stock` once it was brought in, `known` for
consolidation, `add` instead of a commit, `send` instead of a push. What became of a proposal is read by verdicts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent_context.errors import RepositoryError
from agent_context.forges import ForgeError, Request, RequestState, choose_forge
from agent_context.git.history import Altered
from agent_context.git.refs import Refs, fetch_refs, push_ref
from agent_context.identity import is_template
from agent_context.layout import is_learning_path, is_of_one_machine, project_of
from agent_context.learning import Learning, Status
from agent_context.proposal import Proposed, Refused, rank
from agent_context.reports import Dropped
from agent_context.review.drafting import Draft
from agent_context.review.outgoing import find_leaks
from agent_context.review.verdicts import Verdicts, read_learning
from agent_context.trailers import trailers
from agent_context.waiting import BRANCHES, Proposal, Waiting, branch_of, load_waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from agent_context.forges import Chosen
    from agent_context.git import Repository
    from agent_context.knowledge import KnowledgeBase
    from agent_context.proposal import Remark
    from agent_context.reports import SyncReport

REJECTED_SINCE = "rejected since in other words"


@dataclass(frozen=True, slots=True)
class ProposedLearning:
    """A learning that waits on this machine, or that another one proposes; a rejected one is on its way to main."""

    project: str
    path: str
    learning: Learning
    machine: str


@dataclass(slots=True)
class Proposals:
    """One sync's proposals of one clone. `branch` is main, `remote` the name of its remote."""

    knowledge_base: KnowledgeBase
    repository: Repository
    branch: str
    remote: str | None
    machine: str
    report: SyncReport
    refs: Refs = field(init=False)
    waiting: Waiting = field(init=False)
    _held: str = ""
    _chosen: Chosen | None = None

    def __post_init__(self) -> None:
        """Read what waits."""
        self.refs = Refs(self.repository)
        self.waiting = load_waiting(self.repository)

    def ask(self) -> None:
        """Ask the forge what became of the pull request, if one is out.

        This comes before main is fetched: what the forge calls merged is then on the main that is fetched afterwards.
        """
        if self.remote is not None and self.waiting.ledger.versions:
            self._chosen = self._choose()

    def take_stock(self, now: str) -> None:
        """Bring what waits up to date with main, with the machine's branch and with the forge's word.

        Rejections are committed to the clone's own branch; the next proposal carries them to main.
        """
        main = self._main()
        if self.remote is None or main is None or self.report.waiting:
            return
        self._let_go_of_merged_commits(main)
        target = f"refs/remotes/{self.remote}/{BRANCHES}"
        problem = fetch_refs(self.repository.root, self.remote, f"refs/heads/{BRANCHES}/*", f"{target}/*")
        if problem:
            self._held = f"the proposals on the remote could not be fetched: {problem}"
            self.report.notes.append(self._held)
            return
        tip = self.refs.tip(self._tracking)
        if tip is not None and not self.waiting.ledger.versions:
            self._chosen = self._choose()
        self._drop_rejected_elsewhere()
        word = self._chosen.found if self._chosen else None
        verdicts = Verdicts(self.knowledge_base, self.repository, self.waiting, self._own, main, tip, word, now)
        verdicts.read()
        if verdicts.files:
            count = f"{len(verdicts.files)} learning{'s' * (len(verdicts.files) > 1)}"
            message = f"review: {count} turned down\n\n{trailers(self.machine)}"
            self.repository.commit_files(verdicts.files, message, self.machine)
        self.waiting.save()
        self._held = verdicts.held
        if verdicts.held and not verdicts.problems and not verdicts.notes:
            self.report.notes.append(verdicts.held)
        self.report.rejected += sorted(verdicts.files)
        self.report.notes += verdicts.notes
        self.report.problems += verdicts.problems

    def known(self) -> list[ProposedLearning]:
        """Return what consolidation must count as known besides main: all that waits here or is proposed by others."""
        files = {**self.waiting.files, **self.waiting.carried}
        found = [(self.machine, path, data) for path, data in files.items()]
        for machine, tip in self._others().items():
            found += [(machine, path, data) for path, data in self._read_branch(tip).items()]
        return [
            ProposedLearning(project_of(path), path, learning, machine)
            for machine, path, data in found
            if (learning := read_learning(self.knowledge_base, path, data)) is not None
        ]

    def forget_rejected(self, find_twin: Callable[[str, Learning], str]) -> None:
        """Let wait no longer what was turned down in other words meanwhile, here or on another machine.

        `find_twin` is given a project and a learning, and returns which rejection says the same; empty for none.
        """
        for item in self._items():
            if item.learning is not None and item.path not in self.waiting.ledger.again:
                twin = find_twin(item.project, item.learning)
                if twin:
                    self.waiting.drop(item.path)
                    session = item.learning.sources[0].session if item.learning.sources else ""
                    claim = item.learning.claim
                    self.report.dropped.append(Dropped(item.project, session, REJECTED_SINCE, twin, claim))
        self.waiting.save()

    def of_machines(self) -> dict[str, bytes]:
        """Return what another machine alone writes (its description, handoffs) and main has not got yet, by path."""
        found: dict[str, bytes] = {}
        for tip in self._others().values():
            found |= {path: data for path, data in self._read_branch(tip).items() if is_of_one_machine(path)}
        return found

    def add(
        self, files: Mapping[str, bytes | None], remarks: Mapping[str, Remark], dropped: Iterable[Dropped]
    ) -> dict[str, bytes | None]:
        """Let new files wait, safely written down, with what consolidation says of them (by path).

        Returns those that are changes of what is here already: these are committed as ever, and go along.
        """
        tip = self.repository.tip()
        new = {path: data for path, data in files.items() if self.repository.read_file(tip, path) is None}
        self.waiting.files.update({path: data for path, data in new.items() if data is not None})
        kept = {path: remark for path, remark in remarks.items() if path in self.waiting.files}
        self.waiting.note(remarks={**self.waiting.ledger.remarks, **kept})
        self.waiting.refuse(tuple(self._tell_dropped(item) for item in dropped))
        self.waiting.save()
        return {path: data for path, data in files.items() if path not in new}

    def send(self) -> None:
        """Rebuild the machine's branch on top of main, push it if it differs, keep its one pull request up to date."""
        items = self._items()
        self.report.queued = len(items)
        main, tip = self._main(), self.repository.tip()
        if main is None or tip is None or self.remote is None or self._held or self.report.waiting:
            return
        if is_template(self.repository.remote_urls(self.remote), self.knowledge_base.settings.template):
            return
        if not self.refs.comes_from(tip, main):
            return  # what main brought could not be taken in; the report says why
        draft = self._draft(items, main, tip)
        self.report.proposed, self.report.queued = len(draft.proposed), draft.queued
        there = self.refs.tip(self._tracking)
        if self._is_there(draft, there):
            self._remind(draft, there)
        elif draft.files:
            self._propose(draft, there)
        elif there is not None:
            self._withdraw(there)

    @property
    def _own(self) -> str:
        return branch_of(self.machine)

    @property
    def _tracking(self) -> str:
        return f"refs/remotes/{self.remote}/{self._own}"

    def _main(self) -> str | None:
        return self.repository.remote_tip(self.remote, self.branch) if self.remote else None

    def _others(self) -> dict[str, str]:
        """Return machine to commit of every other machine's branch, as of the last fetch."""
        prefix = f"refs/remotes/{self.remote}/{BRANCHES}/"
        return {ref.removeprefix(prefix): tip for ref, tip in self.refs.tips(prefix).items() if ref != self._tracking}

    def _read_branch(self, tip: str) -> dict[str, bytes]:
        """Return the files that a branch adds to main or changes; nothing of one that does not read."""
        main = self._main()
        base = self.repository.merge_base(main, tip) if main else None
        if base is None:
            return {}
        try:
            changed = self.refs.changed(base, tip)
        except RepositoryError:
            return {}
        return {path: data for path, data in changed.items() if data is not None}

    def _let_go_of_merged_commits(self, main: str) -> None:
        """Follow main when it holds all that this clone has: a forge's squash leaves our own commits without effect."""
        tip = self.repository.tip()
        if tip is not None and self.refs.comes_from(tip, main) and self.refs.tree(tip) == self.refs.tree(main):
            self.repository.move_to(main)

    def _drop_rejected_elsewhere(self) -> None:
        """Let wait no longer what was turned down on another machine."""
        for tip in self._others().values():
            for path, data in self._read_branch(tip).items():
                if path in self.waiting.files and path not in self.waiting.ledger.again:
                    learning = read_learning(self.knowledge_base, path, data)
                    if learning is not None and learning.status is Status.REJECTED:
                        self.waiting.drop(path)

    def _tell_dropped(self, item: Dropped) -> Refused:
        """Return what the pull request may say of a dropped candidate: of a project that is kept closed, no word."""
        project = self.knowledge_base.project(item.project)
        closed = project.encrypted or project.local
        return Refused(item.project, item.reason, item.detail, "" if closed else item.claim)

    def _items(self) -> list[Proposed]:
        return [
            Proposed(
                project_of(path),
                path,
                read_learning(self.knowledge_base, path, data),
                self.waiting.ledger.remarks.get(path),
            )
            for path, data in sorted(self.waiting.files.items())
            if is_learning_path(path)
        ]

    def _draft(self, items: list[Proposed], main: str, tip: str) -> Draft:
        """Choose what to propose: what is being reviewed stays, then the best ranked, as many as one request takes."""
        out = self.waiting.ledger.proposed.files if self.waiting.ledger.proposed else ()
        ranked = sorted(rank(items), key=lambda item: item.path not in out)
        proposed = ranked[: self.knowledge_base.settings.proposals.per_request]
        files = {**self.refs.changed(main, tip), **self.waiting.carried}
        projects, asked = {item.project for item in proposed}, {item.path for item in proposed}
        files |= {
            path: data
            for path, data in self.waiting.files.items()
            if path in asked or (not is_learning_path(path) and project_of(path) in projects)
        }
        files = {path: data for path, data in files.items() if data != self.repository.read_file(main, path)}
        files = self._hold_leaks(files, main)
        queued = len(items) - len(proposed)
        return Draft(
            self.knowledge_base, self.repository, self.machine, main, proposed, files, queued, self.waiting.ledger
        )

    def _hold_leaks(self, files: dict[str, bytes | None], main: str) -> dict[str, bytes | None]:
        """Leave out, and name, the files that would carry a certain secret into the proposal."""
        held = set()
        for path, data in files.items():
            altered = Altered(path, self.repository.read_file(main, path), data)
            leaks = list(find_leaks([altered], self.knowledge_base.screen))
            self.report.problems += [f"{leak} (it is not proposed until you take it out)" for leak in leaks]
            held |= {path} if leaks else set()
        return {path: data for path, data in files.items() if path not in held}

    def _is_there(self, draft: Draft, there: str | None) -> bool:
        """Tell whether the branch on the remote holds just this, on top of main."""
        if there is None:
            return not draft.files
        based = self.repository.merge_base(draft.main, there) == draft.main
        return based and self.refs.changed(draft.main, there) == draft.files

    def _remind(self, draft: Draft, there: str | None) -> None:
        """Name the pull request that is out; open the one that could not be opened before."""
        self.report.pull_request = self.waiting.ledger.url
        if (
            there is not None
            and not self.waiting.ledger.number
            and draft.deserves_request()
            and self._choose().can_tell
        ):
            self._publish(draft, there, "")

    def _propose(self, draft: Draft, there: str | None) -> None:
        own = self._own
        commit = self.refs.commit(draft.files, draft.message(), self.machine, draft.main)
        planned = Proposal(own, commit, draft.main, draft.mark(), tuple(item.path for item in draft.proposed))
        self.waiting.note(planned=planned)
        self.waiting.save()
        asks = draft.deserves_request()
        options = self._choose().forge.push_options(self._request(draft, commit)) if asks else ()
        root, remote = self.repository.root, self.remote or ""
        sent = push_ref(root, remote, f"refs/heads/{own}", commit, expected=there, options=options)
        if sent.moved:
            self.report.notes.append(f"{own} was changed on the remote meanwhile; the next sync takes that in")
        elif not sent.accepted:
            self.report.failed = True
            self.report.waiting = f"the remote refused the branch {own}: {sent.reason}"
        else:
            self.waiting.note(proposed=planned, planned=None, previous=self.waiting.ledger.proposed, insist=False)
            self.waiting.save()
            if asks:
                self._publish(draft, commit, sent.said)

    def _publish(self, draft: Draft, commit: str, said: str) -> None:
        """Open the pull request, or bring it up to date; where no forge can be asked, name the page that opens it."""
        request, known = self._request(draft, commit), self._choose().found
        if known is not None and known.state is not RequestState.OPEN:
            self.waiting.note(decided=max(self.waiting.ledger.decided, known.number))
            known = None
        try:
            made = self._choose().forge.publish(request, known, said)
        except ForgeError as error:
            self.report.notes.append(f"the pull request could not be opened or changed: {error.message}")
            made = known or self._choose("url").forge.publish(request, None, said)
        if made.state is RequestState.UNKNOWN:
            where = f"open it here: {made.url}" if made.url else f"open it on your forge, from the branch {self._own}"
            why = f" ({'; '.join(self._choose().passed)})" if self._choose().passed else ""
            self.report.notes.append(f"a pull request into {self.branch} is due; {where}{why}")
        self.waiting.note(number=made.number, url=made.url)
        self.waiting.save()
        self.report.pull_request = made.url

    def _withdraw(self, there: str) -> None:
        """Take the branch off the remote when nothing is left to propose; its pull request ends with it."""
        push_ref(self.repository.root, self.remote or "", f"refs/heads/{self._own}", "", expected=there)
        number = max(self.waiting.ledger.decided, self.waiting.ledger.number)
        self.waiting.note(proposed=None, planned=None, previous=None, decided=number, number=0, url="")
        self.waiting.save()

    def _request(self, draft: Draft, commit: str) -> Request:
        return Request(self._own, self.branch, commit, draft.title(), draft.body())

    def _choose(self, wanted: str = "") -> Chosen:
        """Return the way to the forge, asked once a sync; `wanted` is another than the set one."""
        if self._chosen is None or wanted:
            wanted = wanted or self.knowledge_base.settings.proposals.forge
            name = self.remote or ""
            first = self.repository.remote_url(name)
            urls = [first, *sorted(self.repository.remote_urls(name) - {first})]
            self._chosen = choose_forge(wanted, urls, self.repository.root, name, self._own)
        return self._chosen
