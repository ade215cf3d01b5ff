"""Every call of ours that is measured, and the fleet that it is measured on.

The hosts are those of ``benchmarks.fleet`` without their cards: one provider and one allocation candidate each.
"""

import gc
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

from msgspec import structs

from benchmarks import fleet, ours
from placement_client.decode import decode
from placement_client.models import AllocationCandidates, Answer, Request
from scheduler.claims.bodies import RequestFacts, claim_of, confirm_body, reserve_body
from scheduler.filters import AnyFilter, load_filters
from scheduler.filters.registry import built_in
from scheduler.hosts import HostSnapshot, HostTable, build_host_table, inputs_of, snapshot_of
from scheduler.model import AggregateFact, RequestSpec
from scheduler.model.inputs import RoundInputs
from scheduler.model.plan import Placing
from scheduler.randomness import RandomStream
from scheduler.selection import Filtered, Plan, Plugins, Ranked, filter_hosts, plan_batch, rank_hosts, settle
from scheduler.settings import ClaimSettings, FilterSettings, MetricsSettings, OrderSettings, WeigherSettings
from scheduler.weighers import load_weighers

WANTED = {"VCPU": 4, "MEMORY_MB": 8192, "DISK_GB": 40}
METRICS = MetricsSettings(weight_setting=(("cpu.percent", -1.0),))

