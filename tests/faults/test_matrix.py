"""A slice of the fault matrix and of the cuts on the real Placement, and proof that their checks see what is wrong."""

from collections import Counter
from uuid import UUID

import pytest

from faults import cuts, kinds, matrix, nova
from faults.addresses import Address, all_of, slice_of, spread
from faults.report import Options
from faults.runs import CONFIRM, MOVE, RELEASE, Run, play
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
    moved = play(stage, Run(MOVE, 1))
    assert (moved.told, moved.problems) == (PLACED, [])


def test_a_confirmation_that_is_cut_off_is_found_out_and_not_done_again(stage):
    batch = cuts.undisturbed(stage)
    for byte in (0, 1, len(batch[-1].reply)):
        result = cuts.cut_at(stage, cuts.Place(len(batch), cuts.ANSWER, byte))
        assert (result.told, result.problems) == (PLACED, [])


@pytest.mark.parametrize("answer", ["first", "second", "no"])
def test_a_write_that_a_balancer_delivers_twice_leaves_nothing_behind(stage, answer):
    """The second delivery is refused; where that answer counts, the first one was carried out all the same."""
    name = f"delivered twice, {answer} answer"
    for flow, batch, call in ((CONFIRM, 1, 4), (CONFIRM, 1, 6), (RELEASE, 2, 4)):
        assert matrix.play_at(stage, Address(flow, batch, call, name)).problems == [], (flow, call)


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


def test_fewer_runs_are_spread_over_all_of_them():
    assert list(spread(range(10), 4)) == [0, 7, 4, 1]
    kinds_at_calls = [(kind, call) for call in range(6) for kind in range(10)]
    some = spread(kinds_at_calls, 20)
    assert len(set(some)) == 20
    assert {kind for kind, _ in some} == set(range(10))
    assert {call for _, call in some} == set(range(6))
    assert list(spread(range(3), None)) == list(spread(range(3), 9)) == [0, 1, 2]


def test_where_nova_cannot_be_installed_its_column_says_so(tmp_path):
    """A file stands where the virtual environment would be made."""
    (tmp_path / "nova-venv").write_text("in the way")
    column = nova.run(Options(work=tmp_path))
    assert column.notes[0].startswith("NOVA COULD NOT BE INSTALLED")
    assert set(column.figures("401").values()) == set(column.figures(None).values()) == {"-"}


def ignoring(warning, function):
    """Return a function that never believes a warning it is given."""
    return lambda *given, **named: function(*given, **named | {warning: False})


def test_the_matrix_finds_a_scheduler_that_does_not_look_again_after_a_lost_reservation(stage, monkeypatch):
    """Negative control: without fence and quarantine, a reservation that arrives late stays."""
    from scheduler.claims import settler

    address = Address(RELEASE, 1, 4, "late, 4 overtaken")
    assert matrix.play_at(stage, address).problems == []
    monkeypatch.setattr(settler, "release", ignoring("late_possible", settler.release))
    assert "1 reservations left" in matrix.play_at(stage, address).problems


def test_the_matrix_finds_a_scheduler_that_takes_a_lost_confirmation_for_a_refused_one(stage, monkeypatch):
    """Negative control: a confirmation whose answer was lost, and which arrives after it was given up."""
    from scheduler.claims import settle

    runs = [Run(CONFIRM, 1, on_wire={6: kinds.late(after)}) for after in range(1, 8)]
    assert [play(stage, run).problems for run in runs] == [[]] * len(runs)
    monkeypatch.setattr(settle, "verdict", ignoring("maybe_sent", settle.verdict))
    assert ["aborted, but 1 instances hold something"] in [play(stage, run).problems for run in runs]
