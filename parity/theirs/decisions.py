"""Whole decisions: Nova's host manager filters and weighs, its scheduler orders and consumes, instance by instance."""

from nova.scheduler import filters, host_manager, manager, weights

from parity.theirs.rules import FILTERS, WEIGHERS
from parity.theirs.specs import spec_of
from parity.theirs.states import Fields, states, uuid


def decided(case: Fields) -> Fields:
    """Return for every instance the positions of the hosts, best first, up to the first for which there is none."""
    scheduler = manager.SchedulerManager.__new__(manager.SchedulerManager)  # its constructor connects to everything
    scheduler.host_manager = _host_manager(case)
    hosts, spec = states(case), spec_of(case)
    position_of = {id(host): position for position, host in enumerate(hosts)}
    orders: list[list[int]] = []
    for index, number in enumerate(case["instances"]):
        spec.instance_uuid = uuid(number)
        hosts = scheduler._get_sorted_hosts(spec, hosts, index)
        orders.append([position_of[id(host)] for host in hosts])
        if not hosts:
            break
        scheduler._consume_selected_host(hosts[0], spec, instance_uuid=uuid(number))
        hosts.sort(key=lambda host: position_of[id(host)])  # ties are broken by the order in which hosts are asked
    return {"orders": orders}


def _host_manager(case: Fields) -> host_manager.HostManager:
    """Return a host manager with these filters and weighers, without what its constructor connects to."""
    made = host_manager.HostManager.__new__(host_manager.HostManager)
    made.filter_handler, made.weight_handler = filters.HostFilterHandler(), weights.HostWeightHandler()
    made.filter_cls_map, made.filter_obj_map = FILTERS, {}
    made.enabled_filters = made._choose_host_filters(case["filters"])
    made.weighers = [WEIGHERS[name]() for name in case["weighers"]]
    return made
