"""Read-only views with Nova's attribute names, for classes that were written for Nova."""

from collections.abc import Mapping
from typing import Any, NoReturn, Self

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


class ReadOnlyDict(dict[str, Any]):
    """A dictionary that a plugin can read and not change; a copy of it is a plain one."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("what a plugin is shown cannot be changed")

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse

    def __copy__(self) -> dict[str, Any]:
        return dict(self)

    def __deepcopy__(self, memo: Any) -> dict[str, Any]:
        return dict(self)


class View:
    """Values under the attribute names of a class of Nova; cannot be changed.

    Like Nova's objects it can be asked whether an attribute is set (``in``, ``obj_attr_is_set``), and read like a
    dictionary. Raises NoCounterpart.
    """

    __slots__ = ("_kind", "_values")

    _kind: str
    _values: Mapping[str, Any]

    def __init__(self, kind: str, values: Mapping[str, Any]) -> None:
        object.__setattr__(self, "_kind", kind)
        object.__setattr__(self, "_values", values)

    def __getattr__(self, name: str) -> Any:
        if name not in self._values:
            raise NoCounterpart(self._kind, name)
        return self._values[name]

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError("what a plugin is shown cannot be changed", name=name)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Any) -> Self:
        return self

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)

    def __repr__(self) -> str:
        return f"{self._kind} with {', '.join(self._values)}"

    def obj_attr_is_set(self, name: str) -> bool:
        """Tell whether there is such an attribute."""
        return name in self._values

    def obj_clone(self) -> Self:
        """Return the view itself, which nobody can change."""
        return self

    def get(self, name: str, default: Any = None) -> Any:
        """Return an attribute, or the default where there is none."""
        return self._values.get(name, default)
