"""A slice of the fault matrix and of the cuts on the real Placement, and proof that their checks see what is wrong."""

from collections import Counter
from uuid import UUID

import pytest

from faults import cuts, kinds, matrix, nova
from faults.addresses import Address, all_of, slice_of
from faults.report import Options
from faults.runs import CONFIRM, RELEASE, Run, play
from faults.stage import SPEC, Count, Stage
from faults.verdict import PLACED, Outcome, problems
from placement_client.models import ConsumerWrite, Resources
from scheduler.claims import Figures


@pytest.fixture(scope="module")
def stage():
    with Stage() as one:
        yield one


@pytest.mark.slow
def test_a_slice_of_the_matrix_leaves_nothing_behind():
    report = matrix.run(Options(quick=True))
    assert report.runs == len(kinds.KINDS)
    assert [failure.what for failure in report.failures] == []
    assert report.rows[-1]["fault"] == "all"
    assert report.rows[-1]["Nova: runs"] == "-"


@pytest.mark.slow
def test_a_slice_of_the_cuts_leaves_nothing_behind():
    report = cuts.run(Options(quick=True))
    assert report.runs >= 50
    assert [failure.what for failure in report.failures] == []


def test_an_undisturbed_batch_is_placed_and_an_unconfirmed_one_released(stage):
    assert play(stage, Run(CONFIRM, 2)).told == PLACED
    assert [call.title for call in stage.calls][-1] == "POST /allocations"
    released = play(stage, Run(RELEASE, 2))
    assert (released.told, released.problems) == ("released", [])


def test_a_confirmation_that_is_cut_off_is_found_out_and_not_done_again(stage):
    batch = cuts.undisturbed(stage)
    for byte in (0, 1, len(batch[-1].reply)):
        result = cuts.cut_at(stage, cuts.Place(len(batch), cuts.ANSWER, byte))
        assert (result.told, result.problems) == (PLACED, [])


def test_the_places_to_cut_are_every_byte_of_every_message(stage):
    batch = cuts.undisturbed(stage)
    found = list(cuts.places(batch))
    assert len(found) == len(set(found)) == sum(len(one.request) + len(one.reply) + 1 for one in batch)
    assert cuts.Place.parse(str(found[-1])) == found[-1]


def left(stage, hold=None) -> Count:
    """Let somebody hold something besides, count, and take it away again."""
    consumer, project = hold
    body = {stage.hosts[0]: Resources({"VCPU": 2, "MEMORY_MB": 512})}
    client = stage.server.client()
    client.put_allocations(consumer, ConsumerWrite(body, project_id=project, user_id="x"))
    count = stage.count()
    stage.clean()
    return count


def outcome(instances, verdict="aborted", answer=None, figures=(0, 0, 0)) -> Outcome:
    return Outcome(instances, answer, verdict, Figures(*figures))


def test_the_check_sees_a_reservation_that_was_left(stage):
    from faults.stage import RESERVATIONS

    count = left(stage, (UUID(int=7), RESERVATIONS))
    assert "1 reservations left" in list(problems(stage, outcome([]), count))
    assert list(problems(stage, outcome([]), stage.count())) == []


def test_the_check_sees_an_instance_that_holds_although_the_journal_says_aborted(stage):
    instance = UUID(int=8)
    count = left(stage, (instance, "tenant"))
    assert list(problems(stage, outcome([instance]), count)) == ["aborted, but 1 instances hold something"]
    assert list(problems(stage, outcome([instance], "committed", ValueError()), count)) == []
    other = outcome([instance, UUID(int=9)], "committed", ValueError())
    assert list(problems(stage, other, count)) == ["committed, but an instance does not hold what was decided"]


def test_the_check_sees_strangers_and_unfinished_claims(stage):
    count = left(stage, (UUID(int=10), "tenant"))
    assert list(problems(stage, outcome([]), count)) == ["1 consumers hold something that nobody asked for"]
    unfinished = outcome([], "in_doubt", figures=(0, 1, 0))
    assert len(list(problems(stage, unfinished, stage.count()))) == 2


def test_the_check_sees_a_touched_foreign_allocation(stage):
    before = stage.count()
    touched = {**before.held, str(stage.foreign[0]): {}}
    rewritten = {**before.consumers, str(stage.foreign[1]): ("foreign", 2)}
    found = list(problems(stage, outcome([]), Count(touched, rewritten, ["p"])))
    assert found == ["a foreign allocation was touched", "a foreign consumer was written", "1 providers over capacity"]


def test_the_matrix_has_every_kind_at_every_call_and_the_slice_every_kind_once():
    steps = {("confirm", 1): range(1, 4), ("release", 2): [5]}
    every = list(all_of(steps, ["a", "b: c"]))
    assert len(set(every)) == len(every) == 8
    assert {Address.parse(str(address)) for address in every} == set(every)
    some = list(slice_of(steps, list(kinds.KINDS), seed=1))
    assert Counter(address.kind for address in some) == Counter(list(kinds.KINDS))
    assert {(one.flow, one.call) for one in some} == {("confirm", 1), ("confirm", 2), ("confirm", 3), ("release", 5)}


def test_what_nova_left_is_counted_by_allocation():
    amounts = {"VCPU": SPEC.flavor.vcpus, "MEMORY_MB": SPEC.flavor.memory_mb}
    on = {name: {(name, resource): amount for resource, amount in amounts.items()} for name in "ab"}
    one, two = UUID(int=1), UUID(int=2)

    def wrong(held, hosts):
        return nova.wrong_allocations(Count({str(who): what for who, what in held.items()}, {}, []), [one, two], hosts)

    assert wrong({one: on["a"]}, {str(one): "a"}) == 0
    assert wrong({one: on["a"], two: on["b"]}, {}) == 2
    assert wrong({one: on["a"] | on["b"]}, {str(one): "a"}) == 1
    assert wrong({}, {str(one): "a"}) == 1
    assert wrong({one: {("a", "VCPU"): 4}}, {str(one): "a"}) == 1