_ASKED = Request("GET", "/allocation_candidates", "/allocation_candidates", microversion="1.39")
_JSON = {"content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class Fleet:
    """A fleet in every form that a request meets it in: Placement's answer as bytes and decoded, facts, the table."""

    body: bytes
    answer: AllocationCandidates
    snapshot: HostSnapshot
    hosts: HostTable


def fleet_of(size: int) -> Fleet:
    """Return a fleet of this many hosts."""
    gc.disable()  # nothing of it is garbage, and looking for some takes a minute in a large one
    try:
        return _fleet(size)
    finally:
        gc.enable()


def _fleet(size: int) -> Fleet:
    every = list(fleet.hosts(size))
    body = json.dumps(_answer(every)).encode()
    known = [_aggregate(number, said) for number, said in fleet.aggregates(size)]
    snapshot = taken(snapshot_of([ours._fact(host) for host in every], aggregates=known, taken_at=1000.0))
    answer = decoded(body)
    return Fleet(body, answer, snapshot, build_host_table(answer, snapshot))


def _aggregate(number: int, said: dict[str, str]) -> AggregateFact:
    """Return an aggregate of ``benchmarks.fleet``, but for the bounds that would remove most hosts."""
    kept = {key: value for key, value in said.items() if not key.startswith("max_")}
    return AggregateFact(uuid=ours._uuid(9_000_000 + number), name=str(number), metadata=kept)


def _answer(hosts: Sequence[fleet.Fields]) -> dict[str, object]:
    """Return what Placement says of these hosts."""
    return {
        "allocation_requests": [
            {"allocations": {host["uuid"]: {"resources": WANTED}}, "mappings": {"": [host["uuid"]]}} for host in hosts
        ],
        "provider_summaries": {host["uuid"]: _summary(host) for host in hosts},
    }


def _summary(host: fleet.Fields) -> dict[str, object]:
    room = {name: {"capacity": capacity, "used": used} for name, (capacity, used) in host["room"].items()}
    return {
        "resources": room,
        "traits": fleet.TRAITS,
        "parent_provider_uuid": None,
        "root_provider_uuid": host["uuid"],
    }


def request(policy: str | None = None) -> RequestSpec:
    """Return a request that the default filters and weighers have something to do for; ``policy`` is of its group."""
    group = {"policy": policy, "members": [], "hosts": []} if policy else None
    return _request({"capabilities:hypervisor_type": "QEMU", "capabilities:cpu_info:arch": "x86_64"}, group=group)


def demanding() -> RequestSpec:
    """Return a request in which every filter has something to judge; each leaves most of the hosts."""
    said = fleet.request("ServerGroupAntiAffinityFilter")
    demands = {
        "capabilities:hypervisor_type": "QEMU",
        "aggregate_instance_extra_specs:disk": "<or> ssd <or> nvme,ssd",
        "provider_trait:CUSTOM_GPU": "forbidden",
    }
    hints = {
        "different_host": said["hints"]["different_host"],
        "build_near_host_ip": "10.0.0.1",
        "cidr": "/8",
        "query": '[">=", "$free_ram_mb", 0]',
    }
    return _request(demands, group=said["group"], hints=hints, topology_spread=[{"key": "rack", "max_skew": 1_000}])


def _request(
    extra_specs: dict[str, str], *, group: object, hints: dict[str, object] | None = None, **more: object
) -> RequestSpec:
    flavor = {"name": "small", "vcpus": WANTED["VCPU"], "memory_mb": WANTED["MEMORY_MB"], "root_gb": WANTED["DISK_GB"]}
    said = {
        "flavor": flavor | {"extra_specs": extra_specs},
        "image": {"id": fleet.IMAGE, "properties": {"hw_architecture": "x86_64", "os_distro": "debian"}},
        "project_id": "q",
        "user_id": "u",
        "instance_group": group,
        "scheduler_hints": hints or {},
    }
    return RequestSpec.from_json(json.dumps(said | more))


def all_filters() -> tuple[AnyFilter, ...]:
    """Return one of every filter that an operator can name, with bounds that hosts keep."""
    bounds = FilterSettings(max_instances_per_host=10_000, max_io_ops_per_host=10_000, isolated_hosts=("cmp-00003",))
    return tuple(make() for make in built_in(bounds, METRICS).values())


def plugins() -> Plugins:
    """Return the filters and weighers that are enabled by default."""
    return Plugins(load_filters(FilterSettings()), load_weighers(WeigherSettings(), METRICS), OrderSettings())


def decoded(body: bytes) -> AllocationCandidates:
    """Return the answer that these bytes are."""
    return decode(_ASKED, Answer(200, _JSON, body), AllocationCandidates)


def taken(snapshot: HostSnapshot) -> HostSnapshot:
    """Return a new snapshot of the same facts, with everything that is derived from them beforehand."""
    return replace(snapshot).at(snapshot.taken_at)


def joined(answer: AllocationCandidates, snapshot: HostSnapshot) -> HostTable:
    """Return the table of an answer."""
    return build_host_table(answer, snapshot)


def put_down(answer: AllocationCandidates, hosts: HostTable, spec: RequestSpec) -> RoundInputs:
    """Return what a decision record keeps of the answer."""
    return inputs_of(answer, hosts, spec, [])


def anew(hosts: HostTable) -> HostTable:
    """Return a table as a further answer of Placement would make it: nothing has been found out about it yet."""
    return ours.answered_anew(hosts)


def ranked(using: Plugins, spec: RequestSpec, hosts: HostTable) -> Ranked:
    """Rank the hosts for one instance."""
    settled = settle(using.filters, spec, hosts)
    return rank_hosts(using, settled, spec, hosts, RandomStream(b"growth"), best=5)


def filtered(filters: Sequence[AnyFilter], spec: RequestSpec, hosts: HostTable) -> Filtered:
    """Filter the hosts for one instance."""
    return filter_hosts(settle(filters, spec, hosts), spec, hosts)


def planned(using: Plugins, spec: RequestSpec, hosts: HostTable, instances: Sequence[UUID]) -> Plan:
    """Plan a batch. Raises ValueError when an instance found no host, as a plan that ends early costs less."""
    stream = RandomStream(b"growth")
    plan = plan_batch(
        using.filters,
        lambda settled, of_one, left: rank_hosts(using, settled, of_one, left, stream, best=5, places=1),
        spec,
        instances,
        hosts,
        lambda _: None,
    )
    if plan is None:
        raise ValueError("the fleet has no room for this batch")
    return plan


def bodies(placings: Sequence[Placing]) -> tuple[object, object]:
    """Return what is sent for a plan: the reservation and the confirmation."""
    claim = claim_of(uuid4(), RequestFacts("req-1", "", "p", "u", "INSTANCE"), placings, uuid4)
    return reserve_body(claim, ClaimSettings()), confirm_body(claim, ClaimSettings())


def stacked(placings: Sequence[Placing]) -> list[Placing]:
    """Return the same instances, all on the first of their hosts."""
    return [structs.replace(placings[0], instance_uuid=one.instance_uuid) for one in placings]
