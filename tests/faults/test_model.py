"""The model: its server behaves as the real one was measured, its judge notices, and the protocol holds in it."""

import itertools
from collections.abc import Iterator
from uuid import UUID

import pytest

from faults import model
from faults.model_client import HIT_KINDS, WRITE_KINDS
from faults.model_history import History
from faults.model_judge import Judge
from faults.model_server import Consumer, SimulatedServer
from faults.model_world import Dice
from faults.report import Options
from placement_client.errors import CapacityExceeded, ConsumerConflict, Refused, UnknownProvider
from placement_client.models import ConsumerWrite, Inventory, Resources
from placement_client.testing import MockPlacement

HOST, OTHER = UUID(int=0xA0), UUID(int=0xA1)
ONE, TWO = UUID(int=1), UUID(int=2)


def write(amount: int = 0, generation: int | None = None, host: UUID = HOST, owner: str = "tenant") -> ConsumerWrite:
    allocations = {host: Resources({"VCPU": amount})} if amount else {}
    return ConsumerWrite(allocations, project_id=owner, user_id=owner, consumer_generation=generation)


@pytest.fixture
def server() -> SimulatedServer:
    return SimulatedServer({HOST: 4, OTHER: 4})


# The server


def test_the_simulated_server_answers_every_sequence_of_whole_writes_as_the_mock_does():
    """The mock itself is held to the real Placement by the contract tests."""
    for seed in range(40):
        dice, mock, simulated = Dice(f"agreement {seed}"), mock_of_two_hosts(), SimulatedServer({HOST: 4, OTHER: 4})
        for _ in range(12):
            batch = {
                dice.pick((ONE, TWO)): write(dice.below(4), dice.pick((None, 0, 1, 2)), dice.pick((HOST, OTHER)))
                for _ in range(1 + dice.below(2))
            }
            assert ending(mock.post_allocations, batch) == ending(simulated.write, batch), (seed, batch)
            for consumer in (ONE, TWO):
                ours, theirs = simulated.allocations(consumer), mock.get_allocations(consumer)
                assert (ours.amounts(), ours.consumer_generation) == (theirs.amounts(), theirs.consumer_generation)


def mock_of_two_hosts():
    client = MockPlacement().client(retry_attempts=1)
    for host in (HOST, OTHER):
        client.create_resource_provider(f"h{host.int}", host)
        client.set_inventories(host, 0, {"VCPU": Inventory(total=4)})
    return client


def ending(send, batch) -> str:
    try:
        send(batch)
    except Refused as refusal:
        return refusal.code
    return "done"


def test_of_two_that_create_a_consumer_at_once_both_are_granted_and_the_later_one_wins(server):
    new = server.check({ONE: write(1)})
    server.write({ONE: write(2)})
    server.carry_out({ONE: write(1)}, new)
    assert server.allocations(ONE).amounts() == {HOST: {"VCPU": 1}}
    assert server.overwritten == {ONE}


def test_an_empty_write_halfway_through_the_server_deletes_what_came_after_its_check(server):
    server.write({ONE: write(1)})
    new = server.check({ONE: write(0, 1)})
    server.write({ONE: write(2, 1)})
    server.carry_out({ONE: write(0, 1)}, new)
    assert ONE not in server.consumers


def test_a_fence_refuses_a_first_write_that_comes_late(server):
    server.write({ONE: write(0)})
    assert server.consumers[ONE] == Consumer()
    with pytest.raises(ConsumerConflict):
        server.write({ONE: write(1)})


def test_an_unknown_provider_leaves_every_new_consumer_of_a_batch_as_a_ghost(server):
    with pytest.raises(UnknownProvider):
        server.refuse_provider({ONE: write(1), TWO: write(1)})
    assert server.consumers == {ONE: Consumer(), TWO: Consumer()}


