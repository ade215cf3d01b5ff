"""Read-only views with Nova's attribute names, for classes that were written for Nova."""

from collections.abc import Mapping
from typing import Any, NoReturn, Self

from scheduler.compat.counterparts import NoCounterpart


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
