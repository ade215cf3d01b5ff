"""What the image demands of a hypervisor."""

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from scheduler.errors import InvalidRequest
from scheduler.filters.protocol import problems_of
from scheduler.filters.versions import MalformedPredicate, Version, predicate_of, version_of
from scheduler.hosts.arrays import BoolArray
from scheduler.hosts.table import HostTable
from scheduler.model import RequestSpec
from scheduler.model.image_properties import ADDRESS_BITS

VERSION_PROPERTY = "img_hv_requested_version"

_ARCHITECTURES = {"amd64": "x86_64"} | dict.fromkeys(("i386", "i486", "i586", "x86_32", "x86_32p"), "i686")
ALIASES: Mapping[str, Mapping[str, str]] = {
    "hw_architecture": _ARCHITECTURES,
    "img_hv_type": {"xapi": "xen"},
    "hw_vm_mode": {"pv": "xen", "hv": "hvm", "baremetal": "hvm"},
}
"""Image properties in the order of a supported instance's parts, each with other names for the same thing."""

Wanted = tuple[str | None, ...]


class ImagePropertiesFilter:
    """Hosts that support the image's architecture, hypervisor type, VM mode and hypervisor version.

    One supported instance must have everything the image asks for; a host that says nothing about what it supports is
    out then. A version, and the bits of physical addresses, are not compared where the host does not report them.
    """

    name = "ImagePropertiesFilter"
    reason = "image_not_supported"
    run_filter_once_per_request = True
    run_on_rebuild = True

    def __init__(self, default_architecture: str | None = None) -> None:
        self._default_architecture = default_architecture

    def concerns(self, request: RequestSpec) -> bool:
        """Tell whether the image, or the default architecture, asks for anything."""
        return bool(properties_of(request)) or bool(self._default_architecture)

    def problems(self, request: RequestSpec) -> Iterable[str]:
        """Return what is wrong with the version predicate."""
        return problems_of(version_demand_of, request)

    def passes(self, request: RequestSpec, hosts: HostTable) -> BoolArray:
        """Return which hosts support the image; InvalidRequest when its version predicate is malformed."""
        return self._supported(request, hosts) & _version_fits(request, hosts) & _bits_fit(request, hosts)

    def _supported(self, request: RequestSpec, hosts: HostTable) -> BoolArray:
        wanted = self._wanted(request)
        if not any(wanted):
            return np.ones(len(hosts), dtype=np.bool_)
        codes, values = hosts.distinct(("supported_instances",))
        return np.array([_serves(offered or (), wanted) for offered in values], dtype=np.bool_)[codes]

    def _wanted(self, request: RequestSpec) -> Wanted:
        asked = {"hw_architecture": self._default_architecture or "", **properties_of(request)}
        return tuple(canonical(name, asked[name]) if asked.get(name) else None for name in ALIASES)


def properties_of(request: RequestSpec) -> Mapping[str, str]:
    """Return the properties of the request's image, none where it has no image."""
    return request.image.properties if request.image else {}


def version_demand_of(request: RequestSpec) -> Callable[[Version], bool] | None:
    """Return the test for hypervisor versions, None where there is none; InvalidRequest when it is malformed."""
    text = properties_of(request).get(VERSION_PROPERTY)
    if not text:
        return None
    try:
        return predicate_of(text)
    except MalformedPredicate as error:
        problem = f"image.properties['{VERSION_PROPERTY}']: {error}"
    raise InvalidRequest(problem)


def _version_fits(request: RequestSpec, hosts: HostTable) -> BoolArray:
    holds = version_demand_of(request)
    if holds is None:
        return np.ones(len(hosts), dtype=np.bool_)
    codes, values = hosts.distinct(("hypervisor_version",))
    return np.array([not value or holds(version_of(value)) for value in values], dtype=np.bool_)[codes]


def _bits_fit(request: RequestSpec, hosts: HostTable) -> BoolArray:
    wanted = properties_of(request).get(ADDRESS_BITS)
    if wanted is None:
        return np.ones(len(hosts), dtype=np.bool_)
    codes, values = hosts.distinct(("cpu_info", "maxphysaddr", "bits"))
    enough = [not isinstance(bits, int) or bits >= int(wanted) for bits in values]
    return np.array(enough, dtype=np.bool_)[codes]


def _serves(offered: tuple[tuple[str, str, str], ...], wanted: Wanted) -> bool:
    return any(_meets(instance, wanted) for instance in offered)


def _meets(instance: tuple[str, str, str], wanted: Wanted) -> bool:
    parts = zip(ALIASES, instance, wanted, strict=True)
    return all(want is None or canonical(name, have) == want for name, have, want in parts)


def canonical(name: str, value: str) -> str:
    """Return the one spelling of a property's value; that of a property without aliases is as it is."""
    if name not in ALIASES:
        return value
    lower = value.strip().lower()
    return ALIASES[name].get(lower, lower)
