"""Our side in memory: the only file here that calls the rooms of the scheduler."""

import gc
import logging
import tracemalloc
from uuid import UUID, uuid4

import msgspec

from benchmarks.speed import fleet
from benchmarks.speed.clock import Spent, spent, timed
from placement_client.client import encode_write
from placement_client.decode import decode
from placement_client.models import AllocationCandidates, Answer, Request
from scheduler.claims import RequestFacts
from scheduler.claims.bodies import claim_of, confirm_body, reserve_body
from scheduler.filters import load_filters
from scheduler.hosts import HostSnapshot, HostTable, build_host_table, snapshot_of
from scheduler.model import Flavor, HostFact, RequestSpec
from scheduler.randomness import RandomStream
from scheduler.selection import Plan, Plugins, plan_batch, rank_hosts, settle
from scheduler.settings import DEFAULT_WEIGHERS, ClaimSettings, FilterSettings, OrderSettings, WeigherSettings
from scheduler.weighers import load_weighers

WEIGHERS = tuple(name for name in DEFAULT_WEIGHERS if name not in {"TopologySpreadWeigher", "PreferredTraitsWeigher"})
"""Nova's thirteen; Nova does not have the two that are left out."""
PLUGINS = Plugins(
    load_filters(FilterSettings()), load_weighers(WeigherSettings(enabled_weighers=WEIGHERS)), OrderSettings()
)
SPEC = RequestSpec(
    flavor=Flavor(vcpus=fleet.VCPUS, memory_mb=fleet.MEMORY_MB, root_gb=fleet.ROOT_GB), project_id="p", user_id="u"
)
REQUEST = Request("GET", "/allocation_candidates", "/allocation_candidates", microversion="1.39")
HEADERS = {"content-type": "application/json", "openstack-api-version": "placement 1.39"}
CLAIMS = ClaimSettings()
BEST = 5
"""How many hosts a decision record shows, by default."""
NOW = 1000.0

logging.getLogger().setLevel(logging.WARNING)


class Ours:
    """What can be asked of us, over a fleet of this size."""

    def __init__(self, size: int) -> None:
        self.body = fleet.answer(size)
        self._facts = facts(size)

    def rank(self) -> Spent:
        """Filter, weigh and order the hosts for one instance, as they are in an answer that has just come."""
        gc.collect()
        hosts = self.table()
        return timed(lambda: rank(hosts))

    def schedule(self, count: int) -> Spent:
        """Place a batch."""
        gc.collect()
        hosts, instances = self.table(), [UUID(one) for one in fleet.instances(0, count)]
        return timed(lambda: plan(hosts, instances))

    def tables(self) -> Spent:
        """Decode an answer, and make the host table of it."""
        return spent(self.table)

    def table(self) -> HostTable:
        """Return the host table of an answer."""
        return self.joined(decoded(self.body))

    def joined(self, found: AllocationCandidates) -> HostTable:
        """Return the host table of candidates."""
        return build_host_table(found, self._facts)


def decoded(body: bytes) -> AllocationCandidates:
    """Return the candidates in an answer."""
    return decode(REQUEST, Answer(200, HEADERS, body), AllocationCandidates)


def facts(size: int) -> HostSnapshot:
    """Return what is known of the hosts beside Placement's answer."""
    return snapshot_of([_fact(host) for host in fleet.hosts(size)], taken_at=NOW).at(NOW)


def rank(hosts: HostTable) -> None:
    """Rank the hosts for one instance, as the flow does; RuntimeError unless all of them are left."""
    stream = RandomStream(b"speed")
    ranked = rank_hosts(PLUGINS, settle(PLUGINS.filters, SPEC, hosts), SPEC, hosts, stream, best=BEST, places=1)
    if any(step.removed for step in ranked.steps):
        raise RuntimeError("a host was filtered out")


def plan(hosts: HostTable, instances: list[UUID]) -> Plan:
    """Place a batch; RuntimeError when there is no room."""
    stream = RandomStream(b"speed")
    found = plan_batch(
        PLUGINS.filters,
        lambda settled, spec, left: rank_hosts(PLUGINS, settled, spec, left, stream, best=BEST, places=1),
        SPEC,
        instances,
        hosts,
        lambda decision: None,
    )
    if found is None:
        raise RuntimeError("there is no room")
    return found


def bodies(found: Plan) -> list[bytes]:
    """Return the bodies of the two writes that claim a plan."""
    request = RequestFacts("req", "digest", SPEC.project_id, SPEC.user_id, SPEC.consumer_type)
    claim = claim_of(uuid4(), request, found.placings, uuid4)
    writes = reserve_body(claim, CLAIMS), confirm_body(claim, CLAIMS)
    return [
        msgspec.json.encode({str(consumer): encode_write(write, "1.39") for consumer, write in one.items()})
        for one in writes
    ]


def held_by_table(size: int) -> float:
    """Return the megabytes that a host table keeps once it has been ranked, facts of hosts and answer not counted."""
    body, known = fleet.answer(size), facts(size)
    rank(build_host_table(decoded(body), known))  # what is found out about the facts is theirs
    tracemalloc.start()
    hosts = build_host_table(decoded(body), known)
    rank(hosts)
    gc.collect()
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return kept / 1e6 if len(hosts) == size else float("inf")


def _fact(host: fleet.Fields) -> HostFact:
    return HostFact(
        name=host["name"],
        provider_uuid=UUID(host["uuid"]),
        num_io_ops=host["num_io_ops"],
        failed_builds=host["failed_builds"],
        hypervisor_type="QEMU",
        hypervisor_version=host["hypervisor_version"],
        host_ip=host["host_ip"],
        supported_instances=tuple(map(tuple, host["supported_instances"])),
        last_seen_up=NOW,
    )
