"""Claims of instances that hold something: what is held, written, concluded and recovered."""

from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from placement_client.errors import ConsumerConflict
from placement_client.models import ConsumerAllocations, ConsumerWrite, Inventory, ProviderAllocation, Resources
from placement_client.testing import MockPlacement, faults
from scheduler.claims import CONFIRMED, IN_DOUBT, RESERVED, Claimer, ClaimState, Figures, MemoryJournal
from scheduler.claims.bodies import claim_of, confirm_body, reserve_body
from scheduler.claims.journal import Claim, InstanceClaim
from scheduler.claims.settle import INSTANCE_TAKEN, Owner, owner_of, verdict
from scheduler.claims.states import ClaimEvent
from scheduler.model import Evacuate, LiveMigrate, Migrate
from scheduler.model.held import Held, beyond, together
from tests.claims.test_bodies import FACTS, SETTINGS, minted, on, placing
from tests.claims.test_claimer import REQUEST, Quiet, SteppedClock
from tests.claims.test_claimer import SETTINGS as QUICK

HERE, THERE, INSTANCE, MIGRATION = (UUID(int=number) for number in (1, 2, 7, 8))
UNTOUCHED, OURS, FOREIGN = Owner

amounts = st.dictionaries(
    st.sampled_from((HERE, THERE)),
    st.dictionaries(st.sampled_from(("VCPU", "DISK_GB")), st.integers(1, 9), min_size=1).map(Resources),
)


def total(*held):
    """Return what some consumers hold together, by provider and class."""
    added = {}
    for one in held:
        for provider, given_ in one.items():
            for name, amount in given_.resources.items():
                added[provider, name] = added.get((provider, name), 0) + amount
    return added


@given(old=amounts, new=amounts)
def test_old_and_hold_are_as_much_as_new_and_what_the_migration_keeps_and_never_both_of_a_class(old, new):
    """The confirmation changes no provider's use, and reverting the move fits into it."""
    assert total(old, beyond(new, old)) == total(new, beyond(old, new)) == total(together(old, new))
    assert total(together(old, new)) == {
        key: max(total(old).get(key, 0), total(new).get(key, 0)) for key in {**total(old), **total(new)}
    }


def moving(operation, old=None, *, amount=2):
    """Return the claim that moves the instance, which holds ``old``, to some CPUs of the second provider."""
    facts = structs.replace(FACTS, request_id=REQUEST, operation=operation, held=Held(4, old or on(1, 3)))
    return claim_of(UUID(int=9), facts, [placing(7, 2, amount=amount)], minted())


@pytest.mark.parametrize("operation", [Migrate(MIGRATION), LiveMigrate(MIGRATION), Evacuate(MIGRATION)])
def test_the_confirmation_replaces_the_instance_at_its_generation_and_gives_its_migration_the_source(operation):
    claim = moving(operation)
    writes = confirm_body(claim, SETTINGS)
    instance, migration = writes[INSTANCE], writes[MIGRATION]
    assert (instance.allocations, instance.consumer_generation) == (on(2, 2), 4)
    assert (migration.allocations, migration.consumer_generation) == (on(1, 3), None)
    assert (migration.project_id, migration.user_id, migration.consumer_type) == ("tenant", "somebody", "MIGRATION")
    (reserved,) = reserve_body(claim, SETTINGS).values()
    assert reserved.allocations == on(2, 2)


def test_without_a_migration_the_source_is_freed_or_for_an_evacuation_kept():
    assert set(confirm_body(moving(Migrate()), SETTINGS)) & {INSTANCE, MIGRATION} == {INSTANCE}
    assert confirm_body(moving(Migrate()), SETTINGS)[INSTANCE].allocations == on(2, 2)
    assert confirm_body(moving(Evacuate()), SETTINGS)[INSTANCE].allocations == on(1, 3) | on(2, 2)


