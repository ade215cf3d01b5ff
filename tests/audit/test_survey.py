"""An audit of a real Placement finds every leak made by hand, writes nothing, and heals only what is ours and old."""

from uuid import UUID, uuid4

import pytest

from placement_client.models import ConsumerWrite, Resources
from placement_client.testing import faults
from scheduler.claims.audit import AuditReport
from scheduler.claims.survey import READINGS, Healing, audit, heal
from tests.audit import leaks
from tests.audit.leaks import OLD_S, PROJECT, SETTINGS, TTL_S, dated_client, hold, make_old, make_orphan, provider_with

HEADERS = {"Content-Type": "application/json", "OpenStack-API-Version": "placement 1.39"}


def quiet(what: str, done: int, total: int) -> None:
    """Tell nobody."""


@pytest.fixture
def client(real_placement):
    return dated_client(real_placement)


@pytest.fixture
def host(client):
    return provider_with(client)


def report_of(client, owned=frozenset(), tell=quiet) -> AuditReport:
    return audit(client, SETTINGS, lambda: owned, tell)


def healed(client, *, ttl_s=TTL_S, owned=frozenset()) -> dict[UUID, Healing]:
    found = report_of(client, owned).reservations
    return {one.consumer: one.outcome for one in heal(client, SETTINGS, found, ttl_s, quiet)}


def held_by(client, consumer) -> bool:
    return bool(client.get_allocations(consumer).allocations)


def test_a_sound_placement_is_clean(client, host):
    hold(client, host, project="tenant", consumer_type="INSTANCE")
    report = report_of(client)
    assert report.clean
    assert (report.providers, report.consumers, report.unsteady) == (1, 1, ())


def test_an_empty_placement_is_clean(client):
    assert report_of(client).clean


def test_reservations_are_found_with_their_age_node_and_amounts(client, host):
    old, young = make_old(hold(client, host, vcpus=3)), hold(client, host)
    first, second = report_of(client).reservations
    assert (first.consumer, first.node_id, first.allocations) == (old, "another-node", {host: {"VCPU": 3}})
    assert OLD_S <= first.age_s < OLD_S + 60
    assert second.consumer == young
    assert second.age_s < 60
    assert first.minted
    assert second.minted


def test_a_reservation_of_an_unsettled_claim_is_owned(client, host):
    mine, nobodys = hold(client, host), hold(client, host)
    assert [one.consumer for one in report_of(client, frozenset({mine})).reservations] == [nobodys]


def test_a_claim_that_is_begun_or_settled_while_the_audit_reads_is_no_leak(client, host):
    """The journal is asked after Placement, and what is suspected is read again after the journal."""
    settled, begun = hold(client, host), hold(client, host)

    def owned():
        write = ConsumerWrite({}, PROJECT, "another-node", consumer_generation=1, consumer_type="SCHED_RESERVATION")
        client.put_allocations(settled, write)
        return frozenset({begun})

    assert audit(client, SETTINGS, owned, quiet).reservations == ()


def test_what_only_looks_like_a_reservation_is_found_and_not_called_minted(client, host):
    in_project = hold(client, host, consumer_type="INSTANCE")
    of_type = hold(client, host, project="tenant")
    found = {one.consumer: one.minted for one in report_of(client).reservations}
    assert found == {in_project: False, of_type: False}


def test_an_orphan_is_found_with_what_is_explained(client, host):
    hold(client, host, vcpus=1)
    make_orphan(hold(client, host, vcpus=4))
    (found,) = report_of(client).orphans
    assert (found.provider, found.resource_class, found.used, found.explained) == (host, "VCPU", 5, 1)


def test_an_orphan_whose_consumer_is_known_is_healed_by_a_first_write_and_an_empty_one(client, host):
    """As the manual says."""
    orphan = make_orphan(hold(client, host, vcpus=4))
    client.put_allocations(orphan, ConsumerWrite({host: Resources({"VCPU": 1})}, "tenant", "somebody"))
    assert report_of(client).orphans == ()
    client.put_allocations(orphan, ConsumerWrite({}, "tenant", "somebody", consumer_generation=1))
    assert client.get_provider_usages(host).usages == {"VCPU": 0}


