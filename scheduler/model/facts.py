"""What is known of hosts beside Placement, as values: one fact a host, one an aggregate."""

import json
from collections.abc import Collection
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct, field

Natural = Annotated[int, Meta(ge=0, le=2**53, description="an integer from 0 to 9007199254740992")]
HostName = Annotated[str, Meta(min_length=1, max_length=255, description="1 to 255 characters")]

MAX_NUMBER = 1e100
"""The largest measured value and multiplier, either sign; sums and products of a few of them are still numbers."""

Measured = Annotated[float, Meta(ge=-MAX_NUMBER, le=MAX_NUMBER, description="a number from -1e100 to 1e100")]


TENANT_KEY = "filter_tenant_id"
"""What a metadata key begins with that says for which projects the hosts of an aggregate are."""

ZONE_KEY = "availability_zone"
"""The metadata key that says in which zone the hosts of an aggregate are."""


class AggregateFact(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A host aggregate: its name for people and its metadata."""

    uuid: UUID
    name: str
    metadata: dict[str, str] = field(default_factory=dict)


class HostFact(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known of one host (one compute node), with Nova's names.

    ``node`` None means that the node is named like the host; ``provider_uuid`` None means that the root provider is
    found by its name, which is that of the node or else of the host. ``last_seen_up`` is seconds since the epoch; None
    means that ``up`` alone counts. ``supported_instances`` are (architecture, hypervisor type, VM mode).
    ``image_properties`` says of each property and value on how many instances' images it is.
    """

    name: HostName
    node: HostName | None = None
    provider_uuid: UUID | None = None
    enabled: bool = True
    up: bool = True
    last_seen_up: float | None = None
    instances: tuple[UUID, ...] = ()
    num_io_ops: Natural = 0
    failed_builds: Natural = 0
    hypervisor_type: str | None = None
    hypervisor_version: Natural = 0
    host_ip: str | None = None
    cpu_info: dict[str, Any] = field(default_factory=dict)
    supported_instances: tuple[tuple[str, str, str], ...] = ()
    stats: dict[str, str] = field(default_factory=dict)
    cell_uuid: UUID | None = None
    free_pci_devices: Natural = 0
    image_properties: dict[str, dict[str, Natural]] = field(default_factory=dict)
    metrics: dict[str, Measured] = field(default_factory=dict)
    aggregates: tuple[UUID, ...] = ()

    @property
    def nodename(self) -> str:
        """Return the name of the node."""
        return self.node or self.name

    @property
    def num_instances(self) -> int:
        """Return the number of instances on the host."""
        return len(self.instances)

    def capability(self, path: tuple[str, ...]) -> Any:
        """Return what a capability path leads to, None when the host lacks it.

        The first part is a Nova attribute or else a key of ``stats``; the others are keys into it, where text that is a
        JSON object counts as that object.
        """
        first, *keys = path
        value = getattr(self, CAPABILITIES[first]) if first in CAPABILITIES else self.stats.get(first)
        for key in keys:
            value = _opened(value).get(key)
        return value


CAPABILITIES = {
    "host": "name",
    "nodename": "nodename",
    "hypervisor_hostname": "nodename",
    "failed_builds": "failed_builds",
    "hypervisor_type": "hypervisor_type",
    "hypervisor_version": "hypervisor_version",
    "host_ip": "host_ip",
    "cpu_info": "cpu_info",
    "supported_instances": "supported_instances",
    "stats": "stats",
    "cell_uuid": "cell_uuid",
}
"""Nova's attribute names of a host that a capability may name, and the fields they are here."""


def number_in(text: str) -> float | None:
    """Return the number that a metadata value is, None when it is none or beyond ``MAX_NUMBER``."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) <= MAX_NUMBER else None  # NaN is not either


def least_number(texts: Collection[str], default: float) -> float:
    """Return the least number of metadata values; the default where there is none, or one of them is no number."""
    numbers = [number for text in texts if (number := number_in(text)) is not None]
    return min(numbers) if numbers and len(numbers) == len(texts) else default


def _opened(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = None
    return value if isinstance(value, dict) else {}
