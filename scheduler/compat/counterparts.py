"""What Nova has and nothing here stands for, and the error of a plugin that asks for it."""

from collections.abc import Mapping

WITHOUT_COUNTERPART: Mapping[str, frozenset[str]] = {
    "HostState": frozenset({"consume_from_request", "update"}),
    "RequestSpec": frozenset(
        {"id", "limits", "network_metadata", "requested_networks", "retry", "security_groups"}
        | {"create", "destroy", "save", "get_request_group_mapping", "to_legacy_filter_properties_dict"}
        | {"to_legacy_request_spec_dict"}
    ),
    "Flavor": frozenset(
        {"id", "flavorid", "rxtx_factor", "vcpu_weight", "disabled", "is_public", "projects", "description"}
    ),
    "ImageMeta": frozenset(
        {"name", "status", "visibility", "protected", "checksum", "owner", "size", "virtual_size", "min_ram"}
        | {"container_format", "created_at", "updated_at", "tags", "direct_url", "min_disk"}
    ),
    "InstanceGroup": frozenset({"id", "name", "user_id", "project_id"}),
    "Aggregate": frozenset({"id", "hosts"}),
    "Instance": frozenset(
        {"flavor", "host", "image_ref", "metadata", "node", "project_id", "system_metadata", "user_id"}
    ),
}
"""What Nova has and a view has not, by Nova's class; an error may name these, for they are no text of a tenant."""


class NoCounterpart(AttributeError):
    """A view has no such attribute; ``told`` says so without a word that is not Nova's or ours."""

    def __init__(self, kind: str, name: str) -> None:
        """Name the attribute in the text; in ``told`` only where it is known to be Nova's."""
        super().__init__(f"{kind}.{name} of Nova has no counterpart here", name=name)
        known = name in WITHOUT_COUNTERPART.get(kind, ())
        self.told = f"{f'{kind}.{name}' if known else f'an attribute of {kind}'} has no counterpart here"