def test_a_provider_that_shrank_is_over_capacity(client, host):
    hold(client, host, project="tenant", consumer_type="INSTANCE", vcpus=8)
    leaks.shrink(client, host, 4)
    (found,) = report_of(client).over_capacity
    assert (found.provider, found.used, found.capacity) == (host, 8, 4)


def test_a_consumer_that_shows_nothing_of_what_a_provider_lists_is_hidden(real_placement, client, host):
    """No Placement known does this; the answer is forged."""
    consumer = hold(client, host, project="tenant")
    empty = faults.answers(200, b'{"allocations": {}}', HEADERS)
    real_placement.faults.play(faults.when(lambda call: call.path == f"/allocations/{consumer}", empty))
    (found,) = report_of(client).hidden
    assert (found.provider, found.consumer) == (host, consumer)


def test_a_consumer_that_comes_and_goes_is_not_hidden(real_placement, client, host):
    """It was listed by its provider, and gone when it was its turn."""
    consumer = hold(client, host)

    def empty_it(call):
        if call.path == f"/allocations/{consumer}":
            real_placement.faults.play()
            write = ConsumerWrite({}, PROJECT, "another-node", consumer_generation=1, consumer_type="SCHED_RESERVATION")
            client.put_allocations(consumer, write)

    real_placement.faults.play(empty_it)
    assert report_of(client).clean


def test_a_provider_that_always_changes_is_not_searched_for_orphans(real_placement, client, host):
    make_orphan(hold(client, host))
    real_placement.faults.play(lambda call: _write_something(real_placement, host, call))
    report = report_of(client)
    assert (report.orphans, report.unsteady) == ((), (host,))


def test_a_provider_that_changes_once_is_read_again(real_placement, client, host):
    make_orphan(hold(client, host))
    changes = iter([True])
    real_placement.faults.play(lambda call: _write_something(real_placement, host, call, changes))
    report = report_of(client)
    assert (len(report.orphans), report.unsteady) == (1, ())


def _write_something(real_placement, host, call, changes=None):
    """Let somebody else claim between the readings of a provider."""
    if call.path.endswith("/usages") and (changes is None or next(changes, False)):
        other = real_placement.client(wrap=lambda _: real_placement.adapter)
        hold(other, host, project="tenant", consumer_type="INSTANCE")


def test_a_provider_that_is_deleted_meanwhile_is_left_out(real_placement, client, host):
    gone = faults.placement_error(404, "Not Found", "No resource provider", "placement.undefined_code")
    real_placement.faults.play(faults.when(lambda call: call.path.endswith("/usages"), gone))
    report = report_of(client)
    assert (report.providers, report.clean) == (0, True)


def test_an_audit_reads_a_bounded_number_of_times_and_writes_nothing(real_placement, client, host):
    other = provider_with(client)
    for provider in (host, other):
        hold(client, provider, project="tenant", consumer_type="INSTANCE")
    leaked, _ = hold(client, host), make_orphan(hold(client, other))
    before = len(real_placement.faults.calls)
    report = report_of(client)
    calls = real_placement.faults.calls[before:]
    assert [one.consumer for one in report.reservations] == [leaked]
    assert {call.method for call in calls} == {"GET"}
    assert len(calls) == 1 + 3 * 2 + 3 + 1
    assert READINGS == 3


def test_progress_ends_with_everything_done(client, host):
    hold(client, host)
    told = []
    report_of(client, tell=lambda *step: told.append(step))
    assert told == [("reading providers", 1, 1), ("reading consumers", 1, 1), ("reading consumers", 1, 1)]


def test_only_old_minted_reservations_are_healed(client, host):
    old, young = make_old(hold(client, host)), hold(client, host)
    looks_like_one = make_old(hold(client, host, project="tenant"))
    in_project = make_old(hold(client, host, consumer_type="INSTANCE"))
    instance = make_old(hold(client, host, project="tenant", consumer_type="INSTANCE"))
    mine = make_old(hold(client, host))
    outcomes = healed(client, owned=frozenset({mine}))
    kept = {young, looks_like_one, in_project}
    assert outcomes == {old: Healing.RELEASED} | dict.fromkeys(kept, Healing.KEPT)
    assert [one for one in (old, *kept, instance, mine) if not held_by(client, one)] == [old]


