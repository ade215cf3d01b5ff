"""Records are bounded in number, size and age, together and each by itself."""

import base64
import os
import time
import zlib
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from scheduler.model import DecisionRecord, FilterStep, Flavor, Inputs, InstanceDecision, RequestSpec, Round, Rules
from scheduler.records import DamagedRecord, DirectoryRecords, MemoryRecords
from scheduler.records.packing import MAX_BYTES, decoded, encoded
from tests.flow.deciding import decided, plugins
from tests.hosts.fleets import Node, spec

FLAVOR = Flavor(vcpus=1, memory_mb=1, root_gb=1)
DAY_S = 86_400


def record(number: int, **parts: object) -> DecisionRecord:
    return DecisionRecord(request_id=f"req-{UUID(int=number)}", outcome="selected", **parts)


def whole(number: int, hosts: int = 3) -> DecisionRecord:
    """Return a record with the inputs of so many hosts."""
    fleet = [Node(f"h{host}", {"VCPU": (9, 0), "MEMORY_MB": (9, 0), "DISK_GB": (9, 0)}) for host in range(hosts)]
    made = decided(fleet, spec(flavor=FLAVOR), plugins())
    return DecisionRecord(
        **{name: getattr(made, name) for name in made.__struct_fields__} | {"request_id": record(number).request_id}
    )


def names(directory: Path) -> set[str]:
    return {path.stem for path in directory.iterdir() if path.suffix == ".json"}


def size(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.iterdir() if path.suffix == ".json")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "records"


def test_a_record_with_inputs_comes_back_as_it_was(directory: Path) -> None:
    store, kept = DirectoryRecords(str(directory), 10), whole(1)
    store(kept)
    assert store.get(kept.request_id) == store.last() == kept
    assert kept.inputs is not None


def test_a_record_that_is_too_large_is_kept_without_its_inputs(directory: Path) -> None:
    kept = whole(1)
    most = len(encoded(kept, MAX_BYTES)) - 1
    store = DirectoryRecords(str(directory), 10, max_record_bytes=most)
    store(kept)
    read = store.get(kept.request_id)
    assert (read.inputs, read.left_out) == (None, "inputs")
    assert read.rounds == kept.rounds
    assert size(directory) <= most


def test_a_record_that_is_too_large_still_is_kept_without_its_decisions() -> None:
    steps = tuple(FilterStep(name=f"filter{number}", reason="r", hosts_in=1, removed=0) for number in range(1000))
    decision = InstanceDecision(instance_uuid=UUID(int=1), steps=steps)
    read = decoded(encoded(record(1, rounds=(Round(candidates=7, hosts=5, instances=(decision,)),)), 2000))
    assert read.left_out == "inputs and decisions"
    assert (read.rounds[0].candidates, read.rounds[0].instances) == (7, ())


def test_inputs_that_json_cannot_say_are_left_out() -> None:
    """Facts may come from a host source of somebody else, and hold anything."""
    request = RequestSpec(flavor=FLAVOR, project_id="p", user_id="u", scheduler_hints={"what": object()})
    read = decoded(encoded(record(1, inputs=Inputs(request=request, rules=Rules())), MAX_BYTES))
    assert (read.inputs, read.left_out) == (None, "inputs")


def test_the_directory_never_holds_more_bytes_than_allowed(directory: Path) -> None:
    one = len(encoded(whole(1), MAX_BYTES))
    store = DirectoryRecords(str(directory), 1000, max_total_bytes=20 * one)
    for number in range(60):
        store(whole(number))
        assert size(directory) <= 20 * one
    assert len(names(directory)) >= 17
    assert record(59).request_id in names(directory)
    assert record(30).request_id not in names(directory)


def test_the_newest_record_stays_even_if_it_alone_is_too_large(directory: Path) -> None:
    store = DirectoryRecords(str(directory), 10, max_total_bytes=10)
    store(record(1))
    store(record(2))
    assert names(directory) == {record(2).request_id}


def aged(directory: Path, number: int, days: float) -> None:
    path = directory / f"{record(number).request_id}.json"
    when = path.stat().st_mtime - days * DAY_S
    os.utime(path, (when, when))


def test_old_records_go_when_another_one_is_written(directory: Path) -> None:
    store = DirectoryRecords(str(directory), 1000, keep_days=3)
    store(record(1))
    store(record(2))
    aged(directory, 1, days=4)
    aged(directory, 2, days=2)
    DirectoryRecords(str(directory), 1000, keep_days=3)(record(3))
    assert names(directory) == {record(2).request_id, record(3).request_id}


def test_old_records_go_when_a_store_is_made_to_read(directory: Path) -> None:
    """The command line reads with a store of its own; an idle scheduler does not keep records alive."""
    DirectoryRecords(str(directory), 10)(record(1))
    aged(directory, 1, days=4)
    assert DirectoryRecords(str(directory), 10, keep_days=3).last() is None
    assert names(directory) == set()


def test_a_scheduler_that_writes_seldom_looks_for_old_ones_all_the_same(directory: Path) -> None:
    """The directory is listed again after a tenth of the time that records are kept, however few were written."""
    store = DirectoryRecords(str(directory), 1000, keep_days=1e-7)  # some 9 ms
    for number in range(3):
        store(record(number))
        aged(directory, number, days=1)
    time.sleep(0.02)
    store(record(9))
    assert names(directory) == {record(9).request_id}


@pytest.mark.parametrize("packed", ["!", "AAAA", "eJwDAAAAAAE="])
def test_damaged_inputs_make_a_damaged_record(packed: str) -> None:
    text = encoded(record(1), MAX_BYTES)
    with pytest.raises(DamagedRecord) as caught:
        decoded(text.replace(b'"packed":""', f'"packed":"{packed}"'.encode()))
    assert caught.value.__context__ is None


def test_what_unpacks_to_more_than_can_be_held_is_a_damaged_record() -> None:
    """The first part of it would pass: inputs, and then nothing but blanks."""
    inputs = msgspec.json.encode(whole(1).inputs)
    bomb = base64.b64encode(zlib.compress(inputs + b" " * MAX_BYTES))
    with pytest.raises(DamagedRecord):
        decoded(encoded(record(1), MAX_BYTES).replace(b'"packed":""', b'"packed":"' + bomb + b'"'))


def test_memory_keeps_the_inputs_of_the_newest_only() -> None:
    entries = whole(1).inputs.entries
    store = MemoryRecords(10, input_entries=2 * entries)
    for number in range(4):
        store(whole(number))
    kept = [store.get(record(number).request_id) for number in range(4)]
    assert [one.left_out for one in kept] == ["inputs", "inputs", "", ""]
    assert [one.inputs is None for one in kept] == [True, True, False, False]


def test_memory_forgets_inputs_with_their_record() -> None:
    store = MemoryRecords(1, input_entries=whole(1).inputs.entries)
    store(whole(1))
    store(whole(2))
    store(whole(2))
    assert store.last().inputs is not None
    assert store.get(record(1).request_id) is None