def test_on_the_same_provider_only_the_difference_is_held_or_kept():
    more, less = moving(Migrate(MIGRATION), on(2, 1), amount=3), moving(Migrate(MIGRATION), on(2, 3), amount=1)
    assert [hold.allocations for hold in more.holds] == [on(2, 2)]
    assert more.migration is None
    assert less.holds == ()
    assert less.migration.allocations == on(2, 2)
    assert reserve_body(less, SETTINGS) == {}


def test_a_claim_that_an_earlier_release_wrote_down_can_be_read():
    plain = msgspec.to_builtins(claim_of(UUID(int=9), FACTS, [placing(1, 1)], minted()))
    assert plain.pop("migration") is None
    assert plain["instances"][0].pop("before") is None
    read = msgspec.json.decode(msgspec.json.encode(plain), type=Claim)
    assert read == claim_of(UUID(int=9), FACTS, [placing(1, 1)], minted())
    moved = moving(Evacuate(MIGRATION))
    assert msgspec.json.decode(msgspec.json.encode(moved), type=Claim) == moved


@pytest.mark.parametrize(
    ("found", "generation", "owner"),
    [
        ({HERE: {"VCPU": 3}}, 4, UNTOUCHED),
        ({HERE: {"VCPU": 3}}, 5, FOREIGN),  # written again, with the same
        ({HERE: {"VCPU": 2}}, 4, FOREIGN),  # emptied, and as often written since
        ({THERE: {"VCPU": 2}}, 5, OURS),
        ({}, None, FOREIGN),
    ],
)
def test_a_moved_instance_is_untouched_only_at_its_generation(found, generation, owner):
    allocations = {provider: ProviderAllocation(resources) for provider, resources in found.items()}
    wanted = InstanceClaim(INSTANCE, on(2, 2), Held(4, on(1, 3)))
    assert owner_of(ConsumerAllocations(allocations, generation), wanted) is owner


def test_an_instance_that_stays_as_it_is_is_told_by_its_generation_alone():
    wanted = InstanceClaim(INSTANCE, on(1, 3), Held(4, on(1, 3)))
    found = {HERE: ProviderAllocation({"VCPU": 3})}
    assert [owner_of(ConsumerAllocations(found, number), wanted) for number in (4, 5)] == [UNTOUCHED, OURS]


@pytest.mark.parametrize(
    ("owner", "maybe_sent", "event", "reason"),
    [
        (OURS, True, ClaimEvent.CONFIRMED, ""),
        (UNTOUCHED, True, None, ""),
        (UNTOUCHED, False, ClaimEvent.DENIED, ""),
        (FOREIGN, True, None, INSTANCE_TAKEN),
        (FOREIGN, False, ClaimEvent.DENIED, INSTANCE_TAKEN),
    ],
)
def test_without_a_hold_the_instance_alone_tells(owner, maybe_sent, event, reason):
    assert verdict([], [owner], maybe_sent=maybe_sent) == (event, reason)


@pytest.fixture
def mock():
    """Give a Placement with two providers, and the instance on the first one at generation 4."""
    placement = MockPlacement()
    client = placement.client(wrap=lambda adapter: placement.adapter)
    for number in (1, 2):
        client.create_resource_provider(f"h{number}", UUID(int=number))
        client.set_inventories(UUID(int=number), 0, {"VCPU": Inventory(total=4)})
    for generation in (None, 1, 2, 3):
        client.put_allocations(INSTANCE, ConsumerWrite(on(1, 3), "tenant", "somebody", generation))
    return placement


def held(mock, consumer=INSTANCE):
    return mock.client(wrap=lambda adapter: mock.adapter).get_allocations(consumer).amounts()


def claimer_on(mock, journal, clock=None):
    placement = mock.client(retry_attempts=1)
    placement.negotiate()
    return Claimer(placement, journal, QUICK, clock or SteppedClock(), sweeper=Quiet()), placement


def begun(claimer, operation=Migrate(MIGRATION), old=None, number=2):  # noqa: B008 - frozen
    facts = structs.replace(FACTS, request_id=REQUEST, operation=operation, held=Held(4, old or on(1, 3)))
    return claimer.begin(claimer.new_id(), facts, [placing(7, number, amount=2)])


