"""A small fleet on a real Placement, a scheduler on it, and the count of what is left afterwards."""

import tempfile
from collections import Counter
from pathlib import Path
from uuid import UUID, uuid4

from placement_client.client import PlacementClient
from placement_client.models import ConsumerWrite, Inventory, Resources
from placement_client.testing import RealPlacement
from scheduler import FilterScheduler, Flavor, RequestContext, RequestSpec, build, load_config

RESERVATIONS = "reservations-of-the-scheduler"
FAST_CLAIMS = f"""
[claims]
reservation_project_id = {RESERVATIONS}
backoff_base = 0.001
backoff_cap = 0.01
quarantine = 0.02
drain_timeout = 20

[journal]
connection = memory://
"""
CONTEXT = RequestContext(project_id="tenant", user_id="somebody")
SPEC = RequestSpec(flavor=Flavor(vcpus=2, memory_mb=512), project_id="tenant", user_id="somebody")


def scheduler_on(
    real: RealPlacement, ini: str = "", *, journal: str = "memory://", placement: str = "", **build_arguments
) -> FilterScheduler:
    """Build a scheduler as a service would, from an ini file; its requests pass through ``real.faults``.

    ``placement`` are more lines of the section of that name.
    """
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "scheduler.ini"
        file.write_text(
            f"{real.ini()}retry_base = 0.001\nretry_cap = 0.01\n{placement}"
            + FAST_CLAIMS.replace("memory://", journal)
            + ini
        )
        return build(load_config(str(file)), http_adapter=real.faults, **build_arguments)


def add_hosts(client: PlacementClient, count: int, *, vcpus: int = 8, memory_mb: int = 8192) -> list[UUID]:
    """Create root providers h0, h1, ... with room; return their UUIDs."""
    hosts = [uuid4() for _ in range(count)]
    for number, host in enumerate(hosts):
        client.create_resource_provider(f"h{number}", host)
        inventories = {"VCPU": Inventory(total=vcpus), "MEMORY_MB": Inventory(total=memory_mb)}
        client.set_inventories(host, 0, inventories)
    return hosts


def hold(client: PlacementClient, consumer: UUID, provider: UUID, vcpus: int = 1) -> None:
    """Let a consumer of somebody else hold room."""
    body = {provider: Resources({"VCPU": vcpus})}
    client.put_allocations(consumer, ConsumerWrite(body, project_id="foreign", user_id="foreigner"))


def reservations(client: PlacementClient) -> int:
    """Count the reservations that exist in Placement; they are all that their project holds.

    Asked by consumer type, Placement 16 on PostgreSQL answers 500; summed over all types it works.
    """
    return client.get_project_usages(RESERVATIONS, consumer_type="all").consumers("all")


def holders(client: PlacementClient, hosts: list[UUID]) -> Counter[str]:
    """Return on how many hosts each consumer holds anything."""
    return Counter(consumer for host in hosts for consumer in client.get_provider_allocations(host).allocations)


def over_capacity(client: PlacementClient, hosts: list[UUID]) -> list[UUID]:
    """Return the hosts that hold more than their capacity."""
    over = []
    for host in hosts:
        capacity = {name: one.capacity for name, one in client.get_inventories(host).inventories.items()}
        used = client.get_provider_usages(host).usages
        if any(used[name] > capacity[name] for name in used):
            over.append(host)
    return over
