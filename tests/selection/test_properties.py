"""What holds for every fleet and request: safety, order, and that arrays say what a loop over hosts would say."""

from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.filters import filters_for, load_filters
from scheduler.filters.requested import ForcedHostFilter, IgnoredHostFilter, RequestedHostFilter, RoomFilter
from scheduler.hosts import HostTable
from scheduler.model import Destination, Flavor, Image, RequestSpec, ServerGroup, TopologySpread
from scheduler.randomness import RandomStream
from scheduler.selection import Plugins, filter_hosts, rank_hosts, settle, weigh_hosts
from scheduler.settings import FilterSettings, OrderSettings, WeigherSettings
from scheduler.weighers import load_weighers
from tests.hosts.fleets import Node, spec, table, uid
from tests.selection.reference import HOST_RULES, METRICS, RATIOS, SCORES, View

FILTERS = load_filters(FilterSettings())
ALWAYS = (RoomFilter(), ForcedHostFilter(), RequestedHostFilter(), IgnoredHostFilter())
WEIGHING = WeigherSettings(num_instances_weight_multiplier=0.7, image_props_weight_setting=RATIOS)
WEIGHERS = load_weighers(WEIGHING, METRICS)
BOUNDED = load_weighers(msgspec.structs.replace(WEIGHING, weight_normalization="bounded"), METRICS)
SHARES = ("RAMWeigher", "CPUWeigher", "DiskWeigher")  # of the capacity, which hosts differ in
PLUGINS = Plugins(FILTERS, WEIGHERS, OrderSettings(host_subset_size=2))

NAMES = ("h0", "h1", "H1", "h2", "h3", "h4")
INSTANCES = tuple(uid(f"i{number}") for number in range(6))
some_instances = st.lists(st.sampled_from(INSTANCES), max_size=3, unique=True).map(tuple)
some_names = st.lists(st.sampled_from(("h0", "H1", "h2", "H3", "gone")), max_size=3).map(tuple)

facts = st.fixed_dictionaries(
    {
        "enabled": st.booleans() | st.just(True),
        "up": st.booleans() | st.just(True),
        "last_seen_up": st.sampled_from((None, 930.0, 990.0)),
        "instances": some_instances,
        "num_io_ops": st.integers(0, 5),
        "node": st.sampled_from((None, "n1")),
        "hypervisor_type": st.sampled_from((None, "QEMU", "xen")),
        "hypervisor_version": st.sampled_from((0, 2012000, 6002000)),
        "supported_instances": st.sampled_from(
            ((), (("x86_64", "kvm", "hvm"),), (("aarch64", "kvm", "hvm"), ("i686", "xen", "xen")))
        ),
        "cpu_info": st.sampled_from(({}, {"features": ["avx", "aes"]}, {"topology": {"cores": 8}})),
        "stats": st.sampled_from(({}, {"ssd": "true"}, {"ssd": "false"})),
        "cell_uuid": st.sampled_from((None, uid("cell1"), uid("cell2"))),
        "failed_builds": st.integers(0, 3),
        "free_pci_devices": st.sampled_from((0, 7, 99, 120)),
        "metrics": st.sampled_from(({}, {"load": 0.5}, {"load": -1.5, "heat": 40.0})),
        "image_properties": st.sampled_from(({}, {"os_distro": {"a": 3, "b": 1}, "hw_machine_type": {"q35": 2}})),
    }
)
traits = st.sampled_from(((), ("HW_A",), ("HW_A", "HW_B"), ("COMPUTE_STATUS_DISABLED",)))


@st.composite
def rooms(draw: Any) -> dict[str, tuple[int, int]]:
    """Draw room for at least one instance: Placement offers nothing else."""
    capacity = {name: draw(st.integers(1, 6)) for name in ("VCPU", "MEMORY_MB", "DISK_GB")}
    return {name: (most, draw(st.integers(0, most - 1))) for name, most in capacity.items()}


@st.composite
def fleets(draw: Any) -> list[Node]:
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
    return [Node(name, draw(rooms()), draw(traits), None, draw(facts), draw(st.integers(0, 5)) > 0) for name in names]