def test_a_move_is_possible_on_a_full_provider_and_a_race_overfills_it(server):
    server.write({ONE: write(4)})
    server.write({ONE: write(0, 1), TWO: write(4)})
    with pytest.raises(CapacityExceeded):
        server.write({ONE: write(1)})
    assert not server.overfull()
    server.write({ONE: write(1)}, roomy=True)
    assert server.overfull() == [HOST]


# The judge


def judged(history: History) -> set[str]:
    return {finding.what for finding in Judge(history).findings()}


@pytest.fixture
def quiet_history() -> History:
    history = History(3, plan={})
    history.run()
    assert judged(history) == set()
    assert history.deeds.deliveries[0].answer is not None
    return history


def test_a_reservation_that_stays_is_noticed(quiet_history):
    quiet_history.world.server.consumers[ONE] = Consumer(1, write(1, owner="reservations"))
    assert "a reservation is left" in judged(quiet_history)


def test_an_instance_that_lost_its_room_and_one_that_nobody_decided_are_noticed(quiet_history):
    claim = next(iter(quiet_history.disk.claims.values()))
    lost = claim.instances[0].instance_uuid
    held = quiet_history.world.server.consumers.pop(lost)
    assert "a committed claim's instance does not hold what was decided" in judged(quiet_history)
    quiet_history.world.server.consumers[lost] = held
    del quiet_history.disk.claims[claim.claim_id]
    assert "selections were answered that are not the committed ones" in judged(quiet_history)


def test_a_changed_allocation_of_somebody_else_is_noticed(quiet_history):
    quiet_history.deeds.foreign[TWO] = write(1, owner="foreign")
    assert "somebody else's allocations were changed" in judged(quiet_history)


# The protocol


def singles(keys: range, kinds: tuple[str, ...], variants: int) -> Iterator[dict[int, int]]:
    """Yield every plan with one trouble: each kind, in each variant, at each place."""
    for key, kind, variant in itertools.product(keys, range(len(kinds)), range(variants)):
        yield {key: kind + variant * len(kinds)}


@pytest.mark.parametrize(
    ("keys", "kinds", "variants"),
    [
        pytest.param(range(-4, 0), HIT_KINDS, 9, id="F1 F2 F3 F5 F6 F7 F8 F9 F18 F21 F22: every write"),
        pytest.param(range(14), WRITE_KINDS, 2, id="F11 F14 F15 F17 F19 F24 F27: every step"),
    ],
)
def test_no_single_trouble_at_any_place_leaves_anything(keys, kinds, variants):
    """Each kind of trouble, alone, at every write or step of a request; see ``faults/model_client.py``."""
    wrong = {}
    with model.undisturbed():
        for plan, seed in itertools.product(singles(keys, kinds, variants), (2, 3)):
            history = History(seed, plan=dict(plan))
            history.run()
            found = {finding.what for finding in Judge(history).findings() if not finding.limit}
            if found:
                wrong[seed, *plan.items()] = found, history.world.happened
    assert not wrong


@pytest.mark.slow
def test_thousands_of_histories_leave_nothing_and_every_switched_off_part_is_noticed():
    report = model.run(Options(quick=True, count=4_000))
    assert not report.failures, [*report.notes, *report.failures]
    assert [row["violating"] > 0 for row in report.rows] == [False] + [True] * len(model.CONTROLS)


def test_every_trouble_happens_and_every_ending_is_reached():
    tally = model.tally_of(range(1, 1_500))
    assert set(tally.troubles) >= {*WRITE_KINDS, *HIT_KINDS, "garbled", "unavailable", "unsure"}
    assert {"selected", "NoValidHost", "ClaimInDoubt", "InstanceConflict", "Fenced", "process died"} <= set(
        tally.endings
    )


def test_a_seed_is_replayed_step_by_step_and_always_the_same():
    first, second = model.replay("130"), model.replay("130")
    assert first.notes == second.notes
    assert any("journal: begin" in line for line in first.notes)
    assert model.tally_of([130]) == model.tally_of([130])
