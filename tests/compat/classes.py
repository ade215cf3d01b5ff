"""Filters and weighers as an operator of Nova writes them: nothing but the imports is of this project."""

from scheduler.compat.nova import filters, weights
from scheduler.compat.nova.aggregates import (
    aggregate_metadata_get_by_host,
    aggregate_values_from_key,
    get_weight_multiplier,
    instance_uuids_overlap,
    validate_num_values,
)


class RackFilter(filters.BaseHostFilter):
    """Hosts of the rack that the flavor names, read from aggregate metadata."""

    run_filter_once_per_request = True
    RUN_ON_REBUILD = True

    def host_passes(self, host_state, spec_obj):
        wanted = spec_obj.flavor.extra_specs.get("rack") if "extra_specs" in spec_obj.flavor else None
        return not wanted or wanted in aggregate_metadata_get_by_host(host_state, "rack").get("rack", ())


class StatFilter(filters.BaseHostFilter):
    """Hosts whose stats say that they have an SSD."""

    def host_passes(self, host_state, spec_obj):
        return host_state.stats.get("ssd") == "true"


class ServiceFilter(filters.BaseHostFilter):
    """Hosts whose service is enabled and not forced down."""

    def host_passes(self, host_state, spec_obj):
        service = host_state.service
        return not service["disabled"] and not service["forced_down"]


class FewMembersFilter(filters.BaseHostFilter):
    """Hosts with less members of the group than its rule says."""

    def host_passes(self, host_state, spec_obj):
        group = spec_obj.instance_group
        if not group or group.policy != "anti-affinity" or spec_obj.instance_uuid in host_state.instances:
            return True
        others = [member for member in group.members if member != spec_obj.instance_uuid]
        there = sum(instance_uuids_overlap(host_state, member) for member in others)
        return there < group.rules.get("max_server_per_host", 1)


class ApartFilter(filters.BaseHostFilter):
    """Hosts without the instances that a hint names."""

    hints = frozenset({"different_host"})
    reason = "too_close"

    def host_passes(self, host_state, spec_obj):
        return not instance_uuids_overlap(host_state, spec_obj.get_scheduler_hint("different_host", []))


class LeastBusyFilter(filters.BaseHostFilter):
    """The least busy host of all, which only a class that sees all hosts can know."""

    def filter_all(self, filter_obj_list, spec_obj):
        hosts = list(filter_obj_list)
        least = min(host.num_io_ops for host in hosts)
        return [host for host in hosts if host.num_io_ops == least]


class LimitFilter(filters.BaseHostFilter):
    """A filter of old that says how far a host may be filled."""

    def host_passes(self, host_state, spec_obj):
        host_state.limits["memory_mb"] = host_state.total_usable_ram_mb * 1.5
        return host_state.limits["memory_mb"] >= spec_obj.memory_mb


class FreeRAMWeigher(weights.BaseHostWeigher):
    """Free memory, with a multiplier of the host's aggregates."""

    minval = 0

    def weight_multiplier(self, host_state):
        return get_weight_multiplier(host_state, "free_ram_multiplier", 1.5)

    def _weigh_object(self, host_state, weight_properties):
        return host_state.free_ram_mb


class FreeCPUWeigher(weights.BaseHostWeigher):
    """Free CPUs, as one that multiplies by the allocation ratio says."""

    minval = 0

    def _weigh_object(self, host_state, weight_properties):
        return host_state.vcpus_total * host_state.cpu_allocation_ratio - host_state.vcpus_used


class CappedWeigher(weights.BaseHostWeigher):
    """Instances, of which more than a cap make no difference; the cap of an aggregate counts."""

    minval = 0
    maxval = 3

    def weight_multiplier(self, host_state):
        return float(validate_num_values(aggregate_values_from_key(host_state, "cap"), -1))

    def _weigh_object(self, host_state, weight_properties):
        return host_state.num_instances


class RankWeigher(weights.BaseHostWeigher):
    """The place of each host by its load, which only a class that sees all hosts can know; it bounds itself."""

    def _weigh_object(self, host_state, weight_properties):
        return host_state.num_io_ops

    def weigh_objects(self, weighed_obj_list, weight_properties):
        loads = sorted(weighed.obj.num_io_ops for weighed in weighed_obj_list)
        self.minval, self.maxval = 0, len(loads)
        return [loads.index(weighed.obj.num_io_ops) for weighed in weighed_obj_list]
