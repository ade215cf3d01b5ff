"""What the mock remembers: providers, consumers, and the names of traits and resource classes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from placement_client.models import Inventory
from placement_client.testing.mock_http import HttpError

STANDARD_CLASSES = (
    "VCPU", "MEMORY_MB", "DISK_GB", "PCI_DEVICE", "SRIOV_NET_VF", "NUMA_SOCKET", "NUMA_CORE", "NUMA_THREAD",
    "NUMA_MEMORY_MB", "IPV4_ADDRESS", "VGPU", "VGPU_DISPLAY_HEAD", "NET_BW_EGR_KILOBIT_PER_SEC",
    "NET_BW_IGR_KILOBIT_PER_SEC", "PCPU", "MEM_ENCRYPTION_CONTEXT", "FPGA", "PGPU",
    "NET_PACKET_RATE_KILOPACKET_PER_SEC", "NET_PACKET_RATE_EGR_KILOPACKET_PER_SEC",
    "NET_PACKET_RATE_IGR_KILOPACKET_PER_SEC",
)  # fmt: skip
STANDARD_TRAIT_PREFIXES = ("COMPUTE_", "HW_", "MISC_", "OWNER_", "STORAGE_")


@dataclass(slots=True)
class ProviderRecord:
    """One resource provider."""

    uuid: str
    name: str
    root: str
    parent: str | None = None
    generation: int = 0
    inventories: dict[str, Inventory] = field(default_factory=dict)
    traits: set[str] = field(default_factory=set)
    aggregates: set[str] = field(default_factory=set)


@dataclass(slots=True)
class ConsumerRecord:
    """One consumer; without ``held`` it is a ghost, which Placement keeps after some refused writes."""

    uuid: str
    project_id: str
    user_id: str
    type: str | None = None
    generation: int = 0
    held: dict[str, dict[str, int]] = field(default_factory=dict)


@dataclass(slots=True)
class MockState:
    """Everything the mock knows, by UUID and by name."""

    providers: dict[str, ProviderRecord] = field(default_factory=dict)
    consumers: dict[str, ConsumerRecord] = field(default_factory=dict)
    classes: set[str] = field(default_factory=lambda: set(STANDARD_CLASSES))
    custom_traits: set[str] = field(default_factory=set)

    def provider(self, uuid: str) -> ProviderRecord:
        """Return a provider. Raises HttpError 404."""
        if uuid not in self.providers:
            raise HttpError(404, f"No resource provider with uuid {uuid} found")
        return self.providers[uuid]

    def used(self, provider: str, resource_class: str) -> int:
        """Return how much of a class all consumers hold on one provider."""
        return sum(consumer.held.get(provider, {}).get(resource_class, 0) for consumer in self.consumers.values())

    def consumers_of(self, provider: str) -> Iterator[ConsumerRecord]:
        """Yield the consumers that hold something on one provider."""
        return (consumer for consumer in self.consumers.values() if provider in consumer.held)

    def knows_trait(self, name: str) -> bool:
        """Tell whether a trait exists: created, or in a namespace of the standard ones."""
        return name in self.custom_traits or name.startswith(STANDARD_TRAIT_PREFIXES)

    def unknown_traits(self, names: Iterable[str]) -> list[str]:
        """Return those of the names that are no traits, sorted."""
        return sorted(name for name in names if not self.knows_trait(name))
