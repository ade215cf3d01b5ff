"""Requests that are delivered again, closing, forking: one request, one claim."""

import os
import threading
from uuid import uuid4

import msgspec
import pytest

from placement_client.testing import RealPlacement, faults
from scheduler import (
    ClaimInDoubt,
    Flavor,
    InvalidRequest,
    JournalUnavailable,
    NotPermitted,
    NoValidHost,
    RequestInProgress,
    SchedulingUnavailable,
)
from tests.flow.fleet import CONTEXT, SPEC, add_hosts, holders, reservations, scheduler_on


@pytest.fixture
def real():
    with RealPlacement() as server:
        yield server


@pytest.fixture
def client(real):
    return real.client(wrap=lambda adapter: adapter)


def named(number: int = 1):
    return msgspec.structs.replace(CONTEXT, request_id=f"req-00000000-0000-4000-8000-{number:012}")


def test_a_request_that_is_delivered_again_gets_the_same_answer_and_claims_nothing_more(real, client):
    hosts = add_hosts(client, 5)
    instances = [uuid4(), uuid4()]
    with scheduler_on(real) as scheduler:
        first = scheduler.select_destinations(named(), SPEC, instances, return_alternates=True)
        before = holders(client, hosts)
        real.faults.play()
        again = scheduler.select_destinations(named(), SPEC, instances, return_alternates=True)
        assert again == first
        assert real.faults.calls == []
        with scheduler.reserve(named(), SPEC, instances, return_alternates=True) as reservation:
            assert reservation.selections == first
        assert scheduler.outcome(named().request_id) == "committed"
    assert holders(client, hosts) == before


def test_the_answer_to_a_request_is_not_given_to_somebody_else(real, client):
    add_hosts(client, 2)
    instances = [uuid4()]
    stranger = msgspec.structs.replace(named(), project_id="other", user_id="other")
    with scheduler_on(real) as scheduler:
        scheduler.select_destinations(named(), SPEC, instances)
        with pytest.raises(NotPermitted):
            scheduler.select_destinations(stranger, SPEC, instances)


@pytest.mark.parametrize("change", ["spec", "instances", "alternates"])
def test_the_same_id_with_another_body_is_an_error_and_changes_nothing(real, client, change):
    hosts = add_hosts(client, 3)
    instances = [uuid4()]
    with scheduler_on(real) as scheduler:
        scheduler.select_destinations(named(), SPEC, instances)
        spec = msgspec.structs.replace(SPEC, flavor=Flavor(vcpus=1, memory_mb=1)) if change == "spec" else SPEC
        with pytest.raises(InvalidRequest, match="request_id: was used before, for another request"):
            scheduler.select_destinations(
                named(),
                spec,
                [uuid4()] if change == "instances" else instances,
                return_alternates=change == "alternates",
            )
    assert holders(client, hosts) == {str(instances[0]): 1}


def test_a_request_that_failed_may_be_tried_again_under_its_id(real, client):
    hosts = add_hosts(client, 1, vcpus=1)
    instances = [uuid4()]
    with scheduler_on(real) as scheduler:
        with pytest.raises(NoValidHost):
            scheduler.select_destinations(named(), SPEC, instances)
        real.faults.play(faults.when(lambda call: call.method == "POST", faults.not_sent))
        hosts += add_hosts_named(client, "later")
        with pytest.raises(SchedulingUnavailable):
            scheduler.select_destinations(named(), SPEC, instances)
        real.faults.play()
        scheduler.select_destinations(named(), SPEC, instances)
    assert holders(client, hosts) == {str(instances[0]): 1}


def add_hosts_named(client, name):
    from placement_client.models import Inventory

    host = uuid4()
    client.create_resource_provider(name, host)
    client.set_inventories(host, 0, {"VCPU": Inventory(total=8), "MEMORY_MB": Inventory(total=8192)})
    return [host]


