"""The mock's handlers for providers and what describes them: inventories, traits, aggregates, classes, usages."""

import re
from collections import defaultdict
from typing import Annotated, Any
from uuid import UUID, uuid4

from msgspec import UNSET, Meta, Struct, UnsetType, to_builtins

from placement_client.models import Inventory
from placement_client.testing.mock_candidates import matching_providers
from placement_client.testing.mock_http import (
    CONCURRENT_UPDATE,
    Ask,
    ClassName,
    CustomName,
    HttpError,
    Reply,
    read_body,
)
from placement_client.testing.mock_query import parse_group
from placement_client.testing.mock_state import ConsumerRecord, MockState, ProviderRecord

CUSTOM = re.compile(r"CUSTOM_[A-Z0-9_]+")
CONSUMER_TYPE = re.compile(r"[A-Z0-9_]+|all|unknown")


class ProviderBody(Struct, forbid_unknown_fields=True):
    """The body of POST /resource_providers."""

    name: Annotated[str, Meta(max_length=200)]
    uuid: UUID | None = None
    parent_provider_uuid: UUID | None = None


class InventoryBody(Inventory, frozen=True, forbid_unknown_fields=True):
    """One inventory as written."""

    resource_provider_generation: int | UnsetType = UNSET


class InventoriesBody(Struct, forbid_unknown_fields=True):
    """The body of PUT inventories."""

    resource_provider_generation: int
    inventories: dict[ClassName, InventoryBody]


class TraitsBody(Struct, forbid_unknown_fields=True):
    """The body of PUT traits."""

    resource_provider_generation: int
    traits: list[Annotated[str, Meta(min_length=1, max_length=255)]]


class AggregatesBody(Struct, forbid_unknown_fields=True):
    """The body of PUT aggregates."""

    resource_provider_generation: int
    aggregates: list[UUID]


class ResourceClassBody(Struct, forbid_unknown_fields=True):
    """The body of POST /resource_classes."""

    name: CustomName


def create_provider(state: MockState, ask: Ask) -> Reply:
    """Handle POST /resource_providers."""
    body = read_body(ask, ProviderBody)
    uuid = str(body.uuid or uuid4())
    taken = uuid in state.providers or any(provider.name == body.name for provider in state.providers.values())
    if taken:
        raise HttpError(409, "Conflicting resource provider already exists.", "placement.duplicate_name")
    parent = str(body.parent_provider_uuid) if body.parent_provider_uuid else None
    if parent and parent not in state.providers:
        raise HttpError(400, f'Unable to create resource provider "{body.name}": parent provider does not exist.')
    root = state.providers[parent].root if parent else uuid
    state.providers[uuid] = ProviderRecord(uuid, body.name, root, parent)
    return Reply(200, _shown(state.providers[uuid]))


def list_providers(state: MockState, ask: Ask) -> Reply:
    """Handle GET /resource_providers; filters as in the query of one request group."""
    ask.allow("name", "uuid", "member_of", "resources", "in_tree", "required")
    found = matching_providers(state, parse_group(ask, ""))
    name, uuid = ask.value("name"), ask.value("uuid")
    listed = [item for item in found if name in (None, item.name) and uuid in (None, item.uuid)]
    return Reply(200, {"resource_providers": [_shown(provider) for provider in listed]})


def get_provider(state: MockState, ask: Ask) -> Reply:
    """Handle GET /resource_providers/{uuid}."""
    return Reply(200, _shown(_provider(state, ask)))


def delete_provider(state: MockState, ask: Ask) -> Reply:
    """Handle DELETE /resource_providers/{uuid}."""
    provider = _provider(state, ask)
    if any(other.parent == provider.uuid for other in state.providers.values()):
        code = "placement.resource_provider.cannot_delete_parent"
        raise HttpError(409, "Unable to delete parent resource provider: it has child resource providers.", code)
    if any(state.consumers_of(provider.uuid)):
        code = "placement.resource_provider.inuse"
        raise HttpError(409, "Unable to delete resource provider: Resource provider has allocations.", code)
    del state.providers[provider.uuid]
    return Reply(204)


def get_inventories(state: MockState, ask: Ask) -> Reply:
    """Handle GET /resource_providers/{uuid}/inventories."""
    return _inventories(_provider(state, ask))


