"""An exception at any bytecode boundary of reserve, confirm and release leaves nothing behind."""

from uuid import uuid4

import pytest

from faults import interrupts
from faults.fleet import RESERVATIONS, WANTED, set_up, wrongs
from faults.fuse import BytecodeFuse, InterruptFuse
from faults.interrupts import Point
from faults.report import Options, table
from placement_client.models import ConsumerWrite, Resources


class Stop(BaseException):
    """What the fuses of these tests raise."""


def blow():
    raise Stop


@pytest.mark.slow
def test_exceptions_at_sampled_boundaries_leave_nothing_behind():
    """F11, F12: KeyboardInterrupt, SystemExit, GeneratorExit and MemoryError, on both kinds of journal."""
    report = interrupts.run(Options(quick=True))
    print(table(report))
    assert not report.failures, table(report)
    assert report.runs >= sum(interrupts.QUICK.values()) * 0.9
    assert {row["raised"] for row in report.rows} == set(interrupts.ERRORS)
    assert {row["journal"] for row in report.rows} == set(interrupts.JOURNALS)
    assert sum(row["aborted"] for row in report.rows) > 0
    assert sum(row["committed"] for row in report.rows) > 0


def three(seen):
    seen.append(1)
    seen.append(2)
    seen.append(3)


def test_every_bytecode_of_the_watched_code_is_a_boundary():
    """Counted first, then raised at each: the function never gets further than where it was stopped."""
    watched = three.__code__.__eq__
    with BytecodeFuse(0, blow, watched) as counting:
        three([])
    assert counting.count > 15
    lengths = []
    for at in range(1, counting.count + 1):
        seen = []
        with pytest.raises(Stop), BytecodeFuse(at, blow, watched) as fuse:
            three(seen)
        lengths.append(len(seen))
        assert fuse.line.startswith("three:")
    assert lengths == sorted(lengths)
    assert set(lengths) == {0, 1, 2, 3}


def test_an_interrupt_comes_when_a_function_begins_and_when_a_call_returned():
    watched = three.__code__.__eq__
    with InterruptFuse(0, blow, watched) as counting:
        three([])
    assert counting.count == 4
    for at in range(1, 5):
        seen = []
        with pytest.raises(Stop), InterruptFuse(at, blow, watched):
            three(seen)
        assert len(seen) == at - 1


def test_a_wrong_end_is_noticed():
    """What a caller is told must agree with the verdict; an interrupt tells nothing."""
    assert interrupts._lies("error of ours", "committed", "confirm")
    assert interrupts._lies("", "aborted", "confirm")
    assert not interrupts._lies("KeyboardInterrupt", "committed", "confirm")
    assert not interrupts._lies("in doubt", "committed", "confirm")


def test_what_is_left_is_noticed(mock_placement):
    """The count names a reservation, an instance that holds against the verdict, and a foreign change."""
    client = mock_placement.client()
    fleet = set_up(client, 2, vcpus=8)
    instance = uuid4()
    assert wrongs(fleet, [instance], "aborted") == []
    assert wrongs(fleet, [instance], "open") == ["the verdict is open"]
    assert wrongs(fleet, [instance], "committed") == ["committed, but not every instance holds its own"]
    hold(client, instance, fleet.hosts[0], WANTED, "tenant")
    assert wrongs(fleet, [instance], "committed") == []
    assert wrongs(fleet, [instance], "aborted") == ["aborted, but instances hold something"]
    hold(client, uuid4(), fleet.hosts[0], {"VCPU": 1}, RESERVATIONS)
    assert wrongs(fleet, [instance], "committed") == ["1 reservations are left"]
    hold(client, fleet.foreign[1], fleet.hosts[1], {"VCPU": 2}, "foreign", generation=1)
    assert "a foreign allocation was touched" in wrongs(fleet, [instance], "committed")


def hold(client, consumer, host, amounts, project, generation=None):
    client.put_allocations(consumer, ConsumerWrite({host: Resources(amounts)}, project, "user", generation))


def test_a_step_has_an_address_that_leads_back_to_it():
    point = Point("sqlite", "release", "calls", "MemoryError", 17)
    assert interrupts._point(str(point)) == point
