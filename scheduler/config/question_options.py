"""The options of the question to Placement: prefilters, what is done with unknown extra specs, workarounds."""

from oslo_config import cfg

from scheduler.settings import PrefilterSettings, QuestionSettings, WorkaroundSettings

_PREFILTERS = PrefilterSettings()
_QUESTION = QuestionSettings()
_WORKAROUNDS = WorkaroundSettings()


def _switch(name: str, default: bool, text: str) -> cfg.Opt:
    return cfg.BoolOpt(name, default=default, help=text)


PREFILTERS = (
    _switch(
        "limit_tenants_to_placement_aggregate",
        _PREFILTERS.limit_tenants_to_placement_aggregate,
        "Keep a project to the aggregates that have its id under a metadata key which begins with filter_tenant_id. A "
        "project that no aggregate names goes anywhere, unless placement_aggregate_required_for_tenants is set.",
    ),
    _switch(
        "placement_aggregate_required_for_tenants",
        _PREFILTERS.placement_aggregate_required_for_tenants,
        "Give no host to a project that no aggregate names; needs limit_tenants_to_placement_aggregate.",
    ),
    _switch(
        "query_placement_for_image_type_support",
        _PREFILTERS.query_placement_for_image_type_support,
        "Ask for hosts that can read the disk_format of the image. Hosts whose driver does not report the trait get no "
        "such requests.",
    ),
    _switch(
        "enable_isolated_aggregate_filtering",
        _PREFILTERS.enable_isolated_aggregate_filtering,
        "Keep requests out of aggregates with metadata trait:NAME = required, unless they require that trait.",
    ),
    _switch(
        "image_metadata_prefilter",
        _PREFILTERS.image_metadata_prefilter,
        "Ask for hosts with the traits of the image's buses, models and architectures (docs/request-language.md). Off, "
        "an instance may go to a host that cannot start it.",
    ),
    _switch(
        "query_placement_for_routed_network_aggregates",
        _PREFILTERS.query_placement_for_routed_network_aggregates,
        "Ask for hosts that reach a segment of each requested network. Off, an instance may go to a host without them.",
    ),
    _switch(
        "require_owner_nova",
        _PREFILTERS.require_owner_nova,
        "Ask for hosts with the trait OWNER_NOVA. On before every compute service reports it, hosts are missing.",
    ),
    cfg.StrOpt(
        "default_availability_zone",
        default=_PREFILTERS.default_availability_zone,
        help="Zone of the hosts that no aggregate with availability_zone metadata holds.",
    ),
)

QUESTION = (
    cfg.ListOpt(
        "extra_prefilters",
        default=list(_QUESTION.extra_prefilters),
        help="Prefilters to run after the built-in ones, in this order: names of entry points in "
        "placement_scheduler.prefilters.",
    ),
    _switch(
        "lenient_extra_specs",
        _QUESTION.lenient_extra_specs,
        "Drop extra specs that are malformed or unknown, as Nova does, with a warning in the decision record. An "
        "instance may then go to a host that lacks what its flavor asks for.",
    ),
    _switch(
        "pci_in_placement",
        _QUESTION.pci_in_placement,
        "Ask Placement for the PCI devices of the extra spec pci_passthrough:alias, a request group each. Off, flavors "
        "with it are refused. Each group makes Placement combine more candidates; many of them on hosts with many "
        "devices can exhaust it.",
    ),
)

PCI = (
    cfg.MultiStrOpt(
        "alias",
        default=[],
        help="What the names in the extra spec pci_passthrough:alias stand for, an option a name, in Nova's JSON: "
        "name, resource_class or vendor_id and product_id, traits. device_type is not looked at: give devices of "
        "another type another resource_class. Devices are counted in Placement; nothing judges on which NUMA node "
        "they are.",
    ),
)

WORKAROUNDS = (
    _switch(
        "disable_fallback_pcpu_query",
        _WORKAROUNDS.disable_fallback_pcpu_query,
        "Off: requests for dedicated CPUs also go to hosts that report theirs as VCPU, at one more call a request. As "
        "nothing judges NUMA topologies here, any host with free VCPU counts as one of them; set it to false only "
        "where all hosts pin their CPUs.",
    ),
)