requests = st.builds(
    spec,
    flavor=st.sampled_from(
        (
            {},
            {"capabilities:hypervisor_type": "QEMU"},
            {"ssd": "<or> true <or> maybe"},
            {"capabilities:cpu_info:topology:cores": ">= 4"},
            {"cpu_info:features": "x", "capabilities:cpu_info:features": "<in> avx"},
            {"vcpus_used": "<= 2", "num_instances": "!= 1"},
        )
    ).map(lambda extra_specs: Flavor(vcpus=1, memory_mb=1, extra_specs=extra_specs)),
    image=st.none()
    | st.sampled_from(
        (
            {"hw_architecture": "amd64"},
            {"img_hv_type": "kvm", "hw_architecture": "aarch64"},
            {"img_hv_requested_version": "(>=2.1, <3)"},
            {"hw_vm_mode": "pv", "img_hv_requested_version": "!=6.2"},
            {"os_distro": "a", "hw_machine_type": "q35", "os_type": "b"},
        )
    ).map(lambda properties: Image(properties=properties)),
    instance_group=st.none()
    | st.builds(
        ServerGroup,
        policy=st.sampled_from(("affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity")),
        members=some_instances,
        hosts=some_names,
        max_server_per_host=st.integers(1, 2),
    ),
    instance_uuid=st.none() | st.sampled_from(INSTANCES),
    force_hosts=some_names,
    force_nodes=st.sampled_from(((), (), ("n1", "H1"))),
    ignore_hosts=some_names,
    requested_destination=st.none()
    | st.builds(
        Destination,
        host=st.none() | st.sampled_from(NAMES),
        node=st.none() | st.sampled_from(("n1", "h2")),
        cell=st.none() | st.just(uid("cell1")),
        allow_cross_cell_move=st.booleans(),
    ),
    preferred_traits=st.sampled_from(((), ("HW_A",), ("HW_B", "HW_A"))),
    topology_spread=st.just(())
    | st.builds(TopologySpread, key=st.just("trait:HW_"), max_skew=st.integers(1, 2), hard=st.just(False)).map(
        lambda one: (one,)
    ),
)


unforced = requests.map(lambda request: msgspec.structs.replace(request, force_hosts=(), force_nodes=()))


def built(nodes: list[Node]) -> HostTable:
    return table(*nodes, provider_names={uid(node.name): node.name for node in nodes}, taken_at=1000.0)


def partly_filled(hosts: HostTable, steps: list[int]) -> HostTable:
    """Place some instances, each on one of the hosts that still have room."""
    for number, step in enumerate(steps):
        open_rows = np.flatnonzero(hosts.has_room())
        if open_rows.size:
            row = int(open_rows[step % len(open_rows)])
            hosts = hosts.with_claim(row, int(hosts.fitting(row)[0]), INSTANCES[number])
    return hosts


def views(nodes: list[Node], hosts: HostTable) -> list[View]:
    by_name = {node.name: node for node in nodes}
    found = [View(by_name[name], row, hosts) for row, name in enumerate(hosts.names)]
    return [replace(view, everyone=found) for view in found]


steps = st.lists(st.integers(0, 5), max_size=4)


@settings(max_examples=200, deadline=None)
@given(fleets(), requests, steps)
def test_every_filter_says_what_a_loop_over_hosts_says(
    nodes: list[Node], request: RequestSpec, taken: list[int]
) -> None:
    hosts = partly_filled(built(nodes), taken)
    request = request.with_members(hosts.claimed)
    for plugin in (*FILTERS, *ALWAYS):
        expected = [HOST_RULES[plugin.name](view, request) for view in views(nodes, hosts)]
        assert plugin.passes(request, hosts).tolist() == expected, plugin.name


@settings(max_examples=80, deadline=None)
@given(fleets(), requests, steps)
def test_every_weigher_says_what_a_loop_over_hosts_says(
    nodes: list[Node], request: RequestSpec, taken: list[int]
) -> None:
    hosts = partly_filled(built(nodes), taken)
    request = request.with_members(hosts.claimed)
    for one in WEIGHERS:
        expected = [SCORES[one.weigher.name](view, request) for view in views(nodes, hosts)]
        assert one.weigher.score(request, hosts).tolist() == expected, one.weigher.name


