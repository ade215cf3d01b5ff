"""The search: every marker, under every transformation that a program might apply, and every eight characters of it.

Text is split where no transformed marker could be, and each part is looked up in one dictionary a width. A part that
was clean once is clean for ever, so the words of which every record consists are looked up once. Dashes do not count:
"-4a6b-8c" would be in one UUID of a quarter of a million.
"""

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

from canaries.markers import WIDTH, Marker

REMEMBERED = 200_000

# What a record or a traceback holds that is random and not ours: where an object lies in memory.
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]+")
_PART = re.compile(r"[a-z0-9_%+/.\\\-]{8,}+")
_BACKSLASHES = re.compile(r"\\{2,}")


@dataclass(frozen=True, slots=True)
class Technique:
    """A way to write a marker; eight characters of the marker are ``width`` characters then."""

    name: str
    write: Callable[[str], str]
    width: int = WIDTH


def _in_hex(text: str) -> str:
    return text.encode().hex()


def _percent(text: str) -> str:
    return "".join(f"%{ord(character):02x}" for character in text)


def _json_escaped(text: str) -> str:
    return "".join(f"\\u{ord(character):04x}" for character in text)


def _repr_escaped(text: str) -> str:
    return "".join(f"\\x{ord(character):02x}" for character in text)


def base64_after(offset: int) -> Callable[[str], str]:
    """Return base64 of text that stands so many bytes after a multiple of three; only what the text alone decides."""

    def write(text: str) -> str:
        data = bytes(offset) + text.encode()
        first, last = -(-offset * 8 // 6), len(data) * 8 // 6
        return base64.b64encode(data).decode()[first:last]

    return write


TECHNIQUES = (
    Technique("plain", str),
    Technique("upper case", str.upper),
    Technique("lower case", str.lower),
    Technique("without dashes", lambda text: text.replace("-", "")),
    Technique("reversed", lambda text: text[::-1]),
    Technique("base64", base64_after(0)),
    Technique("base64 after one byte", base64_after(1)),
    Technique("base64 after two bytes", base64_after(2)),
    Technique("hexadecimal", _in_hex, 2 * WIDTH),
    Technique("URL escapes", _percent, 3 * WIDTH),
    Technique("repr escapes", _repr_escaped, 4 * WIDTH),
    Technique("JSON escapes", _json_escaped, 6 * WIDTH),
    Technique("quoted for a URL", lambda text: quote(text, safe="")),
    Technique("quoted for JSON", lambda text: json.dumps(text)[1:-1]),
)


class Search:
    """Finds markers in text. Case does not matter."""

    def __init__(self, markers: Iterable[Marker]) -> None:
        self._grams: dict[int, dict[str, Marker]] = {}
        self._clean: set[str] = set()
        for marker in markers:
            self._add(marker)

    def among(self, parts: Iterable[str]) -> set[Marker]:
        """Return the markers of which at least eight characters are in one of the parts of a text."""
        return {marker for part in parts if part not in self._clean for marker in self._in_part(part)}

    def _add(self, marker: Marker) -> None:
        for technique in TECHNIQUES:
            written = _joined(technique.write(marker.text).lower())
            grams = self._grams.setdefault(technique.width, {})
            grams.update((gram, marker) for gram in _grams(written, technique.width))

    def _in_part(self, part: str) -> set[Marker]:
        found = {grams[gram] for width, grams in self._grams.items() for gram in _grams(part, width) if gram in grams}
        if not found:
            self._remember(part)
        return found

    def _remember(self, part: str) -> None:
        if len(self._clean) >= REMEMBERED:
            self._clean.clear()
        self._clean.add(part)


def _grams(text: str, width: int) -> Iterator[str]:
    return (text[at : at + width] for at in range(len(text) - width + 1))


def parts_of(text: str) -> set[str]:
    """Return the parts of a text that are long enough to hold eight characters of a marker."""
    if "\\\\" in text:
        text = _BACKSLASHES.sub(r"\\", text)
    if "0x" in text:
        text = _ADDRESS.sub(" ", text)
    return set(map(_joined, _PART.findall(text.lower())))


def _joined(part: str) -> str:
    return part.replace("-", "")