@pytest.mark.parametrize("intended", [False, True])
def test_who_takes_over_aborts_before_the_commit_intent_and_drives_forward_after_it(mock, intended):
    journal = MemoryJournal()
    claimer, placement = claimer_on(mock, journal)
    claim = begun(claimer)
    assert claimer.reserve(placement, claim) == RESERVED
    if intended:
        journal.advance(claim.claim_id, ClaimEvent.COMMIT_INTENDED)
    survivor, _ = claimer_on(mock, journal)
    assert survivor.recover(5.0) == Figures(0, 0, 0)
    assert held(mock) == ({THERE: {"VCPU": 2}} if intended else {HERE: {"VCPU": 3}})
    assert held(mock, MIGRATION) == ({HERE: {"VCPU": 3}} if intended else {})
    assert held(mock, claim.holds[0].consumer) == {}


def test_a_move_whose_confirmation_was_carried_out_unheard_is_found_out(mock):
    journal = MemoryJournal()
    claimer, placement = claimer_on(mock, journal)
    claim = begun(claimer)
    claimer.reserve(placement, claim)
    mock.faults.play(lambda call: faults.timeout_after_apply if call.number == 1 else faults.not_sent)
    assert claimer.confirm(placement, claim) == IN_DOUBT
    mock.faults.play()
    survivor, _ = claimer_on(mock, journal)
    survivor.recover(5.0)
    assert survivor.claims_of(REQUEST)[0].state is ClaimState.COMMITTED
    assert (held(mock), held(mock, MIGRATION)) == ({THERE: {"VCPU": 2}}, {HERE: {"VCPU": 3}})


def test_a_move_without_a_hold_sends_one_write_and_a_lost_one_is_told_by_the_generation(mock):
    journal = MemoryJournal()
    claimer, placement = claimer_on(mock, journal)
    claim = begun(claimer, number=1)
    mock.faults.play()
    assert claimer.reserve(placement, claim) == RESERVED
    assert mock.faults.calls == []
    mock.faults.play(faults.on_call(1, faults.reset_after_apply))
    assert claimer.confirm(placement, claim) == CONFIRMED
    assert [str(call) for call in mock.faults.calls] == ["POST /allocations", f"GET /allocations/{INSTANCE}"]
    assert (held(mock), held(mock, MIGRATION)) == ({HERE: {"VCPU": 2}}, {HERE: {"VCPU": 1}})


def test_a_move_without_a_hold_whose_write_is_refused_for_good_ends_after_the_quarantines(mock):
    """The migration's UUID is somebody's: the first write was lost, later ones are refused; none arrives any more."""
    clock = SteppedClock()
    claimer, placement = claimer_on(mock, MemoryJournal(), clock)
    claim = begun(claimer, number=1)
    claimer.reserve(placement, claim)
    placement.put_allocations(MIGRATION, ConsumerWrite(on(2), "foreign", "foreigner"))
    mock.faults.play(faults.on_call(1, faults.reset_before_apply))
    assert claimer.confirm(placement, claim) == IN_DOUBT
    mock.faults.play()
    for _ in range(4):
        clock.ahead += 61
        claimer.settle()
    assert claimer.claims_of(REQUEST)[0].state is ClaimState.ABORTED
    assert (held(mock), held(mock, MIGRATION)) == ({HERE: {"VCPU": 3}}, {THERE: {"VCPU": 1}})


def test_a_late_confirmation_of_an_aborted_move_is_refused(mock):
    claimer, placement = claimer_on(mock, MemoryJournal())
    claim = begun(claimer)
    claimer.reserve(placement, claim)
    claimer.release([claim.claim_id])
    with pytest.raises(ConsumerConflict):
        placement.post_allocations(confirm_body(claim, QUICK))
    assert held(mock) == {HERE: {"VCPU": 3}}
