"""From the request of a case, in our words, to Nova's RequestSpec."""

from typing import Any

from nova import objects

from parity.theirs.states import Fields

SIZES = {"vcpus": 1, "memory_mb": 1, "root_gb": 0, "ephemeral_gb": 0, "swap": 0}


def spec_of(case: Fields) -> objects.RequestSpec:
    """Return the request of a case."""
    asked = case["request"]
    return objects.RequestSpec(
        instance_uuid=asked.get("instance_uuid", "00000000-0000-4000-8000-000000000000"),
        num_instances=asked.get("num_instances", 1),
        project_id=asked.get("project_id", "p"),
        user_id="u",
        flavor=_flavor(asked.get("flavor", {})),
        image=_image(asked["image"]) if "image" in asked else None,
        instance_group=_group(asked["instance_group"]) if "instance_group" in asked else None,
        requested_destination=_destination(asked["requested_destination"]) if _has_destination(asked) else None,
        scheduler_hints={name: _listed(value) for name, value in asked.get("scheduler_hints", {}).items()},
        availability_zone=asked.get("availability_zone"),
        is_bfv=asked.get("is_bfv", False),
        numa_topology=None,
        pci_requests=objects.InstancePCIRequests(requests=_devices(asked)),
        requested_resources=[_resources(group) for group in asked.get("requested_resources", [])],
        requested_networks=objects.NetworkRequestList(objects=_networks(asked)),
        request_level_params=_level(asked),
        limits=objects.SchedulerLimits(),
        retry=None,
        **{name: asked.get(name) for name in ("ignore_hosts", "force_hosts", "force_nodes")},
    )


def _has_destination(asked: Fields) -> bool:
    return "requested_destination" in asked


def _flavor(said: Fields) -> objects.Flavor:
    sizes = {name: said.get(name, default) for name, default in SIZES.items()}
    return objects.Flavor(name=said.get("name", "custom"), extra_specs=said.get("extra_specs", {}), **sizes)


def _image(said: Fields) -> objects.ImageMeta:
    traits = {f"trait:{name}": "required" for name in said.get("traits_required", [])}
    properties = {**said.get("properties", {}), **traits}
    record: Fields = {name: said[name] for name in ("id", "disk_format") if name in said}
    return objects.ImageMeta.from_dict({**record, "name": "image", "properties": properties})


def _group(said: Fields) -> objects.InstanceGroup:
    limit = said.get("max_server_per_host")
    return objects.InstanceGroup(
        uuid="00000000-0000-4000-8000-00000000009a",
        policy=said["policy"],
        policies=[said["policy"]],
        members=list(said.get("members", [])),
        hosts=list(said.get("hosts", [])),
        rules={} if limit is None else {"max_server_per_host": str(limit)},
    )


def _destination(said: Fields) -> objects.Destination:
    fields: dict[str, Any] = {"allow_cross_cell_move": said.get("allow_cross_cell_move", False)}
    if "host" in said:
        fields |= {"host": said["host"], "node": said.get("node")}
    if "cell" in said:
        fields["cell"] = objects.CellMapping(uuid=said["cell"])
    destination = objects.Destination(**fields)
    for any_of in said.get("aggregates", []):
        destination.require_aggregates(any_of)
    if "forbidden_aggregates" in said:
        destination.append_forbidden_aggregates(set(said["forbidden_aggregates"]))
    return destination


def _resources(said: Fields) -> objects.RequestGroup:
    return objects.RequestGroup(
        use_same_provider=True,
        requester_id=said["requester_id"],
        resources=said.get("resources", {}),
        required_traits=set(said.get("required_traits", [])),
        forbidden_traits=set(said.get("forbidden_traits", [])),
        aggregates=said.get("aggregates", []),
        forbidden_aggregates=set(said.get("forbidden_aggregates", [])),
        in_tree=said.get("in_tree"),
    )


def _devices(asked: Fields) -> list[objects.InstancePCIRequest]:
    """Return the PCI requests that groups of PCI devices were made of, as Nova names them: the request and a number."""
    groups = [one for one in asked.get("requested_resources", []) if _is_pci(one.get("resources", {}))]
    ids = dict.fromkeys(one["requester_id"].rpartition("-")[0] for one in groups)
    return [objects.InstancePCIRequest(request_id=one, count=1, spec=[], alias_name="device") for one in ids]


def _is_pci(resources: dict[str, int]) -> bool:
    return any(name.startswith("CUSTOM_PCI_") for name in resources)


def _networks(asked: Fields) -> list[objects.NetworkRequest]:
    networks = asked.get("requested_networks", [])
    return [objects.NetworkRequest(**{name: one.get(name) for name in ("network_id", "port_id")}) for one in networks]


def _level(asked: Fields) -> objects.RequestLevelParams:
    return objects.RequestLevelParams(
        root_required=set(asked.get("root_required", [])),
        root_forbidden=set(asked.get("root_forbidden", [])),
        same_subtree=[list(suffixes) for suffixes in asked.get("same_subtree", [])],
    )


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