def test_a_shorter_ttl_heals_younger_ones(client, host):
    young = make_old(hold(client, host), seconds=10.0)
    assert healed(client, ttl_s=5.0) == {young: Healing.RELEASED}
    assert client.get_provider_usages(host).usages == {"VCPU": 0}


def test_of_unknown_age_nothing_is_healed(real_placement, host):
    undated = real_placement.client()
    consumer = make_old(hold(undated, host))
    assert healed(undated, ttl_s=0.0) == {consumer: Healing.KEPT}
    assert held_by(undated, consumer)


def test_below_1_38_there_is_no_type_and_nothing_is_healed(real_placement, client, host):
    consumer = make_old(hold(client, host))
    real_placement.faults.play(faults.when(lambda call: call.path == "/", faults.speaks_up_to("1.37")))
    outcomes = healed(dated_client(real_placement))
    assert outcomes == {consumer: Healing.KEPT}
    assert held_by(client, consumer)


def test_what_was_released_or_rewritten_since_the_audit_is_not_touched(client, host):
    gone, rewritten = make_old(hold(client, host)), make_old(hold(client, host))
    found = report_of(client).reservations
    kind = "SCHED_RESERVATION"
    client.put_allocations(gone, ConsumerWrite({}, PROJECT, "n", consumer_generation=1, consumer_type=kind))
    body = {host: Resources({"VCPU": 2})}
    client.put_allocations(rewritten, ConsumerWrite(body, "tenant", "n", consumer_generation=1))
    outcomes = {one.consumer: one.outcome for one in heal(client, SETTINGS, found, TTL_S, quiet)}
    assert outcomes == {gone: Healing.GONE, rewritten: Healing.KEPT}
    assert held_by(client, rewritten)


def test_what_is_written_after_it_was_looked_at_is_not_touched(real_placement, client, host):
    """The write that heals carries the generation of the answer that allowed it."""
    consumer = make_old(hold(client, host))
    found = report_of(client).reservations
    body = {host: Resources({"VCPU": 2})}
    write = ConsumerWrite(body, PROJECT, "n", consumer_generation=1, consumer_type="SCHED_RESERVATION")

    def answer_and_overtake(request, forward):
        answer = forward()
        real_placement.faults.play()
        client.put_allocations(consumer, write)
        return answer

    real_placement.faults.play(faults.every(answer_and_overtake))
    (one,) = heal(client, SETTINGS, found, TTL_S, quiet)
    assert (one.outcome, one.reason) == (Healing.FAILED, "consumer_conflict")
    assert client.get_provider_usages(host).usages == {"VCPU": 2}


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (faults.reset_before_apply, (Healing.FAILED, "outcome_unknown")),
        (faults.reset_after_apply, (Healing.RELEASED, "")),
        (faults.not_sent, (Healing.FAILED, "not_sent")),
    ],
)
def test_a_lost_answer_is_read_back_and_the_others_are_healed(real_placement, client, host, fault, outcome):
    first = make_old(hold(client, host), seconds=2 * OLD_S)
    second = make_old(hold(client, host))
    found = report_of(client).reservations
    real_placement.faults.play(faults.when(lambda call: call.method == "PUT" and call.path.endswith(str(first)), fault))
    done = {one.consumer: (one.outcome, one.reason) for one in heal(client, SETTINGS, found, TTL_S, quiet)}
    assert done == {first: outcome, second: (Healing.RELEASED, "")}


def test_an_acknowledged_release_that_was_not_carried_out_has_failed(real_placement, client, host):
    consumer = make_old(hold(client, host))
    found = report_of(client).reservations
    lie = faults.answers(204, b"", HEADERS)
    real_placement.faults.play(faults.when(lambda call: call.method == "PUT", lie))
    (one,) = heal(client, SETTINGS, found, TTL_S, quiet)
    assert (one.consumer, one.outcome, one.reason) == (consumer, Healing.FAILED, "not_empty")


def test_a_consumer_nobody_knows_is_gone(client):
    found = report_of(client).reservations
    assert found == ()
    reading = [type("Found", (), {"consumer": uuid4()})]
    assert [one.outcome for one in heal(client, SETTINGS, reading, TTL_S, quiet)] == [Healing.GONE]
