"""Whatever fails at whatever call: no reservation stays, no foreign allocation is touched, nothing is held twice.

Every fault is played at every call of the flow, for batches of 1, 2 and 5, against the real Placement.
"""

from dataclasses import replace
from uuid import UUID, uuid4

import numpy as np
import pytest

from placement_client.clock import SYSTEM_CLOCK, Deadline
from placement_client.testing import RealPlacement, faults
from scheduler import ClaimInDoubt, FilterScheduler, SchedulerError, SchedulingUnavailable
from tests.flow.fleet import CONTEXT, SPEC, add_hosts, hold, holders, over_capacity, reservations, scheduler_on

BATCHES = (1, 2, 5)
KINDS = faults.ON_THE_WAY | {
    "interrupt": faults.raises(KeyboardInterrupt()),
    "interrupt after apply": faults.raises(KeyboardInterrupt(), after_apply=True),
    "exit after apply": faults.raises(SystemExit(), after_apply=True),
    "generator exit after apply": faults.raises(GeneratorExit(), after_apply=True),
    "out of memory after apply": faults.raises(MemoryError(), after_apply=True),
}


class Stage:
    """A fleet with a foreign consumer on every host, and a scheduler whose calls can be disturbed."""

    def __init__(self, real: RealPlacement, scheduler: FilterScheduler) -> None:
        self.real = real
        self.scheduler = scheduler
        self.client = real.client(wrap=lambda adapter: adapter)
        self.hosts = add_hosts(self.client, 3, vcpus=64)
        self.foreign = [uuid4() for _ in self.hosts]
        for consumer, host in zip(self.foreign, self.hosts, strict=True):
            hold(self.client, consumer, host)
        self.request()  # so that the microversion is known and the flow has its usual calls

    def request(self, batch: int = 1) -> tuple[list[UUID], object]:
        """Ask for a batch; return its instances and the selections, or what was raised."""
        instances = [uuid4() for _ in range(batch)]
        try:
            return instances, self.scheduler.select_destinations(CONTEXT, SPEC, instances)
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            return instances, error

    def calls_of(self, batch: int) -> int:
        """Return how many calls an undisturbed request makes."""
        self.real.faults.play()
        self.request(batch)
        return len(self.real.faults.calls)

    def settle(self) -> None:
        """Let the network be well again and the scheduler put everything right."""
        self.real.faults.play()
        deadline = Deadline.after(20)
        while (pause := self.scheduler.settle()) is not None and not deadline.expired():
            SYSTEM_CLOCK.sleep(pause)

    def check(self, instances: list[UUID], answer: object, request_id: str, label: str) -> None:
        """Check that nothing is left, nothing foreign is touched, and the answer is what Placement holds."""
        assert self.scheduler.figures() == type(self.scheduler.figures())(0, 0, 0), label
        assert reservations(self.client) == 0, label
        held = holders(self.client, self.hosts)
        assert all(held[str(consumer)] == 1 for consumer in self.foreign), label
        assert all(self.client.get_allocations(one).consumer_generation == 1 for one in self.foreign), label
        holding = [held[str(instance)] for instance in instances]
        assert holding in ([1] * len(instances), [0] * len(instances)), label
        ended = self.scheduler.outcome(request_id)
        assert (ended == "committed") if holding[0] else (ended in {"aborted", "unknown"}), label
        assert not over_capacity(self.client, self.hosts), label
        if isinstance(answer, list):
            for instance, (selection,) in zip(instances, answer, strict=True):
                found = self.client.get_allocations(instance).amounts()
                assert found == {p: r.resources for p, r in selection.allocation_request.allocations.items()}, label
        elif isinstance(answer, SchedulerError) and not isinstance(answer, ClaimInDoubt):
            assert holding[0] == 0, f"{label}: {answer!r}, but the instances hold their allocations"


@pytest.fixture
def stage():
    with RealPlacement() as real:
        scheduler = scheduler_on(real)
        yield Stage(real, scheduler)
        scheduler.close()


def last_request(stage: Stage) -> str:
    record = stage.scheduler.record()
    assert record is not None
    return record.request_id


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_at_any_call_leaves_nothing_behind(stage, kind):
    for batch in BATCHES:
        calls = stage.calls_of(batch)
        assert calls >= 3
        for number in range(1, calls + 1):
            stage.real.faults.play(faults.on_call(number, KINDS[kind]))
            instances, answer = stage.request(batch)
            stage.settle()
            stage.check(instances, answer, last_request(stage), f"{kind} at call {number} of a batch of {batch}")


@pytest.mark.parametrize("kind", ["not sent", "reset after apply", "500", "timeout before apply", "401"])
def test_an_outage_from_any_call_on_is_an_outage_and_heals(stage, kind):
    for batch in BATCHES:
        for first in range(1, stage.calls_of(batch) + 1):
            stage.real.faults.play(faults.when(lambda call, first=first: call.number >= first, KINDS[kind]))
            instances, answer = stage.request(batch)
            label = f"{kind} from call {first} of a batch of {batch} on"
            assert isinstance(answer, SchedulingUnavailable), f"{label}: {answer!r}"
            stage.settle()
            stage.check(instances, answer, last_request(stage), label)


class Broken:
    """A filter or weigher that raises at the k-th instance of a batch."""

    name = "Broken"
    reason = "broken"

    def __init__(self, error: BaseException, at: int) -> None:
        self.error, self.at, self.asked = error, at, 0

    def passes(self, request, hosts):
        self.asked += 1
        if self.asked == self.at:
            raise self.error
        return np.ones(len(hosts), dtype=np.bool_)

    def score(self, request, hosts):
        return self.passes(request, hosts).astype(np.float64)


@pytest.mark.parametrize("error", [ValueError("secret"), KeyboardInterrupt(), SystemExit(), GeneratorExit()], ids=repr)
@pytest.mark.parametrize("role", ["filter", "weigher"])
def test_a_plugin_that_raises_stops_the_request_and_leaves_nothing_behind(stage, role, error):
    from scheduler.weighers import Weighed

    sound = stage.scheduler
    for batch in BATCHES:
        for at in range(1, batch + 1):
            plugin = Broken(error, at)
            plugins = sound.plugins
            if role == "filter":
                plugins = replace(plugins, filters=(*plugins.filters, plugin))
            else:
                plugins = replace(plugins, weighers=(*plugins.weighers, Weighed(plugin, 1.0)))
            stage.scheduler = replace(sound, plugins=plugins)
            stage.real.faults.play()
            instances, answer = stage.request(batch)
            assert [str(call) for call in stage.real.faults.calls] == ["GET /allocation_candidates"]
            if isinstance(error, ValueError):
                assert isinstance(answer, SchedulingUnavailable)
                assert answer.detail == "Broken failed (ValueError); the request was stopped."
                assert answer.__context__ is None
            else:
                assert answer is error
            assert not any(holders(stage.client, stage.hosts)[str(instance)] for instance in instances)
            assert reservations(stage.client) == 0
