"""Where facts come from: Placement's listing and the hosts file."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from placement_client.clock import Deadline
from placement_client.errors import DeadlineExceeded, NotSent
from placement_client.models import Aggregates, Inventories, Inventory, ResourceProvider
from scheduler.errors import InvalidSettings
from scheduler.hosts import PlacementHostSource
from scheduler.hosts.file import FileHostSource, read_hosts
from scheduler.model import HostFact
from tests.hosts.fleets import uid


class HandClock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now + 1e9

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Listing:
    """A Placement that lists these root providers and counts the calls."""

    def __init__(self, *names: str) -> None:
        self.names = list(names)
        self.calls: list[str] = []
        self.down = False
        self.deadlines: list[Deadline] = []

    def within(self, deadline: Deadline) -> "Listing":
        self.deadlines.append(deadline)
        return self

    def list_resource_providers(self) -> list[ResourceProvider]:
        self.calls.append("list")
        if self.down:
            raise NotSent("GET /resource_providers")
        roots = [ResourceProvider(uid(name), name, 0, None, uid(name)) for name in self.names]
        return [*roots, ResourceProvider(uid("child"), "child", 0, uid("a"), uid("a"))]

    def get_inventories(self, provider: UUID) -> Inventories:
        self.calls.append("inventories")
        return Inventories(0, {"VCPU": Inventory(8, reserved=2)})

    def get_aggregates(self, provider: UUID) -> Aggregates:
        self.calls.append("aggregates")
        return Aggregates([uid("rack")])


def test_every_root_provider_is_a_host_in_service() -> None:
    listing = Listing("a", "b")
    snapshot = PlacementHostSource(listing, HandClock()).snapshot()
    assert [fact.name for fact in snapshot.facts] == ["a", "b"]
    assert snapshot.columns["enabled"].tolist() == [True, True, False]
    assert snapshot.provider_names == {uid("a"): "a", uid("b"): "b"}
    assert listing.calls == ["list"]


def test_the_listing_is_reused_until_it_is_old() -> None:
    listing, clock = Listing("a"), HandClock()
    source = PlacementHostSource(listing, clock, refresh_s=60)
    first = source.snapshot()
    clock.now += 59
    assert source.snapshot([uid("a")]) is first
    clock.now += 1
    assert source.snapshot() is not first
    assert listing.calls == ["list", "list"]


def test_an_unknown_provider_is_looked_for_but_not_at_every_request() -> None:
    listing, clock = Listing("a"), HandClock()
    source = PlacementHostSource(listing, clock)
    source.snapshot()
    listing.names.append("new")
    assert uid("new").int in source.snapshot([uid("new")]).rows_by_int
    for _ in range(3):
        source.snapshot([uid("nobody")])
    assert listing.calls == ["list"] * 3
    clock.now += 5
    source.snapshot([uid("nobody")])
    assert listing.calls == ["list"] * 4


def test_full_details_read_inventories_and_aggregates_of_roots() -> None:
    listing = Listing("a")
    snapshot = PlacementHostSource(listing, HandClock(), details="full").snapshot()
    assert snapshot.reserved == {(uid("a"), "VCPU"): 2}
    assert dict(snapshot.membership) == {uid("a"): (uid("rack"),)}
    assert snapshot.aggregates[uid("rack")].name == str(uid("rack"))
    assert sorted(listing.calls) == ["aggregates", "inventories", "list"]


def test_a_failed_refresh_reaches_the_caller_and_the_next_one_tries_again() -> None:
    listing, clock = Listing("a"), HandClock()
    source = PlacementHostSource(listing, clock, refresh_s=60)
    source.snapshot()
    clock.now += 60
    listing.down = True
    with pytest.raises(NotSent):
        source.snapshot()
    listing.down = False
    assert uid("a").int in source.snapshot().rows_by_int


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a hosts file with a time of change of its own."""
    changes = iter(range(1, 100))

    def write_file(content: Any, name: str = "hosts.yaml") -> Path:
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        os.utime(path, (when := next(changes), when))
        return path

    return write_file


def test_yaml_and_json_say_the_same(write: Callable[..., Path]) -> None:
    hosts = [{"name": "a", "provider_uuid": str(uid("a")), "enabled": False, "instances": [str(uid("i"))]}]
    by_yaml = FileHostSource(
        write(f"hosts:\n- {{name: a, provider_uuid: {uid('a')}, enabled: false, instances: [{uid('i')}]}}")
    )
    by_json = FileHostSource(write({"hosts": hosts}, "hosts.json"))
    assert by_yaml.snapshot().facts == by_json.snapshot().facts
    assert by_yaml.snapshot().facts[0].instances == (uid("i"),)


