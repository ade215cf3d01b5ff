"""What a decision costs, counted: nothing grows faster than the hosts or the batch, and loops over hosts are known.

The constants are what the code does today, and a little room; whoever needs more knows what it costs.
"""

from uuid import uuid4

import pytest

from benchmarks.growth import ours
from benchmarks.growth.curves import seconds
from benchmarks.growth.whole import service
from scheduler.hosts.indexes import NameIndex
from tests.benchmarks.counting import Passes, blocks_kept, opcodes, passes

SMALL, LARGE = 100, 500
USING, REQUEST = ours.plugins(), ours.request()


@pytest.fixture(scope="module")
def fleets() -> tuple[ours.Fleet, ours.Fleet]:
    """Two fleets whose facts have been looked at, as every request but the first finds them."""
    both = ours.fleet_of(SMALL), ours.fleet_of(LARGE)
    for fleet in both:
        ours.ranked(USING, REQUEST, fleet.hosts)
    return both


def a_host_more(cost, fleets) -> float:
    """Return what each further host costs."""
    small, large = map(cost, fleets)
    return (large - small) / (LARGE - SMALL)


def test_counting_counts() -> None:
    assert opcodes(lambda: [one + 1 for one in range(100)]) > 300
    assert blocks_kept(lambda: [object() for _ in range(100)]) == pytest.approx(100, abs=3)
    small = ours.fleet_of(10).hosts
    assert passes(lambda hosts: hosts.slot_used + hosts.slot_used, small) == Passes(1, 30)


def test_one_more_instance_of_a_batch_runs_no_loop_over_hosts(fleets) -> None:
    def again(fleet: ours.Fleet) -> int:
        return opcodes(lambda: ours.ranked(USING, REQUEST, fleet.hosts))

    assert a_host_more(again, fleets) < 1


def test_ranking_a_new_answer_runs_no_loop_over_hosts(fleets) -> None:
    def rank(fleet: ours.Fleet) -> int:
        hosts = ours.anew(fleet.hosts)
        return opcodes(lambda: ours.ranked(USING, REQUEST, hosts))

    assert a_host_more(rank, fleets) < 1


def test_numpy_goes_through_the_hosts_as_often_in_a_large_fleet(fleets) -> None:
    small, large = (passes(lambda hosts: ours.ranked(USING, REQUEST, hosts), one.hosts) for one in fleets)
    assert small.times == large.times < 120
    assert small.elements / SMALL == pytest.approx(large.elements / LARGE, rel=0.02)
    assert large.elements / LARGE < 120


@pytest.mark.parametrize(
    ("step", "most"),
    [
        (lambda fleet: ours.decoded(fleet.body), 160),
        (lambda fleet: ours.joined(fleet.answer, fleet.snapshot), 260),
        (lambda fleet: ours.put_down(fleet.answer, fleet.hosts, REQUEST), 30),
        (lambda fleet: ours.taken(fleet.snapshot), 600),
    ],
    ids=["decode the answer", "make the table", "put down for a replay", "take a snapshot"],
)
def test_a_host_more_costs_so_many_instructions(step, most, fleets) -> None:
    assert 0 < a_host_more(lambda fleet: opcodes(lambda: step(fleet)), fleets) < most


def test_a_table_holds_no_object_for_each_host(fleets) -> None:
    """Its columns are arrays, and what they refer to was there before: the answer and the facts."""
    assert a_host_more(lambda one: blocks_kept(lambda: ours.joined(one.answer, one.snapshot)), fleets) < 0.1


def test_a_snapshot_holds_two_objects_for_each_host(fleets) -> None:
    """The numbers of its row, in two dicts; of instances and aggregates, which are many more, it holds none."""
    assert a_host_more(lambda one: blocks_kept(lambda: ours.taken(one.snapshot)), fleets) < 2.1


def test_a_whole_request_costs_so_many_instructions_for_each_host(fleets) -> None:
    def whole(fleet: ours.Fleet) -> int:
        with service(fleet) as running:
            running.place(REQUEST)
            return opcodes(lambda: running.place(REQUEST))

    assert a_host_more(whole, fleets) < 450


@pytest.mark.parametrize("policy", [None, "anti-affinity", "soft-anti-affinity", "soft-affinity"])
def test_an_instance_more_costs_the_same_in_a_large_batch(policy, fleets) -> None:
    _, fleet = fleets
    request = ours.request(policy)

    def plan(count: int) -> int:
        instances, hosts = [uuid4() for _ in range(count)], ours.anew(fleet.hosts)
        return opcodes(lambda: ours.planned(USING, request, hosts, instances))

    few, more, many = map(plan, (10, 20, 40))
    early, late = (more - few) / 10, (many - more) / 20
    assert late - early < 0.02 * early


@pytest.mark.parametrize("stacked", [False, True], ids=["on many hosts", "all on one host"])
def test_an_instance_more_makes_what_is_sent_so_much_longer(stacked, fleets) -> None:
    _, fleet = fleets
    placings = ours.planned(USING, REQUEST, fleet.hosts, [uuid4() for _ in range(40)]).placings
    placings = ours.stacked(placings) if stacked else placings
    few, more, many = (opcodes(lambda count=count: ours.bodies(placings[:count])) for count in (10, 20, 40))
    assert (many - more) / 20 == pytest.approx((more - few) / 10, rel=0.05)


def test_a_host_of_all_nodes_is_indexed_in_linear_time() -> None:
    """Python does nothing more for a larger one, so this is timed: eight times the hosts, and 64 if it were square."""

    def indexed(hosts: int) -> float:
        return min(seconds(lambda: NameIndex.of_names(["host"] * hosts)) for _ in range(5))

    assert indexed(32_000) < 24 * indexed(4_000)


@pytest.mark.parametrize("number", [5, 10])
def test_a_filter_more_costs_what_it_costs_alone(number, fleets) -> None:
    """So many filters cost less than so many times one of them, the first step of each being the same."""
    _, fleet = fleets
    every, request = ours.all_filters(), ours.demanding()
    ours.filtered(every, request, fleet.hosts)

    def cost(filters) -> int:
        return opcodes(lambda: ours.filtered(filters, request, fleet.hosts))

    assert cost(every[:number]) <= sum(cost([one]) for one in every[:number])
