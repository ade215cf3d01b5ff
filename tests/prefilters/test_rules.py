"""Each of Nova's prefilters narrows the query, leaves it alone, or refuses, as its facts and options say."""

from dataclasses import replace
from uuid import UUID

import pytest

from placement_client.query import CandidateQuery, RequestGroup
from scheduler.errors import InvalidRequest
from scheduler.model import AggregateFact, Flavor, Image, RequestedNetwork, RequestSpec
from scheduler.prefilters import BUILT_IN, Facts, Refusal
from scheduler.settings import PrefilterSettings

A1, A2, A3 = (UUID(int=number) for number in (1, 2, 3))
HOST = RequestGroup(resources={"VCPU": 1})
QUERY = CandidateQuery(groups={"": HOST})
RULES = {prefilter.name: prefilter.narrow for prefilter in BUILT_IN}


def facts(*metadata: dict[str, str]) -> Facts:
    """Return aggregates 1, 2, ... with this metadata."""
    uuids = (UUID(int=number) for number in range(1, 9))
    return Facts(
        {uuid: AggregateFact(uuid=uuid, name="a", metadata=one) for uuid, one in zip(uuids, metadata, strict=False)}
    )


def spec(extra_specs: dict[str, str] | None = None, **change) -> RequestSpec:
    flavor = Flavor(vcpus=1, memory_mb=64, extra_specs=extra_specs or {})
    return RequestSpec(**({"flavor": flavor, "project_id": "mine", "user_id": "u"} | change))


def narrowed(rule: str, request: RequestSpec, known: Facts = Facts(), query: CandidateQuery = QUERY, **settings):  # noqa: B008 frozen
    return RULES[rule](request, query, known, "1.39", PrefilterSettings(**settings))


def within(*sets: set[UUID]) -> CandidateQuery:
    return CandidateQuery(groups={"": replace(HOST, member_of=tuple(frozenset(one) for one in sets))})


def outside(*aggregates: UUID) -> CandidateQuery:
    return CandidateQuery(groups={"": replace(HOST, forbidden_aggregates=frozenset(aggregates))})


def on_root(*traits: str) -> CandidateQuery:
    return replace(QUERY, root_required=frozenset(traits))


LIMITED = {"limit_tenants_to_placement_aggregate": True}
REQUIRED = LIMITED | {"placement_aggregate_required_for_tenants": True}


@pytest.mark.parametrize(
    ("known", "settings", "answer"),
    [
        (facts({"filter_tenant_id": "mine"}), {}, QUERY),
        (facts({"filter_tenant_id": "mine"}), LIMITED, within({A1})),
        (facts({"filter_tenant_id3": "mine"}, {}, {"filter_tenant_id": "mine"}), LIMITED, within({A1, A3})),
        (facts({"filter_tenant_id": "theirs"}), LIMITED, QUERY),
        (facts({"filter_tenant_id": "theirs"}), REQUIRED, Refusal("tenant_without_aggregate")),
        (facts({"tenant": "mine"}), REQUIRED, Refusal("tenant_without_aggregate")),
        (facts({"filter_tenant_id": "mine,theirs"}), LIMITED, QUERY),
    ],
)
def test_a_project_is_kept_to_the_aggregates_that_name_it(known, settings, answer):
    assert narrowed("require_tenant_aggregate", spec(), known, **settings) == answer


ZONES = facts({"availability_zone": "az1"}, {"availability_zone": "az2"}, {"availability_zone": "az1"}, {})


@pytest.mark.parametrize(
    ("zone", "known", "answer"),
    [
        (None, ZONES, QUERY),
        ("az1", ZONES, within({A1, A3})),
        ("az2", ZONES, within({A2})),
        ("az3", ZONES, Refusal("unknown_availability_zone")),
        ("AZ1", ZONES, Refusal("unknown_availability_zone")),
        ("nova", ZONES, outside(A1, A2, A3)),
        ("nova", Facts(), QUERY),
        ("nova", facts({"availability_zone": "nova"}, {"availability_zone": "az1"}), within({A1})),
    ],
)
def test_a_zone_is_its_aggregates_and_the_default_zone_is_what_is_in_none(zone, known, answer):
    assert narrowed("map_az_to_placement_aggregate", spec(availability_zone=zone), known) == answer


