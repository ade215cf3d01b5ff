"""What Nova asks Placement: the query of a request, alone or after prefilters."""

from types import SimpleNamespace
from typing import Any

from nova import context, exception, objects
from nova.network import neutron
from nova.scheduler import request_filter, utils
from nova.scheduler.client import report

from parity.theirs.specs import spec_of
from parity.theirs.states import Fields, uuid

PREFILTERS = {one.__name__: one for one in request_filter.ALL_REQUEST_FILTERS}
CONTEXT = context.RequestContext(user_id="u", project_id="p")


class Known:
    """Stands for the databases, Neutron and Placement: what the case says they know."""

    def __init__(self, case: Fields) -> None:
        self.aggregates = [
            objects.Aggregate(uuid=uuid(int(number)), name=number, metadata=metadata)
            for number, metadata in case.get("aggregates", {}).items()
        ]
        self.networks = case["request"].get("requested_networks", [])
        self.nodes = case.get("hosts", [])
        self.computes_version = case.get("computes_version", 0)

    def by_metadata(self, ctxt: object, key: str | None = None, value: str | None = None) -> list[objects.Aggregate]:
        """Return the aggregates that have such a pair, with the pairs that match alone, as Nova loads them."""
        return [
            objects.Aggregate(uuid=one.uuid, metadata=pairs)
            for one in self.aggregates
            if (pairs := {k: v for k, v in one.metadata.items() if key in (None, k) and value in (None, v)})
        ]

    def non_matching(self, ctxt: object, ignored: list[str], prefix: str, value: str) -> list[objects.Aggregate]:
        """Return the aggregates with a key that begins so, has the value and is not ignored."""
        return [
            one
            for one in self.aggregates
            if any(k.startswith(prefix) and v == value and k not in ignored for k, v in one.metadata.items())
        ]

    def show_port(self, ctxt: object, port_id: str) -> Fields:
        """Return a port without address, of the network of the same number."""
        return {"port": {"fixed_ips": [], "network_id": f"of-{port_id}"}}

    def get_segment_ids_for_network(self, ctxt: object, network_id: str) -> list[str]:
        """Return the segments of a network: its name and the position of each."""
        segments = self._network(network_id).get("segments", [])
        return [f"{network_id}/{position}" for position in range(len(segments))]

    def _get_provider_aggregates(self, ctxt: object, segment_id: str) -> SimpleNamespace:
        network_id, _, position = segment_id.rpartition("/")
        return SimpleNamespace(aggregates=self._network(network_id)["segments"][int(position)])

    def is_remote_managed_port(self, ctxt: object, port_id: str) -> bool:
        """Tell whether a port is managed remotely."""
        return any(one.get("port_id") == port_id and one.get("remote_managed") for one in self.networks)

    def _network(self, network_id: str) -> Fields:
        found = (one for one in self.networks if network_id in (one.get("network_id"), f"of-{one.get('port_id')}"))
        return next(found, {})

    def get_compute_nodes_by_host_or_node(
        self, ctxt: object, host: str | None, node: str | None, cell: object = None
    ) -> list[SimpleNamespace]:
        """Return the nodes of a host, or of that name."""
        named = [
            (one.get("name", f"h{n}"), one.get("node", one.get("name", f"h{n}")), n) for n, one in enumerate(self.nodes)
        ]
        return [
            SimpleNamespace(host=name, hypervisor_hostname=own, uuid=uuid(1000 + n))
            for name, own, n in named
            if host in (None, name) and node in (None, own)
        ]


def narrowed(case: Fields) -> Fields:
    """Return the query after one prefilter, or after all of them."""
    spec, known = spec_of(case), _known(case)
    wanted = list(PREFILTERS.values()) if case["rule"] == "process_reqspec" else [PREFILTERS[case["rule"]]]
    try:
        for prefilter in wanted:
            prefilter(CONTEXT, spec)
    except exception.RequestFilterFailed:
        return {"refusal": True}
    return _query(spec, known)


def built(case: Fields) -> Fields:
    """Return the query of a request without prefilters."""
    known = _known(case)
    return _query(spec_of(case), known)


def _known(case: Fields) -> Known:
    known = Known(case)
    listed: Any = objects.aggregate.AggregateList
    listed.get_by_metadata = known.by_metadata
    listed.get_non_matching_by_metadata_keys = known.non_matching
    objects.AggregateList.get_by_metadata = known.by_metadata
    neutron.API = lambda: known
    report.report_client_singleton = lambda: known
    objects.service.get_minimum_version_all_cells = lambda ctxt, binaries: known.computes_version
    return known


def _query(spec: objects.RequestSpec, known: Known) -> Fields:
    try:
        request = utils.resources_from_request_spec(CONTEXT, spec, known)
    except exception.NoValidHost:
        return {"refusal": True}
    return {"query": request.to_querystring()}
