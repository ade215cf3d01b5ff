"""A request as Nova's ``RequestSpec``: its attribute names, and values of the types that Nova's filters expect."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from scheduler.compat.nova.views import ReadOnlyDict, View
from scheduler.model import Destination, Flavor, Image, RequestGroup, RequestSpec, ServerGroup


class RequestSpecView(View):
    """A request with Nova's attribute names; read-only."""

    __slots__ = ()

    def __init__(self, request: RequestSpec) -> None:
        super().__init__("RequestSpec", _request(request))

    def get_scheduler_hint(self, hint_name: str, default: Any = None) -> Any:
        """Return a hint: its text where it has one, the list where it has several, else the default."""
        values = self.scheduler_hints.get(hint_name, default)
        return values[0] if isinstance(values, list) and len(values) == 1 else values


def _request(request: RequestSpec) -> Mapping[str, Any]:
    return {
        "project_id": request.project_id,
        "user_id": request.user_id,
        "num_instances": request.num_instances,
        "instance_uuid": _text(request.instance_uuid),
        "is_bfv": request.is_bfv,
        "availability_zone": request.availability_zone,
        "image": request.image and _image(request.image),
        "instance_group": request.instance_group and _group(request.instance_group),
        "requested_destination": request.requested_destination and _destination(request.requested_destination),
        "ignore_hosts": list(request.ignore_hosts),
        "force_hosts": list(request.force_hosts),
        "force_nodes": list(request.force_nodes),
        "scheduler_hints": ReadOnlyDict({name: _listed(value) for name, value in request.scheduler_hints.items()}),
        "requested_resources": [_resources(group) for group in request.requested_resources],
        # A request that needs one of them is refused before any filter sees it.
        "numa_topology": None,
        "pci_requests": None,
        **_sizes(request.flavor),
        **_of_root(request),
    }


def _sizes(flavor: Flavor) -> Mapping[str, Any]:
    sizes = {name: getattr(flavor, name) for name in ("vcpus", "memory_mb", "root_gb", "ephemeral_gb", "swap")}
    whole = {"name": flavor.name, **sizes, "extra_specs": ReadOnlyDict(flavor.extra_specs)}
    return {**sizes, "flavor": View("Flavor", whole)}


def _of_root(request: RequestSpec) -> Mapping[str, Any]:
    values = {
        "root_required": frozenset(request.root_required),
        "root_forbidden": frozenset(request.root_forbidden),
        "same_subtree": [list(suffixes) for suffixes in request.same_subtree],
    }
    return {**values, "request_level_params": View("RequestLevelParams", values)}


def _image(image: Image) -> View:
    required = {"traits_required": list(image.traits_required)} if image.traits_required else {}
    properties = View("ImageMetaProps", {**image.properties, **required})
    known = {name: getattr(image, name) for name in ("id", "disk_format") if getattr(image, name)}
    return View("ImageMeta", {"properties": properties, **known})


def _group(group: ServerGroup) -> View:
    return View(
        "InstanceGroup",
        {
            "uuid": group.uuid and str(group.uuid),
            "policy": group.policy,
            "policies": [group.policy],
            "rules": ReadOnlyDict({"max_server_per_host": group.max_server_per_host}),
            "members": [str(member) for member in group.members],
            "hosts": list(group.hosts),
        },
    )


def _destination(wanted: Destination) -> View:
    return View(
        "Destination",
        {
            "host": wanted.host,
            "node": wanted.node,
            "cell": wanted.cell and View("CellMapping", {"uuid": str(wanted.cell)}),
            "allow_cross_cell_move": wanted.allow_cross_cell_move,
            "aggregates": [",".join(_texts(any_of)) for any_of in wanted.aggregates] or None,
            "forbidden_aggregates": frozenset(_texts(wanted.forbidden_aggregates)) or None,
        },
    )


def _resources(group: RequestGroup) -> View:
    return View(
        "RequestGroup",
        {
            "requester_id": group.requester_id,
            "use_same_provider": True,
            "resources": ReadOnlyDict(group.resources),
            "required_traits": frozenset(group.required_traits),
            "forbidden_traits": frozenset(group.forbidden_traits),
            "aggregates": [_texts(any_of) for any_of in group.aggregates],
            "forbidden_aggregates": frozenset(_texts(group.forbidden_aggregates)),
            "provider_uuids": list[str](),
            "in_tree": _text(group.in_tree),
        },
    )


def _listed(value: str | tuple[str, ...]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _texts(uuids: Iterable[UUID]) -> list[str]:
    return [str(uuid) for uuid in uuids]


def _text(uuid: UUID | None) -> str | None:
    return None if uuid is None else str(uuid)
