"""Why a request does not fit its schema, in words an API user can act on.

The decoder says what it met and where; the schema says what is welcome there. Text of the tenant appears escaped and
cut to 40 characters, and only where it is the thing to correct.
"""

import difflib
import re
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import inspect

_PLACE = re.compile(r"(?P<what>.*?)(?: - at (?P<key>`key` in )?`\$(?P<path>[\w.\[\]]*)`)?", re.DOTALL)
_TYPES = re.compile(r"Expected `(?P<wanted>[a-z |]+)`, got `(?P<got>[a-z]+)`")
_FIELD = re.compile(r"Object (?P<how>missing required|contains unknown) field `(?P<name>.*)`", re.DOTALL)
_ENUM = re.compile(r"Invalid enum value '?(?P<value>.*?)'?", re.DOTALL)
_NOUNS = {
    "int": "an integer",
    "str": "a string",
    "bool": "a boolean",
    "float": "a number",
    "object": "an object",
    "array": "an array",
    "null": "null",
    "uuid": "a UUID",
}


def shown(text: str) -> str:
    """Return text of somebody else for a message: quoted, escaped, 40 characters at most."""
    escaped = ascii(text)[1:-1]
    return f"'{escaped}'" if len(escaped) <= 40 else f"'{escaped[:37]}...'"


def in_words(error: msgspec.MsgspecError, schema: type) -> str:
    """Return "field: what is wrong" for what the decoder raised."""
    if not isinstance(error, msgspec.ValidationError):
        return f"request: {_of_json(str(error))}"
    place = _PLACE.fullmatch(str(error))
    what, key, path = place.group("what", "key", "path") if place else ("", None, None)
    steps = re.findall(r"\w+|\[\.\.\.\]|\[\d+\]", path or "")
    node = _node(inspect.type_info(schema), steps, bool(key))
    where = (path or "").removeprefix(".").replace("[...]", "")
    return _sentence(where, what, node, "[...]" in steps[-1:], bool(key))


def _of_json(text: str) -> str:
    position = re.search(r"\(byte (\d+)\)", text)
    if position:
        return f"not valid JSON at byte {position[1]}"
    return "ends before it is complete" if "truncated" in text else "not valid JSON"


def _sentence(where: str, what: str, node: Any, of_value: bool, of_key: bool) -> str:
    named = _FIELD.fullmatch(what)
    if named:
        return _about_field(where, named["name"], named["how"].startswith("missing"), node)
    part = "each key " if of_key else "each value " if of_value else ""
    return f"{where or 'request'}: {part}{_about_value(what, node)}"


def _about_field(where: str, name: str, missing: bool, node: Any) -> str:
    if missing:
        return f"{where}.{name}: is required".removeprefix(".")
    known = [f.name for f in getattr(node, "fields", ())]
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"known ones are {', '.join(known)}"
    return f"{where or 'request'}: unknown field {shown(name)}, {hint}"


def _about_value(what: str, node: Any) -> str:
    types = _TYPES.fullmatch(what)
    if types:
        wanted = " or ".join(_NOUNS.get(kind, kind) for kind in types["wanted"].split(" | "))
        return f"expected {wanted}, got {_NOUNS.get(types['got'], types['got'])}"
    value = _ENUM.fullmatch(what)
    if value and isinstance(node, inspect.LiteralType):
        return f"{shown(value['value'])} is not one of {', '.join(map(str, node.values))}"
    return f"must be {_welcome(node)}"


def _welcome(node: Any) -> str:
    """Return what a place of the schema takes: its own description, or its type."""
    if isinstance(node, inspect.Metadata):
        return str((node.extra_json_schema or {}).get("description", "as documented"))
    return "a UUID" if isinstance(node, inspect.UUIDType) else "as documented"


def _node(info: Any, steps: list[str], of_key: bool) -> Any:
    """Walk the schema along a path like ["requested_resources", "[0]", "in_tree"]."""
    node = _bare(info)
    for step in steps:
        node = _bare(next(_children(node, step), None))
    return _bare(node.key_type) if of_key and isinstance(node, inspect.DictType) else node


def _children(node: Any, step: str) -> Iterator[Any]:
    if isinstance(node, inspect.StructType):
        yield from (f.type for f in node.fields if f.name == step)
    elif isinstance(node, inspect.DictType):
        yield node.value_type
    elif isinstance(node, inspect.VarTupleType):
        yield node.item_type


def _bare(node: Any) -> Any:
    """Take "or null" away, and a description that is only the class's docstring."""
    if isinstance(node, inspect.UnionType):
        return _bare(next(kind for kind in node.types if not isinstance(kind, inspect.NoneType)))
    if isinstance(node, inspect.Metadata) and not isinstance(node.type, inspect.StrType | inspect.IntType):
        return _bare(node.type)
    return node
