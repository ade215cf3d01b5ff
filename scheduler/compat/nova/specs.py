"""From what Nova asks to what is asked here: RequestSpec, Flavor, ImageMeta and InstanceGroup, in each of their forms.

What cannot be expressed is InvalidRequest naming the field; what is left out is listed in ``passed_over``.
"""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from scheduler.compat.nova.passed_over import PASSED_OVER
from scheduler.compat.nova.reading import (
    Fields,
    at,
    count_of,
    fields_of,
    list_of,
    mapping_of,
    objects_of,
    only,
    ordered_of,
    refuse_others,
    says,
    typed,
)
from scheduler.errors import InvalidRequest
from scheduler.model import Flavor, Image, RequestSpec, ServerGroup
from scheduler.model.messages import shown

_SIMPLE = ("project_id", "user_id", "num_instances", "availability_zone", "is_bfv")
_NAMES = ("ignore_hosts", "force_hosts", "force_nodes")
_PARTS = ("flavor", "image", "instance_group", "requested_destination", "requested_resources")
_TAKEN = (*_SIMPLE, *_NAMES, *_PARTS, "scheduler_hints", "request_level_params")
_SIZES = ("name", "vcpus", "memory_mb", "root_gb", "ephemeral_gb", "swap", "extra_specs")
_OF_INSTANCE = ("numa_topology", "pci_requests", "project_id", "user_id", "availability_zone")
_OF_FILTERS = (*_NAMES, "scheduler_hints", "requested_destination", "instance_group")
_OF_DESTINATION = ("host", "node", "aggregates", "forbidden_aggregates")
_OF_MEMBERS = ("uuid", "members", "hosts")
_OF_GROUP = {"group_policies": "policies", "group_hosts": "hosts", "group_members": "members"}


def request_spec_from(spec: Any) -> RequestSpec:
    """Return a RequestSpec of Nova, an object or its primitive, as a request. Raises InvalidRequest."""
    fields = _opened(fields_of(spec, "RequestSpec", "request"))
    _refuse_others(fields, _TAKEN, "RequestSpec", "")
    return typed(_request(fields), RequestSpec, "request").checked()


def request_spec_from_legacy(
    request_spec: Mapping[str, Any], filter_properties: Mapping[str, Any] | None = None
) -> RequestSpec:
    """Return a request made of the two dictionaries that came before Nova's RequestSpec. Raises InvalidRequest."""
    asked, wanted = mapping_of(request_spec, "request_spec"), mapping_of(filter_properties, "filter_properties")
    known = ("num_instances", "image", "instance_properties", "instance_type")
    _refuse_others(asked, known, "request_spec", "request_spec")
    _refuse_others(wanted, (*_OF_FILTERS, *_OF_GROUP, "group_uuid"), "filter_properties", "filter_properties")
    instance = asked.get("instance_properties")
    return request_spec_from(
        {
            **only(asked, ("num_instances", "image")),
            **only(fields_of(instance, "Instance", "instance_properties") if instance else {}, _OF_INSTANCE),
            "flavor": asked.get("instance_type"),
            **({"instance_group": _legacy_group(wanted)} if wanted.get("group_updated") else {}),
            **only(wanted, _OF_FILTERS),
        }
    )


def flavor_from(flavor: Any) -> Flavor:
    """Return a Flavor of Nova. Raises InvalidRequest."""
    return typed(_flavor(flavor, "flavor"), Flavor, "flavor")


def image_from(image: Any) -> Image:
    """Return an ImageMeta of Nova. Raises InvalidRequest."""
    return typed(_image(image, "image"), Image, "image")


def server_group_from(group: Any) -> ServerGroup:
    """Return an InstanceGroup of Nova whose members and hosts are loaded. Raises InvalidRequest."""
    return typed(_group(group, "instance_group"), ServerGroup, "instance_group")


def _refuse_others(fields: Fields, known: Collection[str], kind: str, where: str) -> None:
    refuse_others(fields, known, PASSED_OVER.get(kind, {}), where)


def _opened(fields: Fields) -> Fields:
    """Put in place of two objects the lists that they are, so that an empty one says nothing."""
    if fields.get("pci_requests") is not None:
        requests = fields_of(fields["pci_requests"], "InstancePCIRequests", "pci_requests").get("requests")
        fields = {**fields, "pci_requests": requests}
    if fields.get("requested_networks") is not None:
        networks = objects_of(fields["requested_networks"], "NetworkRequestList", "requested_networks")
        fields = {**fields, "requested_networks": networks}
    return fields


def _request(fields: Fields) -> Fields:
    parts = {
        "flavor": _flavor,
        "image": _image,
        "instance_group": _group,
        "requested_destination": _destination,
        "requested_resources": _requested_resources,
    }
    return {
        **only(fields, (*_SIMPLE, *_NAMES)),
        **{name: convert(fields[name], name) for name, convert in parts.items() if says(fields.get(name))},
        **_of_root(fields.get("request_level_params")),
        "scheduler_hints": _hints(fields),
    }


def _flavor(flavor: Any, where: str) -> Fields:
    fields = fields_of(flavor, "Flavor", where)
    _refuse_others(fields, _SIZES, "Flavor", where)
    return only(fields, _SIZES)