def set_inventories(state: MockState, ask: Ask) -> Reply:
    """Handle PUT /resource_providers/{uuid}/inventories."""
    provider = _provider(state, ask)
    body = read_body(ask, InventoriesBody)
    if body.resource_provider_generation != provider.generation:
        raise HttpError(409, "resource provider generation conflict", CONCURRENT_UPDATE)
    _check_inventories(state, provider, body.inventories)
    provider.inventories = {name: _plain(inventory) for name, inventory in body.inventories.items()}
    provider.generation += 1
    return _inventories(provider)


def _check_inventories(state: MockState, provider: ProviderRecord, wanted: dict[str, InventoryBody]) -> None:
    for name, inventory in wanted.items():
        if inventory.capacity < 0:
            raise HttpError(400, f"Unable to update inventory: the reserved value of {name} is greater than total.")
        if name not in state.classes:
            raise HttpError(400, f"Unknown resource class in inventory: No such resource class {name}.")
    for name in provider.inventories.keys() - wanted.keys():
        if state.used(provider.uuid, name):
            raise HttpError(409, f"update conflict: Inventory for '{name}' in use.", "placement.inventory.inuse")


def _plain(inventory: InventoryBody) -> Inventory:
    fields = (getattr(inventory, name) for name in Inventory.__struct_fields__)
    return Inventory(*fields)


def get_traits(state: MockState, ask: Ask) -> Reply:
    """Handle GET /resource_providers/{uuid}/traits."""
    return _traits(_provider(state, ask))


def set_traits(state: MockState, ask: Ask) -> Reply:
    """Handle PUT /resource_providers/{uuid}/traits."""
    body = read_body(ask, TraitsBody)
    provider = _provider(state, ask)
    _check_generation(provider, body.resource_provider_generation)
    unknown = state.unknown_traits(body.traits)
    if unknown:
        raise HttpError(400, f"No such trait {', '.join(unknown)}")
    if provider.traits != set(body.traits):
        provider.traits = set(body.traits)
        provider.generation += 1
    return _traits(provider)


def get_aggregates(state: MockState, ask: Ask) -> Reply:
    """Handle GET /resource_providers/{uuid}/aggregates."""
    return _aggregates(_provider(state, ask))


def set_aggregates(state: MockState, ask: Ask) -> Reply:
    """Handle PUT /resource_providers/{uuid}/aggregates."""
    provider = _provider(state, ask)
    body = read_body(ask, AggregatesBody)
    _check_generation(provider, body.resource_provider_generation)
    provider.aggregates = {str(aggregate) for aggregate in body.aggregates}
    provider.generation += 1
    return _aggregates(provider)


def get_usages(state: MockState, ask: Ask) -> Reply:
    """Handle GET /resource_providers/{uuid}/usages."""
    provider = _provider(state, ask)
    usages = {name: state.used(provider.uuid, name) for name in provider.inventories}
    return Reply(200, {"resource_provider_generation": provider.generation, "usages": usages})


def get_provider_allocations(state: MockState, ask: Ask) -> Reply:
    """Handle GET /resource_providers/{uuid}/allocations."""
    provider = _provider(state, ask)
    held = {
        consumer.uuid: {"resources": consumer.held[provider.uuid], "consumer_generation": consumer.generation}
        for consumer in state.consumers_of(provider.uuid)
    }
    return Reply(200, {"resource_provider_generation": provider.generation, "allocations": held})


def get_project_usages(state: MockState, ask: Ask) -> Reply:
    """Handle GET /usages; by consumer type from 1.38."""
    ask.allow("project_id", "user_id", *(["consumer_type"] if ask.version >= 38 else []))
    project, user, kind = ask.value("project_id"), ask.value("user_id"), ask.value("consumer_type")
    if not project:
        raise HttpError(400, "Invalid query string parameters: 'project_id' is a required property")
    if kind is not None and not CONSUMER_TYPE.fullmatch(kind):
        raise HttpError(400, "Invalid query string parameters: consumer_type does not match")
    owned = [
        consumer
        for consumer in state.consumers.values()
        if consumer.held and consumer.project_id == project and user in (None, consumer.user_id)
    ]
    if ask.version < 38:
        return Reply(200, {"usages": _sum(owned)})
    return Reply(200, {"usages": _by_type(owned, kind)})


