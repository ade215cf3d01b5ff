"""Writes the fleet to Placement, as compute services would."""

from collections.abc import Iterator, Sequence

from demo.fleet import Host, all_traits
from placement_client.client import PlacementClient
from placement_client.models import Inventory


def load(client: PlacementClient, hosts: Sequence[Host]) -> Iterator[Host]:
    """Create each host with its inventories, traits and rack, and yield it when that is done."""
    for trait in all_traits(hosts):
        client.create_trait(trait)
    for host in hosts:
        _create(client, host)
        yield host


def _create(client: PlacementClient, host: Host) -> None:
    """Create one host; each write names the generation that the one before it returned."""
    created = client.create_resource_provider(host.name, host.uuid)
    inventories = {name: Inventory(total=total, max_unit=total) for name, total in host.inventory.items()}
    generation = client.set_inventories(host.uuid, created.generation, inventories).resource_provider_generation
    traits = client.set_provider_traits(host.uuid, generation, host.traits)
    client.set_aggregates(host.uuid, traits.resource_provider_generation or generation, [host.rack.uuid])
