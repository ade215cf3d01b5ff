"""A Placement in memory with the semantics that were measured on the real one, its two in-server windows included.

A write is two steps, ``check`` (consumer generations) and ``carry_out`` (consumers made or adopted, rows read again for
an empty body, room, then the replacement under a generation guard). Anything may happen between the two.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from placement_client.errors import CapacityExceeded, ConsumerConflict, UnknownProvider
from placement_client.models import ConsumerAllocations, ConsumerWrite, ProviderAllocation

RESOURCE_CLASS = "VCPU"
NOTHING = ConsumerAllocations({})

Batch = Mapping[UUID, ConsumerWrite]


@dataclass(frozen=True, slots=True)
class Consumer:
    """A consumer row, and what was last written for it; a ghost has generation 0 and no write."""

    generation: int = 0
    write: ConsumerWrite | None = None

    def amount_on(self, provider: UUID) -> int:
        """Return what it holds on one provider."""
        held = self.write.allocations.get(provider) if self.write else None
        return held.resources.get(RESOURCE_CLASS, 0) if held else 0


class SimulatedServer:
    """Providers with room for one resource class, and their consumers."""

    def __init__(self, capacity: Mapping[UUID, int]) -> None:
        self.capacity = dict(capacity)
        self.consumers: dict[UUID, Consumer] = {}
        self.overwritten: set[UUID] = set()  # consumers that two created at once, which Placement grants both

    def allocations(self, consumer: UUID) -> ConsumerAllocations:
        """Return what a consumer holds; never "not found"."""
        row = self.consumers.get(consumer)
        if row is None or row.write is None:
            return NOTHING
        held = {provider: ProviderAllocation(what.resources) for provider, what in row.write.allocations.items()}
        return ConsumerAllocations(held, row.generation, row.write.project_id, row.write.user_id)

    def used(self, provider: UUID) -> int:
        """Return the amount in use on a provider."""
        return sum(row.amount_on(provider) for row in self.consumers.values())

    def overfull(self) -> list[UUID]:
        """Return the providers that gave more than they have."""
        return [provider for provider, capacity in self.capacity.items() if self.used(provider) > capacity]

    def write(self, batch: Batch, *, roomy: bool = False) -> None:
        """Carry out a batch, whole or not at all. Raises ConsumerConflict or CapacityExceeded."""
        self.carry_out(batch, self.check(batch), roomy=roomy)

    def check(self, batch: Batch) -> frozenset[UUID]:
        """Compare the generations as they are now; return the consumers that are new. Raises ConsumerConflict."""
        new = frozenset(uuid for uuid in batch if uuid not in self.consumers)
        for uuid, write in batch.items():
            if write.consumer_generation != (None if uuid in new else self.consumers[uuid].generation):
                raise ConsumerConflict
        return new

    def carry_out(self, batch: Batch, new: frozenset[UUID], *, roomy: bool = False) -> None:
        """Do the second half of a write; ``roomy`` grants more than there is, as racing claims make Placement do."""
        self.leave_ghosts(new)
        replaced = dict(self._replaced(batch, new))
        refusal = self._refusal(replaced, roomy=roomy)
        if refusal is not None:
            self._take_ghosts_back(new)
            raise refusal
        for uuid, (generation, write) in replaced.items():
            if write is None:
                del self.consumers[uuid]
            else:
                if generation and uuid in new:
                    self.overwritten.add(uuid)
                self.consumers[uuid] = Consumer(generation + 1, write)

    def leave_ghosts(self, new: Iterable[UUID]) -> None:
        """Make consumers in a transaction of their own; who makes them second adopts what is there."""
        for uuid in new:
            self.consumers.setdefault(uuid, Consumer())

    def refuse_provider(self, batch: Batch) -> None:
        """Refuse a batch because of an unknown provider, which leaves its new consumers as ghosts."""
        self.leave_ghosts(self.check(batch))
        raise UnknownProvider

    def remove(self, consumer: UUID) -> None:
        """Do what an administrator's DELETE does, which no generation guards."""
        self.consumers.pop(consumer, None)

    def _replaced(self, batch: Batch, new: frozenset[UUID]) -> Iterator[tuple[UUID, tuple[int, ConsumerWrite | None]]]:
        """Yield the generation each row must be at, and what replaces it; an empty body takes the one it finds."""
        for uuid, write in batch.items():
            row = self.consumers.get(uuid)
            if write.allocations:
                found = row.generation if row and uuid in new else write.consumer_generation
                yield uuid, (found or 0, write)
            elif row is not None and row.write is not None:
                yield uuid, (row.generation, None)

    def _refusal(
        self, replaced: Mapping[UUID, tuple[int, ConsumerWrite | None]], *, roomy: bool
    ) -> ConsumerConflict | CapacityExceeded | None:
        for uuid, (generation, _) in replaced.items():
            row = self.consumers.get(uuid)
            if row is None or row.generation != generation:
                return ConsumerConflict()
        return None if roomy or self._fits(replaced) else CapacityExceeded()

    def _fits(self, replaced: Mapping[UUID, tuple[int, ConsumerWrite | None]]) -> bool:
        """Tell whether no provider gets over its capacity that was not worse before."""
        for provider, capacity in self.capacity.items():
            wanted = sum(Consumer(0, write).amount_on(provider) for _, write in replaced.values())
            given_up = sum(self.consumers[uuid].amount_on(provider) for uuid in replaced)
            used = self.used(provider)
            if wanted and used + wanted - given_up > max(capacity, used):
                return False
        return True

    def _take_ghosts_back(self, new: Iterable[UUID]) -> None:
        for uuid in new:
            if self.consumers.get(uuid) == Consumer():
                del self.consumers[uuid]
