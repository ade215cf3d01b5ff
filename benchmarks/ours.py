"""Our rules over the fleet: the processor time of one instance's answer for all hosts."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from time import thread_time
from uuid import UUID

from msgspec import structs

from benchmarks import fleet
from placement_client.models import (
    AllocationCandidates,
    AllocationRequest,
    ProviderSummary,
    Resources,
    ResourceSummary,
)
from scheduler.filters import AnyFilter, judges_candidates
from scheduler.filters.registry import BUILT_IN as FILTERS
from scheduler.filters.requested import ALWAYS
from scheduler.hosts import HostTable, build_host_table, snapshot_of
from scheduler.model import AggregateFact, HostFact, RequestSpec
from scheduler.selection.weighing import weigh_hosts
from scheduler.settings import FilterSettings, MetricsSettings, WeigherSettings
from scheduler.weighers import Weighed, load_weighers

CARD = 5_000_000
"""From here on UUIDs are those of cards, child providers of hosts."""

Work = Callable[[HostTable], object]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule, and what it is asked."""

    name: str
    kind: str
    ask: Work


def rules() -> Iterator[Rule]:
    """Yield every filter and every weigher of the registries."""
    settings = FilterSettings(isolated_hosts=("cmp-00003", "cmp-00005"), isolated_images=(fleet.IMAGE,))
    metrics = MetricsSettings(weight_setting=(("cpu.percent", -1.0), ("cpu.idle.percent", 0.5)))
    for filter_ in (*(kind() for kind in ALWAYS), *(one.made_of(settings, metrics) for one in FILTERS)):
        yield Rule(filter_.name, "filter", _filtering(filter_))
    for weighed in load_weighers(WeigherSettings(image_props_weight_multiplier=1.0), metrics):
        yield Rule(weighed.weigher.name, "weigher", _weighing(weighed))


def _filtering(plugin: AnyFilter) -> Work:
    request = request_of(fleet.request(plugin.name))
    ask = plugin.keeps if judges_candidates(plugin) else plugin.passes
    return lambda hosts: ask(request, hosts)


def _weighing(weighed: Weighed) -> Work:
    request = request_of(fleet.request(weighed.weigher.name))
    return lambda hosts: weigh_hosts((weighed,), request, hosts)


def request_of(said: fleet.Fields) -> RequestSpec:
    """Return the request that these plain values say."""
    fields = {
        "flavor": {"name": "small", "vcpus": 4, "memory_mb": 8192, "extra_specs": said["extra_specs"]},
        "image": {"id": fleet.IMAGE, "properties": said["properties"]},
        "project_id": "p",
        "user_id": "u",
        "instance_group": said["group"],
        "scheduler_hints": said["hints"],
        "requested_destination": {name: said[name] for name in ("cell", "allow_cross_cell_move")},
        "force_hosts": ["cmp-00001"],
        "ignore_hosts": ["cmp-00002"],
        "preferred_traits": ["HW_CPU_X86_AVX2", "CUSTOM_GPU"],
        "topology_spread": [{"key": "rack"}, {"key": "availability_zone", "hard": False}],
    }
    return RequestSpec.from_json(json.dumps(fields))


def table(size: int) -> HostTable:
    """Return the fleet as a request finds it: hosts with two cards, of which a candidate takes one."""
    every = list(fleet.hosts(size))
    known = [AggregateFact(uuid=_uuid(9_000_000 + n), name=str(n), metadata=said) for n, said in fleet.aggregates(size)]
    snapshot = snapshot_of([_fact(host) for host in every], aggregates=known, taken_at=1000.0)
    answer = AllocationCandidates(
        [_candidate(host, card) for host in every for card in range(fleet.CARDS)],
        {uuid: summary for host in every for uuid, summary in _summaries(host)},
    )
    return build_host_table(answer, snapshot.at(1000.0))


def _uuid(number: int) -> UUID:
    return UUID(fleet.uuid(number))


def _card(host: fleet.Fields, card: int) -> UUID:
    return _uuid(CARD + host["number"] * fleet.CARDS + card)


def _candidate(host: fleet.Fields, card: int) -> AllocationRequest:
    held = {UUID(host["uuid"]): {"VCPU": 4, "MEMORY_MB": 8192, "DISK_GB": 40}, _card(host, card): {"VGPU": 1}}
    return AllocationRequest({uuid: Resources(amounts) for uuid, amounts in held.items()}, {"": list(held)})


def _summaries(host: fleet.Fields) -> Iterator[tuple[UUID, ProviderSummary]]:
    root = UUID(host["uuid"])
    yield root, _summary(host["room"], fleet.TRAITS, None, root)
    for card, traits in enumerate(host["cards"]):
        yield _card(host, card), _summary({"VGPU": (4, 1)}, tuple(traits), root, root)


def _summary(
    room: Mapping[str, tuple[int, int]], traits: tuple[str, ...], parent: UUID | None, root: UUID
) -> ProviderSummary:
    return ProviderSummary({name: ResourceSummary(*pair) for name, pair in room.items()}, _listed(traits), parent, root)


@cache
def _listed(traits: tuple[str, ...]) -> list[str]:
    """Return the same list for the same traits, as decoding does."""
    return list(traits)


def _fact(host: fleet.Fields) -> HostFact:
    same = ("name", "enabled", "num_io_ops", "failed_builds", "hypervisor_version", "host_ip")
    return HostFact(
        provider_uuid=UUID(host["uuid"]),
        instances=tuple(map(UUID, host["instances"])),
        aggregates=tuple(_uuid(9_000_000 + number) for number in host["aggregates"]),
        hypervisor_type="QEMU",
        supported_instances=tuple(map(tuple, host["supported_instances"])),
        cell_uuid=_uuid(host["cell"]),
        free_pci_devices=host["free_pci_devices"],
        image_properties={"os_distro": {"debian": fleet.INSTANCES // 3, "fedora": fleet.INSTANCES // 3 * 2}},
        last_seen_up=990.0,
        cpu_info=host["cpu_info"],
        stats=host["stats"],
        metrics=host["metrics"],
        **{name: host[name] for name in same},
    )


def answered_anew(hosts: HostTable) -> HostTable:
    """Return the same hosts as another answer of Placement has them: nothing has been found out about it yet."""
    slots, candidates = structs.replace(hosts.offers.slots), structs.replace(hosts.offers.candidates)
    return structs.replace(hosts, offers=structs.replace(hosts.offers, slots=slots, candidates=candidates))


def facts_anew(hosts: HostTable) -> HostTable:
    """Return them with facts that no request has asked anything about."""
    hosts.offers.snapshot._memo.clear()
    return answered_anew(hosts)


def seconds(ask: Work, made: Callable[[], HostTable], least: float = 0.002) -> float:
    """Return what one call costs on hosts made for it; the mean of as many as ``least`` seconds hold."""
    spent, calls = 0.0, 0
    while spent < least:
        hosts = made()
        started = thread_time()
        ask(hosts)
        spent += thread_time() - started
        calls += 1
    return spent / calls
