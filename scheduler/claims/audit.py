"""What an audit of Placement finds, and what of it may be healed: decisions over values, without any I/O.

A *reservation nobody owns* is one that no unsettled claim of the journal names. An *orphan* is usage that no consumer
explains. Only what this scheduler minted may ever be released, and only once it is old; see ``may_heal``.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from placement_client.models import ConsumerAllocations
from scheduler.claims.bodies import CONSUMER_TYPE
from scheduler.claims.journal import Claim
from scheduler.settings import ClaimSettings

Amounts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ProviderReading:
    """What was read of one provider: who holds what, what is used, and the capacity, by class.

    ``steady`` tells that nobody changed the provider between these readings, so that they may be compared.
    """

    provider: UUID
    name: str
    held: Mapping[str, Amounts]
    used: Amounts
    capacity: Amounts
    steady: bool


@dataclass(frozen=True, slots=True)
class ConsumerReading:
    """What was read of one consumer; ``age_s`` is how long it has held that, by the clock of the server."""

    consumer: UUID
    held: ConsumerAllocations
    age_s: float | None


@dataclass(frozen=True, slots=True)
class UnownedReservation:
    """A reservation that no unsettled claim names; ``minted`` False when only project or type is the scheduler's."""

    consumer: UUID
    project_id: str | None
    node_id: str | None
    consumer_type: str | None
    age_s: float | None
    minted: bool
    allocations: Mapping[UUID, Amounts]


@dataclass(frozen=True, slots=True)
class Orphan:
    """Usage of one class on one provider that no consumer explains."""

    provider: UUID
    name: str
    resource_class: str
    used: int
    explained: int


@dataclass(frozen=True, slots=True)
class HiddenConsumer:
    """A consumer that a provider lists, but whose own allocations do not name the provider."""

    provider: UUID
    name: str
    consumer: UUID


@dataclass(frozen=True, slots=True)
class OverCapacity:
    """A class of which a provider has given away more than there is."""

    provider: UUID
    name: str
    resource_class: str
    used: int
    capacity: int


@dataclass(frozen=True, slots=True)
class AuditReport:
    """All that an audit found.

    ``unsteady`` are providers that changed at every reading, so that orphans could not be looked for.
    """

    providers: int
    consumers: int
    reservations: tuple[UnownedReservation, ...]
    orphans: tuple[Orphan, ...]
    hidden: tuple[HiddenConsumer, ...]
    over_capacity: tuple[OverCapacity, ...]
    unsteady: tuple[UUID, ...]

    @property
    def clean(self) -> bool:
        """Tell whether nothing was found."""
        return not (self.reservations or self.orphans or self.hidden or self.over_capacity)


def owned_consumers(claims: Iterable[Claim]) -> frozenset[UUID]:
    """Return the minted consumers that unsettled claims name, whatever became of each."""
    return frozenset(hold.consumer for claim in claims if not claim.settled for hold in claim.holds)


def listed_consumers(readings: Iterable[ProviderReading]) -> list[UUID]:
    """Return the consumers that providers list, each once, in the order found.

    Placement takes any text for a consumer. What is not a UUID as this client writes it cannot be asked for.
    """
    names = dict.fromkeys(name for reading in readings for name in reading.held)
    return [consumer for consumer in map(_canonical, names) if consumer is not None]


def unowned_reservations(
    readings: Iterable[ConsumerReading], owned: Collection[UUID], settings: ClaimSettings
) -> list[UnownedReservation]:
    """Return the reservations among these consumers that are not owned, the oldest first."""
    found = [_reservation(one, settings) for one in readings if one.consumer not in owned and _claimed(one, settings)]
    return sorted(found, key=lambda reservation: -(reservation.age_s or 0.0))


def is_minted(held: ConsumerAllocations, settings: ClaimSettings) -> bool:
    """Tell whether a consumer is a reservation that a scheduler minted: by project and by type, of any node."""
    return held.project_id == settings.reservation_project_id and held.consumer_type == CONSUMER_TYPE


def may_heal(reading: ConsumerReading, ttl_s: float, settings: ClaimSettings) -> bool:
    """Tell whether a reservation nobody owns may be released: minted, and known to be older than the TTL."""
    old = reading.age_s is not None and reading.age_s > ttl_s
    return old and bool(reading.held.allocations) and is_minted(reading.held, settings)


def orphans(readings: Iterable[ProviderReading]) -> list[Orphan]:
    """Return the usage that no consumer explains, on providers that were read while nobody changed them."""
    return [
        Orphan(reading.provider, reading.name, resource_class, used, explained)
        for reading in readings
        if reading.steady
        for resource_class, used in sorted(reading.used.items())
        if used > (explained := _explained(reading, resource_class))
    ]


def over_capacity(readings: Iterable[ProviderReading]) -> list[OverCapacity]:
    """Return the classes of which more is used than there is."""
    return [
        OverCapacity(reading.provider, reading.name, resource_class, used, capacity)
        for reading in readings
        for resource_class, used in sorted(reading.used.items())
        if used > (capacity := reading.capacity.get(resource_class, 0))
    ]


def hidden_consumers(
    readings: Iterable[ProviderReading], consumers: Mapping[UUID, ConsumerReading]
) -> Iterator[HiddenConsumer]:
    """Yield what providers list although the consumer, where it was read, does not show it."""
    for reading in readings:
        for consumer in listed_consumers([reading]):
            read = consumers.get(consumer)
            if read is not None and reading.provider not in read.held.allocations:
                yield HiddenConsumer(reading.provider, reading.name, consumer)


def _claimed(reading: ConsumerReading, settings: ClaimSettings) -> bool:
    """Tell whether a consumer that holds something has the project or the type of a reservation."""
    held = reading.held
    return bool(held.allocations) and (
        held.project_id == settings.reservation_project_id or held.consumer_type == CONSUMER_TYPE
    )


def _reservation(reading: ConsumerReading, settings: ClaimSettings) -> UnownedReservation:
    held = reading.held
    return UnownedReservation(
        consumer=reading.consumer,
        project_id=held.project_id,
        node_id=held.user_id,
        consumer_type=held.consumer_type,
        age_s=reading.age_s,
        minted=is_minted(held, settings),
        allocations=held.amounts(),
    )


def _explained(reading: ProviderReading, resource_class: str) -> int:
    return sum(amounts.get(resource_class, 0) for amounts in reading.held.values())


def _canonical(name: str) -> UUID | None:
    try:
        consumer = UUID(name)
    except ValueError:
        return None
    return consumer if str(consumer) == name else None