def test_the_default_zone_has_the_name_that_the_ini_gives_it():
    request, settings = spec(availability_zone="nova"), {"default_availability_zone": "internal"}
    refusal = Refusal("unknown_availability_zone")
    assert narrowed("map_az_to_placement_aggregate", request, ZONES, **settings) == refusal


def test_an_aggregate_that_the_request_names_and_that_of_its_zone_both_count():
    wanted = within({A3})
    found = narrowed("map_az_to_placement_aggregate", spec(availability_zone="az2"), ZONES, wanted)
    assert found == within({A3}, {A2})


def test_a_flavor_without_resources_of_the_host_itself_cannot_be_kept_to_a_zone():
    """Only the unsuffixed group stands for the host; dropping the zone would place the instance elsewhere."""
    grouped = CandidateQuery(groups={"_N": HOST})
    with pytest.raises(InvalidRequest, match="needs a resource outside its groups"):
        narrowed("map_az_to_placement_aggregate", spec(availability_zone="az1"), ZONES, grouped)


@pytest.mark.parametrize(
    ("disk_format", "change", "on", "answer"),
    [
        ("qcow2", {}, True, on_root("COMPUTE_IMAGE_TYPE_QCOW2")),
        ("qcow2", {}, False, QUERY),
        ("qcow2", {"is_bfv": True}, True, QUERY),
        (None, {}, True, QUERY),
    ],
)
def test_the_host_has_to_read_the_disk_format(disk_format, change, on, answer):
    request = spec(image=Image(disk_format=disk_format), **change)
    settings = {"query_placement_for_image_type_support": on}
    assert narrowed("require_image_type_support", request, **settings) == answer


ISOLATING = facts({"trait:A": "required"}, {"trait:B": "required", "trait:A": "required"}, {"trait:C": "forbidden"}, {})


@pytest.mark.parametrize(
    ("required", "on", "answer"),
    [
        ((), False, QUERY),
        ((), True, outside(A1, A2)),
        (({"A"},), True, outside(A2)),
        (({"A"}, {"B"}), True, QUERY),
        (({"A", "B"},), True, outside(A1, A2)),
    ],
)
def test_requests_stay_out_of_aggregates_for_traits_that_they_do_not_require(required, on, answer):
    """A trait that is one of several is not required."""
    traits = tuple(frozenset(any_of) for any_of in required)
    query = CandidateQuery(groups={"": HOST, "_N": RequestGroup({"VGPU": 1}, required=traits)})
    found = narrowed("isolate_aggregates", spec(), ISOLATING, query, enable_isolated_aggregate_filtering=on)
    assert found.groups[""] == answer.groups[""]


PROPERTIES = {
    "hw_cdrom_bus": "sata",
    "hw_disk_bus": "virtio",
    "hw_video_model": "none",
    "hw_vif_model": "virtio-net-pci",
    "hw_architecture": "x86_64",
    "hw_emulation_architecture": "aarch64",
    "hw_viommu_model": "intel",
    "os_distro": "plan9",
}
TRAITS = (
    "COMPUTE_STORAGE_BUS_SATA",
    "COMPUTE_STORAGE_BUS_VIRTIO",
    "COMPUTE_GRAPHICS_MODEL_NONE",
    "COMPUTE_NET_VIF_MODEL_VIRTIO_NET_PCI",
    "HW_ARCH_X86_64",
    "COMPUTE_ARCH_AARCH64",
    "COMPUTE_VIOMMU_MODEL_INTEL",
)


def test_what_the_image_says_becomes_traits_where_the_ini_says_so():
    request = spec(image=Image(properties=PROPERTIES))
    assert narrowed("transform_image_metadata", request, image_metadata_prefilter=True) == on_root(*TRAITS)
    assert narrowed("transform_image_metadata", request) == QUERY
    assert narrowed("transform_image_metadata", spec(), image_metadata_prefilter=True) == QUERY


def test_a_property_that_no_trait_can_be_made_of_is_named():
    request = spec(image=Image(properties={"hw_disk_bus": "a b"}))
    with pytest.raises(
        InvalidRequest, match=r"image.properties\['hw_disk_bus'\]: 'a b' is nothing that a host can have"
    ):
        narrowed("transform_image_metadata", request, image_metadata_prefilter=True)


ENCRYPTION = "COMPUTE_EPHEMERAL_ENCRYPTION"


