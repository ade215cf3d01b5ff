"""Schedulers that race on PostgreSQL: for last slots, of which Placement grants more than there are, and in groups."""

import tempfile
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

from placement_client.testing import PlacementServer
from scheduler import (
    Destination,
    FilterScheduler,
    Flavor,
    NoValidHost,
    RequestContext,
    RequestSpec,
    SchedulingUnavailable,
    build,
    load_config,
)
from tests.flow.fleet import FAST_CLAIMS, add_hosts, holders, over_capacity, reservations
from tests.flow.group_races import (
    ANY_HOST,
    SAME_HOST_FOR_ALL,
    all_that_fit,
    big_hosts,
    blind,
    broken,
    new_groups,
    raced,
    whereabouts,
)

PROVIDERS = 60
THREADS = 8
SLOT = 3  # VCPUs of a host; a claim takes 2, so that one fits


def scheduler_of(server: PlacementServer, node: str, ini: str = "") -> FilterScheduler:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "scheduler.ini"
        claims = FAST_CLAIMS.replace("backoff_cap = 0.01", "backoff_cap = 0.2").replace("0.001", "0.02")
        file.write_text(server.ini() + claims.replace("[claims]", f"[claims]\nnode_id = {node}") + ini)
        return build(load_config(str(file)))


@pytest.mark.slow
def test_eight_threads_of_two_schedulers_never_overfill_a_provider(placement_cluster):
    """Each claim needs more than half of a host, so at most one may win; Placement alone grants several."""
    schedulers = [scheduler_of(placement_cluster, f"node-{number}") for number in range(2)]
    client = schedulers[0].placement
    hosts = add_hosts(client, PROVIDERS, vcpus=SLOT)
    start = threading.Barrier(THREADS)
    context = RequestContext(project_id="tenant", user_id="somebody")
    outcomes: Counter[str] = Counter()

    def race(thread: int) -> list[str]:
        scheduler, won = schedulers[thread % 2], []
        for number in range(PROVIDERS):
            spec = RequestSpec(
                flavor=Flavor(vcpus=2, memory_mb=64),
                project_id="tenant",
                user_id="somebody",
                requested_destination=Destination(host=f"h{number}"),
            )
            start.wait(60)
            instance = uuid4()
            try:
                scheduler.select_destinations(context, spec, [instance])
                won.append(str(instance))
                outcomes["placed"] += 1
            except NoValidHost:
                record = scheduler.record()
                outcomes["refused"] += 1
                outcomes["planned again"] += bool(record and len(record.rounds) > 1)
            except SchedulingUnavailable as error:
                outcomes[f"unavailable, {error.reason}"] += 1
        return won

    with ThreadPoolExecutor(THREADS) as pool:
        winners = [instance for won in pool.map(race, range(THREADS)) for instance in won]
    for scheduler in schedulers:
        assert scheduler.claimer.close(30) == type(scheduler.figures())(0, 0, 0)
    print(f"races for {PROVIDERS} last slots: {dict(outcomes)}")
    assert not over_capacity(client, hosts)
    assert reservations(client) == 0
    assert holders(client, hosts) == Counter(winners), "what is held is not what was answered"
    assert len(winners) >= PROVIDERS * 0.8, "almost nobody wins: the claims only give way to each other"


@pytest.mark.slow
def test_two_schedulers_that_race_never_break_a_hard_group(placement_cluster):
    """Members of a group meet, on the same host or on different ones; without the check the same race breaks groups."""
    hosts, held = [], {}
    for policy, order, groups, in_time in (
        ("anti-affinity", SAME_HOST_FOR_ALL, new_groups(12, (1, 2)), 0.9),
        ("affinity", ANY_HOST, new_groups(4, policy="affinity"), 0.5),
    ):
        schedulers = [scheduler_of(placement_cluster, f"{policy}-{number}", order) for number in range(2)]
        client = schedulers[0].placement
        hosts = hosts or big_hosts(client)
        control = raced(blind(schedulers), new_groups(4, policy=policy))
        race = raced(schedulers, groups)
        for scheduler in schedulers:
            assert scheduler.claimer.close(30) == type(scheduler.figures())(0, 0, 0)
        earlier, held = held, whereabouts(client, hosts)
        print(f"{policy}: {len(groups)} groups, {dict(race.ended)}; of 4 without the check break", end=" ")
        print(len(broken(control, held)))
        assert broken(control, held), "the race is none: nobody met anybody"
        assert not broken(race, held)
        assert reservations(client) == 0
        assert set(race.ended) <= {"placed", "refused"}
        assert earlier | {one: {host} for one, host in (control.placed | race.placed).items()} == held
        assert race.ended["placed"] >= all_that_fit(race) * in_time, "almost nobody gets in: the claims only give way"
