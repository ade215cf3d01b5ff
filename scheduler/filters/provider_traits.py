"""Which of a host's child providers (devices, NUMA nodes, ports) may serve an instance, by their traits."""

import numpy as np

from scheduler.hosts.arrays import BoolArray
from scheduler.hosts.table import HostTable
from scheduler.model import RequestSpec
from scheduler.model.extra_specs import of_providers


class ProviderTraitFilter:
    """Candidates whose child providers all have the traits that extra specs ``provider_trait:NAME`` require.

    A child provider is one nested below the host that gives resources to the candidate; the host itself and providers
    that it shares do not count. ``required``: there is one, and all of them have the trait. ``forbidden``: none has it.
    Placement's ``trait:NAME`` asks that some provider of a group has the trait; this asks it of every one.
    """

    name = "ProviderTraitFilter"
    reason = "provider_trait_missing"
    run_filter_once_per_request = True

    def concerns(self, request: RequestSpec) -> bool:
        """Tell whether the flavor demands a trait of providers."""
        return bool(of_providers(request.flavor.extra_specs))

    def keeps(self, request: RequestSpec, hosts: HostTable) -> BoolArray:
        """Return which candidates have the traits that the flavor requires, and none that it forbids."""
        specs, keeps = request.flavor.extra_specs, np.ones(len(hosts.candidates), dtype=np.bool_)
        for key, trait in of_providers(specs).items():
            nested, bearing = hosts.nested_parts(), hosts.nested_parts(trait)
            keeps &= (bearing == nested) & (nested > 0) if specs[key] == "required" else bearing == 0
        return keeps