@pytest.mark.parametrize(
    ("rule", "extra_specs", "properties", "traits"),
    [
        ("accelerators_filter", {"accel:device_profile": "fpga"}, {}, ["COMPUTE_ACCELERATORS"]),
        ("accelerators_filter", {}, {}, []),
        ("packed_virtqueue_filter", {"hw:virtio_packed_ring": "true"}, {}, ["COMPUTE_NET_VIRTIO_PACKED"]),
        ("packed_virtqueue_filter", {}, {"hw_virtio_packed_ring": "1"}, ["COMPUTE_NET_VIRTIO_PACKED"]),
        ("packed_virtqueue_filter", {"hw:virtio_packed_ring": "false"}, {}, []),
        ("ephemeral_encryption_filter", {"hw:ephemeral_encryption": "true"}, {}, [ENCRYPTION]),
        (
            "ephemeral_encryption_filter",
            {"hw:ephemeral_encryption": "true"},
            {"hw_ephemeral_encryption_format": "luks"},
            [ENCRYPTION, f"{ENCRYPTION}_LUKS"],
        ),
        ("ephemeral_encryption_filter", {"hw:ephemeral_encryption_format": "luks"}, {}, []),
        ("virtio_sound_filter", {"hw:sound_model": "virtio"}, {}, ["COMPUTE_SOUND_MODEL_VIRTIO"]),
        ("virtio_sound_filter", {}, {"hw_sound_model": "usb"}, []),
        (
            "tpm_secret_security_filter",
            {},
            {"hw_tpm_version": "2.0"},
            ["COMPUTE_SECURITY_TPM_SECRET_SECURITY_USER"],
        ),
        (
            "tpm_secret_security_filter",
            {"hw:tpm_version": "1.2", "hw:tpm_secret_security": "deployment"},
            {},
            ["COMPUTE_SECURITY_TPM_SECRET_SECURITY_DEPLOYMENT"],
        ),
        ("tpm_secret_security_filter", {"hw:tpm_secret_security": "host"}, {}, []),
    ],
)
def test_what_the_guest_needs_is_required_of_the_root(rule, extra_specs, properties, traits):
    assert narrowed(rule, spec(extra_specs, image=Image(properties=properties))) == on_root(*traits)


ROUTED = {"query_placement_for_routed_network_aggregates": True}


@pytest.mark.parametrize(
    ("networks", "settings", "answer"),
    [
        ([((A1,), (A2,))], {}, QUERY),
        ([((A1,), (A2,))], ROUTED, within({A1, A2})),
        ([((A1,), (A2,)), ((A3,),)], ROUTED, within({A1, A2}, {A3})),
        ([((A1,),), ()], ROUTED, within({A1})),
        ([()], ROUTED, QUERY),
        ([], ROUTED, QUERY),
        ([((A1,), ())], ROUTED, Refusal("segment_without_aggregate")),
    ],
)
def test_each_routed_network_is_reached_through_one_of_its_segments(networks, settings, answer):
    """A network that is not routed says nothing, and nothing of the network before it is used for it."""
    request = spec(
        requested_networks=tuple(RequestedNetwork(network_id="n", segments=segments) for segments in networks)
    )
    assert narrowed("routed_networks_filter", request, **settings) == answer


def test_a_remote_managed_port_needs_a_host_that_has_such():
    ports = (RequestedNetwork(port_id="p1"), RequestedNetwork(port_id="p2", remote_managed=True))
    found = narrowed("remote_managed_ports_filter", spec(requested_networks=ports))
    assert found == on_root("COMPUTE_REMOTE_MANAGED_PORTS")
    assert narrowed("remote_managed_ports_filter", spec(requested_networks=ports[:1])) == QUERY


def test_hosts_and_pci_devices_have_to_be_novas_where_the_ini_says_so():
    pci, port = RequestGroup({"CUSTOM_PCI_8086_1": 1}), RequestGroup({"NET_BW_EGR_KILOBIT_PER_SEC": 1})
    query = CandidateQuery(groups={"": HOST, "pci-0": pci, "port": port})
    found = narrowed("owner_nova_filter", spec(), query=query, require_owner_nova=True)
    owned = replace(pci, required=(frozenset({"OWNER_NOVA"}),))
    assert (found.root_required, found.groups) == ({"OWNER_NOVA"}, {"": HOST, "pci-0": owned, "port": port})
    assert narrowed("owner_nova_filter", spec(), query=query) == query