def _image(image: Any, where: str) -> Fields:
    fields = fields_of(image, "ImageMeta", where)
    _refuse_others(fields, ("properties", "disk_format"), "ImageMeta", where)
    given = fields.get("properties")
    properties = {} if given is None else fields_of(given, "ImageMetaProps", at(where, "properties"))
    required = [name for name, value in properties.items() if name.startswith("trait:") and value == "required"]
    traits = [
        *list_of(properties.pop("traits_required", None), at(where, "properties.traits_required")),
        *(name.removeprefix("trait:") for name in required),
    ]
    texts = {
        name: _text(value, at(where, f"properties[{shown(name)}]"))
        for name, value in properties.items()
        if name not in required
    }
    return {**only(fields, ("id", "disk_format")), "properties": texts, "traits_required": ordered_of(traits, where)}


def _text(value: Any, where: str) -> Any:
    """Return the value of an image property as it is written in Glance; what is no single value, as JSON."""
    if isinstance(value, str) or value is None:
        return value
    try:
        return msgspec.json.encode(value, order="deterministic").decode()
    except (TypeError, ValueError, RecursionError):
        problem = f"{where}: expected a value of an image property"
    raise InvalidRequest(problem)


def _group(group: Any, where: str) -> Fields:
    fields = fields_of(group, "InstanceGroup", where)
    _refuse_others(fields, ("policy", "policies", *_OF_MEMBERS, "rules", "_rules"), "InstanceGroup", where)
    unset = [name for name in ("members", "hosts") if fields.get(name) is None]
    if unset:
        raise InvalidRequest(
            *(f"{where}.{name}: is not loaded, and the policy cannot be kept without" for name in unset)
        )
    rules = mapping_of(fields.get("_rules") or fields.get("rules"), at(where, "rules"))
    refuse_others(rules, ("max_server_per_host",), {}, at(where, "rules"))
    return {"policy": _policy(fields, where), **only(fields, _OF_MEMBERS), **_counted(rules, where)}


def _policy(fields: Fields, where: str) -> Any:
    one = [fields["policy"]] if fields.get("policy") else []
    policies = set(ordered_of([*one, *list_of(fields.get("policies"), at(where, "policies"))], where))
    if len(policies) != 1:
        raise InvalidRequest(f"{where}.policy: expected exactly one policy, got {len(policies)}")
    return policies.pop()


def _counted(rules: Mapping[str, Any], where: str) -> Fields:
    name = "max_server_per_host"
    return {name: count_of(rules[name], f"{where}.rules.{name}")} if rules.get(name) is not None else {}


def _legacy_group(wanted: Fields) -> Fields:
    lists = {new: ordered_of(wanted.get(old), f"filter_properties.{old}") for old, new in _OF_GROUP.items()}
    return {"uuid": wanted.get("group_uuid"), **lists}


def _destination(wanted: Any, where: str) -> Fields:
    fields = fields_of(wanted, "Destination", where)
    _refuse_others(fields, (*_OF_DESTINATION, "cell", "allow_cross_cell_move"), "Destination", where)
    sets = list_of(fields.get("aggregates"), at(where, "aggregates"))
    aggregates = [str(any_of).split(",") for any_of in sets]
    forbidden = ordered_of(fields.get("forbidden_aggregates"), at(where, "forbidden_aggregates"))
    return {
        **only(fields, ("host", "node")),
        "aggregates": aggregates,
        "forbidden_aggregates": forbidden,
        **(_cell(fields, where) if fields.get("cell") is not None else {}),
    }


def _cell(fields: Fields, where: str) -> Fields:
    """Return the cell of a destination; leaving it says nothing where there is none, as in Nova."""
    cell = fields_of(fields["cell"], "CellMapping", at(where, "cell"))
    refuse_others(cell, ("uuid",), PASSED_OVER["CellMapping"], at(where, "cell"))
    return {"cell": cell.get("uuid"), **only(fields, ("allow_cross_cell_move",))}


def _requested_resources(groups: Any, where: str) -> list[Fields]:
    listed = objects_of(groups, "list of RequestGroup", where)
    return [_resources(group, f"{where}[{position}]") for position, group in enumerate(listed)]


def _resources(group: Any, where: str) -> Fields:
    fields = fields_of(group, "RequestGroup", where)
    sets = ("required_traits", "forbidden_traits", "forbidden_aggregates")
    simple = ("requester_id", "resources", "aggregates", "in_tree")
    _refuse_others(fields, (*sets, *simple, "use_same_provider"), "RequestGroup", where)
    if fields.get("use_same_provider") is False:
        raise InvalidRequest(f"{where}.use_same_provider: a group is always of one provider")
    return {
        **only(fields, simple),
        **{name: ordered_of(fields[name], at(where, name)) for name in sets if says(fields.get(name))},
    }


def _of_root(params: Any) -> Fields:
    if params is None:
        return {}
    where, traits = "request_level_params", ("root_required", "root_forbidden")
    fields = fields_of(params, "RequestLevelParams", where)
    _refuse_others(fields, (*traits, "same_subtree"), "RequestLevelParams", where)
    sets = {name: ordered_of(fields.get(name), at(where, name)) for name in traits}
    return {**only(fields, ("same_subtree",)), **sets}


def _hints(fields: Fields) -> Fields:
    """Return the hints but the group's, which its members and hosts stand for; a list of one text is that text."""
    hints = mapping_of(fields.get("scheduler_hints"), "scheduler_hints")
    internal = [name for name in hints if name.startswith("_nova")]
    if internal:
        raise InvalidRequest(
            *(f"scheduler_hints[{shown(name)}]: the operation is an argument, not a hint" for name in internal)
        )
    if "group" in hints and not says(fields.get("instance_group")):
        raise InvalidRequest("scheduler_hints['group']: needs instance_group, loaded with its members and hosts")
    hints.pop("group", None)
    return {name: value[0] if isinstance(value, list) and len(value) == 1 else value for name, value in hints.items()}
