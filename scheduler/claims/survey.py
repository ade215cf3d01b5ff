"""Reading Placement for an audit, and releasing what it may release.

An audit reads: one call for the list of providers, three for each provider (up to three times when it changes
meanwhile), one for each consumer, and at most three more for each finding, to be sure. It writes nothing.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from placement_client.client import PlacementClient
from placement_client.errors import NotFound, PlacementError
from placement_client.models import ConsumerAllocations, ConsumerWrite, ResourceProvider
from scheduler.claims.audit import (
    AuditReport,
    ConsumerReading,
    HiddenConsumer,
    ProviderReading,
    UnownedReservation,
    hidden_consumers,
    listed_consumers,
    may_heal,
    orphans,
    over_capacity,
    unowned_reservations,
)
from scheduler.claims.bodies import CONSUMER_TYPE
from scheduler.settings import ClaimSettings

READINGS = 3  # of one provider, in the hope that nobody changes it between the calls

Tell = Callable[[str, int, int], None]  # is told what is being done, how many are done, and of how many


class Healing(StrEnum):
    """What became of a reservation that was to be healed."""

    RELEASED = "released"  # emptied, and read back empty
    GONE = "gone"  # somebody released it since the audit
    KEPT = "kept"  # not minted by the scheduler, too young, or of unknown age: not touched
    FAILED = "failed"  # Placement refused or did not answer; it may still be there


@dataclass(frozen=True, slots=True)
class Healed:
    """What became of one reservation; ``reason`` is a stable code where it failed."""

    consumer: UUID
    outcome: Healing
    reason: str = ""


def audit(
    placement: PlacementClient, settings: ClaimSettings, owned: Callable[[], frozenset[UUID]], tell: Tell
) -> AuditReport:
    """Read everything, and return what is wrong. Raises PlacementError, and what ``owned`` raises.

    ``owned`` returns the consumers of unsettled claims. It is asked after Placement, and what is suspected is read
    once more after it: a claim that is begun or settled meanwhile is not taken for a leak.
    """
    readings = read_providers(placement, tell)
    consumers = read_consumers(placement, listed_consumers(readings), tell)
    suspects = unowned_reservations(consumers.values(), owned(), settings)
    still_there = read_consumers(placement, (one.consumer for one in suspects), tell)
    return AuditReport(
        providers=len(readings),
        consumers=len(consumers),
        reservations=tuple(unowned_reservations(still_there.values(), (), settings)),
        orphans=tuple(orphans(readings)),
        hidden=tuple(one for one in hidden_consumers(readings, consumers) if _is_hidden(placement, one)),
        over_capacity=tuple(over_capacity(readings)),
        unsteady=tuple(reading.provider for reading in readings if not reading.steady),
    )


def heal(
    placement: PlacementClient,
    settings: ClaimSettings,
    reservations: Iterable[UnownedReservation],
    ttl_s: float,
    tell: Tell,
) -> tuple[Healed, ...]:
    """Release the reservations that may be released, each independent of the others; return what became of each."""
    waiting = tuple(reservations)
    done = []
    for number, reservation in enumerate(waiting, start=1):
        done.append(_heal(placement, settings, reservation.consumer, ttl_s))
        tell("healing reservations", number, len(waiting))
    return tuple(done)


def read_providers(placement: PlacementClient, tell: Tell) -> list[ProviderReading]:
    """Read every provider that is still there when it is its turn."""
    listed = placement.list_resource_providers()
    readings = []
    for number, provider in enumerate(listed, start=1):
        try:
            readings.append(_read_provider(placement, provider))
        except NotFound:
            continue  # deleted since it was listed
        finally:
            tell("reading providers", number, len(listed))
    return readings


def read_consumers(placement: PlacementClient, consumers: Iterable[UUID], tell: Tell) -> dict[UUID, ConsumerReading]:
    """Read each of these consumers."""
    waiting = tuple(consumers)
    readings = {}
    for number, consumer in enumerate(waiting, start=1):
        readings[consumer] = ConsumerReading(consumer, *placement.get_allocations_dated(consumer))
        tell("reading consumers", number, len(waiting))
    return readings


def _read_provider(placement: PlacementClient, provider: ResourceProvider) -> ProviderReading:
    reading = _read_provider_once(placement, provider)
    for _ in range(READINGS - 1):
        if reading.steady:
            break
        reading = _read_provider_once(placement, provider)
    return reading


def _read_provider_once(placement: PlacementClient, provider: ResourceProvider) -> ProviderReading:
    """Read a provider in this order: a consumer deleted in between, which no generation shows, is then no orphan."""
    held = placement.get_provider_allocations(provider.uuid)
    used = placement.get_provider_usages(provider.uuid)
    offered = placement.get_inventories(provider.uuid)
    generations = {one.resource_provider_generation for one in (held, used, offered)}
    return ProviderReading(
        provider=provider.uuid,
        name=provider.name,
        held={consumer: one.resources for consumer, one in held.allocations.items()},
        used=used.usages,
        capacity={resource_class: one.capacity for resource_class, one in offered.inventories.items()},
        steady=len(generations) == 1,
    )


def _is_hidden(placement: PlacementClient, suspect: HiddenConsumer) -> bool:
    """Look again, at the list first: a consumer that comes or goes between readings is not hidden."""
    listed = placement.get_provider_allocations(suspect.provider).allocations
    shown = placement.get_allocations(suspect.consumer).allocations
    return suspect.provider not in shown and str(suspect.consumer) in listed


def _heal(placement: PlacementClient, settings: ClaimSettings, consumer: UUID, ttl_s: float) -> Healed:
    try:
        reading = ConsumerReading(consumer, *placement.get_allocations_dated(consumer))
        if not reading.held.allocations:
            return Healed(consumer, Healing.GONE)
        if not may_heal(reading, ttl_s, settings):
            return Healed(consumer, Healing.KEPT)
        reason = _emptied(placement, consumer, reading.held, settings)
        left = placement.get_allocations(consumer).allocations
    except PlacementError as error:
        return Healed(consumer, Healing.FAILED, error.code)
    return Healed(consumer, Healing.FAILED, reason or "not_empty") if left else Healed(consumer, Healing.RELEASED)


def _emptied(placement: PlacementClient, consumer: UUID, held: ConsumerAllocations, settings: ClaimSettings) -> str:
    """Write that a reservation holds nothing, as the node that made it; the code of the error, for reading back."""
    write = ConsumerWrite(
        allocations={},
        project_id=settings.reservation_project_id,
        user_id=held.user_id or settings.node_id,
        consumer_generation=held.consumer_generation,
        consumer_type=CONSUMER_TYPE,
    )
    try:
        placement.put_allocations(consumer, write)
    except PlacementError as error:
        return error.code
    return ""
