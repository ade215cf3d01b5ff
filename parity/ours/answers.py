"""What this project says of a case."""

from uuid import UUID

from parity.case import Answer, Case, uuid
from parity.ours.options import ORDER, filter_settings, metrics_settings, prefilter_settings, weigher_settings
from parity.ours.tables import aggregates_of, facts_of, provider, request_of, table_of
from placement_client.query import to_query_string
from scheduler.candidates import targets_of
from scheduler.errors import InvalidRequest, PluginFailed
from scheduler.filters import AnyFilter, judges_candidates, load_filters
from scheduler.hosts import HostTable, snapshot_of
from scheduler.model import RequestSpec
from scheduler.prefilters import BUILT_IN, Asking, Facts, Refusal, placement_query
from scheduler.randomness import RandomStream
from scheduler.selection import Memory, Plugins, Ranked, check_request, plan_batch, rank_hosts
from scheduler.selection.plugins import judged
from scheduler.selection.weighing import weigh_hosts
from scheduler.weighers import load_weighers

MICROVERSION = "1.36"
"""The one that Nova asks with."""

LIMIT = 1000


def answer_of(case: Case) -> Answer:
    """Return our answer; what is refused or fails is an answer, too."""
    try:
        return KINDS[case["kind"]](case)
    except InvalidRequest as error:
        return {"refused": list(error.problems)}
    except PluginFailed as error:
        return {"raised": error.plugin}


def filtered(case: Case) -> Answer:
    """Return which hosts pass a filter."""
    request = request_of(case)
    (plugin,) = load_filters(filter_settings(case), metrics_settings(case))
    if judges_candidates(plugin):
        raise TypeError("Nova has no filter of candidates that is here")
    _refuse_malformed(plugin, request)
    return {"passed": judged(plugin, request, table_of(case)).tolist()}


def _refuse_malformed(plugin: AnyFilter, request: RequestSpec) -> None:
    problems = tuple(getattr(plugin, "problems", lambda _: ())(request))
    if problems:
        raise InvalidRequest(*problems)


def weighed(case: Case) -> Answer:
    """Return the weight of each host with one weigher."""
    weighers = load_weighers(weigher_settings(case), metrics_settings(case))
    return {"weights": weigh_hosts(weighers, request_of(case), table_of(case)).total.tolist()}


def narrowed(case: Case) -> Answer:
    """Return the query after one prefilter, or after all of them."""
    chosen = [one for one in BUILT_IN if case["rule"] in (one.name, "process_reqspec")]
    request = request_of(case)
    targets = targets_of(request, snapshot_of(facts_of(case)))
    if targets == ():
        return {"refusal": True}
    asking = Asking(
        limit=LIMIT,
        microversion=MICROVERSION,
        targets=targets,
        facts=Facts({one.uuid: one for one in aggregates_of(case)}),
        settings=prefilter_settings(case),
        prefilters=chosen,
    )
    query = placement_query(request, asking)
    return {"refusal": True} if isinstance(query, Refusal) else {"query": to_query_string(query, MICROVERSION)}


def decided(case: Case) -> Answer:
    """Return for every instance the positions of the hosts, best first, up to the first for which there is none."""
    weighers = load_weighers(weigher_settings(case), metrics_settings(case))
    plugins = Plugins(load_filters(filter_settings(case), metrics_settings(case)), weighers, ORDER)
    request, hosts = request_of(case), table_of(case)
    check_request(plugins, request)
    positions = {provider(position): position for position in range(len(case["hosts"]))}
    orders: list[list[int]] = []

    def rank(memory: Memory, asked: RequestSpec, left: HostTable) -> Ranked:
        ranked = rank_hosts(plugins, memory, asked, left, RandomStream(b""), best=0)
        orders.append([positions[one] for one in left.provider_uuids[ranked.rows]])
        return ranked

    instances = [UUID(uuid(number)) for number in case["instances"]]
    plan_batch(plugins.filters, rank, request, instances, hosts, lambda decision: None)
    return {"orders": orders}


KINDS = {"filter": filtered, "weigher": weighed, "prefilter": narrowed, "query": narrowed, "decision": decided}
"""By the kind of the case."""
