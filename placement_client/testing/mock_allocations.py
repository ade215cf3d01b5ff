"""The mock's handlers for allocations: generations, capacity and unit constraints, all or nothing.

The order of the checks is Placement's, because it decides what a refused write leaves behind: consumers are looked at
(and made) first, then providers are looked up, then classes, then room. Only the last two take new consumers back.
"""

import copy
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import GenericAlias
from typing import Annotated, Any, cast
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from placement_client.models import Inventory
from placement_client.testing.mock_http import (
    CONCURRENT_UPDATE,
    Ask,
    ClassName,
    HttpError,
    OwnerName,
    Reply,
    UuidKey,
    read_body,
)
from placement_client.testing.mock_state import ConsumerRecord, MockState


class AllocationBody(Struct, forbid_unknown_fields=True):
    """What is written for one provider."""

    resources: Annotated[dict[ClassName, Annotated[int, Meta(ge=1)]], Meta(min_length=1)]
    generation: int | UnsetType = UNSET


class Write28(Struct, forbid_unknown_fields=True):
    """What is written for one consumer from 1.28."""

    allocations: dict[UuidKey, AllocationBody]
    project_id: OwnerName
    user_id: OwnerName
    consumer_generation: int | None

    def type_of(self) -> str | None:
        """Return the consumer type, which only newer bodies have."""
        return None


class Write34(Write28, forbid_unknown_fields=True, kw_only=True):
    """The same from 1.34, which knows mappings."""

    mappings: Annotated[dict[str, Annotated[list[UUID], Meta(min_length=1)]], Meta(min_length=1)] | UnsetType = UNSET


class Write38(Write34, forbid_unknown_fields=True, kw_only=True):
    """The same from 1.38, which insists on a consumer type."""

    consumer_type: ClassName

    def type_of(self) -> str | None:
        """Return the consumer type."""
        return self.consumer_type


Batch = Mapping[str, Write28]


@dataclass(frozen=True, slots=True)
class Line:
    """One class on one provider for one consumer; amount 0 means that it is given up."""

    consumer: str
    provider: str
    resource_class: str
    amount: int


def get_allocations(state: MockState, ask: Ask) -> Reply:
    """Handle GET /allocations/{consumer}, which is never 404."""
    consumer = state.consumers.get(ask.arguments["consumer"])
    if consumer is None or not consumer.held:
        return Reply(200, {"allocations": {}})
    content: dict[str, Any] = {
        "allocations": {
            uuid: {"resources": held, "generation": state.providers[uuid].generation}
            for uuid, held in consumer.held.items()
        },
        "project_id": consumer.project_id,
        "user_id": consumer.user_id,
        "consumer_generation": consumer.generation,
    }
    return Reply(200, content | ({"consumer_type": consumer.type or "unknown"} if ask.version >= 38 else {}))


def delete_allocations(state: MockState, ask: Ask) -> Reply:
    """Handle DELETE /allocations/{consumer}, which no generation guards."""
    consumer = state.consumers.get(ask.arguments["consumer"])
    if consumer is None or not consumer.held:
        raise HttpError(404, f"No allocations for consumer '{ask.arguments['consumer']}'")
    del state.consumers[consumer.uuid]
    return Reply(204)


def put_allocations(state: MockState, ask: Ask) -> Reply:
    """Handle PUT /allocations/{consumer}."""
    try:
        uuid = str(UUID(ask.arguments["consumer"]))
    except ValueError:
        uuid = ""
    if not uuid:
        raise HttpError(400, "Malformed consumer_uuid")
    return write(state, {uuid: read_body(ask, _write_of(ask.version))})


def post_allocations(state: MockState, ask: Ask) -> Reply:
    """Handle POST /allocations."""
    model = GenericAlias(dict, (UuidKey, _write_of(ask.version)))
    batch = read_body(ask, cast("type[dict[str, Write28]]", model))
    if not batch:
        raise HttpError(400, "JSON does not validate: {} should be non-empty")
    return write(state, batch)


def _write_of(version: int) -> type[Write28]:
    if version >= 38:
        return Write38
    return Write34 if version >= 34 else Write28


def write(state: MockState, batch: Batch) -> Reply:
    """Carry out a batch, whole or not at all. Raises HttpError 400 or 409."""
    created = _ensure_consumers(state, batch)
    _check_providers_exist(state, batch)  # Placement keeps what it created when this refuses: the ghosts
    try:
        _replace(state, batch)
    except HttpError:
        for uuid in created:
            del state.consumers[uuid]
        raise
    return Reply(204)


