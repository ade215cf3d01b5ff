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

MAX_PATH = 100  # characters
NOT_HONOURED = "not honoured by any enabled filter"

_PLACE = re.compile(r"(?P<what>.*?)(?: - at (?P<key>`key` in )?`\$(?P<path>[\w.\[\]]*)`)?", re.DOTALL)
_TYPES = re.compile(r"Expected `(?P<wanted>[a-z |]+)`, got `(?P<got>[a-z]+)`")
_FIELD = re.compile(r"Object (?P<how>missing required|contains unknown) field `(?P<name>.*)`", re.DOTALL)
_ENUM = re.compile(r"Invalid enum value '?(?P<value>.*?)'?", re.DOTALL)
_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,40}")
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
    escaped = ascii(text + '"')[1:-2]  # with that character in it, ascii escapes our own quotes
    return f"'{escaped}'" if len(escaped) <= 40 else f"'{escaped[:37]}...'"


def named(name: str) -> str:
    """Return a name that somebody else gave for a message: as it is when it looks like one, else like other text."""
    return name if _NAME.fullmatch(name) else shown(name)


def in_words(error: msgspec.MsgspecError, schema: type, document: str = "request") -> str:
    """Return "field: what is wrong" for what the decoder raised; ``document`` is what has no field."""
    if not isinstance(error, msgspec.ValidationError):
        return f"{document}: {_of_json(str(error))}"
    place = _PLACE.fullmatch(str(error))
    what, key, path = place.group("what", "key", "path") if place else ("", None, None)
    steps = re.findall(r"\w+|\[\.\.\.\]|\[\d+\]", path or "")
    node = _node(inspect.type_info(schema), steps, bool(key))
    where = _short((path or "").removeprefix(".").replace("[...]", ""))
    return _sentence(where, document, what, node, "[...]" in steps[-1:], bool(key))


def _short(path: str) -> str:
    """Cut a path that nests deeper than anything of ours."""
    return path if len(path) <= MAX_PATH else f"{path[:MAX_PATH]}..."


def _of_json(text: str) -> str:
    position = re.search(r"\(byte (\d+)\)", text)
    if position:
        return f"not valid JSON at byte {position[1]}"
    return "ends before it is complete" if "truncated" in text else "not valid JSON"


def _sentence(where: str, document: str, what: str, node: Any, of_value: bool, of_key: bool) -> str:
    field = _FIELD.fullmatch(what)
    if field and field["how"].startswith("missing"):
        return f"{where}.{field['name']}: is required".removeprefix(".")
    if field:
        return f"{where or document}: unknown field {shown(field['name'])}, {_known_fields(field['name'], node)}"
    part = "each key " if of_key else "each value " if of_value else ""
    return f"{where or document}: {part}{_about_value(what, node)}"


def _known_fields(name: str, node: Any) -> str:
    known = [f.name for f in getattr(node, "fields", ())]
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else f"known ones are {', '.join(known)}"


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
    node = info
    for step in steps:
        node = next(_children(_bare(node), step), None)
    return _plain(_bare(node).key_type) if of_key and isinstance(_bare(node), inspect.DictType) else _plain(node)


def _children(node: Any, step: str) -> Iterator[Any]:
    if isinstance(node, inspect.StructType):
        yield from (f.type for f in node.fields if f.name == step)
    elif isinstance(node, inspect.DictType):
        yield node.value_type
    elif isinstance(node, inspect.VarTupleType):
        yield node.item_type


def _bare(node: Any) -> Any:
    """Take "or null" and every description away."""
    plain = _plain(node)
    return _bare(plain.type) if isinstance(plain, inspect.Metadata) else plain


def _plain(node: Any) -> Any:
    """Take "or null" away, and a description that is only the class's docstring."""
    if isinstance(node, inspect.UnionType):
        return _plain(next(kind for kind in node.types if not isinstance(kind, inspect.NoneType)))
    if isinstance(node, inspect.Metadata) and isinstance(node.type, inspect.StructType):
        return _plain(node.type)
    return node
