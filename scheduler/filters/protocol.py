"""What a filter is."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

from scheduler.errors import InvalidRequest
from scheduler.hosts.arrays import BoolArray
from scheduler.hosts.table import HostTable
from scheduler.model import RequestSpec

if TYPE_CHECKING:
    from typing_extensions import TypeIs


class Filter(Protocol):
    """Says which hosts may take an instance.

    ``name`` is what operators write in the ini; ``reason`` is the stable code of why it removes a host. A filter may
    have as well:

    * ``run_filter_once_per_request = True``, when its answer is the same for every instance of a batch;
    * ``per_host = True``, when what it says of a host depends on nothing but the request, its group and its instance
      left out, and on that host and what is placed there, whatever other filters drop; it is then asked about a host
      again only when an instance was placed there;
    * ``concerns(request)``, False where the request gives it nothing to do, and every host would pass; the same for
      every instance of a batch;
    * ``run_on_rebuild = True``, when it judges an instance that is built again where it is, too;
    * ``hints``, a frozenset of the names of the scheduler hints that it reads; a hint that no plugin reads is refused;
    * ``problems(request)``, which yields "field: what is wrong" for what the request gives it and is malformed; it is
      called before anything is asked of Placement, and a request with a problem is refused.
    """

    name: str
    reason: str

    def passes(self, request: RequestSpec, hosts: HostTable) -> BoolArray:
        """Return which hosts pass, shape (n,), True where ``hosts.names[i]`` may take the instance."""
        ...


@runtime_checkable
class CandidateFilter(Protocol):
    """Says which allocation candidates may take an instance; everything else is as for ``Filter``.

    A host none of whose candidates is left, or fits what is left, is removed.
    """

    name: str
    reason: str

    def keeps(self, request: RequestSpec, hosts: HostTable) -> BoolArray:
        """Return which candidates stay, shape (m,), True where ``hosts.candidates[i]`` may take the instance."""
        ...


AnyFilter: TypeAlias = Filter | CandidateFilter


def judges_candidates(plugin: AnyFilter) -> "TypeIs[CandidateFilter]":
    """Tell a filter of candidates from one of hosts."""
    return hasattr(plugin, "keeps")


def once_per_request(plugin: AnyFilter | type[AnyFilter]) -> bool:
    """Tell whether the answer of a filter holds for every instance of a batch."""
    return bool(getattr(plugin, "run_filter_once_per_request", False))


def runs_on_rebuild(plugin: AnyFilter | type[AnyFilter]) -> bool:
    """Tell whether a filter judges an instance that is built again on the host it is on."""
    return bool(getattr(plugin, "run_on_rebuild", False))


def problems_of(read: Callable[[RequestSpec], object], request: RequestSpec) -> tuple[str, ...]:
    """Return what the reading of a request refuses with InvalidRequest; nothing when it goes well."""
    try:
        read(request)
    except InvalidRequest as error:
        return error.problems
    return ()
