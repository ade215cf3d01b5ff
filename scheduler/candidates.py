"""Asking Placement for allocation candidates, and finding out why it has none or does not understand the question."""

from collections import Counter
from collections.abc import Mapping, Sequence
from uuid import UUID

from placement_client.client import PlacementClient
from placement_client.errors import BadAnswer, BadRequest, PlacementError
from placement_client.models import AllocationCandidates, WrittenCandidates, WrittenRequest
from placement_client.query import CandidateQuery
from scheduler.errors import InvalidRequest
from scheduler.explain.probes import relaxations
from scheduler.hosts import HostSnapshot
from scheduler.hosts.build import SHARES
from scheduler.model import RequestSpec
from scheduler.model.decision import Probe
from scheduler.prefilters import Asking, Facts, Prefilter, Refusal, asked, placement_queries
from scheduler.settings import SchedulerSettings


def queries_for(
    spec: RequestSpec,
    snapshot: HostSnapshot,
    microversion: str,
    settings: SchedulerSettings,
    prefilters: Sequence[Prefilter],
) -> tuple[CandidateQuery, ...] | Refusal:
    """Return what Placement is asked for a request, or why no host can be asked for.

    Raises InvalidRequest with every problem of the request, and PluginFailed.
    """
    targets = targets_of(spec, snapshot)
    if targets == ():
        return Refusal("unknown_host")
    asking = Asking(
        limit=settings.max_placement_results,
        microversion=microversion,
        targets=targets,
        facts=Facts(snapshot.aggregates),
        settings=settings.prefilters,
        prefilters=prefilters,
    )
    return placement_queries(spec, asking, fallback=not settings.workarounds.disable_fallback_pcpu_query)


def ask(placement: PlacementClient, *queries: CandidateQuery) -> AllocationCandidates:
    """Return the candidates for these queries, those of the first one before those of the next.

    Raises InvalidRequest naming the traits and resource classes that Placement does not know, when that is why it
    refuses; any other PlacementError as it is.
    """
    answers = [_answer(placement, query) for query in queries]
    if len(answers) == 1:
        return answers[0]
    written = [answer.written for answer in answers]
    return AllocationCandidates.of(
        WrittenCandidates(
            allocation_requests=[request for one in written for request in one.allocation_requests],
            provider_summaries={text: summary for one in written for text, summary in one.provider_summaries.items()},
        )
    )


def _answer(placement: PlacementClient, query: CandidateQuery) -> AllocationCandidates:
    try:
        return sound(placement.get_allocation_candidates(query), asked(query))
    except BadRequest as error:
        refusal = error
    unknown = unknown_names(placement, query)
    if unknown:
        raise InvalidRequest(*unknown)
    raise refusal


def sound(found: AllocationCandidates, wanted: Mapping[str, int]) -> AllocationCandidates:
    """Return the candidates that give exactly the amounts that were asked for. Raises BadAnswer when none does.

    Placement 16 adds amounts up where isolated groups and the unsuffixed one ask for the same class; claiming such a
    candidate would take room that nobody asked for.
    """
    offered = found.written.allocation_requests
    exact = [request for request in offered if amounts_of(request) == wanted]
    if offered and not exact:
        raise BadAnswer("GET /allocation_candidates", hint="the candidates give other amounts than were asked for")
    return found if len(exact) == len(offered) else found.only(exact)


def amounts_of(request: WrittenRequest) -> Mapping[str, int]:
    """Return the amounts of one candidate by resource class, over all its providers."""
    if len(request.allocations) == 1:
        return next(iter(request.allocations.values())).resources
    total: Counter[str] = Counter()
    for held in request.allocations.values():
        total.update(held.resources)
    return total


def unknown_names(placement: PlacementClient, query: CandidateQuery) -> list[str]:
    """Return one problem for each trait and resource class of a query that Placement does not know."""
    traits, classes = names_in(query)
    known_traits = set(placement.list_traits(sorted(traits))) if traits else set()
    known_classes = set(placement.list_resource_classes()) if classes else set()
    return [f"trait {name} is not known to Placement" for name in sorted(traits - known_traits)] + [
        f"resource class {name} is not known to Placement" for name in sorted(classes - known_classes)
    ]


def names_in(query: CandidateQuery) -> tuple[set[str], set[str]]:
    """Return all traits and all resource classes that a query names."""
    traits = set(query.root_required) | set(query.root_forbidden)
    classes: set[str] = set()
    for group in query.groups.values():
        traits |= set().union(*group.required) | set(group.forbidden)
        classes |= set(group.resources)
    return traits, classes


def probe(placement: PlacementClient, query: CandidateQuery, snapshot: HostSnapshot, at_most: int) -> tuple[Probe, ...]:
    """Ask again with one constraint relaxed at a time, at most so many times; stop at the first error."""
    probes = []
    for relaxed, weaker in relaxations(query, names_for_people(snapshot), at_most):
        try:
            found = placement.get_allocation_candidates(weaker)
        except PlacementError:
            break
        probes.append(Probe(relaxed=relaxed, hosts=hosts_in(found)))
    return tuple(probes)


def hosts_in(found: AllocationCandidates) -> int:
    """Return how many provider trees the candidates are on; sharing providers are not hosts."""
    shares = {uuid for uuid, summary in found.provider_summaries.items() if SHARES in summary.traits}
    return len(set(found.roots) - shares)


def targets_of(spec: RequestSpec, snapshot: HostSnapshot) -> tuple[UUID, ...] | None:
    """Return the root providers of the hosts that a request names; None when it names none, () when none is known."""
    if spec.force_hosts or spec.force_nodes:
        pairs = [(host, node) for host in spec.force_hosts or (None,) for node in spec.force_nodes or (None,)]
        found = [uuid for host, node in pairs for uuid in snapshot.providers_of(host, node, ignore_case=True)]
        return tuple(dict.fromkeys(found))
    wanted = spec.requested_destination
    if wanted is None or (wanted.host is None and wanted.node is None):
        return None
    return snapshot.providers_of(wanted.host, wanted.node)


def names_for_people(snapshot: HostSnapshot) -> dict[UUID, str]:
    """Return the names of aggregates and hosts, for explanations."""
    named = {uuid: aggregate.name for uuid, aggregate in snapshot.aggregates.items()}
    return {**snapshot.provider_names, **named}