def _ensure_consumers(state: MockState, batch: Batch) -> list[str]:
    """Compare generations and make the consumers that are new; return those, or take them back and refuse."""
    created: list[str] = []
    try:
        for uuid, body in batch.items():
            _check_generation(state.consumers.get(uuid), body.consumer_generation)
            if uuid not in state.consumers:
                state.consumers[uuid] = ConsumerRecord(uuid, body.project_id, body.user_id, body.type_of())
                created.append(uuid)
    except HttpError:
        for uuid in created:
            del state.consumers[uuid]
        raise
    return created


def _check_generation(consumer: ConsumerRecord | None, generation: int | None) -> None:
    expected = consumer.generation if consumer else None
    if generation != expected:
        shown = "null" if expected is None else expected
        detail = f"consumer generation conflict - expected {shown} but got {generation}"
        raise HttpError(409, detail, CONCURRENT_UPDATE)


def _check_providers_exist(state: MockState, batch: Batch) -> None:
    for body in batch.values():
        for uuid in body.allocations:
            if uuid not in state.providers:
                raise HttpError(400, f"Allocation for resource provider '{uuid}' that does not exist.")


def _replace(state: MockState, batch: Batch) -> None:
    """Check classes and room, then write; nothing is changed when a check refuses."""
    lines = [line for uuid, body in batch.items() for line in _lines(state.consumers[uuid], body)]
    unknown = sorted({line.resource_class for line in lines} - state.classes)
    if unknown:
        raise HttpError(400, f"Unable to allocate inventory: No such resource class {unknown[0]}.")
    _check_room(state, lines)
    _write_lines(state, lines)
    for uuid, body in batch.items():
        consumer = state.consumers.get(uuid)
        if consumer:
            consumer.project_id, consumer.user_id = body.project_id, body.user_id
            consumer.type = body.type_of() or consumer.type


def _lines(consumer: ConsumerRecord, body: Write28) -> Iterator[Line]:
    """Yield what is wanted, or a zero for everything held when nothing is."""
    wanted = {uuid: allocation.resources for uuid, allocation in body.allocations.items()}
    for provider, resources in (wanted or consumer.held).items():
        for name, amount in resources.items():
            yield Line(consumer.uuid, provider, name, amount if wanted else 0)


def _check_room(state: MockState, lines: list[Line]) -> None:
    """Refuse what violates units, finds no inventory, or is over capacity without making it better."""
    cleared = _without(state, {line.consumer for line in lines})
    needed: dict[tuple[str, str], int] = defaultdict(int)
    for line in lines:
        key = (line.provider, line.resource_class)
        needed[key] += line.amount
        if not line.amount:
            continue
        inventory = state.providers[line.provider].inventories.get(line.resource_class)
        if inventory is None:
            raise HttpError(409, f"Unable to allocate inventory: Inventory for {_name(line)} invalid.")
        if not fits_units(inventory, line.amount):
            raise _refused(line, "violate inventory constraints")
        after = cleared.used(*key) + needed[key]
        if after > exact_capacity(inventory) and after > state.used(*key):
            raise _refused(line, "exceed the capacity")


def fits_units(inventory: Inventory, amount: int) -> bool:
    """Tell whether one allocation of this amount keeps min_unit, max_unit and step_size."""
    return inventory.min_unit <= amount <= inventory.max_unit and amount % inventory.step_size == 0


def exact_capacity(inventory: Inventory) -> float:
    """Return the capacity as Placement compares it: not rounded."""
    return (inventory.total - inventory.reserved) * inventory.allocation_ratio


def _without(state: MockState, consumers: set[str]) -> MockState:
    """Return a view of the state without these consumers."""
    others = {uuid: consumer for uuid, consumer in state.consumers.items() if uuid not in consumers}
    view = copy.copy(state)
    view.consumers = others
    return view


def _name(line: Line) -> str:
    return f"'{line.resource_class}' on resource provider '{line.provider}'"


def _refused(line: Line, why: str) -> HttpError:
    text = f"Unable to create allocation for {_name(line)}. The requested amount would {why}."
    return HttpError(409, f"Unable to allocate inventory: {text}")


def _write_lines(state: MockState, lines: list[Line]) -> None:
    """Replace what the named consumers hold; touched providers and consumers get a new generation."""
    for uuid in {line.consumer for line in lines}:
        state.consumers[uuid].held = {}
        state.consumers[uuid].generation += 1
    for line in lines:
        if line.amount:
            state.consumers[line.consumer].held.setdefault(line.provider, {})[line.resource_class] = line.amount
    for uuid in {line.provider for line in lines}:
        state.providers[uuid].generation += 1
    for uuid in {line.consumer for line in lines}:
        if not state.consumers[uuid].held:
            del state.consumers[uuid]
