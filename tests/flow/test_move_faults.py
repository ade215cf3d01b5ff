"""Whatever fails at whatever call of a move: the instance is exactly where it was, or exactly where it goes.

Three moves, each its own kind of claim: one whose migration keeps the source, one to both hosts, and one that stays and
needs no room at all, so that only the generation of the instance tells what became of it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle
from uuid import UUID, uuid4

import pytest

from placement_client.clock import SYSTEM_CLOCK, Deadline
from placement_client.testing import RealPlacement, faults
from scheduler import ClaimInDoubt, Evacuate, FilterScheduler, Migrate, Operation, RequestSpec, SchedulerError
from tests.flow.fleet import CONTEXT, add_hosts, over_capacity, reservations, scheduler_on
from tests.flow.test_faults import KINDS
from tests.flow.test_moves import held, of_size, settled_on, write

OLD, NEW = {"VCPU": 4, "MEMORY_MB": 600}, {"VCPU": 2, "MEMORY_MB": 512}
KEPT = {"VCPU": 2, "MEMORY_MB": 88}


TELLING = (
    "not sent",
    "timeout before apply",
    "timeout after apply",
    "409 provider",
    "409 consumer race",
    "409 consumer",
    "400 provider",
    "interrupt after apply",
    "out of memory after apply",
)
"""Those that a confirmation tells apart; test_faults plays them all."""


@dataclass(frozen=True)
class Case:
    """A move, and what instance and migration hold once it is committed; h0 is the source, h1 the destination."""

    operation: Callable[[UUID], Operation]
    instance: Callable[[UUID, UUID], dict]
    migration: Callable[[UUID, UUID], dict]
    hosts: int = 2


CASES = {
    "keeps the source": Case(Migrate, lambda here, there: {there: NEW}, lambda here, there: {here: OLD}),
    "on both hosts": Case(lambda _: Evacuate(), lambda here, there: {here: OLD, there: NEW}, lambda *_: {}),
    "stays": Case(
        lambda uuid: Migrate(uuid, allow_resize_to_same_host=True),
        lambda here, there: {here: NEW},
        lambda here, there: {here: KEPT},
        hosts=1,
    ),
}


class Stage:
    """Hosts, one instance after the other, and a scheduler whose calls can be disturbed."""

    def __init__(self, real: RealPlacement, scheduler: FilterScheduler, case: Case) -> None:
        self.real, self.scheduler, self.case = real, scheduler, case
        self.client = real.client(wrap=lambda adapter: adapter)
        self.hosts = add_hosts(self.client, case.hosts)
        if case.hosts == 1:
            settled_on(self.client, self.hosts[0], {"VCPU": 4})  # no room for old and new

    def play(self, plan: object, label: str) -> list[str]:
        """Move a new instance under these faults, settle, check what is held, and tell the calls that were made."""
        instance, migration = settled_on(self.client, self.hosts[0], OLD), uuid4()
        self.real.faults.play(*([plan] if plan else []))
        answer = self._answer(of_size(NEW), instance, self.case.operation(migration))
        calls = list(map(str, self.real.faults.calls))
        self._settle()
        self._check(instance, migration, answer, label)
        write(self.client, gone=(instance, {}), **({"too": (migration, {})} if held(self.client, migration) else {}))
        return calls

    def _answer(self, spec: RequestSpec, instance: UUID, operation: Operation) -> object:
        try:
            return self.scheduler.select_destinations(CONTEXT, spec, [instance], operation=operation)
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            return error

    def _settle(self) -> None:
        self.real.faults.play()
        deadline = Deadline.after(20)
        while (pause := self.scheduler.settle()) is not None and not deadline.expired():
            SYSTEM_CLOCK.sleep(pause)

    def _check(self, instance: UUID, migration: UUID, answer: object, label: str) -> None:
        assert self.scheduler.figures() == type(self.scheduler.figures())(0, 0, 0), label
        assert reservations(self.client) == 0, label
        assert not over_capacity(self.client, self.hosts), label
        record = self.scheduler.record()
        outcome = self.scheduler.outcome(record.request_id)
        found = held(self.client, instance), held(self.client, migration)
        if outcome == "committed":
            where = self.hosts[0], self.hosts[-1]
            assert found == (self.case.instance(*where), self.case.migration(*where)), label
            assert isinstance(answer, list | ClaimInDoubt) or not isinstance(answer, SchedulerError), label
        else:
            assert outcome in {"aborted", "unknown"}, label
            assert found == ({self.hosts[0]: OLD}, {}), label
            assert not isinstance(answer, list), label


@pytest.mark.parametrize("case", ["keeps the source", "stays"])
def test_a_fault_at_a_call_leaves_a_moved_instance_here_or_there(case):
    """Each of these kinds at the confirmation, every third also at one of the calls before it in turn."""
    with RealPlacement() as real, scheduler_on(real) as scheduler:
        stage = Stage(real, scheduler, CASES[case])
        stage.play(None, "to negotiate")
        calls = stage.play(None, "undisturbed")
        assert calls.count("POST /allocations") == (1 if case == "stays" else 2)
        before = cycle(range(1, len(calls)))
        for turn, kind in enumerate(TELLING):
            for number in (len(calls), *([next(before)] if turn % 3 == 0 else [])):
                stage.play(faults.on_call(number, KINDS[kind]), f"{case}: {kind} at call {number}")


@pytest.mark.parametrize("case", ["on both hosts", "stays"])
def test_an_outage_from_any_call_on_heals(case):
    with RealPlacement() as real, scheduler_on(real) as scheduler:
        stage = Stage(real, scheduler, CASES[case])
        stage.play(None, "to negotiate")
        calls = stage.play(None, "undisturbed")
        confirmation = len(calls)
        for kind in ("not sent", "reset after apply"):
            for first in (confirmation - 1, confirmation):
                plan = faults.when(lambda call, first=first: call.number >= first, KINDS[kind])
                stage.play(plan, f"{case}: {kind} from call {first} on")