def test_a_request_that_is_open_or_in_doubt_is_not_begun_again(real, client):
    add_hosts(client, 2)
    instances = [uuid4()]
    with scheduler_on(real) as scheduler:
        with scheduler.reserve(named(1), SPEC, instances), pytest.raises(RequestInProgress):
            scheduler.select_destinations(named(1), SPEC, instances)
        lost = [uuid4()]
        reservation = scheduler.reserve(named(2), SPEC, lost)
        real.faults.play(faults.every(faults.timeout_before_apply))
        with pytest.raises(ClaimInDoubt):
            reservation.confirm()
        with pytest.raises(ClaimInDoubt):
            scheduler.select_destinations(named(2), SPEC, lost)
        assert scheduler.outcome(named(2).request_id) == "in_doubt"
        real.faults.play()
        scheduler.close()
        assert scheduler.outcome(named(2).request_id) == "committed"
    assert reservations(client) == 0


def test_of_many_deliveries_at_once_one_claims_and_the_others_wait_or_get_its_answer(real, client):
    hosts = add_hosts(client, 3, vcpus=64)
    instances = [uuid4(), uuid4()]
    answers: list[object] = []

    def deliver() -> None:
        try:
            answers.append(scheduler.select_destinations(named(), SPEC, instances))
        except RequestInProgress as error:
            answers.append(error)

    with scheduler_on(real) as scheduler:
        threads = [threading.Thread(target=deliver) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        given = [answer for answer in answers if isinstance(answer, list)]
        assert given
        assert all(answer == given[0] for answer in given)
        assert len(answers) == 8
    assert holders(client, hosts) == {str(instance): 1 for instance in instances}
    assert reservations(client) == 0


def test_closing_waits_for_open_requests_then_aborts_them_and_takes_no_more(real, client):
    hosts = add_hosts(client, 2)
    scheduler = scheduler_on(real)
    finished = scheduler.reserve(CONTEXT, SPEC, [uuid4()])
    threading.Timer(0.2, finished.confirm).start()
    assert scheduler.claimer.close(5).open == 0
    assert len(holders(client, hosts)) == 1
    with pytest.raises(JournalUnavailable) as caught:
        scheduler.select_destinations(CONTEXT, SPEC, [uuid4()])
    assert (caught.value.reason, caught.value.detail) == ("closed", "The scheduler is closed.")

    abandoned = scheduler_on(real)
    kept = abandoned.reserve(CONTEXT, SPEC, [uuid4()])
    assert abandoned.claimer.close(0.3) == type(abandoned.figures())(0, 0, 0)
    with pytest.raises(SchedulingUnavailable):
        kept.confirm()
    assert len(holders(client, hosts)) == 1
    assert reservations(client) == 0


def test_a_forked_process_is_refused_in_words(real, client):
    add_hosts(client, 1)
    with scheduler_on(real) as scheduler:
        scheduler.hosts.snapshot()
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            try:
                scheduler.select_destinations(CONTEXT, SPEC, [uuid4()])
                os.write(writing, b"placed")
            except JournalUnavailable as error:
                os.write(writing, f"{error.reason}: {error.detail}".encode())
            finally:
                os._exit(0)
        os.close(writing)
        os.waitpid(child, 0)
        answer = os.read(reading, 1000).decode()
    assert answer == "forked: The scheduler was built before this process was forked; build one in each process."
    assert reservations(client) == 0


def test_closing_twice_is_closing_once(real, client, tmp_path):
    add_hosts(client, 1)
    journal = f"sqlite:///{tmp_path}/journal/claims.sqlite"
    with scheduler_on(real, journal=journal) as scheduler:
        scheduler.select_destinations(CONTEXT, SPEC, [uuid4()])
        assert scheduler.close() == scheduler.close()


def test_the_answer_to_a_request_outlives_the_process(real, client, tmp_path):
    """A new scheduler on the same journal knows how a request ended, and answers it again."""
    hosts = add_hosts(client, 3)
    journal, instances = f"sqlite:///{tmp_path}/journal/claims.sqlite", [uuid4(), uuid4()]
    with scheduler_on(real, journal=journal) as scheduler:
        first = scheduler.select_destinations(named(), SPEC, instances)
    with scheduler_on(real, journal=journal) as scheduler:
        assert scheduler.outcome(named().request_id) == "committed"
        assert scheduler.select_destinations(named(), SPEC, instances) == first
    assert holders(client, hosts) == {str(instance): 1 for instance in instances}
