"""One filter, or one weigher, over the hosts of a case."""

from collections.abc import Iterator
from contextlib import contextmanager

from nova import context, objects
from nova.objects import RequestSpec
from nova.scheduler import filters, weights
from nova.scheduler.host_manager import HostState

from parity.theirs.specs import spec_of
from parity.theirs.states import Fields, states

FILTERS = {one.__name__: one for one in filters.all_filters()}
WEIGHERS = {one.__name__: one for one in weights.all_weighers()}


def filtered(case: Fields) -> Fields:
    """Return which hosts pass, one truth value a host; the name of what the filter raises for a host in its place."""
    rule, spec = FILTERS[case["rule"]](), spec_of(case)
    return {"passed": [_passes(rule, host, spec) for host in states(case)]}


def _passes(rule: filters.BaseHostFilter, host: HostState, spec: RequestSpec) -> bool | str:
    try:
        return bool(list(rule.filter_all([host], spec)))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
        return type(error).__name__


def weighed(case: Fields) -> Fields:
    """Return the weight of each host with this one weigher."""
    hosts, spec = states(case), spec_of(case)
    handler = weights.HostWeightHandler()
    weighed_hosts = handler.get_weighed_objects([WEIGHERS[case["rule"]]()], hosts, spec)
    by_host = {id(one.obj): float(one.weight) for one in weighed_hosts}
    return {"weights": [by_host[id(host)] for host in hosts]}


@contextmanager
def _no_cell(ctxt: context.RequestContext, cell: object) -> Iterator[context.RequestContext]:
    yield ctxt


def _fill_metadata(instances: objects.InstanceList) -> None:
    """Give instances that the database does not have yet no metadata, as it would."""
    for instance in instances:
        if "system_metadata" not in instance:
            instance.system_metadata, instance.image_ref = {}, None


# ImagePropertiesWeigher reads the images of all instances from the database of their cell; here they are at hand.
context.target_cell = _no_cell
objects.CellMapping.get_by_uuid = lambda ctxt, uuid: uuid
objects.InstanceList.fill_metadata = _fill_metadata