@settings(max_examples=80, deadline=None)
@given(fleets(), requests, steps, st.data())
def test_bounded_weights_are_from_0_to_1_and_those_of_a_host_alone(
    nodes: list[Node], request: RequestSpec, taken: list[int], data: Any
) -> None:
    """Whichever other hosts are compared with it, a host has the same weights; and they rise with the score."""
    hosts = partly_filled(built(nodes), taken)
    weights = weigh_hosts(BOUNDED, request, hosts)
    rows = np.array(data.draw(st.lists(st.sampled_from(range(len(hosts))), unique=True)), dtype=np.int64)
    assert ((weights.normalized >= 0) & (weights.normalized <= 1)).all()
    assert weigh_hosts(BOUNDED, request, hosts.take(rows)).total.tolist() == weights.total[rows].tolist()
    for position, raw, bounded in zip(weights.panel.positions, weights.raw, weights.normalized, strict=True):
        name = BOUNDED[position].weigher.name
        if name not in SHARES:
            order = np.argsort(raw, kind="stable")
            assert (np.diff(bounded[order]) >= 0).all(), name


def decided(hosts: HostTable, request: RequestSpec) -> list[str]:
    ranked = rank_hosts(PLUGINS, settle(FILTERS, request, hosts), request, hosts, RandomStream(b"one"), best=0)
    return [hosts.names[row] for row in ranked.rows]


@settings(max_examples=80, deadline=None)
@given(fleets(), unforced, st.randoms(use_true_random=False))
def test_the_order_of_the_fleet_decides_nothing(nodes: list[Node], request: RequestSpec, shuffler: Any) -> None:
    mixed = list(nodes)
    shuffler.shuffle(mixed)
    assert decided(built(mixed), request) == decided(built(nodes), request)


@settings(max_examples=80, deadline=None)
@given(fleets(), unforced, st.sets(st.sampled_from(range(len(FILTERS)))))
def test_adding_a_filter_never_adds_a_host(nodes: list[Node], request: RequestSpec, left_out: set[int]) -> None:
    hosts = built(nodes)
    fewer = [plugin for position, plugin in enumerate(FILTERS) if position not in left_out]
    kept_by_all = filter_hosts(settle(FILTERS, request, hosts), request, hosts).kept
    kept_by_fewer = filter_hosts(settle(fewer, request, hosts), request, hosts).kept
    assert set(kept_by_all) <= set(kept_by_fewer)


@settings(max_examples=80, deadline=None)
@given(fleets(), unforced)
def test_every_host_is_kept_or_put_down_to_one_filter(nodes: list[Node], request: RequestSpec) -> None:
    hosts = built(nodes)
    filtered = filter_hosts(settle(FILTERS, request, hosts), request, hosts)
    judges = {plugin.name: plugin for plugin in filters_for(FILTERS, request)}
    left = hosts
    for step in filtered.steps:
        passes = judges[step.name].passes(request, left)
        assert (step.hosts_in, step.removed) == (len(left), np.count_nonzero(~passes)), step.name
        left = left.take(np.flatnonzero(passes))
    assert left.names.tolist() == hosts.names[filtered.kept].tolist()


@settings(max_examples=80, deadline=None)
@given(fleets(), st.integers(1, 40))
def test_consumption_never_passes_capacity(nodes: list[Node], instances: int) -> None:
    """Placing until nothing fits fills every class at most to its capacity, and leaves no room that was usable."""
    hosts = built(nodes)
    for number in range(instances):
        kept = filter_hosts(settle((), spec(), hosts), spec(), hosts).kept
        if not len(kept):
            assert not hosts.has_room().any()
            break
        hosts = hosts.with_claim(int(kept[0]), int(hosts.fitting(int(kept[0]))[0]), uid(f"new{number}"))
    for name in ("VCPU", "MEMORY_MB", "DISK_GB"):
        assert (hosts.free(name) >= 0).all()
