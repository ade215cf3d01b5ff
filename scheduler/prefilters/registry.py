"""The prefilters that run, in their order: Nova's, then those that the ini names."""

from scheduler.plugins import Registry
from scheduler.prefilters import aggregates, traits
from scheduler.prefilters.protocol import BuiltIn, Narrow, Prefilter
from scheduler.prefilters.status import compute_status_filter
from scheduler.settings import QuestionSettings

GROUP = "placement_scheduler.prefilters"


def _built_in(rule: Narrow, switch: str = "", *settings: str) -> BuiltIn:
    return BuiltIn(rule.__name__, rule, switch, settings)


BUILT_IN: tuple[BuiltIn, ...] = (
    _built_in(
        aggregates.require_tenant_aggregate,
        "limit_tenants_to_placement_aggregate",
        "placement_aggregate_required_for_tenants",
    ),
    _built_in(aggregates.map_az_to_placement_aggregate, "", "default_availability_zone"),
    _built_in(traits.require_image_type_support, "query_placement_for_image_type_support"),
    _built_in(compute_status_filter),
    _built_in(aggregates.isolate_aggregates, "enable_isolated_aggregate_filtering"),
    _built_in(traits.transform_image_metadata, "image_metadata_prefilter"),
    _built_in(traits.accelerators_filter),
    _built_in(traits.packed_virtqueue_filter),
    _built_in(aggregates.routed_networks_filter, "query_placement_for_routed_network_aggregates"),
    _built_in(traits.remote_managed_ports_filter),
    _built_in(traits.ephemeral_encryption_filter),
    _built_in(traits.virtio_sound_filter),
    _built_in(traits.tpm_secret_security_filter),
    _built_in(traits.owner_nova_filter, "require_owner_nova"),
)
"""Nova's prefilters, in Nova's order; one with a switch is asked only when that is on."""


def load_prefilters(settings: QuestionSettings) -> tuple[Prefilter, ...]:
    """Return Nova's prefilters and then those of others; InvalidSettings names every one that cannot be had."""
    others: Registry[Prefilter] = Registry("extra_prefilters", GROUP, {}, ("name", "narrow"))
    return (*BUILT_IN, *others.load(settings.extra_prefilters))
