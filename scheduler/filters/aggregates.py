"""What the metadata of a host's aggregates says about who and what may go there.

A value of metadata is a list of words between commas, and a host that is in several aggregates has the words of all.
"""

from collections.abc import Callable, Iterable
from functools import partial

import numpy as np

from scheduler.errors import InvalidRequest
from scheduler.filters.image import canonical, properties_of
from scheduler.filters.operators import Predicate, predicates_of
from scheduler.filters.protocol import problems_of
from scheduler.hosts.arrays import BoolArray
from scheduler.hosts.table import HostTable
from scheduler.model import RequestSpec
from scheduler.model.extra_specs import of_aggregates
from scheduler.model.facts import TENANT_KEY

FLAVOR_KEY = "instance_type"

Words = frozenset[str]


class AggregateInstanceExtraSpecsFilter:
    """Hosts whose aggregates have what every extra spec ``aggregate_instance_extra_specs:...`` or without scope asks.

    One word of the key's value must meet the demand; a host without the key is out.
    """

    name = "AggregateInstanceExtraSpecsFilter"
    reason = "aggregate_extra_spec_missing"
    run_filter_once_per_request = True

    def concerns(self, request: RequestSpec) -> bool:
        """Tell whether the flavor demands something of aggregates."""
        return bool(of_aggregates(request.flavor.extra_specs))

    def problems(self, request: RequestSpec) -> Iterable[str]:
        """Return which extra specs are malformed."""
        return problems_of(_demands_of, request)

    def passes(self, request: RequestSpec, hosts: HostTable) -> BoolArray:
        """Return which hosts have what the flavor demands; InvalidRequest names the extra specs that are malformed."""
        passes = np.ones(len(hosts), dtype=np.bool_)
        for key, holds in _demands_of(request):
            passes &= _judged(hosts, key, partial(_any_meets, holds))
        return passes


class AggregateImagePropertiesIsolation:
    """Hosts whose aggregates do not ask for another value of a property that the image has.

    A metadata key names the property of the image, an aggregate without the key or an image without the property rules
    nothing out. With a namespace only keys that begin with it and the separator count.
    """

    name = "AggregateImagePropertiesIsolation"
    reason = "image_property_excluded"
    run_filter_once_per_request = True
    run_on_rebuild = True

    def __init__(self, namespace: str | None = None, separator: str = ".") -> None:
        self._prefix = f"{namespace}{separator}" if namespace else ""

    def passes(self, request: RequestSpec, hosts: HostTable) -> BoolArray:
        """Return which hosts may have the image."""
        passes = np.ones(len(hosts), dtype=np.bool_)
        for name, value in properties_of(request).items():
            if value and name.startswith(self._prefix) and name in hosts.aggregate_keys:
                spelling = partial(canonical, name)
                passes &= _judged(hosts, name, partial(_admits, spelling, spelling(value)))
        return passes


class AggregateMultiTenancyIsolation:
    """Hosts whose aggregates are for the project, or for all.

    A metadata key that begins with ``filter_tenant_id`` lists projects; hosts with such keys are for these only. It
    keeps others out; it does not keep the project on its own hosts.
    """

    name = "AggregateMultiTenancyIsolation"
    reason = "reserved_for_other_tenants"
    run_filter_once_per_request = True

    def passes(self, request: RequestSpec, hosts: HostTable) -> BoolArray:
        """Return which hosts are for the project, or for all."""
        listed, open_to_all = np.zeros(len(hosts), dtype=np.bool_), np.ones(len(hosts), dtype=np.bool_)
        for key in sorted(key for key in hosts.aggregate_keys if key.startswith(TENANT_KEY)):
            listed |= _judged(hosts, key, lambda words: request.project_id in words)
            open_to_all &= _judged(hosts, key, lambda words: not words)
        return listed | open_to_all


class AggregateTypeAffinityFilter:
    """Hosts whose aggregates list the flavor under ``instance_type``, or do not have the key."""

    name = "AggregateTypeAffinityFilter"
    reason = "flavor_excluded"
    run_filter_once_per_request = True

    def passes(self, request: RequestSpec, hosts: HostTable) -> BoolArray:
        """Return which hosts take the flavor."""
        return _judged(hosts, FLAVOR_KEY, lambda words: not words or request.flavor.name in words)


def _demands_of(request: RequestSpec) -> list[tuple[str, Predicate]]:
    """Return the metadata keys that the flavor asks for, each with its test. Raises InvalidRequest."""
    keys = of_aggregates(request.flavor.extra_specs)
    predicates, problems = predicates_of({key: request.flavor.extra_specs[key] for key in keys})
    if problems:
        raise InvalidRequest(*problems)
    return [(keys[key], holds) for key, holds in predicates.items()]


def _any_meets(holds: Predicate, words: Words) -> bool:
    return any(map(holds, words))


def _admits(spelling: Callable[[str], str], value: str, words: Words) -> bool:
    return not words or value in map(spelling, words)


def _judged(hosts: HostTable, key: str, holds: Callable[[Words], bool]) -> BoolArray:
    """Return for which hosts a test holds of the words of a metadata key, none where no aggregate has the key."""
    codes, sets = hosts.aggregate_values(key)
    return np.array([holds(_words(values)) for values in sets], dtype=np.bool_)[codes]


def _words(values: frozenset[str]) -> Words:
    return frozenset(word.strip() for value in values for word in value.split(","))
