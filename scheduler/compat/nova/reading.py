"""Reading what Nova made, in each of its forms: its objects, their primitives, and plain dictionaries.

Nova itself is not needed: an object is known by its ``fields`` and ``obj_attr_is_set``, a primitive by its keys
``nova_object.name`` and ``nova_object.data``. Attributes that an object has not set are never loaded.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from scheduler.errors import InvalidRequest
from scheduler.model.messages import in_words, named

Kind = TypeVar("Kind")
Fields = dict[str, Any]

_COUNT = re.compile(r"[0-9]{1,16}", re.ASCII)
_NAME, _DATA = "nova_object.name", "nova_object.data"


def fields_of(thing: Any, kind: str, where: str) -> Fields:
    """Return the fields of an object of Nova that are set, in whatever form it comes.

    ``kind`` is the name of its class at Nova. InvalidRequest when it is something else.
    """
    if isinstance(thing, Mapping) and _DATA in thing:
        told, data = thing.get(_NAME), thing[_DATA]
    elif isinstance(thing, Mapping):
        told, data = kind, thing
    elif hasattr(thing, "obj_attr_is_set"):
        told = thing.obj_name() if hasattr(thing, "obj_name") else kind
        data = {name: getattr(thing, name) for name in thing.fields if thing.obj_attr_is_set(name)}
    else:
        told, data = kind, None
    if told != kind or not isinstance(data, Mapping):
        raise InvalidRequest(f"{where}: expected a {kind} of Nova")
    return {str(name): value for name, value in data.items()}


def objects_of(things: Any, kind: str, where: str) -> list[Any]:
    """Return the members of a list: of a plain one, or of one of Nova's list objects in any form."""
    if isinstance(things, Mapping) or hasattr(things, "obj_attr_is_set"):
        things = fields_of(things, kind, where).get("objects", ())
    return list_of(things, where)


def refuse_others(fields: Fields, known: Collection[str], passed_over: Mapping[str, str], where: str) -> None:
    """Raise InvalidRequest naming every field that says something and is neither converted nor passed over."""
    strange = [name for name, value in fields.items() if name not in known and name not in passed_over and says(value)]
    if strange:
        raise InvalidRequest(*(f"{at(where, named(name))}: cannot be expressed here" for name in sorted(strange)))


def says(value: Any) -> bool:
    """Tell whether a value says anything: None, False and what is empty do not."""
    return value is not None and value is not False and (not isinstance(value, Collection) or bool(value))


def at(where: str, name: str) -> str:
    """Return the path of a field, for a message."""
    return f"{where}.{name}" if where else name


def mapping_of(value: Any, where: str) -> Fields:
    """Return a dictionary of Nova, None being an empty one. Raises InvalidRequest."""
    if value is not None and not isinstance(value, Mapping):
        raise InvalidRequest(f"{where}: expected an object")
    return {str(name): part for name, part in (value or {}).items()}


def list_of(value: Any, where: str) -> list[Any]:
    """Return a list, set or tuple of Nova as a list, None being an empty one. Raises InvalidRequest."""
    if value is not None and (isinstance(value, str | Mapping) or not isinstance(value, Collection)):
        raise InvalidRequest(f"{where}: expected an array")
    return list(value or ())


def ordered_of(value: Any, where: str) -> list[str]:
    """Return what Nova holds as a set, in order, so that the same object always gives the same value."""
    return sorted(str(part) for part in list_of(value, where))


def count_of(value: Any, where: str) -> int:
    """Return a natural number, which Nova keeps as text here and there. Raises InvalidRequest."""
    if not _COUNT.fullmatch(str(value)):
        raise InvalidRequest(f"{where}: expected an integer")
    return int(value)


def only(fields: Mapping[str, Any], names: Iterable[str]) -> Fields:
    """Return these fields, as far as they are there and not None."""
    return {name: fields[name] for name in names if fields.get(name) is not None}


def typed(plain: Any, kind: type[Kind], document: str) -> Kind:
    """Return plain values as one of ours. Raises InvalidRequest naming the field that does not fit."""
    try:
        return msgspec.convert(plain, kind)
    except msgspec.ValidationError as error:
        problem = in_words(error, kind, document)
    raise InvalidRequest(problem)


def seconds_of(moment: Any, where: str) -> float | None:
    """Return a time of Nova (a datetime, naive ones in UTC, or its text) in seconds since the epoch, None for None."""
    if moment is None:
        return None
    try:
        known = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        return float((known if known.tzinfo else known.replace(tzinfo=UTC)).timestamp())
    except (AttributeError, ValueError, OverflowError):
        problem = f"{where}: expected a date and time"
    raise InvalidRequest(problem)
