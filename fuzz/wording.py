"""The rule for messages: one line that names a place and a reason, and no text of the input outside of quotes.

``messages.shown`` quotes at most 40 escaped characters, and only what is to be corrected; some targets quote names of
their own form. Whatever else of the input turns up in a message, eight characters of it in a row, is a finding, unless
those characters are in the program's own text.
"""

import ast
import importlib.util
import re
import warnings
from functools import cache, lru_cache
from pathlib import Path

MOST = 500
INFIX = 8
BREAK = "\uffff"  # stands for a word of ours, and is in no input that is text
PACKAGES = ("scheduler", "placement_client")

PLACE_AND_REASON = re.compile(r"[^:]{1,200}: \S.*")
# What a ``PlacementError`` says: the operation, and sentences that are always the same.
SENTENCES = re.compile(r"(?:[A-Z]+ /[a-z_{}/]*: )?[A-Z][^()]{10,200}\.(?: \([^()]*\))?")
QUOTED = re.compile(r"'(?:[^'\\]|\\.){0,40}'")
NUMBERED = re.compile(r"request req-[0-9a-f-]{36}")  # the server's own request id, in the one form it can have


def fault_in(message: str, data: bytes, place: re.Pattern[str], quoted: re.Pattern[str]) -> str | None:
    """Return what is wrong with a message about an input, None when it is as it should be."""
    if len(message) > MOST:
        return f"has {len(message)} characters"
    if not (message.isascii() and message.isprintable()):
        return "is not one line of printable characters"
    if not place.fullmatch(quoted.sub("''", message)):
        return f"does not name a place and a reason: {message[:80]}"
    return _quotes_outside(message, data, quoted)


def _quotes_outside(message: str, data: bytes, quoted: re.Pattern[str]) -> str | None:
    foreign = foreign_infixes(message, quoted)
    text = _text_of(data) if foreign else ""
    return next((f"holds text of the input: {infix}" for infix in foreign if infix in text), None)


@lru_cache(4096)
def foreign_infixes(message: str, quoted: re.Pattern[str]) -> tuple[str, ...]:
    """Return the infixes of a message that are neither in quotes nor the program's own text."""
    rest = re.sub(r"\w+", lambda word: BREAK if word[0] in own_texts() else word[0], quoted.sub("''", message))
    infixes = (rest[at : at + INFIX] for at in range(len(rest) - INFIX + 1))
    return tuple(infix for infix in infixes if infix not in own_infixes())


@cache
def own_infixes() -> frozenset[str]:
    """Return the infixes of every text in the program: what it may say whatever the input is."""
    return frozenset(text[at : at + INFIX] for text in own_texts() for at in range(len(text) - INFIX + 1))


@cache
def own_texts() -> frozenset[str]:
    """Return every text and every name of a field in the program."""
    return frozenset(text for package in PACKAGES for file in _files(package) for text in _texts(file))


def _files(package: str) -> list[Path]:
    spec = importlib.util.find_spec(package)
    return [file for place in (spec and spec.submodule_search_locations) or () for file in Path(place).rglob("*.py")]


def _texts(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    spoken = [node for node in ast.walk(tree) if not isinstance(node, ast.Expr)]  # all but docstrings
    inner = [child for node in spoken for child in ast.iter_child_nodes(node) if isinstance(child, ast.Constant)]
    texts = {node.value for node in inner if isinstance(node.value, str)}
    fields = {ast.unparse(node.target) for node in ast.walk(tree) if isinstance(node, ast.AnnAssign)}
    return texts | fields


def _text_of(data: bytes) -> str:
    """Return an input as it stands, and with the escapes of JSON undone."""
    text = data.decode("utf-8", "replace")
    if b"\\" not in data:
        return text
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of escapes that Python does not know
        return text + "\n" + data.decode("unicode_escape", "replace")