def _by_type(consumers: list[ConsumerRecord], wanted: str | None) -> dict[str, dict[str, int]]:
    grouped: dict[str, list[ConsumerRecord]] = defaultdict(list)
    for consumer in consumers:
        kind = consumer.type or "unknown"
        if wanted in (None, "all", kind):
            grouped["all" if wanted == "all" else kind].append(consumer)
    return {kind: {**_sum(members), "consumer_count": len(members)} for kind, members in grouped.items()}


def _sum(consumers: list[ConsumerRecord]) -> dict[str, int]:
    totals: dict[str, int] = defaultdict(int)
    for consumer in consumers:
        for resources in consumer.held.values():
            for name, amount in resources.items():
                totals[name] += amount
    return dict(totals)


def list_traits(state: MockState, ask: Ask) -> Reply:
    """Handle GET /traits. Of the standard traits, only those that are asked for by name or in use are listed."""
    ask.allow("name", "associated")
    used = {trait for provider in state.providers.values() for trait in provider.traits}
    names = used if (ask.value("associated") or "").lower() == "true" else used | state.custom_traits
    operator, _, value = (ask.value("name") or "startswith:").partition(":")
    if operator == "in":
        names = {name for name in value.split(",") if state.knows_trait(name)}
    elif operator == "startswith":
        names = {name for name in names if name.startswith(value)}
    else:
        raise HttpError(400, "Badly formatted name parameter.")
    return Reply(200, {"traits": sorted(names)})


def get_trait(state: MockState, ask: Ask) -> Reply:
    """Handle GET /traits/{name}."""
    if not state.knows_trait(ask.arguments["name"]):
        raise HttpError(404, f"No such trait(s): {ask.arguments['name']}.")
    return Reply(204)


def create_trait(state: MockState, ask: Ask) -> Reply:
    """Handle PUT /traits/{name}."""
    return _create_custom(state.custom_traits, ask.arguments["name"])


def list_resource_classes(state: MockState, ask: Ask) -> Reply:
    """Handle GET /resource_classes."""
    return Reply(200, {"resource_classes": [{"name": name, "links": []} for name in sorted(state.classes)]})


def create_resource_class(state: MockState, ask: Ask) -> Reply:
    """Handle PUT /resource_classes/{name}."""
    return _create_custom(state.classes, ask.arguments["name"])


def post_resource_class(state: MockState, ask: Ask) -> Reply:
    """Handle POST /resource_classes."""
    name = read_body(ask, ResourceClassBody).name
    if name in state.classes:
        raise HttpError(409, f"Conflicting resource class already exists: {name}")
    return _create_custom(state.classes, name)


def _create_custom(known: set[str], name: str) -> Reply:
    if len(name) > 255 or not CUSTOM.fullmatch(name):
        raise HttpError(400, "JSON does not validate: the name is not CUSTOM_ and then A-Z, 0-9 and _")
    status = 204 if name in known else 201
    known.add(name)
    return Reply(status)


def _provider(state: MockState, ask: Ask) -> ProviderRecord:
    return state.provider(ask.arguments["uuid"])


def _check_generation(provider: ProviderRecord, generation: int) -> None:
    if provider.generation != generation:
        raise HttpError(409, "Resource provider's generation already changed.", CONCURRENT_UPDATE)


def _shown(provider: ProviderRecord) -> dict[str, Any]:
    return {
        "uuid": provider.uuid,
        "name": provider.name,
        "generation": provider.generation,
        "parent_provider_uuid": provider.parent,
        "root_provider_uuid": provider.root,
        "links": [],
    }


def _inventories(provider: ProviderRecord) -> Reply:
    shown = {name: to_builtins(inventory) for name, inventory in provider.inventories.items()}
    return Reply(200, {"resource_provider_generation": provider.generation, "inventories": shown})


def _traits(provider: ProviderRecord) -> Reply:
    return Reply(200, {"resource_provider_generation": provider.generation, "traits": sorted(provider.traits)})


def _aggregates(provider: ProviderRecord) -> Reply:
    shown = {"resource_provider_generation": provider.generation, "aggregates": sorted(provider.aggregates)}
    return Reply(200, shown)