def test_a_file_is_read_again_when_it_changes_and_only_then(write: Callable[..., Path]) -> None:
    path = write({"hosts": [{"name": "a", "provider_uuid": str(uid("a"))}]})
    source = FileHostSource(path)
    first = source.snapshot()
    assert source.snapshot() is first
    write({"hosts": [{"name": "a", "provider_uuid": str(uid("a")), "enabled": False}]})
    assert not source.snapshot().columns["enabled"][0]


def test_names_are_found_in_placement(write: Callable[..., Path]) -> None:
    listing, clock = Listing("n1"), HandClock()
    source = FileHostSource(
        write({"hosts": [{"name": "h1", "node": "n1"}]}), PlacementHostSource(listing, clock), clock
    )
    snapshot = source.snapshot()
    assert dict(snapshot.rows_by_int) == {uid("n1").int: 0}
    assert source.snapshot() is snapshot
    listing.names.append("n2")
    clock.now += 5
    assert source.snapshot([uid("n2")]).provider_names[uid("n2")] == "n2"


def test_ages_are_judged_at_the_time_of_the_request(write: Callable[..., Path]) -> None:
    clock = HandClock()
    path = write({"hosts": [{"name": "a", "provider_uuid": str(uid("a")), "last_seen_up": 1e9}]})
    source = FileHostSource(path, clock=clock)
    first = source.snapshot()
    clock.now += 60
    second = source.snapshot()
    assert second.taken_at - first.taken_at == 60
    assert second.columns is first.columns


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("hosts: [", "line 1"),
        ("hosts: [{name: a, provider_uuid: nonsense}]", "hosts[0].provider_uuid"),
        ("hosts: [{name: a, enabled: 'yes'}]", "hosts[0].enabled"),
        ("hosts: [{name: a, colour: red}]", "colour"),
        ("hosts: [{node: a}]", "name"),
        ("hosts: [{name: a}]", "hosts[0].provider_uuid"),
        (f"hosts: [{{name: a, provider_uuid: {uid('a')}}}, {{name: a, provider_uuid: {uid('b')}}}]", "given twice"),
        (f"hosts: [{{name: a, provider_uuid: {uid('a')}}}, {{name: b, provider_uuid: {uid('a')}}}]", "given twice"),
        ("hosts: [{name: a, metrics: {load: .nan}}]", "hosts[0].metrics"),
        ("hosts: [{name: a, image_properties: {os_distro: {nt: -1}}}]", "hosts[0].image_properties"),
        (
            f"{{hosts: [], aggregates: [{{uuid: {uid('a')}, name: a, metadata: {{ram_weight_multiplier: heavy}}}}]}}",
            "aggregates[0].metadata['ram_weight_multiplier']: expected a number",
        ),
        ("just text", "object"),
        ("\x00", "neither"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(write: Callable[..., Path], content: str, problem: str) -> None:
    path = write(content)
    with pytest.raises(InvalidSettings) as caught:
        FileHostSource(path).snapshot()
    assert problem in str(caught.value)
    assert str(path) in str(caught.value)
    assert caught.value.__context__ is None


def test_a_broken_new_version_is_not_covered_up_by_the_old_one(write: Callable[..., Path]) -> None:
    source = FileHostSource(write({"hosts": []}))
    source.snapshot()
    write("hosts: [")
    for _ in range(2):
        with pytest.raises(InvalidSettings):
            source.snapshot()
    write({"hosts": []})
    assert source.snapshot().facts == ()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match=r"hosts\.yaml: cannot be read"):
        FileHostSource(tmp_path / "hosts.yaml").snapshot()


def test_the_documented_example_is_a_hosts_file(write: Callable[..., Path]) -> None:
    page = Path(__file__).parents[2] / "docs" / "hosts-file.md"
    example = page.read_text().split("```yaml\n")[1].split("```")[0]
    content = read_hosts(write(example), uuids_needed=False)
    first, second = content.hosts
    assert set(HostFact.__struct_fields__) == set(re.findall(r"^ +-? ?(\w+):", example.split("aggregates:\n")[0], re.M))
    assert (first.nodename, second.nodename, second.enabled) == ("cmp-1.example.org", "cmp-2", False)


def test_a_refresh_keeps_the_deadline_of_the_request_that_needs_it():
    """The listing is read within the request's deadline, and nobody waits longer for somebody else's refresh."""
    listing, deadline = Listing("a"), Deadline.after(5.0)
    source = PlacementHostSource(listing, HandClock())
    source.snapshot((), deadline)
    assert listing.deadlines == [deadline]
    with source._lock, pytest.raises(DeadlineExceeded):
        source.snapshot((), Deadline.after(0.01))
